/* The order of the checks decides which sentence a reader gets, since one mistake breaks several
 * rules at once: ids that appear twice make every parent ambiguous, a circle has no right order,
 * and two layers that changed places are told as that, not as an increment at the head. */
#include "qcow2/resolve.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "base/digest.h"
#include "base/mem.h"
#include "base/strmap.h"
#include "qcow2/chain_priv.h"

#define DIGEST_PIECE (1u << 20)
#define QUOTED_BYTES 128

/* ---- the declarations ---- */

struct declared {
    const struct qcow2_declared *layers;
    size_t count;
    struct strmap *by_id;  /* id -> its struct qcow2_declared */
    struct strmap *others; /* the known ids -> anything */
};

static void strmap_drop(struct strmap *m)
{
    strmap_destroy(m, NULL);
}
DEFINE_CLEANUP(struct strmap, ids, strmap_drop);

struct quoted {
    char text[QUOTED_BYTES];
};

/* Ids come from documents that are as hostile as images. */
static struct quoted quote(const char *text)
{
    struct quoted q;
    qcow2_quote(q.text, sizeof q.text, text, strlen(text));
    return q;
}

static int declared_fault(const struct qcow2_declared *layer, enum qcow2_defect defect,
                          struct qcow2_fault *f, const char *sentence)
{
    return qcow2_fault_set(f, defect, layer->name, QCOW2_NO_OFFSET, "%s", sentence);
}

/* The layer that a layer names as its parent; NULL: it is not in the list. */
static const struct qcow2_declared *parent_of(const struct declared *d, size_t i)
{
    const char *parent = d->layers[i].id ? d->layers[i].parent : NULL;
    return parent ? strmap_get(d->by_id, parent) : NULL;
}

static int check_duplicates(struct declared *d, const char *const *known, size_t known_count,
                            struct qcow2_fault *f)
{
    for (size_t i = 0; i < d->count; i++) {
        const struct qcow2_declared *layer = &d->layers[i];
        if (!layer->id)
            continue;
        const struct qcow2_declared *twin =
            strmap_put(d->by_id, layer->id, (void *)(uintptr_t)layer);
        if (twin)
            return qcow2_fault_set(f, QCOW2_CHAIN_DUPLICATE, layer->name, QCOW2_NO_OFFSET,
                                   "expected an id of its own, found '%s' as layer %zu and layer "
                                   "%zu",
                                   quote(layer->id).text, (size_t)(twin - d->layers), i);
    }
    for (size_t i = 0; i < known_count; i++) {
        const struct qcow2_declared *twin = strmap_get(d->by_id, known[i]);
        if (strmap_put(d->others, known[i], d) || twin)
            return qcow2_fault_set(
                f, QCOW2_CHAIN_DUPLICATE, twin ? twin->name : "index", QCOW2_NO_OFFSET,
                "expected ids of their own, found '%s' twice in the index", quote(known[i]).text);
    }
    return 0;
}

/* Every layer has one parent at most, so a walk that meets its own trail is in a circle, and one
 * that meets an older trail ends where that one did. */
static int check_cycles(const struct declared *d, struct qcow2_fault *f)
{
    AUTO(mem) void *memory = mem_zalloc(d->count * sizeof(size_t));
    size_t *trail = memory; /* trail[i]: 1 + the layer whose walk came by */
    for (size_t i = 0; i < d->count; i++) {
        const struct qcow2_declared *at = &d->layers[i];
        while (at && !trail[at - d->layers]) {
            trail[at - d->layers] = i + 1;
            at = parent_of(d, (size_t)(at - d->layers));
        }
        if (at && trail[at - d->layers] == i + 1)
            return qcow2_fault_set(f, QCOW2_CHAIN_CYCLE, at->name, QCOW2_NO_OFFSET,
                                   "expected parents that lead to a full backup, found that those "
                                   "of '%s' lead back to itself",
                                   quote(at->id).text);
    }
    return 0;
}

static int check_order(const struct declared *d, struct qcow2_fault *f)
{
    for (size_t i = 0; i < d->count; i++) {
        const struct qcow2_declared *parent = parent_of(d, i);
        size_t at = parent ? (size_t)(parent - d->layers) : 0;
        if (parent && at > i)
            return qcow2_fault_set(f, QCOW2_CHAIN_ORDER, d->layers[i].name, QCOW2_NO_OFFSET,
                                   "expected the parent '%s' before layer %zu, found it as layer "
                                   "%zu",
                                   quote(parent->id).text, i, at);
    }
    return 0;
}

