#include "runner/history.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "kube/time.h"

void history_init(struct history *h, int64_t start_ns)
{
    memset(h, 0, sizeof *h);
    h->start_ns = start_ns;
    h->programs = json_array();
    h->log = json_array();
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
    json_decref(h->log);
    h->requests = NULL;
    h->request_count = h->request_cap = 0;
    h->programs = h->log = NULL;
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
                        const struct store_change *change, const char *by, enum owner_kind owner)
{
    struct past_change *p = &h->changes[h->change_count++ % HISTORY_CHANGES_MAX];

    assert(t >= h->start_ns);
    assert(change->object && (change->type == EVENT_ADDED) == !change->old);
    change_finish(p);
    p->t = t;
    p->type = change->type;
    p->cluster = cluster_name(c);
    p->kind = change->kind;
    p->ns = change->ns;
    p->name = change->name;
    p->by = by;
    p->owner = owner;
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
        .owner = info->owner->kind,
        .user = req->user,
        .reason = info->response ? api_reason(info->response) : NULL,
        .code = info->response ? info->response->code : 0,
    };
    r->texts = keep_texts((const char **const[]){&r->cluster, &r->kind, &r->ns, &r->name,
                                                 &r->subresource, &r->by, &r->user, &r->reason},
                          8);
}

/* ---- telling ---- */

struct path_list {
    struct strbuf *out;
    size_t left;
};

static void add_path(struct path_list *l, const char *path, const json_t *before, const json_t *now)
{
    bool plain = now && !json_is_object(now) && !json_is_array(now);
    bool was_plain = before && !json_is_object(before) && !json_is_array(before);
    AUTO(str) char *text = plain ? json_text(now) : NULL;
    AUTO(str) char *was = was_plain ? json_text(before) : NULL;

    if (l->left == 0)
        return;
    l->left--;
    strbuf_addf(l->out, "%s%s%s", l->out->len ? ", " : "", now ? "" : "-", path);
    if (was && (text || !now))
        strbuf_addf(l->out, " %.48s", was);
    if (text)
        strbuf_addf(l->out, " -> %.160s", text);
}

/* Conditions tell the most: by type, with their status and reason. */
static void changed_conditions(const json_t *old, const json_t *now, const char *path,
                               struct path_list *l)
{
    size_t i;
    json_t *v;

    json_array_foreach((json_t *)now, i, v)
    {
        const char *type = json_str_or_empty(v, "type");
        const json_t *before = json_find(old, "type", type);
        AUTO(str)
        char *deeper = mem_printf("%s[%s] %s/%s", path, type, json_str_or_empty(v, "status"),
                                  json_str_or_empty(v, "reason"));

        if (!before || !json_same(before, v))
            add_path(l, deeper, NULL, v);
    }
}

static bool is_noise(const char *path)
{
    static const char *const noise[] = {"metadata.resourceVersion", "metadata.generation",
                                        "metadata.managedFields"};

    for (size_t i = 0; i < ARRAY_LEN(noise); i++)
        if (strcmp(path, noise[i]) == 0)
            return true;
    return false;
}

#define PATH_DEPTH_MAX 4

/* The paths that differ between two objects, without the noise that every write makes. */
static void changed_paths(const json_t *old, const json_t *now, const char *prefix, unsigned depth,
                          struct path_list *l)
{
    const char *key;
    json_t *v;

