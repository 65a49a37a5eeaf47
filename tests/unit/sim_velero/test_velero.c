/* The simulated Velero: the order of items and actions, what becomes of operations, restores,
 * deletions, and a server that crashes. */
#include "sim/velero/velero.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "kube/meta.h"
#include "kube/time.h"
#include "sim/controllermanager/controllermanager.h"
#include "sim/storage/objectstore.h"
#include "tests/unit/quoted.h"
#include "tests/unit/suite.h"

#define NS VELERO_NAMESPACE
#define ACTIONS_MAX 4

struct stage {
    struct world *world;
    struct cluster *cluster;
    struct process *process;
    struct velero_action actions[ACTIONS_MAX];
    size_t count;
    struct strbuf said; /* "name resource/name;" for each call */
    unsigned asked, cancelled;
};

/* ---- the stage ---- */

static void send(struct stage *s, enum api_verb verb, struct api_resource r, const char *ns,
                 const char *name, const json_t *body)
{
    AUTO(response) struct api_response res = {0};
    struct api_request req = {.verb = verb,
                              .resource = r,
                              .ns = ns,
                              .name = name,
                              .body = body,
                              .patch = verb == API_PATCH ? PATCH_MERGE : PATCH_NONE,
                              .user = "admin"};

    apiserver_handle(cluster_server(s->cluster), &req, &res);
    ck_assert_msg(api_ok(&res), "%s: %s", r.plural, api_message(&res));
}

static const struct {
    const char *kind, *version;
    struct api_resource resource;
} kinds[] = {
    {"Namespace", "v1", {"", "v1", "namespaces"}},
    {"ConfigMap", "v1", {"", "v1", "configmaps"}},
    {"PersistentVolumeClaim", "v1", {"", "v1", "persistentvolumeclaims"}},
    {"PersistentVolume", "v1", {"", "v1", "persistentvolumes"}},
    {"VirtualMachine", "kubevirt.io/v1", {"kubevirt.io", "v1", "virtualmachines"}},
    {"DataUpload", "velero.io/v2alpha1", {"velero.io", "v2alpha1", "datauploads"}},
    {"Backup", "velero.io/v1", {"velero.io", "v1", "backups"}},
    {"Restore", "velero.io/v1", {"velero.io", "v1", "restores"}},
    {"DeleteBackupRequest", "velero.io/v1", {"velero.io", "v1", "deletebackuprequests"}},
    {"BackupStorageLocation", "velero.io/v1", {"velero.io", "v1", "backupstoragelocations"}},
};

static struct api_resource resource_of(const char *kind)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (strcmp(kinds[i].kind, kind) == 0)
            return kinds[i].resource;
    ck_abort_msg("no kind %s", kind);
    return kinds[0].resource;
}

static void make(struct stage *s, const char *kind, const char *ns, const char *name,
                 const char *more)
{
    AUTO(json) json_t *obj = json_object();
    AUTO(json) json_t *members = quoted(more);

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (strcmp(kinds[i].kind, kind) == 0)
            json_put_str(obj, "apiVersion", kinds[i].version);
    json_put_str(obj, "kind", kind);
    json_object_update(obj, members);
    json_put_str(obj, "metadata.name", name);
    if (ns)
        json_put_str(obj, "metadata.namespace", ns);
    send(s, API_CREATE, resource_of(kind), ns, NULL, obj);
}

static json_t *get(struct stage *s, const char *kind, const char *ns, const char *name)
{
    struct api_resource r = resource_of(kind);

    return apiserver_peek(cluster_server(s->cluster), r.group, r.plural, ns, name);
}

static const char *phase_of(struct stage *s, const char *kind, const char *name)
{
    return json_str_or_empty(get(s, kind, NS, name), "status.phase");
}

static void run_for(struct stage *s, int64_t seconds)
{
    sched_run(world_sched(s->world), world_now(s->world) + seconds * NS_PER_S);
}

static json_t *document(struct stage *s, const char *key)
{
    struct objectstore *store = objectstore_of(s->world);
    uint64_t size;
    size_t len;

    if (!objectstore_size(store, "b", key, &size))
        return NULL;
    AUTO(str) char *text = mem_zalloc((size_t)size + 1);
    ck_assert_int_eq(objectstore_read(store, "b", key, 0, text, (size_t)size, &len, NULL), 0);
    return json_read(text, len, key, NULL);
}

static void each_action(void *cookie, void (*fn)(void *arg, const struct velero_action *a),
                        void *arg)
{
    struct stage *s = cookie;

    for (size_t i = 0; i < s->count; i++)
        fn(arg, &s->actions[i]);
}

static void start(struct stage *s)
{
    s->process = process_create(world_sched(s->world), "velero");
    velero_start(&(struct velero_config){
        .cluster = s->cluster, .process = s->process, .each_action = each_action, .cookie = s});
    run_for(s, 1); /* the location is looked at first */
}

