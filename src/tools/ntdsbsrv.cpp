// ntdsbsrv, the restore service as a process: reads the configuration, serves until it shall stop.
#include "core/log.h"
#include "core/utf16.h"
#include "rpc/system_security.h"
#include "server/server.h"
#include "tools/commands.h"
#include "tools/service_host.h"

#include <CLI/CLI.hpp>
#include <boost/nowide/args.hpp>

#include <chrono>
#include <cstdlib>
#include <exception>
#include <iostream>

namespace {

using namespace ntdsb;
using tools::exit_failed;
using tools::exit_ok;
using tools::exit_usage;

// What a stop may take beyond [service] stop_timeout_s: calls that cannot be cancelled, answers.
constexpr std::chrono::seconds time_to_stop{60};

// Some threads run on: the process must end without taking down what they use.
bool leaves_threads = false;

int complain(const Error& error) {
    std::cerr << "ntdsbsrv: " << error.what << std::endl;
    return exit_failed;
}

// What callers can authenticate with, for whoever looks why they cannot.
void tell_credentials(const ServiceConfig& service) {
    bool any = false;
    for (const auto& one : rpc::acceptor_credentials()) {
        any = any || one.is_usable;
        log::line(one.is_usable ? log::Level::info : log::Level::warn, "callers ",
                  one.is_usable ? "can" : "cannot", " authenticate by ", one.mechanism, ": ",
                  one.what);
    }
    if (!any && !service.allow_anonymous)
        std::cerr
            << "ntdsbsrv: nobody can authenticate here: give it a keytab (KRB5_KTNAME, or the "
               "system's), or an NTLM user file (NTLM_USER_FILE) or winbind; the log has the "
               "reasons\n";
    if (service.allow_backup.empty() && service.allow_restore.empty() && !service.allow_anonymous)
        std::cerr << "ntdsbsrv: [service] allow_backup and allow_restore name nobody, so nobody "
                     "who authenticates may do anything\n";
}

Result<void> serve(const ConfigPtr& config) {
    tell_credentials(config->service);
    NTDSB_TRY(const auto sockets, tools::inherited_sockets());
    NTDSB_TRY(auto server,
              server::Server::start(config, server::limits_of(config->service), sockets));
    // Lines that scripts wait for.
    for (const std::string& address : server->addresses()) {
        log::info("ntdsbsrv ", std::string_view(NTDSB_VERSION), " listens on ", address);
        std::cout << "listening on " << address << std::endl;
    }
    if (const std::string address = server->metrics_address(); !address.empty()) {
        log::info("metrics are at http://", address, "/metrics");
        std::cout << "metrics on " << address << std::endl;
    }
    tools::notify_ready();
    tools::wait_for_stop();
    log::info("ntdsbsrv stops: running calls are finished first");
    const std::chrono::seconds patience(config->service.stop_timeout_s);
    tools::notify_stopping(patience + time_to_stop);
    if (!server->stop(patience)) {
        log::warn("an authentication still waits for the system (users of NTLM, winbind, keytab); "
                  "ntdsbsrv ends without waiting for it");
        (void)server.release(); // its threads end with the process
        leaves_threads = true;
    }
    log::info("ntdsbsrv has stopped");
    return ok();
}

// A service has no standard error: the log must have it too. load_config has logged its own.
Result<void> logged(Result<void> outcome) {
    if (!outcome) log::error(outcome.error().what);
    return outcome;
}

int run(const std::u16string& config_file) {
    tools::watch_for_stop();
    tools::raise_file_limit();
    const auto config = load_config(config_file);
    if (!config) return complain(config.error());
    const auto served = logged(serve(config.value()));
    return served ? exit_ok : complain(served.error());
}

constexpr const char* footer = R"(Exit status:
  0  done; run: it was told to stop
  2  the command line is wrong
  3  it failed; the reason was printed
)";

int command_line(int argc, char** argv) {
    std::string config_utf8;
    CLI::App app{"Serves backups and restores of this computer's directory over DCE/RPC.",
                 "ntdsbsrv"};
    app.footer(footer);
    app.set_version_flag("--version", NTDSB_VERSION);
    app.add_option("--config", config_utf8,
                   "configuration file, instead of the one that the DLL would find");
    app.require_subcommand(1);
    app.fallthrough();
    auto* const run_command = app.add_subcommand(
        "run",
        "serve in the foreground, until SIGTERM, SIGINT or Ctrl+C; a later one ends it at once");
    auto* const install_command =
        app.add_subcommand("install", "make a Windows service that starts with the computer");
    auto* const uninstall_command =
        app.add_subcommand("uninstall", "stop and remove the Windows service");
    auto* const service_command =
        app.add_subcommand("service", "what the Windows service manager starts");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? exit_ok : exit_usage;
    }
    const auto config_file = utf8_to_utf16(config_utf8);
    if (!config_file) return complain(config_file.error());
    if (run_command->parsed()) return run(config_file.value());
    Result<void> done = ok();
    if (install_command->parsed()) done = tools::install_service(config_file.value());
    if (uninstall_command->parsed()) done = tools::uninstall_service();
    if (service_command->parsed())
        done = tools::run_as_service([&] { return run(config_file.value()); });
    return done ? exit_ok : complain(done.error());
}

} // namespace

int main(int argc, char** argv) {
    try {
        const boost::nowide::args utf8_arguments(argc, argv);
        const int status = command_line(argc, argv);
        if (leaves_threads) std::_Exit(status);
        return status;
    } catch (const std::exception& error) {
        std::cerr << "ntdsbsrv: " << error.what() << '\n';
        return exit_failed;
    }
}
