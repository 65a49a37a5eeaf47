/* Calls of services, as a case sees them: `upon: {call: ...}`, laws, `calls()`, the crash sweep. */
#include "runner/calls.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/time.h"
#include "runner/expr.h"
#include "runner/race.h"
#include "runner/services.h"

static bool is_write(const char *method)
{
    return strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0 &&
           strcmp(method, "OPTIONS") != 0;
}

/* `event` in expressions. New. */
static json_t *event_of(struct casework *cw, const struct call_info *info, const char *path)
{
    const struct http_request *req = info->request;
    const struct http_reply *r = info->reply;
    const char *mark = strchr(req->target, '?');
    char time[TIME_TEXT];

    time_format(world_now(cw->world), time);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:o, s:o}", "service", info->service,
                     "method", req->method, "path", path, "query", mark ? mark + 1 : "", "by",
                     info->caller.by, "user", info->caller.user, "time", time, "code",
                     r ? r->code : 0, "request", http_body_json(req->body, req->body_len),
                     "response", http_body_json(r ? r->body : NULL, r ? r->body_len : 0));
}

static void bind_all(struct casework *cw, json_t *event)
{
    for (size_t i = 0; i < cw->inclusion_count; i++)
        bind_event(cw->inclusions[i]->frame, NULL, NULL, event);
}

static void on_call(void *cookie, enum request_moment moment, const struct call_info *info)
{
    struct casework *cw = cookie;
    AUTO(str) char *path = http_path(info->request->target);
    AUTO(json) json_t *event = NULL;
    const struct happening h = {.type = info->request->method,
                                .kind = info->service,
                                .name = path,
                                .by = info->caller.by,
                                .is_call = true};

    if (cw->over)
        return;
    if (is_write(info->request->method))
        cw->last_write_ns = world_now(cw->world);
    /* Bodies are read as JSON once, and only if somebody asks. */
    if (moment == REQUEST_COMMITTED && info->told)
        event = json_incref(info->told);
    else if (moment == REQUEST_COMMITTED || cw->armed.count)
        event = event_of(cw, info, path);
    if (moment == REQUEST_COMMITTED) {
        bind_all(cw, event);
        laws_judge(cw, &h);
        bind_all(cw, NULL);
    }
    if (!cw->in_hook && cw->armed.count) {
        cw->in_hook = true;
        armed_fire(cw, &h, moment, NULL, event);
        cw->in_hook = false;
    }
    if (moment == REQUEST_COMMITTED)
        look_at_watchpoint(cw);
    if (is_write(info->request->method))
        crash_point(cw, moment, info->caller.by, "call");
}

void calls_install(struct casework *cw)
{
    services_on_call(services_of(cw->world), on_call, race_mark, cw);
}

/* ---- calls(SERVICE) ---- */

static int fn_calls(void *cookie, struct cel_context *c, size_t nargs, const struct cel_value *args,
                    struct cel_value *ret, struct err *reterr)
{
    struct casework *cw = cookie;
    AUTO(str) char *service = expr_text(&args[0], "the service", reterr);
    json_t *calls = service ? services_calls(services_of(cw->world), service, reterr) : NULL;

    (void)nargs;
    if (!calls)
        return -1;
    *ret = cel_json_take(c, calls);
    return 0;
}

const struct expr_function function_calls = {
    {"calls", false, 1, 1, fn_calls},
    "`calls(SERVICE)`",
    "calls of a service so far, oldest first: `{service, method, path, query, by, user, code, "
    "time, "
    "request, response}`; `''` matches all. The scenario's own are among them, `by` is `scenario`; "
    "code 0: no answer",
    {EXPR_NAMES_NOTHING}};

/* ---- created(NAME) ---- */

static int fn_created(void *cookie, struct cel_context *c, size_t nargs,
                      const struct cel_value *args, struct cel_value *ret, struct err *reterr)
{
    struct casework *cw = cookie;
    AUTO(str) char *name = expr_text(&args[0], "the name", reterr);
    json_t *made = name ? services_made(services_of(cw->world), name) : NULL;

    (void)nargs;
    if (!name)
        return -1;
    if (made) {
        *ret = cel_json_take(c, json_incref(made));
        return 0;
    }
    return err_set(reterr, ERR_NOT_FOUND, NO_POS, "no call of the scenario made '%s'", name);
}

const struct expr_function function_created = {
    {"created", false, 1, 1, fn_created},
    "`created(NAME)`",
    "the answer to the scenario's last POST that made something: with an `id`, and with that "
    "`metadata.name`; none is an error",
    {EXPR_NAMES_NOTHING}};
