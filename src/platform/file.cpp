// What platform/file.h promises beyond single system calls: whole-file reads, durable replacement,
// the test seam. The same on every platform.
#include "platform/file.h"

#include "core/path.h"
#include "platform/disk_hook.h"
#include "platform/process.h"

#include <array>
#include <atomic>

namespace ntdsb::platform {
namespace {

std::atomic<DiskHook> disk_hook{nullptr};
std::atomic<ReadHook> read_hook{nullptr};

// What a hook has said of an operation.
template <class Operation>
Result<void> obey(Code code, Operation operation, const Path& path) {
    if (code == 0) return ok();
    return fail(code, "the test's hook refused to ", name_of(operation), " ", wire_path(path));
}

// A name beside `path` that no other writer uses, so that what a crash left behind is in nobody's
// way.
Result<Path> new_name_beside(const Path& path) {
    std::array<std::byte, 8> random{};
    NTDSB_CHECK(random_bytes(random));
    std::string suffix = ".";
    for (const std::byte value : random) {
        suffix += "0123456789abcdef"[std::to_integer<unsigned>(value) >> 4];
        suffix += "0123456789abcdef"[std::to_integer<unsigned>(value) & 15u];
    }
    Path name = path;
    name += suffix + ".tmp";
    return name;
}

// Removes what a failed replacement leaves behind, also where memory was short.
class TemporaryFile {
public:
    explicit TemporaryFile(const Path& path) : path_(path) {}
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    ~TemporaryFile() {
        if (is_renamed_) return;
        try {
            (void)remove_file(path_);     // not there if it could not be made
        } catch (const std::bad_alloc&) { // it stays: names are never used twice
        }
    }
    void keep() noexcept { is_renamed_ = true; }

private:
    const Path& path_;
    bool is_renamed_ = false;
};

Result<void> write_and_rename(const Path& temporary, const Path& path,
                              std::span<const std::byte> content) {
    {
        NTDSB_TRY(auto file, File::create_new(temporary));
        NTDSB_CHECK(file.write_at(0, content));
        NTDSB_CHECK(file.flush());
    }
    return rename_replace(temporary, path);
}

} // namespace

std::string_view name_of(DiskOperation operation) noexcept {
    static constexpr std::array<std::string_view, disk_operations> names{
        "create",       "write",         "truncate",   "flush",     "rename",    "remove",
        "flush folder", "create folder", "create key", "set value", "flush key", "remove key"};
    return names[static_cast<std::size_t>(operation)];
}

void set_disk_hook(DiskHook hook) noexcept { disk_hook.store(hook); }

Result<void> about_to(DiskOperation operation, const Path& path) {
    const DiskHook hook = disk_hook.load();
    return obey(hook ? hook(operation, path) : Code{0}, operation, path);
}

bool is_refused(DiskOperation operation, const Path& path) noexcept {
    const DiskHook hook = disk_hook.load();
    return hook && hook(operation, path) != 0;
}

std::string_view name_of(ReadOperation operation) noexcept {
    static constexpr std::array<std::string_view, read_operations> names{"open", "read", "examine",
                                                                         "list"};
    return names[static_cast<std::size_t>(operation)];
}

void set_read_hook(ReadHook hook) noexcept { read_hook.store(hook); }

Result<void> about_to(ReadOperation operation, const Path& path, std::uint64_t offset) {
    const ReadHook hook = read_hook.load(std::memory_order_relaxed);
    return obey(hook ? hook(operation, path, offset) : Code{0}, operation, path);
}

Result<void> replace_file_durably(const Path& path, std::span<const std::byte> content) {
    NTDSB_TRY(const auto temporary, new_name_beside(path));
    const Path folder = path.parent_path();
    TemporaryFile remains(temporary);
    NTDSB_CHECK(write_and_rename(temporary, path, content));
    remains.keep();
    return flush_folder(folder);
}

Result<std::vector<std::byte>> read_whole_file(const Path& path, std::size_t limit) {
    NTDSB_TRY(const auto file, File::open_read(path));
    NTDSB_TRY(const auto size, file.size());
    if (size > limit) {
        return fail(ERROR_INVALID_DATA, wire_path(path), " has ", size, " bytes; at most ", limit,
                    " are expected");
    }
    std::vector<std::byte> content(static_cast<std::size_t>(size));
    NTDSB_TRY(const auto read, file.read_at(0, content));
    content.resize(read);
    return content;
}

} // namespace ntdsb::platform
