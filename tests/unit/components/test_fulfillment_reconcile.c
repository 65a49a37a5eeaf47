/* Rows become objects of a hub: one each, whatever breaks on the way. */
#include "tests/unit/components/fulfillment_stage.h"

#define NS "osac"
#define R1 "2026-01-01T00:00:10Z"

static json_t *the_instance(struct front *t)
{
    return fake_only(t->f, &kind_hub_instance);
}

static json_t *the_snapshot(struct front *t)
{
    return fake_only(t->f, &kind_hub_snapshot);
}

/* An instance with its object on the hub; its id: new. */
static char *placed_instance(struct front *t)
{
    char *id = front_instance(t, "t1");
    front_settle(t, INSTANCES, id);
    ck_assert_ptr_nonnull(the_instance(t));
    return id;
}

static char *placed_snapshot(struct front *t, const char *instance)
{
    char *id = front_snapshot(t, "t1", instance, NULL);
    front_settle(t, SNAPSHOTS, id);
    ck_assert_ptr_nonnull(the_snapshot(t));
    return id;
}

static void set_state(struct front *t, const char *id, const char *status)
{
    AUTO(str) char *body = mem_printf("{'status':{%s}}", status);
    ck_assert_int_eq(front_ask_id(t, "admin", "PATCH", PRIVATE SNAPSHOTS, id, body), 200);
}

static const char *condition_reason(struct front *t, const struct resource *r, const char *id,
                                    const char *type, const char *status)
{
    static char reason[64];
    AUTO(json) json_t *row = front_row(t, r, id);
    const json_t *c = object_condition(row, type);
    ck_assert_str_eq(json_str_or_empty(c, "status"), status);
    snprintf(reason, sizeof reason, "%s", json_str_or_empty(c, "reason"));
    return reason;
}

/* ---- instances ---- */

START_TEST(one_step_a_pass)
{
    FRONT(t);
    AUTO(str) char *id = front_instance(&t, "t1");
    front_pass(&t, INSTANCES, id);
    AUTO(json) json_t *first = front_row(&t, &resource_instances, id);
    ck_assert(meta_has_finalizer(first, ROW_FINALIZER));
    ck_assert_ptr_null(json_path(first, "status.hub"));
    front_pass(&t, INSTANCES, id);
    AUTO(json) json_t *second = front_row(&t, &resource_instances, id);
    ck_assert_str_eq(json_str_or_empty(second, "status.hub"), "hub-1");
    ck_assert_uint_eq(fake_requests(t.f, ""), 0);
    front_pass(&t, INSTANCES, id);
    ck_assert_uint_eq(fake_count(t.f, &kind_hub_instance), 1);
}
END_TEST

START_TEST(the_object_says_whose_it_is)
{
    FRONT(t);
    front_ask(&t, "t1", "POST", PUBLIC INSTANCES,
              "{'metadata':{'annotations':{'own':'x'}},'spec':{'template':'small','run_strategy':"
              "'Always','ssh_key':'k','boot_disk':{'size_gib':10},'additional_disks':[{'size_gib':"
              "2}],'image':{'source_type':'registry','source_ref':'r'},'is_windows':true,"
              "'restart_requested_at':'2026-01-01T00:00:00.7Z','template_parameters':{'n':{'@type':"
              "'type.googleapis.com/google.protobuf.Int32Value','value':4}}}}");
    AUTO(str) char *id = mem_strdup(json_str_or_empty(t.body, "id"));
    front_settle(&t, INSTANCES, id);
    const json_t *object = the_instance(&t);
    ck_assert(strncmp(meta_name(object), "vm-", 3) == 0);
    ck_assert_str_eq(meta_namespace(object), NS);
    ck_assert_str_eq(meta_label(object, KEY_INSTANCE_UUID), id);
    AUTO(str) char *annotations = json_text(json_path(object, "metadata.annotations"));
    ck_assert_str_eq(annotations, "{\"osac.openshift.io/tenant\":\"t1\"}");
    AUTO(strbuf) struct strbuf spec = {0};
    json_write_sorted(&spec, json_object_get(object, "spec"), JSON_TIGHT);
    ck_assert_str_eq(
        strbuf_str(&spec),
        "{\"additionalDisks\":[{\"sizeGiB\":2}],\"bootDisk\":{\"sizeGiB\":10},"
        "\"guestOSFamily\":\"windows\",\"image\":{\"sourceRef\":\"r\",\"sourceType\":\"registry\"},"
        "\"restartRequestedAt\":\"2026-01-01T00:00:00Z\",\"runStrategy\":\"Always\","
        "\"sshKey\":\"k\",\"templateID\":\"small\",\"templateParameters\":\"{\\\"n\\\":4}\"}");
}
END_TEST

