#include "runner/history.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "kube/time.h"

void history_init(struct history *h, int64_t start_ns)
{
    memset(h, 0, sizeof *h);
    h->start_ns = start_ns;
    h->programs = json_array();
}

static void change_finish(struct past_change *c)
{
    free(c->texts);
    json_decref(c->old);
    json_decref(c->object);
    *c = (struct past_change){0};
}

void history_finish(struct history *h)
{
    for (size_t i = 0; i < HISTORY_CHANGES_MAX; i++)
        change_finish(&h->changes[i]);
    for (size_t i = 0; i < h->request_count; i++)
        free(h->requests[i].texts);
    free(h->requests);
    json_decref(h->programs);
    h->requests = NULL;
    h->request_count = h->request_cap = 0;
    h->programs = NULL;
}

/* Copies texts (NULL counts as "") into one block, which is returned, and lets each point there. */
static char *keep_texts(const char **const *texts, size_t count)
{
    size_t lens[8], total = 0;
    char *block, *to;

    assert(count <= ARRAY_LEN(lens));
    for (size_t i = 0; i < count; i++) {
        lens[i] = *texts[i] ? strlen(*texts[i]) : 0;
        total += lens[i] + 1;
    }
    block = to = mem_alloc(total);
    for (size_t i = 0; i < count; i++) {
        if (lens[i])
            memcpy(to, *texts[i], lens[i]);
        to[lens[i]] = '\0';
        *texts[i] = to;
        to += lens[i] + 1;
    }
    return block;
}

void history_add_change(struct history *h, int64_t t, struct cluster *c,
                        const struct store_change *change, const char *by)
{
    struct past_change *p = &h->changes[h->change_count++ % HISTORY_CHANGES_MAX];

    change_finish(p);
    p->t = t;
    p->type = change->type;
    p->cluster = cluster_name(c);
    p->kind = change->kind;
    p->ns = change->ns;
    p->name = change->name;
    p->by = by;
    p->texts =
        keep_texts((const char **const[]){&p->cluster, &p->kind, &p->ns, &p->name, &p->by}, 5);
    p->old = change->old ? json_incref(change->old) : NULL;
    p->object = json_incref(change->object);
}

void history_add_request(struct history *h, int64_t t, const struct request_info *info)
{
    const struct api_request *req = info->request;
    struct past_request *r;
    const char *name = req->name;

    if (h->request_count >= HISTORY_REQUESTS_MAX)
        return;
    if (!name && info->response && api_ok(info->response))
        name = json_str(info->response->body, "metadata.name");
    h->requests = mem_grow(h->requests, &h->request_cap, h->request_count + 1, sizeof *h->requests);
    r = &h->requests[h->request_count++];
    *r = (struct past_request){
        .t = t,
        .verb = req->verb,
        .cluster = cluster_name(info->cluster),
        .kind = info->kind,
        .ns = req->ns,
        .name = name,
        .subresource = req->subresource,
        .by = info->by,
        .user = req->user,
        .reason = info->response ? api_reason(info->response) : NULL,
        .code = info->response ? info->response->code : 0,
    };
    r->texts = keep_texts((const char **const[]){&r->cluster, &r->kind, &r->ns, &r->name,
                                                 &r->subresource, &r->by, &r->user, &r->reason},
                          8);
}

/* ---- telling ---- */

/* The paths that differ between two objects, at most `max`, deepest first level that differs;
 * metadata noise left out. */
static void changed_paths(const json_t *old, const json_t *now, const char *prefix,
                          struct strbuf *out, size_t *left)
{
    const char *key;
    json_t *v;
    size_t depth = 0;

    for (const char *p = prefix; *p; p++)
        depth += *p == '.';
    json_object_foreach((json_t *)now, key, v)
    {
        const json_t *before = json_object_get(old, key);
        AUTO(str) char *path = mem_printf("%s%s%s", prefix, *prefix ? "." : "", key);

        if (*left == 0)
            return;
        if (strcmp(path, "metadata.resourceVersion") == 0 ||
            strcmp(path, "metadata.generation") == 0 || strcmp(path, "metadata.managedFields") == 0)
            continue;
        if (before && json_same(before, v))
            continue;
        if (json_is_object(v) && json_is_object(before) && depth < 2) {
            changed_paths(before, v, path, out, left);
            continue;
        }
        strbuf_addf(out, "%s%s", out->len ? ", " : "", path);
        if (!json_is_object(v) && !json_is_array(v)) {
            AUTO(str) char *text = json_text(v);

            strbuf_addf(out, "=%.48s", text);
        }
        (*left)--;
    }
    json_object_foreach((json_t *)old, key, v)
    {
        if (*left == 0)
            return;
        if (!json_object_get(now, key)) {
            strbuf_addf(out, "%s-%s%s%s", out->len ? ", " : "", prefix, *prefix ? "." : "", key);
            (*left)--;
        }
    }
}

static const char *type_word(enum api_event_type type)
{
    return type == EVENT_ADDED ? "created" : type == EVENT_DELETED ? "removed" : "changed";
}

static void tell_time(struct strbuf *out, int64_t ns)
{
    strbuf_addf(out, "  +%lld.%03llds  ", (long long)(ns / NS_PER_S),
                (long long)(ns % NS_PER_S / NS_PER_MS));
}

static void tell_change(const struct history *h, const struct past_change *c, struct strbuf *out)
{
    AUTO(strbuf) struct strbuf paths = {0};
    size_t left = 4;

    tell_time(out, c->t - h->start_ns);
    strbuf_addf(out, "%s %s %s %s%s%s", c->by, type_word(c->type), c->kind, c->ns,
                *c->ns ? "/" : "", c->name);
    if (c->type == EVENT_MODIFIED && c->old)
        changed_paths(c->old, c->object, "", &paths, &left);
    if (paths.len)
        strbuf_addf(out, ": %s", strbuf_str(&paths));
    strbuf_addch(out, '\n');
}

void history_tell(const struct history *h, struct strbuf *out, const char *kind, const char *name,
                  size_t max)
{
    const struct past_change *picked[HISTORY_CHANGES_MAX];
    uint64_t first =
        h->change_count > HISTORY_CHANGES_MAX ? h->change_count - HISTORY_CHANGES_MAX : 0;
    size_t count = 0;

    for (uint64_t i = h->change_count; i > first && count < max; i--) {
        const struct past_change *c = &h->changes[(i - 1) % HISTORY_CHANGES_MAX];

        if (*kind && strcmp(kind, c->kind) != 0)
            continue;
        if (*name && strcmp(name, c->name) != 0)
            continue;
        picked[count++] = c;
    }
    while (count-- > 0)
        tell_change(h, picked[count], out);
}

static const json_t *member_at(const json_t *v, const char *path)
{
    return v ? json_path(v, path) : NULL;
}

const char *history_last_writer(const struct history *h, const char *kind, const char *ns,
                                const char *name, const char *path, int64_t *ret_t)
{
    uint64_t first =
        h->change_count > HISTORY_CHANGES_MAX ? h->change_count - HISTORY_CHANGES_MAX : 0;

    for (uint64_t i = h->change_count; i > first; i--) {
        const struct past_change *c = &h->changes[(i - 1) % HISTORY_CHANGES_MAX];
        const json_t *a, *b;

        if (strcmp(kind, c->kind) != 0 || strcmp(name, c->name) != 0 || strcmp(ns, c->ns) != 0)
            continue;
        a = member_at(c->old, path);
        b = member_at(c->object, path);
        if (!a != !b || (a && !json_same(a, b))) {
            *ret_t = c->t - h->start_ns;
            return c->by;
        }
    }
    return "";
}
