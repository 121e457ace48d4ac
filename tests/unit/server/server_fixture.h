// A server in this process, on a port of its own, and a directory that it serves.
#pragma once

#include "raw_client.h"

#include "server/server.h"
#include "service/interlock_view.h"
#include "unit/service/backup_directory.h"

namespace ntdsb::server {

// A directory, and what may be set before the server starts.
class ServerTest : public testing::Test {
protected:
    ServerTest() {
        test::EseDatabase{}.write(directory.database());
        directory.config.service.listen = {"127.0.0.1:0"};
        directory.config.service.allow_anonymous = true;
        directory.config.service.restore_roots = {wire_path(directory.live().parent_path())};
    }
    void start() {
        auto started = Server::start(directory.shared_config(), limits);
        ASSERT_TRUE(started) << started.error().what;
        server = std::move(started).value();
    }
    std::string address() const { return server->addresses().front(); }
    RawClient bound() const {
        RawClient client(address());
        EXPECT_EQ(client.bind(), PduType::bind_ack);
        return client;
    }
    void expect_alive() const {
        const auto answer = bound().ping();
        ASSERT_TRUE(answer.stub) << std::hex << answer.fault;
        EXPECT_EQ(answer.stub->size(), 4u);
    }

    std::string ask_metrics(std::string_view request) const {
        auto socket = platform::Socket::connect(
            platform::split_address(server->metrics_address()).value(), std::chrono::seconds(30));
        EXPECT_TRUE(socket);
        EXPECT_TRUE(socket.value().write(octets_of(request)));
        std::string answer;
        std::array<std::byte, 4096> buffer;
        for (;;) {
            const auto got = socket.value().read_some(buffer, {});
            if (!got) return answer;
            answer.append(reinterpret_cast<const char*>(buffer.data()), got.value());
        }
    }

    service::BackupDirectory directory;
    Limits limits;
    std::unique_ptr<Server> server;
};

} // namespace ntdsb::server
