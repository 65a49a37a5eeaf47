/* A. Routing and discovery. */
#include "tests/api/harness.h"

#define JSON_ONLY "Accept: application/json"
#define V2 "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
#define V2BETA1 "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList"

/* The element of an array whose member has this value; NULL when there is none. */
static const json_t *entry(const struct answer *a, const char *array, const char *member,
                           const char *value)
{
    size_t i;
    const json_t *v;

    json_array_foreach((json_t *)pick(a->json, array), i,
                       v) if (strcmp(json_str_or_empty(v, member), value) == 0) return v;
    return NULL;
}

/* No handler owns the path: plain text. */
static void want_plain_404(const struct answer *a)
{
    want_code(a, 404);
    want(strcmp(strbuf_str(&a->body), "404 page not found\n") == 0, "another text");
    want(strncmp(header(a, "Content-Type"), "text/plain", 10) == 0, "Content-Type %s",
         header(a, "Content-Type"));
}

static void a01(void)
{
    const struct answer *a = ask("GET", "/api", JSON_ONLY, NULL);

    want_code(a, 200);
    want_header(a, "Content-Type", "application/json");
    want_str(a, "kind", "APIVersions");
    want_json(a, "versions", "['v1']");
    want(count(a, "serverAddressByClientCIDRs") == 1, "one address");
    want_str(a, "serverAddressByClientCIDRs.0.clientCIDR", "0.0.0.0/0");
    want(*str(a, "serverAddressByClientCIDRs.0.serverAddress"), "no address");
}

static void a02(void)
{
    const struct answer *a;
    size_t i;
    const json_t *group;

    define_widgets();
    a = ask("GET", "/apis", JSON_ONLY, NULL);
    want_code(a, 200);
    want_str(a, "kind", "APIGroupList");
    want_str(a, "apiVersion", "v1");
    json_array_foreach((json_t *)pick(a->json, "groups"), i, group)
    {
        const json_t *preferred = json_object_get(group, "preferredVersion"), *v;
        size_t k, found = 0;

        json_array_foreach((json_t *)json_object_get(group, "versions"), k, v) found +=
            json_equal(preferred, v);
        want(found == 1, "%s: its preferred version is none of its versions",
             json_str_or_empty(group, "name"));
    }
    want(entry(a, "groups", "name", "example.com"), "example.com is missing");
    want(entry(a, "groups", "name", "apps"), "apps is missing");
    want(!entry(a, "groups", "name", ""), "the core group belongs to /api");
}

static void a03(void)
{
    const struct answer *a;

    define_widgets();
    a = ask("GET", "/apis/example.com", JSON_ONLY, NULL);
    want_code(a, 200);
    want_str(a, "kind", "APIGroup");
    want_str(a, "apiVersion", "v1");
    want_str(a, "name", "example.com");
    want_json(a, "versions", "[{'groupVersion':'example.com/v1','version':'v1'}]");
    want_json(a, "preferredVersion", "{'groupVersion':'example.com/v1','version':'v1'}");
}

static void a04(void)
{
    const struct answer *a;
    const json_t *r;

    define_widgets();
    a = ask("GET", "/apis/example.com/v1", JSON_ONLY, NULL);
    want_code(a, 200);
    want_str(a, "kind", "APIResourceList");
    want_str(a, "groupVersion", "example.com/v1");
    r = entry(a, "resources", "name", "widgets");
    want(r, "widgets is missing");
    want(json_is_true(json_object_get(r, "namespaced")), "widgets is namespaced");
    want(strcmp(json_str_or_empty(r, "singularName"), "widget") == 0, "singularName");
    want(strcmp(json_str_or_empty(r, "kind"), "Widget") == 0, "kind");
    want(*json_str_or_empty(r, "storageVersionHash"), "storageVersionHash");
    want_part(a, "'verbs':['delete','deletecollection','get','list','patch','create','update',"
                 "'watch']");
    r = entry(a, "resources", "name", "widgets/status");
    want(r, "widgets/status is missing");
    want_part(a, "'verbs':['get','patch','update']");
    want(!entry(a, "resources", "name", "widgets/scale"), "there is no scale");
}

