/* C. Create. */
#include "tests/api/harness.h"

#define SYMBOLS "bcdfghjklmnpqrstvwxz2456789"
#define WIDGET_HEAD "'apiVersion':'example.com/v1','kind':'Widget',"

static const struct answer *post_widget(const char *query, const char *rest)
{
    return post(text(WIDGETS "%s", query), "{" WIDGET_HEAD "%s}", rest);
}

static bool starts(const char *s, const char *head)
{
    return strncmp(s, head, strlen(head)) == 0;
}

static bool ends(const char *s, const char *tail)
{
    return strlen(s) >= strlen(tail) && strcmp(s + strlen(s) - strlen(tail), tail) == 0;
}

static void c01(void)
{
    const struct answer *a = create_cm("a");

    want(strlen(str(a, "metadata.uid")) == 36 && str(a, "metadata.uid")[14] == '4', "uid %s",
         str(a, "metadata.uid"));
    want(strlen(str(a, "metadata.creationTimestamp")) == 20, "creationTimestamp %s",
         str(a, "metadata.creationTimestamp"));
    want(rv(a) > 0, "resourceVersion");
    want_str(a, "metadata.namespace", "default");
    want(count(a, "metadata.managedFields") == 1, "one entry");
    want_str(a, "metadata.managedFields.0.operation", "Update");
    want_str(a, "metadata.managedFields.0.apiVersion", "v1");
    want_str(a, "metadata.managedFields.0.fieldsType", "FieldsV1");
    want_json(a, "metadata.managedFields.0.fieldsV1", "{'f:data':{'.':{},'f:k':{}}}");
    want_json(a, "metadata.managedFields.0.subresource", NULL);
    want(json_equal(pick(get(CMS "/a")->json, "metadata"), pick(a->json, "metadata")),
         "what is stored differs from what was answered");
}

static void c02(void)
{
    const struct answer *a;

    create_cm("a");
    a = post(CMS, "{'metadata':{'name':'a'}}");
    want_status(a, 409, "AlreadyExists", "configmaps 'a' already exists");
    want_str(a, "details.name", "a");
    want_str(a, "details.kind", "configmaps");
    define_widgets();
    create_widget("a");
    want_status(post_widget("", "'metadata':{'name':'a'}"), 409, "AlreadyExists",
                "widgets.example.com 'a' already exists");
}

static void c03(void)
{
    want_status(post(CMS, "{'metadata':{'name':'a','resourceVersion':'5'}}"), 500, "",
                "resourceVersion should not be set on objects to be created");
    want_code(get(CMS "/a"), 404);
    want_code(post(CMS, "{'metadata':{'name':'a','resourceVersion':'0'}}"), 201);
}

static void c04(void)
{
    const struct answer *a =
        post(CMS, "{'metadata':{'name':'a','uid':'00000000-0000-4000-8000-000000000000',"
                  "'creationTimestamp':'2001-01-01T00:00:00Z','deletionTimestamp':"
                  "'2001-01-01T00:00:00Z','deletionGracePeriodSeconds':5,'selfLink':'/x'}}");

    want_code(a, 201);
    want(strcmp(str(a, "metadata.uid"), "00000000-0000-4000-8000-000000000000") != 0, "the uid");
    want(strcmp(str(a, "metadata.creationTimestamp"), "2001-01-01T00:00:00Z") != 0, "the time");
    want_json(a, "metadata.deletionTimestamp", NULL);
    want_json(a, "metadata.deletionGracePeriodSeconds", NULL);
    want_json(a, "metadata.selfLink", NULL);
}

static void want_generated(const struct answer *a, const char *base)
{
    const char *name = str(a, "metadata.name");
    size_t n = strlen(base);

    want_code(a, 201);
    want(strncmp(name, base, n) == 0 && strlen(name) == n + 5 && strspn(name + n, SYMBOLS) == 5,
         "name '%s'", name);
}

