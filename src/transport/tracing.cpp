#include "transport/tracing.h"

#include "core/log.h"

#include <chrono>

namespace ntdsb::transport {

namespace {

// Counts what passes through to the sink behind it.
class CountingSink final : public wire::ReplySink {
public:
    explicit CountingSink(wire::ReplySink& behind) : behind_(behind) {}
    std::span<std::byte> lend(std::size_t size) override { return behind_.lend(size); }
    void commit(std::size_t size) override {
        count_ += size;
        behind_.commit(size);
    }
    std::size_t count() const { return count_; }

private:
    wire::ReplySink& behind_;
    std::size_t count_ = 0;
};

class TracingConnection final : public Connection {
public:
    TracingConnection(std::unique_ptr<Connection> behind, wire::Interface interface_of,
                      std::string_view transport)
        : behind_(std::move(behind)),
          label_(
              text(transport, interface_of == wire::Interface::restore ? " restore" : " backup")) {}

    Result<void> call(std::uint16_t opnum, std::span<const std::byte> request,
                      wire::ReplySink& reply) override {
        const auto start = std::chrono::steady_clock::now();
        CountingSink counting(reply);
        auto outcome = behind_->call(opnum, request, counting);
        const auto took = std::chrono::duration_cast<std::chrono::microseconds>(
                              std::chrono::steady_clock::now() - start)
                              .count();
        log::trace(label_, " opnum ", opnum, ": request ", request.size(), " bytes, reply ",
                   counting.count(), " bytes, ",
                   outcome ? std::string("carried")
                           : text(hex(outcome.error().code), ' ', outcome.error().what),
                   ", ", took, " us");
        return outcome;
    }
    void cancel() noexcept override { behind_->cancel(); }
    void abandon() noexcept override { behind_->abandon(); }
    void limit(std::chrono::steady_clock::time_point deadline) noexcept override {
        behind_->limit(deadline);
    }

private:
    std::unique_ptr<Connection> behind_;
    std::string label_;
};

} // namespace

std::unique_ptr<Connection> traced(std::unique_ptr<Connection> connection,
                                   wire::Interface interface_of, std::string_view transport) {
    if (!log::enabled(log::Level::trace)) return connection;
    return std::make_unique<TracingConnection>(std::move(connection), interface_of, transport);
}

} // namespace ntdsb::transport
