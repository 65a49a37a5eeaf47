/* Admission policies: what may be written, what they match, what their expressions see. */
#include "tests/unit/sim/kit.h"

#include "sim/admission/admission.h"
#include "sim/controllermanager/controllermanager.h"
#include "tests/unit/suite.h"

#define EVERYTHING                                                                                 \
    "{'resourceRules':[{'apiGroups':['*'],'apiVersions':['*'],'operations':['*'],"                 \
    "'resources':['*/*']}]}"

/* The answer to the policy with that spec (in ' for "); new. */
static json_t *put_policy_as(struct kit *k, const char *name, json_t *spec /* taken */, int want)
{
    AUTO(json)
    json_t *body =
        json_pack("{s:s, s:s, s:{s:s}, s:o}", "apiVersion", ADMISSION_GROUP "/v1", "kind",
                  "ValidatingAdmissionPolicy", "metadata", "name", name, "spec", spec);
    const struct api_request req = {
        .verb = API_CREATE,
        .resource = {ADMISSION_GROUP, "v1", "validatingadmissionpolicies"},
        .body = body};
    return kit_send(k, &req, want);
}

static json_t *put_binding_as(struct kit *k, const char *name, json_t *spec /* taken */, int want)
{
    AUTO(json)
    json_t *body =
        json_pack("{s:s, s:s, s:{s:s}, s:o}", "apiVersion", ADMISSION_GROUP "/v1", "kind",
                  "ValidatingAdmissionPolicyBinding", "metadata", "name", name, "spec", spec);
    const struct api_request req = {
        .verb = API_CREATE,
        .resource = {ADMISSION_GROUP, "v1", "validatingadmissionpolicybindings"},
        .body = body};
    return kit_send(k, &req, want);
}

static json_t *put_policy(struct kit *k, json_t *spec /* taken */, int want)
{
    return put_policy_as(k, "p", spec, want);
}

static json_t *put_binding(struct kit *k, json_t *spec /* taken */, int want)
{
    return put_binding_as(k, "b", spec, want);
}

static json_t *one_validation(const char *match, const char *expression)
{
    return json_pack("{s:o, s:[{s:s}]}", "matchConstraints", js("%s", match), "validations",
                     "expression", expression);
}

static void has_text(const json_t *status, const char *text)
{
    const char *message = json_str_or_empty(status, "message");
    ck_assert_msg(strstr(message, text) != NULL, "%s\n  lacks: %s", message, text);
}

/* ---- what may be written ---- */

static const struct {
    const char *spec, *says;
} bad_policies[] = {
    {"{}", "spec.matchConstraints: Required value"},
    {"{'matchConstraints':{}}", "spec.matchConstraints.resourceRules: Required value"},
    {"{'matchConstraints':" EVERYTHING "}",
     "spec.validations: Required value: validations or auditAnnotations must contain at least one "
     "item"},
    {"{'failurePolicy':'Maybe','matchConstraints':" EVERYTHING
     ",'validations':[{'expression':'true'}]}",
     "spec.failurePolicy: Unsupported value: \"Maybe\": supported values: \"Fail\", \"Ignore\""},
    {"{'matchConstraints':{'resourceRules':[{'apiGroups':['','*'],'apiVersions':['v1'],"
     "'operations':['DELETE'],'resources':['pods']}]},'validations':[{'expression':'true'}]}",
     "if '*' is present, must not specify other API groups"},
    {"{'matchConstraints':{'resourceRules':[{'apiGroups':[''],'apiVersions':['v1'],"
     "'operations':['GET'],'resources':['pods']}]},'validations':[{'expression':'true'}]}",
     "operations[0]: Unsupported value: \"GET\""},
    {"{'matchConstraints':{'resourceRules':[{'apiGroups':[''],'apiVersions':['v1'],"
     "'operations':['DELETE'],'resources':['*','pods']}]},'validations':[{'expression':'true'}]}",
     "if '*' is present, must not specify other resources without subresources"},
    {"{'matchConstraints':" EVERYTHING ",'validations':[{'expression':' '}]}",
     "spec.validations[0].expression: Required value: expression is not specified"},
    {"{'matchConstraints':" EVERYTHING ",'validations':[{'expression':'true','reason':'Because'}]}",
     "spec.validations[0].reason: Unsupported value: \"Because\""},
    {"{'matchConstraints':" EVERYTHING ",'validations':[{'expression':'true','message':'a\\nb'}]}",
     "spec.validations[0].message: Invalid value: \"a\\nb\": message must not contain line breaks"},
    {"{'matchConstraints':" EVERYTHING
     ",'variables':[{'name':'if','expression':'1'}],'validations':[{'expression':'true'}]}",
     "spec.variables[0].name: Invalid value: \"if\": name is not a valid CEL identifier"},
    {"{'matchConstraints':" EVERYTHING
     ",'matchConditions':[{'name':'a','expression':'true'},{'name':'a','expression':'true'}],"
     "'validations':[{'expression':'true'}]}",
     "spec.matchConditions[1].name: Duplicate value: \"a\""},
    {"{'matchConstraints':" EVERYTHING
     ",'auditAnnotations':[{'key':'a b','valueExpression':'null'}]}",
     "spec.auditAnnotations[0].key: Invalid value"},
};

