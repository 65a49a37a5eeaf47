#include "runner/worker.h"

#include <errno.h>
#include <malloc.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fdio.h"
#include "base/folder.h"
#include "base/json.h"
#include "base/json_heap.h"
#include "base/mem.h"
#include "runner/case.h"
#include "runner/given.h"
#include "runner/interleave.h"
#include "runner/sandbox.h"
#include "runner/sweep.h"

struct worker_state {
    const struct collection *collection;
    const struct pool_options *options;
    struct abilities abilities;
    char *dir;
    int to;
};

static bool unit_needs(const struct unit *u, const char *what);
static bool wants_images(const struct unit *u);

/* NULL: the case has no images. */
static const char *engine_of(const struct unit *u, const struct pool_options *options)
{
    return wants_images(u) ? options->engine : NULL;
}

struct result_case *worker_blank_result(const struct planned_case *c,
                                        const struct pool_options *options)
{
    return case_blank_result(c->unit, c->values,
                             &(struct replay){.seed = options->seed,
                                              .outside = options->outside,
                                              .engine = engine_of(c->unit, options),
                                              .pods = options->pods});
}

/* ---- folders ---- */

char *worker_dir(const char *run_dir, long pid)
{
    return mem_printf("%s/worker-%ld", run_dir, pid);
}

static bool unit_needs(const struct unit *u, const char *what)
{
    size_t i;
    json_t *v;

    json_array_foreach(u->needs, i, v) if (strcmp(json_string_value(v), what) == 0) return true;
    for (i = 0; i < u->given_count; i++)
        if (u->givens[i].fixture && unit_needs(u->givens[i].fixture, what))
            return true;
    return false;
}

/* Chains are restored, and so is what was backed up. */
static bool wants_images(const struct unit *u)
{
    for (size_t i = 0; i < u->given_count; i++)
        if (u->givens[i].item == &given_chain || u->givens[i].item == &given_backups ||
            u->givens[i].item == &given_velero ||
            (u->givens[i].fixture && wants_images(u->givens[i].fixture)))
            return true;
    return unit_needs(u, "qemu-img") || unit_needs(u, "native");
}

static bool other_engine(const struct worker_state *w, const struct unit *u, const char *engine)
{
    return unit_needs(u, engine) && strcmp(w->options->engine, engine) != 0;
}

static const char *missing_need(const struct worker_state *w, const struct unit *u)
{
    if (unit_needs(u, "qemu-img") && !w->abilities.qemu_img)
        return "qemu-img is not installed (package qemu-utils)";
    if (other_engine(w, u, "qemu-img"))
        return "it is about qemu-img, and another engine restores images (--engine)";
    if (other_engine(w, u, "native"))
        return "it is about the native engine, and another one restores images (--engine)";
    if (unit_needs(u, "tmpfs") && !w->abilities.tmpfs)
        return w->abilities.why_no_tmpfs;
    if (unit_needs(u, "root") && !w->abilities.root)
        return "not running as root";
    return NULL;
}

/* ---- cases ---- */

static void write_all(int fd, const char *data, size_t len)
{
    if (fdio_write(fd, data, len) < 0)
        _exit(1);
}

static void send_result(struct worker_state *w, const struct result_case *r)
{
    AUTO(json) json_t *json = result_case_to_json(r);
    AUTO(strbuf) struct strbuf line = {0};

    strbuf_addstr(&line, "R ");
    json_write(&line, json, JSON_TIGHT);
    strbuf_addch(&line, '\n');
    write_all(w->to, strbuf_str(&line), line.len);
}

