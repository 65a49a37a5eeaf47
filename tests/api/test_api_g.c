/* G. Patch and apply. */
#include "tests/api/harness.h"

#define GENERIC "the server rejected our request due to an error in our request"
#define CM_HEAD "'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'a'}"
#define WIDGET_HEAD "'apiVersion':'example.com/v1','kind':'Widget','metadata':{'name':'a'}"
#define DEPLOYMENTS "/apis/apps/v1/namespaces/default/deployments"

static bool starts(const char *s, const char *head)
{
    return strncmp(s, head, strlen(head)) == 0;
}

static const struct answer *apply_cm(const char *manager, const char *data)
{
    return apply_patch(text(CMS "/a?fieldManager=%s", manager), "{" CM_HEAD ",'data':%s}", data);
}

static const struct answer *apply_widget(const char *manager, const char *spec)
{
    return apply_patch(text(WIDGETS "/a?fieldManager=%s", manager), "{" WIDGET_HEAD ",'spec':%s}",
                       spec);
}

/* Whether the manager's entry has this path ("f:data.f:k"). */
static bool owns(const struct answer *a, const char *manager, const char *operation,
                 const char *path)
{
    const json_t *entry = managed(a, manager, operation, "");

    return entry && pick(json_object_get(entry, "fieldsV1"), path);
}

static void g01(void)
{
    const struct answer *a;

    want_code(post(CMS, "{'metadata':{'name':'a','labels':{'x':'1','y':'2'}},'data':{'k':'v','l':"
                        "'w'}}"),
              201);
    a = merge_patch(CMS "/a", "{'metadata':{'labels':{'x':null}},'data':{'k':null,'m':'n'}}");
    want_code(a, 200);
    want_json(a, "data", "{'l':'w','m':'n'}");
    want_json(a, "metadata.labels", "{'y':'2'}");
    want_json(merge_patch(CMS "/a", "{'data':null}"), "data", NULL);
}

static void g02(void)
{
    int64_t old = rv(create_cm("a"));
    const struct answer *a;

    want_code(merge_patch(CMS "/a", "{'data':{'k':'1'}}"), 200);
    a = merge_patch(CMS "/a", "{'metadata':{'resourceVersion':'%" PRId64 "'},'data':{'k':'2'}}",
                    old);
    want_status(a, 409, "Conflict",
                "Operation cannot be fulfilled on configmaps 'a': the object has been modified; "
                "please apply your changes to the latest version and try again");
    want_str(get(CMS "/a"), "data.k", "1");
    want_code(merge_patch(CMS "/a", "{'metadata':{'resourceVersion':null},'data':{'k':'2'}}"), 200);
    want_code(merge_patch(CMS "/a",
                          "{'metadata':{'resourceVersion':'%" PRId64 "'},'data':{'k':'3'}}",
                          rv(get(CMS "/a"))),
              200);
}

/* Somebody else writes while the patch is under way. */
static void write_between(void *cookie, enum request_moment moment, const struct request_info *info)
{
    int *left = cookie;
    AUTO(json) json_t *body = json_pack("{s:{s:s}}", "data", "other", "writer");
    const struct api_request req = {.verb = API_PATCH,
                                    .patch = PATCH_MERGE,
                                    .resource = {"", "v1", "configmaps"},
                                    .ns = "default",
                                    .name = "a",
                                    .body = body};
    AUTO(response) struct api_response ret = {0};

    if (moment != REQUEST_BEFORE || info->request->verb != API_PATCH || *left == 0)
        return;
    --*left;
    apiserver_handle(the_server(), &req, &ret);
    want(ret.code == 200, "the other writer: %d", ret.code);
}

static void g03(void)
{
    int writes = 1;
    int64_t before = rv(create_cm("a"));
    const struct answer *a;

    world_on_request(cluster_world(the_cluster()), write_between, &writes);
    a = merge_patch(CMS "/a", "{'data':{'k':'new'}}");
    want(writes == 0, "nobody wrote");
    want_code(a, 200);
    want_json(a, "data", "{'k':'new','other':'writer'}");
    want(rv(a) == before + 2, "two writes");
}

