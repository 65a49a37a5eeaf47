#include "tests/unit/sim_storage/stage.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "kube/time.h"
#include "sim/controllermanager/controllermanager.h"

static const struct api_resource nodes = {"", "v1", "nodes"};

static const struct kind {
    const char *word, *kind, *api_version;
    const struct api_resource *resource;
} kinds[] = {
    {"pvc", "PersistentVolumeClaim", "v1", &LOOP_CLAIMS},
    {"pv", "PersistentVolume", "v1", &LOOP_VOLUMES},
    {"pod", "Pod", "v1", &LOOP_PODS},
    {"node", "Node", "v1", &nodes},
    {"sc", "StorageClass", "storage.k8s.io/v1", &LOOP_CLASSES},
    {"vs", "VolumeSnapshot", "snapshot.storage.k8s.io/v1", &LOOP_SNAPSHOTS},
    {"vsc", "VolumeSnapshotContent", "snapshot.storage.k8s.io/v1", &LOOP_CONTENTS},
    {"vsclass", "VolumeSnapshotClass", "snapshot.storage.k8s.io/v1", &LOOP_SNAPSHOT_CLASSES},
};

struct target {
    const struct kind *kind;
    char ns[LOOP_PART], name[LOOP_PART];
};

static void open_with(struct stage *st, const struct world_config *config)
{
    AUTO(err) struct err err = {0};
    st->world = world_create(config);
    st->cluster = kcm_add_cluster(st->world, "main", &err);
    ck_assert_msg(st->cluster != NULL, "%s", err.msg);
    ck_assert_msg(storage_start(st->cluster, &err) == 0, "%s", err.msg);
    ck_assert_msg(kubelet_start(st->cluster, &err) == 0, "%s", err.msg);
    stage_settle(st, "start");
}

void stage_open(struct stage *st, const char *dir, bool can_mount)
{
    open_with(
        st,
        &(struct world_config){
            .seed = 7, .trace = true, .events_max = 200000, .dir = dir, .can_mount = can_mount});
}

void stage_open_random(struct stage *st, uint64_t seed)
{
    open_with(st,
              &(struct world_config){.seed = seed, .policy = POLICY_RANDOM, .events_max = 200000});
}

void stage_close(struct stage *st)
{
    world_destroy(st->world);
}

void stage_run(struct stage *st, int64_t ns)
{
    sched_run(world_sched(st->world), world_now(st->world) + ns);
}

void stage_settle(struct stage *st, const char *row)
{
    enum sched_stop stop = sched_run(world_sched(st->world), world_now(st->world) + 600 * NS_PER_S);
    ck_assert_msg(stop == SCHED_STOP_IDLE, "%s: the world does not come to rest (%d)", row,
                  (int)stop);
}

json_t *stage_json(const char *text)
{
    AUTO(str) char *copy = mem_strdup(text);
    AUTO(err) struct err err = {0};
    for (char *p = copy; *p; p++) {
        if (*p == '\'')
            *p = '"';
    }
    json_t *v = json_read(copy, strlen(copy), "test", &err);
    ck_assert_msg(v != NULL, "%s: %s", err.msg, text);
    return v;
}

static struct target parse(const char *what)
{
    struct target t = {0};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (simloop_key_is(what, kinds[i].word, t.ns, t.name)) {
            t.kind = &kinds[i];
            return t;
        }
    }
    ck_abort_msg("what is %s?", what);
}

json_t *stage_get(struct stage *st, const char *what)
{
    struct target t = parse(what);
    return apiserver_peek(cluster_server(st->cluster), t.kind->resource->group,
                          t.kind->resource->plural, *t.ns ? t.ns : NULL, t.name);
}

static int send(struct stage *st, const struct api_request *req, json_t **ret_status)
{
    AUTO(response) struct api_response answer = {0};
    apiserver_handle(cluster_server(st->cluster), req, &answer);
    if (ret_status)
        *ret_status = json_incref(answer.body);
    return api_ok(&answer) ? 0 : -1;
}

int stage_create(struct stage *st, const char *what, const json_t *obj, json_t **ret_status)
{
    struct target t = parse(what);
    AUTO(json) json_t *copy = json_copy_of(obj);
    json_put_str(copy, "apiVersion", t.kind->api_version);
    json_put_str(copy, "kind", t.kind->kind);
    json_put_str(copy, "metadata.name", t.name);
    if (*t.ns)
        json_put_str(copy, "metadata.namespace", t.ns);
    struct api_request req = {
        .verb = API_CREATE, .resource = *t.kind->resource, .ns = *t.ns ? t.ns : NULL, .body = copy};
    return send(st, &req, ret_status);
}

int stage_merge(struct stage *st, const char *what, const char *sub, const char *patch,
                json_t **ret_status)
{
    struct target t = parse(what);
    AUTO(json) json_t *body = stage_json(patch);
    struct api_request req = {.verb = API_PATCH,
                              .resource = *t.kind->resource,
                              .subresource = sub,
                              .ns = *t.ns ? t.ns : NULL,
                              .name = t.name,
                              .body = body,
                              .patch = PATCH_MERGE};
    return send(st, &req, ret_status);
}

