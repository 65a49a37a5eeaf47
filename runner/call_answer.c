/* See call.h. The answer of a call, for expressions and for what a step expects of it. */
#include <ctype.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "runner/call.h"
#include "runner/services.h"
#include "runner/subset.h"

/* ---- what came back ---- */

static bool is_text(const char *bytes, size_t len)
{
    for (size_t i = 0, n; i < len; i += n)
        if (!bytes[i] || !(n = utf8_length(bytes + i, len - i)))
            return false;
    return true;
}

/* Bytes as a text, whatever they are: what is no UTF-8 stands as \xHH. */
static void add_bytes(struct strbuf *out, const char *bytes, size_t len)
{
    if (is_text(bytes, len)) {
        strbuf_add(out, bytes, len);
        return;
    }
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)bytes[i];

        if (c >= 0x20 && c < 0x7f && c != '\\')
            strbuf_addch(out, (char)c);
        else
            strbuf_addf(out, "\\x%02x", c);
    }
}

static char *masked(const char *text, const char *what)
{
    struct strbuf out = {0};
    const char *at;

    while (*what && (at = strstr(text, what))) {
        strbuf_add(&out, text, (size_t)(at - text));
        strbuf_addstr(&out, "***");
        text = at + strlen(what);
    }
    strbuf_addstr(&out, text);
    return strbuf_take(&out);
}

/* The whole answer as one text, the masked texts replaced. New. */
static char *raw_of(const struct http_reply *r, const json_t *masks)
{
    AUTO(strbuf) struct strbuf out = {0};
    char *text;
    size_t i;
    json_t *mask;

    strbuf_addf(&out, "%d\n", r->code);
    for (i = 0; i < r->header_count; i++) {
        strbuf_addf(&out, "%s: ", r->headers[i].name);
        add_bytes(&out, r->headers[i].value, strlen(r->headers[i].value));
        strbuf_addch(&out, '\n');
    }
    strbuf_addch(&out, '\n');
    if (r->body)
        add_bytes(&out, r->body, r->body_len);
    text = strbuf_take(&out);
    json_array_foreach((json_t *)masks, i, mask)
    {
        char *next = masked(text, json_string_value(mask));

        free(text);
        text = next;
    }
    return text;
}

/* What expressions see of an answer; code 0: there was none. New. */
json_t *call_answer_json(const struct http_reply *r, const json_t *masks)
{
    AUTO(str) char *raw = raw_of(r, masks);
    json_t *headers = json_object();

    for (size_t i = 0; i < r->header_count; i++) {
        AUTO(strbuf) struct strbuf value = {0};

        add_bytes(&value, r->headers[i].value, strlen(r->headers[i].value));
        if (!json_object_get(headers, r->headers[i].name))
            json_object_set_new(headers, r->headers[i].name, json_string(strbuf_str(&value)));
    }
    return json_pack("{s:i, s:o, s:o, s:I, s:s, s:I}", "code", r->code, "headers", headers, "body",
                     http_body_json(r->body, r->body_len), "bytes", (json_int_t)r->body_len, "raw",
                     raw, "queries", (json_int_t)r->queries);
}

/* ---- what is expected ---- */

static void tell_difference(void *cookie, const char *path, const json_t *want, const json_t *got)
{
    AUTO(str) char *want_text = json_text(want);
    AUTO(str) char *got_text = got ? json_text(got) : mem_strdup("(absent)");

    strbuf_addf(cookie, "  %s: want %.200s, got %.200s\n", path, want_text, got_text);
}

static bool is_one_of(const json_t *codes, int64_t code)
{
    size_t i;
    json_t *one;

    json_array_foreach(codes, i, one) if (json_integer_value(one) == code) return true;
    return false;
}

static bool code_fits(const json_t *expect, int64_t code, struct strbuf *out)
{
    const json_t *want = json_object_get(expect, "code"), *any = json_object_get(expect, "codes");
    AUTO(str) char *list = any ? json_text(any) : NULL;

    if (any && is_one_of(any, code))
        return true;
    if (any) {
        strbuf_addf(out, "  code: want one of %s, got %lld\n", list, (long long)code);
        return false;
    }
    if (want ? json_integer_value(want) == code : code >= 200 && code < 300)
        return true;
    if (want)
        strbuf_addf(out, "  code: want %lld, got %lld\n", (long long)json_integer_value(want),
                    (long long)code);
    else
        strbuf_addf(out, "  code: want 200 to 299, got %lld\n", (long long)code);
    return false;
}

