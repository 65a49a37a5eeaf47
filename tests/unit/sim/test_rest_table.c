/* Tables: spans of time, paths of columns, the cells of each kind, and how they are asked for. */
#include "kube/time.h"
#include "sim/rest/table_priv.h"
#include "tests/unit/sim/rest_kit.h"
#include "tests/unit/suite.h"

/* ---- spans ---- */

#define S INT64_C(1)
#define M (60 * S)
#define H (60 * M)
#define D (24 * H)

static const struct {
    int64_t seconds;
    const char *want;
} spans[] = {
    {-2, "<invalid>"},
    {-1, "0s"},
    {0, "0s"},
    {119, "119s"},
    {2 * M, "2m"},
    {3 * M + 5, "3m5s"},
    {10 * M - 1, "9m59s"},
    {10 * M + 5, "10m"},
    {3 * H - 1, "179m"},
    {3 * H, "3h"},
    {3 * H + 5 * M, "3h5m"},
    {8 * H + 5 * M, "8h"},
    {48 * H - 1, "47h"},
    {48 * H, "2d"},
    {2 * D + 3 * H, "2d3h"},
    {8 * D + 3 * H, "8d"},
    {730 * D - 1, "729d"},
    {730 * D, "2y"},
    {735 * D, "2y5d"},
    {8 * 365 * D + 5 * D, "8y"},
};

START_TEST(span)
{
    char have[SPAN_TEXT];
    table_span(spans[_i].seconds * NS_PER_S, have);
    ck_assert_str_eq(have, spans[_i].want);
}
END_TEST

START_TEST(since)
{
    char have[SPAN_TEXT];
    int64_t now;
    ck_assert(time_parse("2026-01-01T01:00:00Z", &now));
    table_since(NULL, now, have);
    ck_assert_str_eq(have, "<unknown>");
    table_since("yesterday", now, have);
    ck_assert_str_eq(have, "<invalid>");
    table_since("2026-01-01T00:55:00Z", now, have);
    ck_assert_str_eq(have, "5m");
}
END_TEST

/* ---- paths ---- */

#define DOC                                                                                        \
    "{'a':{'b':[{'t':'Ready','s':'True','n':1},{'t':'Other','s':'False','n':2.5}],'x.y/z':'dot',"  \
    "'null':null},'list':[1,2,3],'q':'it'}"

static const struct {
    const char *path, *want; /* JSON of the first value; NULL: none; "!": no path at all */
} paths[] = {
    {".q", "\"it\""},
    {"$.q", "\"it\""},
    {".a.b[0].s", "\"True\""},
    {".a.b[1]['s']", "\"False\""},
    {".a.b[-1].n", "2.5"},
    {".a.b[2].s", NULL},
    {".a.b[?(@.t==\"Other\")].s", "\"False\""},
    {".a.b[?(@.t=='Ready')].s", "\"True\""},
    {".a.b[?(@.t == \"a]b\")].s", NULL},
    {".a.b[?(@.n>1)].t", "\"Other\""},
    {".a.b[?(@.n>=1)].t", "\"Ready\""},
    {".a.b[?(@.n<2)].t", "\"Ready\""},
    {".a.b[?(@.t!=\"Ready\")].t", "\"Other\""},
    {".a.b[?(@.none)].t", NULL},
    {".a.b[?(@.s)].t", "\"Ready\""},
    {".a.b[*].t", "\"Ready\""},
    {".a.x\\.y/z", "\"dot\""},
    {".a['x\\.y/z']", "\"dot\""},
    {".a['x.y/z']", "\"dot\""},
    {".a.null", "null"},
    {".list", "[1,2,3]"},
    {".list[1:]", "2"},
    {".list[0:0]", NULL},
    {".list[-2:-1]", "2"},
    {".list.x", NULL},
    {".q[0]", NULL},
    {".list[9223372036854775807]", NULL},
    {".list[-9223372036854775807]", NULL},
    {".list[1:9223372036854775807]", "2"},
    {".none.deep", NULL},
    {".*", "{\"b\":[{\"t\":\"Ready\",\"s\":\"True\",\"n\":1},{\"t\":\"Other\",\"s\":\"False\","
           "\"n\":2.5}],\"x.y/z\":\"dot\",\"null\":null}"},
    {"", "{\"a\":{\"b\":[{\"t\":\"Ready\",\"s\":\"True\",\"n\":1},{\"t\":\"Other\",\"s\":\"False\","
         "\"n\":2.5}],\"x.y/z\":\"dot\",\"null\":null},\"list\":[1,2,3],\"q\":\"it\"}"},
    {"q", "!"},
    {".", "!"},
    {".a..b", "!"},
    {".a[", "!"},
    {".a[x]", "!"},
    {".a[?(@.t=)]", "!"},
    {".a[?(@.b[?(@.c)])]", "!"},
    {".a[?(1=<2)]", "!"},
    {".a[99999999999999999999]", "!"},
};

