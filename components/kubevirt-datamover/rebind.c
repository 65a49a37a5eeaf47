/* Gives a volume that was filled under one claim to the target claim (datamover.md 3.7): keep the
 * volume, remove its claim, name the target claim in it, wait until they are bound. Each step finds
 * out by itself whether it has been done, and the volume carries our uid before its claim goes, so
 * that it is found again after a crash anywhere. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/kubevirt-datamover/mover.h"
#include "kube/meta.h"
#include "kube/quantity.h"
#include "kube/selector.h"

#define WAIT_NS (INT64_C(120) * NS_PER_S)
#define POLL_NS (2 * NS_PER_S)

struct rebind {
    struct pass *p;
    struct rebind_place place;
    const char *ns, *claim; /* the target */
    json_t *source;         /* NULL: gone already */
    json_t *volume;
    json_t *target;
};

static void rebind_finish(struct rebind *r)
{
    json_decref(r->source);
    json_decref(r->volume);
    json_decref(r->target);
    free(r->place.claim);
}

static struct rebind rebind_of(struct pass *p)
{
    struct rebind r = {.p = p};
    p->work->place(p, &r.place);
    r.ns = r.place.ns;
    r.claim = r.place.claim;
    return r;
}

void rebind_place_download(const struct pass *p, struct rebind_place *ret)
{
    *ret = (struct rebind_place){
        .source_ns = p->m->ns,
        .source_prefix = SCRATCH_PREFIX,
        .ns = json_str_or_empty(p->own, "spec.targetVolume.namespace"),
        .claim = mem_strdup(json_str_or_empty(p->own, "spec.targetVolume.pvc"))};
}

static const struct client *client_of(const struct rebind *r)
{
    return &r->p->m->client;
}

static enum outcome bad(struct err *reterr, char *text_take)
{
    err_set(reterr, ERR_INVALID, NO_POS, "%s", text_take);
    free(text_take);
    return OUTCOME_BAD;
}

static void replace(json_t **slot, json_t *value_take)
{
    json_decref(*slot);
    *slot = value_take;
}

/* ---- finding ---- */

static enum outcome labelled_volumes(struct pass *p, json_t **ret, struct err *reterr)
{
    return pass_list(p, &kind_dm_volume, NULL, ret, reterr);
}

/* *ret NULL: there is none. */
static enum outcome get_target(struct rebind *r, json_t **ret, struct err *reterr)
{
    AUTO(err) struct err e = {0};
    enum answer a = client_get(client_of(r), &kind_dm_claim, r->ns, r->claim, ret, &e);
    *ret = a == ANSWER_OK ? *ret : NULL;
    if (a == ANSWER_OK || a == ANSWER_NOT_FOUND)
        return OUTCOME_OK;
    err_move(reterr, &e);
    return outcome_of(a);
}

static enum outcome read_target(struct rebind *r, struct err *reterr)
{
    json_t *target = NULL;
    enum outcome o = get_target(r, &target, reterr);
    if (o != OUTCOME_OK)
        return o;
    replace(&r->target, target);
    if (!target)
        return bad(reterr, mem_printf("target PVC %s/%s not found", r->ns, r->claim));
    return OUTCOME_OK;
}

static enum outcome read_volume(struct rebind *r, const char *name, struct err *reterr)
{
    json_t *volume = NULL;
    enum outcome o =
        outcome_of(client_get(client_of(r), &kind_dm_volume, NULL, name, &volume, reterr));
    if (o == OUTCOME_OK)
        replace(&r->volume, volume);
    return o;
}

static enum outcome volume_by_label(struct rebind *r, struct err *reterr)
{
    AUTO(json) json_t *volumes = NULL;
    enum outcome o = labelled_volumes(r->p, &volumes, reterr);
    if (o != OUTCOME_OK)
        return o;
    if (json_array_size(volumes) == 0)
        return bad(reterr, mem_printf("the source PVC is missing and no PV carries the uid %s",
                                      pass_uid(r->p)));
    if (json_array_size(volumes) > 1)
        return bad(reterr, mem_printf("more than one PV carries the uid %s", pass_uid(r->p)));
    replace(&r->volume, json_incref(json_array_get(volumes, 0)));
    return OUTCOME_OK;
}

enum outcome rebind_source_download(struct pass *p, json_t **ret, struct err *reterr)
{
    AUTO(json) json_t *claims = NULL;
    enum outcome o = staging_claims(p, &claims, reterr);
    if (o == OUTCOME_OK)
        *ret = json_incref(
            (json_t *)(uintptr_t)staging_find(claims, pass_is_block(p) ? ROLE_OUTPUT : NULL));
    return o;
}

