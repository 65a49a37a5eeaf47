/* vmconform list, lint, expand */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/plural.h"
#include "base/strbuf.h"
#include "base/yaml.h"
#include "runner/collect.h"
#include "runner/commands.h"
#include "runner/options.h"
#include "runner/race.h"
#include "runner/verb.h"

struct list_options {
    bool json, help;
    const char *filter, *selector, *requirements;
    struct option_list implementations;
    char *const *paths; /* borrowed */
    size_t path_count;
};

static int usage_error(struct err *e)
{
    err_print(stderr, e, NULL, 0);
    err_clear(e);
    return EXIT_CANNOT_TELL;
}

static json_t *case_json(const struct planned_case *c)
{
    const struct unit *u = c->unit;

    return json_pack(
        "{s:s, s:s, s:s, s:O*, s:O*, s:O, s:O, s:O, s:O, s:s}", "name", c->name, "scenario",
        u->name, "file", u->path, "family", json_object_get(u->labels, "family"), "group",
        json_object_get(u->labels, "group"), "labels", u->labels, "requirement", u->requirements,
        "matrix", c->values, "needs", u->needs, "description", u->description);
}

static void print_json(const struct collection *c)
{
    AUTO(json) json_t *all = json_array();
    AUTO(strbuf) struct strbuf text = {0};

    for (size_t i = 0; i < c->case_count; i++)
        json_array_append_new(all, case_json(&c->cases[i]));
    json_write(&text, all, JSON_INDENTED);
    puts(strbuf_str(&text));
}

static void print_lines(const struct collection *c)
{
    for (size_t i = 0; i < c->case_count; i++)
        printf("%s\t%s\n", c->cases[i].name, c->cases[i].unit->path);
}

#define UNROLL_DEPTH_MAX 16

/* Steps in the order in which they run, with templates in place of their names: "VERB  NAME
 * (FILE:LINE)". */
static void outline(json_t *out, const struct steps *steps, unsigned depth)
{
    for (size_t i = 0; i < steps->count; i++) {
        const struct step *s = &steps->items[i];
        AUTO(str) char *line = NULL;

        if (s->verb == &verb_use && s->use && depth < UNROLL_DEPTH_MAX) {
            outline(out, &s->use->steps, depth + 1);
            continue;
        }
        line = mem_printf("%s%s%s%s%s (%s:%u)", s->upon ? "upon an event: " : "", s->verb->name,
                          s->name ? ": " : "", s->name ? s->name : "",
                          s->when ? ", when its condition holds" : "", s->pos.file, s->pos.line);
        json_array_append_new(out, json_string(line));
        for (size_t k = 0; s->race && k < s->race->count; k++)
            outline(out, &s->race->steps[k], depth + 1);
    }
}

/* What a unit and the fixtures it includes bring: their steps of the stage, their laws. */
static void outline_unit(const struct unit *u, json_t *stage, json_t *laws)
{
    for (size_t i = 0; i < u->given_count; i++) {
        if (u->givens[i].fixture)
            outline_unit(u->givens[i].fixture, stage, laws);
        outline(stage, &u->givens[i].steps, 0);
    }
    for (size_t i = 0; i < u->laws.count; i++) {
        const struct law *l = &u->laws.items[i];
        AUTO(str) char *line = mem_printf("%s: %s", l->never ? "never" : "always", l->name);

        json_array_append_new(laws, json_string(line));
    }
}

static json_t *expanded_json(const struct planned_case *c)
{
    json_t *one = case_json(c);
    json_t *stage = json_array(), *steps = json_array(), *laws = json_array();

    outline_unit(c->unit, stage, laws);
    outline(steps, &c->unit->steps, 0);
    outline(steps, &c->unit->finally, 0);
    json_object_set_new(one, "given", stage);
    json_object_set_new(one, "steps", steps);
    json_object_set_new(one, "laws", laws);
    return one;
}

static void print_expanded(const struct collection *c, bool as_json)
{
    AUTO(json) json_t *all = json_array();
    AUTO(strbuf) struct strbuf text = {0};

    for (size_t i = 0; i < c->case_count; i++)
        json_array_append_new(all, expanded_json(&c->cases[i]));
    if (as_json)
        json_write(&text, all, JSON_INDENTED);
    for (size_t i = 0; !as_json && i < c->case_count; i++) {
        strbuf_addstr(&text, "---\n");
        yaml_write(&text, json_array_get(all, i), 0);
    }
    fputs(strbuf_str(&text), stdout);
    if (as_json)
        putchar('\n');
}

