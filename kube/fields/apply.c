/* Server-side apply: merge, take away what the applier let go of, look for conflicts. */
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "kube/fields/fields_priv.h"
#include "kube/meta.h"
#include "kube/status.h"
#include "kube/status_priv.h"

#define KUBECTL "kubectl"
#define LAST_APPLIED "kubectl.kubernetes.io/last-applied-configuration"
#define ANNOTATIONS_MAX (256u << 10)

/* One apply under way. */
struct apply {
    struct pool *pool;
    struct owners owners;
    const json_t *live; /* NULL: there is none */
    const json_t *base; /* live, or what a new object holds */
    const json_t *applied;
    struct typed type;
    const struct managed_writer *writer;
    bool force;
    const struct set *last; /* what the applier owned until now */
    const struct set *cut;  /* what went */
    json_t *merged;         /* the new object */
    struct api_response *status;
};

/* What errors without a reason of their own become. */
static int fail(struct api_response *ret, char *text /* taken */)
{
    AUTO(str) char *message = text;
    ret->code = 500;
    ret->body = json_pack("{s:s, s:s, s:{}, s:s, s:o, s:i}", "kind", "Status", "apiVersion", "v1",
                          "metadata", "status", "Failure", "message", status_text_value(message),
                          "code", 500);
    return -1;
}

/* ---- what is let go ---- */

static const struct set *set_with_named(struct apply *a, const json_t *object)
{
    return set_with_parents(a->pool, extract_set(a->pool, object, a->type), a->type);
}

static const struct set *owned_by_any(struct apply *a)
{
    const struct set *all = NULL;
    for (size_t i = 0; i < a->owners.count; i++)
        all = set_union(a->pool, all, a->owners.list[i].set);
    return set_with_parents(a->pool, all, a->type);
}

/* Fields that the applier owned, does not apply any more, and nobody else owns go. Three steps: all
 * that it owned goes; what somebody owns comes back with all around it that was not the applier's;
 * and what nobody owned stays. New. */
static json_t *prune(struct apply *a, const json_t *merged)
{
    struct pool *p = a->pool;
    if (!a->last)
        return json_incref((json_t *)merged);
    const struct set *last = set_with_parents(p, a->last, a->type);
    const struct set *all = set_with_named(a, merged);
    json_t *bare = pool_hold(p, remove_fields(p, merged, last, a->type, false));
    const struct set *stays = set_union(p, set_with_named(a, bare), owned_by_any(a));
    json_t *owned =
        pool_hold(p, remove_fields(p, merged, set_subtract(p, all, stays), a->type, false));
    const struct set *gone = set_subtract(p, all, set_with_named(a, owned));
    a->cut = set_intersect(p, gone, last);
    return a->cut ? remove_fields(p, merged, a->cut, a->type, false)
                  : json_incref((json_t *)merged);
}

/* ---- kubectl's annotation ---- */

/* What the last client-side apply of kubectl said and still stands: server-side apply by kubectl
 * may take that from anybody. */
static const struct set *kept_from_last_applied(struct apply *a)
{
    const char *text = meta_annotation(a->base, LAST_APPLIED);
    if (!text || !*text || strcmp(a->writer->manager, KUBECTL) != 0)
        return NULL;
    AUTO(str) char *unfit = check_typed(a->pool, a->base, a->type, false);
    json_t *last = json_read(text, strlen(text), "annotation", NULL);
    if (!last)
        return NULL;
    pool_hold(a->pool, last);
    if (!json_is_object(last) || unfit ||
        strcmp(meta_api_version(last), a->writer->api_version) != 0)
        return NULL;
    AUTO(str) char *why = check_typed(a->pool, last, a->type, false);
    if (why)
        return NULL;
    struct comparison c;
    compare_objects(a->pool, last, a->base, a->type, &c);
    const struct set *changed = set_union(a->pool, comparison_written(a->pool, &c), c.removed);
    return set_subtract(a->pool, extract_set(a->pool, last, a->type), changed);
}

static void refresh_last_applied(const struct apply *a, json_t *object)
{
    const char *have = meta_annotation(object, LAST_APPLIED);
    if (!have || !*have || strcmp(a->writer->manager, KUBECTL) != 0)
        return;
    AUTO(json) json_t *copy = json_copy_of(a->applied);
    json_object_del(json_at_mut(copy, "metadata", "annotations", NULL), LAST_APPLIED);
    AUTO(strbuf) struct strbuf text = {0};
    json_write_sorted(&text, copy, JSON_TIGHT);
    strbuf_addch(&text, '\n');

    json_t *notes = json_at_mut(object, "metadata", "annotations", NULL);
    json_object_set_new(notes, LAST_APPLIED, json_string(strbuf_str(&text)));
    size_t bytes = 0;
    const char *key;
    json_t *value;
    json_object_foreach(notes, key, value) bytes += strlen(key) + json_string_length(value);
    if (bytes > ANNOTATIONS_MAX)
        json_object_del(notes, LAST_APPLIED);
}

