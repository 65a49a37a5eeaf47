/* Reviews: what goes in, what comes out, and that nothing stays. */
#include "tests/unit/sim_auth/auth_kit.h"
#include "tests/unit/suite.h"

#define AUTHN "authentication.k8s.io"
#define AUTHZ "authorization.k8s.io"
#define RBAC "rbac.authorization.k8s.io"

#define SAR "subjectaccessreviews"
#define SELF "selfsubjectaccessreviews"
#define LOCAL "localsubjectaccessreviews"
#define POD(verb) "'resourceAttributes':{'verb':'" verb "','resource':'pods','namespace':'default'}"

/* The body's spec, and the answer's status; or the code and the message. */
static const struct row {
    const char *row, *user, *plural, *ns, *spec, *want;
    int code;
} rows[] = {
    /* oneself */
    {"self, allowed", "dev", SELF, NULL, POD("get"),
     "{\"allowed\":true,\"reason\":\"RBAC: allowed by RoleBinding \\\"dev/default\\\" of Role "
     "\\\"dev\\\" to User \\\"dev\\\"\"}",
     201},
    {"self, denied", "dev", SELF, NULL, POD("delete"), "{\"allowed\":false}", 201},
    {"self, another namespace", "dev", SELF, NULL,
     "'resourceAttributes':{'verb':'get','resource':'pods','namespace':'x'}", "{\"allowed\":false}",
     201},
    {"self, all namespaces", "dev", SELF, NULL,
     "'resourceAttributes':{'verb':'get','resource':'pods','namespace':''}", "{\"allowed\":false}",
     201},
    {"self, a master", "kubernetes-admin", SELF, NULL, POD("get"), "{\"allowed\":true}", 201},
    {"self, path", "dev", SELF, NULL, "'nonResourceAttributes':{'verb':'get','path':'/version'}",
     "{\"allowed\":true,\"reason\":\"RBAC: allowed by ClusterRoleBinding \\\"system:discovery\\\" "
     "of ClusterRole \\\"system:discovery\\\" to Group \\\"system:authenticated\\\"\"}",
     201},
    {"self, path denied", "dev", SELF, NULL,
     "'nonResourceAttributes':{'verb':'get','path':'/metrics'}", "{\"allowed\":false}", 201},
    {"self, subresource and name", "dev", SELF, NULL,
     "'resourceAttributes':{'verb':'get','resource':'pods','subresource':'log','name':'p',"
     "'namespace':'default'}",
     "{\"allowed\":false}", 201},
    {"self, neither", "dev", SELF, NULL, "",
     "SelfSubjectAccessReview.authorization.k8s.io \"\" is invalid: spec.resourceAttributes: "
     "Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be "
     "specified",
     422},
    {"self, both", "dev", SELF, NULL,
     "'resourceAttributes':{'verb':'get'},'nonResourceAttributes':{'verb':'get'}",
     "SelfSubjectAccessReview.authorization.k8s.io \"\" is invalid: spec.nonResourceAttributes: "
     "Invalid value: {\"verb\":\"get\"}: cannot be specified in combination with "
     "resourceAttributes",
     422},
    {"self, null is nothing", "dev", SELF, NULL, "'nonResourceAttributes':null," POD("delete"),
     "{\"allowed\":false}", 201},
    {"self, wrong type", "dev", SELF, NULL, "'resourceAttributes':{'verb':7}",
     "SelfSubjectAccessReview in version \"v1\" cannot be handled as a SelfSubjectAccessReview: "
     "json: cannot unmarshal number into Go struct field "
     "SelfSubjectAccessReview.spec.resourceAttributes.verb of type string",
     400},
    {"self, anonymous may not ask", "system:anonymous", SELF, NULL, POD("get"),
     "selfsubjectaccessreviews.authorization.k8s.io is forbidden: User \"system:anonymous\" cannot "
     "create resource \"selfsubjectaccessreviews\" in API group \"authorization.k8s.io\" at the "
     "cluster scope",
     403},
    /* others */
    {"subject, allowed", "kubernetes-admin", SAR, NULL, "'user':'dev'," POD("get"),
     "{\"allowed\":true,\"reason\":\"RBAC: allowed by RoleBinding \\\"dev/default\\\" of Role "
     "\\\"dev\\\" to User \\\"dev\\\"\"}",
     201},
    {"subject, no groups but those named", "kubernetes-admin", SAR, NULL,
     "'user':'kubernetes-admin'," POD("get"), "{\"allowed\":false}", 201},
    {"subject, group alone", "kubernetes-admin", SAR, NULL,
     "'groups':['system:masters']," POD("get"), "{\"allowed\":true}", 201},
    {"subject, account", "kubernetes-admin", SAR, NULL,
     "'user':'system:serviceaccount:osac:operator'," POD("list"),
     "{\"allowed\":true,\"reason\":\"RBAC: allowed by RoleBinding \\\"dev/default\\\" of Role "
     "\\\"dev\\\" to ServiceAccount \\\"operator/osac\\\"\"}",
     201},
    {"subject, missing role", "kubernetes-admin", SAR, NULL, "'user':'lost'," POD("get"),
     "{\"allowed\":false,\"reason\":\"RBAC: clusterrole.rbac.authorization.k8s.io \\\"lost\\\" not "
     "found\"}",
     201},
    {"subject, nobody", "kubernetes-admin", SAR, NULL, POD("get"),
     "SubjectAccessReview.authorization.k8s.io \"\" is invalid: spec.user: Invalid value: \"\": at "
     "least one of user or group must be specified",
     422},
    {"subject, groups of a wrong type", "kubernetes-admin", SAR, NULL, "'groups':[1]," POD("get"),
     "SubjectAccessReview in version \"v1\" cannot be handled as a SubjectAccessReview: json: "
     "cannot unmarshal array into Go struct field SubjectAccessReview.spec.groups of type []string",
     400},
    {"subject, by one who may not ask", "dev", SAR, NULL, "'user':'dev'," POD("get"),
     "subjectaccessreviews.authorization.k8s.io is forbidden: User \"dev\" cannot create resource "
     "\"subjectaccessreviews\" in API group \"authorization.k8s.io\" at the cluster scope",
     403},
    /* in a namespace */
    {"local, allowed", "kubernetes-admin", LOCAL, "default", "'user':'dev'," POD("get"),
     "{\"allowed\":true,\"reason\":\"RBAC: allowed by RoleBinding \\\"dev/default\\\" of Role "
     "\\\"dev\\\" to User \\\"dev\\\"\"}",
     201},
    {"local, elsewhere", "kubernetes-admin", LOCAL, "kube-system", "'user':'dev'," POD("get"),
     "spec.resourceAttributes.namespace must match namespace: kube-system", 400},
    {"local, path", "kubernetes-admin", LOCAL, "default",
     "'user':'dev','nonResourceAttributes':{'verb':'get','path':'/'}",
     "LocalSubjectAccessReview.authorization.k8s.io \"\" is invalid: spec.nonResourceAttributes: "
     "Invalid value: {\"path\":\"/\",\"verb\":\"get\"}: disallowed on this kind of request",
     422},
    {"local without namespace", "kubernetes-admin", LOCAL, NULL, "'user':'dev'," POD("get"),
     "the server could not find the requested resource", 404},
};