/* A trace that is not whole is none: then the case is an error. */
static void save_trace(struct worker_state *w, size_t index, struct result_case *r,
                       const struct strbuf *text)
{
    AUTO(str) char *path = mem_printf("%s/trace-%zu", w->options->dir, index);
    FILE *f = fopen(path, "ab");
    bool ok = f != NULL;
    AUTO(json)
    json_t *head = json_pack("{s:s, s:I, s:s*}", "case", r->name, "seed", (json_int_t)r->seed,
                             "engine", r->engine);
    AUTO(str) char *line = json_text(head);

    if (f) {
        ok = fprintf(f, "%s\n", line) > 0 && fwrite(strbuf_str(text), 1, text->len, f) == text->len;
        ok = fclose(f) == 0 && ok;
    }
    if (ok)
        return;
    r->status = RESULT_ERROR;
    free(r->error_type);
    r->error_type = mem_strdup("environment");
    free(r->headline);
    r->headline =
        mem_printf("%s:%u:1: the trace cannot be written: %s", r->file, r->line, strerror(errno));
}

struct attempt {
    struct worker_state *worker;
    const struct planned_case *planned;
};

/* One run of a case in a folder of its own. */
static void run_attempt(void *cookie, const struct case_options *base, struct case_outcome *ret)
{
    const struct attempt *a = cookie;
    const struct planned_case *c = a->planned;
    struct case_options options = *base;
    AUTO(str) char *dir = mem_printf("%s/case", a->worker->dir);

    options.dir = dir;
    mkdir(dir, 0700);
    run_case(c->unit, c->values, &options, ret);
    json_heap_settle();
    folder_remove(dir);
}

/* The one that went wrong, in the result's name and in what replays it. */
static void name_interleaving(const struct attempt *a, struct case_outcome *o)
{
    const struct worker_state *w = a->worker;
    const struct replay again = {.seed = w->options->seed,
                                 .outside = w->options->outside,
                                 .interleaving = o->interleaving,
                                 .engine = engine_of(a->planned->unit, w->options),
                                 .pods = w->options->pods};
    char *name;

    if (o->result->status == RESULT_PASSED || o->result->status == RESULT_VACUOUS)
        return;
    name = mem_printf("%s{interleaving=%s}", o->result->name, o->interleaving);
    free(o->result->name);
    o->result->name = name;
    free(o->result->replay);
    o->result->replay = case_replay(a->planned->unit, a->planned->name, &again);
}

/* The crash is part of the name, and so is an order of turns that is not the first. */
static void name_crash(const struct attempt *a, const struct case_options *options,
                       struct case_outcome *o)
{
    const struct worker_state *w = a->worker;
    const struct replay again = {.seed = w->options->seed,
                                 .crash = w->options->crash,
                                 .outside = w->options->outside,
                                 .engine = engine_of(a->planned->unit, w->options),
                                 .pods = w->options->pods};
    const char *order = options->turns.random && o->interleaving ? o->interleaving : NULL;
    char *name =
        mem_printf("%s{crash=%lld/%s %s%s%s}", o->result->name, (long long)options->crash_point,
                   moment_name(options->crash_moment), o->swept ? o->swept : "nothing",
                   order ? ",interleaving=" : "", order ? order : "");

    free(o->result->name);
    o->result->name = name;
    free(o->result->replay);
    o->result->replay = case_replay(a->planned->unit, a->planned->name, &again);
}

/* What a sweep has to know of the run without a crash. */
struct swept {
    uint64_t points;
    bool raced;
};

/* A case with a race is as many runs as it has interleavings, and one result; with a crash, or a
 * component that is outside, it is one run. */
static struct swept run_once(struct worker_state *w, size_t index, const struct case_options *base)
{
    const struct planned_case *c = &w->collection->cases[index];
    const struct case_options options = *base;
    struct attempt attempt = {w, c};
    struct case_outcome outcome;
    struct swept swept;

    run_attempt(&attempt, &options, &outcome);
    swept = (struct swept){outcome.crash_points, outcome.turn_count > 0};
    if (swept.raced && !options.crash_point && !options.turns.text && !options.external)
        interleave(&options, run_attempt, &attempt, &outcome);
    else if (swept.raced)
        interleave_tell_one(&outcome);
    if (swept.raced && !options.crash_point)
        name_interleaving(&attempt, &outcome);
    if (options.crash_point)
        name_crash(&attempt, &options, &outcome);
    if (w->options->trace)
        save_trace(w, index, outcome.result, &outcome.trace);
    send_result(w, outcome.result);
    case_outcome_finish(&outcome);
    return swept;
}