static void c05(void)
{
    const struct answer *a = post(CMS, "{'metadata':{'generateName':'a-'}}"), *b;

    want_generated(a, "a-");
    want_str(a, "metadata.generateName", "a-");
    b = post(CMS, "{'metadata':{'generateName':'a-'}}");
    want_generated(b, "a-");
    want(strcmp(str(a, "metadata.name"), str(b, "metadata.name")) != 0, "the same name");
    want_code(get(CMS "/%s", str(a, "metadata.name")), 200);
    a = post(CMS, "{'metadata':{'name':'n','generateName':'a-'}}");
    want_str(a, "metadata.name", "n");
}

static void c06(void)
{
    static const char base[] = "a23456789012345678901234567890123456789012345678901234567890abc";
    const struct answer *a = post(CMS, "{'metadata':{'generateName':'%s'}}", base);

    want_generated(a, text("%.58s", base));
    want_str(a, "metadata.generateName", base);
}

/* The names that this server will draw: a twin with the same seed draws the same. */
static void take_next_names(unsigned n)
{
    AUTO(sched)
    struct sched *s = sched_create(&(struct sched_config){.seed = 1, .start_ns = WORLD_START_NS});
    struct apiserver *twin = apiserver_create(s, "main");
    AUTO(json) json_t *body = json_pack("{s:{s:s}}", "metadata", "generateName", "a-");

    for (unsigned i = 0; i < n; i++) {
        const struct api_request req = {.verb = API_CREATE,
                                        .resource = {"", "v1", "configmaps"},
                                        .ns = "default",
                                        .body = body};
        AUTO(response) struct api_response ret = {0};

        apiserver_handle(twin, &req, &ret);
        want(ret.code == 201, "the twin: %d", ret.code);
        create_cm(json_str_or_empty(ret.body, "metadata.name"));
    }
    apiserver_destroy(twin);
}

static void c07(void)
{
    const struct answer *a;

    take_next_names(8);
    a = post(CMS, "{'metadata':{'generateName':'a-'}}");
    want_status(a, 409, "AlreadyExists", NULL);
    want(ends(str(a, "message"), "\" already exists, the server was not able to generate a unique "
                                 "name for the object"),
         "%s", str(a, "message"));
    want(starts(str(a, "message"), "configmaps \"a-"), "%s", str(a, "message"));
    want_num(a, "details.retryAfterSeconds", 1);
    want_header(a, "Retry-After", "1");
    want_generated(post(CMS, "{'metadata':{'generateName':'a-'}}"), "a-");
}

static void c08(void)
{
    const struct answer *a = post(CMS, "{'data':{}}");

    want_status(a, 422, "Invalid",
                "ConfigMap '' is invalid: metadata.name: Required value: name or generateName is "
                "required");
    want_cause(a, "FieldValueRequired", "metadata.name",
               "Required value: name or generateName is required");
    want_str(a, "details.kind", "ConfigMap");
}

#define SUBDOMAIN                                                                                  \
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, `-` or "   \
    "`.`, and must start and end with an alphanumeric character (e.g. `example.com`, regex used "  \
    "for validation is `[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*`)"

static void c09(void)
{
    const struct answer *a = post(CMS, "{'metadata':{'name':'A_B'}}");

    want_status(a, 422, "Invalid",
                "ConfigMap 'A_B' is invalid: metadata.name: Invalid value: 'A_B': " SUBDOMAIN);
    want_cause(a, "FieldValueInvalid", "metadata.name", "Invalid value: 'A_B': " SUBDOMAIN);
    define_widgets();
    want_status(post_widget("", "'metadata':{'name':'A_B'}"), 422, "Invalid",
                "Widget.example.com 'A_B' is invalid: metadata.name: Invalid value: "
                "'A_B': " SUBDOMAIN);
}

static void c10(void)
{
    want_status(post(CMS, "{'metadata':{'name':'a','namespace':'other'}}"), 400, "BadRequest",
                "the namespace of the provided object does not match the namespace sent on the "
                "request");
}

static void c11(void)
{
    const struct answer *a =
        post("/api/v1/namespaces", "{'metadata':{'name':'n','namespace':'elsewhere'}}");

    want_code(a, 201);
    want_json(a, "metadata.namespace", NULL);
    define("dots", "Dot", "c", NULL);
    a = post(
        "/apis/example.com/v1/dots",
        "{'apiVersion':'example.com/v1','kind':'Dot','metadata':{'name':'a','namespace':'x'}}");
    want_code(a, 201);
    want_json(a, "metadata.namespace", NULL);
}

