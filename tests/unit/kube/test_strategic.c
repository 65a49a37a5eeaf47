/* Strategic merge patch: what upstream's own library made of samples (tests/clients/go/
 * strategic-samples), replayed; and what no sample can hold. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "kube/strategic.h"
#include "tests/unit/samples.h"
#include "tests/unit/suite.h"

#define SAMPLES_MAX 1000

static json_t *samples;

static json_t *parse(const char *text, size_t len)
{
    struct err e = {0};
    json_t *v = json_read(text, len, "test", &e);
    ck_assert_msg(v != NULL, "%s: %s", text, e.msg ? e.msg : "");
    return v;
}

static const struct kube_type *type_of(const char *kind)
{
    const char *group =
        strcmp(kind, "Deployment") == 0 || strcmp(kind, "ControllerRevision") == 0 ? "apps" : "";
    const struct kube_type *t = kube_type_find(group, "v1", kind);
    ck_assert_msg(t != NULL, "no type %s", kind);
    return t;
}

static int code_of(enum err_code code)
{
    return code == ERR_SYNTAX ? 400 : code == ERR_INVALID ? 422 : 500;
}

static void check_failure(const json_t *s, struct err *e)
{
    const char *name = json_str(s, "name"), *want = json_str(s, "error");
    ck_assert_msg(code_of(e->code) == json_int(s, "code", 0), "%s: %d, %s", name, e->code, e->msg);
    /* A panic has no words of its own. */
    if (strcmp(want, "panic") != 0)
        ck_assert_msg(strcmp(e->msg, want) == 0, "%s: want '%s', got '%s'", name, want, e->msg);
}

static void check_sample(const json_t *s)
{
    const json_t *want = json_object_get(s, "result");
    struct err e = {0};
    AUTO(json) json_t *original = json_copy_of(json_object_get(s, "original"));
    AUTO(json) json_t *patch = json_copy_of(json_object_get(s, "patch"));
    AUTO(json)
    json_t *have = patch_strategic(type_of(json_str(s, "kind")), original, patch, &e);
    if (!want) {
        ck_assert_msg(!have, "%s: wanted the error '%s'", json_str(s, "name"),
                      json_str(s, "error"));
        check_failure(s, &e);
        err_clear(&e);
    } else {
        AUTO(str) char *a = json_text(want);
        AUTO(str) char *b = have ? json_text(have) : mem_strdup(e.msg);
        ck_assert_msg(have && json_same(have, want), "%s: want %s, got %s", json_str(s, "name"), a,
                      b);
    }
    ck_assert(json_equal(original, json_object_get(s, "original")));
    ck_assert(json_equal(patch, json_object_get(s, "patch")));
}

/* A process for each sample would cost more than the sample does. */
#define BATCH 50

START_TEST(same_as_upstream)
{
    size_t first = (size_t)_i * BATCH;

    for (size_t i = first; i < first + BATCH && i < json_array_size(samples); i++)
        check_sample(json_array_get(samples, i));
}
END_TEST

static const struct refusal {
    const char *name, *patch;
    enum err_code code;
} refusals[] = {
    {"a list", "[]", ERR_SYNTAX},
    {"a text", "\"x\"", ERR_SYNTAX},
    {"null", "null", ERR_SYNTAX},
    {"key is an object", "{\"spec\":{\"containers\":[{\"name\":{}}]}}", ERR_INTERNAL},
    {"null in a list", "{\"metadata\":{\"finalizers\":[null]}}", ERR_INTERNAL},
    {"order of objects without a key",
     "{\"spec\":{\"$setElementOrder/tolerations\":[],\"tolerations\":[{\"key\":\"a\"}]}}",
     ERR_INTERNAL},
};

START_TEST(refuses)
{
    const struct refusal *r = &refusals[_i];
    static const char object[] =
        "{\"metadata\":{\"finalizers\":[\"a\"]},\"spec\":{\"containers\":[{\"name\":\"a\"}]}}";
    struct err e = {0};
    AUTO(json) json_t *original = parse(object, strlen(object));
    AUTO(json) json_t *patch = parse(r->patch, strlen(r->patch));
    AUTO(json) json_t *have = patch_strategic(type_of("Pod"), original, patch, &e);
    ck_assert_msg(!have && e.code == r->code, "%s: %d %s", r->name, e.code, e.msg ? e.msg : "");
    err_clear(&e);
}
END_TEST

START_TEST(depth_is_bounded)
{
    struct err e = {0};
    AUTO(json) json_t *original = json_object();
    AUTO(json) json_t *patch = json_object();
    for (int i = 0; i < 200; i++)
        patch = json_pack("{s:o}", "a", patch);
    ck_assert(!patch_strategic(type_of("Pod"), original, patch, &e));
    ck_assert_int_eq(e.code, ERR_LIMIT);
    err_clear(&e);
}
END_TEST

/* Ten thousand elements against ten thousand: by pairs that would take minutes. */
START_TEST(long_lists_are_cheap)
{
    struct err e = {0};
    AUTO(json) json_t *original = json_pack("{s:{s:[]}}", "spec", "containers");
    AUTO(json) json_t *patch = json_pack("{s:{s:[]}}", "spec", "containers");
    for (int i = 0; i < 10000; i++) {
        AUTO(str) char *a = mem_printf("a%d", i);
        AUTO(str) char *b = mem_printf("a%d", i + 5000);
        json_array_append_new((json_t *)json_path(original, "spec.containers"),
                              json_pack("{s:s}", "name", a));
        json_array_append_new((json_t *)json_path(patch, "spec.containers"),
                              json_pack("{s:s, s:s}", "name", b, "image", "i"));
    }
    AUTO(json) json_t *have = patch_strategic(type_of("Pod"), original, patch, &e);
    ck_assert(have);
    ck_assert_uint_eq(json_array_size(json_path(have, "spec.containers")), 15000);
}
END_TEST

int main(void)
{
    json_init();
    samples = samples_load(VMCONFORM_SAMPLES, SAMPLES_MAX);
    int batches = (int)((json_array_size(samples) + BATCH - 1) / BATCH);
    int status = SUITE_MAIN("kube.strategic",
                            SUITE_LONG_CASE("strategic", 60, RANGE(same_as_upstream, 0, batches),
                                            EACH(refuses, refusals), TEST(depth_is_bounded),
                                            TEST(long_lists_are_cheap)));
    json_decref(samples);
    return status;
}
