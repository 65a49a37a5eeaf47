/* vmconform grammar: the tables of what scenarios may say, from which the pages are made. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/component.h"
#include "reports/writers.h"
#include "runner/commands.h"
#include "runner/expr.h"
#include "runner/given.h"
#include "runner/grammar.h"
#include "runner/options.h"
#include "runner/verb.h"

#define SCHEMA_MAX (4u << 20)
#define COLUMNS_MAX 3

struct grammar_options {
    const char *schema;
    bool markdown, help;
};

/* ---- rows ---- */

/* cells: NULL and "" are empty. A NULL name: as Markdown, for the rest as it is. */
static void row(const struct grammar_options *o, const char *const cells[COLUMNS_MAX], size_t count)
{
    if (o->markdown)
        putchar('|');
    for (size_t i = 0; i < count; i++) {
        const char *text = cells[i] ? cells[i] : "";

        if (!o->markdown) {
            printf("%s%s", i ? "\t" : "", text);
            continue;
        }
        fputs(*text ? " " : "", stdout);
        for (; *text; text++)
            printf(*text == '|' ? "\\|" : "%c", *text);
        fputs(" |", stdout);
    }
    putchar('\n');
}

static void row3(const struct grammar_options *o, const char *a, const char *b, const char *c)
{
    const char *const cells[] = {a, b, c};

    row(o, cells, 3);
}

static void row2(const struct grammar_options *o, const char *a, const char *b)
{
    const char *const cells[COLUMNS_MAX] = {a, b};

    row(o, cells, 2);
}

static char *code(const struct grammar_options *o, const char *word)
{
    return o->markdown ? mem_printf("`%s`", word) : mem_strdup(word);
}

static void given_rows(const struct grammar_options *o)
{
    for (size_t i = 0; given_items[i]; i++) {
        const struct given_item *g = given_items[i];
        AUTO(str) char *item = g->part ? mem_printf("`%s: CLUSTER`", g->name) : NULL;

        row2(o, item ? item : g->value, g->part ? g->part->says : g->says);
    }
}

static void verb_rows(const struct grammar_options *o)
{
    for (size_t i = 0; verbs_all[i]; i++) {
        AUTO(str) char *name = code(o, verbs_all[i]->name);

        row3(o, name, verbs_all[i]->value, verbs_all[i]->says);
    }
}

static void function_rows(const struct grammar_options *o)
{
    for (size_t i = 0; i < expr_function_count; i++)
        row2(o, expr_functions[i]->call, expr_functions[i]->says);
}

static void add_value(struct strbuf *out, const struct fault_action *a)
{
    const char * or = "";

    strbuf_addf(out, "%s: ", a->name);
    switch (a->type) {
    case FAULT_COUNT:
        if (a->max > 0)
            strbuf_addf(out, "0..%lld", (long long)a->max);
        else
            strbuf_addstr(out, "N");
        return;
    case FAULT_DURATION:
        strbuf_addstr(out, "DURATION");
        return;
    case FAULT_TRUE:
        strbuf_addstr(out, "true");
        return;
    case FAULT_CHOICE:
        break;
    }
    for (size_t i = 0; i < FAULT_VALUES_MAX && a->numbers[i]; i++, or = " | ")
        strbuf_addf(out, "%s%lld", or, (long long)a->numbers[i]);
    for (size_t i = 0; i < FAULT_VALUES_MAX && a->texts[i]; i++, or = " | ")
        strbuf_addf(out, "%s%s", or, a->texts[i]);
}

/* One of the actions with what may stand beside it: `{answer: 404 | truncated, bytes: N}`. */
static void add_action(struct strbuf *out, const struct fault_point *p,
                       const struct fault_action *a)
{
    AUTO(strbuf) struct strbuf notes = {0};

    strbuf_addf(out, "%s`{", out->len ? ", " : "");
    add_value(out, a);
    for (const struct fault_action *b = p->actions; b->name; b++) {
        bool beside = b->with && strcmp(b->with, a->name) == 0;

        if (beside) {
            strbuf_addstr(out, ", ");
            add_value(out, b);
        }
        if ((beside || b == a) && b->says)
            strbuf_addf(&notes, "%s%s", notes.len ? ", " : "", b->says);
    }
    strbuf_addstr(out, "}`");
    if (notes.len)
        strbuf_addf(out, " (%s)", strbuf_str(&notes));
}

static void fault_rows(const struct grammar_options *o)
{
    for (size_t i = 0; i < fault_point_count; i++) {
        const struct fault_point *p = fault_points[i];
        AUTO(strbuf) struct strbuf match = {0};
        AUTO(strbuf) struct strbuf actions = {0};
        AUTO(str) char *name = code(o, p->name);
        AUTO(str) char *keys = NULL;

        for (size_t k = 0; k < FAULT_ATTRS_MAX && p->attrs[k]; k++)
            strbuf_addf(&match, "%s%s", k ? " " : "", p->attrs[k]);
        for (const struct fault_action *a = p->actions; a->name; a++)
            if (!a->with)
                add_action(&actions, p, a);
        keys = code(o, strbuf_str(&match));
        row3(o, name, keys, strbuf_str(&actions));
    }
}

