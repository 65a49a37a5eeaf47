/* Requests, and what rows are made of: definitions, objects. */
#include <stdio.h>

#include "tests/api/harness_priv.h"

/* ---- over the interface ---- */

#define HEADERS_MAX 64

struct errand {
    struct rest_request req;
    struct rest_answer answer;
    char *lines;
    struct rest_header headers[HEADERS_MAX];
    bool done;
};

static size_t split_headers(char *lines, struct rest_header *ret)
{
    size_t n = 0;

    for (char *line = lines, *next; line && *line && n < HEADERS_MAX; line = next) {
        char *colon = strchr(line, ':');

        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        want(colon, "no header: %s", line);
        *colon = '\0';
        ret[n++] = (struct rest_header){line, colon + 1 + strspn(colon + 1, " ")};
    }
    return n;
}

static struct errand *errand_new(const char *method, const char *target, const char *headers,
                                 const void *body, size_t len)
{
    struct errand *e = mem_zalloc(sizeof *e);

    e->lines = mem_strdup(headers ? headers : "");
    e->req = (struct rest_request){.method = method,
                                   .target = target,
                                   .headers = e->headers,
                                   .header_count = split_headers(e->lines, e->headers),
                                   .body = body,
                                   .body_len = len,
                                   .server_address = "127.0.0.1:6443"};
    return e;
}

static void run_errand(void *arg)
{
    struct errand *e = arg;

    rest_handle(stage.served.rest, &e->req, &e->answer);
    e->done = true;
}

/* Through the world, as an actor of the process that stands for whoever asks. */
struct errand *direct_begin(const char *method, const char *target, const char *headers,
                            const void *body, size_t len)
{
    struct errand *e = errand_new(method, target, headers, body, len);
    struct process *p = strmap_get(stage.serve.processes, "client");

    if (!p || process_crashed(p)) {
        p = process_create(stage.sched, "client");
        strmap_put(stage.serve.processes, "client", p);
    }
    actor_spawn(p, "request", run_errand, e);
    return e;
}

void direct_end(struct errand *e, struct answer *ret)
{
    while (!e->done && sched_next(stage.sched) != SCHED_NEVER)
        sched_run(stage.sched, sched_next(stage.sched));
    want(e->done, "no answer");
    if (ret) {
        ret->code = e->answer.code;
        for (size_t i = 0; i < e->answer.header_count; i++)
            strbuf_addf(&ret->head, "%s: %s\n", e->answer.headers[i].name,
                        e->answer.headers[i].value);
        strbuf_add(&ret->body, strbuf_str(&e->answer.body), e->answer.body.len);
        ret->stream = TAKE(e->answer.stream);
    }
    rest_stream_close(e->answer.stream);
    e->answer.stream = NULL;
    rest_answer_finish(&e->answer);
    free(e->lines);
    free(e);
}

void direct_ask(const char *method, const char *target, const char *headers, const void *body,
                size_t len, struct answer *ret)
{
    struct errand *e;

    if (stage.row->flags & ROW_FAULTS) {
        e = direct_begin(method, target, headers, body, len);
    } else {
        e = errand_new(method, target, headers, body, len);
        run_errand(e);
    }
    direct_end(e, ret);
}

/* ---- requests ---- */

static void note_request(const char *method, const char *target, const char *headers,
                         const char *body, size_t len)
{
    strbuf_reset(&stage.request);
    strbuf_addf(&stage.request, "%s %s\n", method, target);
    if (headers && *headers)
        strbuf_addf(&stage.request, "%s\n", headers);
    strbuf_add(&stage.request, body, len > 2000 ? 2000 : len);
    stage.last = NULL;
}

struct answer *answer_new(void)
{
    struct answer *a = mem_zalloc(sizeof *a);

    a->next = stage.answers;
    stage.answers = a;
    return a;
}

const struct answer *answer_done(struct answer *a)
{
    if (a->body.len > 0 && strbuf_str(&a->body)[0] == '{')
        a->json = a->owned = json_read(a->body.data, a->body.len, "answer", NULL);
    stage.last = a;
    return a;
}

