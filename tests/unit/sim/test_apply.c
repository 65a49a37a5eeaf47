/* managedFields and server-side apply through the pipeline: definitions and built-in kinds. */
#include "tests/unit/sim/kit.h"
#include "tests/unit/suite.h"

static const char schema[] =
    "{'type':'object','properties':{'size':{'type':'integer'},'name':{'type':'string'},"
    "'mode':{'type':'string','default':'auto'},"
    "'words':{'type':'array','x-kubernetes-list-type':'set','items':{'type':'string'}},"
    "'atoms':{'type':'array','items':{'type':'string'}},"
    "'items':{'type':'array','x-kubernetes-list-type':'map','x-kubernetes-list-map-keys':['name'],"
    "'items':{'type':'object','required':['name'],'properties':{'name':{'type':'string'},"
    "'v':{'type':'string'}}}}}}";

static struct kit tracked_kit(void)
{
    struct kit k = kit_create();
    kit_add_crd(&k, widget_crd(schema));
    apiserver_track_fields(k.server, true);
    return k;
}

static json_t *widget(const char *spec)
{
    return js("{'apiVersion':'example.com/v1','kind':'Widget','metadata':{'name':'w'},'spec':%s}",
              spec);
}

/* What a write says beside its body. */
struct say {
    const char *manager, *subresource;
    bool force, dry_run;
};

static json_t *write_as(struct kit *k, enum api_verb verb, const char *resource, const char *name,
                        json_t *body, struct say say, int want)
{
    AUTO(json) json_t *held = body;
    struct api_request req = kit_req(verb, resource, "default", name, held);
    req.patch = verb == API_PATCH ? PATCH_APPLY : PATCH_NONE;
    req.field_manager = say.manager;
    req.subresource = say.subresource;
    req.force = say.force;
    req.dry_run = say.dry_run;
    return kit_send(k, &req, want);
}

static json_t *apply(struct kit *k, const char *manager, const char *spec, int want)
{
    return write_as(k, API_PATCH, "widgets", "w", widget(spec), (struct say){.manager = manager},
                    want);
}

static json_t *entries_of(const json_t *object)
{
    return (json_t *)json_at(object, "metadata", "managedFields", NULL);
}

/* "Apply x spec.size; Update a ..." : who owns what, without times. New. */
static char *owners(const json_t *object)
{
    AUTO(strbuf) struct strbuf out = {0};
    size_t i;
    json_t *entry;
    json_array_foreach(entries_of(object), i, entry)
    {
        AUTO(str) char *fields = json_text(json_object_get(entry, "fieldsV1"));
        const char *sub = json_str_or_empty(entry, "subresource");
        strbuf_addf(&out, "%s%s %s%s%s %s", i ? "; " : "", json_str(entry, "operation"),
                    json_str(entry, "manager"), *sub ? "/" : "", sub, fields);
    }
    return strbuf_take(&out);
}

static void want_owners(const json_t *object, const char *want)
{
    AUTO(str) char *have = owners(object);
    AUTO(str) char *text = mem_strdup(want);
    for (char *p = text; *p; p++)
        if (*p == '\'')
            *p = '"';
    ck_assert_str_eq(have, text);
}

static void want_message(const json_t *status, const char *want)
{
    want_text(status, "message", want);
}

/* ---- recording ---- */

START_TEST(create_records) /* C01 */
{
    AUTO(kit) struct kit k = tracked_kit();
    AUTO(json)
    json_t *made = write_as(&k, API_CREATE, "configmaps", NULL, config_map("a", "1"),
                            (struct say){.manager = "tester"}, 201);
    const json_t *entry = json_array_get(entries_of(made), 0);
    want_text(entry, "manager", "tester");
    want_text(entry, "operation", "Update");
    want_text(entry, "apiVersion", "v1");
    want_text(entry, "fieldsType", "FieldsV1");
    ck_assert(json_str(entry, "time") != NULL);
    want_owners(made, "Update tester {'f:data':{'.':{},'f:k':{}}}");
}
END_TEST

START_TEST(without_a_name)
{
    AUTO(kit) struct kit k = tracked_kit();
    AUTO(json)
    json_t *made =
        write_as(&k, API_CREATE, "widgets", NULL, widget("{'size':1}"), (struct say){0}, 201);
    want_owners(made, "Update unknown {'f:spec':{'.':{},'f:mode':{},'f:size':{}}}");
}
END_TEST

