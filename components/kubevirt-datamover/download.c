#include "components/kubevirt-datamover/download.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/bsl/failure.h"
#include "components/kubevirt-datamover/env.h"
#include "components/runtime/config.h"

#define DEFAULT_TARGET "/restore-data/disk.raw"
#define DEFAULT_SCRATCH "/scratch"

static int read_flag(const json_t *env, const char *name, bool *target, struct err *reterr)
{
    const json_t *value = json_object_get(env, name);
    if (!value || !*env_text(env, name) || config_parse_bool(value, target))
        return 0;
    return failure_set(reterr, ERR_INVALID, "E-CONFIG", "%s is neither true nor false", name);
}

static bool has_dotdot(const char *path)
{
    for (const char *p = path; (p = strstr(p, "/..")); p += 3)
        if (p[3] == '/' || p[3] == '\0')
            return true;
    return false;
}

/* A target right below the root, or the root as scratch folder, would have the root's mode changed
 * and files strewn over it. */
static int check_paths(const struct download *d, struct err *reterr)
{
    const char *last = strrchr(d->target, '/');
    if (*d->target != '/' || *d->scratch != '/' || has_dotdot(d->target) || has_dotdot(d->scratch))
        return failure_set(reterr, ERR_INVALID, "E-CONFIG",
                           "target path '%s' and scratch path '%s' must be absolute", d->target,
                           d->scratch);
    if (!last[1])
        return failure_set(reterr, ERR_INVALID, "E-CONFIG", "target path '%s' names no file",
                           d->target);
    if (!d->block && last == d->target)
        return failure_set(reterr, ERR_INVALID, "E-CONFIG",
                           "target path '%s' must not lie in the root folder", d->target);
    if (d->scratch[strspn(d->scratch, "/")] == '\0')
        return failure_set(reterr, ERR_INVALID, "E-CONFIG",
                           "the scratch path must not be the root folder");
    return 0;
}

/* The pod's environment comes first, then what whoever runs pods takes where it says nothing. */
static int read_engine(struct download *d, const json_t *env, const char *otherwise,
                       struct err *reterr)
{
    d->engine = engine_find(env_or(env, "KUBEVIRT_DM_ENGINE", otherwise), reterr);
    return d->engine ? 0 : failure_wrap(reterr, "E-CONFIG", "KUBEVIRT_DM_ENGINE");
}

static int read_env(struct download *d, const json_t *env, struct err *reterr)
{
    static const char *const needed[] = {
        "KUBEVIRT_DM_BSL_PROVIDER", "KUBEVIRT_DM_BSL_BUCKET",         "KUBEVIRT_DM_VM_NAME",
        "KUBEVIRT_DM_VM_NAMESPACE", "KUBEVIRT_DM_VELERO_BACKUP_NAME", "KUBEVIRT_DM_TARGET_VOLUME"};
    if (env_require(env, needed, ARRAY_LEN(needed), reterr) < 0 ||
        read_flag(env, "KUBEVIRT_DM_TARGET_IS_BLOCK_DEVICE", &d->block, reterr) < 0 ||
        read_flag(env, "KUBEVIRT_DM_REQUIRE_BACKING", &d->require_backing, reterr) < 0)
        return -1;
    const char *target = env_text(env, "KUBEVIRT_DM_TARGET_PATH");
    if (d->block && !*target)
        return failure_set(reterr, ERR_INVALID, "E-CONFIG",
                           "KUBEVIRT_DM_TARGET_PATH is not set, and a device has no default");
    d->place = env_place(env);
    d->disk = env_text(env, "KUBEVIRT_DM_TARGET_VOLUME");
    d->uid = env_text(env, "KUBEVIRT_DM_DATADOWNLOAD_UID");
    d->target = *target ? target : DEFAULT_TARGET;
    d->scratch = env_or(env, "KUBEVIRT_DM_SCRATCH_PATH", DEFAULT_SCRATCH);
    return check_paths(d, reterr);
}

static int make_folders(struct download *d, struct err *reterr)
{
    AUTO(str) char *folder = mem_strndup(d->target, (size_t)(strrchr(d->target, '/') - d->target));
    if (host_make_dir(d->h, d->scratch, reterr) < 0)
        return failure_wrap(reterr, "E-CONFIG", "cannot make the scratch folder");
    if (!d->block && strcmp(folder, d->scratch) != 0 && host_make_dir(d->h, folder, reterr) < 0)
        return failure_wrap(reterr, "E-CONFIG", "cannot make the target's folder");
    return 0;
}

static int resolve(struct download *d, struct err *reterr)
{
    AUTO(documents) struct documents docs = {0};
    return documents_read(d->h, &d->place, &docs, reterr) < 0
               ? -1
               : chain_resolve(docs.index, docs.ids, d->place.ns, d->place.vm, d->disk, &d->chain,
                               reterr);
}

int download_goes_on(const struct download *d, struct err *reterr)
{
    return host_stopping(d->h)
               ? failure_set(reterr, ERR_IO, "E-STOPPED", "asked to end before the disk was whole")
               : 0;
}

static int restore(struct download *d, struct err *reterr)
{
    AUTO(err) struct err e = {0}, removing = {0};
    if (download_fetch(d, &e) == 0 && download_inspect(d, &e) == 0 && download_goes_on(d, &e) == 0)
        download_rebuild(d, &e);
    /* Also after a failure: a full volume must not stay full of what nobody needs. */
    download_remove(d, &removing);
    failure_join(&e, &removing);
    return err_pending(&e) ? err_move(reterr, &e) : 0;
}

static void finish(struct download *d)
{
    for (size_t i = 0; i < d->name_count; i++)
        free(d->names[i]);
    free(d->names);
    chain_finish(&d->chain);
}

static const char *const told[] = {"args", "env", "engine", NULL};

static int run(struct host *h, const json_t *config, struct err *reterr)
{
    const json_t *args = NULL, *env = NULL;
    const char *engine = ENGINE_DEFAULT;
    const struct config_setting settings[] = {{"args", CONFIG_JSON, &args},
                                              {"env", CONFIG_JSON, &env},
                                              {"engine", CONFIG_STRING, &engine}};
    config_told(told, settings, ARRAY_LEN(settings));
    if (config_read(config, settings, ARRAY_LEN(settings), reterr) < 0)
        return failure_wrap(reterr, "E-CONFIG", "datamover-downloader");
    struct download d = {.h = h};
    int r = -1;
    if (read_engine(&d, env, engine, reterr) == 0 && read_env(&d, env, reterr) == 0 &&
        make_folders(&d, reterr) == 0 && resolve(&d, reterr) == 0)
        r = restore(&d, reterr);
    if (r == 0)
        host_log(h, LOG_INFO, "disk %s of VM %s/%s restored from %zu images", d.disk, d.place.ns,
                 d.place.vm, d.chain.count);
    finish(&d);
    return r;
}

const struct component datamover_downloader_component = {
    .name = "datamover-downloader",
    .kind = COMPONENT_POD,
    .user = "system:serviceaccount:openshift-adp:velero",
    .image = "kubevirt-datamover",
    .pod_arg = "download",
    .settings = told,
    .run = run,
};
