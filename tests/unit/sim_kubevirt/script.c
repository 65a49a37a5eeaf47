#include "tests/unit/sim_kubevirt/script_priv.h"

#include <check.h>
#include <stdbool.h>
#include <string.h>

#include "base/folder.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "base/yaml.h"
#include "kube/meta.h"
#include "kube/time.h"
#include "sim/controllermanager/controllermanager.h"
#include "sim/kubelet/kubelet.h"
#include "sim/kubevirt/kubevirt.h"
#include "sim/provisioner/provisioner.h"
#include "sim/storage/storage.h"

void script_check(struct run *r, int rc, struct err *e)
{
    if (rc < 0)
        FAIL(r, "%s", e->msg);
}

/* ---- words ---- */

char *script_word(struct run *r, char **line)
{
    while (**line == ' ')
        (*line)++;
    char *w = strsep(line, " ");
    if (!w || !*w)
        FAIL(r, "a word is missing");
    if (!*line)
        *line = w + strlen(w);
    return w;
}

char *script_rest(char **line)
{
    while (**line == ' ')
        (*line)++;
    return *line;
}

json_t *script_json(struct run *r, const char *text)
{
    struct err e = {0};
    json_t *v = json_read(text, strlen(text), "script", &e);
    if (!v)
        FAIL(r, "%s", e.msg);
    return v;
}

static struct api_resource resource(struct run *r, const char *kind)
{
    struct resource_info info;
    bool ambiguous = false;
    if (!apiserver_find_any(r->server, kind, &info, &ambiguous))
        FAIL(r, "no kind '%s'", kind);
    return info.resource;
}

static bool namespaced(const struct api_resource *res)
{
    return strcmp(res->plural, "namespaces") && strcmp(res->plural, "nodes") &&
           strcmp(res->plural, "storageclasses") && strcmp(res->plural, "volumesnapshotclasses") &&
           strcmp(res->plural, "volumesnapshotcontents");
}

static json_t *peek(struct run *r, const char *kind, const char *name)
{
    struct api_resource res = resource(r, kind);
    return apiserver_peek(r->server, res.group, res.plural, namespaced(&res) ? "default" : NULL,
                          name);
}

/* ---- writes ---- */

static void send(struct run *r, struct api_request *req)
{
    struct api_response ret = {0};
    if (namespaced(&req->resource))
        req->ns = "default";
    apiserver_handle(r->server, req, &ret);
    int want = r->want_code;
    r->want_code = 0;
    if (want ? ret.code != want : !api_ok(&ret))
        FAIL(r, "answer %d: %s", ret.code, api_ok(&ret) ? "" : api_message(&ret));
    if (want && !strstr(api_message(&ret), r->want_text))
        FAIL(r, "answer says: %s", api_message(&ret));
    const json_t *details = json_object_get(ret.body, "details");
    AUTO(str) char *text = r->want_cause && details ? json_text(details) : mem_strdup("none");
    if (r->want_cause && !strstr(text, r->want_cause))
        FAIL(r, "answer's details: %s", text);
    free(r->want_cause);
    r->want_cause = NULL;
    api_response_finish(&ret);
}

void script_create(struct run *r, const json_t *obj)
{
    struct resource_info info;
    if (!apiserver_find_kind(r->server, meta_api_version(obj), meta_kind(obj), &info))
        FAIL(r, "no kind %s %s", meta_api_version(obj), meta_kind(obj));
    struct api_request req = {.verb = API_CREATE, .resource = info.resource, .body = obj};
    send(r, &req);
}

json_t *script_object(const char *api_version, const char *kind, const char *name)
{
    return json_pack("{s:s, s:s, s:{s:s, s:s}, s:{}}", "apiVersion", api_version, "kind", kind,
                     "metadata", "name", name, "namespace", "default", "spec");
}

