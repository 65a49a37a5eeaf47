/* JSON as text, member by member. */
#include <string.h>

#include "base/json.h"
#include "sim/rest/openapi_priv.h"

/* What Go writes as it is, short of what must be looked at as UTF-8. */
static bool is_plain(unsigned char c)
{
    static const bool special[128] = {
        ['"'] = true, ['\\'] = true, ['<'] = true, ['>'] = true, ['&'] = true, [0x7f] = true};
    return c >= 0x20 && c < 0x80 && !special[c];
}

static void add_text(struct strbuf *out, const char *text)
{
    size_t len = 0;
    while (is_plain((unsigned char)text[len]))
        len++;
    if (text[len]) {
        AUTO(json) json_t *value = json_string(text);
        json_write(out, value, JSON_TIGHT);
        return;
    }
    strbuf_addch(out, '"');
    strbuf_add(out, text, len);
    strbuf_addch(out, '"');
}

static void begin(struct jsonw *w, const char *key)
{
    if (w->comma)
        strbuf_addch(w->out, ',');
    w->comma = true;
    if (!key)
        return;
    add_text(w->out, key);
    strbuf_addch(w->out, ':');
}

void jsonw_open(struct jsonw *w, const char *key, char bracket)
{
    begin(w, key);
    strbuf_addch(w->out, bracket);
    w->comma = false;
}

void jsonw_close(struct jsonw *w, char bracket)
{
    strbuf_addch(w->out, bracket);
    w->comma = true;
}

void jsonw_string(struct jsonw *w, const char *key, const char *value)
{
    begin(w, key);
    add_text(w->out, value);
}

void jsonw_bool(struct jsonw *w, const char *key, bool value)
{
    begin(w, key);
    strbuf_addstr(w->out, value ? "true" : "false");
}

void jsonw_value(struct jsonw *w, const char *key, const json_t *value)
{
    begin(w, key);
    json_write(w->out, value, JSON_TIGHT);
}

void jsonw_raw(struct jsonw *w, const char *key, const char *text)
{
    begin(w, key);
    strbuf_addstr(w->out, text);
}
