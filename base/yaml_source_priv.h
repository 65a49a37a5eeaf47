/* The text of a YAML file: whether its bytes may be read at all, and where its lines are.
 *
 * libyaml counts characters; editors and the printer of mistakes count bytes. */
#ifndef VMCONFORM_BASE_YAML_SOURCE_PRIV_H
#define VMCONFORM_BASE_YAML_SOURCE_PRIV_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct yaml_source {
    const char *text; /* borrowed, as is the file's name, which is interned */
    size_t len;
    const char *file;
    size_t *line_starts; /* byte offset of each line */
    size_t line_count, line_cap;
    struct {
        size_t line, column, offset;
    } last; /* marks come in order: without this, one long line would cost the square of its length
             */
};

/* Finds the lines, and tells what is no text for YAML: UTF-8, control characters, odd line breaks.
 * true: all is well; only then places may be asked for. */
bool yaml_source_check(struct yaml_source *s, struct diags *diags);
/* Byte offset of a mark of libyaml's; the end of the text when it lies behind. */
size_t yaml_source_offset(struct yaml_source *s, size_t line, size_t column);
struct src_pos yaml_source_pos(struct yaml_source *s, size_t line, size_t column);
void yaml_source_finish(struct yaml_source *s);

#endif
