#include "components/kubevirt-datamover/upload.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/bsl/failure.h"
#include "components/bsl/names.h"
#include "components/bsl/record.h"
#include "components/kubevirt-datamover/env.h"
#include "components/runtime/config.h"

#define DEFAULT_SOURCE "/backup-data"

int upload_goes_on(const struct upload *u, struct err *reterr)
{
    return host_stopping(u->h)
               ? failure_set(reterr, ERR_IO, "E-STOPPED", "asked to end before all was stored")
               : 0;
}

static int read_type(struct upload *u, const char *text, struct err *reterr)
{
    static const char *const types[] = {"Full", "Incremental"};
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (strcasecmp(text, types[i]) != 0)
            continue;
        u->type = types[i];
        return 0;
    }
    return failure_set(reterr, ERR_INVALID, "E-CONFIG",
                       "KUBEVIRT_DM_BACKUP_TYPE is '%s', expected full or incremental", text);
}

/* Before anything is written under them. */
static int check_names(const struct upload *u, struct err *reterr)
{
    const struct {
        const char *what, *name;
    } names[] = {{"namespace", u->place.ns},
                 {"VM name", u->place.vm},
                 {"checkpoint id", u->checkpoint},
                 {"backup name", u->place.backup}};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (*names[i].name && names_check(names[i].what, names[i].name, reterr) < 0)
            return -1;
    return 0;
}

static int read_env(struct upload *u, const json_t *env, struct err *reterr)
{
    static const char *const needed[] = {"KUBEVIRT_DM_BSL_PROVIDER", "KUBEVIRT_DM_BSL_BUCKET",
                                         "KUBEVIRT_DM_VM_NAME", "KUBEVIRT_DM_VM_NAMESPACE",
                                         "KUBEVIRT_DM_CHECKPOINT_NAME"};
    if (env_require(env, needed, ARRAY_LEN(needed), reterr) < 0)
        return -1;
    u->place = env_place(env);
    u->checkpoint = env_text(env, "KUBEVIRT_DM_CHECKPOINT_NAME");
    u->parent = env_text(env, "KUBEVIRT_DM_PARENT_CHECKPOINT");
    u->source = env_or(env, "KUBEVIRT_DM_SOURCE_PVC_PATH", DEFAULT_SOURCE);
    u->vmb = env_text(env, "KUBEVIRT_DM_VMB_NAME");
    u->tracker = env_text(env, "KUBEVIRT_DM_VMBT_NAME");
    u->as_code = strcmp(env_text(env, "KUBEVIRT_DM_MODE"), "code") == 0;
    if (*u->source != '/')
        return failure_set(reterr, ERR_INVALID, "E-CONFIG", "the source path '%s' must be absolute",
                           u->source);
    if (check_names(u, reterr) < 0)
        return -1;
    return read_type(u, env_or(env, "KUBEVIRT_DM_BACKUP_TYPE", "full"), reterr);
}

static int record(struct upload *u, struct err *reterr)
{
    AUTO(json) json_t *entry = upload_entry(u, reterr);
    struct bsl_checkpoint c = {entry, u->parent, u->as_code};
    return entry ? bsl_record(u->h, &u->place, &c, reterr) : -1;
}

/* Data, then what describes them, then what lists them: a crash between any two leaves objects that
 * nobody lists, and never an entry without them. */
static int upload(struct upload *u, struct err *reterr)
{
    if (upload_files(u, reterr) < 0 || upload_archive(u, reterr) < 0 || record(u, reterr) < 0)
        return -1;
    upload_delete_backup(u);
    host_log(u->h, LOG_INFO, "%s checkpoint %s of VM %s/%s stored, %zu images", u->type,
             u->checkpoint, u->place.ns, u->place.vm, json_array_size(u->files));
    return 0;
}

static int run(struct host *h, const json_t *config, struct err *reterr)
{
    const json_t *args = NULL, *env = NULL;
    const struct config_setting settings[] = {{"args", CONFIG_JSON, &args},
                                              {"env", CONFIG_JSON, &env}};
    if (config_read(config, settings, ARRAY_LEN(settings), reterr) < 0)
        return failure_wrap(reterr, "E-CONFIG", "datamover-uploader");
    struct upload u = {.h = h, .client = {h, NULL}, .files = json_array()};
    int r = read_env(&u, env, reterr) < 0 ? -1 : upload(&u, reterr);
    json_decref(u.files);
    return r;
}

const struct component datamover_uploader_component = {
    .name = "datamover-uploader",
    .kind = COMPONENT_POD,
    .user = "system:serviceaccount:openshift-adp:velero",
    .image = "kubevirt-datamover",
    .pod_arg = "upload",
    .run = run,
};