static void stage_init(struct stage *s)
{
    struct err err = {0};

    memset(s, 0, sizeof *s);
    s->world = world_create(&(struct world_config){.seed = 3, .events_max = 200000});
    s->cluster = kcm_add_cluster(s->world, "main", &err);
    ck_assert_msg(s->cluster != NULL, "%s", err.msg);
    make(s, "Namespace", NULL, NS, "{}");
    make(s, "Namespace", NULL, "shop", "{}");
    make(s, "BackupStorageLocation", NS, "default",
         "{'spec':{'provider':'aws','default':true,'objectStorage':{'bucket':'b','prefix':'p/'}}}");
    make(s, "ConfigMap", "shop", "c1", "{'data':{'a':'1'}}");
    make(s, "PersistentVolume", NULL, "pv1",
         "{'spec':{'capacity':{'storage':'1Gi'},'accessModes':['ReadWriteOnce'],"
         "'persistentVolumeReclaimPolicy':'Delete','csi':{'driver':'d','volumeHandle':'h'}}}");
    make(s, "PersistentVolumeClaim", "shop", "p1",
         "{'spec':{'accessModes':['ReadWriteOnce'],'volumeName':'pv1','resources':{'requests':{"
         "'storage':'1Gi'}}}}");
    make(s, "VirtualMachine", "shop", "vm1", "{'spec':{'runStrategy':'Halted','template':{}}}");
    make(s, "DataUpload", NS, "du1",
         "{'spec':{'snapshotType':'CSI','sourcePVC':'p1','backupStorageLocation':'default',"
         "'sourceNamespace':'shop','operationTimeout':'4h'}}");
}

static void stage_finish(struct stage *s)
{
    world_destroy(s->world);
    strbuf_finish(&s->said);
}
#define STAGE(s)                                                                                   \
    struct stage s __attribute__((cleanup(stage_finish)));                                         \
    stage_init(&s)

/* ---- actions ---- */

static int note(const struct velero_action *a, const struct velero_input *in,
                struct velero_output *out, struct err *reterr)
{
    struct stage *s = a->cookie;

    (void)out, (void)reterr;
    strbuf_addf(&s->said, "%s %s/%s;", a->name, meta_kind(in->item), meta_name(in->item));
    return 0;
}

static struct velero_action *action(struct stage *s, const char *name, enum velero_kind kind,
                                    const char *resources,
                                    int (*execute)(const struct velero_action *a,
                                                   const struct velero_input *in,
                                                   struct velero_output *out, struct err *reterr))
{
    struct velero_action *a = &s->actions[s->count++];

    *a = (struct velero_action){
        .name = name, .kind = kind, .resources = resources, .cookie = s, .execute = execute};
    return a;
}

static void back_up(struct stage *s, const char *more)
{
    AUTO(str)
    char *spec =
        mem_printf("{'spec':{'includedNamespaces':['shop'],'itemOperationTimeout':'1m'%s}}", more);

    make(s, "Backup", NS, "b1", spec);
    run_for(s, 1);
}

/* Claims before the rest of the core group, that before other groups; actions by their names. */
START_TEST(order)
{
    STAGE(s);
    action(&s, "1", VELERO_BACKUP_ACTION,
           "configmaps,persistentvolumeclaims,persistentvolumes,virtualmachines.kubevirt.io", note);
    action(&s, "2", VELERO_BACKUP_ACTION, "persistentvolumeclaims", note);
    action(&s, "3", VELERO_RESTORE_ACTION, "persistentvolumeclaims", note);
    start(&s);
    back_up(&s, "");
    ck_assert_str_eq(phase_of(&s, "Backup", "b1"), "Completed");
    ck_assert_str_eq(strbuf_str(&s.said),
                     "1 PersistentVolumeClaim/p1;2 PersistentVolumeClaim/p1;1 PersistentVolume/pv1;"
                     "1 ConfigMap/c1;1 VirtualMachine/vm1;");
}
END_TEST

/* ---- additional items ---- */

static int name_upload(const struct velero_action *a, const struct velero_input *in,
                       struct velero_output *out, struct err *reterr)
{
    (void)a, (void)reterr;
    out->additional = quoted("[{'resource':'datauploads.velero.io','namespace':'openshift-adp',"
                             "'name':'du1'},{'resource':'configmaps','namespace':'shop','name':"
                             "'gone'}]");
    (void)in;
    return 0;
}

static int must_upload(const struct velero_action *a, const struct velero_input *in,
                       struct velero_output *out, struct err *reterr)
{
    out->item = json_copy_of(in->item);
    meta_set_annotation(out->item, "backup.velero.io/must-include-additional-items", "true");
    return name_upload(a, in, out, reterr);
}

