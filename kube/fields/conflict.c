/* Fields that an apply would take from others: which, whose, in the API server's words. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "kube/fields/fields_priv.h"
#include "kube/status_priv.h"

/* Of one answer; what is beyond is counted. */
#define CONFLICTS_TOLD_MAX 100u

struct report {
    json_t *causes;
    struct strbuf path;
    struct strbuf text; /* "conflicts with ...:\n- ...", for several */
    char *who;          /* of the present owner, quoted */
    char *first;        /* "who: path" of the first */
    size_t count;
};

static char *owner_text(const struct owner *o)
{
    struct strbuf out = {0};
    status_quote(&out, o->manager, strlen(o->manager));
    if (*o->subresource) {
        strbuf_addstr(&out, " with subresource ");
        status_quote(&out, o->subresource, strlen(o->subresource));
    }
    if (!o->applied)
        strbuf_addf(&out, " using %s", o->api_version);
    return strbuf_take(&out);
}

static void report_path(struct report *r)
{
    if (r->count++ >= CONFLICTS_TOLD_MAX)
        return;
    AUTO(strbuf) struct strbuf path = {0};
    strbuf_addstr(&path, strbuf_str(&r->path));
    utf8_shorten(&path, FIELDS_PATH_TEXT_MAX);
    AUTO(str) char *message = mem_printf("conflict with %s", r->who);
    json_array_append_new(r->causes, json_pack("{s:s, s:o, s:o}", "reason", "FieldManagerConflict",
                                               "message", status_text_value(message), "field",
                                               status_text_value(strbuf_str(&path))));
    if (r->count == 1)
        r->first = mem_printf("%s: %s", r->who, strbuf_str(&path));
    strbuf_addf(&r->text, "\n- %s", strbuf_str(&path));
}

static void report_item(struct report *r, const struct set_item *x, bool members);

/* Members of a level before what stands below any of them. */
static void report_set(struct report *r, const struct set *s)
{
    for (size_t i = 0; s && i < s->count; i++)
        if (s->items[i].member)
            report_item(r, &s->items[i], true);
    for (size_t i = 0; s && i < s->count; i++)
        if (s->items[i].below)
            report_item(r, &s->items[i], false);
}

static void report_item(struct report *r, const struct set_item *x, bool members)
{
    size_t len = r->path.len;
    element_text(&r->path, &x->e);
    if (members)
        report_path(r);
    else
        report_set(r, x->below);
    r->path.len = len;
    r->path.data[len] = '\0';
}

static int by_id(const void *a, const void *b)
{
    const struct owner *x = *(const struct owner *const *)a, *y = *(const struct owner *const *)b;
    return strcmp(x->id, y->id);
}

static int answer(struct report *r, struct api_response *ret)
{
    if (r->count > CONFLICTS_TOLD_MAX)
        strbuf_addf(&r->text, "\n- ... and %zu more", r->count - CONFLICTS_TOLD_MAX);
    AUTO(str)
    char *message =
        r->count == 1
            ? mem_printf("Apply failed with 1 conflict: conflict with %s", r->first)
            : mem_printf("Apply failed with %zu conflicts: %s", r->count, strbuf_str(&r->text));
    ret->code = 409;
    ret->body =
        json_pack("{s:s, s:s, s:{}, s:s, s:o, s:s, s:{s:O}, s:i}", "kind", "Status", "apiVersion",
                  "v1", "metadata", "status", "Failure", "message", status_text_value(message),
                  "reason", "Conflict", "details", "causes", r->causes, "code", 409);
    return -1;
}

int conflicts_answer(struct owners *o, const struct owner *self, const struct set *wanted,
                     const struct set *allowed, struct api_response *ret)
{
    struct owner **order = pool_alloc(o->pool, (o->count + 1) * sizeof(struct owner *));
    size_t count = 0;
    for (size_t i = 0; i < o->count; i++)
        if (&o->list[i] != self)
            order[count++] = &o->list[i];
    qsort(order, count, sizeof(struct owner *), by_id);
    struct report r = {.causes = json_array()};
    for (size_t i = 0; i < count; i++) {
        const struct set *both = set_intersect(o->pool, order[i]->set, wanted);
        both = set_subtract(o->pool, both, allowed);
        if (!both)
            continue;
        r.who = owner_text(order[i]);
        if (r.count < CONFLICTS_TOLD_MAX)
            strbuf_addf(&r.text, "%sconflicts with %s:", r.text.len ? "\n" : "", r.who);
        report_set(&r, both);
        free(r.who);
    }
    int rc = r.count ? answer(&r, ret) : 0;
    json_decref(r.causes);
    strbuf_finish(&r.path);
    strbuf_finish(&r.text);
    free(r.first);
    return rc;
}