static struct auth_kit review_kit(void)
{
    struct auth_kit kit = auth_kit_create(true, true);
    json_decref(auth_put(&kit, RBAC, "roles", "default",
                         js("{'metadata':{'name':'dev'},'rules':[{'verbs':['get','list'],"
                            "'apiGroups':[''],'resources':['pods'],'resourceNames':[]}]}")));
    json_decref(auth_put(&kit, RBAC, "rolebindings", "default",
                         js("{'metadata':{'name':'dev'},'roleRef':{'kind':'Role','name':'dev'},"
                            "'subjects':[{'kind':'User','name':'dev'},{'kind':'ServiceAccount',"
                            "'namespace':'osac','name':'operator'}]}")));
    json_decref(auth_put(&kit, RBAC, "clusterrolebindings", NULL,
                         js("{'metadata':{'name':'lost'},'roleRef':{'kind':'ClusterRole','name':"
                            "'lost'},'subjects':[{'kind':'User','name':'lost'}]}")));
    return kit;
}

static json_t *post(struct auth_kit *kit, const char *user, const char *group, const char *plural,
                    const char *ns, const json_t *body, int want)
{
    const struct api_request req = {.verb = API_CREATE,
                                    .resource = {group, "v1", plural},
                                    .ns = ns,
                                    .body = body,
                                    .user = user};
    return kit_send(&kit->k, &req, want);
}

