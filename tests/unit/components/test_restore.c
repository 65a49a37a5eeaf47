/* The restore signal, pass by pass (compute-instance-snapshots.md 9.4, 9.5, 9.8). */
#include "tests/unit/components/stage.h"
#include "tests/unit/suite.h"

static void settle(struct stage *s)
{
    stage_settle(s, osac_instance_reconcile, "vm-1");
}

static json_t *only_vmr(struct stage *s)
{
    return fake_only(s->f, &osac_kind_vmr);
}

static void complete(struct stage *s)
{
    json_put_take(only_vmr(s), "status.complete", json_true());
}

static void expect(struct stage *s, const char *row, size_t vmrs, const char *progress,
                   const char *failed, const char *restored)
{
    ck_assert_msg(fake_count(s->f, &osac_kind_vmr) == vmrs, "%s: %zu restores", row,
                  fake_count(s->f, &osac_kind_vmr));
    ck_assert_msg(strcmp(stage_condition(s, "RestoreInProgress"), progress) == 0, "%s: P %s", row,
                  stage_condition(s, "RestoreInProgress"));
    ck_assert_msg(strcmp(stage_condition(s, "RestoreFailed"), failed) == 0, "%s: F %s (%s)", row,
                  stage_condition(s, "RestoreFailed"), stage_reason(s, "RestoreFailed"));
    ck_assert_msg(strcmp(stage_restored(s), restored) == 0, "%s: L '%s'", row, stage_restored(s));
}

START_TEST(happy)
{
    STAGE(s);
    stage_instance(&s);
    settle(&s);
    expect(&s, "fresh", 0, "False", "False", "");
    stage_snapshot(&s, "snap", "Ready");
    stage_request(&s, "snap", T1);
    settle(&s);
    expect(&s, "running", 1, "True", "False", "");
    ck_assert_str_eq(stage_reason(&s, "RestoreInProgress"), "RestoreRequested");
    ck_assert_str_eq(json_str(only_vmr(&s), "spec.targetReadinessPolicy"), "FailImmediate");
    for (int i = 0; i < 100; i++)
        stage_pass(&s, osac_instance_reconcile, "vm-1");
    expect(&s, "polled", 1, "True", "False", "");
    complete(&s);
    settle(&s);
    expect(&s, "done", 1, "False", "False", T1);
    ck_assert_str_eq(json_str(stage_ci(&s), "spec.restoreRequestedAt"), T1);
}
END_TEST

/* What keeps a request from running, and that it stays failed afterwards. */
static const struct refusal {
    const char *name;
    const char *vm_status; /* NULL: Stopped */
    bool vmi;
    const char *snapshot_phase; /* NULL: no snapshot */
    const char *snapshot_tenant, *snapshot_ref;
    bool snapshot_deleting, vms_gone;
    const char *restore_from, *reason;
} refusals[] = {
    {.name = "running",
     .vm_status = "Running",
     .snapshot_phase = "Ready",
     .reason = "VMNotStopped"},
    {.name = "starting",
     .vm_status = "Starting",
     .snapshot_phase = "Ready",
     .reason = "VMNotStopped"},
    {.name = "paused", .vm_status = "Paused", .snapshot_phase = "Ready", .reason = "VMNotStopped"},
    {.name = "unknown",
     .vm_status = "Unknown",
     .snapshot_phase = "Ready",
     .reason = "VMNotStopped"},
    {.name = "new status",
     .vm_status = "Hibernated",
     .snapshot_phase = "Ready",
     .reason = "VMNotStopped"},
    {.name = "vmi there", .vmi = true, .snapshot_phase = "Ready", .reason = "VMNotStopped"},
    {.name = "no snapshot", .reason = "SnapshotNotFound"},
    {.name = "no name",
     .snapshot_phase = "Ready",
     .restore_from = "",
     .reason = "SnapshotNotSpecified"},
    {.name = "creating", .snapshot_phase = "Creating", .reason = "SnapshotNotReady"},
    {.name = "deleting",
     .snapshot_phase = "Ready",
     .snapshot_deleting = true,
     .reason = "SnapshotNotReady"},
    {.name = "vms gone", .snapshot_phase = "Ready", .vms_gone = true, .reason = "SnapshotNotReady"},
    {.name = "sibling",
     .snapshot_phase = "Ready",
     .snapshot_ref = "vm-2",
     .reason = "SnapshotMismatch"},
    {.name = "other tenant",
     .snapshot_phase = "Ready",
     .snapshot_tenant = "two",
     .reason = "SnapshotMismatch"},
};

