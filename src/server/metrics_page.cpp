// The metrics over HTTP (metrics_page.h).
#include "server/metrics_page.h"

#include "core/text.h"

#include <array>
#include <exception>
#include <memory>

namespace ntdsb::server {

namespace {

struct Request : std::enable_shared_from_this<Request> {
    Request(StreamSocket connected, const Figures& all, std::size_t& counted)
        : socket(std::move(connected)), figures(all), running(counted),
          timer(socket.get_executor()) {
        ++running;
    }
    ~Request() { --running; }
    Request(const Request&) = delete;
    Request& operator=(const Request&) = delete;

    void start(std::chrono::milliseconds patience) {
        timer.expires_after(patience);
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
        switch (metrics_answer({head.data(), filled})) {
        case MetricsAnswer::none:
            return read();
        case MetricsAnswer::page:
            return answer("200 OK", figures.text());
        case MetricsAnswer::not_found:
            return answer("404 Not Found", "only GET /metrics is served here\n");
        case MetricsAnswer::too_long:
            return answer("431 Request Header Fields Too Large", "the request is too long\n");
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
    std::array<char, longest_metrics_head> head{};
    std::size_t filled = 0;
    std::string reply;
    std::size_t sent = 0;
};

} // namespace

MetricsAnswer metrics_answer(std::string_view head) noexcept {
    if (head.find("\r\n\r\n") != std::string_view::npos)
        return head.starts_with("GET /metrics ") ? MetricsAnswer::page : MetricsAnswer::not_found;
    return head.size() >= longest_metrics_head ? MetricsAnswer::too_long : MetricsAnswer::none;
}

void serve_metrics(StreamSocket socket, const Figures& figures, std::size_t& running,
                   std::chrono::milliseconds patience) {
    const auto request = std::make_shared<Request>(std::move(socket), figures, running);
    asio::post(request->socket.get_executor(), [request, patience] { request->start(patience); });
}

} // namespace ntdsb::server
