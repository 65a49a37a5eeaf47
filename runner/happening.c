#include "runner/happening.h"

#include <assert.h>

#include "base/glob.h"
#include "base/json.h"
#include "base/mem.h"
#include "kube/time.h"
#include "runner/casework.h"

struct happening happening_of_change(struct cluster *c, const struct store_change *change,
                                     const char *by)
{
    assert(change->type == EVENT_ADDED || change->type == EVENT_MODIFIED ||
           change->type == EVENT_DELETED);
    assert(change->object);
    return (struct happening){
        .type = api_event_name(change->type),
        .kind = change->kind,
        .ns = change->ns,
        .name = change->name,
        .cluster = cluster_name(c),
        .subresource = change->request ? change->request->subresource : NULL,
        .by = by,
    };
}

struct happening happening_of_request(const struct request_info *info)
{
    const struct api_request *req = info->request;

    return (struct happening){
        .type = api_verb_name(req->verb),
        .kind = info->kind,
        .ns = req->ns,
        .name = req->name ? req->name : json_str_or_empty(req->body, "metadata.name"),
        .cluster = cluster_name(info->cluster),
        .subresource = req->subresource,
        .by = info->by,
    };
}

/* ---- selecting ---- */

static bool text_fits(struct casework *cw, const struct tmpl *t, const struct frame *f,
                      const char *text)
{
    struct eval e = case_eval(cw, f);
    AUTO(str) char *pattern = NULL;

    if (!t)
        return true;
    pattern = tmpl_text(t, &e, NULL);
    return pattern && glob_match(pattern, text ? text : "");
}

/* `name` of a selector may be "NS/NAME". */
static bool name_fits(struct casework *cw, const struct selector_on *s, const struct frame *f,
                      const struct happening *h)
{
    AUTO(str) char *full = NULL;

    if (!s->name || text_fits(cw, s->name, f, h->name))
        return true;
    full = mem_printf("%s/%s", h->ns ? h->ns : "", h->name ? h->name : "");
    return text_fits(cw, s->name, f, full);
}

bool happening_fits(struct casework *cw, const struct selector_on *s, const struct frame *f,
                    const struct happening *h)
{
    return text_fits(cw, s->type, f, h->type) && text_fits(cw, s->kind, f, h->kind) &&
           text_fits(cw, s->ns, f, h->ns) && text_fits(cw, s->cluster, f, h->cluster) &&
           text_fits(cw, s->subresource, f, h->subresource) && text_fits(cw, s->by, f, h->by) &&
           name_fits(cw, s, f, h);
}

/* ---- as JSON ---- */

/* The version of the object that the acting process last received: what its decision can rest on.
 */
static json_t *last_read(const struct casework *cw, struct cluster *c,
                         const struct store_change *change, const char *by)
{
    uint64_t version = reads_version(&cw->reads, by, cluster_name(c), change->kind, change->ns,
                                     change->name, NULL);
    AUTO(str) char *text = version ? mem_printf("%llu", (unsigned long long)version) : NULL;

    return json_of_text(text ? text : "");
}

static void put_text(json_t *event, const char *key, const char *text)
{
    json_object_set_new_nocheck(event, key, json_of_text(text ? text : ""));
}

json_t *happening_change_json(struct casework *cw, struct cluster *c,
                              const struct store_change *change, const char *by)
{
    json_t *event = json_object();
    char time[TIME_TEXT];

    time_format(world_now(cw->world), time);
    put_text(event, "type", api_event_name(change->type));
    put_text(event, "kind", change->kind);
    put_text(event, "namespace", change->ns);
    put_text(event, "name", change->name);
    put_text(event, "cluster", cluster_name(c));
    put_text(event, "by", by);
    put_text(event, "user", change->user);
    put_text(event, "verb", change->request ? api_verb_name(change->request->verb) : "");
    put_text(event, "subresource",
             change->request && change->request->subresource ? change->request->subresource : "");
    put_text(event, "time", time);
    json_object_set_new(event, "lastRead", last_read(cw, c, change, by));
    return event;
}

json_t *happening_request_json(struct casework *cw, const struct request_info *info)
{
    struct happening h = happening_of_request(info);
    char time[TIME_TEXT];

    time_format(world_now(cw->world), time);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "verb", h.type, "kind",
                     h.kind, "namespace", h.ns ? h.ns : "", "name", h.name, "cluster", h.cluster,
                     "by", h.by, "user", info->request->user ? info->request->user : "",
                     "subresource", h.subresource ? h.subresource : "", "time", time);
}

json_t *happening_request_self(const struct request_info *info)
{
    const struct api_request *req = info->request;

    if (req->verb == API_CREATE || req->verb == API_UPDATE)
        return (json_t *)req->body;
    if (!req->name)
        return NULL;
    return apiserver_peek(cluster_server(info->cluster), req->resource.group, req->resource.plural,
                          req->ns, req->name);
}

void bind_event(struct frame *f, json_t *self, json_t *old, json_t *event)
{
    frame_set_take(f, SCOPE_SELF, json_incref(self));
    frame_set_take(f, SCOPE_OLD_SELF, json_incref(old));
    frame_set_take(f, SCOPE_EVENT, json_incref(event));
}