static enum outcome find_volume(struct rebind *r, struct err *reterr)
{
    enum outcome o = r->p->work->source(r->p, &r->source, reterr);
    if (o != OUTCOME_OK)
        return o;
    if (!r->source)
        return volume_by_label(r, reterr);
    const char *phase = json_str_or_empty(r->source, "status.phase");
    const char *name = json_str_or_empty(r->source, "spec.volumeName");
    if (!*name || (strcmp(phase, "Bound") != 0 && strcmp(phase, "Lost") != 0))
        return bad(reterr, mem_printf("source PVC %s is not bound (phase: %s)",
                                      meta_name(r->source), phase));
    return read_volume(r, name, reterr);
}

static bool names_target(const struct rebind *r)
{
    const json_t *ref = json_path(r->volume, "spec.claimRef");
    const char *uid = json_str_or_empty(ref, "uid");
    return strcmp(json_str_or_empty(ref, "namespace"), r->ns) == 0 &&
           strcmp(json_str_or_empty(ref, "name"), r->claim) == 0 &&
           (!*uid || strcmp(uid, meta_uid(r->target)) == 0);
}

static bool is_bound(const struct rebind *r)
{
    return strcmp(json_str_or_empty(r->target, "spec.volumeName"), meta_name(r->volume)) == 0 &&
           strcmp(json_str_or_empty(r->target, "status.phase"), "Bound") == 0;
}

enum outcome rebind_state(struct pass *p, enum rebind_state *ret, struct err *reterr)
{
    AUTO(json) json_t *volumes = NULL;
    *ret = REBIND_NONE;
    /* Nothing is handed over before the pod has succeeded, and that is written down first. */
    if (!pass_succeeded(p))
        return OUTCOME_OK;
    struct rebind r = rebind_of(p);
    enum outcome o = labelled_volumes(p, &volumes, reterr);
    if (o == OUTCOME_OK && json_array_size(volumes) == 1) {
        o = get_target(&r, &r.target, reterr);
        r.volume = json_incref(json_array_get(volumes, 0));
        if (o == OUTCOME_OK && r.target && names_target(&r))
            *ret = is_bound(&r) ? REBIND_BOUND : REBIND_CLAIMED;
    }
    rebind_finish(&r);
    return o;
}

/* ---- checking ---- */

static const char *mode_of(const json_t *obj)
{
    const char *mode = json_str_or_empty(obj, "spec.volumeMode");
    return *mode ? mode : "Filesystem";
}

static bool supports_modes(const json_t *volume, const json_t *claim)
{
    size_t i, j;
    const json_t *want, *have;
    json_array_foreach(json_path(claim, "spec.accessModes"), i, want)
    {
        bool found = false;
        json_array_foreach(json_path(volume, "spec.accessModes"), j, have) found =
            found || json_equal(want, have);
        if (!found)
            return false;
    }
    return true;
}

static bool selects(const json_t *claim, const json_t *volume)
{
    const json_t *wanted = json_path(claim, "spec.selector");
    if (!json_is_object(wanted))
        return true;
    AUTO(selector) struct selector *s = selector_from_label_selector(wanted, NULL);
    return s && selector_matches(s, json_path(volume, "metadata.labels"));
}

/* NULL: the volume fits the claim. Static. */
static const char *misfit(const json_t *volume, const json_t *target)
{
    const char *name = json_str_or_empty(target, "spec.volumeName");
    const char *class = json_str(target, "spec.storageClassName");
    if (meta_deleting(target))
        return "it is being deleted";
    if (*name && strcmp(name, meta_name(volume)) != 0)
        return "it is bound to another volume";
    if (class && strcmp(class, json_str_or_empty(volume, "spec.storageClassName")) != 0)
        return "its storage class differs";
    if (quantity_bytes(json_str_or_empty(target, "spec.resources.requests.storage")) >
        quantity_bytes(json_str_or_empty(volume, "spec.capacity.storage")))
        return "it asks for more than the volume has";
    if (strcmp(mode_of(target), mode_of(volume)) != 0)
        return "its volume mode differs";
    if (!supports_modes(volume, target))
        return "the volume lacks one of its access modes";
    return selects(target, volume) ? NULL
                                   : "it declares spec.selector, which the volume does not match";
}

static enum outcome check_target(struct rebind *r, struct err *reterr)
{
    enum outcome o = read_target(r, reterr);
    if (o != OUTCOME_OK)
        return o;
    const char *why = misfit(r->volume, r->target);
    return why ? bad(reterr, mem_printf("target PVC %s/%s cannot take volume %s: %s", r->ns,
                                        r->claim, meta_name(r->volume), why))
               : OUTCOME_OK;
}

/* ---- the steps ---- */

