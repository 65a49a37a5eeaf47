/* H. Delete. */
#include "kube/time.h"
#include "tests/api/harness.h"

static const struct answer *del_with(const char *target, const char *options)
{
    return ask("DELETE", target, "Content-Type: application/json", "%s", options);
}

static const struct answer *create_held(void)
{
    const struct answer *a =
        post(CMS, "{'metadata':{'name':'a','finalizers':['example.com/hold']},'data':{'k':'v'}}");

    want_code(a, 201);
    return a;
}

static void h01(void)
{
    const struct answer *old = create_cm("a"), *a = del(CMS "/a");

    want_code(a, 200);
    want_str(a, "kind", "Status");
    want_str(a, "apiVersion", "v1");
    want_str(a, "status", "Success");
    want_json(a, "metadata", "{}");
    want_json(a, "code", NULL);
    want_json(a, "details",
              text("{'name':'a','kind':'configmaps','uid':'%s'}", str(old, "metadata.uid")));
    want_code(get(CMS "/a"), 404);
    define_widgets();
    old = create_widget("a");
    a = del(WIDGETS "/a");
    want_str(a, "status", "Success");
    want_json(a, "details",
              text("{'name':'a','group':'example.com','kind':'widgets','uid':'%s'}",
                   str(old, "metadata.uid")));
}

static void h02(void)
{
    want_status(del(CMS "/a"), 404, "NotFound", "configmaps 'a' not found");
    want_status(del_with(CMS "/a", "{'propagationPolicy':'Background'}"), 404, "NotFound",
                "configmaps 'a' not found");
}

static void h03(void)
{
    const struct answer *old = create_held(), *a, *ev;
    struct watch *w = watch_open(CMS "?watch=true&resourceVersion=%" PRId64, rv(old));

    a = del(CMS "/a");
    want_code(a, 200);
    want_str(a, "kind", "ConfigMap");
    want_some(a, "metadata.deletionTimestamp");
    want_num(a, "metadata.deletionGracePeriodSeconds", 0);
    want(rv(a) > rv(old), "revision");
    ev = want_event(w, "MODIFIED", "a");
    want_str(ev, "metadata.deletionTimestamp", str(a, "metadata.deletionTimestamp"));
    want_silence(w);
    want_code(get(CMS "/a"), 200);
}

static void h04(void)
{
    const struct answer *a, *b;

    create_held();
    a = del(CMS "/a");
    advance_ms(1500);
    b = del(CMS "/a");
    want_code(b, 200);
    want_str(b, "kind", "ConfigMap");
    want(rv(a) == rv(b), "a write");
    want(json_equal(a->json, b->json), "another object");
}

/* Without a collector of garbage the finalizer stays. */
static void h05(void)
{
    const struct answer *a;

    create_cm("a");
    a = del_with(CMS "/a", "{'propagationPolicy':'Foreground'}");
    want_code(a, 200);
    want_str(a, "kind", "ConfigMap");
    want_json(a, "metadata.finalizers", "['foregroundDeletion']");
    want_some(a, "metadata.deletionTimestamp");
    settle();
    want_json(get(CMS "/a"), "metadata.finalizers", "['foregroundDeletion']");
}

static void h06(void)
{
    const struct answer *a;

    create_cm("a");
    a = del(CMS "/a?propagationPolicy=Orphan");
    want_code(a, 200);
    want_json(a, "metadata.finalizers", "['orphan']");
    want_some(a, "metadata.deletionTimestamp");
    settle();
    want_json(get(CMS "/a"), "metadata.finalizers", "['orphan']");
    /* another policy takes its place */
    a = del_with(CMS "/a", "{'propagationPolicy':'Foreground'}");
    want_json(a, "metadata.finalizers", "['foregroundDeletion']");
}

static void h07(void)
{
    const struct answer *a;

    create_cm("a");
    a = del_with(CMS "/a", "{'propagationPolicy':'Sideways'}");
    want_status(a, 422, "Invalid",
                "DeleteOptions.meta.k8s.io '' is invalid: propagationPolicy: Unsupported value: "
                "'Sideways': supported values: 'Foreground', 'Background', 'Orphan', 'nil'");
    want_cause(a, "FieldValueNotSupported", "propagationPolicy", NULL);
    a = del_with(CMS "/a", "{'propagationPolicy':'Background','orphanDependents':true}");
    want_status(a, 422, "Invalid", NULL);
    want(strstr(str(a, "message"), "DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: "
                                   "Invalid value: ") == str(a, "message") &&
             strstr(str(a, "message"),
                    ": orphanDependents and deletionPropagation cannot be both set"),
         "%s", str(a, "message"));
    want_code(get(CMS "/a"), 200);
}

