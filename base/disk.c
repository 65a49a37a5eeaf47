#include "base/disk.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "base/strmap.h"

/* One extent of a persistent treap, ordered by block. A node with more than one reference is never
 * changed: whoever wants to change it makes a copy first (node_own). Priorities come from the count
 * of nodes made, so that equal stories give equal trees. */
struct node {
    struct node *left, *right;
    uint64_t refs;
    uint64_t priority;
    uint64_t block, count;
    struct disk_content content;
};

struct disk_moment {
    uint64_t refs;
    char *name;
    struct node *root;
    uint64_t blocks;
    uint32_t version;
};

struct disk_model {
    uint64_t seed, blocks;
    uint32_t version;
    uint64_t nodes_made;
    struct node *root;
    struct disk_moment **moments; /* in order; each one reference */
    size_t moment_count, moment_cap;
    struct strmap *by_name;
};

/* ---- the tree ---- */

static struct node *node_ref(struct node *n)
{
    if (n)
        n->refs++;
    return n;
}

static void node_unref(struct node *n)
{
    assert(!n || n->refs > 0);
    while (n && --n->refs == 0) {
        struct node *right = n->right;
        node_unref(n->left); /* depth of a treap: logarithmic */
        free(n);
        n = right;
    }
}

/* splitmix64's finish: well spread priorities from a counter. */
static uint64_t mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static struct node *node_create(struct disk_model *d, uint64_t block, uint64_t count,
                                struct disk_content content)
{
    struct node *n = mem_zalloc(sizeof *n);
    assert(count > 0);
    n->refs = 1;
    n->priority = mix(d->nodes_made++);
    n->block = block;
    n->count = count;
    n->content = content;
    return n;
}

/* Consumes a reference and returns a node that only the caller holds. */
static struct node *node_own(struct node *n)
{
    assert(n->refs > 0);
    if (n->refs == 1)
        return n;
    struct node *copy = mem_dup(n, sizeof *n);
    copy->refs = 1;
    node_ref(copy->left);
    node_ref(copy->right);
    n->refs--;
    return copy;
}

/* Every key of a is below every key of b. Consumes both. */
static struct node *tree_join(struct node *a, struct node *b)
{
    if (!a)
        return b;
    if (!b)
        return a;
    assert(a->block + a->count <= b->block);
    if (a->priority >= b->priority) {
        a = node_own(a);
        a->right = tree_join(a->right, b);
        return a;
    }
    b = node_own(b);
    b->left = tree_join(a, b->left);
    return b;
}

/* Splits at `block`: what begins before it, and the rest. An extent across the cut becomes two.
 * Consumes n. */
static void tree_split(struct disk_model *d, struct node *n, uint64_t block, struct node **ret_low,
                       struct node **ret_high)
{
    if (!n) {
        *ret_low = *ret_high = NULL;
        return;
    }
    n = node_own(n);
    if (n->block >= block) {
        tree_split(d, n->left, block, ret_low, &n->left);
        *ret_high = n;
        return;
    }
    if (n->block + n->count <= block) {
        tree_split(d, n->right, block, &n->right, ret_high);
        *ret_low = n;
        return;
    }
    struct node *tail = node_create(d, block, n->block + n->count - block, n->content);
    *ret_high = tree_join(tail, n->right);
    n->count = block - n->block;
    n->right = NULL;
    *ret_low = n;
    assert(n->count > 0);
    assert(tail->count > 0);
}

/* The last extent that begins at or before `block`, and the start of the next one (UINT64_MAX:
 * none). */
static const struct node *tree_floor(const struct node *n, uint64_t block, uint64_t *ret_next)
{
    const struct node *best = NULL;
    *ret_next = UINT64_MAX;
    while (n) {
        if (n->block <= block) {
            best = n;
            n = n->right;
        } else {
            *ret_next = n->block;
            n = n->left;
        }
    }
    return best;
}

static void cut_range(struct disk_model *d, uint64_t block, uint64_t count, struct node **ret_low,
                      struct node **ret_high)
{
    struct node *rest, *gone;
    tree_split(d, d->root, block, ret_low, &rest);
    tree_split(d, rest, block + count, &gone, ret_high);
    node_unref(gone);
    d->root = NULL;
}

static uint32_t put(struct disk_model *d, uint64_t block, uint64_t count,
                    struct disk_content content)
{
    assert(count <= d->blocks);
    assert(block <= d->blocks - count);
    if (count == 0)
        return d->version;
    struct node *low, *high;
    cut_range(d, block, count, &low, &high);
    struct node *n = node_create(d, block, count, content);
    d->root = tree_join(tree_join(low, n), high);
    return d->version;
}

