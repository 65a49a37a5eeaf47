/* The plugin's settings, its actions, and what is the same for both kinds of movers. */
#include "components/kubevirt-datamover-plugin/plugin.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/component.h"
#include "components/runtime/config.h"
#include "kube/meta.h"
#include "kube/time.h"

const struct kind plugin_upload = {{"velero.io", "v2alpha1", "datauploads"}, "DataUpload"};
const struct kind plugin_download = {{"velero.io", "v2alpha1", "datadownloads"}, "DataDownload"};
const struct kind plugin_backup = {{"velero.io", "v1", "backups"}, "Backup"};
const struct kind plugin_location = {{"velero.io", "v1", "backupstoragelocations"},
                                     "BackupStorageLocation"};
const struct kind plugin_claim = {{"", "v1", "persistentvolumeclaims"}, "PersistentVolumeClaim"};
const struct kind plugin_volume = {{"", "v1", "persistentvolumes"}, "PersistentVolume"};
const struct kind plugin_pod = {{"", "v1", "pods"}, "Pod"};
const struct kind plugin_vm = {{"kubevirt.io", "v1", "virtualmachines"}, "VirtualMachine"};
const struct kind plugin_configmap = {{"", "v1", "configmaps"}, "ConfigMap"};
const struct kind plugin_secret = {{"", "v1", "secrets"}, "Secret"};

/* ---- what the actions share ---- */

static const char *claim_of(const json_t *volume, enum plugin_claims which)
{
    static const char *const sources[] = {"persistentVolumeClaim.claimName", "dataVolume.name",
                                          "memoryDump.claimName"};
    const size_t disks = ARRAY_LEN(sources) - 1;

    for (size_t i = which == CLAIMS_DUMPS ? disks : 0;
         i < (which == CLAIMS_DISKS ? disks : ARRAY_LEN(sources)); i++) {
        const char *name = json_str(volume, sources[i]);

        if (name && *name)
            return name;
    }
    return NULL;
}

json_t *plugin_claims_of(const json_t *vm, enum plugin_claims which)
{
    json_t *claims = json_array(), *volume, *have;
    size_t i, k;

    json_array_foreach(json_path(vm, "spec.template.spec.volumes"), i, volume)
    {
        const char *name = claim_of(volume, which);
        bool again = false;

        json_array_foreach(claims, k, have) again =
            again || (name && strcmp(json_string_value(have), name) == 0);
        if (name && !again)
            json_array_append_new(claims, json_string(name));
    }
    return claims;
}

const char *plugin_timeout(const json_t *owner)
{
    const char *text = json_str_or_empty(owner, "spec.itemOperationTimeout");
    int64_t ns;

    return duration_parse(text, &ns) && ns > 0 ? text : OPERATION_TIMEOUT;
}

bool plugin_phase_is(const json_t *mover, const char *phase)
{
    return strcmp(json_str_or_empty(mover, "status.phase"), phase) == 0;
}

char *plugin_failure(const json_t *mover)
{
    const char *message = json_str_or_empty(mover, "status.message");
    const char *phase = json_str_or_empty(mover, "status.phase");

    if (plugin_phase_is(mover, "Canceled"))
        return mem_printf("%s %s was canceled", meta_kind(mover), meta_name(mover));
    if (*message)
        return mem_strdup(message);
    return mem_printf("%s %s is %s, and does not say why", meta_kind(mover), meta_name(mover),
                      phase);
}

void plugin_progress(const json_t *mover, const char *name, struct item_progress *ret)
{
    if (!mover)
        *ret = (struct item_progress){true, mem_printf("%s was not found", name)};
    else if (plugin_phase_is(mover, "Completed"))
        *ret = (struct item_progress){.completed = true};
    else if (plugin_phase_is(mover, "Canceled") || plugin_phase_is(mover, "Failed"))
        *ret = (struct item_progress){true, plugin_failure(mover)};
    else /* also a phase that nobody here knows */
        *ret = (struct item_progress){.completed = false};
}

int plugin_ask(struct plugin *p, const struct kind *k, const char *prefix, const char *operation,
               const json_t *owner, struct item_progress *ret, struct err *reterr)
{
    AUTO(str) char *name = mem_printf("%s%s", prefix, operation);
    AUTO(json) json_t *mover = NULL;
    struct err err = {0};
    enum answer a = client_get(&p->client, k, p->ns, name, &mover, &err);

    (void)owner;
    if (a == ANSWER_CRASHED)
        return err_move(reterr, &err);
    if (a == ANSWER_OK || a == ANSWER_NOT_FOUND)
        plugin_progress(mover, name, ret);
    else
        *ret = (struct item_progress){false, mem_strdup(err.msg)};
    err_clear(&err);
    return 0;
}

const char *plugin_vm_key(const struct plugin *p)
{
    return p->design ? KEY_VM_NAME_DESIGN : KEY_VM_NAME;
}

/* ---- life ---- */

static void destroy(void *arg)
{
    struct plugin *p = arg;

    if (!p)
        return;
    json_decref(p->users);
    free(p->ns);
    free(p->cluster);
    free(p);
}

static const char *const told[] = {"namespace", "mode", "cluster", NULL};

static int read_mode(struct plugin *p, const char *mode, struct err *reterr)
{
    static const char *const modes[] = {"implementation", "design"};

    p->design = strcmp(mode, modes[1]) == 0;
    if (p->design || strcmp(mode, modes[0]) == 0)
        return 0;
    err_set(reterr, ERR_INVALID, NO_POS,
            "setting 'mode': expected \"implementation\" or \"design\", found \"%s\"", mode);
    return err_suggest(reterr, mode, modes, ARRAY_LEN(modes), NULL);
}

static void *create(struct host *h, const json_t *config, struct err *reterr)
{
    struct plugin *p = mem_zalloc(sizeof *p);
    const char *ns = "openshift-adp", *mode = "implementation", *cluster = NULL;
    const struct config_setting settings[] = {{"namespace", CONFIG_STRING, &ns},
                                              {"mode", CONFIG_STRING, &mode},
                                              {"cluster", CONFIG_STRING, &cluster}};

    config_told(told, settings, ARRAY_LEN(settings));
    if (config_read(config, settings, ARRAY_LEN(settings), reterr) < 0 ||
        read_mode(p, mode, reterr) < 0) {
        err_wrap(reterr, NO_POS, PLUGIN_NAME);
        free(p);
        return NULL;
    }
    p->host = h;
    p->ns = mem_strdup(ns);
    p->cluster = cluster ? mem_strdup(cluster) : NULL;
    p->client = (struct client){h, p->cluster};
    p->users = json_object();
    return p;
}

static const struct item_action *const actions[] = {&plugin_vm_backup,
                                                    &plugin_claim_backup,
                                                    &plugin_claim_restore,
                                                    &plugin_discard,
                                                    &plugin_vm_restore,
                                                    &plugin_vm_delete,
                                                    NULL};

static const struct item_plugin plugin = {.actions = actions, .create = create, .destroy = destroy};

const struct component kubevirt_datamover_plugin_component = {
    .name = PLUGIN_NAME,
    .kind = COMPONENT_PLUGIN,
    .user = "system:serviceaccount:openshift-adp:velero",
    .settings = told,
    .plugin = &plugin,
};
