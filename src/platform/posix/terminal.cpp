// platform/terminal.h on POSIX systems.
#include "platform/terminal.h"

#include <unistd.h>

namespace ntdsb::platform {

bool is_terminal(StandardStream stream) noexcept {
    return ::isatty(stream == StandardStream::in ? STDIN_FILENO : STDERR_FILENO) == 1;
}

} // namespace ntdsb::platform
