#include "sched/trace.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"

struct trace {
    struct strbuf text;
    int64_t start_ns;
    int64_t count; /* records begun */
    bool open;     /* between trace_begin and trace_end */
};

struct trace *trace_create(void)
{
    return mem_zalloc(sizeof(struct trace));
}

void trace_destroy(struct trace *t)
{
    if (!t)
        return;
    strbuf_finish(&t->text);
    free(t);
}

void trace_origin(struct trace *t, int64_t start_ns)
{
    t->start_ns = start_ns;
}

/* ---- text ---- */

static void write_int(struct strbuf *out, int64_t value)
{
    char digits[24];
    char *p = digits + sizeof digits;
    uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;

    do
        *--p = (char)('0' + rest % 10);
    while (rest /= 10);
    if (value < 0)
        *--p = '-';
    strbuf_add(out, p, (size_t)(digits + sizeof digits - p));
}

static bool plain(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
}

/* Writes the one special character that p begins with, as base/json.h does, and returns its length.
 */
static size_t write_escaped(struct strbuf *out, const unsigned char *p)
{
    static const char hex[] = "0123456789abcdef";
    /* Looks no further than the first byte that does not belong, and so not beyond the NUL. */
    size_t len = utf8_length((const char *)p, UTF8_MAX);

    if (len == 0) {
        strbuf_addstr(out, "\\ufffd");
        return 1;
    }
    if (len == 3 && p[0] == 0xe2 && p[1] == 0x80 && (p[2] == 0xa8 || p[2] == 0xa9)) {
        strbuf_addstr(out, p[2] == 0xa8 ? "\\u2028" : "\\u2029");
    } else if (len > 1 || p[0] == 0x7f) {
        strbuf_add(out, p, len);
    } else if (p[0] == '"' || p[0] == '\\') {
        strbuf_addch(out, '\\');
        strbuf_addch(out, (char)p[0]);
    } else if (p[0] == '\n' || p[0] == '\r' || p[0] == '\t' || p[0] == '\b' || p[0] == '\f') {
        static const char letters[] = "btn?fr"; /* from \b, 8 */
        strbuf_addch(out, '\\');
        strbuf_addch(out, letters[p[0] - '\b']);
    } else {
        char unicode[] = "\\u00??";
        unicode[4] = hex[p[0] >> 4];
        unicode[5] = hex[p[0] & 15];
        strbuf_add(out, unicode, 6);
    }
    return len;
}

static void write_string(struct strbuf *out, const char *value)
{
    const unsigned char *p = (const unsigned char *)value;

    strbuf_addch(out, '"');
    while (*p) {
        const unsigned char *run = p;
        while (plain(*p))
            p++;
        strbuf_add(out, run, (size_t)(p - run));
        if (*p)
            p += write_escaped(out, p);
    }
    strbuf_addch(out, '"');
}

static void write_key(struct trace *t, const char *key)
{
    assert(t->open);
    strbuf_addch(&t->text, ',');
    write_string(&t->text, key);
    strbuf_addch(&t->text, ':');
}

/* ---- records ---- */

void trace_begin(struct trace *t, int64_t now_ns, const char *ev)
{
    assert(!t->open);
    t->open = true;
    strbuf_addstr(&t->text, "{\"t\":");
    write_int(&t->text, now_ns - t->start_ns);
    strbuf_addstr(&t->text, ",\"n\":");
    write_int(&t->text, ++t->count);
    trace_str(t, "ev", ev);
}

void trace_str(struct trace *t, const char *key, const char *value)
{
    if (!value)
        return;
    write_key(t, key);
    write_string(&t->text, value);
}

void trace_int(struct trace *t, const char *key, int64_t value)
{
    write_key(t, key);
    write_int(&t->text, value);
}

void trace_json(struct trace *t, const char *key, const json_t *value)
{
    if (!value)
        return;
    write_key(t, key);
    json_write_sorted(&t->text, value, JSON_TIGHT);
}

void trace_end(struct trace *t)
{
    assert(t->open);
    t->open = false;
    strbuf_add(&t->text, "}\n", 2);
}

const struct strbuf *trace_text(const struct trace *t)
{
    return &t->text;
}
