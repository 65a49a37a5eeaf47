/* Paths and methods: where they lead, and what stands where they lead nowhere. */
#include "tests/unit/sim/rest_kit.h"
#include "tests/unit/suite.h"

#define CM "/api/v1/namespaces/default/configmaps"
#define WIDGETS "/apis/example.com/v1/namespaces/default/widgets"
#define CM_A "{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'a'},'data':{'k':'v'}}"
#define WIDGET_A                                                                                   \
    "{'apiVersion':'example.com/v1','kind':'Widget','metadata':{'name':'a'},'spec':{'z':1,'b':2}}"
#define LOST "the server could not find the requested resource"

#define PODS "/api/v1/namespaces/default/pods"

static const struct rest_row verbs[] = {
    SEND("POST", CM, CM_A, 201, "{'kind':'ConfigMap','apiVersion':'v1','metadata':{'name':'a'",
         "}\n"),
    SEND("POST", CM, CM_A, 409, "configmaps \\'a\\' already exists"),
    ASK("GET", CM "/a", 200, "'data':{'k':'v'}", "H Content-Type: application/json",
        "H Cache-Control: no-cache, private"),
    ASK("GET", CM "/a/", 200, "'k':'v'"),
    ASK("GET", CM, 200, "{'kind':'ConfigMapList','apiVersion':'v1','metadata':{'resourceVersion':"),
    ASK("GET", CM "/", 200, "'items':["),
    ASK("GET", "/api/v1/configmaps", 200, "'items':[{'metadata':{'name':'a','namespace':'default'"),
    ASK("HEAD", CM "/a", 200, "!a", "H Content-Type: application/json"),
    SEND("PUT", CM "/a", "{'metadata':{'name':'a'},'data':{'k':'w'}}", 200, "'k':'w'"),
    {"PATCH",
     CM "/a",
     "Content-Type: application/merge-patch+json",
     "{'data':{'l':'x'}}",
     200,
     {"'data':{'k':'w','l':'x'}"}},
    {"PATCH",
     CM "/a",
     "Content-Type: application/json-patch+json",
     "[{'op':'remove','path':'/data/l'}]",
     200,
     {"!'l'"}},
    ASK("GET", CM "/b", 404, "configmaps \\'b\\' not found", "'kind':'configmaps'"),
    ASK("DELETE", CM "/a", 200, "'status':'Success'"),
    ASK("DELETE", CM "/a", 404, "'reason':'NotFound'"),
    SEND("POST", WIDGETS, WIDGET_A, 201,
         "{'apiVersion':'example.com/v1','kind':'Widget','metadata':{'creationTimestamp':",
         "'spec':{'b':2,'z':1}"),
    ASK("GET", WIDGETS, 200,
        "{'apiVersion':'example.com/v1','items':[{'apiVersion':'example.com/v1'",
        "'kind':'WidgetList','metadata':{'continue':'','resourceVersion':"),
    SEND("PUT", WIDGETS "/a/status", "{'metadata':{'name':'a'},'status':{'ok':true}}", 422,
         "must be specified for an update"),
    {"PATCH",
     WIDGETS "/a/status",
     "Content-Type: application/merge-patch+json",
     "{'status':{'ok':true}}",
     200,
     {"'ok':true"}},
    ASK("GET", WIDGETS "/a/status", 200, "'ok':true"),
    ASK("DELETE", WIDGETS, 200, "'kind':'WidgetList'"),
    ASK("GET", "/api/v1/namespaces/default", 200, "'kind':'Namespace'"),
    ASK("GET", "/api/v1/namespaces/default/status", 200, "'kind':'Namespace'"),
    ASK("GET", "/api/v1/namespaces", 200, "'kind':'NamespaceList'"),
    SEND("POST", PODS, "{'metadata':{'name':'p'},'spec':{'containers':[{'name':'c','image':'i'}]}}",
         201, "'name':'p'"),
    ASK("POST", PODS "/p/exec?command=ls&stdout=true", 501, "'reason':'NotImplemented'"),
    ASK("GET", PODS "/p/exec?command=ls", 501, "'reason':'NotImplemented'"),
    ASK("GET", PODS "/p/log", 501, "containers of pods are not simulated"),
    ASK("POST", PODS "/p/portforward", 501, "'reason':'NotImplemented'"),
    ASK("POST", PODS "/q/attach", 404, "pods \\'q\\' not found"),
    ASK("POST", PODS "/p/eviction", 400, "'reason':'BadRequest'"),
    ASK("POST", PODS "/p/binding", 400, "'reason':'BadRequest'"),
    ASK("GET", "http://server:6443/api/v1/namespaces/default", 200, "'kind':'Namespace'"),
};

