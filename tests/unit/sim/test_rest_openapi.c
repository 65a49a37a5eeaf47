/* OpenAPI: the documents that kubectl reads before it writes, and explains from. */
#include "tests/unit/sim/rest_kit.h"
#include "tests/unit/suite.h"

#define V2_OLD "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
#define V2_NEW "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"

static json_t *get(struct rest_kit *r, const char *path)
{
    struct rest_answer a;
    rest_ask(r, "GET", path, NULL, NULL, &a);
    ck_assert_msg(a.code == 200, "%s: %d", path, a.code);
    ck_assert_str_eq(rest_answer_get(&a, "Content-Type"), "application/json");
    struct err e = {0};
    json_t *out = json_read(a.body.data, a.body.len, path, &e);
    ck_assert_msg(out, "%s: %s", path, e.msg);
    rest_answer_finish(&a);
    return out;
}

/* ---- schemas ---- */

#define CORE "io.k8s.api.core.v1."
#define META "io.k8s.apimachinery.pkg.apis.meta.v1."
#define S3 "#/components/schemas/"

static const struct schema_row {
    const char *type, *field, *want; /* field NULL: the type's own extensions and required */
} v3_rows[] = {
    {CORE "Pod", "apiVersion", "{'type':'string'}"},
    {CORE "Pod", "spec", "{'allOf':[{'$ref':'" S3 CORE "PodSpec'}],'default':{}}"},
    {CORE "Pod", "metadata", "{'allOf':[{'$ref':'" S3 META "ObjectMeta'}],'default':{}}"},
    {CORE "PodSpec", "containers",
     "{'type':'array','items':{'allOf':[{'$ref':'" S3 CORE "Container'}],'default':{}},"
     "'x-kubernetes-list-map-keys':['name'],'x-kubernetes-list-type':'map',"
     "'x-kubernetes-patch-merge-key':'name','x-kubernetes-patch-strategy':'merge'}"},
    {CORE "PodSpec", "volumes",
     "{'type':'array','items':{'allOf':[{'$ref':'" S3 CORE "Volume'}],'default':{}},"
     "'x-kubernetes-list-map-keys':['name'],'x-kubernetes-list-type':'map',"
     "'x-kubernetes-patch-merge-key':'name','x-kubernetes-patch-strategy':'merge,retainKeys'}"},
    {CORE "PodSpec", "nodeSelector",
     "{'type':'object','additionalProperties':{'type':'string','default':''},"
     "'x-kubernetes-map-type':'atomic'}"},
    {CORE "PodSpec", "hostNetwork", "{'type':'boolean'}"},
    {CORE "PodSpec", "terminationGracePeriodSeconds", "{'type':'integer','format':'int64'}"},
    {CORE "PodSpec", "affinity", "{'$ref':'" S3 CORE "Affinity'}"},
    {CORE "PodSpec", "securityContext", "{'$ref':'" S3 CORE "PodSecurityContext'}"},
    {CORE "Container", "name", "{'type':'string','default':''}"},
    {CORE "Container", "args",
     "{'type':'array','items':{'type':'string','default':''},'x-kubernetes-list-type':'atomic'}"},
    {CORE "Container", "ports",
     "{'type':'array','items':{'allOf':[{'$ref':'" S3 CORE "ContainerPort'}],'default':{}},"
     "'x-kubernetes-list-map-keys':['containerPort','protocol'],'x-kubernetes-list-type':'map',"
     "'x-kubernetes-patch-merge-key':'containerPort','x-kubernetes-patch-strategy':'merge'}"},
    {CORE "ContainerPort", "containerPort", "{'type':'integer','format':'int32','default':0}"},
    {CORE "ContainerPort", "protocol", "{'type':'string','default':'TCP'}"},
    {CORE "ServicePort", "targetPort",
     "{'$ref':'" S3 "io.k8s.apimachinery.pkg.util.intstr.IntOrString'}"},
    {CORE "ResourceRequirements", "limits",
     "{'type':'object','additionalProperties':{'$ref':'" S3
     "io.k8s.apimachinery.pkg.api.resource.Quantity'}}"},
    {CORE "Secret", "data",
     "{'type':'object','additionalProperties':{'type':'string','format':'byte'}}"},
    {CORE "ConfigMapEnvSource", "optional", "{'type':'boolean'}"},
    {META "ObjectMeta", "creationTimestamp", "{'$ref':'" S3 META "Time'}"},
    {META "ObjectMeta", "finalizers",
     "{'type':'array','items':{'type':'string','default':''},'x-kubernetes-list-type':'set',"
     "'x-kubernetes-patch-strategy':'merge'}"},
    {META "ManagedFieldsEntry", "fieldsV1", "{'$ref':'" S3 META "FieldsV1'}"},
};