START_TEST(refuses_policy)
{
    AUTO(kit) struct kit k = kit_create_by(kcm_add_cluster);
    AUTO(json) json_t *status = put_policy(&k, js("%s", bad_policies[_i].spec), 422);
    has_text(status, bad_policies[_i].says);
}
END_TEST

static const struct {
    const char *spec, *says;
} bad_bindings[] = {
    {"{}", "spec.policyName: Required value"},
    {"{'policyName':'p'}",
     "spec.validationActions: Required value: at least one validation action is required"},
    {"{'policyName':'p','validationActions':['Deny','Deny']}",
     "spec.validationActions[1]: Duplicate value: \"Deny\""},
    {"{'policyName':'p','validationActions':['Block']}",
     "spec.validationActions[0]: Unsupported value: \"Block\""},
    {"{'policyName':'p','validationActions':['Deny'],'paramRef':{}}",
     "spec.paramRef: Required value: one of name or selector must be specified"},
    {"{'policyName':'p','validationActions':['Deny'],'paramRef':{'name':'a','selector':{}}}",
     "spec.paramRef.name: Forbidden: name and selector are mutually exclusive"},
};

START_TEST(refuses_binding)
{
    AUTO(kit) struct kit k = kit_create_by(kcm_add_cluster);
    AUTO(json) json_t *status = put_binding(&k, js("%s", bad_bindings[_i].spec), 422);
    has_text(status, bad_bindings[_i].says);
}
END_TEST

static const struct {
    const char *expression, *says;
} bad_expressions[] = {
    {"object.data", "must evaluate to bool"},
    {"object.", "compilation failed: ERROR: <input>:1:"},
    {"nobody == 1", "undeclared reference to 'nobody' (in container '')"},
    {"params == null", "undeclared reference to 'params'"},
    {"variables.x", "undeclared reference to 'variables'"},
    {"request.object == null", "undefined field 'object'"},
    {"request.userInfo.email == ''", "undefined field 'email'"},
    {"namespaceObject.metadata.ownerReferences == []", "undefined field 'ownerReferences'"},
    {"request.name == 1", "found no matching overload for '_==_' applied to '(string, int)'"},
    {"authorizer.resource('pods').check('get').allowed()", "found no matching overload"},
    {"authorizer.group('').resource('pods').check('get')", "must evaluate to bool"},
    {"request.name.matches('(')", "invalid matches argument"},
};

START_TEST(refuses_expression)
{
    AUTO(kit) struct kit k = kit_create_by(kcm_add_cluster);
    AUTO(json)
    json_t *status =
        put_policy(&k, one_validation(EVERYTHING, bad_expressions[_i].expression), 422);
    has_text(status, bad_expressions[_i].says);
}
END_TEST

static json_t *held_map(void)
{
    return js("{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'a','namespace':'default',"
              "'finalizers':['example.com/hold']}}");
}

/* Each is made of a beginning, something that is repeated, and an end. */
static const struct {
    const char *begin, *part;
    size_t count;
    const char *end, *says;
} hostile[] = {
    {"true", " && true", 150000, "", "compilation failed"},
    {"", "(", 10000, "true", "compilation failed"},
    {"", "!", 10001, "true", "compilation failed"},
    {"", "[", 10000, "", "compilation failed"},
    {"object", ".a", 10000, " == 1", "compilation failed"},
    {"'", "x", 1 << 20, "' == ''", "compilation failed"},
    {"'a'.matches('", "(", 5000, "')", "compilation failed"},
};

START_TEST(refuses_hostile)
{
    AUTO(kit) struct kit k = kit_create_by(kcm_add_cluster);
    AUTO(strbuf) struct strbuf text = {0};
    strbuf_addstr(&text, hostile[_i].begin);
    for (size_t i = 0; i < hostile[_i].count; i++)
        strbuf_addstr(&text, hostile[_i].part);
    strbuf_addstr(&text, hostile[_i].end);
    AUTO(json)
    json_t *status = put_policy(&k, one_validation(EVERYTHING, strbuf_str(&text)), 422);
    has_text(status, hostile[_i].says);
}
END_TEST

