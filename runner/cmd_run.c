/* vmconform run */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/folder.h"
#include "base/glob.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "base/wall.h"
#include "reports/writers.h"
#include "runner/commands.h"
#include "runner/external.h"
#include "runner/options.h"
#include "runner/pool.h"
#include "runner/program.h"
#include "runner/sweep.h"

#define EXTERNAL_MARGIN (INT64_C(30) * 1000000000)
#define TIMEOUT_DEFAULT (INT64_C(120) * 1000000000)

struct run_options {
    const char **reports; /* where each of report_writers writes; NULL: not asked for */
    const char *trace, *keep, *filter, *selector, *shard, *expected, *crash, *interleaving, *engine,
        *transport, *requirements;
    uint64_t seed, jobs;
    int64_t timeout;
    bool fail_fast, fail_on_skip, help, quiet;
    struct external_options external;
};

static volatile int interrupted;

static void on_signal(int sig)
{
    (void)sig;
    interrupted = 1;
}

static int usage_error(struct err *e)
{
    err_print(stderr, e, NULL, 0);
    err_clear(e);
    return EXIT_CANNOT_TELL;
}

/* ---- expected failures: case names or globs, one a line, '#' begins a comment ---- */

#define EXPECTED_BYTES_MAX (1u << 20)
struct expected {
    char *text;
    char **globs;
    size_t count, cap;
};

static int expected_load(struct expected *x, const char *path, struct err *reterr)
{
    AUTO(strbuf) struct strbuf text = {0};
    char *p;

    if (file_read(path, EXPECTED_BYTES_MAX, &text, reterr) < 0)
        return -1;
    x->text = strbuf_take(&text);
    for (p = x->text; *p;) {
        size_t len = strcspn(p, "\n"), use = strcspn(p, "#\n");
        char *end = p + len;
        bool more = *end == '\n';

        while (use && (p[use - 1] == ' ' || p[use - 1] == '\t' || p[use - 1] == '\r'))
            use--;
        *end = '\0';
        p[use] = '\0';
        if (use) {
            x->globs = mem_grow(x->globs, &x->cap, x->count + 1, sizeof *x->globs);
            x->globs[x->count++] = p;
        }
        p = end + more;
    }
    return 0;
}

static bool is_expected(const struct expected *x, const char *name)
{
    for (size_t i = 0; i < x->count; i++)
        if (strcmp(x->globs[i], name) == 0 || glob_match(x->globs[i], name))
            return true;
    return false;
}

/* An expected failure is no failure; an expected failure that passes is one, or the list would rot.
 */
static void judge_expected(const struct expected *x, struct result_case *r)
{
    if (!is_expected(x, r->name))
        return;
    if (r->status == RESULT_FAILED) {
        r->expected = true;
    } else if (r->status == RESULT_PASSED) {
        r->status = RESULT_FAILED;
        free(r->headline);
        r->headline = mem_printf("%s:%u:1: passed, though the list of expected failures names it",
                                 r->file, r->line);
    }
}

/* ---- options ---- */

static int parse_shard(const char *text, struct collect_filter *f, struct err *reterr)
{
    unsigned long long i = 0, n = 0;
    char tail;

    if (!text)
        return 0;
    if (sscanf(text, "%llu/%llu%c", &i, &n, &tail) != 2 || i < 1 || n < 1 || i > n)
        return err_set(reterr, ERR_INVALID, NO_POS,
                       "--shard wants I/N with 1 <= I <= N, found '%s'", text);
    f->shard_index = i;
    f->shard_count = n;
    return 0;
}

static int check_words(const struct run_options *o, struct err *reterr)
{
    struct sweep sweep;

    if (o->crash && !sweep_parse(o->crash, &sweep))
        return err_set(
            reterr, ERR_INVALID, NO_POS,
            "--crash knows 'every-write' and 'every-file-write', with '/7' each seventh of "
            "them, found '%s'",
            o->crash);
    if (o->engine && strcmp(o->engine, "qemu-img") != 0 && strcmp(o->engine, "native") != 0)
        return err_set(reterr, ERR_INVALID, NO_POS,
                       "--engine knows 'qemu-img' and 'native' only, found '%s'", o->engine);
    if (o->transport && strcmp(o->transport, "http") != 0 && strcmp(o->transport, "inprocess") != 0)
        return err_set(reterr, ERR_INVALID, NO_POS,
                       "--transport knows 'inprocess' and 'http' only, found '%s'", o->transport);
    return 0;
}

