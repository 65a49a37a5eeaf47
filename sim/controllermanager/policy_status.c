/* The status of admission policies: that their expressions were checked against the types of what
 * they match. Nothing waits for it but those who look whether a policy is in order
 * (delete-protection.md 1.1). */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/strmap.h"
#include "kube/meta.h"
#include "sim/admission/admission.h"
#include "sim/controllermanager/kcm_priv.h"

#define STATUS_USER KCM_ACCOUNTS "validatingadmissionpolicy-status-controller"
#define PLURAL "validatingadmissionpolicies"

struct policy_status {
    const struct kcm *kcm;
    struct waitcell *cell;
    struct strmap *names; /* to be looked at; values are not used */
    bool started;
};

static bool is_told(const json_t *policy)
{
    return json_is_object(json_path(policy, "status.typeChecking")) &&
           json_int(policy, "status.observedGeneration", 0) == meta_generation(policy);
}

/* A failure is not tried again before the policy changes: the next look mends it. */
static void tell(struct policy_status *s, const char *name)
{
    const struct api_resource resource = {ADMISSION_GROUP, "v1", PLURAL};
    const json_t *policy = apiserver_peek(cluster_server(s->kcm->cluster), resource.group,
                                          resource.plural, NULL, name);
    if (!policy || is_told(policy))
        return;
    AUTO(json)
    json_t *patch = json_pack("{s:{s:I, s:{}}}", "status", "observedGeneration",
                              (json_int_t)meta_generation(policy), "typeChecking");
    struct api_request req = {.verb = API_PATCH,
                              .resource = resource,
                              .name = name,
                              .subresource = "status",
                              .patch = PATCH_MERGE,
                              .body = patch};
    AUTO(response) struct api_response ret = {0};
    kcm_ask(s->kcm, STATUS_USER, &req, &ret);
}

static void run(void *arg)
{
    struct policy_status *s = arg;
    while (!sched_crashed(s->kcm->sched)) {
        size_t i = 0;
        const char *first;
        void *unused;
        if (strmap_each(s->names, &i, &first, &unused)) {
            AUTO(str) char *name = mem_strdup(first);
            strmap_remove(s->names, name);
            tell(s, name);
        } else if (waitcell_wait(s->cell, SCHED_NEVER) == SCHED_CRASHED) {
            return;
        }
    }
}

static void observe(void *cookie, const struct store_change *change)
{
    struct policy_status *s = cookie;
    if (strcmp(change->plural, PLURAL) != 0 || strcmp(change->group, ADMISSION_GROUP) != 0 ||
        change->type == EVENT_DELETED || is_told(change->object))
        return;
    strmap_put(s->names, change->name, s);
    /* A world without policies has no such actor, and draws as it did before there was one. */
    if (!s->started)
        actor_spawn(cluster_process(s->kcm->cluster, "kube-controller-manager"),
                    "validatingadmissionpolicy-status-controller", run, s);
    s->started = true;
    waitcell_signal(s->cell);
}

struct policy_status *policy_status_start(const struct kcm *k)
{
    struct policy_status *s = mem_zalloc(sizeof(*s));
    AUTO(str) char *name = mem_printf("%s/policy-status", cluster_name(k->cluster));
    s->kcm = k;
    s->cell = waitcell_create(k->sched, name);
    s->names = strmap_create();
    apiserver_observe(cluster_server(k->cluster), observe, s);
    return s;
}

void policy_status_destroy(struct policy_status *s)
{
    if (!s)
        return;
    strmap_destroy(s->names, NULL);
    waitcell_destroy(s->cell);
    free(s);
}
