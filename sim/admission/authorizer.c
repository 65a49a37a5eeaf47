/* `authorizer`: what expressions may ask the server's authoriser (delete-protection.md 2.5).
 *
 * A check is built step by step; each step is a map that nobody but these functions reads. */
#include <assert.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "sim/admission/policy_priv.h"

#define STEP "kubernetes.authorization"
#define CHECK_COST 350000u

enum step { STEP_AUTHORIZER, STEP_GROUP, STEP_RESOURCE, STEP_PATH, STEP_DECISION };

static json_t *step_new(enum step step)
{
    return json_pack("{s:i}", STEP, (int)step);
}

static int refuse(const char *what, struct err *reterr)
{
    return err_set(reterr, ERR_INVALID, NO_POS, "no such overload: the target is not %s", what);
}

/* The target, when it is at that step; NULL with *reterr. */
static const json_t *target_at(const struct cel_value *v, enum step step, const char *what,
                               struct err *reterr)
{
    const json_t *json = v->type == CEL_MAP && v->is_json ? v->u.json : NULL;
    const json_t *at = json_object_get(json, STEP);
    if (json_is_integer(at) && json_integer_value(at) == (json_int_t)step)
        return json;
    refuse(what, reterr);
    return NULL;
}

static int text_of(const struct cel_value *v, char **ret, struct err *reterr)
{
    if (v->type != CEL_STRING)
        return err_set(reterr, ERR_INVALID, NO_POS, "expected string, found %s",
                       cel_type_name(v->type));
    *ret = mem_strndup(v->u.text.data, v->u.text.len);
    return 0;
}

/* ---- steps ---- */

/* Another step from the target, with a text under a key. */
static int next_step(struct cel_context *c, const struct cel_value *args, enum step from,
                     const char *what, enum step to, const char *key, struct cel_value *ret,
                     struct err *reterr)
{
    const json_t *target = target_at(&args[0], from, what, reterr);
    AUTO(str) char *text = NULL;
    if (!target || text_of(&args[1], &text, reterr) < 0)
        return -1;
    json_t *next = json_copy_of(target);
    json_object_set_new(next, STEP, json_integer((json_int_t)to));
    json_object_set_new(next, key, json_string(text));
    *ret = cel_json_take(c, next);
    return 0;
}

#define DEFINE_STEP(function, from, what, to, key)                                                 \
    static int function(void *cookie, struct cel_context *c, size_t nargs,                         \
                        const struct cel_value *args, struct cel_value *ret, struct err *reterr)   \
    {                                                                                              \
        (void)cookie;                                                                              \
        (void)nargs;                                                                               \
        return next_step(c, args, from, what, to, key, ret, reterr);                               \
    }

DEFINE_STEP(fn_path, STEP_AUTHORIZER, "an authorizer", STEP_PATH, "path")
DEFINE_STEP(fn_group, STEP_AUTHORIZER, "an authorizer", STEP_GROUP, "group")
DEFINE_STEP(fn_resource, STEP_GROUP, "a group check", STEP_RESOURCE, "resource")
DEFINE_STEP(fn_subresource, STEP_RESOURCE, "a resource check", STEP_RESOURCE, "subresource")
DEFINE_STEP(fn_namespace, STEP_RESOURCE, "a resource check", STEP_RESOURCE, "namespace")
DEFINE_STEP(fn_name, STEP_RESOURCE, "a resource check", STEP_RESOURCE, "name")
/* RBAC, which answers, does not look at selectors. */
DEFINE_STEP(fn_field_selector, STEP_RESOURCE, "a resource check", STEP_RESOURCE, "fieldSelector")
DEFINE_STEP(fn_label_selector, STEP_RESOURCE, "a resource check", STEP_RESOURCE, "labelSelector")

