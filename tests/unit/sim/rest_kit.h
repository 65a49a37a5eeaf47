/* What the tests of the REST front share: a server with a defined kind, requests as texts, and
 * tables of what must come back. */
#ifndef VMCONFORM_TESTS_UNIT_SIM_REST_KIT_H
#define VMCONFORM_TESTS_UNIT_SIM_REST_KIT_H

#include "sim/rest/rest.h"
#include "tests/unit/sim/kit.h"

struct rest_kit {
    struct kit k;
    struct rest *rest;
};

/* widgets.example.com: namespaced, with a status; "dots" cluster-wide in the same group, v1beta1
 * not served. */
__attribute__((unused)) static json_t *defined_crd(const char *plural, const char *kind,
                                                   const char *scope)
{
    return js("{'apiVersion':'apiextensions.k8s.io/v1','kind':'CustomResourceDefinition',"
              "'metadata':{'name':'%s.example.com'},'spec':{'group':'example.com','scope':'%s',"
              "'names':{'plural':'%s','kind':'%s','shortNames':['%.1s'],'categories':['all']},"
              "'versions':[{'name':'v1','served':true,'storage':true,'subresources':{'status':{}},"
              "'schema':{'openAPIV3Schema':{'type':'object','properties':{'spec':{'type':'object',"
              "'x-kubernetes-preserve-unknown-fields':true},'status':{'type':'object',"
              "'x-kubernetes-preserve-unknown-fields':true}}}}},"
              "{'name':'v1beta1','served':false,'storage':false,'schema':{'openAPIV3Schema':{"
              "'type':'object'}}}]}}",
              plural, scope, plural, kind, plural);
}

__attribute__((unused)) static struct rest_kit rest_kit_create(void)
{
    struct rest_kit r = {.k = kit_create()};
    static const struct {
        const char *plural, *kind, *scope;
    } kinds[] = {{"widgets", "Widget", "Namespaced"}, {"dots", "Dot", "Cluster"}};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        AUTO(json) json_t *crd = defined_crd(kinds[i].plural, kinds[i].kind, kinds[i].scope);
        struct err e = {0};
        ck_assert_msg(apiserver_add_crd(r.k.server, crd, &e) == 0, "%s", e.msg ? e.msg : "");
    }
    const struct rest_config config = {
        .server = r.k.server, .sched = world_sched(r.k.world), .gzip = true};
    r.rest = rest_create(&config);
    return r;
}

__attribute__((unused)) static void cleanup_rest_kit(struct rest_kit *r)
{
    rest_destroy(r->rest);
    cleanup_kit(&r->k);
}

#define KIT_HEADERS_MAX 16

/* headers: "Name: value" lines. The answer is the caller's. */
__attribute__((unused)) static void rest_ask_bytes(struct rest_kit *r, const char *method,
                                                   const char *target, const char *headers,
                                                   const char *body, size_t len,
                                                   struct rest_answer *ret)
{
    AUTO(str) char *text = mem_strdup(headers ? headers : "");
    struct rest_header list[KIT_HEADERS_MAX];
    size_t count = 0;
    for (char *line = text, *next; line && *line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        char *colon = strchr(line, ':');
        ck_assert_ptr_nonnull(colon);
        *colon = '\0';
        list[count++] = (struct rest_header){line, colon + 2};
    }
    const struct rest_request req = {.method = method,
                                     .target = target,
                                     .headers = list,
                                     .header_count = count,
                                     .body = body,
                                     .body_len = len,
                                     .server_address = "127.0.0.1:6443"};
    *ret = (struct rest_answer){0};
    rest_handle(r->rest, &req, ret);
}

__attribute__((unused)) static void rest_ask(struct rest_kit *r, const char *method,
                                             const char *target, const char *headers,
                                             const char *body, struct rest_answer *ret)
{
    rest_ask_bytes(r, method, target, headers, body, body ? strlen(body) : 0, ret);
}

/* What must come back. Each of want is a part of the body (' stands for ", ` for '), or with ! in
 * front a part that must not be there, or "Header: value", recognised by "H ": a header's exact
 * value; "H Name:" alone: no such header. */
#define WANTS_MAX 5
struct rest_row {
    const char *method, *target, *headers, *body;
    int code;
    const char *want[WANTS_MAX];
};

/* Rows without headers and body, with headers, with a body; then the code and what is wanted. */
#define ASK(method, target, code, ...)                                                             \
    {                                                                                              \
        method, target, NULL, NULL, code,                                                          \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define ASK_AS(method, target, headers, code, ...)                                                 \
    {                                                                                              \
        method, target, headers, NULL, code,                                                       \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define SEND(method, target, body, code, ...)                                                      \
    {                                                                                              \
        method, target, NULL, body, code,                                                          \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }

/* Complaints are collected: a table tells all that is wrong with it. */
static void want_header(const struct rest_row *row, const struct rest_answer *a, const char *want,
                        struct strbuf *bad)
{
    AUTO(str) char *name = mem_strndup(want, strcspn(want, ":"));
    const char *value = want + strlen(name) + 1;
    const char *have = rest_answer_get(a, name);
    value += *value == ' ';
    if (*value ? !have || strcmp(have, value) != 0 : have != NULL)
        strbuf_addf(bad, "\n%s %s: header '%s' is '%s', want '%s'", row->method, row->target, name,
                    have ? have : "(none)", value);
}

static void want_part(const struct rest_row *row, const struct rest_answer *a, const char *want,
                      struct strbuf *bad)
{
    bool absent = *want == '!';
    AUTO(str) char *part = mem_strdup(want + absent);
    for (char *p = part; *p; p++)
        *p = *p == '\'' ? '"' : *p == '`' ? '\'' : *p;
    if ((strstr(strbuf_str(&a->body), part) != NULL) == absent)
        strbuf_addf(bad, "\n%s %s: '%s' is %s in: %.2000s", row->method, row->target, part,
                    absent ? "there" : "not", strbuf_str(&a->body));
}

/* Bodies are written with ' for ", too. */
__attribute__((unused)) static void rest_check(struct rest_kit *r, const struct rest_row *row,
                                               struct strbuf *bad)
{
    AUTO(str) char *body = mem_strdup(row->body ? row->body : "");
    for (char *p = body; *p; p++)
        if (*p == '\'')
            *p = '"';
    struct rest_answer a;
    rest_ask(r, row->method, row->target, row->headers, body, &a);
    if (a.code != row->code)
        strbuf_addf(bad, "\n%s %s: want %d, got %d: %.2000s", row->method, row->target, row->code,
                    a.code, strbuf_str(&a.body));
    ck_assert_ptr_nonnull(rest_answer_get(&a, "Audit-Id"));
    for (size_t i = 0; a.code == row->code && i < WANTS_MAX && row->want[i]; i++) {
        if (strncmp(row->want[i], "H ", 2) == 0)
            want_header(row, &a, row->want[i] + 2, bad);
        else
            want_part(row, &a, row->want[i], bad);
    }
    rest_answer_finish(&a);
}

__attribute__((unused)) static void rest_check_all(struct rest_kit *r, const struct rest_row *rows,
                                                   size_t count)
{
    AUTO(strbuf) struct strbuf bad = {0};
    for (size_t i = 0; i < count; i++)
        rest_check(r, &rows[i], &bad);
    ck_assert_msg(bad.len == 0, "%s", strbuf_str(&bad));
}

#endif
