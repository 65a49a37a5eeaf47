/* The controller's process: settings, caches, and who wakes whom. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/kubevirt-datamover/engine.h"
#include "components/kubevirt-datamover/mover.h"
#include "components/runtime/config.h"
#include "kube/meta.h"

#define DEFAULT_NAMESPACE "openshift-adp"
#define DEFAULT_IMAGE "kubevirt-datamover:latest"
#define WORKERS_MAX 64
#define PERCENT_MAX 1000
#define RETRIES_MAX 16
#define STALE_NS (INT64_C(2) * 3600 * NS_PER_S)

static void mover_destroy(void *arg)
{
    struct mover *m = arg;
    free(m->cluster);
    free(m->ns);
    free(m->image);
    free(m->engine);
    free(m);
}

static int read_sizing(struct mover *m, const char *text, struct err *reterr)
{
    static const char *const names[] = {"implementation", "design"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(text, names[i]) != 0)
            continue;
        m->sizing = i ? SIZING_DESIGN : SIZING_IMPLEMENTATION;
        return 0;
    }
    err_set(reterr, ERR_INVALID, NO_POS,
            "setting 'sizing': expected \"implementation\" or "
            "\"design\", found \"%s\"",
            text);
    return err_suggest(reterr, text, names, ARRAY_LEN(names), NULL);
}

static int read_mode(struct mover *m, const char *text, struct err *reterr)
{
    static const char *const names[] = {"design", "code"};
    m->as_code = strcmp(text, "code") == 0;
    if (m->as_code || strcmp(text, "design") == 0)
        return 0;
    err_set(reterr, ERR_INVALID, NO_POS,
            "setting 'mode': expected \"design\" or \"code\", found \"%s\"", text);
    return err_suggest(reterr, text, names, ARRAY_LEN(names), NULL);
}

static int check_engine(const char *name, struct err *reterr)
{
    if (!*name || engine_find(name, reterr))
        return 0;
    return err_wrap(reterr, NO_POS, "setting 'engine'");
}

static int read_cluster(struct mover *m, const json_t *cluster, struct err *reterr)
{
    if (cluster && !json_is_null(cluster) && !json_is_string(cluster))
        return err_set(reterr, ERR_INVALID, NO_POS, "setting 'cluster': expected a text or null");
    m->cluster = json_is_string(cluster) ? mem_strdup(json_string_value(cluster)) : NULL;
    return 0;
}

static int check_range(const char *name, int64_t value, int64_t min, int64_t max,
                       struct err *reterr)
{
    if (value >= min && value <= max)
        return 0;
    return err_set(reterr, ERR_INVALID, NO_POS, "setting '%s': expected %lld to %lld, found %lld",
                   name, (long long)min, (long long)max, (long long)value);
}

static const char *const told[] = {"namespace",
                                   "image",
                                   "maxConcurrentReconciles",
                                   "maxConcurrentDataMovers",
                                   "sizing",
                                   "overheadPercent",
                                   "enospcRetries",
                                   "requireIncrementBacking",
                                   "maxIncrementalBackups",
                                   "staleDataUploadThreshold",
                                   "mode",
                                   "engine",
                                   "cluster",
                                   NULL};

static int read_config(struct mover *m, const json_t *config, int64_t *workers, struct err *reterr)
{
    const char *ns = DEFAULT_NAMESPACE, *image = DEFAULT_IMAGE, *sizing = "implementation",
               *mode = "design", *engine = "";
    const json_t *cluster = NULL;
    const struct config_setting settings[] = {
        {"namespace", CONFIG_STRING, &ns},
        {"image", CONFIG_STRING, &image},
        {"maxConcurrentReconciles", CONFIG_INT, workers},
        {"maxConcurrentDataMovers", CONFIG_INT, &m->movers_max},
        {"sizing", CONFIG_STRING, &sizing},
        {"overheadPercent", CONFIG_INT, &m->percent},
        {"enospcRetries", CONFIG_INT, &m->retries_max},
        {"requireIncrementBacking", CONFIG_BOOL, &m->require_backing},
        {"maxIncrementalBackups", CONFIG_INT, &m->increments_max},
        {"staleDataUploadThreshold", CONFIG_DURATION, &m->stale_ns},
        {"mode", CONFIG_STRING, &mode},
        {"engine", CONFIG_STRING, &engine},
        {"cluster", CONFIG_JSON, &cluster},
    };
    config_told(told, settings, ARRAY_LEN(settings));
    if (config_read(config, settings, ARRAY_LEN(settings), reterr) < 0 ||
        read_sizing(m, sizing, reterr) < 0 || read_mode(m, mode, reterr) < 0 ||
        check_engine(engine, reterr) < 0 ||
        check_range("maxIncrementalBackups", m->increments_max, 0, INT64_MAX, reterr) < 0 ||
        read_cluster(m, cluster, reterr) < 0 ||
        check_range("maxConcurrentReconciles", *workers, 1, WORKERS_MAX, reterr) < 0 ||
        check_range("overheadPercent", m->percent, -1, PERCENT_MAX, reterr) < 0 ||
        check_range("enospcRetries", m->retries_max, 0, RETRIES_MAX, reterr) < 0)
        return -1;
    m->ns = mem_strdup(ns);
    m->image = mem_strdup(image);
    m->engine = mem_strdup(engine);
    m->client = (struct client){m->host, m->cluster};
    return 0;
}

static struct informer *cache(struct runtime *rt, const struct mover *m, const struct kind *kind,
                              const char *ns, const char *label)
{
    struct informer_config config = {
        .client = m->client, .kind = kind, .ns = ns, .label_selector = label, .optional = true};
    return informer_create(rt, &config);
}

/* ---- who wakes whom ---- */