START_TEST(may)
{
    const struct row *r = &rows[_i];
    AUTO(auth_kit) struct auth_kit kit = review_kit();
    AUTO(json) json_t *body = js("{'spec':{%s}}", r->spec);
    int64_t before = apiserver_revision(kit.k.server);
    AUTO(json) json_t *answer = post(&kit, r->user, AUTHZ, r->plural, r->ns, body, r->code);
    ck_assert_int_eq(apiserver_revision(kit.k.server), before);
    if (r->code != 201) {
        WANT_TEXT(r->row, json_str_or_empty(answer, "message"), r->want);
        return;
    }
    AUTO(str) char *status = json_text(json_object_get(answer, "status"));
    WANT_TEXT(r->row, status, r->want);
    ck_assert(json_equal(json_object_get(answer, "spec"), json_object_get(body, "spec")));
    ck_assert_str_eq(json_str_or_empty(answer, "apiVersion"), AUTHZ "/v1");
}
END_TEST

/* ---- bodies ---- */

static const struct body {
    const char *row, *body;
    int code;
    const char *message;
} bodies[] = {
    {"named",
     "{'kind':'SelfSubjectAccessReview','apiVersion':'" AUTHZ "/v1','metadata':{"
     "'creationTimestamp':null},'spec':{" POD("get") "}}",
     201, ""},
    {"other kind", "{'kind':'Pod','apiVersion':'" AUTHZ "/v1'}", 400,
     "Pod in version \"v1\" cannot be handled as a SelfSubjectAccessReview: no kind \"Pod\" is "
     "registered for this endpoint"},
    {"other version", "{'kind':'SelfSubjectAccessReview','apiVersion':'v1'}", 400,
     "the API version in the data (v1) does not match the expected API version "
     "(authorization.k8s.io/v1)"},
    {"kind is no text", "{'kind':1}", 400,
     " in version \"v1\" cannot be handled as a SelfSubjectAccessReview: no kind \"\" is "
     "registered for this endpoint"},
    {"no object", "[]", 400,
     "the object provided is unrecognized (must be of type SelfSubjectAccessReview): couldn't get "
     "version/kind; json parse error: the body is not an object"},
    {"a name", "{'metadata':{'name':'x'},'spec':{" POD("get") "}}", 422,
     "SelfSubjectAccessReview.authorization.k8s.io \"\" is invalid: metadata: Invalid value: "
     "{\"name\":\"x\"}: must be empty"},
    {"metadata of another type", "{'metadata':[],'spec':{}}", 400,
     "SelfSubjectAccessReview in version \"v1\" cannot be handled as a SelfSubjectAccessReview: "
     "json: cannot unmarshal array into Go struct field SelfSubjectAccessReview.metadata of type "
     "object"},
    {"spec of another type", "{'spec':'x'}", 400,
     "SelfSubjectAccessReview in version \"v1\" cannot be handled as a SelfSubjectAccessReview: "
     "json: cannot unmarshal string into Go struct field SelfSubjectAccessReview.spec of type "
     "object"},
};

START_TEST(body)
{
    const struct body *b = &bodies[_i];
    AUTO(auth_kit) struct auth_kit kit = review_kit();
    AUTO(json) json_t *sent = js("%s", b->body);
    AUTO(json) json_t *answer = post(&kit, "dev", AUTHZ, SELF, NULL, sent, b->code);
    WANT_TEXT(b->row, json_str_or_empty(answer, "message"), b->message);
}
END_TEST

static const struct verb_row {
    enum api_verb verb;
    const char *name;
} verbs[] = {{API_GET, "x"}, {API_LIST, NULL}, {API_DELETE, "x"}, {API_UPDATE, "x"}};

START_TEST(only_post)
{
    AUTO(auth_kit) struct auth_kit kit = review_kit();
    const struct api_request req = {
        .verb = verbs[_i].verb, .resource = {AUTHZ, "v1", SELF}, .name = verbs[_i].name};
    json_decref(kit_send(&kit.k, &req, 405));
}
END_TEST

/* ---- rules ---- */

