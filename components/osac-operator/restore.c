/* The restore signal (compute-instance-snapshots.md 3.4 to 3.6, 6).
 *
 * A request is a time R in the spec; L in the status is the last one that completed. Three things
 * are remembered outside of these two fields, because the fields alone would run a failed request
 * again, or count a second one as done when the first finishes:
 *   - each VirtualMachineRestore carries the request it answers;
 *   - the instance carries the request last taken up ("active"), so that a restore that vanished is
 * charged to the right one;
 *   - and the last request that ended in failure ("consumed"), which never runs again by itself.
 * A consumed request is recorded before the condition is written: a crash in between must not let
 * it run after all. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/osac-operator/instance.h"
#include "components/osac-operator/kinds.h"
#include "components/osac-operator/text.h"
#include "kube/meta.h"
#include "kube/time.h"

#define STUCK_NS (5 * 60 * NS_PER_S)
#define NEVER INT64_MIN

/* Times in whole seconds, which is what the fields can hold; NEVER: unset. */
struct signal {
    int64_t requested, restored, active, consumed;
    json_t *vmrs;  /* ours, fresh */
    bool leftover; /* one of ours is in the way of the next */
};

static int64_t seconds_or_never(const char *text)
{
    int64_t s;
    return osac_seconds_parse(text, &s) ? s : NEVER;
}

static void read_signal(const struct pass *p, struct signal *s)
{
    s->requested = seconds_or_never(json_str(p->stored, "spec.restoreRequestedAt"));
    s->restored = seconds_or_never(json_str(p->own, "status.lastRestoredAt"));
    s->active = seconds_or_never(meta_annotation(p->stored, KEY_ACTIVE_AT));
    s->consumed = seconds_or_never(meta_annotation(p->stored, KEY_CONSUMED_AT));
}

static int64_t request_of(const json_t *vmr)
{
    return seconds_or_never(meta_annotation(vmr, KEY_REQUESTED_AT));
}

static bool is_complete(const json_t *vmr)
{
    return json_bool(vmr, "status.complete", false);
}

static bool has_failed(const json_t *vmr)
{
    return strcmp(meta_condition_status(vmr, "Failure"), "True") == 0;
}

static char *time_text(int64_t s)
{
    char text[TIME_TEXT];
    time_format(s * NS_PER_S, text);
    return mem_strdup(text);
}

/* ---- conditions ---- */

static void set_progress(struct pass *p, bool on)
{
    osac_pass_condition(p, "RestoreInProgress", on ? "True" : "False",
                        on ? "RestoreRequested" : REASON_EXPECTED, "");
    if (on)
        osac_pass_condition(p, "RestoreFailed", "False", REASON_EXPECTED, "");
}

static void set_failed(struct pass *p, const char *reason, const char *message)
{
    set_progress(p, false);
    osac_pass_condition(p, "RestoreFailed", "True", reason, message);
}

static enum pass_step consume(struct pass *p, int64_t request, const char *reason,
                              const char *message, struct err *reterr)
{
    char *text = time_text(request);
    AUTO(json) json_t *edited = json_copy_of(p->stored);
    meta_set_annotation(edited, KEY_CONSUMED_AT, text);
    meta_set_annotation(edited, KEY_CONSUMED_REASON, reason);
    meta_set_annotation(edited, KEY_CONSUMED_MESSAGE, message);
    free(text);
    return osac_pass_write_metadata(p, edited, reterr);
}

static enum pass_step fail(struct pass *p, int64_t request, const char *reason, const char *message,
                           struct err *reterr)
{
    enum pass_step step = consume(p, request, reason, message, reterr);
    if (step == PASS_ON) {
        set_failed(p, reason, message);
        host_log(p->op->host, LOG_WARNING, "restore of %s failed: %s: %s", meta_name(p->stored),
                 reason, message);
    }
    return step;
}

/* A crash may have left a consumed request without its condition. */
static void show_consumed(struct pass *p)
{
    const char *reason = meta_annotation(p->stored, KEY_CONSUMED_REASON);
    const char *message = meta_annotation(p->stored, KEY_CONSUMED_MESSAGE);
    if (!osac_pass_is_true(p, "RestoreFailed"))
        set_failed(p, reason && *reason ? reason : "RestoreError",
                   message ? message : osac_restore_message(""));
}

