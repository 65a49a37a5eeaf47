#include "qcow2/compare.h"

#include "base/mem.h"
#include "qcow2/compare_priv.h"

/* Two of them fit into the second-level cache of one core, with room for what else is in use. */
#define WINDOW_BYTES (128u << 10)
#define STRIPE_BYTES (8u << 20)
#define BLOCK_DEFAULT 4096u
#define RANGES_DEFAULT 1000u

static int compare_alone(const struct comparer *plan, const struct qcow2_compare_options *options,
                         struct qcow2_comparison *out, struct qcow2_fault *retfault)
{
    struct comparer c;
    int r = 0;
    comparer_init(&c, plan, plan->a, plan->b);
    for (uint64_t i = 0; r == 0 && i < comparer_stripes(plan); i++) {
        r = compare_stripe(&c, i, out, retfault);
        if (r == 0 && options->progress)
            options->progress(options->progress_arg, comparer_end(plan, i), plan->total);
    }
    comparer_finish(&c);
    return r;
}

static uint32_t whole_blocks(uint32_t bytes, uint32_t block)
{
    return bytes < block ? block : bytes / block * block;
}

static struct comparer plan_for(struct qcow2_view *a, struct qcow2_view *b,
                                const struct qcow2_compare_options *o)
{
    struct comparer plan = {.a = a, .b = b};
    uint64_t shorter = a->size < b->size ? a->size : b->size;
    uint64_t longer = a->size < b->size ? b->size : a->size;
    plan.total = o->tails ? longer : shorter;
    plan.block = o->block_bytes ? o->block_bytes : BLOCK_DEFAULT;
    plan.ranges_max = o->ranges_max ? o->ranges_max : RANGES_DEFAULT;
    plan.window = whole_blocks(WINDOW_BYTES, plan.block);
    plan.stripe = whole_blocks(STRIPE_BYTES, plan.block);
    return plan;
}

int qcow2_compare(struct qcow2_view *a, struct qcow2_view *b,
                  const struct qcow2_compare_options *options, struct qcow2_comparison *ret,
                  struct qcow2_fault *retfault)
{
    static const struct qcow2_compare_options defaults = {0};
    const struct qcow2_compare_options *o = options ? options : &defaults;
    struct comparer plan = plan_for(a, b, o);
    struct qcow2_comparison out = {.size_a = a->size, .size_b = b->size};
    int r;
    if (o->threads < 2 || !compare_threads(&plan, o, &out, &r, retfault))
        r = compare_alone(&plan, o, &out, retfault);
    if (r < 0)
        qcow2_comparison_finish(&out);
    else
        *ret = out;
    return r;
}

bool qcow2_comparison_same(const struct qcow2_comparison *c)
{
    return c->size_a == c->size_b && c->bytes_differing == 0;
}

void qcow2_comparison_finish(struct qcow2_comparison *c)
{
    free(c->items);
    *c = (struct qcow2_comparison){0};
}