START_TEST(a_change_is_patched_once)
{
    FRONT(t);
    AUTO(str) char *id = placed_instance(&t);
    front_ask_id(&t, "t1", "PATCH", PUBLIC INSTANCES, id, "{'spec':{'run_strategy':'Halted'}}");
    json_put_str(the_instance(&t), "spec.sshKey", "of somebody else");
    json_put_str(the_instance(&t), "spec.cores", "not ours");
    front_settle(&t, INSTANCES, id);
    ck_assert_str_eq(json_str_or_empty(the_instance(&t), "spec.runStrategy"), "Halted");
    ck_assert_ptr_null(json_path(the_instance(&t), "spec.sshKey"));
    ck_assert_str_eq(json_str_or_empty(the_instance(&t), "spec.cores"), "not ours");
    ck_assert_uint_eq(fake_requests(t.f, "patch"), 1);
    front_settle(&t, INSTANCES, id);
    ck_assert_uint_eq(fake_requests(t.f, "patch"), 1);
}
END_TEST

START_TEST(two_objects_are_an_error)
{
    FRONT(t);
    AUTO(str) char *id = placed_instance(&t);
    json_t *twin = json_copy_of(the_instance(&t));
    json_put_str(twin, "metadata.name", "vm-twin");
    fake_put(t.f, &kind_hub_instance, twin);
    ck_assert_int_eq(front_pass(&t, INSTANCES, id), -1);
    ck_assert_int_eq(front_ask_id(&t, "t1", "DELETE", PUBLIC INSTANCES, id, NULL), 200);
    ck_assert_int_eq(front_pass(&t, INSTANCES, id), -1);
    ck_assert_uint_eq(fake_count(t.f, &kind_hub_instance), 2);
}
END_TEST

START_TEST(without_hubs_it_waits)
{
    FRONT(t);
    front_ask(&t, "admin", "DELETE", PRIVATE "hubs/hub-1", NULL);
    AUTO(str) char *id = front_instance(&t, "t1");
    front_pass(&t, INSTANCES, id);
    ck_assert_int_eq(front_pass(&t, INSTANCES, id), -1);
}
END_TEST

/* All of several hubs are chosen, each instance keeps its own. */
START_TEST(hubs_are_shared_out)
{
    FRONT(t);
    ck_assert_int_eq(front_ask(&t, "admin", "POST", PRIVATE "hubs", "{'namespace':'other'}"), 200);
    unsigned first = 0;
    for (int i = 0; i < 20; i++) {
        AUTO(str) char *id = front_instance(&t, "t1");
        front_settle(&t, INSTANCES, id);
        AUTO(json) json_t *row = front_row(&t, &resource_instances, id);
        first += strcmp(json_str_or_empty(row, "status.hub"), "hub-1") == 0;
    }
    ck_assert_uint_gt(first, 0);
    ck_assert_uint_lt(first, 20);
}
END_TEST

START_TEST(a_refusal_is_told)
{
    FRONT(t);
    AUTO(str) char *id = front_instance(&t, "t1");
    t.f->denied_plural = "computeinstances";
    t.f->denied_text = "spec.templateID: Invalid value, says node-7.internal";
    front_pass(&t, INSTANCES, id); /* has every condition now */
    t.f->now_ns += 60 * NS_PER_S;
    for (int i = 0; i < 3; i++)
        front_pass(&t, INSTANCES, id);
    ck_assert_str_eq(condition_reason(&t, &resource_instances, id,
                                      INSTANCE_CONDITION "CONFIGURATION_APPLIED",
                                      "CONDITION_STATUS_FALSE"),
                     "ReconciliationFailed");
    front_ask_id(&t, "t1", "GET", PUBLIC INSTANCES, id, NULL);
    ck_assert_ptr_null(strstr(t.text, "node-7"));
    /* It was False before: the reason is new, the transition is not. */
    const json_t *c = object_condition(t.body, INSTANCE_CONDITION "CONFIGURATION_APPLIED");
    ck_assert_str_eq(json_str_or_empty(c, "last_transition_time"), "2026-01-01T00:00:00Z");
}
END_TEST

/* ---- snapshots ---- */

