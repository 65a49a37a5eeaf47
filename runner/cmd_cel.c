/* vmconform cel: an expression by itself, as Kubernetes' API would take it. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "cel/cel.h"
#include "runner/commands.h"
#include "runner/options.h"

#define EXIT_WRONG 1 /* the expression, not the command line */
#define VARIABLES_MAX 64
#define SHOWN_MAX ((size_t)1 << 20)
#define MINOR_MIN 27
#define MINOR_MAX 99

struct cel_options {
    const char *env, *version;
    struct option_list variables;
    bool cost, help;
};

struct setting {
    struct cel_env env;
    char *names[VARIABLES_MAX + 1];
    const struct cel_static_type *types[VARIABLES_MAX];
    json_t *values[VARIABLES_MAX];
    struct cel_binding bindings[VARIABLES_MAX];
    size_t count;
    struct cel_type_pool *pool;
};

static void setting_finish(struct setting *s)
{
    for (size_t i = 0; i < s->count; i++) {
        free(s->names[i]);
        json_decref(s->values[i]);
    }
    cel_type_pool_destroy(s->pool);
}

static inline void cleanup_setting(struct setting *s)
{
    setting_finish(s);
}

static int fail(struct err *e)
{
    err_print(stderr, e, NULL, 0);
    err_clear(e);
    return EXIT_CANNOT_TELL;
}

/* ---- the command line ---- */

static int set_env(struct cel_env *env, const struct cel_options *o, struct err *reterr)
{
    static const char *const names[] = {"kubernetes", "standard"};
    unsigned long minor = 0;
    char *end = NULL;

    env->typed = true;
    if (o->env && strcmp(o->env, "standard") == 0) {
        env->standard = true;
    } else if (!o->env || strcmp(o->env, "kubernetes") == 0) {
        env->homogeneous = true;
    } else {
        err_set(reterr, ERR_INVALID, NO_POS, "--env: unknown environment '%.60s'", o->env);
        return err_suggest(reterr, o->env, names, ARRAY_LEN(names), "kubernetes or standard");
    }
    if (!o->version)
        return 0;
    if (env->standard)
        return err_set(reterr, ERR_INVALID, NO_POS,
                       "--kubernetes-version is of --env kubernetes, not of standard");
    if (strncmp(o->version, "1.", 2) == 0 && isdigit((unsigned char)o->version[2]))
        minor = strtoul(o->version + 2, &end, 10);
    if (!end || *end || minor < MINOR_MIN || minor > MINOR_MAX) {
        err_set(reterr, ERR_INVALID, NO_POS,
                "--kubernetes-version: expected 1.%d to 1.%d, found '%.60s'", MINOR_MIN, MINOR_MAX,
                o->version);
        return -1;
    }
    env->kubernetes_minor = (unsigned)minor;
    return 0;
}

/* a, a.b, _a1 */
static bool is_name(const char *s, size_t len)
{
    bool begins = true;

    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];

        if (begins ? !isalpha(c) && c != '_' : !isalnum(c) && c != '_' && c != '.')
            return false;
        begins = c == '.';
    }
    return len > 0 && !begins;
}

/* Adds the name before the separator. NULL: *reterr is set. */
static const char *add_name(struct setting *s, const char *item, char separator, struct err *reterr)
{
    const char *at = strchr(item, separator);

    if (!at || !is_name(item, (size_t)(at - item))) {
        err_set(reterr, ERR_INVALID, NO_POS, "--var: expected NAME%c%s, found '%.100s'", separator,
                separator == '=' ? "JSON" : "TYPE", item);
        return NULL;
    }
    if (s->count == VARIABLES_MAX) {
        err_set(reterr, ERR_LIMIT, NO_POS, "--var: more than %d variables", VARIABLES_MAX);
        return NULL;
    }
    for (size_t i = 0; i < s->count; i++) {
        if (strncmp(s->names[i], item, (size_t)(at - item)) == 0 && !s->names[i][at - item]) {
            err_set(reterr, ERR_INVALID, NO_POS, "--var: '%s' is given twice", s->names[i]);
            return NULL;
        }
    }
    s->names[s->count++] = mem_strndup(item, (size_t)(at - item));
    return at + 1;
}

static int add_value(struct setting *s, const char *item, struct err *reterr)
{
    const char *text = add_name(s, item, '=', reterr);
    size_t at = s->count - 1;

    if (!text)
        return -1;
    s->values[at] = json_read(text, strlen(text), s->names[at], reterr);
    s->bindings[at].json = s->values[at];
    return s->values[at] ? 0 : -1;
}

static int add_type(struct setting *s, const char *item, struct err *reterr)
{
    const char *text = add_name(s, item, ':', reterr);

    if (!text)
        return -1;
    s->types[s->count - 1] = cel_type_parse(s->pool, text, NULL, reterr);
    return s->types[s->count - 1] ? 0
                                  : err_wrap(reterr, NO_POS, "--var %s", s->names[s->count - 1]);
}

static int set_variables(struct setting *s, const struct option_list *list,
                         int (*add)(struct setting *s, const char *item, struct err *reterr),
                         struct err *reterr)
{
    s->pool = cel_type_pool_create();
    for (size_t i = 0; i < list->count; i++)
        if (add(s, list->items[i], reterr) < 0)
            return -1;
    s->env.variables = (const char *const *)s->names;
    s->env.variable_types = s->types;
    return 0;
}

/* The expression; NULL: it was told that there is not one. */
static const char *only_operand(char **argv, int count, struct err *reterr)
{
    if (count == 1)
        return argv[0];
    err_set(reterr, ERR_INVALID, NO_POS, "expected one expression, found %d", count);
    err_hint(reterr, "quote it: 'object.spec.replicas > 1'");
    return NULL;
}

