/* cel: an expression of Kubernetes' CEL, evaluated as an API server evaluates it. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "runner/casework.h"
#include "runner/subset.h"
#include "runner/verb.h"

/* What came of an expression: a value, or why there is none. */
struct cel_outcome {
    json_t *value;
    char *error;
    bool refused; /* before it was evaluated */
};

static void outcome_finish(struct cel_outcome *o)
{
    json_decref(o->value);
    free(o->error);
}

static void fail(struct cel_outcome *o, struct err *e, bool refused)
{
    o->error = mem_strdup(e->msg ? e->msg : "");
    o->refused = refused;
    err_clear(e);
}

static void evaluate(const char *text, const json_t *with, struct cel_outcome *ret)
{
    size_t count = json_object_size(with);
    const char **sorted = json_sorted_keys(with);
    const char **names = mem_zalloc((count + 1) * sizeof *names); /* NULL-terminated */
    const struct cel_env env = {.variables = names};
    struct cel_binding *bindings = mem_zalloc((count + 1) * sizeof *bindings);
    AUTO(cel_context) struct cel_context *c = cel_context_create();
    AUTO(cel_program) struct cel_program *p = NULL;
    struct err e = {0};
    struct cel_value v;

    for (size_t i = 0; i < count; i++) {
        names[i] = sorted[i];
        bindings[i].json = json_object_get(with, names[i]);
    }
    p = cel_compile(text, &env, NO_POS, &e);
    if (!p)
        fail(ret, &e, true);
    else if (cel_eval(p, c, bindings, NULL, 0, &v, &e) < 0)
        fail(ret, &e, false);
    else
        ret->value = cel_to_json(&v);
    cel_program_destroy(TAKE(p)); /* before the names that it borrows */
    free(bindings);
    free(names);
    free(sorted);
}

/* ---- judging ---- */

static int disappointed(struct casework *cw, const struct step *step, const char *text,
                        const char *want, const struct cel_outcome *o)
{
    AUTO(str) char *shown = o->error ? NULL : json_text(o->value);

    return verdict(cw, cw->staging ? RESULT_ERROR : RESULT_FAILED, cw->staging ? "stage" : NULL,
                   step->pos, NULL, "%s: expected %s, got %s%s", text, want,
                   o->error ? o->refused ? "a refusal: " : "an error: " : "",
                   o->error ? o->error : shown);
}

static int judge(struct casework *cw, const struct step *step, const json_t *args,
                 const struct cel_outcome *o)
{
    const char *text = json_str_or_empty(args, "expression");
    const char *fails = json_str(args, "fails"), *refused = json_str(args, "refused");
    const char *said = fails ? fails : refused;
    bool right;
    AUTO(str) char *want = NULL;

    if (said) {
        want = mem_printf("%s: %s", fails ? "an error" : "a refusal", said);
        right = o->error && o->refused == (refused != NULL) && strstr(o->error, said);
    } else {
        want = json_text(json_object_get(args, "gives"));
        right = !o->error && json_same(json_object_get(args, "gives"), o->value);
    }
    if (!right)
        return disappointed(cw, step, text, want, o);
    checked(cw, "cel: %s", text);
    return 0;
}

static int run_cel(struct casework *cw, const struct step *step, struct frame *frame)
{
    struct eval e = case_eval(cw, frame);
    struct err err = {0};
    struct cel_outcome outcome = {0};
    AUTO(json) json_t *args = tmpl_eval(step->args, &e, &err);
    int rc;

    if (!args || step_check_args(step, args, &err) < 0)
        return verdict_error(cw, "scenario", step->pos, &err);
    evaluate(json_str_or_empty(args, "expression"), json_object_get(args, "with"), &outcome);
    rc = judge(cw, step, args, &outcome);
    outcome_finish(&outcome);
    return rc;
}

/* ---- the verb ---- */

static const struct shape_key cel_keys[] = {
    {"expression", SHAPE_TEXT, true}, {"with", SHAPE_MAP_VALUE, false}, {"gives", SHAPE_ANY, false},
    {"fails", SHAPE_TEXT, false},     {"refused", SHAPE_TEXT, false},   {NULL, SHAPE_ANY, false}};
static const char *const cel_forms[] = {"gives", "fails", "refused", NULL};
static const struct shape_note cel_notes[] = {
    {"with", NULL, "Values of variables, by name."},
    {"gives", NULL, "The value, as JSON."},
    {"fails", NULL, "A part of the error that its evaluation ends with."},
    {"refused", NULL, "A part of the error that it does not compile with."},
    {NULL, NULL, NULL}};
static const struct shape cel_shape = {
    .what = "cel", .keys = cel_keys, .one_of = cel_forms, .notes = cel_notes};

const struct verb verb_cel = {
    .name = "cel",
    .value =
        "`{expression: CEL, with: {NAME: VALUE...}}` with one of `gives: VALUE`, `fails: TEXT`, "
        "`refused: TEXT`",
    .says = "evaluates an expression of Kubernetes' CEL, in which `with` names the variables: it "
            "gives that value, or ends with an error that has the text in it, or does not compile",
    .shape = &cel_shape,
    .run = run_cel,
};
