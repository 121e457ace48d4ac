// ntdsbctl, the administrator's command line beside the DLL: parses the command line and calls the
// command.
#include "tools/commands.h"

#include "core/utf16.h"

#include <CLI/CLI.hpp>
#include <boost/nowide/args.hpp>

#include <exception>
#include <iostream>

namespace {

constexpr const char* footer = R"(Exit status:
  0  done; check-start: the directory may start
  1  no: the directory may not start; the reason was printed
  2  the command line is wrong
  3  the question could not be answered (configuration, rights, files)
  run: the engine's own status once it was started (128 + signal if one ended it)
)";

int run(int argc, char** argv) {
    using namespace ntdsb::tools;
    Options options;
    options.out = &std::cout;
    options.err = &std::cerr;
    std::string config_file;
    std::vector<std::string> engine;

    CLI::App app{"Keeps a directory from starting in mid-restore, and tells what blocks it.",
                 "ntdsbctl"};
    app.footer(footer);
    app.set_version_flag("--version", NTDSB_VERSION);
    app.add_option("--config", config_file,
                   "configuration file, instead of the one that the DLL would find");
    app.add_option("--instance", options.instance,
                   "directory instance; without it the default one");
    app.add_flag("--json", options.json, "print one JSON object");
    app.require_subcommand(1);
    app.fallthrough(); // the options may follow the command as well
    auto* status_command = app.add_subcommand(
        "status",
        "what holds the directory's locks, what its record says, and whether it may start");
    auto* check_command = app.add_subcommand(
        "check-start", "whether the directory may start now (advice: `run` is the gate)");
    auto* run_command = app.add_subcommand("run", "start the directory's engine through the gate "
                                                  "and wait for it: run -- PROGRAM [ARGUMENTS...]");
    run_command->add_option("engine", engine, "program and arguments, after --")->required();

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        const int code = app.exit(error, *options.out, *options.err);
        return code == 0 ? exit_ok : exit_usage;
    }
    auto config = ntdsb::utf8_to_utf16(config_file);
    if (!config) {
        *options.err << "ntdsbctl: --config: " << config.error().what << '\n';
        return exit_usage;
    }
    options.config_file = std::move(config).value();
    if (status_command->parsed()) return status(options);
    if (check_command->parsed()) return check_start(options);
    return run_engine(options, engine);
}

} // namespace

int main(int argc, char** argv) {
    try {
        const boost::nowide::args utf8_arguments(argc, argv);
        return run(argc, argv);
    } catch (const std::exception& error) {
        std::cerr << "ntdsbctl: " << error.what() << '\n';
        return ntdsb::tools::exit_failed;
    }
}
