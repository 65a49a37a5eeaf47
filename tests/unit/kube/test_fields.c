/* Sets of field paths, their text, and the types of built-in kinds as apply sees them. What updates
 * and applies make of them is in tests/unit/sim/test_managed_samples.c. */
#include "kube/fields/managed.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "kube/fields/fields_priv.h"
#include "tests/unit/suite.h"

/* JSON with ' for ", and ` for \" inside of keys. New. */
static json_t *js(const char *text)
{
    AUTO(strbuf) struct strbuf out = {0};
    for (const char *p = text; *p; p++) {
        if (*p == '`')
            strbuf_addstr(&out, "\\\"");
        else
            strbuf_addch(&out, *p == '\'' ? '"' : *p);
    }
    struct err e = {0};
    json_t *v = json_read(strbuf_str(&out), out.len, "test", &e);
    ck_assert_msg(v != NULL, "%s: %s", text, e.msg ? e.msg : "");
    return v;
}

static const struct set *read_set(struct pool *p, const char *text)
{
    const struct set *s;
    AUTO(str) char *why = fieldsv1_read(p, pool_hold(p, js(text)), &s);
    ck_assert_msg(!why, "%s: %s", text, why);
    return s;
}

static void want_set(const char *name, const struct set *s, const char *want)
{
    AUTO(json) json_t *have = fieldsv1_write(s);
    AUTO(json) json_t *expected = js(want);
    AUTO(str) char *h = json_text(have);
    AUTO(str) char *w = json_text(expected);
    ck_assert_msg(strcmp(h, w) == 0, "%s: want %s, got %s", name, w, h);
}

/* ---- text ---- */

static const struct text_case {
    const char *name, *in, *out;
} texts[] = {
    {"empty", "{}", "{}"},
    {"sorted", "{'f:b':{},'f:a':{}}", "{'f:a':{},'f:b':{}}"},
    {"kinds in order", "{'i:1':{},'v:1':{},'k:{`a`:1}':{},'f:z':{}}",
     "{'f:z':{},'k:{`a`:1}':{},'v:1':{},'i:1':{}}"},
    {"dot", "{'f:a':{'f:b':{},'.':{}}}", "{'f:a':{'.':{},'f:b':{}}}"},
    {"dot alone", "{'f:a':{'.':{}}}", "{'f:a':{}}"},
    {"keys sorted", "{'k:{`b`:`x`, `a`:1}':{}}", "{'k:{`a`:1,`b`:`x`}':{}}"},
    {"values by kind", "{'v:`b`':{},'v:null':{},'v:2':{},'v:true':{},'v:10':{},'v:`a`':{}}",
     "{'v:2':{},'v:10':{},'v:`a`':{},'v:`b`':{},'v:true':{},'v:null':{}}"},
    {"numbers", "{'v:1.0':{},'v:1.5':{},'v:1':{}}", "{'v:1':{},'v:1.5':{}}"},
    {"steps of the future", "{'f:a':{},'x:b':{'f:c':{}}}", "{'f:a':{}}"},
    {"only those", "{'f:a':{'x:b':{}}}", "{'f:a':{}}"},
    {"html", "{'v:`<&>`':{}}", "{'v:`\\\\u003c\\\\u0026\\\\u003e`':{}}"},
    {"index", "{'i:10':{},'i:9':{},'i:-1':{}}", "{'i:-1':{},'i:9':{},'i:10':{}}"},
};

START_TEST(reads_and_writes)
{
    const struct text_case *c = &texts[_i];
    AUTO(pool) struct pool p = {0};
    want_set(c->name, read_set(&p, c->in), c->out);
}
END_TEST

