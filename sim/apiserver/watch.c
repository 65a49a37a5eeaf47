/* Watches: a cursor each into the resource's log, filtered as it moves.
 *
 * Nothing is queued per watch, so that any number of slow readers costs nothing; a reader that
 * falls behind the log is ended, as the API server closes a stream whose buffer is full. */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "kube/selector.h"
#include "kube/status.h"
#include "kube/time.h"
#include "sim/apiserver/apiserver.h"
#include "sim/apiserver/call_priv.h"
#include "sim/apiserver/commit_priv.h"
#include "sim/apiserver/rtype_priv.h"
#include "sim/apiserver/server_priv.h"
#include "sim/apiserver/store.h"

struct apiwatch {
    struct apiserver *a;
    struct rtype *t;
    const struct rversion *v;
    char *ns; /* NULL: all */
    struct selector *label;
    struct field_selector *field;
    json_t *initial; /* array of objects still to be told as ADDED, NULL when done */
    size_t initial_next;
    int64_t initial_revision;
    bool initial_bookmark; /* the end of the initial events is to be marked */
    bool allow_bookmarks, closing_bookmark;
    int64_t after;         /* changes up to it are not for this watch, whenever they come */
    uint64_t cursor;       /* number of the next log entry to look at */
    int64_t seen_revision; /* everything up to it has been told */
    json_t *made;          /* the object last given out, when it was made for this watch */
    void (*fn)(void *cookie);
    void *cookie;
    uint64_t timer; /* 0: none */
    bool ended;
};

/* ---- what an entry means to a watch ---- */

static bool in_namespace(const struct apiwatch *w, const char *ns)
{
    return !w->ns || strcmp(ns, w->ns) == 0;
}

static bool selects(const struct apiwatch *w, const json_t *object)
{
    if (w->label && !selector_matches(w->label, json_at(object, "metadata", "labels", NULL)))
        return false;
    return !w->field || version_selects(w->t, w->v, w->field, object);
}

/* What the watch makes of the change; false: nothing. */
static bool to_event(const struct apiwatch *w, const struct log_entry *e, enum api_event_type *ret,
                     bool *ret_previous)
{
    bool old_in, new_in;
    *ret_previous = false;
    if (e->revision <= w->after || !in_namespace(w, e->ns))
        return false;
    assert(e->object);
    old_in = e->old && selects(w, e->old);
    new_in = e->type != EVENT_DELETED && selects(w, e->object);
    if (!old_in && !new_in)
        return false;
    if (old_in && new_in) {
        *ret = EVENT_MODIFIED;
    } else if (new_in) {
        *ret = EVENT_ADDED;
    } else {
        *ret = EVENT_DELETED;
        *ret_previous = e->type != EVENT_DELETED;
    }
    return true;
}

/* An object that left the selection is told in its previous state, with the revision of the change.
 */
static json_t *previous_state(const struct log_entry *e)
{
    assert(e->old);
    json_t *object = json_copy(e->old);
    json_t *meta = json_copy(json_object_get(e->old, "metadata"));
    json_object_set(meta, "resourceVersion",
                    json_at_mut(e->object, "metadata", "resourceVersion", NULL));
    json_object_set_new(object, "metadata", meta);
    return object;
}

static void end_watch(struct apiwatch *w)
{
    if (w->ended)
        return;
    w->ended = true;
    if (w->fn)
        w->fn(w->cookie);
}

/* Moves over entries that say nothing to this watch. false: the log has nothing more, or left it
 * behind. */
static bool settle_cursor(struct apiwatch *w, enum api_event_type *ret_type, bool *ret_previous)
{
    if (w->cursor < w->t->log.first)
        w->ended = true;
    if (w->ended) /* the log of a kind that was removed is empty */
        return false;
    assert(w->cursor <= w->t->log.next);
    for (; w->cursor < w->t->log.next; w->cursor++) {
        const struct log_entry *e = log_at(&w->t->log, w->cursor);
        if (to_event(w, e, ret_type, ret_previous))
            return true;
        if (e->revision > w->seen_revision)
            w->seen_revision = e->revision;
    }
    return false;
}

/* ---- reading ---- */

static json_t *bookmark(const struct apiwatch *w, int64_t revision, bool initial)
{
    char api_version[API_VERSION_TEXT];
    api_version_of(w->v->group, w->v->name, api_version, sizeof(api_version));
    AUTO(str) char *rv = mem_printf("%" PRId64, revision);
    json_t *object = json_object();
    json_put_str(object, "kind", w->t->kind);
    json_put_str(object, "apiVersion", api_version);
    json_put_str(object, "metadata.resourceVersion", rv);
    if (initial)
        json_object_set_new(json_object_get(object, "metadata"), "annotations",
                            json_pack("{s:s}", "k8s.io/initial-events-end", "true"));
    return object;
}