static void g04(void)
{
    const struct answer *a;

    create_cm("a");
    a = json_patch(CMS "/a", "[{'op':'test','path':'/data/k','value':'other'},"
                             "{'op':'replace','path':'/data/k','value':'new'}]");
    want_status(a, 422, "Invalid", GENERIC);
    want_json(a, "details", "{}");
    want_str(get(CMS "/a"), "data.k", "v");
    a = json_patch(CMS "/a", "[{'op':'test','path':'/data/k','value':'v'},"
                             "{'op':'replace','path':'/data/k','value':'new'}]");
    want_code(a, 200);
    want_str(a, "data.k", "new");
}

static void g05(void)
{
    const struct answer *a;

    create_cm("a");
    want_status(json_patch(CMS "/a", "[{'op':'remove','path':'/data/nosuch'}]"), 422, "Invalid",
                GENERIC);
    want_status(json_patch(CMS "/a", "[{'op':'replace','path':'/no/such','value':1}]"), 422,
                "Invalid", GENERIC);
    a = json_patch(CMS "/a", "{'op':'remove'}");
    want_status(a, 400, "BadRequest", NULL);
    want(starts(str(a, "message"), "error decoding patch: "), "%s", str(a, "message"));
    want_status(json_patch(CMS "/a", "[{'op':"), 400, "BadRequest", NULL);
}

static const struct answer *patch_of(unsigned operations)
{
    AUTO(strbuf) struct strbuf body = {0};

    for (unsigned i = 0; i < operations; i++)
        strbuf_addf(&body, "%s{'op':'test','path':'/data/k','value':'v'}", i ? "," : "[");
    strbuf_addstr(&body, "]");
    return json_patch(CMS "/a", "%s", strbuf_str(&body));
}

static void g06(void)
{
    create_cm("a");
    want_status(patch_of(10001), 413, "RequestEntityTooLarge", NULL);
    want_code(patch_of(10000), 200);
}

static void g07(void)
{
    const struct answer *a;

    create_cm("a");
    a = strategic_patch(CMS "/a", "{'data':{'l':'w','k':null}}");
    want_code(a, 200);
    want_json(a, "data", "{'l':'w'}");
    define_widgets();
    create_widget("a");
    a = strategic_patch(WIDGETS "/a", "{'spec':{'size':2}}");
    want_status(a, 415, "UnsupportedMediaType",
                "the body of the request was in an unknown format - accepted media types include: "
                "application/json-patch+json, application/merge-patch+json, "
                "application/apply-patch+yaml");
    want_num(get(WIDGETS "/a"), "spec.size", 1);
}

static void create_deployment(void)
{
    want_code(post(DEPLOYMENTS,
                   "{'metadata':{'name':'a'},'spec':{'replicas':1,'selector':{'matchLabels':{'x':"
                   "'y'}},'template':{'metadata':{'labels':{'x':'y'}},'spec':{'containers':[{'name'"
                   ":'one','image':'i:1','env':[{'name':'A','value':'1'}]},{'name':'two','image':"
                   "'i:2'}]}}}}"),
              201);
}
#define CONTAINERS "spec.template.spec.containers"
#define PATCH_CONTAINERS "{'spec':{'template':{'spec':{'containers':[%s]}}}}"

static void g08(void)
{
    const struct answer *a;

    create_deployment();
    a = strategic_patch(DEPLOYMENTS "/a", PATCH_CONTAINERS,
                        "{'name':'two','image':'i:3'},{'name':'three','image':'i:4'},"
                        "{'name':'one','env':[{'name':'B','value':'2'}]}");
    want_code(a, 200);
    want(count(a, CONTAINERS) == 3, "%zu containers", count(a, CONTAINERS));
    for (unsigned i = 0; i < 3; i++) {
        const char *at = text(CONTAINERS ".%u", i), *name = str(a, text("%s.name", at));

        want_str(a, text("%s.image", at),
                 strcmp(name, "one") == 0   ? "i:1"
                 : strcmp(name, "two") == 0 ? "i:3"
                                            : "i:4");
        if (strcmp(name, "one") == 0)
            want(count(a, text("%s.env", at)) == 2, "the environment is merged by name");
    }
}

static void g09(void)
{
    const struct answer *a;

    create_deployment();
    a = strategic_patch(DEPLOYMENTS "/a", PATCH_CONTAINERS, "{'$patch':'delete','name':'one'}");
    want_code(a, 200);
    want(count(a, CONTAINERS) == 1, "%zu containers", count(a, CONTAINERS));
    want_str(a, CONTAINERS ".0.name", "two");
}

