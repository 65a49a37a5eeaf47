/* The service's process: settings, the store, the front, the reconciler. */
#include "components/fulfillment-service/service.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "components/fulfillment-service/method.h"
#include "components/runtime/config.h"
#include "components/token.h"
#include "kube/names.h"
#include "kube/time.h"

#define DEFAULT_RESYNC_NS (3600 * NS_PER_S)
#define DEFAULT_REQUEUE_NS (10 * NS_PER_S)
#define DEFAULT_DATABASE "/var/lib/fulfillment-service/service.db"
#define DEFAULT_NAMESPACE "osac-computeinstance"
#define DEFAULT_SERVICE "fulfillment-service"
#define MEMORY ":memory:"
#define HUBS_MAX 64

/* ---- who waits for commits ---- */

struct watcher *service_watch(struct service *s)
{
    for (size_t i = 0; i < WATCHERS_MAX; i++) {
        struct watcher *w = &s->watchers[i];
        if (w->used)
            continue;
        w->used = true;
        w->cell = host_event_create(s->host, "commits");
        return w;
    }
    return NULL;
}

void service_unwatch(struct service *s, struct watcher *w)
{
    host_event_destroy(s->host, w->cell);
    *w = (struct watcher){0};
}

static void wake_watchers(void *cookie)
{
    struct service *s = cookie;
    for (size_t i = 0; i < WATCHERS_MAX; i++)
        if (s->watchers[i].used)
            host_event_signal(s->host, s->watchers[i].cell);
}

/* ---- its life ---- */

struct service *service_create(struct host *h, struct store *store, enum version v,
                               const char *token_key)
{
    struct service *s = mem_zalloc(sizeof *s);
    s->host = h;
    s->refs = 1;
    s->store = store;
    s->version = v;
    store->childless = v < VERSION_1_1;
    s->token_key = mem_strdup(token_key);
    s->admin_groups = json_pack("[s]", "admins");
    s->resync_ns = DEFAULT_RESYNC_NS;
    s->requeue_ns = DEFAULT_REQUEUE_NS;
    host_prng(h, "fulfillment-service/ids", &s->ids.prng);
    host_prng(h, "fulfillment-service/hubs", &s->choice);
    for (int t = 0; t < STORE_TABLE_COUNT; t++)
        s->filters[t] = message_filter_fields(resource_of((enum store_table)t)->private_message, v);
    store_on_commit(store, wake_watchers, s);
    return s;
}

struct service *service_ref(struct service *s)
{
    s->refs++;
    return s;
}

void service_unref(struct service *s)
{
    assert(s->refs > 0);
    if (--s->refs > 0)
        return;
    store_close(s->store);
    for (int t = 0; t < STORE_TABLE_COUNT; t++)
        message_filter_free(&s->filters[t]);
    free(s->token_key);
    json_decref(s->admin_groups);
    json_decref(s->hubs);
    free(s);
}

static void service_drop(void *thing)
{
    service_unref(thing);
}

/* ---- settings ---- */

struct settings {
    const char *database, *service, *ns, *hub, *token_key, *version;
    const json_t *hubs, *admin_groups;
    int64_t resync_ns, requeue_ns;
};

static const char *const told[] = {"database",       "service",         "namespace", "hub",
                                   "hubs",           "adminGroups",     "tokenKey",  "version",
                                   "resyncInterval", "requeueInterval", NULL};

static int read_settings(const json_t *config, struct settings *s, struct err *reterr)
{
    *s = (struct settings){.database = DEFAULT_DATABASE,
                           .service = DEFAULT_SERVICE,
                           .ns = DEFAULT_NAMESPACE,
                           .token_key = BEARER_DEFAULT_KEY,
                           .version = "1.1",
                           .resync_ns = DEFAULT_RESYNC_NS,
                           .requeue_ns = DEFAULT_REQUEUE_NS};
    const struct config_setting settings[] = {
        {"database", CONFIG_STRING, &s->database},
        {"service", CONFIG_STRING, &s->service},
        {"namespace", CONFIG_STRING, &s->ns},
        {"hub", CONFIG_STRING, &s->hub},
        {"hubs", CONFIG_JSON, &s->hubs},
        {"adminGroups", CONFIG_JSON, &s->admin_groups},
        {"tokenKey", CONFIG_STRING, &s->token_key},
        {"version", CONFIG_STRING, &s->version},
        {"resyncInterval", CONFIG_DURATION, &s->resync_ns},
        {"requeueInterval", CONFIG_DURATION, &s->requeue_ns},
    };
    config_told(told, settings, ARRAY_LEN(settings));
    if (config_read(config, settings, ARRAY_LEN(settings), reterr) < 0)
        return -1;
    if (s->resync_ns <= 0)
        return err_set(reterr, ERR_INVALID, NO_POS, "setting 'resyncInterval' must be positive");
    if (s->requeue_ns <= 0)
        return err_set(reterr, ERR_INVALID, NO_POS, "setting 'requeueInterval' must be positive");
    if (s->hub && s->hubs)
        return err_set(reterr, ERR_INVALID, NO_POS, "settings 'hub' and 'hubs' exclude each other");
    return 0;
}

