// See ese_builder.h. The checksums here are the slow, literal reading of the format facts.
#include "support/ese_builder.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <stdexcept>

namespace ntdsb::test {
namespace {

constexpr std::uint32_t seed_value = 0x89ABCDEF;
constexpr std::size_t log_header_bytes = 4096;
constexpr std::size_t file_type_at = 667;

void put(std::byte* at, std::uint64_t value, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) at[i] = static_cast<std::byte>(value >> 8 * i & 0xFF);
}
void put16(Bytes& to, std::size_t offset, std::uint16_t value) {
    put(to.data() + offset, value, 2);
}
void put32(Bytes& to, std::size_t offset, std::uint32_t value) {
    put(to.data() + offset, value, 4);
}
void put64(Bytes& to, std::size_t offset, std::uint64_t value) {
    put(to.data() + offset, value, 8);
}

template <std::size_t N>
void put_array(Bytes& to, std::size_t offset, const std::array<std::byte, N>& value) {
    std::copy(value.begin(), value.end(), to.begin() + static_cast<std::ptrdiff_t>(offset));
}

std::uint32_t get32(const std::byte* at) {
    std::uint32_t value = 0;
    for (std::size_t i = 4; i-- > 0;) value = value << 8 | std::to_integer<std::uint32_t>(at[i]);
    return value;
}

// Pseudo-random bytes (xorshift), the same everywhere.
void fill(std::byte* at, std::size_t size, std::uint64_t seed) {
    std::uint64_t x = seed * 0x9E3779B97F4A7C15u + 1;
    for (std::size_t i = 0; i < size; ++i) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        at[i] = static_cast<std::byte>(x & 0xFF);
    }
}

// The new checksum of one block, bit by bit.
std::uint64_t new_checksum(const std::byte* block, std::size_t size, std::size_t skip,
                           std::uint32_t number) {
    std::uint32_t dwords = number;
    for (std::size_t i = skip; i < size; i += 4) dwords ^= get32(block + i);
    const std::uint32_t mask = static_cast<std::uint32_t>(size * 8 - 1);
    std::uint32_t plain = 0, inverted = 0;
    for (std::size_t i = skip; i < size; ++i) {
        for (unsigned bit = 0; bit < 8; ++bit) {
            if ((std::to_integer<unsigned>(block[i]) >> bit & 1u) == 0) continue;
            const auto address = static_cast<std::uint32_t>(i * 8 + bit);
            plain ^= address;
            inverted ^= ~address & mask;
        }
    }
    return std::uint64_t{inverted & 0xFFFF} << 48 | std::uint64_t{plain & 0xFFFF} << 32 | dwords;
}

void seal_header(Bytes& header) {
    put32(header, 0, builder_header_checksum(header.data(), header.size()));
}

bool contains(const std::vector<std::uint32_t>& list, std::uint32_t value) {
    return std::find(list.begin(), list.end(), value) != list.end();
}

std::ofstream open_for_writing(const Path& path) {
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    if (!out) throw std::runtime_error("cannot create " + path.string());
    return out;
}

void append(std::ofstream& out, const Bytes& bytes) {
    out.write(reinterpret_cast<const char*>(bytes.data()),
              static_cast<std::streamsize>(bytes.size()));
}

} // namespace

Signature make_signature(std::uint32_t seed, std::string_view computer) {
    Signature signature{};
    put(signature.data(), seed * 2654435761u + 12345u, 4);
    const LogTime created = make_time(seed);
    std::copy(created.begin(), created.end(), signature.begin() + 4);
    for (std::size_t i = 0; i < std::min<std::size_t>(computer.size(), 15); ++i)
        signature[12 + i] = static_cast<std::byte>(computer[i]);
    return signature;
}