/* Not silently: a run that proves something else says so. */
static int choose_engine(struct run_options *o, struct err *reterr)
{
    bool there = program_exists("qemu-img");

    if (o->engine && strcmp(o->engine, "qemu-img") == 0 && !there) {
        err_set(reterr, ERR_UNSUPPORTED, NO_POS, "--engine qemu-img: qemu-img is not installed");
        return err_hint(reterr, "install the package qemu-utils, or say --engine native");
    }
    if (!o->engine && !there && !o->external.pods.count)
        fputs("vmconform: note: qemu-img is not installed (package qemu-utils): images are "
              "restored by the engine 'native', and what is about qemu-img is skipped\n",
              stderr);
    if (o->external.pods.count && o->engine)
        return err_set(reterr, ERR_INVALID, NO_POS,
                       "--engine is for the downloader of ours, and --implementation puts another "
                       "in its place");
    if (o->external.pods.count)
        o->engine = POD_PROGRAMS_ENGINE;
    if (!o->engine)
        o->engine = there ? "qemu-img" : "native";
    return 0;
}

/* After external_read: only then is known whether anybody is outside. */
static int check_outside(const struct run_options *o, struct err *reterr)
{
    if (!o->external.component && !o->external.pods.count)
        return 0;
    if (o->crash)
        return err_set(reterr, ERR_INVALID, NO_POS,
                       "--crash wants runs that are the same each time; one with --implementation "
                       "is not");
    if (o->transport && strcmp(o->transport, "http") == 0)
        return err_set(
            reterr, ERR_INVALID, NO_POS,
            "--transport http is for components of ours; those of --implementation speak "
            "HTTP anyway");
    return 0;
}

static void help(const struct option_spec *specs)
{
    puts("usage: vmconform run [OPTIONS] PATH...\n\nRuns every scenario below the paths.\n");
    options_help(specs);
    puts("\nexit status: 0 all passed, 1 a promise was broken, 2 the tool could not tell, 3 only "
         "vacuous cases");
}

/* ---- traces ---- */

static int join_traces(const struct collection *c, const char *dir, const char *path,
                       struct err *reterr)
{
    AUTO(strbuf) struct strbuf all = {0};
    char buf[65536];

    for (size_t i = 0; i < c->case_count; i++) {
        AUTO(str) char *part = mem_printf("%s/trace-%zu", dir, i);
        AUTO(file) FILE *f = fopen(part, "rb");
        size_t n;

        while (f && (n = fread(buf, 1, sizeof buf, f)) > 0)
            strbuf_add(&all, buf, n);
    }
    return report_save(path, &all, reterr);
}

/* ---- the run ---- */

struct progress {
    struct terminal *terminal;
    const struct expected *expected;
};

static void on_result(void *cookie, const struct result_case *r)
{
    struct progress *p = cookie;

    judge_expected(p->expected, (struct result_case *)r);
    terminal_case(p->terminal, r);
}

static int save_reports(const struct run_options *o, const struct result_run *run,
                        const struct collection *c, const char *dir)
{
    struct err err = {0};
    int status = 0;

    /* One that cannot be written does not cost the others. */
    for (size_t i = 0; i < report_writer_count; i++) {
        AUTO(strbuf) struct strbuf text = {0};

        if (!o->reports[i])
            continue;
        report_writers[i]->write(&text, run);
        if (report_save(o->reports[i], &text, &err) < 0)
            status = usage_error(&err);
    }
    if (o->trace && join_traces(c, dir, o->trace, &err) < 0)
        status = usage_error(&err);
    return status;
}

/* Exit statuses: the smallest that applies, 0 only when nothing else does. */
static int smaller_status(int a, int b)
{
    return a == 0 ? b : b == 0 ? a : a < b ? a : b;
}

