/* Two lines, an object and a patch: as a JSON patch and as a merge patch it goes through or says
 * why, and leaves what was passed in as it was. A merge patch that went through changes nothing
 * when it comes again. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "kube/patch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef json_t *patch_fn(const json_t *object, const json_t *patch, struct err *reterr);

static json_t *attempt(patch_fn *patch, const json_t *object, const json_t *with)
{
    struct err e = {0};
    json_t *out = patch(object, with, &e);
    assert(!out == err_pending(&e));
    err_clear(&e);
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data, *end = memchr(text, '\n', size);
    size_t len = end ? (size_t)(end - text) : size;

    json_init();
    AUTO(json) json_t *object = json_read(text, len, "object", NULL);
    AUTO(json) json_t *patch = end ? json_read(end + 1, size - len - 1, "patch", NULL) : NULL;
    if (!json_is_object(object) || !patch)
        return 0;
    AUTO(json) json_t *object_before = json_deep_copy(object);
    AUTO(json) json_t *patch_before = json_deep_copy(patch);
    json_decref(attempt(patch_json, object, patch));
    if (json_is_object(patch)) {
        AUTO(json) json_t *once = attempt(patch_merge, object, patch);
        AUTO(json) json_t *twice = once ? attempt(patch_merge, once, patch) : NULL;
        assert(!once || (twice && json_equal(once, twice)));
    }
    assert(json_equal(object, object_before) && json_equal(patch, patch_before));
    return 0;
}
