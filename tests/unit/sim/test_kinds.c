/* Every kind that is built in: what it takes, what it fills in, what it refuses. */
#include "tests/unit/sim/kit.h"
#include "tests/unit/suite.h"

#define TEMPLATE                                                                                   \
    "'template':{'metadata':{'labels':{'a':'b'}},'spec':{'containers':[{'name':'c','image':'i'}]}" \
    "}"
#define CHOSEN "'selector':{'matchLabels':{'a':'b'}}"
#define ONCE                                                                                       \
    "'template':{'spec':{'restartPolicy':'Never','containers':[{'name':'c','image':'i:1'}]}}"

static const struct kind_case {
    const char *name, *group, *version, *plural;
    bool namespaced;
    const char *rest; /* of the body, behind metadata */
    int code;
    const char *path, *want; /* in the answer, as JSON text; NULL: not looked at */
} kinds[] = {
    {"deployment", "apps", "v1", "deployments", true, "'spec':{" CHOSEN "," TEMPLATE "}", 201,
     "spec.strategy",
     "{'type':'RollingUpdate','rollingUpdate':{'maxUnavailable':'25%','maxSurge':"
     "'25%'}}"},
    {"deployment's template", "apps", "v1", "deployments", true, "'spec':{" CHOSEN "," TEMPLATE "}",
     201, "spec.template.spec.containers",
     "[{'name':'c','image':'i','resources':{},'terminationMessagePath':'/dev/termination-log',"
     "'terminationMessagePolicy':'File','imagePullPolicy':'Always'}]"},
    {"deployment without selector", "apps", "v1", "deployments", true, "'spec':{" TEMPLATE "}", 422,
     "message", "'Deployment.apps \\'x\\' is invalid: spec.selector: Required value'"},
    {"deployment of others", "apps", "v1", "deployments", true,
     "'spec':{'selector':{'matchLabels':{'z':'b'}}," TEMPLATE "}", 422, "details.causes",
     "[{'reason':'FieldValueInvalid','message':'Invalid value: {\\'a\\':\\'b\\'}: `selector` does "
     "not match template `labels`','field':'spec.template.metadata.labels'}]"},
    {"deployment of all", "apps", "v1", "deployments", true, "'spec':{'selector':{}," TEMPLATE "}",
     422, NULL, NULL},
    {"deployment below zero", "apps", "v1", "deployments", true,
     "'spec':{'replicas':-1," CHOSEN "," TEMPLATE "}", 422, NULL, NULL},
    {"replica set", "apps", "v1", "replicasets", true, "'spec':{" CHOSEN "," TEMPLATE "}", 201,
     "spec.replicas", "1"},
    {"stateful set", "apps", "v1", "statefulsets", true,
     "'spec':{'serviceName':'s'," CHOSEN "," TEMPLATE ",'volumeClaimTemplates':[{'metadata':{"
     "'name':'d'},'spec':{}}]}",
     201, "spec.updateStrategy", "{'type':'RollingUpdate','rollingUpdate':{'partition':0}}"},
    {"daemon set", "apps", "v1", "daemonsets", true, "'spec':{" CHOSEN "," TEMPLATE "}", 201,
     "spec.updateStrategy.rollingUpdate", "{'maxUnavailable':1,'maxSurge':0}"},
    {"job", "batch", "v1", "jobs", true, "'spec':{" ONCE "}", 201, "spec.backoffLimit", "6"},
    {"job that restarts for ever", "batch", "v1", "jobs", true, "'spec':{" TEMPLATE "}", 422,
     "message",
     "'Job.batch \\'x\\' is invalid: spec.template.spec.restartPolicy: Unsupported value: "
     "\\'Always\\': supported values: \\'OnFailure\\', \\'Never\\''"},
    {"cron job", "batch", "v1", "cronjobs", true,
     "'spec':{'schedule':'* * * * *','jobTemplate':{'spec':{" ONCE "}}}", 201,
     "spec.concurrencyPolicy", "'Allow'"},
    {"cron job without a schedule", "batch", "v1", "cronjobs", true,
     "'spec':{'jobTemplate':{'spec':{" ONCE "}}}", 422, NULL, NULL},
    {"service", "", "v1", "services", true, "'spec':{'ports':[{'port':80}]}", 201, "spec",
     "{'ports':[{'port':80,'protocol':'TCP','targetPort':80}],'type':'ClusterIP',"
     "'sessionAffinity':'None','internalTrafficPolicy':'Cluster','clusterIP':'10.96.0.1',"
     "'clusterIPs':['10.96.0.1'],'ipFamilies':['IPv4'],'ipFamilyPolicy':'SingleStack'}"},
    {"headless service", "", "v1", "services", true, "'spec':{'clusterIP':'None'}", 201,
     "spec.clusterIPs", "['None']"},
    {"node port", "", "v1", "services", true, "'spec':{'type':'NodePort','ports':[{'port':80}]}",
     201, "spec.ports", "[{'port':80,'protocol':'TCP','targetPort':80,'nodePort':30000}]"},
    {"external name", "", "v1", "services", true,
     "'spec':{'type':'ExternalName','externalName':'a.b'}", 201, "spec.clusterIP", NULL},
    {"service without ports", "", "v1", "services", true, "'spec':{}", 422, "message",
     "'Service \\'x\\' is invalid: spec.ports: Required value'"},
    {"port too high", "", "v1", "services", true, "'spec':{'ports':[{'port':70000}]}", 422, NULL,
     NULL},
    {"ports without names", "", "v1", "services", true, "'spec':{'ports':[{'port':1},{'port':2}]}",
     422, NULL, NULL},
    {"endpoints", "", "v1", "endpoints", true,
     "'subsets':[{'addresses':[{'ip':'1.2.3.4'}],'ports':[{'port':1}]}]", 201, "subsets",
     "[{'addresses':[{'ip':'1.2.3.4'}],'ports':[{'port':1,'protocol':'TCP'}]}]"},
    {"endpoint slice", "discovery.k8s.io", "v1", "endpointslices", true,
     "'addressType':'IPv4','endpoints':[],'ports':[{'port':1}]", 201, "ports",
     "[{'port':1,'protocol':'TCP','name':''}]"},
    {"endpoint slice of no type", "discovery.k8s.io", "v1", "endpointslices", true,
     "'endpoints':[]", 422, NULL, NULL},
    {"account", "", "v1", "serviceaccounts", true, "'secrets':[]", 201, "metadata.generation",
     NULL},
    {"node", "", "v1", "nodes", false, "'spec':{}", 201, NULL, NULL},
    {"event", "", "v1", "events", true, "'involvedObject':{'namespace':'default'}", 201, NULL,
     NULL},
    {"event of elsewhere", "", "v1", "events", true, "'involvedObject':{'namespace':'other'}", 422,
     NULL, NULL},
    {"quota", "", "v1", "resourcequotas", true, "'spec':{'hard':{'pods':'1'}}", 201,
     "spec.hard.pods", "'1'"},
    {"limits", "", "v1", "limitranges", true, "'spec':{'limits':[]}", 201, NULL, NULL},
    {"pod template", "", "v1", "podtemplates", true, TEMPLATE, 201, "template.spec.restartPolicy",
     "'Always'"},
    {"replication controller", "", "v1", "replicationcontrollers", true, "'spec':{" TEMPLATE "}",
     201, "spec.selector", "{'a':'b'}"},
    {"ingress", "networking.k8s.io", "v1", "ingresses", true,
     "'spec':{'defaultBackend':{'service':{'name':'s','port':{'number':1}}}}", 201,
     "metadata.generation", "1"},
    {"ingress of nothing", "networking.k8s.io", "v1", "ingresses", true, "'spec':{}", 422, NULL,
     NULL},
    {"ingress without path type", "networking.k8s.io", "v1", "ingresses", true,
     "'spec':{'rules':[{'http':{'paths':[{'path':'/'}]}}]}", 422, NULL, NULL},
    {"ingress class", "networking.k8s.io", "v1", "ingressclasses", false,
     "'spec':{'controller':'a.b/c'}", 201, NULL, NULL},
    {"network policy", "networking.k8s.io", "v1", "networkpolicies", true,
     "'spec':{'podSelector':{},'egress':[{'ports':[{'port':1}]}]}", 201, "spec.policyTypes",
     "['Ingress','Egress']"},
    {"budget", "policy", "v1", "poddisruptionbudgets", true, "'spec':{'minAvailable':1}", 201,
     "metadata.generation", "1"},
    {"budget of two minds", "policy", "v1", "poddisruptionbudgets", true,
     "'spec':{'minAvailable':1,'maxUnavailable':1}", 422, NULL, NULL},
    {"role", "rbac.authorization.k8s.io", "v1", "roles", true, "'rules':[]", 201, NULL, NULL},
    {"cluster role", "rbac.authorization.k8s.io", "v1", "clusterroles", false, "'rules':[]", 201,
     NULL, NULL},
    {"role binding", "rbac.authorization.k8s.io", "v1", "rolebindings", true,
     "'roleRef':{'kind':'Role','name':'r'},'subjects':[{'kind':'User','name':'u'}]", 201,
     "subjects", "[{'kind':'User','name':'u','apiGroup':'rbac.authorization.k8s.io'}]"},
    {"account of nowhere", "rbac.authorization.k8s.io", "v1", "clusterrolebindings", false,
     "'roleRef':{'kind':'ClusterRole','name':'r'},'subjects':[{'kind':'ServiceAccount','name':"
     "'u'}]",
     422, NULL, NULL},
    {"storage class", "storage.k8s.io", "v1", "storageclasses", false, "'provisioner':'p'", 201,
     "volumeBindingMode", "'Immediate'"},
    {"attachment", "storage.k8s.io", "v1", "volumeattachments", false,
     "'spec':{'attacher':'a','nodeName':'n','source':{'persistentVolumeName':'v'}}", 201, NULL,
     NULL},
    {"attachment to nothing", "storage.k8s.io", "v1", "volumeattachments", false,
     "'spec':{'attacher':'a','source':{}}", 422, NULL, NULL},
    {"CSI driver", "storage.k8s.io", "v1", "csidrivers", false, "'spec':{}", 201,
     "spec.volumeLifecycleModes", "['Persistent']"},
    {"CSI node", "storage.k8s.io", "v1", "csinodes", false, "'spec':{'drivers':[]}", 201, NULL,
     NULL},
    {"priority", "scheduling.k8s.io", "v1", "priorityclasses", false, "'value':1", 201,
     "preemptionPolicy", "'PreemptLowerPriority'"},
    {"lease", "coordination.k8s.io", "v1", "leases", true, "'spec':{'holderIdentity':'me'}", 201,
     "metadata.generation", NULL},
    {"autoscaler", "autoscaling", "v2", "horizontalpodautoscalers", true,
     "'spec':{'maxReplicas':3,'scaleTargetRef':{'kind':'Deployment','name':'d'}}", 201,
     "spec.minReplicas", "1"},
    {"autoscaler upside down", "autoscaling", "v2", "horizontalpodautoscalers", true,
     "'spec':{'minReplicas':4,'maxReplicas':3,'scaleTargetRef':{'kind':'Deployment','name':'d'}}",
     422, NULL, NULL},
    {"runtime class", "node.k8s.io", "v1", "runtimeclasses", false, "'handler':'h'", 201, NULL,
     NULL},
    {"mutating webhook", "admissionregistration.k8s.io", "v1", "mutatingwebhookconfigurations",
     false,
     "'webhooks':[{'name':'a.b.c','admissionReviewVersions':['v1'],'sideEffects':'None',"
     "'clientConfig':{'service':{'name':'s','namespace':'n'}},'rules':[{'apiGroups':['']}]}]",
     201, "webhooks",
     "[{'name':'a.b.c','admissionReviewVersions':['v1'],'sideEffects':'None','clientConfig':{"
     "'service':{'name':'s','namespace':'n','port':443}},'rules':[{'apiGroups':[''],'scope':'*'}],"
     "'failurePolicy':'Fail','matchPolicy':'Equivalent','timeoutSeconds':10,'namespaceSelector':{},"
     "'objectSelector':{},'reinvocationPolicy':'Never'}]"},
    {"validating webhook", "admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations",
     false, "'webhooks':[{'name':'a.b.c'}]", 422, NULL, NULL},
    {"admission policy", "admissionregistration.k8s.io", "v1", "validatingadmissionpolicies", false,
     "'spec':{}", 201, "spec.failurePolicy", "'Fail'"},
    {"admission policy binding", "admissionregistration.k8s.io", "v1",
     "validatingadmissionpolicybindings", false, "'spec':{'policyName':'p'}", 201, NULL, NULL},
    {"API service by another name", "apiregistration.k8s.io", "v1", "apiservices", false,
     "'spec':{'group':'g.io','version':'v1'}", 422, NULL, NULL},
};

