/* OpenAPI documents: /openapi/v2, /openapi/v3 and what lies below (kube-apiserver.md 1.2). */
#include <string.h>

#include "kube/time.h"
#include "sim/rest/documents.h"
#include "sim/rest/openapi_priv.h"
#include "sim/rest/rest_priv.h"

/* ---- version 3 ---- */

static const struct document *v3_document(struct rest_call *c, const char *group,
                                          const char *version)
{
    AUTO(str) char *key = mem_printf("v3 %s/%s", group, version);
    const struct document *d = documents_get(c->r->documents, key);
    if (d)
        return d;
    AUTO(strbuf) struct strbuf out = {0};
    openapi_v3_write(&out, c->r->server, c->r->version, group, version);
    return documents_put(c->r->documents, key, &out);
}

/* "apis/apps/v1", "api/v1" */
static char *v3_path(const char *group, const char *version)
{
    return mem_printf("%s%s/%s", *group ? "apis/" : "api", group, version);
}

static void write_index(struct rest_call *c, const struct catalog_groups *groups,
                        struct strbuf *out)
{
    struct jsonw w = {.out = out};
    jsonw_open(&w, NULL, '{');
    jsonw_open(&w, "paths", '{');
    for (size_t i = 0; i < groups->count; i++) {
        const struct catalog_group *g = &groups->items[i];
        for (size_t k = 0; k < g->version_count; k++) {
            const struct document *d = v3_document(c, g->name, g->versions[k]);
            AUTO(str) char *path = v3_path(g->name, g->versions[k]);
            AUTO(str) char *url = mem_printf("/openapi/v3/%s?hash=%s", path, d->hash);
            jsonw_open(&w, path, '{');
            jsonw_string(&w, "serverRelativeURL", url);
            jsonw_close(&w, '}');
        }
    }
    jsonw_close(&w, '}');
    jsonw_close(&w, '}');
    strbuf_addch(out, '\n');
}

static int answer_index(struct rest_call *c, const struct catalog_groups *groups)
{
    const struct document *d = documents_get(c->r->documents, "v3");
    if (!d) {
        AUTO(strbuf) struct strbuf out = {0};
        write_index(c, groups, &out);
        d = documents_put(c->r->documents, "v3", &out);
    }
    return document_answer(c, d, "application/json", wants_pretty(c->req, &c->query));
}

#define YEAR_NS (INT64_C(365) * 24 * 3600 * NS_PER_S)

/* What is asked for by its hash never changes. */
static void mark_immutable(struct rest_call *c)
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct time_parts t;
    time_split(sched_now(c->r->config.sched) + YEAR_NS, &t);
    rest_answer_header(c->ret, "Cache-Control", "public, immutable");
    rest_answer_header(c->ret, "Expires", "%s, %02d %s %d %02d:%02d:%02d GMT", days[t.weekday],
                       t.day, months[t.month - 1], t.year, t.hour, t.minute, t.second);
}

static int answer_version(struct rest_call *c, const char *group, const char *version)
{
    const struct document *d = v3_document(c, group, version);
    const char *hash = query_get(&c->query, "hash");
    AUTO(str) char *path = v3_path(group, version);
    rest_answer_header(c->ret, "Vary", "Accept");
    if (!hash || !*hash)
        return document_answer(c, d, "application/json", wants_pretty(c->req, &c->query));
    if (strcmp(hash, d->hash) != 0) {
        rest_answer_header(c->ret, "Location", "/openapi/v3/%s?hash=%s", path, d->hash);
        return answer_bytes(c, 301, "text/html; charset=utf-8", "", 0);
    }
    mark_immutable(c);
    return document_answer(c, d, "application/json", wants_pretty(c->req, &c->query));
}

static int answer_v3(struct rest_call *c, const char *rest)
{
    AUTO(catalog_groups) struct catalog_groups groups = {0};
    catalog_groups(c->r->server, &groups);
    if (!*rest)
        return answer_index(c, &groups);
    for (size_t i = 0; i < groups.count; i++) {
        const struct catalog_group *g = &groups.items[i];
        for (size_t k = 0; k < g->version_count; k++) {
            AUTO(str) char *path = v3_path(g->name, g->versions[k]);
            if (strcmp(path, rest) == 0)
                return answer_version(c, g->name, g->versions[k]);
        }
    }
    return 1;
}

/* ---- version 2 ---- */

static const struct document *v2_json(struct rest_call *c)
{
    const struct document *d = documents_get(c->r->documents, "v2");
    if (d)
        return d;
    AUTO(strbuf) struct strbuf out = {0};
    openapi_v2_write(&out, c->r->server, c->r->version);
    return documents_put(c->r->documents, "v2", &out);
}

static const struct document *v2_protobuf(struct rest_call *c)
{
    const struct document *d = documents_get(c->r->documents, "v2 protobuf");
    if (d)
        return d;
    AUTO(strbuf) struct strbuf out = {0};
    if (openapi_v2_write_proto(&out, c->r->server, c->r->version) < 0)
        return NULL;
    return documents_put(c->r->documents, "v2 protobuf", &out);
}

static int answer_v2(struct rest_call *c, bool protobuf)
{
    const struct document *d = protobuf ? v2_protobuf(c) : v2_json(c);
    if (!d)
        return answer_error_text(c, 500, "the OpenAPI document has no protobuf form");
    rest_answer_header(c->ret, "Vary", "Accept");
    /* The name with "@" is one that clients ask for, but no media type. */
    return document_answer(c, d,
                           protobuf ? "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
                                    : "application/json",
                           !protobuf && wants_pretty(c->req, &c->query));
}

/* ---- what the client reads ---- */

struct form {
    bool v2, protobuf;
};

static bool choose_form(void *cookie, const struct accept_clause *a)
{
    static const char *const protobufs[] = {"com.github.proto-openapi.spec.v2@v1.0+protobuf",
                                            "com.github.proto-openapi.spec.v2.v1.0+protobuf"};
    struct form *form = cookie;
    bool any = strcmp(a->type, "*") == 0;
    if (!any && strcmp(a->type, "application") != 0)
        return false;
    if (strcmp(a->subtype, "*") == 0 || (!any && strcmp(a->subtype, "json") == 0))
        return true;
    for (size_t i = 0; form->v2 && i < ARRAY_LEN(protobufs); i++)
        if (strcmp(a->subtype, protobufs[i]) == 0)
            form->protobuf = true;
    return form->protobuf;
}

int document_openapi(struct rest_call *c)
{
    const char *rest, *accept = rest_header(c->req, "Accept");
    struct form form = {.v2 = strcmp(c->route.path, "/openapi/v2") == 0};
    if (!form.v2 && !path_below(c->route.path, "/openapi/v3", &rest))
        return 1;
    if (c->method != METHOD_GET && c->method != METHOD_HEAD)
        return answer_error_text(c, 405, "405: Method Not Allowed");
    if (accept && *accept && !accept_each(accept, choose_form, &form))
        return answer_bytes(c, 406, "text/plain; charset=utf-8", "", 0);
    documents_refresh(c->r->documents, catalog_generation(c->r->server));
    return form.v2 ? answer_v2(c, form.protobuf) : answer_v3(c, rest);
}