/* These are taken, and stopped when they run: the write fails, and soon. */
static const char *const endless[] = {
    "[1,2,3,4,5,6,7,8,9].all(a, [1,2,3,4,5,6,7,8,9].all(b, [1,2,3,4,5,6,7,8,9].all(c, "
    "[1,2,3,4,5,6,7,8,9].all(d, [1,2,3,4,5,6,7,8,9].all(e, [1,2,3,4,5,6,7,8,9].all(f, "
    "[1,2,3,4,5,6,7,8,9].all(g, a + b + c + d + e + f + g > 0)))))))",
    "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20].map(i, 'xxxxxxxxxxxxxxxxxxxx')"
    ".map(s, s + s + s + s + s + s + s + s + s + s).map(s, s + s + s + s + s + s + s + s + s + s)"
    ".map(s, s + s + s + s + s + s + s + s + s + s).map(s, s + s + s + s + s + s + s + s + s + s)"
    ".map(s, s + s + s + s + s + s + s + s + s + s).exists(s, s.contains('y'))",
};

START_TEST(stops_endless)
{
    AUTO(kit) struct kit k = kit_create_by(kcm_add_cluster);
    json_decref(put_policy(&k, one_validation(EVERYTHING, endless[_i]), 201));
    json_decref(put_binding(&k, js("{'policyName':'p','validationActions':['Deny']}"), 201));
    AUTO(json)
    json_t *status = kit_do(&k, API_CREATE, "configmaps", "default", NULL, held_map(), 422);
    has_text(status, "denied request: expression '");
}
END_TEST

/* ---- what expressions see ---- */

/* All hold when a configmap is created, with a finalizer in its metadata. */
static const char *const truths[] = {
    "object.metadata.name == 'a' && oldObject == null",
    "object.metadata.finalizers == ['example.com/hold']",
    "request.operation == 'CREATE' && request.name == 'a' && request.namespace == 'default'",
    "request.kind.kind == 'ConfigMap' && request.kind.group == '' && request.kind.version == 'v1'",
    "request.resource.resource == 'configmaps' && request.requestResource == request.resource",
    "!has(request.subResource) && !request.dryRun",
    "request.options.kind == 'CreateOptions' && request.options.apiVersion == 'meta.k8s.io/v1'",
    "request.userInfo.username != '' && 'system:authenticated' in request.userInfo.groups",
    "namespaceObject.metadata.name == 'default' && namespaceObject.metadata.UID != ''",
    "namespaceObject.status.phase == 'Active'",
    "authorizer.group('').resource('pods').namespace('default').check('get').allowed()",
    "authorizer.path('/healthz').check('get').allowed()",
    "!authorizer.serviceAccount('default', 'nobody').group('').resource('secrets')"
    ".namespace('default').check('delete').errored()",
    "authorizer.requestResource.check('create').reason() == ''",
    "authorizer.group('').resource('pods').fieldSelector('spec.nodeName=n').labelSelector('a=b')"
    ".check('list').allowed()",
    "[1, 2].map(i, i * 2).exists(i, i == 4)",
};

START_TEST(sees)
{
    AUTO(kit) struct kit k = kit_create_by(kcm_add_cluster);
    json_decref(put_policy(&k, one_validation(EVERYTHING, truths[_i]), 201));
    json_decref(put_binding(&k, js("{'policyName':'p','validationActions':['Deny']}"), 201));
    json_decref(kit_make(&k, "configmaps", held_map()));
}
END_TEST

/* ---- what is matched ---- */

static const struct {
    const char *groups, *versions, *operations, *resources, *scope;
    bool matches; /* an update of the status of the pod `p` */
} rules[] = {
    {"['']", "['v1']", "['UPDATE']", "['pods/status']", "*", true},
    {"['']", "['v1']", "['UPDATE']", "['pods']", "*", false},
    {"['']", "['v1']", "['UPDATE']", "['*']", "*", false},
    {"['']", "['v1']", "['UPDATE']", "['*/*']", "*", true},
    {"['']", "['v1']", "['UPDATE']", "['pods/*']", "*", true},
    {"['']", "['v1']", "['UPDATE']", "['*/status']", "*", true},
    {"['']", "['v1']", "['UPDATE']", "['*/scale']", "*", false},
    {"['*']", "['*']", "['*']", "['pods/status']", "Namespaced", true},
    {"['*']", "['*']", "['*']", "['pods/status']", "Cluster", false},
    {"['apps']", "['*']", "['*']", "['pods/status']", "*", false},
    {"['']", "['v2']", "['*']", "['pods/status']", "*", false},
    {"['']", "['v1']", "['CREATE', 'DELETE']", "['pods/status']", "*", false},
};

