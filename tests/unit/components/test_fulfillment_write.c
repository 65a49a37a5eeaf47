/* What callers may change, what the service decides itself, and what a deletion takes with it. */
#include "tests/unit/components/fulfillment_stage.h"

#define RANDOM "0196f1a0-0000-7000-8000-000000000000"

/* ---- creating a snapshot ---- */

/* "%s" stands for an instance of t1 that is provisioned. */
static const struct create_case {
    const char *name, *user, *body;
    int code, grpc;
    const char *message;
} creates[] = {
    {"the least", "t1", "{'spec':{'compute_instance':'%s'}}", 200, 0, ""},
    {"all there is", "t1",
     "{'metadata':{'name':'a','labels':{'x/y':'z'},'annotations':{'n':'any text'}},"
     "'spec':{'compute_instance':'%s','description':'before the upgrade'}}",
     200, 0, ""},
    {"a label's key", "t1", "{'metadata':{'labels':{'a b':''}},'spec':{'compute_instance':'%s'}}",
     400, 3, NULL},
    {"an annotation's key", "t1",
     "{'metadata':{'annotations':{'/x':''}},'spec':{'compute_instance':'%s'}}", 400, 3, NULL},
    {"a label's key comes before the parent", "t2",
     "{'metadata':{'labels':{'a b':''}},'spec':{'compute_instance':'%s'}}", 400, 3, NULL},
    {"a tenant that the caller does not see", "t1",
     "{'metadata':{'tenant':'t2'},'spec':{'compute_instance':'%s'}}", 403, 7,
     "tenant 't2' doesn't exist"},
    {"a tenant that nobody has", "t1",
     "{'metadata':{'tenant':'t9'},'spec':{'compute_instance':'%s'}}", 403, 7,
     "tenant 't9' doesn't exist"},
    {"a tenant that the caller only sees", "t1",
     "{'metadata':{'tenant':'shared'},'spec':{'compute_instance':'%s'}}", 403, 7,
     "tenant 'shared' can't be assigned"},
    {"the caller's own", "t1", "{'metadata':{'tenant':'t1'},'spec':{'compute_instance':'%s'}}", 200,
     0, ""},
    {"another's parent", "t2", "{'spec':{'compute_instance':'%s'}}", 404, 5, NULL},
    {"nobody's parent", "t1", "{'spec':{'compute_instance':'" RANDOM "'}}", 404, 5,
     "compute instance \"" RANDOM "\" not found"},
};

static char *fill(const char *text, const char *id)
{
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    return mem_printf(text, id);
#pragma GCC diagnostic pop
}

START_TEST(creates_snapshots)
{
    const struct create_case *c = &creates[_i];
    FRONT(t);
    AUTO(str) char *instance = front_instance(&t, "t1");
    AUTO(str) char *body = fill(c->body, instance);
    int64_t before = front_last_event(&t);
    front_ask(&t, c->user, "POST", PUBLIC SNAPSHOTS, body);
    ck_assert_msg(t.code == c->code, "%s: %s", c->name, t.text);
    ck_assert_msg(json_int(t.body, "code", 0) == c->grpc, "%s: %s", c->name, t.text);
    ck_assert_msg(!c->message || strcmp(front_message(&t), c->message) == 0, "%s: %s", c->name,
                  t.text);
    ck_assert_int_eq(front_last_event(&t), before + (c->code == 200));
    if (c->code != 200)
        return;
    ck_assert_str_eq(json_str_or_empty(t.body, "metadata.tenant"), "t1");
    ck_assert_str_eq(json_str_or_empty(t.body, "metadata.creator"), c->user);
    ck_assert_str_eq(json_str_or_empty(t.body, "status.state"), SNAPSHOT_STATE "CREATING");
}
END_TEST

START_TEST(a_parent_must_be_provisioned)
{
    FRONT(t);
    front_ask(&t, "t1", "POST", PUBLIC INSTANCES, "{'spec':{'template':'small'}}");
    AUTO(str) char *instance = mem_strdup(json_str_or_empty(t.body, "id"));
    AUTO(str) char *body = mem_printf("{'spec':{'compute_instance':'%s'}}", instance);
    AUTO(str)
    char *want = mem_printf("compute instance \"%s\" is not yet provisioned", instance);
    front_ask(&t, "t1", "POST", PUBLIC SNAPSHOTS, body);
    ck_assert_int_eq(t.code, 400);
    ck_assert_int_eq(json_int(t.body, "code", 0), 9);
    ck_assert_str_eq(front_message(&t), want);
}
END_TEST