/* In texts that hold quotes, \' stands for them. */
static json_t *wanted(const char *text)
{
    AUTO(strbuf) struct strbuf out = {0};
    for (const char *p = text; *p; p++) {
        if (p[0] == '\\' && p[1] == '\'') {
            strbuf_addstr(&out, "\\\"");
            p++;
        } else {
            strbuf_addch(&out, *p == '\'' ? '"' : *p);
        }
    }
    json_t *v = json_loads(strbuf_str(&out), JSON_DECODE_ANY, NULL);
    ck_assert_msg(v != NULL, "%s", strbuf_str(&out));
    return v;
}

static json_t *kind_do(struct kit *k, const struct kind_case *c, enum api_verb verb,
                       const char *name, json_t *body /* taken */, int want)
{
    AUTO(json) json_t *held = body;
    struct api_request req = {.verb = verb,
                              .resource = {c->group, c->version, c->plural},
                              .ns = c->namespaced ? "default" : NULL,
                              .name = name,
                              .body = held,
                              .patch = verb == API_PATCH ? PATCH_MERGE : PATCH_NONE,
                              .field_validation = VALIDATION_STRICT};
    return kit_send(k, &req, want);
}

START_TEST(kind)
{
    const struct kind_case *c = &kinds[_i];
    AUTO(kit) struct kit k = kit_create();
    AUTO(json)
    json_t *have =
        kind_do(&k, c, API_CREATE, NULL, js("{'metadata':{'name':'x'},%s}", c->rest), c->code);
    if (c->path) {
        AUTO(json) json_t *want = c->want ? wanted(c->want) : NULL;
        const json_t *at = json_path(have, c->path);
        AUTO(str) char *text = at ? json_text(at) : mem_strdup("nothing");
        ck_assert_msg(want ? at && json_same(at, want) : !at, "%s: %s is %s", c->name, c->path,
                      text);
    }
    if (c->code != 201)
        return;
    /* What was answered can be sent back, and changes nothing. */
    AUTO(json) json_t *again = kind_do(&k, c, API_UPDATE, "x", json_incref(have), 200);
    ck_assert_msg(json_same(again, have), "%s: sent back, it became another", c->name);
    json_decref(kind_do(&k, c, API_DELETE, "x", NULL, 200));
}
END_TEST

