/* Provisioning jobs: the machine itself is made, changed and removed by an outside provisioner.
 *
 * The protocol lives in status.provisioningJobs (newest last). The operator appends a job in state
 * Pending; the provisioner moves it to Running, then to Succeeded or Failed. A job's id ends with
 * its number, so that an id never comes twice however short the list is kept. */
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "components/osac-operator/instance.h"
#include "components/osac-operator/kinds.h"
#include "components/osac-operator/text.h"
#include "kube/meta.h"
#include "kube/time.h"

#define BACKOFF_MIN_NS (120 * NS_PER_S)
#define BACKOFF_MAX_NS (1800 * NS_PER_S)

static char *osac_jobs_config_version(const json_t *spec)
{
    AUTO(json) json_t *hashed = spec ? json_copy_of(spec) : json_object();
    json_object_del(hashed, "restoreFromSnapshot");
    json_object_del(hashed, "restoreRequestedAt");
    AUTO(strbuf) struct strbuf text = {0};
    json_write_sorted(&text, hashed, JSON_TIGHT);
    char hex[DIGEST_HEX];
    digest_of(strbuf_str(&text), text.len, hex);
    return mem_strdup(hex);
}

static json_t *jobs_of(struct pass *p)
{
    json_t *jobs = json_at_mut(p->own, "status", "provisioningJobs", NULL);
    if (!json_is_array(jobs)) {
        jobs = json_array();
        json_put_take(p->own, "status.provisioningJobs", jobs);
    }
    return jobs;
}

static const json_t *latest(struct pass *p, const char *type)
{
    const json_t *jobs = json_path(p->own, "status.provisioningJobs");
    for (size_t i = json_array_size(jobs); i > 0; i--) {
        const json_t *job = json_array_get(jobs, i - 1);
        if (strcmp(json_str_or_empty(job, "type"), type) == 0)
            return job;
    }
    return NULL;
}

static bool state_is(const json_t *job, const char *state)
{
    return strcmp(json_str_or_empty(job, "state"), state) == 0;
}

static bool version_is(const json_t *job, const char *version)
{
    return strcmp(json_str_or_empty(job, "configVersion"), version) == 0;
}

static bool failed(const json_t *job)
{
    return state_is(job, "Failed") || state_is(job, "Canceled");
}

/* The number after the last dash of the newest id, plus one. */
static unsigned next_number(const json_t *jobs)
{
    const json_t *last = json_array_get(jobs, json_array_size(jobs) - 1);
    const char *dash = strrchr(json_str_or_empty(last, "jobID"), '-');
    return dash ? (unsigned)strtoul(dash + 1, NULL, 10) + 1 : 1;
}

static void append(struct pass *p, const char *type, const char *version)
{
    json_t *jobs = jobs_of(p);
    unsigned number = json_array_size(jobs) ? next_number(jobs) : 1;
    char *seed = mem_printf("%s/%u", version, number);
    char *hash = osac_text_hashed_name("", meta_uid(p->stored), seed);
    char *id = mem_printf("%s-%.12s-%u", type, hash, number);
    char now[TIME_TEXT];
    time_format(host_now(p->op->host), now);
    json_t *job = json_object();
    json_put_str(job, "jobID", id);
    json_put_str(job, "type", type);
    json_put_str(job, "state", "Pending");
    json_put_str(job, "configVersion", version);
    json_put_str(job, "timestamp", now);
    if (strcmp(type, "deprovision") ==
        0) /* a machine that could not be removed keeps its instance */
        json_put_take(job, "blockDeletionOnFailure", json_true());
    json_array_append_new(jobs, job);
    while (json_array_size(jobs) > (size_t)p->op->jobs_max)
        json_array_remove(jobs, 0);
    free(seed);
    free(hash);
    free(id);
    reconcile_after(p->result, p->op->poll_ns);
}

/* 2 minutes, doubling with each failure in a row up to 30. */
static int64_t backoff_ns(struct pass *p, const char *type, const char *version)
{
    const json_t *jobs = json_path(p->own, "status.provisioningJobs");
    int64_t ns = 0;
    for (size_t i = json_array_size(jobs); i > 0 && ns < BACKOFF_MAX_NS; i--) {
        const json_t *job = json_array_get(jobs, i - 1);
        if (strcmp(json_str_or_empty(job, "type"), type) != 0)
            continue;
        if (!failed(job) || !version_is(job, version))
            break;
        ns = ns ? ns * 2 : BACKOFF_MIN_NS;
    }
    return ns < BACKOFF_MAX_NS ? ns : BACKOFF_MAX_NS;
}

/* After a failed job: the next one, when its time has come. */
static void repeat_later(struct pass *p, const json_t *job, const char *type, const char *version)
{
    int64_t since_s = 0;
    osac_seconds_parse(json_str(job, "timestamp"), &since_s);
    int64_t wait_ns = since_s * NS_PER_S + backoff_ns(p, type, version) - host_now(p->op->host);
    if (wait_ns > 0)
        reconcile_after(p->result, wait_ns);
    else
        append(p, type, version);
}

static bool finished(const json_t *job)
{
    return failed(job) || state_is(job, "Succeeded");
}

static void advance(struct pass *p, const json_t *job, const char *type, const char *version)
{
    if (job && !finished(job))
        reconcile_after(p->result, p->op->poll_ns);
    else if (job && failed(job) && version_is(job, version))
        repeat_later(p, job, type, version);
    else
        append(p, type, version);
}

/* A restart is a configuration like any other: the job for it does the work. */
static void follow_restart(struct pass *p, bool applied)
{
    const char *wanted = json_str(p->stored, "spec.restartRequestedAt");
    int64_t wanted_s, done_s;
    if (!osac_seconds_parse(wanted, &wanted_s))
        return;
    if (osac_seconds_parse(json_str(p->own, "status.lastRestartedAt"), &done_s) &&
        wanted_s <= done_s)
        return;
    if (!applied) {
        osac_pass_condition(p, "RestartInProgress", "True", "RestartRequested", "");
        return;
    }
    char text[TIME_TEXT];
    time_format(wanted_s * NS_PER_S, text);
    json_put_str(p->own, "status.lastRestartedAt", text);
    osac_pass_condition(p, "RestartInProgress", "False", REASON_EXPECTED, "");
}

enum pass_step osac_jobs_provision(struct pass *p, struct err *reterr)
{
    (void)reterr;
    char *version = osac_jobs_config_version(json_object_get(p->stored, "spec"));
    json_put_str(p->own, "status.desiredConfigVersion", version);
    const json_t *job = latest(p, "provision");
    bool applied = job && state_is(job, "Succeeded") && version_is(job, version);
    osac_pass_condition(p, "ConfigurationApplied", applied ? "True" : "False",
                        applied ? "Applied" : "Pending", "");
    follow_restart(p, applied);
    if (!applied && !osac_object_is_manual(p->stored))
        advance(p, job, "provision", version);
    free(version);
    return PASS_ON;
}

enum pass_step osac_jobs_deprovision(struct pass *p, struct err *reterr)
{
    (void)reterr;
    if (osac_object_is_manual(p->stored))
        return PASS_ON;
    const json_t *job = latest(p, "deprovision");
    if (job && state_is(job, "Succeeded"))
        return PASS_ON;
    if (job && failed(job) && !json_bool(job, "blockDeletionOnFailure", false))
        return PASS_ON;
    char *version = osac_jobs_config_version(json_object_get(p->stored, "spec"));
    advance(p, job, "deprovision", version);
    free(version);
    return PASS_STOP;
}
