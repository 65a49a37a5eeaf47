/* L. What a server of release 1.32 answered to requests that the checklist does not have. */
#include "tests/api/harness.h"

#define DEPLOYMENTS "/apis/apps/v1/namespaces/default/deployments"
#define POD_SPEC "{'containers':[{'name':'c','image':'i'}]}"
#define DEPLOYMENT(name)                                                                           \
    "{'metadata':{'name':'" name "'},'spec':{'selector':{'matchLabels':{'a':'b'}},"                \
    "'template':{'metadata':{'labels':{'a':'b'}},'spec':" POD_SPEC "}}}"

/* Clients in Python and JavaScript read status.readyReplicas of what was just made. */
static void l01(void)
{
    const struct answer *a = post(DEPLOYMENTS, DEPLOYMENT("d"));

    want_code(a, 201);
    want_json(a, "status", "{}");
    want_json(get(DEPLOYMENTS), "items.0.status", "{}");
    a = post("/apis/apps/v1/namespaces/default/replicasets", DEPLOYMENT("r"));
    want_json(a, "status", "{'replicas':0}");
    a = post("/apis/policy/v1/namespaces/default/poddisruptionbudgets",
             "{'metadata':{'name':'b'},'spec':{'minAvailable':1,'selector':{}}}");
    want_code(a, 201);
    want_num(a, "status.disruptionsAllowed", 0);
    a = post(DEFAULT_NS "events", "{'metadata':{'name':'e'},'involvedObject':{'namespace':"
                                  "'default'}}");
    want_json(a, "source", "{}");
    want_json(a, "eventTime", "null");
    want_str(a, "reportingComponent", "");
    a = ask("GET", DEPLOYMENTS "/d", "Accept: application/yaml", NULL);
    want_part(a, "\nstatus: {}");
}

static const char *path_of(const struct answer *a, const char *name, const char *member)
{
    size_t i = 0;

    while (i < count(a, "resources") && strcmp(str(a, text("resources.%zu.name", i)), name) != 0)
        i++;
    want(i < count(a, "resources"), "no %s", name);
    return text("resources.%zu.%s", i, member);
}

/* kubectl drain evicts when it finds this, and deletes when it does not. */
static void l02(void)
{
    const struct answer *a = get("/api/v1");

    want_str(a, path_of(a, "pods/eviction", "kind"), "Eviction");
    want_str(a, path_of(a, "pods/eviction", "group"), "policy");
    want_str(a, path_of(a, "pods/eviction", "version"), "v1");
    want_json(a, path_of(a, "pods/eviction", "verbs"), "['create']");
    want_str(a, path_of(a, "pods/log", "kind"), "Pod");
    want_str(a, path_of(a, "pods/exec", "kind"), "PodExecOptions");
    want_str(a, path_of(a, "serviceaccounts/token", "group"), "authentication.k8s.io");
}

/* Kubernetes' own finalizers have plain names; a built-in kind refuses those of others. */
static void l03(void)
{
    const struct answer *a =
        post(CMS, "{'metadata':{'name':'a','finalizers':['kubernetes','x.io/y','hold']}}");

    want_status(a, 422, "Invalid", NULL);
    want_cause(a, "FieldValueInvalid", "metadata.finalizers[2]",
               "Invalid value: 'hold': name is neither a standard finalizer name nor is it fully "
               "qualified");
    want_code(post(CMS, "{'metadata':{'name':'a','finalizers':['orphan','x.io/y']}}"), 201);
    want_status(merge_patch(CMS "/a", "{'metadata':{'finalizers':['hold']}}"), 422, "Invalid",
                NULL);
    define_widgets();
    want_code(post(WIDGETS, "{'apiVersion':'example.com/v1','kind':'Widget','metadata':{'name':'a',"
                            "'finalizers':['hold']}}"),
              201);
}

static void l04(void)
{
    const struct answer *a =
        post(CMS, "{'metadata':{'name':'a'},'data':{'a b':'x','..a':'y','k':'z'},"
                  "'binaryData':{'k':'YQ=='}}");

    want_status(a, 422, "Invalid", NULL);
    want_cause(a, "FieldValueInvalid", "data[a b]", NULL);
    want(
        strstr(str(a, "message"), ": a valid config key must consist of alphanumeric characters, "),
        "%s", str(a, "message"));
    want_cause(a, "FieldValueInvalid", "data[..a]", NULL);
    want_cause(a, "FieldValueInvalid", "data[k]",
               "Invalid value: 'k': duplicate of key present in binaryData");
    AUTO(str) char *long_text = mem_zalloc((1 << 20) + 2);
    memset(long_text, 'x', (1 << 20) + 1);
    a = post(CMS, "{'metadata':{'name':'a'},'data':{'k':'%s'}}", long_text);
    want_status(a, 422, "Invalid",
                "ConfigMap 'a' is invalid: []: Too long: may not be more than 1048576 bytes");
    long_text[1 << 20] = '\0';
    want_code(post(CMS, "{'metadata':{'name':'a'},'data':{'k':'%s'}}", long_text), 201);
}