static bool change_to_keep(json_t *volume, void *cookie)
{
    struct pass *p = cookie;
    const char *policy = json_str_or_empty(volume, "spec.persistentVolumeReclaimPolicy");
    const char *label = meta_label(volume, p->work->uid_label);
    if (strcmp(policy, "Retain") == 0 && label && strcmp(label, pass_uid(p)) == 0)
        return false;
    if (!meta_annotation(volume, KEY_ORIGINAL_POLICY))
        meta_set_annotation(volume, KEY_ORIGINAL_POLICY, policy);
    meta_set_label(volume, p->work->uid_label, pass_uid(p));
    json_put_str(volume, "spec.persistentVolumeReclaimPolicy", "Retain");
    return true;
}

static enum outcome keep_volume(struct rebind *r, struct err *reterr)
{
    json_t *volume = NULL;
    enum outcome o =
        outcome_of(client_change(client_of(r), &kind_dm_volume, NULL, meta_name(r->volume), NULL,
                                 change_to_keep, r->p, &volume, reterr));
    if (o == OUTCOME_OK)
        replace(&r->volume, volume);
    return o;
}

/* A blocking wait of at most two minutes. OUTCOME_WAIT: the time is over. */
typedef enum outcome step_fn(struct rebind *r, struct err *reterr);
static enum outcome poll(struct rebind *r, step_fn *step, struct err *reterr)
{
    struct host *h = r->p->m->host;
    int64_t end = host_now(h) + WAIT_NS;
    for (;;) {
        enum outcome o = step(r, reterr);
        if (o != OUTCOME_WAIT || host_now(h) >= end)
            return o;
        if (host_sleep(h, POLL_NS) == HOST_CRASHED) {
            err_set(reterr, ERR_CRASHED, NO_POS, "crashed");
            return OUTCOME_RETRY;
        }
    }
}

static enum outcome source_gone(struct rebind *r, struct err *reterr)
{
    AUTO(json) json_t *now = NULL;
    AUTO(err) struct err e = {0};
    enum answer a = client_get(client_of(r), &kind_dm_claim, meta_namespace(r->source),
                               meta_name(r->source), &now, &e);
    if (a == ANSWER_NOT_FOUND ||
        (a == ANSWER_OK && strcmp(meta_uid(now), meta_uid(r->source)) != 0))
        return OUTCOME_OK;
    if (a == ANSWER_OK)
        return OUTCOME_WAIT;
    err_move(reterr, &e);
    return OUTCOME_RETRY;
}

static enum outcome delete_source(struct rebind *r, struct err *reterr)
{
    if (!r->source)
        return OUTCOME_OK;
    struct delete_options options = {.uid = meta_uid(r->source)};
    AUTO(err) struct err e = {0};
    enum answer a = ANSWER_OK;
    if (!meta_deleting(r->source))
        a = client_delete(client_of(r), &kind_dm_claim, meta_namespace(r->source),
                          meta_name(r->source), &options, &e);
    if (a != ANSWER_OK && a != ANSWER_NOT_FOUND)
        return err_move(reterr, &e), outcome_of(a);
    enum outcome o = poll(r, source_gone, reterr);
    return o == OUTCOME_WAIT
               ? bad(reterr, mem_printf("source PVC %s is still there after two minutes",
                                        meta_name(r->source)))
               : o;
}

/* Whether the volume belongs to nobody but a claim of ours that it is taken from. */
static bool may_take(const struct rebind *r, const json_t *volume)
{
    const json_t *ref = json_path(volume, "spec.claimRef");
    const char *name = json_str_or_empty(ref, "name");
    return !json_is_object(ref) ||
           (strcmp(json_str_or_empty(ref, "namespace"), r->place.source_ns) == 0 &&
            strncmp(name, r->place.source_prefix, strlen(r->place.source_prefix)) == 0);
}

static bool change_to_target(json_t *volume, void *cookie)
{
    const struct rebind *r = cookie;
    if (!may_take(r, volume))
        return false;
    meta_set_annotation(volume, KEY_BOUND_BY_CONTROLLER, NULL);
    json_put_take(volume, "spec.claimRef",
                  json_pack("{s:s, s:s, s:s, s:s, s:s}", "apiVersion", "v1", "kind",
                            "PersistentVolumeClaim", "namespace", r->ns, "name", r->claim, "uid",
                            meta_uid(r->target)));
    return true;
}

static enum outcome claim_volume(struct rebind *r, struct err *reterr)
{
    json_t *volume = NULL;
    enum outcome o =
        outcome_of(client_change(client_of(r), &kind_dm_volume, NULL, meta_name(r->volume), NULL,
                                 change_to_target, r, &volume, reterr));
    if (o != OUTCOME_OK)
        return o;
    replace(&r->volume, volume);
    return names_target(r) ? OUTCOME_OK
                           : bad(reterr, mem_printf("volume %s belongs to another claim",
                                                    meta_name(r->volume)));
}