/* ---- the VirtualMachineRestores of this instance ---- */

/* Labelled for this instance, not of another one that had its name, and of its machine. */
static bool is_ours(const struct pass *p, const json_t *vmr)
{
    const char *label = meta_label(vmr, KEY_INSTANCE);
    char *value = osac_object_label_value(meta_name(p->stored));
    bool same = label && strcmp(label, value) == 0;
    free(value);
    const char *uuid = meta_label(p->stored, KEY_INSTANCE_UUID);
    const char *theirs = meta_label(vmr, KEY_INSTANCE_UUID);
    if (uuid && theirs && strcmp(uuid, theirs) != 0)
        return false;
    return same &&
           strcmp(json_str_or_empty(vmr, "spec.target.name"),
                  json_str_or_empty(
                      p->own, "status.virtualMachineReference.kubeVirtVirtualMachineName")) == 0;
}

static enum pass_step list_vmrs(struct pass *p, json_t **ret, struct err *reterr)
{
    const char *ns = json_str(p->own, "status.virtualMachineReference.namespace");
    *ret = json_array();
    if (!ns)
        return PASS_ON; /* no machine was ever seen: nothing can have been restored */
    char *value = osac_object_label_value(meta_name(p->stored));
    char *selector = mem_printf("%s=%s", KEY_INSTANCE, value);
    free(value);
    AUTO(json) json_t *all = NULL;
    AUTO(err) struct err e = {0};
    enum answer a = client_list(&p->op->workload, &osac_kind_vmr, ns, selector, NULL, &all, &e);
    free(selector);
    if (a == ANSWER_NO_KIND)
        return PASS_ON;
    if (a != ANSWER_OK) {
        err_move(reterr, &e);
        return PASS_FAILED;
    }
    size_t i;
    json_t *vmr;
    json_array_foreach(all, i, vmr) if (is_ours(p, vmr)) json_array_append(*ret, vmr);
    return PASS_ON;
}

static enum pass_step delete_vmr(struct pass *p, const json_t *vmr, struct err *reterr)
{
    if (meta_deleting(vmr))
        return PASS_ON;
    AUTO(err) struct err e = {0};
    struct delete_options options = {.uid = meta_uid(vmr)};
    enum answer a = client_delete(&p->op->workload, &osac_kind_vmr, meta_namespace(vmr),
                                  meta_name(vmr), &options, &e);
    if (a == ANSWER_OK || a == ANSWER_NOT_FOUND || a == ANSWER_CONFLICT)
        return PASS_ON;
    err_move(reterr, &e);
    return PASS_FAILED;
}

/* ---- completed restores ---- */

static void record_restored(struct pass *p, struct signal *s, int64_t request)
{
    char *text = time_text(request);
    json_put_str(p->own, "status.lastRestoredAt", text);
    host_log(p->op->host, LOG_INFO, "restore of %s requested at %s is complete",
             meta_name(p->stored), text);
    free(text);
    s->restored = request;
    set_progress(p, false);
    osac_pass_condition(p, "RestoreFailed", "False", REASON_EXPECTED, "");
}

static bool record_was_lost(const struct pass *p, const struct signal *s, int64_t request)
{
    const char *reason = meta_annotation(p->stored, KEY_CONSUMED_REASON);
    return request <= s->consumed && reason && strcmp(reason, "LastRestoredAtNotStored") == 0;
}

/* L follows from what has been restored, not from what we remember: this also repairs a status that
 * lost it. */
static void take_completed(struct pass *p, struct signal *s)
{
    size_t i;
    const json_t *vmr;
    json_array_foreach(s->vmrs, i, vmr)
    {
        int64_t request = request_of(vmr);
        if (!is_complete(vmr) || request == NEVER || request <= s->restored)
            continue;
        if (record_was_lost(p, s, request))
            continue;
        record_restored(p, s, request);
    }
}

/* ---- unfinished restores ---- */

/* KubeVirt retries for ever, without a Failure condition, what cannot succeed. So a restore that is
 * not progressing, or whose snapshot is gone, gets a bounded time since anything last moved. A slow
 * one that progresses is left alone. */
