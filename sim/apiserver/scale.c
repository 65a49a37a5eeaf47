/* The scale subresource (section 4.3): autoscaling/v1 Scale as a view of an object, and writes of
 * the one number in it.
 *
 * Admission sees the object itself with the new number, not the Scale that webhooks get. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/order.h"
#include "base/strbuf.h"
#include "kube/gotext.h"
#include "kube/status.h"
#include "sim/apiserver/call_priv.h"
#include "sim/apiserver/crd.h"
#include "sim/apiserver/kinds_priv.h"
#include "sim/apiserver/rtype_priv.h"
#include "sim/apiserver/store.h"
#include "sim/apiserver/update_priv.h"
#include "sim/apiserver/write_priv.h"

#define SCALE_GROUP "autoscaling"
#define SCALE_VERSION "autoscaling/v1"
#define REPLICAS_NONE INT32_MIN /* what the server shows a patch when there is no number yet */

static const struct scale_paths by_template = {".spec.replicas", ".status.replicas", NULL};

const struct scale_paths *scale_of_builtin(const struct builtin *b)
{
    static const struct {
        const char *group, *plural;
    } scalable[] = {{"apps", "deployments"},
                    {"apps", "replicasets"},
                    {"apps", "statefulsets"},
                    {"", "replicationcontrollers"}};
    for (size_t i = 0; i < ARRAY_LEN(scalable); i++)
        if (strcmp(b->group, scalable[i].group) == 0 && strcmp(b->plural, scalable[i].plural) == 0)
            return &by_template;
    return NULL;
}

/* ---- reading ---- */

/* New. */
static char *accessor_error(const char *path, const json_t *v, const char *want)
{
    AUTO(str) char *text = json_is_string(v) ? mem_strdup(json_string_value(v)) : json_text(v);
    return mem_printf("%s accessor error: %s is of the type %s, expected %s", path, text,
                      gotext_type(v), want);
}

static int bad_value(struct call *c, const char *path, const json_t *v, const char *want)
{
    AUTO(str) char *text = accessor_error(path, v, want);
    return untyped_error(c->ret, 500, "%s", text);
}

/* What stands at a path: *ret is NULL when nothing does. An error (new) when it leads through what
 * has no members; null has none, and is no error. */
static char *find(const json_t *object, const char *path, const json_t **ret)
{
    const char *at = path;
    *ret = object;
    while (*at && *ret && !json_is_null(*ret)) {
        size_t len = strcspn(++at, ".");
        at += len;
        if (!json_is_object(*ret)) {
            AUTO(str) char *upto = mem_strndup(path, (size_t)(at - path));
            return accessor_error(upto, *ret, "map[string]interface {}");
        }
        *ret = json_object_getn(*ret, at - len, len);
    }
    if (*at)
        *ret = NULL;
    return NULL;
}

static int find_or_fail(struct call *c, const json_t *object, const char *path, const json_t **ret)
{
    AUTO(str) char *why = find(object, path, ret);
    return why ? untyped_error(c->ret, 500, "%s", why) : 0;
}

static int read_replicas(struct call *c, const json_t *object, const char *path, int64_t *ret,
                         bool *ret_found)
{
    const json_t *v;
    if (find_or_fail(c, object, path, &v) < 0)
        return -1;
    *ret_found = v != NULL;
    *ret = v ? json_integer_value(v) : 0;
    return !v || json_is_integer(v) ? 0 : bad_value(c, path, v, "int64");
}

/* "k in (a,b)", "!k", ... New. */
static char *requirement_text(const json_t *expression)
{
    const char *key = json_str_or_empty(expression, "key");
    const char *op = json_str_or_empty(expression, "operator");
    if (strcmp(op, "Exists") == 0)
        return mem_strdup(key);
    if (strcmp(op, "DoesNotExist") == 0)
        return mem_printf("!%s", key);
    const json_t *list = json_object_get(expression, "values");
    size_t n = json_array_size(list);
    const char **values = mem_zalloc((n + 1) * sizeof(*values));
    for (size_t i = 0; i < n; i++) {
        const char *one = json_string_value(json_array_get(list, i));
        values[i] = one ? one : "";
    }
    if (n)
        qsort(values, n, sizeof(*values), text_order);
    AUTO(strbuf) struct strbuf out = {0};
    strbuf_addf(&out, "%s %s (", key, strcmp(op, "NotIn") == 0 ? "notin" : "in");
    for (size_t i = 0; i < n; i++)
        strbuf_addf(&out, "%s%s", i ? "," : "", values[i]);
    strbuf_addch(&out, ')');
    free(values);
    return strbuf_take(&out);
}

