#include "base/disk_compare.h"

#include <inttypes.h>
#include <string.h>

#include "base/strbuf.h"

#define EXPLAINED_MAX 4u

static struct disk_run run_or_zeros(const struct disk_moment *m, uint64_t block)
{
    if (block < disk_moment_blocks(m))
        return disk_run_at(m, block);
    return (struct disk_run){.block = block, .count = UINT64_MAX - block};
}

static bool reads_same(struct disk_content a, struct disk_content b)
{
    if (a.version == CONTENT_VERSION_NEVER || b.version == CONTENT_VERSION_NEVER)
        return a.version == b.version;
    return a.seed == b.seed && a.version == b.version;
}

bool disk_next_difference(const struct disk_moment *want, const struct disk_moment *got,
                          uint64_t *at, struct disk_difference *ret)
{
    uint64_t end = disk_moment_blocks(want), other = disk_moment_blocks(got);
    if (other > end)
        end = other;
    while (*at < end) {
        struct disk_run a = run_or_zeros(want, *at), b = run_or_zeros(got, *at);
        uint64_t count = a.count < b.count ? a.count : b.count;
        if (count > end - *at)
            count = end - *at;
        *ret = (struct disk_difference){*at, count, a.content, b.content};
        *at += count;
        if (!reads_same(a.content, b.content))
            return true;
    }
    return false;
}

/* ---- words ---- */

/* The last checkpoint of the known disks at which the block held this content; NULL when none did.
 */
static const char *last_seen(const struct disk_content *content, uint64_t block,
                             const struct disk_model *const *known, size_t known_count)
{
    for (size_t k = 0; k < known_count; k++) {
        for (size_t i = disk_checkpoint_count(known[k]); i > 0; i--) {
            const struct disk_moment *m = disk_checkpoint_at(known[k], i - 1);
            if (reads_same(run_or_zeros(m, block).content, *content))
                return disk_moment_name(m);
        }
    }
    return NULL;
}

static bool is_of_known(const struct disk_content *content, const struct disk_model *const *known,
                        size_t known_count)
{
    for (size_t k = 0; k < known_count; k++) {
        if (disk_seed(known[k]) == content->seed)
            return true;
    }
    return known_count == 0;
}

static void say_content(struct strbuf *out, const struct disk_content *content,
                        const struct disk_model *const *known, size_t known_count)
{
    if (content->version == CONTENT_VERSION_NEVER)
        strbuf_addstr(out, content->stamp ? "zeros (discarded)" : "zeros");
    else if (is_of_known(content, known, known_count))
        strbuf_addf(out, "write %" PRIu32, content->version);
    else
        strbuf_addf(out, "write %" PRIu32 " of another disk", content->version);
}

static void say_difference(struct strbuf *out, const struct disk_difference *d,
                           const struct disk_model *const *known, size_t known_count)
{
    if (d->count == 1)
        strbuf_addf(out, "block %" PRIu64 " holds ", d->block);
    else
        strbuf_addf(out, "blocks %" PRIu64 " to %" PRIu64 " hold ", d->block,
                    d->block + d->count - 1);
    say_content(out, &d->got, known, known_count);
    const char *name = last_seen(&d->got, d->block, known, known_count);
    if (name)
        strbuf_addf(out, ", last seen at '%s',", name);
    strbuf_addstr(out, " instead of ");
    say_content(out, &d->want, known, known_count);
}

char *disk_explain(const struct disk_moment *want, const struct disk_moment *got,
                   const struct disk_model *const *known, size_t known_count)
{
    struct strbuf out = {0};
    struct disk_difference d;
    uint64_t at = 0, blocks = 0;
    size_t said = 0;
    if (disk_moment_blocks(want) != disk_moment_blocks(got)) {
        strbuf_addf(&out, "the disk has %" PRIu64 " blocks instead of %" PRIu64,
                    disk_moment_blocks(got), disk_moment_blocks(want));
        said = 1;
    }
    while (disk_next_difference(want, got, &at, &d)) {
        if (said < EXPLAINED_MAX) {
            strbuf_addstr(&out, said ? "; " : "");
            say_difference(&out, &d, known, known_count);
            said++;
        } else {
            blocks += d.count;
        }
    }
    if (blocks)
        strbuf_addf(&out, "; and %" PRIu64 " more blocks differ", blocks);
    return said ? strbuf_take(&out) : NULL;
}