START_TEST(rules)
{
    AUTO(auth_kit) struct auth_kit kit = review_kit();
    AUTO(json) json_t *sent = js("{'spec':{'namespace':'default'}}");
    AUTO(json)
    json_t *answer = post(&kit, "dev", AUTHZ, "selfsubjectrulesreviews", NULL, sent, 201);
    AUTO(str) char *text = json_text(json_path(answer, "status"));
    WANT_TEXT("rules", text,
              "{\"resourceRules\":[{\"verbs\":[\"get\",\"list\"],\"apiGroups\":[\"\"],"
              "\"resources\":[\"pods\"]},{\"verbs\":[\"create\"],\"apiGroups\":["
              "\"authorization.k8s.io\"],\"resources\":[\"selfsubjectaccessreviews\","
              "\"selfsubjectrulesreviews\"]},{\"verbs\":[\"create\"],\"apiGroups\":["
              "\"authentication.k8s.io\"],\"resources\":[\"selfsubjectreviews\"]}],"
              "\"nonResourceRules\":[{\"verbs\":[\"get\"],\"nonResourceURLs\":[\"/api\",\"/api/*\","
              "\"/apis\",\"/apis/*\",\"/healthz\",\"/livez\",\"/openapi\",\"/openapi/*\","
              "\"/readyz\",\"/version\",\"/version/\"]},{\"verbs\":[\"get\"],\"nonResourceURLs\":["
              "\"/healthz\",\"/livez\",\"/readyz\",\"/version\",\"/version/\"]}],"
              "\"incomplete\":false}");
    AUTO(json) json_t *lost = post(&kit, "lost", AUTHZ, "selfsubjectrulesreviews", NULL, sent, 201);
    ck_assert_str_eq(json_str_or_empty(lost, "status.evaluationError"),
                     "clusterrole.rbac.authorization.k8s.io \"lost\" not found");
    ck_assert(json_bool(lost, "status.incomplete", false));
    AUTO(json) json_t *empty = js("{'spec':{}}");
    AUTO(json)
    json_t *refused = post(&kit, "dev", AUTHZ, "selfsubjectrulesreviews", NULL, empty, 400);
    ck_assert_str_eq(json_str_or_empty(refused, "message"), "no namespace on request");
}
END_TEST

/* ---- identities ---- */

START_TEST(oneself)
{
    AUTO(auth_kit) struct auth_kit kit = review_kit();
    AUTO(json) json_t *extra = js("{'a':['b']}");
    static const char *const groups[] = {"devs", "system:authenticated", NULL};
    const struct api_identity who = {.name = "dev", .uid = "u1", .groups = groups, .extra = extra};
    AUTO(json) json_t *sent = js("{}");
    const struct api_request req = {.verb = API_CREATE,
                                    .resource = {AUTHN, "v1", "selfsubjectreviews"},
                                    .body = sent,
                                    .user = "dev",
                                    .identity = &who};
    AUTO(json) json_t *answer = kit_send(&kit.k, &req, 201);
    AUTO(str) char *text = json_text(answer);
    WANT_TEXT("oneself", text,
              "{\"kind\":\"SelfSubjectReview\",\"apiVersion\":\"authentication.k8s.io/v1\","
              "\"metadata\":{\"creationTimestamp\":\"2026-01-01T00:00:00Z\"},\"status\":{"
              "\"userInfo\":{\"username\":\"dev\",\"uid\":\"u1\",\"groups\":[\"devs\","
              "\"system:authenticated\"],\"extra\":{\"a\":[\"b\"]}}}}");
}
END_TEST

#define SERVER "https://kubernetes.default.svc.cluster.local"
static const struct token_row {
    const char *row, *spec; /* @ is a good token */
    int code;
    const char *want;
} tokens[] = {
    {"good", "'token':'@'", 201,
     "{\"authenticated\":true,\"user\":{\"username\":\"jane\",\"groups\":["
     "\"system:authenticated\"]},\"audiences\":[\"" SERVER "\"]}"},
    {"audience", "'token':'@','audiences':['x','" SERVER "']", 201,
     "{\"authenticated\":true,\"user\":{\"username\":\"jane\",\"groups\":["
     "\"system:authenticated\"]},\"audiences\":[\"" SERVER "\"]}"},
    {"another audience", "'token':'@','audiences':['x']", 201,
     "{\"user\":{},\"error\":\"invalid bearer token\"}"},
    {"bad", "'token':'x.y.z'", 201, "{\"user\":{},\"error\":\"invalid bearer token\"}"},
    {"none", "", 400, "token is required for TokenReview in authentication"},
    {"no text", "'token':{}", 400,
     "TokenReview in version \"v1\" cannot be handled as a TokenReview: json: cannot unmarshal "
     "object into Go struct field TokenReview.spec.token of type string"},
};