START_TEST(a_parent_must_live)
{
    FRONT(t);
    AUTO(str) char *instance = front_instance(&t, "t1");
    front_pass(&t, INSTANCES, instance); /* gets its finalizer */
    ck_assert_int_eq(front_ask_id(&t, "t1", "DELETE", PUBLIC INSTANCES, instance, NULL), 200);
    AUTO(str) char *body = mem_printf("{'spec':{'compute_instance':'%s'}}", instance);
    AUTO(str) char *want = mem_printf("compute instance \"%s\" not found", instance);
    front_ask(&t, "t1", "POST", PUBLIC SNAPSHOTS, body);
    ck_assert_int_eq(t.code, 404);
    ck_assert_str_eq(front_message(&t), want);
}
END_TEST

/* Not even how far it had come is told. */
START_TEST(a_parent_that_goes_is_not_found)
{
    FRONT(t);
    front_ask(&t, "t1", "POST", PUBLIC INSTANCES, "{'spec':{'template':'small'}}");
    AUTO(str) char *instance = mem_strdup(json_str_or_empty(t.body, "id"));
    front_pass(&t, INSTANCES, instance);
    ck_assert_int_eq(front_ask_id(&t, "t1", "DELETE", PUBLIC INSTANCES, instance, NULL), 200);
    AUTO(str) char *body = mem_printf("{'spec':{'compute_instance':'%s'}}", instance);
    ck_assert_int_eq(front_ask(&t, "t1", "POST", PUBLIC SNAPSHOTS, body), 404);
}
END_TEST

START_TEST(what_the_server_decides_cannot_be_forged)
{
    FRONT(t);
    AUTO(str) char *instance = front_instance(&t, "t1");
    AUTO(str)
    char *body = mem_printf(
        "{'id':'mine','metadata':{'creator':'root','version':7,"
        "'creation_timestamp':'2000-01-01T00:00:00Z','deletion_timestamp':'2000-01-01T00:00:00Z',"
        "'annotations':{'osac.openshift.io/tenant':'t2','osac.io/owner-reference':'x','own':'y'}},"
        "'spec':{'compute_instance':'%s'},'status':{'state':2,'online':true,'size_bytes':'5',"
        "'creation_time':'2000-01-01T00:00:00Z'}}",
        instance);
    ck_assert_int_eq(front_ask(&t, "t1", "POST", PUBLIC SNAPSHOTS, body), 200);
    ck_assert_str_eq(json_str_or_empty(t.body, "status.state"), SNAPSHOT_STATE "CREATING");
    ck_assert_ptr_null(json_path(t.body, "status.online"));
    ck_assert_ptr_null(json_path(t.body, "status.size_bytes"));
    ck_assert_ptr_null(json_path(t.body, "status.creation_time"));
    ck_assert_ptr_null(json_path(t.body, "metadata.deletion_timestamp"));
    ck_assert_str_eq(json_str_or_empty(t.body, "metadata.creation_timestamp"),
                     "2026-01-01T00:00:00Z");
    ck_assert_str_eq(json_str_or_empty(t.body, "metadata.creator"), "t1");
    ck_assert_uint_eq(strlen(json_str_or_empty(t.body, "id")), 36);
    AUTO(str) char *annotations = json_text(json_path(t.body, "metadata.annotations"));
    ck_assert_str_eq(annotations, "{\"own\":\"y\"}");
}
END_TEST

/* A foreign id in a Create is no oracle. */
START_TEST(a_taken_id_is_not_told)
{
    FRONT(t);
    AUTO(str) char *theirs = front_instance(&t, "t2");
    AUTO(str) char *body = mem_printf("{'id':'%s','spec':{'template':'small'}}", theirs);
    ck_assert_int_eq(front_ask(&t, "t1", "POST", PUBLIC INSTANCES, body), 200);
    ck_assert_str_ne(json_str_or_empty(t.body, "id"), theirs);
}
END_TEST