static int64_t last_moved_ns(const json_t *vmr)
{
    int64_t created_s = 0, moved_s = 0;
    osac_seconds_parse(json_str(vmr, "metadata.creationTimestamp"), &created_s);
    const json_t *progressing = meta_condition(vmr, "Progressing");
    if (progressing)
        osac_seconds_parse(json_str(progressing, "lastTransitionTime"), &moved_s);
    return (moved_s > created_s ? moved_s : created_s) * NS_PER_S;
}

static enum pass_step is_stalled(struct pass *p, const json_t *vmr, bool *ret, struct err *reterr)
{
    *ret = true;
    if (strcmp(meta_condition_status(vmr, "Progressing"), "True") != 0)
        return PASS_ON;
    AUTO(json) json_t *vms = NULL;
    AUTO(err) struct err e = {0};
    enum answer a = client_get(&p->op->workload, &osac_kind_vms, meta_namespace(vmr),
                               json_str_or_empty(vmr, "spec.virtualMachineSnapshotName"), &vms, &e);
    if (a != ANSWER_OK && a != ANSWER_NOT_FOUND && a != ANSWER_NO_KIND) {
        err_move(reterr, &e);
        return PASS_FAILED;
    }
    *ret = a != ANSWER_OK;
    return PASS_ON;
}

static enum pass_step fail_with(struct pass *p, const json_t *vmr, const char *reason,
                                const char *details, struct err *reterr)
{
    char *text = osac_text_for_tenant(details);
    char *message = *text ? mem_printf("%s: %s", osac_restore_message(reason), text)
                          : mem_strdup(osac_restore_message(reason));
    int64_t request = request_of(vmr);
    enum pass_step step = fail(p, request, reason, message, reterr);
    free(message);
    free(text);
    if (step == PASS_ON) /* it would keep every later restore of this machine out */
        step = delete_vmr(p, vmr, reterr);
    reconcile_after(p->result, p->op->requeue_ns);
    return step == PASS_ON ? PASS_STOP : step;
}

static const char *details_of(const json_t *vmr, const char *type)
{
    const json_t *c = meta_condition(vmr, type);
    const char *message = json_str_or_empty(c, "message");
    return *message ? message : json_str_or_empty(c, "reason");
}

/* The restore that is under way. */
static enum pass_step follow_active(struct pass *p, const json_t *vmr, struct err *reterr)
{
    if (has_failed(vmr))
        return fail_with(p, vmr, "RestoreError", details_of(vmr, "Failure"), reterr);
    bool stalled = false;
    enum pass_step step = is_stalled(p, vmr, &stalled, reterr);
    if (step != PASS_ON)
        return step;
    int64_t left_ns = last_moved_ns(vmr) + STUCK_NS - host_now(p->op->host);
    if (stalled && left_ns <= 0 && !meta_deleting(vmr))
        return fail_with(p, vmr, "RestoreStuck", details_of(vmr, "Progressing"), reterr);
    set_progress(p, true);
    reconcile_after(p->result, p->op->poll_ns);
    if (stalled && left_ns > 0)
        reconcile_after(p->result, left_ns);
    return PASS_STOP;
}

/* Charged already, done already, or from a request that nobody knows: it only stands in the way. */
static bool is_leftover(const struct signal *s, const json_t *vmr)
{
    int64_t request = request_of(vmr);
    return request == NEVER || request == s->consumed || request <= s->restored;
}

static enum pass_step take_unfinished(struct pass *p, struct signal *s, struct err *reterr)
{
    size_t i;
    const json_t *vmr;
    json_array_foreach(s->vmrs, i, vmr)
    {
        if (is_complete(vmr))
            continue;
        if (!is_leftover(s, vmr))
            return follow_active(p, vmr, reterr);
        s->leftover = true;
        enum pass_step step = delete_vmr(p, vmr, reterr);
        if (step != PASS_ON) {
            if (s->requested > s->restored && s->requested == s->consumed)
                show_consumed(p); /* that it failed does not depend on the cleaning up */
            return step;
        }
    }
    return PASS_ON;
}

/* In progress by the status, but there is no such restore any more: somebody deleted it. */
static enum pass_step take_vanished(struct pass *p, struct signal *s, struct err *reterr)
{
    if (!osac_pass_is_true(p, "RestoreInProgress"))
        return PASS_ON;
    set_progress(p, false);
    if (s->active == NEVER || s->active == s->consumed || s->active <= s->restored)
        return PASS_ON;
    enum pass_step step =
        fail(p, s->active, "RestoreVanished", osac_restore_message("RestoreVanished"), reterr);
    reconcile_after(p->result, CONFLICT_REQUEUE_NS); /* the next pass looks at a newer request */
    return step == PASS_ON ? PASS_STOP : step;
}