START_TEST(token)
{
    const struct token_row *r = &tokens[_i];
    AUTO(auth_kit) struct auth_kit kit = review_kit();
    AUTO(str) char *good = auth_issue_token(kit.auth, "jane", NULL, SCHED_NEVER);
    AUTO(json) json_t *sent = js("{'spec':{%s}}", r->spec);
    if (strcmp(json_str_or_empty(sent, "spec.token"), "@") == 0)
        json_put_str(sent, "spec.token", good);
    AUTO(json)
    json_t *answer = post(&kit, NULL, AUTHN, "tokenreviews", NULL, sent, r->code);
    AUTO(str) char *status = json_text(json_object_get(answer, "status"));
    WANT_TEXT(r->row, r->code == 201 ? status : json_str_or_empty(answer, "message"), r->want);
}
END_TEST

/* ---- tokens on request ---- */

static const struct request_row {
    const char *row, *account, *spec;
    int code;
    int64_t seconds;     /* of a token */
    const char *message; /* of a refusal */
} requests[] = {
    {"defaults", "default", "", 201, 3600, NULL},
    {"ten minutes", "default", "'expirationSeconds':600", 201, 600, NULL},
    {"too short", "default", "'expirationSeconds':599", 422, 0,
     "TokenRequest.authentication.k8s.io \"\" is invalid: spec.expirationSeconds: Invalid value: "
     "599: may not specify a duration less than 10 minutes"},
    {"too long", "default", "'expirationSeconds':4294967297", 422, 0,
     "TokenRequest.authentication.k8s.io \"\" is invalid: spec.expirationSeconds: Invalid value: "
     "4294967297: may not specify a duration larger than 2^32 seconds"},
    {"no such account", "nobody", "", 404, 0, "serviceaccounts \"nobody\" not found"},
    {"bound to a secret", "default",
     "'boundObjectRef':{'kind':'Secret','apiVersion':'v1','name':'s'}", 201, 3600, NULL},
    {"bound to nothing", "default", "'boundObjectRef':{'kind':'Pod','apiVersion':'v1','name':'p'}",
     404, 0, "pods \"p\" not found"},
    {"bound to what cannot be", "default",
     "'boundObjectRef':{'kind':'Node','apiVersion':'v1','name':'n'}", 400, 0,
     "cannot bind token for serviceaccount to object of type v1, Kind=Node"},
    {"bound to another uid", "default",
     "'boundObjectRef':{'kind':'Secret','apiVersion':'v1','name':'s','uid':'x'}", 409, 0,
     "Operation cannot be fulfilled on secrets \"s\": the UID in the bound object reference (x) "
     "does not match the UID in record. The object might have been deleted and then recreated"},
};

static json_t *request_token(struct auth_kit *kit, const char *account, const char *spec, int want)
{
    AUTO(json)
    json_t *sent = js("{'apiVersion':'" AUTHN "/v1','kind':'TokenRequest','spec':{%s}}", spec);
    const struct api_request req = {.verb = API_CREATE,
                                    .resource = {"", "v1", "serviceaccounts"},
                                    .ns = "default",
                                    .name = account,
                                    .subresource = "token",
                                    .body = sent};
    return kit_send(&kit->k, &req, want);
}

static int shown(struct auth_kit *kit, const json_t *answer, struct auth_identity *ret)
{
    AUTO(str) char *header = mem_printf("Bearer %s", json_str_or_empty(answer, "status.token"));
    const struct auth_credentials c = {.authorization = header};
    AUTO(response) struct api_response refused = {0};
    return auth_authenticate(kit->auth, &c, ret, &refused);
}

