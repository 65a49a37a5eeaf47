/* Guests: a machine's power, its agent, its frozen file systems. Their disks are in guest_disk.c.
 */
#include <assert.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "kube/meta.h"
#include "sim/kubevirt/kv_priv.h"

struct guest *kv_guest(struct kv *kv, const char *ns, const char *name)
{
    AUTO(str) char *key = mem_printf("%s/%s", ns, name);
    struct guest *g = strmap_get(kv->guests, key);
    if (g)
        return g;
    g = mem_zalloc(sizeof *g);
    g->kv = kv;
    g->ns = mem_strdup(ns);
    g->name = mem_strdup(name);
    g->marks = strmap_create();
    strmap_put(kv->guests, key, g);
    return g;
}

void kv_guest_destroy(void *guest)
{
    struct guest *g = guest;
    strmap_destroy(g->marks, kv_mark_destroy);
    kv_launcher_destroy(g->launcher);
    free(g->uid);
    free(g->ns);
    free(g->name);
    free(g);
}

static void thaw(struct guest *g)
{
    if (g->thaw_event)
        sched_cancel(g->kv->sched, g->thaw_event);
    g->thaw_event = 0;
    g->frozen = false;
}

void kv_guest_end(struct guest *g)
{
    thaw(g);
    kv_launcher_end(g);
    assert(!g->frozen && !g->thaw_event);
    g->paused = g->io_error = false;
    g->ending = NULL;
    g->freeze_after_ns = 0;
}

void kv_guest_boot(struct guest *g, const char *uid)
{
    if (g->uid && !strcmp(g->uid, uid))
        return;
    kv_guest_end(g);
    free(g->uid);
    g->uid = mem_strdup(uid);
}

/* ---- freeze and thaw, through virt-api ---- */

/* KubeVirt's own controllers do not go through the server for these: a rule for faults "api" with
 * subresource "freeze" or "unfreeze" strikes here, and is answered as virt-api words it. */
int kv_guest_call_fault(struct kv *kv, const char *subresource, const char *ns, const char *name,
                        struct err *reterr)
{
    const struct fault_attr attrs[] = {
        {"verb", "update"},
        {"group", "subresources.kubevirt.io"},
        {"kind", KIND_VMI.kind},
        {"plural", KIND_VMI.plural},
        {"ns", ns},
        {"name", name},
        {"subresource", subresource},
        {"by", process_name(kv->latest->controller)},
        {"cluster", cluster_name(kv->cluster)},
    };
    const json_t *action = fault_hit(world_faults(kv->world), "api", attrs, ARRAY_LEN(attrs));
    const json_t *answer = json_object_get(action, "answer");
    if (!answer)
        return 0;
    err_set(
        reterr, ERR_INVALID, NO_POS,
        "Internal error occurred: unexpected return code 400 (400 Bad Request), message: %s failed",
        subresource);
    return json_is_integer(answer) ? -(int)json_integer_value(answer) : -500;
}

static void on_safety_timer(void *cookie)
{
    struct guest *g = cookie;
    assert(g->frozen && g->thaw_event); /* who thaws cancels it */
    g->thaw_event = 0;
    g->frozen = false;
    worker_add(g->kv->vmis, g->ns, g->name);
}

void kv_guest_set_frozen(struct guest *g, bool frozen, int64_t timeout_ns)
{
    struct sched *s = g->kv->sched;
    thaw(g);
    g->frozen = frozen;
    if (frozen && timeout_ns > 0)
        g->thaw_event = sched_post(s, sched_now(s) + timeout_ns, on_safety_timer, g);
    worker_add(g->kv->vmis, g->ns, g->name);
}

int kv_guest_freeze(struct kv *kv, const char *ns, const char *name, int64_t timeout_ns,
                    struct err *reterr)
{
    if (sched_point(kv->sched, "freeze") == SCHED_CRASHED)
        return err_set(reterr, ERR_CRASHED, NO_POS, "crashed");
    int rc = kv_guest_call_fault(kv, "freeze", ns, name, reterr);
    if (rc)
        return rc;
    kv_guest_set_frozen(kv_guest(kv, ns, name), true, timeout_ns);
    return 0;
}

