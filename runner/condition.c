/* Conditions: what `wait`, `assert`, `error`, `eventually` and `sometimes` look at. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/time.h"
#include "runner/casework.h"
#include "runner/subset.h"

char *condition_name(const struct condition *c)
{
    switch (c->kind) {
    case CONDITION_THAT:
        return mem_strdup(cel_program_text(c->that));
    case CONDITION_HAS:
        return mem_strdup("the object has the fields");
    case CONDITION_ABSENT:
        return mem_strdup("the object is absent");
    case CONDITION_DISK:
        return mem_strdup("the disk equals the moment, bit for bit");
    }
    return mem_strdup("");
}

static bool that_true(struct casework *cw, const struct condition *c, const struct eval *e,
                      struct strbuf *why)
{
    AUTO(err) struct err err = {0};
    bool value = false;

    strbuf_reset(&cw->notes);
    if (eval_bool(e, c->that, &value, &err) < 0) {
        if (why)
            strbuf_addf(why, "  %s: %s\n", cel_program_text(c->that), err.msg);
        return false;
    }
    if (!value && why) {
        strbuf_addf(why, "  %s is false\n", cel_program_text(c->that));
        strbuf_addstr(why, strbuf_str(&cw->notes));
    }
    return value;
}

struct diff_report {
    struct casework *cw;
    struct strbuf *out;
    const struct object_ref *ref;
};

static void report_diff(void *cookie, const char *path, const json_t *want, const json_t *got)
{
    struct diff_report *r = cookie;
    AUTO(str) char *want_text = json_text(want);
    AUTO(str) char *got_text = got ? json_text(got) : mem_strdup("(absent)");
    int64_t t = 0;
    const char *by;

    strbuf_addf(r->out, "  %s: want %.200s, got %.200s", path, want_text, got_text);
    by = history_last_writer(&r->cw->history, r->ref->info.kind, r->ref->ns ? r->ref->ns : "",
                             r->ref->name, path, &t);
    if (*by)
        strbuf_addf(r->out, " (last written by %s at +%.3fs)", by, (double)t / 1e9);
    strbuf_addch(r->out, '\n');
}

static bool object_true(struct casework *cw, const struct condition *c, const json_t *spec,
                        struct strbuf *why)
{
    AUTO(object_ref) struct object_ref ref = {0};
    AUTO(err) struct err err = {0};
    const json_t *object =
        ref_object(cw, json_str_or_empty(spec, "kind"), json_str(spec, "namespace"),
                   json_str_or_empty(spec, "name"), json_str(spec, "cluster"), &ref, &err);
    struct diff_report report = {cw, why, &ref};

    if (err_pending(&err)) {
        if (why)
            strbuf_addf(why, "  %s\n", err.msg);
        return false;
    }
    if (c->kind == CONDITION_ABSENT) {
        if (object && why)
            strbuf_addf(why, "  %s %s still exists\n", ref.info.kind, ref.name);
        return !object;
    }
    if (!object) {
        if (why)
            strbuf_addf(why, "  %s %s%s%s does not exist\n", ref.info.kind, ref.ns ? ref.ns : "",
                        ref.ns ? "/" : "", ref.name);
        return false;
    }
    return subset_matches(json_object_get(spec, "has"), object, why ? report_diff : NULL, &report);
}

static bool disk_true(struct casework *cw, const json_t *spec, struct strbuf *why)
{
    AUTO(err) struct err err = {0};
    bool same = false;

    if (compare_disk(cw, json_str_or_empty(spec, "disk"), json_str_or_empty(spec, "equals"), &same,
                     why, &err) < 0) {
        if (why)
            strbuf_addf(why, "  %s\n", err.msg);
        return false;
    }
    return same;
}

bool condition_true(struct casework *cw, const struct condition *c, const struct frame *frame,
                    struct strbuf *why)
{
    struct eval e = case_eval(cw, frame);
    AUTO(json) json_t *spec = NULL;
    AUTO(err) struct err err = {0};

    if (c->kind == CONDITION_THAT)
        return that_true(cw, c, &e, why);
    spec = tmpl_eval(c->spec, &e, &err);
    if (!spec) {
        if (why)
            strbuf_addf(why, "  %s\n", err.msg);
        return false;
    }
    if (c->kind == CONDITION_DISK)
        return disk_true(cw, spec, why);
    return object_true(cw, c, spec, why);
}

/* ---- waiting ---- */

