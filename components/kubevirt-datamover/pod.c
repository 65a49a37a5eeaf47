/* The downloader pod: what it is told, and what it told (datamover.md 5.1). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/kubevirt-datamover/mover.h"
#include "kube/meta.h"
#include "kube/names.h"

#define GENERATE_MAX 58
#define SCRATCH_PATH "/scratch"
#define FILE_PATH "/scratch/disk.img"
#define DEVICE_PATH "/dev/restore-output"
#define CREDENTIALS_DIR "/credentials"

enum outcome pod_list(struct pass *p, json_t **ret, struct err *reterr)
{
    AUTO(str) char *selector = mem_printf(KEY_DOWNLOAD_UID "=%s", pass_uid(p));
    return outcome_of(
        client_list(&p->m->client, &kind_dm_pod, p->m->ns, selector, NULL, ret, reterr));
}

/* ---- making ---- */

static void add_env(json_t *env, const char *name, const char *value)
{
    if (!*value)
        return;
    AUTO(str) char *full = mem_printf("KUBEVIRT_DM_%s", name);
    json_array_append_new(env, json_pack("{s:s, s:s}", "name", full, "value", value));
}

static json_t *env_of(struct pass *p, const struct location *l)
{
    json_t *env = json_array();
    bool block = pass_is_block(p);
    const char *backup = meta_label(p->own, KEY_BACKUP);
    add_env(env, "BSL_PROVIDER", l->provider);
    add_env(env, "BSL_BUCKET", l->bucket);
    add_env(env, "BSL_PREFIX", l->prefix);
    add_env(env, "BSL_REGION", l->region);
    add_env(env, "CREDENTIALS_FILE", *l->credential ? CREDENTIALS_DIR "/cloud" : "");
    add_env(env, "VM_NAME", pass_vm(p));
    add_env(env, "VM_NAMESPACE", pass_vm_namespace(p));
    add_env(env, "VELERO_BACKUP_NAME", backup ? backup : "");
    add_env(env, "DATADOWNLOAD_NAME", meta_name(p->stored));
    add_env(env, "DATADOWNLOAD_UID", pass_uid(p));
    add_env(env, "TARGET_VOLUME", pass_annotation(p, KEY_DISK));
    add_env(env, "TARGET_PATH", block ? DEVICE_PATH : FILE_PATH);
    add_env(env, "SCRATCH_PATH", SCRATCH_PATH);
    add_env(env, "TARGET_IS_BLOCK_DEVICE", block ? "true" : "");
    add_env(env, "ENGINE", p->m->engine);
    add_env(env, "REQUIRE_BACKING", p->m->require_backing ? "true" : "");
    return env;
}

static void mount_claim(json_t *pod, const char *volume, const char *claim)
{
    json_array_append_new(
        json_at_mut(pod, "spec", "volumes", NULL),
        json_pack("{s:s, s:{s:s}}", "name", volume, "persistentVolumeClaim", "claimName", claim));
}

static void add_volumes(struct pass *p, json_t *pod, json_t *container, const struct location *l,
                        const json_t *scratch, const json_t *output)
{
    json_t *mounts = json_array();
    mount_claim(pod, "scratch", meta_name(scratch));
    json_array_append_new(mounts,
                          json_pack("{s:s, s:s}", "name", "scratch", "mountPath", SCRATCH_PATH));
    if (pass_is_block(p)) {
        mount_claim(pod, "output", meta_name(output));
        json_object_set_new(container, "volumeDevices",
                            json_pack("[{s:s, s:s}]", "name", "output", "devicePath", DEVICE_PATH));
    }
    if (*l->credential) {
        json_array_append_new(
            json_at_mut(pod, "spec", "volumes", NULL),
            json_pack("{s:s, s:{s:s, s:i, s:[{s:s, s:s}]}}", "name", "credentials", "secret",
                      "secretName", l->credential, "defaultMode", 0400, "items", "key",
                      *l->credential_key ? l->credential_key : "cloud", "path", "cloud"));
        json_array_append_new(mounts, json_pack("{s:s, s:s, s:b}", "name", "credentials",
                                                "mountPath", CREDENTIALS_DIR, "readOnly", 1));
    }
    json_object_set_new(container, "volumeMounts", mounts);
}

