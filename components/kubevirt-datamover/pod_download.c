/* The downloader pod: what it is told and what it mounts (datamover.md 5.1). */
#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/kubevirt-datamover/mover.h"
#include "kube/meta.h"

#define SCRATCH_PATH "/scratch"
#define FILE_PATH "/scratch/disk.img"
#define DEVICE_PATH "/dev/restore-output"

static json_t *env_of(struct pass *p)
{
    json_t *env = json_array();
    bool block = pass_is_block(p);
    pod_add_env(env, "DATADOWNLOAD_NAME", meta_name(p->stored));
    pod_add_env(env, "DATADOWNLOAD_UID", pass_uid(p));
    pod_add_env(env, "TARGET_VOLUME", pass_annotation(p, KEY_DISK));
    pod_add_env(env, "TARGET_PATH", block ? DEVICE_PATH : FILE_PATH);
    pod_add_env(env, "SCRATCH_PATH", SCRATCH_PATH);
    pod_add_env(env, "TARGET_IS_BLOCK_DEVICE", block ? "true" : "");
    pod_add_env(env, "ENGINE", p->m->engine);
    pod_add_env(env, "REQUIRE_BACKING", p->m->require_backing ? "true" : "");
    return env;
}

static void attach_output(json_t *pod, const char *claim)
{
    json_array_append_new(
        json_at_mut(pod, "spec", "volumes", NULL),
        json_pack("{s:s, s:{s:s}}", "name", "output", "persistentVolumeClaim", "claimName", claim));
    json_object_set_new(json_array_get(json_at_mut(pod, "spec", "containers", NULL), 0),
                        "volumeDevices",
                        json_pack("[{s:s, s:s}]", "name", "output", "devicePath", DEVICE_PATH));
}

static json_t *new_pod(struct pass *p, const struct location *l, const json_t *scratch,
                       const json_t *output)
{
    AUTO(str) char *attempt = mem_printf("%" PRId64, pass_retries(p));
    json_t *pod = pod_new(p, l, POD_PREFIX, "download", env_of(p));
    meta_set_annotation(pod, KEY_DOWNLOAD_NAME, meta_name(p->stored));
    meta_set_annotation(pod, KEY_ATTEMPT, attempt);
    pod_mount(pod, "scratch", meta_name(scratch), SCRATCH_PATH, /* read_only= */ false);
    if (pass_is_block(p))
        attach_output(pod, meta_name(output));
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