START_TEST(updates_take_fields)
{
    AUTO(kit) struct kit k = tracked_kit();
    json_decref(write_as(&k, API_CREATE, "widgets", NULL, widget("{'size':1,'name':'n'}"),
                         (struct say){.manager = "a"}, 201));
    AUTO(json) json_t *now = kit_do(&k, API_GET, "widgets", "default", "w", NULL, 200);
    AUTO(json) json_t *next = json_copy_of(now);
    json_put_take(next, "spec.size", json_integer(2));
    AUTO(json)
    json_t *put = write_as(&k, API_UPDATE, "widgets", "w", json_incref(next),
                           (struct say){.manager = "b"}, 200);
    want_owners(put, "Update a {'f:spec':{'.':{},'f:mode':{},'f:name':{}}}; "
                     "Update b {'f:spec':{'f:size':{}}}");
    AUTO(json) json_t *status = json_copy_of(put);
    json_put_str(status, "status.phase", "Ready");
    AUTO(json)
    json_t *ready = write_as(&k, API_UPDATE, "widgets", "w", json_incref(status),
                             (struct say){.manager = "c", .subresource = "status"}, 200);
    want_owners(ready, "Update a {'f:spec':{'.':{},'f:mode':{},'f:name':{}}}; "
                       "Update b {'f:spec':{'f:size':{}}}; "
                       "Update c/status {'f:status':{'.':{},'f:phase':{}}}");
}
END_TEST

START_TEST(same_state_is_no_write) /* F07 */
{
    AUTO(kit) struct kit k = tracked_kit();
    AUTO(json)
    json_t *made = write_as(&k, API_CREATE, "widgets", NULL, widget("{'size':1}"),
                            (struct say){.manager = "a"}, 201);
    AUTO(json)
    json_t *put = write_as(&k, API_UPDATE, "widgets", "w", json_copy_of(made),
                           (struct say){.manager = "b"}, 200);
    ck_assert(json_equal(made, put));
}
END_TEST

START_TEST(client_clears) /* F26 */
{
    static const char *const ways[] = {"[]", "[{}]"};
    AUTO(kit) struct kit k = tracked_kit();
    AUTO(json)
    json_t *made = write_as(&k, API_CREATE, "widgets", NULL, widget("{'size':1}"),
                            (struct say){.manager = "a"}, 201);
    json_t *body = json_copy_of(made);
    json_put_take(body, "metadata.managedFields", js("%s", ways[_i]));
    AUTO(json)
    json_t *put = write_as(&k, API_UPDATE, "widgets", "w", body, (struct say){.manager = "b"}, 200);
    ck_assert(entries_of(put) == NULL);
}
END_TEST

START_TEST(nothing_without_tracking)
{
    AUTO(kit) struct kit k = tracked_kit();
    apiserver_track_fields(k.server, false);
    json_t *body = widget("{'size':1}");
    json_put_take(body, "metadata.managedFields",
                  js("[{'manager':'z','operation':'Update','apiVersion':'example.com/v1',"
                     "'fieldsType':'FieldsV1','fieldsV1':{'f:spec':{}}}]"));
    AUTO(json)
    json_t *made =
        write_as(&k, API_CREATE, "widgets", NULL, body, (struct say){.manager = "a"}, 201);
    ck_assert(entries_of(made) == NULL);
    AUTO(json) json_t *put = json_copy_of(made);
    json_put_take(put, "spec.size", json_integer(2));
    AUTO(json)
    json_t *stored = write_as(&k, API_UPDATE, "widgets", "w", json_incref(put),
                              (struct say){.manager = "a"}, 200);
    ck_assert(entries_of(stored) == NULL);
    /* From the first apply on, everybody is told apart (G26). */
    AUTO(json) json_t *applied = apply(&k, "x", "{'name':'n'}", 200);
    want_owners(applied, "Apply x {'f:spec':{'f:name':{}}}; Update before-first-apply "
                         "{'f:spec':{'.':{},'f:mode':{},'f:size':{}}}");
    json_put_take(put, "spec.size", json_integer(3));
    json_object_del(json_object_get(put, "metadata"), "resourceVersion");
    AUTO(json)
    json_t *merged =
        kit_do(&k, API_PATCH, "widgets", "default", "w", js("{'spec':{'size':3}}"), 200);
    want_owners(merged, "Apply x {'f:spec':{'f:name':{}}}; Update before-first-apply "
                        "{'f:spec':{'.':{},'f:mode':{}}}; Update unknown {'f:spec':{'f:size':{}}}");
}
END_TEST