static void do_claim(struct run *r, char *line)
{
    AUTO(json) json_t *pvc = script_object("v1", "PersistentVolumeClaim", script_word(r, &line));
    json_put_take(pvc, "spec.accessModes", json_pack("[s]", "ReadWriteOnce"));
    json_put_str(pvc, "spec.resources.requests.storage", "64Mi");
    if (*script_rest(&line))
        json_put_str(pvc, "spec.storageClassName", script_rest(&line));
    script_create(r, pvc);
}

static json_t *volume(struct run *r, json_t *vm, const char *text, unsigned i)
{
    AUTO(str) char *name = mem_printf("d%u", i);
    (void)r;
    if (!strcmp(text, "c:"))
        return json_pack("{s:s, s:{s:s}}", "name", name, "cloudInitNoCloud", "userData", "x");
    if (strncmp(text, "t:", 2))
        return json_pack("{s:s, s:{s:s}}", "name", name, "persistentVolumeClaim", "claimName",
                         text);
    json_t *templates = json_at_mut(vm, "spec", "dataVolumeTemplates", NULL);
    if (!templates) {
        templates = json_array();
        json_put_take(vm, "spec.dataVolumeTemplates", templates);
    }
    json_array_append_new(templates,
                          json_pack("{s:{s:s}, s:{s:{s:{s:{s:s}}}}}", "metadata", "name", text + 2,
                                    "spec", "storage", "resources", "requests", "storage", "64Mi"));
    return json_pack("{s:s, s:{s:s}}", "name", name, "dataVolume", "name", text + 2);
}

static void do_vm(struct run *r, char *line)
{
    AUTO(json)
    json_t *vm = script_object("kubevirt.io/v1", "VirtualMachine", script_word(r, &line));
    json_put_str(vm, "spec.runStrategy", script_word(r, &line));
    json_t *volumes = json_array();
    json_put_take(vm, "spec.template.spec.volumes", volumes);
    for (unsigned i = 0; *script_rest(&line); i++)
        json_array_append_new(volumes, volume(r, vm, script_word(r, &line), i));
    script_create(r, vm);
}

static void merge_spec(struct run *r, json_t *obj, const char *text)
{
    if (!*text)
        return;
    AUTO(json) json_t *more = script_json(r, text);
    json_object_update(json_object_get(obj, "spec"), more);
}

static json_t *reference(const char *name)
{
    return json_pack("{s:s, s:s, s:s}", "apiGroup", "kubevirt.io", "kind", "VirtualMachine", "name",
                     name);
}

static void do_snapshot(struct run *r, char *line)
{
    AUTO(json)
    json_t *obj = script_object("snapshot.kubevirt.io/v1beta1", "VirtualMachineSnapshot",
                                script_word(r, &line));
    json_put_take(obj, "spec.source", reference(script_word(r, &line)));
    merge_spec(r, obj, script_rest(&line));
    script_create(r, obj);
}

static void do_restore(struct run *r, char *line)
{
    AUTO(json)
    json_t *obj = script_object("snapshot.kubevirt.io/v1beta1", "VirtualMachineRestore",
                                script_word(r, &line));
    json_put_take(obj, "spec.target", reference(script_word(r, &line)));
    json_put_str(obj, "spec.virtualMachineSnapshotName", script_word(r, &line));
    merge_spec(r, obj, script_rest(&line));
    script_create(r, obj);
}

static void do_create(struct run *r, char *line)
{
    AUTO(json) json_t *obj = script_json(r, script_rest(&line));
    script_create(r, obj);
}

static void do_refused(struct run *r, char *line)
{
    r->want_code = (int)strtol(script_word(r, &line), NULL, 10);
    free(r->want_text);
    r->want_text = mem_strdup(script_rest(&line));
}

static void do_cause(struct run *r, char *line)
{
    free(r->want_cause);
    r->want_cause = mem_strdup(script_rest(&line));
}

static void patch(struct run *r, char *line, const char *subresource)
{
    struct api_request req = {.verb = API_PATCH, .resource = resource(r, script_word(r, &line))};
    req.name = script_word(r, &line);
    req.subresource = subresource;
    req.patch = PATCH_MERGE;
    AUTO(json) json_t *body = script_json(r, script_rest(&line));
    req.body = body;
    send(r, &req);
}