static char *quoted(const char *text)
{
    char *out = mem_strdup(text);
    for (char *p = out; *p; p++)
        if (*p == '\'')
            *p = '"';
    return out;
}

static void check_field(const json_t *schemas, const struct schema_row *row)
{
    const json_t *type = json_object_get(schemas, row->type);
    ck_assert_msg(type, "%s is not there", row->type);
    const json_t *field = json_at(type, "properties", row->field, NULL);
    AUTO(str) char *have = field ? json_text(field) : mem_strdup("(none)");
    AUTO(str) char *want = quoted(row->want);
    ck_assert_msg(strcmp(have, want) == 0, "%s.%s\nis   %s\nwant %s", row->type, row->field, have,
                  want);
}

START_TEST(v3_fields)
{
    AUTO(rest_kit) struct rest_kit r = rest_kit_create();
    AUTO(json) json_t *doc = get(&r, "/openapi/v3/api/v1");
    const json_t *schemas = json_path(doc, "components.schemas");
    for (size_t i = 0; i < ARRAY_LEN(v3_rows); i++)
        check_field(schemas, &v3_rows[i]);
    const json_t *pod = json_object_get(schemas, CORE "Pod");
    AUTO(str) char *gvk = json_text(json_object_get(pod, "x-kubernetes-group-version-kind"));
    ck_assert_str_eq(gvk, "[{\"group\":\"\",\"kind\":\"Pod\",\"version\":\"v1\"}]");
    AUTO(str)
    char *required = json_text(json_path(json_object_get(schemas, CORE "PodSpec"), "required"));
    ck_assert_str_eq(required, "[\"containers\"]");
    ck_assert_str_eq(
        json_str(json_object_get(schemas, CORE "SecretKeySelector"), "x-kubernetes-map-type"),
        "atomic");
    ck_assert_str_eq(json_str(doc, "openapi"), "3.0.0");
}
END_TEST

/* ---- every reference leads somewhere ---- */

static void check_refs(const json_t *v, const json_t *schemas, const char *prefix, size_t *count)
{
    const char *key;
    json_t *value;
    size_t i;
    const char *ref = json_is_object(v) ? json_string_value(json_object_get(v, "$ref")) : NULL;
    if (ref) {
        ck_assert_msg(strncmp(ref, prefix, strlen(prefix)) == 0 &&
                          json_object_get(schemas, ref + strlen(prefix)),
                      "%s leads nowhere", ref);
        ++*count;
    }
    json_object_foreach((json_t *)v, key, value) check_refs(value, schemas, prefix, count);
    if (json_is_array(v))
        json_array_foreach((json_t *)v, i, value) check_refs(value, schemas, prefix, count);
}

START_TEST(v3_index)
{
    AUTO(rest_kit) struct rest_kit r = rest_kit_create();
    AUTO(json) json_t *index = get(&r, "/openapi/v3");
    const char *path;
    json_t *entry;
    size_t count = 0, refs = 0;
    json_object_foreach(json_object_get(index, "paths"), path, entry)
    {
        const char *url = json_str(entry, "serverRelativeURL");
        AUTO(str) char *start = mem_printf("/openapi/v3/%s?hash=", path);
        ck_assert_msg(strncmp(url, start, strlen(start)) == 0, "%s", url);
        AUTO(json) json_t *doc = get(&r, url);
        const json_t *schemas = json_path(doc, "components.schemas");
        check_refs(doc, schemas, S3, &refs);
        ck_assert_uint_gt(json_object_size(json_object_get(doc, "paths")), 0);
        count++;
    }
    ck_assert_uint_gt(count, 5);
    ck_assert_uint_gt(refs, 500);
    ck_assert_ptr_nonnull(json_at(index, "paths", "apis/example.com/v1", NULL));
    ck_assert_ptr_null(json_at(index, "paths", "apis/example.com/v1beta1", NULL));
}
END_TEST