/* Secrets of a type hold what that type is for. */
static void l05(void)
{
    const struct answer *a = post(DEFAULT_NS "secrets", "{'metadata':{'name':'a'},'type':"
                                                        "'kubernetes.io/tls','data':{'tls.crt':"
                                                        "'YQ=='}}");

    want_status(a, 422, "Invalid", "Secret 'a' is invalid: data[tls.key]: Required value");
    a = post(DEFAULT_NS "secrets", "{'metadata':{'name':'a'},'type':'kubernetes.io/basic-auth'}");
    want_status(a, 422, "Invalid",
                "Secret 'a' is invalid: [data[username]: Required value, data[password]: Required "
                "value]");
    want_code(post(DEFAULT_NS "secrets", "{'metadata':{'name':'a'},'type':'kubernetes.io/tls',"
                                         "'stringData':{'tls.crt':'a','tls.key':'b'}}"),
              201);
}

#define ROLES "/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles"
#define CLUSTER_ROLES "/apis/rbac.authorization.k8s.io/v1/clusterroles"
#define BINDINGS "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings"

static void l06(void)
{
    const struct answer *a =
        post(CLUSTER_ROLES, "{'metadata':{'name':'a'},'rules':[{},{'verbs':['get'],"
                            "'nonResourceURLs':['/x'],'apiGroups':['']}]}");

    want_status(a, 422, "Invalid", NULL);
    want_cause(a, "FieldValueRequired", "rules[0].verbs",
               "Required value: verbs must contain at least one value");
    want_cause(a, "FieldValueRequired", "rules[0].apiGroups",
               "Required value: resource rules must supply at least one api group");
    want_cause(a, "FieldValueRequired", "rules[0].resources",
               "Required value: resource rules must supply at least one resource");
    want_cause(a, "FieldValueInvalid", "rules[1].nonResourceURLs", NULL);
    a = post(ROLES, "{'metadata':{'name':'a'},'rules':[{'verbs':['get'],'nonResourceURLs':"
                    "['/x']}]}");
    want_part(a, "namespaced rules cannot apply to non-resource URLs");
    a = post(BINDINGS, "{'metadata':{'name':'a'},'roleRef':{'kind':'Foo','name':'r','apiGroup':"
                       "'x'},'subjects':[{'kind':'Foo','name':'bob'},{'kind':'User','name':''}]}");
    want_cause(a, "FieldValueNotSupported", "roleRef.apiGroup",
               "Unsupported value: 'x': supported values: 'rbac.authorization.k8s.io'");
    want_cause(a, "FieldValueNotSupported", "roleRef.kind",
               "Unsupported value: 'Foo': supported values: 'Role', 'ClusterRole'");
    want_cause(a, "FieldValueNotSupported", "subjects[0].kind",
               "Unsupported value: 'Foo': supported values: 'ServiceAccount', 'User', 'Group'");
    want_cause(a, "FieldValueRequired", "subjects[1].name", "Required value");
}

static void l07(void)
{
    const struct answer *a = post("/apis/coordination.k8s.io/v1/namespaces/default/leases",
                                  "{'metadata':{'name':'l'},'spec':{'leaseDurationSeconds':0,"
                                  "'leaseTransitions':-1}}");

    want_status(a, 422, "Invalid",
                "Lease.coordination.k8s.io 'l' is invalid: [spec.leaseDurationSeconds: Invalid "
                "value: 0: must be greater than 0, spec.leaseTransitions: Invalid value: -1: must "
                "be greater than or equal to 0]");
}

static void want_why(const char *spec, const char *why)
{
    const struct answer *a = post(WIDGETS,
                                  "{'apiVersion':'example.com/v1','kind':'Widget','metadata':"
                                  "{'name':'a'},'spec':%s}",
                                  spec);

    want_status(a, 422, "Invalid", text("Widget.example.com 'a' is invalid: %s", why));
}