static void give(struct apiwatch *w, struct api_event *ret, enum api_event_type type,
                 json_t *made /* taken */)
{
    assert(made);
    json_decref(w->made);
    w->made = made;
    ret->type = type;
    ret->object = made;
}

static bool next_initial(struct apiwatch *w, struct api_event *ret)
{
    if (w->initial && w->initial_next < json_array_size(w->initial)) {
        json_t *stored = json_array_get(w->initial, w->initial_next++);
        give(w, ret, EVENT_ADDED, version_view(w->t, w->v, stored));
        return true;
    }
    if (w->initial) {
        json_decref(w->initial);
        w->initial = NULL;
    }
    if (w->initial_bookmark) {
        w->initial_bookmark = false;
        give(w, ret, EVENT_BOOKMARK, bookmark(w, w->initial_revision, true));
        return true;
    }
    return false;
}

bool apiwatch_next(struct apiwatch *w, struct api_event *ret)
{
    if (next_initial(w, ret))
        return true;
    enum api_event_type type;
    bool previous;
    if (settle_cursor(w, &type, &previous)) {
        const struct log_entry *e = log_at(&w->t->log, w->cursor++);
        assert(e->revision > w->seen_revision); /* no event twice, none out of order */
        w->seen_revision = e->revision;
        AUTO(json) json_t *object = previous ? previous_state(e) : json_incref(e->object);
        give(w, ret, type, version_view(w->t, w->v, object));
        return true;
    }
    if (!w->closing_bookmark)
        return false;
    w->closing_bookmark = false;
    give(w, ret, EVENT_BOOKMARK, bookmark(w, w->seen_revision, false));
    return true;
}

bool apiwatch_peek(const struct apiwatch *w, int64_t *ret_committed_ns)
{
    bool initial = (w->initial && w->initial_next < json_array_size(w->initial)) ||
                   w->initial_bookmark || w->closing_bookmark;
    /* What is read at the beginning is there at once. */
    *ret_committed_ns = 0;
    if (initial && !(w->closing_bookmark && !w->initial && !w->initial_bookmark))
        return true;
    enum api_event_type type;
    bool previous;
    /* Skipping what is not for this watch changes nothing that can be seen. */
    if (!settle_cursor((struct apiwatch *)w, &type, &previous))
        return w->closing_bookmark;
    *ret_committed_ns = log_at(&w->t->log, w->cursor)->committed_ns;
    return true;
}

bool apiwatch_ended(const struct apiwatch *w)
{
    return w->ended;
}

void apiwatch_on_event(struct apiwatch *w, void (*fn)(void *cookie), void *cookie)
{
    w->fn = fn;
    w->cookie = cookie;
}

/* ---- waking ---- */

void watches_wake(struct rtype *t, const struct log_entry *e)
{
    for (size_t i = 0; i < t->watch_count; i++) {
        struct apiwatch *w = t->watches[i];
        assert(w->t == t);
        enum api_event_type type;
        bool previous;
        if (w->fn && !w->ended && to_event(w, e, &type, &previous))
            w->fn(w->cookie);
    }
}

void watches_end(struct rtype *t)
{
    for (size_t i = 0; i < t->watch_count; i++) {
        struct apiwatch *w = t->watches[i];
        assert(w->t == t);
        /* The version it was opened for may be gone: nothing more comes out of it. */
        json_decref(w->initial);
        w->initial = NULL;
        w->initial_bookmark = w->closing_bookmark = false;
        end_watch(w);
    }
}

/* ---- opening ---- */

static int options_invalid(struct call *c, const char *field, const char *detail)
{
    struct field_errors errors = {0};
    field_errors_add(&errors, FIELD_FORBIDDEN, field, NULL, "%s", detail);
    return status_invalid(c->ret, "meta.k8s.io", "ListOptions", "", &errors);
}

