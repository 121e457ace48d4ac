// A folder that a test may fill, gone with everything in it at the test's end. Below
// NTDSB_TEST_TMP, or test-tmp in the current folder: not the system's temporary folder, whose
// parents may not pass for trusted.
#pragma once

#include <filesystem>
#include <string_view>

namespace ntdsb::test {

class TempFolder {
public:
    TempFolder();
    ~TempFolder();
    TempFolder(const TempFolder&) = delete;
    TempFolder& operator=(const TempFolder&) = delete;

    // Absolute, without links.
    const std::filesystem::path& path() const noexcept { return path_; }
    std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

private:
    std::filesystem::path path_;
};

} // namespace ntdsb::test
