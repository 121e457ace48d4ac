// Page checksums at work (service_figures.h).
#include "service_figures.h"

#include "measure.h"

#include "ese/page_checksum.h"
#include "ese/page_kernels.h"
#include "support/ese_builder.h"

#include <cstring>
#include <stdexcept>

#if NTDSB_ESE_X86
#include <immintrin.h>
#endif

namespace ntdsb::bench {
namespace {

constexpr std::size_t memory_size = std::size_t{256} << 20;
constexpr std::size_t slices = 16, slice_size = memory_size / slices;

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

// A slice begins with a page of number 1.
bool all_sound(std::span<const std::byte> memory, std::size_t page_size) {
    bool sound = true;
    for (std::size_t at = 0; at < memory.size(); at += page_size)
        sound &= ese::page_is_sound(memory.subspan(at, page_size),
                                    static_cast<std::uint32_t>(at / page_size % kinds + 1));
    return sound;
}

} // namespace

void measure_page_rates() {
    std::vector<std::byte> memory(memory_size), copy(slice_size);
    std::size_t step = 0;
    // Each looks at another slice, and none finds in a cache what another has looked at.
    const auto next = [&] {
        step += slices / 2 + 1;
        return std::span<const std::byte>(memory).subspan(step % slices * slice_size, slice_size);
    };
    volatile std::uint64_t seen = 0;
    constexpr double amount = slice_size >> 20;
    const Work copying{[&] { std::memcpy(copy.data(), next().data(), slice_size); }, amount};
    const Work xoring{[&] { seen = plain_xor(next().data(), slice_size); }, amount};
    for (const std::size_t page_size : {4096u, 8192u, 32768u}) {
        fill(memory, page_size);
        bool sound = true;
        const Work checking{[&] { sound &= all_sound(next(), page_size); }, amount};
        const std::string name = std::to_string(page_size / 1024) + " KiB pages, one thread";
        report({"Page verification", name, "vectorised XOR", "MiB/s", at_least(0.8)},
               by_turns(checking, xoring));
        report({"Page verification", name, "memcpy", "MiB/s"}, by_turns(checking, copying));
        if (!sound) throw std::runtime_error("the made pages are not sound");
    }
}

} // namespace ntdsb::bench