START_TEST(an_administrators_snapshot_is_its_parents)
{
    FRONT(t);
    AUTO(str) char *instance = front_instance(&t, "t1");
    AUTO(str) char *body = mem_printf("{'spec':{'compute_instance':'%s'}}", instance);
    ck_assert_int_eq(front_ask(&t, "admin", "POST", PRIVATE SNAPSHOTS, body), 200);
    ck_assert_str_eq(json_str_or_empty(t.body, "metadata.tenant"), "t1");
}
END_TEST

START_TEST(a_dry_run_leaves_nothing)
{
    FRONT(t);
    AUTO(str) char *instance = front_instance(&t, "t1");
    AUTO(str) char *body = mem_printf("{'spec':{'compute_instance':'%s'}}", instance);
    int64_t before = front_last_event(&t);
    front_ask_with(&t, "t1", "POST", PUBLIC SNAPSHOTS, body, "x-dry-run", "true");
    ck_assert_int_eq(t.code, 200);
    ck_assert_ptr_null(json_object_get(t.body, "id"));
    ck_assert_str_eq(json_str_or_empty(t.body, "status.state"), SNAPSHOT_STATE "CREATING");
    ck_assert_int_eq(front_last_event(&t), before);
    front_ask(&t, "t1", "GET", PUBLIC SNAPSHOTS, NULL);
    ck_assert_str_eq(t.text, "{}");
    front_ask_with(&t, "t1", "POST", PUBLIC SNAPSHOTS, "{'spec':{'compute_instance':'x'}}",
                   "x-dry-run", "true");
    ck_assert_int_eq(t.code, 404);
}
END_TEST

/* ---- creating an instance ---- */

START_TEST(an_instance_has_every_condition)
{
    FRONT(t);
    front_ask(&t, "t1", "POST", PUBLIC INSTANCES, "{'spec':{'template':'small'}}");
    ck_assert_str_eq(json_str_or_empty(t.body, "status.state"), INSTANCE_STATE "STARTING");
    ck_assert_uint_eq(json_array_size(json_path(t.body, "status.conditions")), 8);
    const json_t *c = object_condition(t.body, INSTANCE_CONDITION "RESTORE_FAILED");
    ck_assert_str_eq(json_str_or_empty(c, "status"), "CONDITION_STATUS_FALSE");
}
END_TEST

static const struct tenant_case {
    const char *name, *user, *body;
    int code;
    const char *tenant; /* or the message */
} tenants[] = {
    {"the caller's", "t1", "{'spec':{'template':'a'}}", 200, "t1"},
    {"an administrator's", "admin", "{'spec':{'template':'a'}}", 200, "shared"},
    {"one that an administrator names", "admin",
     "{'metadata':{'tenant':'t5'},'spec':{'template':'a'}}", 200, "t5"},
    {"a foreign one", "t1", "{'metadata':{'tenant':'t5'},'spec':{'template':'a'}}", 403,
     "tenant 't5' doesn't exist"},
    {"no template", "t1", "{'spec':{}}", 400, "field 'spec.template' is mandatory"},
    {"a bad project", "t1", "{'metadata':{'project':'a..b'},'spec':{'template':'a'}}", 400,
     "field 'metadata.project' is no path of names"},
    {"with a restore", "t1",
     "{'spec':{'template':'a','restore_from_snapshot':'s',"
     "'restore_requested_at':'2026-01-01T00:00:00Z'}}",
     404, "compute instance snapshot \"s\" not found"},
    {"with the time of a restore", "t1",
     "{'spec':{'template':'a','restore_requested_at':'2026-01-01T00:00:00Z'}}", 404,
     "compute instance snapshot \"\" not found"},
};

START_TEST(creates_instances)
{
    const struct tenant_case *c = &tenants[_i];
    FRONT(t);
    front_ask(&t, c->user, "POST", PUBLIC INSTANCES, c->body);
    ck_assert_msg(t.code == c->code, "%s: %s", c->name, t.text);
    ck_assert_str_eq(c->code == 200 ? json_str_or_empty(t.body, "metadata.tenant")
                                    : front_message(&t),
                     c->tenant);
}
END_TEST

