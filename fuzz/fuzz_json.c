/* Any bytes as JSON: a value or an error. What was read is written, and reads back as the same; and
 * as a patch of a fixed object, in both kinds, it applies or it does not. */
#include <assert.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "kube/patch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char object[] = "{\"metadata\":{\"name\":\"vm\",\"labels\":{\"a\":\"b\"}},"
                             "\"spec\":{\"list\":[1,2,{\"x\":null}],\"n\":1.5}}";

/* A large real has no point when it is written, and -0.0 no fraction: as in Go, both are integers
 * when they are read again. From then on nothing changes. */
static json_t *write_and_read(const json_t *value, enum json_style style)
{
    AUTO(strbuf) struct strbuf text = {0};
    AUTO(strbuf) struct strbuf sorted = {0};

    json_write(&text, value, style);
    json_write_sorted(&sorted, value, style);
    json_t *again = json_read(strbuf_str(&text), text.len, "written", NULL);
    AUTO(json) json_t *canonical = json_read(strbuf_str(&sorted), sorted.len, "sorted", NULL);
    assert(again || text.len > JSON_BYTES_MAX);
    assert(canonical || sorted.len > JSON_BYTES_MAX);
    assert(!again || !canonical || json_same(again, canonical));
    return again;
}

static void write_twice(const json_t *value, enum json_style style)
{
    AUTO(json) json_t *once = write_and_read(value, style);
    AUTO(json) json_t *twice = once ? write_and_read(once, style) : NULL;
    assert(!once || !twice || json_same(once, twice));
}

static void patch_with(const json_t *patch)
{
    AUTO(json) json_t *target = json_read(object, sizeof object - 1, "object", NULL);
    AUTO(json) json_t *before = json_copy_of(target);
    struct err e = {0};
    AUTO(json) json_t *merged = patch_merge(target, patch, &e);
    assert(!merged == err_pending(&e));
    err_clear(&e);
    AUTO(json) json_t *patched = patch_json(target, patch, &e);
    assert(!patched == err_pending(&e));
    err_clear(&e);
    assert(json_same(target, before)); /* objects are frozen */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = {0};

    json_init();
    AUTO(json) json_t *value = json_read((const char *)data, size, "input", &e);
    assert(!value == err_pending(&e));
    err_clear(&e);
    if (!value)
        return 0;
    write_twice(value, JSON_TIGHT);
    write_twice(value, JSON_INDENTED);
    patch_with(value);
    return 0;
}
