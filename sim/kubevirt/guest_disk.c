/* What a guest does with its disks. They are content by rule, so a mark is a reference to each
 * disk's moment, and a comparison is exact to the bit without any byte being read. */
#include <string.h>

#include "base/disk_compare.h"
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

void kv_mark_destroy(void *mark)
{
    struct mark *m = mark;
    strmap_destroy(m->disks, drop_moment);
    free(m);
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
    struct kv *kv = kv_guest_kv(c, reterr);
    AUTO(json) json_t *vm = kv ? kv_guest_vm(kv, ns, name, reterr) : NULL;
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
    struct kv *kv = kv_guest_kv(c, reterr);
    AUTO(json) json_t *vm = kv ? kv_guest_vm(kv, ns, name, reterr) : NULL;
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
            kv_mark_destroy(mark);
            return -1;
        }
        struct disk_moment *old =
            strmap_put(mark->disks, json_str_or_empty(volume, "name"), disk_now(d));
        if (old)
            disk_moment_unref(old);
    }
    struct mark *old = strmap_put(kv_guest(kv, ns, name)->marks, moment, mark);
    if (old)
        kv_mark_destroy(old);
    return 0;
}

static void add_line(struct strbuf *why)
{
    if (why->len)
        strbuf_addstr(why, "; ");
}

static int compare_volume(struct kv *kv, const json_t *vm, const char *volume,
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
    const struct disk_model *const known[] = {d};
    AUTO(disk_moment) struct disk_moment *got = disk_now(d);
    AUTO(str) char *text = disk_explain(want, got, known, 1);
    if (!text)
        return 0;
    add_line(why);
    strbuf_addf(why, "disk '%s' differs: %s", volume, text);
    return 0;
}

static const struct mark *find_mark(struct kv *kv, const char *ns, const char *name,
                                    const char *moment, struct err *reterr)
{
    const struct mark *mark = moment ? strmap_get(kv_guest(kv, ns, name)->marks, moment) : NULL;
    if (!mark)
        err_set(reterr, ERR_INVALID, NO_POS, "VirtualMachine %s/%s has no moment '%s'", ns, name,
                moment ? moment : "");
    return mark;
}

const struct disk_moment *guest_moment(struct cluster *c, const char *ns, const char *name,
                                       const char *disk, const char *moment,
                                       struct disk_model **ret_disk, struct err *reterr)
{
    struct kv *kv = kv_guest_kv(c, reterr);
    AUTO(json) json_t *vm = kv ? kv_guest_vm(kv, ns, name, reterr) : NULL;
    const json_t *volume = vm ? find_volume(vm, disk, reterr) : NULL;
    const struct mark *mark = volume ? find_mark(kv, ns, name, moment, reterr) : NULL;
    const struct disk_moment *m = mark ? strmap_get(mark->disks, disk) : NULL;
    if (mark && !m)
        err_set(reterr, ERR_INVALID, NO_POS, "the moment '%s' has no disk '%s'", moment, disk);
    *ret_disk = m ? disk_of(kv, vm, volume, reterr) : NULL;
    return *ret_disk ? m : NULL;
}

int guest_compare(struct cluster *c, const char *ns, const char *name, const char *moment,
                  bool *ret_same, char **ret_why, struct err *reterr)
{
    struct kv *kv = kv_guest_kv(c, reterr);
    AUTO(json) json_t *vm = kv ? kv_guest_vm(kv, ns, name, reterr) : NULL;
    if (!vm)
        return -1;
    const struct mark *mark = find_mark(kv, ns, name, moment, reterr);
    if (!mark)
        return -1;
    AUTO(strbuf) struct strbuf why = {0};
    size_t i = 0;
    const char *volume;
    void *want;
    while (strmap_each(mark->disks, &i, &volume, &want)) {
        if (compare_volume(kv, vm, volume, want, &why, reterr) < 0)
            return -1;
    }
    *ret_same = why.len == 0;
    *ret_why = why.len ? strbuf_take(&why) : NULL;
    return 0;
}
