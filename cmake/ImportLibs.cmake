# ntdsb_import_libraries(TARGET): the import libraries of the DLL of a mingw build, for both families of linkers:
# mingw's libntdsbcli.a, which the linker makes with the DLL from the .def file, and MSVC's ntdsbcli.lib, by
# llvm-dlltool, in the same folder. Both are installed with the package.
#
# On x86 their symbols are _Name@N while the DLL's names are plain (contract ABI-2).
function(ntdsb_import_libraries target)
    find_program(NTDSB_LLVM_DLLTOOL NAMES llvm-dlltool llvm-dlltool-14 REQUIRED)
    set_target_properties(${target} PROPERTIES
        ARCHIVE_OUTPUT_NAME ntdsbcli IMPORT_PREFIX lib IMPORT_SUFFIX .a)
    if(CMAKE_SIZEOF_VOID_P EQUAL 4)
        set(definition ${PROJECT_SOURCE_DIR}/def/ntdsbcli-i686-dlltool.def)
        set(machine -m i386 -k)
    else()
        set(definition ${PROJECT_SOURCE_DIR}/def/ntdsbcli-x64.def)
        set(machine -m i386:x86-64)
    endif()
    set(library ${CMAKE_ARCHIVE_OUTPUT_DIRECTORY}/ntdsbcli.lib)
    add_custom_command(OUTPUT ${library}
        COMMAND ${NTDSB_LLVM_DLLTOOL} ${machine} -d ${definition} -D ntdsbcli.dll -l ${library}
        DEPENDS ${definition} VERBATIM)
    add_custom_target(${target}_msvc_library ALL DEPENDS ${library})
    install(FILES ${library}
        DESTINATION ${ntdsb_package_folder} COMPONENT ${ntdsb_package_folder})
endfunction()