/* A race in the order that comes first, as every other case; and at one moment of each point in an
 * order that the seed decides, another one for each: all orders at all points would be too many. */
static void run_crash(struct worker_state *w, size_t index, struct case_options options, bool raced)
{
    AUTO(str)
    char *label = mem_printf("interleaving of crash %lld/%s", (long long)options.crash_point,
                             moment_name(options.crash_moment));

    run_once(w, index, &options);
    if (!raced || options.turns.text ||
        (int)options.crash_moment != (int)(options.crash_point % (REQUEST_AFTER + 1)))
        return;
    options.turns = (struct turn_plan){.random = true, .seed = prng_hash(options.seed, label)};
    run_once(w, index, &options);
}

static void run_sweep(struct worker_state *w, size_t index, struct case_options options,
                      struct swept swept, uint64_t step)
{
    for (uint64_t k = 1; k <= swept.points; k += step) {
        for (int moment = REQUEST_BEFORE; moment <= REQUEST_AFTER; moment++) {
            options.crash_point = (int64_t)k;
            options.crash_moment = (enum request_moment)moment;
            run_crash(w, index, options, swept.raced);
        }
    }
}

static void run_index(struct worker_state *w, size_t index)
{
    const struct planned_case *c = &w->collection->cases[index];
    const char *missing = missing_need(w, c->unit);
    struct sweep sweep = {0};
    bool sweeps = w->options->crash && sweep_parse(w->options->crash, &sweep);
    struct case_options options = {
        .seed = w->options->seed,
        .trace = w->options->trace,
        .crash_files = sweep.files,
        .can_mount = w->abilities.tmpfs,
        .keep = w->options->keep,
        .engine = w->options->engine,
        .pods = w->options->pods,
        .external = w->options->external,
        .turns = {.text = w->options->interleaving},
        .sockets = w->options->outside ? w->dir : NULL,
    };
    struct swept swept;

    if (missing) {
        AUTO(result_case) struct result_case *r = worker_blank_result(c, w->options);

        r->status = RESULT_SKIPPED;
        r->headline = mem_strdup(missing);
        send_result(w, r);
        return;
    }
    swept = run_once(w, index, &options);
    if (sweeps)
        run_sweep(w, index, options, swept, sweep.step);
}

#define HEAP_KEPT (64 << 20)
#define HEAP_STEP (1 << 20)
#define HEAP_BLOCK_MAX (16 << 20)

void worker_main(const struct collection *c, const struct pool_options *options, int from, int to)
{
    struct worker_state w = {.collection = c, .options = options, .to = to};
    AUTO(file) FILE *in = fdopen(from, "r");
    char line[64];

    /* World after world takes the same memory and frees it: do not trim the heap in between, and
     * keep buffers of some MiB in it, whose pages would be new each time. */
    mallopt(M_MMAP_THRESHOLD, HEAP_BLOCK_MAX);
    mallopt(M_TRIM_THRESHOLD, HEAP_KEPT);
    mallopt(M_TOP_PAD, HEAP_STEP);
    w.dir = worker_dir(options->dir, (long)getpid());
    mkdir(w.dir, 0700);
    sandbox_enter(w.dir, &w.abilities);
    sandbox_work_in_memory(w.dir, &w.abilities);
    while (in && fgets(line, sizeof line, in)) {
        run_index(&w, (size_t)strtoull(line, NULL, 10));
        write_all(to, "D\n", 2);
    }
    folder_remove(w.dir);
    free(w.dir);
    fflush(NULL);
    /* exit, not _exit: the leak check of sanitized builds runs in each worker too. */
    exit(0);
}
