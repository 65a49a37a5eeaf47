/* The process: workers, what wakes them, and what a start finds. */
#include <string.h>

#include "base/digest.h"
#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "kube/time.h"
#include "sim/velero/velero_priv.h"

const struct kind VELERO_BACKUP = {"velero.io", "v1", "backups", "Backup"};
const struct kind VELERO_RESTORE = {"velero.io", "v1", "restores", "Restore"};
const struct kind VELERO_DELETION = {"velero.io", "v1", "deletebackuprequests",
                                     "DeleteBackupRequest"};
const struct kind VELERO_LOCATION = {"velero.io", "v1", "backupstoragelocations",
                                     "BackupStorageLocation"};
const struct kind VELERO_UPLOAD = {"velero.io", "v2alpha1", "datauploads", "DataUpload"};
const struct kind VELERO_DOWNLOAD = {"velero.io", "v2alpha1", "datadownloads", "DataDownload"};
const struct kind VELERO_CONFIGMAP = {"", "v1", "configmaps", "ConfigMap"};
const struct kind VELERO_POD = {"", "v1", "pods", "Pod"};
const struct kind VELERO_CLAIM = {"", "v1", "persistentvolumeclaims", "PersistentVolumeClaim"};
const struct kind VELERO_VOLUME = {"", "v1", "persistentvolumes", "PersistentVolume"};
const struct kind VELERO_SPACE = {"", "v1", "namespaces", "Namespace"};

#define LABEL_MAX 63
#define LABEL_DIGITS 6

struct sched *velero_sched(const struct velero *v)
{
    return world_sched(cluster_world(v->ctl.cluster));
}

bool velero_down(const struct velero *v)
{
    return sched_crashed(velero_sched(v));
}

int velero_patch(struct velero *v, const struct kind *k, const char *name, json_t *patch_take,
                 struct err *reterr)
{
    AUTO(json) json_t *patch = patch_take;

    return ctl_patch(&v->ctl, k, VELERO_NAMESPACE, name, NULL, PATCH_MERGE, patch, reterr);
}

json_t *velero_phase(const char *phase)
{
    return json_pack("{s:{s:s}}", "status", "phase", phase);
}

bool velero_phase_is(const json_t *object, const char *phase)
{
    return strcmp(json_str_or_empty(object, "status.phase"), phase) == 0;
}

json_t *velero_time(const struct velero *v)
{
    char text[TIME_TEXT];

    time_format(ctl_now(&v->ctl), text);
    return json_string(text);
}

char *velero_label(const char *text)
{
    char hex[DIGEST_HEX];

    if (strlen(text) <= LABEL_MAX)
        return mem_strdup(text);
    digest_of(text, strlen(text), hex);
    return mem_printf("%.*s%.*s", LABEL_MAX - LABEL_DIGITS, text, LABEL_DIGITS, hex);
}

/* ---- a start ---- */

static const char *const movers_active[] = {"", "New", "Accepted", "Prepared", "InProgress"};

static void cancel_movers(struct velero *v, const struct kind *k, const char *label,
                          const char *name)
{
    AUTO(json) json_t *all = ctl_peek_all(&v->ctl, k, VELERO_NAMESPACE);
    AUTO(str) char *value = velero_label(name);
    size_t i;
    json_t *mover;

    json_array_foreach(all, i, mover)
    {
        const char *has = meta_label(mover, label);
        struct err err = {0};

        for (size_t p = 0; has && strcmp(has, value) == 0 && p < ARRAY_LEN(movers_active); p++)
            if (velero_phase_is(mover, movers_active[p]))
                velero_patch(v, k, meta_name(mover), json_pack("{s:{s:b}}", "spec", "cancel", 1),
                             &err);
        err_clear(&err);
    }
}