static void h08(void)
{
    const struct answer *old = create_cm("a"), *a;

    a = del_with(CMS "/a", "{'preconditions':{'uid':'00000000-0000-4000-8000-000000000000'}}");
    want_status(a, 409, "Conflict",
                text("Operation cannot be fulfilled on ConfigMap 'a': the UID in the precondition "
                     "(00000000-0000-4000-8000-000000000000) does not match the UID in record "
                     "(%s). The object might have been deleted and then recreated",
                     str(old, "metadata.uid")));
    want_str(a, "details.kind", "ConfigMap");
    want_code(get(CMS "/a"), 200);
    want_code(del_with(CMS "/a", text("{'preconditions':{'uid':'%s'}}", str(old, "metadata.uid"))),
              200);
    want_code(get(CMS "/a"), 404);
}

static void h09(void)
{
    const struct answer *old = create_cm("a"), *a;

    a = del_with(CMS "/a", "{'preconditions':{'resourceVersion':'1'}}");
    want_status(a, 409, "Conflict",
                text("Operation cannot be fulfilled on ConfigMap 'a': the ResourceVersion in the "
                     "precondition (1) does not match the ResourceVersion in record (%s). The "
                     "object might have been modified",
                     str(old, "metadata.resourceVersion")));
    want_code(get(CMS "/a"), 200);
    want_code(del_with(CMS "/a", text("{'preconditions':{'resourceVersion':'%s'}}",
                                      str(old, "metadata.resourceVersion"))),
              200);
}

static void h10(void)
{
    const struct answer *old = create_cm("a"), *a;

    a = del_with(CMS "/a", "{'dryRun':['All']}");
    want_code(a, 200);
    want_str(a, "status", "Success");
    want(rv(get(CMS "/a")) == rv(old), "a write");
    want_code(del(CMS "/a?dryRun=All"), 200);
    want(rv(get(CMS "/a")) == rv(old), "a write");
    want_code(del_with(CMS "/a", "{'dryRun':['Some']}"), 422);
}

static void h11(void)
{
    create_cm("a");
    want_code(del_with(CMS "/a?dryRun=All", "{'propagationPolicy':'Background'}"), 200);
    want_code(get(CMS "/a"), 404);
}

#define PODS DEFAULT_NS "pods"

/* On a node, so that its end takes time. */
static const struct answer *create_pod(void)
{
    const struct answer *a = post(PODS, "{'metadata':{'name':'p'},'spec':{'nodeName':'n',"
                                        "'containers':[{'name':'c','image':'i'}]}}");

    want_code(a, 201);
    return a;
}

static void h12(void)
{
    const struct answer *old = create_pod(), *a;
    int64_t at = 0;

    want_json(old, "metadata.generation", NULL); /* pods have one from 1.33 on */
    a = del(PODS "/p");
    want_code(a, 200);
    want_str(a, "kind", "Pod");
    want_num(a, "metadata.deletionGracePeriodSeconds", 30);
    want(time_parse(str(a, "metadata.deletionTimestamp"), &at), "deletionTimestamp %s",
         str(a, "metadata.deletionTimestamp"));
    if (!over_http()) /* there, the clock runs */
        want(at / 1000000000 == sched_now(the_sched()) / 1000000000 + 30, "deletionTimestamp %s",
             str(a, "metadata.deletionTimestamp"));
    want_json(a, "metadata.generation", NULL);
    want_code(get(PODS "/p"), 200);
    /* only a shorter time changes anything */
    want(rv(del_with(PODS "/p", "{'gracePeriodSeconds':60}")) == rv(a), "a write");
    want_num(del_with(PODS "/p", "{'gracePeriodSeconds':5}"), "metadata.deletionGracePeriodSeconds",
             5);
    want_code(del_with(PODS "/p", "{'gracePeriodSeconds':0}"), 200);
    want_code(get(PODS "/p"), 404);
}

