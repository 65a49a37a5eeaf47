#include "sim/storage/storage.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "kube/time.h"
#include "sim/storage/storage_priv.h"

#define PV_CONTROLLER_USER "system:serviceaccount:kube-system:persistent-volume-binder"
#define CLAIM_PROTECTION_USER "system:serviceaccount:kube-system:pvc-protection-controller"
#define VOLUME_PROTECTION_USER "system:serviceaccount:kube-system:pv-protection-controller"
#define PROVISIONER_USER "system:serviceaccount:kube-system:csi-provisioner"
#define RESIZER_USER "system:serviceaccount:kube-system:csi-resizer"
#define SNAPSHOT_USER "system:serviceaccount:kube-system:snapshot-controller"
#define SIDECAR_USER "system:serviceaccount:kube-system:csi-snapshotter"

static const struct {
    const char *name;
    int64_t ns;
} durations[DURATION_COUNT] = {
    [DURATION_PROVISION] = {"provision", 1 * NS_PER_S},
    [DURATION_DELETE] = {"delete", 0},
    [DURATION_SNAPSHOT] = {"snapshot", 2 * NS_PER_S},
    [DURATION_SNAPSHOT_READY] = {"snapshot-ready", 0},
    [DURATION_RESIZE] = {"resize", 1 * NS_PER_S},
};

struct storage *storage_of(const struct cluster *c)
{
    return cluster_part(c, "storage");
}

/* ---- who looks at what ---- */

static void list_volumes_and_claims(void *cookie, struct simloop *l)
{
    queue_all(cookie, l, &LOOP_CLAIMS, "claim");
    queue_all(cookie, l, &LOOP_VOLUMES, "volume");
}

static void list_volumes(void *cookie, struct simloop *l)
{
    queue_all(cookie, l, &LOOP_VOLUMES, "volume");
}

static void list_claims(void *cookie, struct simloop *l)
{
    queue_all(cookie, l, &LOOP_CLAIMS, "claim");
}

static void list_snapshots(void *cookie, struct simloop *l)
{
    queue_all(cookie, l, &LOOP_SNAPSHOTS, "snapshot");
    queue_all(cookie, l, &LOOP_CONTENTS, "content");
}

static void list_contents(void *cookie, struct simloop *l)
{
    queue_all(cookie, l, &LOOP_CONTENTS, "content");
}

static const struct simloop_config loops[LOOP_COUNT] = {
    [LOOP_BINDER] = {"persistent-volume-binder", PV_CONTROLLER_USER, "persistentvolume-controller",
                     binder_reconcile, list_volumes_and_claims, NULL},
    [LOOP_PROTECTION] = {"pvc-protection-controller", CLAIM_PROTECTION_USER, NULL,
                         claim_protection_reconcile, list_claims, NULL},
    [LOOP_VOLUME_PROTECTION] = {"pv-protection-controller", VOLUME_PROTECTION_USER, NULL,
                                volume_protection_reconcile, list_volumes, NULL},
    [LOOP_PROVISIONER] = {"external-provisioner", PROVISIONER_USER, STORAGE_DRIVER,
                          provisioner_reconcile, list_volumes_and_claims, NULL},
    [LOOP_RESIZER] = {"external-resizer", RESIZER_USER, "external-resizer " STORAGE_DRIVER,
                      resizer_reconcile, list_claims, NULL},
    [LOOP_SNAPSHOT] = {"snapshot-controller", SNAPSHOT_USER, "snapshot-controller",
                       snapshot_reconcile, list_snapshots, NULL},
    [LOOP_SIDECAR] = {"csi-snapshotter", SIDECAR_USER, "csi-snapshotter " STORAGE_DRIVER,
                      sidecar_reconcile, list_contents, NULL},
};

/* ---- changes wake the loops ---- */

/* Claims that still wait for a volume: what else may have changed for them is theirs to find out.
 */
static void wake_unbound(struct storage *st, struct simloop *l)
{
    AUTO(json)
    json_t *claims = apiserver_peek_all(cluster_server(st->cluster), "", LOOP_CLAIMS.plural, NULL);
    size_t i;
    json_t *claim;
    json_array_foreach(claims, i, claim)
    {
        if (!meta_annotation(claim, ANN_BIND_COMPLETED))
            simloop_add_object(l, "claim", claim);
    }
}