static void do_patch(struct run *r, char *line)
{
    patch(r, line, NULL);
}

static void do_patchstatus(struct run *r, char *line)
{
    patch(r, line, "status");
}

static void do_delete(struct run *r, char *line)
{
    struct api_request req = {.verb = API_DELETE, .resource = resource(r, script_word(r, &line))};
    req.name = script_word(r, &line);
    const char *policy = script_rest(&line);
    AUTO(json) json_t *options = *policy ? json_pack("{s:s}", "propagationPolicy", policy) : NULL;
    req.body = options;
    send(r, &req);
}

static void ask_api(struct run *r, struct api_request *req, struct api_response *ret)
{
    apiserver_handle(r->server, req, ret);
    int want = r->want_code;
    r->want_code = 0;
    if (want ? ret->code != want : !api_ok(ret))
        FAIL(r, "answer %d: %s", ret->code, api_message(ret));
    if (want && !strstr(api_message(ret), r->want_text))
        FAIL(r, "answer says: %s", api_message(ret));
}

static struct api_request subresource(struct run *r, enum api_verb verb, char **line)
{
    struct api_request req = {
        .verb = verb, .resource = resource(r, script_word(r, line)), .ns = "default"};
    req.resource.group = "subresources.kubevirt.io";
    req.name = script_word(r, line);
    req.subresource = script_word(r, line);
    return req;
}

/* A command is accepted with nothing more to say. */
static void do_call(struct run *r, char *line)
{
    struct api_response ret = {0};
    struct api_request req = subresource(r, API_UPDATE, &line);
    bool refused = r->want_code != 0;
    AUTO(json) json_t *body = *script_rest(&line) ? script_json(r, script_rest(&line)) : NULL;
    req.body = body;
    ask_api(r, &req, &ret);
    if (!refused && (ret.code != 202 || !json_is_null(ret.body)))
        FAIL(r, "answer %d", ret.code);
    api_response_finish(&ret);
}

static void do_ask(struct run *r, char *line)
{
    struct api_response ret = {0};
    struct api_request req = subresource(r, API_GET, &line);
    bool refused = r->want_code != 0;
    ask_api(r, &req, &ret);
    AUTO(str) char *got = json_text(ret.body);
    if (!refused && !strstr(got, script_rest(&line)))
        FAIL(r, "it tells %s", got);
    api_response_finish(&ret);
}

static void do_node(struct run *r, char *line)
{
    struct err e = {0};
    (void)line;
    script_check(r, kubelet_start(r->cluster, &e), &e);
    kubelet_serve_machines(r->cluster, "kubelet");
}

/* ---- time ---- */

static int64_t duration(struct run *r, const char *text)
{
    int64_t ns;
    if (!duration_parse(text, &ns))
        FAIL(r, "'%s' is no duration", text);
    return ns;
}

static void nothing(void *cookie)
{
    (void)cookie;
}

static void do_run(struct run *r, char *line)
{
    const char *how = script_word(r, &line);
    struct sched *s = world_sched(r->world);
    if (!strcmp(how, "idle")) {
        if (sched_run(s, sched_now(s) + 24 * 3600 * NS_PER_S) != SCHED_STOP_IDLE)
            FAIL(r, "the world does not come to rest");
        return;
    }
    int64_t until = sched_now(s) + duration(r, how);
    sched_post(s, until, nothing, NULL); /* an idle clock stands still */
    sched_run(s, until);
}

/* ---- looks ---- */

static char *text_of(const json_t *v)
{
    return json_is_string(v) ? mem_strdup(json_string_value(v)) : json_text(v);
}

static const json_t *at(struct run *r, char **line)
{
    const char *kind = script_word(r, line);
    const char *name = script_word(r, line);
    const json_t *obj = peek(r, kind, name);
    if (!obj)
        FAIL(r, "%s %s is absent", kind, name);
    return obj;
}

