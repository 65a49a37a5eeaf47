/* F. Update. */
#include "tests/api/harness.h"

#define MODIFIED                                                                                   \
    "the object has been modified; please apply your changes to the latest version and try again"

static bool ends(const char *s, const char *tail)
{
    return strlen(s) >= strlen(tail) && strcmp(s + strlen(s) - strlen(tail), tail) == 0;
}

/* All but managedFields and resourceVersion. */
static bool same_but_bookkeeping(const struct answer *a, const struct answer *b)
{
    AUTO(json) json_t *x = json_copy_of(a->json);
    AUTO(json) json_t *y = json_copy_of(b->json);

    json_drop(x, "metadata.managedFields");
    json_drop(y, "metadata.managedFields");
    json_drop(x, "metadata.resourceVersion");
    json_drop(y, "metadata.resourceVersion");
    return json_equal(x, y);
}

static const struct answer *create_held(void)
{
    const struct answer *a =
        post(CMS, "{'metadata':{'name':'a','finalizers':['example.com/hold']},'data':{'k':'v'}}");

    want_code(a, 201);
    return a;
}

static void f01(void)
{
    const struct answer *old = create_cm("a"), *a = put_changed(CMS "/a", old, "data.k", "'new'");

    want_code(a, 200);
    want(rv(a) > rv(old), "revision");
    want_str(a, "data.k", "new");
    want_str(a, "metadata.uid", str(old, "metadata.uid"));
    want_str(get(CMS "/a"), "data.k", "new");
}

static void f02(void)
{
    const struct answer *old = create_cm("a"), *a;

    want_code(put_changed(CMS "/a", old, "data.k", "'new'"), 200);
    a = put_changed(CMS "/a", old, "data.k", "'other'");
    want_status(a, 409, "Conflict", "Operation cannot be fulfilled on configmaps 'a': " MODIFIED);
    want_str(a, "details.name", "a");
    want_str(a, "details.kind", "configmaps");
    want_json(a, "details.group", NULL);
    want_str(get(CMS "/a"), "data.k", "new");
    define_widgets();
    old = create_widget("a");
    want_code(put_changed(WIDGETS "/a", old, "spec.size", "2"), 200);
    a = put_changed(WIDGETS "/a", old, "spec.size", "3");
    want_status(a, 409, "Conflict",
                "Operation cannot be fulfilled on widgets.example.com 'a': " MODIFIED);
    want_str(a, "details.group", "example.com");
}

static void f03(void)
{
    const struct answer *old = create_cm("a"), *a;

    want_code(put_changed(CMS "/a", old, "data.k", "'new'"), 200);
    a = put(CMS "/a", "{'metadata':{'name':'a'},'data':{'k':'last'}}");
    want_code(a, 200);
    want_str(a, "data.k", "last");
    want_str(a, "metadata.uid", str(old, "metadata.uid"));
    want_code(put(CMS "/a", "{'metadata':{'name':'a','resourceVersion':'0'}}"), 200);
}

static void f04(void)
{
    const struct answer *a;

    define_widgets();
    a = put_changed(WIDGETS "/a", create_widget("a"), "metadata.resourceVersion", NULL);
    want_status(a, 422, "Invalid",
                "widgets.example.com 'a' is invalid: metadata.resourceVersion: Invalid value: 0x0: "
                "must be specified for an update");
    want_str(a, "details.kind", "widgets");
    want_cause(a, "FieldValueInvalid", "metadata.resourceVersion",
               "Invalid value: 0x0: must be specified for an update");
}

static void f05(void)
{
    want_status(put(CMS "/a", "{'metadata':{'name':'a'}}"), 404, "NotFound",
                "configmaps 'a' not found");
    define_widgets();
    want_code(put(WIDGETS "/a",
                  "{'apiVersion':'example.com/v1','kind':'Widget','metadata':{'name':'a',"
                  "'resourceVersion':'1'}}"),
              404);
}

#define LEASES "/apis/coordination.k8s.io/v1/namespaces/default/leases"

