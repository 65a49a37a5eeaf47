/* pods/eviction: what disruption budgets allow. */
#include "tests/unit/sim/kit.h"
#include "tests/unit/suite.h"

static struct api_request eviction(const char *pod, const json_t *body)
{
    struct api_request req = kit_req(API_CREATE, "pods", "default", pod, body);
    req.subresource = "eviction";
    return req;
}

static json_t *budget_do(struct kit *k, enum api_verb verb, const char *name, const char *sub,
                         json_t *body /* taken */, int want)
{
    AUTO(json) json_t *held = body;
    struct api_request req = {.verb = verb,
                              .resource = {"policy", "v1", "poddisruptionbudgets"},
                              .ns = "default",
                              .name = name,
                              .subresource = sub,
                              .body = held,
                              .patch = verb == API_PATCH ? PATCH_MERGE : PATCH_NONE};
    return kit_send(k, &req, want);
}

static void running_pod(struct kit *k, const char *name)
{
    json_decref(kit_make(k, "pods",
                         js("{'metadata':{'name':'%s','labels':{'app':'a'}},'spec':{'containers':[{"
                            "'name':'c','image':'i'}]}}",
                            name)));
    json_decref(kit_status(k, API_PATCH, "pods", "default", name,
                           js("{'status':{'phase':'Running'}}"), 200));
}

static void add_budget(struct kit *k, const char *name, int allowed)
{
    json_decref(budget_do(k, API_CREATE, NULL, NULL,
                          js("{'metadata':{'name':'%s'},'spec':{'minAvailable':1,'selector':{"
                             "'matchLabels':{'app':'a'}}}}",
                             name),
                          201));
    json_decref(budget_do(k, API_PATCH, name, "status",
                          js("{'status':{'observedGeneration':1,'disruptionsAllowed':%d,"
                             "'desiredHealthy':1,'currentHealthy':%d}}",
                             allowed, 1 + allowed),
                          200));
}

START_TEST(without_a_budget)
{
    AUTO(kit) struct kit k = kit_create();
    running_pod(&k, "p");
    AUTO(json)
    json_t *body = js("{'apiVersion':'policy/v1','kind':'Eviction','metadata':{'name':'p'}}");
    struct api_request req = eviction("p", body);
    req.dry_run = true;
    json_decref(kit_send(&k, &req, 201));
    req.dry_run = false;
    AUTO(json) json_t *ok = kit_send(&k, &req, 201);
    want_text(ok, "kind", "Status");
    want_text(ok, "status", "Success");
    json_decref(kit_do(&k, API_GET, "pods", "default", "p", NULL, 404));
    json_decref(kit_send(&k, &req, 404));
}
END_TEST

START_TEST(a_budget_is_used_up)
{
    AUTO(kit) struct kit k = kit_create();
    running_pod(&k, "p");
    running_pod(&k, "q");
    add_budget(&k, "b", 1);
    AUTO(json) json_t *body = js("{'metadata':{'name':'p'}}");
    struct api_request req = eviction("p", body);
    json_decref(kit_send(&k, &req, 201));
    AUTO(json) json_t *b = budget_do(&k, API_GET, "b", NULL, NULL, 200);
    ck_assert_int_eq(json_int(b, "status.disruptionsAllowed", 9), 0);
    ck_assert(json_path(b, "status.disruptedPods.p"));
    json_put_str(body, "metadata.name", "q");
    req = eviction("q", body);
    AUTO(json) json_t *no = kit_send(&k, &req, 429);
    want_text(no, "reason", "TooManyRequests");
    want_text(no, "message", "Cannot evict pod as it would violate the pod's disruption budget.");
    const json_t *cause = json_array_get(json_path(no, "details.causes"), 0);
    want_text(cause, "reason", "DisruptionBudget");
    want_text(cause, "message", "The disruption budget b needs 1 healthy pods and has 2 currently");
    json_decref(kit_do(&k, API_GET, "pods", "default", "q", NULL, 200));
}
END_TEST

START_TEST(a_budget_that_nobody_looked_at)
{
    AUTO(kit) struct kit k = kit_create();
    running_pod(&k, "p");
    json_decref(budget_do(&k, API_CREATE, NULL, NULL,
                          js("{'metadata':{'name':'b'},'spec':{'selector':{}}}"), 201));
    AUTO(json) json_t *body = js("{'metadata':{'name':'p'}}");
    struct api_request req = eviction("p", body);
    AUTO(json) json_t *no = kit_send(&k, &req, 429);
    ck_assert_int_eq(json_int(no, "details.retryAfterSeconds", 0), 10);
    /* A pod that is over needs nobody's leave. */
    json_decref(kit_status(&k, API_PATCH, "pods", "default", "p",
                           js("{'status':{'phase':'Succeeded'}}"), 200));
    json_decref(kit_send(&k, &req, 201));
}
END_TEST

START_TEST(two_budgets)
{
    AUTO(kit) struct kit k = kit_create();
    running_pod(&k, "p");
    add_budget(&k, "a", 1);
    add_budget(&k, "b", 1);
    AUTO(json) json_t *body = js("{'metadata':{'name':'p'}}");
    struct api_request req = eviction("p", body);
    json_decref(kit_send(&k, &req, 500));
}
END_TEST

START_TEST(bad_bodies)
{
    AUTO(kit) struct kit k = kit_create();
    running_pod(&k, "p");
    AUTO(json) json_t *other = js("{'metadata':{'name':'q'}}");
    struct api_request req = eviction("p", other);
    json_decref(kit_send(&k, &req, 400));
    AUTO(json) json_t *nobody = js("{}");
    req = eviction("p", nobody);
    json_decref(kit_send(&k, &req, 400));
    AUTO(json) json_t *kind = js("{'kind':'Binding'}");
    req = eviction("p", kind);
    json_decref(kit_send(&k, &req, 400));
    req.verb = API_UPDATE;
    json_decref(kit_send(&k, &req, 405));
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN("sim.evict", SUITE_LONG_CASE("evict", 60, TEST(without_a_budget),
                                                   TEST(a_budget_is_used_up),
                                                   TEST(a_budget_that_nobody_looked_at),
                                                   TEST(two_budgets), TEST(bad_bodies)));
}