START_TEST(each_verb)
{
    AUTO(rest_kit) struct rest_kit r = rest_kit_create();
    rest_check_all(&r, verbs, ARRAY_LEN(verbs));
}
END_TEST

static const struct rest_row nowhere[] = {
    ASK("GET", "/nosuch", 404, "404 page not found\n", "H Content-Type: text/plain; charset=utf-8"),
    ASK("GET", "/apis/nosuch.example.com/v1/things", 404, "404 page not found\n"),
    ASK("GET", "/apis/example.com/v1/things", 404, "404 page not found\n"),
    ASK("GET", "/apis/example.com/v1beta1/widgets", 404, "404 page not found\n"),
    ASK("GET", "/apis/example.com/v1beta1", 404, "404 page not found\n"),
    ASK("GET", "/apis/example.com/v1/namespaces/default/dots", 404, "404 page not found\n"),
    ASK("GET", "/apis/example.com/v1/widgets/a", 404, "404 page not found\n"),
    ASK("GET", "/apis/example.com/v1/widgets", 200, "'items':[]"),
    SEND("POST", "/apis/example.com/v1/widgets", WIDGET_A, 404, "404 page not found\n"),
    ASK("GET", WIDGETS "/a/nosuch", 404, "'message':'widgets.example.com \\'a\\' not found'"),
    ASK("GET", WIDGETS "/a/status/more", 404, "widgets.example.com \\'a\\' not found"),
    ASK("GET", "/api/v1/nosuch", 404, LOST, "'reason':'NotFound','details':{},'code':404"),
    ASK("GET", "/api/v1/namespaces/default/nosuch/a", 404, LOST),
    ASK("GET", CM "/a/scale", 404, LOST),
    ASK("GET", "/api/v1/proxy/nodes/a", 404, LOST),
    ASK("GET", "/api/v1/watch", 500,
        "unable to determine kind and namespace from url, /api/v1/watch"),
    SEND("PUT", CM, CM_A, 405,
         "'message':'the server does not allow this method on the requested resource'",
         "'reason':'MethodNotAllowed'"),
    SEND("PUT", WIDGETS, WIDGET_A, 405,
         "update is not supported on resources of kind \\'widgets.example.com\\'"),
    SEND("POST", CM "/a", CM_A, 405, "does not allow this method"),
    SEND("POST", "/api/v1/configmaps", CM_A, 405, "does not allow this method"),
    ASK("DELETE", "/api/v1/configmaps", 405, "does not allow this method"),
    ASK("DELETE", "/api/v1/namespaces", 405, "does not allow this method"),
    ASK("OPTIONS", CM, 405, "does not allow this method"),
    ASK("BREW", "/apis/example.com/v1/pots", 404, "404 page not found\n"),
    ASK("GET", CM "/..", 400, "Name parameter invalid: \\'..\\': may not be `..`",
        "'reason':'BadRequest'"),
    ASK("GET", CM "/.", 400, "may not be `.`"),
    ASK("GET", CM "/%2e%2e", 400, "may not be `..`"),
    ASK("GET", CM "/a%25b", 400, "may not contain `%`"),
    ASK("GET", CM "/a%2fb", 404, LOST),
    ASK("GET", "/api/v1//configmaps", 404, LOST),
    ASK("GET", CM "//a", 404, LOST),
    ASK("GET", CM "/%zz", 400, "400 Bad Request"),
    ASK("GET", CM "/a%00b", 400, "400 Bad Request"),
    ASK("GET", CM "/a%", 400, "400 Bad Request"),
    ASK("GET", CM "/a%ff%fe", 404, "configmaps \\'a\xef\xbf\xbd\xef\xbf\xbd\\' not found"),
    ASK("GET", "configmaps", 400, "400 Bad Request"),
    ASK("GET", "", 400, "400 Bad Request"),
    ASK("GET", "*", 400, "400 Bad Request"),
    ASK("GET", "/../../etc/passwd", 404, "404 page not found\n"),
    ASK("GET", "/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r/s", 404, "404 page not found\n"),
    ASK("GET", "/apis/example.com/v1/namespaces/default/widgets/a/b/c/d/e/f/g/h/i/j/k/l", 404,
        "'code':404"),
    ASK("GET", "////", 404, "404 page not found\n"),
    SEND("POST", "/api/v1/namespaces/nosuch/configmaps", CM_A, 404,
         "namespaces \\'nosuch\\' not found"),
    SEND("POST", "/api/v1/namespaces/%ff/configmaps", "{'metadata':{'name':'a'}}", 404,
         "namespaces \\'\xef\xbf\xbd\\' not found"),
};

