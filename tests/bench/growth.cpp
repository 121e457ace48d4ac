// How costs grow with what a directory or its users have more of (./dev bench draws the curves):
// Google Benchmark measures each size and fits its growth.
//
//     growth [--benchmark_...]      NTDSB_TEST_SERVER names ntdsbsrv
#include "contract/made_directory.h"
#include "restore_directory.h"
#include "support/big_database.h"

#include <benchmark/benchmark.h>

#include <memory>

namespace ntdsb::bench {
namespace {

ese::RestoreSet restore_set(const platform::Path& folder) {
    ese::RestoreSet set;
    set.databases = {folder / "ntds.dit"};
    set.configured_database = set.databases.front();
    set.log_path = set.backup_log_path = set.checkpoint_path = folder;
    set.check_identities = false;
    return set;
}

void verify(benchmark::State& state, const ese::RestoreSet& set) {
    const std::atomic<bool> cancelled{false};
    for (auto _ : state) {
        if (!ese::verify_restore_set(set, cancelled).findings.empty())
            state.SkipWithError("the made files are not sound");
    }
    state.SetComplexityN(state.range(0));
}

void database_size(benchmark::State& state) {
    const test::TempFolder folder;
    test::write_big_database(folder / "ntds.dit", static_cast<std::uint64_t>(state.range(0)) << 20);
    verify(state, restore_set(folder.path()));
}

void log_count(benchmark::State& state) {
    const test::TempFolder folder;
    const auto last = static_cast<std::uint32_t>(state.range(0));
    const auto logs = test::make_signature(3);
    test::EseDatabase{}.dirty().log_signature(logs).required(1, last).write(folder / "ntds.dit");
    test::LogChain{logs}.from(1).to(last).write(folder.path());
    test::EseCheckpoint{logs}.generation(1).write(folder / "edb.chk");
    ese::RestoreSet set = restore_set(folder.path());
    set.gen_low = 1;
    set.gen_high = last;
    verify(state, set);
}

void map_size(benchmark::State& state) {
    const service::RestoreDirectory directory;
    service::Client client(directory);
    auto request = directory.request();
    for (std::int64_t i = 1; i < state.range(0); ++i)
        request.map.push_back({wire_path(directory.ntds() / ("from" + std::to_string(i))),
                               wire_path(directory.ntds() / ("to" + std::to_string(i)))});
    for (auto _ : state) {
        state.PauseTiming();
        request.session = client.prepared();
        state.ResumeTiming();
        if (client.call<wire::RestoreRegister>(request).status != S_OK)
            state.SkipWithError("Register failed");
        state.PauseTiming();
        client.end(request.session);
        state.ResumeTiming();
    }
    state.SetComplexityN(state.range(0));
}

void session_count(benchmark::State& state) {
    const contract::MadeDirectory directory; // with a service of its own
    const auto count = static_cast<std::size_t>(state.range(0));
    for (auto _ : state) {
        std::vector<std::unique_ptr<contract::Restore>> sessions;
        for (std::size_t i = 0; i < count; ++i)
            sessions.push_back(std::make_unique<contract::Restore>(contract::Bytes{}));
        for (const auto& session : sessions) {
            LPSTR list = nullptr;
            DWORD size = 0;
            if (DsRestoreGetDatabaseLocationsA(session->handle(), &list, &size) != S_OK)
                state.SkipWithError("a session does not answer");
            DsBackupFree(list);
        }
    }
    state.SetComplexityN(state.range(0));
}

constexpr int factor = 4;
// From what fits into a processor's cache to what does not: the larger half is beyond all caches.
BENCHMARK(database_size)->RangeMultiplier(2)->Range(64, 2048)->UseRealTime()->Complexity();
BENCHMARK(log_count)->RangeMultiplier(factor)->Range(1, 4096)->UseRealTime()->Complexity();
BENCHMARK(map_size)->RangeMultiplier(factor)->Range(1, 1024)->UseRealTime()->Complexity();
BENCHMARK(session_count)->RangeMultiplier(factor)->Range(1, 1024)->UseRealTime()->Complexity();

} // namespace
} // namespace ntdsb::bench

BENCHMARK_MAIN();