static void g10(void)
{
    static const char missing[] = "configmaps 'x' not found";

    want_status(merge_patch(CMS "/x", "{'data':{}}"), 404, "NotFound", missing);
    want_status(json_patch(CMS "/x", "[]"), 404, "NotFound", missing);
    want_status(strategic_patch(CMS "/x", "{'data':{}}"), 404, "NotFound", missing);
}

static void g11(void)
{
    const struct answer *a = apply_cm("m", "{'k':'v'}");

    want_code(a, 201);
    want_str(a, "data.k", "v");
    want(count(a, "metadata.managedFields") == 1, "one entry");
    want_str(a, "metadata.managedFields.0.manager", "m");
    want_str(a, "metadata.managedFields.0.operation", "Apply");
    want_json(a, "metadata.managedFields.0.fieldsV1", "{'f:data':{'f:k':{}}}");
    define_widgets();
    want_code(apply_widget("m", "{'size':1}"), 201);
}

static void g12(void)
{
    int64_t n = rv(apply_cm("m", "{'k':'v'}"));
    const struct answer *a;

    advance_ms(1500);
    a = apply_cm("m", "{'k':'v'}");
    want_code(a, 200);
    want(rv(a) == n, "a write");
    define_widgets();
    n = rv(apply_widget("m", "{'size':1,'ports':[{'name':'a','port':1}]}"));
    advance_ms(1500);
    want(rv(apply_widget("m", "{'size':1,'ports':[{'name':'a','port':1}]}")) == n, "a write");
}

static void g13(void)
{
    const struct answer *a = apply_patch(CMS "/a", "{" CM_HEAD "}");

    want_status(a, 422, "Invalid",
                "PatchOptions.meta.k8s.io '' is invalid: fieldManager: Required value: is required "
                "for apply patch");
    want_cause(a, "FieldValueRequired", "fieldManager", NULL);
}

static void g14(void)
{
    const struct answer *a;

    want_code(post(CMS "?fieldManager=other", "{'metadata':{'name':'a'},'data':{'k':'v','l':'w'}}"),
              201);
    a = apply_cm("m", "{'k':'new'}");
    want_status(a, 409, "Conflict",
                "Apply failed with 1 conflict: conflict with 'other' using v1: .data.k");
    want(count(a, "details.causes") == 1, "one cause");
    want_cause(a, "FieldManagerConflict", ".data.k", "conflict with 'other' using v1");
    want_json(a, "details.name", NULL);
    want_json(a, "details.kind", NULL);
    want_str(get(CMS "/a"), "data.k", "v");
    a = apply_cm("m", "{'k':'new','l':'new'}");
    want_status(a, 409, "Conflict",
                "Apply failed with 2 conflicts: conflicts with 'other' using v1:\n- .data.k\n- "
                ".data.l");
    want(count(a, "details.causes") == 2, "two causes");
}

static void g15(void)
{
    const struct answer *a;

    want_code(post(CMS "?fieldManager=other", "{'metadata':{'name':'a'},'data':{'k':'v','l':'w'}}"),
              201);
    a = apply_patch(CMS "/a?fieldManager=m&force=true", "{" CM_HEAD ",'data':{'k':'new'}}");
    want_code(a, 200);
    want_json(a, "data", "{'k':'new','l':'w'}");
    want(owns(a, "m", "Apply", "f:data.f:k"), "m owns k");
    want(!owns(a, "other", "Update", "f:data.f:k"), "other owns k still");
    want(owns(a, "other", "Update", "f:data.f:l"), "other has lost l");
}

static void g16(void)
{
    const struct answer *a;

    apply_cm("m", "{'k':'v','l':'w'}");
    a = apply_cm("m", "{'k':'v'}");
    want_code(a, 200);
    want_json(a, "data", "{'k':'v'}");
    want(!owns(a, "m", "Apply", "f:data.f:l"), "m owns l still");
    define_widgets();
    apply_widget("m", "{'size':1,'ports':[{'name':'a','port':1},{'name':'b','port':2}]}");
    a = apply_widget("m", "{'ports':[{'name':'b','port':2}]}");
    want_json(a, "spec", "{'ports':[{'name':'b','port':2}]}");
}