static void c12(void)
{
    const struct answer *a = post("/api/v1/namespaces/x/configmaps", "{'metadata':{'name':'a'}}");

    want_status(a, 404, "NotFound", "namespaces 'x' not found");
    want_str(a, "details.name", "x");
    want_str(a, "details.kind", "namespaces");
}

static void c13(void)
{
    const struct answer *a;

    want_code(post("/api/v1/namespaces", "{'metadata':{'name':'x'}}"), 201);
    want_code(post("/api/v1/namespaces/x/configmaps",
                   "{'metadata':{'name':'a','finalizers':['example.com/hold']}}"),
              201);
    want_code(del("/api/v1/namespaces/x"), 200);
    settle();
    a = post("/api/v1/namespaces/x/configmaps", "{'metadata':{'name':'b'}}");
    want_status(a, 403, "Forbidden",
                "configmaps 'b' is forbidden: unable to create new content in namespace x because "
                "it is being terminated");
    want_cause(a, "NamespaceTerminating", "metadata.namespace", "namespace x is being terminated");
}

static void c14(void)
{
    want_status(post(CMS, "{'apiVersion':'apps/v1','kind':'Deployment','metadata':{'name':'a'}}"),
                400, "BadRequest",
                "the API version in the data (apps/v1) does not match the expected API version "
                "(v1)");
    want_code(get(CMS "/a"), 404);
}

static void c15(void)
{
    want_status(post(CMS, "{'metadata':{'name':"), 400, "BadRequest", NULL);
    want_status(post(CMS, "no json"), 400, "BadRequest", NULL);
    want_status(post(CMS, "{'metadata':{'name':7}}"), 400, "BadRequest", NULL);
}

static void c16(void)
{
    const struct answer *a;

    define_widgets();
    a = post(WIDGETS, "{'apiVersion':'example.com/v1','kind':'Gadget','metadata':{'name':'a'}}");
    want_code(a, 422);
    want_str(a, "reason", "Invalid");
    want_cause(a, "FieldValueInvalid", "kind", "Invalid value: 'Gadget': must be Widget");
}

static void c17(void)
{
    const struct answer *a;

    define_widgets();
    a = post_widget("", "'metadata':{'name':'a'},'spec':{'size':1},'status':{'ready':true}");
    want_code(a, 201);
    want_json(a, "status", NULL);
    want_num(a, "metadata.generation", 1);
    want_json(get(WIDGETS "/a"), "status", NULL);
}

static void c18(void)
{
    const struct answer *a;

    define_plains();
    a = post(PLAINS, "{'apiVersion':'example.com/v1','kind':'Plain','metadata':{'name':'a',"
                     "'generation':7},'status':{'ready':true}}");
    want_code(a, 201);
    want_json(a, "status", "{'ready':true}");
    want_num(a, "metadata.generation", 1);
}

static void c19(void)
{
    want_json(create_cm("a"), "metadata.generation", NULL);
    want_json(post(DEFAULT_NS "secrets", "{'metadata':{'name':'a','generation':3}}"),
              "metadata.generation", NULL);
}

static void c20(void)
{
    int64_t before = apiserver_revision(the_server());
    const struct answer *a = post(CMS "?dryRun=All", "{'metadata':{'name':'a'},'data':{'k':'v'}}");

    want_code(a, 201);
    want_str(a, "metadata.name", "a");
    want_some(a, "metadata.uid");
    want_json(a, "metadata.resourceVersion", NULL);
    want_code(get(CMS "/a"), 404);
    want(apiserver_revision(the_server()) == before, "the counter moved");
    want_code(post(CMS "?dryRun=All", "{'metadata':{'name':'A_B'}}"), 422);
    want_generated(post(CMS "?dryRun=All", "{'metadata':{'generateName':'a-'}}"), "a-");
}