/* Snapshots wait for their claim to be bound, and for claims that restore them. */
static void wake_snapshots(struct storage *st, const json_t *claim)
{
    const char *restored = json_str_or_empty(claim, "spec.dataSource.name");
    AUTO(json)
    json_t *snapshots = apiserver_peek_all(cluster_server(st->cluster), LOOP_SNAPSHOTS.group,
                                           LOOP_SNAPSHOTS.plural, meta_namespace(claim));
    size_t i;
    json_t *snapshot;
    json_array_foreach(snapshots, i, snapshot)
    {
        const char *source = json_str_or_empty(snapshot, "spec.source.persistentVolumeClaimName");
        if (!strcmp(source, meta_name(claim)) || !strcmp(restored, meta_name(snapshot)))
            simloop_add_object(st->loops[LOOP_SNAPSHOT], "snapshot", snapshot);
    }
}

static void claim_changed(struct storage *st, const struct store_change *ch)
{
    simloop_add_object(st->loops[LOOP_BINDER], "claim", ch->object);
    simloop_add_object(st->loops[LOOP_PROVISIONER], "claim", ch->object);
    if (ch->type == EVENT_DELETED) {
        simloop_add(st->loops[LOOP_PROVISIONER], "sweep/%s", ch->ns);
    } else {
        simloop_add_object(st->loops[LOOP_PROTECTION], "claim", ch->object);
        simloop_add_object(st->loops[LOOP_RESIZER], "claim", ch->object);
    }
    const char *volume = json_str_or_empty(ch->object, "spec.volumeName");
    if (*volume)
        simloop_add(st->loops[LOOP_BINDER], "volume/%s", volume);
    /* Another claim may wait to be a clone of this one. */
    if (claim_is_bound(ch->object) && (!ch->old || !claim_is_bound(ch->old)))
        wake_unbound(st, st->loops[LOOP_PROVISIONER]);
    wake_snapshots(st, ch->object);
}

static void volume_changed(struct storage *st, const struct store_change *ch)
{
    simloop_add_object(st->loops[LOOP_BINDER], "volume", ch->object);
    if (ch->type != EVENT_DELETED) {
        simloop_add_object(st->loops[LOOP_VOLUME_PROTECTION], "volume", ch->object);
        simloop_add_object(st->loops[LOOP_PROVISIONER], "volume", ch->object);
    }
    const char *ns = json_str_or_empty(ch->object, "spec.claimRef.namespace");
    const char *claim = json_str_or_empty(ch->object, "spec.claimRef.name");
    if (*claim)
        simloop_add(st->loops[LOOP_BINDER], "claim/%s/%s", ns, claim);
    /* A volume that nobody holds may be what some pending claim waits for. */
    if (!*claim || ch->type == EVENT_DELETED)
        wake_unbound(st, st->loops[LOOP_BINDER]);
}

static void pod_changed(struct storage *st, const struct store_change *ch)
{
    size_t i;
    json_t *volume;
    json_array_foreach(json_path(ch->object, "spec.volumes"), i, volume)
    {
        const char *claim = json_str_or_empty(volume, "persistentVolumeClaim.claimName");
        if (!*claim)
            continue;
        simloop_add(st->loops[LOOP_PROTECTION], "claim/%s/%s", ch->ns, claim);
        simloop_add(st->loops[LOOP_BINDER], "claim/%s/%s", ch->ns, claim);
    }
}

static void snapshot_changed(struct storage *st, const struct store_change *ch)
{
    simloop_add_object(st->loops[LOOP_SNAPSHOT], "snapshot", ch->object);
    const char *content = json_str_or_empty(ch->object, "status.boundVolumeSnapshotContentName");
    if (*content) {
        simloop_add(st->loops[LOOP_SNAPSHOT], "content/%s", content);
        simloop_add(st->loops[LOOP_SIDECAR], "content/%s", content);
    }
    wake_unbound(st, st->loops[LOOP_PROVISIONER]); /* restores that wait for it */
}

static void content_changed(struct storage *st, const struct store_change *ch)
{
    simloop_add_object(st->loops[LOOP_SNAPSHOT], "content", ch->object);
    simloop_add_object(st->loops[LOOP_SIDECAR], "content", ch->object);
    const char *ns = json_str_or_empty(ch->object, "spec.volumeSnapshotRef.namespace");
    const char *name = json_str_or_empty(ch->object, "spec.volumeSnapshotRef.name");
    if (*name)
        simloop_add(st->loops[LOOP_SNAPSHOT], "snapshot/%s/%s", ns, name);
}

static void class_changed(struct storage *st, const struct store_change *ch)
{
    (void)ch;
    wake_unbound(st, st->loops[LOOP_BINDER]);
}

static void snapshot_class_changed(struct storage *st, const struct store_change *ch)
{
    (void)ch;
    list_snapshots(st, st->loops[LOOP_SNAPSHOT]);
}