static void f06(void)
{
    const struct answer *a =
        put(LEASES "/l", "{'metadata':{'name':'l'},'spec':{'holderIdentity':'me'}}");

    want_code(a, 201);
    want_some(a, "metadata.uid");
    want_str(get(LEASES "/l"), "spec.holderIdentity", "me");
    /* but no unconditional update */
    want_code(put(LEASES "/l", "{'metadata':{'name':'l'},'spec':{'holderIdentity':'you'}}"), 422);
}

static void f07(void)
{
    const struct answer *old = create_cm("a"), *a;
    struct watch *w = watch_open(CMS "?watch=true&resourceVersion=%" PRId64, rv(old));

    a = put_object(CMS "/a", old);
    want_code(a, 200);
    want(rv(a) == rv(old), "a new revision");
    want_silence(w);
    advance_ms(1500); /* another second changes nothing */
    a = put_object(CMS "/a", old);
    want_code(a, 200);
    want(rv(a) == rv(old), "a new revision");
    want(json_equal(a->json, old->json), "another object");
    want_silence(w);
}

static void f08(void)
{
    static const char uid[] = "00000000-0000-4000-8000-000000000000";
    const struct answer *old = create_cm("a"),
                        *a = put_changed(CMS "/a", old, "metadata.uid", text("'%s'", uid));

    want_status(a, 409, "Conflict", NULL);
    want(strstr(str(a, "message"),
                "Operation cannot be fulfilled on configmaps \"a\": StorageError: invalid object, "
                "Code: 4, Key: /registry/configmaps/default/a, ResourceVersion: 0, ") ==
             str(a, "message"),
         "%s", str(a, "message"));
    want(ends(str(a, "message"),
              text("AdditionalErrorMsg: Precondition failed: UID in precondition: %s, UID in "
                   "object meta: %s",
                   uid, str(old, "metadata.uid"))),
         "%s", str(a, "message"));
}

static void f09(void)
{
    create_cm("a");
    want_status(put(CMS "/a", "{'metadata':{'name':'b'}}"), 400, "BadRequest",
                "the name of the object (b) does not match the name on the URL (a)");
}

static void f10(void)
{
    const struct answer *old = create_cm("a"),
                        *a = put_changed(CMS "/a", old, "metadata.creationTimestamp",
                                         "'2001-01-01T00:00:00Z'");

    want_code(a, 200);
    want_str(a, "metadata.creationTimestamp", str(old, "metadata.creationTimestamp"));
    want(rv(a) == rv(old), "a write");
    a = put(CMS "/a", "{'metadata':{'name':'a'},'data':{'k':'new'}}");
    want_str(a, "metadata.creationTimestamp", str(old, "metadata.creationTimestamp"));
}

static void f11(void)
{
    const struct answer *old, *a;

    create_held();
    old = del(CMS "/a");
    want_code(old, 200);
    a = put_changed(CMS "/a", old, "metadata.deletionTimestamp", NULL);
    want_code(a, 200);
    want_str(a, "metadata.deletionTimestamp", str(old, "metadata.deletionTimestamp"));
    want_num(a, "metadata.deletionGracePeriodSeconds", 0);
    want(rv(a) == rv(old), "a write");
}

static void f12(void)
{
    const struct answer *a;

    create_held();
    want_code(del(CMS "/a"), 200);
    a = put_changed(CMS "/a", get(CMS "/a"), "metadata.finalizers",
                    "['example.com/hold','example.com/more']");
    want_status(a, 422, "Invalid",
                "ConfigMap 'a' is invalid: metadata.finalizers: Forbidden: no new finalizers can "
                "be added if the object is being deleted, found new finalizers "
                "[]string{'example.com/more'}");
    want_cause(a, "FieldValueForbidden", "metadata.finalizers", NULL);
}

static void f13(void)
{
    const struct answer *a;

    create_held();
    want_code(del(CMS "/a"), 200);
    a = put_changed(CMS "/a", get(CMS "/a"), "metadata.finalizers", NULL);
    want_code(a, 200);
    want_str(a, "kind", "ConfigMap");
    want_str(a, "metadata.name", "a");
    want_some(a, "metadata.deletionTimestamp");
    want_json(a, "metadata.finalizers", NULL);
    want_code(get(CMS "/a"), 404);
}

