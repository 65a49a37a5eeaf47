/* vmconform qcow2 compare: two disks, each a chain or a raw file, or one and the rule that knows
 * what it should hold. */
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/content.h"
#include "base/mem.h"
#include "fixtures/story.h"
#include "fixtures/verify.h"
#include "qcow2/compare.h"
#include "runner/commands.h"
#include "runner/qcow2/command.h"
#include "runner/qcow2/layers.h"

static const char usage_text[] =
    "usage: vmconform qcow2 compare [OPTIONS] LAYER... -- LAYER...\n"
    "       vmconform qcow2 compare [OPTIONS] LAYER... --rule RULE --at CHECKPOINT\n"
    "       vmconform qcow2 compare [OPTIONS] --manifest FILE [--disk NAME] -- LAYER...\n\n"
    "Compares two disks byte for byte; what both know to be zeros is not read. Each side is a "
    "chain, its\nlayers oldest first, or one raw file. The rule of a generated chain stands for "
    "the second side.\n\n"
    "exit status: 0 the same; 1 different; 2 usage, or a side that cannot be opened; 3 mapping "
    "tables that\ncannot be read; 4 data that cannot be read\n";

#define EXIT_TABLES 3
#define EXIT_DATA 4
#define RANGES_DEFAULT 16u
#define SECTOR 512u
#define BLOCK 4096u /* in which qcow2/compare.h counts */

struct compare {
    bool strict, json, help;
    uint64_t ranges;
    struct option_number threads;
    const char *rule, *at, *disk;
    struct layers_request sides[2];
    struct progress_options progress;
};

/* One side, whatever it is. */
struct side {
    struct layers layers;
    struct qcow2_chain_view chain;
    struct story *story;
    const struct disk_moment *moment;
    struct qcow2_moment_view rule;
    struct qcow2_view *view;
};

static void side_finish(struct side *s)
{
    layers_finish(&s->layers);
    story_destroy(s->story);
}

/* ---- opening ---- */

static int open_layers(struct side *s, const struct layers_request *r, bool json)
{
    struct qcow2_fault fault = {0};
    enum layers_result result = layers_open(&s->layers, r, &fault);

    if (result == LAYERS_OK) {
        s->view = qcow2_view_chain(&s->chain, s->layers.chain);
        return 0;
    }
    layers_fault(result, &s->layers, json, &fault);
    return result == LAYERS_TABLES ? EXIT_TABLES : EXIT_CANNOT_TELL;
}

static int open_rule(struct side *s, const struct compare *c)
{
    AUTO(err) struct err e = {0};

    s->story = story_read(c->rule, &e);
    if (!s->story) {
        command_error(&e);
        return EXIT_CANNOT_TELL;
    }
    s->moment = story_moment(s->story, c->disk, c->at);
    if (!s->moment)
        return command_mistake(
            "checkpoints are called F, I1, I2, ...; disks root, data, data2, ...",
            "the rule '%s' knows no checkpoint '%s' of disk '%s'", c->rule, c->at,
            c->disk ? c->disk : "root");
    s->view = qcow2_view_moment(&s->rule, s->moment);
    return 0;
}

/* ---- what differs ---- */

/* The first sector that differs, as `qemu-img compare` tells it: blocks are larger. */
static int first_difference(struct side *sides, const struct qcow2_difference *d, uint64_t *ret,
                            struct qcow2_fault *fault)
{
    uint64_t size_a = sides[0].view->size, size_b = sides[1].view->size;
    uint64_t size = size_a < size_b ? size_a : size_b;

    for (uint64_t at = d->start; at < d->start + d->len && at < size; at += SECTOR) {
        char a[SECTOR], b[SECTOR];
        size_t n = size - at < SECTOR ? (size_t)(size - at) : SECTOR;

        if (sides[0].view->ops->read(sides[0].view, at, a, n, fault) < 0 ||
            sides[1].view->ops->read(sides[1].view, at, b, n, fault) < 0)
            return -1;
        *ret = at;
        if (memcmp(a, b, n) != 0)
            return 0;
    }
    *ret = d->start < size ? size : d->start; /* behind the end of the shorter one */
    return 0;
}

