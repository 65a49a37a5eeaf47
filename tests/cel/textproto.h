/* Protocol buffers as text, without their definition: fields by name, in the order of the file.
 *
 * Only what cel-spec's tests use: scalars, messages in braces, lists in brackets, the names of
 * extensions and of `Any` in brackets, comments. */
#ifndef VMCONFORM_TESTS_CEL_TEXTPROTO_H
#define VMCONFORM_TESTS_CEL_TEXTPROTO_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define TEXTPROTO_DEPTH_MAX 100

enum field_kind {
    FIELD_TEXT, /* a string literal; may hold any bytes */
    FIELD_WORD, /* a number or a name, as it is written */
    FIELD_MESSAGE
};

struct field {
    char *name; /* `[a.b/c.d]` without its brackets */
    enum field_kind kind;
    char *text; /* TEXT and WORD; NUL-terminated besides */
    size_t len;
    struct message *message;
    unsigned line;
};

struct message {
    struct field *fields;
    size_t count, cap;
};

/* New. NULL: *reterr has the place. */
struct message *textproto_read(const char *text, size_t len, const char *name, struct err *reterr);
void textproto_destroy(struct message *m);

/* The first field of that name; NULL: none. m may be NULL. */
const struct field *textproto_find(const struct message *m, const char *name);
/* Its text, or "". */
const char *textproto_text(const struct message *m, const char *name);
/* Its message, or NULL. */
const struct message *textproto_message(const struct message *m, const char *name);
bool textproto_is_true(const struct message *m, const char *name);

#endif