static bool has_item(const json_t *doc, const char *resource, const char *name)
{
    size_t i;
    json_t *item;

    json_array_foreach(json_object_get(doc, "items"), i, item)
    {
        if (strcmp(json_str_or_empty(item, "resource"), resource) == 0 &&
            strcmp(json_str_or_empty(item, "object.metadata.name"), name) == 0)
            return !meta_annotation(json_object_get(item, "object"),
                                    "backup.velero.io/must-include-additional-items");
    }
    return false;
}

START_TEST(additional)
{
    STAGE(s);
    action(&s, "1", VELERO_BACKUP_ACTION, "virtualmachines.kubevirt.io",
           _i ? must_upload : name_upload);
    start(&s);
    back_up(&s, "");
    AUTO(json) json_t *doc = document(&s, "p/backups/b1/b1.json");

    ck_assert_str_eq(phase_of(&s, "Backup", "b1"), "Completed");
    ck_assert(has_item(doc, "virtualmachines.kubevirt.io", "vm1"));
    ck_assert(has_item(doc, "datauploads.velero.io", "du1") == (_i == 1));
    /* What is named and not there is a warning. */
    ck_assert_int_eq(json_int(get(&s, "Backup", NS, "b1"), "status.warnings", -1), 1);
}
END_TEST

/* ---- operations ---- */

static int begin(const struct velero_action *a, const struct velero_input *in,
                 struct velero_output *out, struct err *reterr)
{
    out->operation = mem_strdup("op");
    return note(a, in, out, reterr);
}

enum behaviour { DONE, DONE_LATER, DONE_BADLY, PROGRESS_FAILS, NOT_YET_WITH_ERROR, NEVER };

static enum behaviour behaviour;

static int progress(const struct velero_action *a, const char *operation, const json_t *owner,
                    struct velero_progress *ret, struct err *reterr)
{
    struct stage *s = a->cookie;

    ck_assert_str_eq(operation, "op");
    ck_assert_str_eq(meta_name(owner), "b1");
    s->asked++;
    if (behaviour == PROGRESS_FAILS)
        return err_set(reterr, ERR_IO, NO_POS, "no answer");
    ret->completed =
        behaviour == DONE || behaviour == DONE_BADLY || (behaviour == DONE_LATER && s->asked > 3);
    if (behaviour == DONE_BADLY || behaviour == NOT_YET_WITH_ERROR)
        ret->error = mem_strdup("said so");
    return 0;
}

static int cancel(const struct velero_action *a, const char *operation, const json_t *owner,
                  struct err *reterr)
{
    (void)operation, (void)owner;
    ((struct stage *)a->cookie)->cancelled++;
    return err_set(reterr, ERR_IO, NO_POS, "this is lost");
}

static const struct {
    const char *name;
    enum behaviour behaviour;
    const char *phase, *error;
    unsigned asked, cancelled;
} operations[] = {
    {"done", DONE, "Completed", NULL, 1, 0},
    {"done later", DONE_LATER, "Completed", NULL, 4, 0},
    {"done badly", DONE_BADLY, "PartiallyFailed", "said so", 1, 0},
    {"progress fails", PROGRESS_FAILS, "PartiallyFailed", "no answer", 1, 0},
    {"an error of one that goes on is no end", NOT_YET_WITH_ERROR, "PartiallyFailed",
     "Asynchronous action timed out", 8, 1},
    {"never", NEVER, "PartiallyFailed", "Asynchronous action timed out", 8, 1},
};

START_TEST(operation)
{
    STAGE(s);
    struct velero_action *a =
        action(&s, "1", VELERO_BACKUP_ACTION, "virtualmachines.kubevirt.io", begin);
    const char *error;

    a->progress = progress;
    a->cancel = cancel;
    behaviour = operations[_i].behaviour;
    start(&s);
    back_up(&s, "");
    run_for(&s, 600);
    AUTO(json) json_t *doc = document(&s, "p/backups/b1/b1-itemoperations.json");

    error = json_str(json_array_get(json_object_get(doc, "operations"), 0), "error");
    ck_assert_msg(strcmp(phase_of(&s, "Backup", "b1"), operations[_i].phase) == 0, "%s: %s",
                  operations[_i].name, phase_of(&s, "Backup", "b1"));
    ck_assert_msg(s.asked == operations[_i].asked && s.cancelled == operations[_i].cancelled,
                  "%s: asked %u, cancelled %u", operations[_i].name, s.asked, s.cancelled);
    ck_assert_msg((error != NULL) == (operations[_i].error != NULL), "%s: %s", operations[_i].name,
                  error);
    ck_assert_msg(!error || strstr(error, operations[_i].error), "%s: %s", operations[_i].name,
                  error);
}
END_TEST

