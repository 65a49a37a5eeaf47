/* vmconform mutants: a scenario that no wrong implementation fails is worth nothing. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/glob.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/plural.h"
#include "base/strbuf.h"
#include "reports/writers.h"
#include "runner/collect.h"
#include "runner/commands.h"
#include "runner/mutants.h"
#include "runner/options.h"

#define JOBS_MAX 64

struct options {
    const char *list, *build, *filter;
    uint64_t jobs;
    bool all, check, help;
};

struct plan {
    const struct options *options;
    const struct collection *scenarios;
    char *dir;            /* of the build */
    char *self;           /* the running program */
    struct strmap *paths; /* scenario name to path; borrowed */
    const char **every;   /* all paths */
    size_t every_count;
    json_t *baseline; /* scenario name to status, with the right components */
    struct mutant_list *mutants;
    struct mutant_build build;
};

static int tool_error(struct err *e)
{
    err_print(stderr, e, NULL, 0);
    err_clear(e);
    return EXIT_CANNOT_TELL;
}

static int no_match(const struct plan *p, struct err *reterr)
{
    return err_set(reterr, ERR_NOT_FOUND, NO_POS, "no mutant matches '%s'", p->options->filter);
}

/* ---- the work of one mutant: its outcome is a file, since it is done in a process of its own ----
 */

static char *outcome_path(const struct plan *p, const struct mutant *m)
{
    return mem_printf("%s/mutants/%s.outcome.json", p->dir, m->name);
}

static json_t *try_mutant(const struct plan *p, const struct mutant *m, struct err *reterr)
{
    AUTO(str) char *program = mutant_make(&p->build, m, reterr);
    AUTO(str) char *report = mem_printf("%s/mutants/%s.report.json", p->dir, m->name);
    AUTO(mem) void *memory = mem_zalloc((m->kill_count + 1) * sizeof(char *));
    const char **paths = memory;
    json_t *statuses;

    if (!program)
        return NULL;
    for (size_t i = 0; i < m->kill_count; i++)
        paths[i] = strmap_get(p->paths, m->kills[i]);
    statuses = p->options->all ? mutant_run(program, p->every, p->every_count, 1, report, reterr)
                               : mutant_run(program, paths, m->kill_count, 1, report, reterr);
    unlink(program);
    return statuses;
}

static void work_one(const struct plan *p, const struct mutant *m)
{
    struct err err = {0};
    AUTO(json) json_t *statuses = try_mutant(p, m, &err);
    AUTO(json) json_t *outcome = json_object();
    AUTO(strbuf) struct strbuf text = {0};
    AUTO(str) char *path = outcome_path(p, m);

    if (statuses)
        json_object_set(outcome, "statuses", statuses);
    else
        json_object_set_new(outcome, "error", json_string(err.msg ? err.msg : "no outcome"));
    json_write(&text, outcome, JSON_TIGHT);
    err_clear(&err);
    if (report_save(path, &text, &err) < 0)
        tool_error(&err);
}

static bool selected(const struct plan *p, const struct mutant *m)
{
    return !p->options->filter || glob_match(p->options->filter, m->name);
}

/* Every jobs-th mutant in each process. */
static void work_all(const struct plan *p)
{
    uint64_t jobs = p->options->jobs < 1 ? 1 : p->options->jobs;

    jobs = jobs > JOBS_MAX ? JOBS_MAX : jobs;
    fflush(NULL);
    for (uint64_t j = 0; j < jobs; j++) {
        pid_t pid = fork();

        if (pid > 0)
            continue;
        /* Without another process the share is done here. */
        for (size_t i = j; i < p->mutants->count; i += jobs)
            if (selected(p, &p->mutants->items[i]))
                work_one(p, &p->mutants->items[i]);
        if (pid == 0)
            _exit(0);
    }
    while (wait(NULL) > 0 || errno == EINTR)
        ;
}

/* ---- the verdict ---- */

struct tally {
    size_t killed, survived, broken;
    struct strmap *killers; /* scenario to a mutant that it kills */
};

