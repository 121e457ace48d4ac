// platform/terminal.h on Windows.
#include "platform/terminal.h"

#include <windows.h>

namespace ntdsb::platform {

bool is_terminal(StandardStream stream) noexcept {
    DWORD mode = 0;
    const HANDLE handle =
        GetStdHandle(stream == StandardStream::in ? STD_INPUT_HANDLE : STD_ERROR_HANDLE);
    return GetConsoleMode(handle, &mode) != 0;
}

} // namespace ntdsb::platform