START_TEST(a_snapshot_lives_with_its_parent)
{
    FRONT(t);
    AUTO(str) char *instance = placed_instance(&t);
    AUTO(str)
    char *body = mem_printf("{'metadata':{'annotations':{'own':'x'}},"
                            "'spec':{'compute_instance':'%s','description':'d'}}",
                            instance);
    front_ask(&t, "t1", "POST", PUBLIC SNAPSHOTS, body);
    AUTO(str) char *id = mem_strdup(json_str_or_empty(t.body, "id"));
    front_settle(&t, SNAPSHOTS, id);
    const json_t *object = the_snapshot(&t);
    ck_assert_str_eq(meta_namespace(object), NS);
    ck_assert_str_eq(meta_label(object, KEY_SNAPSHOT_UUID), id);
    ck_assert_str_eq(meta_annotation(object, KEY_TENANT), "t1");
    ck_assert_str_eq(meta_annotation(object, KEY_OWNER), instance);
    ck_assert_ptr_null(meta_annotation(object, "own"));
    ck_assert_str_eq(json_str_or_empty(object, "spec.computeInstanceRef"),
                     meta_name(the_instance(&t)));
    ck_assert_str_eq(json_str_or_empty(object, "spec.description"), "d");
}
END_TEST

START_TEST(a_snapshot_waits_for_its_parents_hub)
{
    FRONT(t);
    AUTO(str) char *instance = front_instance(&t, "t1");
    AUTO(str) char *id = front_snapshot(&t, "t1", instance, NULL);
    front_settle(&t, SNAPSHOTS, id);
    ck_assert_int_eq(t.requeue_ns, 10 * NS_PER_S);
    ck_assert_uint_eq(fake_requests(t.f, ""), 0);
    front_pass(&t, INSTANCES, instance);
    front_pass(&t, INSTANCES, instance); /* a hub, but no object yet */
    front_settle(&t, SNAPSHOTS, id);
    ck_assert_int_eq(t.requeue_ns, 10 * NS_PER_S);
    ck_assert_ptr_null(the_snapshot(&t));
    front_settle(&t, INSTANCES, instance);
    front_settle(&t, SNAPSHOTS, id);
    ck_assert_ptr_nonnull(the_snapshot(&t));
}
END_TEST

static const struct lost_case {
    const char *name, *status;
    bool made_again;
    const char *state;
} losts[] = {
    {"ready", "'state':2,'creation_time':'2026-01-01T00:00:00Z'", false, SNAPSHOT_STATE "FAILED"},
    {"ready without a time", "'state':2", false, SNAPSHOT_STATE "FAILED"},
    {"captured, then failed", "'state':3,'creation_time':'2026-01-01T00:00:00Z'", false,
     SNAPSHOT_STATE "FAILED"},
    {"failed", "'state':3", false, SNAPSHOT_STATE "FAILED"},
    {"being made", "'state':1", false, SNAPSHOT_STATE "FAILED"},
    {"never made", "'state':1,'hub_object':false", true, SNAPSHOT_STATE "CREATING"},
};

START_TEST(what_was_captured_is_not_captured_again)
{
    const struct lost_case *c = &losts[_i];
    FRONT(t);
    AUTO(str) char *instance = placed_instance(&t);
    AUTO(str) char *id = placed_snapshot(&t, instance);
    set_state(&t, id, c->status);
    fake_remove(t.f, &kind_hub_snapshot, NS, meta_name(the_snapshot(&t)));
    front_settle(&t, SNAPSHOTS, id);
    ck_assert_msg((the_snapshot(&t) != NULL) == c->made_again, "%s", c->name);
    AUTO(json) json_t *row = front_row(&t, &resource_snapshots, id);
    ck_assert_msg(strcmp(json_str_or_empty(row, "status.state"), c->state) == 0, "%s", c->name);
}
END_TEST

START_TEST(a_hub_without_snapshots)
{
    FRONT(t);
    AUTO(str) char *instance = placed_instance(&t);
    AUTO(str) char *id = front_snapshot(&t, "t1", instance, NULL);
    json_array_append_new(t.f->absent, json_string("computeinstancesnapshots"));
    for (int i = 0; i < 4; i++)
        front_pass(&t, SNAPSHOTS, id);
    ck_assert_int_eq(front_pass(&t, SNAPSHOTS, id), -1);
    ck_assert_str_eq(condition_reason(&t, &resource_snapshots, id, SNAPSHOT_CONDITION "READY",
                                      "CONDITION_STATUS_FALSE"),
                     "SnapshotsUnsupported");
    AUTO(json) json_t *row = front_row(&t, &resource_snapshots, id);
    ck_assert_str_eq(json_str_or_empty(row, "status.state"), SNAPSHOT_STATE "CREATING");
    ck_assert_int_eq(front_ask_id(&t, "t1", "DELETE", PUBLIC SNAPSHOTS, id, NULL), 200);
    ck_assert_int_eq(front_pass(&t, SNAPSHOTS, id), 0);
    ck_assert_int_eq(front_ask_id(&t, "t1", "GET", PUBLIC SNAPSHOTS, id, NULL), 404);
}
END_TEST