/* A foreign volume is an error at once: a provisioner was faster, and the claim is empty. */
static enum outcome target_bound(struct rebind *r, struct err *reterr)
{
    enum outcome o = read_target(r, reterr);
    if (o != OUTCOME_OK)
        return o;
    const char *name = json_str_or_empty(r->target, "spec.volumeName");
    if (*name && strcmp(name, meta_name(r->volume)) != 0)
        return bad(reterr, mem_printf("target PVC %s/%s was bound to another volume, %s", r->ns,
                                      r->claim, name));
    return is_bound(r) ? OUTCOME_OK : OUTCOME_WAIT;
}

static enum outcome wait_bound(struct rebind *r, struct err *reterr)
{
    enum outcome o = poll(r, target_bound, reterr);
    return o == OUTCOME_WAIT
               ? bad(reterr,
                     mem_printf("target PVC %s/%s is not bound after two minutes", r->ns, r->claim))
               : o;
}

/* A claim that only this volume fits. */
static json_t *new_target(const struct rebind *r)
{
    const struct pass *p = r->p;
    json_t *claim = kind_object(&kind_dm_claim, r->ns, r->claim);
    meta_set_label(claim, p->work->uid_label, pass_uid(p));
    meta_set_annotation(claim, KEY_UPLOAD_NAME, meta_name(p->stored));
    json_put_take(claim, "spec.accessModes",
                  json_copy_of(json_path(r->volume, "spec.accessModes")));
    json_put_str(claim, "spec.volumeMode", mode_of(r->volume));
    json_put_str(claim, "spec.storageClassName",
                 json_str_or_empty(r->volume, "spec.storageClassName"));
    json_put_str(claim, "spec.resources.requests.storage",
                 json_str_or_empty(r->volume, "spec.capacity.storage"));
    json_put_str(claim, "spec.volumeName", meta_name(r->volume));
    json_put_take(claim, "spec.selector",
                  json_pack("{s:{s:s}}", "matchLabels", p->work->uid_label, pass_uid(p)));
    return claim;
}

static enum outcome make_target(struct rebind *r, struct err *reterr)
{
    AUTO(json) json_t *there = NULL;
    enum outcome o = get_target(r, &there, reterr);
    if (o != OUTCOME_OK || there)
        return o;
    AUTO(json) json_t *claim = new_target(r);
    return outcome_of(client_create(client_of(r), &kind_dm_claim, claim, NULL, reterr));
}

static enum outcome run_steps(struct rebind *r, struct err *reterr)
{
    static step_fn *const onto_claim[] = {find_volume, check_target, keep_volume, delete_source,
                                          check_target};
    static step_fn *const onto_own[] = {find_volume, keep_volume, delete_source, make_target,
                                        check_target};
    step_fn *const *steps = r->place.makes_target ? onto_own : onto_claim;
    for (size_t i = 0; i < ARRAY_LEN(onto_claim); i++) {
        enum outcome o = steps[i](r, reterr);
        if (o != OUTCOME_OK)
            return o;
    }
    enum outcome o = names_target(r) ? OUTCOME_OK : claim_volume(r, reterr);
    return o == OUTCOME_OK ? wait_bound(r, reterr) : o;
}

enum outcome rebind_volume(struct pass *p, struct err *reterr)
{
    struct rebind r = rebind_of(p);
    enum outcome o = run_steps(&r, reterr);
    rebind_finish(&r);
    return o;
}

/* ---- undoing ---- */

static bool change_back(json_t *volume, void *cookie)
{
    const struct pass *p = cookie;
    const char *policy = meta_annotation(volume, KEY_ORIGINAL_POLICY);
    if (policy && *policy)
        json_put_str(volume, "spec.persistentVolumeReclaimPolicy", policy);
    meta_set_annotation(volume, KEY_ORIGINAL_POLICY, NULL);
    meta_set_label(volume, p->work->uid_label, NULL);
    return true;
}

enum outcome rebind_forget(struct pass *p, struct err *reterr)
{
    AUTO(json) json_t *volumes = NULL;
    enum outcome o = labelled_volumes(p, &volumes, reterr);
    size_t i;
    const json_t *volume;
    json_array_foreach(volumes, i, volume)
    {
        AUTO(err) struct err e = {0};
        enum answer a = client_change(&p->m->client, &kind_dm_volume, NULL, meta_name(volume), NULL,
                                      change_back, p, NULL, &e);
        if (a == ANSWER_OK || a == ANSWER_NOT_FOUND)
            continue;
        err_move(reterr, &e);
        return OUTCOME_RETRY;
    }
    return o;
}
