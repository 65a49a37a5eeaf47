/* What a server says it serves. */
#include "tests/unit/sim/kit.h"

#include "sim/apiserver/catalog.h"
#include "tests/unit/suite.h"

START_TEST(versions_sort)
{
    static const char *const sorted[] = {"v10",      "v2",      "v1",        "v11beta2",
                                         "v10beta3", "v3beta1", "v12alpha1", "v11alpha2",
                                         "foo1",     "foo10",   "v0",        "v1gamma1"};
    for (size_t i = 0; i < ARRAY_LEN(sorted); i++)
        for (size_t k = 0; k < ARRAY_LEN(sorted); k++) {
            int order = catalog_compare_versions(sorted[i], sorted[k]);
            ck_assert_msg(i < k   ? order < 0
                          : i > k ? order > 0
                                  : order == 0,
                          "%s %s: %d", sorted[i], sorted[k], order);
        }
}
END_TEST

static void note(void *cookie, const struct catalog_entry *e)
{
    struct strbuf *out = cookie;
    strbuf_addf(out, "%s%s%s%s:", out->len ? " " : "", e->type.resource.plural,
                e->subresource ? "/" : "", e->subresource ? e->subresource : "");
    for (size_t i = 0; e->verbs[i]; i++)
        strbuf_addf(out, "%s%s", i ? "," : "", e->verbs[i]);
}

static char *entries(struct kit *k, const char *group, const char *version)
{
    AUTO(strbuf) struct strbuf out = {0};
    catalog_each(k->server, group, version, note, &out);
    return strbuf_take(&out);
}

static int answer(void *cookie, const struct api_request *req, struct api_response *ret)
{
    (void)cookie;
    (void)req;
    ret->code = 201;
    ret->body = json_object();
    return 0;
}

static void want_entries(struct kit *k, const char *group, const char *version, const char *want)
{
    AUTO(str) char *have = entries(k, group, version);
    ck_assert_msg(strcmp(have, want) == 0, "want '%s', got '%s'", want, have);
}

#define CRD_VERBS "delete,deletecollection,get,list,patch,create,update,watch"

START_TEST(entries_of_all_kinds)
{
    AUTO(kit) struct kit k = kit_create();
    kit_add_crd(&k, widget_crd("{'type':'object'}"));
    want_entries(&k, "example.com", "v1", "widgets:" CRD_VERBS " widgets/status:get,patch,update");
    want_entries(&k, "example.com", "v7", "");
    want_entries(&k, "nosuch", "v1", "");
    uint64_t before = catalog_generation(k.server);
    const struct virtual_resource own = {.resource = {"example.com", "v1", "reviews"},
                                         .kind = "Review",
                                         .verbs = 1u << API_CREATE,
                                         .fn = answer};
    const struct virtual_resource below = {.resource = {"example.com", "v1", "widgets"},
                                           .subresource = "start",
                                           .kind = "Start",
                                           .namespaced = true,
                                           .verbs = 1u << API_UPDATE | 1u << API_GET,
                                           .fn = answer};
    apiserver_add_virtual(k.server, &own);
    apiserver_add_virtual(k.server, &below);
    ck_assert(catalog_generation(k.server) != before);
    want_entries(&k, "example.com", "v1",
                 "reviews:create widgets:" CRD_VERBS
                 " widgets/start:get,update widgets/status:get,patch,update");
    struct catalog_type t;
    ck_assert(catalog_find(k.server, &own.resource, &t) && t.is_virtual);
    ck_assert(catalog_find(k.server, &below.resource, &t) && !t.is_virtual && !t.builtin);
    ck_assert(!catalog_find(k.server, &(struct api_resource){"example.com", "v2", "widgets"}, &t));
    ck_assert(catalog_find(k.server, &(struct api_resource){"", "v1", "pods"}, &t) && t.builtin);
}
END_TEST

START_TEST(a_dying_definition)
{
    AUTO(kit) struct kit k = kit_create();
    kit_add_crd(&k, widget_crd("{'type':'object'}"));
    json_decref(kit_make(&k, "widgets",
                         js("{'apiVersion':'example.com/v1','kind':'Widget','metadata':{'name':'w',"
                            "'finalizers':['a/b']}}")));
    uint64_t before = catalog_generation(k.server);
    json_decref(kit_do(&k, API_DELETE, "customresourcedefinitions", NULL, "widgets.example.com",
                       NULL, 200));
    ck_assert(catalog_generation(k.server) != before);
    want_entries(&k, "example.com", "v1",
                 "widgets:delete,deletecollection,get,list,watch widgets/status:get,patch,update");
}
END_TEST

START_TEST(groups_in_order)
{
    AUTO(kit) struct kit k = kit_create();
    AUTO(catalog_groups) struct catalog_groups groups = {0};
    catalog_groups(k.server, &groups);
    ck_assert_uint_gt(groups.count, 6);
    ck_assert_str_eq(groups.items[0].name, "");
    ck_assert_str_eq(groups.items[1].name, "apiregistration.k8s.io");
    ck_assert_str_eq(groups.items[2].name, "apps");
    bool custom = false;
    for (size_t i = 0; i < groups.count; i++) {
        const struct catalog_group *g = &groups.items[i];
        ck_assert_uint_gt(g->version_count, 0);
        ck_assert(g->builtin ? !custom : true);
        custom |= !g->builtin;
        if (strcmp(g->name, "snapshot.kubevirt.io") != 0)
            continue;
        ck_assert_str_eq(g->versions[0], "v1beta1");
        ck_assert_str_eq(g->versions[1], "v1alpha1");
    }
    ck_assert(custom);
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN("sim.catalog",
                      SUITE_CASE("catalog", TEST(versions_sort), TEST(entries_of_all_kinds),
                                 TEST(a_dying_definition), TEST(groups_in_order)));
}