/* ---- restores ---- */

START_TEST(a_request_is_translated)
{
    FRONT(t);
    AUTO(str) char *instance = placed_instance(&t);
    AUTO(str) char *id = placed_snapshot(&t, instance);
    set_state(&t, id, "'state':2");
    front_request(&t, instance, id, "2026-01-01T00:00:10.9Z");
    front_settle(&t, INSTANCES, instance);
    const json_t *object = the_instance(&t);
    ck_assert_str_eq(json_str_or_empty(object, "spec.restoreFromSnapshot"),
                     meta_name(the_snapshot(&t)));
    ck_assert_str_eq(json_str_or_empty(object, "spec.restoreRequestedAt"), R1);
    ck_assert_str_eq(meta_annotation(object, KEY_RESTORE_FROM_UUID), id);
    condition_reason(&t, &resource_instances, instance, INSTANCE_CONDITION "RESTORE_FAILED",
                     "CONDITION_STATUS_FALSE");
}
END_TEST

static const struct replay_case {
    const char *name, *restored; /* status.last_restored_at; NULL: none */
    bool sent;
} replays[] = {
    {"never restored", NULL, true},
    {"restored before", "2026-01-01T00:00:09.9Z", true},
    {"restored by it", R1, false},
    {"in the same second", "2026-01-01T00:00:10.9Z", false},
    {"restored later", "2026-01-01T00:00:11Z", false},
};

/* The hub's object is lost and made again: what was restored is not restored once more. */
START_TEST(a_request_is_not_replayed)
{
    const struct replay_case *c = &replays[_i];
    FRONT(t);
    AUTO(str) char *instance = placed_instance(&t);
    AUTO(str) char *id = placed_snapshot(&t, instance);
    set_state(&t, id, "'state':2");
    front_request(&t, instance, id, R1);
    AUTO(str) char *body = mem_printf("{'status':{'last_restored_at':'%s'}}", c->restored);
    if (c->restored)
        ck_assert_int_eq(front_ask_id(&t, "admin", "PATCH", PRIVATE INSTANCES, instance, body),
                         200);
    fake_remove(t.f, &kind_hub_instance, NS, meta_name(the_instance(&t)));
    front_settle(&t, INSTANCES, instance);
    ck_assert_msg((json_path(the_instance(&t), "spec.restoreRequestedAt") != NULL) == c->sent, "%s",
                  c->name);
    ck_assert_msg((json_path(the_instance(&t), "spec.restoreFromSnapshot") != NULL) == c->sent,
                  "%s", c->name);
}
END_TEST

/* Carried out and its snapshot gone: the rest of the instance still reaches the hub. */
START_TEST(a_stale_request_blocks_nothing)
{
    FRONT(t);
    AUTO(str) char *instance = placed_instance(&t);
    AUTO(str) char *id = placed_snapshot(&t, instance);
    set_state(&t, id, "'state':2");
    front_request(&t, instance, id, R1);
    front_settle(&t, INSTANCES, instance);
    front_ask_id(&t, "admin", "PATCH", PRIVATE INSTANCES, instance,
                 "{'status':{'last_restored_at':'" R1 "'}}");
    front_ask_id(&t, "t1", "DELETE", PUBLIC SNAPSHOTS, id, NULL);
    front_settle(&t, SNAPSHOTS, id);
    front_ask_id(&t, "t1", "PATCH", PUBLIC INSTANCES, instance,
                 "{'spec':{'run_strategy':'Always'}}");
    front_settle(&t, INSTANCES, instance);
    ck_assert_str_eq(json_str_or_empty(the_instance(&t), "spec.runStrategy"), "Always");
    ck_assert_str_eq(json_str_or_empty(the_instance(&t), "spec.restoreRequestedAt"), R1);
    condition_reason(&t, &resource_instances, instance, INSTANCE_CONDITION "RESTORE_FAILED",
                     "CONDITION_STATUS_FALSE");
}
END_TEST

/* Its snapshot goes before the hub hears of it. */
static void request_in_vain(struct front *t, const char *instance, const char *id)
{
    front_request(t, instance, id, R1);
    front_ask_id(t, "t1", "DELETE", PUBLIC SNAPSHOTS, id, NULL);
    front_settle(t, SNAPSHOTS, id);
}