START_TEST(eleventh_updater) /* G27 */
{
    AUTO(kit) struct kit k = tracked_kit();
    json_decref(write_as(&k, API_CREATE, "widgets", NULL, widget("{'size':0}"),
                         (struct say){.manager = "m"}, 201));
    AUTO(json) json_t *last = NULL;
    for (int i = 0; i < 12; i++) {
        AUTO(str) char *manager = mem_printf("m%d", i);
        AUTO(json) json_t *body = js("{'metadata':{'annotations':{'a%d':'1'}}}", i);
        struct api_request req = kit_req(API_PATCH, "widgets", "default", "w", body);
        req.patch = PATCH_MERGE;
        req.field_manager = manager;
        json_decref(last);
        last = kit_send(&k, &req, 200);
    }
    ck_assert_uint_eq(json_array_size(entries_of(last)), 10);
    int old = 0;
    for (size_t i = 0; i < 10; i++)
        old += strcmp(json_str(json_array_get(entries_of(last), i), "manager"),
                      "ancient-changes") == 0;
    ck_assert_int_eq(old, 1);
}
END_TEST

/* ---- options ---- */

START_TEST(manager_too_long) /* C34 */
{
    AUTO(kit) struct kit k = tracked_kit();
    char manager[130];
    memset(manager, 'm', 129);
    manager[129] = '\0';
    AUTO(json)
    json_t *status = write_as(&k, API_CREATE, "widgets", NULL, widget("{}"),
                              (struct say){.manager = manager}, 422);
    want_message(status, "CreateOptions.meta.k8s.io \"\" is invalid: fieldManager: Too long: may "
                         "not be more than 128 bytes");
    AUTO(json)
    json_t *odd = write_as(&k, API_CREATE, "widgets", NULL, widget("{}"),
                           (struct say){.manager = "a\nb"}, 422);
    want_message(odd, "CreateOptions.meta.k8s.io \"\" is invalid: fieldManager: Invalid value: "
                      "\"a\\nb\": invalid character U+000A (at position 1)");
}
END_TEST

START_TEST(apply_needs_a_manager) /* G13 */
{
    AUTO(kit) struct kit k = tracked_kit();
    AUTO(json) json_t *status = apply(&k, NULL, "{}", 422);
    want_message(status, "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: "
                         "is required for apply patch");
}
END_TEST

START_TEST(force_is_for_apply) /* G21 */
{
    AUTO(kit) struct kit k = tracked_kit();
    json_decref(apply(&k, "x", "{}", 201));
    AUTO(json) json_t *body = js("{'spec':{'size':1}}");
    struct api_request req = kit_req(API_PATCH, "widgets", "default", "w", body);
    req.patch = PATCH_MERGE;
    req.force = true;
    AUTO(json) json_t *status = kit_send(&k, &req, 422);
    want_message(status, "PatchOptions.meta.k8s.io \"\" is invalid: force: Forbidden: may not be "
                         "specified for non-apply patch");
}
END_TEST

/* ---- apply ---- */

START_TEST(apply_creates) /* G11, G12 */
{
    AUTO(kit) struct kit k = tracked_kit();
    AUTO(json) json_t *made = apply(&k, "x", "{'size':1}", 201);
    want_owners(made, "Apply x {'f:spec':{'f:size':{}}}");
    want_text(made, "spec.mode", "auto");
    ck_assert(*meta_uid(made) && *meta_resource_version(made));
    AUTO(json) json_t *again = apply(&k, "x", "{'size':1}", 200);
    ck_assert(json_equal(made, again));
}
END_TEST

START_TEST(dry_run)
{
    AUTO(kit) struct kit k = tracked_kit();
    struct say dry = {"x", NULL, false, true};
    json_decref(write_as(&k, API_PATCH, "widgets", "w", widget("{'size':1}"), dry, 201));
    json_decref(kit_do(&k, API_GET, "widgets", "default", "w", NULL, 404));
    AUTO(json) json_t *made = apply(&k, "x", "{'size':1}", 201);
    AUTO(json)
    json_t *shown = write_as(&k, API_PATCH, "widgets", "w", widget("{'size':2}"), dry, 200);
    ck_assert_int_eq(json_int(shown, "spec.size", 0), 2);
    AUTO(json) json_t *kept = kit_do(&k, API_GET, "widgets", "default", "w", NULL, 200);
    ck_assert(json_equal(made, kept));
}
END_TEST

