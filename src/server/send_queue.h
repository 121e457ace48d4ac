// What a client has not taken yet of its answers: fragments, of whose first a part may be gone.
#pragma once

#include "rpc/pdu.h"
#include "server/asio.h"

#include <deque>
#include <vector>

namespace ntdsb::server {

class SendQueue {
public:
    bool is_empty() const { return waiting_.empty(); }
    // How many octets wait.
    std::size_t size() const { return size_; }

    // The next to go; the first `sent` octets of it have gone, which only the first of all may have.
    void push(rpc::Bytes&& octets, std::size_t sent) {
        if (sent != 0) sent_of_first_ = sent;
        size_ += octets.size() - sent;
        waiting_.push_back(std::move(octets));
    }

    // What goes next, valid until `took`; not more pieces than one system call takes.
    std::vector<asio::const_buffer> next() const {
        constexpr std::size_t most = 16;
        std::vector<asio::const_buffer> buffers;
        std::size_t skip = sent_of_first_;
        for (const rpc::Bytes& octets : waiting_) {
            buffers.emplace_back(octets.data() + skip, octets.size() - skip);
            skip = 0;
            if (buffers.size() == most) break;
        }
        return buffers;
    }

    // The client took so many of them.
    void took(std::size_t count) {
        size_ -= count;
        sent_of_first_ += count;
        while (!waiting_.empty() && sent_of_first_ >= waiting_.front().size()) {
            sent_of_first_ -= waiting_.front().size();
            waiting_.pop_front();
        }
    }

private:
    std::deque<rpc::Bytes> waiting_;
    std::size_t sent_of_first_ = 0;
    std::size_t size_ = 0;
};

} // namespace ntdsb::server