START_TEST(a_snapshot_that_went_first_fails_the_request)
{
    FRONT(t);
    AUTO(str) char *instance = placed_instance(&t);
    AUTO(str) char *id = placed_snapshot(&t, instance);
    set_state(&t, id, "'state':2");
    request_in_vain(&t, instance, id);
    front_settle(&t, INSTANCES, instance);
    ck_assert_ptr_null(json_path(the_instance(&t), "spec.restoreRequestedAt"));
    ck_assert_str_eq(condition_reason(&t, &resource_instances, instance,
                                      INSTANCE_CONDITION "RESTORE_FAILED", "CONDITION_STATUS_TRUE"),
                     "SnapshotNotFound");
}
END_TEST

static void say_restoring(struct front *t, const char *instance, const char *status)
{
    AUTO(str)
    char *body = mem_printf("{'status':{'conditions':[{'type':'" RESTORE_RUNS "','status':'%s'},"
                            "{'type':'" RESTORE_FAILED "','status':'CONDITION_STATUS_FALSE'}]}}",
                            status);
    ck_assert_int_eq(front_ask_id(t, "admin", "PATCH", PRIVATE INSTANCES, instance, body), 200);
}

/* Another restore is under way: both TRUE would be about two requests at once. */
START_TEST(a_failed_request_waits_for_the_restore_before_it)
{
    FRONT(t);
    AUTO(str) char *instance = placed_instance(&t);
    AUTO(str) char *id = placed_snapshot(&t, instance);
    set_state(&t, id, "'state':2");
    request_in_vain(&t, instance, id);
    say_restoring(&t, instance, "CONDITION_STATUS_TRUE");
    front_settle(&t, INSTANCES, instance);
    condition_reason(&t, &resource_instances, instance, RESTORE_RUNS, "CONDITION_STATUS_TRUE");
    condition_reason(&t, &resource_instances, instance, RESTORE_FAILED, "CONDITION_STATUS_FALSE");
    say_restoring(&t, instance, "CONDITION_STATUS_FALSE");
    front_settle(&t, INSTANCES, instance);
    condition_reason(&t, &resource_instances, instance, RESTORE_RUNS, "CONDITION_STATUS_FALSE");
    ck_assert_str_eq(condition_reason(&t, &resource_instances, instance, RESTORE_FAILED,
                                      "CONDITION_STATUS_TRUE"),
                     "SnapshotNotFound");
}
END_TEST

START_TEST(a_snapshot_that_the_hub_does_not_have_yet)
{
    FRONT(t);
    AUTO(str) char *instance = placed_instance(&t);
    AUTO(str) char *id = front_snapshot(&t, "t1", instance, "READY");
    front_request(&t, instance, id, R1);
    front_ask_id(&t, "t1", "PATCH", PUBLIC INSTANCES, instance,
                 "{'spec':{'run_strategy':'Always'}}");
    ck_assert_int_eq(front_pass(&t, INSTANCES, instance), -1);
    ck_assert_ptr_null(json_path(the_instance(&t), "spec.restoreFromSnapshot"));
    ck_assert_ptr_null(json_path(the_instance(&t), "spec.restoreRequestedAt"));
    ck_assert_str_eq(json_str_or_empty(the_instance(&t), "spec.runStrategy"), "Always");
}
END_TEST

static const char *const pruned[] = {"spec.restoreRequestedAt", "spec.restoreFromSnapshot"};

START_TEST(a_hub_that_forgets_requests_is_noticed)
{
    FRONT(t);
    AUTO(str) char *instance = placed_instance(&t);
    AUTO(str) char *id = placed_snapshot(&t, instance);
    set_state(&t, id, "'state':2");
    t.f->pruned_spec = pruned[_i];
    say_restoring(&t, instance, "CONDITION_STATUS_TRUE"); /* of a hub that did keep them */
    front_request(&t, instance, id, R1);
    front_settle(&t, INSTANCES, instance);
    ck_assert_str_eq(condition_reason(&t, &resource_instances, instance,
                                      INSTANCE_CONDITION "RESTORE_FAILED", "CONDITION_STATUS_TRUE"),
                     "RestoreUnsupported");
    condition_reason(&t, &resource_instances, instance, RESTORE_RUNS, "CONDITION_STATUS_FALSE");
    AUTO(json) json_t *row = front_row(&t, &resource_instances, instance);
    ck_assert_ptr_null(json_path(row, "status.last_restored_at"));
}
END_TEST