static void g17(void)
{
    const struct answer *a;

    apply_cm("m", "{'k':'v','l':'w'}");
    want_code(apply_cm("n", "{'l':'w'}"), 200);
    a = apply_cm("m", "{'k':'v'}");
    want_json(a, "data", "{'k':'v','l':'w'}");
    want(!owns(a, "m", "Apply", "f:data.f:l"), "m owns l still");
    want(owns(a, "n", "Apply", "f:data.f:l"), "n does not own l");
    a = apply_patch(CMS "/a?fieldManager=n", "{" CM_HEAD "}");
    want_json(a, "data", "{'k':'v'}");
    want(!managed(a, "n", "Apply", ""), "n owns something still");
}

static void g18(void)
{
    const struct answer *a;

    apply_cm("m", "{'k':'v'}");
    a = apply_cm("n", "{'k':'v'}");
    want_code(a, 200);
    want(owns(a, "m", "Apply", "f:data.f:k") && owns(a, "n", "Apply", "f:data.f:k"), "not shared");
    a = apply_cm("n", "{'k':'new'}");
    want_status(a, 409, "Conflict", "Apply failed with 1 conflict: conflict with 'm': .data.k");
}

static void g19(void)
{
    create_cm("a");
    want_status(apply_patch(CMS "/a?fieldManager=m",
                            "{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'a',"
                            "'managedFields':[{'manager':'m','operation':'Apply','apiVersion':"
                            "'v1','fieldsType':'FieldsV1','fieldsV1':{}}]}}"),
                400, "BadRequest", "metadata.managedFields must be nil");
}

static void g20(void)
{
    const struct answer *a;

    define_widgets();
    a = apply_patch(WIDGETS "/a?fieldManager=m",
                    "{'apiVersion':'example.com/v2','kind':'Widget','metadata':{'name':'a'}}");
    want_status(a, 400, "BadRequest", "invalid object type: example.com/v2, Kind=Widget");
    want_code(get(WIDGETS "/a"), 404);
    want_code(apply_patch(CMS "/a?fieldManager=m",
                          "{'apiVersion':'apps/v1','kind':'ConfigMap','metadata':{'name':'a'}}"),
              400);
}

static void g21(void)
{
    const struct answer *a;

    create_cm("a");
    a = merge_patch(CMS "/a?force=true", "{'data':{'k':'new'}}");
    want_status(a, 422, "Invalid",
                "PatchOptions.meta.k8s.io '' is invalid: force: Forbidden: may not be specified "
                "for non-apply patch");
    want_cause(a, "FieldValueForbidden", "force", NULL);
    want_str(get(CMS "/a"), "data.k", "v");
}

static void g22(void)
{
    const struct answer *a;

    define_widgets();
    apply_widget("m", "{'ports':[{'name':'a','port':1},{'name':'b','port':2}]}");
    a = apply_widget("n", "{'ports':[{'name':'c','port':3},{'name':'b','port':2}]}");
    want_code(a, 200);
    want(count(a, "spec.ports") == 3, "%zu ports", count(a, "spec.ports"));
    want(owns(a, "n", "Apply", "f:spec.f:ports.k:{\"name\":\"c\"}.f:port"), "n owns port c");
    want(!owns(a, "n", "Apply", "f:spec.f:ports.k:{\"name\":\"a\"}"), "n owns a");
    want(owns(a, "m", "Apply", "f:spec.f:ports.k:{\"name\":\"a\"}.f:port"), "m owns port a");
    a = apply_widget("n", "{'ports':[{'name':'b','port':9}]}");
    want_status(a, 409, "Conflict",
                "Apply failed with 1 conflict: conflict with 'm': .spec.ports[name='b'].port");
    a = apply_widget("n", "{'ports':[{'name':'b','port':2}]}");
    want_json(a, "spec.ports", "[{'name':'a','port':1},{'name':'b','port':2}]");
}

static void g23(void)
{
    const struct answer *a;

    define_widgets();
    apply_widget("m", "{'args':['x','y']}");
    a = apply_widget("n", "{'args':['z']}");
    want_status(a, 409, "Conflict", "Apply failed with 1 conflict: conflict with 'm': .spec.args");
    a = apply_patch(WIDGETS "/a?fieldManager=n&force=true",
                    "{" WIDGET_HEAD ",'spec':{'args':['z']}}");
    want_code(a, 200);
    want_json(a, "spec.args", "['z']");
    want(owns(a, "n", "Apply", "f:spec.f:args"), "n owns the list");
    want(!owns(a, "m", "Apply", "f:spec.f:args"), "m owns the list still");
}