static int check_head(const struct qcow2_declared *head, struct qcow2_fault *f)
{
    if (head->parent)
        return qcow2_fault_set(f, QCOW2_CHAIN_HEAD, head->name, QCOW2_NO_OFFSET,
                               "expected a full backup as the first layer, found one with the "
                               "parent '%s'",
                               quote(head->parent).text);
    if (head->type == QCOW2_DECLARED_INCREMENT)
        return declared_fault(head, QCOW2_CHAIN_HEAD, f,
                              "expected a full backup as the first layer, found an increment");
    return 0;
}

static int check_type(const struct qcow2_declared *layer, struct qcow2_fault *f)
{
    if (layer->type == QCOW2_DECLARED_FULL)
        return declared_fault(layer, QCOW2_CHAIN_TYPE, f,
                              "expected an increment behind the first layer, found a full backup");
    if (layer->id && !layer->parent)
        return declared_fault(layer, QCOW2_CHAIN_TYPE, f,
                              "expected an increment behind the first layer, found one without a "
                              "parent");
    return 0;
}

static int check_parent(const struct declared *d, size_t i, struct qcow2_fault *f)
{
    const struct qcow2_declared *layer = &d->layers[i], *before = layer - 1;
    if (!layer->id)
        return 0;
    const struct qcow2_declared *parent = parent_of(d, i);
    if (parent == before)
        return 0;
    struct quoted found = quote(layer->parent), expected = quote(before->id ? before->id : "");
    if (parent)
        return qcow2_fault_set(f, QCOW2_CHAIN_PARENT, layer->name, QCOW2_NO_OFFSET,
                               "expected the layer before ('%s') as the parent, found '%s', which "
                               "is layer %zu",
                               expected.text, found.text, (size_t)(parent - d->layers));
    bool indexed = strmap_get(d->others, layer->parent);
    if (!before->id && !indexed)
        return 0; /* it may be the one before */
    return qcow2_fault_set(f, QCOW2_CHAIN_GAP, layer->name, QCOW2_NO_OFFSET,
                           "expected the layer before ('%s') as the parent, found '%s', which %s",
                           expected.text, found.text,
                           indexed ? "the index has, but not this list of layers"
                                   : "is not among the layers");
}

static int check_declared(struct declared *d, const char *const *known, size_t known_count,
                          struct qcow2_fault *f)
{
    if (check_duplicates(d, known, known_count, f) < 0 || check_cycles(d, f) < 0 ||
        check_order(d, f) < 0 || check_head(&d->layers[0], f) < 0)
        return -1;
    for (size_t i = 1; i < d->count; i++)
        if (check_type(&d->layers[i], f) < 0)
            return -1;
    for (size_t i = 1; i < d->count; i++)
        if (check_parent(d, i, f) < 0)
            return -1;
    return 0;
}

int qcow2_declared_check(const struct qcow2_declared *layers, size_t count,
                         const char *const *known, size_t known_count, struct qcow2_fault *retfault)
{
    if (count == 0)
        return qcow2_fault_set(retfault, QCOW2_CHAIN_EMPTY, "chain", QCOW2_NO_OFFSET,
                               "expected at least one layer, found none");
    AUTO(ids) struct strmap *by_id = strmap_create();
    AUTO(ids) struct strmap *others = strmap_create();
    struct declared d = {layers, count, by_id, others};
    return check_declared(&d, known, known_count, retfault);
}

/* ---- the files ---- */

static int check_length(const struct qcow2_declared *layer, const struct qcow2_io *io,
                        struct qcow2_fault *f)
{
    if (layer->length == QCOW2_LENGTH_UNKNOWN || layer->length == io->size)
        return 0;
    return qcow2_fault_set(f, QCOW2_LENGTH, layer->name, QCOW2_NO_OFFSET,
                           "expected %" PRIu64 " bytes, found %" PRIu64, layer->length, io->size);
}