START_TEST(path)
{
    AUTO(json) json_t *doc = js(DOC);
    AUTO(table_path) struct table_path *p = table_path_parse(paths[_i].path);
    const json_t *v = NULL;
    const char *want = paths[_i].want;
    if (want && *want == '!') {
        ck_assert_msg(!p, "%s was understood", paths[_i].path);
        return;
    }
    ck_assert_msg(p, "%s was not understood", paths[_i].path);
    bool found = table_path_first(p, doc, &v);
    AUTO(str) char *have = found ? json_text(v) : NULL;
    ck_assert_msg(found == (want != NULL) && (!want || strcmp(have, want) == 0),
                  "%s: want %s, got %s", paths[_i].path, want, have);
}
END_TEST

/* Values multiply with each step; there is an end to that. */
START_TEST(path_is_bounded)
{
    AUTO(json) json_t *doc = json_array();
    for (int i = 0; i < 100; i++) {
        json_t *inner = json_array();
        for (int k = 0; k < 100; k++)
            json_array_append_new(inner, json_integer(k));
        json_array_append_new(doc, inner);
    }
    AUTO(table_path) struct table_path *p = table_path_parse("[*][*]");
    const json_t *v;
    ck_assert(!table_path_first(p, doc, &v));
    AUTO(strbuf) struct strbuf text = {0};
    for (int i = 0; i < 1000; i++)
        strbuf_addstr(&text, ".a");
    ck_assert_ptr_null(table_path_parse(strbuf_str(&text)));
}
END_TEST

/* ---- cells ---- */

#define AGE "'creationTimestamp':'2026-01-01T00:00:00Z'"
static const char now_text[] = "2026-01-01T00:05:00Z";

