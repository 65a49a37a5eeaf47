/* Each image by itself, before anything is written: what its header says, what our own reader
 * finds, what the engine's check finds. `qemu-img check` forgives tables past the end of the file,
 * so there are two opinions whatever the engine is. */
#include <inttypes.h>

#include "base/mem.h"
#include "components/bsl/failure.h"
#include "components/kubevirt-datamover/download.h"
#include "components/kubevirt-datamover/hostio.h"
#include "qcow2/chain.h"

static int refuse(const char *tag, const char *name, const char *why, struct err *reterr)
{
    return failure_set(reterr, ERR_UNSUPPORTED, tag, "'%s' %s", name, why);
}

static int judge_backing(const struct download *d, size_t i, bool has, struct err *reterr)
{
    if (i == 0 && has)
        return refuse("E-BASE-BACKING", d->names[i], "unexpectedly has a backing file", reterr);
    if (i > 0 && !has && d->require_backing)
        return refuse("E-INC-NO-BACKING", d->names[i], "unexpectedly has no backing file", reterr);
    return 0;
}

static int judge_size(struct download *d, size_t i, int64_t size, struct err *reterr)
{
    if (size <= 0)
        return refuse("E-QCOW", d->names[i], "has no size", reterr);
    if ((uint64_t)size < d->virtual_size)
        return failure_set(reterr, ERR_UNSUPPORTED, "E-SHRUNK",
                           "'%s' is a disk of %" PRId64 " bytes, the one before it has %" PRIu64,
                           d->names[i], size, d->virtual_size);
    d->virtual_size = (uint64_t)size;
    return 0;
}

static int judge(struct download *d, size_t i, const struct image_facts *facts, struct err *reterr)
{
    const char *name = d->names[i];
    if (facts->has_data_file)
        return refuse("E-DATA-FILE", name, "unexpectedly has an external data file", reterr);
    if (judge_backing(d, i, facts->has_backing, reterr) < 0)
        return -1;
    if (facts->encrypted)
        return refuse("E-ENCRYPTED", name, "is encrypted", reterr);
    if (facts->corrupt)
        return refuse("E-QCOW", name, "is marked as corrupt", reterr);
    if (i > 0 && facts->version_2)
        return refuse("E-COMPAT", name,
                      "is an increment of compat 0.10, which cannot say that a cluster is zero",
                      reterr);
    return judge_size(d, i, facts->size, reterr);
}

static const char *tag_of(enum qcow2_defect defect, const char *otherwise)
{
    switch (defect) {
    case QCOW2_POLICY_DATA_FILE:
        return "E-DATA-FILE";
    case QCOW2_POLICY_ENCRYPTED:
        return "E-ENCRYPTED";
    case QCOW2_POLICY_V2:
        return "E-COMPAT";
    case QCOW2_POLICY_BACKING:
        return "E-BASE-BACKING";
    case QCOW2_NO_SPACE:
        return FAILURE_NO_SPACE;
    default:
        return otherwise;
    }
}

int download_fault(struct qcow2_fault *fault, const char *tag, struct err *reterr)
{
    AUTO(err) struct err e = {0};
    tag = tag_of(fault->defect, tag);
    qcow2_fault_move(&e, fault);
    if (e.code == ERR_NO_SPACE)
        tag = FAILURE_NO_SPACE;
    if (e.code != ERR_CRASHED)
        err_wrap(&e, NO_POS, "%s", tag);
    return err_move(reterr, &e);
}

struct qcow2_io *download_open(struct download *d, size_t i, struct err *reterr)
{
    AUTO(str) char *path = download_path(d, d->names[i]);
    struct qcow2_io *io = hostio_open(d->h, path, reterr);
    if (!io)
        failure_wrap(reterr, "E-QCOW", "cannot open '%s'", d->names[i]);
    return io;
}

int download_look(struct download *d, size_t i, struct image_facts *ret, struct err *reterr)
{
    /* Whatever qemu-img tells of is told here: the judge is the same. */
    static const struct qcow2_policy all = {
        .accept_corrupt_bit = true, .accept_snapshots = true, .accept_unreadable = true};
    AUTO(qcow2_fault) struct qcow2_fault fault = {0};
    struct qcow2_io *io = download_open(d, i, reterr);
    AUTO(qcow2_image)
    struct qcow2_image *image = io ? qcow2_image_open(io, &all, &fault) : NULL;
    if (!image)
        return io ? download_fault(&fault, "E-QCOW", reterr) : -1;
    const struct qcow2_info *info = qcow2_image_info(image);
    *ret = (struct image_facts){.size = (int64_t)info->virtual_size,
                                .has_backing = info->has_backing,
                                .has_data_file = info->data_file,
                                .encrypted = info->crypt_method != 0,
                                .corrupt = info->corrupt,
                                .version_2 = info->version == 2};
    return 0;
}

/* Header and every table, as a chain of this image alone. */
static int read_tables(struct download *d, size_t i, struct err *reterr)
{
    struct qcow2_io *io = download_open(d, i, reterr);
    if (!io)
        return -1;
    AUTO(qcow2_fault) struct qcow2_fault fault = {0};
    AUTO(qcow2_image) struct qcow2_image *image = qcow2_image_open(io, NULL, &fault);
    if (!image)
        return download_fault(&fault, "E-QCOW", reterr);
    struct qcow2_chain_options options = {.accept_base_backing = i > 0};
    AUTO(qcow2_chain)
    struct qcow2_chain *chain = qcow2_chain_open(&image, 1, &options, &fault);
    return chain ? 0 : download_fault(&fault, "E-QCOW", reterr);
}

/* A header that names files is judged by our own reader first: some versions of qemu-img open what
 * it names, even to tell of it. */
static int judge_header(struct download *d, size_t i, struct err *reterr)
{
    struct image_facts facts = {0};
    return download_look(d, i, &facts, reterr) < 0 || judge(d, i, &facts, reterr) < 0 ||
                   d->engine->look(d, i, &facts, reterr) < 0
               ? -1
               : judge(d, i, &facts, reterr);
}

int download_inspect(struct download *d, struct err *reterr)
{
    /* All of the cheap look first: a policy is named before any damage is. */
    for (size_t i = 0; i < d->name_count; i++)
        if (judge_header(d, i, reterr) < 0)
            return -1;
    /* Our reader is bounded by the length of the file; qemu-img check by what a header claims. */
    for (size_t i = 0; i < d->name_count; i++)
        if (read_tables(d, i, reterr) < 0 || d->engine->check(d, i, reterr) < 0)
            return -1;
    return 0;
}