LogTime make_time(std::uint32_t seconds) {
    // 2020-01-01 and on; months of 28 days are as good as others here.
    LogTime time{};
    const std::uint32_t minutes = seconds / 60, hours = minutes / 60, days = hours / 24,
                        months = days / 28;
    time[0] = static_cast<std::byte>(seconds % 60);
    time[1] = static_cast<std::byte>(minutes % 60);
    time[2] = static_cast<std::byte>(hours % 24);
    time[3] = static_cast<std::byte>(days % 28 + 1);
    time[4] = static_cast<std::byte>(months % 12 + 1);
    time[5] = static_cast<std::byte>(120 + months / 12 % 100);
    time[6] = std::byte{1}; // UTC
    return time;
}

std::uint32_t builder_header_checksum(const std::byte* data, std::size_t size) {
    std::uint32_t sum = seed_value;
    for (std::size_t i = 4; i < size; i += 4) sum ^= get32(data + i);
    return sum;
}

void seal_page(std::byte* page, std::size_t size, std::uint32_t number, PageChecksum kind) {
    const std::uint32_t flags = get32(page + 36) & ~0x2000u;
    if (kind == PageChecksum::legacy) {
        put(page + 36, flags, 4);
        put(page + 4, number, 4);
        put(page, builder_header_checksum(page, size), 4);
        return;
    }
    put(page + 36, flags | 0x2000u, 4);
    if (size <= 8192) {
        put(page, new_checksum(page, size, 8, number), 8);
        return;
    }
    const std::size_t block = size / 4;
    for (std::size_t i = 1; i < 4; ++i)
        put(page + 32 + 8 * i, new_checksum(page + i * block, block, 0, number), 8);
    put(page, new_checksum(page, block, 8, number), 8);
}

EseDatabase& EseDatabase::page_size(std::uint32_t bytes) { return page_size_ = bytes, *this; }
EseDatabase& EseDatabase::pages(std::uint32_t count) { return pages_ = count, *this; }
EseDatabase& EseDatabase::page_checksum(PageChecksum kind) { return checksum_ = kind, *this; }
EseDatabase& EseDatabase::state(std::uint32_t state) { return state_ = state, *this; }
EseDatabase& EseDatabase::signature(const Signature& signature) {
    return signature_ = signature, *this;
}
EseDatabase& EseDatabase::log_signature(const Signature& signature) {
    return log_signature_ = signature, *this;
}
EseDatabase& EseDatabase::dbtime(std::uint64_t dbtime) { return dbtime_ = dbtime, *this; }
EseDatabase& EseDatabase::required(std::uint32_t min, std::uint32_t max) {
    return required_min_ = min, required_max_ = max, *this;
}
EseDatabase& EseDatabase::full_backup(std::uint32_t low, std::uint32_t high) {
    return full_low_ = low, full_high_ = high, *this;
}
EseDatabase& EseDatabase::content(std::uint32_t seed) { return seed_ = seed, *this; }
EseDatabase& EseDatabase::unused_page(std::uint32_t number) {
    return unused_pages_.push_back(number), *this;
}
EseDatabase& EseDatabase::header_u32(std::size_t offset, std::uint32_t value) {
    return header_fields_[offset] = value, *this;
}
EseDatabase& EseDatabase::damaged_header() { return damaged_header_ = true, *this; }
EseDatabase& EseDatabase::damaged_shadow() { return damaged_shadow_ = true, *this; }
EseDatabase& EseDatabase::damaged_page(std::uint32_t number) {
    return damaged_pages_.push_back(number), *this;
}
EseDatabase& EseDatabase::extra_bytes(std::uint32_t count) { return extra_bytes_ = count, *this; }