/* ---- a new request ---- */

static json_t *new_vmr(const struct pass *p, const struct signal *s,
                       const struct restore_source *source)
{
    char *requested = time_text(s->requested);
    char *name = osac_text_hashed_name("restore-", meta_uid(p->stored), requested);
    char *label = osac_object_label_value(meta_name(p->stored));
    json_t *vmr = kind_object(&osac_kind_vmr, source->ns, name);
    meta_set_label(vmr, KEY_INSTANCE, label);
    if (meta_label(p->stored, KEY_INSTANCE_UUID))
        meta_set_label(vmr, KEY_INSTANCE_UUID, meta_label(p->stored, KEY_INSTANCE_UUID));
    meta_set_annotation(vmr, KEY_REQUESTED_AT, requested);
    json_put_str(vmr, "spec.target.apiGroup", "kubevirt.io");
    json_put_str(vmr, "spec.target.kind", "VirtualMachine");
    json_put_str(vmr, "spec.target.name", source->vm);
    json_put_str(vmr, "spec.virtualMachineSnapshotName", source->vms);
    /* A machine that starts at the last moment must make the restore fail, neither be stopped nor
     * waited for. */
    json_put_str(vmr, "spec.targetReadinessPolicy", "FailImmediate");
    free(requested);
    free(name);
    free(label);
    return vmr;
}

static enum pass_step fail_refused(struct pass *p, const struct signal *s, const char *details,
                                   struct err *reterr)
{
    char *text = osac_text_for_tenant(details);
    char *message = mem_printf("The restore was refused: %s", text);
    enum pass_step step = fail(p, s->requested, "RestoreError", message, reterr);
    free(message);
    free(text);
    return step;
}

/* The name is taken. By us: the next pass finds and adopts it. By somebody else: nothing that we
 * could restore with. */
static enum pass_step name_taken(struct pass *p, const struct signal *s, const json_t *vmr,
                                 struct err *reterr)
{
    AUTO(json) json_t *there = NULL;
    AUTO(err) struct err e = {0};
    enum answer a = client_get(&p->op->workload, &osac_kind_vmr, meta_namespace(vmr),
                               meta_name(vmr), &there, &e);
    if (a == ANSWER_OK && !is_ours(p, there))
        return fail_refused(p, s, "another restore has its name", reterr);
    if (a != ANSWER_OK && a != ANSWER_NOT_FOUND) {
        err_move(reterr, &e);
        return PASS_FAILED;
    }
    reconcile_after(p->result, CONFLICT_REQUEUE_NS);
    return PASS_STOP;
}

/* KubeVirt's webhook refuses while any restore of the machine is unfinished: ours when a reply was
 * lost, or one that was just deleted and still stands in the webhook's cache, or a stranger's. */
static enum pass_step machine_taken(struct pass *p, const struct signal *s, const json_t *vmr,
                                    struct err *refused, struct err *reterr)
{
    AUTO(json) json_t *all = NULL;
    AUTO(err) struct err e = {0};
    if (client_list(&p->op->workload, &osac_kind_vmr, meta_namespace(vmr), NULL, NULL, &all, &e) !=
        ANSWER_OK) {
        err_move(reterr, &e);
        return PASS_FAILED;
    }
    const char *target = json_str_or_empty(vmr, "spec.target.name");
    size_t i;
    const json_t *other;
    json_array_foreach(all, i, other)
    {
        if (is_complete(other) || strcmp(json_str_or_empty(other, "spec.target.name"), target) != 0)
            continue;
        if (!is_ours(p, other))
            return fail_refused(p, s, "another restore of this machine is in progress", reterr);
        reconcile_after(p->result, CONFLICT_REQUEUE_NS);
        return PASS_STOP;
    }
    err_move(reterr, refused); /* the webhook lags behind: back off and ask again */
    return PASS_FAILED;
}