static void a05(void)
{
    const struct answer *a;
    const char *type, *etag;

    define_widgets();
    a = ask("GET", "/apis", "Accept: " V2, NULL);
    want_code(a, 200);
    type = header(a, "Content-Type");
    want(strstr(type, "g=apidiscovery.k8s.io") && strstr(type, "v=v2") &&
             strstr(type, "as=APIGroupDiscoveryList"),
         "Content-Type %s", type);
    etag = header(a, "ETag");
    want(etag && strlen(etag) == 130 && etag[0] == '"' && etag[129] == '"' &&
             strspn(etag + 1, "0123456789ABCDEF") == 128,
         "ETag %s", etag ? etag : "none");
    want_header(a, "Vary", "Accept");
    want_header(a, "Cache-Control", "public");
    want_str(a, "kind", "APIGroupDiscoveryList");
    want_str(a, "apiVersion", "apidiscovery.k8s.io/v2");
    want(entry(a, "items", "metadata.name", "example.com"), "example.com is missing");
    a = ask("GET", "/api", "Accept: " V2, NULL);
    want_code(a, 200);
    want(strstr(header(a, "Content-Type"), "as=APIGroupDiscoveryList"), "Content-Type %s",
         header(a, "Content-Type"));
    want_str(a, "items.0.versions.0.version", "v1");
}

static void a06(void)
{
    const struct answer *a = ask("GET", "/apis", "Accept: " V2, NULL);
    const char *etag;

    want_code(a, 200);
    etag = header(a, "ETag");
    a = ask("GET", "/apis", text("Accept: " V2 "\nIf-None-Match: %s", etag), NULL);
    want_code(a, 304);
    want(a->body.len == 0, "a body");
    define_widgets(); /* another document */
    a = ask("GET", "/apis", text("Accept: " V2 "\nIf-None-Match: %s", etag), NULL);
    want_code(a, 200);
    want(strcmp(header(a, "ETag"), etag) != 0, "the same ETag");
}

static void a07(void)
{
    const struct answer *a = ask("GET", "/apis", "Accept: " V2BETA1 ",application/json", NULL);

    want_code(a, 200);
    want_header(a, "Content-Type", "application/json");
    want_str(a, "kind", "APIGroupList");
}

static void a08(void)
{
    want_plain_404(ask("GET", "/apis/nosuch.example.com/v1", JSON_ONLY, NULL));
    want_plain_404(ask("GET", "/apis/nosuch.example.com", JSON_ONLY, NULL));
}

static void a09(void)
{
    const struct answer *a = get("/version");

    want_code(a, 200);
    want_header(a, "Content-Type", "application/json");
    want_str(a, "major", "1");
    want(*str(a, "minor"), "no minor");
    want(strncmp(str(a, "gitVersion"), "v1.", 3) == 0, "gitVersion %s", str(a, "gitVersion"));
    want_some(a, "platform");
}

static void a10(void)
{
    static const char *const paths[] = {"/healthz", "/livez", "/readyz"};

    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        const struct answer *a = get("%s", paths[i]);

        want_code(a, 200);
        want(strcmp(strbuf_str(&a->body), "ok") == 0, "another text");
        want_header(a, "Content-Type", "text/plain; charset=utf-8");
        want_header(a, "X-Content-Type-Options", "nosniff");
    }
}

static void a11(void)
{
    const struct answer *a = get("/readyz?verbose");
    const char *last;
    size_t checks = 0;

    want_code(a, 200);
    last = strstr(strbuf_str(&a->body), "readyz check passed\n");
    want(last && strlen(last) == strlen("readyz check passed\n"), "the last line");
    for (const char *p = strbuf_str(&a->body); p < last; p = strchr(p, '\n') + 1) {
        size_t n = strcspn(p, "\n");

        want(strncmp(p, "[+]", 3) == 0 && n > 6 && strncmp(p + n - 3, " ok", 3) == 0, "line %.*s",
             (int)n, p);
        checks++;
    }
    want(checks > 0, "no checks");
    a = get("/readyz?verbose&exclude=ping");
    want_part(a, "[+]ping excluded: ok\n");
}

static void a12(void)
{
    const struct answer *a;
    const char *url;

    define_widgets();
    a = get("/openapi/v3");
    want_code(a, 200);
    want(strncmp(str(a, "paths.api/v1.serverRelativeURL"), "/openapi/v3/api/v1?hash=", 24) == 0,
         "the core group");
    url = str(a, "paths.apis/example\\.com/v1.serverRelativeURL");
    want(strncmp(url, "/openapi/v3/apis/example.com/v1?hash=", 37) == 0, "example.com: '%s'", url);
    want_code(get("%s&timeout=32s", url), 200);
}

