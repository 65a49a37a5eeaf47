/* batch/v1. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "kube/status.h"
#include "sim/apiserver/builtin_priv.h"

#define CRON_NAME_MAX 52u /* eleven characters are added to name its jobs */

/* ---- jobs ---- */

/* Pods of a job are told by labels that the server makes up, unless the client takes that on. */
static void generate_selector(json_t *object, json_t *spec)
{
    static const char *const by_uid[] = {"batch.kubernetes.io/controller-uid", "controller-uid"};
    static const char *const by_name[] = {"batch.kubernetes.io/job-name", "job-name"};
    json_t *meta = default_object(default_object(spec, "template"), "metadata");
    json_t *labels = default_object(meta, "labels");
    for (size_t i = 0; i < ARRAY_LEN(by_uid); i++) {
        default_str(labels, by_uid[i], meta_uid(object));
        default_str(labels, by_name[i], meta_name(object));
    }
    json_t *chosen = default_object(default_object(spec, "selector"), "matchLabels");
    default_str(chosen, by_uid[0], meta_uid(object));
}

static void job_spec_default(json_t *spec)
{
    if (!json_object_get(spec, "completions") && !json_object_get(spec, "parallelism"))
        default_int(spec, "completions", 1);
    default_int(spec, "parallelism", 1);
    if (!json_object_get(spec, "backoffLimitPerIndex"))
        default_int(spec, "backoffLimit", 6);
    default_str(spec, "completionMode", "NonIndexed");
    default_bool(spec, "suspend", false);
    default_bool(spec, "manualSelector", false);
    default_str(spec, "podReplacementPolicy",
                json_object_get(spec, "podFailurePolicy") ? "Failed" : "TerminatingOrFailed");
}

static void job_prepare(json_t *object, const json_t *old)
{
    json_t *spec = default_object(object, "spec");
    if (!spec)
        return;
    template_default(object);
    job_spec_default(spec);
    if (!old && !json_bool(spec, "manualSelector", false))
        generate_selector(object, spec);
}

static void validate_restarts(const json_t *template, const char *at, struct field_errors *errors)
{
    const char *policy = json_str_or_empty(template, "spec.restartPolicy");
    AUTO(str) char *field = mem_printf("%s.spec.restartPolicy", at);
    AUTO(json) json_t *shown = json_string(policy);
    if (strcmp(policy, "Never") != 0 && strcmp(policy, "OnFailure") != 0)
        field_errors_add(errors, FIELD_NOT_SUPPORTED, field, shown,
                         "supported values: \"OnFailure\", \"Never\"");
    AUTO(str) char *spec = mem_printf("%s.spec", at);
    pod_spec_validate(json_object_get(template, "spec"), spec, errors);
}

static void job_validate(const json_t *object, const json_t *old, struct field_errors *errors)
{
    static const char *const counts[] = {"spec.parallelism", "spec.completions",
                                         "spec.backoffLimit", "spec.activeDeadlineSeconds",
                                         "spec.ttlSecondsAfterFinished"};
    for (size_t i = 0; i < ARRAY_LEN(counts); i++)
        must_not_be_negative(object, counts[i], errors);
    validate_restarts(json_path(object, "spec.template"), "spec.template", errors);
    must_not_change(object, old, "spec.selector", errors);
    must_not_change(object, old, "spec.completions", errors);
    must_not_change(object, old, "spec.completionMode", errors);
    /* The template of a suspended job that never ran may still be scheduled anew. */
    if (old && !json_bool(old, "spec.suspend", false))
        must_not_change(object, old, "spec.template", errors);
}

/* ---- cron jobs ---- */

static void cron_prepare(json_t *object, const json_t *old)
{
    (void)old;
    json_t *spec = default_object(object, "spec");
    default_str(spec, "concurrencyPolicy", "Allow");
    default_bool(spec, "suspend", false);
    default_int(spec, "successfulJobsHistoryLimit", 3);
    default_int(spec, "failedJobsHistoryLimit", 1);
    json_t *job = member(member(spec, "jobTemplate"), "spec");
    if (job)
        pod_spec_default(member(member(job, "template"), "spec"));
}

static void cron_validate(const json_t *object, const json_t *old, struct field_errors *errors)
{
    static const char *const policies[] = {"Allow", "Forbid", "Replace", NULL};
    if (!old && strlen(meta_name(object)) > CRON_NAME_MAX)
        field_errors_add(errors, FIELD_INVALID, "metadata.name",
                         json_at(object, "metadata", "name", NULL),
                         "must be no more than %u characters", CRON_NAME_MAX);
    must_stand(object, "spec.schedule", errors);
    must_be_one_of(object, "spec.concurrencyPolicy", policies, errors);
    validate_restarts(json_path(object, "spec.jobTemplate.spec.template"),
                      "spec.jobTemplate.spec.template", errors);
}

static const struct builtin kinds[] = {
    {"batch", "v1", "Job", "jobs", NULL, "status.successful", .namespaced = true,
     .has_status = true, .unconditional = true, .generation = GENERATION_SPEC,
     .prepare = job_prepare, .validate = job_validate, .rank = 17},
    {"batch", "v1", "CronJob", "cronjobs", "cj", NULL, .namespaced = true, .has_status = true,
     .unconditional = true, .generation = GENERATION_SPEC, .prepare = cron_prepare,
     .validate = cron_validate},
};
const struct builtin_table builtin_batch = {kinds, ARRAY_LEN(kinds)};
