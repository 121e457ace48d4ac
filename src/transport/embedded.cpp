// The service in this process: the same codec and dispatcher as over a network, without the network
// (design decision 5).
#include "service/service.h"
#include "transport/transport.h"

namespace ntdsb::transport {

namespace {

class EmbeddedConnection final : public Connection {
public:
    EmbeddedConnection(ConfigPtr config, wire::Interface interface_of)
        : association_(std::move(config), service::Caller::local()), interface_of_(interface_of) {}

    Result<void> call(std::uint16_t opnum, std::span<const std::byte> request,
                      wire::ReplySink& reply) override {
        return association_.call(interface_of_, opnum, request, reply);
    }
    void cancel() noexcept override { association_.cancel(); }

private:
    service::Association association_;
    wire::Interface interface_of_;
};

} // namespace

Result<std::unique_ptr<Connection>> connect_embedded(ConfigPtr config,
                                                     wire::Interface interface_of) {
    return std::unique_ptr<Connection>(
        std::make_unique<EmbeddedConnection>(std::move(config), interface_of));
}

} // namespace ntdsb::transport
