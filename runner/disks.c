#include "runner/disks.h"

#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "fixtures/chain.h"
#include "fixtures/verify.h"
#include "qcow2/fault.h"
#include "runner/stage.h"
#include "runner/unknown.h"
#include "sim/kubevirt/kubevirt.h"
#include "sim/storage/storage.h"

static struct volume *find_claim(struct casework *cw, const char *target, struct err *reterr)
{
    const char *rest = target + strlen("pvc:"), *slash = strchr(rest, '/');
    AUTO(str) char *ns = slash ? mem_strndup(rest, (size_t)(slash - rest)) : mem_strdup("default");
    const char *claim = slash ? slash + 1 : rest;

    for (size_t i = 0; i < world_cluster_count(cw->world); i++) {
        struct volume *v = storage_volume(world_cluster_at(cw->world, i), ns, claim);

        if (v)
            return v;
    }
    err_set(reterr, ERR_NOT_FOUND, NO_POS, "no bound claim is called '%s'", rest);
    return NULL;
}

char *claim_path(struct casework *cw, const char *target, bool *ret_block, struct err *reterr)
{
    struct volume *v;
    const char *path = NULL;

    if (strncmp(target, "pvc:", 4) != 0) {
        err_set(reterr, ERR_INVALID, NO_POS, "expected 'pvc:NAMESPACE/CLAIM', found '%s'", target);
        return NULL;
    }
    v = find_claim(cw, target, reterr);
    if (!v || volume_make_real(v, &path, reterr) < 0)
        return NULL;
    *ret_block = volume_is_block(v);
    return mem_strdup(path);
}

bool moment_is_marked(const char *moment)
{
    const char *slash = strchr(moment, '/');

    return slash && strchr(slash + 1, '/');
}

/* CHAIN/DISK@CHECKPOINT */
static const struct disk_moment *chain_moment(struct casework *cw, const char *moment,
                                              struct disk_model **ret_disk, struct err *reterr)
{
    const char *slash = strchr(moment, '/'), *at = strrchr(moment, '@');
    AUTO(str) char *name = slash ? mem_strndup(moment, (size_t)(slash - moment)) : NULL;
    AUTO(str) char *disk = NULL;
    struct chain_stage *c = name ? strmap_get(cw->chains, name) : NULL;
    const struct disk_moment *m;

    if (!slash || !at || at < slash) {
        no_chain_moment(moment, NO_POS, reterr);
        return NULL;
    }
    if (!c) {
        unknown_chain(name, NULL, 0, NO_POS, reterr);
        return NULL;
    }
    disk = mem_strndup(slash + 1, (size_t)(at - slash - 1));
    m = chain_fixture_moment(chain_stage_fixture(c), disk, at + 1);
    if (!m) {
        err_set(reterr, ERR_INVALID, NO_POS, "chain '%s' has no disk '%s' or no checkpoint '%s'",
                name, disk, at + 1);
        return NULL;
    }
    *ret_disk = chain_fixture_disk(chain_stage_fixture(c), disk);
    return m;
}

/* NAMESPACE/VM/DISK@MARK */
static const struct disk_moment *mark_moment(struct casework *cw, const char *moment,
                                             struct disk_model **ret_disk, struct err *reterr)
{
    const char *at = strrchr(moment, '@'), *last = at;
    AUTO(object_ref) struct object_ref vm = {0};

    while (last && *last != '/')
        last--;
    if (!at) {
        no_chain_moment(moment, NO_POS, reterr);
        return NULL;
    }
    AUTO(str) char *name = mem_strndup(moment, (size_t)(last - moment));
    AUTO(str) char *disk = mem_strndup(last + 1, (size_t)(at - last - 1));
    if (ref_object(cw, "VirtualMachine", NULL, name, NULL, &vm, reterr))
        return guest_moment(vm.cluster, vm.ns, vm.name, disk, at + 1, ret_disk, reterr);
    if (!err_pending(reterr))
        err_set(reterr, ERR_NOT_FOUND, NO_POS, "no cluster has the VM '%s'", name);
    return NULL;
}

static void add_lines(struct strbuf *out, const char *text)
{
    while (*text) {
        size_t len = strcspn(text, "\n");

        strbuf_addf(out, "  %.*s\n", (int)len, text);
        text += len + (text[len] == '\n');
    }
}

static int compare_claim(struct casework *cw, const char *target, const char *moment,
                         bool *ret_same, struct strbuf *why, struct err *reterr)
{
    struct disk_model *disk = NULL;
    const struct disk_moment *expected = moment_is_marked(moment)
                                             ? mark_moment(cw, moment, &disk, reterr)
                                             : chain_moment(cw, moment, &disk, reterr);
    bool block = false, wrong_size;
    AUTO(str) char *path = expected ? claim_path(cw, target, &block, reterr) : NULL;
    AUTO(str) char *file = path ? block ? mem_strdup(path) : mem_printf("%s/disk.img", path) : NULL;
    AUTO(verify) struct verify_report report = {0};
    AUTO(qcow2_fault) struct qcow2_fault fault = {0};

    if (!file)
        return -1;
    if (disk_verify_file(file, disk, expected, 0, &report, &fault) < 0)
        return err_set(reterr, ERR_IO, NO_POS, "cannot read the restored disk of '%s': %s", target,
                       fault.err.msg ? fault.err.msg : "no reason given");
    /* A device may be larger than the disk on it; a file is the disk, and its end is where a guest
     * looks for the second partition table. */
    wrong_size = !block && report.size_found > report.size_wanted;
    *ret_same = verify_same(&report) && !wrong_size;
    if (!*ret_same && why) {
        AUTO(str) char *text = verify_text(&report);

        add_lines(why, text);
        if (wrong_size)
            strbuf_addf(why, "  the disk has %llu bytes, expected %llu\n",
                        (unsigned long long)report.size_found,
                        (unsigned long long)report.size_wanted);
    }
    return 0;
}

static int compare_guest(struct casework *cw, const char *target, const char *moment,
                         bool *ret_same, struct strbuf *why, struct err *reterr)
{
    AUTO(object_ref) struct object_ref vm = {0};
    AUTO(str) char *text = NULL;
    struct err err = {0};

    if (!ref_object(cw, "VirtualMachine", NULL, target, NULL, &vm, &err)) {
        if (err_pending(&err))
            return err_move(reterr, &err);
        return err_set(reterr, ERR_NOT_FOUND, NO_POS, "no cluster has the VM '%s'", target);
    }
    if (guest_compare(vm.cluster, vm.ns, vm.name, moment, ret_same, &text, reterr) < 0)
        return -1;
    if (!*ret_same && why && text)
        add_lines(why, text);
    return 0;
}

int compare_disk(struct casework *cw, const char *target, const char *moment, bool *ret_same,
                 struct strbuf *why, struct err *reterr)
{
    *ret_same = false;
    if (strncmp(target, "pvc:", 4) == 0)
        return compare_claim(cw, target, moment, ret_same, why, reterr);
    return compare_guest(cw, target, moment, ret_same, why, reterr);
}