/* Late in time: an end that nanoseconds do not reach. */
START_TEST(request_far_ahead)
{
    AUTO(auth_kit) struct auth_kit kit = review_kit();
    int64_t start;
    ck_assert(time_parse("2260-01-01T00:00:00Z", &start));
    auth_advance(&kit, start - sched_now(world_sched(kit.k.world)));
    AUTO(json)
    json_t *answer = request_token(&kit, "default", "'expirationSeconds':4294967296", 201);
    WANT_TEXT("until", json_str_or_empty(answer, "status.expirationTimestamp"),
              "2396-02-07T06:28:16Z");
    AUTO(auth_identity) struct auth_identity id = {0};
    ck_assert_int_eq(shown(&kit, answer, &id), 0);
}
END_TEST

START_TEST(request)
{
    const struct request_row *r = &requests[_i];
    AUTO(auth_kit) struct auth_kit kit = review_kit();
    json_decref(auth_put(&kit, "", "secrets", "default", js("{'metadata':{'name':'s'}}")));
    AUTO(json) json_t *answer = request_token(&kit, r->account, r->spec, r->code);
    if (r->code != 201) {
        WANT_TEXT(r->row, json_str_or_empty(answer, "message"), r->message);
        return;
    }
    ck_assert_int_eq(json_int(answer, "spec.expirationSeconds", 0), r->seconds);
    int64_t until;
    ck_assert(time_parse(json_str_or_empty(answer, "status.expirationTimestamp"), &until));
    ck_assert_int_eq(until, WORLD_START_NS + r->seconds * NS_PER_S);
    AUTO(auth_identity) struct auth_identity id = {0};
    ck_assert_msg(shown(&kit, answer, &id) == 0, "%s", r->row);
    ck_assert_str_eq(id.id.name, "system:serviceaccount:default:default");
    const json_t *credential = json_object_get(id.id.extra, AUTHN "/credential-id");
    ck_assert(!credential);
    ck_assert(json_object_get(id.id.extra, "authentication.kubernetes.io/credential-id"));
    auth_advance(&kit, r->seconds * NS_PER_S);
    AUTO(auth_identity) struct auth_identity late = {0};
    ck_assert_msg(shown(&kit, answer, &late) == -1, "%s", r->row);
}
END_TEST

START_TEST(other_audience)
{
    AUTO(auth_kit) struct auth_kit kit = review_kit();
    AUTO(json) json_t *answer = request_token(&kit, "default", "'audiences':['vault']", 201);
    AUTO(auth_identity) struct auth_identity id = {0};
    ck_assert_int_eq(shown(&kit, answer, &id), -1);
    AUTO(json) json_t *sent = js("{'spec':{'audiences':['vault','x']}}");
    json_put_str(sent, "spec.token", json_str_or_empty(answer, "status.token"));
    AUTO(json) json_t *review = post(&kit, NULL, AUTHN, "tokenreviews", NULL, sent, 201);
    AUTO(str) char *audiences = json_text(json_path(review, "status.audiences"));
    ck_assert_str_eq(audiences, "[\"vault\"]");
}
END_TEST

START_TEST(bound_object_goes)
{
    AUTO(auth_kit) struct auth_kit kit = review_kit();
    json_decref(auth_put(&kit, "", "pods", "default",
                         js("{'metadata':{'name':'p'},'spec':{'containers':[{'name':'c'}]}}")));
    AUTO(json)
    json_t *answer = request_token(
        &kit, "default", "'boundObjectRef':{'kind':'Pod','apiVersion':'v1','name':'p'}", 201);
    AUTO(auth_identity) struct auth_identity id = {0};
    ck_assert_int_eq(shown(&kit, answer, &id), 0);
    const json_t *name = json_object_get(id.id.extra, "authentication.kubernetes.io/pod-name");
    ck_assert_str_eq(json_string_value(json_array_get(name, 0)), "p");
    const struct api_request req = {
        .verb = API_DELETE, .resource = {"", "v1", "pods"}, .ns = "default", .name = "p"};
    json_decref(kit_send(&kit.k, &req, 200));
    AUTO(auth_identity) struct auth_identity late = {0};
    if (!apiserver_peek(kit.k.server, "", "pods", "default", "p"))
        ck_assert_int_eq(shown(&kit, answer, &late), -1);
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN(
        "sim_auth.review",
        SUITE_LONG_CASE("review", 60, EACH(may, rows), EACH(body, bodies), EACH(only_post, verbs),
                        EACH(token, tokens), EACH(request, requests), TEST(request_far_ahead),
                        TEST(rules), TEST(oneself), TEST(other_audience), TEST(bound_object_goes)));
}