typedef int collection_fn(const struct list_options *o, const struct collection *c);

static int do_lint(const struct list_options *o, const struct collection *c);

static int run_collection(struct list_options *o, int argc, char **argv, const char *usage,
                          collection_fn *fn)
{
    const struct option_spec specs[] = {
        {"--json", 0, OPTION_FLAG, &o->json, NULL, "as JSON"},
        {"--filter", 0, OPTION_TEXT, &o->filter, "GLOB", "only cases whose name matches"},
        {"--selector", 'l', OPTION_TEXT, &o->selector, "SELECTOR",
         "only scenarios with these labels"},
        {"--requirements", 0, OPTION_TEXT, &o->requirements, "FILE",
         "the promises that may be claimed (default: docs/requirements.yaml beside scenarios/)"},
        {"--implementation", 0, OPTION_LIST, &o->implementations, "NAME=WHAT",
         "a component that runs will be told who plays; repeatable"},
        {"--help", 'h', OPTION_FLAG, &o->help, NULL, "show this"},
        {NULL, 0, OPTION_FLAG, NULL, NULL, NULL},
    };
    AUTO(selector) struct selector *selector = NULL;
    struct collect_filter filter = {0};
    struct collection c;
    struct err err = {0};
    int operands, status;

    if (options_parse(specs, argc - 1, argv + 1, &operands, &err) < 0)
        return usage_error(&err);
    if (o->help) {
        puts(usage);
        options_help(specs);
        return 0;
    }
    if (operands == 0 && err_set(&err, ERR_INVALID, NO_POS, "no path was given")) {
        err_hint(&err, "'scenarios' is the folder of the project's own");
        return usage_error(&err);
    }
    if (o->selector && !(selector = selector_parse(o->selector, &err))) {
        err_wrap(&err, NO_POS, "--selector '%s'", o->selector);
        return usage_error(&err);
    }
    filter.glob = o->filter;
    filter.selector = selector;
    filter.check = (struct check_options){.players = o->implementations.items,
                                          .player_count = o->implementations.count,
                                          .warn_players = fn == do_lint,
                                          .requirements = o->requirements};
    o->paths = argv + 1;
    o->path_count = (size_t)operands;
    status = collect(&c, argv + 1, (size_t)operands, &filter) < 0 ? EXIT_CANNOT_TELL : fn(o, &c);
    collection_finish(&c);
    return status;
}

static int with_collection(int argc, char **argv, const char *usage, collection_fn *fn)
{
    struct list_options o = {0};
    int status = run_collection(&o, argc, argv, usage, fn);

    option_list_finish(&o.implementations);
    return status;
}

static int do_list(const struct list_options *o, const struct collection *c)
{
    if (o->json)
        print_json(c);
    else
        print_lines(c);
    return 0;
}

static int do_lint(const struct list_options *o, const struct collection *c)
{
    AUTO(diags) struct diags diags = {0};

    if (c->unit_count == 0) {
        fputs("vmconform: error: no scenario was found\n", stderr);
        return EXIT_CANNOT_TELL;
    }
    requirements_check_whole(&c->requirements, o->paths, o->path_count, &diags);
    print_diags(&diags);
    if (diags.errors)
        return EXIT_CANNOT_TELL;
    if (c->requirements.unlisted)
        fputs("vmconform: note: no list of promises was found; ids were not checked\n", stderr);
    printf("%zu %s, %zu %s, no mistake found\n", c->unit_count,
           plural(c->unit_count, "scenario", "scenarios"), c->case_count,
           plural(c->case_count, "case", "cases"));
    return 0;
}

static int do_expand(const struct list_options *o, const struct collection *c)
{
    print_expanded(c, o->json);
    return 0;
}

int cmd_list(int argc, char **argv)
{
    return with_collection(argc, argv, "usage: vmconform list [OPTIONS] PATH...\n", do_list);
}

int cmd_lint(int argc, char **argv)
{
    return with_collection(argc, argv, "usage: vmconform lint [OPTIONS] PATH...\n", do_lint);
}

int cmd_expand(int argc, char **argv)
{
    return with_collection(argc, argv, "usage: vmconform expand [OPTIONS] PATH...\n", do_expand);
}