START_TEST(without_tenants_nothing_is_made)
{
    FRONT(t);
    AUTO(json) json_t *claims = json_pack("{s:s}", "sub", "nobody");
    AUTO(str) char *token = bearer_sign("key", claims);
    AUTO(str) char *header = mem_printf("Bearer %s", token);
    front_ask_with(&t, NULL, "POST", PUBLIC INSTANCES, "{'spec':{'template':'a'}}", "authorization",
                   header);
    ck_assert_int_eq(t.code, 500);
    ck_assert_str_eq(front_message(&t), "failed to determine assignable tenants");
}
END_TEST

/* ---- updates ---- */

static const struct update_case {
    const char *name, *query, *body;
    int code;
    const char *path, *want; /* what is there afterwards; NULL: nothing */
} updates[] = {
    {"a field of the body", "", "{'spec':{'run_strategy':'Halted'}}", 200, "spec.run_strategy",
     "Halted"},
    {"others stay", "", "{'spec':{'run_strategy':'Halted'}}", 200, "spec.template", "small"},
    {"null clears", "", "{'spec':{'runStrategy':null}}", 200, "spec.run_strategy", NULL},
    {"a mask chooses", "?update_mask=metadata.name",
     "{'spec':{'run_strategy':'Halted'},'metadata':{'name':'n'}}", 200, "spec.run_strategy",
     "Always"},
    {"a mask clears what is absent", "?update_mask=spec.runStrategy", "{}", 200,
     "spec.run_strategy", NULL},
    {"an unknown path", "?update_mask=spec.nothing", "{}", 400, "spec.run_strategy", "Always"},
    {"an unknown field", "", "{'spec':{'nothing':1}}", 400, "spec.run_strategy", "Always"},
    {"status is the system's", "", "{'status':{'internal_ip_address':'1.2.3.4'}}", 200,
     "status.internal_ip_address", NULL},
    {"by mask too", "?update_mask=status", "{'status':{'internal_ip_address':'1.2.3.4'}}", 200,
     "status.internal_ip_address", NULL},
    {"the tenant is for ever", "", "{'metadata':{'tenant':'t2'}}", 403, "metadata.tenant", "t1"},
    {"an empty tenant is none", "", "{'metadata':{'tenant':''}}", 200, "metadata.tenant", "t1"},
    {"the project is for ever", "", "{'metadata':{'project':'p'}}", 400, "metadata.project", NULL},
    {"the creator is", "", "{'metadata':{'creator':'x'}}", 200, "metadata.creator", "t1"},
    {"an empty message is no change", "", "{'spec':{}}", 200, "spec.template", "small"},
    {"a system's annotation is not the tenant's", "",
     "{'metadata':{'annotations':{'osac.io/x':'y'}}}", 200, "metadata.annotations", NULL},
};

START_TEST(updates_by_mask)
{
    const struct update_case *c = &updates[_i];
    FRONT(t);
    front_ask(&t, "t1", "POST", PUBLIC INSTANCES,
              "{'spec':{'template':'small','run_strategy':'Always'}}");
    AUTO(str) char *id = mem_strdup(json_str_or_empty(t.body, "id"));
    AUTO(str) char *target = mem_printf(PUBLIC INSTANCES "/%s%s", id, c->query);
    front_ask(&t, "t1", "PATCH", target, c->body);
    ck_assert_msg(t.code == c->code, "%s: %s", c->name, t.text);
    AUTO(json) json_t *row = front_row(&t, &resource_instances, id);
    const char *is = json_str(row, c->path);
    ck_assert_msg(c->want ? is && strcmp(is, c->want) == 0 : !json_path(row, c->path), "%s: %s",
                  c->name, is ? is : "nothing");
}
END_TEST

START_TEST(no_change_is_no_write)
{
    FRONT(t);
    AUTO(str) char *id = front_instance(&t, "t1");
    int64_t before = front_last_event(&t);
    AUTO(json) json_t *row = front_row(&t, &resource_instances, id);
    ck_assert_int_eq(
        front_ask_id(&t, "t1", "PATCH", PUBLIC INSTANCES, id, "{'spec':{'template':'small'}}"),
        200);
    ck_assert_int_eq(front_last_event(&t), before);
    ck_assert_int_eq(json_int(t.body, "metadata.version", 0), json_int(row, "metadata.version", 0));
}
END_TEST

