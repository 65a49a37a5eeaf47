#include "qcow2/check.h"

#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "qcow2/check_priv.h"

#define FINDINGS_MAX 1000u
#define HOST_CLUSTERS_MAX (UINT64_C(1) << 28)

/* ---- findings ---- */

/* Nothing is formatted that is not kept: a file may hold millions of defects. */
static void __attribute__((format(printf, 6, 0)))
found(struct check *c, enum qcow2_severity severity, enum qcow2_defect defect, uint64_t offset,
      uint64_t times, const char *fmt, va_list ap)
{
    struct qcow2_check_report *r = &c->report;
    *check_counter(c, severity) += times;
    if (r->count >= c->options.findings_max)
        return;
    r->items = mem_grow(r->items, &r->cap, r->count + 1, sizeof *r->items);
    r->items[r->count++] = (struct qcow2_finding){severity, defect, offset, mem_vprintf(fmt, ap)};
}

void check_found(struct check *c, enum qcow2_severity severity, enum qcow2_defect defect,
                 uint64_t offset, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    found(c, severity, defect, offset, 1, fmt, ap);
    va_end(ap);
}

void check_found_many(struct check *c, enum qcow2_severity severity, enum qcow2_defect defect,
                      uint64_t offset, uint64_t times, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    found(c, severity, defect, offset, times, fmt, ap);
    va_end(ap);
}

void check_found_fault(struct check *c, struct qcow2_fault *f)
{
    /* "NAME: at byte OFFSET: sentence" */
    const char *text = f->err.msg + strlen(c->io->name) + 2;
    if (f->offset != QCOW2_NO_OFFSET)
        text = strstr(text, ": ") + 2;
    check_corrupt(c, f->defect, f->offset, "%s", text);
    c->report.complete = false;
    qcow2_fault_clear(f);
}

static void tell_oddity(void *arg, enum qcow2_defect defect, uint64_t offset, const char *what,
                        uint64_t found_value)
{
    struct check *c = arg;
    check_warn(c, defect, offset, "%s: %" PRIu64 "; qemu opens it, a reader here refuses it", what,
               found_value);
}

/* ---- the header ---- */

/* 1: the image cannot be looked at any further, which was told. */
static int read_header(struct check *c, struct qcow2_fault *retfault)
{
    struct qcow2_lenience lenience = {tell_oddity, c};
    struct qcow2_fault f = {0};
    c->image.io = c->io;
    c->image.policy = (struct qcow2_policy){.virtual_max = UINT64_MAX,
                                            .accept_corrupt_bit = true,
                                            .accept_snapshots = true,
                                            .accept_unreadable = true};
    if (qcow2_header_read(&c->image, &lenience, &f) == 0)
        return 0;
    bool hopeless = f.defect == QCOW2_IO || f.defect == QCOW2_MAGIC || f.defect == QCOW2_VERSION ||
                    f.defect == QCOW2_HDR_SHORT;
    if (!hopeless) {
        check_found_fault(c, &f);
        return 1;
    }
    if (retfault)
        *retfault = f;
    else
        qcow2_fault_clear(&f);
    return -1;
}

static void tell_states(struct check *c)
{
    const struct qcow2_info *info = &c->image.info;
    if (info->dirty)
        check_warn(c, QCOW2_REFCOUNT, HDR_INCOMPATIBLE,
                   "the image is marked dirty: its refcounts may be stale, its data can be read");
    if (info->corrupt)
        check_warn(c, QCOW2_POLICY_CORRUPT, HDR_INCOMPATIBLE,
                   "the image is marked corrupt: a reader here refuses it");
    if (info->data_file)
        check_warn(c, QCOW2_POLICY_DATA_FILE, HDR_INCOMPATIBLE,
                   "the data lives in an external data file, which is not looked at");
}

