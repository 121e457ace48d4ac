# mingw-w64 for x86 Windows, with the posix thread model (std::thread, std::mutex).
set(ntdsb_mingw i686-w64-mingw32)
set(CMAKE_SYSTEM_PROCESSOR x86)
include(${CMAKE_CURRENT_LIST_DIR}/mingw.cmake)