static int fn_service_account(void *cookie, struct cel_context *c, size_t nargs,
                              const struct cel_value *args, struct cel_value *ret,
                              struct err *reterr)
{
    AUTO(str) char *ns = NULL;
    AUTO(str) char *name = NULL;
    (void)cookie;
    (void)nargs;
    if (!target_at(&args[0], STEP_AUTHORIZER, "an authorizer", reterr) ||
        text_of(&args[1], &ns, reterr) < 0 || text_of(&args[2], &name, reterr) < 0)
        return -1;
    json_t *next = step_new(STEP_AUTHORIZER);
    AUTO(str) char *user = mem_printf("system:serviceaccount:%s:%s", ns, name);
    json_put_str(next, "user", user);
    *ret = cel_json_take(c, next);
    return 0;
}

/* ---- the question ---- */

static void ask(const struct review *r, const json_t *check, const char *verb, json_t *decision)
{
    AUTO(auth_identity) struct auth_identity other = {0};
    const char *user = json_str(check, "user"), *path = json_str(check, "path");
    if (user)
        auth_identity_of_name(user, &other);
    struct api_attributes what = {.identity = user ? &other.id : r->identity, .verb = verb};
    if (path) {
        what.path = path;
    } else {
        const char *ns = json_str_or_empty(check, "namespace");
        const char *name = json_str_or_empty(check, "name");
        const char *sub = json_str_or_empty(check, "subresource");
        what.group = json_str_or_empty(check, "group");
        what.version = "*";
        what.plural = json_str_or_empty(check, "resource");
        what.subresource = *sub ? sub : NULL;
        what.ns = *ns ? ns : NULL;
        what.name = *name ? name : NULL;
    }
    AUTO(str) char *reason = NULL;
    bool allowed = apiserver_may(r->admission->server, &what, &reason);
    json_object_set_new(decision, "allowed", json_boolean(allowed));
    json_object_set_new(decision, "reason", json_string(reason ? reason : ""));
}

static int fn_check(void *cookie, struct cel_context *c, size_t nargs, const struct cel_value *args,
                    struct cel_value *ret, struct err *reterr)
{
    struct err not_path = {0};
    const json_t *check = target_at(&args[0], STEP_RESOURCE, "a resource check", &not_path);
    AUTO(str) char *verb = NULL;
    (void)nargs;
    if (!check)
        check = target_at(&args[0], STEP_PATH, "a check of a path or resource", reterr);
    err_clear(&not_path);
    if (!check || text_of(&args[1], &verb, reterr) < 0 || cel_charge(c, CHECK_COST, reterr) < 0)
        return -1;
    json_t *decision = step_new(STEP_DECISION);
    ask(cookie, check, verb, decision);
    *ret = cel_json_take(c, decision);
    return 0;
}

/* ---- the answer ---- */

static int fn_allowed(void *cookie, struct cel_context *c, size_t nargs,
                      const struct cel_value *args, struct cel_value *ret, struct err *reterr)
{
    const json_t *decision = target_at(&args[0], STEP_DECISION, "a decision", reterr);
    (void)cookie;
    (void)c;
    (void)nargs;
    *ret = cel_bool(json_bool(decision, "allowed", false));
    return decision ? 0 : -1;
}

static int fn_reason(void *cookie, struct cel_context *c, size_t nargs,
                     const struct cel_value *args, struct cel_value *ret, struct err *reterr)
{
    const json_t *decision = target_at(&args[0], STEP_DECISION, "a decision", reterr);
    const char *reason = json_str_or_empty(decision, "reason");
    (void)cookie;
    (void)nargs;
    *ret = cel_string(c, reason, strlen(reason));
    return decision ? 0 : -1;
}

/* The authoriser of the simulation cannot fail. */
static int fn_errored(void *cookie, struct cel_context *c, size_t nargs,
                      const struct cel_value *args, struct cel_value *ret, struct err *reterr)
{
    (void)cookie;
    (void)c;
    (void)nargs;
    *ret = cel_bool(false);
    return target_at(&args[0], STEP_DECISION, "a decision", reterr) ? 0 : -1;
}

static int fn_error(void *cookie, struct cel_context *c, size_t nargs, const struct cel_value *args,
                    struct cel_value *ret, struct err *reterr)
{
    (void)cookie;
    (void)nargs;
    *ret = cel_string(c, "", 0);
    return target_at(&args[0], STEP_DECISION, "a decision", reterr) ? 0 : -1;
}