static bool is_kill(const struct mutant *m, const char *status)
{
    return strcmp(status, "failed") == 0 || (m->by_error && strcmp(status, "error") == 0);
}

static bool could_run(const struct plan *p, const char *scenario)
{
    return strcmp(json_str_or_empty(p->baseline, scenario), "passed") == 0;
}

/* Prints what a named scenario did instead of failing; false when there is such a thing. */
static bool check_named(const struct plan *p, const struct mutant *m, const json_t *statuses,
                        struct tally *t, struct strbuf *out)
{
    bool all = true;

    for (size_t i = 0; i < m->kill_count; i++) {
        const char *status = json_string_value(json_object_get(statuses, m->kills[i]));

        status = status ? status : "missing";
        if (!could_run(p, m->kills[i])) {
            strbuf_addf(out, " (%s)", m->kills[i]);
        } else if (is_kill(m, status)) {
            strbuf_addf(out, " %s", m->kills[i]);
            strmap_put(t->killers, m->kills[i], m->name);
        } else {
            strbuf_addf(out, " %s:%s", m->kills[i], status);
            all = false;
        }
    }
    return all;
}

static bool is_named(const struct mutant *m, const char *scenario)
{
    for (size_t i = 0; i < m->kill_count; i++)
        if (strcmp(m->kills[i], scenario) == 0)
            return true;
    return false;
}

/* With --all: the scenarios that fail too. */
static void add_others(const struct mutant *m, const json_t *statuses, struct tally *t,
                       struct strbuf *out)
{
    const char *scenario, *sign = " | also";
    const json_t *status;
    void *key = NULL;

    for (key = json_object_iter((json_t *)statuses); key;
         key = json_object_iter_next((json_t *)statuses, key)) {
        scenario = json_object_iter_key(key);
        status = json_object_iter_value(key);
        if (is_named(m, scenario) || !is_kill(m, json_string_value(status)))
            continue;
        strbuf_addf(out, "%s %s", sign, scenario);
        sign = "";
        strmap_put(t->killers, scenario, m->name);
    }
}

static void judge(const struct plan *p, const struct mutant *m, struct tally *t)
{
    AUTO(str) char *path = outcome_path(p, m);
    AUTO(json) json_t *outcome = json_read_file(path, JSON_BYTES_MAX, NULL);
    const json_t *statuses = json_object_get(outcome, "statuses");
    AUTO(strbuf) struct strbuf out = {0};

    if (!statuses) {
        const char *why = json_str(outcome, "error");

        printf("broken    %-36s %s\n", m->name, why ? why : "no outcome");
        t->broken++;
        return;
    }
    bool killed = check_named(p, m, statuses, t, &out);
    if (p->options->all)
        add_others(m, statuses, t, &out);
    printf("%-9s %-36s%s\n", killed ? "killed" : "SURVIVED", m->name, strbuf_str(&out));
    t->killed += killed;
    t->survived += !killed;
}

/* Scenarios that could run here, and that no mutant fails. */
static size_t report_toothless(const struct plan *p, const struct tally *t)
{
    size_t i = 0, count = 0;
    const char *name;
    void *path;

    while (strmap_each(p->paths, &i, &name, &path)) {
        if (!could_run(p, name) || strmap_get(t->killers, name))
            continue;
        printf("TOOTHLESS %-36s kills no mutant: %s\n", name, (const char *)path);
        count++;
    }
    return count;
}

static int verdict(const struct plan *p)
{
    struct tally t = {.killers = strmap_create()};
    size_t toothless = 0;

    for (size_t i = 0; i < p->mutants->count; i++)
        if (selected(p, &p->mutants->items[i]))
            judge(p, &p->mutants->items[i], &t);
    if (!p->options->filter)
        toothless = report_toothless(p, &t);
    printf("%zu %s killed, %zu survived, %zu broken; %zu %s none\n", t.killed,
           plural(t.killed, "mutant", "mutants"), t.survived, t.broken, toothless,
           plural(toothless, "scenario kills", "scenarios kill"));
    strmap_destroy(t.killers, NULL);
    if (t.survived || toothless)
        return 1;
    return t.broken || t.killed == 0 ? EXIT_CANNOT_TELL : 0;
}