START_TEST(without_a_mask_all_is_replaced)
{
    FRONT(t);
    AUTO(str) char *id = front_instance(&t, "t1");
    front_settle(&t, INSTANCES, id);
    AUTO(str)
    char *body = mem_printf("{'object':{'id':'%s','spec':{'template':'small'},"
                            "'metadata':{'name':'n'}}}",
                            id);
    front_ask_id(&t, "t1", "PATCH", PUBLIC INSTANCES, id, "{'spec':{'run_strategy':'Halted'}}");
    ck_assert_int_eq(front_ask(&t, "t1", "POST", "/osac.public.v1.ComputeInstances/Update", body),
                     200);
    ck_assert_ptr_null(json_path(t.body, "object.spec.run_strategy"));
    ck_assert_str_eq(json_str_or_empty(t.body, "object.metadata.name"), "n");
    /* What is not public, or not the caller's, stays. */
    AUTO(json) json_t *row = front_row(&t, &resource_instances, id);
    ck_assert(meta_has_finalizer(row, ROW_FINALIZER));
    ck_assert_str_eq(json_str_or_empty(row, "status.hub"), "hub-1");
    ck_assert_str_eq(json_str_or_empty(row, "metadata.tenant"), "t1");
}
END_TEST

/* A tenant's metadata is not all of it. */
START_TEST(a_mask_of_a_message_spares_what_is_private)
{
    FRONT(t);
    AUTO(str) char *id = front_instance(&t, "t1");
    front_settle(&t, INSTANCES, id);
    AUTO(str) char *target = mem_printf(PUBLIC INSTANCES "/%s?update_mask=metadata", id);
    ck_assert_int_eq(front_ask(&t, "t1", "PATCH", target, "{'metadata':{'name':'n'}}"), 200);
    AUTO(json) json_t *row = front_row(&t, &resource_instances, id);
    ck_assert(meta_has_finalizer(row, ROW_FINALIZER));
    ck_assert_str_eq(json_str_or_empty(row, "metadata.name"), "n");
    ck_assert_str_eq(json_str_or_empty(row, "metadata.tenant"), "t1");
}
END_TEST

START_TEST(a_lock_holds)
{
    FRONT(t);
    AUTO(str) char *id = front_instance(&t, "t1");
    AUTO(json) json_t *row = front_row(&t, &resource_instances, id);
    int64_t version = json_int(row, "metadata.version", 0);
    AUTO(str) char *target = mem_printf(PUBLIC INSTANCES "/%s?lock=true", id);
    AUTO(str)
    char *old = mem_printf("{'metadata':{'name':'a','version':%d}}", (int)version - 1);
    AUTO(str) char *current = mem_printf("{'metadata':{'name':'a','version':%d}}", (int)version);
    AUTO(str)
    char *want = mem_printf("object with identifier '%s' has version %d, but version %d was "
                            "requested",
                            id, (int)version, (int)version - 1);
    front_ask(&t, "t1", "PATCH", target, old);
    ck_assert_int_eq(t.code, 409);
    ck_assert_int_eq(json_int(t.body, "code", 0), 10);
    ck_assert_str_eq(front_message(&t), want);
    ck_assert_int_eq(front_ask(&t, "t1", "PATCH", target, current), 200);
    ck_assert_int_eq(front_ask(&t, "t1", "PATCH", target, current), 409);
}
END_TEST

static const struct fixed_case {
    const char *name, *query, *body;
    int code;
    const char *message;
} fixed[] = {
    {"status alone", "", "{'status':{'online':true}}", 200, ""},
    {"an unknown condition", "", "{'status':{'online':true,'conditions':[{'type':99,'status':1}]}}",
     200, ""},
    {"the description", "", "{'spec':{'description':'x'},'status':{'online':true}}", 400,
     "field 'spec.description' is immutable"},
    {"the parent", "", "{'spec':{'compute_instance':'x'}}", 400,
     "field 'spec.compute_instance' is immutable"},
    {"clearing all of it", "?update_mask=spec", "{}", 400,
     "field 'spec.compute_instance' is immutable"},
    {"the same once more", "", "{'spec':{'description':'d'},'status':{'online':true}}", 200, ""},
};

