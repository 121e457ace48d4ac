// Finding a directory instance and checking its state folder (instance.h).
#include "service/instance.h"

#include "core/path.h"
#include "core/utf16.h"
#include "platform/domain_controller.h"
#include "platform/process.h"

namespace ntdsb::service {

namespace {

constexpr std::string_view marker_file = "platform";
constexpr std::size_t longest_marker = 4096;

// The tools that restore delete everything in a directory's folders before they copy. The
// configuration's own places were judged when it was read.
Result<void> check_apart(const DirectoryConfig& directory) {
    for (const std::u16string& folder :
         {path_parent(directory.database), directory.log_path, directory.checkpoint_path}) {
        if (paths_overlap(directory.state_path, folder))
            return fail(
                hrError, "the state folder ", directory.state_path, " lies inside or above ",
                folder,
                ", where the directory has its files; set state_path to a folder apart from them");
    }
    return ok();
}

// DC-1: a default instance that the configuration does not name is the domain controller's own.
Result<DirectoryConfig> find_directory(const Config& config, std::u16string_view name) {
    const auto strict = utf16_to_utf8(name);
    if (!strict)
        return fail(hrCouldNotConnect, "COM-5: there is no directory instance \"", name,
                    "\", which is not well-formed UTF-16");
    const std::string& utf8_name = strict.value();
    if (utf8_name.empty() && config.directory.database.empty()) {
        NTDSB_TRY(auto places, platform::domain_controller_places());
        if (places) {
            DirectoryConfig directory = config.directory;
            directory.database = std::move(places->database);
            if (directory.log_path.empty()) directory.log_path = std::move(places->log_path);
            if (directory.checkpoint_path.empty())
                directory.checkpoint_path = std::move(places->checkpoint_path);
            NTDSB_CHECK(check_apart(directory));
            return directory;
        }
    }
    NTDSB_TRY(const DirectoryConfig* directory, config.instance(utf8_name));
    return *directory;
}

// hrError, but for a caller whom the folder that is there keeps out (COM-9, ACC-2).
template <class... Parts>
Error state_error(const platform::Path& folder, Code cause, const Parts&... parts) {
    const Code code = cause == ERROR_ACCESS_DENIED ? Code{ERROR_ACCESS_DENIED} : Code{hrError};
    return fail(code, "the state folder ", wire_path(folder), " ", parts...);
}

constexpr std::string_view make_writable = "; let this account write there and see that there is "
                                           "room, or set state_path to another folder";

Result<void> check_state_folder(const platform::Path& folder) {
    auto info = platform::file_info(folder);
    if (info && !info.value()) {
        if (auto made = platform::create_private_folder(folder); !made)
            return state_error(folder, hrError, "cannot be made: ", made.error().what,
                               "; make it, or set state_path to a folder that can be written");
        info = platform::file_info(folder);
    }
    if (!info)
        return state_error(folder, info.error().code, "cannot be examined: ", info.error().what,
                           make_writable);
    if (!info.value() || info.value()->is_link || !info.value()->is_folder)
        return state_error(
            folder, hrError,
            "is a link or no folder; replace it by a folder, or set state_path to one");
    if (auto trusted = platform::check_trusted(folder); !trusted)
        return state_error(folder, hrError, "is not safe: ", trusted.error().what);
    return ok();
}

// Whoever can put a link here could as well write here, so it is refused wherever it leads.
Result<void> check_no_links(const platform::Path& folder) {
    const auto entries = platform::list_folder(folder);
    if (!entries)
        return state_error(folder, entries.error().code, "cannot be listed: ", entries.error().what,
                           make_writable);
    for (const platform::FolderEntry& entry : entries.value()) {
        if (entry.info.is_link)
            return state_error(folder, hrError, "holds a link, ", wire_path(entry.name),
                               ", which may lead anywhere; find out who made it, and remove it");
    }
    return ok();
}

// Design point 9: locks of natively run and of Windows processes do not see each other, so a state
// folder belongs to one kind.
Result<void> check_marker(const platform::Path& folder, const platform::Path& marker) {
    const std::string own = platform::platform_marker();
    auto info = platform::file_info(marker);
    if (!info)
        return state_error(folder, info.error().code, "cannot be read: ", info.error().what,
                           make_writable);
    if (!info.value()) {
        const auto written = platform::replace_file_durably(marker, std::as_bytes(std::span(own)));
        if (written) return ok();
        // Somebody else may have been first, and Windows does not replace a file that is open: then
        // that marker counts.
        info = platform::file_info(marker);
        if (!info || !info.value())
            return state_error(folder, written.error().code,
                               "cannot be written: ", written.error().what, make_writable);
    }
    auto bytes = platform::read_whole_file(marker, longest_marker);
    if (!bytes)
        return state_error(folder, bytes.error().code, "cannot be read: ", bytes.error().what,
                           make_writable);
    const std::string found(reinterpret_cast<const char*>(bytes.value().data()),
                            bytes.value().size());
    if (found != own)
        return state_error(folder, hrError, "belongs to \"", found, "\", and this process is \"",
                           own,
                           "\": their locks do not see each other; set another state_path, and use "
                           "one platform for one directory");
    return ok();
}

} // namespace

Instance::Instance(DirectoryConfig directory) : directory_(std::move(directory)) {}

Result<std::shared_ptr<const Instance>> Instance::find(const ConfigPtr& config,
                                                       std::u16string_view name) {
    NTDSB_TRY(auto directory, find_directory(*config, name));
    return InstancePtr(new Instance(std::move(directory)));
}

Result<std::shared_ptr<const Instance>> Instance::open(const ConfigPtr& config,
                                                       std::u16string_view name) {
    NTDSB_TRY(auto instance, find(config, name));
    const platform::Path folder = native_path(instance->directory_.state_path);
    NTDSB_CHECK(check_state_folder(folder));
    NTDSB_CHECK(check_no_links(folder));
    NTDSB_CHECK(check_marker(folder, instance->state_file(marker_file)));
    return instance;
}

platform::Path Instance::state_file(std::string_view name) const {
    return native_path(join_path(directory_.state_path, std::u16string(name.begin(), name.end())));
}
platform::Path Instance::database() const { return native_path(directory_.database); }
platform::Path Instance::log_path() const { return native_path(directory_.log_path); }
platform::Path Instance::checkpoint_path() const { return native_path(directory_.checkpoint_path); }

Error state_file_error(Error cause) {
    if (cause.code == ERROR_ACCESS_DENIED || cause.code == ERROR_WRITE_PROTECT ||
        cause.code == ERROR_DISK_FULL)
        cause.what += make_writable;
    return cause;
}

} // namespace ntdsb::service