static enum pass_step create_vmr(struct pass *p, const struct signal *s,
                                 const struct restore_source *source, struct err *reterr)
{
    AUTO(json) json_t *vmr = new_vmr(p, s, source);
    AUTO(err) struct err e = {0};
    switch (client_create(&p->op->workload, &osac_kind_vmr, vmr, NULL, &e)) {
    case ANSWER_OK:
        set_progress(p, true);
        reconcile_after(p->result, p->op->poll_ns);
        host_log(p->op->host, LOG_INFO, "restore of %s started", meta_name(p->stored));
        return PASS_ON;
    case ANSWER_EXISTS:
        return name_taken(p, s, vmr, reterr);
    case ANSWER_INVALID:
        if (strstr(e.msg, "in progress"))
            return machine_taken(p, s, vmr, &e, reterr);
        return fail_refused(p, s, e.msg, reterr);
    case ANSWER_FORBIDDEN:
    case ANSWER_NOT_FOUND:
        return fail_refused(p, s, "the platform does not allow it", reterr);
    case ANSWER_NO_KIND:
        return fail_refused(p, s, "this platform offers no restores", reterr);
    default: /* it may have happened: the next pass looks first */
        err_move(reterr, &e);
        return PASS_FAILED;
    }
}

/* Taking a request up is a write to the instance: it fails when the pair, or anything else of it,
 * changed since it was read. */
static enum pass_step take_up(struct pass *p, const struct signal *s, struct err *reterr)
{
    if (s->active == s->requested)
        return PASS_ON;
    char *text = time_text(s->requested);
    AUTO(json) json_t *edited = json_copy_of(p->stored);
    meta_set_annotation(edited, KEY_ACTIVE_AT, text);
    free(text);
    return osac_pass_write_metadata(p, edited, reterr);
}

static enum pass_step start(struct pass *p, const struct signal *s, struct err *reterr)
{
    enum pass_step step = take_up(p, s, reterr);
    if (step != PASS_ON)
        return step;
    AUTO(restore_source) struct restore_source source = {0};
    struct restore_refusal refusal = {0};
    step = osac_restore_check(p, s->requested, &source, &refusal, reterr);
    if (step != PASS_ON)
        return step;
    if (refusal.reason)
        return fail(p, s->requested, refusal.reason, refusal.message, reterr);
    return create_vmr(p, s, &source, reterr);
}

static enum pass_step take_request(struct pass *p, const struct signal *s, struct err *reterr)
{
    if (s->requested == NEVER || s->requested <= s->restored)
        return PASS_ON;
    if (s->requested == s->consumed) {
        show_consumed(p);
        return PASS_ON;
    }
    if (s->leftover) { /* KubeVirt admits one restore per machine at a time */
        reconcile_after(p->result, p->op->requeue_ns);
        return PASS_STOP;
    }
    return start(p, s, reterr);
}

static bool nothing_ever(const struct pass *p, const struct signal *s)
{
    return s->requested == NEVER && s->active == NEVER && s->consumed == NEVER &&
           !osac_pass_is_true(p, "RestoreInProgress");
}

enum pass_step osac_restore_step(struct pass *p, struct err *reterr)
{
    struct signal s = {0};
    read_signal(p, &s);
    if (nothing_ever(p, &s))
        return PASS_ON;
    enum pass_step step = list_vmrs(p, &s.vmrs, reterr);
    if (step == PASS_ON) {
        take_completed(p, &s);
        step = take_unfinished(p, &s, reterr);
    }
    if (step == PASS_ON)
        step = take_vanished(p, &s, reterr);
    if (step == PASS_ON)
        step = take_request(p, &s, reterr);
    json_decref(s.vmrs);
    return step;
}

enum pass_step osac_restore_verify_written(struct pass *p, struct err *reterr)
{
    const char *wanted = json_str(p->own, "status.lastRestoredAt");
    if (!wanted || json_str(p->stored, "status.lastRestoredAt"))
        return PASS_ON;
    int64_t request = seconds_or_never(wanted);
    json_drop(p->own, "status.lastRestoredAt");
    const char *reason = "LastRestoredAtNotStored";
    enum pass_step step = consume(p, request, reason, osac_restore_message(reason), reterr);
    if (step != PASS_ON)
        return step;
    set_failed(p, reason, osac_restore_message(reason));
    host_log(p->op->host, LOG_ERROR, "%s: lastRestoredAt was not stored: is its CRD too old?",
             meta_name(p->stored));
    return osac_pass_write_status(p, reterr);
}
