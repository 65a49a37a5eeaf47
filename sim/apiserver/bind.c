/* pods/binding: the scheduler's word where a pod runs. */
#include "base/json.h"
#include "base/mem.h"
#include "kube/status.h"
#include "sim/apiserver/call_priv.h"
#include "sim/apiserver/commit_priv.h"
#include "sim/apiserver/store.h"

int call_needs_object(struct call *c, const char *kind)
{
    if (json_is_object(c->req->body))
        return 0;
    return status_bad_request(c->ret,
                              "the object provided is unrecognized (must be of type %s): "
                              "couldn't get version/kind; json parse error: unexpected end of "
                              "JSON input (<empty>)",
                              kind);
}

int call_created(struct call *c)
{
    respond(c, 201,
            json_pack("{s:s, s:s, s:{}, s:s, s:i}", "kind", "Status", "apiVersion", "v1",
                      "metadata", "status", "Success", "code", 201));
    return 0;
}

int call_bind(struct call *c)
{
    if (call_needs_object(c, "Binding") < 0)
        return -1;
    const struct store_entry *e = store_find(&c->t->table, c->key);
    if (!e)
        return status_not_found(c->ret, call_resource(c), c->req->name);
    const char *node = json_str_or_empty(c->req->body, "target.name");
    if (!*node)
        return status_bad_request(c->ret, "target.name: Required value");
    if (*json_str_or_empty(e->object, "spec.nodeName")) {
        AUTO(str)
        char *why = mem_printf("pod %s is already assigned to node \"%s\"", c->req->name,
                               json_str_or_empty(e->object, "spec.nodeName"));
        return status_conflict(c->ret, call_resource(c), c->req->name, why);
    }
    if (!c->req->dry_run) {
        json_t *object = json_copy_of(e->object);
        json_put_str(object, "spec.nodeName", node);
        commit_put(c->a, c->req, c->t, c->key, object);
    }
    return call_created(c);
}