static const struct {
    const char *group, *kind, *object, *want;
} cells[] = {
    {"", "Pod",
     "{'metadata':{'name':'p'," AGE "},'spec':{'containers':[{'name':'a'},{'name':'b'}],"
     "'nodeName':'n1'},'status':{'phase':'Running','podIP':'10.0.0.1','containerStatuses':["
     "{'ready':true,'restartCount':2,'state':{'running':{}},'lastState':{'terminated':{"
     "'finishedAt':'2026-01-01T00:04:00Z'}}},{'ready':false,'restartCount':0,'state':{'waiting':{"
     "'reason':'CrashLoopBackOff'}}}]}}",
     "['p','1/2','CrashLoopBackOff','2 (60s ago)','5m','10.0.0.1','n1','<none>','<none>']"},
    {"", "Pod",
     "{'metadata':{'name':'p'," AGE "},'spec':{'containers':[{'name':'a'}],'initContainers':[{"
     "'name':'i'},{'name':'j'}]},'status':{'phase':'Pending','initContainerStatuses':[{'name':'i',"
     "'state':{'terminated':{'exitCode':0}}},{'name':'j','state':{'running':{}}}]}}",
     "['p','0/1','Init:1/2','0','5m','<none>','<none>','<none>','<none>']"},
    {"", "Pod",
     "{'metadata':{'name':'p'," AGE "},'spec':{'containers':[{'name':'a'}],'initContainers':[{"
     "'name':'i'}]},'status':{'phase':'Pending','initContainerStatuses':[{'name':'i','state':{"
     "'terminated':{'exitCode':3}}}]}}",
     "['p','0/1','Init:ExitCode:3','0','5m','<none>','<none>','<none>','<none>']"},
    {"", "Pod",
     "{'metadata':{'name':'p'," AGE "},'spec':{'containers':[{'name':'a'}],'initContainers':[{"
     "'name':'s','restartPolicy':'Always'}],'readinessGates':[{'conditionType':'G'}]},'status':{"
     "'phase':'Running','conditions':[{'type':'G','status':'True'}],'initContainerStatuses':[{"
     "'name':'s','started':true,'ready':true,'restartCount':1}],'containerStatuses':[{'ready':true,"
     "'state':{'running':{}}}]}}",
     "['p','2/2','Running','1','5m','<none>','<none>','<none>','1/1']"},
    {"", "Pod",
     "{'metadata':{'name':'p'," AGE ",'deletionTimestamp':'2026-01-01T00:04:00Z'},'spec':{"
     "'containers':[{'name':'a'}]},'status':{'phase':'Running'}}",
     "['p','0/1','Terminating','0','5m','<none>','<none>','<none>','<none>']"},
    {"", "Pod",
     "{'metadata':{'name':'p'," AGE "},'spec':{'containers':[{'name':'a'},{'name':'b'}]},'status':{"
     "'phase':'Running','containerStatuses':[{'state':{'terminated':{'reason':'Completed'}}},{"
     "'ready':true,'state':{'running':{}}}]}}",
     "['p','1/2','NotReady','0','5m','<none>','<none>','<none>','<none>']"},
    {"", "Node",
     "{'metadata':{'name':'n'," AGE ",'labels':{'node-role.kubernetes.io/worker':'',"
     "'node-role.kubernetes.io/control-plane':''}},'spec':{'unschedulable':true},'status':{"
     "'conditions':[{'type':'Ready','status':'True'}],'addresses':[{'type':'InternalIP','address':"
     "'1.2.3.4'}],'nodeInfo':{'kubeletVersion':'v1.32.0'}}}",
     "['n','Ready,SchedulingDisabled','control-plane,worker','5m','v1.32.0','1.2.3.4','<none>',"
     "'<unknown>','<unknown>','<unknown>']"},
    {"", "Node", "{'metadata':{'name':'n'}}",
     "['n','Unknown','<none>','<unknown>','','<none>','<none>','<unknown>','<unknown>','<unknown>'"
     "]"},
    {"", "Namespace", "{'metadata':{'name':'n'," AGE "},'status':{'phase':'Active'}}",
     "['n','Active','5m']"},
    {"", "ConfigMap", "{'metadata':{'name':'c'," AGE "},'data':{'a':'1'},'binaryData':{'b':''}}",
     "['c',2,'5m']"},
    {"", "Secret", "{'metadata':{'name':'s'," AGE "},'type':'Opaque','data':{'a':'MQ=='}}",
     "['s','Opaque',1,'5m']"},
    {"", "ServiceAccount", "{'metadata':{'name':'s'," AGE "}}", "['s',0,'5m']"},
    {"", "Service",
     "{'metadata':{'name':'s'," AGE "},'spec':{'type':'NodePort','clusterIP':'10.0.0.1','ports':[{"
     "'port':80,'nodePort':30080,'protocol':'TCP'},{'port':53,'protocol':'UDP'}],'selector':{'b':"
     "'2','a':'1'}}}",
     "['s','NodePort','10.0.0.1','<none>','80:30080/TCP,53/UDP','5m','a=1,b=2']"},
    {"", "Service",
     "{'metadata':{'name':'s'," AGE "},'spec':{'type':'LoadBalancer','clusterIP':'None'}}",
     "['s','LoadBalancer','None','<pending>','<none>','5m','<none>']"},
    {"", "Service",
     "{'metadata':{'name':'s'," AGE "},'spec':{'type':'LoadBalancer','clusterIP':'None'},'status':{"
     "'loadBalancer':{'ingress':[{'hostname':'b'},{'ip':'1.1.1.1'},{'hostname':'b'}]}}}",
     "['s','LoadBalancer','None','1.1.1.1,b','<none>','5m','<none>']"},
    {"", "Endpoints",
     "{'metadata':{'name':'e'," AGE "},'subsets':[{'addresses':[{'ip':'1.1.1.1'},{'ip':'::1'},{"
     "'ip':'1.1.1.3'},{'ip':'1.1.1.4'}],'ports':[{'port':80}]}]}",
     "['e','1.1.1.1:80,[::1]:80,1.1.1.3:80 + 1 more...','5m']"},
    {"", "Endpoints", "{'metadata':{'name':'e'," AGE "}}", "['e','<none>','5m']"},
    {"discovery.k8s.io", "EndpointSlice",
     "{'metadata':{'name':'e'," AGE "},'addressType':'IPv4','ports':[{'port':80}],'endpoints':[{"
     "'addresses':['1.1.1.1']}]}",
     "['e','IPv4','80','1.1.1.1','5m']"},
    {"", "PersistentVolumeClaim",
     "{'metadata':{'name':'c'," AGE "},'spec':{'storageClassName':'fast','volumeName':'v',"
     "'volumeMode':'Block'},'status':{'phase':'Bound','capacity':{'storage':'1Gi'},'accessModes':["
     "'ReadOnlyMany','ReadWriteOnce']}}",
     "['c','Bound','v','1Gi','RWO,ROX','fast','<unset>','5m','Block']"},
    {"", "PersistentVolumeClaim",
     "{'metadata':{'name':'c'," AGE "},'spec':{},'status':{'phase':'Pending'}}",
     "['c','Pending','','','','','<unset>','5m','<unset>']"},
    {"", "PersistentVolume",
     "{'metadata':{'name':'v'," AGE "},'spec':{'capacity':{'storage':'2Gi'},'accessModes':["
     "'ReadWriteMany'],'persistentVolumeReclaimPolicy':'Delete','claimRef':{'namespace':'n','name':"
     "'c'},'storageClassName':'s','volumeMode':'Filesystem'},'status':{'phase':'Bound'}}",
     "['v','2Gi','RWX','Delete','Bound','n/c','s','<unset>','','5m','Filesystem']"},
    {"storage.k8s.io", "StorageClass",
     "{'metadata':{'name':'s'," AGE ",'annotations':{'storageclass.kubernetes.io/is-default-class':"
     "'true'}},'provisioner':'p','allowVolumeExpansion':true}",
     "['s (default)','p','Delete','Immediate',true,'5m']"},
    {"apps", "Deployment",
     "{'metadata':{'name':'d'," AGE "},'spec':{'replicas':3,'selector':{'matchLabels':{'a':'1'},"
     "'matchExpressions':[{'key':'t','operator':'In','values':['y','x']},{'key':'z','operator':"
     "'DoesNotExist'}]},'template':{'spec':{'containers':[{'name':'c','image':'i:1'},{'name':'d',"
     "'image':'j'}]}}},'status':{'readyReplicas':1,'updatedReplicas':2,'availableReplicas':1}}",
     "['d','1/3',2,1,'5m','c,d','i:1,j','a=1,t in (x,y),!z']"},
    {"apps", "StatefulSet", "{'metadata':{'name':'d'," AGE "},'spec':{'replicas':3}}",
     "['d','0/3','5m','','']"},
    {"apps", "ReplicaSet",
     "{'metadata':{'name':'r'," AGE "},'spec':{'replicas':2},'status':{'replicas':2}}",
     "['r',2,2,0,'5m','','','<none>']"},
    {"apps", "DaemonSet",
     "{'metadata':{'name':'d'," AGE "},'status':{'desiredNumberScheduled':3,'numberReady':2}}",
     "['d',3,0,2,0,0,'<none>','5m','','','<none>']"},
    {"apps", "ControllerRevision",
     "{'metadata':{'name':'r'," AGE ",'ownerReferences':[{'apiVersion':'apps/v1','kind':"
     "'StatefulSet','name':'s','uid':'u','controller':true}]},'revision':4}",
     "['r','statefulset.apps/s',4,'5m']"},
    {"batch", "Job",
     "{'metadata':{'name':'j'," AGE "},'spec':{'completions':2},'status':{'succeeded':2,'startTime'"
     ":'2026-01-01T00:00:00Z','completionTime':'2026-01-01T00:00:09Z','conditions':[{'type':"
     "'Complete','status':'True'}]}}",
     "['j','Complete','2/2','9s','5m','','','<none>']"},
    {"batch", "Job", "{'metadata':{'name':'j'," AGE "},'spec':{'parallelism':3}}",
     "['j','Running','0/1 of 3','','5m','','','<none>']"},
    {"batch", "CronJob",
     "{'metadata':{'name':'c'," AGE "},'spec':{'schedule':'* * * * *','suspend':false}}",
     "['c','* * * * *','<none>','False',0,'<none>','5m','','','<none>']"},
    {"autoscaling", "HorizontalPodAutoscaler",
     "{'metadata':{'name':'h'," AGE "},'spec':{'scaleTargetRef':{'kind':'Deployment','name':'d'},"
     "'minReplicas':1,'maxReplicas':5,'metrics':[{'type':'Resource','resource':{'name':'cpu',"
     "'target':{'averageUtilization':80}}},{'type':'Pods','pods':{'target':{'averageValue':'10'}}},"
     "{'type':'x'}]},'status':{'currentReplicas':2,'currentMetrics':[{'type':'Resource','resource':"
     "{'current':{'averageUtilization':50}}}]}}",
     "['h','Deployment/d','cpu: 50%/80%, <unknown>/10 + 1 more...','1',5,2,'5m']"},
    {"policy", "PodDisruptionBudget",
     "{'metadata':{'name':'b'," AGE "},'spec':{'minAvailable':'50%'},'status':{"
     "'disruptionsAllowed':1}}",
     "['b','50%','N/A',1,'5m']"},
    {"", "Event",
     "{'metadata':{'name':'e'," AGE "},'type':'Normal','reason':'Started','message':' a b \\n',"
     "'involvedObject':{'kind':'Pod','name':'p','fieldPath':'spec'},'source':{'component':'kubelet'"
     ",'host':'n1'},'firstTimestamp':'2026-01-01T00:00:00Z','lastTimestamp':'2026-01-01T00:04:00Z',"
     "'count':3}",
     "['60s','Normal','Started','pod/p','spec','kubelet, n1','a b','5m',3,'e']"},
    {"events.k8s.io", "Event",
     "{'metadata':{'name':'e'},'type':'Normal','reason':'R','note':'n','regarding':{'kind':'Pod'},"
     "'reportingController':'c','reportingInstance':'i','eventTime':'2026-01-01T00:04:30.000000Z'}",
     "['30s','Normal','R','pod','','c, i','n','30s',1,'e']"},
    {"coordination.k8s.io", "Lease",
     "{'metadata':{'name':'l'," AGE "},'spec':{'holderIdentity':'me'}}", "['l','me','5m']"},
    {"rbac.authorization.k8s.io", "RoleBinding",
     "{'metadata':{'name':'r'," AGE "},'roleRef':{'kind':'Role','name':'x'},'subjects':[{'kind':"
     "'User','name':'u'},{'kind':'ServiceAccount','namespace':'n','name':'s'},{'kind':'User','name'"
     ":'v'}]}",
     "['r','Role/x','5m','u, v','','n/s']"},
    {"networking.k8s.io", "Ingress",
     "{'metadata':{'name':'i'," AGE "},'spec':{'ingressClassName':'x','rules':[{'host':'a'},{},{"
     "'host':'b'}],'tls':[{}]}}",
     "['i','x','a,b','','80, 443','5m']"},
    {"networking.k8s.io", "NetworkPolicy",
     "{'metadata':{'name':'p'," AGE "},'spec':{'podSelector':{}}}", "['p','<none>','5m']"},
    {"storage.k8s.io", "CSIDriver",
     "{'metadata':{'name':'c'," AGE "},'spec':{'attachRequired':false,'volumeLifecycleModes':["
     "'Persistent','Ephemeral']}}",
     "['c',false,false,false,'<unset>',false,'Persistent,Ephemeral','5m']"},
    {"admissionregistration.k8s.io", "ValidatingAdmissionPolicy",
     "{'metadata':{'name':'p'," AGE "},'spec':{'validations':[{},{}],'paramKind':{'apiVersion':"
     "'v1','kind':'ConfigMap'}}}",
     "['p',2,'v1/ConfigMap','5m']"},
    {"admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding",
     "{'metadata':{'name':'b'," AGE "},'spec':{'policyName':'p','paramRef':{'name':'c','namespace':"
     "'n'}}}",
     "['b','p','n/c','5m']"},
    {"apiregistration.k8s.io", "APIService",
     "{'metadata':{'name':'v1.x'," AGE "},'spec':{'service':{'namespace':'n','name':'s'}},'status':"
     "{'conditions':[{'type':'Available','status':'False','reason':'Missing'}]}}",
     "['v1.x','n/s','False (Missing)','5m']"},
    {"", "ResourceQuota",
     "{'metadata':{'name':'q'," AGE "},'status':{'hard':{'pods':'10','limits.cpu':'4',"
     "'requests.cpu':'2'},'used':{'pods':'1','requests.cpu':'500m'}}}",
     "['q','pods: 1/10, requests.cpu: 500m/2','limits.cpu: 0/4','5m']"},
};

