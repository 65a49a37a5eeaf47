/* Makes and runs the programs of mutants. How a file is compiled stands in compile_commands.json;
 * how the program is linked, ninja tells. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "runner/mutants.h"
#include "runner/program.h"

#define COMMANDS_MAX (32u << 20)

/* A word of a shell command. */
static char *quoted(const char *word)
{
    AUTO(strbuf) struct strbuf out = {0};

    strbuf_addch(&out, '\'');
    for (; *word; word++) {
        if (*word == '\'')
            strbuf_addstr(&out, "'\\''");
        else
            strbuf_addch(&out, *word);
    }
    strbuf_addch(&out, '\'');
    return strbuf_take(&out);
}

/* Runs a command; ret_out (may be NULL) gets what it printed, new. */
static int shell(const char *dir, const char *command, char **ret_out, struct err *reterr)
{
    const char *argv[] = {"sh", "-c", command, NULL};
    AUTO(program_result) struct host_program_result result = {0};
    struct host_program limits = {.stdout_max = COMMANDS_MAX};

    if (program_run(argv, dir, &limits, &result, reterr) < 0)
        return -1;
    if (result.exit_code != 0)
        return err_set(reterr, ERR_IO, NO_POS, "the command failed: %s\n%s", command, result.err);
    if (ret_out)
        *ret_out = TAKE(result.out);
    return 0;
}

static json_t *read_commands(const char *dir, struct err *reterr)
{
    AUTO(str) char *path = mem_printf("%s/compile_commands.json", dir);
    json_t *commands = json_read_file(path, COMMANDS_MAX, reterr);

    if (!commands)
        err_hint(reterr, "--build names the folder of a build that ninja made, with "
                         "CMAKE_EXPORT_COMPILE_COMMANDS");
    return commands;
}

/* The last of the commands that make the program is the one that links it. */
static char *read_link(const struct mutant_build *b, struct err *reterr)
{
    AUTO(str) char *program = quoted(b->program);
    AUTO(str) char *command = mem_printf("ninja -t commands %s", program);
    AUTO(str) char *all = NULL;
    char *last;

    if (shell(b->dir, command, &all, reterr) < 0)
        return NULL;
    while (*all && all[strlen(all) - 1] == '\n')
        all[strlen(all) - 1] = '\0';
    last = strrchr(all, '\n');
    last = last ? last + 1 : all;
    if (!strstr(last, b->output)) {
        err_set(reterr, ERR_INVALID, NO_POS, "ninja tells no command that links %s", b->program);
        return NULL;
    }
    return mem_strdup(last);
}

/* The target that made the running program; another build's program is in its root. */
static char *target_of(const char *dir, const char *self)
{
    AUTO(str) char *root = realpath(dir, NULL);
    size_t len = root ? strlen(root) : 0;

    return mem_strdup(len && strncmp(self, root, len) == 0 && self[len] == '/' ? self + len + 1
                                                                               : "vmconform");
}

int mutant_build_open(struct mutant_build *b, const char *dir, const char *self, struct err *reterr)
{
    *b = (struct mutant_build){.dir = mem_strdup(dir), .program = target_of(dir, self)};
    b->output = mem_printf(" -o %s ", b->program);
    b->compile = read_commands(dir, reterr);
    b->link = b->compile ? read_link(b, reterr) : NULL;
    return b->link ? 0 : -1;
}

void mutant_build_finish(struct mutant_build *b)
{
    free(b->dir);
    free(b->program);
    free(b->output);
    free(b->link);
    json_decref(b->compile);
    *b = (struct mutant_build){0};
}

/* The entry of the source file whose path ends with `file`. */
static const json_t *entry_of(const struct mutant_build *b, const char *file)
{
    size_t i, len = strlen(file);
    const json_t *entry;

    json_array_foreach(b->compile, i, entry)
    {
        const char *path = json_str_or_empty(entry, "file");
        size_t have = strlen(path);

        if (have > len && path[have - len - 1] == '/' && strcmp(path + have - len, file) == 0)
            return entry;
    }
    return NULL;
}

static int write_source(const char *path, const char *text, struct err *reterr)
{
    AUTO(file) FILE *f = fopen(path, "wb");

    if (!f || fputs(text, f) < 0 || fflush(f) != 0)
        return err_set_errno(reterr, errno, NO_POS, "%s", path);
    return 0;
}

