// The API over rpc, to an ntdsbsrv in another process, beside bare TCP with as many octets; on
// Windows also beside widl's stubs on the system's rpcrt4.dll.
//
//     remote SERVICE_PORT SERVICE_PID PEER_PORT [WIDL_SERVER_PORT]
//
// The first three as bench_host prints them.
#include "backup_stream.h"
#include "bare_connection.h"
#include "bench_user.h"
#include "measure.h"
#ifdef _WIN32
#include "widl_peer.h"
#else
#include "ciphers.h"
#endif

#include <array>
#include <fstream>
#include <memory>
#include <utility>

namespace ntdsb::bench {
namespace {

constexpr std::size_t slice = 16 * mib;
// C706: a request's header and its context handle; a response's header.
constexpr std::uint32_t rpc_request = 24 + 20, rpc_response = 24;

class Ports {
public:
    explicit Ports(char** words)
        : service(static_cast<std::uint16_t>(std::atoi(words[0]))), process(words[1]),
          peer(static_cast<std::uint16_t>(std::atoi(words[2]))), widl(words[3]) {}
    std::uint16_t service;
    std::string process;
    std::uint16_t peer;
    const char* widl; // nullptr: no such server
};

void measure_latency(const Ports& ports) {
    const contract::Restore restore({});
    must(restore.prepared(), "DsRestorePrepare");
    DWORD list_size = 0;
    const auto ask = [&] {
        LPWSTR list = nullptr;
        must(DsRestoreGetDatabaseLocationsW(restore.handle(), &list, &list_size),
             "DsRestoreGetDatabaseLocations");
        DsBackupFree(list);
    };
    ask();
    // The list's count, pointer, count again and characters, and the status.
    const std::uint32_t answer = rpc_response + 16 + 2 * list_size / 2;
    BareConnection bare(ports.peer);
    std::vector<std::byte> buffer(answer);
    const auto ping = [&] { bare.exchange(rpc_request, answer, buffer); };
    report({"rpc", "DsRestoreGetDatabaseLocations", "TCP ping-pong", "us", at_most(2)},
           by_turns(repeated(ask), repeated(ping)));
}

constexpr double amount = slice / mib;
constexpr std::array sizes{std::pair{mib / 16, "64 KiB"}, std::pair{mib, "1 MiB"}}; // of buffers

void measure_stream(const Ports& ports, std::size_t buffer_size, const char* name, Goal goal) {
    BackupStream ours(slice);
    BareConnection bare(ports.peer);
    std::vector<std::byte> buffer(buffer_size), bare_buffer(buffer_size);
    report({"rpc", name, "TCP stream", "MiB/s", goal},
           by_turns(Work{[&] { ours.read_slice(buffer); }, amount},
                    Work{[&] { bare.exchange(rpc_request, slice, bare_buffer); }, amount}));
    // No goal: what the stream's rate loses by being asked for, and by coming out of a file, without
    // anything of ours.
    for (const auto& [source, peer] :
         {std::pair{BareSource::memory, "TCP, asked piece by piece"},
          std::pair{BareSource::file_read, "TCP, asked piece by piece, from a file"},
          std::pair{BareSource::file_handed_on, "TCP, asked piece by piece, by sendfile(2)"}}) {
        const auto ask_bare = [&, from = source] {
            for (std::size_t left = slice; left > 0; left -= buffer_size)
                bare.exchange(rpc_request, buffer_size, bare_buffer, from);
        };
        report({"rpc", name, peer, "MiB/s"},
               by_turns(Work{[&] { ours.read_slice(buffer); }, amount}, Work{ask_bare, amount}));
    }
}

// A session is a connection, a bind, Prepare and End: three exchanges.
void measure_sessions(const Ports& ports) {
    const auto session = [] {
        contract::Restore restore({});
        must(restore.prepared(), "DsRestorePrepare");
        must(restore.end(), "DsRestoreEnd");
    };
    std::vector<std::byte> buffer(64);
    const auto bare = [&] {
        BareConnection connection(ports.peer);
        for (int i = 0; i < 3; ++i) connection.exchange(64, 64, buffer);
    };
    report({"rpc", "sessions, Prepare to End", "TCP connect and 3 ping-pongs", "/s"},
           by_turns(repeated(session), repeated(bare)));
}

#ifndef _WIN32
// What the service holds resident, in KiB.
double resident_kib(const std::string& process) {
    std::ifstream status("/proc/" + process + "/status");
    std::string word;
    while (status >> word)
        if (word == "VmRSS:") {
            double kib = 0;
            status >> kib;
            return kib;
        }
    throw std::runtime_error("the service's memory cannot be read");
}

void measure_memory(const Ports& ports) {
    constexpr int count = 1000;
    const double before = resident_kib(ports.process);
    std::vector<std::unique_ptr<contract::Restore>> sessions;
    for (int i = 0; i < count; ++i) {
        sessions.push_back(std::make_unique<contract::Restore>(contract::Bytes{}));
        must(sessions.back()->prepared(), "DsRestorePrepare");
    }
    report_alone({"rpc", "memory of the service per idle session, of 1,000", "", "KiB"},
                 (resident_kib(ports.process) - before) / count);
}
#endif

#ifndef _WIN32
struct Sealing {
    const char* authentication; // as the configuration has it
    const char* domain;
    const char* name; // "NTLM"
    const char* cipher;
    void (*seal)(std::vector<std::byte>& buffer, std::size_t amount);
};
constexpr Sealing sealings[] = {
    {"ntlm", bench_domain, "NTLM", "RC4 of OpenSSL, once", rc4},
    {"kerberos", bench_realm, "Kerberos", "AES-256-CBC of OpenSSL, once", aes_256_cbc}};

void measure_privacy(const contract::MadeDirectory& here, const Ports& ports, const Sealing& by) {
    here.configure("", "[transport.servers.localhost]\ntransport = 'rpc'\naddress = '127.0.0.1:" +
                           std::to_string(ports.service) + "'\nprincipal = 'host/localhost'\n" +
                           "authentication = '" + by.authentication + "'\n");
    must(DsSetAuthIdentityA(bench_user, by.domain, bench_password), "DsSetAuthIdentity");
    BackupStream ours(slice);
    for (const auto& [size, size_name] : sizes) {
        std::vector<std::byte> buffer(size), sealed(size);
        const std::string name =
            std::string("DsBackupRead, ") + size_name + " buffers, privacy by " + by.name;
        report({"rpc", name, by.cipher, "MiB/s"},
               by_turns(Work{[&] { ours.read_slice(buffer); }, amount},
                        Work{[&] { by.seal(sealed, slice); }, amount}));
    }
    must(DsSetAuthIdentityA(nullptr, nullptr, nullptr), "DsSetAuthIdentity");
}
#endif

#ifdef NTDSB_WIDL_PEER
void measure_beside_widl(const char* port) {
    static constexpr char peer[] = "widl's stubs on rpcrt4";
    const contract::Restore restore({});
    must(restore.prepared(), "DsRestorePrepare");
    must(widl_open(port), peer);
    const auto ask = [&] {
        LPWSTR list = nullptr;
        DWORD size = 0;
        must(DsRestoreGetDatabaseLocationsW(restore.handle(), &list, &size), "the locations");
        DsBackupFree(list);
    };
    report({"rpc", "DsRestoreGetDatabaseLocations, calls", peer, "/s", at_least(20)},
           by_turns(repeated(ask), repeated([] { must(widl_locations(), peer); })));
    for (const auto& [size, name] : sizes) {
        BackupStream ours(slice);
        std::vector<std::byte> buffer(size);
        std::vector<unsigned char> peers_buffer(size);
        const auto read_peers = [&, size = size] {
            must(widl_read(peers_buffer.data(), static_cast<unsigned long>(size), slice), peer);
        };
        report(
            {"rpc", std::string("DsBackupRead, ") + name + " buffers", peer, "MiB/s", at_least(20)},
            by_turns(Work{[&] { ours.read_slice(buffer); }, amount}, Work{read_peers, amount}));
    }
    widl_close();
}
#endif

int measure_all(const Ports& ports) {
    const contract::MadeDirectory here; // for its folder and NTDSBCLI_CONFIG alone
    here.configure("", "[transport]\ndefault = 'rpc'\n[service]\nlisten = ['127.0.0.1:" +
                           std::to_string(ports.service) + "']\nallow_anonymous = true\n");
#ifdef _WIN32
    const Goal stream_goal = at_least(0.5);
#else
    const Goal stream_goal = at_least(0.7);
#endif
#ifndef _WIN32
    measure_memory(ports); // first: what other sessions have freed would be used again
#endif
    measure_latency(ports);
    measure_stream(ports, mib / 16, "DsBackupRead, 64 KiB buffers", stream_goal);
    measure_stream(ports, mib, "DsBackupRead, 1 MiB buffers", stream_goal);
    measure_sessions(ports);
#ifdef NTDSB_WIDL_PEER
    if (ports.widl != nullptr) measure_beside_widl(ports.widl);
#endif
#ifndef _WIN32
    for (const Sealing& by : sealings) measure_privacy(here, ports, by);
#endif
    return 0;
}

} // namespace
} // namespace ntdsb::bench

int main(int argc, char** argv) {
    if (argc < 4) {
        std::fprintf(stderr, "usage: remote SERVICE_PORT SERVICE_PID PEER_PORT [WIDL_PORT]\n");
        return 2;
    }
    return ntdsb::bench::measure_all(ntdsb::bench::Ports(argv + 1));
}