const struct answer *ask_bytes(const char *method, const char *target, const char *headers,
                               const void *body, size_t len)
{
    struct answer *a = answer_new();

    note_request(method, target, headers, body ? body : "", body ? len : 0);
    if (stage.http)
        http_ask(method, target, headers, body, len, a);
    else
        direct_ask(method, target, headers, body, len, a);
    return answer_done(a);
}

struct pending {
    struct conn *conn;
    struct errand *errand;
};

struct pending *ask_begin(const char *method, const char *target, const char *headers,
                          const char *body_fmt, ...)
{
    struct pending *p = mem_zalloc(sizeof *p);
    va_list ap;
    const char *body;

    va_start(ap, body_fmt);
    body = stage_keep(json_quotes(mem_vprintf(body_fmt, ap)));
    va_end(ap);
    note_request(method, target, headers, body, strlen(body));
    if (stage.http)
        p->conn = http_begin(method, target, headers, body, strlen(body));
    else
        p->errand = direct_begin(method, target, headers, body, strlen(body));
    stage_keep((char *)p); /* ends with the row */
    return p;
}

const struct answer *ask_end(struct pending *p)
{
    struct answer *a = answer_new();

    if (p->conn)
        http_end(p->conn, a);
    else
        direct_end(p->errand, a);
    return answer_done(a);
}

void ask_cut(struct pending *p)
{
    if (p->conn)
        conn_close(p->conn);
    else
        direct_end(p->errand, NULL);
}

const struct answer *ask_retrying(const char *method, const char *target, const char *body,
                                  unsigned *ret_tries)
{
    AUTO(str) char *quoted = json_quotes(mem_strdup(body));
    const struct answer *a;

    for (*ret_tries = 1;; ++*ret_tries) {
        const char *after;
        char *end;
        unsigned long s;

        a = ask_bytes(method, target, "Content-Type: application/json", quoted, strlen(quoted));
        after = header(a, "Retry-After");
        if (*ret_tries > 10 || (a->code != 429 && a->code < 500) || !after)
            return a;
        s = strtoul(after, &end, 10);
        want(*after && !*end, "Retry-After: %s", after);
        advance_ms((int64_t)s * 1000);
    }
}

static const struct answer *ask_va(const char *method, const char *target, const char *headers,
                                   const char *body_fmt, va_list ap)
{
    AUTO(str) char *body = json_quotes(mem_vprintf(body_fmt, ap));

    return ask_bytes(method, target, headers, body, strlen(body));
}

/* clang-format off */
#define ASK(method, headers)                                                                       \
    do {                                                                                           \
        va_list ap;                                                                                \
        const struct answer *a;                                                                    \
        va_start(ap, body_fmt);                                                                    \
        a = ask_va(method, target, headers, body_fmt, ap);                                         \
        va_end(ap);                                                                                \
        return a;                                                                                  \
    } while (0)
/* clang-format on */

const struct answer *ask(const char *method, const char *target, const char *headers,
                         const char *body_fmt, ...)
{
    if (!body_fmt)
        return ask_bytes(method, target, headers, NULL, 0);
    ASK(method, headers);
}

const struct answer *post(const char *target, const char *body_fmt, ...)
{
    ASK("POST", "Content-Type: application/json");
}

const struct answer *put(const char *target, const char *body_fmt, ...)
{
    ASK("PUT", "Content-Type: application/json");
}

const struct answer *merge_patch(const char *target, const char *body_fmt, ...)
{
    ASK("PATCH", "Content-Type: application/merge-patch+json");
}

const struct answer *json_patch(const char *target, const char *body_fmt, ...)
{
    ASK("PATCH", "Content-Type: application/json-patch+json");
}

const struct answer *strategic_patch(const char *target, const char *body_fmt, ...)
{
    ASK("PATCH", "Content-Type: application/strategic-merge-patch+json");
}

const struct answer *apply_patch(const char *target, const char *body_fmt, ...)
{
    ASK("PATCH", "Content-Type: application/apply-patch+yaml");
}

const struct answer *get(const char *target_fmt, ...)
{
    va_list ap;

    va_start(ap, target_fmt);
    AUTO(str) char *target = mem_vprintf(target_fmt, ap);
    va_end(ap);
    return ask_bytes("GET", target, NULL, NULL, 0);
}

