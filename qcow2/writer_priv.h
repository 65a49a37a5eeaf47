/* Inside the writer only (writer*.c): its state, and the parts that share it. */
#ifndef VMCONFORM_QCOW2_WRITER_PRIV_H
#define VMCONFORM_QCOW2_WRITER_PRIV_H

#include "qcow2/format.h"
#include "qcow2/writer.h"

/* Bitmaps: sizes, qemu's limits, flags and the only type there is. */
#define BITMAP_EXTENSION 24u
#define BITMAP_ENTRY 24u
#define BITMAP_GRANULARITY_MIN 9u
#define BITMAP_GRANULARITY_MAX 31u
#define BITMAP_NAME_MAX 1023u
#define BITMAPS_MAX 65535u
#define BITMAP_BYTES_MAX (UINT64_C(512) << 20)
#define BITMAP_DIRECTORY_MAX 67107840u
#define BITMAP_ONES UINT64_C(1)
#define BITMAP_AUTO 2u
#define BITMAP_DIRTY 1u

#define BACKING_FORMAT_MAX 15u

/* An L2 table that is still being filled. */
struct writer_l2 {
    uint64_t host;
    uint64_t used;    /* words up to the last one that is set; the rest of the cluster is a hole */
    uint64_t filled;  /* entries */
    uint64_t words[]; /* big-endian; one or two to an entry */
};

/* A host cluster whose refcount is not 1. */
struct writer_count {
    uint64_t host; /* number of the cluster */
    uint64_t count;
};

/* What was written lately and may be added to or changed: [at, at + len) of the file. */
struct writer_window {
    uint64_t at;
    size_t len;
    unsigned char *bytes; /* NULL until there are any */
};

/* Where the next compressed cluster goes: behind the one before, byte after byte. */
struct writer_pack {
    uint64_t at, end; /* end: of the last host cluster taken for this */
    uint64_t count;   /* references to the host cluster that `at` lies in */
};

struct writer_bitmap {
    char *name;
    unsigned granularity_bits;
    uint64_t table_offset;
    uint32_t table_entries;
};

struct writer_compressor;

struct qcow2_writer {
    struct qcow2_sink *sink, *own_sink;
    struct qcow2_writer_options options; /* defaults filled in; names are ours */
    char *backing_name, *backing_format;
    uint64_t cs, clusters; /* cluster size; guest clusters */
    uint64_t per_l2, per_block;
    uint32_t entry_words; /* u64s of an L2 entry */
    uint32_t refcount_order;
    uint64_t rt_clusters, rt_offset, first_block, l1_offset, tables_end;
    uint32_t l1_count, l1_done; /* tables before l1_done take no more entries */
    uint64_t *l1;               /* big-endian, as it goes to the file */
    struct writer_l2 **l2;      /* NULL: not needed so far, or written */
    struct writer_l2 **full;    /* one in l2 that nothing can be added to; NULL: none */
    uint64_t end;               /* host clusters handed out */
    struct writer_count *counts;
    size_t count_count, count_cap;
    struct writer_window window;
    struct writer_pack pack;
    struct writer_compressor *compressor;
    struct writer_bitmap *bitmaps;
    size_t bitmap_count, bitmap_cap;
    uint64_t bitmap_directory, bitmap_directory_size;
    unsigned char *padded; /* one cluster, for short data */
    bool failed, finished;
};

static inline uint64_t divide_up(uint64_t a, uint64_t b)
{
    return a / b + (a % b != 0);
}

/* Host clusters in a row; the offset of the first. */
static inline uint64_t writer_take(struct qcow2_writer *w, uint64_t clusters)
{
    uint64_t offset = w->end * w->cs;
    w->end += clusters;
    return offset;
}

/* A call that the contract forbids; returns -1. */
int writer_usage(const struct qcow2_writer *w, struct qcow2_fault *f, const char *what);

/* writer_window.c: gathers neighbours into one write. Bytes may be written again as long as every
 * range is either new or inside one that was written before. */
int writer_write(struct qcow2_writer *w, uint64_t offset, const void *buf, size_t len,
                 struct qcow2_fault *f);
/* The same for the used part of a structure of `whole` bytes, of which the rest must read as zeros.
 */
int writer_write_part(struct qcow2_writer *w, uint64_t offset, const void *buf, size_t len,
                      uint64_t whole, struct qcow2_fault *f);
/* Nothing was written yet: the first `len` bytes of the file are zeros that wait to be changed. */
void writer_window_open(struct qcow2_writer *w, uint64_t len);
int writer_flush(struct qcow2_writer *w, struct qcow2_fault *f);

/* writer_header.c. bitmaps: with room for the extension. New; NULL on failure. */
unsigned char *writer_header(const struct qcow2_writer *w, bool bitmaps, size_t *ret_len,
                             struct qcow2_fault *f);

/* writer_tables.c */
/* The entries of up to *count guest clusters, as many as one table holds (*count tells); all are
 * still empty. The caller fills them. */
int writer_entries(struct qcow2_writer *w, uint64_t guest, uint64_t *count, uint64_t **ret_words,
                   struct qcow2_fault *f);
/* One more reference to the host cluster with the highest number that has more than one, or to a
 * later one. */
void writer_refer_again(struct qcow2_writer *w, uint64_t host);
int writer_tables(struct qcow2_writer *w, struct qcow2_fault *f);
int writer_refcounts(struct qcow2_writer *w, struct qcow2_fault *f);

/* writer_compress.c. data: one cluster. *ret_bytes (borrowed) is NULL where it does not get
 * shorter. */
int writer_compress(struct qcow2_writer *w, const void *data, const void **ret_bytes,
                    size_t *ret_len, struct qcow2_fault *f);
/* Stores compressed bytes; *ret_word: the L2 entry. */
int writer_pack(struct qcow2_writer *w, const void *bytes, size_t len, uint64_t *ret_word,
                struct qcow2_fault *f);
void writer_compressor_destroy(struct writer_compressor *c);

/* writer_bitmap.c: the directory. */
int writer_bitmap_directory(struct qcow2_writer *w, struct qcow2_fault *f);

#endif
