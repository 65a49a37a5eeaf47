/* Three lines: the spec of an admission policy, that of its binding, and a configmap that is
 * created, changed and deleted under them. The server takes the policy or says why not; each write
 * goes through or is refused with a Status; whatever the policy says, it can be deleted again. */
#include <assert.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "fuzz/next_json.h"
#include "sim/controllermanager/controllermanager.h"
#include "sim/world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define GROUP "admissionregistration.k8s.io"

static const struct api_resource policies = {GROUP, "v1", "validatingadmissionpolicies"};
static const struct api_resource bindings = {GROUP, "v1", "validatingadmissionpolicybindings"};
static const struct api_resource things = {"", "v1", "configmaps"};

/* The next line, or nothing at all. */
static json_t *next_or_empty(const char **at, size_t *left)
{
    json_t *v = next_object(at, left);
    return v ? v : json_object();
}

static int ask(struct apiserver *a, enum api_verb verb, const struct api_resource *r,
               const char *ns, const char *name, const json_t *body)
{
    struct api_request req = {.verb = verb,
                              .resource = *r,
                              .ns = ns,
                              .name = name,
                              .body = body,
                              .patch = verb == API_PATCH ? PATCH_MERGE : PATCH_NONE};
    AUTO(response) struct api_response ret = {0};
    apiserver_handle(a, &req, &ret);
    assert(ret.code >= 200 && ret.body);
    return ret.code;
}

static json_t *object_of(const char *kind, json_t *spec /* taken */)
{
    return json_pack("{s:s, s:s, s:{s:s}, s:o}", "apiVersion", GROUP "/v1", "kind", kind,
                     "metadata", "name", "p", "spec", spec);
}

static void run(struct apiserver *a, const json_t *policy, const json_t *binding, json_t *thing)
{
    ask(a, API_CREATE, &policies, NULL, NULL, policy);
    ask(a, API_CREATE, &bindings, NULL, NULL, binding);
    json_object_set_new(thing, "apiVersion", json_string("v1"));
    json_object_set_new(thing, "kind", json_string("ConfigMap"));
    json_object_set_new(thing, "metadata",
                        json_pack("{s:s, s:s}", "name", "a", "namespace", "default"));
    AUTO(json) json_t *patch = json_pack("{s:{s:{s:s}}}", "metadata", "labels", "a", "b");
    ask(a, API_CREATE, &things, "default", NULL, thing);
    ask(a, API_PATCH, &things, "default", "a", patch);
    ask(a, API_DELETE, &things, "default", "a", NULL);
    ask(a, API_DELETE_COLLECTION, &things, "default", NULL, NULL);
    int code = ask(a, API_DELETE, &bindings, NULL, "p", NULL);
    assert(code == 200 || code == 404);
    code = ask(a, API_DELETE, &policies, NULL, "p", NULL);
    assert(code == 200 || code == 404);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *at = (const char *)data;
    struct err e = {0};

    json_init();
    AUTO(json) json_t *policy = object_of("ValidatingAdmissionPolicy", next_or_empty(&at, &size));
    json_t *spec = next_or_empty(&at, &size);
    json_object_set_new(spec, "policyName", json_string("p"));
    AUTO(json) json_t *binding = object_of("ValidatingAdmissionPolicyBinding", spec);
    AUTO(json) json_t *thing = next_or_empty(&at, &size);
    AUTO(world) struct world *w = world_create(&(struct world_config){.seed = 1});
    struct cluster *c = kcm_add_cluster(w, "main", &e);
    assert(c);
    run(cluster_server(c), policy, binding, thing);
    return 0;
}
