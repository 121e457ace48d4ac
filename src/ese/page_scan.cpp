// See page_scan.h. The file is read and checked in pieces; in a large one the caller's thread and a
// helper take them by turns.
#include "ese/page_scan.h"

#include "ese/header_file.h"
#include "ese/page_checksum.h"

#include <algorithm>
#include <exception>
#include <mutex>
#include <queue>
#include <system_error>
#include <thread>

namespace ntdsb::ese {
namespace {

constexpr std::uint64_t header_pages = 2;

struct DamagedPage {
    std::uint32_t number = 0;
    ChecksumFault fault;
    bool operator<(const DamagedPage& other) const { return number < other.number; }
};

class PageScan {
public:
    PageScan(const CheckedDatabase& database, const platform::File& file, const Work& work)
        : page_size_(database.header->page_size), file_(file), work_(work),
          next_(header_pages * page_size_) {}

    // False: nothing is left to take.
    bool check_a_piece(std::vector<std::byte>& buffer) {
        if (work_.cancelled() || ended_) return false;
        const std::uint64_t offset = next_.fetch_add(buffer.size());
        auto got = file_.read_at(offset, buffer);
        if (!got) {
            end_with(offset, std::move(got).error());
            return false;
        }
        check(std::span<const std::byte>(buffer).first(got.value()), offset);
        done_ += got.value();
        if (got.value() < buffer.size()) ended_ = true;
        return !ended_;
    }
    // What all threads have done since the last call.
    std::uint64_t take_done() { return done_.exchange(0); }

    void stop() noexcept { ended_ = true; }

    // By number, and then what went wrong.
    void report(const platform::Path& path, Findings& findings) {
        std::vector<DamagedPage> pages;
        for (; !lowest_.empty(); lowest_.pop()) pages.push_back(lowest_.top());
        std::reverse(pages.begin(), pages.end());
        for (const auto& [number, fault] : pages) {
            findings.add("VER-6", path,
                         fail(hrReadVerifyFailure, shown(path), ": page ", number, " at offset ",
                              (std::uint64_t{number} + 1) * page_size_,
                              " has a wrong checksum: at offset ", fault.offset, " of it is ",
                              hex(fault.found), " where ", hex(fault.expected), " is expected"));
        }
        if (damaged_ > pages.size())
            findings.add("VER-6", path,
                         fail(hrReadVerifyFailure, shown(path), ": ", damaged_ - pages.size(),
                              " more pages have wrong checksums"));
        if (failure_)
            findings.add("VER-6", path,
                         read_error(*failure_, static_cast<Code>(hrDatabaseNotFound)));
    }

private:
    // `pages` begins at `offset` of the file; a partial page at its end is left alone.
    void check(std::span<const std::byte> pages, std::uint64_t offset) {
        for (std::size_t at = 0; pages.size() - at >= page_size_; at += page_size_) {
            const auto number = static_cast<std::uint32_t>((offset + at) / page_size_ - 1);
            const auto page = pages.subspan(at, page_size_);
            if (!page_is_sound(page, number)) note({number, find_checksum_fault(page, number)});
        }
    }
    void note(const DamagedPage& page) {
        const std::lock_guard lock(mutex_);
        ++damaged_;
        lowest_.push(page);
        if (lowest_.size() > max_page_findings) lowest_.pop();
    }
    // Of several failures the first place's is told.
    void end_with(std::uint64_t offset, Error failure) {
        const std::lock_guard lock(mutex_);
        ended_ = true;
        if (failure_ && failed_at_ < offset) return;
        failure_ = std::move(failure);
        failed_at_ = offset;
    }

    const std::uint32_t page_size_;
    const platform::File& file_;
    const Work& work_;
    std::atomic<std::uint64_t> next_, done_{0};
    std::atomic<bool> ended_{false};
    std::mutex mutex_; // for all below
    std::priority_queue<DamagedPage> lowest_;
    std::uint64_t damaged_ = 0;
    std::optional<Error> failure_;
    std::uint64_t failed_at_ = 0;
};

// A second thread at the same scan, where the system gives one. What it cannot do for want of
// memory is the caller's failure.
class Helper {
public:
    explicit Helper(PageScan& scan) : buffer_(work_buffer_size), scan_(scan) {
        try {
            thread_ = std::thread([this] { run(); });
        } catch (const std::system_error&) { // the caller scans alone
        }
    }
    ~Helper() {
        scan_.stop(); // only an exception comes here before the end
        if (thread_.joinable()) thread_.join();
    }
    void join() {
        if (thread_.joinable()) thread_.join();
        if (failure_) std::rethrow_exception(failure_);
    }

private:
    void run() noexcept {
        try {
            while (scan_.check_a_piece(buffer_)) {
            }
        } catch (...) {
            failure_ = std::current_exception();
        }
    }
    std::vector<std::byte> buffer_;
    PageScan& scan_;
    std::exception_ptr failure_;
    std::thread thread_;
};

void scan_alone(PageScan& scan, Work& work) {
    std::vector<std::byte> buffer(work_buffer_size); // a multiple of every page size
    bool more = true;
    while (more) {
        more = scan.check_a_piece(buffer);
        if (const auto done = scan.take_done(); done != 0) work.done(done);
    }
}

} // namespace

std::uint64_t scan_size(const DatabaseHeader& header) noexcept {
    const std::uint64_t headers = header_pages * header.page_size;
    return header.file_size > headers ? header.file_size - headers : 0;
}

void scan_pages(const CheckedDatabase& database, platform::Links links, Work& work,
                Findings& findings) {
    auto file = platform::File::open_read(database.path, links);
    if (!file) {
        findings.add("VER-6", database.path,
                     read_error(file.error(), static_cast<Code>(hrDatabaseNotFound)));
        return;
    }
    PageScan scan(database, file.value(), work);
    if (scan_size(*database.header) < smallest_size_for_two) {
        scan_alone(scan, work);
    } else {
        Helper helper(scan);
        scan_alone(scan, work);
        helper.join();
        if (const auto done = scan.take_done(); done != 0 && !work.cancelled()) work.done(done);
    }
    scan.report(database.path, findings);
}

} // namespace ntdsb::ese
