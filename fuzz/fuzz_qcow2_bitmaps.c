/* Bitmap directory, bitmap tables and the snapshot table of any bytes. What was read lies in the
 * file, names have the length they claim, and dirty ranges come in order. */
#include <string.h>

#include "fuzz/qcow2_fuzz.h"
#include "qcow2/bitmap.h"
#include "qcow2/snapshot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RANGES_MAX 4096u

static void check_ranges(struct qcow2_bitmaps *b, size_t index, uint64_t disk)
{
    uint64_t granularity = qcow2_bitmaps_at(b, index)->granularity;
    uint64_t at = 0, len = 0;
    for (unsigned n = 0; n < RANGES_MAX && at < disk; n++) {
        uint64_t before = at;
        struct qcow2_fault f = {0};
        if (fuzz_answer(qcow2_bitmap_next(b, index, &at, &len, &f), &f) < 0 || len == 0)
            return;
        fuzz_expect(at >= before, "dirty ranges are in order", before, at);
        fuzz_expect(at < disk && len <= disk - at, "dirty ranges lie on the disk", at, len);
        fuzz_expect(at == before || at % granularity == 0, "whole granules", at, granularity);
        fuzz_expect((at + len) % granularity == 0 || at + len == disk, "whole granules", at + len,
                    granularity);
        at += len;
    }
}

static void check_bitmaps(struct qcow2_image *image, uint64_t flen)
{
    uint64_t disk = qcow2_image_info(image)->virtual_size;
    struct qcow2_fault f = {0};
    AUTO(qcow2_bitmaps) struct qcow2_bitmaps *b = qcow2_bitmaps_read(image, &f);
    if (fuzz_answer(b ? 0 : -1, &f) < 0)
        return;
    for (size_t i = 0; i < qcow2_bitmaps_count(b); i++) {
        const struct qcow2_bitmap_info *info = qcow2_bitmaps_at(b, i);
        fuzz_expect(info->name[info->name_len] == '\0', "a NUL behind the name", i, info->name_len);
        fuzz_expect(info->table_offset < flen &&
                        (uint64_t)info->table_entries * 8 <= flen - info->table_offset,
                    "a bitmap's table lies in the file", info->table_offset, info->table_entries);
        check_ranges(b, i, disk);
    }
}

static void check_snapshots(struct qcow2_image *image)
{
    struct qcow2_fault f = {0};
    AUTO(qcow2_snapshots) struct qcow2_snapshots *s = qcow2_snapshots_read(image, &f);
    if (fuzz_answer(s ? 0 : -1, &f) < 0)
        return;
    fuzz_expect(qcow2_snapshots_count(s) == qcow2_image_info(image)->snapshots,
                "as many snapshots as the header tells", qcow2_snapshots_count(s),
                qcow2_image_info(image)->snapshots);
    for (size_t i = 0; i < qcow2_snapshots_count(s); i++) {
        const struct qcow2_snapshot_info *info = qcow2_snapshots_at(s, i);
        fuzz_expect(info->id[info->id_len] == '\0', "a NUL behind the id", i, info->id_len);
        fuzz_expect(info->name[info->name_len] == '\0', "a NUL behind the name", i, info->name_len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_layer layer = {.bytes = data, .len = size};
    AUTO(qcow2_image) struct qcow2_image *image = fuzz_open(&layer, FUZZ_LAX_POLICY, NULL);
    if (image) {
        check_bitmaps(image, size);
        check_snapshots(image);
    }
    return 0;
}
