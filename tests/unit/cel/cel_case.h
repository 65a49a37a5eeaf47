/* What the tables of these tests share: an expression over the JSON binding `self`, and what it
 * shows or how it fails. */
#ifndef VMCONFORM_TESTS_CEL_CASE_H
#define VMCONFORM_TESTS_CEL_CASE_H

#include <check.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "cel/cel.h"
#include "tests/unit/suite.h"

/* want: what cel_show gives; or "error: " and the whole message of the evaluation; or "compile COL:
 * " and the message of the compiler. */
struct cel_case {
    const char *expr;
    const char *self; /* JSON; NULL: not bound */
    const char *want;
};

static const char *const case_variables[] = {"self", "oldSelf", "request.user", NULL};

/* New text in the form of `want`. */
static inline char *case_run(const struct cel_case *row, const struct cel_env *env, void *cookie)
{
    AUTO(json) json_t *self = NULL;
    AUTO(cel_context) struct cel_context *context = cel_context_create();
    AUTO(cel_program) struct cel_program *program = NULL;
    struct cel_binding bindings[3] = {0};
    struct err e = {0};
    struct cel_value v;
    char *got;

    if (row->self) {
        self = json_read(row->self, strlen(row->self), "self", &e);
        ck_assert_msg(self != NULL, "%s: bad JSON in the table: %s", row->expr, e.msg);
        bindings[0].json = self;
    }
    program = cel_compile(row->expr, env, (struct src_pos){"test", 1, 1}, &e);
    if (!program) {
        got = mem_printf("compile %u: %s%s%s", e.pos.col, e.msg, e.hint ? "; " : "",
                         e.hint ? e.hint : "");
    } else if (cel_eval(program, context, bindings, cookie, 0, &v, &e) < 0) {
        got = mem_printf("error: %s", e.msg);
    } else {
        got = cel_show(&v, 500);
    }
    err_clear(&e);
    return got;
}

static inline void case_check(const struct cel_case *row, const struct cel_env *env, void *cookie)
{
    AUTO(str) char *got = case_run(row, env, cookie);

    ck_assert_msg(strcmp(got, row->want) == 0, "%s\n   got: %s\n  want: %s", row->expr, got,
                  row->want);
}

static inline int case_main(TCase *tc)
{
    Suite *suite = suite_create("cel");

    json_init();
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}

#endif
