// The configuration file's text. Only an administrator may write it, and a slip of his must not end
// a host process: whatever it says, it is understood or refused with file, line and reason.
#include "fuzz/fuzz.h"

#include "core/config.h"
#include "core/path.h"
#include "platform/socket.h"

#include <algorithm>

namespace ntdsb::fuzz {

namespace {

void judge(const DirectoryConfig& directory) {
    const auto is_path_or_empty = [](const std::u16string& path) {
        return path.empty() || (check_path_grammar(path, "it") && normalize_path(path) == path);
    };
    for (const auto* path : {&directory.database, &directory.log_path, &directory.checkpoint_path,
                             &directory.snapshot_path, &directory.state_path})
        FUZZ_CHECK(is_path_or_empty(*path), "places are absolute paths in their one spelling");
    FUZZ_CHECK(!directory.state_path.empty(), "every instance has a state folder");
    FUZZ_CHECK(directory.tombstone_lifetime_days >= 1 && directory.tombstone_lifetime_days <= 36500,
               "numbers are in their ranges");
    if (directory.database.empty()) return;
    FUZZ_CHECK(!path_file_name(directory.database).empty(), "the database is a file");
    for (const auto& folder :
         {path_parent(directory.database), directory.log_path, directory.checkpoint_path})
        FUZZ_CHECK(!folder.empty() && !paths_overlap(directory.state_path, folder),
                   "the state folder is apart from the directory's");
}

} // namespace

void configuration(Input input) {
    const Octets copy = exactly(input);
    const auto text = as_text(copy);
    const auto settings = parse_log_settings(text);
    const auto config = parse_config(text, "made.toml");
    if (!config) {
        FUZZ_CHECK(config.error().code == hrError, "COM-13: a wrong configuration is hrError");
        FUZZ_CHECK(config.error().what.starts_with("made.toml:"),
                   "COM-13: the sentence says which file");
        FUZZ_CHECK(
            std::ranges::none_of(config.error().what,
                                 [](char c) { return static_cast<unsigned char>(c) < 0x20; }),
            "no configuration forges a log line");
        return;
    }
    const Config& read = config.value();
    FUZZ_CHECK(settings.level == read.log.level && settings.file == read.log.file,
               "[log] is the same, read alone or with the rest");
    judge(read.directory);
    for (const auto& [name, directory] : read.instances) {
        FUZZ_CHECK(!directory.database.empty() && name == directory.name,
                   "a named instance has a database");
        judge(directory);
        FUZZ_CHECK(!same_path(directory.state_path, read.directory.state_path),
                   "no two instances share a state folder");
    }
    const auto is_known = [&](const std::string& name) {
        return name == "embedded" || name == "rpc" || read.plugins.contains(name);
    };
    FUZZ_CHECK(is_known(read.default_transport), "the default transport is a known one");
    for (const auto& [name, server] : read.servers) {
        FUZZ_CHECK(is_known(server.transport), "a server's transport is a known one");
        FUZZ_CHECK(server.transport != "rpc" || platform::split_address(server.address),
                   "an rpc server's address is one");
    }
    for (const auto& address : read.service.listen)
        FUZZ_CHECK(address.starts_with("unix:") || platform::split_address(address),
                   "what is listened on is an address");
    for (const auto& [key, place] : read.origins)
        FUZZ_CHECK(!key.empty() && place.starts_with("made.toml:"), "a setting's place is known");
}

} // namespace ntdsb::fuzz
