#include "sim/controllermanager/controllermanager.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "sim/admission/admission.h"
#include "sim/client.h"
#include "sim/controllermanager/kcm_priv.h"

#define PART "kube-controller-manager"

int kcm_ask(const struct kcm *k, const char *user, struct api_request *req,
            struct api_response *ret)
{
    struct err e = {0};
    req->user = k->shares_identity ? KCM_SHARED_USER : user;
    if (sim_request(k->cluster, req, ret, &e) < 0) {
        err_clear(&e);
        return 0;
    }
    assert(ret->code >= 200);
    return ret->code;
}

static void kcm_destroy(void *part)
{
    struct kcm *k = part;
    gc_destroy(k->gc);
    nsctl_destroy(k->namespaces);
    policy_status_destroy(k->policies);
    free(k);
}

struct cluster *kcm_add_cluster(struct world *w, const char *name, struct err *reterr)
{
    struct cluster *c = world_add_cluster(w, name, reterr);
    if (!c)
        return NULL;
    admission_start(c);
    struct kcm *k = mem_zalloc(sizeof(*k));
    k->cluster = c;
    k->sched = world_sched(w);
    cluster_attach(c, PART, k, kcm_destroy);
    k->gc = gc_start(k);
    k->namespaces = nsctl_start(k);
    k->policies = policy_status_start(k);
    return c;
}

void kcm_share_identity(struct cluster *c, bool shared)
{
    struct kcm *k = cluster_part(c, PART);
    assert(k);
    k->shares_identity = shared;
}
