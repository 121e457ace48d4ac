# The libraries that the project uses, as interface targets with neutral names (ntdsb::boost, ntdsb::spdlog, ...): all
# header-only but GoogleTest.
#
# Native builds take the system's; builds with vcpkg (MSVC) what find_package finds. A cross build sees Debian's
# headers through a folder of links made here, never all of /usr/include, which would shadow mingw's own.

find_package(Threads REQUIRED)
# Debian's Python modules are seen by the system's own interpreter only.
if(NOT DEFINED Python3_EXECUTABLE AND EXISTS /usr/bin/python3)
    set(Python3_EXECUTABLE /usr/bin/python3)
endif()
find_package(Python3 REQUIRED COMPONENTS Interpreter)

if(DEFINED VCPKG_TARGET_TRIPLET)
    find_package(Boost REQUIRED)
    find_package(fmt CONFIG REQUIRED)
    find_package(spdlog CONFIG REQUIRED)
    find_package(tomlplusplus CONFIG REQUIRED)
    find_package(nlohmann_json CONFIG REQUIRED)
    find_package(CLI11 CONFIG REQUIRED)
    # vcpkg installs all of them below one folder.
    set(ntdsb_headers ${Boost_INCLUDE_DIRS})
else()
    set(folders boost spdlog fmt toml++ nlohmann CLI)
    foreach(folder IN LISTS folders)
        if(NOT EXISTS /usr/include/${folder})
            message(FATAL_ERROR "The headers /usr/include/${folder} are missing: run ./dev setup")
        endif()
    endforeach()
    if(CMAKE_CROSSCOMPILING)
        set(ntdsb_headers ${PROJECT_BINARY_DIR}/linked-headers)
        file(MAKE_DIRECTORY ${ntdsb_headers})
        foreach(folder IN LISTS folders)
            file(CREATE_LINK /usr/include/${folder} ${ntdsb_headers}/${folder} SYMBOLIC)
        endforeach()
    endif()
endif()

# ntdsb_dependency(NAME [DEFINITION...]): the target ntdsb::NAME.
function(ntdsb_dependency name)
    add_library(ntdsb_${name} INTERFACE)
    add_library(ntdsb::${name} ALIAS ntdsb_${name})
    target_include_directories(ntdsb_${name} SYSTEM INTERFACE ${ntdsb_headers})
    target_compile_definitions(ntdsb_${name} INTERFACE ${ARGN})
endfunction()

# Nothing may ask for a compiled library: Debian's are ELF only, and the DLL links none.
ntdsb_dependency(boost BOOST_ALL_NO_LIB BOOST_NOWIDE_NO_LIB)
ntdsb_dependency(spdlog SPDLOG_FMT_EXTERNAL FMT_HEADER_ONLY)
ntdsb_dependency(tomlplusplus TOML_EXCEPTIONS=1)
ntdsb_dependency(json)
ntdsb_dependency(cli11)

# Off Windows, where the system's SSPI does all of it: GSSAPI with the extensions of MIT Kerberos, and OpenSSL's ciphers.
if(NOT WIN32)
    find_path(NTDSB_GSSAPI_HEADERS gssapi/gssapi_ext.h)
    find_library(NTDSB_GSSAPI_LIBRARY gssapi_krb5)
    if(NOT NTDSB_GSSAPI_HEADERS OR NOT NTDSB_GSSAPI_LIBRARY)
        message(FATAL_ERROR "libkrb5-dev is missing: run ./dev setup")
    endif()
    add_library(ntdsb_gssapi INTERFACE)
    add_library(ntdsb::gssapi ALIAS ntdsb_gssapi)
    target_include_directories(ntdsb_gssapi SYSTEM INTERFACE ${NTDSB_GSSAPI_HEADERS})
    target_link_libraries(ntdsb_gssapi INTERFACE ${NTDSB_GSSAPI_LIBRARY})
    find_package(OpenSSL REQUIRED)
    add_library(ntdsb_crypto INTERFACE)
    add_library(ntdsb::crypto ALIAS ntdsb_crypto)
    target_link_libraries(ntdsb_crypto INTERFACE OpenSSL::Crypto)
endif()

# GoogleTest from source where the system has it, so that it is built by the same compiler with the same sanitizers.
function(ntdsb_add_googletest)
    if(NOT EXISTS /usr/src/googletest/CMakeLists.txt)
        find_package(GTest REQUIRED)
        add_library(ntdsb::gtest ALIAS GTest::gtest_main)
        return()
    endif()
    set(INSTALL_GTEST OFF CACHE INTERNAL "")
    set(BUILD_GMOCK OFF CACHE INTERNAL "")
    add_subdirectory(/usr/src/googletest ${PROJECT_BINARY_DIR}/googletest EXCLUDE_FROM_ALL)
    if(NTDSB_SANITIZE)
        list(JOIN NTDSB_SANITIZE "," sanitizers)
        foreach(target gtest gtest_main)
            target_compile_options(${target} PRIVATE -fsanitize=${sanitizers})
        endforeach()
    endif()
    # It is neither fast nor tested here: what counts is how long it takes to compile.
    if(NOT MSVC)
        target_compile_options(gtest PRIVATE -O0)
    endif()
    # gtest_main is a static library: its main is taken only where a test brings none of its own.
    add_library(ntdsb::gtest ALIAS gtest_main)
endfunction()
if(NTDSB_TESTS)
    ntdsb_add_googletest()
endif()