static json_t *new_container(struct pass *p, const struct location *l)
{
    /* Without the log as a fallback the reason of a failure would stay inside the pod. */
    return json_pack("{s:s, s:s, s:[s, s], s:o, s:s, s:{s:i, s:b, s:{s:s}}}", "name", "downloader",
                     "image", p->m->image, "command", "/manager", "download", "env", env_of(p, l),
                     "terminationMessagePolicy", "FallbackToLogsOnError", "securityContext",
                     "runAsUser", 0, "readOnlyRootFilesystem", 1, "seLinuxOptions", "type",
                     "spc_t");
}

static json_t *new_pod(struct pass *p, const struct location *l, const json_t *scratch,
                       const json_t *output)
{
    AUTO(str)
    char *owner = name_shorten(meta_name(p->stored), GENERATE_MAX - strlen(POD_PREFIX) - 1);
    AUTO(str) char *prefix = mem_printf(POD_PREFIX "%s-", owner);
    AUTO(str) char *attempt = mem_printf("%" PRId64, pass_retries(p));
    json_t *container = new_container(p, l);
    json_t *pod = kind_object(&kind_dm_pod, p->m->ns, "");
    json_drop(pod, "metadata.name");
    json_put_str(pod, "metadata.generateName", prefix);
    meta_set_label(pod, KEY_POD_TYPE, "download");
    meta_set_label(pod, KEY_DOWNLOAD_UID, pass_uid(p));
    meta_set_annotation(pod, KEY_DOWNLOAD_NAME, meta_name(p->stored));
    meta_set_annotation(pod, KEY_ATTEMPT, attempt);
    json_put_take(pod, "metadata.ownerReferences",
                  json_pack("[o]", meta_owner_ref(p->stored, true, false)));
    json_put_str(pod, "spec.restartPolicy", "Never");
    json_put_str(pod, "spec.serviceAccountName", "velero");
    json_put_take(pod, "spec.volumes", json_array());
    add_volumes(p, pod, container, l, scratch, output);
    json_put_take(pod, "spec.containers", json_pack("[o]", container));
    return pod;
}

static enum outcome bad(struct err *reterr, const char *text)
{
    err_set(reterr, ERR_INVALID, NO_POS, "%s", text);
    return OUTCOME_BAD;
}

enum outcome pod_create(struct pass *p, const struct location *l, struct err *reterr)
{
    bool block = pass_is_block(p);
    AUTO(json) json_t *claims = NULL;
    if (!*p->m->image)
        return bad(reterr, "datamover image not configured");
    if (!*pass_annotation(p, KEY_DISK))
        return bad(reterr, "annotation " KEY_DISK " is missing");
    enum outcome o = staging_claims(p, &claims, reterr);
    if (o != OUTCOME_OK)
        return o;
    const json_t *scratch = staging_find(claims, block ? ROLE_WORK : NULL);
    const json_t *output = staging_find(claims, ROLE_OUTPUT);
    if (!scratch || (block && !output))
        return bad(reterr, block ? "Work or output PVC not found" : "Scratch PVC not found");
    AUTO(json) json_t *pod = new_pod(p, l, scratch, output);
    return outcome_of(client_create(&p->m->client, &kind_dm_pod, pod, NULL, reterr));
}

/* ---- ending ---- */

enum outcome pod_delete_all(struct pass *p, struct err *reterr)
{
    AUTO(json) json_t *pods = NULL;
    enum outcome o = pod_list(p, &pods, reterr);
    size_t i;
    const json_t *pod;
    if (o != OUTCOME_OK)
        return o;
    json_array_foreach(pods, i, pod)
    {
        o = pass_delete(p, &kind_dm_pod, pod, reterr);
        if (o == OUTCOME_RETRY)
            return o;
    }
    if (o == OUTCOME_WAIT)
        reconcile_after(p->result, MOVER_SHORT_NS);
    return o;
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