/* Names of headers in any case. */
static bool headers_fit(const json_t *want, const json_t *got, struct strbuf *out)
{
    AUTO(json) json_t *lower = json_object();
    AUTO(json) json_t *shown = json_pack("{s:o}", "headers", lower);
    AUTO(json) json_t *have = json_pack("{s:O}", "headers", got);
    const char *key;
    json_t *v;

    json_incref(lower);
    json_object_foreach((json_t *)want, key, v)
    {
        AUTO(str) char *name = mem_strdup(key);

        for (char *p = name; *p; p++)
            *p = (char)tolower((unsigned char)*p);
        json_object_set(lower, name, v);
    }
    return subset_matches(shown, have, tell_difference, out);
}

/* The first line in which two answers differ. */
static void tell_first_difference(const char *want, const char *got, struct strbuf *out)
{
    unsigned line = 1;

    for (;;) {
        size_t a = strcspn(want, "\n"), b = strcspn(got, "\n");

        if (a != b || strncmp(want, got, a) != 0 || want[a] != got[b]) {
            strbuf_addf(out, "  line %u: want %.*s\n  line %u: got  %.*s\n", line,
                        (int)(a < 200 ? a : 200), want, line, (int)(b < 200 ? b : 200), got);
            return;
        }
        if (!want[a])
            return;
        want += a + 1;
        got += b + 1;
        line++;
    }
}

/* Whoever measures how long an answer takes must not learn what its bytes do not tell. */
static int took_the_same(const char *name, const json_t *want, const json_t *got,
                         struct strbuf *out)
{
    int64_t before = json_int(want, "queries", 0), now = json_int(got, "queries", 0);

    if (before == now)
        return 1;
    strbuf_addf(out, "  the same bytes as '%s', which took %lld queries; these took %lld\n", name,
                (long long)before, (long long)now);
    return 0;
}

/* 1: the same; 0: not; -1: there is nothing to compare with. */
static int same_as(const struct frame *frame, const char *name, const json_t *answer,
                   struct strbuf *out, struct err *reterr)
{
    int index = scope_find(frame->scope, name);
    const char *want = index >= 0 ? json_str(frame->values[index], "raw") : NULL;
    const char *got = json_str_or_empty(answer, "raw");

    if (!want)
        return err_set(reterr, ERR_INVALID, NO_POS, "call: no answer was saved as '%s'", name);
    if (strcmp(want, got) == 0)
        return took_the_same(name, frame->values[index], answer, out);
    strbuf_addf(out, "  not byte for byte the answer '%s':\n", name);
    tell_first_difference(want, got, out);
    return 0;
}

int call_fits(const json_t *expect, const json_t *answer, const struct frame *frame,
              struct strbuf *out, struct err *reterr)
{
    const json_t *body = json_object_get(expect, "body"),
                 *header = json_object_get(expect, "header");
    const char *equals = json_str(expect, "equalsTo");
    bool ok = code_fits(expect, json_int(answer, "code", 0), out);

    if (body) {
        AUTO(json) json_t *want = json_pack("{s:O}", "body", body);

        ok = subset_matches(want, answer, tell_difference, out) && ok;
    }
    if (header)
        ok = headers_fit(header, json_object_get(answer, "headers"), out) && ok;
    if (equals) {
        int same = same_as(frame, equals, answer, out, reterr);

        return same < 0 ? -1 : same && ok;
    }
    return ok;
}

static char *call_words(const json_t *args)
{
    return mem_printf("%s %s", json_str_or_empty(args, "method"), json_str_or_empty(args, "path"));
}

int call_judge(struct casework *cw, const struct step *step, const struct frame *frame,
               const json_t *args, const json_t *answer, const char *why_none)
{
    const json_t *expect = json_object_get(args, "expect");
    AUTO(strbuf) struct strbuf out = {0};
    AUTO(str) char *words = call_words(args);
    AUTO(str) char *body = NULL;
    struct err err = {0};
    bool stage = cw->staging || !expect;
    int good = call_fits(expect, answer, frame, &out, &err);

    if (good < 0)
        return verdict_error(cw, "scenario", step->pos, &err);
    if (good) {
        if (expect)
            checked(cw, "call: %s", words);
        return 0;
    }
    body = json_text(json_object_get(answer, "body"));
    if (why_none)
        strbuf_addf(&out, "  there was no answer: %s\n", why_none);
    else
        strbuf_addf(&out, "  the answer: %.600s\n", body);
    return verdict(cw, stage ? RESULT_ERROR : RESULT_FAILED, stage ? "stage" : NULL, step->pos,
                   strbuf_str(&out), "%s: %s", words,
                   why_none ? "no answer" : "not the answer that was expected");
}