START_TEST(cell)
{
    AUTO(json) json_t *object = js("%s", cells[_i].object);
    AUTO(json) json_t *want = js("%s", cells[_i].want);
    const struct table_printer *p = table_find_printer(cells[_i].group, cells[_i].kind);
    ck_assert_msg(p, "%s has no printer", cells[_i].kind);
    struct table_row row = {.cells = json_array()};
    ck_assert(time_parse(now_text, &row.now_ns));
    p->fill(&row, object);
    AUTO(str) char *have_text = json_text(row.cells);
    AUTO(str) char *want_text = json_text(want);
    ck_assert_msg(strcmp(have_text, want_text) == 0, "%s: want %s\ngot %s", cells[_i].kind,
                  want_text, have_text);
    ck_assert_uint_eq(json_array_size(row.cells), p->count);
    json_decref(row.cells);
    json_decref(row.conditions);
}
END_TEST

/* What is no object of the kind at all must not do harm: every printer, on odd shapes. */
START_TEST(odd_shapes)
{
    static const char *const odd[] = {
        "{}", "{'metadata':1,'spec':[],'status':'x'}",
        "{'metadata':{'name':7},'spec':{'containers':[1,null],'ports':[[],{}],'rules':[1]},"
        "'status':{'containerStatuses':[{},1],'initContainerStatuses':[1,{'state':1}],"
        "'conditions':[1],'hard':{'a':1},'addresses':[1]},'subsets':[{'addresses':[1,{}]}],"
        "'subjects':[1],'endpoints':[{'addresses':[1,{}]}],'ports':[1]}"};
    static const struct table_printers *const families[] = {
        &table_pod_printers,     &table_work_printers,    &table_net_printers,
        &table_storage_printers, &table_cluster_printers, &table_admission_printers};
    for (size_t f = 0; f < ARRAY_LEN(families); f++)
        for (size_t i = 0; i < families[f]->count; i++)
            for (size_t k = 0; k < ARRAY_LEN(odd); k++) {
                AUTO(json) json_t *object = js("%s", odd[k]);
                struct table_row row = {.cells = json_array()};
                families[f]->items[i].fill(&row, object);
                ck_assert_uint_eq(json_array_size(row.cells), families[f]->items[i].count);
                json_decref(row.cells);
                json_decref(row.conditions);
            }
}
END_TEST