Bytes EseDatabase::header_page(bool damaged) const {
    Bytes page(page_size_);
    put32(page, 4, seed_value);
    put32(page, 8, 0x620);
    put64(page, 16, dbtime_);
    put_array(page, 24, signature_);
    put32(page, 52, state_);
    put32(page, 104, 1);
    put_array(page, 108, log_signature_);
    put32(page, 200, full_low_);
    put32(page, 204, full_high_);
    put32(page, 216, 6);
    put32(page, 220, 3);
    put32(page, 224, 9600);
    put32(page, 232, 0x14);
    put32(page, 236, page_size_);
    put32(page, 296, required_min_);
    put32(page, 300, required_max_);
    put32(page, file_type_at, 1);
    for (const auto& [offset, value] : header_fields_) put32(page, offset, value);
    seal_header(page);
    if (damaged) page[700] ^= std::byte{4};
    return page;
}

Bytes EseDatabase::data_page(std::uint32_t number) const {
    Bytes page(page_size_);
    if (contains(unused_pages_, number)) return page;
    fill(page.data() + 80, page.size() - 80, std::uint64_t{seed_} << 32 | number);
    put64(page, 8, dbtime_);
    put32(page, 24, 1); // the page's object; siblings 16 and 20 stay 0
    seal_page(page.data(), page.size(), number, checksum_);
    if (contains(damaged_pages_, number)) page[page.size() / 2] ^= std::byte{0x10};
    return page;
}

template <class Sink>
void EseDatabase::emit(Sink&& sink) const {
    sink(header_page(damaged_header_));
    sink(header_page(damaged_shadow_));
    for (std::uint32_t number = 1; number <= pages_; ++number) sink(data_page(number));
    if (extra_bytes_ != 0) sink(Bytes(extra_bytes_));
}

DatabaseFacts EseDatabase::facts() const {
    const Bytes header = header_page(false);
    return {signature_, std::uint64_t{page_size_} * (pages_ + 2) + extra_bytes_, dbtime_,
            get32(header.data())};
}

Bytes EseDatabase::bytes() const {
    Bytes all;
    emit([&](const Bytes& part) { all.insert(all.end(), part.begin(), part.end()); });
    return all;
}

void EseDatabase::write(const Path& path) const {
    auto out = open_for_writing(path);
    emit([&](const Bytes& part) { append(out, part); });
    if (!out.flush()) throw std::runtime_error("cannot write " + path.string());
}

EseLog::EseLog(const Signature& signature, std::uint32_t generation)
    : signature_(signature), generation_(generation), created_(default_created(generation)) {
    if (generation > 1) created_after_ = default_created(generation - 1);
}

EseLog& EseLog::sectors(std::uint16_t sector_bytes, std::uint16_t count) {
    return sector_bytes_ = sector_bytes, sectors_ = count, *this;
}
EseLog& EseLog::created(const LogTime& time) { return created_ = time, *this; }
EseLog& EseLog::created_after(const LogTime& time) { return created_after_ = time, *this; }
EseLog& EseLog::content(std::uint32_t seed) { return seed_ = seed, *this; }
EseLog& EseLog::header_u32(std::size_t offset, std::uint32_t value) {
    return header_fields_[offset] = value, *this;
}
EseLog& EseLog::damaged_header() { return damaged_ = true, *this; }
EseLog& EseLog::extra_bytes(std::int32_t count) { return extra_bytes_ = count, *this; }

LogTime EseLog::default_created(std::uint32_t generation) { return make_time(generation * 61); }

std::string EseLog::name(std::uint32_t generation) {
    const char* const digits = "0123456789ABCDEF";
    std::string hex;
    for (std::uint32_t rest = generation; rest != 0; rest /= 16)
        hex.insert(hex.begin(), digits[rest % 16]);
    const std::size_t width = generation > 0xFFFFF ? 8 : 5;
    return "edb" + std::string(width - hex.size(), '0') + hex + ".log";
}

