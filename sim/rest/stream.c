/* Watches as streams: one JSON text per event (kube-apiserver.md 3.5). */
#include <string.h>

#include "kube/types/protobuf.h"
#include "sim/rest/rest_priv.h"

struct rest_stream {
    struct rest *r;
    struct rest_stream *next, **at; /* in r->streams */
    struct rest_source source;
    struct accept how;
    enum key_order order;
    struct table_options *table; /* NULL: events are not Tables */
    bool columns_told;
    json_t *error; /* a Status still to be told */
    bool over;
    void (*fn)(void *cookie);
    void *cookie;
};

/* ---- events as text ---- */

static void add_event_text(struct strbuf *out, const char *type, const char *text, size_t len)
{
    strbuf_addstr(out, "{\"type\":\"");
    strbuf_addstr(out, type);
    strbuf_addstr(out, "\",\"object\":");
    strbuf_add(out, text, len);
    strbuf_addstr(out, "}\n");
}

static void add_event_yaml(struct strbuf *out, const char *type, const json_t *object)
{
    AUTO(json) json_t *event = json_object();
    json_put_str(event, "type", type);
    json_object_set(event, "object", (json_t *)object);
    encode_object(out, event, ORDER_AS_IS, &(struct accept){.media = MEDIA_YAML});
    strbuf_addstr(out, "---\n");
}

static void add_varint(struct strbuf *out, size_t n)
{
    for (; n >= 0x80; n >>= 7)
        strbuf_addch(out, (char)(n | 0x80));
    strbuf_addch(out, (char)n);
}

static void add_bytes_field(struct strbuf *out, unsigned number, const void *bytes, size_t len)
{
    strbuf_addch(out, (char)(number << 3 | 2));
    add_varint(out, len);
    strbuf_add(out, bytes, len);
}

/* A frame with its length in front: WatchEvent{1 type, 2 RawExtension{1 the object in its own
 * envelope}}. */
static void add_event_protobuf(struct strbuf *out, const char *type, const json_t *object)
{
    AUTO(strbuf) struct strbuf envelope = {0};
    AUTO(strbuf) struct strbuf raw = {0};
    AUTO(strbuf) struct strbuf event = {0};
    if (protobuf_encode(&envelope, object, NULL) < 0)
        return; /* negotiation asked for the kind, so only a value that is not of its type */
    add_bytes_field(&raw, 1, strbuf_str(&envelope), envelope.len);
    add_bytes_field(&event, 1, type, strlen(type));
    add_bytes_field(&event, 2, strbuf_str(&raw), raw.len);
    for (int shift = 24; shift >= 0; shift -= 8)
        strbuf_addch(out, (char)(event.len >> shift));
    strbuf_add(out, strbuf_str(&event), event.len);
}

static void add_event_object(const struct rest_stream *s, struct strbuf *out, const char *type,
                             const json_t *object, enum key_order order)
{
    if (s->how.media == MEDIA_PROTOBUF) {
        add_event_protobuf(out, type, object);
        return;
    }
    if (s->how.media == MEDIA_YAML) {
        add_event_yaml(out, type, object);
        return;
    }
    AUTO(strbuf) struct strbuf text = {0};
    order_write(&text, object, order, JSON_TIGHT);
    add_event_text(out, type, strbuf_str(&text), text.len);
}

static enum text_form form_of(const struct rest_stream *s)
{
    if (s->how.convert != CONVERT_NONE)
        return s->how.v1beta1 ? FORM_PARTIAL_BETA : FORM_PARTIAL;
    return s->order == ORDER_SORTED ? FORM_SORTED : FORM_TYPED;
}

static void add_event(struct rest_stream *s, struct strbuf *out, const struct api_event *ev)
{
    const char *type = api_event_name(ev->type);
    if (s->table) {
        AUTO(json) json_t *table = table_of_event(s->table, ev->object, !s->columns_told);
        s->columns_told = true;
        add_event_object(s, out, type, table, ORDER_TYPED);
        return;
    }
    if (s->how.media == MEDIA_JSON) {
        size_t len;
        const char *text = text_cache_get(s->r->texts, ev->object, form_of(s), &len);
        if (text) {
            add_event_text(out, type, text, len);
            return;
        }
    }
    if (s->how.convert == CONVERT_NONE) {
        add_event_object(s, out, type, ev->object, s->order);
        return;
    }
    AUTO(json) json_t *partial = partial_object(ev->object, s->how.v1beta1);
    add_event_object(s, out, type, partial, ORDER_TYPED);
}

/* ---- reading ---- */

