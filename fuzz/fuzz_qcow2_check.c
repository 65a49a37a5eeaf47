/* The check of any bytes, held against the strict reader: what the reader accepts has no defect in
 * its mapping tables, what the reader refuses is told by the check too. */
#include <stdio.h>
#include <stdlib.h>

#include "fuzz/qcow2_fuzz.h"
#include "qcow2/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Limits and wishes of the caller: nothing is wrong with the image. */
static bool is_legal(enum qcow2_defect d)
{
    switch (d) {
    case QCOW2_LIMIT:
    case QCOW2_SIZE:
    case QCOW2_POLICY_DATA_FILE:
    case QCOW2_POLICY_ENCRYPTED:
    case QCOW2_POLICY_SNAPSHOTS:
        return true;
    default:
        return false;
    }
}

static bool is_mapping(enum qcow2_defect d)
{
    return d == QCOW2_L1_ENTRY || d == QCOW2_L2_ENTRY || d == QCOW2_SUBCL || d == QCOW2_ZERO_V2 ||
           d == QCOW2_TAIL;
}

static void check_report(const struct qcow2_check_report *r)
{
    uint64_t counts[3] = {0};
    for (size_t i = 0; i < r->count; i++) {
        const struct qcow2_finding *f = &r->items[i];
        counts[f->severity]++;
        fuzz_expect(f->defect != QCOW2_OK && f->defect < QCOW2_DEFECT_COUNT, "a finding has a code",
                    f->defect, i);
        fuzz_expect(fuzz_is_plain(f->text), f->text, f->defect, i);
    }
    fuzz_expect(counts[QCOW2_SEVERITY_CORRUPTION] <= r->corruptions &&
                    counts[QCOW2_SEVERITY_LEAK] <= r->leaks &&
                    counts[QCOW2_SEVERITY_WARNING] <= r->warnings,
                "findings are counted", r->corruptions, r->leaks);
    fuzz_expect(qcow2_check_sound(r) == (r->complete && r->corruptions == 0 && r->leaks == 0) ||
                    qcow2_check_sound(r) == (r->corruptions == 0 && r->leaks == 0),
                "sound is without corruption and leak", r->corruptions, r->leaks);
}

/* Snapshots and bitmaps use clusters of which the reader knows nothing. */
static void check_accepted(const struct qcow2_check_report *r, const struct qcow2_info *info)
{
    bool extras = info->snapshots > 0 || info->bitmaps > 0;
    for (size_t i = 0; i < r->count; i++) {
        const struct qcow2_finding *f = &r->items[i];
        if (f->severity != QCOW2_SEVERITY_CORRUPTION)
            continue;
        fuzz_expect(extras || !is_mapping(f->defect), f->text, f->defect, f->offset);
        fuzz_expect(extras || f->defect != QCOW2_OVERLAP, f->text, f->defect, f->offset);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct qcow2_check_options options = {.findings_max = 200, .host_clusters_max = 1 << 20};
    AUTO(qcow2_check) struct qcow2_check_report report = {0};
    AUTO(qcow2_io) struct qcow2_io *io = qcow2_io_memory(data, size, "layer");
    struct qcow2_fault f = {0};
    if (fuzz_answer(qcow2_check(io, &options, &report, &f), &f) < 0)
        return 0;
    check_report(&report);
    struct fuzz_input input = {.flags = FUZZ_LAX_CHAIN, .count = 1};
    input.layers[0] = (struct fuzz_layer){.bytes = data, .len = size};
    AUTO(fuzz_chain) struct fuzz_chain c;
    fuzz_chain_open(&c, &input);
    if (c.chain)
        check_accepted(&report, qcow2_image_info(c.images[0]));
    else if (!is_legal(c.defect))
        fuzz_expect(report.corruptions + report.leaks + report.warnings > 0 || !report.complete,
                    "what the reader refuses is told", c.defect, report.warnings);
    return 0;
}