START_TEST(a_snapshots_spec_is_fixed)
{
    const struct fixed_case *c = &fixed[_i];
    FRONT(t);
    AUTO(str) char *instance = front_instance(&t, "t1");
    AUTO(str)
    char *body = mem_printf("{'spec':{'compute_instance':'%s','description':'d'}}", instance);
    front_ask(&t, "t1", "POST", PUBLIC SNAPSHOTS, body);
    AUTO(str) char *id = mem_strdup(json_str_or_empty(t.body, "id"));
    AUTO(str) char *target = mem_printf(PRIVATE SNAPSHOTS "/%s%s", id, c->query);
    front_ask(&t, "admin", "PATCH", target, c->body);
    ck_assert_msg(t.code == c->code, "%s: %s", c->name, t.text);
    ck_assert_msg(strcmp(front_message(&t), c->message) == 0, "%s: %s", c->name, t.text);
    AUTO(json) json_t *row = front_row(&t, &resource_snapshots, id);
    ck_assert_str_eq(json_str_or_empty(row, "spec.compute_instance"), instance);
    ck_assert_str_eq(json_str_or_empty(row, "spec.description"), "d");
    ck_assert_int_eq(json_bool(row, "status.online", false), c->code == 200);
}
END_TEST

/* ---- restore requests ---- */

static const struct restore_case {
    const char *name;
    const char *state; /* of the snapshot */
    const char *body;  /* "%s": the snapshot */
    int code;
    const char *message; /* behind the id in quotes; NULL: none */
} restores[] = {
    {"a ready one", "READY",
     "{'spec':{'restore_from_snapshot':'%s','restore_requested_at':'2026-01-01T00:00:00Z'}}", 200,
     NULL},
    {"without a time", "READY", "{'spec':{'restore_from_snapshot':'%s'}}", 200, NULL},
    {"one that is being made", NULL, "{'spec':{'restore_from_snapshot':'%s'}}", 400,
     "\" is not ready"},
    {"one that failed", "FAILED", "{'spec':{'restore_from_snapshot':'%s'}}", 400,
     "\" is not ready"},
    {"one that goes", "DELETING", "{'spec':{'restore_from_snapshot':'%s'}}", 400,
     "\" is not ready"},
    {"none at all", "READY", "{'spec':{'restore_from_snapshot':'x%s'}}", 404, "\" not found"},
    {"only a time", "READY", "{'spec':{'restore_requested_at':'2026-01-01T00:00:00Z'}}", 200, NULL},
    {"both cleared", "READY", "{'spec':{'restore_from_snapshot':null,'restore_requested_at':null}}",
     200, NULL},
};

START_TEST(restores_are_checked)
{
    const struct restore_case *c = &restores[_i];
    FRONT(t);
    AUTO(str) char *instance = front_instance(&t, "t1");
    AUTO(str) char *id = front_snapshot(&t, "t1", instance, c->state);
    AUTO(str) char *body = fill(c->body, id);
    front_ask_id(&t, "t1", "PATCH", PUBLIC INSTANCES, instance, body);
    ck_assert_msg(t.code == c->code, "%s: %s", c->name, t.text);
    ck_assert_msg(!c->message || strstr(front_message(&t), c->message), "%s: %s", c->name, t.text);
    AUTO(json) json_t *row = front_row(&t, &resource_instances, instance);
    ck_assert_msg(c->code == 200 || !json_path(row, "spec.restore_from_snapshot"), "%s", c->name);
}
END_TEST

/* Of another instance of the same tenant, ready or not: as if it were not there. */
START_TEST(a_siblings_snapshot_is_not_found)
{
    static const char *const states[] = {"READY", NULL};
    FRONT(t);
    AUTO(str) char *instance = front_instance(&t, "t1");
    AUTO(str) char *sibling = front_instance(&t, "t1");
    for (size_t i = 0; i < ARRAY_LEN(states); i++) {
        AUTO(str) char *id = front_snapshot(&t, "t1", sibling, states[i]);
        AUTO(str) char *body = mem_printf("{'spec':{'restore_from_snapshot':'%s'}}", id);
        AUTO(str) char *want = mem_printf("compute instance snapshot \"%s\" not found", id);
        ck_assert_int_eq(front_ask_id(&t, "t1", "PATCH", PUBLIC INSTANCES, instance, body), 404);
        ck_assert_str_eq(front_message(&t), want);
    }
}
END_TEST