static void c21(void)
{
    const struct answer *a = post(CMS "?dryRun=x", "{'metadata':{'name':'a'}}");

    want_status(a, 422, "Invalid", NULL);
    want(starts(str(a, "message"),
                "CreateOptions.meta.k8s.io \"\" is invalid: dryRun: Unsupported value: ") &&
             ends(str(a, "message"), ": supported values: \"All\""),
         "%s", str(a, "message"));
    want_cause(a, "FieldValueNotSupported", "dryRun", NULL);
    want_str(a, "details.kind", "CreateOptions");
    want_code(get(CMS "/a"), 404);
}

static void c22(void)
{
    const struct answer *a;

    want_code(post(CMS, "{'metadata':{'name':'a','finalizers':['example.com/hold']}}"), 201);
    want_code(del(CMS "/a"), 200);
    a = post(CMS, "{'metadata':{'name':'a'}}");
    want_status(a, 409, "AlreadyExists", "object is being deleted: configmaps 'a' already exists");
}

#define OWNER(kind, name, uid, more)                                                               \
    "{'apiVersion':'v1','kind':'" kind "','name':'" name "','uid':'" uid "'" more "}"

static void c23(void)
{
    const struct answer *a =
        post(CMS, "{'metadata':{'name':'a','ownerReferences':[" OWNER(
                      "A", "x", "u1", ",'controller':true") "," OWNER("B", "y", "u2",
                                                                      ",'controller':true") "]}}");

    want_status(a, 422, "Invalid", NULL);
    want(strstr(str(a, "message"), "Only one reference can have Controller set to true. Found "
                                   "\"true\" in references for A/x and B/y"),
         "%s", str(a, "message"));
    want_cause(a, "FieldValueInvalid", "metadata.ownerReferences", NULL);
}

static void c24(void)
{
    const struct answer *a = post(CMS, "{'metadata':{'name':'a','ownerReferences':[" OWNER(
                                           "A", "x", "u1", "") "," OWNER("A", "x", "u1", "") "]}}");

    want_code(a, 201);
    want(count(a, "metadata.ownerReferences") == 1, "%zu references",
         count(a, "metadata.ownerReferences"));
    want(header(a, "Warning"), "no Warning");
    want(starts(header(a, "Warning"), "299 - \"") && strstr(header(a, "Warning"), "u1"), "%s",
         header(a, "Warning"));
}

static void c25(void)
{
    AUTO(strbuf) struct strbuf big = {0};
    const struct answer *a;

    while (big.len < 262144 - 1)
        strbuf_addch(&big, 'v');
    want_code(post(CMS, "{'metadata':{'name':'fits','annotations':{'k':'%s'}}}", strbuf_str(&big)),
              201);
    a = post(CMS, "{'metadata':{'name':'a','annotations':{'k':'%sx'}}}", strbuf_str(&big));
    want_status(a, 422, "Invalid",
                "ConfigMap 'a' is invalid: metadata.annotations: Too long: may not be more than "
                "262144 bytes");
    want_cause(a, "FieldValueTooLong", "metadata.annotations",
               "Too long: may not be more than 262144 bytes");
}

static void c26(void)
{
    const struct answer *a = post(CMS, "{'metadata':{'name':'a','labels':{'l':'a b'}}}");

    want_status(a, 422, "Invalid",
                "ConfigMap 'a' is invalid: metadata.labels: Invalid value: 'a b': a valid label "
                "must be an empty string or consist of alphanumeric characters, `-`, `_` or `.`, "
                "and must start and end with an alphanumeric character (e.g. `MyValue`,  or "
                "`my_value`,  or `12345`, regex used for validation is "
                "`(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?`)");
    want_cause(a, "FieldValueInvalid", "metadata.labels", NULL);
}

static void c27(void)
{
    const struct answer *a;

    define_widgets();
    a = post_widget("", "'metadata':{'name':'a','finalizers':['foo']}");
    want_code(a, 201);
    want_header(a, "Warning",
                "299 - \"metadata.finalizers: \\\"foo\\\": prefer a domain-qualified finalizer "
                "name to avoid accidental conflicts with other finalizer writers\"");
    a = post_widget("", "'metadata':{'name':'b','finalizers':['example.com/foo']}");
    want_code(a, 201);
    want_header(a, "Warning", NULL);
}