/* Who writes meanwhile loses nothing. */
struct meanwhile {
    struct front *t;
    char *id;
};

static void rename_it(struct fake_host *f, const struct api_request *req, void *cookie)
{
    struct meanwhile *m = cookie;
    (void)req;
    f->hook = NULL;
    ck_assert_int_eq(
        front_ask_id(m->t, "t1", "PATCH", PUBLIC INSTANCES, m->id, "{'metadata':{'name':'new'}}"),
        200);
}

START_TEST(writes_of_others_survive)
{
    FRONT(t);
    AUTO(str) char *id = front_instance(&t, "t1");
    struct meanwhile m = {&t, id};
    front_pass(&t, INSTANCES, id);
    front_pass(&t, INSTANCES, id);
    t.f->denied_plural = "computeinstances"; /* so that the pass writes a condition */
    t.f->denied_text = "no";
    t.f->hook = rename_it;
    t.f->hook_cookie = &m;
    front_pass(&t, INSTANCES, id);
    AUTO(json) json_t *row = front_row(&t, &resource_instances, id);
    ck_assert_str_eq(json_str_or_empty(row, "metadata.name"), "new");
    condition_reason(&t, &resource_instances, id, INSTANCE_CONDITION "CONFIGURATION_APPLIED",
                     "CONDITION_STATUS_FALSE");
}
END_TEST

/* ---- deletion ---- */

static void hold(json_t *object, bool on)
{
    if (on)
        meta_add_finalizer(object, "osac.openshift.io/somebody");
    else
        json_drop(object, "metadata.finalizers");
}

START_TEST(a_row_goes_after_its_object)
{
    FRONT(t);
    AUTO(str) char *id = placed_instance(&t);
    hold(the_instance(&t), true);
    ck_assert_int_eq(front_ask_id(&t, "t1", "DELETE", PUBLIC INSTANCES, id, NULL), 200);
    front_settle(&t, INSTANCES, id);
    ck_assert(meta_deleting(the_instance(&t)));
    front_settle(&t, INSTANCES, id);
    ck_assert_uint_eq(fake_requests(t.f, "delete"), 1);
    ck_assert_int_eq(front_ask_id(&t, "t1", "GET", PUBLIC INSTANCES, id, NULL), 200);
    fake_remove(t.f, &kind_hub_instance, NS, meta_name(the_instance(&t)));
    front_settle(&t, INSTANCES, id);
    ck_assert_int_eq(front_ask_id(&t, "t1", "GET", PUBLIC INSTANCES, id, NULL), 404);
}
END_TEST

START_TEST(a_row_that_was_never_placed_goes_at_once)
{
    FRONT(t);
    AUTO(str) char *id = front_instance(&t, "t1");
    front_pass(&t, INSTANCES, id);
    ck_assert_int_eq(front_ask_id(&t, "t1", "DELETE", PUBLIC INSTANCES, id, NULL), 200);
    front_settle(&t, INSTANCES, id);
    ck_assert_int_eq(front_ask_id(&t, "t1", "GET", PUBLIC INSTANCES, id, NULL), 404);
    ck_assert_uint_eq(fake_requests(t.f, ""), 0);
}
END_TEST

START_TEST(a_removed_hub_lets_rows_go)
{
    FRONT(t);
    AUTO(str) char *id = placed_instance(&t);
    front_ask(&t, "admin", "DELETE", PRIVATE "hubs/hub-1", NULL);
    ck_assert_int_eq(front_pass(&t, INSTANCES, id), -1);
    ck_assert_int_eq(front_ask_id(&t, "t1", "DELETE", PUBLIC INSTANCES, id, NULL), 200);
    front_settle(&t, INSTANCES, id);
    ck_assert_int_eq(front_ask_id(&t, "t1", "GET", PUBLIC INSTANCES, id, NULL), 404);
    ck_assert_ptr_nonnull(the_instance(&t)); /* it leaks */
}
END_TEST

static const int faults[] = {0, 403, 500, 503};

/* Whatever the answer, only "it is not there" lets a row go. */
START_TEST(a_fault_keeps_the_row)
{
    for (unsigned at = 1; at <= 2; at++) {
        FRONT(t);
        AUTO(str) char *id = placed_instance(&t);
        hold(the_instance(&t), true);
        ck_assert_int_eq(front_ask_id(&t, "t1", "DELETE", PUBLIC INSTANCES, id, NULL), 200);
        fake_fail(t.f, at, FAKE_BEFORE, faults[_i]);
        ck_assert_int_eq(front_pass(&t, INSTANCES, id), -1);
        ck_assert_int_eq(front_ask_id(&t, "t1", "GET", PUBLIC INSTANCES, id, NULL), 200);
        front_settle(&t, INSTANCES, id);
        ck_assert(meta_deleting(the_instance(&t)));
    }
}
END_TEST

