/* The step and the function about what lies in the object store: as somebody else's hand may change
 * it. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "runner/expr.h"
#include "runner/verb.h"
#include "sim/storage/objectstore.h"

/* ---- object ---- */

static int do_object(struct casework *cw, const struct step *step, const struct eval *e,
                     const json_t *args)
{
    struct objectstore *store = objectstore_of(cw->world);
    const char *bucket = json_str_or_empty(args, "bucket"), *key = json_str_or_empty(args, "key");
    const char *text = json_str(args, "text");
    const json_t *json = json_object_get(args, "json");
    AUTO(str) char *written = json ? json_text(json) : NULL;

    (void)e;
    if (written)
        text = written;
    if (text) {
        objectstore_put(store, bucket, key, text, strlen(text));
        return 0;
    }
    if (objectstore_delete(store, bucket, key))
        return 0;
    return verdict(cw, RESULT_ERROR, "scenario", step->pos, NULL,
                   "object: bucket '%s' has no object '%s'", bucket, key);
}

static const struct shape_key object_keys[] = {
    {"bucket", SHAPE_TEXT, true},     {"key", SHAPE_TEXT, true},     {"text", SHAPE_TEXT, false},
    {"json", SHAPE_MAP_VALUE, false}, {"delete", SHAPE_BOOL, false}, {NULL, SHAPE_ANY, false}};
static const char *const object_forms[] = {"text", "json", "delete", NULL};
static const struct shape object_shape = {
    .what = "object", .keys = object_keys, .one_of = object_forms};

const struct verb verb_object = {
    .name = "object",
    .value = "`{bucket, key, ...}` with one of `text: TEXT`, `json: {...}`, `delete: true`",
    .says = "writes or deletes an object of the object store; what is not there cannot be deleted",
    .shape = &object_shape,
    .act = do_object,
};

/* ---- document() ---- */

#define DOCUMENT_MAX JSON_BYTES_MAX

static json_t *document(struct objectstore *store, const char *bucket, const char *key)
{
    uint64_t size = 0;
    size_t len = 0;

    if (!objectstore_size(store, bucket, key, &size) || size > DOCUMENT_MAX)
        return json_null();
    AUTO(str) char *text = mem_zalloc((size_t)size + 1);
    json_t *doc = NULL;
    if (objectstore_read(store, bucket, key, 0, text, (size_t)size, &len, NULL) == 0)
        doc = json_read(text, len, NULL, NULL);
    return doc ? doc : json_null();
}

static int fn_document(void *cookie, struct cel_context *c, size_t nargs,
                       const struct cel_value *args, struct cel_value *ret, struct err *reterr)
{
    struct casework *cw = cookie;
    AUTO(str) char *bucket = expr_text(&args[0], "the bucket", reterr);
    AUTO(str) char *key = bucket ? expr_text(&args[1], "the key", reterr) : NULL;

    (void)nargs;
    if (!key)
        return -1;
    *ret = cel_json_take(c, document(objectstore_of(cw->world), bucket, key));
    return 0;
}

const struct expr_function function_document = {
    {"document", false, 2, 2, fn_document},
    "`document(BUCKET, KEY)`",
    "the object's JSON; `null` when there is no such object, or it is no JSON",
    {EXPR_NAMES_NOTHING}};
