// See manifest.h.
#include "tools/manifest.h"

#include "core/path.h"
#include "core/utf16.h"
#include "ese/headers.h"
#include "tools/interrupt.h"
#include "tools/output.h"
#include "tools/sha256.h"

#include <algorithm>
#include <set>

namespace ntdsb::tools {

namespace {

constexpr std::string_view format_name = "ntdsbctl backup";
constexpr std::uint64_t format_version = 1;
constexpr std::size_t largest_manifest = std::size_t{64} << 20;
constexpr std::size_t longest_name = 255;
constexpr std::uint64_t highest_generation = 0xFFFFFFFF; // DsRestoreRegister has its own limit
constexpr std::uint64_t largest_size = std::uint64_t{1} << 62;

constexpr std::pair<std::string_view, FileKind> kinds[] = {
    {"database", FileKind::database}, {"log", FileKind::log}, {"token", FileKind::token}};

template <class... Parts>
Error bad_manifest(const Parts&... parts) {
    return fail(ERROR_INVALID_DATA, manifest_name, ": ", parts...);
}

// --- Values of JSON that may be anything

Result<std::string> text_at(const Json& object, const char* key) {
    const auto found = object.find(key);
    if (found == object.end() || !found->is_string())
        return bad_manifest("\"", key, "\" is missing or no string");
    return found->get<std::string>();
}

Result<std::uint64_t> number_at(const Json& object, const char* key, std::uint64_t most) {
    const auto found = object.find(key);
    if (found == object.end() || !found->is_number_unsigned())
        return bad_manifest("\"", key, "\" is missing or no whole number");
    const auto value = found->get<std::uint64_t>();
    if (value > most) return bad_manifest("\"", key, "\" is ", value, "; at most ", most);
    return value;
}

bool is_sum(std::string_view value) {
    return value.size() == 2 * sha256_size &&
           value.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Result<ManifestFile> file_of(const Json& object) {
    if (!object.is_object()) return bad_manifest("an entry of \"files\" is no object");
    ManifestFile file;
    NTDSB_TRY(file.name, text_at(object, "name"));
    if (!is_plain_name(file.name))
        return bad_manifest("\"", wtf8_to_utf16(file.name),
                            "\" is no plain file name; nothing outside the folder is touched");
    NTDSB_TRY(const auto kind, text_at(object, "kind"));
    const auto* const known = std::ranges::find(kinds, kind, [](const auto& k) { return k.first; });
    if (known == std::end(kinds))
        return bad_manifest(file.name, " has the unknown kind \"", wtf8_to_utf16(kind), "\"");
    file.kind = known->second;
    if (file.kind != FileKind::token) {
        NTDSB_TRY(file.live_path, text_at(object, "live_path"));
    }
    NTDSB_TRY(file.size, number_at(object, "size", largest_size));
    NTDSB_TRY(file.sha256, text_at(object, "sha256"));
    if (!is_sum(file.sha256))
        return bad_manifest(file.name, " has a \"sha256\" that is not 64 hex digits");
    return file;
}

// --- What holds between the files

std::size_t count_of(const Manifest& manifest, FileKind kind) {
    return static_cast<std::size_t>(std::ranges::count(manifest.files, kind, &ManifestFile::kind));
}

Result<void> check_names(const Manifest& manifest) {
    std::set<std::u16string> names; // without case: it may be restored on Windows
    for (const auto& file : manifest.files) {
        NTDSB_TRY(const auto name, utf8_to_utf16(file.name));
        if (!names.insert(path_key(name, PathStyle::windows)).second)
            return bad_manifest(file.name, " is there twice");
        const bool is_reserved =
            same_path(name, u"manifest.json", PathStyle::windows) ||
            (file.kind != FileKind::token && same_path(name, u"token.bin", PathStyle::windows));
        if (is_reserved) return bad_manifest("no backed-up file can be called ", file.name);
    }
    return ok();
}

Result<void> check_generations(const Manifest& manifest) {
    if (manifest.gen_low > manifest.gen_high)
        return bad_manifest("gen_low ", manifest.gen_low, " is above gen_high ", manifest.gen_high);
    const std::uint64_t expected =
        manifest.gen_high == 0 ? 0 : std::uint64_t{manifest.gen_high} - manifest.gen_low + 1;
    if (count_of(manifest, FileKind::log) != expected)
        return bad_manifest("it has ", count_of(manifest, FileKind::log),
                            " logs where the generations ", manifest.gen_low, " to ",
                            manifest.gen_high, " would be ", expected);
    std::set<std::uint32_t> generations;
    for (const auto& file : manifest.files) {
        if (file.kind != FileKind::log) continue;
        const auto generation = ese::generation_of_name(file_in({}, file.name));
        if (!generation || *generation < manifest.gen_low || *generation > manifest.gen_high ||
            !generations.insert(*generation).second)
            return bad_manifest(file.name, " is no log of the generations ", manifest.gen_low,
                                " to ", manifest.gen_high, ", or one of them again");
    }
    return ok();
}

Result<void> check_whole(const Manifest& manifest) {
    for (const auto kind : {FileKind::database, FileKind::token}) {
        if (count_of(manifest, kind) != 1)
            return bad_manifest("it has ", count_of(manifest, kind),
                                kind == FileKind::token ? " tokens" : " databases",
                                "; exactly one is expected");
    }
    NTDSB_CHECK(check_names(manifest));
    return check_generations(manifest);
}

Json file_json(const ManifestFile& file) {
    const auto* const kind =
        std::ranges::find(kinds, file.kind, [](const auto& k) { return k.second; });
    Json json{{"name", file.name}, {"kind", kind->first}};
    if (!file.live_path.empty()) json["live_path"] = file.live_path;
    json["size"] = file.size;
    json["sha256"] = file.sha256;
    return json;
}

// --- Files against the manifest

Result<void> check_size(const platform::Path& path, const ManifestFile& expected) {
    NTDSB_TRY(const auto info, platform::file_info(path));
    if (!info) return fail(ERROR_FILE_NOT_FOUND, shown(path), ": the file is missing");
    if (info->is_link || info->is_folder)
        return fail(ERROR_INVALID_DATA, shown(path), " is a link or a folder, not a file");
    if (info->size != expected.size)
        return fail(ERROR_INVALID_DATA, shown(path), " has ", info->size,
                    " bytes where the manifest says ", expected.size);
    return ok();
}

Result<void> check_sum(const platform::Path& path, const ManifestFile& expected, Progress& progress,
                       const std::atomic<bool>& cancelled) {
    NTDSB_TRY(const auto file, platform::File::open_read(path));
    NTDSB_TRY(auto sum, Sha256::start());
    std::vector<std::byte> buffer(buffer_size);
    for (std::uint64_t at = 0;;) {
        if (cancelled) return interruption();
        NTDSB_TRY(const std::size_t got, file.read_at(at, buffer));
        if (got == 0) break;
        NTDSB_CHECK(sum.add(std::span(buffer).first(got)));
        at += got;
        progress.add(got);
    }
    NTDSB_TRY(const auto found, sum.finish());
    if (found == expected.sha256) return ok();
    return fail(ERROR_INVALID_DATA, shown(path), " has the SHA-256 sum ", found,
                " where the manifest says ", expected.sha256, ": its content has changed");
}

} // namespace

const ManifestFile& Manifest::database() const {
    return *std::ranges::find(files, FileKind::database, &ManifestFile::kind);
}

const ManifestFile& Manifest::token() const {
    return *std::ranges::find(files, FileKind::token, &ManifestFile::kind);
}

bool is_plain_name(std::string_view name) {
    if (name.empty() || name.size() > longest_name || name == "." || name == "..") return false;
    if (name.find_first_of("/\\:*?\"<>|") != std::string_view::npos) return false;
    if (name.back() == '.' || name.back() == ' ') return false; // Win32 drops them
    const bool has_control = std::ranges::any_of(
        name, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
    if (has_control || !utf8_to_utf16(name)) return false;
    // Names of devices on Windows, with any extension.
    std::string stem(name.substr(0, name.find('.')));
    for (char& c : stem) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    while (!stem.empty() && stem.back() == ' ') stem.pop_back();
    for (const std::string_view device : {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"})
        if (stem == device) return false;
    if (!stem.starts_with("COM") && !stem.starts_with("LPT")) return true;
    const std::string_view port = std::string_view(stem).substr(3);
    const bool is_digit = port.size() == 1 && port[0] >= '0' && port[0] <= '9';
    return !is_digit && port != "\xC2\xB9" && port != "\xC2\xB2" &&
           port != "\xC2\xB3"; // superscripts
}

platform::Path file_in(const platform::Path& folder, std::string_view name) {
    const auto utf16 = utf8_to_utf16(name);
    return folder / native_path(utf16 ? utf16.value() : wtf8_to_utf16(name));
}

std::string encode_manifest(const Manifest& manifest) {
    Json files = Json::array();
    for (const auto& file : manifest.files) files.push_back(file_json(file));
    const Json json{{"format", format_name},         {"version", format_version},
                    {"taken_at", manifest.taken_at}, {"server", manifest.server},
                    {"gen_low", manifest.gen_low},   {"gen_high", manifest.gen_high},
                    {"files", std::move(files)}};
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<Manifest> decode_manifest(std::string_view json_text) {
    const Json json = Json::parse(json_text, nullptr, false);
    if (json.is_discarded()) return bad_manifest("it is not JSON");
    if (!json.is_object()) return bad_manifest("it is no JSON object");
    NTDSB_TRY(const auto format, text_at(json, "format"));
    if (format != format_name)
        return bad_manifest(R"("format" is not ")", format_name, "\"; ntdsbctl did not write it");
    NTDSB_TRY(const auto version, number_at(json, "version", ~std::uint64_t{0}));
    if (version != format_version)
        return fail(ERROR_NOT_SUPPORTED, manifest_name, ": it has version ", version,
                    ", this ntdsbctl knows ", format_version, "; use the version that wrote it");
    Manifest manifest;
    NTDSB_TRY(manifest.taken_at, text_at(json, "taken_at"));
    NTDSB_TRY(manifest.server, text_at(json, "server"));
    NTDSB_TRY(const auto low, number_at(json, "gen_low", highest_generation));
    NTDSB_TRY(const auto high, number_at(json, "gen_high", highest_generation));
    manifest.gen_low = static_cast<std::uint32_t>(low);
    manifest.gen_high = static_cast<std::uint32_t>(high);
    const auto files = json.find("files");
    if (files == json.end() || !files->is_array())
        return bad_manifest("\"files\" is missing or no list");
    for (const auto& object : *files) {
        NTDSB_TRY(auto file, file_of(object));
        manifest.files.push_back(std::move(file));
    }
    NTDSB_CHECK(check_whole(manifest));
    return manifest;
}

Result<Manifest> load_manifest(const platform::Path& folder) {
    const platform::Path path = folder / manifest_name;
    NTDSB_TRY(const auto info, platform::file_info(path));
    if (!info)
        return fail(ERROR_FILE_NOT_FOUND, shown(folder), " has no ", manifest_name,
                    ": it is no backup that `ntdsbctl backup` finished");
    if (info->is_link || info->is_folder)
        return fail(ERROR_INVALID_DATA, shown(path), " is a link or a folder, not a file");
    NTDSB_TRY(const auto bytes, platform::read_whole_file(path, largest_manifest));
    auto manifest = decode_manifest({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    if (!manifest) return fail(manifest.error().code, shown(folder), ": ", manifest.error().what);
    return manifest;
}

std::vector<BackupFault> check_backup_files(const platform::Path& folder, const Manifest& manifest,
                                            Progress& progress,
                                            const std::atomic<bool>& cancelled) {
    std::vector<BackupFault> faults;
    std::vector<const ManifestFile*> right_size;
    std::uint64_t total = 0;
    for (const auto& file : manifest.files) {
        const auto path = file_in(folder, file.name);
        if (const auto checked = check_size(path, file)) {
            right_size.push_back(&file);
            total += file.size;
        } else {
            faults.push_back({path, checked.error()});
        }
    }
    progress.expect(total);
    for (const auto* file : right_size) {
        const auto path = file_in(folder, file->name);
        const auto checked = check_sum(path, *file, progress, cancelled);
        if (cancelled) return {{path, interruption()}};
        if (!checked) faults.push_back({path, checked.error()});
    }
    return faults;
}

} // namespace ntdsb::tools