static void f14(void)
{
    const struct answer *a;

    define_widgets();
    a = put_changed(WIDGETS "/a", create_widget("a"), "spec.size", "2");
    want_code(a, 200);
    want_num(a, "metadata.generation", 2);
    a = put_changed(WIDGETS "/a", a, "spec.size", "3");
    want_num(a, "metadata.generation", 3);
}

static void f15(void)
{
    const struct answer *a;

    define_widgets();
    a = put_changed(WIDGETS "/a", create_widget("a"), "metadata.labels", "{'x':'y'}");
    want_code(a, 200);
    want_str(a, "metadata.labels.x", "y");
    want_num(a, "metadata.generation", 1);
    define_plains();
    want_code(
        post(PLAINS, "{'apiVersion':'example.com/v1','kind':'Plain','metadata':{'name':'a'}}"),
        201);
    a = put_changed(PLAINS "/a", get(PLAINS "/a"), "metadata.labels", "{'x':'y'}");
    want_num(a, "metadata.generation", 1);
}

static void f16(void)
{
    const struct answer *a;

    define_widgets();
    create_widget("a");
    want_code(put_changed(WIDGETS "/a/status", get(WIDGETS "/a"), "status", "{'n':1}"), 200);
    a = put_changed(WIDGETS "/a", get(WIDGETS "/a"), "status", "{'n':2}");
    want_code(a, 200);
    want_json(a, "status", "{'n':1}");
    want_num(a, "metadata.generation", 1);
    want_json(put_changed(WIDGETS "/a", get(WIDGETS "/a"), "status", NULL), "status", "{'n':1}");
}

static void f17(void)
{
    const struct answer *a;

    define_plains();
    a = post(PLAINS, "{'apiVersion':'example.com/v1','kind':'Plain','metadata':{'name':'a'}}");
    a = put_changed(PLAINS "/a", a, "status", "{'n':1}");
    want_code(a, 200);
    want_json(a, "status", "{'n':1}");
    want_num(a, "metadata.generation", 2);
    want_json(get(PLAINS "/a"), "status", "{'n':1}");
}

static void f18(void)
{
    const struct answer *old, *a;

    define_widgets();
    old = create_widget("a");
    a = put_changed(WIDGETS "/a/status", old, "status", "{'n':1}");
    want_code(a, 200);
    want_str(a, "kind", "Widget");
    want_json(a, "status", "{'n':1}");
    want_json(a, "spec", "{'size':1}");
    want_num(a, "metadata.generation", 1);
    want(rv(a) > rv(old), "revision");
    want_json(get(WIDGETS "/a"), "status", "{'n':1}");
    want_json(get(WIDGETS "/a/status"), "status", "{'n':1}");
}

static void f19(void)
{
    const struct answer *old, *a;

    define_widgets();
    old = create_widget("a");
    a = put(WIDGETS "/a/status",
            "{'apiVersion':'example.com/v1','kind':'Widget','metadata':{'name':'a',"
            "'resourceVersion':'%" PRId64 "','labels':{'x':'y'}},'spec':{'size':9},'status':{'n':1}"
            "}",
            rv(old));
    want_code(a, 200);
    want_json(a, "spec", "{'size':1}");
    want_json(a, "metadata.labels", NULL);
    want_num(a, "metadata.generation", 1);
    a = put_changed(WIDGETS "/a/status", a, "spec.size", "9");
    want_code(a, 200);
    want(same_but_bookkeeping(a, get(WIDGETS "/a")) && num(a, "spec.size") == 1, "a change");
}

static void f20(void)
{
    const struct answer *a;

    define_plains();
    a = post(PLAINS, "{'apiVersion':'example.com/v1','kind':'Plain','metadata':{'name':'a'}}");
    want_code(put_changed(PLAINS "/a/status", a, "status", "{'n':1}"), 404);
    want_code(get(PLAINS "/a/status"), 404);
    want_json(get(PLAINS "/a"), "status", NULL);
}

static void f21(void)
{
    const struct answer *old;

    define_widgets();
    old = create_widget("a");
    want_code(put_changed(WIDGETS "/a/status", old, "status", "{'n':1}"), 200);
    want_status(put_changed(WIDGETS "/a/status", old, "status", "{'n':2}"), 409, "Conflict",
                "Operation cannot be fulfilled on widgets.example.com 'a': " MODIFIED);
    want_json(get(WIDGETS "/a"), "status", "{'n':1}");
}