START_TEST(an_old_request_does_not_freeze_the_instance)
{
    FRONT(t);
    AUTO(str) char *instance = front_instance(&t, "t1");
    AUTO(str) char *id = front_snapshot(&t, "t1", instance, "READY");
    front_request(&t, instance, id, "2026-01-01T00:00:00Z");
    ck_assert_int_eq(front_ask_id(&t, "t1", "DELETE", PUBLIC SNAPSHOTS, id, NULL), 200);
    /* The pair stays, and is not looked at again. */
    ck_assert_int_eq(front_ask_id(&t, "admin", "PATCH", PRIVATE INSTANCES, instance,
                                  "{'status':{'last_restored_at':'2026-01-01T00:00:00Z'}}"),
                     200);
    front_request(&t, instance, id, "2026-01-01T00:00:00Z");
    /* A new time is a new request. */
    ck_assert_int_eq(front_ask_id(&t, "t1", "PATCH", PUBLIC INSTANCES, instance,
                                  "{'spec':{'restore_requested_at':'2026-01-02T00:00:00Z'}}"),
                     404);
}
END_TEST

/* ---- deletion ---- */

START_TEST(a_deletion_waits_for_finalizers)
{
    FRONT(t);
    AUTO(str) char *instance = front_instance(&t, "t1");
    AUTO(str) char *id = front_snapshot(&t, "t1", instance, "READY");
    front_pass(&t, SNAPSHOTS, id);
    ck_assert_int_eq(front_ask_id(&t, "t1", "DELETE", PUBLIC SNAPSHOTS, id, NULL), 200);
    ck_assert_str_eq(t.text, "{}");
    ck_assert_int_eq(front_ask_id(&t, "t1", "GET", PUBLIC SNAPSHOTS, id, NULL), 200);
    ck_assert_str_eq(json_str_or_empty(t.body, "status.state"), SNAPSHOT_STATE "DELETING");
    ck_assert_ptr_nonnull(json_path(t.body, "metadata.deletion_timestamp"));
    ck_assert_int_eq(front_ask(&t, "t1", "GET", PUBLIC SNAPSHOTS, NULL), 200);
    ck_assert_int_eq(json_int(t.body, "total", 0), 1);
    ck_assert_int_eq(front_ask(&t, "t1", "GET",
                               PUBLIC SNAPSHOTS
                               "?filter=this.metadata.deletion_timestamp%20%3D%3D%20null",
                               NULL),
                     200);
    ck_assert_str_eq(t.text, "{}");
    ck_assert_int_eq(front_ask_id(&t, "t1", "DELETE", PUBLIC SNAPSHOTS, id, NULL), 200);
    AUTO(json) json_t *row = front_row(&t, &resource_snapshots, id);
    ck_assert(meta_has_finalizer(row, ROW_FINALIZER));
    /* A report that comes late does not bring it back. */
    ck_assert_int_eq(front_ask_id(&t, "admin", "PATCH", PRIVATE SNAPSHOTS, id,
                                  "{'status':{'state':2,'online':true}}"),
                     200);
    ck_assert_str_eq(json_str_or_empty(t.body, "status.state"), SNAPSHOT_STATE "DELETING");
    ck_assert(json_bool(t.body, "status.online", false));
}
END_TEST

START_TEST(what_is_archived_is_gone)
{
    FRONT(t);
    AUTO(str) char *instance = front_instance(&t, "t1");
    AUTO(str) char *id = front_snapshot(&t, "t1", instance, "READY");
    ck_assert_int_eq(front_ask_id(&t, "t1", "DELETE", PUBLIC SNAPSHOTS, id, NULL), 200);
    ck_assert_int_eq(front_ask_id(&t, "t1", "GET", PUBLIC SNAPSHOTS, id, NULL), 404);
    ck_assert_int_eq(front_ask_id(&t, "t1", "DELETE", PUBLIC SNAPSHOTS, id, NULL), 404);
}
END_TEST

