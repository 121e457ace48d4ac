// Progress and cancellation of one verification.
#pragma once

#include "ese/restore_set.h"

#include <atomic>
#include <cstdint>

namespace ntdsb::ese {

// No piece of reading between two looks at `cancelled` is larger.
inline constexpr std::size_t work_buffer_size = std::size_t{1} << 20;

class Work {
public:
    Work(const std::atomic<bool>& cancelled, const Progress& progress)
        : cancelled_(cancelled), progress_(progress) {}

    bool cancelled() const noexcept { return cancelled_.load(std::memory_order_relaxed); }
    void expect(std::uint64_t bytes) noexcept { total_ += bytes; }
    void done(std::uint64_t bytes) {
        done_ += bytes;
        if (progress_) progress_(done_, total_);
    }

private:
    const std::atomic<bool>& cancelled_;
    const Progress& progress_;
    std::uint64_t done_ = 0, total_ = 0;
};

} // namespace ntdsb::ese