static const struct {
    const struct api_resource *resource;
    void (*changed)(struct storage *st, const struct store_change *ch);
} watched[] = {
    {&LOOP_CLAIMS, claim_changed},
    {&LOOP_VOLUMES, volume_changed},
    {&LOOP_PODS, pod_changed},
    {&LOOP_CLASSES, class_changed},
    {&LOOP_SNAPSHOTS, snapshot_changed},
    {&LOOP_CONTENTS, content_changed},
    {&LOOP_SNAPSHOT_CLASSES, snapshot_class_changed},
};

static void on_change(void *cookie, struct cluster *c, const struct store_change *ch)
{
    struct storage *st = cookie;
    if (c != st->cluster)
        return;
    for (size_t i = 0; i < ARRAY_LEN(watched); i++) {
        if (!strcmp(ch->plural, watched[i].resource->plural) &&
            !strcmp(ch->group, watched[i].resource->group)) {
            watched[i].changed(st, ch);
            return;
        }
    }
}

/* ---- life ---- */

static void destroy_volume(void *v)
{
    volume_destroy(v);
}

static void storage_destroy(void *part)
{
    struct storage *st = part;
    for (size_t i = 0; i < LOOP_COUNT; i++)
        simloop_destroy(st->loops[i]);
    strmap_destroy(st->calls, csi_call_free);
    strmap_destroy(st->snapshots, snapshot_free);
    strmap_destroy(st->volumes, destroy_volume);
    for (size_t i = 0; i < st->fail_count; i++)
        csi_fail_free(st->fails[i]);
    free(st->fails);
    for (size_t i = 0; i < st->limit_count; i++)
        free(st->limits[i].glob);
    free(st->limits);
    free(st);
}

static int create_if_absent(struct cluster *c, const struct api_resource *r, const json_t *obj,
                            struct err *reterr)
{
    if (apiserver_peek(cluster_server(c), r->group, r->plural, NULL, meta_name(obj)))
        return 0;
    struct api_request req = {.verb = API_CREATE, .resource = *r, .body = obj};
    AUTO(response) struct api_response answer = {0};
    apiserver_handle(cluster_server(c), &req, &answer);
    if (!api_ok(&answer))
        return err_set(reterr, ERR_INTERNAL, NO_POS, "cannot create %s '%s': %s", meta_kind(obj),
                       meta_name(obj), api_message(&answer));
    return 0;
}

static json_t *make_class(const char *api_version, const char *kind, const char *name,
                          const char *default_mark)
{
    json_t *class = json_object();
    json_put_str(class, "apiVersion", api_version);
    json_put_str(class, "kind", kind);
    json_put_str(class, "metadata.name", name);
    meta_set_annotation(class, default_mark, "true");
    return class;
}

static int create_classes(struct cluster *c, struct err *reterr)
{
    AUTO(json)
    json_t *class = make_class("storage.k8s.io/v1", "StorageClass", "standard", ANN_DEFAULT_CLASS);
    json_put_str(class, "provisioner", STORAGE_DRIVER);
    json_put_str(class, "reclaimPolicy", "Delete");
    json_put_str(class, "volumeBindingMode", "Immediate");
    json_put_take(class, "allowVolumeExpansion", json_true());
    if (create_if_absent(c, &LOOP_CLASSES, class, reterr) < 0)
        return -1;
    AUTO(json)
    json_t *snapshots = make_class("snapshot.storage.k8s.io/v1", "VolumeSnapshotClass",
                                   "standard-snapshots", ANN_DEFAULT_SNAPSHOT_CLASS);
    json_put_str(snapshots, "driver", STORAGE_DRIVER);
    json_put_str(snapshots, "deletionPolicy", "Delete");
    return create_if_absent(c, &LOOP_SNAPSHOT_CLASSES, snapshots, reterr);
}

int storage_start(struct cluster *c, struct err *reterr)
{
    assert(!storage_of(c));
    struct storage *st = mem_zalloc(sizeof *st);
    st->cluster = c;
    st->volumes = strmap_create();
    st->snapshots = strmap_create();
    st->calls = strmap_create();
    for (size_t i = 0; i < DURATION_COUNT; i++)
        st->durations[i] = durations[i].ns;
    cluster_attach(c, "storage", st, storage_destroy);
    storage_install_admission(st);
    for (size_t i = 0; i < LOOP_COUNT; i++) {
        struct simloop_config config = loops[i];
        config.cookie = st;
        st->loops[i] = simloop_create(c, &config);
    }
    world_on_change(cluster_world(c), on_change, st);
    return create_classes(c, reterr);
}

/* ---- looking in ---- */

