// ntdsbctl as an administrator calls it, in this process: command lines against a made directory,
// with what was printed and the exit status.
#pragma once

#include "tools/commands.h"

#include "../service/restore_directory.h"

#include <nlohmann/json.hpp>

#include <fstream>
#include <functional>
#include <sstream>
#include <utility>

namespace ntdsb::tools {

struct Printed {
    int status = 0;
    std::string out, err;
    nlohmann::json json() const {
        auto parsed = nlohmann::json::parse(out, nullptr, false);
        if (!parsed.is_object()) ADD_FAILURE() << "no JSON object: " << out << err;
        return parsed;
    }
    std::string all() const { return out + err; }
};

// What is typed at a question, and what happens while it waits.
class Terminal : public std::streambuf {
public:
    Terminal(std::string typed, std::function<void()> meanwhile)
        : typed_(std::move(typed)), meanwhile_(std::move(meanwhile)) {}

protected:
    int_type underflow() override {
        if (std::exchange(asked_, true)) return traits_type::eof();
        if (meanwhile_) meanwhile_();
        setg(typed_.data(), typed_.data(), typed_.data() + typed_.size());
        return traits_type::to_int_type(typed_.front());
    }

private:
    std::string typed_;
    std::function<void()> meanwhile_;
    bool asked_ = false;
};

inline std::string utf8(const platform::Path& path) { return text(wire_path(path)); }

class Ntdsbctl : public testing::Test {
protected:
    Ntdsbctl() { configure(); }

    // `more` follows the [directory] section's own keys.
    void configure(std::string_view more = {}) const {
        std::ofstream file(config_file());
        file << "[directory]\ndatabase = '" << utf8(directory.database()) << "'\nstate_path = '"
             << utf8(directory.state().parent_path()) // the default instance's is "default" in it
             << "'\nregistry_mirror = false\n"        // the machine's registry is not this test's
             << more;
    }
    platform::Path config_file() const { return directory.root() / "ntdsbcli.toml"; }

    // A command line with this directory's --config.
    Printed run(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), {"--config", utf8(config_file())});
        return run_bare(arguments);
    }
    Printed run_bare(const std::vector<std::string>& arguments) {
        std::ostringstream out, err;
        Terminal terminal(answer, meanwhile);
        std::istream in(&terminal);
        Options options;
        options.in = answer.empty() ? nullptr : &in;
        options.out = &out;
        options.err = &err;
        const int status = run_command_line(arguments, options);
        return {status, out.str(), err.str()};
    }
    nlohmann::json json(std::vector<std::string> arguments, int expected) {
        arguments.push_back("--json");
        const auto printed = run(arguments);
        EXPECT_EQ(printed.status, expected) << printed.all();
        EXPECT_EQ(printed.err, "");
        return printed.json();
    }
    static void expect_says(const std::string& output, std::string_view what) {
        EXPECT_NE(output.find(what), std::string::npos) << output;
    }

    service::RestoreDirectory directory;
    std::string answer;              // typed at a question; empty: there is no terminal
    std::function<void()> meanwhile; // done while a question waits; may be empty
};

} // namespace ntdsb::tools