static void g24(void)
{
    const struct answer *a;
    const json_t *entry;

    define_widgets();
    want_code(apply_patch(WIDGETS "/a/status?fieldManager=m", "{" WIDGET_HEAD ",'status':{'n':1}}"),
              404);
    create_widget("a");
    a = apply_patch(WIDGETS "/a/status?fieldManager=m",
                    "{" WIDGET_HEAD ",'spec':{'size':9},'status':{'n':1}}");
    want_code(a, 200);
    want_num(a, "status.n", 1);
    want_num(a, "spec.size", 1);
    entry = managed(a, "m", "Apply", "status");
    want(entry, "no entry of the status subresource");
    want(json_object_size(json_object_get(entry, "fieldsV1")) == 1 &&
             pick(entry, "fieldsV1.f:status.f:n"),
         "it owns more than status");
    define_plains();
    want_code(
        post(PLAINS, "{'apiVersion':'example.com/v1','kind':'Plain','metadata':{'name':'a'}}"),
        201);
    want_code(apply_patch(PLAINS "/a/status?fieldManager=m",
                          "{'apiVersion':'example.com/v1','kind':'Plain','metadata':{'name':'a'},"
                          "'status':{'n':1}}"),
              404);
}

static void g25(void)
{
    const struct answer *a;

    define_widgets();
    a = apply_patch(WIDGETS "/a?fieldManager=m",
                    "{'apiVersion':'example.com/v1','kind':'Widget','metadata':{'name':'a',"
                    "'namespace':'default'},'spec':{'nosuch':1}}");
    want_status(a, 500, "",
                "failed to create typed patch object (default/a; example.com/v1, Kind=Widget): "
                ".spec.nosuch: field not declared in schema");
    /* the namespace is the one that the patch names */
    want_status(apply_widget("m", "{'nosuch':1}"), 500, "",
                "failed to create typed patch object (/a; example.com/v1, Kind=Widget): "
                ".spec.nosuch: field not declared in schema");
    want_code(get(WIDGETS "/a"), 404);
    a = apply_patch(CMS "/a?fieldManager=m", "{" CM_HEAD ",'nosuch':1}");
    want_status(a, 500, "", NULL);
    want(strstr(str(a, "message"), ".nosuch: field not declared in schema"), "%s",
         str(a, "message"));
}

static void g26(void)
{
    const struct answer *a;

    apiserver_track_fields(the_server(), false);
    want_json(create_cm("a"), "metadata.managedFields", NULL);
    apiserver_track_fields(the_server(), true);
    a = apply_cm("m", "{'l':'w'}");
    want_code(a, 200);
    want_json(a, "data", "{'k':'v','l':'w'}");
    want(owns(a, "before-first-apply", "Update", "f:data.f:k"), "no entry of before-first-apply");
    want(owns(a, "m", "Apply", "f:data.f:l"), "m owns l");
    want(!owns(a, "m", "Apply", "f:data.f:k"), "m owns k");
    want_status(apply_cm("m", "{'k':'new'}"), 409, "Conflict",
                "Apply failed with 1 conflict: conflict with 'before-first-apply' using v1: "
                ".data.k");
}

static void g27(void)
{
    const struct answer *a = create_cm("a");

    for (unsigned i = 1; i < 10; i++) {
        a = merge_patch(text(CMS "/a?fieldManager=m%02u", i), "{'data':{'k%02u':'v'}}", i);
        want_code(a, 200);
        advance_ms(1000);
    }
    want(count(a, "metadata.managedFields") == 10, "%zu entries",
         count(a, "metadata.managedFields"));
    want(!managed(a, "ancient-changes", "Update", ""), "too early");
    a = merge_patch(CMS "/a?fieldManager=m10", "{'data':{'k10':'v'}}");
    want(count(a, "metadata.managedFields") == 10, "%zu entries",
         count(a, "metadata.managedFields"));
    want(owns(a, "ancient-changes", "Update", "f:data.f:k") &&
             owns(a, "ancient-changes", "Update", "f:data.f:k01"),
         "the oldest two are not together");
    want(!managed(a, "m01", "Update", "") && managed(a, "m10", "Update", ""), "who is left");
}

static void want_strict(const struct answer *a, const char *field)
{
    want_code(a, 422);
    want_str(a, "reason", "Invalid");
    want(strstr(str(a, "message"), text("strict decoding error: unknown field \"%s\"", field)),
         "%s", str(a, "message"));
    want_cause(a, "FieldValueInvalid", "patch", NULL);
}