#define GEARS EXAMPLES "gears"

static const struct answer *create_gear(const char *spec)
{
    const struct answer *a;

    define("gears", "Gear", "x", NULL);
    a = post(GEARS,
             "{'apiVersion':'example.com/v1','kind':'Gear','metadata':{'name':'a'},'spec':%s}",
             spec);
    want_code(a, 201);
    return a;
}

static void f22(void)
{
    const struct answer *old = create_gear("{'replicas':1}"), *a;

    a = put(GEARS "/a/scale", "{'apiVersion':'autoscaling/v1','kind':'Scale','metadata':{'name':"
                              "'a','namespace':'default'},'spec':{'replicas':3}}");
    want_code(a, 200);
    want_str(a, "kind", "Scale");
    want_str(a, "apiVersion", "autoscaling/v1");
    want_num(a, "spec.replicas", 3);
    want_str(a, "metadata.uid", str(old, "metadata.uid"));
    want(rv(a) > rv(old), "revision");
    a = get(GEARS "/a");
    want_num(a, "spec.replicas", 3);
    want_num(a, "metadata.generation", 2);
    want(managed(a, "unknown", "Update", "scale"), "no entry of the scale subresource");
    a = put(GEARS "/a/scale",
            "{'apiVersion':'autoscaling/v1','kind':'Scale','metadata':{'name':"
            "'a','namespace':'default','resourceVersion':'%" PRId64 "'},'spec':{'replicas':4}}",
            rv(old));
    want_code(a, 409);
    want_num(get(GEARS "/a/scale"), "spec.replicas", 3);
}

static void f23(void)
{
    create_gear("{}");
    want_status(get(GEARS "/a/scale"), 500, "InternalError",
                "Internal error occurred: the spec replicas field '.spec.replicas' does not "
                "exist");
}

static void f24(void)
{
    const struct answer *a;

    define_widgets();
    a = put_changed(WIDGETS "/a", create_widget("a"), "metadata.generation", "99");
    want_code(a, 200);
    want_num(a, "metadata.generation", 1);
    a = put_changed(WIDGETS "/a", a, "metadata.generation", NULL);
    want_num(a, "metadata.generation", 1);
}

static void f25(void)
{
    const struct answer *old = create_cm("a"), *a;
    int64_t before = apiserver_revision(the_server());

    a = put_changed(CMS "/a?dryRun=All", old, "data.k", "'new'");
    want_code(a, 200);
    want_str(a, "data.k", "new");
    want(rv(a) == rv(old), "another revision");
    a = get(CMS "/a");
    want_str(a, "data.k", "v");
    want(rv(a) == rv(old), "a write");
    want(apiserver_revision(the_server()) == before, "the counter moved");
    want_code(put_changed(CMS "/a?dryRun=All", old, "metadata.resourceVersion", "'1'"), 409);
}

static void f26(void)
{
    const struct answer *old = create_cm("a"), *a;

    want(count(old, "metadata.managedFields") == 1, "no entry");
    a = put_changed(CMS "/a", old, "metadata.managedFields", "[]");
    want_code(a, 200);
    want_json(a, "metadata.managedFields", NULL);
    want_json(get(CMS "/a"), "metadata.managedFields", NULL);
    /* from then on it is untracked, until somebody applies */
    want_json(put_changed(CMS "/a", a, "data.k", "'new'"), "metadata.managedFields", NULL);
    a = create_cm("b");
    a = put_changed(CMS "/b", a, "metadata.managedFields", "[{}]");
    want_code(a, 200);
    want_json(a, "metadata.managedFields", NULL);
    /* what is not given stays */
    a = put_changed(CMS "/c", create_cm("c"), "metadata.managedFields", NULL);
    want_code(a, 200);
    want(count(a, "metadata.managedFields") == 1, "the entry is lost");
}