START_TEST(conflicts) /* G14, G15 */
{
    AUTO(kit) struct kit k = tracked_kit();
    json_decref(write_as(&k, API_CREATE, "widgets", NULL,
                         widget("{'size':1,'items':[{'name':'c','v':'1'}]}"),
                         (struct say){.manager = "a"}, 201));
    AUTO(json) json_t *one = apply(&k, "x", "{'size':2}", 409);
    want_text(one, "reason", "Conflict");
    ck_assert(json_path(one, "details.name") == NULL);
    want_message(one, "Apply failed with 1 conflict: conflict with \"a\" using example.com/v1: "
                      ".spec.size");
    const json_t *cause = json_array_get(json_path(one, "details.causes"), 0);
    want_text(cause, "reason", "FieldManagerConflict");
    want_text(cause, "message", "conflict with \"a\" using example.com/v1");
    want_text(cause, "field", ".spec.size");
    AUTO(json) json_t *two = apply(&k, "x", "{'size':2,'items':[{'name':'c','v':'2'}]}", 409);
    want_message(two, "Apply failed with 2 conflicts: conflicts with \"a\" using "
                      "example.com/v1:\n- .spec.size\n- .spec.items[name=\"c\"].v");
    struct say force = {"x", NULL, true, false};
    AUTO(json)
    json_t *taken = write_as(&k, API_PATCH, "widgets", "w", widget("{'size':2}"), force, 200);
    want_owners(taken, "Apply x {'f:spec':{'f:size':{}}}; Update a {'f:spec':{'.':{},"
                       "'f:items':{'.':{},'k:{\\'name\\':\\'c\\'}':{'.':{},'f:name':{},'f:v':{}}},"
                       "'f:mode':{}}}");
}
END_TEST

/* A widget's spec with items of long names. New. */
static char *long_items(size_t count, const char *value)
{
    char name[2048];
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    AUTO(strbuf) struct strbuf out = {0};
    for (size_t i = 0; i < count; i++)
        strbuf_addf(&out, "%s{'name':'%s%zu','v':'%s'}", i ? "," : "{'items':[", name, i, value);
    strbuf_addstr(&out, "]}");
    return strbuf_take(&out);
}

START_TEST(many_long_conflicts)
{
    AUTO(kit) struct kit k = tracked_kit();
    AUTO(str) char *mine = long_items(300, "1");
    AUTO(str) char *yours = long_items(300, "2");
    json_decref(apply(&k, "a", mine, 201));
    AUTO(json) json_t *refused = apply(&k, "x", yours, 409);
    const json_t *causes = json_path(refused, "details.causes");
    ck_assert_uint_eq(json_array_size(causes), 100);
    const char *field = json_str_or_empty(json_array_get(causes, 99), "field");
    ck_assert_uint_eq(strlen(field), 1024 + 3);
    ck_assert_str_eq(field + 1024, "...");
    const char *message = json_str_or_empty(refused, "message");
    ck_assert_msg(strncmp(message, "Apply failed with 300 conflicts: ", 33) == 0, "%.40s", message);
    ck_assert_str_eq(strrchr(message, '\n'), "\n- ... and 200 more");
    ck_assert_uint_lt(strlen(message), 110 * 1024);
}
END_TEST

START_TEST(letting_go) /* G16, G17, G18 */
{
    AUTO(kit) struct kit k = tracked_kit();
    json_decref(apply(&k, "x", "{'size':1,'name':'n','words':['p','q']}", 201));
    AUTO(json) json_t *shared = apply(&k, "y", "{'name':'n'}", 200);
    /* Who finds its value in place has changed nothing: an entry without a time. */
    want_owners(shared, "Apply y {'f:spec':{'f:name':{}}}; Apply x {'f:spec':{'f:name':{},"
                        "'f:size':{},'f:words':{'v:\\'p\\'':{},'v:\\'q\\'':{}}}}");
    AUTO(json) json_t *less = apply(&k, "x", "{'words':['q']}", 200);
    ck_assert(json_path(less, "spec.size") == NULL);
    want_text(less, "spec.name", "n");
    ck_assert_uint_eq(json_array_size(json_path(less, "spec.words")), 1);
    AUTO(json) json_t *none = apply(&k, "x", "{}", 200);
    ck_assert(json_path(none, "spec.words") == NULL);
    want_owners(none, "Apply y {'f:spec':{'f:name':{}}}; Apply x {'f:spec':{}}");
}
END_TEST

