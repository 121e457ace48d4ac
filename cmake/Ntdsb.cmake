# How every target of the project is built (language level, warnings, sanitizers), and how tests register themselves
# for the test runner, tests/support/run_suites.py.

# ccache takes precompiled headers only when it may overlook their definitions and times (GCC checks them itself); with
# paths relative to the checkout, several checkouts on one machine share what was compiled.
find_program(NTDSB_CCACHE ccache)
if(NTDSB_CCACHE)
    foreach(language C CXX)
        set(CMAKE_${language}_COMPILER_LAUNCHER
            ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros
            CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${NTDSB_CCACHE})
    endforeach()
endif()

# What kind of build this is, as the test runner names it.
if(NTDSB_SANITIZE MATCHES "thread")
    set(ntdsb_flavour tsan)
elseif(NTDSB_SANITIZE)
    set(ntdsb_flavour asan)
elseif(NOT WIN32)
    set(ntdsb_flavour native)
elseif(CMAKE_SIZEOF_VOID_P EQUAL 4)
    set(ntdsb_flavour x86)
else()
    set(ntdsb_flavour x64)
endif()

# Where `./dev package` puts what this build makes, below out/package; also the name of its install component. The
# headers' component and folder are called `headers` and `include`.
if(WIN32)
    set(ntdsb_package_folder ${ntdsb_flavour})
else()
    set(ntdsb_package_folder linux-x86_64)
endif()

