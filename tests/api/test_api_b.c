/* B. Negotiation. */
#include "kube/types/protobuf.h"
#include "tests/api/harness.h"

#define TABLE "Accept: application/json;as=Table;v=v1;g=meta.k8s.io"
#define PARTIAL "Accept: application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
#define PARTIAL_LIST "Accept: application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
#define LEASES "/apis/coordination.k8s.io/v1/namespaces/default/leases"

static void b01(void)
{
    const struct answer *a = ask("POST", CMS, NULL, "{'metadata':{'name':'a'}}");

    want_code(a, 201);
    want_header(a, "Content-Type", "application/json");
    want(strncmp(strbuf_str(&a->body),
                 "{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":", 48) == 0,
         "built-in kinds begin with kind, apiVersion, metadata");
    want(strbuf_str(&a->body)[a->body.len - 1] == '\n', "no newline at the end");
}

static void b02(void)
{
    const struct answer *a = ask("GET", CMS, "Accept: application/xml", NULL);

    want_status(a, 406, "NotAcceptable", NULL);
    want(strncmp(str(a, "message"), "only the following media types are accepted: ", 45) == 0, "%s",
         str(a, "message"));
}

static void b03(void)
{
    const struct answer *a =
        ask("POST", CMS, "Content-Type: text/plain", "{'metadata':{'name':'a'}}");

    want_status(a, 415, "UnsupportedMediaType",
                "the body of the request was in an unknown format - accepted media types include: "
                "application/json, application/yaml, application/vnd.kubernetes.protobuf");
    want_code(get(CMS "/a"), 404);
}

static const char lease_json[] =
    "{'apiVersion':'coordination.k8s.io/v1','kind':'Lease','metadata':{'name':'l','namespace':"
    "'default'},'spec':{'holderIdentity':'me','leaseDurationSeconds':15,'renewTime':"
    "'2026-01-01T00:00:00.123456Z'}}";

static void b04(void)
{
    AUTO(strbuf) struct strbuf bytes = {0};
    AUTO(str) char *quoted = mem_strdup(text("%s", lease_json));
    const struct answer *a;
    struct err e = {0};

    for (char *p = quoted; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    AUTO(json) json_t *lease = json_read(quoted, strlen(quoted), "lease", &e);
    want(lease && protobuf_encode(&bytes, lease, &e) == 0, "%s", e.msg ? e.msg : "");
    a = ask_bytes("POST", LEASES,
                  "Content-Type: application/vnd.kubernetes.protobuf\n"
                  "Accept: application/vnd.kubernetes.protobuf,application/json",
                  bytes.data, bytes.len);
    want_code(a, 201);
    a = ask("GET", LEASES "/l", "Accept: application/json", NULL);
    want_code(a, 200);
    want_str(a, "spec.holderIdentity", "me");
    want_num(a, "spec.leaseDurationSeconds", 15);
    want_str(a, "spec.renewTime", "2026-01-01T00:00:00.123456Z");
    a = ask("GET", LEASES "/l", "Accept: application/vnd.kubernetes.protobuf,application/json",
            NULL);
    want_code(a, 200);
    if (strcmp(header(a, "Content-Type"), "application/json") != 0) {
        want_header(a, "Content-Type", "application/vnd.kubernetes.protobuf");
        want(a->body.len > 4 && memcmp(a->body.data, "k8s\0", 4) == 0, "no envelope");
    }
}

static const struct answer *table(const char *query)
{
    create_cm("a");
    return ask("GET", text(CMS "%s", query), TABLE, NULL);
}

static void b05(void)
{
    const struct answer *a = table("");

    want_code(a, 200);
    want_str(a, "kind", "Table");
    want_str(a, "apiVersion", "meta.k8s.io/v1");
    want(rv(a) > 0, "no resourceVersion");
    want_str(a, "columnDefinitions.0.name", "Name");
    want(count(a, "rows") == 1, "%zu rows", count(a, "rows"));
    want_str(a, "rows.0.cells.0", "a");
    want(count(a, "rows.0.cells") == count(a, "columnDefinitions"), "cells and columns");
    want_str(a, "rows.0.object.kind", "PartialObjectMetadata");
    want_str(a, "rows.0.object.apiVersion", "meta.k8s.io/v1");
    want_str(a, "rows.0.object.metadata.name", "a");
    want_json(a, "rows.0.object.data", NULL);
}

static void b06(void)
{
    const struct answer *a = table("?includeObject=None");

    want_code(a, 200);
    want_str(a, "rows.0.cells.0", "a");
    want_json(a, "rows.0.object", "null"); /* as Go writes an empty RawExtension */
    a = ask("GET", CMS "?includeObject=Object", TABLE, NULL);
    want_code(a, 200);
    want_str(a, "rows.0.object.kind", "ConfigMap");
    want_str(a, "rows.0.object.data.k", "v");
}

static void b07(void)
{
    const struct answer *a = table("?includeObject=bad");

    want_status(a, 400, "BadRequest", NULL);
    want(strncmp(str(a, "message"), "Unable to convert to Table as requested: ", 41) == 0, "%s",
         str(a, "message"));
}

static void b08(void)
{
    const struct answer *a;

    create_cm("a");
    a = ask("GET", CMS "/a", PARTIAL, NULL);
    want_code(a, 200);
    want_str(a, "kind", "PartialObjectMetadata");
    want_str(a, "apiVersion", "meta.k8s.io/v1");
    want_str(a, "metadata.name", "a");
    want_json(a, "data", NULL);
}

static void b09(void)
{
    const struct answer *a;

    create_cm("a");
    a = ask("GET", CMS, PARTIAL, NULL);
    want_status(a, 406, "NotAcceptable", NULL);
    want(strncmp(str(a, "message"),
                 "you requested PartialObjectMetadata, but the requested object is a list (",
                 73) == 0,
         "%s", str(a, "message"));
    want_code(ask("GET", CMS "/a", PARTIAL_LIST, NULL), 406);
}

static void b10(void)
{
    const struct answer *a;

    define_widgets();
    create_widget("a");
    a = ask("GET", WIDGETS, PARTIAL_LIST, NULL);
    want_code(a, 200);
    want_str(a, "kind", "PartialObjectMetadataList");
    want_str(a, "apiVersion", "meta.k8s.io/v1");
    want(rv(a) > 0, "no resourceVersion");
    want(count(a, "items") == 1, "%zu items", count(a, "items"));
    want_str(a, "items.0.metadata.name", "a");
    want_json(a, "items.0.spec", NULL);
}

static void b11(void)
{
    want_status(ask("POST", CMS, "Content-Type: application/cbor", "{}"), 415,
                "UnsupportedMediaType", NULL);
    want_status(ask("GET", CMS, "Accept: application/cbor", NULL), 406, "NotAcceptable", NULL);
    create_cm("a");
    want_status(
        ask("PATCH", CMS "/a?fieldManager=m", "Content-Type: application/apply-patch+cbor", "{}"),
        415, "UnsupportedMediaType", NULL);
}

static bool indented(const struct answer *a)
{
    return strncmp(strbuf_str(&a->body), "{\n  \"", 5) == 0 && a->json;
}

static void b12(void)
{
    create_cm("a");
    want(indented(get(CMS "/a?pretty=true")), "pretty=true");
    want(indented(get(CMS "/a?pretty=1")), "pretty=1");
    want(indented(ask("GET", CMS "/a", "User-Agent: curl/8.5.0", NULL)), "curl");
    want(indented(ask("GET", CMS "/a", "User-Agent: Wget/1.21", NULL)), "Wget");
    want(indented(ask("GET", CMS "/a", "User-Agent: Mozilla/5.0 (X11)", NULL)), "Mozilla");
    want(!indented(ask("GET", CMS "/a", "User-Agent: kubectl/v1.33.1", NULL)), "kubectl");
    want(!indented(get(CMS "/a")), "nothing asked for");
}

static void b13(void)
{
    const struct answer *a =
        ask("POST", CMS, "Content-Type: application/yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  k: v\n");

    want_code(a, 201);
    want_header(a, "Content-Type", "application/json");
    want_str(get(CMS "/a"), "data.k", "v");
}

static void b14(void)
{
    AUTO(strbuf) struct strbuf body = {0};
    const struct answer *a;

    strbuf_addstr(&body, "{\"metadata\":{\"name\":\"a\"},\"data\":{\"k\":\"");
    while (body.len <= REST_BODY_MAX)
        strbuf_addstr(&body, "0123456789012345678901234567890123456789012345678901234567890123");
    strbuf_addstr(&body, "\"}}");
    a = ask_bytes("POST", CMS, "Content-Type: application/json", body.data, body.len);
    want_status(a, 413, "RequestEntityTooLarge", "Request entity too large: limit is 3145728");
    want_code(get(CMS "/a"), 404);
}

static void b15(void)
{
    struct watch *w;
    const struct answer *ev;

    create_cm("a");
    w = watch_open_as(TABLE, CMS "?watch=true");
    ev = want_event(w, "ADDED", NULL);
    want_str(ev, "kind", "Table");
    want(count(ev, "columnDefinitions") > 0, "the first event tells the columns");
    want(count(ev, "rows") == 1, "%zu rows", count(ev, "rows"));
    want_str(ev, "rows.0.cells.0", "a");
    want_str(ev, "rows.0.object.metadata.name", "a");
    create_cm("b");
    ev = want_event(w, "ADDED", NULL);
    want_str(ev, "kind", "Table");
    want(count(ev, "columnDefinitions") == 0, "the columns are told once");
    want(count(ev, "rows") == 1, "%zu rows", count(ev, "rows"));
    want_str(ev, "rows.0.cells.0", "b");
}

static const struct row rows[] = {
    {"B01", "no Accept, no Content-Type, POST: 201 JSON", 0, b01},
    {"B02", "Accept: application/xml: 406 NotAcceptable", 0, b02},
    {"B03", "POST with Content-Type text/plain: 415 UnsupportedMediaType", 0, b03},
    {"B04", "POST of a Lease in protobuf: 201; the answer is one a client takes", 0, b04},
    {"B05", "LIST as=Table: rows, metadata.resourceVersion", 0, b05},
    {"B06", "includeObject=None: no object (null); Object: the whole", 0, b06},
    {"B07", "includeObject=bad: 400", 0, b07},
    {"B08", "GET as=PartialObjectMetadata: metadata alone, meta.k8s.io/v1", 0, b08},
    {"B09", "LIST as=PartialObjectMetadata: 406", 0, b09},
    {"B10", "LIST of CRs as=PartialObjectMetadataList", 0, b10},
    {"B11", "CBOR: 415 and 406 while the gate is off", 0, b11},
    {"B12", "pretty=true or a browser's User-Agent: indented", 0, b12},
    {"B13", "POST of YAML: 201", 0, b13},
    {"B14", "a body of more than 3 MiB: 413", 0, b14},
    {"B15", "watch as=Table: every event is a Table of one row", 0, b15},
};
ROWS_MAIN(rows)
