/* What was added by a line of a list is whole, and its name is nobody else's. */
#include <string.h>

#include "base/mem.h"
#include "components/component.h"
#include "reports/writers.h"
#include "runner/expr.h"
#include "runner/given.h"
#include "runner/verb.h"
#include "sched/fault.h"
#include "tests/unit/suite.h"

struct names {
    const char *what, *items[128];
    size_t count;
};

static void add(struct names *n, const char *name)
{
    ck_assert_msg(name && *name, "%s number %zu has no name", n->what, n->count);
    for (size_t i = 0; i < n->count; i++)
        ck_assert_msg(strcmp(n->items[i], name) != 0, "%s: '%s' is there twice", n->what, name);
    ck_assert_uint_lt(n->count, ARRAY_LEN(n->items));
    n->items[n->count++] = name;
}

/* Also a verb or an item that is called as one of the keys beside it. */
START_TEST(shapes)
{
    for (size_t i = 0; shape_at(i); i++) {
        struct names n = {.what = shape_at(i)->what};

        for (const struct shape_key *k = shape_at(i)->keys; k->key; k++)
            add(&n, k->key);
    }
}
END_TEST

START_TEST(verbs)
{
    struct names n = {.what = "verb"};

    for (size_t i = 0; verbs_all[i]; i++) {
        const struct verb *v = verbs_all[i];
        bool map = v->takes == VERB_MAP || v->takes == VERB_TEXT_OR_MAP;

        add(&n, v->name);
        ck_assert_str_eq(v->name, verb_names[i]);
        ck_assert_msg(map == (v->shape != NULL), "%s: its shape", v->name);
        ck_assert_msg((v->act != NULL) != (v->run != NULL), "%s: one of act and run", v->name);
        ck_assert_msg((v->takes == VERB_OWN) == (v->parse != NULL), "%s: who reads it", v->name);
        ck_assert_msg(v->run || (v->takes != VERB_CONDITION && v->takes != VERB_OWN),
                      "%s: act gets a value", v->name);
        ck_assert_msg(v->value, "%s: what the page calls its value", v->name);
    }
}
END_TEST

START_TEST(givens)
{
    struct names n = {.what = "given"};

    for (size_t i = 0; given_items[i]; i++) {
        const struct given_item *g = given_items[i];
        bool said = g->part ? g->part->says != NULL : g->value && g->says;

        add(&n, g->name);
        if (i > 0)
            ck_assert_str_eq(g->name, given_forms[i - 1]);
        if (g->part)
            ck_assert_str_eq(g->name, g->part->name);
        ck_assert_msg((g->type == SHAPE_MAP) == (g->shape != NULL), "%s: its shape", g->name);
        ck_assert_msg(g->stage || g == &given_steps, "%s: nobody stages it", g->name);
        ck_assert_msg(said, "%s: what the page says", g->name);
    }
}
END_TEST

START_TEST(functions)
{
    struct names n = {.what = "function"};

    for (size_t i = 0; i < expr_function_count; i++) {
        const struct expr_function *f = expr_functions[i];
        AUTO(str) char *call = mem_printf("`%s(", f->cel.name);

        add(&n, f->cel.name);
        ck_assert_ptr_eq(&f->cel, expr_cel_functions[i]);
        ck_assert_msg(f->call && strncmp(f->call, call, strlen(call)) == 0,
                      "%s: the page calls it %s", f->cel.name, f->call);
        ck_assert_msg(f->says, "%s: what the page says", f->cel.name);
        ck_assert_uint_le(f->cel.args_min, f->cel.args_max);
    }
}
END_TEST

static void check_actions(const struct fault_point *p)
{
    struct names n = {.what = p->name};
    size_t mains = 0;

    /* One more than there is room for compiles, and leaves no end. */
    ck_assert_msg(!p->attrs[FAULT_ATTRS_MAX - 1], "%s: too many attributes", p->name);
    ck_assert_msg(!p->actions[FAULT_ACTIONS_MAX].name, "%s: too many actions", p->name);
    for (const struct fault_action *a = p->actions; a->name; a++) {
        add(&n, a->name);
        mains += a->with == NULL;
        ck_assert_msg(!a->with || fault_action_find(p->name, a->with), "%s.%s: there is no '%s'",
                      p->name, a->name, a->with);
    }
    ck_assert_msg(mains, "%s: a rule of it could ask for nothing", p->name);
}

START_TEST(faults)
{
    struct names n = {.what = "fault point"};

    for (size_t i = 0; i < fault_point_count; i++) {
        add(&n, fault_points[i]->name);
        check_actions(fault_points[i]);
    }
    ck_assert_ptr_null(fault_action_find("api", "lag"));
    ck_assert_ptr_null(fault_action_find("nowhere", "answer"));
}
END_TEST

START_TEST(components)
{
    struct names n = {.what = "component"};

    for (const struct component *const *c = component_all(); *c; c++) {
        add(&n, (*c)->name);
        ck_assert_ptr_eq(component_find((*c)->name), *c);
        ck_assert_msg((*c)->user != NULL, "%s: its user", (*c)->name);
        ck_assert_msg(((*c)->kind == COMPONENT_PLUGIN) == ((*c)->plugin != NULL), "%s: its actions",
                      (*c)->name);
        ck_assert_msg(((*c)->kind == COMPONENT_PLUGIN) == ((*c)->run == NULL), "%s: its run",
                      (*c)->name);
        ck_assert_msg(((*c)->kind == COMPONENT_POD) == ((*c)->image != NULL), "%s: its image",
                      (*c)->name);
    }
    ck_assert_str_eq(component_nearest("osac-operater"), "osac-operator");
    ck_assert_ptr_null(component_nearest("zebra"));
}
END_TEST

START_TEST(writers)
{
    struct names n = {.what = "report writer"};

    for (size_t i = 0; i < report_writer_count; i++) {
        add(&n, report_writers[i]->name);
        ck_assert_msg(report_writers[i]->help && report_writers[i]->write, "%s",
                      report_writers[i]->name);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("registries");
    TCase *tc = tcase_create("all");

    tcase_add_test(tc, shapes);
    tcase_add_test(tc, verbs);
    tcase_add_test(tc, givens);
    tcase_add_test(tc, functions);
    tcase_add_test(tc, faults);
    tcase_add_test(tc, components);
    tcase_add_test(tc, writers);
    suite_add_tcase(s, tc);
    return suite_run(s);
}