static void do_is(struct run *r, char *line)
{
    const json_t *obj = at(r, &line);
    const json_t *v = json_path(obj, script_word(r, &line));
    const char *want = script_rest(&line);
    AUTO(str) char *got = v ? text_of(v) : mem_strdup("");
    if (strcmp(got, want))
        FAIL(r, "it is '%s', not '%s'", got, want);
}

/* "events *": one of them. */
static bool any_has(struct run *r, const char *kind, char **line)
{
    struct api_resource res = resource(r, kind);
    AUTO(json) json_t *all = apiserver_peek_all(r->server, res.group, res.plural, "default");
    const char *path = script_word(r, line);
    size_t i;
    json_t *obj;
    json_array_foreach(all, i, obj)
    {
        if (strstr(json_str_or_empty(obj, path), script_rest(line)))
            return true;
    }
    return false;
}

static void do_has(struct run *r, char *line)
{
    if (!strncmp(line, "events * ", 9)) {
        line += 9;
        if (!any_has(r, "events", &line))
            FAIL(r, "none has");
        return;
    }
    const json_t *obj = at(r, &line);
    const json_t *v = json_path(obj, script_word(r, &line));
    AUTO(str) char *got = v ? text_of(v) : mem_strdup("");
    if (!strstr(got, script_rest(&line)))
        FAIL(r, "it is '%s'", got);
}

static void do_cond(struct run *r, char *line)
{
    const json_t *obj = at(r, &line);
    const char *type = script_word(r, &line);
    const char *status = script_word(r, &line), *reason = script_rest(&line);
    const json_t *cond = meta_condition(obj, type);
    if (!strcmp(status, "none")
            ? cond != NULL
            : strcmp(json_str_or_empty(cond, "status"), status) ||
                  (*reason && strcmp(json_str_or_empty(cond, "reason"), reason)))
        FAIL(r, "condition is %s '%s'", json_str_or_empty(cond, "status"),
             json_str_or_empty(cond, "reason"));
}

static void do_gone(struct run *r, char *line)
{
    const char *kind = script_word(r, &line);
    if (peek(r, kind, script_word(r, &line)))
        FAIL(r, "it is there");
}

static void do_there(struct run *r, char *line)
{
    at(r, &line);
}

static void do_count(struct run *r, char *line)
{
    struct api_resource res = resource(r, script_word(r, &line));
    AUTO(json) json_t *all = apiserver_peek_all(r->server, res.group, res.plural, "default");
    if (json_array_size(all) != strtoul(script_rest(&line), NULL, 10))
        FAIL(r, "there are %zu", json_array_size(all));
}

static void do_event(struct run *r, char *line)
{
    AUTO(json) json_t *all = apiserver_peek_all(r->server, "", "events", "default");
    const char *reason = script_word(r, &line);
    int64_t count = 0;
    size_t i;
    json_t *event;
    json_array_foreach(all, i, event)
    {
        if (!strcmp(json_str_or_empty(event, "reason"), reason))
            count += json_int(event, "count", 1);
    }
    if (count != strtoll(script_rest(&line), NULL, 10))
        FAIL(r, "there are %lld", (long long)count);
}

/* ---- guests and knobs ---- */

static void do_write(struct run *r, char *line)
{
    struct err e = {0};
    const char *vm = script_word(r, &line);
    uint64_t first = strtoull(script_word(r, &line), NULL, 10);
    script_check(r,
                 guest_write(r->cluster, "default", vm, NULL, first,
                             strtoull(script_rest(&line), NULL, 10), &e),
                 &e);
}

static void do_mark(struct run *r, char *line)
{
    struct err e = {0};
    const char *vm = script_word(r, &line);
    script_check(r, guest_mark(r->cluster, "default", vm, script_rest(&line), &e), &e);
}

static void compare(struct run *r, char *line, bool want)
{
    struct err e = {0};
    bool same = false;
    AUTO(str) char *why = NULL;
    const char *vm = script_word(r, &line), *moment = script_word(r, &line);
    script_check(r, guest_compare(r->cluster, "default", vm, moment, &same, &why, &e), &e);
    if (same != want || (!want && !strstr(why, script_rest(&line))))
        FAIL(r, "comparison: %s", why ? why : "same");
}

