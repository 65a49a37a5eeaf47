# What every module of this project shares: warnings, sanitizers, and one helper per kind of target.

include(GNUInstallDirs)
include(${CMAKE_CURRENT_LIST_DIR}/Registered.cmake)
find_package(PkgConfig REQUIRED)
pkg_check_modules(YAML REQUIRED IMPORTED_TARGET yaml-0.1)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
pkg_check_modules(UUID REQUIRED IMPORTED_TARGET uuid)
pkg_check_modules(GNUTLS REQUIRED IMPORTED_TARGET gnutls)
pkg_check_modules(NETTLE REQUIRED IMPORTED_TARGET nettle)
pkg_check_modules(MICROHTTPD REQUIRED IMPORTED_TARGET libmicrohttpd)
pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl)
pkg_check_modules(RE2 REQUIRED IMPORTED_TARGET re2)
pkg_check_modules(SQLITE3 REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(LIBXML REQUIRED IMPORTED_TARGET libxml-2.0)
pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET zlib)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)

option(VMCONFORM_ARCHIVES "Take small libraries from their archives, where there are any: programs start sooner" OFF)
set(VMCONFORM_ARCHIVE_OPTIONS "")
if(VMCONFORM_ARCHIVES)
    # Half of what the dynamic loader does at a start is libstdc++, which only RE2 needs. The archives' symbols stay
    # hidden, so that other shared libraries keep to their own.
    foreach(name RE2 YAML UUID ZLIB ZSTD)
        get_target_property(libraries PkgConfig::${name} INTERFACE_LINK_LIBRARIES)
        set(chosen "")
        foreach(library IN LISTS libraries)
            string(REGEX REPLACE "[.]so$" ".a" archive "${library}")
            if(EXISTS "${archive}" AND NOT archive STREQUAL library)
                get_filename_component(file "${archive}" NAME)
                list(APPEND VMCONFORM_ARCHIVE_OPTIONS "LINKER:--exclude-libs,${file}")
                list(APPEND chosen "${archive}")
            else()
                list(APPEND chosen "${library}")
            endif()
        endforeach()
        set_property(TARGET PkgConfig::${name} PROPERTY INTERFACE_LINK_LIBRARIES "${chosen}")
    endforeach()
    list(APPEND VMCONFORM_ARCHIVE_OPTIONS -static-libstdc++ -static-libgcc)
endif()

if(BUILD_TESTING)
    # Building and running scenarios does not need it.
    pkg_check_modules(CHECK IMPORTED_TARGET check)
    if(NOT CHECK_FOUND)
        message(STATUS "libcheck is not installed (package check): unit tests are left out")
    endif()
endif()

set(VMCONFORM_SANITIZE "" CACHE STRING "Sanitizers to build with, e.g. address,undefined")
option(VMCONFORM_WERROR "Turn warnings into errors" OFF)
set(VMCONFORM_TEST_WRAPPER "" CACHE STRING "Command put in front of every unit test, e.g. valgrind;-q")

add_library(vmconform_flags INTERFACE)
target_compile_features(vmconform_flags INTERFACE c_std_17 cxx_std_17)
target_compile_definitions(vmconform_flags INTERFACE _GNU_SOURCE)
# -ffp-contract=off: gcc and clang must compute the same doubles, or traces differ.
target_compile_options(vmconform_flags INTERFACE
    -Wall -Wextra -ffp-contract=off -fno-strict-aliasing
    $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes -Wmissing-prototypes -Wshadow -Wvla>
    $<$<AND:$<COMPILE_LANGUAGE:C>,$<C_COMPILER_ID:GNU>>:-Wjump-misses-init>
    $<$<BOOL:${VMCONFORM_WERROR}>:-Werror>)
target_include_directories(vmconform_flags INTERFACE "${PROJECT_SOURCE_DIR}")
target_link_options(vmconform_flags INTERFACE ${VMCONFORM_ARCHIVE_OPTIONS})
if(VMCONFORM_SANITIZE)
    target_compile_options(vmconform_flags INTERFACE
        -fsanitize=${VMCONFORM_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    target_link_options(vmconform_flags INTERFACE -fsanitize=${VMCONFORM_SANITIZE})
endif()

# vmconform_library(base SOURCES a.c HEADERS a.h DEPENDS vmconform::x PRIVATE_DEPENDS PkgConfig::Y)
# One static library per module. HEADERS are compiled alone by the test `headers.alone`.
function(vmconform_library name)
    cmake_parse_arguments(arg "" "" "SOURCES;HEADERS;DEPENDS;PRIVATE_DEPENDS" ${ARGN})
    list(REMOVE_DUPLICATES arg_SOURCES) # several lists may name a file
    add_library(vmconform_${name} STATIC ${arg_SOURCES})
    add_library(vmconform::${name} ALIAS vmconform_${name})
    target_sources(vmconform_${name} PUBLIC FILE_SET HEADERS
                   BASE_DIRS "${PROJECT_SOURCE_DIR}" FILES ${arg_HEADERS})
    target_link_libraries(vmconform_${name}
                          PUBLIC vmconform_flags ${arg_DEPENDS} PRIVATE ${arg_PRIVATE_DEPENDS})
    set_target_properties(vmconform_${name} PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)
endfunction()

# vmconform_test(unit.base.err SOURCES test_err.c DEPENDS vmconform::base LABELS unit)
# One libcheck program; it counts as one CTest test.
function(vmconform_test name)
    cmake_parse_arguments(arg "" "TIMEOUT" "SOURCES;DEPENDS;LABELS;ENVIRONMENT" ${ARGN})
    if(NOT BUILD_TESTING OR NOT CHECK_FOUND)
        return()
    endif()
    string(REPLACE "." "_" target "test_${name}")
    add_executable(${target} ${arg_SOURCES})
    target_link_libraries(${target} PRIVATE vmconform_flags ${arg_DEPENDS} PkgConfig::CHECK)
    add_test(NAME ${name} COMMAND ${VMCONFORM_TEST_WRAPPER} $<TARGET_FILE:${target}>
             WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
    if(NOT arg_TIMEOUT)
        set(arg_TIMEOUT 120)
    endif()
    set_tests_properties(${name} PROPERTIES
        LABELS "unit;${arg_LABELS}" TIMEOUT ${arg_TIMEOUT} SKIP_RETURN_CODE 77
        ENVIRONMENT "TZ=UTC;LC_ALL=C;CK_DEFAULT_TIMEOUT=${arg_TIMEOUT};ASAN_OPTIONS=detect_stack_use_after_return=0;${arg_ENVIRONMENT}")
endfunction()