/* Whether a PATCH operation of the document is of this kind and takes fieldValidation. */
static bool patch_validates(const struct answer *a, const char *path, const char *kind)
{
    const json_t *op = json_object_get(
                     json_object_get(json_at(a->json, "paths", path, NULL), "patch"), "parameters"),
                 *gvk, *p;
    size_t i;
    bool found = false;

    gvk = json_at(a->json, "paths", path, "patch", "x-kubernetes-group-version-kind", NULL);
    json_array_foreach((json_t *)op, i, p) found |=
        strcmp(json_str_or_empty(p, "name"), "fieldValidation") == 0 &&
        strcmp(json_str_or_empty(p, "in"), "query") == 0;
    return found && strcmp(json_str_or_empty(gvk, "kind"), kind) == 0 &&
           strcmp(json_str_or_empty(gvk, "version"), "v1") == 0;
}

static void a13(void)
{
    const struct answer *a;

    define_widgets();
    a = get("/openapi/v3/apis/example.com/v1");
    want_code(a, 200);
    want_str(a, "openapi", "3.0.0");
    want(header(a, "ETag"), "no ETag");
    want(patch_validates(a, "/apis/example.com/v1/namespaces/{namespace}/widgets/{name}", "Widget"),
         "the PATCH operation");
    want_part(a, "'x-kubernetes-group-version-kind'");
    want_some(a, "components.schemas");
    a = get("/openapi/v3/api/v1");
    want_code(a, 200);
    want(patch_validates(a, "/api/v1/namespaces/{namespace}/configmaps/{name}", "ConfigMap"),
         "the PATCH operation of a built-in kind");
}

static void a14(void)
{
    const struct answer *a =
        ask("GET", "/openapi/v2",
            "Accept: application/com.github.proto-openapi.spec.v2@v1.0+protobuf", NULL);

    want_code(a, 200);
    want_header(a, "Content-Type", "application/com.github.proto-openapi.spec.v2.v1.0+protobuf");
    /* field 1 of the document: swagger "2.0" */
    want(a->body.len > 5 && memcmp(a->body.data, "\n\0032.0", 5) == 0, "no document");
}

#define TWO_VERSIONS                                                                               \
    "{'apiVersion':'apiextensions.k8s.io/v1','kind':'CustomResourceDefinition','metadata':{"       \
    "'name':'dials.example.com'},'spec':{'group':'example.com','scope':'Namespaced','names':{"     \
    "'plural':'dials','kind':'Dial'},'versions':[{'name':'v1','served':true,'storage':true,"       \
    "'schema':{'openAPIV3Schema':{'type':'object'}}},{'name':'v1beta1','served':false,"            \
    "'storage':false,'schema':{'openAPIV3Schema':{'type':'object'}}}]}}"

static void a15(void)
{
    want_code(post(CRDS, TWO_VERSIONS), 201);
    settle();
    want_code(get("/apis/example.com/v1/namespaces/default/dials"), 200);
    want_plain_404(get("/apis/example.com/v1beta1"));
    want_plain_404(get("/apis/example.com/v1beta1/namespaces/default/dials"));
    want_json(get("/apis/example.com"), "versions",
              "[{'groupVersion':'example.com/v1','version':'v1'}]");
}

static void a16(void)
{
    define("dots", "Dot", "c", NULL);
    want_code(post("/apis/example.com/v1/dots",
                   "{'apiVersion':'example.com/v1','kind':'Dot','metadata':{'name':'a'}}"),
              201);
    want_code(get("/apis/example.com/v1/dots/a"), 200);
    want_plain_404(get("/apis/example.com/v1/namespaces/default/dots/a"));
    want_plain_404(get("/apis/example.com/v1/namespaces/default/dots"));
}

static void a17(void)
{
    const struct answer *a;

    define_widgets();
    create_widget("a");
    want_plain_404(get("/apis/example.com/v1/widgets/a"));
    a = get("/apis/example.com/v1/widgets");
    want_code(a, 200);
    want_str(a, "items.0.metadata.name", "a");
}

static void a18(void)
{
    const struct answer *a;

    define_widgets();
    create_widget("a");
    a = get(WIDGETS "/a/nosuch");
    want_status(a, 404, "NotFound", NULL);
    want_str(a, "details.name", "a");
    want_str(a, "details.group", "example.com");
    want_str(a, "details.kind", "widgets");
}

static void a19(void)
{
    const struct answer *a = put(CMS, "{'metadata':{'name':'a'}}");

    want_status(a, 405, "MethodNotAllowed",
                "the server does not allow this method on the requested resource");
    define_widgets();
    want_status(put(WIDGETS, "{}"), 405, "MethodNotAllowed", NULL);
}