/* A server that starts again goes on polling what it finds. */
START_TEST(restart)
{
    STAGE(s);
    struct velero_action *a =
        action(&s, "1", VELERO_BACKUP_ACTION, "virtualmachines.kubevirt.io", begin);

    a->progress = progress;
    behaviour = DONE_LATER;
    start(&s);
    back_up(&s, "");
    ck_assert_str_eq(phase_of(&s, "Backup", "b1"), "WaitingForPluginOperations");
    process_crash(s.process);
    start(&s);
    run_for(&s, 60);
    ck_assert_str_eq(phase_of(&s, "Backup", "b1"), "Completed");
    ck_assert_uint_eq(s.asked, 4);
}
END_TEST

static int refuse(const struct velero_action *a, const struct velero_input *in,
                  struct velero_output *out, struct err *reterr)
{
    note(a, in, out, NULL);
    out->item = json_object(); /* lost with the error */
    return err_set(reterr, ERR_IO, NO_POS, "not today");
}

START_TEST(item_error)
{
    STAGE(s);
    action(&s, "1", VELERO_BACKUP_ACTION, "configmaps", refuse);
    action(&s, "2", VELERO_BACKUP_ACTION, "configmaps", note);
    start(&s);
    back_up(&s, "");
    AUTO(json) json_t *doc = document(&s, "p/backups/b1/b1.json");

    ck_assert_str_eq(phase_of(&s, "Backup", "b1"), "PartiallyFailed");
    ck_assert_str_eq(strbuf_str(&s.said), "1 ConfigMap/c1;");
    ck_assert(!has_item(doc, "configmaps", "c1") &&
              has_item(doc, "virtualmachines.kubevirt.io", "vm1"));
}
END_TEST

/* ---- restores and deletions ---- */

static int skip_vm(const struct velero_action *a, const struct velero_input *in,
                   struct velero_output *out, struct err *reterr)
{
    ck_assert_str_eq(meta_namespace(in->item), "shop");
    ck_assert_str_eq(meta_name(in->item_from_backup), meta_name(in->item));
    ck_assert(*meta_uid(in->item_from_backup) && !*meta_uid(in->item));
    out->skip = strcmp(meta_kind(in->item), "VirtualMachine") == 0;
    return note(a, in, out, reterr);
}

START_TEST(restore_all)
{
    STAGE(s);
    action(&s, "1", VELERO_RESTORE_ACTION,
           "configmaps,persistentvolumeclaims,virtualmachines.kubevirt.io", skip_vm);
    start(&s);
    back_up(&s, "");
    make(&s, "Restore", NS, "r1",
         "{'spec':{'backupName':'b1','namespaceMapping':{'shop':'copy'}}}");
    run_for(&s, 1);
    ck_assert_str_eq(phase_of(&s, "Restore", "r1"), "Completed");
    ck_assert(json_str(get(&s, "Restore", NS, "r1"), "status.startTimestamp") != NULL);
    ck_assert_str_eq(strbuf_str(&s.said),
                     "1 PersistentVolumeClaim/p1;1 ConfigMap/c1;1 VirtualMachine/vm1;");
    ck_assert(get(&s, "ConfigMap", "copy", "c1") && !get(&s, "VirtualMachine", "copy", "vm1"));
    /* Its volume would have ended with it. */
    ck_assert_ptr_null(
        json_path(get(&s, "PersistentVolumeClaim", "copy", "p1"), "spec.volumeName"));
}
END_TEST

START_TEST(delete_all)
{
    STAGE(s);
    action(&s, "1", VELERO_DELETE_ACTION, "configmaps,virtualmachines.kubevirt.io", refuse);
    start(&s);
    back_up(&s, "");
    make(&s, "Restore", NS, "r1", "{'spec':{'backupName':'b1'}}");
    run_for(&s, 1);
    make(&s, "DeleteBackupRequest", NS, "d1", "{'spec':{'backupName':'b1'}}");
    run_for(&s, 1);
    AUTO(json) json_t *keys = objectstore_list(objectstore_of(s.world), "b", "");

    ck_assert_str_eq(strbuf_str(&s.said), "1 ConfigMap/c1;1 VirtualMachine/vm1;");
    ck_assert(!get(&s, "Backup", NS, "b1") && !get(&s, "Restore", NS, "r1") &&
              !get(&s, "DeleteBackupRequest", NS, "d1"));
    ck_assert_uint_eq(json_array_size(keys), 0);
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN("velero",
                      SUITE_CASE("backup", TEST(order), RANGE(additional, 0, 2),
                                 EACH(operation, operations), TEST(restart), TEST(item_error)),
                      SUITE_CASE("after", TEST(restore_all), TEST(delete_all)));
}
