/* Discovery: the aggregated form, who gets it, and that it says what the other form says. */
#include <stdlib.h>

#include "base/order.h"
#include "sim/rest/discovery.h"
#include "tests/unit/sim/rest_kit.h"
#include "tests/unit/suite.h"

#define V2 "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
#define V2BETA1 "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList"

static const struct {
    const char *accept;
    bool want;
} wishes[] = {
    {NULL, false},
    {"", false},
    {"application/json", false},
    {"*/*", false},
    {V2, true},
    {V2 ";profile=nopeer", true},
    {V2 "," V2BETA1 ",application/json", true},
    {V2BETA1 "," V2 ",application/json", true},
    {V2BETA1 ",application/json", false},
    {V2BETA1, false},
    {"application/json," V2, false},
    {"application/json;q=0.5," V2, true},
    {V2 ";q=0.5,application/json", false},
    {"application/json;as=APIGroupDiscoveryList;v=v2;g=apidiscovery.k8s.io", true},
    {"application/json;g=meta.k8s.io;v=v1;as=Table,application/json", false},
    {"application/vnd.kubernetes.protobuf;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList," V2,
     true},
};

START_TEST(wish)
{
    ck_assert_msg(discovery_wants_aggregated(wishes[_i].accept) == wishes[_i].want, "%s",
                  wishes[_i].accept);
}
END_TEST

static const struct rest_row rows[] = {
    ASK_AS(
        "GET", "/apis", "Accept: " V2, 200,
        "{'kind':'APIGroupDiscoveryList','apiVersion':'apidiscovery.k8s.io/v2','metadata':{},"
        "'items':[{'metadata':{'name':'apiregistration.k8s.io'",
        "H Content-Type: " V2, "H Vary: Accept", "H Cache-Control: public",
        "{'metadata':{'name':'example.com','creationTimestamp':null},'versions':[{'version':'v1',"
        "'resources':[{'resource':'dots','responseKind':{'group':'example.com','version':'v1',"
        "'kind':'Dot'},'scope':'Cluster','singularResource':'dot','verbs':['delete',"
        "'deletecollection','get','list','patch','create','update','watch'],'shortNames':['d'],"
        "'categories':['all'],'subresources':[{'subresource':'status','responseKind':{'group':"
        "'example.com','version':'v1','kind':'Dot'},'verbs':['get','patch','update']}]}"),
    ASK_AS(
        "GET", "/api", "Accept: " V2, 200,
        "'items':[{'metadata':{'creationTimestamp':null},'versions':[{'version':'v1','resources':[",
        "],'freshness':'Current'}]}]}", "'resource':'pods'", "!'name':'apps'"),
    ASK("GET", "/api/v1", 200,
        "{'name':'pods/binding','singularName':'','namespaced':true,'kind':'Binding'",
        "{'name':'pods/"
        "eviction','singularName':'','namespaced':true,'group':'policy','version':'v1',"
        "'kind':'Eviction','verbs':['create']}"),
    ASK_AS("GET", "/apis/", "Accept: " V2, 200, "APIGroupDiscoveryList"),
    ASK("GET", "/apis/events.k8s.io", 200,
        "'preferredVersion':{'groupVersion':'events.k8s.io/v1','version':'v1'}"),
    ASK("GET", "/apis/events.k8s.io/v1", 200,
        "{'name':'events','singularName':'event','namespaced':true,'kind':'Event','verbs':['create'"
        ","
        "'delete','deletecollection','get','list','patch','update','watch'],'shortNames':['ev']"),
    ASK_AS("GET", "/apis", "Accept: " V2 ";profile=nopeer," V2BETA1 ",application/json", 200,
           "APIGroupDiscoveryList"),
    ASK_AS("GET", "/apis", "Accept: " V2BETA1 ",application/json", 200,
           "{'kind':'APIGroupList','apiVersion':'v1'", "H Content-Type: application/json",
           "H ETag:"),
    ASK_AS("GET", "/api", "Accept: application/json", 200, "'kind':'APIVersions'"),
    ASK_AS("GET", "/apis/apps", "Accept: " V2 ",application/json", 200, "'kind':'APIGroup'"),
    ASK_AS("GET", "/api/v1", "Accept: " V2 ",application/json", 200, "'kind':'APIResourceList'"),
    ASK_AS("GET", "/apis?pretty=1", "Accept: " V2, 200, "{\n  'kind': 'APIGroupDiscoveryList'"),
    ASK_AS("POST", "/apis", "Accept: " V2, 405, "MethodNotAllowed"),
};

START_TEST(documents)
{
    AUTO(rest_kit) struct rest_kit r = rest_kit_create();
    rest_check_all(&r, rows, ARRAY_LEN(rows));
}
END_TEST

/* The tag is a digest of the bytes; with it in hand the client gets nothing again, until something
 * is served that was not. */
