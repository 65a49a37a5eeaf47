/* Guests: what a machine does with its disks, its power and its agent. Disks are content by rule,
 * so a mark is a reference to each disk's moment, and a comparison is exact to the bit without any
 * byte being read. */
#include <assert.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "kube/meta.h"
#include "sim/kubevirt/kv_priv.h"

/* The moments of all disks of a machine, by volume name. */
struct mark {
    struct strmap *disks; /* volume -> struct disk_moment */
};

static void drop_moment(void *moment)
{
    disk_moment_unref(moment);
}

static void mark_destroy(void *mark)
{
    struct mark *m = mark;
    strmap_destroy(m->disks, drop_moment);
    free(m);
}

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
    strmap_destroy(g->marks, mark_destroy);
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
    g->paused = false;
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
static int call_fault(struct kv *kv, const char *subresource, const char *ns, const char *name,
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
    int rc = call_fault(kv, "freeze", ns, name, reterr);
    if (rc)
        return rc;
    kv_guest_set_frozen(kv_guest(kv, ns, name), true, timeout_ns);
    return 0;
}

int kv_guest_thaw(struct kv *kv, const char *ns, const char *name, struct err *reterr)
{
    if (sched_point(kv->sched, "unfreeze") == SCHED_CRASHED)
        return err_set(reterr, ERR_CRASHED, NO_POS, "crashed");
    int rc = call_fault(kv, "unfreeze", ns, name, reterr);
    if (rc)
        return rc;
    kv_guest_set_frozen(kv_guest(kv, ns, name), false, 0);
    return 0;
}

/* ---- disks ---- */

static struct kv *kv_for(struct cluster *c, struct err *reterr)
{
    struct kv *kv = kv_of(c);
    if (!kv)
        err_set(reterr, ERR_INVALID, NO_POS, "KubeVirt does not run on cluster '%s'",
                cluster_name(c));
    return kv;
}

static json_t *find_vm(struct kv *kv, const char *ns, const char *name, struct err *reterr)
{
    json_t *vm = ctl_peek(&kv->vm, &KIND_VM, ns, name);
    if (!vm)
        err_set(reterr, ERR_NOT_FOUND, NO_POS, "there is no VirtualMachine %s/%s", ns, name);
    return vm;
}

/* The disk of a volume of the VM's spec as it is now. Borrowed. */
static struct disk_model *disk_of(struct kv *kv, const json_t *vm, const json_t *volume,
                                  struct err *reterr)
{
    const char *ns = meta_namespace(vm), *claim = kv_volume_claim(volume);
    struct volume *v = storage_volume(kv->cluster, ns, claim);
    if (!v) {
        err_set(reterr, ERR_INVALID, NO_POS, "claim %s/%s of volume '%s' has no volume", ns, claim,
                json_str_or_empty(volume, "name"));
        return NULL;
    }
    return volume_disk(v);
}

/* The volume called `disk`, or the first one with a claim. Borrowed. */
static const json_t *find_volume(const json_t *vm, const char *disk, struct err *reterr)
{
    size_t i;
    json_t *volume;
    json_array_foreach(kv_vm_volumes(vm), i, volume)
    {
        if (kv_volume_claim(volume) && (!disk || !strcmp(json_str_or_empty(volume, "name"), disk)))
            return volume;
    }
    if (disk)
        err_set(reterr, ERR_NOT_FOUND, NO_POS, "VirtualMachine %s/%s has no disk '%s' with a claim",
                meta_namespace(vm), meta_name(vm), disk);
    else
        err_set(reterr, ERR_NOT_FOUND, NO_POS, "VirtualMachine %s/%s has no disk with a claim",
                meta_namespace(vm), meta_name(vm));
    return NULL;
}