static const struct fixed {
    const char *name, *group, *version, *plural;
    bool namespaced;
    const char *rest, *patch, *message;
} fixed[] = {
    {"selector of a deployment", "apps", "v1", "deployments", true,
     "'spec':{" CHOSEN "," TEMPLATE "}",
     "{'spec':{'selector':{'matchLabels':{'c':'d'}},'template':{'metadata':{'labels':{'c':'d'}}}}}",
     "field is immutable"},
    {"a stateful set's service", "apps", "v1", "statefulsets", true,
     "'spec':{'serviceName':'s'," CHOSEN "," TEMPLATE "}", "{'spec':{'serviceName':'t'}}",
     "updates to statefulset spec"},
    {"template of a job", "batch", "v1", "jobs", true, "'spec':{" ONCE "}",
     "{'spec':{'template':{'spec':{'nodeName':'n'}}}}", "field is immutable"},
    {"address of a service", "", "v1", "services", true, "'spec':{'ports':[{'port':80}]}",
     "{'spec':{'clusterIP':'10.96.0.9'}}", "may not change once set"},
    {"role of a binding", "rbac.authorization.k8s.io", "v1", "rolebindings", true,
     "'roleRef':{'kind':'Role','name':'r'}", "{'roleRef':{'name':'s'}}", "cannot change roleRef"},
    {"value of a priority", "scheduling.k8s.io", "v1", "priorityclasses", false, "'value':1",
     "{'value':2}", "may not be changed in an update."},
    {"handler of a runtime", "node.k8s.io", "v1", "runtimeclasses", false, "'handler':'h'",
     "{'handler':'i'}", "field is immutable"},
    {"attachment", "storage.k8s.io", "v1", "volumeattachments", false,
     "'spec':{'attacher':'a','nodeName':'n','source':{}}", "{'spec':{'nodeName':'m'}}",
     "field is immutable"},
};

