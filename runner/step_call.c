/* call: an HTTP request of the scenario to a service, as a tenant sends one. */
#include <ctype.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/token.h"
#include "kube/time.h"
#include "runner/call.h"
#include "runner/patience.h"
#include "runner/saved.h"
#include "runner/services.h"
#include "runner/verb.h"

static const char default_service[] = "fulfillment-service";

/* ---- what is sent ---- */

/* All that a request points into. */
struct sending {
    char *target, *token, *body;
    struct http_reply headers; /* only these */
    struct http_field *fields;
    struct http_request request;
    const char *user;
};

static void sending_finish(struct sending *s)
{
    free(s->target);
    free(s->token);
    free(s->body);
    free(s->fields);
    http_reply_finish(&s->headers);
}

static void add_escaped(struct strbuf *out, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if (isalnum(c) || strchr("-._~", c))
            strbuf_addch(out, (char)c);
        else
            strbuf_addf(out, "%%%02X", c);
    }
}

/* Text, number or boolean; new. */
static char *scalar_text(const json_t *v)
{
    return json_is_string(v) ? mem_strdup(json_string_value(v)) : json_text(v);
}

static char *target_of(const json_t *args)
{
    struct strbuf out = {0};
    const char *path = json_str_or_empty(args, "path"), *key;
    char next = strchr(path, '?') ? '&' : '?';
    json_t *v;

    strbuf_addstr(&out, path);
    json_object_foreach(json_object_get(args, "query"), key, v)
    {
        AUTO(str) char *text = scalar_text(v);

        strbuf_addch(&out, next);
        add_escaped(&out, key);
        strbuf_addch(&out, '=');
        add_escaped(&out, text);
        next = '&';
    }
    return strbuf_take(&out);
}

static void copy_claim(json_t *claims, const json_t *as, const char *key)
{
    json_t *v = json_object_get(as, key);

    if (v)
        json_object_set(claims, key, v);
}

/* New; NULL: the call carries none. */
static char *token_of(const json_t *args)
{
    const json_t *as = json_object_get(args, "as");
    const char *token = json_str(args, "token"), *key = json_str(as, "key");
    AUTO(json) json_t *claims = NULL;

    if (token)
        return mem_strdup(token);
    if (!as)
        return NULL;
    claims = json_pack("{s:s}", "sub", json_str_or_empty(as, "user"));
    copy_claim(claims, as, "groups");
    copy_claim(claims, as, "tenants");
    json_object_update(claims, json_object_get(as, "claims"));
    return bearer_sign(key ? key : BEARER_DEFAULT_KEY, claims);
}

