// See same_content.h.
#include "ese/same_content.h"

#include "ese/header_file.h"
#include "ese/work.h"

#include <algorithm>

namespace ntdsb::ese {

Result<bool> same_content(const platform::Path& a, const platform::Path& b, platform::Links links,
                          const std::function<bool(std::uint64_t)>& step) {
    NTDSB_TRY(const auto file_a, platform::File::open_read(a, links));
    NTDSB_TRY(const auto file_b, platform::File::open_read(b, links));
    std::vector<std::byte> buffer_a(work_buffer_size), buffer_b(work_buffer_size);
    std::uint64_t offset = 0, last = 0;
    for (;;) {
        if (step && !step(last))
            return fail(ERROR_OPERATION_ABORTED, "the comparison of ", shown(a), " with ", shown(b),
                        " was cancelled");
        NTDSB_TRY(const auto got_a, file_a.read_at(offset, buffer_a));
        NTDSB_TRY(const auto got_b, file_b.read_at(offset, buffer_b));
        if (got_a != got_b ||
            !std::equal(buffer_a.begin(), buffer_a.begin() + static_cast<std::ptrdiff_t>(got_a),
                        buffer_b.begin()))
            return false;
        if (got_a < buffer_a.size()) return true;
        offset += got_a;
        last = got_a;
    }
}

} // namespace ntdsb::ese
