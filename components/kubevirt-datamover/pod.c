/* What the pods of both kinds are told, and what they told (datamover.md 5.1). */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/kubevirt-datamover/mover.h"
#include "kube/meta.h"
#include "kube/names.h"

#define GENERATE_MAX 58
#define CREDENTIALS_DIR "/credentials"
#define CUSTOMER_KEY_DIR "/etc/sse-c"
#define CUSTOMER_KEY "key"

enum outcome pod_list(struct pass *p, json_t **ret, struct err *reterr)
{
    return pass_list(p, &kind_dm_pod, p->m->ns, ret, reterr);
}

/* ---- making ---- */

void pod_add_env(json_t *env, const char *name, const char *value)
{
    if (!*value)
        return;
    AUTO(str) char *full = mem_printf("KUBEVIRT_DM_%s", name);
    json_array_append_new(env, json_pack("{s:s, s:s}", "name", full, "value", value));
}

static void add_common_env(struct pass *p, const struct location *l, json_t *env)
{
    const char *backup = meta_label(p->own, KEY_BACKUP);
    pod_add_env(env, "BSL_PROVIDER", l->provider);
    pod_add_env(env, "BSL_BUCKET", l->bucket);
    pod_add_env(env, "BSL_PREFIX", l->prefix);
    pod_add_env(env, "BSL_REGION", l->region);
    pod_add_env(env, "CREDENTIALS_FILE", *l->credential ? CREDENTIALS_DIR "/cloud" : "");
    pod_add_env(env, "BSL_CUSTOMER_KEY_FILE",
                l->customer_secret ? CUSTOMER_KEY_DIR "/" CUSTOMER_KEY : "");
    pod_add_env(env, "VM_NAME", pass_vm(p));
    pod_add_env(env, "VM_NAMESPACE", pass_vm_namespace(p));
    pod_add_env(env, "VELERO_BACKUP_NAME", backup ? backup : "");
}

static json_t *container_of(json_t *pod)
{
    return json_array_get(json_at_mut(pod, "spec", "containers", NULL), 0);
}

void pod_mount(json_t *pod, const char *volume, const char *claim, const char *path, bool read_only)
{
    json_t *mount = json_pack("{s:s, s:s}", "name", volume, "mountPath", path);
    if (read_only)
        json_object_set_new(mount, "readOnly", json_true());
    json_array_append_new(
        json_at_mut(pod, "spec", "volumes", NULL),
        json_pack("{s:s, s:{s:s}}", "name", volume, "persistentVolumeClaim", "claimName", claim));
    json_array_append_new(json_object_get(container_of(pod), "volumeMounts"), mount);
}

/* One member of a Secret as a file that its owner alone may read. */
static void add_secret(json_t *pod, const char *volume, const char *secret, const char *member,
                       const char *dir, const char *file)
{
    json_array_append_new(json_at_mut(pod, "spec", "volumes", NULL),
                          json_pack("{s:s, s:{s:s, s:i, s:[{s:s, s:s}]}}", "name", volume, "secret",
                                    "secretName", secret, "defaultMode", 0400, "items", "key",
                                    member, "path", file));
    json_array_append_new(
        json_object_get(container_of(pod), "volumeMounts"),
        json_pack("{s:s, s:s, s:b}", "name", volume, "mountPath", dir, "readOnly", 1));
}

static void add_secrets(json_t *pod, const struct location *l)
{
    if (*l->credential)
        add_secret(pod, "credentials", l->credential,
                   *l->credential_key ? l->credential_key : "cloud", CREDENTIALS_DIR, "cloud");
    if (l->customer_secret)
        add_secret(pod, "customer-key", l->customer_secret, l->customer_member, CUSTOMER_KEY_DIR,
                   CUSTOMER_KEY);
}

static json_t *new_container(struct pass *p, const char *verb, json_t *env_take)
{
    AUTO(str) char *name = mem_printf("%ser", verb);
    /* Without the log as a fallback the reason of a failure would stay inside the pod. */
    return json_pack("{s:s, s:s, s:[s, s], s:o, s:[], s:s, s:{s:i, s:b, s:{s:s}}}", "name", name,
                     "image", p->m->image, "command", "/manager", verb, "env", env_take,
                     "volumeMounts", "terminationMessagePolicy", "FallbackToLogsOnError",
                     "securityContext", "runAsUser", 0, "readOnlyRootFilesystem", 1,
                     "seLinuxOptions", "type", "spc_t");
}

json_t *pod_new(struct pass *p, const struct location *l, const char *prefix, const char *verb,
                json_t *env_take)
{
    AUTO(str) char *owner = name_shorten(meta_name(p->stored), GENERATE_MAX - strlen(prefix) - 1);
    AUTO(str) char *generate = mem_printf("%s%s-", prefix, owner);
    json_t *pod = kind_object(&kind_dm_pod, p->m->ns, "");
    json_drop(pod, "metadata.name");
    json_put_str(pod, "metadata.generateName", generate);
    meta_set_label(pod, KEY_POD_TYPE, verb);
    meta_set_label(pod, p->work->uid_label, pass_uid(p));
    json_put_take(pod, "metadata.ownerReferences",
                  json_pack("[o]", meta_owner_ref(p->stored, true, false)));
    json_put_str(pod, "spec.restartPolicy", "Never");
    json_put_str(pod, "spec.serviceAccountName", "velero");
    json_put_take(pod, "spec.volumes", json_array());
    add_common_env(p, l, env_take);
    json_put_take(pod, "spec.containers", json_pack("[o]", new_container(p, verb, env_take)));
    add_secrets(pod, l);
    return pod;
}

/* ---- ending ---- */

enum outcome pod_delete_all(struct pass *p, struct err *reterr)
{
    return pass_delete_all(p, &kind_dm_pod, p->m->ns, reterr);
}

static const char *text_of(const json_t *statuses)
{
    size_t i;
    const json_t *status;
    json_array_foreach(statuses, i, status)
    {
        const char *message = json_str_or_empty(status, "state.terminated.message");
        const char *reason = json_str_or_empty(status, "state.terminated.reason");
        if (json_int(status, "state.terminated.exitCode", 1) != 0 && (*message || *reason))
            return *message ? message : reason;
    }
    return "";
}

char *pod_failure(const json_t *pod)
{
    const char *text = text_of(json_path(pod, "status.containerStatuses"));
    size_t i;
    const json_t *condition;
    if (!*text)
        text = text_of(json_path(pod, "status.initContainerStatuses"));
    json_array_foreach(json_path(pod, "status.conditions"), i,
                       condition) if (!*text &&
                                      strcmp(json_str_or_empty(condition, "status"), "False") == 0)
        text = json_str_or_empty(condition, "message");
    return mem_strdup(*text ? text : "unknown error");
}