/* ---- columns of definitions ---- */

static const struct {
    const char *type, *path, *value, *want;
} columns[] = {
    {"string", ".v", "'x'", "'x'"},
    {"string", ".v", "5", "'5'"},
    {"string", ".v", "true", "'true'"},
    {"string", ".v", "2.5", "'2.5'"},
    {"string", ".v", "1234567.5", "'1.2345675e+06'"},
    {"string", ".v", "0.00001", "'1e-05'"},
    {"string", ".v", "{'b':[1],'a':'<'}", "'{\\\"a\\\":\\\"\\\\u003c\\\",\\\"b\\\":[1]}'"},
    {"string", ".v", "null", "'<no value>'"},
    {"string", ".w", "1", "null"},
    {"string", "not a path", "1", "null"},
    {"integer", ".v", "5", "5"},
    {"integer", ".v", "5.7", "5"},
    {"integer", ".v", "1e30", "null"},
    {"integer", ".v", "'5'", "null"},
    {"number", ".v", "2.5", "2.5"},
    {"number", ".v", "'2.5'", "null"},
    {"boolean", ".v", "false", "false"},
    {"boolean", ".v", "'false'", "null"},
    {"date", ".v", "'2026-01-01T00:00:00Z'", "'5m'"},
    {"date", ".v", "'2026-01-01T01:00:00Z'", "'<invalid>'"},
    {"date", ".v", "'soon'", "'<invalid>'"},
    {"date", ".v", "''", "'<unknown>'"},
    {"date", ".v", "5", "null"},
    {"other", ".v", "5", "null"},
};