static const struct bad_case {
    const char *name, *entries, *why;
} bad[] = {
    {"none", "[]", NULL},
    {"good",
     "[{'operation':'Apply','apiVersion':'v1','fieldsType':'FieldsV1','fieldsV1':{'f:a':{}}}]",
     NULL},
    {"no fields", "[{'operation':'Apply','apiVersion':'v1','fieldsType':'FieldsV1'}]", NULL},
    {"operation", "[{'operation':'Create','apiVersion':'v1','fieldsType':'FieldsV1'}]",
     "operation must be `Apply` or `Update`"},
    {"apiVersion", "[{'operation':'Apply','fieldsType':'FieldsV1'}]",
     "apiVersion must not be empty"},
    {"type", "[{'operation':'Apply','apiVersion':'v1','fieldsType':'FieldsV2'}]",
     "invalid fieldsType \"FieldsV2\" in managed fields entry 0"},
    {"no type", "[{'operation':'Apply','apiVersion':'v1'}]",
     "missing fieldsType in managed fields entry 0"},
    {"short step",
     "[{'operation':'Apply','apiVersion':'v1','fieldsType':'FieldsV1','fieldsV1':{'f':{}}}]",
     "error decoding set: parsing key as path element: key must be 2 characters long:"},
    {"no colon",
     "[{'operation':'Apply','apiVersion':'v1','fieldsType':'FieldsV1','fieldsV1':{'foo':{}}}]",
     "error decoding set: parsing key as path element: missing colon: foo"},
    {"index",
     "[{'operation':'Apply','apiVersion':'v1','fieldsType':'FieldsV1','fieldsV1':{'i:x':{}}}]",
     "error decoding set: parsing key as path element: strconv.Atoi: parsing \"x\": invalid "
     "syntax"},
    {"no object",
     "[{'operation':'Apply','apiVersion':'v1','fieldsType':'FieldsV1','fieldsV1':{'f:a':1}}]",
     "error decoding set: expected an object of fields"},
};

START_TEST(checks)
{
    const struct bad_case *c = &bad[_i];
    AUTO(json) json_t *entries = js(c->entries);
    AUTO(str) char *why = managed_check(entries);
    ck_assert_msg(!why == !c->why && (!why || strcmp(why, c->why) == 0), "%s: want '%s', got '%s'",
                  c->name, c->why ? c->why : "", why ? why : "");
}
END_TEST

/* ---- arithmetic ---- */

static const struct sum_case {
    const char *name, *a, *b, *both, *common, *less, *less_trees;
} sums[] = {
    {"apart", "{'f:a':{}}", "{'f:b':{}}", "{'f:a':{},'f:b':{}}", "{}", "{'f:a':{}}", "{'f:a':{}}"},
    {"same", "{'f:a':{'f:b':{}}}", "{'f:a':{'f:b':{}}}", "{'f:a':{'f:b':{}}}", "{'f:a':{'f:b':{}}}",
     "{}", "{}"},
    {"parent and child", "{'f:a':{'.':{},'f:b':{}}}", "{'f:a':{}}", "{'f:a':{'.':{},'f:b':{}}}",
     "{'f:a':{}}", "{'f:a':{'f:b':{}}}", "{}"},
    {"child alone", "{'f:a':{'f:b':{}}}", "{'f:a':{}}", "{'f:a':{'.':{},'f:b':{}}}", "{}",
     "{'f:a':{'f:b':{}}}", "{}"},
    {"deeper", "{'f:a':{'f:b':{},'f:c':{}}}", "{'f:a':{'f:b':{'f:d':{}}}}",
     "{'f:a':{'f:b':{'.':{},'f:d':{}},'f:c':{}}}", "{}", "{'f:a':{'f:b':{},'f:c':{}}}",
     "{'f:a':{'f:b':{},'f:c':{}}}"},
    {"items", "{'k:{`n`:1}':{'.':{},'f:v':{}},'v:`x`':{}}", "{'k:{`n`:1.0}':{'f:v':{}}}",
     "{'k:{`n`:1}':{'.':{},'f:v':{}},'v:`x`':{}}", "{'k:{`n`:1}':{'f:v':{}}}",
     "{'k:{`n`:1}':{},'v:`x`':{}}", "{'k:{`n`:1}':{},'v:`x`':{}}"},
    {"from nothing", "{}", "{'f:a':{}}", "{'f:a':{}}", "{}", "{}", "{}"},
    {"few of many", "{'f:e':{}}",
     "{'f:a':{},'f:b':{},'f:c':{},'f:d':{},'f:e':{},'f:f':{},'f:g':{},'f:h':{},'f:i':{}}",
     "{'f:a':{},'f:b':{},'f:c':{},'f:d':{},'f:e':{},'f:f':{},'f:g':{},'f:h':{},'f:i':{}}",
     "{'f:e':{}}", "{}", "{}"},
};

