/* D. Get and list. */
#include "tests/api/harness.h"

static void d01(void)
{
    const struct answer *a = get(CMS "/x");

    want_status(a, 404, "NotFound", "configmaps 'x' not found");
    want_str(a, "details.name", "x");
    want_str(a, "details.kind", "configmaps");
    want_json(a, "details.group", NULL);
    define_widgets();
    a = get(WIDGETS "/x");
    want_status(a, 404, "NotFound", "widgets.example.com 'x' not found");
    want_str(a, "details.group", "example.com");
}

static void want_too_large(const struct answer *a, int64_t n)
{
    want_code(a, 504);
    want_str(a, "reason", "Timeout");
    want(strncmp(str(a, "message"),
                 text("Timeout: Too large resource version: %" PRId64 ", current: ", n),
                 strlen(text("Timeout: Too large resource version: %" PRId64 ", current: ", n))) ==
             0,
         "%s", str(a, "message"));
    want_cause(a, "ResourceVersionTooLarge", NULL, "Too large resource version");
    want_num(a, "details.retryAfterSeconds", 1);
    want_header(a, "Retry-After", "1");
}

static void d02(void)
{
    int64_t n = rv(create_cm("a")) + 100;

    want_too_large(get(CMS "/a?resourceVersion=%" PRId64, n), n);
    want_too_large(get(CMS "?resourceVersion=%" PRId64, n), n);
    want_code(get(CMS "/a?resourceVersion=%" PRId64, n - 100), 200);
    want_code(get(CMS "/a?resourceVersion=0"), 200);
}

static void d03(void)
{
    const struct answer *a = get("/api/v1/namespaces/kube-public/services");

    want_code(a, 200);
    want_str(a, "kind", "ServiceList");
    want_json(a, "items", "[]");
    want(rv(a) > 0, "resourceVersion");
    define_widgets();
    a = get(WIDGETS);
    want_str(a, "kind", "WidgetList");
    want_json(a, "items", "[]");
    want(rv(a) > 0, "resourceVersion");
}

static void d04(void)
{
    const struct answer *a;

    create_cm("a");
    a = get(CMS "?fieldSelector=metadata.name=a");
    want_str(a, "items.0.metadata.name", "a");
    want_json(a, "items.0.kind", NULL);
    want_json(a, "items.0.apiVersion", NULL);
    want_json(a, "metadata.continue", NULL);
    define_widgets();
    create_widget("a");
    a = get(WIDGETS);
    want_str(a, "items.0.kind", "Widget");
    want_str(a, "items.0.apiVersion", "example.com/v1");
    want_str(a, "metadata.continue", "");
}

static void create_five(void)
{
    static const char *const five[] = {"a", "b", "c", "d", "e"};

    for (size_t i = 0; i < ARRAY_LEN(five); i++)
        want_code(post(DEFAULT_NS "secrets", "{'metadata':{'name':'%s','labels':{'parity':'%s'}}}",
                       five[i], i % 2 ? "odd" : "even"),
                  201);
}
#define SECRETS DEFAULT_NS "secrets"

static void want_names(const struct answer *a, const char *wanted)
{
    want_code(a, 200);
    want(strcmp(names(a), wanted) == 0, "want the items '%s', got '%s'", wanted, names(a));
}

static void d05(void)
{
    const struct answer *a;

    create_five();
    a = get(SECRETS "?limit=2");
    want_names(a, "a,b");
    want(*str(a, "metadata.continue"), "no token");
    want_num(a, "metadata.remainingItemCount", 3);
}

static void d06(void)
{
    const struct answer *a;

    create_five();
    a = get(SECRETS "?limit=2&labelSelector=parity%%3Deven");
    want_names(a, "a,c");
    want(*str(a, "metadata.continue"), "no token");
    want_json(a, "metadata.remainingItemCount", NULL);
    a = get(SECRETS "?limit=2&labelSelector=parity%%3Deven&continue=%s",
            str(a, "metadata.continue"));
    want_names(a, "e");
    want_json(a, "metadata.continue", NULL);
}

static void d07(void)
{
    const struct answer *first, *a;

    create_five();
    first = get(SECRETS "?limit=2");
    want_names(first, "a,b");
    want_code(del(SECRETS "/c"), 200);
    want_code(post(SECRETS, "{'metadata':{'name':'bb'}}"), 201);
    want_code(merge_patch(SECRETS "/d", "{'metadata':{'labels':{'parity':'changed'}}}"), 200);
    a = get(SECRETS "?limit=2&continue=%s", str(first, "metadata.continue"));
    want_names(a, "c,d");
    want_str(a, "items.1.metadata.labels.parity", "odd");
    want(rv(a) == rv(first), "another revision");
    want_num(a, "metadata.remainingItemCount", 1);
    a = get(SECRETS "?limit=2&continue=%s", str(a, "metadata.continue"));
    want_names(a, "e");
    want(rv(a) == rv(first), "another revision");
    want_json(a, "metadata.continue", NULL);
}

