/* managedFields and server-side apply: what the API server's own libraries made of sequences of
 * writes (tests/clients/go/managed-samples), replayed step by step. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "kube/fields/managed.h"
#include "sim/apiserver/schema.h"
#include "tests/unit/samples.h"
#include "tests/unit/suite.h"

#define SAMPLES_MAX 5000
#define FIRST_SECOND INT64_C(1700000000)

static json_t *samples;

/* Without what Go's structs and the server's pruning add or take: nulls and empty containers. */
static json_t *squashed(const json_t *v)
{
    const char *key;
    json_t *value;
    size_t i;
    if (json_is_object(v)) {
        json_t *out = json_object();
        json_object_foreach((json_t *)v, key, value)
        {
            json_t *below = squashed(value);
            if (below)
                json_object_set_new(out, key, below);
        }
        if (json_object_size(out))
            return out;
        json_decref(out);
        return NULL;
    }
    if (json_is_array(v)) {
        json_t *out = json_array();
        json_array_foreach((json_t *)v, i, value)
        {
            json_t *below = squashed(value);
            json_array_append_new(out, below ? below : json_null());
        }
        if (json_array_size(out))
            return out;
        json_decref(out);
        return NULL;
    }
    return json_is_null(v) ? NULL : json_copy_of(v);
}

static void same(const char *what, const json_t *want, const json_t *have)
{
    AUTO(strbuf) struct strbuf w = {0};
    AUTO(strbuf) struct strbuf h = {0};
    if (want)
        json_write_sorted(&w, want, JSON_INDENTED);
    if (have)
        json_write_sorted(&h, have, JSON_INDENTED);
    ck_assert_msg(strcmp(strbuf_str(&w), strbuf_str(&h)) == 0, "%s: want\n%s\ngot\n%s", what,
                  strbuf_str(&w), strbuf_str(&h));
}

static void same_object(const char *what, const json_t *want, const json_t *have)
{
    same(what, json_at(want, "metadata", "managedFields", NULL),
         json_at(have, "metadata", "managedFields", NULL));
    AUTO(json) json_t *w = squashed(want);
    AUTO(json) json_t *h = squashed(have);
    json_drop(w, "metadata.uid");
    json_drop(h, "metadata.uid");
    same(what, w, h);
}

struct replay {
    const char *what;
    struct typed type;
    struct managed_writer writer;
    const json_t *live;
};

static void replay_update(struct replay *r, const json_t *step)
{
    AUTO(json) json_t *object = json_copy_of(json_object_get(step, "object"));
    json_t *entries = managed_update(r->live, object, r->type, &r->writer);
    json_t *meta = json_object_get(object, "metadata");
    if (json_array_size(entries))
        json_object_set(meta, "managedFields", entries);
    else
        json_object_del(meta, "managedFields");
    json_decref(entries);
    same_object(r->what, json_object_get(step, "want"), object);
}

static void same_failure(const char *what, const json_t *step, const struct api_response *ret)
{
    ck_assert_msg(ret->code == json_int(step, "code", 0), "%s: %s", what, api_message(ret));
    ck_assert_msg(strcmp(api_message(ret), json_str_or_empty(step, "message")) == 0,
                  "%s: want '%s', got '%s'", what, json_str_or_empty(step, "message"),
                  api_message(ret));
    AUTO(json) json_t *causes = json_array();
    const json_t *list = json_path(ret->body, "details.causes");
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *one = json_copy(json_array_get(list, i));
        json_object_del(one, "reason");
        json_array_append_new(causes, one);
    }
    if (json_object_get(step, "causes"))
        same(what, json_object_get(step, "causes"), causes);
}

static void replay_apply(struct replay *r, const json_t *step)
{
    struct api_response ret = {0};
    json_t *object = NULL;
    int rc = managed_apply(r->live, json_object_get(step, "object"), r->type, &r->writer,
                           json_is_true(json_object_get(step, "force")), &object, &ret);
    if (json_object_get(step, "code")) {
        ck_assert_msg(rc < 0, "%s: went through", r->what);
        same_failure(r->what, step, &ret);
        api_response_finish(&ret);
        return;
    }
    ck_assert_msg(rc == 0, "%s: %s", r->what, rc < 0 ? api_message(&ret) : "");
    same_object(r->what, json_object_get(step, "want"), object);
    json_decref(object);
}

static void replay_step(struct replay *r, const json_t *step)
{
    AUTO(json) json_t *before = r->live ? json_copy_of(r->live) : NULL;
    r->writer.manager = json_str(step, "manager");
    r->writer.subresource = json_str(step, "subresource");
    if (strcmp(json_str(step, "op"), "apply") == 0)
        replay_apply(r, step);
    else
        replay_update(r, step);
    ck_assert(!before || json_same(before, r->live)); /* objects are frozen */
    if (json_object_get(step, "want"))
        r->live = json_object_get(step, "want");
}

static struct typed type_of(const json_t *s, const struct schema *schema)
{
    char group[100], version[100];
    const char *kind = json_str(s, "kind"), *slash = strrchr(kind, '/');
    if (schema)
        return schema_typed(schema);
    const char *mid = strchr(kind, '/');
    snprintf(group, sizeof(group), "%.*s", (int)(mid - kind), kind);
    snprintf(version, sizeof(version), "%.*s", (int)(slash - mid - 1), mid + 1);
    const struct kube_type *t = kube_type_find(group, version, slash + 1);
    ck_assert_msg(t != NULL, "%s", kind);
    return typed_of_kube(t);
}

START_TEST(same_as_upstream)
{
    const json_t *s = json_array_get(samples, (size_t)_i), *source = json_object_get(s, "schema");
    const char *kind = json_str(s, "kind");
    AUTO(schema) struct schema *schema = NULL;
    if (source) {
        struct field_errors errors = {0};
        schema = schema_compile(source, "schema", /* has_status= */ false, &errors);
        ck_assert_msg(schema != NULL, "%s: bad schema", json_str(s, "name"));
    }
    AUTO(str) char *version = mem_strndup(kind, (size_t)(strrchr(kind, '/') - kind));
    struct replay r = {.type = type_of(s, schema)};
    r.writer.api_version = *version == '/' ? version + 1 : version;
    r.writer.has_status = json_is_true(json_object_get(s, "hasStatus"));
    r.writer.custom = schema != NULL;
    const json_t *steps = json_object_get(s, "steps");
    for (size_t i = 0; i < json_array_size(steps); i++) {
        AUTO(str) char *what = mem_printf("%s, step %zu", json_str(s, "name"), i + 1);
        r.what = what;
        r.writer.now_ns = (FIRST_SECOND + (int64_t)i + 1) * 1000000000;
        replay_step(&r, json_array_get(steps, i));
    }
}
END_TEST

int main(void)
{
    const char *path = getenv("VMCONFORM_MANAGED_SAMPLES"); /* longer ones than those kept here */

    json_init();
    samples = samples_load(path ? path : VMCONFORM_SAMPLES, SAMPLES_MAX);
    int status = SUITE_MAIN(
        "managed_samples",
        SUITE_LONG_CASE("upstream", 60, RANGE(same_as_upstream, 0, json_array_size(samples))));
    json_decref(samples);
    return status;
}