/* A guest writes while it runs; an administrator may write while there is no instance at all. */
static int check_writable(struct kv *kv, const json_t *vm, struct err *reterr)
{
    const char *ns = meta_namespace(vm), *name = meta_name(vm);
    AUTO(json) json_t *vmi = ctl_peek(&kv->vm, &KIND_VMI, ns, name);
    if (!vmi || kv_vmi_final(vmi))
        return 0;
    const struct guest *g = kv_guest(kv, ns, name);
    const char *phase = json_str_or_empty(vmi, "status.phase");
    const char *why = strcmp(phase, "Running") ? (*phase ? phase : "Pending")
                      : g->paused              ? "paused"
                      : g->frozen              ? "frozen"
                                               : NULL;
    return why ? err_set(reterr, ERR_INVALID, NO_POS, "the guest of %s/%s cannot write: it is %s",
                         ns, name, why)
               : 0;
}

static int find_disk(struct cluster *c, const char *ns, const char *name, const char *disk,
                     uint64_t first, uint64_t blocks, struct disk_model **ret, struct err *reterr)
{
    struct kv *kv = kv_for(c, reterr);
    AUTO(json) json_t *vm = kv ? find_vm(kv, ns, name, reterr) : NULL;
    const json_t *volume = vm ? find_volume(vm, disk, reterr) : NULL;
    if (!volume || check_writable(kv, vm, reterr) < 0)
        return -1;
    struct disk_model *d = disk_of(kv, vm, volume, reterr);
    if (!d)
        return -1;
    if (first > disk_blocks(d) || blocks > disk_blocks(d) - first)
        return err_set(reterr, ERR_NO_SPACE, NO_POS,
                       "blocks %llu+%llu lie past the end of disk '%s', which has %llu",
                       (unsigned long long)first, (unsigned long long)blocks,
                       json_str_or_empty(volume, "name"), (unsigned long long)disk_blocks(d));
    *ret = d;
    return 0;
}

int guest_write(struct cluster *c, const char *ns, const char *vm, const char *disk, uint64_t first,
                uint64_t blocks, struct err *reterr)
{
    struct disk_model *d;
    if (find_disk(c, ns, vm, disk, first, blocks, &d, reterr) < 0)
        return -1;
    disk_write(d, first, blocks);
    return 0;
}

int guest_discard(struct cluster *c, const char *ns, const char *vm, const char *disk,
                  uint64_t first, uint64_t blocks, struct err *reterr)
{
    struct disk_model *d;
    if (find_disk(c, ns, vm, disk, first, blocks, &d, reterr) < 0)
        return -1;
    disk_zero(d, first, blocks);
    return 0;
}

/* ---- marks and comparison ---- */

int guest_mark(struct cluster *c, const char *ns, const char *name, const char *moment,
               struct err *reterr)
{
    struct kv *kv = kv_for(c, reterr);
    AUTO(json) json_t *vm = kv ? find_vm(kv, ns, name, reterr) : NULL;
    if (!vm)
        return -1;
    struct mark *mark = mem_zalloc(sizeof *mark);
    mark->disks = strmap_create();
    size_t i;
    json_t *volume;
    json_array_foreach(kv_vm_volumes(vm), i, volume)
    {
        if (!kv_volume_claim(volume))
            continue;
        struct disk_model *d = disk_of(kv, vm, volume, reterr);
        if (!d) {
            mark_destroy(mark);
            return -1;
        }
        struct disk_moment *old =
            strmap_put(mark->disks, json_str_or_empty(volume, "name"), disk_now(d));
        if (old)
            disk_moment_unref(old);
    }
    struct mark *old = strmap_put(kv_guest(kv, ns, name)->marks, moment, mark);
    if (old)
        mark_destroy(old);
    return 0;
}

enum { DIFFERENCES_MAX = 4 };

static void describe(struct strbuf *out, const struct disk_content *content,
                     const struct disk_content *other)
{
    if (content->version == CONTENT_VERSION_NEVER)
        strbuf_addstr(out, content->stamp ? "zeros (discarded)" : "zeros (never written)");
    else
        strbuf_addf(out, "write %u%s", content->version,
                    other->version && other->seed != content->seed ? " of another disk" : "");
}

