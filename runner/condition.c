/* Conditions: what `wait`, `assert`, `error`, `eventually` and `sometimes` look at. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/time.h"
#include "runner/disks.h"
#include "runner/patience.h"
#include "runner/subset.h"
#include "runner/verb.h"

/* "KIND NS/NAME" of a reference. New. */
static char *reference_words(const json_t *spec)
{
    const char *ns = json_str(spec, "namespace");

    return mem_printf("%s %s%s%s", json_str_or_empty(spec, "kind"), ns ? ns : "", ns ? "/" : "",
                      json_str_or_empty(spec, "name"));
}

char *condition_name(struct casework *cw, const struct condition *c, const struct frame *frame)
{
    struct eval e = case_eval(cw, frame);
    AUTO(json) json_t *spec = c->spec ? tmpl_eval(c->spec, &e, NULL) : NULL;
    AUTO(str) char *object = spec ? reference_words(spec) : mem_strdup("the object");
    AUTO(str) char *has = NULL;

    switch (c->kind) {
    case CONDITION_THAT:
        return mem_strdup(cel_program_text(c->that));
    case CONDITION_HAS:
        has = spec && json_object_get(spec, "has") ? json_text(json_object_get(spec, "has")) : NULL;
        return mem_printf("%s has %.200s", object, has ? has : "the fields");
    case CONDITION_ABSENT:
        return mem_printf("%s does not exist", object);
    case CONDITION_DISK:
        return mem_printf("the disk of %s is bit for bit that of %s",
                          json_str_or_empty(spec, "disk"), json_str_or_empty(spec, "equals"));
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
    if (cw->watch.condition == c)
        cw->watch.judged = true;
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

/* The cluster of the reference, else that of the step; NULL: any. */
static const char *cluster_name_of(const struct condition *c, const struct eval *e,
                                   const json_t *spec, char **ret_text)
{
    if (json_str(spec, "cluster") || !c->cluster)
        return json_str(spec, "cluster");
    *ret_text = tmpl_text(c->cluster, e, NULL);
    return *ret_text;
}

/* The usual slip: the right name in the wrong namespace. */
static void tell_elsewhere(const struct object_ref *ref, struct strbuf *out)
{
    AUTO(json)
    json_t *all = apiserver_peek_all(cluster_server(ref->cluster), ref->info.resource.group,
                                     ref->info.resource.plural, NULL);
    size_t i;
    const json_t *object;

    json_array_foreach(all, i, object)
    {
        if (strcmp(json_str_or_empty(object, "metadata.name"), ref->name) != 0)
            continue;
        strbuf_addf(out, ", but %s/%s does", json_str_or_empty(object, "metadata.namespace"),
                    ref->name);
        return;
    }
}

static bool object_true(struct casework *cw, const struct condition *c, const struct eval *e,
                        const json_t *spec, struct strbuf *why)
{
    AUTO(object_ref) struct object_ref ref = {0};
    AUTO(err) struct err err = {0};
    AUTO(str) char *text = NULL;
    const char *cluster = cluster_name_of(c, e, spec, &text);
    const json_t *object =
        ref_object(cw, json_str_or_empty(spec, "kind"), json_str(spec, "namespace"),
                   json_str_or_empty(spec, "name"), cluster, &ref, &err);
    struct diff_report report = {cw, why, &ref};

    if (err_pending(&err)) {
        if (why)
            strbuf_addf(why, "  %s\n", err.msg);
        return false;
    }
    if (c->kind == CONDITION_ABSENT) {
        if (object && why)
            strbuf_addf(why, "  %s %s%s%s still exists\n", ref.info.kind, ref.ns ? ref.ns : "",
                        ref.ns ? "/" : "", ref.name);
        return !object;
    }
    if (!object) {
        if (why) {
            strbuf_addf(why, "  %s %s%s%s does not exist", ref.info.kind, ref.ns ? ref.ns : "",
                        ref.ns ? "/" : "", ref.name);
            tell_elsewhere(&ref, why);
            strbuf_addch(why, '\n');
        }
        return false;
    }
    return subset_matches(json_object_get(spec, "has"), object, why ? report_diff : NULL, &report);
}

static bool disk_true(struct casework *cw, const struct condition *c, const json_t *spec,
                      struct strbuf *why)
{
    AUTO(err) struct err err = {0};
    bool same = false;

    if (compare_disk(cw, json_str_or_empty(spec, "disk"), json_str_or_empty(spec, "equals"), &same,
                     why, &err) < 0) {
        if (why)
            strbuf_addf(why, "  %s\n", err.msg);
        return false;
    }
    if (cw->watch.condition == c)
        cw->watch.judged = true;
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
    spec = tmpl_view(c->spec, &e, &err);
    if (!spec) {
        if (why)
            strbuf_addf(why, "  %s\n", err.msg);
        return false;
    }
    if (c->kind == CONDITION_DISK)
        return disk_true(cw, c, spec, why);
    return object_true(cw, c, &e, spec, why);
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

static int patience_of(struct casework *cw, const struct condition *c, const struct frame *frame,
                       struct patience *ret)
{
    struct eval e = case_eval(cw, frame);
    struct err err = {0};
    AUTO(str) char *text = c->after_crash ? tmpl_text(c->after_crash, &e, &err) : NULL;

    if (err_pending(&err))
        return verdict_error(cw, "scenario", tmpl_pos(c->after_crash), &err);
    if (text && !patience_parse(text, ret))
        return verdict(cw, RESULT_ERROR, "scenario", tmpl_pos(c->after_crash), NULL,
                       PATIENCE_WANTED, text);
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
    w->judged = false;
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

/* The text between the quotes at p, which is moved behind them; NULL when there is none. New. */
static char *quoted(const char **p)
{
    char quote = **p;
    size_t len;
    char *text;

    if (quote != '\'' && quote != '"')
        return NULL;
    len = strcspn(*p + 1, (char[]){quote, '\\', '\0'});
    if ((*p)[1 + len] != quote)
        return NULL;
    text = mem_strndup(*p + 1, len);
    *p += len + 2;
    return text;
}

/* The first object that an expression names in so many words: get('KIND', 'NAME') or exists(...).
 */
static void named_object(struct casework *cw, const char *text, struct object_ref *ret)
{
    static const char *const functions[] = {"get(", "exists("};

    for (size_t i = 0; i < ARRAY_LEN(functions); i++) {
        const char *p = strstr(text, functions[i]);
        AUTO(str) char *kind = NULL;
        AUTO(str) char *name = NULL;

        if (!p)
            continue;
        p += strlen(functions[i]);
        kind = quoted(&p);
        p += strspn(p, ", ");
        name = kind ? quoted(&p) : NULL;
        if (!name)
            continue;
        ref_object(cw, kind, NULL, name, NULL, ret, NULL);
        return;
    }
}

/* The object of a reference, for the story that the verdict tells. */
static void set_subject(struct casework *cw, const struct condition *c, const struct eval *e,
                        struct object_ref *ref)
{
    AUTO(json) json_t *spec = c->spec ? tmpl_eval(c->spec, e, NULL) : NULL;
    AUTO(str) char *text = NULL;

    if (c->that)
        named_object(cw, cel_program_text(c->that), ref);
    else if (json_str(spec, "kind"))
        ref_object(cw, json_str(spec, "kind"), json_str(spec, "namespace"),
                   json_str_or_empty(spec, "name"), cluster_name_of(c, e, spec, &text), ref, NULL);
    if (ref->cluster)
        cw->about = (struct subject){.cluster = cluster_name(ref->cluster),
                                     .kind = ref->info.kind,
                                     .ns = ref->ns ? ref->ns : "",
                                     .name = ref->name};
}

/* What is wrong, in one line: the author's message, or the first difference. New. */
static char *failure_words(struct casework *cw, const struct condition *c,
                           const struct frame *frame, const struct strbuf *why)
{
    struct eval e = case_eval(cw, frame);
    AUTO(str) char *name = condition_name(cw, c, frame);
    AUTO(json) json_t *spec = NULL;
    AUTO(str) char *object = NULL;
    const char *line = strbuf_str(why);
    AUTO(str) char *message = c->message ? tmpl_text(c->message, &e, NULL) : NULL;

    if (message)
        return TAKE(message);
    line += strspn(line, " ");
    if (c->kind != CONDITION_HAS || !*line || !(spec = tmpl_eval(c->spec, &e, NULL)))
        return TAKE(name);
    object = reference_words(spec);
    if (strncmp(line, object, strcspn(object, " ")) == 0)
        return mem_strndup(line, strcspn(line, "\n")); /* it does not exist */
    return mem_printf("%s: %.*s", object, (int)strcspn(line, "\n"), line);
}

/* The lines of why without the first, when the headline has said it. */
static const char *rest_of(const char *why, const char *words)
{
    const char *line = why + strspn(why, " ");
    size_t len = strcspn(line, "\n"), all = words ? strlen(words) : 0;

    if (len == 0 || all < len || strncmp(words + all - len, line, len) != 0)
        return why;
    return line[len] ? line + len + 1 : line + len;
}

/* Why a disk cannot be compared: *reterr, and -1; 0 when it can. */
static int try_disk(struct casework *cw, const struct condition *c, const struct frame *frame,
                    struct err *reterr)
{
    struct eval e = case_eval(cw, frame);
    AUTO(json) json_t *spec = tmpl_eval(c->spec, &e, reterr);
    bool same;

    return spec ? compare_disk(cw, json_str_or_empty(spec, "disk"),
                               json_str_or_empty(spec, "equals"), &same, NULL, reterr)
                : -1;
}

/* "Not true" all the time because it could not be evaluated even once: a slip of the pen. */
static int check_judged(struct casework *cw, const struct condition *c, const struct frame *frame)
{
    struct eval e = case_eval(cw, frame);
    AUTO(err) struct err err = {0};
    AUTO(str) char *name = NULL;
    bool value;

    if (cw->watch.judged || (c->kind != CONDITION_THAT && c->kind != CONDITION_DISK) ||
        (c->kind == CONDITION_THAT ? eval_bool(&e, c->that, &value, &err)
                                   : try_disk(cw, c, frame, &err)) == 0)
        return 0;
    name = c->that ? mem_strdup(cel_program_text(c->that)) : condition_name(cw, c, frame);
    return verdict(cw, RESULT_ERROR, "scenario", c->pos, NULL,
                   "this could never be evaluated, so nothing was forbidden: %s: %s",
                   name ? name : "", err.msg);
}

/* A moment that does not exist is the scenario's mistake, never the implementation's. */
static int check_moment(struct casework *cw, const struct condition *c, const struct frame *frame)
{
    struct err err = {0};

    if (c->kind != CONDITION_DISK || try_disk(cw, c, frame, &err) == 0)
        return 0;
    if (err.code == ERR_INVALID)
        return verdict_error(cw, "scenario", c->pos, &err);
    err_clear(&err);
    return 0;
}

static int condition_failed(struct casework *cw, const struct condition *c,
                            const struct frame *frame, const struct verb *verb, int64_t waited_ns)
{
    AUTO(strbuf) struct strbuf why = {0};
    AUTO(str) char *words = NULL;
    AUTO(object_ref) struct object_ref ref = {0};
    struct eval e = case_eval(cw, frame);
    bool stage = verb == &verb_wait || cw->staging;
    char time[TIME_TEXT];
    int r;

    free(TAKE(cw->unknown_kind));
    if (verb != &verb_error)
        condition_true(cw, c, frame, &why);
    if (cw->unknown_kind && !kind_is_known(cw, cw->unknown_kind))
        return verdict(cw, RESULT_ERROR, "scenario", c->pos, NULL, "no cluster knows the kind '%s'",
                       cw->unknown_kind);
    if (check_moment(cw, c, frame) < 0)
        return -1;
    /* The sweep has killed a pod, which may fail for it; the laws have had their say meanwhile.
     * What a disk holds is no matter of success: it is asked for where success was told. */
    if (cw->pod_crashed && verb != &verb_error && c->kind != CONDITION_DISK) {
        story_ends(cw);
        return -1;
    }
    words = failure_words(cw, c, frame, &why);
    duration_format(waited_ns, time);
    set_subject(cw, c, &e, &ref);
    if (verb == &verb_error)
        r = verdict(cw, stage ? RESULT_ERROR : RESULT_FAILED, stage ? "stage" : NULL, c->pos, NULL,
                    "came true after %s, though it must not: %s", time, words ? words : "");
    else
        r = verdict(cw, stage ? RESULT_ERROR : RESULT_FAILED, stage ? "stage" : NULL, c->pos,
                    rest_of(strbuf_str(&why), words), "%s%s%s: %s",
                    stage ? "the stage is not set: not true" : "does not hold",
                    waited_ns ? " after " : "", waited_ns ? time : "", words ? words : "");
    cw->about = (struct subject){0};
    return r;
}

/* Mistakes of the scenario are told at once, and never taken for "not true": a slip of the pen in
 * an `error` would be a promise that nothing can break. */
static int check_condition(struct casework *cw, const struct condition *c,
                           const struct frame *frame, const struct verb *verb)
{
    struct eval e = case_eval(cw, frame);
    AUTO(object_ref) struct object_ref ref = {0};
    AUTO(json) json_t *spec = NULL;
    AUTO(str) char *text = NULL;
    struct err err = {0};
    const char *cluster;

    if (!c->spec)
        return 0;
    spec = tmpl_eval(c->spec, &e, &err);
    if (!spec && verb != &verb_error) {
        err_clear(&err); /* the condition may become readable while it is waited for */
        return 0;
    }
    if (!spec || shape_check_value(spec, c->spec, &shape_condition, &err) < 0)
        return verdict_error(cw, "scenario", c->pos, &err);
    if (c->kind == CONDITION_DISK)
        return 0;
    cluster = cluster_name_of(c, &e, spec, &text);
    if (resolve_ref(cw, json_str(spec, "kind"), json_str(spec, "namespace"), json_str(spec, "name"),
                    cluster, &ref, &err) < 0)
        return verdict_error(cw, "scenario", c->pos, &err);
    return 0;
}

#define DEFAULT_HOLD (60 * NS_PER_S)

int wait_condition(struct casework *cw, const struct condition *c, const struct frame *frame,
                   const struct verb *verb, int64_t default_within)
{
    bool error = verb == &verb_error;
    int64_t until = 0, start = world_now(cw->world);
    struct patience patience = {0};
    AUTO(str) char *name = NULL;
    int true_now;

    if (deadline_of(cw, error ? c->hold : c->within, frame, error ? DEFAULT_HOLD : default_within,
                    &until) < 0 ||
        patience_of(cw, c, frame, &patience) < 0 || check_condition(cw, c, frame, verb) < 0)
        return -1;
    true_now = watch_until(cw, c, frame, until);
    if (true_now == 0 && !error && cw->swept && patience.ns > 0)
        true_now = watch_until(cw, c, frame, until + patience.ns);
    if (true_now < 0)
        return -1;
    if (cw->swept && patience.excused)
        return 0;
    if ((bool)true_now == error)
        return condition_failed(cw, c, frame, verb, world_now(cw->world) - start);
    if (error && check_judged(cw, c, frame) < 0)
        return -1;
    if (verb == &verb_wait)
        return 0;
    name = condition_name(cw, c, frame);
    if (name)
        checked(cw, "%s%s", error ? "never: " : "", name);
    return 0;
}

#define DEFAULT_WAIT (600 * NS_PER_S)

static int step_wait(struct casework *cw, const struct step *step, struct frame *frame)
{
    return wait_condition(cw, step->condition, frame, step->verb,
                          step->verb == &verb_wait ? DEFAULT_WAIT : 0);
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

/* ---- the verbs ---- */

const struct verb verb_wait = {
    .name = "wait",
    .value = "a condition",
    .says = "waits; never true means the stage could not be set: an *error*",
    .takes = VERB_CONDITION,
    .waits = true,
    .run = step_wait,
};
const struct verb verb_assert = {
    .name = "assert",
    .value = "a condition",
    .says = "must come true within its time; otherwise a *failure*",
    .takes = VERB_CONDITION,
    .waits = true,
    .run = step_wait,
};
const struct verb verb_error = {
    .name = "error",
    .value = "a condition with `for:`",
    .says = "must stay false for the whole window, at every event in it; otherwise a *failure*",
    .takes = VERB_CONDITION,
    .waits = true,
    .run = step_wait,
};
