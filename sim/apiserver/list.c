/* LIST: pages, revisions, continue tokens (section 3.3). */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "base/strmap.h"
#include "kube/meta.h"
#include "kube/selector.h"
#include "kube/status.h"
#include "sim/apiserver/call_priv.h"
#include "sim/apiserver/rtype_priv.h"
#include "sim/apiserver/server_priv.h"
#include "sim/apiserver/store.h"

/* ---- selectors ---- */

struct field_check {
    const struct rtype *t;
    const struct rversion *v;
};

static bool field_known(void *cookie, const char *field)
{
    const struct field_check *f = cookie;
    return rtype_has_field(f->t, f->v, field);
}

int call_selectors(struct call *c, struct selector **ret_label, struct field_selector **ret_field)
{
    const char *label = c->req->label_selector, *field = c->req->field_selector;
    struct err e = {0};
    AUTO(selector) struct selector *s = NULL;
    AUTO(field_selector) struct field_selector *f = NULL;
    if (label && *label && !(s = selector_parse(label, &e))) {
        status_bad_request(c->ret, "%s", e.msg ? e.msg : "");
        err_clear(&e);
        return -1;
    }
    if (field && *field && !(f = field_selector_parse(field, &e))) {
        status_bad_request(c->ret, "%s", e.msg ? e.msg : "");
        err_clear(&e);
        return -1;
    }
    struct field_check check = {c->t, c->v};
    const char *bad;
    if (f && !field_selector_fields_ok(f, field_known, &check, &bad)) {
        if (c->t->crd || (c->t->builtin && c->t->builtin->fields))
            return status_bad_request(c->ret, "field label not supported: %s", bad);
        return status_bad_request(c->ret,
                                  "\"%s\" is not a known field selector: only \"metadata.name\", "
                                  "\"metadata.namespace\"",
                                  bad);
    }
    assert((s != NULL) == (label && *label));
    *ret_label = TAKE(s);
    *ret_field = TAKE(f);
    return 0;
}

/* ---- continue tokens ---- */

static char *token_make(int64_t revision, const char *key)
{
    assert(*key);
    assert(revision >= -1);
    AUTO(str)
    char *text = mem_printf(
        "{\"v\":\"meta.k8s.io/v1\",\"rv\":%" PRId64 ",\"start\":\"%s\\u0000\"}\n", revision, key);
    AUTO(strbuf) struct strbuf out = {0};
    base64url_add(&out, text, strlen(text));
    return strbuf_take(&out);
}

/* Only what token_make makes is a token. */
static bool token_parse(const char *token, int64_t *ret_revision, char key[STORE_KEY_MAX])
{
    static const char head[] = "{\"v\":\"meta.k8s.io/v1\",\"rv\":";
    static const char middle[] = ",\"start\":\"";
    static const char tail[] = "\\u0000\"}\n";
    AUTO(strbuf) struct strbuf text = {0};
    if (!base64url_read(&text, token, strlen(token)) || strlen(strbuf_str(&text)) != text.len ||
        strncmp(strbuf_str(&text), head, sizeof(head) - 1) != 0)
        return false;
    char *p = text.data + sizeof(head) - 1, *end;
    errno = 0;
    *ret_revision = strtoll(p, &end, 10);
    if (errno || end == p || *ret_revision < -1 || strncmp(end, middle, sizeof(middle) - 1) != 0)
        return false;
    p = end + sizeof(middle) - 1;
    size_t len = strcspn(p, "\\\"");
    if (len == 0 || len >= STORE_KEY_MAX || strcmp(p + len, tail) != 0)
        return false;
    memcpy(key, p, len);
    key[len] = '\0';
    return true;
}

/* ---- what is asked ---- */

struct query {
    int64_t revision;          /* exactly this one; -1: the latest */
    int64_t shown;             /* in the list's metadata */
    int64_t limit;             /* 0: none */
    char after[STORE_KEY_MAX]; /* continue behind this key; "" begins */
    bool from_token;
    struct selector *label;
    struct field_selector *field;
};

static int options_invalid(struct call *c, enum field_error_type type, const char *field,
                           const char *detail)
{
    struct field_errors errors = {0};
    AUTO(json)
    json_t *shown =
        type == FIELD_NOT_SUPPORTED ? json_string(c->req->resource_version_match) : NULL;
    field_errors_add(&errors, type, field, shown, "%s", detail);
    return status_invalid(c->ret, "meta.k8s.io", "ListOptions", "", &errors);
}

