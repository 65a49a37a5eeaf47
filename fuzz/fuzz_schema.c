/* Three lines: a schema as a CustomResourceDefinition has it, an object, an older state of it. A
 * schema is refused with reasons, or it prunes, defaults and validates any object; what it has
 * normalised once stays as it is, and what was valid is so again. */
#include <assert.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "fuzz/next_json.h"
#include "sim/apiserver/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ignore(void *cookie, const char *path)
{
    (void)cookie;
    assert(path && *path);
}

static bool is_valid(const struct schema *s, const json_t *object, const json_t *old,
                     struct cel_context *cel)
{
    struct field_errors errors = {0};
    schema_validate(s, object, old, cel, &errors);
    bool valid = !field_errors_any(&errors);
    field_errors_finish(&errors);
    return valid;
}

static void use(const struct schema *s, json_t *object, json_t *old)
{
    AUTO(cel_context) struct cel_context *cel = cel_context_create();
    schema_unknown(s, object, ignore, NULL);
    schema_normalise(s, object);
    schema_normalise(s, old);
    AUTO(json) json_t *once = json_copy_of(object);
    schema_normalise(s, object);
    assert(json_same(once, object));
    bool valid = is_valid(s, object, NULL, cel);
    is_valid(s, object, old, cel);
    assert(is_valid(s, object, NULL, cel) == valid);
    assert(json_same(once, object));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *at = (const char *)data;
    struct field_errors errors = {0};

    json_init();
    AUTO(json) json_t *openapi = next_object(&at, &size);
    AUTO(json) json_t *object = next_object(&at, &size);
    AUTO(json) json_t *old = next_object(&at, &size);
    if (!openapi)
        return 0;
    AUTO(schema) struct schema *s = schema_compile(openapi, "schema", true, &errors);
    assert(!s == field_errors_any(&errors));
    field_errors_finish(&errors);
    if (s && object && old)
        use(s, object, old);
    return 0;
}
