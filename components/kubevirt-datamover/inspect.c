/* Each image by itself, before anything is written: what qemu-img tells, what our own reader finds,
 * what `qemu-img check` finds. Success of `info` and `convert` proves nothing (qcow2.md 12), and
 * `check` forgives tables past the end of the file, so there are two opinions. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/bsl/failure.h"
#include "components/kubevirt-datamover/download.h"
#include "components/kubevirt-datamover/hostio.h"
#include "qcow2/chain.h"

#define ACCEPT_OK 1u
#define ACCEPT_LEAKS (1u << 3)

static int refuse(const char *tag, const char *name, const char *why, struct err *reterr)
{
    return failure_set(reterr, ERR_UNSUPPORTED, tag, "'%s' %s", name, why);
}

static int judge_backing(const struct download *d, size_t i, const json_t *info, struct err *reterr)
{
    bool has = json_object_get(info, "backing-filename") != NULL;
    if (i == 0 && has)
        return refuse("E-BASE-BACKING", d->names[i], "unexpectedly has a backing file", reterr);
    if (i > 0 && !has && d->require_backing)
        return refuse("E-INC-NO-BACKING", d->names[i], "unexpectedly has no backing file", reterr);
    return 0;
}

static int judge_info(struct download *d, size_t i, const json_t *info, struct err *reterr)
{
    const json_t *data = json_at(info, "format-specific", "data", NULL);
    const char *name = d->names[i];
    int64_t size = json_int(info, "virtual-size", -1);
    if (json_object_get(data, "data-file"))
        return refuse("E-DATA-FILE", name, "unexpectedly has an external data file", reterr);
    if (judge_backing(d, i, info, reterr) < 0)
        return -1;
    if (json_is_true(json_object_get(info, "encrypted")) || json_object_get(data, "encrypt"))
        return refuse("E-ENCRYPTED", name, "is encrypted", reterr);
    if (json_bool(data, "corrupt", false))
        return refuse("E-QCOW", name, "is marked as corrupt", reterr);
    if (i > 0 && strcmp(json_str_or_empty(data, "compat"), "0.10") == 0)
        return refuse("E-COMPAT", name,
                      "is an increment of compat 0.10, which cannot say that a cluster is zero",
                      reterr);
    if (size <= 0)
        return refuse("E-QCOW", name, "has no size", reterr);
    if ((uint64_t)size < d->virtual_size)
        return failure_set(reterr, ERR_UNSUPPORTED, "E-SHRUNK",
                           "'%s' is a disk of %" PRId64 " bytes, the one before it has %" PRIu64,
                           name, size, d->virtual_size);
    d->virtual_size = (uint64_t)size;
    return 0;
}

/* A relative name with a colon in it is taken for a protocol. */
static char *image_arg(const char *name)
{
    return strchr(name, ':') ? mem_printf("./%s", name) : mem_strdup(name);
}

static int read_info(struct download *d, size_t i, struct err *reterr)
{
    AUTO(str) char *arg = image_arg(d->names[i]);
    const char *argv[] = {"info", "-f", "qcow2", "--output=json", arg, NULL};
    AUTO(str) char *text = NULL;
    if (download_qemu(d, "E-QCOW", ACCEPT_OK, argv, &text, reterr) < 0)
        return -1;
    AUTO(err) struct err e = {0};
    AUTO(json) json_t *info = json_read(text, strlen(text), NULL, &e);
    if (!info)
        return failure_set(reterr, ERR_CORRUPT, "E-QCOW", "qemu-img info of '%s' gave no JSON: %s",
                           d->names[i], e.msg);
    return judge_info(d, i, info, reterr);
}

static const char *tag_of(enum qcow2_defect defect)
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
    default:
        return "E-QCOW";
    }
}

static int fault_to_err(struct qcow2_fault *fault, struct err *reterr)
{
    AUTO(err) struct err e = {0};
    const char *tag = tag_of(fault->defect);
    qcow2_fault_move(&e, fault);
    if (e.code != ERR_CRASHED)
        err_wrap(&e, NO_POS, "%s", tag);
    return err_move(reterr, &e);
}

/* Header and every table, as a chain of this image alone. */
static int read_tables(struct download *d, size_t i, struct err *reterr)
{
    AUTO(str) char *path = download_path(d, d->names[i]);
    struct qcow2_io *io = hostio_open(d->h, path, reterr);
    if (!io)
        return failure_wrap(reterr, "E-QCOW", "cannot open '%s'", d->names[i]);
    AUTO(qcow2_fault) struct qcow2_fault fault = {0};
    AUTO(qcow2_image) struct qcow2_image *image = qcow2_image_open(io, NULL, &fault);
    if (!image)
        return fault_to_err(&fault, reterr);
    struct qcow2_chain_options options = {.accept_base_backing = i > 0};
    AUTO(qcow2_chain)
    struct qcow2_chain *chain = qcow2_chain_open(&image, 1, &options, &fault);
    return chain ? 0 : fault_to_err(&fault, reterr);
}

/* The name of the parent that is recorded in the image must not be followed: it is the path of a
 * disk of long ago at best. "backing": null says so, and -f that nothing is probed. */
static int check(struct download *d, size_t i, struct err *reterr)
{
    AUTO(str) char *file = image_arg(d->names[i]);
    AUTO(json)
    json_t *graph =
        json_pack("{s:{s:s, s:s}, s:n}", "file", "driver", "file", "filename", file, "backing");
    AUTO(str) char *text = json_text(graph);
    AUTO(str) char *arg = mem_printf("json:%s", text);
    const char *argv[] = {"check", "-f", "qcow2", "--output=json", arg, NULL};
    return download_qemu(d, "E-QCOW", ACCEPT_OK | ACCEPT_LEAKS, argv, NULL, reterr);
}

int download_inspect(struct download *d, struct err *reterr)
{
    /* All of the cheap look first: a policy is named before any damage is. */
    for (size_t i = 0; i < d->name_count; i++)
        if (read_info(d, i, reterr) < 0)
            return -1;
    /* Our reader is bounded by the length of the file; qemu-img check by what a header claims. */
    for (size_t i = 0; i < d->name_count; i++)
        if (read_tables(d, i, reterr) < 0 || check(d, i, reterr) < 0)
            return -1;
    return 0;
}