static void a20(void)
{
    struct watch *w;

    create_cm("a");
    w = watch_open("/api/v1/watch/namespaces/default/configmaps");
    want_event(w, "ADDED", "a");
    create_cm("b");
    want_event(w, "ADDED", "b");
    w = watch_open("/api/v1/watch/configmaps");
    want_event(w, "ADDED", "a");
}

static void a21(void)
{
    static const char role[] =
        "{'apiVersion':'rbac.authorization.k8s.io/v1','kind':'ClusterRole','metadata':{'name':"
        "'getter'},'rules':[{'apiGroups':[''],'resources':['configmaps'],'verbs':['get']}]}";
    static const char binding[] =
        "{'apiVersion':'rbac.authorization.k8s.io/v1','kind':'ClusterRoleBinding','metadata':{"
        "'name':'getter'},'roleRef':{'apiGroup':'rbac.authorization.k8s.io','kind':'ClusterRole',"
        "'name':'getter'},'subjects':[{'kind':'User','name':'u',"
        "'apiGroup':'rbac.authorization.k8s.io'}]}";
    const char *admin = as("kubernetes-admin");
    const struct answer *a;

    want_code(ask("POST", "/apis/rbac.authorization.k8s.io/v1/clusterroles", admin, role), 201);
    want_code(ask("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", admin, binding),
              201);
    want_code(ask("POST", CMS, admin, "{'metadata':{'name':'a'}}"), 201);
    a = ask("HEAD", CMS "/a", as("u"), NULL);
    want_code(a, 200);
    want(a->body.len == 0, "a body");
    want_header(a, "Content-Type", "application/json");
    want_code(ask("HEAD", CMS "/b", as("u"), NULL), 404);
    want_code(ask("HEAD", CMS, as("u"), NULL), 403); /* that would be list */
}

static void a22(void)
{
    const struct answer *a, *b;

    create_cm("a");
    a = get(CMS);
    b = get(CMS "/");
    want_code(a, 200);
    want_code(b, 200);
    want(a->body.len == b->body.len && strcmp(strbuf_str(&a->body), strbuf_str(&b->body)) == 0,
         "another answer");
}

static const struct row rows[] = {
    {"A01", "GET /api: 200 APIVersions, versions [v1], one serverAddressByClientCIDRs", 0, a01},
    {"A02", "GET /apis: 200 APIGroupList, preferredVersion among versions", 0, a02},
    {"A03", "GET /apis/example.com: 200 APIGroup", 0, a03},
    {"A04", "GET /apis/example.com/v1: 200 APIResourceList with widgets, widgets/status", 0, a04},
    {"A05", "GET /apis aggregated v2: Content-Type with g, v, as; quoted ETag; Vary", 0, a05},
    {"A06", "A05 with If-None-Match: 304, empty", 0, a06},
    {"A07", "GET /apis with v2beta1 and JSON alone: legacy list, plain type", 0, a07},
    {"A08", "GET /apis/nosuch.example.com/v1: 404", 0, a08},
    {"A09", "GET /version: major, minor, gitVersion", 0, a09},
    {"A10", "GET /healthz, /livez, /readyz: ok", 0, a10},
    {"A11", "GET /readyz?verbose: [+]..ok lines, readyz check passed", 0, a11},
    {"A12", "GET /openapi/v3: paths with serverRelativeURL", 0, a12},
    {"A13", "GET /openapi/v3/apis/example.com/v1: PATCH has fieldValidation and GVK", 0, a13},
    {"A14", "GET /openapi/v2 as protobuf: a document", 0, a14},
    {"A15", "a version that is not served: 404 for discovery and resources", 0, a15},
    {"A16", "cluster-scoped CR under a namespace: 404", 0, a16},
    {"A17", "namespaced CR without namespace: GET 404, LIST 200", 0, a17},
    {"A18", "unknown subresource of a CR: 404 NotFound of the object", 0, a18},
    {"A19", "PUT on a collection: 405 MethodNotAllowed", 0, a19},
    {"A20", "GET /api/v1/watch/namespaces/default/configmaps: a stream", 0, a20},
    {"A21", "HEAD of an object: 200 without body, verb get", ROW_RBAC, a21},
    {"A22", "a trailing slash on a collection changes nothing", 0, a22},
};
ROWS_MAIN(rows)
