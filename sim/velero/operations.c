/* What actions have begun goes on after the backup or restore itself: it is asked for every ten
 * seconds. An error of Progress fails the operation; one that takes longer than
 * itemOperationTimeout is cancelled, once, whatever Cancel says, and has failed. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "kube/time.h"
#include "sim/velero/velero_priv.h"

#define POLL_NS (10 * NS_PER_S)
#define TIMEOUT_NS (4 * 3600 * NS_PER_S)

bool velero_waits(const json_t *owner)
{
    const char *phase = json_str_or_empty(owner, "status.phase");

    return strncmp(phase, "WaitingForPluginOperations", 26) == 0;
}

static bool is_backup(const struct kind *k)
{
    return k == &VELERO_BACKUP;
}

/* ---- one operation ---- */

struct search {
    const char *name;
    enum velero_kind kind;
    const struct velero_action *found;
};

static void look(void *arg, const struct velero_action *a)
{
    struct search *s = arg;

    if (a->kind == s->kind && strcmp(a->name, s->name) == 0)
        s->found = a;
}

static const struct velero_action *action_of(const struct velero *v, const struct kind *k,
                                             const json_t *operation)
{
    struct search s = {json_str_or_empty(operation, "action"),
                       is_backup(k) ? VELERO_BACKUP_ACTION : VELERO_RESTORE_ACTION, NULL};

    if (v->config.each_action)
        v->config.each_action(v->config.cookie, look, &s);
    return s.found;
}

static void end(json_t *operation, const char *phase, const char *error)
{
    json_put_str(operation, "phase", phase);
    if (error)
        json_put_str(operation, "error", error);
}

static bool is_late(const struct velero *v, const json_t *owner, const json_t *operation)
{
    int64_t created, timeout;

    if (!duration_parse(json_str_or_empty(owner, "spec.itemOperationTimeout"), &timeout) ||
        timeout <= 0)
        timeout = TIMEOUT_NS;
    return time_parse(json_str_or_empty(operation, "created"), &created) &&
           created + timeout < ctl_now(&v->ctl);
}

static void give_up(const struct velero_action *a, const json_t *owner, json_t *operation)
{
    struct err dropped = {0};

    if (a->cancel)
        a->cancel(a, json_str_or_empty(operation, "operationID"), owner, &dropped);
    err_clear(&dropped);
    end(operation, "Failed", "Asynchronous action timed out");
}

/* Whether it has changed. */
static bool ask(const struct velero *v, const struct kind *k, const json_t *owner,
                json_t *operation)
{
    const struct velero_action *a = action_of(v, k, operation);
    struct velero_progress p = {0};
    struct err err = {0};
    bool changed = true;

    if (!a || !a->progress) {
        end(operation, "Failed", "no such item action is registered");
        return true;
    }
    if (a->progress(a, json_str_or_empty(operation, "operationID"), owner, &p, &err) < 0)
        end(operation, "Failed", err.msg);
    else if (p.completed)
        end(operation, p.error ? "Failed" : "Completed", p.error);
    else if (is_late(v, owner, operation))
        give_up(a, owner, operation);
    else
        changed = false;
    err_clear(&err);
    free(p.error);
    return changed;
}

/* ---- all of them ---- */

static json_t *read_operations(struct velero *v, const struct kind *k, const json_t *owner,
                               const struct velero_bucket *b, struct err *reterr)
{
    json_t *known = strmap_get(v->operations, meta_uid(owner)), *doc;

    if (known)
        return known;
    doc = velero_get_doc(v, b, k->plural, meta_name(owner), "-itemoperations.json", reterr);
    if (doc)
        strmap_put(v->operations, meta_uid(owner), doc);
    return doc;
}

struct counts {
    json_int_t active, completed, failed;
};

static struct counts count(const json_t *list)
{
    struct counts c = {0};
    size_t i;
    json_t *operation;

    json_array_foreach(list, i, operation)
    {
        const char *phase = json_str_or_empty(operation, "phase");

        c.active += strcmp(phase, "New") == 0;
        c.completed += strcmp(phase, "Completed") == 0;
        c.failed += strcmp(phase, "Failed") == 0;
    }
    return c;
}

static json_t *status_of(const struct kind *k, const json_t *owner, const struct counts *c)
{
    const char *kind = is_backup(k) ? "backup" : "restore";
    const char *before = json_str_or_empty(owner, "status.phase");
    bool failed = c->failed > 0 || strstr(before, "PartiallyFailed");
    AUTO(str)
    char *phase = mem_printf("%s%s", c->active ? "WaitingForPluginOperations" : "Finalizing",
                             failed ? "PartiallyFailed" : "");
    AUTO(str) char *completed = mem_printf("status.%sItemOperationsCompleted", kind);
    AUTO(str) char *fails = mem_printf("status.%sItemOperationsFailed", kind);
    json_t *patch = velero_phase(phase);

    json_put_take(patch, completed, json_integer(c->completed));
    json_put_take(patch, fails, json_integer(c->failed));
    return patch;
}

int velero_poll(struct velero *v, const struct kind *k, const json_t *owner, const char *location,
                int64_t *ret_after_ns, struct err *reterr)
{
    AUTO(velero_bucket) struct velero_bucket b = {0};
    AUTO(json) json_t *doc = NULL;
    bool changed = false;
    struct counts c;
    size_t i;
    json_t *operation;

    *ret_after_ns = POLL_NS;
    if (velero_bucket_of(v, location, &b, reterr) < 0 ||
        !(doc = json_incref(read_operations(v, k, owner, &b, reterr))))
        return -1;
    json_array_foreach(json_object_get(doc, "operations"), i, operation)
    {
        if (strcmp(json_str_or_empty(operation, "phase"), "New") == 0)
            changed = ask(v, k, owner, operation) || changed;
        if (velero_down(v))
            return err_set(reterr, ERR_CRASHED, NO_POS, "crashed");
    }
    c = count(json_object_get(doc, "operations"));
    if (!changed && c.active)
        return 0;
    if (velero_put_doc(v, &b, k->plural, meta_name(owner), "-itemoperations.json", doc, reterr) < 0)
        return -1;
    return velero_patch(v, k, meta_name(owner), status_of(k, owner, &c), reterr) < 0 ? -1 : 0;
}
