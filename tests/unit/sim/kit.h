/* What the tests of the API server share: a world with one cluster, requests in a line, JSON with
 * single quotes. */
#ifndef VMCONFORM_TESTS_UNIT_SIM_KIT_H
#define VMCONFORM_TESTS_UNIT_SIM_KIT_H

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "kube/api.h"
#include "kube/meta.h"
#include "sim/apiserver/apiserver.h"
#include "sim/client.h"
#include "sim/world.h"
#include "tests/unit/suite.h"

struct kit {
    struct world *world;
    struct cluster *cluster;
    struct apiserver *server;
};

/* JSON written with ' for ", as printf would print it. New. */
__attribute__((format(printf, 1, 2), unused)) static json_t *js(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    AUTO(str) char *text = mem_vprintf(fmt, ap);
    va_end(ap);
    for (char *p = text; *p; p++)
        if (*p == '\'')
            *p = '"';
    struct err e = {0};
    json_t *v = json_read(text, strlen(text), "test", &e);
    ck_assert_msg(v != NULL, "%s: %s", text, e.msg ? e.msg : "");
    return v;
}

typedef struct cluster *kit_add_fn(struct world *w, const char *name, struct err *reterr);
__attribute__((unused)) static struct kit kit_create_by(kit_add_fn *add)
{
    const struct world_config config = {.seed = 1, .trace = true};
    struct kit k = {.world = world_create(&config)};
    struct err e = {0};
    k.cluster = add(k.world, "main", &e);
    ck_assert_msg(k.cluster != NULL, "%s", e.msg ? e.msg : "");
    k.server = cluster_server(k.cluster);
    return k;
}

/* With the API server alone: nobody collects what its owners left, nor empties a namespace. */
__attribute__((unused)) static struct kit kit_create(void)
{
    return kit_create_by(world_add_cluster);
}

/* AUTO(kit) struct kit k = kit_create(): ends after everything that was declared behind it. */
__attribute__((unused)) static void cleanup_kit(struct kit *k)
{
    world_destroy(k->world);
}

__attribute__((unused)) static void kit_add_crd(struct kit *k, json_t *crd /* taken */)
{
    AUTO(json) json_t *held = crd;
    struct err e = {0};
    int rc = apiserver_add_crd(k->server, held, &e);
    ck_assert_msg(rc == 0, "%s", e.msg ? e.msg : "");
}

/* A definition of widgets.example.com/v1 (namespaced, status subresource) whose spec has the given
 * schema. New. */
__attribute__((unused)) static json_t *widget_crd(const char *spec_schema)
{
    return js(
        "{'apiVersion':'apiextensions.k8s.io/v1','kind':'CustomResourceDefinition',"
        "'metadata':{'name':'widgets.example.com'},'spec':{'group':'example.com',"
        "'scope':'Namespaced','names':{'plural':'widgets','kind':'Widget','shortNames':['wd']},"
        "'versions':[{'name':'v1','served':true,'storage':true,'subresources':{'status':{}},"
        "'schema':{'openAPIV3Schema':{'type':'object','properties':{'spec':%s,"
        "'status':{'type':'object','x-kubernetes-preserve-unknown-fields':true}}}}}]}}",
        spec_schema);
}

__attribute__((unused)) static struct api_request kit_req(enum api_verb verb, const char *resource,
                                                          const char *ns, const char *name,
                                                          const json_t *body)
{
    static const struct api_resource known[] = {
        {"", "v1", "configmaps"},
        {"", "v1", "secrets"},
        {"", "v1", "pods"},
        {"", "v1", "namespaces"},
        {"", "v1", "nodes"},
        {"", "v1", "events"},
        {"", "v1", "persistentvolumeclaims"},
        {"", "v1", "persistentvolumes"},
        {"storage.k8s.io", "v1", "storageclasses"},
        {"coordination.k8s.io", "v1", "leases"},
        {"apps", "v1", "controllerrevisions"},
        {"apiextensions.k8s.io", "v1", "customresourcedefinitions"},
        {"example.com", "v1", "widgets"},
        {"example.com", "v1", "plains"},
        {"example.com", "v1", "roots"},
    };
    struct api_request r = {.verb = verb, .ns = ns, .name = name, .body = body};
    r.resource = (struct api_resource){"nosuch", "v1", resource};
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (strcmp(known[i].plural, resource) == 0)
            r.resource = known[i];
    return r;
}

__attribute__((unused)) static json_t *kit_send(struct kit *k, const struct api_request *req,
                                                int want)
{
    struct api_response ret = {0};
    apiserver_handle(k->server, req, &ret);
    AUTO(str) char *text = json_text(ret.body);
    ck_assert_msg(ret.code == want, "%s %s/%s: want %d, got %d: %s", api_verb_name(req->verb),
                  req->resource.plural, req->name ? req->name : "", want, ret.code, text);
    json_decref(ret.warnings);
    return ret.body;
}

/* One request; its answer must have the code. body is taken. The answer is new. */
__attribute__((unused)) static json_t *kit_ask(struct kit *k, enum api_verb verb,
                                               const char *resource, const char *subresource,
                                               const char *ns, const char *name, json_t *body,
                                               int want)
{
    AUTO(json) json_t *held = body;
    struct api_request req = kit_req(verb, resource, ns, name, held);
    req.patch = verb == API_PATCH ? (json_is_array(held) ? PATCH_JSON : PATCH_MERGE) : PATCH_NONE;
    req.subresource = subresource;
    return kit_send(k, &req, want);
}

__attribute__((unused)) static json_t *kit_do(struct kit *k, enum api_verb verb,
                                              const char *resource, const char *ns,
                                              const char *name, json_t *body, int want)
{
    return kit_ask(k, verb, resource, NULL, ns, name, body, want);
}

/* What is created in namespace default. New. */
__attribute__((unused)) static json_t *kit_make(struct kit *k, const char *resource,
                                                json_t *body /* taken */)
{
    return kit_do(k, API_CREATE, resource, "default", NULL, body, 201);
}

__attribute__((unused)) static json_t *kit_status(struct kit *k, enum api_verb verb,
                                                  const char *resource, const char *ns,
                                                  const char *name, json_t *body, int want)
{
    return kit_ask(k, verb, resource, "status", ns, name, body, want);
}

/* A configmap in namespace default. */
__attribute__((unused)) static json_t *config_map(const char *name, const char *value)
{
    return js("{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'%s'},'data':{'k':'%s'}}",
              name, value);
}

/* Runs everything that is due, ever. */
__attribute__((unused)) static void kit_settle(struct kit *k)
{
    enum sched_stop stop = sched_run(world_sched(k->world), SCHED_NEVER);
    ck_assert_int_eq(stop, SCHED_STOP_IDLE);
}

__attribute__((unused)) static void want_text(const json_t *v, const char *path, const char *want)
{
    const char *have = json_str_or_empty(v, path);
    ck_assert_msg(strcmp(have, want) == 0, "%s: want '%s', got '%s'", path, want, have);
}

#endif
