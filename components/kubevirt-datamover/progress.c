/* The phases Prepared and InProgress: a pod at a time, and what follows from how it ended. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/bsl/failure.h"
#include "components/kubevirt-datamover/mover.h"
#include "kube/meta.h"

/* ---- how many at a time ---- */

bool progress_is_active(const json_t *object)
{
    const char *phase = json_str_or_empty(object, "status.phase");
    return strcmp(json_str_or_empty(object, "spec.datamover"), DM_DATAMOVER) == 0 &&
           (strcmp(phase, "Accepted") == 0 || strcmp(phase, "Prepared") == 0 ||
            strcmp(phase, "InProgress") == 0);
}

/* Older ones first: a plain count would have all of them wait for each other. */
bool progress_outranks(const json_t *a, const json_t *b)
{
    int order = strcmp(json_str_or_empty(a, "metadata.creationTimestamp"),
                       json_str_or_empty(b, "metadata.creationTimestamp"));
    return order < 0 || (order == 0 && strcmp(meta_uid(a), meta_uid(b)) < 0);
}

static enum outcome may_start(struct pass *p, bool *ret, struct err *reterr)
{
    AUTO(json) json_t *all = NULL;
    int64_t before = 0;
    size_t i;
    const json_t *dd;
    *ret = true;
    if (p->m->movers_max <= 0)
        return OUTCOME_OK;
    enum outcome o =
        outcome_of(client_list(&p->m->client, p->work->kind, p->m->ns, NULL, NULL, &all, reterr));
    json_array_foreach(all, i, dd) before +=
        progress_is_active(dd) && progress_outranks(dd, p->stored);
    *ret = before < p->m->movers_max;
    return o;
}

/* Waiting for a turn does not use up the time of the operation: it stands still from here on, until
 * leave_queue(). */
static int keep_waiting(struct pass *p, struct err *reterr)
{
    char now[TIME_TEXT];
    reconcile_after(p->result, MOVER_LONG_NS);
    if (*pass_annotation(p, KEY_QUEUED))
        return 0;
    time_format(host_now(p->m->host), now);
    meta_set_annotation(p->own, KEY_QUEUED, now);
    return pass_save(p, reterr);
}

/* The acceptance moves on by what was waited. */
static void leave_queue(struct pass *p)
{
    int64_t accepted, since;
    char text[TIME_TEXT];
    if (time_parse(pass_annotation(p, KEY_QUEUED), &since) &&
        time_parse(json_str_or_empty(p->own, "status.acceptedTimestamp"), &accepted)) {
        time_format(accepted + host_now(p->m->host) - since, text);
        json_put_str(p->own, "status.acceptedTimestamp", text);
    }
    meta_set_annotation(p->own, KEY_QUEUED, NULL);
}

enum outcome progress_start_download(struct pass *p, struct err *reterr)
{
    AUTO(location) struct location l = {0};
    enum outcome o = location_read(p, &l, reterr);
    return o == OUTCOME_OK ? pod_create(p, &l, reterr) : o;
}

int progress_prepared(struct pass *p, struct err *reterr)
{
    AUTO(json) json_t *pods = NULL;
    AUTO(err) struct err why = {0};
    bool may = true;
    enum outcome o = pod_list(p, &pods, &why);
    if (o == OUTCOME_OK && json_array_size(pods) > 0)
        return pass_go(p, "InProgress", reterr);
    if (o == OUTCOME_OK)
        o = may_start(p, &may, &why);
    if (o == OUTCOME_OK && !may)
        return keep_waiting(p, reterr);
    if (o == OUTCOME_OK)
        o = p->work->start(p, &why);
    leave_queue(p);
    return o == OUTCOME_OK ? pass_go(p, "InProgress", reterr)
                           : pass_outcome(p, o, "", &why, reterr);
}

/* ---- a full volume: once more with a larger one ---- */

static int64_t attempt_of(const json_t *pod)
{
    const char *text = meta_annotation(pod, KEY_ATTEMPT);
    return text ? strtol(text, NULL, 10) : 0;
}

/* The pod of the current attempt; NULL when there is none. Borrowed. */
static const json_t *current_pod(struct pass *p, const json_t *pods)
{
    size_t i;
    const json_t *pod;
    json_array_foreach(pods, i, pod) if (attempt_of(pod) == pass_retries(p)) return pod;
    return NULL;
}

