/* Programs: from text to a checked tree. */
#include "base/mem.h"
#include "cel/ast.h"
#include "cel/re2_shim.h"
#include "cel/utf8.h"

#include <assert.h>
#include <string.h>

static int refuse_text(const struct source *s, struct err *reterr)
{
    size_t valid;

    if (s->len > CEL_TEXT_MAX)
        return source_fail(s, reterr, ERR_LIMIT, 0, "the expression has %zu bytes, the limit is %u",
                           s->len, CEL_TEXT_MAX);
    valid = utf8_valid_prefix(s->text, s->len);
    if (valid < s->len)
        return source_fail(s, reterr, ERR_SYNTAX, valid, "the expression is not valid UTF-8 here");
    return 0;
}

static const struct cel_env *env_or_empty(const struct cel_env *env)
{
    static const char *const no_variables[] = {NULL};
    static const struct cel_env empty = {.variables = no_variables};

    return env ? env : &empty;
}

struct cel_program *cel_parse(const char *text, size_t len, struct src_pos pos, struct err *reterr)
{
    AUTO(cel_program) struct cel_program *p = mem_zalloc(sizeof *p);

    p->text = mem_zalloc(len + 1);
    memcpy(p->text, text, len);
    source_init(&p->source, p->text, len, pos);
    p->env = env_or_empty(NULL);
    if (refuse_text(&p->source, reterr) < 0 || parse_program(p, reterr) < 0)
        return NULL;
    return TAKE(p);
}

static struct cel_program *compile(const char *text, size_t len, const struct cel_env *env,
                                   struct src_pos pos, const struct src_run *runs, size_t run_count,
                                   struct source_issue *issue, struct err *reterr)
{
    AUTO(cel_program) struct cel_program *p = mem_zalloc(sizeof *p);

    p->text = mem_zalloc(len + 1);
    memcpy(p->text, text, len);
    source_init(&p->source, p->text, len, pos);
    p->source.issue = issue;
    if (run_count) {
        p->source.runs = memcpy(arena_zalloc(&p->arena, run_count * sizeof *runs), runs,
                                run_count * sizeof *runs);
        p->source.run_count = run_count;
    }
    p->env = env_or_empty(env);
    assert(!p->env->function_count || p->env->functions);
    if (refuse_text(&p->source, reterr) < 0)
        return NULL;
    while (p->env->variables && p->env->variables[p->variable_count])
        p->variable_count++;
    p->used = arena_zalloc(&p->arena, p->variable_count + 1);
    if (parse_program(p, reterr) < 0 || check_program(p, reterr) < 0)
        return NULL;
    p->source.issue = NULL;
    return TAKE(p);
}

struct cel_program *cel_compile(const char *text, const struct cel_env *env, struct src_pos pos,
                                struct err *reterr)
{
    return cel_compile_runs(text, env, pos, NULL, 0, reterr);
}

struct cel_program *cel_compile_runs(const char *text, const struct cel_env *env,
                                     struct src_pos pos, const struct src_run *runs,
                                     size_t run_count, struct err *reterr)
{
    return compile(text, strlen(text), env, pos, runs, run_count, NULL, reterr);
}

struct cel_program *cel_compile_bytes(const char *text, size_t len, const struct cel_env *env,
                                      struct src_pos pos, struct err *reterr)
{
    return compile(text, len, env, pos, NULL, 0, NULL, reterr);
}

struct cel_program *cel_compile_shown(const char *text, const struct cel_env *env, char **ret_text)
{
    struct source_issue issue = {0};
    struct cel_program *p =
        compile(text, strlen(text), env, (struct src_pos){NULL, 1, 1}, NULL, 0, &issue, NULL);
    struct source source;

    if (p)
        return p;
    assert(issue.msg);
    source_init(&source, text, strlen(text), NO_POS);
    *ret_text = source_show(&source, issue.msg, issue.offset);
    free(issue.msg);
    return NULL;
}

void cel_program_destroy(struct cel_program *p)
{
    if (!p)
        return;
    for (struct program_regex *row = p->regexes; row; row = row->next)
        regex_destroy(row->re);
    arena_finish(&p->arena);
    free(p->text);
    free(p);
}

const char *cel_program_text(const struct cel_program *p)
{
    return p->text;
}

struct src_pos cel_program_pos(const struct cel_program *p)
{
    return p->source.pos;
}

const struct cel_static_type *cel_program_type(const struct cel_program *p)
{
    return p->type;
}

bool cel_program_uses(const struct cel_program *p, const char *variable)
{
    for (size_t i = 0; i < p->variable_count; i++)
        if (strcmp(p->env->variables[i], variable) == 0)
            return p->used[i];
    return false;
}
