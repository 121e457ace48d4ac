// A password at rest: encrypted in memory (CryptProtectMemory) or locked into it (mlock), wiped
// when it goes (contract AUTH-1). Never printed.
#pragma once

#include "core/result.h"

#include <functional>
#include <memory>
#include <string_view>

namespace ntdsb::platform {

class Secret {
public:
    static Result<Secret> protect(std::u16string_view plain);
    Secret(Secret&&) noexcept;
    Secret& operator=(Secret&&) noexcept;
    ~Secret();

    // Lends the plain text to `use` and wipes the copy afterwards.
    Result<void> reveal(const std::function<void(std::u16string_view)>& use) const;

private:
    struct Data;
    explicit Secret(std::unique_ptr<Data> data) noexcept;
    std::unique_ptr<Data> data_;
};

// Overwrites memory in a way that the compiler keeps.
void wipe(void* memory, std::size_t size) noexcept;

} // namespace ntdsb::platform