START_TEST(column)
{
    AUTO(json) json_t *object = js("{'metadata':{'name':'n'},'v':%s}", columns[_i].value);
    AUTO(json)
    json_t *version = js("{'additionalPrinterColumns':[{'name':'C','type':'%s','jsonPath':'%s',"
                         "'priority':1}]}",
                         columns[_i].type, columns[_i].path);
    struct table_customs *c = table_customs_create(version);
    const struct table_column *defs;
    struct table_row row = {.cells = json_array()};
    ck_assert(time_parse(now_text, &row.now_ns));
    table_customs_fill(c, &row, object);
    ck_assert_uint_eq(table_customs_columns(c, &defs), 2);
    ck_assert_str_eq(defs[1].name, "C");
    ck_assert_int_eq(defs[1].priority, 1);
    AUTO(str) char *have = json_text(row.cells);
    AUTO(json) json_t *want = js("['n',%s]", columns[_i].want);
    AUTO(str) char *want_text = json_text(want);
    ck_assert_str_eq(have, want_text);
    json_decref(row.cells);
    table_customs_destroy(c);
}
END_TEST

/* ---- how they are asked for ---- */

#define TABLE "Accept: application/json;as=Table;v=v1;g=meta.k8s.io"
#define KUBECTL TABLE ",application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json"
#define CM "/api/v1/namespaces/default/configmaps"
#define CM_A "{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'a'},'data':{'k':'v'}}"
#define WIDGETS "/apis/example.com/v1/namespaces/default/widgets"
#define WIDGET_A                                                                                   \
    "{'apiVersion':'example.com/v1','kind':'Widget','metadata':{'name':'a'},'spec':{'z':1}}"

