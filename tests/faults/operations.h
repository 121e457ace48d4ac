// Every operation of the wire that an export leads to: how a caller comes to it, the call itself
// with what must hold of its out-parameters, and what it may leave in the record.
#pragma once

#include "contract/made_directory.h"
#include "service/record.h"
#include "wire/operations.h"

#include <memory>
#include <optional>
#include <vector>

namespace faults {

// A caller with a directory of its own, which some carrier leads to.
struct Caller {
    explicit Caller(const contract::MadeDirectory& made) : directory(made) {}
    ~Caller() { EXPECT_TRUE(end() == S_OK || handle == nullptr); }
    Caller(const Caller&) = delete;
    Caller& operator=(const Caller&) = delete;
    // Ends the session, if there is one.
    HRESULT end();

    const contract::MadeDirectory& directory;
    HBC handle = nullptr;
    bool is_backup = false;
    contract::Bytes token;
    std::string given; // what the last call handed out, in words that hold for any directory
};

using State = std::optional<ntdsb::service::RecordState>; // nothing: no record

struct Operation {
    const char* name;
    ntdsb::wire::Interface interface_of;
    std::uint16_t opnum;
    void (*prepare)(Caller&);
    HRESULT (*call)(Caller&);
    State before, after; // what the record says
    bool on_handle;      // the call is made on a handle that `prepare` got, and leaves it open
    // At least so many fragments carry it over a stream that has the shortest ones.
    std::size_t request_fragments = 1, reply_fragments = 1;
};

const std::vector<Operation>& operations();

// What the record of a directory says, after the sessions of others have ended; an unreadable one,
// and a gate that does not agree with it, fail the test.
State recorded(const contract::MadeDirectory& directory);

// A whole new session works: registers and reports failure.
void expect_goes_on(const contract::MadeDirectory& directory);

} // namespace faults