START_TEST(what_stays)
{
    const struct fixed *f = &fixed[_i];
    const struct kind_case c = {f->name, f->group, f->version,       f->plural, f->namespaced,
                                f->rest, 201,      /* path= */ NULL, NULL};
    AUTO(kit) struct kit k = kit_create();
    json_decref(
        kind_do(&k, &c, API_CREATE, NULL, js("{'metadata':{'name':'x'},%s}", f->rest), 201));
    AUTO(json) json_t *no = kind_do(&k, &c, API_PATCH, "x", js("%s", f->patch), 422);
    ck_assert_msg(strstr(json_str_or_empty(no, "message"), f->message), "%s: %s", f->name,
                  json_str_or_empty(no, "message"));
}
END_TEST

START_TEST(addresses_differ)
{
    AUTO(kit) struct kit k = kit_create();
    const struct kind_case c = {"", "", "v1", "services", true, "", 201, NULL, NULL};
    static const char *const want[] = {"10.96.0.1", "10.96.0.3", "10.96.0.4"};
    json_decref(kind_do(&k, &c, API_CREATE, NULL,
                        js("{'metadata':{'name':'chosen'},'spec':{'clusterIP':'10.96.0.2','ports':"
                           "[{'port':1}]}}"),
                        201));
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        AUTO(json)
        json_t *s =
            kind_do(&k, &c, API_CREATE, NULL,
                    js("{'metadata':{'name':'s%zu'},'spec':{'ports':[{'port':1}]}}", i), 201);
        want_text(s, "spec.clusterIP", want[i]);
    }
    /* A client that leaves the address out keeps it. */
    AUTO(json)
    json_t *kept = kind_do(&k, &c, API_UPDATE, "s0",
                           js("{'metadata':{'name':'s0'},'spec':{'ports':[{'port':2}]}}"), 200);
    want_text(kept, "spec.clusterIP", want[0]);
}
END_TEST