START_TEST(where_nothing_is)
{
    AUTO(rest_kit) struct rest_kit r = rest_kit_create();
    rest_check_all(&r, nowhere, ARRAY_LEN(nowhere));
}
END_TEST

static const struct rest_row documents[] = {
    ASK("GET", "/api", 200,
        "{'kind':'APIVersions','versions':['v1'],'serverAddressByClientCIDRs':[{'clientCIDR':'0.0."
        "0."
        "0/0','serverAddress':'127.0.0.1:6443'}]}\n"),
    ASK("GET", "/api/", 200, "APIVersions"),
    ASK("GET", "/apis", 200, "{'kind':'APIGroupList','apiVersion':'v1','groups':[",
        "{'name':'example.com','versions':[{'groupVersion':'example.com/"
        "v1','version':'v1'}],'preferredVersion':{'groupVersion':'example.com/"
        "v1','version':'v1'}}"),
    ASK("GET", "/apis/example.com", 200,
        "{'kind':'APIGroup','apiVersion':'v1','name':'example.com'"),
    ASK("GET", "/apis/example.com/v1", 200,
        "{'kind':'APIResourceList','apiVersion':'v1','groupVersion':'example.com/v1'",
        "{'name':'widgets','singularName':'widget','namespaced':true,'kind':'Widget','verbs':['"
        "delete','deletecollection','get','list','patch','create','update','watch'],'shortNames':['"
        "w'"
        "],'categories':['all'],'storageVersionHash':",
        "{'name':'widgets/"
        "status','singularName':'','namespaced':true,'kind':'Widget','verbs':['get','patch','"
        "update']"
        "}"),
    ASK("GET", "/api/v1", 200, "{'kind':'APIResourceList','groupVersion':'v1'",
        "'name':'pods','singularName':'pod','namespaced':true,'kind':'Pod'",
        "'storageVersionHash':'xPOwRZ+Yhw8='", "'name':'namespaces/finalize'"),
    ASK("GET", "/apis/nosuch.example.com", 404, "404 page not found\n"),
    ASK("GET", "/api/v2", 404, "404 page not found\n"),
    ASK("POST", "/apis", 405, "does not allow this method"),
    ASK("GET", "/version", 200, "\n  'major': '1',\n  'minor': '32',\n", "'gitVersion': 'v1.32.0'"),
    ASK("GET", "/version/", 200, "gitVersion"),
    ASK("GET", "/healthz", 200, "ok", "!\n", "H Content-Type: text/plain; charset=utf-8",
        "H X-Content-Type-Options: nosniff"),
    ASK("GET", "/livez", 200, "ok"),
    ASK("GET", "/readyz?verbose", 200, "[+]ping ok\n", "readyz check passed\n"),
    ASK("GET", "/livez?verbose&exclude=etcd&exclude=x", 200, "[+]etcd excluded: ok\n",
        "warn: some health checks cannot be excluded: no matches for 'x'\n"),
    ASK("GET", "/healthz/ping", 200, "ok"),
    ASK("GET", "/healthz/shutdown", 404, "404 page not found\n"),
    ASK("GET", "/healthzz", 404, "404 page not found\n"),
    ASK("GET", "/", 200, "'paths': [\n", "'/apis/example.com/v1'"),
};

START_TEST(documents_outside_of_resources)
{
    AUTO(rest_kit) struct rest_kit r = rest_kit_create();
    rest_check_all(&r, documents, ARRAY_LEN(documents));
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN("rest.route",
                      SUITE_CASE("rest.route", TEST(each_verb), TEST(where_nothing_is),
                                 TEST(documents_outside_of_resources)));
}
