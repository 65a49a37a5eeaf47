/* The snapshot controller, pass by pass (compute-instance-snapshots.md 3.2, 9.3, 9.6). */
#include "tests/unit/components/stage.h"
#include "tests/unit/suite.h"

static void settle(struct stage *s)
{
    stage_settle(s, osac_snapshot_reconcile, "snap");
}

static json_t *snap(struct stage *s)
{
    return fake_get(s->f, &osac_kind_snapshot, NS, "snap");
}

static json_t *vms(struct stage *s)
{
    return fake_only(s->f, &osac_kind_vms);
}

static void expect(struct stage *s, const char *row, const char *phase, const char *ready)
{
    const char *is = json_str_or_empty(snap(s), "status.phase");
    ck_assert_msg(strcmp(is, phase) == 0, "%s: phase '%s'", row, is);
    ck_assert_msg(strcmp(meta_condition_status(snap(s), "Ready"), ready) == 0, "%s: Ready %s", row,
                  meta_condition_status(snap(s), "Ready"));
}

/* An instance with a machine, and a snapshot that nobody has looked at. */
static void stage_fresh(struct stage *s)
{
    stage_instance(s);
    json_put_str(stage_ci(s), "status.virtualMachineReference.namespace", VM_NS);
    json_put_str(stage_ci(s), "status.virtualMachineReference.kubeVirtVirtualMachineName", "vm-1");
    meta_remove_finalizer(stage_snapshot(s, "snap", NULL), SNAPSHOT_FINALIZER);
}

START_TEST(happy)
{
    STAGE(s);
    stage_fresh(&s);
    settle(&s);
    expect(&s, "created", "Creating", "False");
    ck_assert(meta_has_finalizer(snap(&s), SNAPSHOT_FINALIZER));
    ck_assert_str_eq(meta_namespace(vms(&s)), VM_NS);
    ck_assert_str_eq(json_str(vms(&s), "spec.source.name"), "vm-1");
    ck_assert_str_eq(json_str(snap(&s), "status.virtualMachineSnapshotRef.name"),
                     meta_name(vms(&s)));
    json_put_take(vms(&s), "status",
                  json_pack("{s:b,s:s,s:[{s:s,s:s}],s:{s:s}}", "readyToUse", 1, "creationTime", T1,
                            "sourceIndications", "indication", "Online", "message", "", "error",
                            "message", "left behind"));
    settle(&s);
    expect(&s, "ready", "Ready", "True");
    ck_assert_str_eq(json_str(snap(&s), "status.creationTime"), T1);
    ck_assert(json_bool(snap(&s), "status.online", false));
    ck_assert_ptr_null(json_path(snap(&s), "status.sizeBytes"));
}
END_TEST

static const struct mapping {
    const char *name, *status, *phase, *ready, *message;
} mappings[] = {
    {"no status", NULL, "Creating", "False", ""},
    {"in progress", "{\"phase\":\"InProgress\",\"readyToUse\":false}", "Creating", "False", ""},
    {"unknown phase", "{\"phase\":\"Unknown\"}", "Creating", "False", ""},
    {"error", "{\"phase\":\"InProgress\",\"error\":{\"message\":\"volume ns/disk is full\"}}",
     "Failed", "False", "The snapshot failed: volume [...] is full"},
    {"deadline",
     "{\"phase\":\"Failed\",\"conditions\":[{\"type\":\"Failure\",\"status\":\"True\","
     "\"reason\":\"snapshot deadline exceeded\"}]}",
     "Failed", "False", "The snapshot failed: snapshot deadline exceeded"},
    {"ready, offline", "{\"phase\":\"Succeeded\",\"readyToUse\":true}", "Ready", "True", ""},
    {"partial", "{\"readyToUse\":true,\"indications\":[\"PartialSnapshot\"]}", "Ready", "True",
     "Some volumes are not part of the snapshot"},
};

START_TEST(maps_status)
{
    const struct mapping *m = &mappings[_i];
    STAGE(s);
    stage_fresh(&s);
    settle(&s);
    if (m->status)
        json_put_take(vms(&s), "status", json_read(m->status, strlen(m->status), "t", NULL));
    settle(&s);
    expect(&s, m->name, m->phase, m->ready);
    ck_assert_str_eq(json_str_or_empty(meta_condition(snap(&s), "Ready"), "message"), m->message);
    json_put_take(vms(&s), "status", json_pack("{s:b}", "readyToUse", 1));
    settle(&s);
    expect(&s, "an error may pass", "Ready", "True");
}
END_TEST

