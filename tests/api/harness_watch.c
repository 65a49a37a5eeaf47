/* Watches of rows: one JSON text a line. */
#include "tests/api/harness_priv.h"

struct watch {
    struct watch *next;
    const struct answer *answer;
    struct rest_stream *stream;
    struct conn *conn;
    struct strbuf got;
    size_t at; /* behind the last event that was taken */
    int end;   /* 1: clean; -1: cut */
};

static void pump(struct watch *w)
{
    enum rest_stream_state state;

    if (w->conn) {
        conn_read_stream(w->conn, &w->got, &w->end);
        return;
    }
    while ((state = rest_stream_read(w->stream, &w->got, 1000)) == REST_STREAM_DATA)
        ;
    w->end = state == REST_STREAM_END;
}

static bool has_line(const struct watch *w)
{
    return strchr(strbuf_str(&w->got) + w->at, '\n') != NULL;
}

static bool has_news(void *cookie)
{
    struct watch *w = cookie;

    pump(w);
    return has_line(w) || w->end;
}

/* Waits for a line, or the end. */
static void await(struct watch *w)
{
    if (has_news(w))
        return;
    settle();
    if (!has_news(w) && stage.http)
        loop_until(has_news, w);
}

struct watch *watch_open_at(const char *file, int line, const char *headers, const char *target)
{
    const struct answer *a = ask_bytes("GET", target, headers, NULL, 0);
    struct watch *w = mem_zalloc(sizeof *w);

    if (a->code != 200 || (!a->stream && !a->conn))
        fail_at(file, line, "want a stream, got %d", a->code);
    w->next = stage.watches;
    stage.watches = w;
    w->answer = a;
    w->stream = a->stream;
    w->conn = a->conn;
    return w;
}

const struct answer *watch_answer(const struct watch *w)
{
    return w->answer;
}

/* The line becomes an answer, so that all checks work on it. */
static struct answer *take_line(struct watch *w)
{
    struct answer *a = answer_new();
    const char *from = strbuf_str(&w->got) + w->at;

    a->code = 200;
    strbuf_add(&a->body, from, strcspn(from, "\n"));
    w->at += a->body.len + 1;
    answer_done(a);
    return a;
}

static struct answer *take_event(const char *file, int line, struct watch *w)
{
    struct answer *a;

    await(w);
    if (!has_line(w))
        fail_at(file, line, "no event: %s",
                w->end == 0  ? "nothing came"
                : w->end > 0 ? "the stream has ended"
                             : "the stream was cut");
    a = take_line(w);
    if (!a->json || json_object_size(a->json) != 2)
        fail_at(file, line, "no event");
    return a;
}

const struct answer *next_event_at(const char *file, int line, struct watch *w)
{
    return take_event(file, line, w);
}

const struct answer *want_event_at(const char *file, int line, struct watch *w, const char *type,
                                   const char *name)
{
    struct answer *a = take_event(file, line, w);

    want_str_at(file, line, a, "type", type);
    if (name)
        want_str_at(file, line, a, "object.metadata.name", name);
    a->json = json_object_get(a->json, "object");
    return a;
}

void want_silence_at(const char *file, int line, struct watch *w)
{
    settle();
    pump(w);
    if (has_line(w)) {
        take_line(w);
        fail_at(file, line, "an event that should not be");
    }
    if (w->end)
        fail_at(file, line, "the stream has ended");
}

void want_end_at(const char *file, int line, struct watch *w)
{
    await(w);
    if (has_line(w)) {
        take_line(w);
        fail_at(file, line, "an event that should not be");
    }
    if (w->end <= 0)
        fail_at(file, line, w->end ? "the stream was cut" : "the stream goes on");
}

void watch_close(struct watch *w)
{
    struct watch **at = &stage.watches;

    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
    rest_stream_close(w->stream);
    conn_close(w->conn);
    strbuf_finish(&w->got);
    free(w);
}

void watches_close(void)
{
    while (stage.watches)
        watch_close(stage.watches);
}
