/* The entries of metadata.managedFields: who owns which set. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "kube/fields/fields_priv.h"
#include "kube/status_priv.h"
#include "kube/time.h"

#define UPDATERS_MAX 10
#define OLD_UPDATES "ancient-changes"

/* ---- names ---- */

static void add_text(struct strbuf *out, const char *key, const char *value)
{
    if (!*value)
        return;
    AUTO(json) json_t *text = json_string(value);
    strbuf_addstr(out, out->len > 1 ? ",\"" : "\"");
    strbuf_addstr(out, key);
    strbuf_addstr(out, "\":");
    json_write(out, text, JSON_TIGHT);
}

/* Appliers are the same in whatever version they speak. */
char *owner_id(struct pool *p, const char *manager, bool applied, const char *api_version,
               const char *subresource)
{
    AUTO(strbuf) struct strbuf out = {0};
    strbuf_addch(&out, '{');
    add_text(&out, "manager", manager);
    add_text(&out, "operation", applied ? "Apply" : "Update");
    add_text(&out, "apiVersion", applied ? "" : api_version);
    add_text(&out, "subresource", subresource);
    strbuf_addch(&out, '}');
    return pool_strdup(p, strbuf_str(&out));
}

struct owner *owners_find(struct owners *o, const char *id)
{
    for (size_t i = 0; i < o->count; i++)
        if (strcmp(o->list[i].id, id) == 0)
            return &o->list[i];
    return NULL;
}

static struct owner *owners_add(struct owners *o, const struct owner *of)
{
    o->list = pool_grow(o->pool, o->list, o->count, &o->cap, sizeof(*o->list));
    o->list[o->count] = *of;
    return &o->list[o->count++];
}

struct owner *owners_enter(struct owners *o, const struct managed_writer *w, bool applied)
{
    const char *manager = w->manager && *w->manager ? w->manager : "unknown";
    const char *sub = w->subresource ? w->subresource : "";
    struct owner fresh = {.manager = manager,
                          .api_version = w->api_version,
                          .subresource = sub,
                          .applied = applied,
                          .id = owner_id(o->pool, manager, applied, w->api_version, sub)};
    struct owner *found = owners_find(o, fresh.id);
    return found ? found : owners_add(o, &fresh);
}

/* ---- reading ---- */

static char *read_entry(struct owners *o, const json_t *entry, size_t i, bool fresh)
{
    if (!json_is_object(entry))
        return mem_printf("managed fields entry %zu is not an object", i);
    const char *operation = json_str_or_empty(entry, "operation");
    const char *type = json_str_or_empty(entry, "fieldsType");
    struct owner of = {.manager = json_str_or_empty(entry, "manager"),
                       .api_version = json_str_or_empty(entry, "apiVersion"),
                       .subresource = json_str_or_empty(entry, "subresource"),
                       .time = json_str(entry, "time"),
                       .source = fresh ? NULL : entry,
                       .applied = strcmp(operation, "Apply") == 0};
    if (!of.applied && strcmp(operation, "Update") != 0)
        return mem_strdup("operation must be `Apply` or `Update`");
    if (!*of.api_version)
        return mem_strdup("apiVersion must not be empty");
    if (strcmp(type, "FieldsV1") != 0) {
        AUTO(strbuf) struct strbuf quoted = {0};
        status_quote(&quoted, type, strlen(type));
        return *type ? mem_printf("invalid fieldsType %s in managed fields entry %zu",
                                  strbuf_str(&quoted), i)
                     : mem_printf("missing fieldsType in managed fields entry %zu", i);
    }
    int64_t ns = 0;
    if (of.time && time_parse(of.time, &ns))
        of.time_s = ns / NS_PER_S;
    char *why = fieldsv1_read(o->pool, json_object_get(entry, "fieldsV1"), &of.set);
    if (why) {
        AUTO(str) char *inner = why;
        return mem_printf("error decoding set: %s", inner);
    }
    of.id = owner_id(o->pool, of.manager, of.applied, of.api_version, of.subresource);
    struct owner *twice = owners_find(o, of.id);
    if (twice)
        *twice = of;
    else
        owners_add(o, &of);
    return NULL;
}

/* More entries than any server lets stand; what a client sends is only bounded by its body. */
#define ENTRIES_MAX 1000

char *owners_read(struct owners *o, const json_t *entries, bool fresh)
{
    if (json_array_size(entries) > ENTRIES_MAX)
        return mem_printf("more than %d managed fields entries", ENTRIES_MAX);
    for (size_t i = 0; i < json_array_size(entries); i++) {
        char *why = read_entry(o, json_array_get(entries, i), i, fresh);
        if (why)
            return why;
    }
    return NULL;
}

/* ---- writing ---- */

static int entry_order(const void *a, const void *b)
{
    const struct owner *x = a, *y = b;
    if (x->applied != y->applied)
        return x->applied ? -1 : 1;
    if (x->time_s != y->time_s)
        return x->time_s < y->time_s ? -1 : 1;
    int order = strcmp(x->manager, y->manager);
    if (!order)
        order = strcmp(x->api_version, y->api_version);
    return order ? order : strcmp(x->subresource, y->subresource);
}