static void f27(void)
{
    static const char *const plurals[] = {"configmaps", "secrets"};

    for (size_t i = 0; i < ARRAY_LEN(plurals); i++) {
        const char *at = text(DEFAULT_NS "%s/a", plurals[i]);
        const struct answer *a =
            post(text(DEFAULT_NS "%s", plurals[i]),
                 "{'metadata':{'name':'a'},'immutable':true,'data':{'k':'dg=='}}");

        want_code(a, 201);
        a = put_changed(at, a, "data.k", "'bg=='");
        want_status(a, 422, "Invalid", NULL);
        want(strstr(str(a, "message"),
                    "data: Forbidden: field is immutable when `immutable` is set"),
             "%s", str(a, "message"));
        want_cause(a, "FieldValueForbidden", "data", NULL);
        a = put_changed(at, get("%s", at), "immutable", "false");
        want_status(a, 422, "Invalid", NULL);
        want_cause(a, "FieldValueForbidden", "immutable", NULL);
        want_code(put_changed(at, get("%s", at), "metadata.labels", "{'x':'y'}"), 200);
        want_code(del("%s", at), 200);
    }
}

static void f28(void)
{
    const struct answer *a = post("/api/v1/namespaces", "{'metadata':{'name':'n'}}");

    want_code(a, 201);
    want_json(a, "spec.finalizers", "['kubernetes']");
    want_code(put_changed("/api/v1/namespaces/n", a, "spec.finalizers", "[]"), 200);
    want_json(get("/api/v1/namespaces/n"), "spec.finalizers", "['kubernetes']");
    want_code(del("/api/v1/namespaces/n"), 200);
    a = get("/api/v1/namespaces/n");
    want_str(a, "status.phase", "Terminating");
    a = put_changed("/api/v1/namespaces/n/finalize", a, "spec.finalizers", "[]");
    want_code(a, 200);
    want_str(a, "metadata.name", "n");
    want_code(get("/api/v1/namespaces/n"), 404);
}

static const struct row rows[] = {
    {"F01", "PUT with the current RV: 200, new RV", 0, f01},
    {"F02", "PUT with a stale RV: 409 Conflict, details.kind plural", 0, f02},
    {"F03", "PUT of a configmap without RV: unconditional", 0, f03},
    {"F04", "PUT of a CR without RV: 422 (0x0, as v1.32 prints it)", 0, f04},
    {"F05", "PUT of what is not there: 404", 0, f05},
    {"F06", "PUT of a Lease that is not there: 201", 0, f06},
    {"F07", "PUT of the same: 200, same RV, no event", ROW_FAST, f07},
    {"F08", "PUT with another uid: 409 precondition text", 0, f08},
    {"F09", "PUT with another name: 400", 0, f09},
    {"F10", "PUT with another creationTimestamp: ignored", 0, f10},
    {"F11", "PUT without the deletionTimestamp: ignored", 0, f11},
    {"F12", "PUT adds a finalizer while deleting: 422 Forbidden", 0, f12},
    {"F13", "PUT takes the last finalizer while deleting: 200, then 404", 0, f13},
    {"F14", "PUT of a CR's spec: generation+1", 0, f14},
    {"F15", "PUT of labels: generation stays", 0, f15},
    {"F16", "PUT of status at the main resource: ignored", 0, f16},
    {"F17", "the same without status subresource: stored, generation+1", 0, f17},
    {"F18", "PUT /status: status alone, generation stays", 0, f18},
    {"F19", "PUT /status with another spec: ignored", 0, f19},
    {"F20", "PUT /status without the subresource: 404", 0, f20},
    {"F21", "PUT /status with a stale RV: 409", 0, f21},
    {"F22", "PUT /scale: the spec's path, returns Scale", 0, f22},
    {"F23", "GET /scale without the field: 500", 0, f23},
    {"F24", "PUT with generation 99: ignored", 0, f24},
    {"F25", "PUT dryRun=All: 200, old RV, nothing stored", 0, f25},
    {"F26", "PUT with managedFields [] or [{}]: cleared", 0, f26},
    {"F27", "immutable ConfigMap and Secret: 422", 0, f27},
    {"F28", "Namespace /finalize with no finalizers while deleting: removed", ROW_BARE, f28},
};
ROWS_MAIN(rows)
