// Another process of this machine, by its id: what it is, whether it has a file open, and its end.
// Used by the tools only.
#pragma once

#include "platform/file.h"

#include <cstdint>
#include <string>

namespace ntdsb::platform {

// The program's name or path as the system tells it; empty if it does not.
std::string program_of(std::uint32_t process_id);

// Whether the process has the file open; std::nullopt where the system does not tell (Windows, or
// without the right). An id may have been given to another process, or be of another container.
std::optional<bool> has_open(std::uint32_t process_id, const Path& file);

// Ends the process and waits until it is gone: asked to first (SIGTERM) and after `grace_ms` forced
// (SIGKILL); on Windows forced at once (TerminateProcess). ERROR_FILE_NOT_FOUND if there is none.
Result<void> end_process(std::uint32_t process_id, std::uint32_t grace_ms);

} // namespace ntdsb::platform