static int check_hub(const json_t *hub, struct err *reterr)
{
    static const char *const known[] = {"id", "cluster", "namespace"};
    const char *key;
    json_t *value;
    if (!json_is_object(hub) || !json_str(hub, "id") || !*json_str(hub, "id"))
        return err_set(reterr, ERR_INVALID, NO_POS,
                       "setting 'hubs': expected a list of {id, cluster, namespace}");
    json_object_foreach((json_t *)(uintptr_t)hub, key, value)
    {
        bool good = json_is_string(value);
        for (size_t i = 0; i < ARRAY_LEN(known) && good; i++)
            if (strcmp(key, known[i]) == 0)
                break;
            else if (i + 1 == ARRAY_LEN(known))
                good = false;
        if (!good)
            return err_set(reterr, ERR_INVALID, NO_POS, "setting 'hubs': unexpected member '%s'",
                           key);
    }
    const char *ns = json_str(hub, "namespace");
    if (ns && name_check_dns1123_label(ns))
        return err_set(reterr, ERR_INVALID, NO_POS, "setting 'hubs': '%s' is no namespace", ns);
    return 0;
}

/* New list of {id, namespace[, cluster]}. Without any setting there is one, the default cluster. */
static json_t *hubs_of(const struct settings *s, struct err *reterr)
{
    if (!s->hubs) {
        json_t *hub = json_pack("{s:s, s:s}", "id", s->hub ? s->hub : "hub", "namespace", s->ns);
        if (s->hub)
            json_put_str(hub, "cluster", s->hub);
        return json_pack("[o]", hub);
    }
    AUTO(json) json_t *list = json_copy_of(s->hubs);
    if (!json_is_array(list) || json_array_size(list) > HUBS_MAX) {
        err_set(reterr, ERR_INVALID, NO_POS, "setting 'hubs': expected a list, of at most %d",
                HUBS_MAX);
        return NULL;
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *hub = json_array_get(list, i);
        if (check_hub(hub, reterr) < 0)
            return NULL;
        if (json_find(list, "id", json_str(hub, "id")) != hub) {
            err_set(reterr, ERR_INVALID, NO_POS, "setting 'hubs': '%s' stands twice",
                    json_str(hub, "id"));
            return NULL;
        }
        if (!json_str(hub, "namespace"))
            json_put_str(hub, "namespace", s->ns);
    }
    return TAKE(list);
}

static int check_groups(const json_t *groups, struct err *reterr)
{
    bool good = json_is_array(groups);
    for (size_t i = 0; good && i < json_array_size(groups); i++)
        good = json_is_string(json_array_get(groups, i));
    if (good)
        return 0;
    return err_set(reterr, ERR_INVALID, NO_POS, "setting 'adminGroups': expected a list of texts");
}

/* ---- the start ---- */

/* A folder above may be none that we see: what counts is the last one. */
static int make_folders(struct host *h, const char *path, struct err *reterr)
{
    const char *last = strrchr(path, '/');
    for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        AUTO(str) char *folder = mem_strndup(path, (size_t)(slash - path));
        AUTO(err) struct err e = {0};
        if (host_make_dir(h, folder, &e) < 0 && (slash == last || e.code == ERR_CRASHED))
            return err_move(reterr, &e);
    }
    return 0;
}

static struct store *open_store(struct host *h, const char *path, struct err *reterr)
{
    if (strcmp(path, MEMORY) == 0)
        return store_sqlite_open(h, NULL, reterr);
    if (*path != '/') {
        err_set(reterr, ERR_INVALID, NO_POS, "setting 'database': '%s' is no absolute path", path);
        return NULL;
    }
    return make_folders(h, path, reterr) < 0 ? NULL : store_sqlite_open(h, path, reterr);
}

/* Owned by rt. NULL: *reterr is set. */
static struct service *start(struct runtime *rt, const struct settings *set, struct err *reterr)
{
    enum version v;
    if (!version_parse(set->version, &v)) {
        err_set(reterr, ERR_INVALID, NO_POS, "setting 'version': expected \"1.0\" or \"1.1\"");
        return NULL;
    }
    AUTO(json) json_t *hubs = hubs_of(set, reterr);
    if (!hubs || (set->admin_groups && check_groups(set->admin_groups, reterr) < 0))
        return NULL;
    struct store *store = open_store(runtime_host(rt), set->database, reterr);
    if (!store)
        return NULL;
    struct service *s = service_create(runtime_host(rt), store, v, set->token_key);
    runtime_own(rt, s, service_drop);
    s->resync_ns = set->resync_ns;
    s->requeue_ns = set->requeue_ns;
    s->hubs = TAKE(hubs);
    if (set->admin_groups) {
        json_decref(s->admin_groups);
        s->admin_groups = json_copy_of(set->admin_groups);
    }
    return service_settle_hubs(s, reterr) < 0 ? NULL : s;
}

static int run(struct host *h, const json_t *config, struct err *reterr)
{
    AUTO(runtime) struct runtime *rt = runtime_create(h);
    struct settings set;
    if (read_settings(config, &set, reterr) < 0)
        return err_wrap(reterr, NO_POS, "fulfillment-service");
    struct service *s = start(rt, &set, reterr);
    if (!s)
        return err_wrap(reterr, NO_POS, "fulfillment-service");
    if (host_service_open(h, set.service, gateway_serve, s, reterr) < 0)
        return err_wrap(reterr, NO_POS, "fulfillment-service");
    reconcile_install(s, rt);
    return runtime_run(rt, reterr);
}

const struct component fulfillment_service_component = {
    .name = "fulfillment-service",
    .kind = COMPONENT_CONTROLLER,
    .settings = told,
    .user = "system:serviceaccount:osac-system:fulfillment-service",
    .run = run,
};