static void stage_refusal(struct stage *s, const struct refusal *r)
{
    stage_instance(s);
    if (r->vm_status)
        json_put_str(stage_vm(s), "status.printableStatus", r->vm_status);
    if (r->vmi)
        fake_put(s->f, &osac_kind_vmi, kind_object(&osac_kind_vmi, VM_NS, "vm-1"));
    if (r->snapshot_phase) {
        json_t *sn = stage_snapshot(s, "snap", r->snapshot_phase);
        if (r->snapshot_ref)
            json_put_str(sn, "spec.computeInstanceRef", r->snapshot_ref);
        if (r->snapshot_tenant)
            meta_set_annotation(sn, KEY_TENANT, r->snapshot_tenant);
        if (r->snapshot_deleting)
            json_put_str(sn, "metadata.deletionTimestamp", T0);
    }
    if (r->vms_gone)
        fake_remove(s->f, &osac_kind_vms, VM_NS, "snap");
    stage_request(s, r->restore_from ? r->restore_from : "snap", T1);
}

START_TEST(refused)
{
    const struct refusal *r = &refusals[_i];
    STAGE(s);
    stage_refusal(&s, r);
    settle(&s);
    expect(&s, r->name, 0, "False", "True", "");
    ck_assert_msg(strcmp(stage_reason(&s, "RestoreFailed"), r->reason) == 0, "%s: %s", r->name,
                  stage_reason(&s, "RestoreFailed"));
    /* The cause goes away: a failed request never fires later by itself. */
    json_put_str(stage_vm(&s), "status.printableStatus", "Stopped");
    fake_remove(s.f, &osac_kind_vmi, VM_NS, "vm-1");
    fake_remove(s.f, &osac_kind_snapshot, NS, "snap");
    stage_snapshot(&s, "snap", "Ready");
    settle(&s);
    expect(&s, r->name, 0, "False", "True", "");
    /* A new time does. */
    stage_request(&s, "snap", T2);
    settle(&s);
    expect(&s, r->name, 1, "True", "False", "");
}
END_TEST

static const struct {
    const char *name, *restored, *requested;
    bool runs;
} times[] = {
    {"newer", T1, T2, true},
    {"equal", T1, T1, false},
    {"older", T1, T0, false},
    {"same second", T1, "2026-01-01T00:01:00.900Z", false},
    {"far future", T1, "2036-01-01T00:00:00Z", true},
    {"first", NULL, T0, true},
    {"other offset, same time", T1, "2026-01-01T01:01:00+01:00", false},
};

START_TEST(compares_times)
{
    STAGE(s);
    stage_instance(&s);
    stage_snapshot(&s, "snap", "Ready");
    if (times[_i].restored)
        json_put_str(stage_ci(&s), "status.lastRestoredAt", times[_i].restored);
    stage_request(&s, "snap", times[_i].requested);
    settle(&s);
    expect(&s, times[_i].name, times[_i].runs, times[_i].runs ? "True" : "False", "False",
           times[_i].restored ? times[_i].restored : "");
}
END_TEST

START_TEST(second_waits_for_first)
{
    STAGE(s);
    stage_instance(&s);
    stage_snapshot(&s, "a", "Ready");
    stage_snapshot(&s, "b", "Ready");
    stage_request(&s, "a", T1);
    settle(&s);
    stage_request(&s, "b", T2);
    settle(&s);
    expect(&s, "first runs", 1, "True", "False", "");
    ck_assert_str_eq(json_str(only_vmr(&s), "spec.virtualMachineSnapshotName"), "a");
    complete(&s);
    settle(&s);
    expect(&s, "second runs", 2, "True", "False", T1);
}
END_TEST