static int digest_io(struct qcow2_io *io, char out[DIGEST_HEX], struct qcow2_fault *f)
{
    size_t room = io->size < DIGEST_PIECE ? (size_t)io->size : DIGEST_PIECE;
    AUTO(digest) struct digest *d = digest_create();
    AUTO(mem) void *piece = mem_alloc(room);
    for (uint64_t at = 0; at < io->size;) {
        size_t n = io->size - at < room ? (size_t)(io->size - at) : room;
        if (qcow2_io_read(io, at, piece, n, f) < 0)
            return -1;
        digest_add(d, piece, n);
        at += n;
    }
    digest_hex(d, out);
    return 0;
}

static int check_digest(const struct qcow2_declared *layer, struct qcow2_io *io,
                        struct qcow2_fault *f)
{
    char found[DIGEST_HEX];
    if (!layer->sha256)
        return 0;
    if (digest_io(io, found, f) < 0)
        return -1;
    if (strcasecmp(found, layer->sha256) == 0)
        return 0;
    return qcow2_fault_set(f, QCOW2_DIGEST, layer->name, QCOW2_NO_OFFSET,
                           "expected sha256 %s, found %s", quote(layer->sha256).text, found);
}

int qcow2_declared_check_file(const struct qcow2_declared *layer, struct qcow2_io *io,
                              struct qcow2_fault *retfault)
{
    if (check_length(layer, io, retfault) < 0)
        return -1;
    return check_digest(layer, io, retfault);
}

/* A length is cheap: all of them come before the first digest. */
static int check_files(const struct qcow2_declared *layers, struct qcow2_io *const *ios,
                       size_t count, struct qcow2_fault *f)
{
    for (size_t i = 0; i < count; i++)
        if (check_length(&layers[i], ios[i], f) < 0)
            return -1;
    for (size_t i = 0; i < count; i++)
        if (check_digest(&layers[i], ios[i], f) < 0)
            return -1;
    return 0;
}

/* ---- the chain ---- */

struct opened {
    struct qcow2_io **ios;       /* NULL: handed over to an image */
    struct qcow2_image **images; /* NULL: handed over to the chain */
    size_t count;
};

static void opened_finish(struct opened *o)
{
    for (size_t i = 0; i < o->count; i++) {
        qcow2_io_destroy(o->ios[i]);
        qcow2_image_destroy(o->images[i]);
    }
    free(o->ios);
    free(o->images);
}

static struct qcow2_chain *open_all(struct opened *o, const struct qcow2_policy *policy,
                                    const struct qcow2_chain_options *options,
                                    struct qcow2_fault *f)
{
    for (size_t i = 0; i < o->count; i++) {
        o->images[i] = qcow2_image_open(TAKE(o->ios[i]), policy, f);
        if (!o->images[i])
            return NULL;
    }
    struct qcow2_chain *chain = qcow2_chain_open(o->images, o->count, options, f);
    if (!chain)
        return NULL;
    chain->owns_layers = true;
    memset(o->images, 0, o->count * sizeof(struct qcow2_image *));
    return chain;
}

/* Whoever could not open it may have said why. */
static void *not_open(const struct qcow2_declared *layer, struct qcow2_fault *f)
{
    if (f && f->defect == QCOW2_OK)
        qcow2_fault_set(f, QCOW2_CHAIN_MISSING, layer->name, QCOW2_NO_OFFSET,
                        "the file is not open");
    return NULL;
}

struct qcow2_chain *qcow2_resolve(const struct qcow2_declared *layers, struct qcow2_io **ios_take,
                                  size_t count, const struct qcow2_policy *policy,
                                  const struct qcow2_chain_options *options,
                                  struct qcow2_fault *retfault)
{
    __attribute__((cleanup(opened_finish))) struct opened o = {0};
    o.ios = mem_dup(ios_take, count * sizeof(struct qcow2_io *));
    o.images = mem_zalloc(count * sizeof(struct qcow2_image *));
    o.count = count;
    for (size_t i = 0; i < count; i++)
        if (!ios_take[i])
            return not_open(&layers[i], retfault);
    if (qcow2_chain_check_count(count, options, retfault) < 0 ||
        qcow2_declared_check(layers, count, NULL, 0, retfault) < 0 ||
        check_files(layers, o.ios, count, retfault) < 0)
        return NULL;
    return open_all(&o, policy, options, retfault);
}
