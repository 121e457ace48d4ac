// Symbolic links as tests need them, on every system that the tests run on.
#pragma once

#include <filesystem>

namespace ntdsb::test {

// A link at `path` to the file or folder `target`, which is there; removed by the destructor, since
// under Wine whoever removes a folder follows it. Windows makes links for those alone who hold the
// privilege, Wine none: there the Unix system makes it, and Wine follows.
class Link {
public:
    Link(const std::filesystem::path& target, std::filesystem::path path);
    ~Link();
    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;

    // False: this system made none.
    explicit operator bool() const noexcept { return is_made_; }

private:
    std::filesystem::path path_;
    bool is_made_;
};

} // namespace ntdsb::test
