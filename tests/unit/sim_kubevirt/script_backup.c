/* Commands of scripts about backups: what is asked of KubeVirt, and its files against the disks'
 * moments, bit for bit. */
#include <stdlib.h>
#include <string.h>

#include "base/disk.h"
#include "base/folder.h"
#include "base/json.h"
#include "qcow2/chain.h"
#include "qcow2/check.h"
#include "sim/kubevirt/kubevirt.h"
#include "sim/storage/storage.h"
#include "tests/unit/sim_kubevirt/script_priv.h"

#define LAYERS_MAX 16

/* ---- objects ---- */

static json_t *source(const char *name)
{
    bool machine = !strncmp(name, "vm:", 3);
    return json_pack("{s:s, s:s, s:s}", "apiGroup", machine ? "kubevirt.io" : "backup.kubevirt.io",
                     "kind", machine ? "VirtualMachine" : "VirtualMachineBackupTracker", "name",
                     machine ? name + 3 : name);
}

static void do_tracker(struct run *r, char *line)
{
    AUTO(json)
    json_t *obj = script_object("backup.kubevirt.io/v1alpha1", "VirtualMachineBackupTracker",
                                script_word(r, &line));
    AUTO(str) char *vm = mem_printf("vm:%s", script_rest(&line));
    json_put_take(obj, "spec.source", source(vm));
    script_create(r, obj);
}

static void do_backup(struct run *r, char *line)
{
    AUTO(json)
    json_t *obj =
        script_object("backup.kubevirt.io/v1alpha1", "VirtualMachineBackup", script_word(r, &line));
    json_put_take(obj, "spec.source", source(script_word(r, &line)));
    json_put_str(obj, "spec.pvcName", script_word(r, &line));
    if (*script_rest(&line)) {
        AUTO(json) json_t *more = script_json(r, script_rest(&line));
        json_object_update(json_object_get(obj, "spec"), more);
    }
    script_create(r, obj);
}

static void do_knob(struct run *r, char *line)
{
    struct err e = {0};
    const char *name = script_word(r, &line);
    AUTO(json) json_t *value = script_json(r, script_rest(&line));
    script_check(r, kubevirt_set_knob(r->cluster, name, value, &e), &e);
}

/* ---- moments ---- */

static struct volume *volume_of(struct run *r, const char *claim)
{
    struct volume *v = storage_volume(r->cluster, "default", claim);
    if (!v)
        FAIL(r, "claim '%s' has no volume", claim);
    return v;
}

static void do_remember(struct run *r, char *line)
{
    struct volume *v = volume_of(r, script_word(r, &line));
    struct disk_moment *old = strmap_put(r->moments, script_rest(&line), disk_now(volume_disk(v)));
    disk_moment_unref(old);
}

static void drop_moment(void *moment)
{
    disk_moment_unref(moment);
}

void script_forget_moments(struct run *r)
{
    strmap_destroy(r->moments, drop_moment);
}

static const struct disk_moment *moment_of(struct run *r, const char *name)
{
    const struct disk_moment *m = strmap_get(r->moments, name);
    if (!m)
        FAIL(r, "no moment '%s'", name);
    return m;
}

/* ---- files ---- */

static const char *root_of(struct run *r, const char *claim)
{
    struct err e = {0};
    const char *root = NULL;
    script_check(r, volume_make_real(volume_of(r, claim), &root, &e), &e);
    return root;
}

/* ROOT/VM/BACKUP-2026...; new. */
static char *folder_of(struct run *r, const char *claim, const char *vm, const char *backup)
{
    struct err e = {0};
    AUTO(str) char *machine = mem_printf("%s/%s", root_of(r, claim), vm);
    AUTO(str) char *prefix = mem_printf("%s-20", backup);
    AUTO(json) json_t *names = folder_names(machine, &e);
    script_check(r, names ? 0 : -1, &e);
    size_t i;
    json_t *name;
    json_array_foreach(names, i, name)
    {
        if (!strncmp(json_string_value(name), prefix, strlen(prefix)))
            return mem_printf("%s/%s", machine, json_string_value(name));
    }
    FAIL(r, "backup '%s' has no folder", backup);
    return NULL;
}

static struct qcow2_image *open_file(struct run *r, const char *claim, const char *vm,
                                     const char *disk, const char *backup)
{
    AUTO(str) char *folder = folder_of(r, claim, vm, backup);
    AUTO(str) char *path = mem_printf("%s/%s-%s.qcow2", folder, backup, disk);
    struct qcow2_fault f = {0};
    struct qcow2_io *io = qcow2_io_open(path, 0, &f);
    if (!io)
        FAIL(r, "%s", f.err.msg);
    __attribute__((cleanup(cleanup_qcow2_check))) struct qcow2_check_report report = {0};
    if (qcow2_check(io, NULL, &report, &f) < 0)
        FAIL(r, "%s", f.err.msg);
    if (!qcow2_check_sound(&report))
        FAIL(r, "'%s' is not sound", path);
    struct qcow2_image *image = qcow2_image_open(io, NULL, &f);
    if (!image)
        FAIL(r, "%s", f.err.msg);
    return image;
}

