#include "runner/template.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "tests/unit/suite.h"

/* The template of the member `t` of a small document, in a scope with n = 3, s = "x", m = {a: [1]}.
 */
struct sample {
    struct yaml_doc *doc;
    struct scope *scope;
    struct frame *frame;
    struct cel_context *cel;
    struct diags diags;
    struct tmpl *tmpl;
};

static void sample_open(struct sample *x, const char *text)
{
    *x = (struct sample){.scope = scope_create(NULL), .cel = cel_context_create()};
    scope_add(x->scope, "n");
    scope_add(x->scope, "s");
    scope_add(x->scope, "m");
    x->frame = frame_create(x->scope, NULL);
    frame_set_take(x->frame, scope_find(x->scope, "n"), json_integer(3));
    frame_set_take(x->frame, scope_find(x->scope, "s"), json_string("x"));
    frame_set_take(x->frame, scope_find(x->scope, "m"), json_pack("{s:[i]}", "a", 1));
    x->doc = yaml_parse(text, strlen(text), "t.yaml", &x->diags);
    ck_assert_msg(x->doc, "%s", text);
    x->tmpl =
        tmpl_compile(x->doc, yaml_get(x->doc, yaml_node(x->doc, 0), "t"), x->scope, &x->diags);
}

static void sample_close(struct sample *x)
{
    tmpl_destroy(x->tmpl);
    yaml_destroy(x->doc);
    frame_destroy(x->frame);
    scope_destroy(x->scope);
    cel_context_destroy(x->cel);
    diags_finish(&x->diags);
}

static struct eval sample_eval(const struct sample *x)
{
    return (struct eval){.cel = x->cel, .frame = x->frame};
}

static const struct value_row {
    const char *yaml, *want;
} values[] = {
    {"t: plain", "\"plain\""},
    {"t: 5", "5"},
    {"t: ${n}", "3"},
    {"t: a${n}b", "\"a3b\""},
    {"t: ${n}${n}", "\"33\""},
    {"t: ${m}", "{\"a\":[1]}"},
    {"t: v=${m}", "\"v={\\\"a\\\":[1]}\""},
    {"t: $${n}", "\"${n}\""},
    {"t: $$${n}", "\"$${n}\""},
    {"t: a$b", "\"a$b\""},
    {"t: \"${'}'}\"", "\"}\""},
    {"t: \"${{'a': n}.a}\"", "3"},
    {"t: \"${'it\\\\'s'}\"", "\"it's\""},
    {"t: [1, \"${n}\", {k: \"${s}\"}]", "[1,3,{\"k\":\"x\"}]"},
    {"t: ${null}", "null"},
    {"t: ${n > 2}", "true"},
};

START_TEST(gives)
{
    struct sample x;
    struct eval e;
    AUTO(json) json_t *v = NULL;
    AUTO(str) char *text = NULL;
    struct err err = {0};

    sample_open(&x, values[_i].yaml);
    ck_assert_msg(x.tmpl, "%s: %s", values[_i].yaml, x.diags.count ? x.diags.items[0].err.msg : "");
    e = sample_eval(&x);
    v = tmpl_eval(x.tmpl, &e, &err);
    ck_assert_msg(v, "%s: %s", values[_i].yaml, err.msg);
    text = json_text(v);
    ck_assert_msg(strcmp(text, values[_i].want) == 0, "%s: %s", values[_i].yaml, text);
    sample_close(&x);
}
END_TEST

static const struct bad_row {
    const char *yaml;
    unsigned line, col;
} bad[] = {
    {"t: ${n", 1, 4},
    {"t: ab${nope}", 1, 8},
    {"t: [1, \"${n +}\"]", 1, 0},
    {"t: {k: \"${'x}\"}", 1, 0},
};

START_TEST(refused)
{
    struct sample x;

    sample_open(&x, bad[_i].yaml);
    ck_assert_msg(!x.tmpl, "%s", bad[_i].yaml);
    ck_assert_uint_ge(x.diags.errors, 1);
    ck_assert_uint_eq(x.diags.items[0].err.pos.line, bad[_i].line);
    if (bad[_i].col)
        ck_assert_msg(x.diags.items[0].err.pos.col == bad[_i].col, "%s: column %u", bad[_i].yaml,
                      x.diags.items[0].err.pos.col);
    sample_close(&x);
}
END_TEST

START_TEST(unbound_names_are_errors)
{
    struct sample x;
    struct eval e;
    AUTO(err) struct err err = {0};

    sample_open(&x, "t: ${self.a}");
    e = sample_eval(&x);
    ck_assert_ptr_null(tmpl_eval(x.tmpl, &e, &err));
    ck_assert(err_pending(&err));
    sample_close(&x);
}
END_TEST

/* Each round takes the last value four times: 4^20 of them would fill the memory. */
START_TEST(values_have_a_limit)
{
    static const char *const texts[] = {"t: ${s}${s}${s}${s}",
                                        "t: [\"${s}\", \"${s}\", \"${s}\", \"${s}\"]"};
    struct sample x;
    struct eval e;
    AUTO(err) struct err err = {0};
    json_t *v = NULL;
    int rounds = 0;

    sample_open(&x, texts[_i]);
    e = sample_eval(&x);
    for (; rounds < 20; rounds++) {
        v = tmpl_eval(x.tmpl, &e, &err);
        if (!v)
            break;
        frame_set_take(x.frame, scope_find(x.scope, "s"), v);
    }
    ck_assert_int_lt(rounds, 15);
    ck_assert_int_eq(err.code, ERR_LIMIT);
    sample_close(&x);
}
END_TEST

static const struct duration_row {
    const char *yaml;
    int64_t want; /* -1: refused */
} durations[] = {
    {"t: 30s", INT64_C(30000000000)},
    {"t: 0", 0},
    {"t: ${n}s", INT64_C(3000000000)},
    {"t: -1s", -1},
    {"t: 2540400h", -1},
    {"t: soon", -1},
    {"t: ${n}", -1},
    {"t: ${null}", -1},
    {"t: ${m}", -1},
    {"t: 87600h", INT64_C(315360000000000000)},
};

START_TEST(durations_in_range)
{
    struct sample x;
    struct eval e;
    AUTO(err) struct err err = {0};
    int64_t ns = -1;
    int r;

    sample_open(&x, durations[_i].yaml);
    e = sample_eval(&x);
    r = tmpl_duration(x.tmpl, &e, &ns, &err);
    if (durations[_i].want < 0)
        ck_assert_msg(r < 0 && err.pos.line == 1, "%s", durations[_i].yaml);
    else
        ck_assert_msg(r == 0 && ns == durations[_i].want, "%s", durations[_i].yaml);
    sample_close(&x);
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN("template",
                      SUITE_CASE("all", EACH(gives, values), EACH(refused, bad),
                                 TEST(unbound_names_are_errors), RANGE(values_have_a_limit, 0, 2),
                                 EACH(durations_in_range, durations)));
}