static int check_options(struct call *c)
{
    const struct api_request *req = c->req;
    const char *match = req->resource_version_match;
    bool set = match && *match;
    bool given = req->send_initial_events || req->no_initial_events;
    if (given && !(set && strcmp(match, "NotOlderThan") == 0))
        return options_invalid(
            c, "resourceVersionMatch",
            "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
    if (set && !given)
        return options_invalid(
            c, "resourceVersionMatch",
            "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
    return 0;
}

/* -1: begin with the present state. */
static int start_revision(struct call *c, int64_t *ret)
{
    const char *rv = c->req->resource_version;
    *ret = c->req->no_initial_events ? c->a->revision : -1;
    if (!rv || !*rv)
        return 0;
    char *end;
    errno = 0;
    long long n = strtoll(rv, &end, 10);
    if (errno || *end || *rv < '0' || *rv > '9')
        return untyped_error(c->ret, 500,
                             "resourceVersion: Invalid value: \"%s\": strconv.ParseUint: parsing "
                             "\"%s\": invalid syntax",
                             rv, rv);
    if (c->req->send_initial_events && n > c->a->revision)
        return status_too_large(c->ret, n, c->a->revision);
    if (n > 0 && !c->req->send_initial_events)
        *ret = n;
    if (*ret < 0 || *ret >= c->a->revision)
        return 0;
    int64_t oldest = c->t->log.lost_revision;
    if (c->a->floor > oldest)
        oldest = c->a->floor;
    if (*ret < oldest)
        return status_expired(c->ret, "too old resource version: %" PRId64 " (%" PRId64 ")", *ret,
                              oldest);
    return 0;
}

static json_t *initial_objects(const struct apiwatch *w)
{
    json_t *out = json_array();
    struct store_pos pos = store_seek(&w->t->table, "");
    const struct store_entry *e;
    while ((e = store_next(&w->t->table, &pos)))
        if (in_namespace(w, meta_namespace(e->object)) && selects(w, e->object))
            json_array_append(out, e->object);
    return out;
}

static void on_timeout(void *cookie)
{
    struct apiwatch *w = cookie;
    w->timer = 0;
    if (w->ended)
        return;
    w->closing_bookmark = w->allow_bookmarks;
    end_watch(w);
}

static struct apiwatch *open_watch(struct call *c, int64_t revision)
{
    struct apiwatch *w = mem_zalloc(sizeof(*w));
    struct rtype *t = c->t;
    w->a = c->a;
    w->t = t;
    w->v = c->v;
    w->ns = t->namespaced && c->req->ns && *c->req->ns ? mem_strdup(c->req->ns) : NULL;
    w->allow_bookmarks = c->req->allow_bookmarks;
    w->initial_revision = c->a->revision;
    w->seen_revision = revision < 0 ? c->a->revision : revision;
    w->after = revision;
    w->cursor = revision < 0 ? t->log.next : log_after(&t->log, revision);
    if (c->req->timeout_s > 0 && c->req->timeout_s < SCHED_NEVER / NS_PER_S / 2)
        w->timer = sched_post(c->a->sched, apiserver_now(c->a) + c->req->timeout_s * NS_PER_S,
                              on_timeout, w);
    assert(w->cursor >= t->log.first);
    assert(w->cursor <= t->log.next);
    t->watches = mem_grow(t->watches, &t->watch_cap, t->watch_count + 1, sizeof(struct apiwatch *));
    t->watches[t->watch_count++] = w;
    return w;
}

static int watch_call(struct call *c, struct apiwatch **ret)
{
    const struct api_request *req = c->req;
    if (call_authorize(c->a, req, API_WATCH, c->ret) < 0)
        return -1;
    c->t = rtype_find(c->a, req->resource.group, req->resource.plural);
    c->v = c->t ? rtype_version(c->t, req->resource.group, req->resource.version) : NULL;
    if (!c->v || req->subresource || (req->ns && *req->ns && !c->t->namespaced))
        return status_no_resource(c->ret);
    struct selector *label = NULL;
    struct field_selector *field = NULL;
    int64_t revision;
    if (check_options(c) < 0 || start_revision(c, &revision) < 0 ||
        call_selectors(c, &label, &field) < 0)
        return -1;
    struct apiwatch *w = open_watch(c, revision);
    w->label = label;
    w->field = field;
    if (revision < 0) {
        w->initial = initial_objects(w);
        w->initial_bookmark = req->allow_bookmarks;
    }
    *ret = w;
    return 0;
}

struct apiwatch *apiserver_watch(struct apiserver *a, const struct api_request *req,
                                 struct api_response *ret_error)
{
    struct call c = {.a = a, .req = req, .ret = ret_error};
    struct apiwatch *w = NULL;
    assert(req->verb == API_WATCH);
    return watch_call(&c, &w) < 0 ? NULL : w;
}

void apiwatch_close(struct apiwatch *w)
{
    if (!w)
        return;
    struct rtype *t = w->t;
    size_t at = 0;
    while (at < t->watch_count && t->watches[at] != w)
        at++;
    assert(at < t->watch_count); /* it was open, and is closed once */
    t->watch_count--;
    memmove(t->watches + at, t->watches + at + 1, (t->watch_count - at) * sizeof(*t->watches));
    if (w->timer)
        sched_cancel(w->a->sched, w->timer);
    selector_destroy(w->label);
    field_selector_destroy(w->field);
    json_decref(w->initial);
    json_decref(w->made);
    free(w->ns);
    free(w);
}