START_TEST(tags)
{
    AUTO(rest_kit) struct rest_kit r = rest_kit_create();
    struct rest_answer a, b;
    rest_ask(&r, "GET", "/apis", "Accept: " V2, NULL, &a);
    AUTO(str) char *tag = mem_strdup(rest_answer_get(&a, "ETag"));
    ck_assert_uint_eq(strlen(tag), 130);
    ck_assert_uint_eq(strspn(tag + 1, "0123456789ABCDEF"), 128);
    AUTO(str) char *headers = mem_printf("Accept: " V2 "\nIf-None-Match: %s", tag);
    rest_ask(&r, "GET", "/apis", headers, NULL, &b);
    ck_assert_int_eq(b.code, 304);
    ck_assert_uint_eq(b.body.len, 0);
    ck_assert_str_eq(rest_answer_get(&b, "ETag"), tag);
    rest_answer_finish(&b);
    AUTO(json) json_t *crd = defined_crd("rings", "Ring", "Cluster");
    ck_assert_int_eq(apiserver_add_crd(r.k.server, crd, NULL), 0);
    rest_ask(&r, "GET", "/apis", headers, NULL, &b);
    ck_assert_int_eq(b.code, 200);
    ck_assert_ptr_nonnull(strstr(b.body.data, "\"rings\""));
    ck_assert_str_ne(rest_answer_get(&b, "ETag"), tag);
    rest_answer_finish(&b);
    rest_answer_finish(&a);
}
END_TEST

/* ---- both forms ---- */

static json_t *get(struct rest_kit *r, const char *path, const char *accept)
{
    AUTO(str) char *header = mem_printf("Accept: %s", accept);
    struct rest_answer a;
    rest_ask(r, "GET", path, header, NULL, &a);
    ck_assert_msg(a.code == 200, "%s: %d", path, a.code);
    json_t *out = json_read(a.body.data, a.body.len, path, NULL);
    ck_assert_ptr_nonnull(out);
    rest_answer_finish(&a);
    return out;
}

static void add_line(json_t *lines, const char *gv, const char *name, const json_t *kind,
                     const json_t *verbs, const json_t *shorts)
{
    AUTO(str) char *k = kind ? json_text(kind) : mem_strdup("");
    AUTO(str) char *v = verbs ? json_text(verbs) : mem_strdup("");
    AUTO(str) char *s = shorts ? json_text(shorts) : mem_strdup("");
    json_array_append_new(lines, json_sprintf("%s %s %s %s %s", gv, name, k, v, s));
}

static void add_aggregated(json_t *lines, const json_t *doc)
{
    size_t i, j, k, n;
    json_t *group, *version, *res, *sub;
    json_array_foreach(json_object_get(doc, "items"), i, group)
        json_array_foreach(json_object_get(group, "versions"), j, version)
    {
        const char *name = json_str(group, "metadata.name");
        const char *v = json_str(version, "version");
        AUTO(str) char *gv = name ? mem_printf("%s/%s", name, v) : mem_strdup(v);
        json_array_foreach(json_object_get(version, "resources"), k, res)
        {
            const char *plural = json_str(res, "resource");
            if (json_is_array(json_object_get(res, "verbs")))
                add_line(lines, gv, plural, json_path(res, "responseKind.kind"),
                         json_object_get(res, "verbs"), json_object_get(res, "shortNames"));
            json_array_foreach(json_object_get(res, "subresources"), n, sub)
            {
                AUTO(str) char *both = mem_printf("%s/%s", plural, json_str(sub, "subresource"));
                add_line(lines, gv, both, json_path(sub, "responseKind.kind"),
                         json_object_get(sub, "verbs"), NULL);
            }
        }
    }
}

static void add_legacy(struct rest_kit *r, json_t *lines, const char *path)
{
    AUTO(json) json_t *doc = get(r, path, "application/json");
    size_t i;
    json_t *res;
    json_array_foreach(json_object_get(doc, "resources"), i, res) add_line(
        lines, json_str(doc, "groupVersion"), json_str(res, "name"), json_object_get(res, "kind"),
        json_object_get(res, "verbs"), json_object_get(res, "shortNames"));
}

static char *sorted_text(const json_t *lines)
{
    size_t count = json_array_size(lines);
    const char **list = mem_reallocarray(NULL, count + 1, sizeof *list);
    AUTO(strbuf) struct strbuf out = {0};
    for (size_t i = 0; i < count; i++)
        list[i] = json_string_value(json_array_get(lines, i));
    qsort(list, count, sizeof *list, text_order);
    for (size_t i = 0; i < count; i++)
        strbuf_addf(&out, "%s\n", list[i]);
    free(list);
    return strbuf_take(&out);
}

START_TEST(both_agree)
{
    AUTO(rest_kit) struct rest_kit r = rest_kit_create();
    AUTO(json) json_t *one = json_array();
    AUTO(json) json_t *other = json_array();
    AUTO(json) json_t *core = get(&r, "/api", V2);
    AUTO(json) json_t *named = get(&r, "/apis", V2);
    AUTO(json) json_t *groups = get(&r, "/apis", "application/json");
    size_t i, k;
    json_t *group, *version;
    add_aggregated(one, core);
    add_aggregated(one, named);
    add_legacy(&r, other, "/api/v1");
    json_array_foreach(json_object_get(groups, "groups"), i, group)
    {
        ck_assert_str_eq(
            json_str(group, "name"),
            json_str(json_array_get(json_object_get(named, "items"), i), "metadata.name"));
        json_array_foreach(json_object_get(group, "versions"), k, version)
        {
            AUTO(str) char *path = mem_printf("/apis/%s", json_str(version, "groupVersion"));
            add_legacy(&r, other, path);
        }
    }
    AUTO(str) char *a = sorted_text(one);
    AUTO(str) char *b = sorted_text(other);
    ck_assert_uint_gt(json_array_size(one), 30);
    ck_assert_str_eq(a, b);
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN("rest.discovery", SUITE_CASE("rest.discovery", EACH(wish, wishes),
                                                   TEST(documents), TEST(tags), TEST(both_agree)));
}
