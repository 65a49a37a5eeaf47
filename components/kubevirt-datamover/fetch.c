/* From the object store to the scratch folder. */
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/digest.h"
#include "base/mem.h"
#include "components/bsl/failure.h"
#include "components/bsl/names.h"
#include "components/kubevirt-datamover/download.h"
#include "kube/time.h"

#define PIECE (1u << 20)
/* A store that refuses for the moment is asked again, as its usual clients do. */
#define TRIES 3
#define TRY_PAUSE_NS (1 * NS_PER_S)

char *download_path(const struct download *d, const char *name)
{
    return mem_printf("%s/%s", d->scratch, name);
}

/* "007-name": sorted by name is sorted by place, and no name begins with a dash. New. */
static char *local_name(const struct download *d, size_t i)
{
    AUTO(str) char *last = mem_printf("%zu", d->chain.count - 1);
    size_t width = strlen(last) > 2 ? strlen(last) : 2;
    return mem_printf("%0*zu-%s", (int)width, i, d->chain.files[i].filename);
}

struct transfer {
    struct download *d;
    const struct chain_file *file;
    const char *key;
    struct host_file *out;
    struct digest *digest;
    char *piece;
    uint64_t done;
};

static int read_piece(struct transfer *t, size_t want, size_t *ret_len, struct err *reterr)
{
    struct host *h = t->d->h;
    for (unsigned tries = 1;; tries++) {
        AUTO(err) struct err e = {0};
        if (host_object_read(h, t->d->place.bucket, t->key, t->done, t->piece, want, ret_len, &e) ==
            0)
            return 0;
        if (e.code == ERR_IO && tries < TRIES && host_sleep(h, TRY_PAUSE_NS) != HOST_CRASHED)
            continue;
        failure_wrap(&e, "E-GET", "cannot download '%s'", t->file->filename);
        return err_move(reterr, &e);
    }
}

/* At most one byte more than the index tells: an object that is too long is noticed, not stored. */
static size_t next_want(const struct transfer *t)
{
    if (!t->file->has_size)
        return PIECE;
    uint64_t left = (uint64_t)t->file->size + 1 - t->done;
    return left < PIECE ? (size_t)left : PIECE;
}

static int copy_pieces(struct transfer *t, struct err *reterr)
{
    size_t want;
    while ((want = next_want(t)) > 0) {
        size_t len = 0;
        if (download_goes_on(t->d, reterr) < 0 || read_piece(t, want, &len, reterr) < 0)
            return -1;
        if (len == 0)
            return 0;
        if (host_file_write(t->d->h, t->out, t->done, t->piece, len, reterr) < 0)
            return failure_wrap(reterr, "E-WRITE", "cannot store '%s'", t->file->filename);
        if (t->file->sha256) /* nobody asks otherwise */
            digest_add(t->digest, t->piece, len);
        t->done += len;
        if (len < want)
            return 0;
    }
    return 0;
}

static int check_transfer(const struct transfer *t, struct err *reterr)
{
    char hex[DIGEST_HEX];
    digest_hex(t->digest, hex);
    if (t->file->has_size && t->done != (uint64_t)t->file->size)
        return failure_set(reterr, ERR_CORRUPT, "E-SIZE-MISMATCH",
                           "size mismatch of '%s': %s%" PRIu64 " bytes, the index says %" PRId64,
                           t->file->filename, t->done > (uint64_t)t->file->size ? "at least " : "",
                           t->done, t->file->size);
    if (t->file->sha256 && strcasecmp(t->file->sha256, hex) != 0)
        return failure_set(reterr, ERR_CORRUPT, "E-DIGEST",
                           "'%s' has the sha256 %s, the index says %s", t->file->filename, hex,
                           t->file->sha256);
    return 0;
}

static int transfer(struct transfer *t, const char *path, struct err *reterr)
{
    struct host *h = t->d->h;
    AUTO(err) struct err closing = {0};
    /* What is there, a symbolic link itself included, is not written through. */
    if (host_file_remove(h, path, reterr) < 0 ||
        !(t->out = host_file_open(h, path, HOST_CREATE, reterr)))
        return failure_wrap(reterr, "E-WRITE", "cannot store '%s'", t->file->filename);
    int r = copy_pieces(t, reterr);
    if (host_file_close(h, t->out, r < 0 ? &closing : reterr) < 0 && r == 0)
        r = failure_wrap(reterr, "E-WRITE", "cannot store '%s'", t->file->filename);
    return r < 0 ? -1 : check_transfer(t, reterr);
}

static int fetch_file(struct download *d, size_t i, struct err *reterr)
{
    const struct chain_file *file = &d->chain.files[i];
    if (!names_is_file(file->filename))
        return failure_set(reterr, ERR_INVALID, "E-FILENAME",
                           "invalid checkpoint filename of '%s': it must be a plain file name",
                           file->checkpoint);
    if (file->has_size && file->size < 0)
        return failure_set(reterr, ERR_CORRUPT, "E-SIZE-NEG",
                           "the index says that '%s' has %" PRId64 " bytes", file->filename,
                           file->size);
    d->names[i] = local_name(d, i);
    d->name_count = i + 1;
    if (strlen(d->names[i]) > NAME_MAX)
        return failure_set(reterr, ERR_INVALID, "E-FILENAME",
                           "invalid checkpoint filename of '%s': it is too long for a file",
                           file->checkpoint);
    AUTO(str) char *key = names_key(d->place.prefix, file->object_path);
    AUTO(str) char *path = download_path(d, d->names[i]);
    AUTO(str) char *piece = mem_alloc(PIECE);
    AUTO(digest) struct digest *digest = digest_create();
    struct transfer t = {.d = d, .file = file, .key = key, .digest = digest, .piece = piece};
    return transfer(&t, path, reterr);
}

int download_fetch(struct download *d, struct err *reterr)
{
    d->names = mem_zalloc(d->chain.count * sizeof *d->names);
    for (size_t i = 0; i < d->chain.count; i++)
        if (fetch_file(d, i, reterr) < 0)
            return -1;
    return 0;
}

int download_remove(struct download *d, struct err *reterr)
{
    AUTO(err) struct err all = {0};
    for (size_t i = 0; i < d->name_count; i++) {
        AUTO(err) struct err e = {0};
        AUTO(str) char *path = download_path(d, d->names[i]);
        if (host_file_remove(d->h, path, &e) < 0)
            failure_wrap(&e, "E-CLEANUP", "cannot remove '%s'", d->names[i]);
        failure_join(&all, &e);
    }
    return err_pending(&all) ? err_move(reterr, &all) : 0;
}