static struct volume *storage_volume_by_pv(const struct cluster *c, const char *pv)
{
    struct storage *st = storage_of(c);
    const json_t *obj = apiserver_peek(cluster_server(c), "", LOOP_VOLUMES.plural, NULL, pv);
    return st && obj ? volume_of_pv(st, obj) : NULL;
}

struct volume *storage_volume(const struct cluster *c, const char *ns, const char *claim)
{
    const json_t *obj = apiserver_peek(cluster_server(c), "", LOOP_CLAIMS.plural, ns, claim);
    if (!obj || !claim_is_bound(obj))
        return NULL;
    return storage_volume_by_pv(c, json_str_or_empty(obj, "spec.volumeName"));
}

bool storage_snapshot_moment(const struct cluster *c, const char *content_name,
                             struct disk_model **ret_disk, const char **ret_checkpoint)
{
    struct storage *st = storage_of(c);
    const json_t *content = apiserver_peek(cluster_server(c), LOOP_CONTENTS.group,
                                           LOOP_CONTENTS.plural, NULL, content_name);
    if (!st || !content || !json_bool(content, "status.readyToUse", false))
        return false;
    struct snapshot *snap =
        strmap_get(st->snapshots, json_str_or_empty(content, "status.snapshotHandle"));
    if (!snap)
        return false;
    *ret_disk = volume_disk(snap->source);
    *ret_checkpoint = disk_moment_name(snap->moment);
    return true;
}

/* ---- knobs ---- */

void storage_limit_next(struct cluster *c, const char *claim_glob, uint64_t bytes)
{
    struct storage *st = storage_of(c);
    assert(st);
    st->limits = mem_grow(st->limits, &st->limit_cap, st->limit_count + 1, sizeof *st->limits);
    st->limits[st->limit_count++] =
        (struct limit_rule){.glob = mem_strdup(claim_glob), .bytes = bytes};
}

int storage_set_duration(struct cluster *c, const char *what, int64_t ns, struct err *reterr)
{
    struct storage *st = storage_of(c);
    const char *names[DURATION_COUNT];
    assert(st);
    for (size_t i = 0; i < DURATION_COUNT; i++) {
        names[i] = durations[i].name;
        if (!strcmp(what, names[i])) {
            if (ns < 0)
                return err_set(reterr, ERR_INVALID, NO_POS, "the duration of '%s' is negative",
                               what);
            st->durations[i] = ns;
            return 0;
        }
    }
    err_set(reterr, ERR_INVALID, NO_POS, "storage has no duration '%s'", what);
    return err_suggest(reterr, what, names, DURATION_COUNT, NULL);
}

int storage_fail_next(struct cluster *c, const char *rpc, const char *glob, const char *code,
                      const char *text, unsigned times, struct err *reterr)
{
    static const char *const rpcs[] = {"CreateVolume", "DeleteVolume", "CreateSnapshot",
                                       "DeleteSnapshot", "ControllerExpandVolume"};
    struct storage *st = storage_of(c);
    assert(st);
    for (size_t i = 0; i < ARRAY_LEN(rpcs); i++) {
        if (strcmp(rpc, rpcs[i]))
            continue;
        struct fail_rule *rule = mem_zalloc(sizeof *rule);
        rule->rpc = mem_strdup(rpc);
        rule->glob = mem_strdup(glob);
        rule->code = mem_strdup(code);
        rule->text = mem_strdup(text);
        rule->left = times;
        st->fails =
            mem_grow(st->fails, &st->fail_cap, st->fail_count + 1, sizeof(struct fail_rule *));
        st->fails[st->fail_count++] = rule;
        return 0;
    }
    err_set(reterr, ERR_INVALID, NO_POS, "the driver has no call '%s'", rpc);
    return err_suggest(reterr, rpc, rpcs, ARRAY_LEN(rpcs), NULL);
}

void storage_fail_clear(struct cluster *c)
{
    struct storage *st = storage_of(c);
    assert(st);
    for (size_t i = 0; i < st->fail_count; i++)
        st->fails[i]->spent = true;
    for (size_t i = 0; i < LOOP_COUNT; i++)
        loops[i].list(st, st->loops[i]);
}

int storage_set_down(struct cluster *c, const char *controller, bool down, struct err *reterr)
{
    struct storage *st = storage_of(c);
    const char *names[LOOP_COUNT];
    assert(st);
    for (size_t i = 0; i < LOOP_COUNT; i++) {
        names[i] = loops[i].process;
        if (!strcmp(controller, names[i])) {
            simloop_set_down(st->loops[i], down);
            return 0;
        }
    }
    err_set(reterr, ERR_INVALID, NO_POS, "storage has no controller '%s'", controller);
    return err_suggest(reterr, controller, names, LOOP_COUNT, NULL);
}
