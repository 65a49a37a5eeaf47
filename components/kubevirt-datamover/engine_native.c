/* The engine that is the project's own image library (qcow2/) over the host's files: the chain is
 * resolved without changing an image, and the disk is read back before it counts. Runs no program.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "components/bsl/failure.h"
#include "components/kubevirt-datamover/download.h"
#include "components/kubevirt-datamover/hostio.h"
#include "qcow2/chain.h"
#include "qcow2/check.h"
#include "qcow2/flatten.h"

/* The first thing that is wrong. */
static const char *worst_of(const struct qcow2_check_report *r)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->items[i].severity == QCOW2_SEVERITY_CORRUPTION)
            return r->items[i].text;
    return "not all of it could be checked";
}

/* Leaks lose space, no data. */
static int check(struct download *d, size_t i, struct err *reterr)
{
    AUTO(qcow2_io) struct qcow2_io *io = download_open(d, i, reterr);
    AUTO(qcow2_check) struct qcow2_check_report report = {0};
    AUTO(qcow2_fault) struct qcow2_fault fault = {0};
    if (!io)
        return -1;
    if (qcow2_check(io, NULL, &report, &fault) < 0)
        return download_fault(&fault, "E-QCOW", reterr);
    if (report.complete && report.corruptions == 0)
        return 0;
    return failure_set(reterr, ERR_CORRUPT, "E-QCOW", "'%s' is damaged: %s", d->names[i],
                       worst_of(&report));
}

/* ---- the chain ---- */

static int link_nothing(struct download *d, struct err *reterr)
{
    (void)d, (void)reterr; /* the order of the names is the chain */
    return 0;
}

static void close_layers(struct qcow2_image **layers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        qcow2_image_destroy(layers[i]);
    free(layers);
}

static int open_layers(struct download *d, struct qcow2_image **layers, struct err *reterr)
{
    for (size_t i = 0; i < d->name_count; i++) {
        AUTO(qcow2_fault) struct qcow2_fault fault = {0};
        struct qcow2_io *io = download_open(d, i, reterr);
        if (!io)
            return -1;
        layers[i] = qcow2_image_open(io, NULL, &fault);
        if (!layers[i])
            return download_fault(&fault, "E-QCOW", reterr);
    }
    return 0;
}

static int flatten(struct qcow2_chain *chain, struct qcow2_sink *sink, struct err *reterr)
{
    static const struct qcow2_flatten_options options = {.tail = QCOW2_TAIL_LEAVE, .verify = true};
    AUTO(qcow2_fault) struct qcow2_fault fault = {0};
    return qcow2_flatten(chain, sink, &options, NULL, &fault) < 0
               ? download_fault(&fault, "E-CONVERT", reterr)
               : 0;
}

static int device_size(struct download *d, const char *path, uint64_t *ret, struct err *reterr)
{
    struct host_stat st = {0};
    if (host_file_stat(d->h, path, &st, reterr) < 0)
        return failure_wrap(reterr, "E-CONVERT", "cannot look at the device '%s'", path);
    *ret = st.size;
    return 0;
}

static int write_disk(struct download *d, struct qcow2_chain *chain, const char *path,
                      bool in_place, struct err *reterr)
{
    uint64_t size = 0;
    if (in_place && device_size(d, path, &size, reterr) < 0)
        return -1;
    AUTO(qcow2_sink) struct qcow2_sink *sink = hostsink_open(d->h, path, size, reterr);
    if (!sink)
        return failure_wrap(reterr, "E-CONVERT", "cannot write the disk");
    return flatten(chain, sink, reterr);
}

static int convert(struct download *d, const char *path, bool in_place, struct err *reterr)
{
    struct qcow2_chain_options options = {.layers_max = (uint32_t)d->name_count};
    struct qcow2_image **layers = mem_zalloc(d->name_count * sizeof *layers);
    AUTO(qcow2_fault) struct qcow2_fault fault = {0};
    struct qcow2_chain *chain = NULL;
    int r = -1;
    if (open_layers(d, layers, reterr) == 0 &&
        !(chain = qcow2_chain_open(layers, d->name_count, &options, &fault)))
        download_fault(&fault, "E-CONVERT", reterr);
    if (chain)
        r = write_disk(d, chain, path, in_place, reterr);
    qcow2_chain_destroy(chain);
    close_layers(layers, d->name_count);
    return r;
}

const struct engine engine_native = {.name = "native",
                                     .look = download_look,
                                     .check = check,
                                     .link = link_nothing,
                                     .convert = convert};