/* 1: too large, which was told. */
static int prepare(struct check *c)
{
    const struct qcow2_info *info = &c->image.info;
    c->cs = image_cluster_size(&c->image);
    c->cluster_bits = info->cluster_bits;
    c->flen = c->io->size;
    c->clusters = c->flen / c->cs + (c->flen % c->cs != 0);
    uint64_t sectors = info->virtual_size / 512 * 512;
    c->report.total_clusters = sectors / c->cs + (sectors % c->cs != 0);
    if (c->clusters > c->options.host_clusters_max) {
        check_corrupt(c, QCOW2_LIMIT, QCOW2_NO_OFFSET,
                      "the file has %" PRIu64 " clusters, at most %" PRIu64 " are allowed",
                      c->clusters, c->options.host_clusters_max);
        c->report.complete = false;
        return 1;
    }
    unsigned width = 1u << info->refcount_order;
    c->ref_max = width < 32 ? (UINT64_C(1) << width) - 1 : UINT32_MAX;
    c->refs = mem_zalloc((c->clusters + 1) * sizeof *c->refs);
    c->flags = mem_zalloc((c->clusters + 1) * sizeof *c->flags);
    c->packed_max = qcow2_policy_filled(NULL, c->flen).extents_max;
    qcow2_ahead_init(&c->tables, c->io, c->cs);
    qcow2_ahead_init(&c->blocks, c->io, c->cs);
    return 0;
}

static void count_header(struct check *c)
{
    const struct qcow2_info *info = &c->image.info;
    struct check_use header = {CHECK_META, .weight = 1, .defect = QCOW2_HDR_SHORT,
                               .what = "the header"};
    check_count_range(c, 0, c->cs, &header);
    struct check_use luks = {CHECK_META, .weight = 1, .at = HDR_CRYPT, .defect = QCOW2_EXT,
                             .what = "the LUKS header"};
    if (info->luks && info->luks_length <= INT64_MAX)
        check_count_range(c, info->luks_offset, info->luks_length, &luks);
}

static void tell_packed(struct check *c)
{
    uint64_t offset, len;
    if (packed_overlap(&c->packed, &c->image, &offset, &len))
        check_warn(c, QCOW2_OVERLAP, offset,
                   "two compressed clusters share their data, %" PRIu64
                   " bytes from here; a reader here refuses it, qemu does not",
                   len);
}

static int check_all(struct check *c, struct qcow2_fault *f)
{
    int r = read_header(c, f);
    if (r != 0)
        return r < 0 ? -1 : 0;
    tell_states(c);
    if (prepare(c) != 0)
        return 0;
    if (check_active_l1(c, f) < 0 || check_snapshots(c, f) < 0 || check_l2_tables(c, f) < 0)
        return -1;
    tell_packed(c);
    count_header(c);
    if (check_bitmaps(c, f) < 0 || check_refcount_tables(c, f) < 0 || check_compare(c, f) < 0)
        return -1;
    if (c->report.count < c->options.findings_max)
        return c->copied_wrong ? check_copied_flags(c, f) : 0;
    /* Looking for the places would be of no use to anybody. */
    c->report.corruptions += c->copied_wrong;
    return 0;
}

int qcow2_check(struct qcow2_io *io, const struct qcow2_check_options *options,
                struct qcow2_check_report *ret, struct qcow2_fault *retfault)
{
    struct check c = {.io = io, .report.complete = true};
    if (options)
        c.options = *options;
    if (!c.options.findings_max)
        c.options.findings_max = FINDINGS_MAX;
    if (!c.options.host_clusters_max)
        c.options.host_clusters_max = HOST_CLUSTERS_MAX;
    int r = check_all(&c, retfault);
    qcow2_image_finish_texts(&c.image);
    free(c.refs);
    free(c.flags);
    qcow2_ahead_finish(&c.tables);
    qcow2_ahead_finish(&c.blocks);
    free(c.decompress_buf);
    packed_finish(&c.packed);
    if (r == 0)
        *ret = c.report;
    else
        qcow2_check_finish(&c.report);
    return r;
}

bool qcow2_check_sound(const struct qcow2_check_report *r)
{
    return r->complete && r->corruptions == 0 && r->leaks == 0;
}

void qcow2_check_finish(struct qcow2_check_report *r)
{
    for (size_t i = 0; i < r->count; i++)
        free(r->items[i].text);
    free(r->items);
    *r = (struct qcow2_check_report){0};
}
