#include "base/src_run.h"

#include <assert.h>

#include "base/mem.h"

/* The last run that begins at the offset or before it. */
static size_t run_of(const struct src_run *runs, size_t count, size_t offset)
{
    size_t low = 0, high = count;

    assert(count > 0);
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;

        if (runs[middle].offset <= offset)
            low = middle;
        else
            high = middle;
    }
    return low;
}

struct src_pos src_runs_pos(const struct src_run *runs, size_t count, size_t offset)
{
    const struct src_run *r = &runs[run_of(runs, count, offset)];
    struct src_pos pos = r->pos;

    if (offset > r->offset)
        pos.col += (uint32_t)(offset - r->offset);
    return pos;
}

struct src_run *src_runs_part(const struct src_run *runs, size_t count, size_t offset, size_t len,
                              size_t *ret_count)
{
    size_t first = run_of(runs, count, offset), last = run_of(runs, count, offset + len);
    struct src_run *part = mem_reallocarray(NULL, last - first + 1, sizeof *part);

    part[0] = (struct src_run){0, src_runs_pos(runs, count, offset)};
    for (size_t i = first + 1; i <= last; i++)
        part[i - first] = (struct src_run){runs[i].offset - offset, runs[i].pos};
    *ret_count = last - first + 1;
    return part;
}