START_TEST(matches)
{
    AUTO(kit) struct kit k = kit_create_by(kcm_add_cluster);
    AUTO(str)
    char *match = mem_printf("{'resourceRules':[{'apiGroups':%s,'apiVersions':%s,'operations':%s,"
                             "'resources':%s,'scope':'%s'}]}",
                             rules[_i].groups, rules[_i].versions, rules[_i].operations,
                             rules[_i].resources, rules[_i].scope);
    json_decref(kit_make(&k, "pods",
                         js("{'apiVersion':'v1','kind':'Pod','metadata':{'name':'p'},"
                            "'spec':{'containers':[{'name':'c','image':'example.com/c'}]}}")));
    json_decref(put_policy(&k, one_validation(match, "false"), 201));
    json_decref(put_binding(&k, js("{'policyName':'p','validationActions':['Deny']}"), 201));
    json_decref(kit_status(&k, API_PATCH, "pods", "default", "p", js("{'status':{'message':'x'}}"),
                           rules[_i].matches ? 422 : 200));
}
END_TEST

enum { VERSIONS = 20 };

/* widgets.example.com/v1 to v20, all served. */
static json_t *many_versions(void)
{
    json_t *crd = widget_crd("{'type':'object'}");
    json_t *versions = (json_t *)json_path(crd, "spec.versions");
    for (int i = 2; i <= VERSIONS; i++) {
        json_t *more = json_deep_copy(json_array_get(versions, 0));
        AUTO(str) char *name = mem_printf("v%d", i);
        json_object_set_new(more, "name", json_string(name));
        json_object_set_new(more, "storage", json_false());
        json_array_append_new(versions, more);
    }
    return crd;
}

/* Each policy sees the request as the version that it lists, however many there are. */
START_TEST(sees_each_version)
{
    AUTO(kit) struct kit k = kit_create_by(kcm_add_cluster);
    kit_add_crd(&k, many_versions());
    for (int i = 1; i <= VERSIONS; i++) {
        AUTO(str) char *name = mem_printf("p%d", i);
        AUTO(str)
        char *match =
            mem_printf("{'resourceRules':[{'apiGroups':['example.com'],'apiVersions':['v%d'],"
                       "'operations':['CREATE'],'resources':['widgets']}]}",
                       i);
        AUTO(str)
        char *expression = mem_printf("object.apiVersion == 'example.com/v%d' && "
                                      "request.resource.version == 'v%d' && "
                                      "request.requestResource.version == 'v1'",
                                      i, i);
        json_decref(put_policy_as(&k, name, one_validation(match, expression), 201));
        json_decref(put_binding_as(
            &k, name, js("{'policyName':'%s','validationActions':['Deny']}", name), 201));
    }
    json_decref(kit_make(&k, "widgets",
                         js("{'apiVersion':'example.com/v1','kind':'Widget',"
                            "'metadata':{'name':'w'},'spec':{}}")));
}
END_TEST

/* ---- audit annotations ---- */

START_TEST(annotates)
{
    AUTO(kit) struct kit k = kit_create_by(kcm_add_cluster);
    json_decref(put_policy(&k,
                           js("{'matchConstraints':" EVERYTHING ",'auditAnnotations':["
                              "{'key':'who','valueExpression':'request.userInfo.username'},"
                              "{'key':'none','valueExpression':'null'},"
                              "{'key':'blank','valueExpression':'\\\" \\\"'}]}"),
                           201));
    json_decref(put_binding(&k, js("{'policyName':'p','validationActions':['Deny']}"), 201));
    json_decref(kit_make(&k, "configmaps", held_map()));
    const json_t *event = json_array_get(admission_audited(k.cluster), 0);
    const json_t *annotations = json_object_get(event, "annotations");
    ck_assert_uint_eq(json_object_size(annotations), 1);
    ck_assert(json_object_get(annotations, "p/who") != NULL);
    ck_assert_str_eq(json_str_or_empty(event, "verb"), "create");
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN(
        "sim.admission.policy",
        SUITE_CASE("policy", EACH(refuses_policy, bad_policies),
                   EACH(refuses_binding, bad_bindings), EACH(refuses_expression, bad_expressions),
                   EACH(refuses_hostile, hostile), EACH(stops_endless, endless), EACH(sees, truths),
                   EACH(matches, rules), TEST(sees_each_version), TEST(annotates)));
}
