/* Answers: headers, and bodies in the shape that was asked for. */
#include <stdarg.h>
#include <string.h>
#include <strings.h>

#include "sim/rest/rest_priv.h"

/* ---- headers ---- */

const char *rest_header(const struct rest_request *req, const char *name)
{
    for (size_t i = 0; i < req->header_count; i++)
        if (strcasecmp(req->headers[i].name, name) == 0)
            return req->headers[i].value;
    return NULL;
}

/* Header values end at a line's end; what would break one is cut there. */
static char *one_line(const char *value)
{
    size_t len = 0;
    while (value[len] && ((unsigned char)value[len] >= 0x20 || value[len] == '\t') &&
           value[len] != 0x7f)
        len++;
    return mem_strndup(value, len);
}

void answer_add(struct rest_answer *a, const char *name, const char *value)
{
    a->headers = mem_grow(a->headers, &a->header_cap, a->header_count + 1, sizeof(*a->headers));
    a->headers[a->header_count++] = (struct rest_header){mem_strdup(name), one_line(value)};
}

static struct rest_header *find(const struct rest_answer *a, const char *name)
{
    for (size_t i = 0; i < a->header_count; i++)
        if (strcasecmp(a->headers[i].name, name) == 0)
            return &a->headers[i];
    return NULL;
}

static void set(struct rest_answer *a, const char *name, const char *value)
{
    struct rest_header *h = find(a, name);
    if (!h) {
        answer_add(a, name, value);
        return;
    }
    free((char *)h->value);
    h->value = one_line(value);
}

void rest_answer_header(struct rest_answer *a, const char *name, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    AUTO(str) char *value = mem_vprintf(fmt, ap);
    va_end(ap);
    set(a, name, value);
}

const char *rest_answer_get(const struct rest_answer *a, const char *name)
{
    const struct rest_header *h = find(a, name);
    return h ? h->value : NULL;
}

void rest_answer_finish(struct rest_answer *a)
{
    for (size_t i = 0; i < a->header_count; i++) {
        free((char *)a->headers[i].name);
        free((char *)a->headers[i].value);
    }
    free(a->headers);
    strbuf_finish(&a->body);
    if (a->stream)
        rest_stream_close(a->stream);
    *a = (struct rest_answer){0};
}

#define AUDIT_ID_MAX 64

void answer_common_headers(struct rest_call *c)
{
    const char *given = rest_header(c->req, "Audit-ID");
    char made[37];
    if (given && *given && strlen(given) <= AUDIT_ID_MAX) {
        answer_add(c->ret, "Audit-Id", given);
    } else {
        prng_uuid(&c->r->audit, made);
        answer_add(c->ret, "Audit-Id", made);
    }
    answer_add(c->ret, "Cache-Control", "no-cache, private");
}

/* ---- warnings ---- */

#define WARNING_RUNES_TOTAL 4096
#define WARNING_RUNES_EACH 256

static bool is_continuation(char c)
{
    return (c & 0xc0) == 0x80;
}

static size_t rune_count(const char *s)
{
    size_t n = 0;
    for (; *s; s++)
        n += !is_continuation(*s);
    return n;
}

static size_t bytes_of_runes(const char *s, size_t runes)
{
    const char *p = s;
    while (*p && (runes || is_continuation(*p))) {
        runes -= !is_continuation(*p);
        p++;
    }
    return (size_t)(p - s);
}

static bool has_control(const char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s < 0x20 || *s == 0x7f)
            return true;
    return false;
}

static void add_warning(struct rest_answer *a, const char *text, size_t len)
{
    AUTO(strbuf) struct strbuf out = {0};
    strbuf_addstr(&out, "299 - \"");
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '"' || text[i] == '\\')
            strbuf_addch(&out, '\\');
        strbuf_addch(&out, text[i]);
    }
    strbuf_addch(&out, '"');
    answer_add(a, "Warning", strbuf_str(&out));
}

/* All of them in whole when they fit in the budget; else each cut short, as many as fit. */
void answer_warnings(struct rest_answer *a, const json_t *warnings)
{
    size_t total = 0, written = 0;
    for (size_t i = 0; i < json_array_size(warnings); i++)
        total += rune_count(json_string_value(json_array_get(warnings, i)));
    size_t each = total > WARNING_RUNES_TOTAL ? WARNING_RUNES_EACH : WARNING_RUNES_TOTAL;
    for (size_t i = 0; i < json_array_size(warnings); i++) {
        const char *text = json_string_value(json_array_get(warnings, i));
        if (!*text || has_control(text) || written >= WARNING_RUNES_TOTAL)
            continue;
        size_t len = bytes_of_runes(text, each), runes = rune_count(text);
        written += runes < each ? runes : each;
        add_warning(a, text, len);
    }
}

/* ---- bodies ---- */

int answer_bytes(struct rest_call *c, int code, const char *type, const void *data, size_t len)
{
    c->ret->code = code;
    set(c->ret, "Content-Type", type);
    strbuf_reset(&c->ret->body);
    strbuf_add(&c->ret->body, data, len);
    return code >= 400 ? -1 : 0;
}

int answer_text(struct rest_call *c, int code, const char *text)
{
    set(c->ret, "X-Content-Type-Options", "nosniff");
    return answer_bytes(c, code, "text/plain; charset=utf-8", text, strlen(text));
}

int answer_error_text(struct rest_call *c, int code, const char *text)
{
    AUTO(str) char *line = mem_printf("%s\n", text);
    return answer_text(c, code, line);
}

