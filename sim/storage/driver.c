/* The CSI driver's side of the sidecars: calls that take virtual time, and the answers that a
 * scenario asked for. */
#include <stdlib.h>
#include <string.h>

#include "base/glob.h"
#include "base/mem.h"
#include "kube/time.h"
#include "sim/storage/storage_priv.h"

static struct fail_rule *due_rule(struct storage *st, const char *rpc, const char *object)
{
    for (size_t i = 0; i < st->fail_count; i++) {
        struct fail_rule *rule = st->fails[i];
        if (rule->spent || strcmp(rule->rpc, rpc) || !glob_match(rule->glob, object))
            continue;
        if (rule->left && --rule->left == 0)
            rule->spent = true;
        return rule;
    }
    return NULL;
}

struct csi_call *csi_call_find(struct storage *st, const char *rpc, const char *id)
{
    AUTO(str) char *name = mem_printf("%s/%s", rpc, id);
    return strmap_get(st->calls, name);
}

void csi_call_free(void *call)
{
    struct csi_call *c = call;
    if (!c)
        return;
    disk_moment_unref(c->moment);
    free(c);
}

void csi_call_drop(struct storage *st, const char *rpc, const char *id)
{
    AUTO(str) char *name = mem_printf("%s/%s", rpc, id);
    csi_call_free(strmap_remove(st->calls, name));
}

int csi_call(struct storage *st, struct simloop *l, const char *key, const char *rpc,
             const char *id, const char *object, enum storage_duration duration,
             const struct fail_rule **ret_fail)
{
    struct csi_call *call = csi_call_find(st, rpc, id);
    if (!call && st->durations[duration] > 0) {
        AUTO(str) char *name = mem_printf("%s/%s", rpc, id);
        call = mem_zalloc(sizeof *call);
        call->done_ns = simloop_now(l) + st->durations[duration];
        strmap_put(st->calls, name, call);
        simloop_add_at(l, call->done_ns, key);
    }
    if (call && simloop_now(l) < call->done_ns)
        return 1;
    csi_call_drop(st, rpc, id);
    *ret_fail = due_rule(st, rpc, object);
    return 0;
}

bool csi_code_is_final(const char *code, bool snapshot)
{
    static const char *const going_on[] = {"Canceled", "DeadlineExceeded", "Unavailable",
                                           "Aborted"};
    for (size_t i = 0; i < ARRAY_LEN(going_on); i++) {
        if (!strcmp(code, going_on[i]))
            return false;
    }
    /* The sidecars disagree: a full pool is final for a volume and not for a snapshot. */
    return !(snapshot && !strcmp(code, "ResourceExhausted"));
}

void csi_fail_free(struct fail_rule *rule)
{
    free(rule->rpc);
    free(rule->glob);
    free(rule->code);
    free(rule->text);
    free(rule);
}

void csi_retry(struct simloop *l, const char *key, const struct fail_rule *rule)
{
    if (rule->left || rule->spent)
        simloop_add_at(l, simloop_now(l) + NS_PER_S, key);
}

uint64_t storage_take_limit(struct storage *st, const char *claim)
{
    for (size_t i = 0; i < st->limit_count; i++) {
        if (!st->limits[i].spent && glob_match(st->limits[i].glob, claim)) {
            st->limits[i].spent = true;
            return st->limits[i].bytes;
        }
    }
    return 0;
}

void snapshot_free(void *snapshot)
{
    struct snapshot *s = snapshot;
    if (!s)
        return;
    free(s->handle);
    disk_moment_unref(s->moment);
    free(s);
}