START_TEST(lists) /* G22, G23 */
{
    AUTO(kit) struct kit k = tracked_kit();
    json_decref(apply(&k, "x", "{'items':[{'name':'a'},{'name':'b'}],'atoms':['1']}", 201));
    AUTO(json) json_t *keyed = apply(&k, "y", "{'items':[{'name':'b','v':'2'},{'name':'c'}]}", 200);
    AUTO(str) char *items = json_text(json_path(keyed, "spec.items"));
    ck_assert_str_eq(items, "[{\"name\":\"a\"},{\"name\":\"b\",\"v\":\"2\"},{\"name\":\"c\"}]");
    AUTO(json) json_t *whole = apply(&k, "y", "{'atoms':['1','2']}", 409);
    want_message(whole, "Apply failed with 1 conflict: conflict with \"x\": .spec.atoms");
}
END_TEST

static const struct refused {
    const char *name, *body;
    int code;
    const char *message;
} refused[] = {
    {"managedFields (G19)",
     "{'apiVersion':'example.com/v1','kind':'Widget','metadata':{'name':'w','managedFields':[]}}",
     400, "metadata.managedFields must be nil"},
    {"apiVersion (G20)", "{'apiVersion':'example.com/v2','kind':'Widget','metadata':{'name':'w'}}",
     400, "invalid object type: example.com/v2, Kind=Widget"},
    {"kind", "{'apiVersion':'v1','kind':'Pod','metadata':{'name':'w'}}", 400,
     "invalid object type: /v1, Kind=Pod"},
    {"name", "{'apiVersion':'example.com/v1','kind':'Widget','metadata':{'name':'other'}}", 400,
     "the name of the object (other) does not match the name on the URL (w)"},
    {"namespace",
     "{'apiVersion':'example.com/v1','kind':'Widget','metadata':{'name':'w','namespace':'o'}}", 400,
     "the namespace of the provided object does not match the namespace sent on the request"},
    {"unknown field (G25)",
     "{'apiVersion':'example.com/v1','kind':'Widget','metadata':{'name':'w'},'spec':{'foo':1}}",
     500,
     "failed to create typed patch object (/w; example.com/v1, Kind=Widget): .spec.foo: field not "
     "declared in schema"},
    {"duplicate key",
     "{'apiVersion':'example.com/v1','kind':'Widget','metadata':{'name':'w'},"
     "'spec':{'items':[{'name':'a'},{'name':'a'}]}}",
     500,
     "failed to create typed patch object (/w; example.com/v1, Kind=Widget): .spec.items: "
     "duplicate "
     "entries for key [name=\"a\"]"},
    {"uid of what is gone (G29)",
     "{'apiVersion':'example.com/v1','kind':'Widget','metadata':{'name':'w','uid':'u-1'}}", 409,
     "Operation cannot be fulfilled on widgets.example.com \"w\": uid mismatch: the provided "
     "object "
     "specified uid u-1, and no existing object was found"},
    {"no object", "[]", 400, "error decoding YAML: the patch is not an object"},
};

START_TEST(refusals)
{
    const struct refused *r = &refused[_i];
    AUTO(kit) struct kit k = tracked_kit();
    AUTO(json)
    json_t *status = write_as(&k, API_PATCH, "widgets", "w", js("%s", r->body),
                              (struct say){.manager = "x"}, r->code);
    ck_assert_msg(strcmp(json_str_or_empty(status, "message"), r->message) == 0, "%s: %s", r->name,
                  json_str_or_empty(status, "message"));
    json_decref(kit_do(&k, API_GET, "widgets", "default", "w", NULL, 404));
}
END_TEST

