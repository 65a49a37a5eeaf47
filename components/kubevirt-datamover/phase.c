/* One look: cancel, time limit, then the step of the phase (datamover.md 3.1, 4.1). */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/kubevirt-datamover/mover.h"
#include "kube/meta.h"

/* Whether the disk is where it belongs, or on a way without return. */
static int look_at_volume(struct pass *p, enum rebind_state *ret, struct err *reterr)
{
    AUTO(err) struct err e = {0};
    return !p->work->state || p->work->state(p, ret, &e) == OUTCOME_OK ? 0 : err_move(reterr, &e);
}

static int time_out(struct pass *p, int64_t elapsed, struct err *reterr)
{
    char took[TIME_TEXT], limit[TIME_TEXT];
    AUTO(err) struct err why = {0};
    enum outcome o = pod_delete_all(p, &why);
    if (o == OUTCOME_OK && p->work->let_go)
        o = p->work->let_go(p, &why);
    if (o == OUTCOME_RETRY || o == OUTCOME_BAD)
        return err_move(reterr, &why);
    if (o == OUTCOME_WAIT)
        return 0;
    duration_format(elapsed, took);
    duration_format(pass_timeout_ns(p), limit);
    return pass_fail(p, reterr, "operation timed out after %s in phase %s (limit %s)", took,
                     pass_phase(p), limit);
}

/* The time since acceptance, without that of waiting for a turn; one that nobody wrote down begins
 * now. */
static int64_t elapsed_ns(struct pass *p)
{
    int64_t now = host_now(p->m->host), accepted, queued;
    char text[TIME_TEXT];
    if (time_parse(pass_annotation(p, KEY_QUEUED), &queued) && queued < now)
        now = queued;
    if (time_parse(json_str_or_empty(p->own, "status.acceptedTimestamp"), &accepted))
        return now - accepted;
    time_format(now, text);
    json_put_str(p->own, "status.acceptedTimestamp", text);
    return 0;
}

/* A look comes back no later than the limit, or the limit would be found out late. */
static void cap_requeue(struct pass *p, int64_t left)
{
    if (p->result->requeue_after_ns > 0)
        reconcile_after(p->result, left > NS_PER_S ? left : NS_PER_S);
}

static int step_timed(struct pass *p, const struct mover_phase *phase, enum rebind_state state,
                      struct err *reterr)
{
    int64_t elapsed = elapsed_ns(p), limit = pass_timeout_ns(p);
    bool over = elapsed >= limit && !(p->work->success_ends_timer && pass_succeeded(p));
    if (over && state != REBIND_BOUND)
        return time_out(p, elapsed, reterr);
    if (pass_save(p, reterr) < 0)
        return -1;
    if (p->lost)
        return 0;
    int r = phase->step(p, reterr);
    cap_requeue(p, limit - elapsed);
    return r;
}

static int step(struct pass *p, const struct mover_phase *phase, struct err *reterr)
{
    enum rebind_state state = REBIND_NONE;
    if (!phase->step)
        return 0;
    if (!phase->terminal && look_at_volume(p, &state, reterr) < 0)
        return -1;
    if (state == REBIND_BOUND)
        return finish_complete(p, reterr);
    /* With the volume on its way to the target claim, going on is the way to end well. */
    if (!phase->terminal && state == REBIND_NONE && json_bool(p->own, "spec.cancel", false) &&
        p->work->may_cancel(p))
        return pass_go(p, "Canceling", reterr);
    return phase->timed ? step_timed(p, phase, state, reterr) : phase->step(p, reterr);
}

static int look(struct pass *p, struct err *reterr)
{
    for (const struct mover_phase *phase = p->work->phases; phase->name; phase++)
        if (strcmp(phase->name, pass_phase(p)) == 0)
            return step(p, phase, reterr);
    host_log(p->m->host, LOG_WARNING, "%s %s: unknown phase '%s'", p->work->kind->kind,
             meta_name(p->stored), pass_phase(p));
    return 0;
}

int mover_reconcile(void *cookie, const char *ns, const char *name, struct reconcile_result *ret,
                    struct err *reterr)
{
    const struct mover_desk *desk = cookie;
    struct pass p = {.m = desk->m, .work = desk->work, .result = ret};
    AUTO(err) struct err e = {0};
    enum answer a = client_get(&p.m->client, p.work->kind, ns, name, &p.stored, &e);
    if (a == ANSWER_NOT_FOUND || a == ANSWER_NO_KIND)
        return 0;
    if (a != ANSWER_OK)
        return err_move(reterr, &e);
    p.own = json_copy_of(p.stored);
    int r = 0;
    if (strcmp(json_str_or_empty(p.own, "spec.datamover"), DM_DATAMOVER) == 0 &&
        !meta_deleting(p.own))
        r = look(&p, reterr);
    json_decref(p.own);
    json_decref(p.stored);
    return r;
}
