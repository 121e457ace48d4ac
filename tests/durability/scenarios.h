// What a crash is tried in: each scenario brings a directory into a state, then does the one thing
// that may be stopped anywhere. Everything goes through the service's own operations, in the
// process that will die.
#pragma once

#include "restore_directory.h"

namespace ntdsb::service {

// The directory and whoever works on it in this process.
struct Stage {
    explicit Stage(RestoreDirectory& made) : directory(made), client(made) {}
    RestoreDirectory& directory;
    Client client;
    wire::ContextHandle session; // of the client, where the scenario begins with one
};

struct Scenario {
    const char* name;
    const char* before; // words of state_word
    const char* after;  // if it succeeds
    void (*prepare)(Stage& stage);
    Code (*run)(Stage& stage);
    // What else must hold whenever it stopped; an empty string, or what is wrong.
    std::string (*check)(RestoreDirectory& directory);
};

inline void PrintTo(const Scenario& scenario, std::ostream* out) { *out << scenario.name; }

const std::vector<Scenario>& scenarios();
const Scenario& scenario_named(std::string_view name);

// What the record says, in one word: none, registered, failed, completed, started, unreadable.
std::string state_word(const RestoreDirectory& directory);

// Whether recovery finds in the log path alone all that it needs; else what is wrong.
std::string recovery_fault(RestoreDirectory& directory);

// The directory that scenarios start from: dirty, in need of the logs 3..5 of the backup log path.
void make_directory(RestoreDirectory& directory);

} // namespace ntdsb::service