/* ---- --check: what can be said without compiling ---- */

static bool is_killed_by_one(const struct plan *p, const char *scenario)
{
    for (size_t i = 0; i < p->mutants->count; i++)
        if (is_named(&p->mutants->items[i], scenario))
            return true;
    return false;
}

static struct src_pos name_pos(const struct unit *u)
{
    const struct yaml_node *metadata = yaml_get(u->doc, yaml_node(u->doc, 0), "metadata");
    const struct yaml_node *name = yaml_get(u->doc, metadata, "name");

    assert(name); /* it was loaded */
    return name->pos;
}

/* A scenario that no mutant names would be toothless. */
static void check_scenarios(const struct plan *p, struct diags *diags)
{
    AUTO(str)
    char *hint = mem_printf("expected in one entry of %s at least; a new one is a wrong idea that "
                            "this scenario notices",
                            p->options->list);

    for (size_t i = 0; i < p->scenarios->unit_count; i++) {
        const struct unit *u = p->scenarios->units[i];

        if (!is_killed_by_one(p, u->name))
            diags_add_hint(diags, DIAG_ERROR, name_pos(u), hint,
                           "no mutant has the scenario '%s' among its 'kills'", u->name);
    }
}

/* The files are those below the current folder, as the list of mutants is. */
static int check_list(const struct plan *p)
{
    struct diags diags = {0};
    struct err none = {0};
    size_t count = 0, mistakes;

    for (size_t i = 0; i < p->mutants->count; i++) {
        const struct mutant *m = &p->mutants->items[i];
        struct err err = {0};

        if (!selected(p, m))
            continue;
        AUTO(str) char *text = mutant_text(m, m->file, &err);
        count++;
        if (!text)
            diags_take(&diags, &err);
    }
    if (!count && no_match(p, &none) < 0)
        return tool_error(&none);
    if (!p->options->filter)
        check_scenarios(p, &diags);
    mistakes = diags.errors;
    diags_sort(&diags);
    print_diags(&diags);
    diags_finish(&diags);
    printf("%zu %s, %zu %s, %zu %s\n", count, plural(count, "mutant", "mutants"), p->every_count,
           plural(p->every_count, "scenario", "scenarios"), mistakes,
           plural(mistakes, "mistake", "mistakes"));
    return mistakes ? 1 : 0;
}

/* ---- getting ready ---- */

static int find_self(struct plan *p, struct err *reterr)
{
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);

    if (n < 0)
        return err_set_errno(reterr, errno, NO_POS, "/proc/self/exe");
    path[n] = '\0';
    p->self = mem_strdup(path);
    if (!p->options->build) {
        p->dir = mem_strdup(path);
        *strrchr(p->dir, '/') = '\0';
        return 0;
    }
    /* Commands run there, and name what we write there: whole paths mean the same everywhere. */
    p->dir = realpath(p->options->build, NULL);
    if (!p->dir)
        return err_set_errno(reterr, errno, NO_POS, "--build %s", p->options->build);
    return 0;
}

/* Whether a mutant that is asked for is to be told by the scenario. */
static bool is_asked(const struct plan *p, const char *path)
{
    for (size_t i = 0; i < p->mutants->count; i++) {
        const struct mutant *m = &p->mutants->items[i];

        for (size_t k = 0; selected(p, m) && k < m->kill_count; k++)
            if (strcmp(strmap_get(p->paths, m->kills[k]), path) == 0)
                return true;
    }
    return false;
}

/* With the right components every scenario that a mutant is tried with must pass, or a failure
 * would mean nothing. */