static void c28(void)
{
    const struct answer *a =
        post(DEFAULT_NS "services", "{'metadata':{'name':'1a'},'spec':{'ports':[{'port':80}]}}");

    want_status(a, 422, "Invalid",
                "Service '1a' is invalid: metadata.name: Invalid value: '1a': a DNS-1035 label "
                "must consist of lower case alphanumeric characters or `-`, start with an "
                "alphabetic character, and end with an alphanumeric character (e.g. `my-name`,  "
                "or `abc-123`, regex used for validation is `[a-z]([-a-z0-9]*[a-z0-9])?`)");
    want_cause(a, "FieldValueInvalid", "metadata.name", NULL);
}

static void c29(void)
{
    const struct answer *a;

    define_widgets();
    a = post_widget("?fieldValidation=Strict",
                    "'metadata':{'name':'a'},'spec':{'x':1,'size':2,'y':3}");
    want_status(a, 400, "BadRequest", NULL);
    want(ends(str(a, "message"),
              "strict decoding error: unknown field \"spec.x\", unknown field \"spec.y\""),
         "%s", str(a, "message"));
    want_code(get(WIDGETS "/a"), 404);
    a = post(CMS "?fieldValidation=Strict", "{'metadata':{'name':'a'},'nosuch':1}");
    want_status(a, 400, "BadRequest",
                "ConfigMap in version 'v1' cannot be handled as a ConfigMap: strict decoding "
                "error: unknown field 'nosuch'");
    want_code(get(CMS "/a"), 404);
}

static void c30(void)
{
    const struct answer *a;

    define_widgets();
    a = post_widget("", "'metadata':{'name':'a'},'spec':{'x':1,'size':2}");
    want_code(a, 201);
    want_header(a, "Warning", "299 - \"unknown field \\\"spec.x\\\"\"");
    want_json(a, "spec", "{'size':2}");
    a = post(CMS "?fieldValidation=Warn", "{'metadata':{'name':'a'},'nosuch':1}");
    want_code(a, 201);
    want_header(a, "Warning", "299 - \"unknown field \\\"nosuch\\\"\"");
    want_json(a, "nosuch", NULL);
}

static void c31(void)
{
    const struct answer *a;

    define_widgets();
    a = post_widget("?fieldValidation=Ignore", "'metadata':{'name':'a'},'spec':{'x':1,'size':2}");
    want_code(a, 201);
    want_header(a, "Warning", NULL);
    want_json(a, "spec", "{'size':2}");
    a = post(CMS "?fieldValidation=Ignore", "{'metadata':{'name':'a'},'nosuch':1}");
    want_code(a, 201);
    want_header(a, "Warning", NULL);
}

static void c32(void)
{
    const struct answer *a = post(CMS "?fieldValidation=foo", "{'metadata':{'name':'a'}}");

    want_status(a, 422, "Invalid", NULL);
    want(starts(str(a, "message"), "CreateOptions.meta.k8s.io \"\" is invalid: fieldValidation: "
                                   "Unsupported value: \"foo\": supported values: "),
         "%s", str(a, "message"));
    want_cause(a, "FieldValueNotSupported", "fieldValidation", NULL);
    want_code(get(CMS "/a"), 404);
}

static void c33(void)
{
    const struct answer *a;

    define_widgets();
    a = post_widget("?fieldValidation=Strict",
                    "'metadata':{'name':'a'},'spec':{'size':1,'size':2}");
    want_status(a, 400, "BadRequest", NULL);
    want(ends(str(a, "message"), "strict decoding error: duplicate field \"spec.size\""), "%s",
         str(a, "message"));
    a = post(CMS "?fieldValidation=Strict", "{'metadata':{'name':'a'},'data':{},'data':{}}");
    want_status(a, 400, "BadRequest", NULL);
    want(ends(str(a, "message"), "strict decoding error: duplicate field \"data\""), "%s",
         str(a, "message"));
    a = post(CMS, "{'metadata':{'name':'a'},'data':{},'data':{'k':'last'}}");
    want_code(a, 201);
    want_header(a, "Warning", "299 - \"duplicate field \\\"data\\\"\"");
    want_str(a, "data.k", "last");
}

