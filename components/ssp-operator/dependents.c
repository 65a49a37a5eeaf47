/* One pass reads all machines and revisions of a namespace, fresh, and makes the marks follow: so a
 * crash, a restart or a lost event at any point is mended by the next pass, whoever is still there
 * to be asked. */
#include "components/ssp-operator/dependents.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/ssp-operator/graph.h"
#include "kube/meta.h"

bool ssp_is_protected(const json_t *object)
{
    const char *value = meta_label(object, SSP_PROTECTION_LABEL);
    return value && (strcmp(value, "true") == 0 || strcmp(value, "True") == 0);
}

/* ---- which revisions are wanted ---- */

/* Every place where a machine may name one: those of its spec are what a user, a tool or an older
 * KubeVirt wrote; the status follows later, and need not agree. */
static void add_revisions(json_t *wanted, const json_t *vm)
{
    static const char *const places[] = {"spec.instancetype.revisionName",
                                         "spec.preference.revisionName",
                                         "status.instancetypeRef.controllerRevisionRef.name",
                                         "status.preferenceRef.controllerRevisionRef.name"};
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        const char *name = json_str(vm, places[i]);
        if (name && *name)
            json_object_set_new(wanted, name, json_true());
    }
}

/* With finalizers a machine lets go as soon as it is being deleted: a foreground deletion waits for
 * its revisions. */
static bool holds(const struct ssp_operator *op, const json_t *vm)
{
    return ssp_is_protected(vm) &&
           !(op->revisions == SSP_REVISIONS_FINALIZERS && meta_deleting(vm));
}

/* ---- marks ---- */

struct marking {
    const struct ssp_operator *op;
    bool wanted;
};

static bool set_label(json_t *object, bool wanted)
{
    if (wanted == ssp_is_protected(object))
        return false;
    if (wanted)
        meta_set_label(object, SSP_PROTECTION_LABEL, "true");
    else
        meta_set_label(object, SSP_PROTECTION_LABEL, NULL);
    return true;
}

static bool mark_revision(json_t *revision, void *cookie)
{
    const struct marking *m = cookie;
    bool labels = m->op->revisions == SSP_REVISIONS_LABELS;
    bool finalizers = m->op->revisions == SSP_REVISIONS_FINALIZERS;
    bool changed = set_label(revision, m->wanted && labels);
    if (m->wanted && finalizers && !meta_deleting(revision))
        return meta_add_finalizer(revision, SSP_REVISION_FINALIZER) || changed;
    if (!m->wanted || !finalizers)
        return meta_remove_finalizer(revision, SSP_REVISION_FINALIZER) || changed;
    return changed;
}

static bool mark_namespace(json_t *ns, void *cookie)
{
    const struct marking *m = cookie;
    return set_label(ns, m->wanted && m->op->namespaces == SSP_NAMESPACES_LABELS);
}

/* Whether mark_revision() would change it: asks nobody. */
static bool is_right(const struct ssp_operator *op, const json_t *revision, bool wanted)
{
    AUTO(json) json_t *copy = json_copy_of(revision);
    struct marking m = {op, wanted};
    return !mark_revision(copy, &m);
}

static int write_mark(struct ssp_operator *op, const struct kind *kind, const char *ns,
                      const char *name, change_fn *fn, bool wanted, struct err *reterr)
{
    struct marking m = {op, wanted};
    AUTO(err) struct err e = {0};
    enum answer a = client_change(&op->client, kind, ns, name, NULL, fn, &m, NULL, &e);
    return a == ANSWER_OK || a == ANSWER_NOT_FOUND ? 0 : err_move(reterr, &e);
}

/* ---- one namespace ---- */

static int list(struct ssp_operator *op, const struct kind *kind, const char *ns, json_t **ret,
                struct err *reterr)
{
    AUTO(err) struct err e = {0};
    if (client_list(&op->client, kind, ns, NULL, NULL, ret, &e) == ANSWER_OK)
        return 0;
    return err_move(reterr, &e);
}

int ssp_dependents_reconcile(void *cookie, const char *ns, const char *name,
                             struct reconcile_result *ret, struct err *reterr)
{
    struct ssp_operator *op = cookie;
    AUTO(json) json_t *machines = NULL;
    AUTO(json) json_t *revisions = NULL;
    AUTO(json) json_t *wanted = json_object();
    bool any = false;
    size_t i;
    json_t *item;
    (void)ns;
    (void)ret;
    if (list(op, &ssp_kind_vm, name, &machines, reterr) < 0 ||
        list(op, &ssp_kind_revision, name, &revisions, reterr) < 0)
        return -1;
    json_array_foreach(machines, i, item)
    {
        any = any || ssp_is_protected(item);
        if (!holds(op, item))
            continue;
        add_revisions(wanted, item);
        if (op->graph && ssp_graph_revisions(op, item, wanted, reterr) < 0)
            return -1;
    }
    json_array_foreach(revisions, i, item)
    {
        bool is_wanted = json_object_get(wanted, meta_name(item)) != NULL;
        if (!is_right(op, item, is_wanted) &&
            write_mark(op, &ssp_kind_revision, name, meta_name(item), mark_revision, is_wanted,
                       reterr) < 0)
            return -1;
    }
    return write_mark(op, &ssp_kind_namespace, NULL, name, mark_namespace, any, reterr);
}