/* The words and places of a schema's verdicts, which suites compare with. */
static void l08(void)
{
    define("widgets", "Widget", "s",
           "{'type':'object','required':['r'],'properties':{'r':{'type':'object','required':['s'],"
           "'properties':{'s':{'type':'string'}}},"
           "'m':{'type':'object','maxProperties':1,'minProperties':1,'additionalProperties':"
           "{'type':'integer'}},'l':{'type':'array','minItems':2,'items':{'type':'integer'}},"
           "'t':{'type':'string','minLength':2,'pattern':'^b'},'u':{'type':'string','format':"
           "'uuid'},'n':{'type':'integer','format':'int32','maximum':10,'multipleOf':3},"
           "'o':{'type':'object','properties':{'a':{'type':'integer'},'b':{'type':'integer'},"
           "'c':{'type':'integer'}},'oneOf':[{'required':['a']},{'required':['b']},{'required':"
           "['c']}]},'w':{'type':'integer','format':'int32'}}}");
    want_why("{'r':{}}", "spec.r.s: Required value");
    want_why("{'r':{'s':'x'},'m':{'k.l/m':'x'}}",
             "spec.m.k.l/m: Invalid value: 'string': spec.m.k.l/m in body must be of type integer: "
             "'string'");
    want_why("{'r':{'s':'x'},'m':{}}",
             "spec.m: Invalid value: 0: spec.m in body should have at least 1 properties");
    want_why("{'r':{'s':'x'},'m':{'a':1,'b':2}}", "spec.m: Too many: 2: must have at most 1 items");
    want_why("{'r':{'s':'x'},'l':[1]}",
             "spec.l: Invalid value: 1: spec.l in body should have at least 2 items");
    want_why("{'r':{'s':'x'},'t':'a'}",
             "spec.t: Invalid value: 'a': spec.t in body should be at least 2 chars long");
    want_why("{'r':{'s':'x'},'n':11}",
             "[spec.n: Invalid value: 11: spec.n in body should be a multiple of 3, spec.n: "
             "Invalid value: 11: spec.n in body should be less than or equal to 10]");
    want_why("{'r':{'s':'x'},'o':{'a':1,'b':1,'c':1}}",
             "<nil>: Invalid value: '': 'spec.o' must validate one and only one schema (oneOf). "
             "Found 3 valid alternatives");
    want_why("{'r':{'s':'x'},'o':{}}",
             "[<nil>: Invalid value: '': 'spec.o' must validate one and only one schema (oneOf). "
             "Found none valid, spec.o.a: Required value]");
    want_cause(post(WIDGETS, "{'apiVersion':'example.com/v1','kind':'Widget','metadata':{'name':"
                             "'a'},'spec':{'r':{'s':'x'},'u':'zz'}}"),
               "FieldValueTypeInvalid", "spec.u",
               "Invalid value: 'zz': spec.u in body must be of type uuid: 'zz'");
    /* The range of int32 is the client's concern. */
    want_code(post(WIDGETS, "{'apiVersion':'example.com/v1','kind':'Widget','metadata':{'name':"
                            "'a'},'spec':{'r':{'s':'x'},'w':5000000000}}"),
              201);
}

#define JOBS "/apis/batch/v1/namespaces/default/jobs"
#define JOB                                                                                        \
    "{'metadata':{'name':'j'},'spec':{'template':{'spec':{'restartPolicy':'Never',"                \
    "'containers':[{'name':'c','image':'i'}]}}}}"

/* Pods of a job outlive it unless somebody says otherwise: that is from the days of batch/v1beta1.
 */
static void l09(void)
{
    const struct answer *a;

    want_code(post(JOBS, JOB), 201);
    a = del(JOBS "/j");
    want_code(a, 200);
    want_json(a, "metadata.finalizers", "['orphan']");
    want(strstr(header(a, "Warning"), "child pods are preserved by default when jobs are deleted"),
         "%s", header(a, "Warning"));
    want_code(merge_patch(JOBS "/j", "{'metadata':{'finalizers':null}}"), 200);
    want_code(post(JOBS, JOB), 201);
    a = del(JOBS "/j?propagationPolicy=Background");
    want_header(a, "Warning", NULL);
    want_str(a, "status", "Success");
    want_code(get(JOBS "/j"), 404);
}

/* A completed delete answers what is gone for the kinds of storage. */
static void l10(void)
{
    static const char path[] = "/apis/storage.k8s.io/v1/storageclasses";
    const struct answer *a;

    want_code(post(path, "{'metadata':{'name':'l10'},'provisioner':'x'}"), 201);
    a = del("%s/l10", path);
    want_str(a, "kind", "StorageClass");
    want_str(a, "provisioner", "x");
}

