/* Which policies are active, and what they say to a request. */
#include "sim/admission/admission.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "cel/cel.h"
#include "kube/meta.h"
#include "kube/status.h"
#include "sim/admission/admission_priv.h"
#include "sim/admission/dispatch_priv.h"
#include "sim/admission/policy_priv.h"

#define PART "admission"

/* ---- becoming active ---- */

static int64_t lag_of(const struct admission *a, const char *name)
{
    const struct fault_attr attrs[] = {{"name", name}, {"cluster", cluster_name(a->cluster)}};
    const json_t *action =
        fault_hit(world_faults(cluster_world(a->cluster)), "policies", attrs, ARRAY_LEN(attrs));
    return json_int(action, "lag", 0);
}

static void on_change(void *cookie, const struct store_change *change)
{
    struct admission *a = cookie;
    bool is_policy = strcmp(change->plural, POLICIES) == 0;
    if (strcmp(change->group, ADMISSION_GROUP) != 0 ||
        (!is_policy && strcmp(change->plural, BINDINGS) != 0))
        return;
    a->arrivals =
        mem_grow(a->arrivals, &a->arrival_cap, a->arrival_count + 1, sizeof(*a->arrivals));
    a->arrivals[a->arrival_count++] = (struct arrival){
        .at_ns = apiserver_now(a->server) + lag_of(a, change->name),
        .is_policy = is_policy,
        .name = mem_strdup(change->name),
        .object = change->type == EVENT_DELETED ? NULL : json_incref(change->object)};
}

static void policy_free(void *p)
{
    policy_destroy(p);
}

static void binding_free(void *b)
{
    binding_destroy(b);
}

static void arrive(struct admission *a, struct arrival *one)
{
    struct strmap *map = one->is_policy ? a->policies : a->bindings;
    void *old = strmap_remove(map, one->name);
    if (one->is_policy)
        policy_destroy(old);
    else
        binding_destroy(old);
    if (one->object)
        strmap_put(map, one->name,
                   one->is_policy ? (void *)policy_create(one->object, NULL)
                                  : (void *)binding_create(one->object));
    free(one->name);
    json_decref(one->object);
}

/* A real server walks over maps: no order can be relied on. */
static void shuffle(struct prng *p, void **items, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        size_t k = (size_t)prng_below(p, i);
        void *item = items[i - 1];
        items[i - 1] = items[k];
        items[k] = item;
    }
}

static void connect(struct admission *a)
{
    free(a->order_of_policies);
    a->order_of_policies = mem_zalloc((strmap_count(a->policies) + 1) * sizeof(void *));
    a->policy_count = 0;
    size_t i = 0;
    const char *name;
    void *item;
    while (strmap_each(a->policies, &i, &name, &item)) {
        struct policy *p = item;
        free(p->bindings);
        p->bindings = mem_zalloc((strmap_count(a->bindings) + 1) * sizeof(void *));
        p->binding_count = 0;
        a->order_of_policies[a->policy_count++] = p;
    }
    i = 0;
    while (strmap_each(a->bindings, &i, &name, &item)) {
        struct policy *p = strmap_get(a->policies, ((struct binding *)item)->policy);
        if (p)
            p->bindings[p->binding_count++] = item;
    }
    shuffle(&a->order, (void **)a->order_of_policies, a->policy_count);
    for (i = 0; i < a->policy_count; i++)
        shuffle(&a->order, (void **)a->order_of_policies[i]->bindings,
                a->order_of_policies[i]->binding_count);
}

static void refresh(struct admission *a)
{
    size_t ready = 0;
    while (ready < a->arrival_count && a->arrivals[ready].at_ns <= apiserver_now(a->server))
        arrive(a, &a->arrivals[ready++]);
    if (ready == 0)
        return;
    a->arrival_count -= ready;
    memmove(a->arrivals, a->arrivals + ready, a->arrival_count * sizeof(*a->arrivals));
    connect(a);
}

/* ---- the plug-in ---- */

static int check_written(const struct admission_review *in, struct api_response *ret)
{
    struct field_errors errors = {0};
    if (!in->object || in->request->subresource)
        return 0;
    if (strcmp(in->request->resource.plural, POLICIES) == 0)
        policy_check(in->object, &errors);
    else if (strcmp(in->request->resource.plural, BINDINGS) == 0)
        binding_check(in->object, &errors);
    if (!field_errors_any(&errors))
        return 0;
    return status_invalid(ret, ADMISSION_GROUP, in->kind, meta_name(in->object), &errors);
}

/* Policies never look at their own kinds: who may write those can always get rid of them. */
static bool is_exempt(const struct api_resource *r)
{
    static const char *const kinds[] = {POLICIES, BINDINGS, "mutatingadmissionpolicies",
                                        "mutatingadmissionpolicybindings"};
    if (strcmp(r->group, ADMISSION_GROUP) != 0)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (strcmp(r->plural, kinds[i]) == 0)
            return true;
    return false;
}

static int admit(void *cookie, const struct admission_review *in, struct api_response *ret)
{
    struct admission *a = cookie;
    struct review r;
    if (is_exempt(&in->request->resource))
        return check_written(in, ret);
    if (a->arrival_count > 0)
        refresh(a);
    if (a->policy_count == 0)
        return 0;
    review_begin(&r, a, in);
    int rc = dispatch(a, &r, ret);
    review_finish(&r);
    return rc;
}

/* ---- life ---- */

static void stop(void *part)
{
    struct admission *a = part;
    apiserver_set_validator(a->server, NULL, NULL);
    for (size_t i = 0; i < a->arrival_count; i++) {
        free(a->arrivals[i].name);
        json_decref(a->arrivals[i].object);
    }
    free(a->arrivals);
    free(a->order_of_policies);
    strmap_destroy(a->policies, policy_free);
    strmap_destroy(a->bindings, binding_free);
    cel_context_destroy(a->cel);
    json_decref(a->audited);
    free(a);
}

void admission_start(struct cluster *c)
{
    struct admission *a = mem_zalloc(sizeof(*a));
    a->cluster = c;
    a->server = cluster_server(c);
    a->policies = strmap_create();
    a->bindings = strmap_create();
    a->cel = cel_context_create();
    a->audited = json_array();
    sched_prng(world_sched(cluster_world(c)), "admission", &a->order);
    apiserver_set_validator(a->server, admit, a);
    apiserver_observe(a->server, on_change, a);
    cluster_attach(c, PART, a, stop);
}

const json_t *admission_audited(const struct cluster *c)
{
    const struct admission *a = cluster_part(c, PART);
    return a ? a->audited : NULL;
}
