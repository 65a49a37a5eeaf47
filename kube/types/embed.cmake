# cmake -D OUT=embedded.c -D LIST=files.txt -P embed.cmake
# Writes a C file with the bytes of all files named in LIST (one absolute path per line), one after the other.

file(STRINGS "${LIST}" paths)
set(all "")
foreach(path IN LISTS paths)
    file(READ "${path}" hex HEX)
    string(APPEND all "${hex}")
endforeach()
string(LENGTH "${all}" digits)
math(EXPR len "${digits} / 2")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," all "${all}")
string(REGEX REPLACE "((0x..,){20})" "\\1\n" all "${all}")
file(WRITE "${OUT}"
"/* Made by kube/types/embed.cmake; do not edit. */
#include \"kube/types/types_priv.h\"

const char types_embedded[] = {
${all}0x00};
const size_t types_embedded_len = ${len}u;
")