static const struct answer *create_pod(const char *name, const char *resources)
{
    return post(DEFAULT_NS "pods",
                "{'metadata':{'name':'%s'},'spec':{'containers':[{'name':'c',"
                "'image':'i','resources':%s}]}}",
                name, resources);
}

static void l11(void)
{
    const struct answer *a = create_pod("a", "{}");

    want_str(a, "status.qosClass", "BestEffort");
    a = create_pod("b", "{'limits':{'cpu':'1','memory':'1Gi'}}");
    want_str(a, "status.qosClass", "Guaranteed");
    want_json(a, "spec.containers.0.resources.requests", "{'cpu':'1','memory':'1Gi'}");
    a = create_pod("c", "{'requests':{'cpu':'500m'},'limits':{'cpu':'1'}}");
    want_str(a, "status.qosClass", "Burstable");
    want_json(a, "spec.containers.0.resources.requests", "{'cpu':'500m'}");
}

/* Objects that do not say who they are. */
static void l12(void)
{
    create_cm("a");
    want_status(put(CMS "/a", "{'data':{}}"), 400, "BadRequest",
                "the name of the object (a based on URL) was undeterminable: name must be "
                "provided");
    want_code(create_pod("p", "{}"), 201);
    want_status(post(DEFAULT_NS "pods/p/eviction", "{'apiVersion':'policy/v1','kind':'Eviction'}"),
                400, "BadRequest", "name in URL does not match name in Eviction object");
    want_num(post(DEFAULT_NS "pods/p/eviction",
                  "{'apiVersion':'policy/v1','kind':'Eviction','metadata':{'name':'p'}}"),
             "code", 201);
}

/* What of a rule's verdict is shown. */
static void l13(void)
{
    define("widgets", "Widget", "s",
           "{'type':'object','properties':{'u':{'type':'string','x-kubernetes-validations':"
           "[{'rule':'isURL(self)'}]},'n':{'type':'integer','x-kubernetes-validations':[{'rule':"
           "'self > 3','messageExpression':'`  got ` + string(self) + ` `'}]},'r':{'type':'object',"
           "'properties':{'x':{'type':'integer'},'y':{'type':'integer'}},"
           "'x-kubernetes-validations':[{'rule':'self.x < self.y','message':' x below y ',"
           "'reason':'FieldValueForbidden','fieldPath':'.x'}]}}}");
    want_why("{'u':'a/b'}", "spec.u: Invalid value: 'string': failed rule: isURL(self)");
    want_why("{'n':3}", "spec.n: Invalid value: 'integer': got 3");
    want_why("{'r':{'x':2,'y':1}}", "spec.r.x: Forbidden: x below y");
    want_why("{'r':{'x':2}}",
             "spec.r: Invalid value: 'object': no such key: y evaluating rule: x below y");
}

/* A slip of the pen must not empty all namespaces. */
static void l14(void)
{
    define_widgets();
    create_widget("a");
    want_code(del("/apis/example.com/v1/widgets"), 404);
    want_code(get(WIDGETS "/a"), 200);
    want_code(del(WIDGETS), 200);
    want_code(get(WIDGETS "/a"), 404);
}

static const struct row rows[] = {
    {"L01", "what nobody set of a built-in type is there as its zero value", ROW_BARE, l01},
    {"L02", "discovery has what stands below pods: eviction, log, exec", ROW_AUTH, l02},
    {"L03", "finalizers of built-in kinds: plain names are Kubernetes' own", 0, l03},
    {"L04", "ConfigMap: keys, and at most 1 MiB", 0, l04},
    {"L05", "Secret: what its type must hold", 0, l05},
    {"L06", "roles need verbs, groups, resources; bindings known kinds", 0, l06},
    {"L07", "Lease: duration and transitions in range", 0, l07},
    {"L08", "verdicts of schemas: places, values and words", 0, l08},
    {"L09", "DELETE of a Job orphans its pods, with a warning", ROW_BARE, l09},
    {"L10", "DELETE of what is storage answers the object", ROW_BARE, l10},
    {"L11", "a pod's requests follow its limits, and make its qosClass", ROW_BARE, l11},
    {"L12", "PUT and eviction without a name: 400", ROW_BARE, l12},
    {"L13", "rules: the type is shown, messages are trimmed", 0, l13},
    {"L14", "DELETE of a defined kind in all namespaces: 404, nothing is gone", 0, l14},
};
ROWS_MAIN(rows)