static uint32_t next_version(struct disk_model *d)
{
    assert(d->version < UINT32_MAX);
    return ++d->version;
}

/* ---- the disk ---- */

struct disk_model *disk_create(uint64_t seed, uint64_t blocks)
{
    struct disk_model *d = mem_zalloc(sizeof *d);
    d->seed = seed;
    d->blocks = blocks;
    d->by_name = strmap_create();
    return d;
}

struct disk_model *disk_create_from(const struct disk_moment *moment, uint64_t seed)
{
    struct disk_model *d = disk_create(seed, moment->blocks);
    d->root = node_ref(moment->root);
    d->version = moment->version;
    return d;
}

void disk_destroy(struct disk_model *d)
{
    if (!d)
        return;
    for (size_t i = 0; i < d->moment_count; i++)
        disk_moment_unref(d->moments[i]);
    free(d->moments);
    strmap_destroy(d->by_name, NULL);
    node_unref(d->root);
    free(d);
}

uint64_t disk_seed(const struct disk_model *d)
{
    return d->seed;
}

uint64_t disk_blocks(const struct disk_model *d)
{
    return d->blocks;
}

uint32_t disk_write(struct disk_model *d, uint64_t block, uint64_t count)
{
    if (count == 0)
        return d->version;
    uint32_t version = next_version(d);
    return put(d, block, count, (struct disk_content){d->seed, version, version});
}

uint32_t disk_zero(struct disk_model *d, uint64_t block, uint64_t count)
{
    if (count == 0)
        return d->version;
    uint32_t stamp = next_version(d);
    return put(d, block, count, (struct disk_content){0, CONTENT_VERSION_NEVER, stamp});
}

uint32_t disk_adopt(struct disk_model *d, uint64_t block, uint64_t count, uint64_t seed,
                    uint32_t version)
{
    if (count == 0)
        return d->version;
    uint32_t stamp = next_version(d);
    return put(d, block, count, (struct disk_content){version ? seed : 0, version, stamp});
}

void disk_resize(struct disk_model *d, uint64_t blocks)
{
    if (blocks < d->blocks) {
        struct node *low, *high;
        tree_split(d, d->root, blocks, &low, &high);
        node_unref(high);
        d->root = low;
    }
    d->blocks = blocks;
}

void disk_revert(struct disk_model *d, const struct disk_moment *moment)
{
    struct node *old = d->root;
    d->root = node_ref(moment->root);
    d->blocks = moment->blocks;
    node_unref(old);
}

/* ---- moments ---- */

static struct disk_moment *moment_create(const struct disk_model *d, const char *name)
{
    struct disk_moment *m = mem_zalloc(sizeof *m);
    m->refs = 1;
    m->name = mem_strdup(name);
    m->root = node_ref(d->root);
    m->blocks = d->blocks;
    m->version = d->version;
    return m;
}

struct disk_moment *disk_checkpoint(struct disk_model *d, const char *name)
{
    disk_forget(d, name);
    struct disk_moment *m = moment_create(d, name);
    d->moments = mem_grow(d->moments, &d->moment_cap, d->moment_count + 1, sizeof(*d->moments));
    assert(!d->moment_count || d->moments[d->moment_count - 1]->version <= m->version);
    d->moments[d->moment_count++] = m;
    strmap_put(d->by_name, name, m);
    return m;
}

struct disk_moment *disk_find(const struct disk_model *d, const char *name)
{
    return strmap_get(d->by_name, name);
}

bool disk_forget(struct disk_model *d, const char *name)
{
    struct disk_moment *m = strmap_remove(d->by_name, name);
    if (!m)
        return false;
    size_t i = 0;
    while (i < d->moment_count && d->moments[i] != m)
        i++;
    assert(i < d->moment_count); /* what has a name is in the list */
    d->moment_count--;
    memmove(&d->moments[i], &d->moments[i + 1], (d->moment_count - i) * sizeof(*d->moments));
    disk_moment_unref(m);
    return true;
}

size_t disk_checkpoint_count(const struct disk_model *d)
{
    return d->moment_count;
}

struct disk_moment *disk_checkpoint_at(const struct disk_model *d, size_t index)
{
    assert(index < d->moment_count);
    return d->moments[index];
}

struct disk_moment *disk_now(const struct disk_model *d)
{
    return moment_create(d, "");
}

struct disk_moment *disk_moment_ref(struct disk_moment *m)
{
    assert(m->refs > 0);
    m->refs++;
    return m;
}