static int run_collection(struct run_options *o, const struct collection *c, const char *dir,
                          const struct expected *expected)
{
    bool tty = isatty(STDOUT_FILENO);
    struct progress progress = {terminal_create(stdout, tty, tty, c->case_count), expected};
    struct pool_options options = {
        .seed = o->seed,
        .jobs = (unsigned)o->jobs,
        /* A case with somebody outside ends itself, and tells more. */
        .timeout_ns =
            o->timeout + (o->external.component || o->external.pods.count ? EXTERNAL_MARGIN : 0),
        .external = o->external.component ? &o->external : NULL,
        .fail_fast = o->fail_fast,
        .trace = o->trace != NULL,
        .crash = o->crash,
        .interleaving = o->interleaving,
        .outside = o->transport && strcmp(o->transport, "http") == 0,
        .engine = o->engine,
        .pods = o->external.pods.count ? &o->external.pods : NULL,
        .keep = o->keep,
        .dir = dir,
        .interrupted = &interrupted,
        .on_result = on_result,
        .cookie = &progress,
    };
    struct result_run run = {.version = VMCONFORM_VERSION, .seed = o->seed};
    struct result_case **cases = NULL;
    int64_t start = wall_monotonic_ns();
    int status = 0;

    if (pool_run(c, &options, &cases, &run.count) < 0) {
        fputs("vmconform: error: a worker ended badly after its last case; see above\n", stderr);
        status = EXIT_CANNOT_TELL;
    }
    run.cases = (const struct result_case *const *)cases;
    run.wall_ns = wall_monotonic_ns() - start;
    run.interrupted = interrupted;
    run.fail_on_skip = o->fail_on_skip;
    terminal_finish(progress.terminal, &run);
    status = smaller_status(status, save_reports(o, &run, c, dir));
    status = smaller_status(status, result_exit_code(&run));
    for (size_t i = 0; i < run.count; i++)
        result_case_destroy(cases[i]);
    free(cases);
    return status;
}

static void catch_signals(void)
{
    struct sigaction act = {.sa_handler = on_signal};

    sigaction(SIGTERM, &act, NULL);
    sigaction(SIGINT, &act, NULL);
}

static int run_in_folder(struct run_options *o, const struct collection *c,
                         const struct expected *expected)
{
    const char *base = getenv("TMPDIR");
    AUTO(str) char *dir = mem_printf("%s/vmconform-XXXXXX", base && *base ? base : "/tmp");
    int status;

    if (!mkdtemp(dir)) {
        fprintf(stderr, "vmconform: error: cannot make a folder in %s: %s\n",
                base && *base ? base : "/tmp", strerror(errno));
        return EXIT_CANNOT_TELL;
    }
    catch_signals();
    status = run_collection(o, c, dir, expected);
    folder_remove(dir);
    return status;
}

static int collect_and_run(struct run_options *o, int count, char **paths,
                           const struct collect_filter *filter, const struct expected *expected)
{
    struct collection c;
    struct err err = {0};
    int status = collect(&c, paths, (size_t)count, filter) < 0 ? EXIT_CANNOT_TELL : 0;

    if (!status && c.case_count == 0) {
        fprintf(stderr,
                "vmconform: error: no case was selected\n  hint: 'vmconform list' shows what "
                "there is\n");
        status = EXIT_CANNOT_TELL;
    }
    if (!status && (external_check(&o->external, &c, &err) < 0 ||
                    (o->external.component && external_open(&o->external, &c, &err) < 0)))
        status = usage_error(&err);
    if (!status)
        status = run_in_folder(o, &c, expected);
    collection_finish(&c);
    return status;
}

/* The folder of it is where other files of the run may stand. */
static const char *first_report(const struct run_options *o)
{
    for (size_t i = 0; i < report_writer_count; i++)
        if (o->reports[i])
            return o->reports[i];
    return NULL;
}

static int read_and_run(struct run_options *o, struct expected *expected,
                        const struct option_spec *specs, int argc, char **argv)
{
    struct collect_filter filter = {0};
    AUTO(selector) struct selector *selector = NULL;
    struct err err = {0};
    int operands;

    if (options_parse(specs, argc - 1, argv + 1, &operands, &err) < 0)
        return usage_error(&err);
    if (o->help) {
        help(specs);
        return 0;
    }
    if (operands == 0 && err_set(&err, ERR_INVALID, NO_POS, "no path was given")) {
        err_hint(&err, "'scenarios' is the folder of the project's own");
        return usage_error(&err);
    }
    filter.glob = o->filter;
    if (o->selector && !(selector = selector_parse(o->selector, &err))) {
        err_wrap(&err, NO_POS, "--selector '%s'", o->selector);
        return usage_error(&err);
    }
    if (check_words(o, &err) < 0 || parse_shard(o->shard, &filter, &err) < 0 ||
        (o->expected && expected_load(expected, o->expected, &err) < 0) ||
        external_read(&o->external, first_report(o), &err) < 0 || choose_engine(o, &err) < 0 ||
        check_outside(o, &err) < 0)
        return usage_error(&err);
    filter.selector = selector;
    filter.check = (struct check_options){.players = o->external.implementations.items,
                                          .player_count = o->external.implementations.count,
                                          .requirements = o->requirements};
    o->external.timeout_ns = o->timeout;
    o->external.pods.deadline_ns = o->timeout;
    o->external.seed = o->seed;
    if (o->external.component)
        o->jobs = 1; /* the outside is one, and so is its server */
    return collect_and_run(o, operands, argv + 1, &filter, expected);
}

