/* Lists: order, selectors, pages, the past. */
#include "tests/unit/sim/kit.h"
#include "tests/unit/suite.h"

static struct kit filled(void)
{
    struct kit k = kit_create();
    static const char *const names[] = {"c", "a", "e", "b", "d"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        json_decref(kit_make(&k, "configmaps",
                             js("{'metadata':{'name':'%s','labels':{'l':'%s','odd':'%zu'}}}",
                                names[i], names[i], i % 2)));
    json_decref(
        kit_do(&k, API_CREATE, "configmaps", "kube-system", NULL, config_map("a", "v"), 201));
    return k;
}

/* Names of the items, joined. New. */
static char *names_of(const json_t *list)
{
    AUTO(strbuf) struct strbuf out = {0};
    const json_t *items = json_object_get(list, "items");
    for (size_t i = 0; i < json_array_size(items); i++)
        strbuf_addf(&out, "%s%s", i ? "," : "", meta_name(json_array_get(items, i)));
    return strbuf_take(&out);
}

static void want_names(const json_t *list, const char *want)
{
    AUTO(str) char *have = names_of(list);
    ck_assert_msg(strcmp(have, want) == 0, "want %s, got %s", want, have);
}

START_TEST(plain)
{
    AUTO(kit) struct kit k = filled();
    AUTO(json) json_t *one = kit_do(&k, API_LIST, "configmaps", "default", NULL, NULL, 200);
    want_names(one, "a,b,c,d,e");
    want_text(one, "kind", "ConfigMapList");
    ck_assert(!json_object_get(json_array_get(json_object_get(one, "items"), 0), "kind"));
    AUTO(json) json_t *all = kit_do(&k, API_LIST, "configmaps", NULL, NULL, NULL, 200);
    want_names(all, "a,b,c,d,e,a");
    AUTO(json) json_t *none = kit_do(&k, API_LIST, "secrets", "default", NULL, NULL, 200);
    ck_assert(json_is_array(json_object_get(none, "items")));
    ck_assert_int_gt(strtol(json_str_or_empty(none, "metadata.resourceVersion"), NULL, 10), 0);
}
END_TEST

static const struct selection {
    const char *label, *field, *want; /* want NULL: 400 */
} selections[] = {
    {"l in (a,b)", NULL, "a,b"},
    {"odd=1,l!=a", NULL, "b"},
    {"!odd", NULL, "a"}, /* the one in kube-system */
    {"l notin (a,b,c)", NULL, "d,e,a"},
    {NULL, "metadata.name=a", "a,a"},
    {NULL, "metadata.name!=a,metadata.namespace=default", "b,c,d,e"},
    {NULL, "metadata.namespace=kube-system", "a"},
    {"a in", NULL, NULL},
    {NULL, "data.k=v", NULL},
};

START_TEST(selectors)
{
    const struct selection *s = &selections[_i];
    AUTO(kit) struct kit k = filled();
    struct api_request req = kit_req(API_LIST, "configmaps", NULL, NULL, NULL);
    req.label_selector = s->label;
    req.field_selector = s->field;
    AUTO(json) json_t *list = kit_send(&k, &req, s->want ? 200 : 400);
    if (s->want)
        want_names(list, s->want);
}
END_TEST

START_TEST(pages_show_one_moment)
{
    AUTO(kit) struct kit k = filled();
    struct api_request req = kit_req(API_LIST, "configmaps", "default", NULL, NULL);
    req.limit = 2;
    AUTO(json) json_t *first = kit_send(&k, &req, 200);
    want_names(first, "a,b");
    ck_assert_int_eq(json_int(first, "metadata.remainingItemCount", 0), 3);
    /* Writes between the pages are not seen. */
    json_decref(kit_do(&k, API_DELETE, "configmaps", "default", "c", NULL, 200));
    json_decref(kit_make(&k, "configmaps", config_map("bb", "v")));
    json_decref(
        kit_do(&k, API_PATCH, "configmaps", "default", "d", js("{'data':{'k':'new'}}"), 200));
    req.continue_token = json_str(first, "metadata.continue");
    AUTO(json) json_t *second = kit_send(&k, &req, 200);
    want_names(second, "c,d");
    ck_assert(!json_path(json_array_get(json_object_get(second, "items"), 1), "data.k"));
    ck_assert_str_eq(json_str_or_empty(first, "metadata.resourceVersion"),
                     json_str_or_empty(second, "metadata.resourceVersion"));
    req.continue_token = json_str(second, "metadata.continue");
    AUTO(json) json_t *third = kit_send(&k, &req, 200);
    want_names(third, "e");
    ck_assert(!json_path(third, "metadata.continue"));
}
END_TEST

START_TEST(expired_token_offers_another)
{
    AUTO(kit) struct kit k = filled();
    struct api_request req = kit_req(API_LIST, "configmaps", "default", NULL, NULL);
    req.limit = 2;
    AUTO(json) json_t *first = kit_send(&k, &req, 200);
    json_decref(kit_make(&k, "configmaps", config_map("bb", "v")));
    apiserver_compact(k.server, apiserver_revision(k.server));
    req.continue_token = json_str(first, "metadata.continue");
    AUTO(json) json_t *gone = kit_send(&k, &req, 410);
    want_text(gone, "reason", "Expired");
    req.continue_token = json_str(gone, "metadata.continue");
    ck_assert(req.continue_token != NULL);
    AUTO(json) json_t *rest = kit_send(&k, &req, 200);
    want_names(rest, "bb,c");
}
END_TEST

START_TEST(revisions)
{
    AUTO(kit) struct kit k = filled();
    char then[24], soon[24];
    snprintf(then, sizeof(then), "%lld", (long long)apiserver_revision(k.server));
    json_decref(kit_do(&k, API_DELETE, "configmaps", "default", "a", NULL, 200));
    struct api_request req = kit_req(API_LIST, "configmaps", "default", NULL, NULL);
    req.resource_version = then;
    AUTO(json) json_t *now = kit_send(&k, &req, 200);
    want_names(now, "b,c,d,e"); /* at least */
    req.resource_version_match = "Exact";
    AUTO(json) json_t *past = kit_send(&k, &req, 200);
    want_names(past, "a,b,c,d,e");
    req.resource_version_match = NULL;
    req.limit = 2;
    AUTO(json) json_t *page = kit_send(&k, &req, 200);
    want_names(page, "a,b");
    req.resource_version = "0";
    AUTO(json) json_t *cached = kit_send(&k, &req, 200);
    want_names(cached, "b,c,d,e");
    ck_assert(!json_path(cached, "metadata.continue"));
    req.limit = 0;
    snprintf(soon, sizeof(soon), "%lld", (long long)apiserver_revision(k.server) + 5);
    req.resource_version = soon;
    AUTO(json) json_t *future = kit_send(&k, &req, 504);
    want_text(future, "reason", "Timeout");
    req.resource_version = "x";
    json_decref(kit_send(&k, &req, 400));
    req.resource_version = then;
    req.resource_version_match = "Exact";
    apiserver_compact(k.server, apiserver_revision(k.server));
    AUTO(json) json_t *expired = kit_send(&k, &req, 410);
    want_text(expired, "message", "The resourceVersion for the provided list is too old.");
}
END_TEST

static const struct bad_option {
    const char *rv, *match, *token;
    int code;
} bad_options[] = {
    {NULL, "Exact", NULL, 422}, {"0", "Exact", NULL, 422},     {"1", "Sometimes", NULL, 422},
    {"5", NULL, "token", 400},  {NULL, NULL, "garbage!", 400}, {NULL, NULL, "Z2FyYmFnZQ", 400},
};

START_TEST(options_are_checked)
{
    const struct bad_option *b = &bad_options[_i];
    AUTO(kit) struct kit k = filled();
    struct api_request req = kit_req(API_LIST, "configmaps", "default", NULL, NULL);
    req.resource_version = b->rv;
    req.resource_version_match = b->match;
    req.continue_token = b->token;
    json_decref(kit_send(&k, &req, b->code));
}
END_TEST

START_TEST(peeking)
{
    AUTO(kit) struct kit k = filled();
    AUTO(json) json_t *all = apiserver_peek_all(k.server, "", "configmaps", NULL);
    ck_assert_uint_eq(json_array_size(all), 6);
    AUTO(json) json_t *some = apiserver_peek_all(k.server, "", "configmaps", "kube-system");
    ck_assert_uint_eq(json_array_size(some), 1);
    ck_assert(apiserver_peek(k.server, "", "configmaps", "default", "a") != NULL);
    ck_assert(apiserver_peek(k.server, "", "configmaps", "default", "z") == NULL);
    ck_assert(apiserver_peek(k.server, "", "nosuch", "default", "z") == NULL);
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN("sim.list",
                      SUITE_LONG_CASE("list", 60, TEST(plain), EACH(selectors, selections),
                                      TEST(pages_show_one_moment),
                                      TEST(expired_token_offers_another), TEST(revisions),
                                      EACH(options_are_checked, bad_options), TEST(peeking)));
}