START_TEST(kubevirt_fails)
{
    STAGE(s);
    stage_instance(&s);
    stage_snapshot(&s, "snap", "Ready");
    stage_request(&s, "snap", T1);
    settle(&s);
    stage_set_condition(only_vmr(&s), "Failure", "True", "storage host 10.0.0.7 is full",
                        s.f->now_ns);
    settle(&s);
    expect(&s, "failed", 0, "False", "True", ""); /* and out of the way of the next */
    const char *message =
        json_str_or_empty(meta_condition(stage_ci(&s), "RestoreFailed"), "message");
    ck_assert_ptr_nonnull(strstr(message, "is full"));
    ck_assert_ptr_null(strstr(message, "10.0.0.7"));
    stage_request(&s, "snap", T2);
    settle(&s);
    expect(&s, "again", 1, "True", "False", "");
}
END_TEST

/* A crash left the failure without its condition, and what is left of it cannot be deleted. */
START_TEST(failure_shows_beside_a_leftover)
{
    unsigned forbidden = 0;
    for (unsigned at = 1; at <= 12; at++) {
        STAGE(s);
        stage_instance(&s);
        stage_snapshot(&s, "snap", "Ready");
        stage_request(&s, "snap", T1);
        settle(&s);
        stage_set_condition(only_vmr(&s), "Failure", "True", "full", s.f->now_ns);
        meta_set_annotation(stage_ci(&s), KEY_CONSUMED_AT, T1);
        fake_fail(s.f, at, FAKE_BEFORE, 403);
        stage_pass(&s, osac_instance_reconcile, "vm-1");
        if (fake_count(s.f, &osac_kind_vmr) == 0 ||
            fake_requests(s.f, "delete virtualmachinerestores") == 0)
            continue;
        forbidden++;
        expect(&s, "refused", 1, "False", "True", "");
    }
    ck_assert_uint_eq(forbidden, 1);
}
END_TEST

static const struct {
    const char *name, *progressing;
    bool vms_gone;
    int64_t after_s;
    bool fails;
} hangs[] = {
    {"no progress yet", "False", false, 299, false},
    {"no progress", "False", false, 301, true},
    {"slow", "True", false, 3600, false},
    {"snapshot gone", "True", true, 301, true},
    {"never looked at", NULL, false, 301, true},
};

START_TEST(hanging)
{
    STAGE(s);
    stage_instance(&s);
    stage_snapshot(&s, "snap", "Ready");
    stage_request(&s, "snap", T1);
    settle(&s);
    if (hangs[_i].progressing)
        stage_set_condition(only_vmr(&s), "Progressing", hangs[_i].progressing, "text",
                            s.f->now_ns);
    if (hangs[_i].vms_gone)
        fake_remove(s.f, &osac_kind_vms, VM_NS, "snap");
    s.f->now_ns += hangs[_i].after_s * NS_PER_S;
    settle(&s);
    expect(&s, hangs[_i].name, !hangs[_i].fails, hangs[_i].fails ? "False" : "True",
           hangs[_i].fails ? "True" : "False", "");
}
END_TEST

START_TEST(vanishes)
{
    STAGE(s);
    stage_instance(&s);
    stage_snapshot(&s, "snap", "Ready");
    stage_request(&s, "snap", T1);
    settle(&s);
    fake_remove(s.f, &osac_kind_vmr, VM_NS, meta_name(only_vmr(&s)));
    settle(&s);
    expect(&s, "vanished", 0, "False", "True", "");
    ck_assert_str_eq(stage_reason(&s, "RestoreFailed"), "RestoreVanished");
}
END_TEST

START_TEST(vanishes_while_second_waits)
{
    STAGE(s);
    stage_instance(&s);
    stage_snapshot(&s, "snap", "Ready");
    stage_request(&s, "snap", T1);
    settle(&s);
    stage_request(&s, "snap", T2);
    fake_remove(s.f, &osac_kind_vmr, VM_NS, meta_name(only_vmr(&s)));
    settle(&s);
    expect(&s, "second runs", 1, "True", "False", "");
    ck_assert_str_eq(meta_annotation(only_vmr(&s), KEY_REQUESTED_AT), T2);
}
END_TEST

