// A bad network between a client and a service: carries the octets of DCE/RPC connections, over TCP
// or a Unix-domain socket, and does to a fragment what it is told. What is lost ends the
// connection, as it does over TCP.
#pragma once

#include "transport/fault_injection.h"

#include <atomic>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace faults {

class Proxy {
public:
    // Leads to `service`, "127.0.0.1:PORT" or "unix:/PATH", and listens at an address of its own
    // kind: a free port, or `local`.
    explicit Proxy(std::string service, const std::filesystem::path& local = {});
    ~Proxy();
    Proxy(const Proxy&) = delete;
    Proxy& operator=(const Proxy&) = delete;

    const std::string& address() const { return address_; }

    // What is struck: a bind, or a fragment of a request of this number, or one of its answer; the
    // fault says which.
    static constexpr int bind = -1;
    void arm(int opnum, const ntdsb::transport::Fault& fault);
    void disarm();
    bool has_struck() const;
    // Since `arm`: how many such requests the client has sent, and how long each fragment was.
    unsigned times_sent() const;
    std::vector<std::size_t> request_sizes() const;
    std::vector<std::size_t> reply_sizes() const;

private:
    struct Link;
    void accept();
    void carry(int client, int service);
    bool pass_on(Link& link, bool to_service);
    bool forward(Link& link, bool to_service, const std::vector<std::byte>& fragment);
    bool strike(Link& link, int to, const ntdsb::transport::Fault& fault,
                const std::vector<std::byte>& fragment);

    std::string service_;
    std::string address_;
    int listener_ = -1;
    std::atomic<bool> stopping_{false};
    std::thread acceptor_;
    std::vector<std::thread> carriers_; // of the acceptor

    mutable std::mutex mutex_;
    bool watches_ = false, armed_ = false, struck_ = false, awaits_reply_ = false;
    int opnum_ = 0;
    ntdsb::transport::Fault fault_;
    unsigned times_sent_ = 0;
    std::vector<std::size_t> request_sizes_, reply_sizes_;
};

} // namespace faults