static bool waits_for_run_state(void *cookie, enum api_event_type type, const json_t *old,
                                const json_t *vm)
{
    (void)cookie, (void)old;
    return type != EVENT_DELETED && meta_annotation(vm, KEY_RUN_STRATEGY);
}

/* A VM that comes after the last of its disks. */
static void map_vm(void *cookie, struct controller *c, const json_t *vm)
{
    const struct mover *m = cookie;
    size_t pos = 0;
    json_t *dd;
    while (informer_each(m->downloads, &pos, &dd)) {
        const char *name = meta_annotation(dd, KEY_VM_NAME);
        if (name && strcmp(name, meta_name(vm)) == 0 &&
            strcmp(json_str_or_empty(dd, "spec.targetVolume.namespace"), meta_namespace(vm)) == 0)
            controller_enqueue(c, meta_namespace(dd), meta_name(dd));
    }
}

static void watch_uploads(struct runtime *rt, struct mover *m, unsigned workers)
{
    struct controller *c =
        controller_create(rt, &(struct controller_config){.name = "dataupload",
                                                          .reconcile = mover_reconcile,
                                                          .cookie = &m->upload_desk,
                                                          .workers = workers});
    controller_watch_self(c, cache(rt, m, &kind_dm_upload, m->ns, NULL), NULL, NULL);
    controller_watch_owner(c, cache(rt, m, &kind_dm_pod, m->ns, KEY_POD_TYPE "=upload"),
                           "velero.io", "DataUpload");
}

static int run(struct host *h, const json_t *config, struct err *reterr)
{
    AUTO(runtime) struct runtime *rt = runtime_create(h);
    struct mover *m = mem_zalloc(sizeof *m);
    int64_t workers = 3;
    runtime_own(rt, m, mover_destroy);
    m->host = h;
    m->percent = -1;
    m->retries_max = 1;
    m->stale_ns = STALE_NS;
    m->download_desk = (struct mover_desk){m, &mover_downloads};
    m->upload_desk = (struct mover_desk){m, &mover_uploads};
    if (read_config(m, config, &workers, reterr) < 0)
        return err_wrap(reterr, NO_POS, DM_NAME);
    m->downloads = cache(rt, m, &kind_dm_download, m->ns, NULL);
    struct controller *c =
        controller_create(rt, &(struct controller_config){.name = "datadownload",
                                                          .reconcile = mover_reconcile,
                                                          .cookie = &m->download_desk,
                                                          .workers = (unsigned)workers});
    controller_watch_self(c, m->downloads, NULL, NULL);
    controller_watch_owner(c, cache(rt, m, &kind_dm_pod, m->ns, KEY_POD_TYPE "=download"),
                           "velero.io", "DataDownload");
    controller_watch(c, cache(rt, m, &kind_dm_vm, NULL, NULL), map_vm, waits_for_run_state, m);
    watch_uploads(rt, m, (unsigned)workers);
    return runtime_run(rt, reterr);
}

const struct component kubevirt_datamover_controller_component = {
    .name = DM_NAME,
    .kind = COMPONENT_CONTROLLER,
    .settings = told,
    .user = "system:serviceaccount:openshift-adp:" DM_NAME,
    .run = run,
};
