/* An input that is JSON, one value a line. */
#ifndef VMCONFORM_FUZZ_NEXT_JSON_H
#define VMCONFORM_FUZZ_NEXT_JSON_H

#include <string.h>

#include "base/json.h"

/* The next line as an object or array, cut off; NULL when it is something else. New. */
static inline json_t *next_json(const char **at, size_t *left)
{
    const char *end = memchr(*at, '\n', *left);
    size_t len = end ? (size_t)(end - *at) : *left;
    json_t *v = json_read(*at, len, "line", NULL);
    size_t used = end ? len + 1 : len;
    *at += used;
    *left -= used;
    if (v && !json_is_object(v) && !json_is_array(v)) {
        json_decref(v);
        return NULL;
    }
    return v;
}

/* The same for objects alone. */
static inline json_t *next_object(const char **at, size_t *left)
{
    json_t *v = next_json(at, left);
    if (json_is_object(v))
        return v;
    json_decref(v);
    return NULL;
}

#endif