void disk_moment_unref(struct disk_moment *m)
{
    if (!m || --m->refs > 0)
        return;
    node_unref(m->root);
    free(m->name);
    free(m);
}

const char *disk_moment_name(const struct disk_moment *m)
{
    return m->name;
}

uint64_t disk_moment_blocks(const struct disk_moment *m)
{
    return m->blocks;
}

uint32_t disk_moment_version(const struct disk_moment *m)
{
    return m->version;
}

struct disk_run disk_run_at(const struct disk_moment *m, uint64_t block)
{
    assert(block < m->blocks);
    uint64_t next;
    const struct node *n = tree_floor(m->root, block, &next);
    struct disk_run run = {.block = block};
    if (n && block - n->block < n->count) {
        run.count = n->count - (block - n->block);
        run.content = n->content;
    } else {
        run.count = (next < m->blocks ? next : m->blocks) - block;
    }
    assert(run.count > 0);
    return run;
}

uint32_t disk_version_at(const struct disk_moment *m, uint64_t block)
{
    return disk_run_at(m, block).content.version;
}

void disk_fill(const struct disk_moment *m, uint64_t block, void *out)
{
    disk_read(m, block * DISK_BLOCK, out, DISK_BLOCK);
}

/* The bytes of one run, which is not zeros. */
static void read_run(const struct disk_run *run, uint64_t offset, char *out, size_t len)
{
    char block[DISK_BLOCK];
    while (len > 0) {
        size_t skip = offset % DISK_BLOCK;
        size_t n = DISK_BLOCK - skip < len ? DISK_BLOCK - skip : len;
        char *to = n == DISK_BLOCK ? out : block;
        content_fill(run->content.seed, offset / DISK_BLOCK, run->content.version, to);
        if (to == block)
            memcpy(out, block + skip, n);
        out += n;
        offset += n;
        len -= n;
    }
}

void disk_read(const struct disk_moment *m, uint64_t offset, void *buf, size_t len)
{
    char *out = buf;
    while (len > 0 && offset / DISK_BLOCK < m->blocks) {
        struct disk_run run = disk_run_at(m, offset / DISK_BLOCK);
        uint64_t end = (run.block + run.count) * DISK_BLOCK;
        size_t n = end - offset < len ? (size_t)(end - offset) : len;
        if (run.content.version == CONTENT_VERSION_NEVER)
            memset(out, 0, n);
        else
            read_run(&run, offset, out, n);
        out += n;
        offset += n;
        len -= n;
    }
    memset(out, 0, len);
}

uint64_t disk_byte_run(const struct disk_moment *m, uint64_t offset, bool *ret_zero)
{
    struct disk_run run = disk_run_at(m, offset / DISK_BLOCK);
    *ret_zero = run.content.version == CONTENT_VERSION_NEVER;
    return (run.block + run.count) * DISK_BLOCK - offset;
}

/* ---- differences ---- */

/* The run of m at block; past the end of m, or without m, blocks were never written. */
static struct disk_run run_or_never(const struct disk_moment *m, uint64_t block)
{
    if (m && block < m->blocks)
        return disk_run_at(m, block);
    return (struct disk_run){.block = block, .count = UINT64_MAX - block};
}

static bool content_same_story(struct disk_content a, struct disk_content b)
{
    return a.seed == b.seed && a.version == b.version && a.stamp == b.stamp;
}

bool disk_next_change(const struct disk_moment *from, const struct disk_moment *to, uint64_t *at,
                      struct disk_run *ret)
{
    while (*at < to->blocks) {
        struct disk_run now = disk_run_at(to, *at);
        struct disk_run before = run_or_never(from, *at);
        if (before.count < now.count)
            now.count = before.count;
        *at += now.count;
        if (content_same_story(before.content, now.content))
            continue;
        *ret = now;
        return true;
    }
    return false;
}

static bool reads_same(struct disk_content a, struct disk_content b)
{
    if (a.version == 0 || b.version == 0)
        return a.version == b.version;
    return a.seed == b.seed && a.version == b.version;
}

bool disk_moment_same(const struct disk_moment *a, const struct disk_moment *b)
{
    if (a->blocks != b->blocks)
        return false;
    for (uint64_t at = 0; at < a->blocks;) {
        struct disk_run x = disk_run_at(a, at);
        struct disk_run y = disk_run_at(b, at);
        if (!reads_same(x.content, y.content))
            return false;
        at += x.count < y.count ? x.count : y.count;
    }
    return true;
}