static json_t *entry_of(const struct owner *o)
{
    if (o->source)
        return json_incref((json_t *)o->source);
    json_t *entry = json_object();
    if (*o->manager)
        json_put_str(entry, "manager", o->manager);
    json_put_str(entry, "operation", o->applied ? "Apply" : "Update");
    json_put_str(entry, "apiVersion", o->api_version);
    if (o->time)
        json_put_str(entry, "time", o->time);
    json_put_str(entry, "fieldsType", "FieldsV1");
    json_object_set_new(entry, "fieldsV1", fieldsv1_write(o->set));
    if (*o->subresource)
        json_put_str(entry, "subresource", o->subresource);
    return entry;
}

json_t *owners_write(const struct owners *o)
{
    json_t *out = json_array();
    if (!o->count)
        return out;
    struct owner *sorted = pool_alloc(o->pool, o->count * sizeof(*sorted));
    memcpy(sorted, o->list, o->count * sizeof(*sorted));
    qsort(sorted, o->count, sizeof(*sorted), entry_order);
    for (size_t i = 0; i < o->count; i++)
        json_array_append_new(out, entry_of(&sorted[i]));
    return out;
}

/* ---- changes ---- */

void owner_change(struct owner *o, const struct set *s)
{
    if (set_same(o->set, s))
        return;
    o->set = s;
    o->source = NULL;
}

void owner_stamp(struct owners *o, struct owner *of, int64_t now_ns)
{
    char text[TIME_TEXT];
    time_format(now_ns, text);
    of->time_s = now_ns / NS_PER_S;
    of->source = NULL;
    of->time = pool_strdup(o->pool, text);
}

void owners_drop_empty(struct owners *o)
{
    size_t kept = 0;
    for (size_t i = 0; i < o->count; i++)
        if (o->list[i].set)
            o->list[kept++] = o->list[i];
    o->count = kept;
}

void owners_take(struct owners *o, const struct owner *self, const struct comparison *c)
{
    const struct set *all = set_union(o->pool, comparison_written(o->pool, c), c->removed);
    for (size_t i = 0; i < o->count; i++)
        if (&o->list[i] != self)
            owner_change(&o->list[i], set_subtract(o->pool, o->list[i].set, all));
}

static bool is_served(const char *const *versions, const char *version)
{
    for (size_t i = 0; versions && versions[i]; i++)
        if (strcmp(versions[i], version) == 0)
            return true;
    return !versions;
}

void owners_reconcile(struct owners *o, const struct managed_writer *w, struct typed t)
{
    size_t kept = 0;
    for (size_t i = 0; i < o->count; i++) {
        if (!is_served(w->api_versions, o->list[i].api_version))
            continue;
        o->list[kept] = o->list[i];
        owner_change(&o->list[kept], reconcile_set(o->pool, o->list[kept].set, t));
        kept++;
    }
    o->count = kept;
}

/* ---- too many ---- */

static int oldest_first(const void *a, const void *b)
{
    const struct owner *x = *(const struct owner *const *)a, *y = *(const struct owner *const *)b;
    if (x->time_s != y->time_s)
        return x->time_s < y->time_s ? -1 : 1;
    return strcmp(x->id, y->id);
}

/* The bucket of an entry's version; made from the oldest entry of that version. */
static struct owner *bucket_of(struct owners *o, struct owner *first)
{
    const char *id = owner_id(o->pool, OLD_UPDATES, false, first->api_version, "");
    struct owner *bucket = owners_find(o, id);
    if (bucket)
        return bucket;
    first->manager = OLD_UPDATES;
    first->subresource = "";
    first->id = id;
    first->source = NULL;
    return first;
}

void owners_cap(struct owners *o)
{
    struct owner **old = pool_alloc(o->pool, (o->count + 1) * sizeof(struct owner *));
    size_t count = 0;
    for (size_t i = 0; i < o->count; i++)
        if (!o->list[i].applied)
            old[count++] = &o->list[i];
    if (count <= UPDATERS_MAX)
        return;
    qsort(old, count, sizeof(struct owner *), oldest_first);
    size_t left = count;
    for (size_t i = 0; i < count && left > UPDATERS_MAX; i++) {
        size_t first = 0;
        while (strcmp(old[first]->api_version, old[i]->api_version) != 0)
            first++;
        if (first == i)
            continue; /* the oldest of its version: others join it */
        struct owner *bucket = bucket_of(o, old[first]);
        if (bucket == old[i])
            continue;
        bucket->set = set_union(o->pool, old[i]->set, bucket->set);
        bucket->time = old[i]->time;
        bucket->time_s = old[i]->time_s;
        bucket->source = NULL;
        old[i]->set = NULL;
        left--;
    }
    owners_drop_empty(o);
}