/* ---- operations ---- */

static const struct {
    const char *document, *path, *method;
    const char *action, *kind;
    const char *parameters; /* names, or NULL: the operation is not there */
} operation_rows[] = {
    {"api/v1", "/api/v1/namespaces/{namespace}/configmaps/{name}", "patch", "patch", "ConfigMap",
     "dryRun fieldManager fieldValidation force"},
    {"api/v1", "/api/v1/namespaces/{namespace}/configmaps", "post", "post", "ConfigMap",
     "dryRun fieldManager fieldValidation"},
    {"api/v1", "/api/v1/namespaces/{namespace}/configmaps", "delete", "deletecollection",
     "ConfigMap",
     "allowWatchBookmarks continue fieldSelector labelSelector limit resourceVersion "
     "resourceVersionMatch sendInitialEvents timeoutSeconds watch dryRun gracePeriodSeconds "
     "orphanDependents propagationPolicy"},
    {"api/v1", "/api/v1/configmaps", "get", "list", "ConfigMap",
     "allowWatchBookmarks continue fieldSelector labelSelector limit resourceVersion "
     "resourceVersionMatch sendInitialEvents timeoutSeconds watch"},
    {"api/v1", "/api/v1/configmaps", "post", NULL, NULL, NULL},
    {"apis/events.k8s.io/v1", "/apis/events.k8s.io/v1/namespaces/{namespace}/events", "post",
     "post", "Event", "dryRun fieldManager fieldValidation"},
    {"api/v1", "/api/v1/namespaces/{name}", "get", "get", "Namespace", ""},
    {"api/v1", "/api/v1/namespaces/{name}/status", "patch", "patch", "Namespace",
     "dryRun fieldManager fieldValidation force"},
    {"apis/example.com/v1", "/apis/example.com/v1/namespaces/{namespace}/widgets/{name}", "patch",
     "patch", "Widget", "dryRun fieldManager fieldValidation force"},
    {"apis/example.com/v1", "/apis/example.com/v1/dots/{name}/status", "put", "put", "Dot",
     "dryRun fieldManager fieldValidation"},
};

START_TEST(operations)
{
    AUTO(rest_kit) struct rest_kit r = rest_kit_create();
    AUTO(str) char *url = mem_printf("/openapi/v3/%s", operation_rows[_i].document);
    AUTO(json) json_t *doc = get(&r, url);
    const json_t *op =
        json_at(doc, "paths", operation_rows[_i].path, operation_rows[_i].method, NULL);
    if (!operation_rows[_i].parameters) {
        ck_assert_ptr_null(op);
        return;
    }
    AUTO(strbuf) struct strbuf names = {0};
    size_t i;
    json_t *p;
    json_array_foreach(json_object_get(op, "parameters"), i, p)
        strbuf_addf(&names, "%s%s", i ? " " : "", json_str_or_empty(p, "name"));
    ck_assert_ptr_nonnull(op);
    ck_assert_str_eq(strbuf_str(&names), operation_rows[_i].parameters);
    ck_assert_str_eq(json_str_or_empty(op, "x-kubernetes-action"), operation_rows[_i].action);
    ck_assert_str_eq(json_str_or_empty(op, "x-kubernetes-group-version-kind.kind"),
                     operation_rows[_i].kind);
}
END_TEST