/* ---- the subcommands ---- */

static struct cel_program *compile(const struct setting *s, const char *expr)
{
    AUTO(str) char *wrong = NULL;
    struct cel_program *p = cel_compile_shown(expr, &s->env, &wrong);

    if (!p)
        fprintf(stderr, "%s\n", wrong);
    return p;
}

static int check(const struct setting *s, const char *expr)
{
    AUTO(cel_program) struct cel_program *p = compile(s, expr);
    AUTO(str) char *type = p ? cel_type_text(cel_program_type(p)) : NULL;

    if (!p)
        return EXIT_WRONG;
    puts(type);
    return 0;
}

static int evaluate(const struct setting *s, const char *expr, bool cost)
{
    AUTO(cel_program) struct cel_program *p = compile(s, expr);
    AUTO(cel_context) struct cel_context *c = cel_context_create();
    AUTO(err) struct err e = {0};
    AUTO(str) char *shown = NULL;
    struct cel_value v;
    int status = 0;

    if (!p)
        return EXIT_WRONG;
    if (cel_eval(p, c, s->bindings, NULL, 0, &v, &e) < 0) {
        fprintf(stderr, "error: %s\n", e.msg);
        status = EXIT_WRONG;
    } else {
        shown = cel_show(&v, SHOWN_MAX);
        puts(shown);
    }
    if (cost)
        printf("cost: %llu\n", (unsigned long long)cel_context_cost(c));
    return status;
}

static int run(struct cel_options *o, char **operands, int count,
               int (*add)(struct setting *s, const char *item, struct err *reterr), bool evaluates)
{
    AUTO(setting) struct setting s = {0};
    struct err e = {0};
    const char *expr = only_operand(operands, count, &e);

    if (!expr || set_env(&s.env, o, &e) < 0 || set_variables(&s, &o->variables, add, &e) < 0)
        return fail(&e);
    return evaluates ? evaluate(&s, expr, o->cost) : check(&s, expr);
}

#define ENV_OPTION                                                                                 \
    {                                                                                              \
        "--env", 0, OPTION_TEXT, &o.env, "ENV",                                                    \
            "what the expression may use: kubernetes (default) or standard"                        \
    }
#define VERSION_OPTION                                                                             \
    {                                                                                              \
        "--kubernetes-version", 0, OPTION_TEXT, &o.version, "1.N",                                 \
            "only what that version has (default: everything)"                                     \
    }
#define HELP_OPTION                                                                                \
    {                                                                                              \
        "--help", 'h', OPTION_FLAG, &o.help, NULL, "show this"                                     \
    }

/* Reads the options and runs. */
static int command(struct cel_options *o, const struct option_spec *specs, const char *usage,
                   int argc, char **argv,
                   int (*add)(struct setting *s, const char *item, struct err *reterr),
                   bool evaluates)
{
    struct err e = {0};
    int operands, status;

    if (options_parse(specs, argc - 1, argv + 1, &operands, &e) < 0) {
        status = fail(&e);
    } else if (o->help) {
        puts(usage);
        options_help(specs);
        status = 0;
    } else {
        status = run(o, argv + 1, operands, add, evaluates);
    }
    option_list_finish(&o->variables);
    return status;
}

static int cel_eval_command(int argc, char **argv)
{
    struct cel_options o = {0};
    const struct option_spec specs[] = {
        {"--var", 0, OPTION_LIST, &o.variables, "NAME=JSON",
         "a variable and its value; may be given again and again"},
        ENV_OPTION,
        VERSION_OPTION,
        {"--cost", 0, OPTION_FLAG, &o.cost, NULL, "print what it cost, as Kubernetes counts"},
        HELP_OPTION,
        {NULL, 0, OPTION_FLAG, NULL, NULL, NULL},
    };

    return command(&o, specs,
                   "usage: vmconform cel eval [OPTIONS] EXPR\n\nPrints the value of an expression "
                   "in CEL.\n",
                   argc, argv, add_value, true);
}

static int cel_check_command(int argc, char **argv)
{
    struct cel_options o = {0};
    const struct option_spec specs[] = {
        {"--var", 0, OPTION_LIST, &o.variables, "NAME:TYPE",
         "a variable and its type, as map(string, list(int)); may be given again and again"},
        ENV_OPTION,
        VERSION_OPTION,
        HELP_OPTION,
        {NULL, 0, OPTION_FLAG, NULL, NULL, NULL},
    };

    return command(&o, specs,
                   "usage: vmconform cel check [OPTIONS] EXPR\n\nPrints the type of an expression "
                   "in CEL, or what is wrong with it, as Kubernetes' API says it.\n",
                   argc, argv, add_type, false);
}

static const struct command subcommands[] = {
    {"eval", cel_eval_command, "the value of an expression, and what it costs"},
    {"check", cel_check_command, "the type of an expression, or what is wrong with it"},
};

static void usage(FILE *out)
{
    fputs("usage: vmconform cel SUBCOMMAND [OPTIONS] EXPR\n\n", out);
    command_list(subcommands, ARRAY_LEN(subcommands), out);
    fputs("\n'vmconform cel SUBCOMMAND --help' shows the options of a subcommand.\n", out);
}

int cmd_cel(int argc, char **argv)
{
    const struct command *c;
    int status;

    if (command_shows_usage(argc, argv, usage, &status))
        return status;
    c = command_find(subcommands, ARRAY_LEN(subcommands), argv[1]);
    return c ? c->fn(argc - 1, argv + 1)
             : command_unknown(subcommands, ARRAY_LEN(subcommands), "subcommand", argv[1],
                               "'vmconform cel --help' lists the subcommands");
}