static void h13(void)
{
    create_pod();
    want_code(del(PODS "/p?gracePeriodSeconds=0"), 200);
    want_code(get(PODS "/p"), 404);
    /* one that no node has: at once */
    want_code(
        post(PODS, "{'metadata':{'name':'p'},'spec':{'containers':[{'name':'c','image':'i'}]}}"),
        201);
    want_code(del(PODS "/p"), 200);
    want_code(get(PODS "/p"), 404);
}

static void h14(void)
{
    static const char *const objects[][2] = {{"a", "x"}, {"b", "y"}, {"c", "x"}};
    const struct answer *a;

    for (size_t i = 0; i < ARRAY_LEN(objects); i++)
        want_code(post(DEFAULT_NS "secrets", "{'metadata':{'name':'%s','labels':{'app':'%s'}}}",
                       objects[i][0], objects[i][1]),
                  201);
    a = del(DEFAULT_NS "secrets?labelSelector=app%%3Dx");
    want_code(a, 200);
    want_str(a, "kind", "SecretList");
    want(strcmp(names(a), "a,c") == 0, "items %s", names(a));
    want_json(a, "items.0.metadata.deletionTimestamp", NULL);
    a = get(DEFAULT_NS "secrets");
    want(strcmp(names(a), "b") == 0, "left: %s", names(a));
    want_code(del("/api/v1/secrets"), 405);
    want(count(get(DEFAULT_NS "secrets"), "items") == 1, "b is gone");
}

static void h15(void)
{
    const struct answer *a;

    want_code(post("/api/v1/namespaces", "{'metadata':{'name':'n'}}"), 201);
    want_code(post("/api/v1/namespaces/n/configmaps",
                   "{'metadata':{'name':'a','finalizers':['example.com/hold']}}"),
              201);
    a = del("/api/v1/namespaces/n");
    want_code(a, 200);
    want_str(a, "kind", "Namespace");
    want_str(a, "status.phase", "Terminating");
    want_some(a, "metadata.deletionTimestamp");
    settle();
    a = get("/api/v1/namespaces/n");
    want_code(a, 200);
    want_str(a, "status.phase", "Terminating");
    want_code(merge_patch("/api/v1/namespaces/n/configmaps/a", "{'metadata':{'finalizers':null}}"),
              200);
    advance_ms(60000);
    want_code(get("/api/v1/namespaces/n"), 404);
}

static void h16(void)
{
    static const char *const kept[] = {"default", "kube-system", "kube-public"};

    for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
        want_status(
            del("/api/v1/namespaces/%s", kept[i]), 403, "Forbidden",
            text("namespaces '%s' is forbidden: this namespace may not be deleted", kept[i]));
        want_str(get("/api/v1/namespaces/%s", kept[i]), "status.phase", "Active");
    }
}

/* A definition that is going, with one object that holds it up. */
static const struct answer *ending_definition(void)
{
    const struct answer *a;

    define_widgets();
    want_code(post(WIDGETS, "{'apiVersion':'example.com/v1','kind':'Widget','metadata':{'name':'a',"
                            "'finalizers':['example.com/hold']}}"),
              201);
    create_widget("b");
    a = del(CRDS "/widgets.example.com");
    want_code(a, 200);
    settle();
    return a;
}

static void h17(void)
{
    const struct answer *a = ending_definition();

    want_str(a, "kind", "CustomResourceDefinition");
    want_json(a, "metadata.finalizers", "['customresourcecleanup.apiextensions.k8s.io']");
    a = get(CRDS "/widgets.example.com");
    want_code(a, 200);
    want_some(a, "metadata.deletionTimestamp");
    want(condition(a, "Terminating"), "no condition Terminating");
    want(strcmp(json_str_or_empty(condition(a, "Terminating"), "status"), "True") == 0,
         "not Terminating");
    want_some(get(WIDGETS "/a"), "metadata.deletionTimestamp");
    want_code(get(WIDGETS "/b"), 404);
    want_code(merge_patch(WIDGETS "/a", "{'metadata':{'finalizers':null}}"), 200);
    advance_ms(60000);
    want_code(get(CRDS "/widgets.example.com"), 404);
    want_code(get(WIDGETS), 404);
    want_code(get("/apis/example.com/v1"), 404);
    want_code(get("/apis/example.com"), 404);
}

