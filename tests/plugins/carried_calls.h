// The far end of the stub plug-ins: a directory restore service in the test's own process, which
// writes down every argument that arrives, and a loaded stub that leads to it.
#pragma once

#include "stub_plugin.h"

#include "contract/made_directory.h"
#include "core/config.h"
#include "transport/fault_injection.h"
#include "unit/wire/field_visitors.h"
#include "wire/ndr.h"

#include <string>
#include <vector>

namespace plugins {

// The arguments of a request, in words.
template <class Request>
std::string described(std::string_view operation, Request request) {
    ntdsb::wire::test::Describer describer;
    request.fields(describer);
    return ntdsb::text(operation, "\n", describer.result());
}

// What arrived since the last call of this, in order.
std::vector<std::string> take_arrived();
// The octets of the reply that was given last.
ntdsb::wire::Bytes last_reply();
// Connections that are made from now on carry badly after this plan; null: well.
void fail_by(std::shared_ptr<ntdsb::transport::FaultPlan> plan);
// How many connections are open.
int open_connections();
// Calls of cancel.
int cancels();

// A made directory whose calls go through a stub.
class Stub {
public:
    explicit Stub(const std::string& variant,
                  contract::Shape shape = contract::Shape::dirty_with_logs);
    static std::filesystem::path library(const std::string& variant);
    // The same of a copy of a stub below the directory's root, which nobody has opened yet.
    void use_copy(const std::string& variant, const std::filesystem::path& name);
    // Configures the transport "mine" at `library`, for this computer and for the server "far".
    void use(const std::filesystem::path& library);
    // The server "far" is one with this directory instance.
    void use_instance(const std::string& name) { instance_ = name, use(library_); }
    // A stuck call returns.
    void release() const;
    // How often the DLL has asked the library for its table.
    int negotiations() const;

    contract::MadeDirectory directory;

private:
    void configure(const std::filesystem::path& library);

    std::filesystem::path library_;
    std::string instance_;
};

} // namespace plugins