static void add_header(struct sending *s, const char *name, const char *value)
{
    AUTO(str) char *lower = mem_strdup(name);

    for (char *p = lower; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    http_reply_add(&s->headers, lower, value);
}

static bool has_header(const struct sending *s, const char *name)
{
    return http_reply_header(&s->headers, name) != NULL;
}

static void add_headers(struct sending *s, const json_t *args)
{
    const char *key;
    json_t *v;

    json_object_foreach(json_object_get(args, "headers"), key, v)
    {
        AUTO(str) char *text = scalar_text(v);

        add_header(s, key, text);
    }
    if (s->token && !has_header(s, "authorization")) {
        AUTO(str) char *bearer = mem_printf("Bearer %s", s->token);

        add_header(s, "authorization", bearer);
    }
    if (s->body && !has_header(s, "content-type"))
        add_header(s, "content-type", "application/json");
}

static void make_request(struct sending *s, const json_t *args)
{
    const json_t *body = json_object_get(args, "body");

    *s = (struct sending){.user = json_str_or_empty(args, "as.user")};
    s->target = target_of(args);
    s->token = token_of(args);
    s->body = body && !json_is_null(body) ? scalar_text(body) : NULL;
    add_headers(s, args);
    s->fields = mem_zalloc((s->headers.header_count + 1) * sizeof *s->fields);
    for (size_t i = 0; i < s->headers.header_count; i++)
        s->fields[i] = (struct http_field){s->headers.headers[i].name, s->headers.headers[i].value};
    s->request = (struct http_request){.method = json_str_or_empty(args, "method"),
                                       .target = s->target,
                                       .headers = s->fields,
                                       .header_count = s->headers.header_count,
                                       .body = s->body,
                                       .body_len = s->body ? strlen(s->body) : 0};
}

/* ---- the exchange ---- */

#define RETRY_NS (1 * NS_PER_S)
#define PATIENT_RETRY_NS (10 * NS_PER_S)

/* How long it is sent again. */
struct bounds {
    int64_t until;
    struct patience patience; /* beyond that */
};

/* One request. *ret_answer is new; -1: crashed, or over. */
static int send_once(struct casework *cw, const struct step *step, struct frame *frame,
                     const json_t *args, json_t **ret_answer, struct err *ret_why)
{
    struct sending s;
    const char *service = json_str(args, "service"), *save = json_str(args, "save");
    AUTO(http_reply) struct http_reply reply = {0};
    struct service_caller who;

    make_request(&s, args);
    who = (struct service_caller){"scenario", s.user};
    services_call(services_of(cw->world), service ? service : default_service, &who, &s.request,
                  &reply, ret_why);
    sending_finish(&s);
    if (cw->over || sched_crashed(world_sched(cw->world)))
        return -1;
    cw->step = step; /* others ran meanwhile */
    *ret_answer = call_answer_json(&reply, json_object_get(args, "mask"));
    if (save)
        saved_set(cw, step, frame, save, json_incref(*ret_answer));
    return cw->over ? -1 : 0;
}

static bool only_reads(const json_t *args)
{
    const char *method = json_str_or_empty(args, "method");

    return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

/* A crash of the sweep has taken the answer away. What only reads is sent again. Of another request
 * nobody can know whether it was carried out: the story ends, and what it has promised so far has
 * held. */
static bool taken_by_sweep(const struct casework *cw, const json_t *args, const json_t *answer)
{
    return cw->swept && json_int(answer, "code", 0) == 0 && json_int(args, "expect.code", -1) != 0;
}

static bool as_expected(const json_t *args, const json_t *answer, const struct frame *frame)
{
    AUTO(strbuf) struct strbuf out = {0};
    AUTO(err) struct err err = {0};

    return call_fits(json_object_get(args, "expect"), answer, frame, &out, &err) != 0;
}

/* How long to wait before it is sent again; 0: this answer is the one that counts. */
static int64_t next_try(const struct casework *cw, const struct bounds *b)
{
    int64_t now = world_now(cw->world);
    int64_t left = cw->swept ? b->until + b->patience.ns - now : 0;

    if (now < b->until)
        return RETRY_NS;
    return left <= 0 ? 0 : left < PATIENT_RETRY_NS ? left : PATIENT_RETRY_NS;
}

/* The answer that counts. */
static int judge(struct casework *cw, const struct step *step, const struct frame *frame,
                 const json_t *args, const json_t *answer, const struct err *why)
{
    if (taken_by_sweep(cw, args, answer)) {
        story_ends(cw);
        return -1;
    }
    return call_judge(cw, step, frame, args, answer, why->msg);
}

/* Sends it until the answer is the expected one, or its time has come. */
static int converse(struct casework *cw, const struct step *step, struct frame *frame,
                    const json_t *args, const struct bounds *b)
{
    for (;;) {
        AUTO(json) json_t *answer = NULL;
        AUTO(err) struct err why = {0};
        int64_t pause = 0;

        if (send_once(cw, step, frame, args, &answer, &why) < 0)
            return -1;
        if (!as_expected(args, answer, frame))
            pause = next_try(cw, b);
        if (!pause && only_reads(args) && taken_by_sweep(cw, args, answer))
            pause = RETRY_NS;
        if (!pause && cw->swept && b->patience.excused && json_int(answer, "code", 0) != 0)
            return 0;
        if (!pause)
            return judge(cw, step, frame, args, answer, &why);
        if (sched_sleep(world_sched(cw->world), pause) != SCHED_OK || cw->over)
            return -1;
        cw->step = step;
    }
}

/* A call that is armed runs inside somebody's request: on a fiber of the scenario's, so that it
 * goes through to its end whatever becomes of that one, who waits for it. */
struct armed_call {
    struct casework *cw;
    const struct step *step;
    struct frame *frame;
    json_t *args;
    struct bounds bounds;
    struct waitcell *done;
    bool left; /* nobody waits */
    int result;
};

static void armed_call_free(struct armed_call *a)
{
    waitcell_destroy(a->done);
    frame_destroy(a->frame);
    json_decref(a->args);
    free(a);
}

static void run_armed(void *arg)
{
    struct armed_call *a = arg;

    a->result = converse(a->cw, a->step, a->frame, a->args, &a->bounds);
    if (a->left) {
        armed_call_free(a);
        return;
    }
    a->left = true;
    waitcell_signal(a->done);
}

static int call_aside(struct casework *cw, const struct step *step, const struct frame *frame,
                      const json_t *args, const struct bounds *b)
{
    struct armed_call *a = mem_zalloc(sizeof *a);
    const struct step *before = cw->step;
    bool in_hook = cw->in_hook;
    int result;

    *a = (struct armed_call){.cw = cw, .step = step, .bounds = *b, .result = -1};
    a->frame = frame_create(frame->scope, frame);
    a->args = json_copy_of(args);
    a->done = waitcell_create(world_sched(cw->world), "armed call");
    actor_spawn(cw->story, "call", run_armed, a);
    cw->in_hook = false; /* what others do meanwhile has its moments */
    while (!a->left && waitcell_wait(a->done, SCHED_NEVER) == SCHED_OK)
        ;
    cw->in_hook = in_hook;
    cw->step = before;
    if (!a->left) { /* who waits here has crashed */
        a->left = true;
        return -1;
    }
    result = a->result;
    armed_call_free(a);
    return result;
}

static int run_call(struct casework *cw, const struct step *step, struct frame *frame)
{
    struct eval e = case_eval(cw, frame);
    const struct actor *self = actor_self(world_sched(cw->world));
    struct err err = {0};
    AUTO(json) json_t *args = tmpl_eval(step->args, &e, &err);
    const char *after_crash;
    struct bounds bounds = {0};
    int64_t within;

    if (!args || step_check_args(step, args, &err) < 0)
        return verdict_error(cw, "scenario", step->pos, &err);
    if (call_check_args(args, tmpl_pos(step->args), &err) < 0)
        return verdict_error(cw, "scenario", step->pos, &err);
    if (step_duration(cw, step, args, "within", 0, &within) < 0)
        return -1;
    after_crash = json_str(args, "afterCrash");
    if (after_crash && !patience_parse(after_crash, &bounds.patience))
        return verdict(cw, RESULT_ERROR, "scenario", step->pos, NULL, PATIENCE_WANTED, after_crash);
    bounds.until = world_now(cw->world) + within;
    if (self && actor_process(self) == cw->story)
        return converse(cw, step, frame, args, &bounds);
    return call_aside(cw, step, frame, args, &bounds);
}

/* ---- the verb ---- */

static const struct shape_key as_keys[] = {
    {"user", SHAPE_TEXT, true},           {"groups", SHAPE_LIST_VALUE, false},
    {"tenants", SHAPE_LIST_VALUE, false}, {"claims", SHAPE_MAP_VALUE, false},
    {"key", SHAPE_TEXT, false},           {NULL, SHAPE_ANY, false}};
static const struct shape_note as_notes[] = {
    {"claims", NULL, "More claims of the token."},
    {"key", NULL, "That signs the token; default `vmconform`."},
    {NULL, NULL, NULL}};
static const struct shape as_shape = {
    .what = "as", .keys = as_keys, .notes = as_notes, .definition = "caller"};
static const struct shape_key expect_keys[] = {
    {"code", SHAPE_INT, false},      {"codes", SHAPE_LIST_VALUE, false},
    {"body", SHAPE_ANY, false},      {"header", SHAPE_MAP_VALUE, false},
    {"equalsTo", SHAPE_TEXT, false}, {NULL, SHAPE_ANY, false}};
static const struct shape_note expect_notes[] = {
    {"code", NULL, "0: no answer. Default: 200 to 299."},
    {"codes", NULL, "Any of these: for what a race may end in."},
    {"body", NULL, "Members that the answer's body has, as with `has`."},
    {"equalsTo", NULL, "The name of a saved answer that this one equals byte for byte."},
    {NULL, NULL, NULL}};
static const struct shape expect_shape = {
    .what = "expect", .keys = expect_keys, .notes = expect_notes};
static const struct shape_key call_keys[] = {{"service", SHAPE_TEXT, false},
                                             {"method", SHAPE_TEXT, true},
                                             {"path", SHAPE_TEXT, true},
                                             {"query", SHAPE_MAP_VALUE, false},
                                             {"headers", SHAPE_MAP_VALUE, false},
                                             {"body", SHAPE_ANY, false},
                                             {"as", SHAPE_MAP, false},
                                             {"token", SHAPE_TEXT, false},
                                             {"expect", SHAPE_MAP, false},
                                             {"save", SHAPE_TEXT, false},
                                             {"mask", SHAPE_LIST_VALUE, false},
                                             {"within", SHAPE_DURATION, false},
                                             {"afterCrash", SHAPE_TEXT, false},
                                             {NULL, SHAPE_ANY, false}};
static const struct shape_note call_notes[] = {
    {"service", NULL, "Default `fulfillment-service`."},
    {"body", NULL, "A text as it is; anything else as JSON."},
    {"as", &as_shape, NULL},
    {"token", NULL, "A bearer token as it is."},
    {"expect", &expect_shape, NULL},
    {"save", NULL, "The name of a variable for the answer."},
    {"mask", NULL, "Texts that are replaced by `***` in `raw`."},
    {"within", NULL, "Sent again, each second, until the answer is the expected one."},
    {"afterCrash", NULL, "A duration, or excused: what the crash of a sweep allows."},
    {NULL, NULL, NULL}};
static const struct shape call_shape = {.what = "call", .keys = call_keys, .notes = call_notes};

const struct verb verb_call = {
    .name = "call",
    .value = "`{service, method, path, query, headers, body, as, token, expect, save, mask, "
             "within, afterCrash}`",
    .says = "an HTTP request to a service, see [Services](#services)",
    .shape = &call_shape,
    .check = call_check,
    .run = run_call,
};