void answer_settle(struct rest_call *c)
{
    const struct accept_offer any = {.table = true};
    if (c->settled)
        return;
    c->settled = true;
    c->negotiated = accept_negotiate(rest_header(c->req, "Accept"), &any, &c->accept);
    c->accept.convert = CONVERT_NONE;
    c->accept.pretty = c->accept.pretty || wants_pretty(c->req, &c->query);
}

static int answer_object(struct rest_call *c, int code, const json_t *body, enum key_order order)
{
    answer_settle(c);
    struct accept how = c->accept;
    if (!c->negotiated)
        how = (struct accept){.media = MEDIA_JSON, .pretty = true};
    c->ret->code = code;
    strbuf_reset(&c->ret->body);
    if (encode_object(&c->ret->body, body, order, &how) < 0) {
        how = (struct accept){.media = MEDIA_JSON};
        encode_object(&c->ret->body, body, order, &how);
    }
    set(c->ret, "Content-Type", media_name(how.media));
    return code >= 400 ? -1 : 0;
}

int answer_document(struct rest_call *c, int code, json_t *body)
{
    AUTO(json) json_t *held = body;
    return answer_object(c, code, held, ORDER_AS_IS);
}

int fail_status(struct api_response *ret, int code, const char *reason, const char *message,
                bool with_details)
{
    ret->code = code;
    AUTO(str) char *clean = utf8_clean(message, strlen(message));
    ret->body = json_pack("{s:s, s:s, s:{}, s:s, s:s}", "kind", "Status", "apiVersion", "v1",
                          "metadata", "status", "Failure", "message", clean);
    if (*reason)
        json_put_str(ret->body, "reason", reason);
    if (with_details)
        json_put_take(ret->body, "details", json_object());
    json_put_take(ret->body, "code", json_integer(code));
    return -1;
}

static bool is_status(const json_t *body)
{
    return strcmp(meta_kind(body), "Status") == 0 && strcmp(meta_api_version(body), "v1") == 0;
}

static enum key_order order_of(const struct rest_call *c, const json_t *body)
{
    const char *group = c->type.resource.group;
    if (is_status(body))
        return ORDER_AS_IS;
    if (!c->known || c->type.builtin || c->accept.convert != CONVERT_NONE)
        return ORDER_TYPED;
    /* A Scale of a defined kind is a struct of the server's own. */
    size_t len = strlen(group);
    const char *version = meta_api_version(body);
    return strncmp(version, group, len) == 0 && version[len] == '/' ? ORDER_SORTED : ORDER_TYPED;
}

/* One stored object as most ask for it: its text is kept from the last time. */
static bool answer_kept(struct rest_call *c, const struct api_response *resp)
{
    bool plain = c->known && c->negotiated && c->accept.media == MEDIA_JSON && !c->accept.pretty;
    bool partial = c->accept.convert == CONVERT_PARTIAL;
    if (!plain || (c->accept.convert != CONVERT_NONE && !partial) ||
        strcmp(meta_kind(resp->body), c->type.list_kind) == 0)
        return false;
    enum key_order order = order_of(c, resp->body);
    if (order == ORDER_AS_IS)
        return false;
    enum text_form form = partial ? (c->accept.v1beta1 ? FORM_PARTIAL_BETA : FORM_PARTIAL)
                          : order == ORDER_SORTED ? FORM_SORTED
                                                  : FORM_TYPED;
    size_t len;
    const char *text = text_cache_get(c->r->texts, resp->body, form, &len);
    if (!text)
        return false;
    c->ret->code = resp->code;
    set(c->ret, "Content-Type", media_name(MEDIA_JSON));
    strbuf_add(&c->ret->body, text, len);
    strbuf_addch(&c->ret->body, '\n');
    return true;
}

static int answer_converted(struct rest_call *c, struct api_response *resp)
{
    if (!api_ok(resp) || c->accept.convert == CONVERT_NONE || is_status(resp->body))
        return answer_object(c, resp->code, resp->body, order_of(c, resp->body));
    AUTO(json) json_t *made = NULL;
    AUTO(response) struct api_response error = {0};
    if (convert_response(c, resp->body, &made, &error) < 0)
        return answer_object(c, error.code, error.body, ORDER_AS_IS);
    return answer_object(c, resp->code, made, ORDER_TYPED);
}

/* What the server says before it looks at a request is no Status (section 5.5). */
#define THROTTLED "Too many requests, please try again later."

int answer_response(struct rest_call *c, struct api_response *resp)
{
    if (resp->warnings)
        answer_warnings(c->ret, resp->warnings);
    if (json_is_null(resp->body)) {
        c->ret->code = resp->code; /* a command was accepted: there is nothing to say */
        strbuf_reset(&c->ret->body);
        return 0;
    }
    int rc = api_ok(resp) ? 0 : -1;
    if (rc < 0) {
        int64_t seconds = json_int(resp->body, "details.retryAfterSeconds", 0);
        if (seconds > 0)
            rest_answer_header(c->ret, "Retry-After", "%lld", (long long)seconds);
    }
    if (resp->code == 429 && strcmp(api_message(resp), THROTTLED) == 0) {
        api_response_finish(resp);
        return answer_error_text(c, 429, THROTTLED);
    }
    if (rc < 0 || !answer_kept(c, resp))
        rc = answer_converted(c, resp);
    api_response_finish(resp);
    return rc;
}