static void d08(void)
{
    const struct answer *a;

    create_five();
    a = get(SECRETS "?limit=2&resourceVersion=0");
    want_names(a, "a,b,c,d,e");
    want_json(a, "metadata.continue", NULL);
}

static void d09(void)
{
    const struct answer *a;
    int64_t n;

    create_five();
    n = rv(get(SECRETS));
    want_code(del(SECRETS "/a"), 200);
    a = get(SECRETS "?limit=2&resourceVersion=%" PRId64, n);
    want_names(a, "a,b");
    want(rv(a) == n, "another revision");
    a = get(SECRETS "?limit=2&resourceVersionMatch=NotOlderThan&resourceVersion=%" PRId64, n);
    want_names(a, "b,c");
    want(rv(a) > n, "no newer revision");
    /* without a limit n is the least */
    want_names(get(SECRETS "?resourceVersion=%" PRId64, n), "b,c,d,e");
}

/* What is older than now is forgotten. Returns a revision from before. */
static int64_t compact(void)
{
    int64_t n = rv(get(SECRETS));

    want_code(merge_patch(SECRETS "/e", "{'metadata':{'labels':{'x':'y'}}}"), 200);
    apiserver_compact(the_server(), apiserver_revision(the_server()));
    return n;
}

static void d10(void)
{
    const struct answer *a;
    int64_t n;

    create_five();
    n = compact();
    a = get(SECRETS "?resourceVersionMatch=Exact&resourceVersion=%" PRId64, n);
    want_status(a, 410, "Expired", "The resourceVersion for the provided list is too old.");
    n = rv(get(SECRETS));
    a = get(SECRETS "?resourceVersionMatch=Exact&resourceVersion=%" PRId64, n);
    want_names(a, "a,b,c,d,e");
    want(rv(a) == n, "another revision");
}

static const struct answer *expired_page(void)
{
    const struct answer *a;

    create_five();
    a = get(SECRETS "?limit=2");
    compact();
    return get(SECRETS "?limit=2&continue=%s", str(a, "metadata.continue"));
}

static void d11(void)
{
    const struct answer *a = expired_page();

    want_status(a, 410, "Expired", NULL);
    want(strncmp(str(a, "message"),
                 "The provided continue parameter is too old to display a consistent list result. "
                 "You can start a new list without the continue parameter, or use the continue "
                 "token in this response to retrieve the remainder of the results. Continuing with "
                 "the provided token results in an inconsistent list - ",
                 280) == 0,
         "%s", str(a, "message"));
    want(*str(a, "metadata.continue"), "no token");
}

static void d12(void)
{
    const struct answer *a = expired_page(), *last = post(SECRETS, "{'metadata':{'name':'c1'}}");
    const char *token = str(a, "metadata.continue");

    want_code(last, 201);
    a = get(SECRETS "?limit=2&continue=%s", token);
    want_names(a, "c,c1");
    want(rv(a) >= rv(last), "an old revision");
    want_names(get(SECRETS "?continue=%s", str(a, "metadata.continue")), "d,e");
}

static void d13(void)
{
    const struct answer *a = get(CMS "?resourceVersionMatch=NotOlderThan");

    want_status(a, 422, "Invalid",
                "ListOptions.meta.k8s.io '' is invalid: resourceVersionMatch: Forbidden: "
                "resourceVersionMatch is forbidden unless resourceVersion is provided");
    want_str(a, "details.kind", "ListOptions");
    want_str(a, "details.group", "meta.k8s.io");
    want_cause(a, "FieldValueForbidden", "resourceVersionMatch",
               "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided");
    want_code(get(CMS "?resourceVersion=1&resourceVersionMatch=Sometimes"), 422);
    want_code(get(CMS "?sendInitialEvents=true"), 422);
}

static void d14(void)
{
    want_status(get(CMS "?resourceVersionMatch=Exact&resourceVersion=0"), 422, "Invalid",
                "ListOptions.meta.k8s.io '' is invalid: resourceVersionMatch: Forbidden: "
                "resourceVersionMatch 'exact' is forbidden for resourceVersion '0'");
}