/* ---- crashes ---- */

/* Events of a life: made, requested, deleted. Each pass may be the last before a restart. */
static void live(struct front *t, const char *instance, const char *snapshot)
{
    for (int i = 0; i < 8; i++) {
        front_pass(t, INSTANCES, instance);
        t->f->crashed = false; /* started again: rows and the hub are as they were */
        front_pass(t, SNAPSHOTS, snapshot);
        t->f->crashed = false;
    }
}

static void check_alive(struct front *t, const char *instance, const char *snapshot, unsigned at)
{
    const json_t *ci = the_instance(t), *cs = the_snapshot(t);
    ck_assert_msg(ci && cs, "crash at %u", at);
    ck_assert_str_eq(meta_label(ci, KEY_INSTANCE_UUID), instance);
    ck_assert_str_eq(meta_label(cs, KEY_SNAPSHOT_UUID), snapshot);
}

static bool crash_at(unsigned at, enum fake_moment moment)
{
    FRONT(t);
    AUTO(str) char *instance = front_instance(&t, "t1");
    AUTO(str) char *snapshot = front_snapshot(&t, "t1", instance, NULL);
    fake_fail(t.f, at, moment, -1);
    live(&t, instance, snapshot);
    check_alive(&t, instance, snapshot, at);
    set_state(&t, snapshot, "'state':2");
    front_request(&t, instance, snapshot, R1);
    live(&t, instance, snapshot);
    check_alive(&t, instance, snapshot, at);
    ck_assert_str_eq(json_str_or_empty(the_instance(&t), "spec.restoreRequestedAt"), R1);
    ck_assert_int_eq(front_ask_id(&t, "t1", "DELETE", PUBLIC INSTANCES, instance, NULL), 200);
    live(&t, instance, snapshot);
    ck_assert_ptr_null(the_instance(&t));
    ck_assert_ptr_null(the_snapshot(&t));
    ck_assert_int_eq(front_ask_id(&t, "t1", "GET", PUBLIC INSTANCES, instance, NULL), 404);
    ck_assert_int_eq(front_ask_id(&t, "t1", "GET", PUBLIC SNAPSHOTS, snapshot, NULL), 404);
    return at <= t.f->count;
}

START_TEST(a_crash_at_every_request)
{
    unsigned at = 1;
    while (crash_at(at, _i ? FAKE_AFTER : FAKE_BEFORE))
        at++;
    ck_assert_uint_gt(at, 20);
}
END_TEST

/* ---- the process ---- */

/* Runs a kept task until nothing could end its wait, which counts as no crash here. */
static void run_task(struct front *t, size_t index)
{
    struct fake_task task = t->f->tasks[index];
    task.fn(task.arg);
    t->f->crashed = false;
}

static void count_placed(struct front *t, unsigned *ret)
{
    front_ask(t, "admin", "GET", PRIVATE INSTANCES "?limit=1000", NULL);
    const json_t *items = json_object_get(t->body, "items");
    *ret = 0;
    for (size_t i = 0; i < json_array_size(items); i++)
        *ret += meta_has_finalizer(json_array_get(items, i), ROW_FINALIZER);
}

/* All rows, also those that no event tells of and no first page holds; then again each hour. */
START_TEST(every_row_is_looked_at)
{
    FRONT(t);
    unsigned placed;
    for (int i = 0; i < 150; i++)
        ck_assert_int_eq(
            front_ask(&t, "t1", "POST", PUBLIC INSTANCES, "{'spec':{'template':'small'}}"), 200);
    AUTO(runtime) struct runtime *rt = runtime_create(&t.f->host);
    t.f->end_ns = t.f->now_ns + 90 * 60 * NS_PER_S; /* the first resync, and one an hour later */
    reconcile_install(t.s, rt);
    controller_start(t.s->controller);
    ck_assert_uint_eq(t.f->tasks_count, 2);
    run_task(&t, 0);
    run_task(&t, 1);
    t.f->tasks_count = 0;
    count_placed(&t, &placed);
    ck_assert_uint_eq(placed, 150);
}
END_TEST