static int run_baseline(struct plan *p, struct err *reterr)
{
    AUTO(str) char *report = mem_printf("%s/mutants/baseline.json", p->dir);
    AUTO(mem) void *memory = mem_zalloc((p->every_count + 1) * sizeof(char *));
    const char **paths = memory, *bad = NULL, *name;
    size_t count = 0;
    json_t *status;

    for (size_t i = 0; i < p->every_count; i++)
        if (!p->options->filter || p->options->all || is_asked(p, p->every[i]))
            paths[count++] = p->every[i];
    if (!count)
        return no_match(p, reterr);
    p->baseline = mutant_run(p->self, paths, count, (unsigned)p->options->jobs, report, reterr);
    if (!p->baseline)
        return -1;
    json_object_foreach(p->baseline, name, status)
    {
        const char *text = json_string_value(status);
        if (!bad && strcmp(text, "passed") != 0 && strcmp(text, "skipped") != 0)
            bad = name;
    }
    if (bad)
        return err_set(reterr, ERR_INVALID, NO_POS, "'%s' does not pass with the right components",
                       bad);
    return 0;
}

static void index_scenarios(struct plan *p, const struct collection *c)
{
    p->scenarios = c;
    p->paths = strmap_create();
    p->every = mem_zalloc((c->unit_count + 1) * sizeof *p->every);
    for (size_t i = 0; i < c->unit_count; i++) {
        strmap_put(p->paths, c->units[i]->name, c->units[i]->path);
        p->every[p->every_count++] = c->units[i]->path;
    }
}

static int run_plan(struct plan *p)
{
    struct diags diags = {0};
    struct err err = {0};

    p->mutants = mutants_load(p->options->list, p->paths, &diags);
    print_diags(&diags);
    diags_finish(&diags);
    if (!p->mutants)
        return p->options->check && access(p->options->list, R_OK) == 0 ? 1 : EXIT_CANNOT_TELL;
    if (p->options->check)
        return check_list(p);
    if (find_self(p, &err) < 0 || mutant_build_open(&p->build, p->dir, p->self, &err) < 0 ||
        run_baseline(p, &err) < 0)
        return tool_error(&err);
    work_all(p);
    return verdict(p);
}

static void plan_finish(struct plan *p)
{
    strmap_destroy(p->paths, NULL);
    mutants_destroy(p->mutants);
    mutant_build_finish(&p->build);
    json_decref(p->baseline);
    free(p->every);
    free(p->dir);
    free(p->self);
}

int cmd_mutants(int argc, char **argv)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    struct options o = {.list = "tests/mutants.yaml", .jobs = cpus > 0 ? (uint64_t)cpus : 1};
    const struct option_spec specs[] = {
        {"--list", 0, OPTION_TEXT, &o.list, "FILE", "the mutants (default tests/mutants.yaml)"},
        {"--build", 0, OPTION_TEXT, &o.build, "DIR",
         "folder of the build (default: that of this program)"},
        {"--filter", 0, OPTION_TEXT, &o.filter, "GLOB", "only mutants whose name matches"},
        {"--all", 0, OPTION_FLAG, &o.all, NULL, "run every scenario with each mutant"},
        {"--check", 0, OPTION_FLAG, &o.check, NULL,
         "compile nothing: only check the list against the files and the scenarios"},
        {"--jobs", 'j', OPTION_COUNT, &o.jobs, "N",
         "mutants that are made at once (default: processors)"},
        {"--help", 'h', OPTION_FLAG, &o.help, NULL, "show this"},
        {NULL, 0, OPTION_FLAG, NULL, NULL, NULL},
    };
    char *everything[] = {"scenarios"};
    struct collect_filter filter = {0};
    struct plan plan = {.options = &o};
    struct collection c;
    struct err err = {0};
    int operands, status;

    if (options_parse(specs, argc - 1, argv + 1, &operands, &err) < 0)
        return tool_error(&err);
    if (o.help) {
        puts("usage: vmconform mutants [OPTIONS] [PATH...]\n\nBuilds known-wrong variants of the "
             "components and demands that scenarios fail with them.\n");
        options_help(specs);
        return 0;
    }
    status = operands ? collect(&c, argv + 1, (size_t)operands, &filter)
                      : collect(&c, everything, 1, &filter);
    if (status == 0) {
        index_scenarios(&plan, &c);
        status = run_plan(&plan);
    } else {
        status = EXIT_CANNOT_TELL;
    }
    plan_finish(&plan);
    collection_finish(&c);
    return status;
}
