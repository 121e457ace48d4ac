// Makes ESE databases, logs and checkpoints for tests, in any sound or unsound shape. Written from
// the format facts alone and sharing no code with src/ese, so that builder and verifier check each
// other. Everything is deterministic: equal calls give equal bytes.
//
//     const Signature sig = make_signature(1);
//     EseDatabase{}.pages(16).dirty().log_signature(sig).required(3, 7).write(folder / "ntds.dit");
//     LogChain{sig}.from(3).to(7).write(folder);
//     EseCheckpoint{sig}.generation(3).write(folder / "edb.chk");
//
// esedbinfo reads the databases' headers and finds no tables; it wants 24 pages or more, where a
// real database has its catalogs. Files that cannot be written throw std::runtime_error, which
// fails the test.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ntdsb::test {

using Path = std::filesystem::path;
using Bytes = std::vector<std::byte>;
using Signature = std::array<std::byte, 28>;
using LogTime = std::array<std::byte, 8>;

// Another signature for every seed; `computer` is cut to 15 characters.
Signature make_signature(std::uint32_t seed, std::string_view computer = "");
// `seconds` after an arbitrary fixed moment.
LogTime make_time(std::uint32_t seconds);

enum class PageChecksum { ecc, legacy };

// What an expiry token would say of the database (contract PREP-6).
struct DatabaseFacts {
    Signature signature{};
    std::uint64_t size = 0;
    std::uint64_t dbtime = 0;
    std::uint32_t header_checksum = 0;
};

class EseDatabase {
public:
    static constexpr std::uint32_t just_created_state = 1;
    static constexpr std::uint32_t dirty_state = 2;
    static constexpr std::uint32_t clean_state = 3;

    // By default: 8 KiB pages, 8 of them, clean shutdown, new checksums, a log signature of zero.
    EseDatabase& page_size(std::uint32_t bytes);
    EseDatabase& pages(std::uint32_t count); // besides the two header pages
    EseDatabase& page_checksum(PageChecksum kind);
    EseDatabase& state(std::uint32_t state);
    EseDatabase& clean() { return state(clean_state); }
    EseDatabase& dirty() { return state(dirty_state); }
    EseDatabase& signature(const Signature& signature);
    EseDatabase& log_signature(const Signature& signature);
    EseDatabase& dbtime(std::uint64_t dbtime);
    EseDatabase& required(std::uint32_t min, std::uint32_t max);
    EseDatabase& full_backup(std::uint32_t low, std::uint32_t high); // BKINFO full current
    EseDatabase& content(std::uint32_t seed);                        // other page contents
    EseDatabase& unused_page(std::uint32_t number);                  // all zeros
    // Any field of both headers, before their checksums are made.
    EseDatabase& header_u32(std::size_t offset, std::uint32_t value);

    // Unsound shapes. Page numbers count from 1.
    EseDatabase& damaged_header();                   // one bit of the first header
    EseDatabase& damaged_shadow();                   // one bit of the shadow header
    EseDatabase& damaged_page(std::uint32_t number); // one bit of a page's data
    EseDatabase& extra_bytes(std::uint32_t count);   // zeros after the last page

    DatabaseFacts facts() const;
    Bytes bytes() const;
    void write(const Path& path) const; // page by page: of any size

private:
    Bytes header_page(bool damaged) const;
    Bytes data_page(std::uint32_t number) const;
    template <class Sink>
    void emit(Sink&& sink) const;

    std::uint32_t page_size_ = 8192;
    std::uint32_t pages_ = 8;
    PageChecksum checksum_ = PageChecksum::ecc;
    std::uint32_t state_ = clean_state;
    Signature signature_ = make_signature(0xDB);
    Signature log_signature_{};
    std::uint64_t dbtime_ = 1000;
    std::uint32_t required_min_ = 0, required_max_ = 0, full_low_ = 0, full_high_ = 0, seed_ = 1;
    std::vector<std::uint32_t> unused_pages_, damaged_pages_;
    std::map<std::size_t, std::uint32_t> header_fields_;
    bool damaged_header_ = false, damaged_shadow_ = false;
    std::uint32_t extra_bytes_ = 0;
};

// One log file. Its creation time follows from its generation, so that separately made neighbours
// fit together.
class EseLog {
public:
    EseLog(const Signature& signature, std::uint32_t generation);
    EseLog& sectors(std::uint16_t sector_bytes, std::uint16_t count); // default 512 x 16
    EseLog& created(const LogTime& time);
    EseLog& created_after(const LogTime& time);
    EseLog& content(std::uint32_t seed); // other log records
    EseLog& header_u32(std::size_t offset, std::uint32_t value);
    EseLog& damaged_header();                // one bit
    EseLog& extra_bytes(std::int32_t count); // negative: cut off

    static LogTime default_created(std::uint32_t generation);
    // "edb0000A.log" as the verifier should spell it, made independently.
    static std::string name(std::uint32_t generation);

    std::uint32_t generation() const { return generation_; }
    Bytes bytes() const;
    void write(const Path& path) const;

private:
    Signature signature_;
    std::uint32_t generation_;
    std::uint16_t sector_bytes_ = 512, sectors_ = 16;
    LogTime created_, created_after_{};
    std::uint32_t seed_ = 1;
    std::map<std::size_t, std::uint32_t> header_fields_;
    bool damaged_ = false;
    std::int32_t extra_bytes_ = 0;
};

// Consecutive logs.
class LogChain {
public:
    explicit LogChain(const Signature& signature) : signature_(signature) {}
    LogChain& from(std::uint32_t generation);
    LogChain& to(std::uint32_t generation);
    LogChain& current();                         // the last one is written as edb.log
    LogChain& without(std::uint32_t generation); // a hole
    LogChain& content(std::uint32_t seed);

    EseLog log(std::uint32_t generation) const;
    void write(const Path& folder) const; // the folder must exist

private:
    Signature signature_;
    std::uint32_t from_ = 1, to_ = 1, seed_ = 1;
    bool current_ = false;
    std::vector<std::uint32_t> holes_;
};

class EseCheckpoint {
public:
    explicit EseCheckpoint(const Signature& signature) : signature_(signature) {}
    EseCheckpoint& generation(std::uint32_t generation);
    EseCheckpoint& damaged_header(); // one bit of the first copy
    EseCheckpoint& damaged_shadow(); // one bit of the second
    EseCheckpoint& header_u32(std::size_t offset, std::uint32_t value);
    Bytes bytes() const;
    void write(const Path& path) const;

private:
    Signature signature_;
    std::uint32_t generation_ = 1;
    bool damaged_header_ = false, damaged_shadow_ = false;
    std::map<std::size_t, std::uint32_t> header_fields_;
};

// A log or jrs file that the engine keeps in reserve: zeros.
void write_reserve_log(const Path& path, std::size_t size = 8192);

// Independent checksums, for tests of bytes that no class above makes.
std::uint32_t builder_header_checksum(const std::byte* data, std::size_t size);
void seal_page(std::byte* page, std::size_t size, std::uint32_t number, PageChecksum kind);

// Whole files, and damage of one thing.
Bytes read_file(const Path& path);
void write_file(const Path& path, const Bytes& bytes);
void flip_bit(const Path& path, std::uint64_t offset, unsigned bit = 0);

} // namespace ntdsb::test