static void d15(void)
{
    const struct answer *a;

    create_five();
    a = get(SECRETS "?limit=2");
    a = get(SECRETS "?resourceVersion=5&continue=%s", str(a, "metadata.continue"));
    want_status(a, 400, "BadRequest",
                "specifying resource version is not allowed when using continue");
}

static void d16(void)
{
    const struct answer *a = get(CMS "?continue=garbage");

    want_status(a, 400, "BadRequest", NULL);
    want(strncmp(str(a, "message"), "invalid continue token: continue key is not valid: ", 51) == 0,
         "%s", str(a, "message"));
}

static void d17(void)
{
    static const char *const labels[][2] = {
        {"all", "{'a':'b','d':'x','e':'f'}"},
        {"no-e", "{'a':'b','d':'y'}"},
        {"has-c", "{'a':'b','c':'','d':'x'}"},
        {"wrong-a", "{'a':'z','d':'x'}"},
        {"wrong-d", "{'a':'b','d':'z'}"},
        {"bad-e", "{'a':'b','d':'x','e':'z'}"},
        {"nothing", "{}"},
    };

    for (size_t i = 0; i < ARRAY_LEN(labels); i++)
        want_code(
            post(SECRETS, "{'metadata':{'name':'%s','labels':%s}}", labels[i][0], labels[i][1]),
            201);
    want_names(
        get(SECRETS "?labelSelector=a%%3Db%%2C%%21c%%2Cd+in+%%28x%%2Cy%%29%%2Ce+notin+%%28z%%29"),
        "all,no-e");
    want_names(get(SECRETS "?labelSelector=a%%21%%3Db"), "nothing,wrong-a");
    want_names(get(SECRETS "?labelSelector=e"), "all,bad-e");
}

static void d18(void)
{
    const struct answer *a = get(CMS "?labelSelector=a+in");

    want_status(a, 400, "BadRequest", NULL);
    want(strstr(str(a, "message"), "unable to parse requirement: "), "%s", str(a, "message"));
}

static void d19(void)
{
    create_five();
    want_names(get(SECRETS "?fieldSelector=metadata.name%%3Da"), "a");
    want_names(get(SECRETS "?fieldSelector=metadata.name%%21%%3Da"), "b,c,d,e");
}

static void d20(void)
{
    const struct answer *a;

    define_widgets();
    a = get(WIDGETS "?fieldSelector=spec.foo%%3D1");
    want_status(a, 400, "BadRequest", "field label not supported: spec.foo");
    a = get(CMS "?fieldSelector=data.k%%3D1");
    want_status(a, 400, "BadRequest",
                "'data.k' is not a known field selector: only 'metadata.name', "
                "'metadata.namespace'");
}

#define SELECTABLE                                                                                 \
    "{'apiVersion':'apiextensions.k8s.io/v1','kind':'CustomResourceDefinition','metadata':{"       \
    "'name':'shirts.example.com'},'spec':{'group':'example.com','scope':'Namespaced','names':{"    \
    "'plural':'shirts','kind':'Shirt'},'versions':[{'name':'v1','served':true,'storage':true,"     \
    "'selectableFields':[{'jsonPath':'.spec.color'},{'jsonPath':'.spec.size'}],"                   \
    "'schema':{'openAPIV3Schema':{'type':'object','properties':{'spec':{'type':'object',"          \
    "'properties':{'color':{'type':'string'},'size':{'type':'integer'}}}}}}}]}}"
#define SHIRTS EXAMPLES "shirts"

static void d21(void)
{
    static const char *const shirts[][2] = {
        {"a", "{'color':'red','size':42}"}, {"b", "{'color':'blue','size':7}"}, {"c", "{}"}};

    want_code(post(CRDS, SELECTABLE), 201);
    settle();
    for (size_t i = 0; i < ARRAY_LEN(shirts); i++)
        want_code(post(SHIRTS,
                       "{'apiVersion':'example.com/v1','kind':'Shirt','metadata':{'name':'%s'},"
                       "'spec':%s}",
                       shirts[i][0], shirts[i][1]),
                  201);
    want_names(get(SHIRTS "?fieldSelector=spec.color%%3Dred"), "a");
    want_names(get(SHIRTS "?fieldSelector=spec.color%%3D"), "c");
    want_names(get(SHIRTS "?fieldSelector=spec.color%%21%%3Dred"), "b,c");
    want_names(get(SHIRTS "?fieldSelector=spec.size%%3D42"), "a");
    want_names(get(SHIRTS "?fieldSelector=spec.size%%3D42%%2Cspec.color%%3Dblue"), "");
}

