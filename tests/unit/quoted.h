/* JSON in C: with ' for ", so that it can be read where it stands. */
#ifndef VMCONFORM_TESTS_UNIT_QUOTED_H
#define VMCONFORM_TESTS_UNIT_QUOTED_H

#include <check.h>
#include <jansson.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"

/* New. A text that is no JSON fails the test. */
static inline json_t *quoted(const char *text)
{
    AUTO(str) char *copy = mem_strdup(text);
    json_t *v;

    for (char *p = copy; *p; p++)
        if (*p == '\'')
            *p = '"';
    v = json_read(copy, strlen(copy), NULL, NULL);
    ck_assert_msg(v != NULL, "%s", text);
    return v;
}

#endif
