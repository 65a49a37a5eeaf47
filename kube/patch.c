/* Merge patch and JSON patch as the API server's patch library (evanphx/json-patch v4) applies
 * them. */
#include "kube/patch.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "kube/patch_priv.h"

/* What `copy` may add up to: the API server's limit, so that doubling ends. */
#define COPIED_MAX (3u << 20)

/* ---- merge patch ---- */

/* target is ours and changes in place. */
static void merge_into(json_t *target, const json_t *patch)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)patch, key, value)
    {
        json_t *current = json_object_get(target, key);

        if (json_is_null(value)) {
            json_object_del(target, key);
        } else if (json_is_object(value) && json_is_object(current)) {
            merge_into(current, value);
        } else {
            json_t *copy = json_copy_of(value);

            json_drop_nulls(copy);
            json_object_set_new_nocheck(target, key, copy);
        }
    }
}

unsigned patch_depth(const json_t *v, unsigned left)
{
    unsigned deepest = 0;
    const char *key;
    json_t *value;

    if (!json_is_object(v) && !json_is_array(v))
        return 0;
    if (left == 0)
        return 1;
    for (size_t i = 0; i < json_array_size(v); i++) {
        unsigned d = patch_depth(json_array_get(v, i), left - 1);

        deepest = d > deepest ? d : deepest;
    }
    json_object_foreach((json_t *)v, key, value)
    {
        unsigned d = patch_depth(value, left - 1);

        deepest = d > deepest ? d : deepest;
    }
    return deepest + 1;
}

json_t *patch_merge(const json_t *object, const json_t *patch, struct err *reterr)
{
    json_t *result;

    if (!json_is_object(patch)) {
        err_set(reterr, ERR_SYNTAX, NO_POS, "Invalid JSON Patch");
        return NULL;
    }
    if (patch_depth(patch, JSON_DEPTH_MAX) > JSON_DEPTH_MAX) {
        err_set(reterr, ERR_LIMIT, NO_POS, "patch is nested deeper than %d levels", JSON_DEPTH_MAX);
        return NULL;
    }
    result = json_is_object(object) ? json_copy_of(object) : json_object();
    assert(result != object);
    merge_into(result, patch);
    return result;
}

/* ---- JSON patch ---- */

struct applier {
    json_t *doc;
    size_t copied; /* by `copy`, in bytes as text would have */
    struct err *reterr;
};

/* A place in the document: the container and the last token of its path. */
struct place {
    json_t *container;
    char *token; /* owned; NULL: the whole document */
    unsigned depth;
};

static void cleanup_place(struct place *p)
{
    free(p->token);
}

static int refuse(struct applier *a, const char *op, const char *path, const char *why)
{
    return err_set(a->reterr, ERR_INVALID, NO_POS, "%s operation does not apply: \"%.200s\": %s",
                   op, path, why);
}

/* "a~1b~0c" to "a/b~c". New. */
static char *unescape(const char *token, size_t len)
{
    char *out = mem_alloc(len + 1);
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        bool escape =
            token[i] == '~' && i + 1 < len && (token[i + 1] == '0' || token[i + 1] == '1');

        out[n++] = escape ? (token[++i] == '0' ? '~' : '/') : token[i];
    }
    assert(n <= len);
    out[n] = '\0';
    return out;
}

/* strconv.Atoi, and negative indexes from the end: both are the library's reading, not the RFC's.
 */
static bool parse_index(const char *token, size_t size, size_t *ret)
{
    const char *digits = token + (*token == '-' || *token == '+');
    long value;

    if (*digits == '\0' || digits[strspn(digits, "0123456789")] != '\0')
        return false;
    errno = 0;
    value = strtol(token, NULL, 10);
    if (errno || value >= (long)size || value < -(long)size)
        return false;
    *ret = value < 0 ? (size_t)((long)size + value) : (size_t)value;
    assert(*ret < size);
    return true;
}

static json_t *member(json_t *container, const char *token)
{
    size_t index;

    if (json_is_object(container))
        return json_object_get(container, token);
    if (json_is_array(container) && parse_index(token, json_array_size(container), &index))
        return json_array_get(container, index);
    return NULL;
}

