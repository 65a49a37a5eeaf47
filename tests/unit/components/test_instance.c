/* The life of an instance, pass by pass: phase, jobs, deletion
 * (compute-instance-snapshots.md 3.1, 3.8, 3.9, 9.7). */
#include "components/osac-operator/text.h"
#include "tests/unit/components/stage.h"
#include "tests/unit/suite.h"

static void settle(struct stage *s)
{
    stage_settle(s, osac_instance_reconcile, "vm-1");
}

static json_t *job(struct stage *s, size_t i)
{
    return json_array_get(json_path(stage_ci(s), "status.provisioningJobs"), i);
}

static size_t jobs(struct stage *s)
{
    return json_array_size(json_path(stage_ci(s), "status.provisioningJobs"));
}

static void finish_job(struct stage *s, const char *state)
{
    json_put_str(job(s, jobs(s) - 1), "state", state);
}

START_TEST(fresh)
{
    STAGE(s);
    json_t *ci = kind_object(&osac_kind_instance, NS, "vm-1");
    json_put_str(ci, "spec.templateID", "t");
    fake_put(s.f, &osac_kind_instance, ci);
    settle(&s);
    ck_assert(meta_has_finalizer(stage_ci(&s), INSTANCE_FINALIZER));
    ck_assert_ptr_nonnull(meta_annotation(stage_ci(&s), KEY_VM_NAMESPACE));
    ck_assert_str_eq(json_str(stage_ci(&s), "status.phase"), "Starting");
    static const char *const types[] = {"ConfigurationApplied", "Ready",
                                        "Provisioned",          "RestartRequired",
                                        "RestoreInProgress",    "RestoreFailed"};
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        ck_assert_str_eq(stage_condition(&s, types[i]), "False");
    ck_assert_str_eq(stage_reason(&s, "Provisioned"), "WaitingForVM");
    ck_assert_uint_eq(jobs(&s), 1);
    ck_assert_str_eq(json_str(job(&s, 0), "state"), "Pending");
    ck_assert_int_eq(s.requeue_ns, 30 * NS_PER_S);
}
END_TEST

static const struct {
    const char *printable, *paused, *want;
} phases[] = {
    {"Provisioning", NULL, "Starting"},
    {"WaitingForVolumeBinding", NULL, "Starting"},
    {"Starting", NULL, "Starting"},
    {"ErrorUnschedulable", NULL, "Starting"},
    {"Running", NULL, "Running"},
    {"Running", "True", "Paused"},
    {"Migrating", NULL, "Running"},
    {"WaitingForReceiver", NULL, "Running"},
    {"Paused", NULL, "Paused"},
    {"Stopping", NULL, "Stopping"},
    {"Stopped", NULL, "Stopped"},
    {"Unknown", NULL, "Starting"},
    {"", NULL, "Starting"},
    {"CrashLoopBackOff", NULL, "Failed"},
    {"Terminating", NULL, "Failed"},
    {"Hibernated", NULL, "Failed"},
};

START_TEST(phase_follows_vm)
{
    STAGE(s);
    stage_instance(&s);
    json_put_str(stage_vm(&s), "status.printableStatus", phases[_i].printable);
    if (phases[_i].paused)
        stage_set_condition(stage_vm(&s), "Paused", phases[_i].paused, "PausedByUser", s.f->now_ns);
    settle(&s);
    ck_assert_msg(strcmp(json_str_or_empty(stage_ci(&s), "status.phase"), phases[_i].want) == 0,
                  "%s: %s", phases[_i].printable, json_str(stage_ci(&s), "status.phase"));
    ck_assert_str_eq(json_str(stage_ci(&s), "status.virtualMachineReference.namespace"), VM_NS);
}
END_TEST