START_TEST(patches)
{
    AUTO(rest_kit) struct rest_kit r = rest_kit_create();
    AUTO(json) json_t *core = get(&r, "/openapi/v3/api/v1");
    AUTO(json) json_t *own = get(&r, "/openapi/v3/apis/example.com/v1");
    const json_t *a =
        json_at(core, "paths", "/api/v1/nodes/{name}", "patch", "requestBody", "content", NULL);
    const json_t *b = json_at(own, "paths", "/apis/example.com/v1/dots/{name}", "patch",
                              "requestBody", "content", NULL);
    ck_assert_uint_eq(json_object_size(a), 4);
    ck_assert_ptr_nonnull(json_object_get(a, "application/strategic-merge-patch+json"));
    ck_assert_uint_eq(json_object_size(b), 3);
    ck_assert_ptr_null(json_object_get(b, "application/strategic-merge-patch+json"));
}
END_TEST

/* ---- custom resources ---- */

static void add_shapes(struct rest_kit *r)
{
    AUTO(json)
    json_t *crd = js(
        "{'apiVersion':'apiextensions.k8s.io/v1','kind':'CustomResourceDefinition','metadata':{"
        "'name':'shapes.test.example.org'},'spec':{'group':'test.example.org','scope':"
        "'Namespaced','names':{'plural':'shapes','kind':'Shape','listKind':'ShapeList'},"
        "'versions':[{'name':'v1','served':true,'storage':true,'schema':{'openAPIV3Schema':{"
        "'type':'object','description':'A <shape>','required':['spec'],'properties':{'spec':{"
        "'type':'object','required':['n','maybe'],'properties':{'n':{'type':'integer','minimum':"
        "1},'maybe':{'type':'string','nullable':true},'port':{'x-kubernetes-int-or-string':true},"
        "'any':{'type':'object','x-kubernetes-preserve-unknown-fields':true,'properties':{'a':{"
        "'type':'string'}}},'tpl':{'type':'object','x-kubernetes-embedded-resource':true,"
        "'x-kubernetes-preserve-unknown-fields':true},'list':{'type':'array','items':{'type':"
        "'object','properties':{'k':{'type':'string'}},'required':['k']},"
        "'x-kubernetes-list-type':'map','x-kubernetes-list-map-keys':['k']}}}}}}}]}}");
    struct err e = {0};
    ck_assert_msg(apiserver_add_crd(r->k.server, crd, &e) == 0, "%s", e.msg ? e.msg : "");
}

#define SHAPE "org.example.test.v1.Shape"

START_TEST(custom_v3)
{
    AUTO(rest_kit) struct rest_kit r = rest_kit_create();
    add_shapes(&r);
    AUTO(json) json_t *doc = get(&r, "/openapi/v3/apis/test.example.org/v1");
    const json_t *shape = json_at(doc, "components", "schemas", SHAPE, NULL);
    const json_t *list = json_at(doc, "components", "schemas", SHAPE "List", NULL);
    ck_assert_ptr_nonnull(shape);
    AUTO(str) char *gvk = json_text(json_object_get(shape, "x-kubernetes-group-version-kind"));
    ck_assert_str_eq(gvk,
                     "[{\"group\":\"test.example.org\",\"kind\":\"Shape\",\"version\":\"v1\"}]");
    want_text(shape, "properties.kind.type", "string");
    want_text(shape, "properties.metadata.$ref", S3 META "ObjectMeta");
    want_text(shape, "properties.spec.properties.tpl.properties.metadata.$ref",
              S3 META "ObjectMeta");
    want_text(shape, "properties.spec.properties.n.type", "integer");
    want_text(shape, "properties.spec.properties.maybe.type", "string");
    want_text(shape, "description", "A <shape>");
    want_text(list, "properties.items.items.$ref", S3 SHAPE);
    want_text(list, "properties.metadata.$ref", S3 META "ListMeta");
}
END_TEST