const struct answer *del(const char *target_fmt, ...)
{
    va_list ap;

    va_start(ap, target_fmt);
    AUTO(str) char *target = mem_vprintf(target_fmt, ap);
    va_end(ap);
    return ask_bytes("DELETE", target, NULL, NULL, 0);
}

/* ---- objects ---- */

const struct answer *put_object(const char *target, const struct answer *object)
{
    AUTO(str) char *body = json_text(object->json);

    return ask_bytes("PUT", target, "Content-Type: application/json", body, strlen(body));
}

const struct answer *put_changed(const char *target, const struct answer *object, const char *path,
                                 const char *value)
{
    AUTO(json) json_t *changed = json_copy_of(object->json);

    if (value) {
        AUTO(str) char *quoted = json_quotes(mem_strdup(value));
        json_t *v = json_read(quoted, strlen(quoted), "value", NULL);
        want(v != NULL, "no JSON: %s", value);
        json_put_take(changed, path, v);
    } else {
        json_drop(changed, path);
    }
    AUTO(str) char *body = json_text(changed);
    return ask_bytes("PUT", target, "Content-Type: application/json", body, strlen(body));
}

const struct answer *create_cm(const char *name)
{
    const struct answer *a = post(CMS, "{'metadata':{'name':'%s'},'data':{'k':'v'}}", name);

    want_code(a, 201);
    return a;
}

const struct answer *create_widget(const char *name)
{
    const struct answer *a = post(WIDGETS,
                                  "{'apiVersion':'example.com/v1','kind':'Widget','metadata':{"
                                  "'name':'%s'},'spec':{'size':1}}",
                                  name);

    want_code(a, 201);
    return a;
}

/* ---- definitions ---- */

#define ANYTHING "{'type':'object','x-kubernetes-preserve-unknown-fields':true}"

static const char *subresources(const char *flags)
{
    if (strchr(flags, 'x'))
        return "'subresources':{'status':{},'scale':{'specReplicasPath':'.spec.replicas',"
               "'statusReplicasPath':'.status.replicas','labelSelectorPath':'.status.selector'}},";
    return strchr(flags, 's') ? "'subresources':{'status':{}}," : "";
}

void define(const char *plural, const char *kind, const char *flags, const char *schema)
{
    const struct answer *a = post(
        CRDS,
        "{'apiVersion':'apiextensions.k8s.io/v1','kind':'CustomResourceDefinition','metadata':{"
        "'name':'%s.example.com'},'spec':{'group':'example.com','scope':'%s','names':{'plural':'%s'"
        ",'kind':'%s'},'versions':[{'name':'v1','served':true,'storage':true,%s'schema':{"
        "'openAPIV3Schema':{'type':'object','properties':{'spec':%s,'status':" ANYTHING "}}}}]}}",
        plural, strchr(flags, 'c') ? "Cluster" : "Namespaced", plural, kind, subresources(flags),
        schema ? schema : ANYTHING);

    want_code(a, 201);
    settle();
}

void define_widgets(void)
{
    define("widgets", "Widget", "s",
           "{'type':'object','properties':{'size':{'type':'integer'},'color':{'type':'string'},"
           "'owner':{'type':'string'},"
           "'ports':{'type':'array','x-kubernetes-list-type':'map','x-kubernetes-list-map-keys':["
           "'name'],'items':{'type':'object','required':['name'],'properties':{'name':{'type':"
           "'string'},'port':{'type':'integer'}}}},"
           "'args':{'type':'array','items':{'type':'string'}},"
           "'marks':{'type':'array','x-kubernetes-list-type':'set','items':{'type':'string'}}}}");
}

void define_plains(void)
{
    define("plains", "Plain", "", NULL);
}

void add_fault(const char *fmt, ...)
{
    va_list ap;
    struct err e = {0};

    va_start(ap, fmt);
    AUTO(str) char *rule_text = json_quotes(mem_vprintf(fmt, ap));
    va_end(ap);
    AUTO(json) json_t *rule = json_read(rule_text, strlen(rule_text), "rule", &e);
    want(rule, "no JSON: %s", rule_text);
    want(fault_add(world_faults(stage.serve.world), rule, &e) > 0, "%s: %s", rule_text,
         e.msg ? e.msg : "");
}