static void compare_chain(struct run *r, struct qcow2_image *const *layers, size_t count,
                          const struct disk_moment *want)
{
    struct qcow2_fault f = {0};
    AUTO(qcow2_chain) struct qcow2_chain *chain = qcow2_chain_open(layers, count, NULL, &f);
    if (!chain)
        FAIL(r, "%s", f.err.msg);
    if (qcow2_chain_size(chain) != disk_moment_blocks(want) * DISK_BLOCK)
        FAIL(r, "the image has another size");
    unsigned char a[DISK_BLOCK], b[DISK_BLOCK];
    for (uint64_t i = 0; i < disk_moment_blocks(want); i++) {
        disk_fill(want, i, a);
        if (qcow2_chain_read(chain, i * DISK_BLOCK, b, sizeof b, &f) < 0)
            FAIL(r, "%s", f.err.msg);
        if (memcmp(a, b, sizeof a))
            FAIL(r, "block %llu differs", (unsigned long long)i);
    }
}

static void do_restores(struct run *r, char *line)
{
    const char *claim = script_word(r, &line), *vm = script_word(r, &line);
    const char *disk = script_word(r, &line);
    const struct disk_moment *want = moment_of(r, script_word(r, &line));
    struct qcow2_image *layers[LAYERS_MAX];
    size_t count = 0;
    while (*script_rest(&line) && count < LAYERS_MAX)
        layers[count++] = open_file(r, claim, vm, disk, script_word(r, &line));
    compare_chain(r, layers, count, want);
    while (count > 0)
        qcow2_image_destroy(layers[--count]);
}

/* ---- what one file holds ---- */

static bool changed_in(const struct disk_moment *from, const struct disk_moment *to, uint64_t first,
                       uint64_t blocks)
{
    uint64_t at = first;
    struct disk_run run;
    return disk_next_change(from, to, &at, &run) && run.block < first + blocks;
}

static void check_clusters(struct run *r, struct qcow2_image *image, const struct disk_moment *from,
                           const struct disk_moment *to)
{
    struct qcow2_fault f = {0};
    struct qcow2_chain_options options = {.accept_base_backing = true};
    AUTO(qcow2_chain) struct qcow2_chain *chain = qcow2_chain_open(&image, 1, &options, &f);
    if (!chain)
        FAIL(r, "%s", f.err.msg);
    uint64_t size = UINT64_C(1) << qcow2_image_info(image)->cluster_bits;
    unsigned changed = 0;
    for (uint64_t at = 0; at < qcow2_chain_size(chain); at += size) {
        bool want = from && changed_in(from, to, at / DISK_BLOCK, size / DISK_BLOCK);
        bool got = qcow2_chain_extent_at(chain, at).kind != QCOW2_EXTENT_HOLE;
        changed += want;
        if (want != got)
            FAIL(r, "the cluster at %llu %s", (unsigned long long)at,
                 got ? "is there, unchanged" : "is missing");
    }
    if (from && !changed)
        FAIL(r, "nothing was changed: this shows nothing");
}

static void do_exactly(struct run *r, char *line)
{
    const char *claim = script_word(r, &line), *vm = script_word(r, &line);
    const char *disk = script_word(r, &line);
    AUTO(qcow2_image)
    struct qcow2_image *image = open_file(r, claim, vm, disk, script_word(r, &line));
    const struct disk_moment *from = moment_of(r, script_word(r, &line));
    check_clusters(r, image, from, moment_of(r, script_word(r, &line)));
}

static void do_empty(struct run *r, char *line)
{
    const char *claim = script_word(r, &line), *vm = script_word(r, &line);
    const char *disk = script_word(r, &line);
    AUTO(qcow2_image)
    struct qcow2_image *image = open_file(r, claim, vm, disk, script_word(r, &line));
    check_clusters(r, image, NULL, NULL);
}

static void do_backing(struct run *r, char *line)
{
    const char *claim = script_word(r, &line), *vm = script_word(r, &line);
    const char *disk = script_word(r, &line);
    AUTO(qcow2_image)
    struct qcow2_image *image = open_file(r, claim, vm, disk, script_word(r, &line));
    const struct qcow2_info *info = qcow2_image_info(image);
    const char *got = info->has_backing ? info->backing_name : "";
    if (strcmp(got, script_rest(&line)))
        FAIL(r, "it names '%s'", got);
    if (info->has_backing && strcmp(info->backing_format, "qcow2"))
        FAIL(r, "its format is '%s'", info->backing_format);
}

static void do_folders(struct run *r, char *line)
{
    struct err e = {0};
    AUTO(str) char *root = mem_strdup(root_of(r, script_word(r, &line)));
    AUTO(str) char *machine = mem_printf("%s/%s", root, script_word(r, &line));
    AUTO(json) json_t *names = folder_names(machine, &e);
    size_t got = json_array_size(names);
    err_clear(&e); /* the machine has no folder: there is none */
    if (got != strtoul(script_rest(&line), NULL, 10))
        FAIL(r, "there are %zu", got);
}

/* ---- the table ---- */

static const struct {
    const char *name;
    void (*fn)(struct run *r, char *line);
} commands[] = {
    {"tracker", do_tracker},   {"backup", do_backup},     {"knob", do_knob},
    {"remember", do_remember}, {"restores", do_restores}, {"exactly", do_exactly},
    {"empty", do_empty},       {"backing", do_backing},   {"folders", do_folders},
};

bool script_backup_command(struct run *r, const char *name, char *line)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (!strcmp(commands[i].name, name)) {
            commands[i].fn(r, line);
            return true;
        }
    }
    return false;
}
