// Page checksums at work (bench.h). Others use the machine, too: all are measured by turns, slice by
// slice, and of each slice the best time counts.
#include "bench.h"

#include "ese/page_checksum.h"
#include "ese/page_kernels.h"
#include "support/ese_builder.h"

#include <array>
#include <cstdio>
#include <cstring>
#include <numeric>
#include <stdexcept>

#if NTDSB_ESE_X86
#include <immintrin.h>
#endif

namespace ntdsb::bench {
namespace {

constexpr std::size_t memory_size = std::size_t{256} << 20;
constexpr std::size_t slices = 16, slice_size = memory_size / slices;
constexpr int rounds = 25;

#if NTDSB_ESE_X86
// As fast as memory can be looked at: four accumulators of the widest vectors.
NTDSB_ESE_TARGET("avx2") std::uint64_t xor_avx2(const std::byte* at, std::size_t size) {
    __m256i a = _mm256_setzero_si256(), b = a, c = a, d = a;
    const auto* vector = reinterpret_cast<const __m256i*>(at);
    for (std::size_t i = 0; i < size / 32; i += 4) {
        a = _mm256_xor_si256(a, _mm256_loadu_si256(vector + i));
        b = _mm256_xor_si256(b, _mm256_loadu_si256(vector + i + 1));
        c = _mm256_xor_si256(c, _mm256_loadu_si256(vector + i + 2));
        d = _mm256_xor_si256(d, _mm256_loadu_si256(vector + i + 3));
    }
    alignas(32) std::uint64_t parts[4];
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(parts),
                        _mm256_xor_si256(_mm256_xor_si256(a, b), _mm256_xor_si256(c, d)));
    return parts[0] ^ parts[1] ^ parts[2] ^ parts[3];
}
#endif

std::uint64_t xor_words(const std::byte* at, std::size_t size) {
    std::uint64_t sum[8]{};
    for (std::size_t i = 0; i < size; i += sizeof sum) {
        std::uint64_t words[8];
        std::memcpy(words, at + i, sizeof words);
        for (int k = 0; k < 8; ++k) sum[k] ^= words[k];
    }
    return sum[0] ^ sum[1] ^ sum[2] ^ sum[3] ^ sum[4] ^ sum[5] ^ sum[6] ^ sum[7];
}

std::uint64_t plain_xor(const std::byte* at, std::size_t size) {
#if NTDSB_ESE_X86
    if (ese::processor_has_avx2()) return xor_avx2(at, size);
#endif
    return xor_words(at, size);
}

constexpr std::size_t kinds = 16;

// Sound pages with the numbers 1 to 16, over and over.
void fill(std::vector<std::byte>& memory, std::size_t page_size) {
    const auto made = test::EseDatabase{}
                          .page_size(static_cast<std::uint32_t>(page_size))
                          .pages(static_cast<std::uint32_t>(kinds))
                          .bytes();
    for (std::size_t at = 0; at < memory.size(); at += kinds * page_size)
        std::memcpy(memory.data() + at, made.data() + 2 * page_size, kinds * page_size);
}

bool all_sound(std::span<const std::byte> memory, std::size_t page_size) {
    bool sound = true;
    for (std::size_t at = 0; at < memory.size(); at += page_size)
        sound &= ese::page_is_sound(memory.subspan(at, page_size),
                                    static_cast<std::uint32_t>(at / page_size % kinds + 1));
    return sound;
}

// The best time of each slice, summed up.
class Best {
public:
    void add(std::size_t slice, double seconds) {
        if (best_[slice] == 0 || seconds < best_[slice]) best_[slice] = seconds;
    }
    double sum() const { return std::accumulate(best_.begin(), best_.end(), 0.0); }
    double mib_per_second() const { return memory_size / sum() / (1 << 20); }

private:
    std::array<double, slices> best_{};
};

} // namespace

void show_page_rates() {
    std::vector<std::byte> memory(memory_size), copy(memory_size);
    volatile std::uint64_t seen = 0;
    const auto slice_of = [&](std::size_t slice) {
        return std::span<const std::byte>(memory).subspan(slice % slices * slice_size, slice_size);
    };
    std::printf("Page verification, one thread, 256 MiB, best of %d rounds:\n", rounds);
    for (const std::size_t page_size : {4096u, 8192u, 32768u}) {
        fill(memory, page_size);
        Best copying, xoring, checking;
        bool sound = true;
        for (std::size_t step = 0; step < rounds * slices; ++step) {
            // Each looks at another slice, and none finds in a cache what another has looked at.
            const std::size_t a = step % slices, b = (step + slices / 3) % slices;
            const std::size_t c = (step + 2 * slices / 3) % slices;
            copying.add(a, seconds_of([&] {
                            std::memcpy(copy.data() + a * slice_size, slice_of(a).data(),
                                        slice_size);
                        }));
            xoring.add(b, seconds_of([&] { seen = plain_xor(slice_of(b).data(), slice_size); }));
            checking.add(c, seconds_of([&] { sound &= all_sound(slice_of(c), page_size); }));
        }
        if (!sound) throw std::runtime_error("the made pages are not sound");
        std::printf("  %2zu KiB pages: %6.0f MiB/s; memcpy %6.0f, XOR %6.0f; %.2f of the XOR\n",
                    page_size / 1024, checking.mib_per_second(), copying.mib_per_second(),
                    xoring.mib_per_second(), xoring.sum() / checking.sum());
    }
}

} // namespace ntdsb::bench
