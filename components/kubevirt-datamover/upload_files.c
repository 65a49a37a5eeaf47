/* The images of a backup, from the volume to the object store. The volume came from the machine's
 * namespace: whoever owns that may have put anything there. */
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "base/digest.h"
#include "base/mem.h"
#include "components/bsl/failure.h"
#include "components/bsl/index.h"
#include "components/bsl/names.h"
#include "components/kubevirt-datamover/upload.h"
#include "kube/time.h"

#define IMAGE_END ".qcow2"
#define MAGIC "QFI\xfb"
#define PIECE (1u << 20)
#define DEPTH_MAX 8
#define FILES_MAX 256
#define NAMES_MAX 10000
#define TRIES 3
#define TRY_PAUSE_NS (1 * NS_PER_S)

static bool is_image(const char *name)
{
    size_t len = strlen(name), end = strlen(IMAGE_END);
    return len >= end && strcasecmp(name + len - end, IMAGE_END) == 0;
}

/* ---- one image ---- */

struct image {
    struct upload *u;
    const char *path, *name;
    struct host_file *file;
    uint64_t size;
    char sha256[DIGEST_HEX];
    char head[4];
};

static int digest(struct image *m, struct err *reterr)
{
    AUTO(digest) struct digest *d = digest_create();
    AUTO(str) char *piece = mem_alloc(PIECE);
    size_t len = 0;
    do {
        if (upload_goes_on(m->u, reterr) < 0 ||
            host_file_read(m->u->h, m->file, m->size, piece, PIECE, &len, reterr) < 0)
            return -1;
        if (m->size == 0 && len >= sizeof m->head)
            memcpy(m->head, piece, sizeof m->head);
        digest_add(d, piece, len);
        m->size += len;
    } while (len > 0);
    digest_hex(d, m->sha256);
    return 0;
}

/* What is none would be found out when somebody needs it. */
static int check(const struct image *m, struct err *reterr)
{
    if (m->u->as_code || memcmp(m->head, MAGIC, sizeof m->head) == 0)
        return 0;
    return failure_set(reterr, ERR_CORRUPT, "E-QCOW",
                       "'%s' with its %" PRIu64 " bytes is no qcow2 "
                       "image",
                       m->name, m->size);
}

static int put(const struct image *m, const char *relative, struct err *reterr)
{
    AUTO(str) char *key = names_key(m->u->place.prefix, relative);
    for (unsigned tries = 1;; tries++) {
        AUTO(err) struct err e = {0};
        if (host_object_put_file(m->u->h, m->u->place.bucket, key, m->file, &e) == 0)
            return 0;
        if (e.code == ERR_IO && tries < TRIES && host_sleep(m->u->h, TRY_PAUSE_NS) != HOST_CRASHED)
            continue;
        failure_wrap(&e, "E-PUT", "cannot upload '%s'", m->name);
        return err_move(reterr, &e);
    }
}

static char *disk_of(const struct image *m)
{
    return index_disk_of(m->name, m->u->as_code ? "" : m->u->vmb);
}

static void list(struct image *m, const char *relative)
{
    AUTO(str) char *disk = disk_of(m);
    json_array_append_new(m->u->files, json_pack("{s:s, s:s, s:I, s:s, s:s}", "filename", m->name,
                                                 "diskName", disk, "size", (json_int_t)m->size,
                                                 "objectPath", relative, "sha256", m->sha256));
}

static int store(struct image *m, struct err *reterr)
{
    struct upload *u = m->u;
    AUTO(str) char *relative = names_image(u->place.ns, u->place.vm, u->checkpoint, m->name);
    if (digest(m, reterr) < 0)
        return failure_wrap(reterr, "E-READ", "cannot read '%s'", m->name);
    if (check(m, reterr) < 0 || put(m, relative, reterr) < 0)
        return -1;
    list(m, relative);
    return 0;
}

static int add_image(struct upload *u, const char *path, const char *name, struct err *reterr)
{
    struct image m = {.u = u, .path = path, .name = name};
    if (!names_is_file(name))
        return failure_set(reterr, ERR_INVALID, "E-FILENAME", "invalid image file name");
    if (json_array_size(u->files) >= FILES_MAX)
        return failure_set(reterr, ERR_LIMIT, "E-FILES", "more than %d images", FILES_MAX);
    m.file = host_file_open(u->h, path, HOST_READ, reterr);
    if (!m.file)
        return failure_wrap(reterr, "E-READ", "cannot open '%s'", name);
    int r = store(&m, reterr);
    host_file_close(u->h, m.file, NULL);
    return r;
}

/* ---- all of them ---- */

struct walk {
    struct upload *u;
    size_t names; /* seen so far */
};

static int walk(struct walk *w, const char *path, unsigned depth, struct err *reterr);

static int look_at(struct walk *w, const char *folder, const char *name, unsigned depth,
                   struct err *reterr)
{
    AUTO(str) char *path = mem_printf("%s/%s", folder, name);
    struct host_stat st;
    if (host_file_stat(w->u->h, path, &st, reterr) < 0)
        return failure_wrap(reterr, "E-READ", "cannot look at '%s'", path);
    if (st.is_directory)
        return walk(w, path, depth + 1, reterr);
    if (!is_image(name))
        return 0;
    /* A link would have our own credentials uploaded; we may read them, its owner may not. */
    if (!st.is_regular)
        return failure_set(reterr, ERR_INVALID, "E-FILE", "'%s' is no regular file", path);
    return add_image(w->u, path, name, reterr);
}

static int walk(struct walk *w, const char *path, unsigned depth, struct err *reterr)
{
    if (depth > DEPTH_MAX)
        return failure_set(reterr, ERR_LIMIT, "E-FILES", "folders lie more than %d deep",
                           DEPTH_MAX);
    AUTO(json) json_t *names = host_list_dir(w->u->h, path, reterr);
    size_t i;
    const json_t *name;
    if (!names)
        return failure_wrap(reterr, "E-READ", "cannot list '%s'", path);
    w->names += json_array_size(names);
    if (w->names > NAMES_MAX)
        return failure_set(reterr, ERR_LIMIT, "E-FILES", "more than %d files", NAMES_MAX);
    json_array_foreach(
        names, i, name) if (look_at(w, path, json_string_value(name), depth, reterr) < 0) return -1;
    return 0;
}

/* Two files of one name would be one object, two of one disk one restore. */
static int check_twice(const struct upload *u, const char *field, struct err *reterr)
{
    AUTO(json) json_t *seen = json_object();
    size_t i;
    const json_t *file;
    json_array_foreach(u->files, i, file)
    {
        const char *text = index_text(file, field);
        if (json_object_get(seen, text))
            return failure_set(reterr, ERR_CORRUPT, "E-FILES", "two images have the %s '%s'", field,
                               text);
        json_object_set_new(seen, text, json_true());
    }
    return 0;
}

int upload_files(struct upload *u, struct err *reterr)
{
    struct walk w = {.u = u};
    if (walk(&w, u->source, 0, reterr) < 0)
        return -1;
    if (json_array_size(u->files) == 0)
        return failure_set(reterr, ERR_NOT_FOUND, "E-FILES", "no qcow2 files found in '%s'",
                           u->source);
    if (check_twice(u, "filename", reterr) < 0)
        return -1;
    return u->as_code ? 0 : check_twice(u, "diskName", reterr);
}
