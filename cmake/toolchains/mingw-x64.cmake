# mingw-w64 for x64 Windows, with the posix thread model (std::thread, std::mutex).
set(ntdsb_mingw x86_64-w64-mingw32)
set(CMAKE_SYSTEM_PROCESSOR AMD64)
include(${CMAKE_CURRENT_LIST_DIR}/mingw.cmake)