START_TEST(it_starts_and_serves)
{
    struct fake_host *f = fake_create();
    AUTO(err) struct err e = {0};
    AUTO(json) json_t *config = json_pack("{s:s, s:s}", "database", ":memory:", "tokenKey", "key");
    ck_assert_int_eq(fulfillment_service_component.run(&f->host, config, &e), -1);
    ck_assert_int_eq(e.code, ERR_CRASHED);
    ck_assert_str_eq(f->service, "fulfillment-service");
    fake_destroy(f);
}
END_TEST

static const struct setting_case {
    const char *name, *config, *text;
} settings[] = {
    {"unknown", "{'hubz':[]}", "fulfillment-service: unknown setting 'hubz'"},
    {"both", "{'hub':'a','hubs':[]}",
     "fulfillment-service: settings 'hub' and 'hubs' exclude each other"},
    {"hubs no list", "{'hubs':{}}",
     "fulfillment-service: setting 'hubs': expected a list, of at most 64"},
    {"a hub without id", "{'hubs':[{'cluster':'a'}]}",
     "fulfillment-service: setting 'hubs': expected a list of {id, cluster, namespace}"},
    {"a hub with more", "{'hubs':[{'id':'a','kubeconfig':'x'}]}",
     "fulfillment-service: setting 'hubs': unexpected member 'kubeconfig'"},
    {"a hub with a number", "{'hubs':[{'id':'a','cluster':5}]}",
     "fulfillment-service: setting 'hubs': unexpected member 'cluster'"},
    {"a bad namespace", "{'hubs':[{'id':'a','namespace':'A'}]}",
     "fulfillment-service: setting 'hubs': 'A' is no namespace"},
    {"a hub twice", "{'hubs':[{'id':'a'},{'id':'b'},{'id':'a'}]}",
     "fulfillment-service: setting 'hubs': 'a' stands twice"},
    {"groups", "{'adminGroups':[1]}",
     "fulfillment-service: setting 'adminGroups': expected a list of texts"},
    {"version", "{'version':'2'}",
     "fulfillment-service: setting 'version': expected \"1.0\" or \"1.1\""},
    {"resync", "{'resyncInterval':'0s'}",
     "fulfillment-service: setting 'resyncInterval' must be positive"},
    {"requeue", "{'requeueInterval':'0s'}",
     "fulfillment-service: setting 'requeueInterval' must be positive"},
    {"database", "{'database':'x.db'}",
     "fulfillment-service: setting 'database': 'x.db' is no absolute path"},
};

START_TEST(settings_are_checked)
{
    const struct setting_case *c = &settings[_i];
    struct fake_host *f = fake_create();
    AUTO(err) struct err e = {0};
    AUTO(str) char *text = mem_strdup(c->config);
    for (char *p = text; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    AUTO(json) json_t *config = json_read(text, strlen(text), "config", NULL);
    ck_assert_int_eq(fulfillment_service_component.run(&f->host, config, &e), -1);
    ck_assert_msg(strcmp(e.msg, c->text) == 0, "%s: %s", c->name, e.msg);
    fake_destroy(f);
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN(
        "fulfillment.reconcile",
        SUITE_CASE("instances", TEST(one_step_a_pass), TEST(the_object_says_whose_it_is),
                   TEST(a_change_is_patched_once), TEST(two_objects_are_an_error),
                   TEST(without_hubs_it_waits), TEST(hubs_are_shared_out), TEST(a_refusal_is_told),
                   TEST(writes_of_others_survive)),
        SUITE_CASE("snapshots", TEST(a_snapshot_lives_with_its_parent),
                   TEST(a_snapshot_waits_for_its_parents_hub),
                   EACH(what_was_captured_is_not_captured_again, losts),
                   TEST(a_hub_without_snapshots)),
        SUITE_CASE("restores", TEST(a_request_is_translated),
                   EACH(a_request_is_not_replayed, replays), TEST(a_stale_request_blocks_nothing),
                   TEST(a_snapshot_that_went_first_fails_the_request),
                   TEST(a_failed_request_waits_for_the_restore_before_it),
                   TEST(a_snapshot_that_the_hub_does_not_have_yet),
                   EACH(a_hub_that_forgets_requests_is_noticed, pruned)),
        SUITE_CASE("deletion", TEST(a_row_goes_after_its_object),
                   TEST(a_row_that_was_never_placed_goes_at_once), TEST(a_removed_hub_lets_rows_go),
                   EACH(a_fault_keeps_the_row, faults)),
        SUITE_CASE("process", RANGE(a_crash_at_every_request, 0, 2), TEST(every_row_is_looked_at),
                   TEST(it_starts_and_serves), EACH(settings_are_checked, settings)));
}
