/* PATCH with an applied configuration (kube-apiserver.md section 4.8). */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/fields/managed.h"
#include "kube/meta.h"
#include "kube/status.h"
#include "sim/apiserver/body_priv.h"
#include "sim/apiserver/call_priv.h"
#include "sim/apiserver/managed_fields_priv.h"
#include "sim/apiserver/rtype_priv.h"
#include "sim/apiserver/store.h"
#include "sim/apiserver/update_priv.h"

/* A configuration is of this very kind and version. */
static int check_kind(struct call *c)
{
    char want[API_VERSION_TEXT];
    const json_t *body = c->req->body;
    const char *have = json_str_or_empty(body, "apiVersion");
    const char *kind = json_str_or_empty(body, "kind");
    api_version_of(c->v->group, c->v->name, want, sizeof(want));
    if (!json_is_object(body))
        return status_bad_request(c->ret, "error decoding YAML: the patch is not an object");
    if (strcmp(have, want) == 0 && strcmp(kind, c->t->kind) == 0)
        return 0;
    return status_bad_request(c->ret, "invalid object type: %s%s, Kind=%s",
                              strchr(have, '/') ? "" : "/", have, kind);
}

/* *ret is live (NULL: nothing there) with the configuration in it. */
static int apply_to(struct call *c, const json_t *live, json_t **ret)
{
    struct managed_writer *w = call_writer(c);
    int rc = managed_apply(live, c->req->body, call_typed(c), w, c->req->force, ret, c->ret);
    free(w);
    if (rc == 0)
        entries_kept(c, *ret);
    return rc;
}

static int apply_new(struct call *c)
{
    if (c->req->subresource)
        return status_not_found(c->ret, call_resource(c), c->req->name);
    AUTO(json) json_t *object = NULL;
    if (call_authorize(c->a, c->req, API_CREATE, c->ret) < 0 || apply_to(c, NULL, &object) < 0 ||
        decode_taken(c, &object, /* need_name= */ true) < 0)
        return -1;
    const char *uid = meta_uid(c->req->body);
    if (*uid) {
        AUTO(str)
        char *why = mem_printf("uid mismatch: the provided object specified uid %s, and no "
                               "existing object was found",
                               uid);
        return status_conflict(c->ret, call_resource(c), c->req->name, why);
    }
    struct api_request post = *c->req;
    post.verb = API_CREATE;
    post.name = NULL;
    post.body = object;
    struct call create = {.a = c->a, .req = &post, .ret = c->ret, .t = c->t, .v = c->v};
    return call_create(&create);
}

int call_apply_once(struct call *c, bool *ret_raced)
{
    if (check_kind(c) < 0)
        return -1;
    const struct store_entry *e = store_find(&c->t->table, c->key);
    if (!e)
        return apply_new(c);
    AUTO(json) json_t *stored = json_incref(e->object);
    AUTO(json) json_t *shown = version_view(c->t, c->v, stored);
    AUTO(json) json_t *live = entries_shown(c, shown);
    AUTO(json) json_t *object = NULL;
    if (apply_to(c, live, &object) < 0 || decode_taken(c, &object, /* need_name= */ true) < 0)
        return -1;
    return update_object(c, &object, stored, ret_raced);
}