static bool same_content(const struct disk_content *a, const struct disk_content *b)
{
    if (a->version == CONTENT_VERSION_NEVER || b->version == CONTENT_VERSION_NEVER)
        return a->version == b->version;
    return a->version == b->version && a->seed == b->seed;
}

/* Lists the first runs that read differently. */
static void explain(struct strbuf *out, const char *volume, const struct disk_moment *want,
                    const struct disk_moment *got)
{
    uint64_t blocks = disk_moment_blocks(want), block = 0;
    if (disk_moment_blocks(got) < blocks)
        blocks = disk_moment_blocks(got);
    unsigned found = 0;
    strbuf_addf(out, "disk '%s' differs:", volume);
    if (disk_moment_blocks(got) != disk_moment_blocks(want))
        strbuf_addf(out, " it has %llu blocks instead of %llu;",
                    (unsigned long long)disk_moment_blocks(got),
                    (unsigned long long)disk_moment_blocks(want));
    while (block < blocks) {
        struct disk_run a = disk_run_at(want, block), b = disk_run_at(got, block);
        uint64_t count = a.count < b.count ? a.count : b.count;
        if (!same_content(&a.content, &b.content)) {
            if (found++ == DIFFERENCES_MAX) {
                strbuf_addstr(out, " and more");
                break;
            }
            strbuf_addf(out, "%s blocks %llu to %llu hold ", found > 1 ? "," : "",
                        (unsigned long long)block, (unsigned long long)(block + count - 1));
            describe(out, &b.content, &a.content);
            strbuf_addstr(out, " instead of ");
            describe(out, &a.content, &b.content);
        }
        block += count;
    }
}

static void add_line(struct strbuf *why)
{
    if (why->len)
        strbuf_addstr(why, "; ");
}

static int compare_disk(struct kv *kv, const json_t *vm, const char *volume,
                        const struct disk_moment *want, struct strbuf *why, struct err *reterr)
{
    const json_t *entry = NULL;
    size_t i;
    json_t *candidate;
    json_array_foreach(kv_vm_volumes(vm), i, candidate)
    {
        if (!strcmp(json_str_or_empty(candidate, "name"), volume) && kv_volume_claim(candidate))
            entry = candidate;
    }
    if (!entry) {
        add_line(why);
        strbuf_addf(why, "the machine has no disk '%s' any more", volume);
        return 0;
    }
    struct disk_model *d = disk_of(kv, vm, entry, reterr);
    if (!d)
        return -1;
    AUTO(disk_moment) struct disk_moment *got = disk_now(d);
    if (disk_moment_blocks(got) == disk_moment_blocks(want) && disk_moment_same(want, got))
        return 0;
    add_line(why);
    explain(why, volume, want, got);
    return 0;
}

int guest_compare(struct cluster *c, const char *ns, const char *name, const char *moment,
                  bool *ret_same, char **ret_why, struct err *reterr)
{
    struct kv *kv = kv_for(c, reterr);
    AUTO(json) json_t *vm = kv ? find_vm(kv, ns, name, reterr) : NULL;
    if (!vm)
        return -1;
    const struct mark *mark = moment ? strmap_get(kv_guest(kv, ns, name)->marks, moment) : NULL;
    if (!mark)
        return err_set(reterr, ERR_NOT_FOUND, NO_POS, "VirtualMachine %s/%s has no moment '%s'", ns,
                       name, moment ? moment : "");
    __attribute__((cleanup(cleanup_strbuf))) struct strbuf why = {0};
    size_t i = 0;
    const char *volume;
    void *want;
    while (strmap_each(mark->disks, &i, &volume, &want)) {
        if (compare_disk(kv, vm, volume, want, &why, reterr) < 0)
            return -1;
    }
    *ret_same = why.len == 0;
    *ret_why = why.len ? strbuf_take(&why) : NULL;
    return 0;
}

/* ---- power ---- */

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
    struct kv *kv = kv_for(c, reterr);
    AUTO(json) json_t *vm = kv ? find_vm(kv, ns, name, reterr) : NULL;
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