START_TEST(status_endpoint) /* G24 */
{
    AUTO(kit) struct kit k = tracked_kit();
    struct say say = {"ctl", "status", false, false};
    json_t *body = widget("{'size':5}");
    json_put_str(body, "status.phase", "Ready");
    json_decref(write_as(&k, API_PATCH, "widgets", "w", json_incref(body), say, 404));
    json_decref(apply(&k, "x", "{'size':1}", 201));
    AUTO(json) json_t *ready = write_as(&k, API_PATCH, "widgets", "w", body, say, 200);
    want_owners(ready, "Apply ctl/status {'f:status':{'f:phase':{}}}; "
                       "Apply x {'f:spec':{'f:size':{}}}");
    want_text(ready, "status.phase", "Ready");
    ck_assert_int_eq(json_int(ready, "spec.size", 0), 1);
}
END_TEST

START_TEST(built_in_kinds)
{
    AUTO(kit) struct kit k = tracked_kit();
    AUTO(json)
    json_t *made = write_as(&k, API_PATCH, "configmaps", "a", config_map("a", "1"),
                            (struct say){.manager = "x"}, 201);
    want_owners(made, "Apply x {'f:data':{'f:k':{}}}");
    AUTO(json)
    json_t *conflict = write_as(&k, API_PATCH, "configmaps", "a", config_map("a", "2"),
                                (struct say){.manager = "y"}, 409);
    want_message(conflict, "Apply failed with 1 conflict: conflict with \"x\": .data.k");
    AUTO(json)
    json_t *unknown = write_as(&k, API_PATCH, "configmaps", "a",
                               js("{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'a'},"
                                  "'dat':{}}"),
                               (struct say){.manager = "y"}, 500);
    want_message(unknown, "failed to create typed patch object (/a; /v1, Kind=ConfigMap): .dat: "
                          "field not declared in schema");
    AUTO(json)
    json_t *pod =
        write_as(&k, API_PATCH, "pods", "p",
                 js("{'apiVersion':'v1','kind':'Pod','metadata':{'name':'p'},'spec':"
                    "{'containers':[{'name':'c','image':'i','ports':[{'containerPort':80}]"
                    "}]}}"),
                 (struct say){.manager = "x"}, 201);
    AUTO(str) char *text = owners(pod);
    ck_assert_msg(strstr(text, "\"k:{\\\"containerPort\\\":80,\\\"protocol\\\":\\\"TCP\\\"}\"") !=
                      NULL,
                  "%s", text);
}
END_TEST

START_TEST(kubectl_keeps_its_annotation)
{
    AUTO(kit) struct kit k = tracked_kit();
    json_t *body = widget("{'size':1}");
    json_put_take(body, "metadata.annotations", json_object());
    json_object_set_new(json_at_mut(body, "metadata", "annotations", NULL),
                        "kubectl.kubernetes.io/last-applied-configuration",
                        json_string("{\"apiVersion\":\"example.com/v1\",\"kind\":\"Widget\","
                                    "\"metadata\":{\"name\":\"w\"},\"spec\":{\"size\":1}}\n"));
    json_decref(write_as(&k, API_CREATE, "widgets", NULL, body,
                         (struct say){.manager = "kubectl-client-side-apply"}, 201));
    json_decref(apply(&k, "other", "{'size':2}", 409));
    AUTO(json) json_t *taken = apply(&k, "kubectl", "{'size':2}", 200);
    ck_assert_str_eq(meta_annotation(taken, "kubectl.kubernetes.io/last-applied-configuration"),
                     "{\"apiVersion\":\"example.com/v1\",\"kind\":\"Widget\",\"metadata\":{"
                     "\"name\":\"w\"},\"spec\":{\"size\":2}}\n");
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN("apply",
                      SUITE_CASE("recording", TEST(create_records), TEST(without_a_name),
                                 TEST(updates_take_fields), TEST(same_state_is_no_write),
                                 RANGE(client_clears, 0, 2), TEST(nothing_without_tracking),
                                 TEST(eleventh_updater)),
                      SUITE_CASE("options", TEST(manager_too_long), TEST(apply_needs_a_manager),
                                 TEST(force_is_for_apply)),
                      SUITE_CASE("apply", TEST(apply_creates), TEST(dry_run), TEST(conflicts),
                                 TEST(many_long_conflicts), TEST(letting_go), TEST(lists),
                                 EACH(refusals, refused), TEST(status_endpoint),
                                 TEST(built_in_kinds), TEST(kubectl_keeps_its_annotation)));
}