START_TEST(never_captured_twice)
{
    STAGE(s);
    stage_fresh(&s);
    settle(&s);
    json_put_take(vms(&s), "status", json_pack("{s:b}", "readyToUse", 1));
    settle(&s);
    fake_remove(s.f, &osac_kind_vms, VM_NS, meta_name(vms(&s)));
    settle(&s);
    expect(&s, "lost", "Failed", "False");
    ck_assert_ptr_null(vms(&s));
}
END_TEST

static void no_parent(struct stage *s)
{
    fake_remove(s->f, &osac_kind_instance, NS, "vm-1");
}
static void parent_deleting(struct stage *s)
{
    json_put_str(stage_ci(s), "metadata.deletionTimestamp", T0);
}
static void other_tenant(struct stage *s)
{
    meta_set_annotation(snap(s), KEY_TENANT, "two");
}
static void no_tenants(struct stage *s)
{
    meta_set_annotation(snap(s), KEY_TENANT, NULL);
    meta_set_annotation(stage_ci(s), KEY_TENANT, NULL);
}
static void no_kind(struct stage *s)
{
    json_array_append_new(s->f->absent, json_string("virtualmachinesnapshots"));
}
static void gate_off(struct stage *s)
{
    s->f->denied_plural = "virtualmachinesnapshots";
    s->f->denied_text = "snapshot feature gate not enabled";
}
static void no_machine(struct stage *s)
{
    json_drop(stage_ci(s), "status");
}
static void two_machines(struct stage *s)
{
    json_t *vm = kind_object(&osac_kind_vm, VM_NS, "vm-1b");
    meta_set_label(vm, KEY_INSTANCE, "vm-1");
    fake_put(s->f, &osac_kind_vm, vm);
}
static void unmanaged(struct stage *s)
{
    meta_set_annotation(snap(s), KEY_MANAGEMENT, "unmanaged");
}

static const struct obstacle {
    const char *name;
    void (*arrange)(struct stage *s);
    const char *phase;
} obstacles[] = {
    {"no parent", no_parent, "Failed"},
    {"parent deleting", parent_deleting, "Failed"},
    {"other tenant", other_tenant, "Failed"},
    {"no tenants", no_tenants, "Failed"},
    {"no kind", no_kind, "Failed"},
    {"gate off", gate_off, "Failed"},
    {"no machine yet", no_machine, "Creating"},
    {"two machines", two_machines, "Creating"},
    {"unmanaged", unmanaged, ""},
};

START_TEST(obstructed)
{
    const struct obstacle *o = &obstacles[_i];
    STAGE(s);
    stage_fresh(&s);
    o->arrange(&s);
    for (int i = 0; i < 5; i++)
        stage_pass(&s, osac_snapshot_reconcile, "snap");
    ck_assert_msg(strcmp(json_str_or_empty(snap(&s), "status.phase"), o->phase) == 0, "%s: %s",
                  o->name, json_str_or_empty(snap(&s), "status.phase"));
    ck_assert_ptr_null(vms(&s));
    if (o->arrange == unmanaged)
        ck_assert(!meta_has_finalizer(snap(&s), SNAPSHOT_FINALIZER));
    if (o->arrange == no_machine)
        ck_assert_int_eq(s.requeue_ns, 10 * NS_PER_S);
}
END_TEST

START_TEST(foreign_name_is_not_adopted)
{
    STAGE(s);
    stage_fresh(&s);
    json_t *foreign = kind_object(&osac_kind_vms, VM_NS, "snap");
    meta_set_label(foreign, KEY_SNAPSHOT, "snap");
    meta_set_annotation(foreign, KEY_SNAPSHOT_UID, "somebody-else");
    fake_put(s.f, &osac_kind_vms, foreign);
    settle(&s);
    ck_assert_uint_eq(fake_count(s.f, &osac_kind_vms), 2);
    ck_assert_str_ne(json_str(snap(&s), "status.virtualMachineSnapshotRef.name"), "snap");
    json_put_str(snap(&s), "metadata.deletionTimestamp", T1);
    settle(&s);
    ck_assert_uint_eq(fake_count(s.f, &osac_kind_vms), 1); /* and theirs stays */
    ck_assert_str_eq(meta_annotation(vms(&s), KEY_SNAPSHOT_UID), "somebody-else");
    ck_assert_ptr_null(snap(&s));
}
END_TEST

