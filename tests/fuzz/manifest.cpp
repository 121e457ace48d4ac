// manifest.json of a backup's folder, which `ntdsbctl restore` believes nothing of: no name in it may
// lead out of the folder.
#include "fuzz/fuzz.h"

#include "tools/manifest.h"

namespace ntdsb::fuzz {

void manifest(Input input) {
    const Octets copy = exactly(input);
    const auto read = tools::decode_manifest(as_text(copy));
    if (!read) {
        FUZZ_CHECK(read.error().code == static_cast<Code>(ERROR_INVALID_DATA) ||
                       read.error().code == static_cast<Code>(ERROR_NOT_SUPPORTED),
                   "a wrong manifest has one of two codes");
        return;
    }
    const auto& known = read.value();
    for (const auto& file : known.files) {
        FUZZ_CHECK(tools::is_plain_name(file.name) &&
                       file.name.find_first_of("/\\:") == std::string::npos && file.name != ".." &&
                       file.name != ".",
                   "a backup's files lie in its folder");
        FUZZ_CHECK(tools::file_in("folder", file.name).parent_path() == "folder",
                   "a backup's files lie in its folder");
    }
    FUZZ_CHECK(known.database().kind == tools::FileKind::database, "there is one database");
    FUZZ_CHECK(known.token().kind == tools::FileKind::token, "there is one token");
    FUZZ_CHECK(known.gen_low <= known.gen_high, "generations are a range");
    const auto written = tools::encode_manifest(known);
    const auto again = tools::decode_manifest(written);
    FUZZ_CHECK(again && tools::encode_manifest(again.value()) == written,
               "a manifest is read as it was written");
}

} // namespace ntdsb::fuzz