# The usage requirements that every target of the project shares. Boost is among them, since Result<T> stands in every
# layer's interface.
set(CMAKE_CXX_EXTENSIONS OFF)
add_library(ntdsb_build INTERFACE)
target_compile_features(ntdsb_build INTERFACE cxx_std_20)
target_include_directories(ntdsb_build INTERFACE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
target_link_libraries(ntdsb_build INTERFACE ntdsb::boost Threads::Threads)
if(MSVC)
    target_compile_options(ntdsb_build INTERFACE /W4 /WX /utf-8 /permissive- /EHsc)
else()
    target_compile_options(ntdsb_build INTERFACE
        -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Werror -fvisibility=hidden)
endif()
if(WIN32)
    # Windows 7 is the oldest system meant.
    target_compile_definitions(ntdsb_build INTERFACE _WIN32_WINNT=0x0601 WIN32_LEAN_AND_MEAN NOMINMAX)
endif()
if(MINGW)
    # Nothing but system DLLs is imported: libgcc, libstdc++ and winpthread are linked in.
    target_link_options(ntdsb_build INTERFACE -static)
    if(CMAKE_SIZEOF_VOID_P EQUAL 4)
        # Every processor that Windows 7 runs on has SSE2, and with it x86 computes as x64 does. But old tools, and
        # Windows itself, call with a stack aligned to 4 bytes, where SSE code that spills to it would crash: every
        # function realigns it (GCC's default for Windows with SSE; said here because the exports rely on it).
        target_compile_options(ntdsb_build INTERFACE -msse2 -mfpmath=sse -mstackrealign)
    endif()
endif()
if(NTDSB_SANITIZE)
    list(JOIN NTDSB_SANITIZE "," ntdsb_sanitizers)
    target_compile_options(ntdsb_build INTERFACE
        -fsanitize=${ntdsb_sanitizers} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(ntdsb_build INTERFACE -fsanitize=${ntdsb_sanitizers})
endif()
if(NTDSB_FUZZ)
    target_compile_options(ntdsb_build INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(NTDSB_COVERAGE)
    target_compile_options(ntdsb_build INTERFACE -fprofile-instr-generate -fcoverage-mapping)
    target_link_options(ntdsb_build INTERFACE -fprofile-instr-generate)
endif()

# The standard headers, Result<T> and GoogleTest are most of what a file costs to compile. With NTDSB_PRECOMPILE they are
# compiled once for the product and once for the tests, and each target is one compilation; without (native-debug) every
# file stands alone and proves its own includes.
function(ntdsb_precompiled_headers kind)
    if(NTDSB_PRECOMPILE)
        file(GENERATE OUTPUT ${PROJECT_BINARY_DIR}/precompiled_${kind}.cpp CONTENT "// Nothing.\n")
        add_library(ntdsb_precompiled_${kind} OBJECT ${PROJECT_BINARY_DIR}/precompiled_${kind}.cpp)
        target_link_libraries(ntdsb_precompiled_${kind} PRIVATE ntdsb_build)
        target_precompile_headers(ntdsb_precompiled_${kind} PRIVATE ${ARGN}
            <algorithm> <array> <chrono> <functional> <map> <mutex> <optional> <span> <string> <vector>
            ${PROJECT_SOURCE_DIR}/src/core/result.h)
    endif()
endfunction()
function(ntdsb_build_fast target kind)
    if(NTDSB_PRECOMPILE)
        target_precompile_headers(${target} REUSE_FROM ntdsb_precompiled_${kind})
        set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 24)
    endif()
endfunction()

ntdsb_precompiled_headers(product)
if(NTDSB_PRECOMPILE)
    set_target_properties(ntdsb_precompiled_product PROPERTIES POSITION_INDEPENDENT_CODE ON)
endif()

# GCC 12 takes a moved std::string's inline buffer for an overrun (GCC bug 105329 and its kin). Without precompiled
# headers it holds its tongue, the place being in a system header.
if(NTDSB_PRECOMPILE AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    target_compile_options(ntdsb_build INTERFACE -Wno-array-bounds -Wno-restrict -Wno-stringop-overflow -Wno-stringop-overread)
endif()

# ntdsb_library(NAME SOURCES ... DEPS ...): the layer ntdsb_NAME, a static library that may go into the DLL. DEPS are
# layers (core) or targets (ntdsb::spdlog, ntdsb_core, or a system library).
function(ntdsb_library name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;DEPS")
    add_library(ntdsb_${name} STATIC ${arg_SOURCES})
    set_target_properties(ntdsb_${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
    set(layers "core|platform|wire|rpc|ese|service|server|transport|fault_injection|client|messages|api")
    list(TRANSFORM arg_DEPS PREPEND ntdsb_ REGEX "^(${layers})$")
    target_link_libraries(ntdsb_${name} PUBLIC ntdsb_build ${arg_DEPS})
    ntdsb_build_fast(ntdsb_${name} product)
endfunction()

# --- tests ------------------------------------------------------------------------------------------------------------

# Windows programs see the root of the file system as Wine's drive Z:.
if(WIN32 AND CMAKE_CROSSCOMPILING)
    set(ntdsb_root "Z:")
endif()

# Suites that are registered no more must not run any more.
file(REMOVE_RECURSE ${PROJECT_BINARY_DIR}/suites)

# The build's sanitizers for a program that gets nothing else from the project.
function(ntdsb_sanitize_client target)
    if(NTDSB_SANITIZE)
        list(JOIN NTDSB_SANITIZE "," sanitizers)
        target_compile_options(${target} PRIVATE -fsanitize=${sanitizers} -fno-sanitize-recover=all)
        target_link_options(${target} PRIVATE -fsanitize=${sanitizers})
    endif()
endfunction()

# Writes suites/NAME.json for the test runner: {name, flavour, kind, concurrent, targets, command, environment, wine}.
# WINE x64|x86: a native suite starts Windows programs, too, by tests/support/wine-run. FLAVOUR: another than this build's.
function(ntdsb_register_suite name kind concurrent)
    cmake_parse_arguments(PARSE_ARGV 3 arg "" "WINE;FLAVOUR" "TARGETS;COMMAND;ENVIRONMENT")
    if(NOT arg_FLAVOUR)
        set(arg_FLAVOUR ${ntdsb_flavour})
    endif()
    foreach(list TARGETS COMMAND ENVIRONMENT)
        set(words "")
        foreach(word IN LISTS arg_${list})
            string(REPLACE "\\" "\\\\" word "${word}")
            string(REPLACE "\"" "\\\"" word "${word}")
            list(APPEND words "\"${word}\"")
        endforeach()
        list(JOIN words ", " ${list})
    endforeach()
    string(TOLOWER "${concurrent}" concurrent)
    file(GENERATE OUTPUT ${PROJECT_BINARY_DIR}/suites/${name}.json CONTENT
        "{\"name\": \"${name}\", \"flavour\": \"${arg_FLAVOUR}\", \"kind\": \"${kind}\",
 \"concurrent\": ${concurrent}, \"targets\": [${TARGETS}],
 \"command\": [${COMMAND}], \"environment\": [${ENVIRONMENT}], \"wine\": \"${arg_WINE}\"}\n")
endfunction()

# What test code itself is built with: it is neither fast nor the place where undefined behaviour is looked for, and
# compiles in half the time so. Sources of the product that a test compiles are treated alike. Fuzz targets are to be fast.
add_library(ntdsb_test_code INTERFACE)
if(NOT MSVC AND NOT NTDSB_FUZZ)
    target_compile_options(ntdsb_test_code INTERFACE -O0 -fno-sanitize=undefined)
endif()
if(NTDSB_TESTS)
    ntdsb_precompiled_headers(tests <filesystem> <gtest/gtest.h>)
    if(NTDSB_PRECOMPILE)
        target_link_libraries(ntdsb_precompiled_tests PRIVATE ntdsb_test_code ntdsb::gtest)
    endif()
endif()

# ntdsb_test(NAME SOURCES ... DEPS ... [CONCURRENT]): a GoogleTest executable, run in every flavour; with the thread
# sanitizer only with CONCURRENT.
function(ntdsb_test name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "CONCURRENT" "" "SOURCES;DEPS")
    ntdsb_test_executable(${name} SOURCES ${arg_SOURCES} DEPS ${arg_DEPS})
    ntdsb_register_suite(${name} gtest ${arg_CONCURRENT} TARGETS ${name} COMMAND $<TARGET_FILE:${name}>)
endfunction()

# The same without a suite: for executables that are run in several ways, by ntdsb_register_suite.
function(ntdsb_test_executable name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;DEPS")
    add_executable(${name} ${arg_SOURCES})
    target_link_libraries(${name} PRIVATE ntdsb_build ntdsb_test_code ntdsb::gtest ${arg_DEPS})
    ntdsb_build_fast(${name} tests)
    target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
    if(NOT CMAKE_CROSSCOMPILING)
        add_test(NAME ${name} COMMAND ${name})
    endif()
endfunction()

# ntdsb_script_test(NAME COMMAND ... [TARGETS ...] [CONCURRENT] [ONCE]): a program or script whose last line is
# `N passed, N failed, N skipped`. TARGETS are what it needs built (all when not given). A word @RUN@ of the command
# stands for what starts this flavour's executables (Wine, or nothing). With ONCE it is the same in every flavour and
# is run in a native one only; with SOURCES it looks at sources alone, and runs once beside the others, as flavour `sources`.
function(ntdsb_script_test name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "CONCURRENT;ONCE;SOURCES" "" "COMMAND;TARGETS")
    set(flavour ${ntdsb_flavour})
    if((arg_ONCE OR arg_SOURCES) AND NOT ntdsb_flavour MATCHES "^(native|asan)$")
        return()
    endif()
    if(arg_SOURCES)
        set(flavour sources)
        set(arg_TARGETS help) # which builds nothing
    elseif(NOT arg_TARGETS)
        set(arg_TARGETS all)
    endif()
    ntdsb_register_suite(${name} script ${arg_CONCURRENT} FLAVOUR ${flavour} TARGETS ${arg_TARGETS}
        COMMAND ${arg_COMMAND})
endfunction()