static void h18(void)
{
    const struct answer *a;

    ending_definition();
    a = post(WIDGETS, "{'apiVersion':'example.com/v1','kind':'Widget','metadata':{'name':'c'}}");
    want_status(a, 403, "Forbidden", NULL);
    want(strstr(str(a, "message"), "is forbidden: create not allowed while custom resource "
                                   "definition is terminating"),
         "%s", str(a, "message"));
    want_code(get(WIDGETS "/a"), 200);
}

static void h19(void)
{
    const struct answer *a;

    define_widgets();
    want_code(post(WIDGETS, "{'apiVersion':'example.com/v1','kind':'Widget','metadata':{'name':'a',"
                            "'finalizers':['example.com/hold']}}"),
              201);
    a = del(WIDGETS "/a");
    want_num(a, "metadata.generation", 2);
    want_num(del(WIDGETS "/a"), "metadata.generation", 2);
    create_held();
    want_json(del(CMS "/a"), "metadata.generation", NULL);
}

static void h20(void)
{
    const struct answer *a;

    want_code(post("/api/v1/namespaces", "{'metadata':{'name':'n'}}"), 201);
    want_code(post("/api/v1/namespaces/n/configmaps",
                   "{'metadata':{'name':'a','finalizers':['example.com/hold']}}"),
              201);
    want_code(post("/api/v1/namespaces/n/secrets", "{'metadata':{'name':'a'}}"), 201);
    want_code(del("/api/v1/namespaces/n"), 200);
    advance_ms(8000);
    a = get("/api/v1/namespaces/n");
    want(count(a, "status.conditions") == 5, "%zu conditions", count(a, "status.conditions"));
    want_condition(a, "NamespaceDeletionDiscoveryFailure", "False", "ResourcesDiscovered",
                   "All resources successfully discovered");
    want_condition(a, "NamespaceDeletionGroupVersionParsingFailure", "False", "ParsedGroupVersions",
                   "All legacy kube types successfully parsed");
    want_condition(a, "NamespaceDeletionContentFailure", "False", "ContentDeleted",
                   "All content successfully deleted, may be waiting on finalization");
    want_condition(a, "NamespaceContentRemaining", "True", "SomeResourcesRemain",
                   "Some resources are remaining: configmaps. has 1 resource instances");
    want_condition(a, "NamespaceFinalizersRemaining", "True", "SomeFinalizersRemain",
                   "Some content in the namespace has finalizers remaining: example.com/hold in 1 "
                   "resource instances");
}

static const struct row rows[] = {
    {"H01", "DELETE: 200 Status Success, details name, kind, uid", 0, h01},
    {"H02", "DELETE of what is not there: 404", 0, h02},
    {"H03", "DELETE with a finalizer: 200 object, grace 0, MODIFIED", 0, h03},
    {"H04", "again: 200, same RV", ROW_FAST, h04},
    {"H05", "Foreground: finalizer foregroundDeletion, stays", ROW_BARE, h05},
    {"H06", "Orphan: finalizer orphan", ROW_BARE, h06},
    {"H07", "bad policy, or both options: 422", 0, h07},
    {"H08", "another uid as precondition: 409", 0, h08},
    {"H09", "another RV as precondition: 409", 0, h09},
    {"H10", "dryRun in the body: the object remains", 0, h10},
    {"H11", "dryRun in the query, a body without: really deleted", 0, h11},
    {"H12", "DELETE of a Pod: deletionTimestamp now+30, no generation", ROW_BARE, h12},
    {"H13", "DELETE of a Pod with grace 0: gone", ROW_BARE, h13},
    {"H14", "deletecollection with a selector: the list, others kept", 0, h14},
    {"H15", "DELETE of a namespace: Terminating, readable", ROW_FAST, h15},
    {"H16", "DELETE of namespace default: 403", 0, h16},
    {"H17", "DELETE of a definition: Terminating, objects deleted, then gone", ROW_FAST, h17},
    {"H18", "create while the definition is going: 403", 0, h18},
    {"H19", "the first mark of deletion: generation+1 when > 0", 0, h19},
    {"H20", "a namespace that cannot go: five conditions tell why", ROW_FAST, h20},
};
ROWS_MAIN(rows)
