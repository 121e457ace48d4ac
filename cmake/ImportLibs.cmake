# ntdsb_import_libraries(TARGET): beside mingw's import library libntdsbcli.a (which the linker makes from the .def file) the COFF one for MSVC's
# linker, ntdsbcli.lib, in the same folder.
#
# On x86 the symbols are _Name@N and the DLL's names plain: llvm-dlltool -k strips the decoration from the import names only.

function(ntdsb_import_libraries target)
    set_target_properties(${target} PROPERTIES ARCHIVE_OUTPUT_NAME ntdsbcli IMPORT_PREFIX lib IMPORT_SUFFIX .a)
    find_program(NTDSB_LLVM_DLLTOOL NAMES llvm-dlltool llvm-dlltool-14 REQUIRED)
    if(CMAKE_SIZEOF_VOID_P EQUAL 4)
        set(machine i386)
        set(flags -k)
        set(sed "s/ == [A-Za-z0-9]*//")
        set(definition ${PROJECT_SOURCE_DIR}/def/ntdsbcli-i686.def)
    else()
        set(machine i386:x86-64)
        set(flags "")
        set(sed "")
        set(definition ${PROJECT_SOURCE_DIR}/def/ntdsbcli-x64.def)
    endif()
    set(library ${CMAKE_ARCHIVE_OUTPUT_DIRECTORY}/ntdsbcli.lib)
    set(plain ${CMAKE_CURRENT_BINARY_DIR}/ntdsbcli-msvc.def)
    add_custom_command(OUTPUT ${library}
        COMMAND sed "${sed}" ${definition} > ${plain}
        COMMAND ${NTDSB_LLVM_DLLTOOL} -m ${machine} ${flags} -d ${plain} -D ntdsbcli.dll -l ${library}
        DEPENDS ${definition} VERBATIM)
    add_custom_target(${target}_msvc_library ALL DEPENDS ${library})
    install(FILES ${library} DESTINATION ${ntdsb_package_folder} COMPONENT ${ntdsb_package_folder})
endfunction()