static const struct kind_case service = {"", "", "v1", "services", true, "", 201, NULL, NULL};

#define ONE_PORT "'ports':[{'port':1}]"
#define NODE_PORT_1 "'type':'NodePort','ports':[{'port':1,'nodePort':30001}]"

static json_t *make_service(struct kit *k, const char *name, const char *spec, int code)
{
    return kind_do(k, &service, API_CREATE, NULL,
                   js("{'metadata':{'name':'%s'},'spec':{%s}}", name, spec), code);
}

/* What is not stored uses nothing up. */
START_TEST(given_once_stored)
{
    AUTO(kit) struct kit k = kit_create();
    static const char spec[] = "'type':'NodePort'," ONE_PORT;
    AUTO(json) json_t *body = js("{'metadata':{'name':'a'},'spec':{%s}}", spec);
    struct api_request dry = kit_req(API_CREATE, "services", "default", NULL, body);
    dry.resource = (struct api_resource){"", "v1", "services"};
    dry.dry_run = true;
    AUTO(json) json_t *shown = kit_send(&k, &dry, 201);
    want_text(shown, "spec.clusterIP", "10.96.0.1");
    json_decref(make_service(&k, "a", "'type':'NodePort','ports':[{'port':0}]", 422));
    AUTO(json) json_t *a = make_service(&k, "a", spec, 201);
    json_decref(make_service(&k, "a", spec, 409));
    AUTO(json) json_t *b = make_service(&k, "b", spec, 201);
    want_text(a, "spec.clusterIP", "10.96.0.1");
    want_text(b, "spec.clusterIP", "10.96.0.2");
    ck_assert_int_eq(json_int(json_array_get(json_path(a, "spec.ports"), 0), "nodePort", 0), 30000);
    ck_assert_int_eq(json_int(json_array_get(json_path(b, "spec.ports"), 0), "nodePort", 0), 30001);
}
END_TEST

/* Beside a service that chose 10.96.0.5 and node port 30001. */
static const struct chosen {
    const char *spec;
    const char *message; /* NULL: it is fine */
} chosen[] = {
    {"'clusterIP':'10.96.0.5'," ONE_PORT, "spec.clusterIPs: Invalid value: [\"10.96.0.5\"]: failed "
                                          "to allocate IP 10.96.0.5: provided IP "
                                          "is already allocated"},
    {"'clusterIP':'10.0.0.1'," ONE_PORT,
     "failed to allocate IP 10.0.0.1: the provided IP (10.0.0.1) is not in the valid range. The "
     "range of valid IPs is 10.96.0.0/12"},
    {"'clusterIP':'10.96.0'," ONE_PORT,
     "spec.clusterIPs[0]: Invalid value: [\"10.96.0\"]: must be a valid IP address, (e.g. 10.9.8.7 "
     "or 2001:db8::ffff)"},
    {"'clusterIP':'10.111.255.254'," ONE_PORT, NULL},
    {NODE_PORT_1,
     "spec.ports[0].nodePort: Invalid value: 30001: provided port is already allocated"},
    {"'type':'LoadBalancer','ports':[{'name':'a','port':1},{'name':'b','port':2,'nodePort':30001}]",
     "spec.ports[1].nodePort: Invalid value: 30001: provided port is already allocated"},
    {"'type':'NodePort','ports':[{'port':1,'nodePort':80}]",
     "spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The "
     "range "
     "of valid ports is 30000-32767"},
    {"'type':'NodePort','ports':[{'name':'a','port':1,'nodePort':32767},{'name':'b','port':1,"
     "'protocol':'UDP','nodePort':32767}]",
     NULL},
};