int kv_guest_thaw(struct kv *kv, const char *ns, const char *name, struct err *reterr)
{
    if (sched_point(kv->sched, "unfreeze") == SCHED_CRASHED)
        return err_set(reterr, ERR_CRASHED, NO_POS, "crashed");
    int rc = kv_guest_call_fault(kv, "unfreeze", ns, name, reterr);
    if (rc)
        return rc;
    kv_guest_set_frozen(kv_guest(kv, ns, name), false, 0);
    return 0;
}

/* ---- power ---- */

struct kv *kv_guest_kv(struct cluster *c, struct err *reterr)
{
    struct kv *kv = kv_of(c);
    if (!kv)
        err_set(reterr, ERR_INVALID, NO_POS, "KubeVirt does not run on cluster '%s'",
                cluster_name(c));
    return kv;
}

json_t *kv_guest_vm(struct kv *kv, const char *ns, const char *name, struct err *reterr)
{
    json_t *vm = ctl_peek(&kv->vm, &KIND_VM, ns, name);
    if (!vm)
        err_set(reterr, ERR_NOT_FOUND, NO_POS, "there is no VirtualMachine %s/%s", ns, name);
    return vm;
}

enum power {
    POWER_SHUTDOWN,
    POWER_CRASH,
    POWER_RESET,
    POWER_PAUSE,
    POWER_UNPAUSE,
    AGENT_UP,
    AGENT_DOWN,
    POWER_COUNT
};
static const char *const powers[POWER_COUNT] = {
    "shutdown", "crash", "reset", "pause", "unpause", "agent-up", "agent-down",
};

static void power_set(struct guest *g, enum power power)
{
    switch (power) {
    case POWER_SHUTDOWN:
        g->ending = "Succeeded";
        break;
    case POWER_CRASH:
        g->ending = "Failed";
        break;
    case POWER_RESET:
        thaw(g); /* the instance lives on; its file systems come up unfrozen */
        break;
    case POWER_PAUSE:
    case POWER_UNPAUSE:
        g->paused = power == POWER_PAUSE;
        g->io_error = false;
        break;
    case AGENT_UP:
    case AGENT_DOWN:
        g->agent_down = power == AGENT_DOWN;
        break;
    case POWER_COUNT:
        break;
    }
}

void kv_guest_pause(struct guest *g, bool paused)
{
    power_set(g, paused ? POWER_PAUSE : POWER_UNPAUSE);
    worker_add(g->kv->vmis, g->ns, g->name);
}

void kv_guest_reset(struct guest *g)
{
    power_set(g, POWER_RESET);
    worker_add(g->kv->vmis, g->ns, g->name);
}

static int find_power(const char *what, enum power *ret, struct err *reterr)
{
    for (int i = 0; i < POWER_COUNT; i++) {
        if (!strcmp(powers[i], what)) {
            *ret = (enum power)i;
            return 0;
        }
    }
    err_set(reterr, ERR_INVALID, NO_POS, "a guest knows no action '%s'", what);
    return err_suggest(reterr, what, powers, POWER_COUNT, NULL);
}

int guest_power(struct cluster *c, const char *ns, const char *name, const char *what,
                struct err *reterr)
{
    struct kv *kv = kv_guest_kv(c, reterr);
    AUTO(json) json_t *vm = kv ? kv_guest_vm(kv, ns, name, reterr) : NULL;
    if (!vm)
        return -1;
    enum power power = POWER_SHUTDOWN;
    if (find_power(what, &power, reterr) < 0)
        return -1;
    struct guest *g = kv_guest(kv, ns, name);
    AUTO(json) json_t *vmi = ctl_peek(&kv->vm, &KIND_VMI, ns, name);
    /* The agent of a machine that is off is kept for its next boot. A crash may come while it
     * boots. */
    if (power != AGENT_UP && power != AGENT_DOWN) {
        const char *phase = vmi ? json_str_or_empty(vmi, "status.phase") : "absent";
        bool live = vmi && !kv_vmi_final(vmi);
        if (!live || (strcmp(phase, "Running") && power != POWER_CRASH))
            return err_set(reterr, ERR_INVALID, NO_POS,
                           "cannot '%s' the guest of %s/%s: its instance is %s", what, ns, name,
                           *phase ? phase : "Pending");
        kv_guest_boot(g, meta_uid(vmi));
    }
    power_set(g, power);
    worker_add(kv->vmis, ns, name);
    return 0;
}
