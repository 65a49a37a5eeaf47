/* Field errors, as apimachinery's field package words them. */
#include "kube/status.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "base/strmap.h"
#include "base/utf8.h"
#include "kube/status_priv.h"

#define CAUSES_MAX 100

static const struct {
    const char *reason, *text;
    bool shows_value;
} kinds[] = {
    [FIELD_REQUIRED] = {"FieldValueRequired", "Required value", false},
    [FIELD_INVALID] = {"FieldValueInvalid", "Invalid value", true},
    [FIELD_NOT_SUPPORTED] = {"FieldValueNotSupported", "Unsupported value", true},
    [FIELD_DUPLICATE] = {"FieldValueDuplicate", "Duplicate value", true},
    [FIELD_FORBIDDEN] = {"FieldValueForbidden", "Forbidden", false},
    [FIELD_TOO_LONG] = {"FieldValueTooLong", "Too long", false},
    [FIELD_TOO_MANY] = {"FieldValueTooMany", "Too many", true},
    [FIELD_TYPE_INVALID] = {"FieldValueTypeInvalid", "Invalid value", true},
    [FIELD_NOT_FOUND] = {"FieldValueNotFound", "Not found", true},
    [FIELD_INTERNAL] = {"InternalError", "Internal error", false},
};

json_t *status_text_value(const char *text)
{
    json_t *value = json_string(text);
    char *copy;

    if (value)
        return value;
    copy = mem_strdup(text);
    for (char *p = copy; *p; p++)
        if (*p & 0x80)
            *p = '?';
    value = json_string(copy);
    free(copy);
    return value;
}

/* What Go's %q escapes beyond ASCII: the characters of this kind that people meet, not the whole
 * Unicode table. */
static bool is_unprintable(unsigned cp)
{
    return cp < 0x20 || (cp >= 0x7f && cp <= 0xa0) || cp == 0xad ||
           (cp >= 0x2000 && cp <= 0x200f) || (cp >= 0x2028 && cp <= 0x202f) ||
           (cp >= 0x205f && cp <= 0x206f) || cp == 0x3000 || (cp >= 0xe000 && cp <= 0xf8ff) ||
           cp == 0xfeff || (cp >= 0xfff0 && cp <= 0xfffb);
}

void status_quote(struct strbuf *out, const char *s, size_t len)
{
    static const char from[] = "\a\b\f\n\r\t\v\"\\", to[] = "abfnrtv\"\\";

    strbuf_addch(out, '"');
    for (size_t i = 0; i < len;) {
        uint32_t cp;
        size_t width = utf8_read(s + i, len - i, &cp);
        const char *hit = cp && cp < 0x80 ? strchr(from, (int)cp) : NULL;

        if (hit)
            strbuf_addf(out, "\\%c", to[hit - from]);
        else if (is_unprintable(cp))
            strbuf_addf(out, cp < 0x80 ? "\\x%02x" : "\\u%04x", cp);
        else
            strbuf_add(out, s + i, width);
        i += width;
    }
    strbuf_addch(out, '"');
}

static void add_value(struct strbuf *out, const json_t *value)
{
    if (!value)
        strbuf_addstr(out, "null");
    else if (json_is_string(value))
        status_quote(out, json_string_value(value), json_string_length(value));
    else
        json_write_sorted(out, value, JSON_TIGHT);
}

void field_errors_add(struct field_errors *e, enum field_error_type type, const char *field,
                      const json_t *value, const char *detail_fmt, ...)
{
    AUTO(strbuf) struct strbuf body = {0};
    AUTO(str) char *detail = NULL;
    json_t *cause;
    va_list ap;

    assert((unsigned)type < ARRAY_LEN(kinds));
    if (!e->causes)
        e->causes = json_array();
    assert(json_array_size(e->causes) <= CAUSES_MAX);
    if (json_array_size(e->causes) == CAUSES_MAX) {
        e->truncated = true;
        return;
    }
    va_start(ap, detail_fmt);
    detail = mem_vprintf(detail_fmt, ap);
    va_end(ap);
    strbuf_addstr(&body, kinds[type].text);
    if (kinds[type].shows_value) {
        strbuf_addstr(&body, ": ");
        add_value(&body, value);
    }
    if (*detail)
        strbuf_addf(&body, ": %s", detail);
    cause = json_object();
    json_put_str(cause, "reason", kinds[type].reason);
    json_put_take(cause, "message", status_text_value(strbuf_str(&body)));
    json_put_take(cause, "field", status_text_value(field && *field ? field : "<nil>"));
    json_array_append_new(e->causes, cause);
}

void field_errors_move(struct field_errors *e, struct field_errors *from, const char *at)
{
    assert(e != from);
    if (!e->causes)
        e->causes = json_array();
    e->truncated |= from->truncated;
    for (size_t i = 0; i < json_array_size(from->causes); i++) {
        json_t *cause = json_array_get(from->causes, i);
        AUTO(str) char *field = mem_printf("%s.%s", at, json_str_or_empty(cause, "field"));

        if (json_array_size(e->causes) == CAUSES_MAX) {
            e->truncated = true;
            break;
        }
        json_put_take(cause, "field", status_text_value(field));
        json_array_append(e->causes, cause);
    }
    field_errors_finish(from);
}

bool field_errors_any(const struct field_errors *e)
{
    return json_array_size(e->causes) > 0;
}

char *field_errors_text(const struct field_errors *e)
{
    struct strmap *seen = strmap_create();
    AUTO(strbuf) struct strbuf list = {0};
    size_t count;
    char *text;

    for (size_t i = 0; i < json_array_size(e->causes); i++) {
        const json_t *cause = json_array_get(e->causes, i);
        AUTO(str)
        char *one = mem_printf("%s: %s", json_str_or_empty(cause, "field"),
                               json_str_or_empty(cause, "message"));

        if (strmap_put(seen, one, seen))
            continue; /* repeated */
        if (list.len)
            strbuf_addstr(&list, ", ");
        strbuf_addstr(&list, one);
    }
    count = strmap_count(seen);
    strmap_destroy(seen, NULL);
    text = count > 1 ? mem_printf("[%s]", strbuf_str(&list)) : mem_strdup(strbuf_str(&list));
    return text;
}

void field_errors_finish(struct field_errors *e)
{
    json_decref(e->causes);
    *e = (struct field_errors){0};
}