static const struct cel_function functions[] = {
    {.name = "path", .member = true, .args_min = 2, .args_max = 2, .fn = fn_path},
    {.name = "group", .member = true, .args_min = 2, .args_max = 2, .fn = fn_group},
    {.name = "resource", .member = true, .args_min = 2, .args_max = 2, .fn = fn_resource},
    {.name = "subresource", .member = true, .args_min = 2, .args_max = 2, .fn = fn_subresource},
    {.name = "namespace", .member = true, .args_min = 2, .args_max = 2, .fn = fn_namespace},
    {.name = "name", .member = true, .args_min = 2, .args_max = 2, .fn = fn_name},
    {.name = "serviceAccount",
     .member = true,
     .args_min = 3,
     .args_max = 3,
     .fn = fn_service_account},
    {.name = "check", .member = true, .args_min = 2, .args_max = 2, .fn = fn_check},
    {.name = "allowed", .member = true, .args_min = 1, .args_max = 1, .fn = fn_allowed},
    {.name = "reason", .member = true, .args_min = 1, .args_max = 1, .fn = fn_reason},
    {.name = "errored", .member = true, .args_min = 1, .args_max = 1, .fn = fn_errored},
    {.name = "error", .member = true, .args_min = 1, .args_max = 1, .fn = fn_error},
    {.name = "fieldSelector",
     .member = true,
     .args_min = 2,
     .args_max = 2,
     .fn = fn_field_selector},
    {.name = "labelSelector",
     .member = true,
     .args_min = 2,
     .args_max = 2,
     .fn = fn_label_selector},
};
const struct cel_function *const authorizer_functions[] = {
    &functions[0],  &functions[1],  &functions[2],  &functions[3], &functions[4],
    &functions[5],  &functions[6],  &functions[7],  &functions[8], &functions[9],
    &functions[10], &functions[11], &functions[12], &functions[13]};
const size_t authorizer_function_count = ARRAY_LEN(authorizer_functions);

#define PATH_CHECK_TYPE "kubernetes.authorization.PathCheck"
#define GROUP_CHECK_TYPE "kubernetes.authorization.GroupCheck"
#define DECISION_TYPE "kubernetes.authorization.Decision"
const char *const authorizer_function_types[] = {
    AUTHORIZER_TYPE ",string->" PATH_CHECK_TYPE,
    AUTHORIZER_TYPE ",string->" GROUP_CHECK_TYPE,
    GROUP_CHECK_TYPE ",string->" RESOURCE_CHECK_TYPE,
    RESOURCE_CHECK_TYPE ",string->" RESOURCE_CHECK_TYPE,
    RESOURCE_CHECK_TYPE ",string->" RESOURCE_CHECK_TYPE,
    RESOURCE_CHECK_TYPE ",string->" RESOURCE_CHECK_TYPE,
    AUTHORIZER_TYPE ",string,string->" AUTHORIZER_TYPE,
    PATH_CHECK_TYPE ",string->" DECISION_TYPE ";" RESOURCE_CHECK_TYPE ",string->" DECISION_TYPE,
    DECISION_TYPE "->bool",
    DECISION_TYPE "->string",
    DECISION_TYPE "->bool",
    DECISION_TYPE "->string",
    RESOURCE_CHECK_TYPE ",string->" RESOURCE_CHECK_TYPE,
    RESOURCE_CHECK_TYPE ",string->" RESOURCE_CHECK_TYPE};
static_assert(ARRAY_LEN(authorizer_function_types) == ARRAY_LEN(authorizer_functions),
              "one for each");

json_t *authorizer_value(void)
{
    return step_new(STEP_AUTHORIZER);
}

json_t *authorizer_request_resource(const struct review *r)
{
    const struct api_resource *res = review_resource(r);
    json_t *out = step_new(STEP_RESOURCE);
    json_put_str(out, "group", res->group);
    json_put_str(out, "resource", res->plural);
    if (r->in->request->subresource)
        json_put_str(out, "subresource", r->in->request->subresource);
    json_put_str(out, "namespace", r->ns);
    json_put_str(out, "name", r->name);
    return out;
}