static void do_same(struct run *r, char *line)
{
    compare(r, line, true);
}

static void do_differs(struct run *r, char *line)
{
    compare(r, line, false);
}

static void do_power(struct run *r, char *line)
{
    struct err e = {0};
    const char *vm = script_word(r, &line);
    script_check(r, guest_power(r->cluster, "default", vm, script_rest(&line), &e), &e);
}

static void do_duration(struct run *r, char *line)
{
    struct err e = {0};
    const char *what = script_word(r, &line);
    script_check(r, kubevirt_set_duration(r->cluster, what, duration(r, script_rest(&line)), &e),
                 &e);
}

static void do_storage(struct run *r, char *line)
{
    struct err e = {0};
    const char *what = script_word(r, &line);
    script_check(r, storage_set_duration(r->cluster, what, duration(r, script_rest(&line)), &e),
                 &e);
}

static void do_fault(struct run *r, char *line)
{
    struct err e = {0};
    AUTO(json) json_t *rule = script_json(r, script_rest(&line));
    script_check(r, (int)fault_add(world_faults(r->world), rule, &e), &e);
}

/* A definition from a file of the tree replaces the built-in one. */
static void do_crd(struct run *r, char *line)
{
    struct diags diags = {0};
    struct err e = {0};
    AUTO(yaml) struct yaml_doc *doc = yaml_parse_file(script_rest(&line), &diags, NULL, NULL);
    if (!doc)
        FAIL(r, "%s", diags.items[0].err.msg);
    AUTO(json) json_t *crd = yaml_to_json(doc, yaml_node(doc, 0));
    script_check(r, apiserver_add_crd(r->server, crd, &e), &e);
    diags_finish(&diags);
}

static void do_virtapi(struct run *r, char *line)
{
    struct err e = {0};
    script_check(r, kubevirt_set_api_down(r->cluster, !strcmp(script_rest(&line), "down"), &e), &e);
}

static void do_virt(struct run *r, char *line)
{
    struct err e = {0};
    const char *name = script_word(r, &line);
    AUTO(json) json_t *value = script_json(r, script_rest(&line));
    int rc = kubevirt_set(r->cluster, name, value, &e);
    if (!r->want_code) {
        script_check(r, rc, &e);
        return;
    }
    r->want_code = 0;
    if (!rc || !strstr(e.msg, r->want_text))
        FAIL(r, "%s %s says: %s", name, line, rc ? e.msg : "nothing");
    err_clear(&e);
}

static void do_fail(struct run *r, char *line)
{
    struct err e = {0};
    const char *rpc = script_word(r, &line), *glob = script_word(r, &line);
    script_check(r,
                 storage_fail_next(r->cluster, rpc, glob, "Internal", "out of order",
                                   (unsigned)strtoul(script_rest(&line), NULL, 10), &e),
                 &e);
}

/* ---- the interpreter ---- */

static const struct {
    const char *name;
    void (*fn)(struct run *r, char *line);
} commands[] = {
    {"claim", do_claim},       {"vm", do_vm},
    {"snapshot", do_snapshot}, {"restore", do_restore},
    {"create", do_create},     {"refused", do_refused},
    {"call", do_call},         {"ask", do_ask},
    {"patch", do_patch},       {"patchstatus", do_patchstatus},
    {"delete", do_delete},     {"node", do_node},
    {"run", do_run},           {"is", do_is},
    {"has", do_has},           {"cond", do_cond},
    {"gone", do_gone},         {"there", do_there},
    {"count", do_count},       {"event", do_event},
    {"write", do_write},       {"mark", do_mark},
    {"same", do_same},         {"differs", do_differs},
    {"power", do_power},       {"duration", do_duration},
    {"storage", do_storage},   {"crd", do_crd},
    {"virtapi", do_virtapi},   {"fault", do_fault},
    {"fail", do_fail},         {"cause", do_cause},
    {"virt", do_virt},
};

