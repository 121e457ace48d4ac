// What platform/process.h promises beyond single system calls: the walk that checks trust, and time
// as text. The same on every platform.
#include "platform/process.h"

#include "core/path.h"
#include "platform/trust.h"

#include <atomic>
#include <chrono>

namespace ntdsb::platform {
namespace {

std::atomic<Clock> clock_seam{nullptr};

// `path` and every folder above it.
Result<void> check_chain(const Path& path) {
    TrustRole role = TrustRole::itself;
    for (Path part = path;; part = part.parent_path()) {
        NTDSB_TRY(const auto facts, trust_facts(part));
        const auto fault = facts ? trust_fault(*facts, role) : std::string_view();
        if (!fault.empty()) {
            return fail(ERROR_ACCESS_DENIED, wire_path(part), " ", fault, ", so ", wire_path(path),
                        " cannot be trusted. ", trust_mend(part, role));
        }
        if (!part.has_relative_path()) return ok();
        role = TrustRole::parent;
    }
}

void append_padded(std::string& out, std::uint64_t value, std::size_t digits) {
    const std::string number = text(value);
    out.append(digits > number.size() ? digits - number.size() : 0, '0');
    out += number;
}

} // namespace

void set_clock(Clock clock) noexcept { clock_seam.store(clock); }

std::uint64_t now_filetime() noexcept {
    const Clock clock = clock_seam.load();
    return clock ? clock() : system_filetime();
}

std::string_view trust_fault(const TrustFacts& facts, TrustRole role) {
    if (!facts.owner_trusted) return "is owned by someone who is no administrator";
    if (facts.others_may_replace) return "can be changed by others than administrators";
    if (role == TrustRole::itself && facts.others_may_write)
        return "can be written by others than administrators";
    return {};
}

Result<void> check_trusted(const Path& path) {
    if (!trust_is_knowable()) return ok();
    std::error_code error;
    Path whole = std::filesystem::absolute(path, error).lexically_normal();
    if (error)
        return fail(ERROR_INVALID_PARAMETER, "could not find the full path of ", wire_path(path));
    if (!whole.has_filename()) whole = whole.parent_path(); // a trailing separator
    NTDSB_CHECK(check_chain(whole));
    // Links on the way lead through folders that count as well.
    NTDSB_TRY(const auto resolved, resolved_path(whole));
    return resolved == whole ? Result<void>(ok()) : check_chain(resolved);
}

std::string format_filetime(std::uint64_t filetime) {
    using namespace std::chrono;
    constexpr std::uint64_t seconds_1601_to_1970 = 11644473600;
    const auto since_1601 = static_cast<std::int64_t>(filetime / 10'000'000);
    const sys_seconds time{seconds(since_1601 - static_cast<std::int64_t>(seconds_1601_to_1970))};
    const auto day = floor<days>(time);
    const year_month_day date(day);
    const hh_mm_ss clock(time - day);
    std::string out;
    append_padded(out, static_cast<std::uint64_t>(static_cast<int>(date.year())), 4);
    append_padded(out += '-', static_cast<unsigned>(date.month()), 2);
    append_padded(out += '-', static_cast<unsigned>(date.day()), 2);
    append_padded(out += 'T', static_cast<std::uint64_t>(clock.hours().count()), 2);
    append_padded(out += ':', static_cast<std::uint64_t>(clock.minutes().count()), 2);
    append_padded(out += ':', static_cast<std::uint64_t>(clock.seconds().count()), 2);
    return out += 'Z';
}

} // namespace ntdsb::platform