void stage_delete(struct stage *st, const char *what)
{
    struct target t = parse(what);
    struct api_request req = {.verb = API_DELETE,
                              .resource = *t.kind->resource,
                              .ns = *t.ns ? t.ns : NULL,
                              .name = t.name};
    AUTO(json) json_t *status = NULL;
    ck_assert_msg(send(st, &req, &status) == 0, "delete %s: %s", what,
                  json_str_or_empty(status, "message"));
}

bool stage_event(struct stage *st, const char *name, const char *reason, const char *text)
{
    AUTO(json) json_t *events = apiserver_peek_all(cluster_server(st->cluster), "", "events", NULL);
    size_t i;
    json_t *event;
    json_array_foreach(events, i, event)
    {
        if (!strcmp(json_str_or_empty(event, "involvedObject.name"), name) &&
            !strcmp(json_str_or_empty(event, "reason"), reason) &&
            strstr(json_str_or_empty(event, "message"), text))
            return true;
    }
    return false;
}

/* ---- steps ---- */

static char *text_at(const json_t *obj, const char *path)
{
    const json_t *v = json_path(obj, path);
    if (json_is_string(v))
        return mem_strdup(json_string_value(v));
    return v ? json_text(v) : mem_strdup("(absent)");
}

static void do_write(struct stage *st, const char *row, const struct step *s)
{
    AUTO(json) json_t *status = NULL;
    bool refused = s->op == REFUSED || s->op == REFUSED_PATCH;
    int rc;
    if (s->op == CREATE || s->op == REFUSED) {
        AUTO(json) json_t *obj = stage_json(s->text);
        rc = stage_create(st, s->what, obj, &status);
    } else {
        rc = stage_merge(st, s->what, s->op == STATUS ? "status" : NULL, s->text, &status);
    }
    const char *message = json_str_or_empty(status, "message");
    ck_assert_msg((rc < 0) == refused, "%s: write of %s: %s", row, s->what, message);
    if (refused)
        ck_assert_msg(strstr(message, s->path) != NULL, "%s: %s: says '%s'", row, s->what, message);
}

static void do_look(struct stage *st, const char *row, const struct step *s)
{
    const json_t *obj = stage_get(st, s->what);
    if (s->op == GONE) {
        AUTO(str) char *left = obj ? json_text(obj) : NULL;
        ck_assert_msg(!obj, "%s: %s is still there: %s", row, s->what, left);
        return;
    }
    ck_assert_msg(obj != NULL, "%s: %s is not there", row, s->what);
    AUTO(str) char *all = json_text(obj);
    if (s->op == IS) {
        AUTO(str) char *got = text_at(obj, s->path);
        ck_assert_msg(!strcmp(got, s->text), "%s: %s %s is %s, wanted %s\n%s", row, s->what,
                      s->path, got, s->text, all);
    } else if (s->op == ANNOTATED) {
        const char *got = meta_annotation(obj, s->path);
        ck_assert_msg(s->text ? got && !strcmp(got, s->text) : !got, "%s: %s annotation %s is %s",
                      row, s->what, s->path, got ? got : "(absent)");
    } else if (s->op == DELETING) {
        ck_assert_msg(meta_deleting(obj), "%s: %s is not being deleted", row, s->what);
    } else {
        ck_assert_msg(meta_has_finalizer(obj, s->text) == (s->op == HAS_FINALIZER),
                      "%s: %s finalizer %s: %s", row, s->what, s->text, all);
    }
}

static void do_step(struct stage *st, const char *row, const struct step *s)
{
    int64_t ns = 0;
    AUTO(err) struct err err = {0};
    switch (s->op) {
    case CREATE:
    case PATCH:
    case STATUS:
    case REFUSED:
    case REFUSED_PATCH:
        do_write(st, row, s);
        break;
    case DELETE:
        stage_delete(st, s->what);
        break;
    case SETTLE:
        stage_settle(st, row);
        break;
    case RUN:
        ck_assert(duration_parse(s->text, &ns));
        stage_run(st, ns);
        break;
    case EVENT:
        ck_assert_msg(stage_event(st, s->what, s->path, s->text), "%s: no event %s about %s: %s",
                      row, s->path, s->what, s->text);
        break;
    case FAIL:
    case FAIL_ONCE:
        ck_assert_msg(storage_fail_next(st->cluster, s->what, s->text, s->path, "told to",
                                        s->op == FAIL ? 2 : 1, &err) == 0,
                      "%s", err.msg);
        break;
    case DOWN:
    case UP:
        ck_assert_msg(storage_set_down(st->cluster, s->what, s->op == DOWN, &err) == 0, "%s",
                      err.msg);
        break;
    case IS:
    case HAS_FINALIZER:
    case LACKS_FINALIZER:
    case ANNOTATED:
    case GONE:
    case DELETING:
        do_look(st, row, s);
        break;
    case END:
        break;
    }
}

void stage_steps(struct stage *st, const char *row, const struct step *steps)
{
    for (const struct step *s = steps; s->op != END; s++)
        do_step(st, row, s);
}
