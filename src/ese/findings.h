// Collects what a verification finds, and decides which finding becomes the call's result (contract
// VER-8). Knows no rule's content.
#pragma once

#include "ese/restore_set.h"

#include <string_view>
#include <utility>
#include <vector>

namespace ntdsb::ese {

class Findings {
public:
    // The rule's id closes the sentence.
    void add(std::string_view rule, const platform::Path& file, const Error& error) {
        list_.push_back({error.code, file, text(error.what, " (", rule, ")")});
    }
    const std::vector<Finding>& list() const noexcept { return list_; }
    std::vector<Finding> take() noexcept { return std::move(list_); }

private:
    std::vector<Finding> list_;
};

// S_OK for no findings, platform::link_refused if that is one, else the code that comes first in the
// order of VER-8.
Code result_of(const std::vector<Finding>& findings) noexcept;

} // namespace ntdsb::ese