static int find_place(struct applier *a, const char *op, const char *path, struct place *ret)
{
    const char *at = path;

    *ret = (struct place){0};
    if (*path == '\0')
        return 0;
    if (*path != '/')
        return refuse(a, op, path, "a path starts with '/'");
    assert(a->doc);
    ret->container = a->doc;
    for (;;) {
        const char *end = strchrnul(++at, '/');
        AUTO(str) char *token = unescape(at, (size_t)(end - at));

        if (++ret->depth > JSON_DEPTH_MAX)
            return refuse(a, op, path, "the path is too deep");
        if (*end == '\0') {
            ret->token = TAKE(token);
            break;
        }
        ret->container = member(ret->container, token);
        if (!ret->container)
            return refuse(a, op, path, "doc is missing path");
        at = end;
    }
    if (!json_is_object(ret->container) && !json_is_array(ret->container))
        return refuse(a, op, path, "doc is missing path");
    return 0;
}

static json_t *value_at(struct applier *a, const struct place *p)
{
    assert(!p->token == !p->container);
    return p->token ? member(p->container, p->token) : a->doc;
}

static void replace_doc(struct applier *a, json_t *value)
{
    assert(value);
    json_decref(a->doc);
    a->doc = value;
}

/* Steals value. */
static int add_take(struct applier *a, const char *op, const char *path, json_t *value)
{
    AUTO(json) json_t *owned = value;
    __attribute__((cleanup(cleanup_place))) struct place p = {0};
    size_t index;

    if (find_place(a, op, path, &p) < 0)
        return -1;
    if (p.depth + patch_depth(value, JSON_DEPTH_MAX) > JSON_DEPTH_MAX)
        return refuse(a, op, path, "the result would be nested too deeply");
    if (!p.token) {
        replace_doc(a, TAKE(owned));
        return 0;
    }
    if (json_is_object(p.container))
        return json_object_set_new_nocheck(p.container, p.token, TAKE(owned));
    if (strcmp(p.token, "-") == 0)
        return json_array_append_new(p.container, TAKE(owned));
    if (!parse_index(p.token, json_array_size(p.container) + 1, &index))
        return refuse(a, op, path, "index out of bounds");
    return json_array_insert_new(p.container, index, TAKE(owned));
}

/* Removes what stands at the path; ret_value (may be NULL) gets it, new. */
static int take_away(struct applier *a, const char *op, const char *path, json_t **ret_value)
{
    __attribute__((cleanup(cleanup_place))) struct place p = {0};
    json_t *value;
    size_t index;

    if (find_place(a, op, path, &p) < 0)
        return -1;
    value = p.token ? value_at(a, &p) : NULL;
    if (!value)
        return refuse(a, op, path, "doc is missing path");
    if (ret_value)
        *ret_value = json_incref(value);
    if (json_is_object(p.container))
        return json_object_del(p.container, p.token);
    if (!parse_index(p.token, json_array_size(p.container), &index))
        return -1;
    return json_array_remove(p.container, index);
}

/* A missing member of an object is created; a missing index is an error. Steals value. */
static int replace_take(struct applier *a, const char *path, json_t *value)
{
    AUTO(json) json_t *owned = value;
    __attribute__((cleanup(cleanup_place))) struct place p = {0};
    size_t index;

    if (find_place(a, "replace", path, &p) < 0)
        return -1;
    if (!p.token || json_is_object(p.container))
        return add_take(a, "replace", path, TAKE(owned));
    if (!parse_index(p.token, json_array_size(p.container), &index))
        return refuse(a, "replace", path, "index out of bounds");
    if (p.depth + patch_depth(value, JSON_DEPTH_MAX) > JSON_DEPTH_MAX)
        return refuse(a, "replace", path, "the result would be nested too deeply");
    return json_array_set_new(p.container, index, TAKE(owned));
}

static int test_value(struct applier *a, const char *path, const json_t *want)
{
    __attribute__((cleanup(cleanup_place))) struct place p = {0};
    const json_t *have;

    if (find_place(a, "test", path, &p) < 0)
        return -1;
    have = value_at(a, &p);
    if (!have && json_is_array(p.container))
        return refuse(a, "test", path, "index out of bounds");
    /* An absent member passes for null. */
    if (have ? json_same(have, want) : json_is_null(want))
        return 0;
    return refuse(a, "test", path, "the value differs");
}

