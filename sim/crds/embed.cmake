# cmake -D OUT=embedded.c -D LIST=files.txt -P embed.cmake
# Writes a C file with the bytes of each file named in LIST (one absolute path per line). Needs no tool but cmake.

file(STRINGS "${LIST}" paths)
set(arrays "")
set(table "")
set(count 0)
foreach(path IN LISTS paths)
    file(READ "${path}" hex HEX)
    string(LENGTH "${hex}" digits)
    math(EXPR len "${digits} / 2")
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
    string(REGEX REPLACE "((0x..,){20})" "\\1\n" bytes "${bytes}")
    get_filename_component(name "${path}" NAME)
    string(APPEND arrays "static const unsigned char file_${count}[] = {\n${bytes}0x00};\n\n")
    string(APPEND table "    {\"${name}\", file_${count}, ${len}u},\n")
    math(EXPR count "${count} + 1")
endforeach()
file(WRITE "${OUT}"
"/* Made by sim/crds/embed.cmake; do not edit. */
#include \"sim/crds/embedded.h\"

${arrays}const struct crds_file crds_embedded[] = {
${table}    {NULL, NULL, 0},
};
const size_t crds_embedded_count = ${count}u;
")