enum rest_stream_state rest_stream_read(struct rest_stream *s, struct strbuf *out, size_t max)
{
    size_t start = out->len;
    if (s->over)
        return REST_STREAM_END;
    if (s->error) {
        add_event_object(s, out, "ERROR", s->error, ORDER_AS_IS);
        s->over = true;
        return REST_STREAM_DATA;
    }
    struct api_event ev;
    while (out->len - start < max && s->source.ops->next(s->source.source, &ev))
        add_event(s, out, &ev);
    if (out->len > start)
        return REST_STREAM_DATA;
    if (!s->source.ops->ended(s->source.source))
        return REST_STREAM_WAIT;
    s->over = true;
    return REST_STREAM_END;
}

void rest_stream_on_data(struct rest_stream *s, void (*fn)(void *cookie), void *cookie)
{
    s->fn = fn;
    s->cookie = cookie;
    if (s->source.ops)
        s->source.ops->on_event(s->source.source, fn, cookie);
}

static void unlink_stream(struct rest_stream *s)
{
    if (!s->at)
        return;
    *s->at = s->next;
    if (s->next)
        s->next->at = s->at;
    s->at = NULL;
    s->next = NULL;
}

static void release(struct rest_stream *s)
{
    unlink_stream(s);
    if (s->source.ops)
        s->source.ops->close(s->source.source);
    table_options_destroy(s->table);
    json_decref(s->error);
    s->source.ops = NULL;
    s->table = NULL;
    s->error = NULL;
    s->over = true;
}

void rest_stream_close(struct rest_stream *s)
{
    if (!s)
        return;
    release(s);
    free(s);
}

void streams_orphan(struct rest *r)
{
    while (r->streams)
        release(r->streams);
}

void rest_end_streams(struct rest *r)
{
    /* Whoever is woken may close its stream, not those of others. */
    for (struct rest_stream *s = r->streams, *next; s; s = next) {
        next = s->next;
        s->over = true;
        if (s->fn)
            s->fn(s->cookie);
    }
}

/* ---- opening ---- */

#define TIMEOUT_MIN_S 1800

static struct rest_stream *open_stream(struct rest_call *c)
{
    struct rest_stream *s = mem_zalloc(sizeof(*s));
    s->r = c->r;
    s->how = c->accept;
    s->order = c->type.builtin ? ORDER_TYPED : ORDER_SORTED;
    s->next = c->r->streams;
    s->at = &c->r->streams;
    if (s->next)
        s->next->at = &s->next;
    c->r->streams = s;
    c->ret->code = 200;
    c->ret->stream = s;
    AUTO(str)
    char *type = mem_printf("%s%s", media_name(c->accept.media),
                            c->accept.media == MEDIA_JSON ? "" : ";stream=watch");
    answer_add(c->ret, "Content-Type", type);
    return s;
}

/* Errors of the past or the future are told inside the stream. */
static bool belongs_in_stream(const struct api_response *error)
{
    return error->code == 410 || error->code == 504;
}

static bool watch_next(void *source, struct api_event *ret)
{
    return apiwatch_next(source, ret);
}

static bool watch_ended(const void *source)
{
    return apiwatch_ended(source);
}

static void watch_on_event(void *source, void (*fn)(void *cookie), void *cookie)
{
    apiwatch_on_event(source, fn, cookie);
}

static void watch_close(void *source)
{
    apiwatch_close(source);
}

/* The server's own stream. */
static const struct rest_source_ops watch_ops = {watch_next, watch_ended, watch_on_event,
                                                 watch_close};

static struct rest_source open_watch(struct rest_call *c, const struct api_request *req,
                                     struct api_response *error)
{
    const struct rest_backend *b = &c->r->config.backend;
    struct api_request asked = *req;
    if (asked.timeout_s <= 0 && !b->own_timeouts)
        asked.timeout_s = TIMEOUT_MIN_S + (int64_t)prng_below(&c->r->timeouts, TIMEOUT_MIN_S);
    if (b->watch)
        return b->watch(b->cookie, &asked, error);
    struct apiwatch *w = apiserver_watch(c->r->server, &asked, error);
    return (struct rest_source){w ? &watch_ops : NULL, w};
}

int call_watch(struct rest_call *c, const struct api_request *req)
{
    struct api_response error = {0};
    struct table_options *table = NULL;
    if (c->accept.convert == CONVERT_TABLE && !(table = table_options_create(c, &error)))
        return answer_response(c, &error);
    struct rest_source source = open_watch(c, req, &error);
    if (!source.ops && !belongs_in_stream(&error)) {
        table_options_destroy(table);
        return call_unrouted(c, req, &error);
    }
    struct rest_stream *s = open_stream(c);
    /* A watch has no answer of the pipeline's that could bring it. */
    const char *warning = apiserver_deprecation(c->r->server, &req->resource);
    AUTO(json) json_t *warnings = warning ? json_pack("[s]", warning) : NULL;
    answer_warnings(c->ret, warnings);
    s->source = source;
    s->table = table;
    s->error = json_incref(error.body);
    api_response_finish(&error);
    return 0;
}
