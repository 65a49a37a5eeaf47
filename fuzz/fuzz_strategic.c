/* Two objects, one behind the other: what is stored, and a strategic merge patch of it, as a pod.
 * It applies or it does not; the inputs stay as they are; the same patch gives the same result. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "kube/strategic.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static json_t *apply(const json_t *object, const json_t *patch)
{
    struct err e = {0};
    AUTO(json) json_t *kept_object = json_deep_copy(object);
    AUTO(json) json_t *kept_patch = json_deep_copy(patch);
    json_t *merged = patch_strategic(kube_type_find("", "v1", "Pod"), object, patch, &e);
    assert(!merged == err_pending(&e));
    err_clear(&e);
    assert(json_equal(kept_object, object) && json_equal(kept_patch, patch));
    return merged;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *line = size ? memchr(data, '\n', size) : NULL;

    json_init();
    if (!line)
        return 0;
    size_t first = (size_t)(line - data);
    AUTO(json) json_t *object = json_read((const char *)data, first, "object", NULL);
    AUTO(json)
    json_t *patch = json_read((const char *)line + 1, size - first - 1, "patch", NULL);
    if (!object || !patch)
        return 0;
    AUTO(json) json_t *once = apply(object, patch);
    AUTO(json) json_t *again = apply(object, patch);
    assert(!once == !again);
    assert(!once || json_equal(once, again));
    return 0;
}
