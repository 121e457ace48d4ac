// The targets without libFuzzer: every seed of a corpus, and a fixed number of changes of them that
// are the same in every run. What ./dev test runs, with the compiler that it tests everything with;
// also what ./dev coverage counts lines with, and what shows a crash again.
//
//     fuzz_replay CORPUS [--runs N] [TARGET...]     CORPUS/TARGET holds a target's seeds
//     fuzz_replay --input FILE TARGET
//     fuzz_replay --list                            the targets and their sources, one a line
#include "fuzz/fuzz.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

namespace ntdsb::fuzz {
namespace {

namespace fs = std::filesystem;

// What runs, for the last words of a process that dies of it.
struct Running {
    const Target* target = nullptr;
    Octets input;
};
Running running;
constexpr unsigned longest_run_s = 60;

void keep_input() {
    if (running.target == nullptr) return;
    const std::string file = "crash-" + std::string(running.target->name);
    std::ofstream(file, std::ios::binary)
        .write(reinterpret_cast<const char*>(running.input.data()),
               static_cast<std::streamsize>(running.input.size()));
    std::fprintf(stderr, "the input is kept; see it again: fuzz_replay --input %s %s\n",
                 fs::absolute(file).c_str(), running.target->name.data());
    running.target = nullptr;
}

extern "C" void die_of(int signal) {
    if (signal == SIGALRM) std::fprintf(stderr, "no end after %u s\n", longest_run_s);
    keep_input();
    std::signal(SIGABRT, SIG_DFL);
    std::abort();
}

Octets read_file(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    const std::string content{std::istreambuf_iterator<char>(in), {}};
    const auto* const octets = reinterpret_cast<const std::byte*>(content.data());
    return {octets, octets + content.size()};
}

void run(const Target& target, Octets input) {
    running = {&target, std::move(input)};
    alarm(longest_run_s);
    target.run(running.input);
    running.target = nullptr;
}

// xorshift: the same changes everywhere.
class Changes {
public:
    explicit Changes(std::string_view name) {
        for (const char c : name) state_ = (state_ ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    }

    Octets next(const std::vector<Octets>& seeds) {
        Octets out = seeds[below(seeds.size())];
        for (std::size_t times = 1 + below(4); times > 0; --times) change(out, seeds);
        return out;
    }

private:
    std::size_t below(std::size_t limit) {
        state_ ^= state_ << 13;
        state_ ^= state_ >> 7;
        state_ ^= state_ << 17;
        return limit == 0 ? 0 : static_cast<std::size_t>(state_ % limit);
    }

    void change(Octets& out, const std::vector<Octets>& seeds) {
        constexpr unsigned char telling[] = {0, 1, 2, 4, 0x7f, 0x80, 0x82, 0xfe, 0xff};
        const auto at = below(out.size() + 1);
        const auto place = out.begin() + static_cast<std::ptrdiff_t>(at);
        const std::size_t left = out.size() - at;
        switch (below(6)) {
        case 0:
            if (left > 0) *place ^= static_cast<std::byte>(1u << below(8));
            break;
        case 1:
            if (left > 0) *place = static_cast<std::byte>(telling[below(std::size(telling))]);
            break;
        case 2:
            if (left > 0) *place = static_cast<std::byte>(below(256));
            break;
        case 3:
            out.insert(place, 1 + below(8), static_cast<std::byte>(below(256)));
            break;
        case 4:
            out.erase(place, place + static_cast<std::ptrdiff_t>(std::min(left, 1 + below(8))));
            break;
        default: { // the end of another one
            const auto& other = seeds[below(seeds.size())];
            const auto from = static_cast<std::ptrdiff_t>(below(other.size() + 1));
            out.erase(place, out.end());
            out.insert(out.end(), other.begin() + from, other.end());
            break;
        }
        }
    }

    std::uint64_t state_ = 0xcbf29ce484222325;
};

bool replay(const Target& target, const fs::path& corpus, std::optional<unsigned> runs) {
    std::vector<fs::path> files;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(corpus / target.name, ignored))
        if (entry.is_regular_file()) files.push_back(entry.path());
    std::ranges::sort(files);
    if (files.empty()) {
        std::printf("%s: no seeds in %s\n", target.name.data(), (corpus / target.name).c_str());
        return false;
    }
    const auto start = std::chrono::steady_clock::now();
    std::vector<Octets> seeds{Octets()};
    for (const auto& file : files) seeds.push_back(read_file(file));
    for (const auto& seed : seeds) run(target, seed);
    Changes changes(target.name);
    const unsigned changed = runs.value_or(target.test_runs);
    for (unsigned i = 0; i < changed; ++i) run(target, changes.next(seeds));
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    std::printf("%-20s %4zu seeds, %5u changes of them, %6.2f s\n", target.name.data(),
                files.size(), changed, took.count());
    std::fflush(stdout);
    return true;
}

int usage() {
    std::fprintf(stderr,
                 "fuzz_replay CORPUS [--runs N] [TARGET...] | --input FILE TARGET | --list\n");
    return 2;
}

int main_of(std::vector<std::string> words) {
    std::signal(SIGABRT, die_of);
    std::signal(SIGALRM, die_of);
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_set_death_callback(keep_input);
#endif
    if (words.empty()) return usage();
    if (words.front() == "--list") {
        for (const auto& target : targets())
            std::printf("%s %s\n", target.name.data(), target.sources.data());
        return 0;
    }
    if (words.front() == "--input") {
        const auto* const target = words.size() == 3 ? find_target(words[2]) : nullptr;
        if (target == nullptr) return usage();
        run(*target, read_file(words[1]));
        return 0;
    }
    const fs::path corpus = words.front();
    words.erase(words.begin());
    std::optional<unsigned> runs;
    if (words.size() >= 2 && words.front() == "--runs") {
        runs = static_cast<unsigned>(std::stoul(words[1]));
        words.erase(words.begin(), words.begin() + 2);
    }
    unsigned passed = 0, failed = 0;
    for (const auto& target : targets()) {
        if (!words.empty() && std::ranges::find(words, target.name) == words.end()) continue;
        ++(replay(target, corpus, runs) ? passed : failed);
    }
    std::printf("%u passed, %u failed, 0 skipped\n", passed, failed);
    return failed == 0 && passed > 0 ? 0 : 1;
}

} // namespace
} // namespace ntdsb::fuzz

int main(int count, char** words) { return ntdsb::fuzz::main_of({words + 1, words + count}); }