START_TEST(deletion_waits)
{
    STAGE(s);
    stage_fresh(&s);
    settle(&s);
    meta_add_finalizer(vms(&s), "snapshot.kubevirt.io/vmsnapshot-protection");
    json_put_str(snap(&s), "metadata.deletionTimestamp", T1);
    settle(&s);
    expect(&s, "waiting", "Deleting", "False");
    ck_assert_uint_eq(fake_requests(s.f, "delete virtualmachinesnapshots"), 1);
    fake_remove(s.f, &osac_kind_vms, VM_NS, meta_name(vms(&s)));
    settle(&s);
    ck_assert_ptr_null(snap(&s));
}
END_TEST

static const int delete_faults[] = {0, 403, 500};

START_TEST(deletion_keeps_finalizer)
{
    for (unsigned at = 1; at <= 4; at++) {
        STAGE(s);
        stage_fresh(&s);
        settle(&s);
        json_put_str(snap(&s), "metadata.deletionTimestamp", T1);
        fake_fail(s.f, at, FAKE_BEFORE, delete_faults[_i]);
        stage_pass(&s, osac_snapshot_reconcile, "snap");
        ck_assert_ptr_nonnull(snap(&s));
        ck_assert(meta_has_finalizer(snap(&s), SNAPSHOT_FINALIZER));
        settle(&s);
        ck_assert_ptr_null(snap(&s));
        ck_assert_ptr_null(vms(&s));
    }
}
END_TEST

/* Why it is stuck stands in the condition, until it is not. */
START_TEST(deletion_tells_what_is_wrong)
{
    unsigned told = 0;
    for (unsigned at = 1; at <= 6; at++) {
        STAGE(s);
        stage_fresh(&s);
        settle(&s);
        json_put_str(snap(&s), "metadata.deletionTimestamp", T1);
        meta_add_finalizer(vms(&s), "snapshot.kubevirt.io/vmsnapshot-protection");
        fake_fail(s.f, at, FAKE_BEFORE, 403);
        stage_pass(&s, osac_snapshot_reconcile, "snap");
        const json_t *c = meta_condition(snap(&s), "Ready");
        told += strcmp(json_str_or_empty(c, "reason"), "DeletionBlocked") == 0 &&
                *json_str_or_empty(c, "message");
        settle(&s);
        ck_assert_str_eq(json_str_or_empty(meta_condition(snap(&s), "Ready"), "message"), "");
    }
    ck_assert_uint_ge(told, 2); /* when it looks, and when it deletes */
}
END_TEST

START_TEST(deletion_without_kind)
{
    STAGE(s);
    stage_fresh(&s);
    settle(&s);
    fake_remove(s.f, &osac_kind_vms, VM_NS, "snap");
    no_kind(&s);
    json_put_str(snap(&s), "metadata.deletionTimestamp", T1);
    settle(&s);
    ck_assert_ptr_null(snap(&s));
}
END_TEST

START_TEST(crash_anywhere)
{
    for (int moment = FAKE_BEFORE; moment <= FAKE_AFTER; moment++) {
        STAGE(s);
        stage_fresh(&s);
        fake_fail(s.f, (unsigned)_i, (enum fake_moment)moment, -1);
        for (int i = 0; i < 12; i++) {
            stage_pass(&s, osac_snapshot_reconcile, "snap");
            s.f->crashed = false;
            ck_assert(!vms(&s) || meta_has_finalizer(snap(&s), SNAPSHOT_FINALIZER));
        }
        ck_assert_ptr_nonnull(vms(&s));
        expect(&s, "converged", "Creating", "False");
        json_put_str(snap(&s), "metadata.deletionTimestamp", T1);
        fake_fail(s.f, (unsigned)_i, (enum fake_moment)moment, -1);
        for (int i = 0; i < 12; i++) {
            stage_pass(&s, osac_snapshot_reconcile, "snap");
            s.f->crashed = false;
            ck_assert(!vms(&s) || snap(&s));
        }
        ck_assert_ptr_null(snap(&s));
    }
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN("snapshot",
                      SUITE_CASE("snapshot", TEST(happy), EACH(maps_status, mappings),
                                 TEST(never_captured_twice), EACH(obstructed, obstacles),
                                 TEST(foreign_name_is_not_adopted), TEST(deletion_waits),
                                 EACH(deletion_keeps_finalizer, delete_faults),
                                 TEST(deletion_tells_what_is_wrong), TEST(deletion_without_kind),
                                 RANGE(crash_anywhere, 1, 12)));
}