/* Puts uids for $NAME. New. */
static char *expand(struct run *r, const char *line)
{
    static const char *const kinds[] = {"virtualmachinesnapshots", "virtualmachinerestores",
                                        "virtualmachines", "virtualmachineinstancetypes",
                                        "virtualmachinepreferences"};
    struct strbuf out = {0};
    for (const char *p = line; *p; p++) {
        if (*p != '$') {
            strbuf_addch(&out, *p);
            continue;
        }
        size_t len = strspn(p + 1, "abcdefghijklmnopqrstuvwxyz0123456789");
        AUTO(str) char *name = mem_strndup(p + 1, len);
        const json_t *obj = NULL;
        for (size_t i = 0; i < ARRAY_LEN(kinds) && !obj; i++)
            obj = peek(r, kinds[i], name);
        if (!obj)
            FAIL(r, "nothing is called '%s'", name);
        strbuf_addstr(&out, meta_uid(obj));
        p += len;
    }
    return strbuf_take(&out);
}

static void run_line(struct run *r, const char *text)
{
    AUTO(str) char *copy = expand(r, text);
    char *line = copy;
    if (!*script_rest(&line))
        return;
    const char *name = script_word(r, &line);
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (!strcmp(commands[i].name, name)) {
            commands[i].fn(r, line);
            return;
        }
    }
    if (!script_backup_command(r, name, line))
        FAIL(r, "no command '%s'", name);
}

/* Counts KubeVirt's requests and crashes it at the chosen one. */
static void on_request(void *cookie, enum request_moment moment, const struct request_info *info)
{
    struct run *r = cookie;
    if (strncmp(info->by, "main/virt-", strlen("main/virt-")))
        return;
    if (moment == REQUEST_BEFORE)
        r->requests++;
    if (r->requests != r->crash_at || (int)moment != r->crash_moment)
        return;
    struct err e = {0};
    r->crash_at = 0;
    script_check(r, kubevirt_restart(r->cluster, &e), &e);
}

struct how {
    bool provisioner, trace;
    unsigned long seed;
    unsigned crash_at;
    int crash_moment;
};

static char *run_case(const struct script_case *c, struct how how)
{
    struct err e = {0};
    struct world_config config = {.seed = how.seed ? how.seed : 7,
                                  .policy = how.seed ? POLICY_RANDOM : POLICY_ORDER,
                                  .trace = how.trace,
                                  .events_max = 2000000};
    char dir[] = "/tmp/vmconform-script-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(dir));
    config.dir = dir;
    struct run r = {.c = c, .world = world_create(&config), .moments = strmap_create()};
    r.crash_at = how.crash_at;
    r.crash_moment = how.crash_moment;
    world_on_request(r.world, on_request, &r);
    r.cluster = kcm_add_cluster(r.world, "main", &e);
    ck_assert_msg(r.cluster != NULL, "%s", e.msg);
    r.server = cluster_server(r.cluster);
    script_check(&r, storage_start(r.cluster, &e), &e);
    script_check(&r, kubevirt_start(r.cluster, &e), &e);
    if (how.provisioner)
        script_check(&r, provisioner_start(r.cluster, r.cluster, &e), &e);
    AUTO(str) char *script = mem_strdup(c->script);
    char *at_line = script, *line;
    while ((line = strsep(&at_line, "\n"))) {
        r.line++;
        run_line(&r, line);
    }
    char *text = how.trace ? mem_strdup(strbuf_str(trace_text(world_trace(r.world)))) : NULL;
    free(r.want_text);
    free(r.want_cause);
    script_forget_moments(&r);
    world_destroy(r.world);
    folder_remove(dir);
    return text;
}

void script_run(const struct script_case *c, int provisioner)
{
    run_case(c, (struct how){.provisioner = provisioner});
}

void script_run_shuffled(const struct script_case *c, unsigned long seed)
{
    run_case(c, (struct how){.seed = seed});
}

void script_run_crashing(const struct script_case *c, unsigned at, int moment)
{
    run_case(c, (struct how){.crash_at = at, .crash_moment = moment});
}

char *script_trace(const struct script_case *c)
{
    return run_case(c, (struct how){.trace = true});
}