static void d22(void)
{
    static const char *const objects[][2] = {{"default", "b"},   {"default", "a-b"},
                                             {"default", "a.b"}, {"default", "a"},
                                             {"a", "z"},         {"kube-public", "0"}};
    const struct answer *a;

    want_code(post("/api/v1/namespaces", "{'metadata':{'name':'a'}}"), 201);
    for (size_t i = 0; i < ARRAY_LEN(objects); i++)
        want_code(post(text("/api/v1/namespaces/%s/secrets", objects[i][0]),
                       "{'metadata':{'name':'%s'}}", objects[i][1]),
                  201);
    a = get("/api/v1/secrets");
    want_names(a, "z,a,a-b,a.b,b,0");
    want_str(a, "items.0.metadata.namespace", "a");
    want_str(a, "items.5.metadata.namespace", "kube-public");
}

static void d23(void)
{
    create_five();
    want_code(post("/api/v1/namespaces/kube-public/secrets", "{'metadata':{'name':'p'}}"), 201);
    want_names(get("/api/v1/secrets?fieldSelector=metadata.namespace%%3Dkube-public"), "p");
    want_names(get("/api/v1/secrets"), "a,b,c,d,e,p");
}

static void d24(void)
{
    const struct answer *a = get(CMS "?limit=abc");

    want_status(a, 400, "BadRequest", NULL);
    want(strstr(str(a, "message"), "strconv.ParseInt: parsing \"abc\": invalid syntax"), "%s",
         str(a, "message"));
}

static void d25(void)
{
    static const char event[] =
        "{'metadata':{'name':'%s'},'involvedObject':{'kind':'Pod','namespace':'default',"
        "'name':'%s'},'reason':'Started','type':'Normal','source':{'component':'%s'}}";

    want_code(post(DEFAULT_NS "events", event, "a", "p", "kubelet"), 201);
    want_code(post(DEFAULT_NS "events", event, "b", "q", "default-scheduler"), 201);
    want_names(get(DEFAULT_NS "events?fieldSelector=involvedObject.name%%3Dp"), "a");
    want_names(get(DEFAULT_NS "events?fieldSelector=source%%3Dkubelet"), "a");
    want_names(get(DEFAULT_NS "events?fieldSelector=source%%21%%3Dkubelet,reason%%3DStarted"), "b");
    want_status(get(DEFAULT_NS "events?fieldSelector=source.component%%3Dkubelet"), 400,
                "BadRequest", NULL);
    want_event(watch_open(DEFAULT_NS "events?watch=true&fieldSelector=source%%3Dkubelet"), "ADDED",
               "a");
}

static const struct row rows[] = {
    {"D01", "GET missing: 404, details.kind is the plural", 0, d01},
    {"D02", "GET rv=current+100: 504 Timeout, ResourceVersionTooLarge, Retry-After 1", 0, d02},
    {"D03", "LIST empty: items [], resourceVersion > 0", 0, d03},
    {"D04", "items of built-in kinds without kind, of CRs with", 0, d04},
    {"D05", "LIST limit=2 of 5: continue, remainingItemCount 3", 0, d05},
    {"D06", "the same with a selector: no remainingItemCount", 0, d06},
    {"D07", "continue after writes: the first page's snapshot and revision", 0, d07},
    {"D08", "limit=2, rv=0: everything, no token", 0, d08},
    {"D09", "limit=2, rv=n without match: exactly n", 0, d09},
    {"D10", "match=Exact, n compacted: 410 Expired", 0, d10},
    {"D11", "continue after compaction: 410 with a token", 0, d11},
    {"D12", "that token: the rest at the latest revision", 0, d12},
    {"D13", "match without rv: 422 ListOptions", 0, d13},
    {"D14", "match=Exact rv=0: 422", 0, d14},
    {"D15", "continue and rv=5: 400", 0, d15},
    {"D16", "continue=garbage: 400", 0, d16},
    {"D17", "labelSelector: absent keys pass notin and !=", 0, d17},
    {"D18", "labelSelector 'a in': 400 unable to parse requirement", 0, d18},
    {"D19", "fieldSelector metadata.name=a: only a", 0, d19},
    {"D20", "fieldSelector of a CR's unselectable field: 400", 0, d20},
    {"D21", "selectableFields .spec.color; missing is ''", 0, d21},
    {"D22", "items by namespace, then name, as bytes", 0, d22},
    {"D23", "LIST everywhere with fieldSelector metadata.namespace", 0, d23},
    {"D24", "limit=abc: 400", 0, d24},
    {"D25", "fieldSelector of events: source is its component", 0, d25},
};
ROWS_MAIN(rows)
