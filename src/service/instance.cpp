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

// DC-1: a default instance that the configuration does not name is the domain controller's own.
Result<DirectoryConfig> find_directory(const Config& config, std::u16string_view name) {
    NTDSB_TRY(const std::string utf8_name, utf16_to_utf8(name));
    if (utf8_name.empty() && config.directory.database.empty()) {
        NTDSB_TRY(auto places, platform::domain_controller_places());
        if (places) {
            DirectoryConfig directory = config.directory;
            directory.database = std::move(places->database);
            directory.log_path = std::move(places->log_path);
            directory.checkpoint_path = std::move(places->checkpoint_path);
            return directory;
        }
    }
    NTDSB_TRY(const DirectoryConfig* directory, config.instance(utf8_name));
    return *directory;
}

template <class... Parts>
Error state_error(const platform::Path& folder, const Parts&... parts) {
    return fail(hrError, "the state folder ", wire_path(folder), " ", parts...);
}

Result<void> check_state_folder(const platform::Path& folder) {
    NTDSB_TRY(auto info, platform::file_info(folder));
    if (!info) {
        if (auto made = platform::create_private_folder(folder); !made)
            return state_error(folder, "cannot be made: ", made.error().what, "; make it, or set state_path to a folder that can be written");
        NTDSB_TRY(info, platform::file_info(folder));
    }
    if (!info || info->is_link || !info->is_folder)
        return state_error(folder, "is a link or no folder; replace it by a folder, or set state_path");
    if (auto trusted = platform::check_trusted(folder); !trusted) return state_error(folder, "is not safe: ", trusted.error().what);
    return ok();
}

// Design point 9: locks of natively run and of Windows processes do not see each other, so a state folder belongs to one kind.
Result<void> check_marker(const platform::Path& folder, const platform::Path& marker) {
    const std::string own = platform::platform_marker();
    NTDSB_TRY(const auto info, platform::file_info(marker));
    if (!info) {
        const auto written = platform::replace_file_durably(marker, std::as_bytes(std::span(own)));
        if (!written) return state_error(folder, "cannot be written: ", written.error().what);
        return ok();
    }
    auto bytes = platform::read_whole_file(marker, longest_marker);
    if (!bytes) return state_error(folder, "cannot be read: ", bytes.error().what);
    const std::string found(reinterpret_cast<const char*>(bytes.value().data()), bytes.value().size());
    if (found != own)
        return state_error(folder, "belongs to \"", found, "\", and this process is \"", own,
                           "\": their locks do not see each other; set another state_path, and use one platform for one directory");
    return ok();
}

} // namespace

Instance::Instance(DirectoryConfig directory) : directory_(std::move(directory)) {}

Result<std::shared_ptr<const Instance>> Instance::find(const ConfigPtr& config, std::u16string_view name) {
    NTDSB_TRY(auto directory, find_directory(*config, name));
    return InstancePtr(new Instance(std::move(directory)));
}

Result<std::shared_ptr<const Instance>> Instance::open(const ConfigPtr& config, std::u16string_view name) {
    NTDSB_TRY(auto instance, find(config, name));
    const platform::Path folder = native_path(instance->directory_.state_path);
    NTDSB_CHECK(check_state_folder(folder));
    NTDSB_CHECK(check_marker(folder, instance->state_file(marker_file)));
    return instance;
}

platform::Path Instance::state_file(std::string_view name) const {
    return native_path(join_path(directory_.state_path, std::u16string(name.begin(), name.end())));
}
platform::Path Instance::database() const { return native_path(directory_.database); }
platform::Path Instance::log_path() const { return native_path(directory_.log_path); }
platform::Path Instance::checkpoint_path() const { return native_path(directory_.checkpoint_path); }

} // namespace ntdsb::service