static const struct rest_row asked[] = {
    ASK_AS("GET", CM, KUBECTL, 200, "'rows':[]}"),
    SEND("POST", CM, CM_A, 201, "'name':'a'"),
    ASK_AS("GET", CM "?limit=500", KUBECTL, 200,
           "{'kind':'Table','apiVersion':'meta.k8s.io/v1','metadata':{'resourceVersion':'",
           "'columnDefinitions':[{'name':'Name','type':'string','format':'name',",
           "'rows':[{'cells':['a',1,'0s'],'object':{'kind':'PartialObjectMetadata','apiVersion':"
           "'meta.k8s.io/v1','metadata':{'name':'a','namespace':'default',",
           "H Content-Type: application/json"),
    ASK_AS("GET", CM "/a", TABLE, 200, "'kind':'Table'", "'cells':['a',1,'0s']"),
    ASK_AS("GET", CM "?includeObject=None", TABLE, 200,
           "'rows':[{'cells':['a',1,'0s'],'object':null}]}"),
    ASK_AS("GET", CM "?includeObject=Object", TABLE, 200,
           "'object':{'kind':'ConfigMap','apiVersion':'v1','metadata':{'name':'a'", "'k':'v'"),
    ASK_AS("GET", CM "?includeObject=bad", TABLE, 400,
           "Unable to convert to Table as requested: includeObject: Invalid value: \\'bad\\'"),
    ASK_AS("GET", CM, "Accept: application/json;as=Table;v=v1beta1;g=meta.k8s.io", 200,
           "'apiVersion':'meta.k8s.io/v1beta1'",
           "'object':{'kind':'PartialObjectMetadata','apiVersion':'meta.k8s.io/v1beta1'"),
    ASK_AS("GET", CM "/none", KUBECTL, 404, "'kind':'Status'", "!Table"),
    ASK_AS("DELETE", CM "/a", KUBECTL, 200, "'status':'Success'", "!Table"),
    SEND("POST", WIDGETS, WIDGET_A, 201, "'name':'a'"),
    ASK_AS("GET", WIDGETS, KUBECTL, 200, "'kind':'Table'", "{'name':'Age','type':'date'",
           "'cells':['a','0s']"),
    ASK_AS("GET", WIDGETS "/a", KUBECTL, 200, "'cells':['a','0s']", "!'z':1"),
    ASK_AS("GET", WIDGETS "/a/status", KUBECTL, 200, "'cells':['a','0s']"),
    ASK_AS("GET", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", KUBECTL, 200,
           "{'name':'Created At','type':'date'",
           "'cells':['widgets.example.com','2026-01-01T00:00:00Z']"),
    SEND("POST", "/api/v1/namespaces/default/events",
         "{'metadata':{'name':'e','namespace':'default'},'involvedObject':{'kind':'Pod','name':'p',"
         "'namespace':'default'},'reason':'Started','message':'m','type':'Normal','source':{"
         "'component':'c'},'firstTimestamp':'2025-12-31T23:59:00Z'}",
         201, "'message':'m'"),
    ASK_AS("GET", "/apis/events.k8s.io/v1/events", KUBECTL, 200,
           "'cells':['60s','Normal','Started','pod/p','','c','m','60s',1,'e']"),
    ASK_AS("GET", "/api/v1/events", KUBECTL, 200,
           "'cells':['60s','Normal','Started','pod/p','','c','m','60s',1,'e']"),
};