/* "layer 3 (inc3.qcow2)", "a hole", "the rule". New. */
static char *origin(const struct side *s, uint32_t layer, bool zero, uint64_t at)
{
    if (at >= s->view->size)
        return mem_strdup("behind the end");
    if (s->moment)
        return mem_printf("the rule%s", zero ? " (zeros)" : "");
    if (layer == QCOW2_NO_LAYER)
        return mem_strdup("in no layer");
    AUTO(str) char *name = quoted_name(layers_name(&s->layers, layer));
    if (s->layers.raw)
        return mem_printf("%s%s", name, zero ? " (zeros)" : "");
    return mem_printf("layer %" PRIu32 " %s%s", layer, name, zero ? " (zeros)" : "");
}

static json_t *origin_json(const struct side *s, uint32_t layer, bool zero, uint64_t at)
{
    json_t *one = json_pack("{s:b}", "zero", zero);
    const char *name = layers_name(&s->layers, layer);

    if (at >= s->view->size) {
        json_object_set_new(one, "behind-end", json_true());
        return one;
    }
    if (s->moment)
        json_object_set_new(one, "rule", json_true());
    else if (layer == QCOW2_NO_LAYER)
        json_object_set_new(one, "layer", json_null());
    else
        json_object_set_new(one, "layer", json_u64(layer));
    if (!s->moment && layer != QCOW2_NO_LAYER)
        json_object_set_new(one, "file", json_name(name, strlen(name)));
    return one;
}

static void show_difference(struct side *sides, const struct qcow2_difference *d)
{
    AUTO(str) char *a = origin(&sides[0], d->layer_a, d->zero_a, d->start);
    AUTO(str) char *b = origin(&sides[1], d->layer_b, d->zero_b, d->start);

    printf("  bytes %" PRIu64 " to %" PRIu64 ": %s | %s\n", d->start, d->start + d->len - 1, a, b);
}

/* What the rule's blocks should hold, and what stands there instead. "" for two files; NULL when
 * the first side cannot be read. New. */
static char *explain(struct side *sides, const struct compare *c, struct qcow2_fault *fault)
{
    AUTO(verify) struct verify_report r = {0};
    const struct disk_model *model = NULL;

    if (!sides[1].moment)
        return mem_strdup("");
    model = story_disk(sides[1].story, c->disk);
    if (disk_verify(sides[0].view, model, sides[1].moment, c->ranges ? (size_t)c->ranges : 1, &r,
                    fault) < 0)
        return NULL;
    return verify_text(&r);
}

/* ---- telling ---- */

struct outcome {
    const struct compare *c;
    struct side *sides;
    struct qcow2_comparison found;
    bool same;
    uint64_t first;    /* the first sector that differs; when bytes do */
    char *explanation; /* owned */
};

static json_t *ranges_json(const struct outcome *o)
{
    json_t *all = json_array();

    for (size_t i = 0; i < o->found.count && i < o->c->ranges; i++) {
        const struct qcow2_difference *d = &o->found.items[i];

        json_array_append_new(
            all, json_pack("{s:o, s:o, s:o, s:o}", "start", json_u64(d->start), "length",
                           json_u64(d->len), "a",
                           origin_json(&o->sides[0], d->layer_a, d->zero_a, d->start), "b",
                           origin_json(&o->sides[1], d->layer_b, d->zero_b, d->start)));
    }
    return all;
}

static bool more_ranges(const struct outcome *o)
{
    return o->found.more || o->found.count > o->c->ranges;
}

static void show_json(const struct outcome *o)
{
    const struct qcow2_comparison *f = &o->found;
    json_t *all = json_pack(
        "{s:b, s:o, s:o, s:o, s:o, s:o, s:b}", "same", o->same, "size-a", json_u64(f->size_a),
        "size-b", json_u64(f->size_b), "bytes-read", json_u64(f->bytes_read), "bytes-differing",
        json_u64(f->bytes_differing), "differences", ranges_json(o), "more", more_ranges(o));

    if (f->bytes_differing)
        json_object_set_new(all, "first-difference", json_u64(o->first));
    if (*o->explanation)
        json_object_set_new(all, "explanation", json_name(o->explanation, strlen(o->explanation)));
    print_json_take(all);
}

