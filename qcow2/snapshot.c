/* The snapshot table: entries of no fixed length, one behind the other, each aligned to 8. */
#include "qcow2/snapshot.h"

#include <assert.h>
#include <inttypes.h>

#include "base/mem.h"
#include "qcow2/image_priv.h"
#include "qcow2/table_priv.h"

enum entry_field {
    ENTRY_L1_OFFSET = 0,
    ENTRY_L1_SIZE = 8,
    ENTRY_ID_LEN = 12,
    ENTRY_NAME_LEN = 14,
    ENTRY_SECONDS = 16,
    ENTRY_NANOSECONDS = 20,
    ENTRY_GUEST_NS = 24,
    ENTRY_VM_STATE = 32,
    ENTRY_EXTRA_LEN = 36,
    EXTRA_VM_STATE = 0,
    EXTRA_DISK_SIZE = 8,
    EXTRA_KNOWN = 16,
};

struct qcow2_snapshots {
    struct qcow2_snapshot_info *items;
    size_t count;
};

int qcow2_snapshot_entry(struct qcow2_io *io, uint64_t *at, struct qcow2_snapshot_entry *ret,
                         struct qcow2_fault *retfault)
{
    unsigned char fixed[QCOW2_SNAPSHOT_ENTRY], extra[EXTRA_KNOWN] = {0};
    if (qcow2_read_padded(io, *at, fixed, sizeof fixed, retfault) < 0)
        return -1;
    struct qcow2_snapshot_entry e = {.at = *at, .extra_len = be32_at(fixed, ENTRY_EXTRA_LEN)};
    uint64_t known = e.extra_len < EXTRA_KNOWN ? e.extra_len : EXTRA_KNOWN;
    if (qcow2_read_padded(io, *at + sizeof fixed, extra, known, retfault) < 0)
        return -1;
    e.info.l1_offset = be64_at(fixed, ENTRY_L1_OFFSET);
    e.info.l1_entries = be32_at(fixed, ENTRY_L1_SIZE);
    e.info.id_len = be16_at(fixed, ENTRY_ID_LEN);
    e.info.name_len = be16_at(fixed, ENTRY_NAME_LEN);
    e.info.seconds = be32_at(fixed, ENTRY_SECONDS);
    e.info.nanoseconds = be32_at(fixed, ENTRY_NANOSECONDS);
    e.info.guest_ns = be64_at(fixed, ENTRY_GUEST_NS);
    e.info.vm_state_size = be32_at(fixed, ENTRY_VM_STATE);
    if (known >= EXTRA_DISK_SIZE)
        e.info.vm_state_size = be64_at(extra, EXTRA_VM_STATE);
    if (known >= EXTRA_KNOWN)
        e.info.disk_size = be64_at(extra, EXTRA_DISK_SIZE);
    e.texts_at = *at + sizeof fixed + e.extra_len;
    e.end = e.texts_at + e.info.id_len + e.info.name_len;
    *at = (e.end + 7) / 8 * 8;
    *ret = e;
    return 0;
}

static int refuse(const struct qcow2_image *image, uint64_t at, size_t index, const char *what,
                  uint64_t found, struct qcow2_fault *f)
{
    return qcow2_fault_set(f, QCOW2_SNAP, image->io->name, at, "snapshot %zu %s: %" PRIu64, index,
                           what, found);
}

static int check_entry(const struct qcow2_image *image, const struct qcow2_snapshot_entry *e,
                       size_t index, struct qcow2_fault *f)
{
    uint64_t cs = image_cluster_size(image), flen = image->io->size;
    uint64_t l1_bytes = (uint64_t)e->info.l1_entries * 8;
    if (e->extra_len > QCOW2_SNAPSHOT_EXTRA_MAX)
        return refuse(image, e->at, index, "has too much extra data", e->extra_len, f);
    if (image->info.version >= 3 && e->extra_len < EXTRA_KNOWN)
        return refuse(image, e->at, index, "has too little extra data for version 3", e->extra_len,
                      f);
    if (e->end > flen || e->end - image->info.snapshots_offset > QCOW2_SNAPSHOT_TABLE_MAX)
        return refuse(image, e->at, index, "leaves the file or makes the table too large, end",
                      e->end, f);
    if (e->info.l1_entries > QCOW2_L1_ENTRIES_MAX)
        return refuse(image, e->at, index, "has too large an L1 table", e->info.l1_entries, f);
    if (e->info.l1_offset % cs != 0 || l1_bytes > flen || e->info.l1_offset > flen - l1_bytes)
        return refuse(image, e->at, index, "has an L1 table that is not aligned or not in the file",
                      e->info.l1_offset, f);
    return 0;
}

/* New text of len bytes and a NUL. */
static char *read_text(struct qcow2_io *io, uint64_t at, size_t len, struct qcow2_fault *f)
{
    AUTO(str) char *text = mem_zalloc(len + 1);
    return qcow2_io_read(io, at, text, len, f) < 0 ? NULL : TAKE(text);
}

static int read_one(struct qcow2_image *image, struct qcow2_snapshots *s, uint64_t *at,
                    struct qcow2_fault *f)
{
    struct qcow2_snapshot_entry e;
    if (qcow2_snapshot_entry(image->io, at, &e, f) < 0 || check_entry(image, &e, s->count, f) < 0)
        return -1;
    s->items[s->count] = e.info;
    struct qcow2_snapshot_info *info = &s->items[s->count++];
    info->id = read_text(image->io, e.texts_at, info->id_len, f);
    if (!info->id)
        return -1;
    info->name = read_text(image->io, e.texts_at + info->id_len, info->name_len, f);
    return info->name ? 0 : -1;
}

struct qcow2_snapshots *qcow2_snapshots_read(struct qcow2_image *image,
                                             struct qcow2_fault *retfault)
{
    AUTO(qcow2_snapshots) struct qcow2_snapshots *s = mem_zalloc(sizeof *s);
    /* The header was refused when the file has not 40 bytes for each. */
    s->items = mem_zalloc((size_t)image->info.snapshots * sizeof *s->items + 1);
    uint64_t at = image->info.snapshots_offset;
    for (uint32_t i = 0; i < image->info.snapshots; i++)
        if (read_one(image, s, &at, retfault) < 0)
            return NULL;
    return TAKE(s);
}

void qcow2_snapshots_destroy(struct qcow2_snapshots *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->count; i++) {
        free((char *)(uintptr_t)s->items[i].id);
        free((char *)(uintptr_t)s->items[i].name);
    }
    free(s->items);
    free(s);
}

size_t qcow2_snapshots_count(const struct qcow2_snapshots *s)
{
    return s->count;
}

const struct qcow2_snapshot_info *qcow2_snapshots_at(const struct qcow2_snapshots *s, size_t index)
{
    assert(index < s->count);
    return &s->items[index];
}