START_TEST(adds_up)
{
    const struct sum_case *c = &sums[_i];
    AUTO(pool) struct pool p = {0};
    const struct set *a = read_set(&p, c->a), *b = read_set(&p, c->b);
    want_set(c->name, set_union(&p, a, b), c->both);
    want_set(c->name, set_union(&p, b, a), c->both);
    want_set(c->name, set_intersect(&p, a, b), c->common);
    want_set(c->name, set_intersect(&p, b, a), c->common);
    want_set(c->name, set_subtract(&p, a, b), c->less);
    want_set(c->name, set_subtract_trees(&p, a, b), c->less_trees);
    want_set(c->name, a, c->a);
    ck_assert(set_same(set_union(&p, a, b), set_union(&p, b, a)));
    ck_assert_uint_eq(set_size(set_union(&p, a, b)) + set_size(set_intersect(&p, a, b)),
                      set_size(a) + set_size(b));
}
END_TEST

START_TEST(paths)
{
    AUTO(pool) struct pool p = {0};
    const struct set *s =
        read_set(&p, "{'f:a':{},'k:{`n`:`x`,`p`:80}':{},'v:1':{},'v:`q`':{},'v:true':{},'i:3':{}}");
    AUTO(strbuf) struct strbuf out = {0};
    for (size_t i = 0; i < s->count; i++)
        element_text(&out, &s->items[i].e);
    ck_assert_str_eq(strbuf_str(&out), ".a[n=\"x\",p=80][=1][=\"q\"][=true][3]");
}
END_TEST

/* ---- types ---- */

static struct typed at(const char *kind, const char *path)
{
    const struct kube_type *t =
        kube_type_find(strcmp(kind, "Deployment") == 0 ? "apps" : "", "v1", kind);
    struct typed of = typed_of_kube(t);
    for (const char *p = path; *p;) {
        size_t len = strcspn(p, ".");
        AUTO(str) char *name = mem_printf("%.*s", (int)len, p);
        struct typed next;
        p += p[len] ? len + 1 : len;
        if (strcmp(name, "[]") == 0)
            next = typed_item(of);
        else
            ck_assert_msg(typed_member(of, name, &next), "%s: no %s", path, name);
        of = next;
    }
    return of;
}

static const struct type_case {
    const char *kind, *path;
    enum typed_shape shape;
    bool atomic, open;
    enum kube_list_type list;
    const char *keys;
} types[] = {
    {"Pod", "metadata.labels", TYPED_OBJECT, false, true, 0, ""},
    {"Pod", "metadata.labels.[]", TYPED_SCALAR, false, false, 0, ""},
    {"Pod", "metadata.finalizers", TYPED_LIST, false, false, KUBE_LIST_SET, ""},
    {"Pod", "metadata.ownerReferences", TYPED_LIST, false, false, KUBE_LIST_MAP, "uid"},
    {"Pod", "metadata.ownerReferences.[]", TYPED_OBJECT, true, false, 0, ""},
    {"Pod", "spec", TYPED_OBJECT, false, false, 0, ""},
    {"Pod", "spec.nodeSelector", TYPED_OBJECT, true, true, 0, ""},
    {"Pod", "spec.containers", TYPED_LIST, false, false, KUBE_LIST_MAP, "name"},
    {"Pod", "spec.containers.[].command", TYPED_LIST, true, false, KUBE_LIST_ATOMIC, ""},
    {"Pod", "spec.containers.[].ports", TYPED_LIST, false, false, KUBE_LIST_MAP,
     "containerPort protocol"},
    {"Pod", "spec.tolerations", TYPED_LIST, true, false, KUBE_LIST_ATOMIC, ""},
    {"Service", "spec.ports", TYPED_LIST, false, false, KUBE_LIST_MAP, "port protocol"},
    {"Service", "spec.ports.[].targetPort", TYPED_SCALAR, false, false, 0, ""},
    {"Deployment", "spec.selector", TYPED_OBJECT, true, false, 0, ""},
    {"Deployment", "spec.template.spec.containers.[].resources.limits.[]", TYPED_SCALAR, false,
     false, 0, ""},
};