static void show_text(const struct outcome *o)
{
    const struct qcow2_comparison *f = &o->found;
    AUTO(str) char *bytes = size_text(f->bytes_differing);

    if (f->bytes_differing)
        printf("Content mismatch at offset %" PRIu64 "!\n", o->first);
    else
        puts(o->same ? "Images are identical." : "Strict mode: Image size mismatch!");
    for (size_t i = 0; i < f->count && i < o->c->ranges; i++)
        show_difference(o->sides, &f->items[i]);
    if (more_ranges(o))
        puts("  ... and more");
    if (f->bytes_differing)
        printf("%s differ, in whole blocks\n", bytes);
    if (*o->explanation)
        puts(o->explanation);
}

static void tell_sizes(const struct outcome *o)
{
    if (o->found.size_a != o->found.size_b)
        fprintf(stderr, "vmconform: warning: the sizes differ: %" PRIu64 " and %" PRIu64 " bytes\n",
                o->found.size_a, o->found.size_b);
}

/* ---- comparing ---- */

/* A block in which the shorter disk ends is one difference, though what follows in the longer one
 * may be the zeros that count as the same: the range ends with the disk then. */
static int clip_last_block(struct outcome *o, struct qcow2_fault *fault)
{
    struct qcow2_comparison *f = &o->found;
    struct qcow2_view *longer = o->sides[f->size_a > f->size_b ? 0 : 1].view;
    uint64_t shorter = f->size_a < f->size_b ? f->size_a : f->size_b;
    char rest[BLOCK];

    for (size_t i = 0; i < f->count; i++) {
        struct qcow2_difference *d = &f->items[i];
        uint64_t end = d->start + d->len;
        size_t n = end > shorter && end - shorter < BLOCK ? (size_t)(end - shorter) : 0;

        if (n == 0 || d->start >= shorter)
            continue;
        if (longer->ops->read(longer, shorter, rest, n, fault) < 0)
            return -1;
        if (!content_is_zero(rest, n))
            continue;
        d->len -= n;
        f->bytes_differing -= n;
    }
    return 0;
}

static int run(struct outcome *o, struct qcow2_fault *fault)
{
    struct progress progress = progress_start(&o->c->progress, "compare");
    struct qcow2_compare_options options = {
        .ranges_max = o->c->ranges ? (size_t)o->c->ranges : 1,
        .tails = true,
        .threads = o->c->threads.given ? (unsigned)o->c->threads.value : threads_default(),
        .progress = progress_show,
        .progress_arg = &progress};
    int r = qcow2_compare(o->sides[0].view, o->sides[1].view, &options, &o->found, fault);

    progress_end(&progress);
    if (r < 0 || clip_last_block(o, fault) < 0)
        return -1;
    o->same =
        o->found.bytes_differing == 0 && (!o->c->strict || o->found.size_a == o->found.size_b);
    if (o->found.count > 0 && first_difference(o->sides, &o->found.items[0], &o->first, fault) < 0)
        return -1;
    o->explanation = o->found.bytes_differing ? explain(o->sides, o->c, fault) : mem_strdup("");
    return o->explanation ? 0 : -1;
}

static void tell_failure(const struct compare *c, const struct side *sides,
                         struct qcow2_fault *fault)
{
    size_t a = sides[0].layers.count, b = sides[1].layers.count;
    AUTO(mem) void *memory = mem_alloc((a + b + 1) * sizeof(const char *));
    const char **files = memory;

    for (size_t i = 0; i < a + b; i++)
        files[i] = i < a ? sides[0].layers.names[i] : sides[1].layers.names[i - a];
    command_refusal(c->json, files, a + b, fault);
}

static int compare_sides(const struct compare *c, struct side *sides)
{
    struct outcome o = {.c = c, .sides = sides};
    struct qcow2_fault fault = {0};
    int status;

    if (run(&o, &fault) < 0) {
        tell_failure(c, sides, &fault);
        status = EXIT_DATA;
    } else {
        tell_sizes(&o);
        if (c->json)
            show_json(&o);
        else
            show_text(&o);
        status = o.same ? 0 : 1;
    }
    qcow2_comparison_finish(&o.found);
    free(o.explanation);
    return status;
}