START_TEST(custom_v2)
{
    AUTO(rest_kit) struct rest_kit r = rest_kit_create();
    add_shapes(&r);
    AUTO(json) json_t *doc = get(&r, "/openapi/v2");
    const json_t *definitions = json_object_get(doc, "definitions");
    const json_t *spec = json_at(definitions, SHAPE, "properties", "spec", NULL);
    size_t refs = 0;
    check_refs(doc, definitions, "#/definitions/", &refs);
    ck_assert_uint_gt(refs, 1000);
    want_text(doc, "swagger", "2.0");
    AUTO(str) char *required = json_text(json_object_get(spec, "required"));
    ck_assert_str_eq(required, "[\"n\"]");
    AUTO(str) char *fields = json_text(json_object_get(spec, "properties"));
    ck_assert_str_eq(
        fields,
        "{\"n\":{\"type\":\"integer\",\"minimum\":1},\"maybe\":{},\"port\":{"
        "\"x-kubernetes-int-or-string\":true},\"any\":{\"type\":\"object\","
        "\"x-kubernetes-preserve-unknown-fields\":true},\"tpl\":{\"type\":\"object\","
        "\"x-kubernetes-embedded-resource\":true,\"x-kubernetes-preserve-unknown-fields\":true},"
        "\"list\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{\"k\":{"
        "\"type\":\"string\"}},\"required\":[\"k\"]},\"x-kubernetes-list-type\":\"map\","
        "\"x-kubernetes-list-map-keys\":[\"k\"]}}");
    const json_t *patch =
        json_at(doc, "paths", "/apis/test.example.org/v1/namespaces/{namespace}/shapes/{name}",
                "patch", NULL);
    want_text(json_array_get(json_object_get(patch, "parameters"), 0), "in", "body");
    want_text(json_array_get(json_object_get(patch, "parameters"), 3), "name", "fieldValidation");
}
END_TEST

/* ---- how documents are served ---- */

static const struct rest_row rows[] = {
    ASK("GET", "/openapi/v3/apis/nosuch/v1", 404, "404 page not found"),
    ASK("GET", "/openapi/v3/apis/example.com/v1beta1", 404, ""),
    ASK("GET", "/openapi/v3/apis/apps", 404, ""),
    ASK("GET", "/openapi/v1", 404, ""),
    ASK_AS("GET", "/openapi/v3?timeout=32s", "Accept: application/json", 200, "'api/v1':{"),
    {"GET", "/openapi/v3", "Accept: application/json, */*", NULL, 200, {"'api/v1':{"}},
    ASK_AS("GET", "/openapi/v3", "Accept: text/plain", 406, ""),
    ASK("GET", "/openapi/v3/api/v1?hash=ABC", 301, "H Content-Type: text/html; charset=utf-8"),
    ASK("GET", "/openapi/v3/api/v1", 200, "H Cache-Control: no-cache, private"),
    ASK("GET", "/openapi/v3/api/v1?pretty=true", 200, "{\n  'openapi': '3.0.0',"),
    ASK("POST", "/openapi/v3", 405, ""),
    ASK_AS("GET", "/openapi/v2", "Accept: " V2_OLD, 200, "H Content-Type: " V2_NEW),
    ASK_AS("GET", "/openapi/v2", "Accept: " V2_NEW, 200, "H Content-Type: " V2_NEW),
    ASK_AS("GET", "/openapi/v2", "Accept: application/json", 200, "{'swagger':'2.0'",
           "H Vary: Accept"),
    ASK_AS("GET", "/openapi/v2", "Accept: application/yaml", 406, ""),
};

START_TEST(serving)
{
    AUTO(rest_kit) struct rest_kit r = rest_kit_create();
    rest_check_all(&r, rows, ARRAY_LEN(rows));
}
END_TEST

START_TEST(hashes)
{
    AUTO(rest_kit) struct rest_kit r = rest_kit_create();
    struct rest_answer a, b;
    rest_ask(&r, "GET", "/openapi/v3/api/v1", NULL, NULL, &a);
    AUTO(str) char *tag = mem_strdup(rest_answer_get(&a, "ETag"));
    AUTO(str) char *url = mem_printf("/openapi/v3/api/v1?hash=%.128s&timeout=32s", tag + 1);
    AUTO(str) char *have = mem_printf("If-None-Match: \"x\", %s", tag);
    rest_ask(&r, "GET", url, NULL, NULL, &b);
    ck_assert_int_eq(b.code, 200);
    ck_assert_str_eq(rest_answer_get(&b, "Cache-Control"), "public, immutable");
    ck_assert_str_eq(rest_answer_get(&b, "Expires") + 3, ", 01 Jan 2027 00:00:00 GMT");
    ck_assert_mem_eq(a.body.data, b.body.data, a.body.len);
    rest_answer_finish(&b);
    rest_ask(&r, "GET", url, have, NULL, &b);
    ck_assert_int_eq(b.code, 304);
    ck_assert_uint_eq(b.body.len, 0);
    rest_answer_finish(&b);
    add_shapes(&r); /* of another group: this document stays what it is */
    rest_ask(&r, "GET", url, have, NULL, &b);
    ck_assert_int_eq(b.code, 304);
    rest_answer_finish(&b);
    rest_answer_finish(&a);
}
END_TEST

