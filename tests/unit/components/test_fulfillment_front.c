/* What callers meet: paths, order of checks, codes, lists, events, and that nothing tells them of
 * other tenants. */
#include "tests/unit/components/fulfillment_stage.h"

#define SNAPSHOT_RPC "/osac.public.v1.ComputeInstanceSnapshots/"

static const struct call_case {
    const char *name, *user, *method, *target, *body;
    int code, grpc;
    const char *message;
} calls[] = {
    /* paths */
    {"nothing there", "t1", "GET", "/", NULL, 404, 5, "Not Found"},
    {"another version", "t1", "GET", "/api/fulfillment/v2/compute_instances", NULL, 404, 5,
     "Not Found"},
    {"another collection", "t1", "GET", PUBLIC "clusters", NULL, 404, 5, "Not Found"},
    {"too deep", "t1", "GET", PUBLIC INSTANCES "/a/b", NULL, 404, 5, "Not Found"},
    {"far too deep", "t1", "GET", "/a/b/c/d/e/f/g/h/i/j", NULL, 404, 5, "Not Found"},
    {"hubs are private", "t1", "GET", PUBLIC "hubs", NULL, 404, 5, "Not Found"},
    {"another method", "t1", "PUT", PUBLIC INSTANCES, NULL, 501, 12, "Method Not Allowed"},
    {"delete of a collection", "t1", "DELETE", PUBLIC INSTANCES, NULL, 501, 12,
     "Method Not Allowed"},
    {"post to an object", "t1", "POST", PUBLIC INSTANCES "/a", NULL, 501, 12, "Method Not Allowed"},
    {"no public update of snapshots", "t1", "PATCH", PUBLIC SNAPSHOTS "/a", "{}", 501, 12,
     "Method Not Allowed"},
    {"bad escape", "t1", "GET", PUBLIC INSTANCES "/%zz", NULL, 400, 3, "malformed request target"},
    {"cut escape", "t1", "GET", PUBLIC INSTANCES "/%4", NULL, 400, 3, "malformed request target"},
    {"a NUL", "t1", "GET", PUBLIC INSTANCES "/%00", NULL, 400, 3, "malformed request target"},
    {"no UTF-8", "t1", "GET", PUBLIC INSTANCES "/%ff", NULL, 400, 3, "malformed request target"},
    {"no slash", "t1", "GET", "api", NULL, 400, 3, "malformed request target"},
    /* methods by full name */
    {"unknown package", "t1", "POST", "/osac.other.v1.ComputeInstances/List", "{}", 501, 12,
     "unknown service osac.other.v1.ComputeInstances"},
    {"unknown service", "t1", "POST", "/osac.public.v1.Clusters/List", "{}", 501, 12,
     "unknown service osac.public.v1.Clusters"},
    {"a long name that is cut inside a character", "t1", "POST",
     "/osac.private."
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaa%C3%A9%C3%A9/List",
     "{}", 501, 12,
     "unknown service "
     "osac.private."
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaa"},
    {"unknown method", "t1", "POST", SNAPSHOT_RPC "Update", "{}", 501, 12,
     "unknown method Update for service osac.public.v1.ComputeInstanceSnapshots"},
    {"no public signal", "t1", "POST", SNAPSHOT_RPC "Signal", "{'id':'a'}", 501, 12,
     "unknown method Signal for service osac.public.v1.ComputeInstanceSnapshots"},
    {"unknown service comes before authentication", NULL, "POST", "/osac.public.v1.X/Y", NULL, 501,
     12, "unknown service osac.public.v1.X"},
    {"a request's own field", "t1", "POST", SNAPSHOT_RPC "Get", "{'name':'a'}", 400, 3,
     "name: unknown field"},
    /* the order of checks */
    {"form before authentication", NULL, "POST", PUBLIC SNAPSHOTS, "{'x':1}", 400, 3,
     "x: unknown field"},
    {"validation before authentication", NULL, "POST", PUBLIC SNAPSHOTS,
     "{'metadata':{'name':'Bad_Name'}}", 400, 3,
     "validation failed: object.metadata.name: value does not match regex pattern "
     "`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)?$`"},
    {"no token", NULL, "POST", PUBLIC SNAPSHOTS, "{}", 401, 16, "missing bearer token"},
    {"authentication before the handler", NULL, "GET", PUBLIC SNAPSHOTS "/", NULL, 401, 16,
     "missing bearer token"},
    {"private methods are for administrators", "t1", "GET", PRIVATE SNAPSHOTS, NULL, 403, 7,
     "permission denied"},
    {"even when there is nothing", "t1", "GET", PRIVATE SNAPSHOTS "/", NULL, 403, 7,
     "permission denied"},
    {"and rows", "t1", "GET", PRIVATE "rows", NULL, 403, 7, "permission denied"},
    {"rows without a token", NULL, "GET", PRIVATE "rows", NULL, 401, 16, "missing bearer token"},
    {"rows are private", "admin", "GET", PUBLIC "rows", NULL, 404, 5, "Not Found"},
    {"rows are read", "admin", "POST", PRIVATE "rows", "{}", 501, 12, "Method Not Allowed"},
    {"rows have no ids", "admin", "GET", PRIVATE "rows/x", NULL, 404, 5, "Not Found"},
    {"and hubs", "t1", "GET", PRIVATE "hubs/hub-1", NULL, 403, 7, "permission denied"},
    /* bodies */
    {"no JSON", "t1", "POST", PUBLIC SNAPSHOTS, "{", 400, 3, NULL},
    {"duplicate keys", "t1", "POST", PUBLIC SNAPSHOTS, "{'spec':{},'spec':{}}", 400, 3, NULL},
    {"no body", "t1", "POST", PUBLIC SNAPSHOTS, NULL, 400, 3, "object is mandatory"},
    {"null", "t1", "POST", PUBLIC SNAPSHOTS, "null", 400, 3, "object is mandatory"},
    {"no parent", "t1", "POST", PUBLIC SNAPSHOTS, "{}", 400, 3,
     "field 'spec.compute_instance' is mandatory"},
    /* identifiers */
    {"get without id", "t1", "GET", PUBLIC SNAPSHOTS "/", NULL, 400, 3, "identifier is mandatory"},
    {"get by name without id", "t1", "POST", SNAPSHOT_RPC "Get", NULL, 400, 3,
     "identifier is mandatory"},
    {"delete without id", "t1", "DELETE", PUBLIC SNAPSHOTS "/", NULL, 500, 13,
     "object identifier is mandatory"},
    {"update without id", "t1", "PATCH", PUBLIC INSTANCES "/", "{}", 400, 3,
     "object identifier is mandatory"},
    {"private update without id", "admin", "PATCH", PRIVATE INSTANCES "/", "{}", 500, 13,
     "object identifier is mandatory"},
    {"signal without id", "admin", "POST", "/osac.private.v1.ComputeInstanceSnapshots/Signal", "{}",
     400, 3, "identifier is mandatory"},
    {"a missing snapshot", "t1", "GET", PUBLIC SNAPSHOTS "/a%20b", NULL, 404, 5,
     "compute instance snapshot \"a b\" not found"},
    {"a missing snapshot to delete", "t1", "DELETE", PUBLIC SNAPSHOTS "/x", NULL, 404, 5,
     "compute instance snapshot \"x\" not found"},
    {"a missing instance", "t1", "GET", PUBLIC INSTANCES "/x", NULL, 404, 5,
     "object with identifier 'x' not found"},
    /* queries */
    {"limit is no number", "t1", "GET", PUBLIC SNAPSHOTS "?limit=many", NULL, 400, 3,
     "limit: expected a whole number of 32 bits"},
    {"limit stands twice", "t1", "GET", PUBLIC SNAPSHOTS "?limit=1&limit=2", NULL, 400, 3,
     "too many values for field 'limit'"},
    {"a filter that ends too early", "t1", "GET", PUBLIC SNAPSHOTS "?filter=this.", NULL, 400, 3,
     NULL},
    {"a filter with an unknown value", "t1", "GET",
     PUBLIC SNAPSHOTS "?filter=this.status.state%20%3D%3D%2099", NULL, 400, 3, NULL},
    {"lock is no bool", "t1", "PATCH", PUBLIC INSTANCES "/x?lock=maybe", "{}", 400, 3,
     "lock: expected true or false"},
    {"unknown parameters are passed over", "t1", "GET", PUBLIC SNAPSHOTS "?x=y&&z", NULL, 200, 0,
     NULL},
};

START_TEST(answers)
{
    const struct call_case *c = &calls[_i];
    FRONT(t);
    front_ask(&t, c->user, c->method, c->target, c->body);
    ck_assert_msg(t.code == c->code, "%s: %d %s", c->name, t.code, t.text);
    ck_assert_msg(json_int(t.body, "code", 0) == c->grpc, "%s: %s", c->name, t.text);
    ck_assert_msg(!c->message || strcmp(front_message(&t), c->message) == 0, "%s: %s", c->name,
                  t.text);
    ck_assert_msg(c->code == 200 || json_is_array(json_object_get(t.body, "details")), "%s",
                  c->name);
    ck_assert_str_eq(t.headers, "content-type: application/json\n");
}
END_TEST

/* ---- tokens ---- */

static const struct token_case {
    const char *name, *header;
} tokens[] = {
    {"another scheme", "Basic dTpw"},
    {"nothing behind it", "Bearer "},
    {"garbage", "Bearer x.y.z"},
    {"no algorithm", "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ0MSJ9."},
};

START_TEST(tokens_are_checked)
{
    FRONT(t);
    front_ask_with(&t, NULL, "GET", PUBLIC INSTANCES, NULL, "authorization", tokens[_i].header);
    ck_assert_msg(t.code == 401, "%s: %s", tokens[_i].name, t.text);
}
END_TEST

static const struct claims_case {
    const char *name, *claims;
    int public_code, private_code;
} claims[] = {
    {"a tenant's user", "{'sub':'u','tenants':['t1']}", 200, 403},
    {"an administrator", "{'sub':'u','groups':['x','admins']}", 200, 200},
    {"the controller", "{'sub':'service-account-osac-controller'}", 200, 200},
    {"the admin account", "{'sub':'service-account-osac-admin'}", 200, 200},
    {"nobody in particular", "{'sub':'u'}", 200, 403},
    {"groups of no texts", "{'sub':'u','groups':[1,null,{}]}", 200, 403},
    {"no subject", "{'tenants':['t1']}", 401, 401},
    {"expired", "{'sub':'u','exp':5}", 401, 401},
};

START_TEST(subjects_are_told_apart)
{
    const struct claims_case *c = &claims[_i];
    FRONT(t);
    AUTO(str) char *text = mem_strdup(c->claims);
    for (char *p = text; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    AUTO(json) json_t *v = json_read(text, strlen(text), "claims", NULL);
    AUTO(str) char *token = bearer_sign("key", v);
    AUTO(str) char *header = mem_printf("bearer %s", token);
    front_ask_with(&t, NULL, "GET", PUBLIC INSTANCES, NULL, "authorization", header);
    ck_assert_msg(t.code == c->public_code, "%s: %s", c->name, t.text);
    front_ask_with(&t, NULL, "GET", PRIVATE INSTANCES, NULL, "authorization", header);
    ck_assert_msg(t.code == c->private_code, "%s: %s", c->name, t.text);
}
END_TEST

/* ---- missing and foreign are the same ---- */

static const struct twin_case {
    const char *name, *method, *target, *body; /* "%s" stands for the id */
} twins[] = {
    {"get a snapshot", "GET", PUBLIC SNAPSHOTS "/%s", NULL},
    {"delete a snapshot", "DELETE", PUBLIC SNAPSHOTS "/%s", NULL},
    {"get an instance", "GET", PUBLIC INSTANCES "/%s", NULL},
    {"update an instance", "PATCH", PUBLIC INSTANCES "/%s", "{'metadata':{'name':'n'}}"},
    {"delete an instance", "DELETE", PUBLIC INSTANCES "/%s", NULL},
    {"a snapshot of an instance", "POST", PUBLIC SNAPSHOTS, "{'spec':{'compute_instance':'%s'}}"},
    {"by name", "POST", SNAPSHOT_RPC "Get", "{'id':'%s'}"},
};

/* All of an answer, with the id that was asked for blotted out. New. */
static char *twin_answer(struct front *t, const struct twin_case *c, const char *id)
{
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    AUTO(str) char *target = mem_printf(c->target, id);
    AUTO(str) char *body = c->body ? mem_printf(c->body, id) : NULL;
#pragma GCC diagnostic pop
    front_ask(t, "t1", c->method, target, body);
    char *at = strstr(t->text, id);
    ck_assert_ptr_nonnull(at);
    memset(at, '#', strlen(id));
    return mem_printf("%d\n%s\n%s", t->code, t->headers, t->text);
}

static void check_twins(struct front *t, const struct twin_case *c, const char *foreign)
{
    AUTO(str) char *missing = mem_strdup(foreign);
    missing[35] = missing[35] == '0' ? '1' : '0';
    int64_t before = front_last_event(t);
    AUTO(str) char *a = twin_answer(t, c, foreign);
    AUTO(str) char *b = twin_answer(t, c, missing);
    ck_assert_msg(strcmp(a, b) == 0, "%s: %s", c->name, a);
    ck_assert_msg(strncmp(a, "404", 3) == 0, "%s: %s", c->name, a);
    ck_assert_int_eq(front_last_event(t), before);
}

START_TEST(foreign_is_missing)
{
    const struct twin_case *c = &twins[_i];
    FRONT(t);
    bool snapshot = strstr(c->target, SNAPSHOTS) && !strstr(c->name, "of an instance");
    AUTO(str) char *instance = front_instance(&t, "t2");
    AUTO(str)
    char *id = snapshot || strstr(c->name, "by name") ? front_snapshot(&t, "t2", instance, "READY")
                                                      : mem_strdup(instance);
    check_twins(&t, c, id);
}
END_TEST

/* Not even whether it is provisioned, nor whether a snapshot of it is ready. */
START_TEST(foreign_comes_before_state)
{
    FRONT(t);
    ck_assert_int_eq(front_ask(&t, "t2", "POST", PUBLIC INSTANCES, "{'spec':{'template':'small'}}"),
                     200);
    AUTO(str) char *raw = mem_strdup(json_str_or_empty(t.body, "id"));
    check_twins(&t, &twins[5], raw);
    AUTO(str) char *theirs = front_instance(&t, "t2");
    AUTO(str) char *creating = front_snapshot(&t, "t2", theirs, NULL);
    AUTO(str) char *own = front_instance(&t, "t1");
    AUTO(str) char *target = mem_printf(PUBLIC INSTANCES "/%s", own);
    AUTO(str)
    char *body = mem_strdup("{'spec':{'restore_from_snapshot':'%s',"
                            "'restore_requested_at':'2026-01-01T00:00:00Z'}}");
    const struct twin_case restore = {"restore", "PATCH", target, body};
    check_twins(&t, &restore, creating);
}
END_TEST

/* ---- lists ---- */

static void add_snapshots(struct front *t, const char *user, unsigned count)
{
    AUTO(str) char *instance = front_instance(t, user);
    AUTO(str) char *body = mem_printf("{'spec':{'compute_instance':'%s'}}", instance);
    for (unsigned i = 0; i < count; i++)
        ck_assert_int_eq(front_ask(t, user, "POST", PUBLIC SNAPSHOTS, body), 200);
}

START_TEST(an_empty_list_is_empty)
{
    FRONT(t);
    ck_assert_int_eq(front_ask(&t, "t1", "GET", PUBLIC SNAPSHOTS, NULL), 200);
    ck_assert_str_eq(t.text, "{}");
}
END_TEST

static const struct page_case {
    const char *name, *query;
    int items, total;
} pages[] = {
    {"default", "", 100, 150},
    {"limit 0", "?limit=0", 100, 150},
    {"limit", "?limit=7", 7, 150},
    {"limit above the most", "?limit=5000", 150, 150},
    {"limit below 0", "?limit=-1", 0, 150},
    {"offset", "?offset=145", 5, 150},
    {"offset below 0", "?offset=-5&limit=3", 3, 150},
    {"offset past the end", "?offset=1000", 0, 150},
    {"an order", "?order=metadata.name%20desc&limit=1000", 150, 150},
    {"a filter", "?filter=this.status.state%20%3D%3D%202", 0, 0},
    {"another filter", "?filter=this.status.state+%3D%3D+1&limit=1", 1, 150},
};

START_TEST(lists_have_pages)
{
    const struct page_case *c = &pages[_i];
    FRONT(t);
    add_snapshots(&t, "t1", 150);
    add_snapshots(&t, "t2", 3);
    AUTO(str) char *target = mem_printf(PUBLIC SNAPSHOTS "%s", c->query);
    ck_assert_msg(front_ask(&t, "t1", "GET", target, NULL) == 200, "%s: %s", c->name, t.text);
    const json_t *items = json_object_get(t.body, "items");
    ck_assert_msg((int)json_array_size(items) == c->items, "%s: %zu", c->name,
                  json_array_size(items));
    ck_assert_msg(json_int(t.body, "size", 0) == c->items, "%s", c->name);
    ck_assert_msg(json_int(t.body, "total", 0) == c->total, "%s", c->name);
    for (size_t i = 1; i < json_array_size(items); i++)
        ck_assert_str_lt(json_str_or_empty(json_array_get(items, i - 1), "id"),
                         json_str_or_empty(json_array_get(items, i), "id"));
}
END_TEST

static const struct leak_case {
    const char *name, *filter;
    int total;
} leaks[] = {
    {"or", "this.id%20%3D%3D%20%22x%22%20%7C%7C%20this.metadata.name%20!%3D%20%22zzz%22", 2},
    {"by tenant", "this.metadata.tenant%20%3D%3D%20%22t2%22", 0},
    {"not", "!(this.metadata.tenant%20%3D%3D%20%22t1%22)", 0},
    {"quotes", "this.metadata.name%20%3D%3D%20%22'%20or%201%3D1%20--%22", 0},
    {"true", "true", 2},
};

START_TEST(filters_do_not_leak)
{
    const struct leak_case *c = &leaks[_i];
    FRONT(t);
    add_snapshots(&t, "t1", 2);
    add_snapshots(&t, "t2", 3);
    AUTO(str) char *target = mem_printf(PUBLIC SNAPSHOTS "?filter=%s", c->filter);
    ck_assert_msg(front_ask(&t, "t1", "GET", target, NULL) == 200, "%s: %s", c->name, t.text);
    ck_assert_msg(json_int(t.body, "total", 0) == c->total, "%s: %s", c->name, t.text);
}
END_TEST

START_TEST(methods_have_names)
{
    FRONT(t);
    AUTO(str) char *instance = front_instance(&t, "t1");
    AUTO(str) char *id = front_snapshot(&t, "t1", instance, "READY");
    AUTO(str) char *body = mem_printf("{'id':'%s'}", id);
    ck_assert_int_eq(front_ask(&t, "t1", "POST", SNAPSHOT_RPC "Get", body), 200);
    ck_assert_str_eq(json_str_or_empty(t.body, "object.id"), id);
    ck_assert_int_eq(front_ask(&t, "t1", "POST", SNAPSHOT_RPC "List", "{'limit':5}"), 200);
    ck_assert_int_eq(json_int(t.body, "total", 0), 1);
    int64_t before = front_last_event(&t);
    ck_assert_int_eq(
        front_ask(&t, "admin", "POST", "/osac.private.v1.ComputeInstanceSnapshots/Signal", body),
        200);
    ck_assert_str_eq(t.text, "{}");
    ck_assert_int_eq(front_last_event(&t), before + 1);
    ck_assert_int_eq(front_ask(&t, "t1", "POST", SNAPSHOT_RPC "Delete", body), 200);
    ck_assert_str_eq(t.text, "{}");
}
END_TEST

/* ---- events ---- */

/* What happens while somebody listens. */
static void happen(struct fake_host *f, void *cookie)
{
    struct front *t = cookie;
    f->on_stream = NULL;
    free(front_instance(t, "t2"));
    AUTO(str) char *instance = front_instance(t, "t1");
    AUTO(str) char *id = front_snapshot(t, "t1", instance, NULL);
    AUTO(str) char *body = mem_printf("{'id':'%s'}", id);
    front_ask(t, "admin", "POST", "/osac.private.v1.ComputeInstanceSnapshots/Signal", body);
    front_ask(t, "t1", "POST", SNAPSHOT_RPC "Delete", body);
}

/* The types and members of a stream's events, one a line. New. */
static char *listen(struct front *t, const char *user, const char *target)
{
    AUTO(str) char *token = front_token(user);
    const struct http_field header = {"authorization", token};
    const struct http_request req = {"GET", target, &header, 1, NULL, 0};
    struct host_exchange x = {0};
    AUTO(strbuf) struct strbuf out = {0};
    t->f->on_stream = happen;
    t->f->on_stream_cookie = t;
    fake_serve(t->f, &req, &x);
    ck_assert_int_eq(x.reply.code, 200);
    const char *text = strbuf_str(&x.streamed);
    while (*text) {
        size_t len = strcspn(text, "\n");
        AUTO(json) json_t *line = json_read(text, len, "line", NULL);
        const json_t *event = json_path(line, "result.event");
        ck_assert_ptr_nonnull(event);
        strbuf_addf(&out, "%s %s\n", json_str_or_empty(event, "type"),
                    json_path(event, "compute_instance") ? "instance" : "snapshot");
        text += len + 1;
    }
    fake_exchange_finish(&x);
    return strbuf_take(&out);
}

START_TEST(tenants_hear_of_their_own)
{
    FRONT(t);
    AUTO(str) char *heard = listen(&t, "t1", PUBLIC "events");
    ck_assert_str_eq(heard, "EVENT_TYPE_OBJECT_CREATED instance\n"
                            "EVENT_TYPE_OBJECT_UPDATED instance\n"
                            "EVENT_TYPE_OBJECT_CREATED snapshot\n"
                            "EVENT_TYPE_OBJECT_DELETED snapshot\n");
}
END_TEST

START_TEST(administrators_hear_of_all)
{
    FRONT(t);
    AUTO(str) char *heard = listen(&t, "admin", PRIVATE "events");
    ck_assert_str_eq(heard, "EVENT_TYPE_OBJECT_CREATED instance\n"
                            "EVENT_TYPE_OBJECT_UPDATED instance\n"
                            "EVENT_TYPE_OBJECT_CREATED instance\n"
                            "EVENT_TYPE_OBJECT_UPDATED instance\n"
                            "EVENT_TYPE_OBJECT_CREATED snapshot\n"
                            "EVENT_TYPE_OBJECT_SIGNALED snapshot\n"
                            "EVENT_TYPE_OBJECT_DELETED snapshot\n");
}
END_TEST

START_TEST(listening_needs_rights)
{
    FRONT(t);
    front_ask(&t, NULL, "GET", PUBLIC "events", NULL);
    ck_assert_int_eq(t.code, 401);
    front_ask(&t, "t1", "GET", PRIVATE "events", NULL);
    ck_assert_int_eq(t.code, 403);
    front_ask(&t, "t1", "POST", PUBLIC "events", NULL);
    ck_assert_int_eq(t.code, 501);
}
END_TEST

/* ---- an older service ---- */

static const struct call_case old_calls[] = {
    {"no snapshots by path", "t1", "GET", PUBLIC SNAPSHOTS, NULL, 404, 5, "Not Found"},
    {"no snapshots by name", "t1", "POST", SNAPSHOT_RPC "List", "{}", 501, 12,
     "unknown service osac.public.v1.ComputeInstanceSnapshots"},
    {"no restore fields", "t1", "POST", PUBLIC INSTANCES, "{'spec':{'restore_from_snapshot':'a'}}",
     400, 3, "spec.restore_from_snapshot: unknown field"},
    {"no filter by them", "t1", "GET",
     PUBLIC INSTANCES "?filter=this.spec.restore_from_snapshot+%3D%3D+%22a%22", NULL, 400, 3, NULL},
};

START_TEST(an_older_service_has_no_snapshots)
{
    const struct call_case *c = &old_calls[_i];
    struct front t __attribute__((cleanup(front_finish)));
    front_init(&t, VERSION_1_0);
    front_ask(&t, c->user, c->method, c->target, c->body);
    ck_assert_msg(t.code == c->code, "%s: %d %s", c->name, t.code, t.text);
    ck_assert_msg(json_int(t.body, "code", 0) == c->grpc, "%s: %s", c->name, t.text);
    ck_assert_msg(!c->message || strcmp(front_message(&t), c->message) == 0, "%s: %s", c->name,
                  t.text);
}
END_TEST

/* Rows of a newer one are read without what is new; a write leaves that alone. */
START_TEST(an_older_service_keeps_what_it_does_not_know)
{
    FRONT(t);
    AUTO(str) char *instance = front_instance(&t, "t1");
    AUTO(str) char *id = front_snapshot(&t, "t1", instance, "READY");
    front_request(&t, instance, id, "2026-01-01T00:00:00Z");
    t.s->version = VERSION_1_0;
    front_ask_id(&t, "t1", "GET", PUBLIC INSTANCES, instance, NULL);
    ck_assert_ptr_null(strstr(t.text, "restore"));
    front_ask_id(&t, "t1", "PATCH", PUBLIC INSTANCES, instance, "{'metadata':{'name':'n'}}");
    ck_assert_int_eq(t.code, 200);
    t.s->version = VERSION_1_1;
    front_ask_id(&t, "t1", "GET", PUBLIC INSTANCES, instance, NULL);
    ck_assert_str_eq(json_str(t.body, "spec.restore_from_snapshot"), id);
    ck_assert_str_eq(json_str(t.body, "spec.restore_requested_at"), "2026-01-01T00:00:00Z");
    ck_assert_str_eq(json_str(t.body, "metadata.name"), "n");
}
END_TEST

/* The row of that id among the answer's; NULL: none. Borrowed. */
static const json_t *told_row(const struct front *t, const char *id)
{
    return json_find(json_object_get(t->body, "items"), "id", id);
}

/* Whoever's rows, whatever their state, also of tables that this version does not serve; and an
 * older one leaves those alone. */
START_TEST(rows_are_told)
{
    FRONT(t);
    AUTO(str) char *instance = front_instance(&t, "t1");
    AUTO(str) char *id = front_snapshot(&t, "t1", instance, "READY");
    ck_assert_int_eq(front_ask(&t, "admin", "GET", PRIVATE "rows", NULL), 200);
    ck_assert_uint_eq(json_array_size(json_object_get(t.body, "items")), 3); /* and the hub */
    ck_assert_str_eq(json_str(told_row(&t, id), "table"), SNAPSHOTS);
    ck_assert_str_eq(json_str(told_row(&t, id), "parent"), instance);
    ck_assert_str_eq(json_str(told_row(&t, id), "tenant"), "t1");
    ck_assert(json_bool(told_row(&t, id), "served", false));
    ck_assert_ptr_null(json_path(told_row(&t, instance), "parent"));

    t.s->version = VERSION_1_0;
    t.s->store->childless = true;
    front_pass(&t, INSTANCES, instance); /* so that its row has a finalizer */
    ck_assert_int_eq(front_ask_id(&t, "t1", "DELETE", PUBLIC INSTANCES, instance, NULL), 200);
    ck_assert_int_eq(front_ask(&t, "admin", "GET", PRIVATE "rows", NULL), 200);
    ck_assert(!json_bool(told_row(&t, id), "served", true));
    ck_assert(json_bool(told_row(&t, instance), "served", false));
    ck_assert_ptr_nonnull(json_path(told_row(&t, instance), "deletion_timestamp"));
    ck_assert_ptr_null(json_path(told_row(&t, id), "deletion_timestamp"));
    ck_assert_uint_eq(json_array_size(json_path(told_row(&t, instance), "finalizers")), 1);
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN(
        "fulfillment.front",
        SUITE_CASE("front", EACH(answers, calls), EACH(tokens_are_checked, tokens),
                   EACH(subjects_are_told_apart, claims), TEST(methods_have_names)),
        SUITE_CASE("isolation", EACH(foreign_is_missing, twins), TEST(foreign_comes_before_state),
                   EACH(filters_do_not_leak, leaks)),
        SUITE_CASE("lists", TEST(an_empty_list_is_empty), EACH(lists_have_pages, pages)),
        SUITE_CASE("events", TEST(tenants_hear_of_their_own), TEST(administrators_hear_of_all),
                   TEST(listening_needs_rights)),
        SUITE_CASE("versions", EACH(an_older_service_has_no_snapshots, old_calls),
                   TEST(an_older_service_keeps_what_it_does_not_know), TEST(rows_are_told)));
}