/* The options of the reports, then the others. */
static struct option_spec *with_reports(struct run_options *o, const struct option_spec *rest,
                                        size_t count)
{
    struct option_spec *specs = mem_zalloc((report_writer_count + count) * sizeof *specs);

    o->reports = mem_zalloc((report_writer_count + 1) * sizeof *o->reports);
    for (size_t i = 0; i < report_writer_count; i++)
        specs[i] = (struct option_spec){.name = mem_printf("--%s", report_writers[i]->name),
                                        .type = OPTION_TEXT,
                                        .target = &o->reports[i],
                                        .value = "FILE",
                                        .help = report_writers[i]->help};
    memcpy(specs + report_writer_count, rest, count * sizeof *rest);
    return specs;
}

static void reports_finish(struct run_options *o, struct option_spec *specs)
{
    for (size_t i = 0; i < report_writer_count; i++)
        free((char *)specs[i].name);
    free(specs);
    free(o->reports);
}

int cmd_run(int argc, char **argv)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    struct run_options o = {
        .seed = 1, .jobs = cpus > 0 ? (uint64_t)cpus : 1, .timeout = TIMEOUT_DEFAULT};
    const struct option_spec rest[] = {
        {"--trace", 0, OPTION_TEXT, &o.trace, "FILE",
         "write every request, event and pick as JSON lines"},
        {"--seed", 0, OPTION_COUNT, &o.seed, "N", "the seed of all randomness (default 1)"},
        {"--jobs", 'j', OPTION_COUNT, &o.jobs, "N", "cases that run at once (default: processors)"},
        {"--filter", 0, OPTION_TEXT, &o.filter, "GLOB", "only cases whose name matches"},
        {"--selector", 'l', OPTION_TEXT, &o.selector, "SELECTOR",
         "only scenarios with these labels"},
        {"--requirements", 0, OPTION_TEXT, &o.requirements, "FILE",
         "the promises that may be claimed (default: docs/requirements.yaml beside scenarios/)"},
        {"--shard", 0, OPTION_TEXT, &o.shard, "I/N", "every N-th case, beginning with the I-th"},
        {"--crash", 0, OPTION_TEXT, &o.crash, "every-write",
         "rerun each case with a crash at each write; every-file-write: to files; /N: each N-th"},
        {"--interleaving", 0, OPTION_TEXT, &o.interleaving, "TURNS",
         "run races in this order of turns alone, as a report names it"},
        {"--keep", 0, OPTION_TEXT, &o.keep, "DIR", "keep images and restored disks there"},
        {"--engine", 0, OPTION_TEXT, &o.engine, "NAME",
         "what restores images: qemu-img (default when installed), or native"},
        {"--transport", 0, OPTION_TEXT, &o.transport, "NAME",
         "how components reach the world: inprocess (default), or http, as processes of their own"},
        {"--timeout", 0, OPTION_DURATION, &o.timeout, "D", "wall time of one case (default 2m)"},
        EXTERNAL_OPTION_SPECS(o.external),
        {"--expected-failures", 0, OPTION_TEXT, &o.expected, "FILE",
         "names of cases that may fail"},
        {"--fail-fast", 0, OPTION_FLAG, &o.fail_fast, NULL,
         "stop after the first case that is not well"},
        {"--fail-on-skip", 0, OPTION_FLAG, &o.fail_on_skip, NULL, "a skipped case is an error"},
        {"--help", 'h', OPTION_FLAG, &o.help, NULL, "show this"},
        {NULL, 0, OPTION_FLAG, NULL, NULL, NULL},
    };
    struct option_spec *specs = with_reports(&o, rest, ARRAY_LEN(rest));
    struct expected expected = {0};
    int status = read_and_run(&o, &expected, specs, argc, argv);

    reports_finish(&o, specs);
    external_finish(&o.external);
    free(expected.globs);
    free(expected.text);
    return status;
}
