/* Compiles the input as an expression and evaluates it over a fixed object: any text ends with a
 * value or an error. */
#include <stdint.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "cel/cel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char object[] =
    "{\"metadata\":{\"name\":\"vm\",\"labels\":{\"app\":\"a\"}},\"spec\":{\"n\":3,\"r\":1.5,"
    "\"none\":null,"
    "\"disks\":[{\"name\":\"root\",\"size\":\"10Gi\"},{\"name\":\"data\"}]},"
    "\"status\":{\"phase\":\"Ready\",\"at\":\"2026-01-01T00:00:00Z\"}}";

static void evaluate(const struct cel_program *program, const json_t *self)
{
    AUTO(cel_context) struct cel_context *context = cel_context_create();
    struct cel_binding bindings[2] = {{.json = self}};
    struct err e = {0};
    struct cel_value v;

    if (cel_eval(program, context, bindings, NULL, 100000, &v, &e) == 0) {
        AUTO(str) char *shown = cel_show(&v, 1000);
        AUTO(json) json_t *json = cel_to_json(&v);

        if (!shown || !json || !cel_equal(&v, &v))
            err_clear(&e);
    }
    err_clear(&e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const variables[] = {"self", "oldSelf", NULL};
    static const struct cel_env env = {.variables = variables};
    AUTO(str) char *text = mem_strndup((const char *)data, size);
    AUTO(json) json_t *self = NULL;
    AUTO(cel_program) struct cel_program *program = NULL;
    struct err e = {0};

    json_init();
    self = json_read(object, sizeof object - 1, "self", &e);
    program = cel_compile(text, &env, NO_POS, &e);
    if (program)
        evaluate(program, self);
    err_clear(&e);
    return 0;
}