START_TEST(kinds)
{
    const struct type_case *c = &types[_i];
    struct typed_info info = typed_info_of(at(c->kind, c->path));
    AUTO(strbuf) struct strbuf keys = {0};
    for (size_t i = 0; info.list_keys && info.list_keys[i]; i++)
        strbuf_addf(&keys, "%s%s", i ? " " : "", info.list_keys[i]);
    ck_assert_msg(info.shape == c->shape && info.atomic == c->atomic && info.open == c->open,
                  "%s: shape %d, atomic %d, open %d", c->path, info.shape, info.atomic, info.open);
    ck_assert_msg(info.list_type == c->list && strcmp(strbuf_str(&keys), c->keys) == 0,
                  "%s: list %d of %s", c->path, info.list_type, strbuf_str(&keys));
}
END_TEST

START_TEST(zeroes)
{
    static const struct {
        const char *kind, *json;
    } rows[] = {
        {"Deployment", "{'metadata':{'creationTimestamp':null},'spec':{'selector':null,'template':{"
                       "'metadata':{'creationTimestamp':null},'spec':{'containers':null}},"
                       "'strategy':{}},'status':{}}"},
        {"ConfigMap", "{'metadata':{'creationTimestamp':null}}"},
        {"Service", "{'metadata':{'creationTimestamp':null},'spec':{},"
                    "'status':{'loadBalancer':{}}}"},
        /* omitempty never leaves out a time */
        {"Event", "{'metadata':{},'involvedObject':{},'source':{},'firstTimestamp':null,"
                  "'lastTimestamp':null,'eventTime':null,'reportingComponent':'',"
                  "'reportingInstance':''}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(json) json_t *have = typed_zero(at(rows[i].kind, ""));
        AUTO(json) json_t *want = js(rows[i].json);
        /* Some releases of Go's types leave a zero time out. */
        json_drop(want, "metadata.creationTimestamp");
        json_drop(have, "metadata.creationTimestamp");
        json_drop(want, "spec.template.metadata.creationTimestamp");
        json_drop(have, "spec.template.metadata.creationTimestamp");
        AUTO(str) char *text = json_text(have);
        ck_assert_msg(json_same(want, have), "%s: %s", rows[i].kind, text);
    }
}
END_TEST

/* Two thousand items: no step of an apply may look at all for each. */
START_TEST(large_lists)
{
    AUTO(json) json_t *ports = json_array();
    for (int i = 0; i < 2000; i++)
        json_array_append_new(
            ports, json_pack("{s:i, s:s}", "port", (i * 7919) % 2003, "protocol", "TCP"));
    AUTO(json)
    json_t *object = json_pack("{s:s, s:s, s:{s:s}, s:{s:O}}", "apiVersion", "v1", "kind",
                               "Service", "metadata", "name", "s", "spec", "ports", ports);
    struct managed_writer w = {.manager = "x", .api_version = "v1", .now_ns = 1000000000};
    struct typed type = at("Service", "");
    struct api_response ret = {0};
    AUTO(json) json_t *once = NULL;
    AUTO(json) json_t *twice = NULL;
    ck_assert_int_eq(managed_apply(NULL, object, type, &w, false, &once, &ret), 0);
    json_array_clear(ports);
    ck_assert_int_eq(managed_apply(once, object, type, &w, false, &twice, &ret), 0);
    ck_assert_uint_eq(json_array_size(json_path(once, "spec.ports")), 2000);
    ck_assert(json_path(twice, "spec.ports") == NULL);
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN("fields",
                      SUITE_LONG_CASE("fields", 60, EACH(reads_and_writes, texts),
                                      EACH(checks, bad), EACH(adds_up, sums), TEST(paths),
                                      EACH(kinds, types), TEST(zeroes), TEST(large_lists)));
}
