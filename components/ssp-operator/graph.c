#include "components/ssp-operator/graph.h"

#include <string.h>

#include "base/json.h"
#include "kube/meta.h"

/* Nodes stand a few levels below the machine. */
#define DEPTH_MAX 8

/* Of all that a graph names (pods, claims, the instance) revisions alone are meant: with the others
 * protected no machine could be stopped or moved. */
static void walk(const json_t *node, unsigned depth, json_t *wanted)
{
    const json_t *ref = json_object_get(node, "objectReference");
    const char *name = json_str_or_empty(ref, "name");
    size_t i;
    json_t *child;
    if (strcmp(json_str_or_empty(ref, "kind"), "ControllerRevision") == 0 && *name)
        json_object_set_new(wanted, name, json_true());
    if (depth == 0)
        return;
    json_array_foreach(json_object_get(node, "children"), i, child) walk(child, depth - 1, wanted);
}

int ssp_graph_revisions(struct ssp_operator *op, const json_t *vm, json_t *wanted,
                        struct err *reterr)
{
    const struct api_request req = {
        .verb = API_GET,
        .resource = {"subresources.kubevirt.io", "v1", "virtualmachines"},
        .ns = meta_namespace(vm),
        .name = meta_name(vm),
        .subresource = "objectgraph"};
    AUTO(json) json_t *graph = NULL;
    AUTO(err) struct err e = {0};
    switch (client_ask(&op->client, &req, &graph, &e)) {
    case ANSWER_OK:
        walk(graph, DEPTH_MAX, wanted);
        return 0;
    case ANSWER_NOT_FOUND:
    case ANSWER_NO_KIND:
    case ANSWER_INVALID: /* "feature gate not enabled" */
    case ANSWER_FORBIDDEN:
        host_log(op->client.host, LOG_WARNING, "no object graph of machine %s/%s: %s",
                 meta_namespace(vm), meta_name(vm), e.msg);
        return 0;
    default:
        return err_move(reterr, &e);
    }
}
