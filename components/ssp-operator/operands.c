/* The policies and bindings: made, reset when somebody edits them, taken away. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/ssp-operator/manifests.h"
#include "components/ssp-operator/operator.h"
#include "components/ssp-operator/status.h"
#include "kube/meta.h"

/* ---- one object ---- */

static bool same_labels(const json_t *want, const json_t *have)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)json_path(want, "metadata.labels"), key, value)
    {
        const char *s = meta_label(have, key);
        if (!s || strcmp(s, json_string_value(value)) != 0)
            return false;
    }
    return true;
}

/* client_change: spec and labels become those wanted. */
static bool reset(json_t *object, void *cookie)
{
    const json_t *want = cookie;
    const char *key;
    json_t *value;
    bool same = json_same(json_object_get(object, "spec"), json_object_get(want, "spec"));
    if (same && same_labels(want, object))
        return false;
    json_object_set_new(object, "spec", json_copy_of(json_object_get(want, "spec")));
    json_object_foreach((json_t *)json_path(want, "metadata.labels"), key, value)
        meta_set_label(object, key, json_string_value(value));
    return true;
}

/* *ret: as the server has it now, new, or NULL. */
static int ensure(struct ssp_operator *op, const struct kind *kind, const json_t *want,
                  json_t **ret, struct err *reterr)
{
    AUTO(err) struct err e = {0};
    enum answer a =
        client_change(&op->client, kind, NULL, meta_name(want), NULL, reset, (void *)want, ret, &e);
    if (a == ANSWER_NOT_FOUND) {
        err_clear(&e);
        a = client_create(&op->client, kind, want, ret, &e);
    }
    if (a == ANSWER_OK)
        return 0;
    return err_move(reterr, &e);
}

static int forget(struct ssp_operator *op, const struct kind *kind, const char *name,
                  struct err *reterr)
{
    AUTO(err) struct err e = {0};
    enum answer a = client_delete(&op->client, kind, NULL, name, NULL, &e);
    return a == ANSWER_OK || a == ANSWER_NOT_FOUND ? 0 : err_move(reterr, &e);
}

/* ---- all of them ---- */

static int install(struct ssp_operator *op, enum ssp_operand which, struct ssp_health *health,
                   struct err *reterr)
{
    AUTO(json) json_t *policy = ssp_policy_manifest(op, which);
    AUTO(json) json_t *binding = ssp_binding_manifest(which);
    AUTO(json) json_t *stored = NULL;
    if (ensure(op, &ssp_kind_policy, policy, &stored, reterr) < 0 ||
        ensure(op, &ssp_kind_binding, binding, NULL, reterr) < 0)
        return -1;
    ssp_health_note(health, stored);
    return 0;
}

/* The binding first: a policy that nobody binds does nothing. */
static int uninstall(struct ssp_operator *op, enum ssp_operand which, struct err *reterr)
{
    const struct ssp_operand_names *names = &ssp_operand_names[which];
    if (forget(op, &ssp_kind_binding, names->binding, reterr) < 0)
        return -1;
    return forget(op, &ssp_kind_policy, names->policy, reterr);
}

static bool is_cached(const struct informer *i, const char *name)
{
    size_t pos = 0;
    json_t *object;
    while (informer_each(i, &pos, &object))
        if (strcmp(meta_name(object), name) == 0)
            return true;
    return false;
}

/* Whether another design's operand is there. One that the cache does not show yet wakes us when it
 * does; where all must go (clean_up) nobody would be woken, so the server is asked there. */
static bool is_left(const struct ssp_operator *op, enum ssp_operand which)
{
    return is_cached(op->bindings, ssp_operand_names[which].binding) ||
           is_cached(op->policies, ssp_operand_names[which].policy);
}

static bool drop_finalizer(json_t *object, void *cookie)
{
    (void)cookie;
    return meta_remove_finalizer(object, SSP_FINALIZER);
}

static bool add_finalizer(json_t *object, void *cookie)
{
    (void)cookie;
    return !meta_deleting(object) && meta_add_finalizer(object, SSP_FINALIZER);
}

static int change(struct ssp_operator *op, const json_t *ssp, const char *subresource,
                  change_fn *fn, void *cookie, struct err *reterr)
{
    AUTO(err) struct err e = {0};
    enum answer a = client_change(&op->client, &ssp_kind_ssp, meta_namespace(ssp), meta_name(ssp),
                                  subresource, fn, cookie, NULL, &e);
    return a == ANSWER_OK || a == ANSWER_NOT_FOUND ? 0 : err_move(reterr, &e);
}

struct telling {
    const struct ssp_health *health;
    int64_t now_ns;
};

static bool tell(json_t *ssp, void *cookie)
{
    const struct telling *t = cookie;
    return ssp_health_tell(t->health, ssp, t->now_ns);
}

static int settle(struct ssp_operator *op, const json_t *ssp, struct err *reterr)
{
    struct ssp_health health = {0};
    struct telling telling = {&health, host_now(op->client.host)};
    if (change(op, ssp, NULL, add_finalizer, NULL, reterr) < 0)
        return -1;
    for (int which = 0; which < SSP_OPERAND_COUNT; which++) {
        int rc = ssp_operand_wanted(op, which) ? install(op, which, &health, reterr)
                 : is_left(op, which)          ? uninstall(op, which, reterr)
                                               : 0;
        if (rc < 0)
            return -1;
    }
    return change(op, ssp, "status", tell, &telling, reterr);
}

static int clean_up(struct ssp_operator *op, const json_t *ssp, struct err *reterr)
{
    for (int which = 0; which < SSP_OPERAND_COUNT; which++)
        if (uninstall(op, which, reterr) < 0)
            return -1;
    return change(op, ssp, NULL, drop_finalizer, NULL, reterr);
}

int ssp_operands_reconcile(void *cookie, const char *ns, const char *name,
                           struct reconcile_result *ret, struct err *reterr)
{
    struct ssp_operator *op = cookie;
    AUTO(json) json_t *ssp = NULL;
    AUTO(err) struct err e = {0};
    (void)ret;
    enum answer a = client_get(&op->client, &ssp_kind_ssp, ns, name, &ssp, &e);
    if (a == ANSWER_NOT_FOUND)
        return 0;
    if (a != ANSWER_OK)
        return err_move(reterr, &e);
    return meta_deleting(ssp) ? clean_up(op, ssp, reterr) : settle(op, ssp, reterr);
}