START_TEST(lost_status_is_repaired)
{
    STAGE(s);
    stage_instance(&s);
    stage_snapshot(&s, "snap", "Ready");
    stage_request(&s, "snap", T1);
    settle(&s);
    complete(&s);
    settle(&s);
    json_drop(stage_ci(&s), "status");
    stage_touch(stage_ci(&s), s.f);
    settle(&s);
    expect(&s, "repaired", 1, "False", "False", T1);
}
END_TEST

START_TEST(pruned_field_is_noticed)
{
    STAGE(s);
    stage_instance(&s);
    stage_snapshot(&s, "snap", "Ready");
    s.f->pruned = "status.lastRestoredAt";
    stage_request(&s, "snap", T1);
    settle(&s);
    complete(&s);
    settle(&s);
    expect(&s, "noticed", 1, "False", "True", "");
    ck_assert_str_eq(stage_reason(&s, "RestoreFailed"), "LastRestoredAtNotStored");
    fake_remove(s.f, &osac_kind_vmr, VM_NS, meta_name(only_vmr(&s)));
    settle(&s);
    expect(&s, "never again", 0, "False", "True", "");
}
END_TEST

START_TEST(younger_snapshot_is_another)
{
    STAGE(s);
    stage_instance(&s);
    json_t *sn = stage_snapshot(&s, "snap", "Ready");
    json_put_str(sn, "metadata.creationTimestamp", T2);
    stage_request(&s, "snap", T1);
    settle(&s);
    expect(&s, "re-created", 0, "False", "True", "");
    ck_assert_str_eq(stage_reason(&s, "RestoreFailed"), "SnapshotMismatch");
}
END_TEST

/* A clock from before the instance says nothing about which snapshot was meant. */
START_TEST(clock_far_behind)
{
    STAGE(s);
    stage_instance(&s);
    json_put_str(stage_ci(&s), "metadata.creationTimestamp", T1);
    json_put_str(stage_snapshot(&s, "snap", "Ready"), "metadata.creationTimestamp", T2);
    stage_request(&s, "snap", T0);
    settle(&s);
    expect(&s, "clock behind", 1, "True", "False", "");
}
END_TEST

/* Made again under its name, and pointing at the data of the one before. */
START_TEST(data_of_another_snapshot)
{
    STAGE(s);
    stage_instance(&s);
    json_t *sn = stage_snapshot(&s, "snap", "Ready");
    if (_i)
        meta_set_label(fake_only(s.f, &osac_kind_vms), KEY_SNAPSHOT_UUID, "before");
    else
        json_put_str(sn, "metadata.uid", "after");
    meta_set_label(sn, KEY_SNAPSHOT_UUID, "after");
    stage_request(&s, "snap", T1);
    settle(&s);
    expect(&s, "other data", 0, "False", "True", "");
    ck_assert_str_eq(stage_reason(&s, "RestoreFailed"), "SnapshotMismatch");
}
END_TEST

START_TEST(admission_refuses)
{
    STAGE(s);
    stage_instance(&s);
    stage_snapshot(&s, "snap", "Ready");
    s.f->denied_plural = "virtualmachinerestores";
    s.f->denied_text = "admission webhook \"virtualmachinerestore-validator.snapshot.kubevirt.io\" "
                       "denied the request: Snapshot/Restore feature gate not enabled";
    stage_request(&s, "snap", T1);
    settle(&s);
    expect(&s, "gate", 0, "False", "True", "");
    stage_request(&s, "snap", T2);
    s.f->denied_text = "VirtualMachineRestore \"old\" in progress";
    for (int i = 0; i < 3; i++) /* its cache lags: back off, without charging the request */
        ck_assert_int_eq(stage_pass(&s, osac_instance_reconcile, "vm-1"), -1);
    s.f->denied_plural = NULL;
    settle(&s);
    expect(&s, "admitted", 1, "True", "False", "");
}
END_TEST

