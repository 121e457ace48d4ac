// See page_scan.h.
#include "ese/page_scan.h"

#include "ese/header_file.h"
#include "ese/page_checksum.h"

#include <algorithm>

namespace ntdsb::ese {
namespace {

constexpr std::uint64_t header_pages = 2;

class PageScan {
public:
    PageScan(const CheckedDatabase& database, Findings& findings)
        : path_(database.path), page_size_(database.header->page_size), findings_(findings) {}

    // `pages` begins at `offset` of the file; a partial page at its end is left alone.
    void check(std::span<const std::byte> pages, std::uint64_t offset) {
        for (std::size_t at = 0; pages.size() - at >= page_size_; at += page_size_) {
            const auto number = static_cast<std::uint32_t>((offset + at) / page_size_ - 1);
            if (!page_is_sound(pages.subspan(at, page_size_), number)) report(number, offset + at);
        }
    }

    void finish() {
        if (damaged_ <= max_page_findings) return;
        findings_.add("VER-6", path_,
                      fail(hrReadVerifyFailure, shown(path_), ": ", damaged_ - max_page_findings,
                           " more pages have wrong checksums"));
    }

private:
    void report(std::uint32_t number, std::uint64_t offset) {
        if (++damaged_ > max_page_findings) return;
        findings_.add("VER-6", path_,
                      fail(hrReadVerifyFailure, shown(path_), ": page ", number, " at offset ",
                           offset, " has a wrong checksum"));
    }

    const platform::Path& path_;
    std::uint32_t page_size_;
    Findings& findings_;
    std::uint64_t damaged_ = 0;
};

} // namespace

std::uint64_t scan_size(const DatabaseHeader& header) noexcept {
    const std::uint64_t headers = header_pages * header.page_size;
    return header.file_size > headers ? header.file_size - headers : 0;
}

void scan_pages(const CheckedDatabase& database, Work& work, Findings& findings) {
    const auto unreadable = [&](const Error& error) {
        findings.add("VER-6", database.path,
                     read_error(error, static_cast<Code>(hrDatabaseNotFound)));
    };
    auto file = platform::File::open_read(database.path);
    if (!file) return unreadable(file.error());

    PageScan scan(database, findings);
    std::vector<std::byte> buffer(work_buffer_size); // a multiple of every page size
    std::uint64_t offset = header_pages * database.header->page_size;
    while (!work.cancelled()) {
        auto got = file.value().read_at(offset, buffer);
        if (!got) {
            unreadable(got.error());
            break;
        }
        scan.check(std::span<const std::byte>(buffer).first(got.value()), offset);
        work.done(got.value());
        offset += got.value();
        if (got.value() < buffer.size()) break;
    }
    scan.finish();
}

} // namespace ntdsb::ese