START_TEST(children_go_with_their_parent)
{
    FRONT(t);
    AUTO(str) char *instance = front_instance(&t, "t1");
    AUTO(str) char *sibling = front_instance(&t, "t1");
    AUTO(str) char *held = front_snapshot(&t, "t1", instance, "READY");
    AUTO(str) char *free_one = front_snapshot(&t, "t1", instance, "FAILED");
    AUTO(str) char *other = front_snapshot(&t, "t1", sibling, "READY");
    front_pass(&t, INSTANCES, instance);
    front_pass(&t, SNAPSHOTS, held);
    ck_assert_int_eq(front_ask_id(&t, "t1", "DELETE", PUBLIC INSTANCES, instance, NULL), 200);
    ck_assert_int_eq(front_ask_id(&t, "t1", "GET", PUBLIC INSTANCES, instance, NULL), 200);
    ck_assert_str_eq(json_str_or_empty(t.body, "status.state"), INSTANCE_STATE "DELETING");
    ck_assert_int_eq(front_ask_id(&t, "t1", "GET", PUBLIC SNAPSHOTS, held, NULL), 200);
    ck_assert_str_eq(json_str_or_empty(t.body, "status.state"), SNAPSHOT_STATE "DELETING");
    ck_assert_int_eq(front_ask_id(&t, "t1", "GET", PUBLIC SNAPSHOTS, free_one, NULL), 404);
    ck_assert_int_eq(front_ask_id(&t, "t1", "GET", PUBLIC SNAPSHOTS, other, NULL), 200);
    ck_assert_str_eq(json_str_or_empty(t.body, "status.state"), SNAPSHOT_STATE "READY");
}
END_TEST

/* ---- hubs ---- */

START_TEST(hubs_are_rows)
{
    FRONT(t);
    ck_assert_int_eq(front_ask(&t, "admin", "GET", PRIVATE "hubs/hub-1", NULL), 200);
    ck_assert_str_eq(json_str_or_empty(t.body, "namespace"), "osac");
    ck_assert_int_eq(
        front_ask(&t, "admin", "POST", PRIVATE "hubs", "{'namespace':'osac','cluster':'east'}"),
        200);
    ck_assert_int_eq(front_ask(&t, "admin", "POST", PRIVATE "hubs", "{'namespace':'A B'}"), 400);
    ck_assert_int_eq(front_ask(&t, "admin", "DELETE", PRIVATE "hubs/hub-1", NULL), 200);
    /* The settings are read again at every start; who removed it meant it. */
    ck_assert_int_eq(service_settle_hubs(t.s, NULL), 0);
    ck_assert_int_eq(front_ask(&t, "admin", "GET", PRIVATE "hubs", NULL), 200);
    ck_assert_int_eq(json_int(t.body, "total", 0), 1);
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN(
        "fulfillment.write",
        SUITE_CASE("create", EACH(creates_snapshots, creates), TEST(a_parent_must_be_provisioned),
                   TEST(a_parent_must_live), TEST(a_parent_that_goes_is_not_found),
                   TEST(what_the_server_decides_cannot_be_forged), TEST(a_taken_id_is_not_told),
                   TEST(an_administrators_snapshot_is_its_parents), TEST(a_dry_run_leaves_nothing),
                   TEST(an_instance_has_every_condition), EACH(creates_instances, tenants),
                   TEST(without_tenants_nothing_is_made)),
        SUITE_CASE("update", EACH(updates_by_mask, updates), TEST(no_change_is_no_write),
                   TEST(without_a_mask_all_is_replaced),
                   TEST(a_mask_of_a_message_spares_what_is_private), TEST(a_lock_holds),
                   EACH(a_snapshots_spec_is_fixed, fixed)),
        SUITE_CASE("restore", EACH(restores_are_checked, restores),
                   TEST(a_siblings_snapshot_is_not_found),
                   TEST(an_old_request_does_not_freeze_the_instance)),
        SUITE_CASE("delete", TEST(a_deletion_waits_for_finalizers), TEST(what_is_archived_is_gone),
                   TEST(children_go_with_their_parent)),
        SUITE_CASE("hubs", TEST(hubs_are_rows)));
}
