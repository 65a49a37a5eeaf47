/* A request as a fuzz target reads it: lines, cut off one after the other. */
#ifndef VMCONFORM_FUZZ_NEXT_LINE_H
#define VMCONFORM_FUZZ_NEXT_LINE_H

#include <string.h>

/* The next line of the text, cut off; NULL when there is none. NULs end lines early. */
static inline char *next_line(char **text)
{
    char *line = *text;
    if (!*line)
        return NULL;
    char *mark = strchrnul(line, '\n');
    *text = *mark ? mark + 1 : mark;
    *mark = '\0';
    return line;
}

#endif