static void g28(void)
{
    define_widgets();
    create_widget("a");
    create_cm("a");
    want_strict(merge_patch(WIDGETS "/a?fieldValidation=Strict", "{'spec':{'nosuch':1}}"),
                "spec.nosuch");
    want_strict(json_patch(WIDGETS "/a?fieldValidation=Strict",
                           "[{'op':'add','path':'/spec/nosuch','value':1}]"),
                "spec.nosuch");
    want_strict(strategic_patch(CMS "/a?fieldValidation=Strict", "{'nosuch':1}"), "nosuch");
    want_header(merge_patch(WIDGETS "/a", "{'spec':{'nosuch':1}}"), "Warning",
                "299 - \"unknown field \\\"spec.nosuch\\\"\"");
    want_json(get(WIDGETS "/a"), "spec", "{'size':1}");
}

static void g29(void)
{
    const char *uid = str(create_cm("a"), "metadata.uid");
    const struct answer *a;

    want_code(del(CMS "/a"), 200);
    a = apply_patch(CMS "/a?fieldManager=m",
                    "{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'a','uid':'%s'}}",
                    uid);
    want_status(a, 409, "Conflict", NULL);
    want(strstr(str(a, "message"), text("uid mismatch: the provided object specified uid %s, and "
                                        "no existing object was found",
                                        uid)),
         "%s", str(a, "message"));
    want_code(get(CMS "/a"), 404);
}

static void g30(void)
{
    const struct answer *a;

    create_cm("a");
    a = ask("PATCH", CMS "/a", "Content-Type: application/json", "{'data':{'k':'new'}}");
    want_status(a, 415, "UnsupportedMediaType",
                "the body of the request was in an unknown format - accepted media types include: "
                "application/json-patch+json, application/merge-patch+json, "
                "application/strategic-merge-patch+json, application/apply-patch+yaml");
    want_str(get(CMS "/a"), "data.k", "v");
}

static const struct row rows[] = {
    {"G01", "merge patch, null: removed", 0, g01},
    {"G02", "merge patch with a stale RV inside: 409", 0, g02},
    {"G03", "merge patch without RV while another writes: 200", ROW_FAULTS, g03},
    {"G04", "JSON patch, test fails: 422 generic text, details {}", 0, g04},
    {"G05", "JSON patch, bad path: 422; undecodable: 400", 0, g05},
    {"G06", "JSON patch of 10001 operations: 413", 0, g06},
    {"G07", "strategic patch: 200 for a configmap, 415 for a CR", 0, g07},
    {"G08", "strategic patch: containers by name, others kept", 0, g08},
    {"G09", "strategic patch, $patch: delete", 0, g09},
    {"G10", "patches of what is not there: 404", 0, g10},
    {"G11", "apply of what is not there: 201, entry Apply", 0, g11},
    {"G12", "apply again: 200, same RV", ROW_FAST, g12},
    {"G13", "apply without fieldManager: 422 PatchOptions", 0, g13},
    {"G14", "apply of another's value: 409, FieldManagerConflict", 0, g14},
    {"G15", "force: 200, the other loses the field", 0, g15},
    {"G16", "what is no longer applied: removed", 0, g16},
    {"G17", "what another owns too: kept", 0, g17},
    {"G18", "the same value by two: shared", 0, g18},
    {"G19", "apply with managedFields: 400", 0, g19},
    {"G20", "apply with another apiVersion: 400 invalid object type (told first)", 0, g20},
    {"G21", "force on a merge patch: 422", 0, g21},
    {"G22", "list map: merged by key, in any order", 0, g22},
    {"G23", "atomic list: replaced, one owner", 0, g23},
    {"G24", "apply to /status: owns f:status alone, subresource status", 0, g24},
    {"G25", "apply of a field that the schema does not have: 500 typed patch", 0, g25},
    {"G26", "first apply to an untracked object: before-first-apply", 0, g26},
    {"G27", "11 managers of updates: ancient-changes", ROW_FAST, g27},
    {"G28", "patch, Strict, unknown field: 422 cause field patch", 0, g28},
    {"G29", "apply with the uid of a deleted object: 409 uid mismatch", 0, g29},
    {"G30", "PATCH as application/json: 415", 0, g30},
};
ROWS_MAIN(rows)
