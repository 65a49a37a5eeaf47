#include "components/fulfillment-service/target.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "base/utf8.h"
#include "kube/url.h"

static bool is_utf8(const char *s, size_t len)
{
    for (size_t at = 0, step; at < len; at += step)
        if ((step = utf8_length(s + at, len - at)) == 0)
            return false;
    return true;
}

/* New; NULL: bad escapes, NUL, no UTF-8. */
static char *unescape(const char *s, size_t len, bool plus)
{
    AUTO(strbuf) struct strbuf out = {0};
    for (size_t i = 0; i < len; i++) {
        if (s[i] == '+' && plus) {
            strbuf_addch(&out, ' ');
        } else if (s[i] != '%') {
            strbuf_addch(&out, s[i]);
        } else {
            int high = i + 2 < len ? url_hex_digit(s[i + 1]) : -1;
            int low = high >= 0 ? url_hex_digit(s[i + 2]) : -1;
            if (low < 0 || (high == 0 && low == 0))
                return NULL;
            strbuf_addch(&out, (char)(high << 4 | low));
            i += 2;
        }
    }
    return is_utf8(strbuf_str(&out), out.len) ? strbuf_take(&out) : NULL;
}

static int bad(struct err *reterr)
{
    return err_set(reterr, ERR_SYNTAX, NO_POS, "malformed request target");
}

static int read_path(struct target *t, const char *path, size_t len, struct err *reterr)
{
    if (len == 0 || *path != '/')
        return bad(reterr);
    for (size_t at = 1; at <= len;) {
        size_t step = strcspn(path + at, "/?");
        if (t->count == TARGET_SEGMENTS_MAX)
            return 0; /* nothing is that deep: not found */
        char *segment = unescape(path + at, step, false);
        if (!segment)
            return bad(reterr);
        t->segments[t->count++] = segment;
        at += step + 1;
    }
    return 0;
}

static void put_value(json_t *query, const char *name, json_t *value)
{
    json_t *was = json_object_get(query, name);
    if (!was)
        json_object_set_new(query, name, value);
    else if (json_is_array(was))
        json_array_append_new(was, value);
    else
        json_object_set_new(query, name, json_pack("[O, o]", was, value));
}

static int read_query(struct target *t, const char *text, struct err *reterr)
{
    while (*text) {
        size_t len = strcspn(text, "&"), name_len = strcspn(text, "&=");
        AUTO(str) char *name = unescape(text, name_len, true);
        const char *value_at = text + name_len + (name_len < len);
        AUTO(str) char *value = unescape(value_at, (size_t)(text + len - value_at), true);
        if (!name || !value)
            return bad(reterr);
        if (json_object_size(t->query) < QUERY_NAMES_MAX && len > 0)
            put_value(t->query, name, json_string(value));
        text += len + (text[len] == '&');
    }
    return 0;
}

int target_read(struct target *t, const char *text, struct err *reterr)
{
    *t = (struct target){.query = json_object()};
    if (strnlen(text, TARGET_MAX + 1) > TARGET_MAX)
        return bad(reterr);
    size_t len = strcspn(text, "?");
    if (read_path(t, text, len, reterr) < 0)
        return -1;
    return text[len] ? read_query(t, text + len + 1, reterr) : 0;
}

void target_finish(struct target *t)
{
    for (size_t i = 0; i < t->count; i++)
        free(t->segments[i]);
    json_decref(t->query);
    *t = (struct target){0};
}
