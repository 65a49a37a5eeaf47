/* Compiles the input as an expression and evaluates it over a fixed object: any text ends with a
 * value or an error. With types it compiles only if it compiles without. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "cel/cel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char object[] =
    "{\"metadata\":{\"name\":\"vm\",\"labels\":{\"app\":\"a\"}},\"spec\":{\"n\":3,\"r\":1.5,"
    "\"none\":null,"
    "\"disks\":[{\"name\":\"root\",\"size\":\"10Gi\"},{\"name\":\"data\"}]},"
    "\"status\":{\"phase\":\"Ready\",\"at\":\"2026-01-01T00:00:00Z\"}}";

static const struct cel_static_type list = CEL_LIST_OF(CEL_DYN);

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

/* A mistake that is shown names a place in the text. */
static void check_types(const char *text, const struct cel_env *env,
                        const struct cel_program *plain)
{
    AUTO(str) char *shown = NULL;
    AUTO(cel_program) struct cel_program *p = cel_compile_shown(text, env, &shown);
    AUTO(str) char *type = p ? cel_type_text(cel_program_type(p)) : NULL;

    if (p ? !*type || (env->standard && !plain) : strncmp(shown, "ERROR: <input>:", 15) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const variables[] = {"self", "oldSelf", NULL};
    static const struct cel_static_type *const types[] = {NULL, &list};
    static const struct cel_env env = {.variables = variables};
    static const struct cel_env standard = {
        .variables = variables, .variable_types = types, .typed = true, .standard = true};
    static const struct cel_env kubernetes = {
        .variables = variables, .variable_types = types, .typed = true, .homogeneous = true};
    static const struct cel_env untyped = {.variables = variables, .standard = true};
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
    check_types(text, &kubernetes, NULL);
    AUTO(cel_program) struct cel_program *plain = cel_compile(text, &untyped, NO_POS, NULL);
    check_types(text, &standard, plain);
    return 0;
}
