// The metrics over HTTP (metrics_page.h).
#include "server/metrics_page.h"

#include "core/text.h"

#include <array>
#include <chrono>
#include <exception>
#include <memory>

namespace ntdsb::server {

namespace {

constexpr std::chrono::seconds longest_request{5};

struct Request : std::enable_shared_from_this<Request> {
    Request(StreamSocket connected, const Figures& all, std::size_t& counted)
        : socket(std::move(connected)), figures(all), running(counted),
          timer(socket.get_executor()) {
        ++running;
    }
    ~Request() { --running; }
    Request(const Request&) = delete;
    Request& operator=(const Request&) = delete;

    void start() {
        timer.expires_after(longest_request);
        timer.async_wait([self = shared_from_this()](const ErrorCode& error) {
            if (!error) self->close();
        });
        read();
    }

    void read() {
        socket.async_read_some(
            asio::buffer(head.data() + filled, head.size() - filled),
            [self = shared_from_this()](const ErrorCode& error, std::size_t count) {
                if (error) return self->close();
                self->filled += count;
                try {
                    self->look();
                } catch (const std::exception&) { // no memory
                    self->close();
                }
            });
    }

    void look() {
        const std::string_view text(head.data(), filled);
        if (text.find("\r\n\r\n") != std::string_view::npos) {
            const bool is_it = text.starts_with("GET /metrics ");
            answer(is_it ? "200 OK" : "404 Not Found",
                   is_it ? figures.text() : std::string("only GET /metrics is served here\n"));
        } else if (filled == head.size()) {
            answer("431 Request Header Fields Too Large", "the request is too long\n");
        } else {
            read();
        }
    }

    void answer(std::string_view status, const std::string& body) {
        reply = text("HTTP/1.1 ", status,
                     "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8"
                     "\r\nConnection: close\r\nContent-Length: ",
                     body.size(), "\r\n\r\n", body);
        write();
    }

    void write() {
        socket.async_write_some(
            asio::buffer(reply.data() + sent, reply.size() - sent),
            [self = shared_from_this()](const ErrorCode& error, std::size_t count) {
                if (error) return self->close();
                self->sent += count;
                if (self->sent < self->reply.size()) return self->write();
                self->close();
            });
    }

    void close() {
        ErrorCode ignored;
        socket.shutdown(StreamSocket::shutdown_both, ignored);
        socket.close(ignored);
        timer.cancel();
    }

    StreamSocket socket;
    const Figures& figures;
    std::size_t& running;
    asio::steady_timer timer;
    std::array<char, 4096> head{};
    std::size_t filled = 0;
    std::string reply;
    std::size_t sent = 0;
};

} // namespace

void serve_metrics(StreamSocket socket, const Figures& figures, std::size_t& running) {
    const auto request = std::make_shared<Request>(std::move(socket), figures, running);
    asio::post(request->socket.get_executor(), [request] { request->start(); });
}

} // namespace ntdsb::server