/* About the bytes of v as text. */
static size_t weight_of(const json_t *v)
{
    size_t sum = 8 + json_string_length(v);
    const char *key;
    json_t *value;

    for (size_t i = 0; i < json_array_size(v); i++)
        sum += weight_of(json_array_get(v, i));
    json_object_foreach((json_t *)v, key, value) sum += strlen(key) + weight_of(value);
    return sum;
}

static int copy_value(struct applier *a, const char *from, const char *path)
{
    __attribute__((cleanup(cleanup_place))) struct place p = {0};
    const json_t *value;

    if (find_place(a, "copy", from, &p) < 0)
        return -1;
    value = value_at(a, &p);
    if (!value)
        return refuse(a, "copy", from, "doc is missing path");
    a->copied += weight_of(value);
    if (a->copied > COPIED_MAX)
        return err_set(a->reterr, ERR_INVALID, NO_POS,
                       "the copy operations of the patch add up to more than %u bytes", COPIED_MAX);
    return add_take(a, "copy", path, json_copy_of(value));
}

static int move_value(struct applier *a, const char *from, const char *path)
{
    size_t len = strlen(from);
    json_t *value = NULL;

    if (strncmp(path, from, len) == 0 && path[len] == '/')
        return refuse(a, "move", path, "a value cannot move into itself");
    if (take_away(a, "move", from, &value) < 0)
        return -1;
    return add_take(a, "move", path, value);
}

static int apply_op(struct applier *a, const json_t *op)
{
    const char *name = json_str(op, "op"), *path = json_str(op, "path"),
               *from = json_str(op, "from");
    json_t *value = json_object_get(op, "value");

    if (!name || !path)
        return err_set(a->reterr, ERR_INVALID, NO_POS, "an operation needs \"op\" and \"path\"");
    if (strcmp(name, "remove") == 0)
        return take_away(a, name, path, NULL);
    if (strcmp(name, "move") == 0 || strcmp(name, "copy") == 0) {
        if (!from)
            return refuse(a, name, path, "it needs \"from\"");
        return *name == 'm' ? move_value(a, from, path) : copy_value(a, from, path);
    }
    if (strcmp(name, "test") == 0) {
        AUTO(json) json_t *null = json_null();

        return test_value(a, path, value ? value : null);
    }
    if (strcmp(name, "add") != 0 && strcmp(name, "replace") != 0)
        return err_set(a->reterr, ERR_INVALID, NO_POS, "Unexpected kind: %.40s", name);
    if (!value)
        return refuse(a, name, path, "it needs \"value\"");
    value = json_copy_of(value);
    return *name == 'a' ? add_take(a, name, path, value) : replace_take(a, path, value);
}

static int check_patch(const json_t *patch, struct err *reterr)
{
    if (!json_is_array(patch))
        return err_set(reterr, ERR_SYNTAX, NO_POS,
                       "error decoding patch: json: cannot unmarshal %s into Go value of type "
                       "jsonpatch.Patch",
                       json_is_object(patch) ? "object" : "value");
    if (json_array_size(patch) > PATCH_OPS_MAX)
        return err_set(reterr, ERR_LIMIT, NO_POS,
                       "The allowed maximum operations in a JSON patch is %d, got %zu",
                       PATCH_OPS_MAX, json_array_size(patch));
    for (size_t i = 0; i < json_array_size(patch); i++)
        if (!json_is_object(json_array_get(patch, i)))
            return err_set(reterr, ERR_SYNTAX, NO_POS,
                           "error decoding patch: json: cannot unmarshal value into Go value of "
                           "type jsonpatch.Operation");
    return 0;
}

json_t *patch_json(const json_t *object, const json_t *patch, struct err *reterr)
{
    struct applier a = {.reterr = reterr};

    if (check_patch(patch, reterr) < 0)
        return NULL;
    a.doc = json_copy_of(object);
    for (size_t i = 0; i < json_array_size(patch); i++) {
        if (apply_op(&a, json_array_get(patch, i)) < 0) {
            json_decref(a.doc);
            return NULL;
        }
    }
    return a.doc;
}