/* ---- one apply ---- */

static char *name_of(const struct apply *a)
{
    const char *api = meta_api_version(a->applied);
    return mem_printf("%s/%s; %s%s, Kind=%s", meta_namespace(a->applied), meta_name(a->applied),
                      strchr(api, '/') ? "" : "/", api, meta_kind(a->applied));
}

static int check_patch(struct apply *a)
{
    if (json_is_array(json_at(a->applied, "metadata", "managedFields", NULL)))
        return status_bad_request(a->status, "metadata.managedFields must be nil");
    char *why = check_typed(a->pool, a->applied, a->type, false);
    if (!why)
        return 0;
    AUTO(str) char *text = why;
    AUTO(str) char *name = name_of(a);
    return fail(a->status, mem_printf("failed to create typed patch object (%s): %s", name, text));
}

/* Who owns what before the apply. What stands there without an owner gets one. */
static int find_owners(struct apply *a)
{
    char *why = owners_read(&a->owners, json_at(a->live, "metadata", "managedFields", NULL),
                            /* fresh= */ false);
    if (why) {
        AUTO(str) char *text = why;
        return fail(a->status, mem_printf("failed to decode managed fields: %s", text));
    }
    if (a->live && !a->owners.count) {
        struct managed_writer before = *a->writer;
        bool changed;
        before.manager = "before-first-apply";
        owners_update(&a->owners, NULL, a->live, a->type, &before, &changed);
    }
    owners_reconcile(&a->owners, a->writer, a->type);
    return 0;
}

static int take_fields(struct apply *a, struct owner *self)
{
    struct pool *p = a->pool;
    struct comparison c;
    const struct set *reset = reset_fields(p, a->writer);
    compare_objects(p, a->base, a->merged, a->type, &c);
    c.removed = set_subtract_trees(p, c.removed, reset);
    c.modified = set_subtract_trees(p, c.modified, reset);
    c.added = set_subtract_trees(p, c.added, reset);
    if (!a->force && conflicts_answer(&a->owners, self, comparison_written(p, &c),
                                      kept_from_last_applied(a), a->status) < 0)
        return -1;
    owners_take(&a->owners, self, &c);
    return 0;
}

static int run(struct apply *a)
{
    struct pool *p = a->pool;
    if (check_patch(a) < 0 || find_owners(a) < 0)
        return -1;
    json_t *merged = pool_hold(p, merge_objects(p, a->base, a->applied, a->type));
    struct owner *self = owners_enter(&a->owners, a->writer, true);
    a->last = self->set;
    if (strcmp(self->api_version, a->writer->api_version) != 0)
        self->source = NULL;
    self->api_version = a->writer->api_version;
    const struct set *applied = extract_set(p, a->applied, a->type);
    owner_change(self, set_subtract_trees(p, applied, reset_fields(p, a->writer)));
    a->merged = prune(a, merged);
    if (take_fields(a, self) < 0)
        return -1;
    owner_change(self, set_subtract(p, self->set, stripped_fields(p)));
    if (!json_same(a->base, a->merged))
        owner_stamp(&a->owners, self, a->writer->now_ns);
    if (a->cut) {
        /* Until here what was emptied stood as null, which counts as being there. */
        json_decref(a->merged);
        a->merged = remove_fields(p, merged, a->cut, a->type, true);
    }
    owners_drop_empty(&a->owners);
    return 0;
}

int managed_apply(const json_t *live, const json_t *applied, struct typed type,
                  const struct managed_writer *w, bool force, json_t **ret,
                  struct api_response *ret_status)
{
    AUTO(pool) struct pool pool = {0};
    struct apply a = {.pool = &pool,
                      .owners = {.pool = &pool},
                      .live = live,
                      .applied = applied,
                      .type = type,
                      .writer = w,
                      .force = force,
                      .status = ret_status};
    a.base = live ? live : pool_hold(&pool, typed_zero(type));
    if (run(&a) < 0) {
        json_decref(a.merged);
        return -1;
    }
    json_t *entries = owners_write(&a.owners);
    if (!json_is_object(json_object_get(a.merged, "metadata")))
        json_object_set_new(a.merged, "metadata", json_object());
    json_t *meta = json_object_get(a.merged, "metadata");
    if (json_array_size(entries))
        json_object_set_new(meta, "managedFields", entries);
    else {
        json_object_del(meta, "managedFields");
        json_decref(entries);
    }
    refresh_last_applied(&a, a.merged);
    *ret = a.merged;
    return 0;
}