START_TEST(requests)
{
    AUTO(rest_kit) struct rest_kit r = rest_kit_create();
    rest_check_all(&r, asked, ARRAY_LEN(asked));
}
END_TEST

static char *read_stream(struct rest_answer *a)
{
    AUTO(strbuf) struct strbuf out = {0};
    rest_stream_read(a->stream, &out, 1 << 20);
    return strbuf_take(&out);
}

/* Each event is a Table of one row; only the first says what the columns are. */
START_TEST(watches)
{
    AUTO(rest_kit) struct rest_kit r = rest_kit_create();
    struct rest_answer a;
    json_decref(kit_make(&r.k, "configmaps", config_map("a", "1")));
    rest_ask(&r, "GET", CM "?watch=true", TABLE, NULL, &a);
    ck_assert_int_eq(a.code, 200);
    AUTO(str) char *first = read_stream(&a);
    json_decref(kit_make(&r.k, "configmaps", config_map("b", "1")));
    AUTO(str) char *second = read_stream(&a);
    ck_assert_msg(strstr(first, "{\"type\":\"ADDED\",\"object\":{\"kind\":\"Table\"") == first,
                  "%s", first);
    ck_assert_ptr_nonnull(strstr(first, "\"columnDefinitions\":[{"));
    ck_assert_ptr_nonnull(strstr(first, "\"cells\":[\"a\",1,"));
    ck_assert_ptr_nonnull(strstr(second, "\"columnDefinitions\":null"));
    ck_assert_ptr_nonnull(strstr(second, "\"cells\":[\"b\",1,"));
    rest_answer_finish(&a);
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN("rest.table",
                      SUITE_CASE("rest.table", EACH(span, spans), TEST(since), EACH(path, paths),
                                 TEST(path_is_bounded), EACH(cell, cells), TEST(odd_shapes),
                                 EACH(column, columns), TEST(requests), TEST(watches)));
}