static int begin_retry(struct pass *p, const char *failure, struct err *reterr)
{
    AUTO(str) char *count = mem_printf("%" PRId64, pass_retries(p) + 1);
    AUTO(str) char *text = mem_printf("Retrying with a larger scratch PVC: %s", failure);
    AUTO(str) char *message = failure_plain(text);
    host_log(p->m->host, LOG_WARNING, "DataDownload %s: %s", meta_name(p->stored), message);
    meta_set_annotation(p->own, KEY_RETRIES, count);
    meta_set_annotation(p->own, KEY_RESTAGING, "true");
    json_put_str(p->own, "status.message", message);
    reconcile_after(p->result, MOVER_SHORT_NS);
    return pass_save(p, reterr);
}

static enum outcome restage_claims(struct pass *p, struct err *reterr)
{
    AUTO(json) json_t *target = NULL;
    AUTO(location) struct location l = {0};
    AUTO(plan) struct plan plan = {0};
    enum outcome o = plan_target(p, &target, reterr);
    if (o == OUTCOME_OK && !target) {
        err_set(reterr, ERR_NOT_FOUND, NO_POS, "the target PVC is gone");
        return OUTCOME_BAD;
    }
    if (o == OUTCOME_OK)
        o = location_read(p, &l, reterr);
    if (o == OUTCOME_OK)
        o = plan_make(p, &l, target, &plan, reterr);
    if (o == OUTCOME_OK)
        o = staging_ensure(p, target, &plan.sizes, reterr);
    return o == OUTCOME_OK ? pod_create(p, &l, reterr) : o;
}

/* The pod goes before its claim: a pod object, finished or not, protects what it mounts. */
static int restage(struct pass *p, const json_t *pods, struct err *reterr)
{
    AUTO(err) struct err why = {0};
    enum outcome o = OUTCOME_OK;
    if (!current_pod(p, pods)) {
        o = pod_delete_all(p, &why);
        if (o == OUTCOME_OK)
            o = restage_claims(p, &why);
    }
    if (o != OUTCOME_OK)
        return pass_outcome(p, o, "Failed to retry", &why, reterr);
    meta_set_annotation(p->own, KEY_RESTAGING, NULL);
    return pass_go(p, "InProgress", reterr);
}

/* ---- InProgress ---- */

static int pod_failed(struct pass *p, const json_t *pod, struct err *reterr)
{
    AUTO(str) char *failure = pod_failure(pod);
    if (strncmp(failure, FAILURE_NO_SPACE, strlen(FAILURE_NO_SPACE)) == 0 &&
        pass_retries(p) < p->m->retries_max)
        return begin_retry(p, failure, reterr);
    return pass_fail(p, reterr, "Downloader pod failed: %s", failure);
}

static int watch_pod(struct pass *p, const json_t *pods, struct err *reterr)
{
    const json_t *pod = current_pod(p, pods);
    const char *phase = json_str_or_empty(pod, "status.phase");
    reconcile_after(p->result, MOVER_SHORT_NS);
    if (strcmp(phase, "Failed") == 0)
        return pod_failed(p, pod, reterr);
    if (strcmp(phase, "Succeeded") != 0)
        return 0;
    /* Remembered before the pod goes: an absent pod would look like a failure. */
    meta_set_annotation(p->own, KEY_SUCCEEDED, "true");
    return pass_save(p, reterr);
}

static int hand_over(struct pass *p, struct err *reterr)
{
    AUTO(err) struct err why = {0};
    enum outcome o = pod_delete_all(p, &why);
    if (o == OUTCOME_OK)
        o = rebind_volume(p, &why);
    return o == OUTCOME_OK
               ? finish_complete(p, reterr)
               : pass_outcome(p, o, "Failed to provision restored volume", &why, reterr);
}

int progress_running(struct pass *p, struct err *reterr)
{
    if (pass_succeeded(p))
        return hand_over(p, reterr);
    AUTO(json) json_t *pods = NULL;
    AUTO(err) struct err why = {0};
    enum outcome o = pod_list(p, &pods, &why);
    if (o != OUTCOME_OK)
        return pass_outcome(p, o, "Failed to look for the downloader pod", &why, reterr);
    if (strcmp(pass_annotation(p, KEY_RESTAGING), "true") == 0)
        return restage(p, pods, reterr);
    return watch_pod(p, pods, reterr);
}