START_TEST(chosen_ones_are_checked)
{
    const struct chosen *c = &chosen[_i];
    AUTO(kit) struct kit k = kit_create();
    json_decref(make_service(&k, "first", "'clusterIP':'10.96.0.5'," NODE_PORT_1, 201));
    AUTO(json) json_t *answer = make_service(&k, "x", c->spec, c->message ? 422 : 201);
    const char *said = json_str_or_empty(answer, "message");
    ck_assert_msg(!c->message || strstr(said, c->message), "%s: %s", c->spec, said);
    /* It holds its own. */
    json_decref(kind_do(&k, &service, API_PATCH, "first",
                        js("{'spec':{'ports':[{'port':7,'nodePort':30001}]}}"), 200));
}
END_TEST

/* The server gives what no client chose: neither another service nor this one. */
START_TEST(given_beside_chosen)
{
    AUTO(kit) struct kit k = kit_create();
    json_decref(
        make_service(&k, "first", "'type':'NodePort','ports':[{'port':1,'nodePort':30000}]", 201));
    AUTO(json)
    json_t *made = make_service(&k, "x",
                                "'type':'NodePort','ports':[{'name':'a','port':1},{'name':'b',"
                                "'port':2,'nodePort':30001}]",
                                201);
    ck_assert_int_eq(json_int(json_array_get(json_path(made, "spec.ports"), 0), "nodePort", 0),
                     30002);
}
END_TEST

START_TEST(node_ports_run_out)
{
    AUTO(kit) struct kit k = kit_create();
    AUTO(json) json_t *ports = json_array();
    for (int i = 1; i <= 2768; i++)
        json_array_append_new(ports,
                              json_pack("{s:o, s:i}", "name", json_sprintf("p%d", i), "port", i));
    json_decref(kind_do(&k, &service, API_CREATE, NULL,
                        json_pack("{s:{s:s}, s:{s:s, s:O}}", "metadata", "name", "all", "spec",
                                  "type", "NodePort", "ports", ports),
                        201));
    AUTO(json) json_t *no = make_service(&k, "x", "'type':'NodePort'," ONE_PORT, 422);
    ck_assert(strstr(json_str_or_empty(no, "message"),
                     "failed to allocate a nodePort: range is full") != NULL);
    json_decref(kind_do(&k, &service, API_DELETE, "all", NULL, 200));
    json_decref(make_service(&k, "x", "'type':'NodePort'," ONE_PORT, 201));
}
END_TEST

START_TEST(generations)
{
    AUTO(kit) struct kit k = kit_create();
    const struct kind_case c = {"", "apps", "v1", "deployments", true, "", 201, NULL, NULL};
    static const struct {
        const char *patch;
        int generation;
    } steps[] = {{"{'metadata':{'labels':{'l':'1'}}}", 1},
                 {"{'spec':{'replicas':2}}", 2},
                 {"{'metadata':{'annotations':{'n':'1'}}}", 3},
                 {"{'spec':{'replicas':2}}", 3}};
    json_decref(kind_do(&k, &c, API_CREATE, NULL,
                        js("{'metadata':{'name':'x'},'spec':{" CHOSEN "," TEMPLATE "}}"), 201));
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        AUTO(json) json_t *d = kind_do(&k, &c, API_PATCH, "x", js("%s", steps[i].patch), 200);
        ck_assert_int_eq(meta_generation(d), steps[i].generation);
    }
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN("sim.kinds",
                      SUITE_LONG_CASE("kinds", 60, EACH(kind, kinds), EACH(what_stays, fixed),
                                      TEST(addresses_differ), TEST(given_once_stored),
                                      EACH(chosen_ones_are_checked, chosen),
                                      TEST(given_beside_chosen), TEST(node_ports_run_out),
                                      TEST(generations)));
}