static void c34(void)
{
    AUTO(strbuf) struct strbuf name = {0};
    const struct answer *a;

    while (name.len < 128)
        strbuf_addch(&name, 'm');
    want_code(post(text(CMS "?fieldManager=%s", strbuf_str(&name)), "{'metadata':{'name':'fits'}}"),
              201);
    a = post(text(CMS "?fieldManager=%sm", strbuf_str(&name)), "{'metadata':{'name':'a'}}");
    want_status(a, 422, "Invalid",
                "CreateOptions.meta.k8s.io '' is invalid: fieldManager: Too long: may not be more "
                "than 128 bytes");
    want_cause(a, "FieldValueTooLong", "fieldManager", NULL);
}

static void c35(void)
{
    const struct answer *a =
        ask("POST", CMS, "User-Agent: foo/1.2", "{'metadata':{'name':'a'},'data':{'k':'v'}}");

    want_code(a, 201);
    want(managed(a, "foo", "Update", ""), "no entry of foo");
    a = ask("POST", CMS "?fieldManager=given", "User-Agent: foo/1.2",
            "{'metadata':{'name':'b'},'data':{'k':'v'}}");
    want(managed(a, "given", "Update", ""), "no entry of given");
    want(!managed(a, "foo", "Update", ""), "an entry of foo");
}

static const struct row rows[] = {
    {"C01", "POST: uid, creationTimestamp, resourceVersion, managedFields Update", 0, c01},
    {"C02", "again: 409 AlreadyExists", 0, c02},
    {"C03", "with resourceVersion: 500 without reason", 0, c03},
    {"C04", "uid, creationTimestamp, deletionTimestamp: replaced or cleared", 0, c04},
    {"C05", "generateName: five of 27 symbols, generateName kept", 0, c05},
    {"C06", "generateName of 63: base cut to 58", 0, c06},
    {"C07", "the generator collides 8 times: 409, retryAfterSeconds 1", ROW_BARE, c07},
    {"C08", "neither name nor generateName: 422", 0, c08},
    {"C09", "name A_B: 422 subdomain text", 0, c09},
    {"C10", "the body's namespace differs: 400", 0, c10},
    {"C11", "cluster-scoped with a namespace: cleared", 0, c11},
    {"C12", "no such namespace: 404", 0, c12},
    {"C13", "namespace terminating: 403, cause NamespaceTerminating", 0, c13},
    {"C14", "apiVersion differs from the URL: 400", 0, c14},
    {"C15", "malformed JSON: 400 BadRequest", 0, c15},
    {"C16", "CR of another kind: 422 field kind", 0, c16},
    {"C17", "CR with status: dropped, generation 1", 0, c17},
    {"C18", "the same without status subresource: kept, generation 1", 0, c18},
    {"C19", "configmaps have no generation", 0, c19},
    {"C20", "dryRun=All: 201, not stored, no RV, counter unchanged", 0, c20},
    {"C21", "dryRun=x: 422 CreateOptions", 0, c21},
    {"C22", "onto a terminating name: 409 'object is being deleted:'", 0, c22},
    {"C23", "two controllers: 422", 0, c23},
    {"C24", "equal ownerReferences: one, and a Warning", 0, c24},
    {"C25", "annotations over 256 KiB: 422 TooLong", 0, c25},
    {"C26", "label value with a space: 422", 0, c26},
    {"C27", "CR finalizer 'foo': 201 and a Warning", 0, c27},
    {"C28", "Service '1a': 422 DNS-1035", 0, c28},
    {"C29", "Strict, unknown fields: 400 naming all", 0, c29},
    {"C30", "unknown field: 201 and a Warning, absent", 0, c30},
    {"C31", "fieldValidation=Ignore: no warning", 0, c31},
    {"C32", "fieldValidation=foo: 422", 0, c32},
    {"C33", "duplicate key, Strict: 400 duplicate field", 0, c33},
    {"C34", "fieldManager longer than 128: 422", 0, c34},
    {"C35", "no fieldManager: the User-Agent before the slash", 0, c35},
};
ROWS_MAIN(rows)