    json_object_foreach((json_t *)now, key, v)
    {
        const json_t *before = json_object_get(old, key);
        AUTO(str) char *path = mem_printf("%s%s%s", prefix, *prefix ? "." : "", key);

        if (is_noise(path) || (before && json_same(before, v)))
            continue;
        if (json_is_object(v) && (json_is_object(before) || !before) && depth < PATH_DEPTH_MAX &&
            json_object_size(v))
            changed_paths(before, v, path, depth + 1, l);
        else if (json_is_array(v) && strcmp(key, "conditions") == 0)
            changed_conditions(before, v, path, l);
        else
            add_path(l, path, before, v);
    }
    json_object_foreach((json_t *)old, key, v)
    {
        AUTO(str) char *path = mem_printf("%s%s%s", prefix, *prefix ? "." : "", key);

        if (!json_object_get(now, key))
            add_path(l, path, v, NULL);
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

static const char *actor_word(const char *by)
{
    return *by ? by : "the server";
}

static void tell_change(const struct history *h, const struct past_change *c, struct strbuf *out)
{
    AUTO(strbuf) struct strbuf paths = {0};
    struct path_list list = {&paths, 4};

    tell_time(out, c->t - h->start_ns);
    strbuf_addf(out, "%s %s %s %s%s%s", actor_word(c->by), type_word(c->type), c->kind, c->ns,
                *c->ns ? "/" : "", c->name);
    if (c->type == EVENT_MODIFIED && c->old)
        changed_paths(c->old, c->object, "", 0, &list);
    if (paths.len)
        strbuf_addf(out, ": %s", strbuf_str(&paths));
    strbuf_addch(out, '\n');
}

static void tell_refusal(const struct history *h, const struct past_request *r, struct strbuf *out)
{
    tell_time(out, r->t - h->start_ns);
    strbuf_addf(out, "%s was refused to %s %s %s%s%s: %d %s\n", actor_word(r->by),
                api_verb_name(r->verb), r->kind, r->ns, *r->ns ? "/" : "", r->name, r->code,
                r->reason);
}

/* One thing that happened: a change or (the other NULL) a refused write. */
struct happened {
    const struct past_change *change;
    const struct past_request *refusal;
};

static bool is_about(const struct history_object *o, const char *cluster, const char *kind,
                     const char *ns, const char *name)
{
    return o && o->kind && *o->kind && strcmp(o->kind, kind) == 0 && strcmp(o->name, name) == 0 &&
           strcmp(o->ns ? o->ns : "", ns) == 0 && (!o->cluster || strcmp(o->cluster, cluster) == 0);
}

static bool is_refused_write(const struct past_request *r)
{
    return r->code >= 400 && r->verb != API_GET && r->verb != API_LIST && r->verb != API_WATCH;
}

static bool wanted(const struct history_object *about, bool related, const struct happened *x)
{
    return related == (x->change ? is_about(about, x->change->cluster, x->change->kind,
                                            x->change->ns, x->change->name)
                                 : is_about(about, x->refusal->cluster, x->refusal->kind,
                                            x->refusal->ns, x->refusal->name));
}

static uint64_t first_kept(const struct history *h)
{
    return h->change_count > HISTORY_CHANGES_MAX ? h->change_count - HISTORY_CHANGES_MAX : 0;
}

/* The platform does much that explains little: its events tell nothing that its changes do not, and
 * its changes get at most half of the lines. */
static bool is_platform(const struct happened *x)
{
    return (x->change ? x->change->owner : x->refusal->owner) == OWNER_PLATFORM;
}

static bool is_chatter(const struct happened *x)
{
    return strcmp(x->change ? x->change->kind : x->refusal->kind, "Event") == 0;
}

/* From the newest backwards, changes and refusals in the order of time; returns how many. */
static size_t pick(const struct history *h, const struct history_object *about, bool related,
                   struct happened *picked, size_t max)
{
    uint64_t first = first_kept(h), c = h->change_count;
    size_t r = h->request_count, count = 0, platform = 0;

    while (count < max && c > first) {
        struct happened x = {&h->changes[(c - 1) % HISTORY_CHANGES_MAX], NULL};

        while (r > 0 && !is_refused_write(&h->requests[r - 1]))
            r--;
        if (r > 0 && h->requests[r - 1].t > x.change->t)
            x = (struct happened){NULL, &h->requests[--r]};
        else
            c--;
        if (!wanted(about, related, &x) || is_chatter(&x))
            continue;
        if (!related && is_platform(&x) && ++platform > (max + 1) / 2)
            continue;
        picked[count++] = x;
    }
    return count;
}

#define TELL_MAX 32

static size_t tell(const struct history *h, const struct history_object *about, bool related,
                   struct strbuf *out, const char *title, size_t max)
{
    struct happened picked[TELL_MAX];
    size_t count = pick(h, about, related, picked, max < TELL_MAX ? max : TELL_MAX);

    if (count)
        strbuf_addf(out, "%s\n", title);
    for (size_t i = count; i-- > 0;) {
        if (picked[i].change)
            tell_change(h, picked[i].change, out);
        else
            tell_refusal(h, picked[i].refusal, out);
    }
    return count;
}

void history_tell(const struct history *h, struct strbuf *out, const struct history_object *about,
                  size_t max)
{
    bool known = about && about->kind && *about->kind;
    AUTO(str)
    char *title =
        known ? mem_printf("%s %s%s%s, last of all:", about->kind, about->ns ? about->ns : "",
                           about->ns && *about->ns ? "/" : "", about->name)
              : NULL;
    size_t told = known ? tell(h, about, true, out, title, max * 2 / 3) : 0;

    tell(h, about, false, out, known ? "what else happened:" : "what happened last:", max - told);
}

static uint64_t version_of(const struct past_change *c)
{
    return strtoull(meta_resource_version(c->object), NULL, 10);
}

/* Whether a later change of the same object was looked at already. */
static bool is_newest(const struct history *h, uint64_t at, const char *by)
{
    const struct past_change *c = &h->changes[at % HISTORY_CHANGES_MAX];

    for (uint64_t i = at + 1; i < h->change_count; i++) {
        const struct past_change *d = &h->changes[i % HISTORY_CHANGES_MAX];

        if (strcmp(d->by, by) != 0 && strcmp(d->name, c->name) == 0 &&
            strcmp(d->kind, c->kind) == 0 && strcmp(d->ns, c->ns) == 0)
            return false;
    }
    return true;
}

void history_tell_unseen(const struct history *h, const struct reads *reads, struct strbuf *out,
                         const char *by, size_t max)
{
    uint64_t first = first_kept(h);
    size_t told = 0;

    for (uint64_t i = h->change_count; i > first && told < max; i--) {
        const struct past_change *c = &h->changes[(i - 1) % HISTORY_CHANGES_MAX];
        int64_t t = 0;
        uint64_t seen = reads_version(reads, by, c->cluster, c->kind, c->ns, c->name, &t);

        if (seen == 0 || seen >= version_of(c) || strcmp(c->by, by) == 0 ||
            !is_newest(h, i - 1, by))
            continue;
        if (told++ == 0)
            strbuf_addf(out, "%s had not seen:\n", by);
        tell_change(h, c, out);
        strbuf_addf(out, "    (it knew version %llu, received at +%.3fs; this made it %llu)\n",
                    (unsigned long long)seen, (double)(t - h->start_ns) / 1e9,
                    (unsigned long long)version_of(c));
    }
}

static const json_t *member_at(const json_t *v, const char *path)
{
    return v ? json_path(v, path) : NULL;
}

const char *history_last_writer(const struct history *h, const char *kind, const char *ns,
                                const char *name, const char *path, int64_t *ret_t)
{
    uint64_t first = first_kept(h);

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