struct requirement {
    const char *key;
    char *text;
};

static int requirement_order(const void *a, const void *b)
{
    const struct requirement *x = a, *y = b;
    int order = strcmp(x->key, y->key);
    return order ? order : strcmp(x->text, y->text);
}

/* A LabelSelector, or a map of labels, as the text of a selector: sorted by key. New. */
static char *selector_text(const json_t *selector)
{
    const json_t *labels = json_object_get(selector, "matchLabels");
    const json_t *expressions = json_object_get(selector, "matchExpressions");
    if (!labels && !expressions)
        labels = selector; /* a replication controller's */
    size_t n = 0;
    struct requirement *all = mem_zalloc(
        (json_object_size(labels) + json_array_size(expressions) + 1) * sizeof(struct requirement));
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)labels, key, value)
    {
        const char *text = json_string_value(value);
        all[n++] = (struct requirement){key, mem_printf("%s=%s", key, text ? text : "")};
    }
    for (size_t i = 0; i < json_array_size(expressions); i++) {
        const json_t *one = json_array_get(expressions, i);
        all[n++] = (struct requirement){json_str_or_empty(one, "key"), requirement_text(one)};
    }
    if (n)
        qsort(all, n, sizeof(*all), requirement_order);
    AUTO(strbuf) struct strbuf out = {0};
    for (size_t i = 0; i < n; i++) {
        strbuf_addf(&out, "%s%s", i ? "," : "", all[i].text);
        free(all[i].text);
    }
    free(all);
    return out.len ? strbuf_take(&out) : mem_strdup("");
}

static int read_selector(struct call *c, const json_t *object, char **ret)
{
    if (c->t->builtin) {
        *ret = selector_text(json_path(object, "spec.selector"));
        return 0;
    }
    const char *path = c->v->scale->selector;
    const json_t *v = NULL;
    if (path && find_or_fail(c, object, path, &v) < 0)
        return -1;
    *ret = mem_strdup(json_is_string(v) ? json_string_value(v) : "");
    return !v || json_is_string(v) ? 0 : bad_value(c, path, v, "string");
}

/* *ret_found: the object has a number of its own. Built-in kinds have 1 when none is given. */
static int scale_from(struct call *c, const json_t *object, json_t **ret, bool *ret_found)
{
    static const char *const kept[] = {"name", "namespace", "uid", "resourceVersion",
                                       "creationTimestamp"};
    int64_t want, have;
    bool found;
    AUTO(str) char *selector = NULL;
    if (read_replicas(c, object, c->v->scale->spec, &want, ret_found) < 0 ||
        read_replicas(c, object, c->v->scale->status, &have, &found) < 0 ||
        read_selector(c, object, &selector) < 0)
        return -1;
    if (!*ret_found && c->t->builtin) {
        *ret_found = true;
        want = 1;
    }
    json_t *scale =
        json_pack("{s:s, s:s, s:{}, s:{}, s:{s:I}}", "kind", "Scale", "apiVersion", SCALE_VERSION,
                  "metadata", "spec", "status", "replicas", (json_int_t)(int32_t)have);
    for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
        json_t *v = json_object_get(json_object_get(object, "metadata"), kept[i]);
        if (v)
            json_object_set(json_object_get(scale, "metadata"), kept[i], v);
    }
    if (want) /* Go leaves a zero out here, but not in status */
        json_put_take(scale, "spec.replicas", json_integer((int32_t)want));
    if (*selector)
        json_put_str(scale, "status.selector", selector);
    *ret = scale;
    return 0;
}