static void fail_kind(struct velero *v, const struct kind *k, const struct kind *movers,
                      const char *label)
{
    AUTO(json) json_t *all = ctl_peek_all(&v->ctl, k, VELERO_NAMESPACE);
    size_t i;
    json_t *object;

    json_array_foreach(all, i, object)
    {
        json_t *patch;
        struct err err = {0};

        if (!velero_phase_is(object, "InProgress"))
            continue;
        patch = velero_phase("Failed");
        json_put_str(patch, "status.failureReason",
                     "found a backup or restore with status InProgress when the server started, "
                     "marked as Failed");
        json_put_take(patch, "status.completionTimestamp", velero_time(v));
        velero_patch(v, k, meta_name(object), patch, &err);
        err_clear(&err);
        cancel_movers(v, movers, label, meta_name(object));
    }
}

void velero_fail_interrupted(struct velero *v)
{
    fail_kind(v, &VELERO_BACKUP, &VELERO_UPLOAD, "velero.io/backup-name");
    fail_kind(v, &VELERO_RESTORE, &VELERO_DOWNLOAD, "velero.io/restore-name");
}

/* ---- what wakes whom ---- */

static void feed(struct worker *w, enum api_event_type type, const json_t *object)
{
    if (type != EVENT_DELETED && strcmp(meta_namespace(object), VELERO_NAMESPACE) == 0)
        worker_add_object(w, object);
}

static void on_backup(void *cookie, enum api_event_type type, json_t *object)
{
    feed(((struct velero *)cookie)->backups, type, object);
}

static void on_restore(void *cookie, enum api_event_type type, json_t *object)
{
    feed(((struct velero *)cookie)->restores, type, object);
}

static void on_deletion(void *cookie, enum api_event_type type, json_t *object)
{
    feed(((struct velero *)cookie)->deletions, type, object);
}

static void on_location(void *cookie, enum api_event_type type, json_t *object)
{
    feed(((struct velero *)cookie)->locations, type, object);
}

static void drop_json(void *value)
{
    json_decref(value);
}

static void velero_destroy(void *part)
{
    struct velero *v = part;

    for (size_t i = 0; i < VELERO_FEEDERS; i++)
        feeder_destroy(v->feeders[i]);
    worker_destroy(v->backups);
    worker_destroy(v->restores);
    worker_destroy(v->deletions);
    worker_destroy(v->locations);
    strmap_destroy(v->operations, drop_json);
    free(v);
}

static struct worker *start_worker(struct velero *v, const char *name, reconcile_fn *fn)
{
    return worker_start(velero_sched(v), v->config.process, name, fn, v);
}

/* The first task: nothing is worked on before what was interrupted has been told. */
static void run(void *arg)
{
    struct velero *v = arg;
    struct process *p = v->config.process;

    velero_fail_interrupted(v);
    if (velero_down(v))
        return;
    v->backups = start_worker(v, "backup", velero_reconcile_backup);
    v->restores = start_worker(v, "restore", velero_reconcile_restore);
    v->deletions = start_worker(v, "deletion", velero_reconcile_deletion);
    v->locations = start_worker(v, "location", velero_reconcile_location);
    v->feeders[0] = feeder_start(&v->ctl, p, &VELERO_LOCATION, on_location, v);
    v->feeders[1] = feeder_start(&v->ctl, p, &VELERO_BACKUP, on_backup, v);
    v->feeders[2] = feeder_start(&v->ctl, p, &VELERO_RESTORE, on_restore, v);
    v->feeders[3] = feeder_start(&v->ctl, p, &VELERO_DELETION, on_deletion, v);
}

void velero_start(const struct velero_config *config)
{
    struct velero *v = mem_zalloc(sizeof *v);
    AUTO(str) char *part = NULL;
    size_t number = 0;

    v->config = *config;
    v->ctl = (struct ctl){.cluster = config->cluster, .user = VELERO_USER, .component = "velero"};
    v->operations = strmap_create();
    do { /* a server that has crashed stays until the world ends */
        free(part);
        part = mem_printf("velero %zu", ++number);
    } while (cluster_part(config->cluster, part));
    cluster_attach(config->cluster, part, v, velero_destroy);
    actor_spawn(config->process, "main", run, v);
}