/* ---- protobuf ---- */

/* Walks one message: every tag and length must fit. Returns how often the field is there. */
static size_t walk(const unsigned char *p, size_t len, unsigned number, const unsigned char **ret,
                   size_t *ret_len)
{
    size_t found = 0, at = 0;
    while (at < len) {
        uint64_t v[2] = {0};
        for (int k = 0; k < 2; k++) {
            unsigned shift = 0;
            do {
                ck_assert_uint_lt(at, len);
                v[k] |= (uint64_t)(p[at] & 0x7f) << shift;
                shift += 7;
            } while (p[at++] & 0x80);
        }
        ck_assert_uint_eq(v[0] & 7, 2);
        ck_assert_uint_le(v[1], len - at);
        if (v[0] >> 3 == number) {
            *ret = p + at;
            *ret_len = v[1];
            found++;
        }
        at += v[1];
    }
    return found;
}

START_TEST(protobuf)
{
    AUTO(rest_kit) struct rest_kit r = rest_kit_create();
    struct rest_answer a;
    rest_ask(&r, "GET", "/openapi/v2", "Accept: " V2_OLD, NULL, &a);
    const unsigned char *data = (const unsigned char *)a.body.data, *in = NULL, *first = NULL;
    size_t len = 0, first_len = 0;
    ck_assert_uint_eq(walk(data, a.body.len, 1, &in, &len), 1);
    ck_assert_mem_eq(in, "2.0", len);
    ck_assert_uint_eq(walk(data, a.body.len, 8, &in, &len), 1);
    ck_assert_uint_gt(walk(in, len, 2, &first, &first_len), 50);
    ck_assert_uint_eq(walk(data, a.body.len, 9, &in, &len), 1);
    ck_assert_uint_gt(walk(in, len, 1, &first, &first_len), 100);
    AUTO(json) json_t *doc = get(&r, "/openapi/v2");
    ck_assert_uint_eq(walk(in, len, 1, &first, &first_len),
                      json_object_size(json_object_get(doc, "definitions")));
    rest_answer_finish(&a);
}
END_TEST

/* All definitions together are more than one JSON text may be. */
START_TEST(protobuf_of_much)
{
    static const char *const plurals[] = {"bigs", "biggers", "biggests", "largests"};
    AUTO(rest_kit) struct rest_kit r = rest_kit_create();
    AUTO(str) char *filler = mem_alloc(3u << 20);
    struct rest_answer a;
    memset(filler, 'x', (3u << 20) - 1);
    filler[(3u << 20) - 1] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(plurals); i++) {
        AUTO(json) json_t *crd = defined_crd(plurals[i], plurals[i], "Cluster");
        json_t *version = json_array_get(json_path(crd, "spec.versions"), 0);
        json_put_str(version, "schema.openAPIV3Schema.description", filler);
        ck_assert_int_eq(apiserver_add_crd(r.k.server, crd, NULL), 0);
    }
    rest_ask(&r, "GET", "/openapi/v2", "Accept: " V2_NEW, NULL, &a);
    ck_assert_int_eq(a.code, 200);
    ck_assert_uint_gt(a.body.len, JSON_BYTES_MAX);
    rest_answer_finish(&a);
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN("rest.openapi",
                      SUITE_CASE("rest.openapi", TEST(v3_fields), TEST(v3_index),
                                 EACH(operations, operation_rows), TEST(patches), TEST(custom_v3),
                                 TEST(custom_v2), TEST(serving), TEST(hashes), TEST(protobuf),
                                 TEST(protobuf_of_much)));
}