static int get_scale(struct call *c)
{
    const struct store_entry *e = store_find(&c->t->table, c->key);
    if (!e)
        return status_not_found(c->ret, call_resource(c), c->req->name);
    AUTO(json) json_t *object = version_view(c->t, c->v, e->object);
    AUTO(json) json_t *scale = NULL;
    bool found;
    if (scale_from(c, object, &scale, &found) < 0)
        return -1;
    if (!found)
        return status_internal(c->ret, "the spec replicas field \"%s\" does not exist",
                               c->v->scale->spec);
    respond(c, 200, TAKE(scale));
    return 0;
}

/* ---- what any write of the object must keep ---- */

static void validate_number(const json_t *object, const char *path, struct field_errors *errors)
{
    const json_t *v;
    AUTO(str) char *why = find(object, path, &v);
    AUTO(json) json_t *zero = json_integer(0);
    if (why) {
        field_errors_add(errors, FIELD_INVALID, path, zero, "%s", why);
    } else if (v && !json_is_integer(v)) {
        AUTO(str) char *text = accessor_error(path, v, "int64");
        field_errors_add(errors, FIELD_INVALID, path, zero, "%s", text);
    } else if (v && json_integer_value(v) < 0) {
        field_errors_add(errors, FIELD_INVALID, path, v, "should be a non-negative integer");
    } else if (v && json_integer_value(v) > INT32_MAX) {
        field_errors_add(errors, FIELD_INVALID, path, v, "should be less than or equal to %d",
                         INT32_MAX);
    }
}

void scale_validate(const struct call *c, const json_t *object, struct field_errors *errors)
{
    const struct scale_paths *p = c->v->scale;
    if (!call_is_status(c))
        validate_number(object, p->spec, errors);
    validate_number(object, p->status, errors);
    const json_t *selector = NULL;
    AUTO(str) char *text = p->selector ? find(object, p->selector, &selector) : NULL;
    if (!text && (!selector || json_is_string(selector)))
        return;
    if (!text)
        text = accessor_error(p->selector, selector, "string");
    AUTO(json) json_t *empty = json_string("");
    field_errors_add(errors, FIELD_INVALID, p->selector, empty, "%s", text);
}

/* ---- writing ---- */

static int check_place(struct call *c, const json_t *scale)
{
    const char *name = json_str_or_empty(scale, "metadata.name");
    const char *ns = json_str_or_empty(scale, "metadata.namespace");
    if (strcmp(name, c->req->name) != 0)
        return status_bad_request(
            c->ret, "the name of the object (%s) does not match the name on the URL (%s)", name,
            c->req->name);
    if (*ns && strcmp(ns, c->req->ns ? c->req->ns : "") != 0)
        return status_bad_request(c->ret, "the namespace of the provided object does not match "
                                          "the namespace sent on the request");
    return 0;
}

/* What the client sent, or what its patch made. */
static int check_scale(struct call *c, const json_t *scale)
{
    if (!json_is_object(scale))
        return status_bad_request(c->ret, "the object provided is unrecognized (must be of type "
                                          "Scale): couldn't get version/kind; json parse error: "
                                          "the body is not an object");
    const json_t *version = json_object_get(scale, "apiVersion");
    const json_t *kind = json_object_get(scale, "kind");
    const char *text = json_is_string(version) ? json_string_value(version) : "";
    if (version && strcmp(text, SCALE_VERSION) != 0)
        return status_bad_request(
            c->ret, "the API version in the data (%s) does not match the expected API version (%s)",
            text, SCALE_VERSION);
    text = json_is_string(kind) ? json_string_value(kind) : "";
    if (kind && strcmp(text, "Scale") != 0)
        return status_bad_request(c->ret,
                                  "%s in version \"v1\" cannot be handled as a Scale: no kind "
                                  "\"%s\" is registered for this endpoint",
                                  text, text);
    const json_t *n = json_path(scale, "spec.replicas");
    if (n && (!json_is_integer(n) || json_integer_value(n) > INT32_MAX ||
              json_integer_value(n) < INT32_MIN))
        return status_bad_request(c->ret,
                                  "Scale in version \"v1\" cannot be handled as a Scale: json: "
                                  "cannot unmarshal %s into Go struct field "
                                  "ScaleSpec.spec.replicas of type int32",
                                  json_is_number(n) ? "number" : gotext_type(n));
    return check_place(c, scale);
}