static int compile(const struct mutant_build *b, const char *command, const char *source,
                   const char *object, struct err *reterr)
{
    const char *end = strstr(command, " -o ");
    AUTO(str) char *from = quoted(source);
    AUTO(str) char *to = quoted(object);
    AUTO(str) char *line = NULL;

    if (!end)
        return err_set(reterr, ERR_INVALID, NO_POS, "no '-o' in the command '%s'", command);
    /* A wrong variant may leave something unused; nobody is going to debug it. */
    line = mem_printf("%.*s -O1 -g0 -w -o %s -c %s", (int)(end - command), command, to, from);
    return shell(b->dir, line, NULL, reterr);
}

static int link_program(const struct mutant_build *b, const char *object, const char *program,
                        struct err *reterr)
{
    const char *at = strstr(b->link, b->output);
    AUTO(str) char *first = quoted(object);
    AUTO(str) char *to = quoted(program);
    AUTO(str)
    char *line = mem_printf("%.*s -Wl,-s %s -o %s %s", (int)(at - b->link), b->link, first, to,
                            at + strlen(b->output));

    return shell(b->dir, line, NULL, reterr);
}

char *mutant_make(const struct mutant_build *b, const struct mutant *m, struct err *reterr)
{
    const json_t *entry = entry_of(b, m->file);
    AUTO(str) char *folder = mem_printf("%s/mutants", b->dir);
    AUTO(str) char *source = mem_printf("%s/%s.c", folder, m->name);
    AUTO(str) char *object = mem_printf("%s/%s.o", folder, m->name);
    AUTO(str) char *program = mem_printf("%s/%s", folder, m->name);
    AUTO(str) char *changed = NULL;

    if (!entry) {
        err_set(reterr, ERR_NOT_FOUND, m->pos, "mutant '%s': the build compiles no '%s'", m->name,
                m->file);
        return NULL;
    }
    if (mkdir(folder, 0777) < 0 && errno != EEXIST) {
        err_set_errno(reterr, errno, NO_POS, "%s", folder);
        return NULL;
    }
    changed = mutant_text(m, json_str_or_empty(entry, "file"), reterr);
    if (!changed)
        return NULL;
    if (write_source(source, changed, reterr) < 0 ||
        compile(b, json_str_or_empty(entry, "command"), source, object, reterr) < 0 ||
        link_program(b, object, program, reterr) < 0) {
        err_wrap(reterr, m->pos, "mutant '%s'", m->name);
        return NULL;
    }
    unlink(object);
    return TAKE(program);
}

/* ---- running ---- */

static unsigned badness(const char *status)
{
    static const char *const order[] = {"skipped", "passed", "vacuous", "error", "failed"};

    for (unsigned i = 0; i < ARRAY_LEN(order); i++)
        if (strcmp(order[i], status) == 0)
            return i;
    return 0;
}

/* A scenario's cases are NAME or NAME[...], and {interleaving=...} behind it. */
static void note_case(json_t *statuses, const json_t *one)
{
    const char *name = json_str_or_empty(one, "name");
    const char *status = json_str_or_empty(one, "status");
    AUTO(str) char *scenario = mem_strndup(name, strcspn(name, "[{"));
    const json_t *known = json_object_get(statuses, scenario);

    if (!known || badness(status) > badness(json_string_value(known)))
        json_object_set_new(statuses, scenario, json_string(status));
}

json_t *mutant_run(const char *program, const char *const *paths, size_t count, unsigned jobs,
                   const char *report, struct err *reterr)
{
    AUTO(mem) void *memory = mem_zalloc((count + 10) * sizeof(char *));
    AUTO(str) char *jobs_text = mem_printf("%u", jobs);
    AUTO(program_result) struct host_program_result result = {0};
    AUTO(json) json_t *all = NULL;
    struct host_program limits = {0};
    const char **argv = memory;
    json_t *statuses;
    const json_t *one;
    size_t n = 0, i;

    argv[n++] = program;
    argv[n++] = "run";
    argv[n++] = "--jobs";
    argv[n++] = jobs_text;
    argv[n++] = "--timeout";
    argv[n++] = "60s";
    argv[n++] = "--json";
    argv[n++] = report;
    for (i = 0; i < count; i++)
        argv[n++] = paths[i];
    unlink(report);
    if (program_run(argv, NULL, &limits, &result, reterr) < 0)
        return NULL;
    all = json_read_file(report, COMMANDS_MAX, reterr);
    if (!all) {
        err_wrap(reterr, NO_POS, "%s left no report: %s", program, result.err);
        return NULL;
    }
    statuses = json_object();
    json_array_foreach(json_object_get(all, "cases"), i, one)
    {
        note_case(statuses, one);
    }
    return statuses;
}