static int deadline_of(struct casework *cw, const struct tmpl *t, const struct frame *frame,
                       int64_t otherwise, int64_t *ret)
{
    struct eval e = case_eval(cw, frame);
    struct err err = {0};
    int64_t ns = otherwise;

    if (t && tmpl_duration(t, &e, &ns, &err) < 0)
        return verdict_error(cw, "scenario", tmpl_pos(t), &err);
    *ret = world_now(cw->world) + ns;
    return 0;
}

/* Watches the condition until it is true or the time has come. 1: it came true; 0: it did not; -1:
 * the case is over. */
static int watch_until(struct casework *cw, const struct condition *c, const struct frame *frame,
                       int64_t until)
{
    struct watchpoint *w = &cw->watch;
    enum sched_result r = SCHED_OK;

    w->condition = c;
    w->frame = frame;
    w->happened = condition_true(cw, c, frame, NULL);
    w->active = true;
    while (!w->happened && r == SCHED_OK && !cw->over && world_now(cw->world) < until)
        r = waitcell_wait(w->cell, until);
    w->active = false;
    if (r == SCHED_CRASHED || cw->over)
        return -1;
    /* Some conditions come true without a change: time passes, files appear. */
    return w->happened || condition_true(cw, c, frame, NULL);
}

static int condition_failed(struct casework *cw, const struct condition *c,
                            const struct frame *frame, enum verb verb)
{
    AUTO(strbuf) struct strbuf why = {0};
    AUTO(str) char *name = condition_name(c);
    AUTO(str) char *message = NULL;
    struct eval e = case_eval(cw, frame);
    bool stage = verb == VERB_WAIT || cw->staging;

    condition_true(cw, c, frame, &why);
    if (c->message)
        message = tmpl_text(c->message, &e, NULL);
    if (verb == VERB_ERROR) {
        strbuf_reset(&why);
        return verdict(cw, RESULT_FAILED, NULL, c->pos, NULL, "came true, though it must not: %s",
                       message ? message : name);
    }
    return verdict(cw, stage ? RESULT_ERROR : RESULT_FAILED, stage ? "stage" : NULL, c->pos,
                   strbuf_str(&why), "%s: %s",
                   stage ? "never came true, so the stage is not set" : "does not hold",
                   message ? message : name);
}

#define DEFAULT_HOLD (60 * NS_PER_S)

int wait_condition(struct casework *cw, const struct condition *c, const struct frame *frame,
                   enum verb verb, int64_t default_within)
{
    bool error = verb == VERB_ERROR;
    int64_t until = 0;
    AUTO(str) char *name = condition_name(c);
    int true_now;

    if (deadline_of(cw, error ? c->hold : c->within, frame, error ? DEFAULT_HOLD : default_within,
                    &until) < 0)
        return -1;
    true_now = watch_until(cw, c, frame, until);
    if (true_now < 0)
        return -1;
    if ((bool)true_now == error)
        return condition_failed(cw, c, frame, verb);
    if (verb != VERB_WAIT)
        checked(cw, "%s%s", error ? "never: " : "", name);
    return 0;
}

#define DEFAULT_WAIT (600 * NS_PER_S)

int step_wait(struct casework *cw, const struct step *step, const struct frame *frame)
{
    return wait_condition(cw, step->condition, frame, step->verb,
                          step->verb == VERB_WAIT ? DEFAULT_WAIT : 0);
}

int settle(struct casework *cw, int64_t quiet_ns, int64_t within_ns, struct src_pos pos)
{
    struct sched *s = world_sched(cw->world);
    int64_t end = world_now(cw->world) + within_ns;

    while (world_now(cw->world) - cw->last_write_ns < quiet_ns) {
        int64_t next = cw->last_write_ns + quiet_ns;

        if (world_now(cw->world) >= end)
            return verdict(cw, RESULT_ERROR, "settle", pos, NULL,
                           "the world did not settle: something was written within the last %llds "
                           "for %llds",
                           (long long)(quiet_ns / NS_PER_S), (long long)(within_ns / NS_PER_S));
        if (sched_sleep(s, next - world_now(cw->world)) != SCHED_OK || cw->over)
            return -1;
    }
    return 0;
}
