// Upper case of single UTF-16 units, the same on every platform and in every locale: what "equal
// without case" means for Windows paths (contract REG-4, "compared as the platform compares").
// Knows no paths.
#pragma once

namespace ntdsb {

// The upper-case form of `unit`, or `unit` itself. Surrogates and characters whose upper case is
// several characters stay as they are.
char16_t upper_case(char16_t unit) noexcept;

} // namespace ntdsb
