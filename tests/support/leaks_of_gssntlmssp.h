// For one source of a test that gives gss-ntlmssp passwords in its own process: what LeakSanitizer is
// to leave out, in all of that program. Those that tests start are told by leaks_with_passwords.txt,
// which says why.
#pragma once

extern "C" const char* __lsan_default_suppressions();
extern "C" __attribute__((visibility("default"))) const char* __lsan_default_suppressions() {
    return "leak:gssntlmssp.so\nleak:libcrypto.so";
}