static void component_rows(const struct grammar_options *o)
{
    for (const struct component *const *c = component_all(); *c; c++) {
        AUTO(str) char *name = code(o, (*c)->name);
        AUTO(strbuf) struct strbuf settings = {0};

        if ((*c)->kind == COMPONENT_POD)
            continue;
        for (size_t i = 0; (*c)->settings && (*c)->settings[i]; i++) {
            AUTO(str) char *word = code(o, (*c)->settings[i]);

            strbuf_addf(&settings, "%s%s", i ? ", " : "", word);
        }
        row2(o, name, strbuf_str(&settings));
    }
}

static void report_rows(const struct grammar_options *o)
{
    for (size_t i = 0; i < report_writer_count; i++) {
        AUTO(str) char *name = mem_printf("--%s FILE", report_writers[i]->name);
        AUTO(str) char *shown = code(o, name);

        row2(o, shown, report_writers[i]->help);
    }
}

/* ---- tables ---- */

static const struct table {
    const char *name, *columns[COLUMNS_MAX];
    void (*rows)(const struct grammar_options *o);
} tables[] = {
    {"given", {"item", "meaning"}, given_rows},
    {"verbs", {"verb", "value", "meaning"}, verb_rows},
    {"functions", {"function", "value"}, function_rows},
    {"faults", {"point", "match keys", "action"}, fault_rows},
    {"components", {"component", "settings"}, component_rows},
    {"reports", {"option of `run`", "what it does"}, report_rows},
};

static void print_table(const struct grammar_options *o, const struct table *t, bool title)
{
    size_t count = 0;

    while (count < COLUMNS_MAX && t->columns[count])
        count++;
    if (o->markdown) {
        row(o, t->columns, count);
        for (size_t i = 0; i < count; i++)
            fputs("|---", stdout);
        puts("|");
    } else if (title) {
        printf("%s%s:\n", t == tables ? "" : "\n", t->name);
    }
    t->rows(o);
}

static int fail(struct err *e)
{
    err_print(stderr, e, NULL, 0);
    err_clear(e);
    return EXIT_CANNOT_TELL;
}

static int print_named(const struct grammar_options *o, const char *name)
{
    const char *names[ARRAY_LEN(tables)];
    struct err err = {0};

    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        names[i] = tables[i].name;
        if (strcmp(tables[i].name, name) == 0) {
            print_table(o, &tables[i], false);
            return 0;
        }
    }
    err_set(&err, ERR_INVALID, NO_POS, "no table is called '%s'", name);
    err_suggest(&err, name, names, ARRAY_LEN(tables), "'vmconform grammar --help' names them");
    return fail(&err);
}

static int print_schema(const char *path)
{
    struct err err = {0};
    AUTO(json) json_t *base = json_read_file(path, SCHEMA_MAX, &err);
    AUTO(json) json_t *schema = base ? grammar_schema(base, &err) : NULL;

    if (!schema) {
        err_wrap(&err, NO_POS, "--schema %s", path);
        return fail(&err);
    }
    json_dumpf(schema, stdout, JSON_INDENT(1));
    putchar('\n');
    return 0;
}

static void help(const struct option_spec *specs)
{
    puts("usage: vmconform grammar [OPTIONS] [TABLE...]\n\nPrints what scenarios may say to this "
         "program. All tables, when none is named:");
    for (size_t i = 0; i < ARRAY_LEN(tables); i++)
        printf("%s%s", i ? ", " : "", tables[i].name);
    puts("\n");
    options_help(specs);
}

int cmd_grammar(int argc, char **argv)
{
    struct grammar_options o = {0};
    const struct option_spec specs[] = {
        {"--markdown", 0, OPTION_FLAG, &o.markdown, NULL, "as a table of a Markdown page"},
        {"--schema", 0, OPTION_TEXT, &o.schema, "FILE",
         "print the JSON Schema in FILE with what this program knows"},
        {"--help", 'h', OPTION_FLAG, &o.help, NULL, "show this"},
        {NULL, 0, OPTION_FLAG, NULL, NULL, NULL},
    };
    struct err err = {0};
    int operands, status = 0;

    if (options_parse(specs, argc - 1, argv + 1, &operands, &err) < 0)
        return fail(&err);
    if (o.help) {
        help(specs);
        return 0;
    }
    if (o.schema)
        return print_schema(o.schema);
    for (int i = 0; i < operands && status == 0; i++)
        status = print_named(&o, argv[1 + i]);
    for (size_t i = 0; operands == 0 && i < ARRAY_LEN(tables); i++)
        print_table(&o, &tables[i], true);
    return status;
}
