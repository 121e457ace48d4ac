// ntdsbctl's command line (CLI11, included here alone): which command, with which options.
#include "tools/commands.h"

#include "core/utf16.h"

#include <CLI/CLI.hpp>

#include <ostream>

namespace ntdsb::tools {

namespace {

constexpr const char* footer = R"(Exit status:
  0  done, or the answer is yes
  1  no: blocked, refused, not sound, stopped, unknown; the reason was printed
  2  the command line is wrong
  3  it could not be done (configuration, rights, files, connection, nobody to ask)
  run: the engine's own status once it was started (128 + signal if one ended it)

Every command takes --json. `ntdsbctl COMMAND --help` tells its own options.
)";

// One command: how it is called, and what runs when it is.
struct Command {
    CLI::App* app;
    std::function<int(const Options&)> run;
};

struct CommandLine {
    CLI::App app{"Backs up, restores and verifies a directory, keeps it from starting in "
                 "mid-restore, and tells what blocks it.",
                 "ntdsbctl"};
    Options options;
    std::string config_file;
    std::vector<Command> commands;
    // What the commands are given; one command runs.
    std::vector<std::string> words;
    std::string word;
    bool flag = false;

    explicit CommandLine(Options given) : options(std::move(given)) {
        app.footer(footer);
        app.set_version_flag("--version", NTDSB_VERSION);
        app.add_option("--config", config_file,
                       "configuration file, instead of the one that the DLL would find")
            ->type_name("FILE");
        app.add_option("--instance", options.instance,
                       "directory instance; without it the default one")
            ->type_name("NAME");
        app.add_option("--server", options.server,
                       "server, for locations, online, backup, restore and doctor; without it "
                       "this computer")
            ->type_name("NAME");
        app.add_flag("--json", options.json, "print one JSON object");
        app.add_flag("--yes", options.yes, "answer questions with yes");
        app.require_subcommand(1);
        app.fallthrough(); // the options may follow the command as well
        add_questions();
        add_actions();
    }
    CommandLine(const CommandLine&) = delete;
    CommandLine& operator=(const CommandLine&) = delete;

private:
    CLI::App* add(const std::string& name, const std::string& what,
                  std::function<int(const Options&)> run) {
        commands.push_back({app.add_subcommand(name, what), std::move(run)});
        return commands.back().app;
    }
    void add_questions();
    void add_actions();
};

void CommandLine::add_questions() {
    add("status", "what holds the directory's locks, what its record says, whether it may start",
        status);
    add("check-start", "whether the directory may start now (advice: `run` is the gate)",
        check_start);
    add("locations", "where the directory has its files, as the DLL tells backup tools", locations);
    add("online", "whether the directory runs (exit status 1: it is stopped)", online);
    auto* verify_app =
        add("verify", "whether databases, logs, checkpoints or whole folders are sound",
            [this](const Options& o) { return verify(o, words, flag); });
    verify_app->add_option("path", words, "files and folders")->required()->type_name("PATH");
    verify_app->add_flag("--headers", flag, "not the checksum of every page");
    add("history", "which restores were registered, completed, abandoned", history);
    auto* token = app.add_subcommand("token", "expiry tokens");
    token->require_subcommand(1);
    auto* show = token->add_subcommand("show", "what an expiry token says");
    show->add_option("file", word, "token.bin of a backup")->required()->type_name("FILE");
    commands.push_back({show, [this](const Options& o) { return show_token(o, word); }});
    add("explain", "what a return code means and what to do",
        [this](const Options& o) { return explain(o, word); })
        ->add_option("code", word, "a number (0xC7FF0004, decimal) or a name")
        ->required()
        ->type_name("CODE");
    add("doctor",
        "the settings in effect and where each comes from, and what is not as it should "
        "be",
        doctor);
}

void CommandLine::add_actions() {
    auto* backup_app = add("backup", "full backup into a folder that is empty or not there yet",
                           [this](const Options& o) { return backup(o, word, flag); });
    backup_app->add_option("folder", word, "where to")->required()->type_name("DIR");
    backup_app->add_flag("--truncate-logs", flag,
                         "then delete the logs that no recovery needs any more");
    add("restore", "restore a backup that `ntdsbctl backup` made; old files are moved aside",
        [this](const Options& o) { return restore(o, word); })
        ->add_option("folder", word, "the backup")
        ->required()
        ->type_name("DIR");
    add("run",
        "start the directory's engine through the gate and wait for it: "
        "run -- PROGRAM [ARGUMENTS...]",
        [this](const Options& o) { return run_engine(o, words); })
        ->add_option("engine", words, "program and arguments, after --")
        ->required()
        ->type_name("PROGRAM");
    add("abandon", "give up a restore that nobody will complete, so that the directory may start",
        [this](const Options& o) { return abandon(o, flag); })
        ->add_flag("--force", flag, "also where its files are not sound");
    add("end-session", "end the process that has a restore registered; the directory stays blocked",
        end_session);
}

} // namespace

int run_command_line(const std::vector<std::string>& arguments, Options given) {
    CommandLine line(std::move(given));
    Options& options = line.options;
    try {
        line.app.parse(std::vector<std::string>(arguments.rbegin(),
                                                arguments.rend())); // CLI11 wants them in reverse
    } catch (const CLI::ParseError& error) {
        const int code = line.app.exit(error, *options.out, *options.err);
        return code == 0 ? exit_ok : exit_usage;
    }
    auto config = utf8_to_utf16(line.config_file);
    if (!config) {
        *options.err << "ntdsbctl: --config: " << config.error().what << '\n';
        return exit_usage;
    }
    options.config_file = std::move(config).value();
    for (const auto& command : line.commands)
        if (command.app->parsed()) return command.run(options);
    return exit_usage; // not reached: a command is required
}

} // namespace ntdsb::tools