START_TEST(jobs_run_once)
{
    STAGE(s);
    stage_instance(&s);
    settle(&s);
    ck_assert_uint_eq(jobs(&s), 1);
    ck_assert_str_eq(stage_condition(&s, "ConfigurationApplied"), "False");
    finish_job(&s, "Succeeded");
    settle(&s);
    ck_assert_str_eq(stage_condition(&s, "ConfigurationApplied"), "True");
    stage_snapshot(&s, "snap", "Ready"); /* a restore is no change of configuration */
    stage_request(&s, "snap", T1);
    settle(&s);
    ck_assert_str_eq(stage_condition(&s, "RestoreInProgress"), "True");
    ck_assert_str_eq(stage_condition(&s, "ConfigurationApplied"), "True");
    ck_assert_uint_eq(jobs(&s), 1);
    json_put_str(stage_ci(&s), "spec.restartRequestedAt", T2);
    settle(&s);
    ck_assert_uint_eq(jobs(&s), 2);
    ck_assert_str_eq(stage_condition(&s, "RestartInProgress"), "True");
    finish_job(&s, "Succeeded");
    settle(&s);
    ck_assert_str_eq(json_str(stage_ci(&s), "status.lastRestartedAt"), T2);
    ck_assert_str_eq(stage_condition(&s, "RestartInProgress"), "False");
}
END_TEST

START_TEST(jobs_back_off)
{
    STAGE(s);
    stage_instance(&s);
    settle(&s);
    static const int64_t waits_s[] = {120, 240, 480, 960, 1800, 1800};
    for (size_t i = 0; i < ARRAY_LEN(waits_s); i++) {
        finish_job(&s, "Failed");
        size_t had = jobs(&s);
        settle(&s);
        ck_assert_uint_eq(jobs(&s), had);
        ck_assert_int_eq(s.requeue_ns, waits_s[i] * NS_PER_S);
        s.f->now_ns += s.requeue_ns;
        settle(&s);
        ck_assert_uint_eq(jobs(&s), had + 1);
    }
    for (int i = 0; i < 8; i++) {
        finish_job(&s, "Failed");
        s.f->now_ns += 1800 * NS_PER_S;
        settle(&s);
    }
    ck_assert_uint_eq(jobs(&s), 10);
    ck_assert_str_ne(json_str(job(&s, 8), "jobID"), json_str(job(&s, 9), "jobID"));
}
END_TEST

START_TEST(manual_runs_no_job)
{
    STAGE(s);
    stage_instance(&s);
    meta_set_annotation(stage_ci(&s), KEY_MANAGEMENT, "manual");
    stage_snapshot(&s, "snap", "Ready");
    stage_request(&s, "snap", T1);
    settle(&s);
    ck_assert_uint_eq(jobs(&s), 0);
    ck_assert_str_eq(stage_condition(&s, "RestoreInProgress"), "True");
    json_put_str(stage_ci(&s), "metadata.deletionTimestamp", T2);
    fake_remove(s.f, &osac_kind_snapshot, NS, "snap");
    settle(&s);
    ck_assert_ptr_null(stage_ci(&s));
}
END_TEST

static const struct {
    const char *name, *ref, *tenant, *instance_tenant;
    bool deleted;
} children[] = {
    {"ours", "vm-1", "one", "one", true},
    {"other tenant", "vm-1", "two", "one", false},
    {"no tenant", "vm-1", NULL, "one", false},
    {"neither has one", "vm-1", NULL, NULL, false},
    {"other instance", "vm-2", "one", "one", false},
    {"longer name", "vm-10", "one", "one", false},
};