static int check_replicas(struct call *c, int64_t replicas)
{
    if (replicas == REPLICAS_NONE)
        return status_bad_request(c->ret, "the spec replicas field \"%s\" cannot be empty",
                                  c->v->scale->spec);
    if (replicas >= 0 || !c->t->builtin)
        return 0; /* the schema of a defined kind has its own say */
    struct field_errors errors = {0};
    AUTO(json) json_t *shown = json_integer(replicas);
    field_errors_add(&errors, FIELD_INVALID, "spec.replicas", shown,
                     "must be greater than or equal to 0");
    return status_invalid(c->ret, SCALE_GROUP, "Scale", c->req->name, &errors);
}

/* Never in the place of something else. */
static int put_replicas(struct call *c, json_t *object, int64_t replicas)
{
    const char *path = c->v->scale->spec;
    for (const char *at = strchr(path + 1, '.'); at; at = strchr(at + 1, '.')) {
        AUTO(str) char *upto = mem_strndup(path, (size_t)(at - path));
        const json_t *v = json_path(object, upto + 1);
        if (v && !json_is_object(v))
            return untyped_error(c->ret, 500,
                                 "value cannot be set because %s is not a map[string]interface{}",
                                 upto);
    }
    json_put_take(object, path + 1, json_integer(replicas));
    return 0;
}

/* The new state of the object behind the Scale. */
static int object_from(struct call *c, const json_t *base, const json_t *scale, json_t **ret)
{
    int64_t replicas = json_int(scale, "spec.replicas", 0);
    if (check_scale(c, scale) < 0 || check_replicas(c, replicas) < 0)
        return -1;
    AUTO(json) json_t *object = json_copy_of(base);
    if (put_replicas(c, object, replicas) < 0)
        return -1;
    static const char *const checked[] = {"metadata.resourceVersion", "metadata.uid"};
    for (size_t i = 0; i < ARRAY_LEN(checked); i++)
        if (*json_str_or_empty(scale, checked[i]))
            json_put_str(object, checked[i], json_str(scale, checked[i]));
    *ret = TAKE(object);
    return 0;
}

/* Nothing in a Scale is merged by key, so both kinds of merge are the same. */
static int patched_scale(struct call *c, const json_t *base, json_t **ret)
{
    if (c->req->patch != PATCH_STRATEGIC || c->t->crd)
        return call_apply_patch(c, base, ret);
    struct api_request merge = *c->req;
    merge.patch = PATCH_MERGE;
    struct call one = *c;
    one.req = &merge;
    return call_apply_patch(&one, base, ret);
}

static int wanted_scale(struct call *c, const json_t *base, json_t **ret)
{
    AUTO(json) json_t *old = NULL;
    bool found;
    if (scale_from(c, base, &old, &found) < 0)
        return -1;
    if (c->req->verb == API_UPDATE) {
        *ret = json_incref((json_t *)c->req->body);
        return 0;
    }
    if (!found)
        json_put_take(old, "spec.replicas", json_integer(REPLICAS_NONE));
    return patched_scale(c, old, ret);
}

static int write_once(struct call *c, bool *ret_raced)
{
    const struct store_entry *e = store_find(&c->t->table, c->key);
    if (!e)
        return status_not_found(c->ret, call_resource(c), c->req->name);
    AUTO(json) json_t *stored = json_incref(e->object);
    AUTO(json) json_t *base = version_view(c->t, c->v, stored);
    AUTO(json) json_t *scale = NULL;
    AUTO(json) json_t *object = NULL;
    if (wanted_scale(c, base, &scale) < 0 || object_from(c, base, scale, &object) < 0)
        return -1;
    return update_object(c, &object, stored, ret_raced);
}

static int write_scale(struct call *c)
{
    for (int i = 0;; i++) {
        bool raced = false;
        int rc = write_once(c, &raced);
        if (rc == 0)
            break;
        if (!raced || i == WRITE_RETRIES_MAX)
            return rc;
        api_response_finish(c->ret);
    }
    AUTO(json) json_t *object = TAKE(c->ret->body);
    bool found;
    return scale_from(c, object, &c->ret->body, &found);
}

int call_scale(struct call *c)
{
    if (c->req->verb == API_UPDATE && check_scale(c, c->req->body) < 0)
        return -1;
    return c->req->verb == API_GET ? get_scale(c) : write_scale(c);
}
