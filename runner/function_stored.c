/* stored(BUCKET, KEY): a document in the object store. */
#include "base/json.h"
#include "base/mem.h"
#include "runner/casework.h"
#include "runner/expr.h"
#include "sim/storage/objectstore.h"

static int read_text(struct casework *cw, const char *bucket, const char *key, uint64_t size,
                     char **ret, struct err *reterr)
{
    size_t len;

    if (size > JSON_BYTES_MAX)
        return err_set(reterr, ERR_LIMIT, NO_POS, "'%s' has more than %u bytes", key,
                       JSON_BYTES_MAX);
    *ret = mem_zalloc((size_t)size + 1);
    return objectstore_read(objectstore_of(cw->world), bucket, key, 0, *ret, (size_t)size, &len,
                            reterr);
}

static int fn_stored(void *cookie, struct cel_context *c, size_t nargs,
                     const struct cel_value *args, struct cel_value *ret, struct err *reterr)
{
    struct casework *cw = cookie;
    AUTO(str) char *bucket = expr_text(&args[0], "the bucket", reterr);
    AUTO(str) char *key = bucket ? expr_text(&args[1], "the key", reterr) : NULL;
    AUTO(str) char *text = NULL;
    json_t *doc = NULL;
    uint64_t size;

    (void)nargs;
    if (!key)
        return -1;
    if (objectstore_size(objectstore_of(cw->world), bucket, key, &size)) {
        if (read_text(cw, bucket, key, size, &text, reterr) < 0 ||
            !(doc = json_read(text, (size_t)size, key, reterr)))
            return -1;
    }
    *ret = cel_json_take(c, doc ? doc : json_null());
    return 0;
}

const struct expr_function function_stored = {
    {"stored", false, 2, 2, fn_stored},
    "`stored(BUCKET, KEY)`",
    "the JSON document that lies there in the object store, or `null`",
    {EXPR_NAMES_NOTHING}};