START_TEST(cascade_selects)
{
    STAGE(s);
    stage_instance(&s);
    json_t *sn = stage_snapshot(&s, "snap", "Ready");
    json_put_str(sn, "spec.computeInstanceRef", children[_i].ref);
    meta_set_annotation(sn, KEY_TENANT, children[_i].tenant);
    meta_set_annotation(stage_ci(&s), KEY_TENANT, children[_i].instance_tenant);
    json_put_str(stage_ci(&s), "metadata.deletionTimestamp", T1);
    settle(&s);
    sn = fake_get(s.f, &osac_kind_snapshot, NS, "snap");
    ck_assert_msg(meta_deleting(sn) == children[_i].deleted, "%s", children[_i].name);
    ck_assert_msg((jobs(&s) == 0) == children[_i].deleted, "%s: deprovisions", children[_i].name);
    ck_assert_uint_eq(fake_requests(s.f, "delete computeinstancesnapshots"), children[_i].deleted);
}
END_TEST

START_TEST(cascade_then_machine)
{
    STAGE(s);
    stage_instance(&s);
    stage_snapshot(&s, "a", "Ready");
    stage_snapshot(&s, "b", "Failed");
    json_put_str(stage_ci(&s), "metadata.deletionTimestamp", T1);
    settle(&s);
    ck_assert_uint_eq(jobs(&s), 0);
    ck_assert_str_eq(json_str(stage_ci(&s), "status.phase"), "Deleting");
    fake_remove(s.f, &osac_kind_snapshot, NS, "a");
    stage_snapshot(&s, "late", "Creating"); /* found by a later pass */
    settle(&s);
    ck_assert(meta_deleting(fake_get(s.f, &osac_kind_snapshot, NS, "late")));
    fake_remove(s.f, &osac_kind_snapshot, NS, "b");
    fake_remove(s.f, &osac_kind_snapshot, NS, "late");
    settle(&s);
    ck_assert_uint_eq(jobs(&s), 1);
    ck_assert_str_eq(json_str(job(&s, 0), "type"), "deprovision");
    finish_job(&s, "Failed");
    settle(&s);
    ck_assert_ptr_nonnull(stage_ci(&s)); /* it blocks, and is repeated */
    s.f->now_ns += 120 * NS_PER_S;
    settle(&s);
    ck_assert_uint_eq(jobs(&s), 2);
    finish_job(&s, "Succeeded");
    settle(&s);
    ck_assert_ptr_null(stage_ci(&s));
}
END_TEST

/* It writes an object whole, and so loses what it has no field for; what it has no name for in a
 * list it keeps. */
START_TEST(old_release_forgets)
{
    STAGE(s);
    stage_instance(&s);
    stage_snapshot(&s, "snap", "Ready");
    stage_request(&s, "snap", T1);
    settle(&s);
    ck_assert_str_eq(stage_condition(&s, "RestoreInProgress"), "True");
    json_put_str(stage_ci(&s), "status.lastRestoredAt", T0);
    meta_set_annotation(stage_ci(&s), KEY_VM_NAMESPACE, NULL);
    stage_touch(stage_ci(&s), s.f);
    json_put_str(stage_vm(&s), "status.printableStatus", "Running");
    s.op.version = OPERATOR_1_0;
    settle(&s);
    ck_assert_ptr_null(json_path(stage_ci(&s), "spec.restoreFromSnapshot"));
    ck_assert_ptr_null(json_path(stage_ci(&s), "spec.restoreRequestedAt"));
    ck_assert_ptr_null(json_path(stage_ci(&s), "status.lastRestoredAt"));
    ck_assert_str_eq(json_str(stage_ci(&s), "spec.templateID"), "t");
    ck_assert_str_eq(stage_condition(&s, "RestoreInProgress"), "True");
    ck_assert_uint_eq(fake_requests(s.f, "create virtualmachinerestores"), 1);
}
END_TEST

START_TEST(old_release_does_not_cascade)
{
    STAGE(s);
    s.op.version = OPERATOR_1_0;
    stage_instance(&s);
    stage_snapshot(&s, "snap", "Ready");
    settle(&s);
    ck_assert_str_eq(stage_condition(&s, "Ready"), "False");
    ck_assert_ptr_null(meta_condition(stage_ci(&s), "RestoreFailed"));
    json_put_str(stage_ci(&s), "metadata.deletionTimestamp", T1);
    settle(&s);
    finish_job(&s, "Succeeded");
    settle(&s);
    ck_assert_ptr_null(stage_ci(&s));
    ck_assert(!meta_deleting(fake_get(s.f, &osac_kind_snapshot, NS, "snap")));
}
END_TEST