Bytes EseLog::bytes() const {
    Bytes header(log_header_bytes);
    put32(header, 4, generation_);
    put16(header, 8, sector_bytes_);
    put16(header, 10, static_cast<std::uint16_t>(log_header_bytes / sector_bytes_));
    put16(header, 12, sectors_);
    put16(header, 14, 8192);
    put_array(header, 16, created_);
    put_array(header, 24, created_after_);
    put32(header, 32, 7);
    put32(header, 36, 3704);
    put_array(header, 44, signature_);
    put32(header, file_type_at, 3);
    for (const auto& [offset, value] : header_fields_) put32(header, offset, value);
    seal_header(header);
    if (damaged_) header[2000] ^= std::byte{1};

    Bytes all(std::size_t{sector_bytes_} * sectors_);
    std::copy(header.begin(), header.end(), all.begin());
    fill(all.data() + log_header_bytes, all.size() - log_header_bytes,
         std::uint64_t{seed_} << 32 | generation_);
    all.resize(static_cast<std::size_t>(static_cast<std::int64_t>(all.size()) + extra_bytes_));
    return all;
}

void EseLog::write(const Path& path) const { write_file(path, bytes()); }

LogChain& LogChain::from(std::uint32_t generation) { return from_ = generation, *this; }
LogChain& LogChain::to(std::uint32_t generation) { return to_ = generation, *this; }
LogChain& LogChain::current() { return current_ = true, *this; }
LogChain& LogChain::without(std::uint32_t generation) {
    return holes_.push_back(generation), *this;
}
LogChain& LogChain::content(std::uint32_t seed) { return seed_ = seed, *this; }

EseLog LogChain::log(std::uint32_t generation) const {
    return EseLog(signature_, generation).content(seed_);
}

void LogChain::write(const Path& folder) const {
    for (std::uint32_t g = from_; g <= to_; ++g) {
        if (contains(holes_, g)) continue;
        log(g).write(folder / (current_ && g == to_ ? "edb.log" : EseLog::name(g)));
    }
}

EseCheckpoint& EseCheckpoint::generation(std::uint32_t generation) {
    return generation_ = generation, *this;
}
EseCheckpoint& EseCheckpoint::damaged_header() { return damaged_header_ = true, *this; }
EseCheckpoint& EseCheckpoint::damaged_shadow() { return damaged_shadow_ = true, *this; }
EseCheckpoint& EseCheckpoint::header_u32(std::size_t offset, std::uint32_t value) {
    return header_fields_[offset] = value, *this;
}

Bytes EseCheckpoint::bytes() const {
    Bytes header(log_header_bytes);
    put16(header, 12, 8);
    put16(header, 14, 1);
    put32(header, 16, generation_);
    put_array(header, 20, signature_);
    put32(header, file_type_at, 4);
    for (const auto& [offset, value] : header_fields_) put32(header, offset, value);
    seal_header(header);
    Bytes all(2 * log_header_bytes); // the shadow follows
    for (const std::size_t at : {std::size_t{0}, log_header_bytes})
        std::copy(header.begin(), header.end(), all.begin() + static_cast<std::ptrdiff_t>(at));
    if (damaged_header_) all[600] ^= std::byte{8};
    if (damaged_shadow_) all[log_header_bytes + 600] ^= std::byte{8};
    return all;
}

void EseCheckpoint::write(const Path& path) const { write_file(path, bytes()); }

void write_reserve_log(const Path& path, std::size_t size) { write_file(path, Bytes(size)); }

Bytes read_file(const Path& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) throw std::runtime_error("cannot open " + path.string());
    in.seekg(0, std::ios::end);
    Bytes bytes(static_cast<std::size_t>(in.tellg()));
    in.seekg(0);
    in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    if (!in) throw std::runtime_error("cannot read " + path.string());
    return bytes;
}

void write_file(const Path& path, const Bytes& bytes) {
    auto out = open_for_writing(path);
    append(out, bytes);
    if (!out.flush()) throw std::runtime_error("cannot write " + path.string());
}

void flip_bit(const Path& path, std::uint64_t offset, unsigned bit) {
    Bytes bytes = read_file(path);
    bytes.at(static_cast<std::size_t>(offset)) ^= static_cast<std::byte>(1u << bit);
    write_file(path, bytes);
}

} // namespace ntdsb::test