START_TEST(link_down)
{
    STAGE(s);
    stage_instance(&s);
    stage_snapshot(&s, "snap", "Ready");
    settle(&s);
    stage_request(&s, "snap", T1);
    s.f->link_down = true;
    ck_assert_int_eq(stage_pass(&s, osac_instance_reconcile, "vm-1"), -1);
    expect(&s, "down", 0, "False", "False", "");
    json_put_str(stage_vm(&s), "status.printableStatus", "Running");
    s.f->link_down = false;
    settle(&s);
    expect(&s, "up, but running", 0, "False", "True", "");
}
END_TEST

START_TEST(unmanaged_waits)
{
    STAGE(s);
    stage_instance(&s);
    settle(&s);
    stage_snapshot(&s, "snap", "Ready");
    meta_set_annotation(stage_ci(&s), KEY_MANAGEMENT, "Unmanaged");
    stage_request(&s, "snap", T1);
    settle(&s);
    expect(&s, "unmanaged", 0, "False", "False", "");
    meta_set_annotation(stage_ci(&s), KEY_MANAGEMENT, NULL);
    settle(&s);
    expect(&s, "managed", 1, "True", "False", "");
}
END_TEST

/* A restart after a crash: nothing is done twice, nothing is forgotten. */
static void run_with_crash(struct stage *s, unsigned at, enum fake_moment moment)
{
    stage_instance(s);
    settle(s);
    stage_snapshot(s, "snap", "Ready");
    stage_request(s, "snap", T1);
    fake_fail(s->f, at, moment, -1);
    bool completed = false;
    for (int i = 0; i < 30; i++) {
        stage_pass(s, osac_instance_reconcile, "vm-1");
        s->f->crashed = false;
        ck_assert_uint_le(fake_count(s->f, &osac_kind_vmr), 1);
        ck_assert(strcmp(stage_condition(s, "RestoreInProgress"), "True") != 0 ||
                  strcmp(stage_condition(s, "RestoreFailed"), "True") != 0);
        if (i > 10 && !completed && only_vmr(s)) {
            complete(s);
            completed = true;
        }
    }
}

START_TEST(crash_anywhere)
{
    for (int moment = FAKE_BEFORE; moment <= FAKE_AFTER; moment++) {
        STAGE(s);
        run_with_crash(&s, (unsigned)_i, (enum fake_moment)moment);
        expect(&s, "converged", 1, "False", "False", T1);
        ck_assert_uint_le(fake_requests(s.f, "create virtualmachinerestores"), 2);
    }
}
END_TEST

/* The same for a request that is refused: it must not run after the restart, though the machine
 * stands still by then. */
START_TEST(crash_while_refusing)
{
    for (int moment = FAKE_BEFORE; moment <= FAKE_AFTER; moment++) {
        STAGE(s);
        stage_instance(&s);
        settle(&s);
        stage_snapshot(&s, "snap", "Creating");
        stage_request(&s, "snap", T1);
        fake_fail(s.f, (unsigned)_i, (enum fake_moment)moment, -1);
        stage_pass(&s, osac_instance_reconcile, "vm-1");
        bool consumed = meta_annotation(stage_ci(&s), KEY_CONSUMED_AT) != NULL;
        s.f->crashed = false;
        s.f->fault = (struct fake_fault){0};
        json_put_str(fake_get(s.f, &osac_kind_snapshot, NS, "snap"), "status.phase", "Ready");
        settle(&s);
        if (consumed)
            expect(&s, "charged", 0, "False", "True", "");
        else
            expect(&s, "judged anew", 1, "True", "False", "");
    }
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN("restore",
                      SUITE_CASE("restore", TEST(happy), EACH(refused, refusals),
                                 EACH(compares_times, times), TEST(second_waits_for_first),
                                 TEST(kubevirt_fails), TEST(failure_shows_beside_a_leftover),
                                 EACH(hanging, hangs), TEST(vanishes),
                                 TEST(vanishes_while_second_waits), TEST(lost_status_is_repaired),
                                 TEST(pruned_field_is_noticed), TEST(younger_snapshot_is_another),
                                 TEST(clock_far_behind), RANGE(data_of_another_snapshot, 0, 2),
                                 TEST(admission_refuses), TEST(link_down), TEST(unmanaged_waits),
                                 RANGE(crash_anywhere, 1, 24), RANGE(crash_while_refusing, 1, 16)));
}