static int open_and_compare(struct compare *c)
{
    struct side sides[2] = {0};
    int status = open_layers(&sides[0], &c->sides[0], c->json);

    c->sides[1].open_already = sides[0].layers.count;
    if (status == 0)
        status = c->rule ? open_rule(&sides[1], c) : open_layers(&sides[1], &c->sides[1], c->json);
    if (status == 0)
        status = compare_sides(c, sides);
    side_finish(&sides[0]);
    side_finish(&sides[1]);
    return status;
}

/* ---- the command line ---- */

static int check_rule(const struct compare *c)
{
    if (c->rule && !c->at)
        return command_mistake("--at names the checkpoint: F, I1, I2, ...", "--rule wants --at");
    if (c->at && !c->rule)
        return command_mistake(NULL, "--at goes with --rule");
    if (c->rule && c->sides[1].count > 0)
        return command_mistake(NULL, "the rule is the second side, but '%s' is one too",
                               c->sides[1].operands[0]);
    if (c->disk && !c->rule && !c->sides[0].manifest)
        return command_mistake(NULL, "--disk goes with --manifest or --rule");
    return -1;
}

static int check_sides(const struct compare *c)
{
    const char *hint = "vmconform qcow2 compare LAYER... -- LAYER...";

    if (c->sides[0].manifest && c->sides[0].count > 0)
        return command_mistake(NULL, "the manifest is the first side, but '%s' is one too",
                               c->sides[0].operands[0]);
    if (!c->sides[0].manifest && c->sides[0].count == 0)
        return command_mistake(hint, "there is no first side");
    if (!c->rule && c->sides[1].count == 0)
        return command_mistake(hint, "there is no second side: no layer behind a '--'");
    return -1;
}

/* With a manifest the first side needs no operands, and so no "--". */
static void split_operands(struct compare *c, const struct operands *o)
{
    size_t first = o->split >= 0 ? (size_t)o->split : c->sides[0].manifest ? 0 : o->count;

    c->sides[0].operands = o->items;
    c->sides[0].count = first;
    c->sides[1].operands = o->items + first;
    c->sides[1].count = o->count - first;
    c->sides[0].disk = c->sides[0].manifest ? c->disk : NULL;
    c->sides[1].ignore_backing = c->sides[0].ignore_backing;
    c->sides[0].detect_raw = c->sides[1].detect_raw = true;
}

int qcow2_compare_command(int argc, char **argv)
{
    struct compare c = {.ranges = RANGES_DEFAULT};
    const struct option_spec specs[] = {
        {"--strict", 's', OPTION_FLAG, &c.strict, NULL,
         "other sizes are a difference, even when the rest is zeros"},
        {"--ranges", 0, OPTION_COUNT, &c.ranges, "N", "differences shown (default 16)"},
        {"--rule", 0, OPTION_TEXT, &c.rule, "FILE",
         "the second side is what a generated chain's rule says"},
        {"--at", 0, OPTION_TEXT, &c.at, "CHECKPOINT", "of the rule: F, I1, I2, ..."},
        {"--manifest", 0, OPTION_TEXT, &c.sides[0].manifest, "FILE",
         "the first side are the layers of a backup"},
        {"--disk", 0, OPTION_TEXT, &c.disk, "NAME", "of the manifest and the rule"},
        {"--ignore-backing", 0, OPTION_FLAG, &c.sides[0].ignore_backing, NULL,
         "the first layer may name a backing file; what it lacks is zeros"},
        {"--threads", 0, OPTION_NUMBER, &c.threads, "N", "default: 2, or 1 on one processor"},
        PROGRESS_OPTIONS(&c.progress),
        {"--json", 0, OPTION_FLAG, &c.json, NULL, "as JSON"},
        HELP_OPTION(&c.help),
        END_OF_OPTIONS,
    };
    struct operands o;
    struct err e = {0};
    int status = command_options(usage_text, specs, &c.help, argc, argv, &o);

    if (status >= 0)
        return status;
    if (threads_check(&c.threads, &e) < 0) {
        command_error(&e);
        return EXIT_CANNOT_TELL;
    }
    split_operands(&c, &o);
    status = check_rule(&c);
    if (status < 0)
        status = check_sides(&c);
    return status >= 0 ? status : open_and_compare(&c);
}