START_TEST(two_machines)
{
    STAGE(s);
    stage_instance(&s);
    json_t *vm = kind_object(&osac_kind_vm, VM_NS, "vm-1b");
    meta_set_label(vm, KEY_INSTANCE, "vm-1");
    fake_put(s.f, &osac_kind_vm, vm);
    ck_assert_int_eq(stage_pass(&s, osac_instance_reconcile, "vm-1"), -1);
    ck_assert_uint_eq(jobs(&s), 0);
}
END_TEST

static const struct {
    const char *in, *out;
} texts[] = {
    {"snapshot deadline exceeded", "snapshot deadline exceeded"},
    {"dial tcp 10.0.0.1:3260: refused", "dial tcp [...] refused"},
    {"VMSnapshot ns-1/snap does not exist", "VMSnapshot [...] does not exist"},
    {"pool on ceph.example.com is full.", "pool on [...] is full."},
    {"pvc 0d1f8c1e-aaaa-bbbb-cccc-1234 lost", "pvc [...] lost"},
    {"admission webhook \"v.kubevirt.io\" denied the request: gate off", "gate off"},
    {"", ""},
};

START_TEST(tenant_texts)
{
    char *out = osac_text_for_tenant(texts[_i].in);
    ck_assert_str_eq(out, texts[_i].out);
    free(out);
}
END_TEST

static const struct {
    const char *config, *error, *hint;
} starts[] = {
    {"null", "the component was stopped", NULL},
    {"{\"hub\":\"hub\",\"workload\":\"workload\",\"namespace\":\"n\",\"snapshotController\":false}",
     "the component was stopped", NULL},
    {"{\"snapshotController\":\"maybe\"}", "the component was stopped", NULL},
    {"{\"snapshotControler\":true}", "osac-operator: unknown setting 'snapshotControler'",
     "did you mean 'snapshotController'?"},
    {"{\"version\":\"1.0\",\"service\":\"s\"}", "the component was stopped", NULL},
    {"{\"version\":\"2\"}", "osac-operator: setting 'version': expected \"1.0\" or \"1.1\"", NULL},
    {"{\"pollInterval\":\"0s\"}", "osac-operator: setting 'pollInterval' must be positive", NULL},
    {"{\"requeueInterval\":\"0s\"}", "osac-operator: setting 'requeueInterval' must be positive",
     NULL},
    {"{\"subnetInterval\":\"-1s\"}", "osac-operator: setting 'subnetInterval' must be positive",
     NULL},
};

/* From start to a crash at once: every task unwinds, and the last one frees what they share. */
START_TEST(component_starts)
{
    AUTO(fake) struct fake_host *f = fake_create();
    AUTO(err) struct err e = {0};
    const char *text = starts[_i].config;
    AUTO(json) json_t *config = json_read(text, strlen(text), "t", NULL);
    ck_assert_int_eq(osac_operator_component.run(&f->host, config, &e), -1);
    ck_assert_str_eq(e.msg, starts[_i].error);
    if (starts[_i].hint)
        ck_assert_str_eq(e.hint, starts[_i].hint);
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN("instance",
                      SUITE_CASE("instance", TEST(fresh), EACH(phase_follows_vm, phases),
                                 TEST(jobs_run_once), TEST(jobs_back_off), TEST(manual_runs_no_job),
                                 EACH(cascade_selects, children), TEST(cascade_then_machine),
                                 TEST(old_release_forgets), TEST(old_release_does_not_cascade),
                                 TEST(two_machines), EACH(tenant_texts, texts),
                                 EACH(component_starts, starts)));
}