static int check_match(struct call *c)
{
    const char *match = c->req->resource_version_match, *rv = c->req->resource_version;
    static const char field[] = "resourceVersionMatch";
    if (c->req->send_initial_events || c->req->no_initial_events)
        return options_invalid(c, FIELD_FORBIDDEN, "sendInitialEvents",
                               "sendInitialEvents is forbidden for list");
    if (!match || !*match)
        return 0;
    if (!rv || !*rv)
        return options_invalid(
            c, FIELD_FORBIDDEN, field,
            "resourceVersionMatch is forbidden unless resourceVersion is provided");
    if (c->req->continue_token && *c->req->continue_token)
        return options_invalid(c, FIELD_FORBIDDEN, field,
                               "resourceVersionMatch is forbidden when continue is provided");
    if (strcmp(match, "Exact") == 0 && strcmp(rv, "0") == 0)
        return options_invalid(
            c, FIELD_FORBIDDEN, field,
            "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"");
    if (strcmp(match, "Exact") != 0 && strcmp(match, "NotOlderThan") != 0)
        return options_invalid(c, FIELD_NOT_SUPPORTED, field,
                               "supported values: \"Exact\", \"NotOlderThan\", \"\"");
    return 0;
}

static int read_revision(struct call *c, int64_t *ret)
{
    const char *rv = c->req->resource_version;
    *ret = -1;
    if (!rv || !*rv)
        return 0;
    char *end;
    errno = 0;
    *ret = strtoll(rv, &end, 10);
    if (errno || *end || *rv < '0' || *rv > '9')
        return status_bad_request(c->ret,
                                  "invalid resource version: strconv.ParseUint: parsing "
                                  "\"%s\": invalid syntax",
                                  rv);
    return 0;
}

static bool is_reachable(const struct call *c, int64_t revision)
{
    return revision >= c->a->floor && revision >= c->t->log.lost_revision;
}

static int expired_token(struct call *c, const struct query *q)
{
    AUTO(str) char *again = token_make(-1, q->after);
    status_expired(c->ret,
                   "The provided continue parameter is too old to display a consistent list "
                   "result. You can start a new list without the continue parameter, or use the "
                   "continue token in this response to retrieve the remainder of the results. "
                   "Continuing with the provided token results in an inconsistent list - objects "
                   "that were created, modified, or deleted between the time the first chunk was "
                   "returned and now may show up in the list.");
    json_put_str(c->ret->body, "metadata.continue", again);
    return -1;
}

static int query_token(struct call *c, struct query *q)
{
    const char *rv = c->req->resource_version;
    if (rv && *rv && strcmp(rv, "0") != 0)
        return status_bad_request(c->ret,
                                  "specifying resource version is not allowed when using continue");
    if (!token_parse(c->req->continue_token, &q->revision, q->after))
        return status_bad_request(c->ret, "invalid continue token: continue key is not valid: "
                                          "unable to decode");
    q->from_token = true;
    if (q->revision >= 0 && !is_reachable(c, q->revision))
        return expired_token(c, q);
    return 0;
}

static int query_revision(struct call *c, struct query *q)
{
    int64_t asked;
    if (read_revision(c, &asked) < 0)
        return -1;
    const char *match = c->req->resource_version_match;
    bool unset = !match || !*match;
    bool exact = (!unset && strcmp(match, "Exact") == 0) || (unset && q->limit > 0 && asked > 0);
    if (asked == 0 && !exact)
        q->limit = 0; /* the cache answers in whole */
    if (asked > c->a->revision)
        return status_too_large(c->ret, asked, c->a->revision);
    if (!exact || asked <= 0)
        return 0;
    if (!is_reachable(c, asked))
        return status_expired(c->ret, "The resourceVersion for the provided list is too old.");
    q->revision = asked;
    return 0;
}

static int query_make(struct call *c, struct query *q)
{
    q->limit = c->req->limit > 0 ? c->req->limit : 0;
    q->revision = -1;
    if (check_match(c) < 0 || call_selectors(c, &q->label, &q->field) < 0)
        return -1;
    bool token = c->req->continue_token && *c->req->continue_token;
    if ((token ? query_token(c, q) : query_revision(c, q)) < 0)
        return -1;
    q->shown = q->revision >= 0 ? q->revision : c->a->revision;
    assert(q->limit >= 0);
    return 0;
}

/* ---- the past ---- */

/* Keys that changed after the revision, with what they held then: the older a change, the later it
 * is undone. */
static struct strmap *undo_since(const struct rtype *t, int64_t revision)
{
    assert(revision >= t->log.lost_revision);
    struct strmap *then = strmap_create();
    for (uint64_t n = log_after(&t->log, revision); n < t->log.next; n++) {
        const struct log_entry *e = log_at(&t->log, n);
        char key[STORE_KEY_MAX];
        if (!store_key(key, meta_namespace(e->object), meta_name(e->object)) ||
            strmap_get(then, key))
            continue;
        /* The first change after the revision knows what stood before it. json_null() stands for
         * nothing. */
        strmap_put(then, key, e->old ? e->old : json_null());
    }
    return then;
}

struct past {
    char *key;
    json_t *object; /* borrowed from the log */
};

static int past_order(const void *a, const void *b)
{
    return strcmp(((const struct past *)a)->key, ((const struct past *)b)->key);
}

/* ---- walking ---- */

struct walk {
    struct call *c;
    struct query *q;
    json_t *items;
    char last[STORE_KEY_MAX];
    bool more;
    int64_t remaining;
    char prefix[STORE_KEY_MAX];
    size_t prefix_len;
};

static json_t *list_item(const struct call *c, json_t *stored)
{
    json_t *view = version_view(c->t, c->v, stored);
    if (c->t->crd)
        return view;
    /* Items of typed lists do not repeat their type. */
    json_t *bare = json_copy(view);
    json_decref(view);
    json_object_del(bare, "kind");
    json_object_del(bare, "apiVersion");
    return bare;
}

static bool selected(const struct call *c, const struct query *q, const json_t *object)
{
    if (q->label && !selector_matches(q->label, json_at(object, "metadata", "labels", NULL)))
        return false;
    return !q->field || version_selects(c->t, c->v, q->field, object);
}

/* false: enough. */
static bool walk_visit(struct walk *w, const char *key, json_t *object)
{
    if (strncmp(key, w->prefix, w->prefix_len) != 0)
        return false;
    if (w->q->limit && (int64_t)json_array_size(w->items) >= w->q->limit) {
        if (!w->more && !selected(w->c, w->q, object))
            return true; /* a page that holds the last match needs no token */
        w->more = true;
        w->remaining++;
        return !w->q->label && !w->q->field; /* only an unfiltered list counts the rest */
    }
    assert(strcmp(w->last, key) < 0); /* in order, each once */
    snprintf(w->last, sizeof(w->last), "%s", key);
    if (selected(w->c, w->q, object))
        json_array_append_new(w->items, list_item(w->c, object));
    return true;
}

static const char *walk_start(const struct walk *w)
{
    return *w->q->after ? w->q->after : w->prefix;
}

static void walk_now(struct walk *w)
{
    const struct store_table *t = &w->c->t->table;
    struct store_pos pos = store_seek(t, walk_start(w));
    const struct store_entry *e;
    while ((e = store_next(t, &pos))) {
        if (*w->q->after && strcmp(e->key, w->q->after) <= 0)
            continue;
        if (!walk_visit(w, e->key, e->object))
            break;
    }
}

static void walk_past(struct walk *w)
{
    const struct store_table *t = &w->c->t->table;
    struct strmap *then = undo_since(w->c->t, w->q->revision);
    struct past *all = mem_zalloc((t->count + strmap_count(then) + 1) * sizeof(*all));
    size_t n = 0, i = 0;
    struct store_pos pos = store_seek(t, "");
    const struct store_entry *e;
    while ((e = store_next(t, &pos)))
        if (!strmap_get(then, e->key))
            all[n++] = (struct past){(char *)e->key, e->object};
    const char *key;
    void *object;
    while (strmap_each(then, &i, &key, &object))
        if (!json_is_null((json_t *)object))
            all[n++] = (struct past){(char *)key, object};
    assert(n <= t->count + strmap_count(then));
    qsort(all, n, sizeof(*all), past_order);
    for (i = 0; i < n; i++) {
        if (strcmp(all[i].key, walk_start(w)) < 0 ||
            (*w->q->after && strcmp(all[i].key, w->q->after) <= 0))
            continue;
        if (!walk_visit(w, all[i].key, all[i].object))
            break;
    }
    free(all);
    strmap_destroy(then, NULL);
}

static json_t *list_meta(const struct walk *w)
{
    json_t *meta = json_object();
    AUTO(str) char *rv = mem_printf("%" PRId64, w->q->shown);
    json_put_str(meta, "resourceVersion", rv);
    if (w->more) {
        AUTO(str)
        char *token =
            token_make(w->q->from_token && w->q->revision < 0 ? -1 : w->q->shown, w->last);
        json_put_str(meta, "continue", token);
        if (!w->q->label && !w->q->field)
            json_put_take(meta, "remainingItemCount", json_integer(w->remaining));
    } else if (w->c->t->crd) {
        json_put_str(meta, "continue", "");
    }
    return meta;
}

static json_t *list_body(struct walk *w)
{
    const struct call *c = w->c;
    char api_version[API_VERSION_TEXT];
    api_version_of(c->v->group, c->v->name, api_version, sizeof(api_version));
    json_t *body = json_object();
    json_put_str(body, "kind", c->t->list_kind);
    json_put_str(body, "apiVersion", api_version);
    json_object_set_new(body, "metadata", list_meta(w));
    json_object_set_new(body, "items", w->items);
    return body;
}

int call_list(struct call *c)
{
    struct query q = {0};
    if (query_make(c, &q) == 0) {
        struct walk w = {.c = c, .q = &q, .items = json_array()};
        if (c->t->namespaced && c->req->ns && *c->req->ns)
            snprintf(w.prefix, sizeof(w.prefix), "%s/", c->req->ns);
        w.prefix_len = strlen(w.prefix);
        if (q.revision >= 0 && q.revision < c->a->revision)
            walk_past(&w);
        else
            walk_now(&w);
        respond(c, 200, list_body(&w));
    }
    selector_destroy(q.label);
    field_selector_destroy(q.field);
    return c->ret->code == 200 ? 0 : -1;
}
