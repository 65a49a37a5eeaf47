/* The claims that a restore works in: one for a Filesystem target (it becomes the restored volume),
 * two for a Block target (images, and the device that becomes the restored volume). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/kubevirt-datamover/mover.h"
#include "kube/meta.h"
#include "kube/names.h"
#include "kube/quantity.h"

/* What the API server leaves of generateName, and the longest role with its dashes. */
#define GENERATE_MAX 58
#define ROLE_ROOM 8

enum outcome staging_claims(struct pass *p, json_t **ret, struct err *reterr)
{
    return pass_list(p, &kind_dm_claim, p->m->ns, ret, reterr);
}

static bool has_role(const json_t *claim, const char *role)
{
    const char *have = meta_label(claim, KEY_ROLE);
    return role ? have && strcmp(have, role) == 0 : !have;
}

const json_t *staging_find(const json_t *claims, const char *role)
{
    size_t i;
    const json_t *claim;
    json_array_foreach(claims, i, claim) if (has_role(claim, role)) return claim;
    return NULL;
}

static size_t count_role(const json_t *claims, const char *role)
{
    size_t i, n = 0;
    const json_t *claim;
    json_array_foreach(claims, i, claim) n += has_role(claim, role);
    return n;
}

/* ---- shape ---- */

static const char *mode_of(const json_t *claim)
{
    const char *mode = json_str_or_empty(claim, "spec.volumeMode");
    return *mode ? mode : "Filesystem";
}

/* New array: the target's, or ReadWriteOnce. */
static json_t *modes_for(const json_t *target)
{
    const json_t *modes = json_path(target, "spec.accessModes");
    return json_array_size(modes) ? json_copy_of(modes) : json_pack("[s]", "ReadWriteOnce");
}

static bool same_modes(const json_t *a, const json_t *b)
{
    size_t i, j;
    const json_t *x, *y;
    if (json_array_size(a) != json_array_size(b))
        return false;
    json_array_foreach(a, i, x)
    {
        bool found = false;
        json_array_foreach(b, j, y) found = found || json_equal(x, y);
        if (!found)
            return false;
    }
    return true;
}

static bool same_shape(const json_t *claim, const json_t *target, const char *mode)
{
    const char *class_want = json_str(target, "spec.storageClassName");
    AUTO(json) json_t *modes = modes_for(target);
    if (class_want && strcmp(json_str_or_empty(claim, "spec.storageClassName"), class_want) != 0)
        return false;
    return strcmp(mode_of(claim), mode) == 0 &&
           same_modes(json_path(claim, "spec.accessModes"), modes);
}

/* ---- making ---- */

static json_t *new_claim(struct pass *p, const json_t *target, const char *role, const char *mode,
                         int64_t bytes)
{
    char size[QUANTITY_TEXT];
    AUTO(str)
    char *owner =
        name_shorten(meta_name(p->stored), GENERATE_MAX - strlen(SCRATCH_PREFIX) - ROLE_ROOM);
    AUTO(str)
    char *prefix = role ? mem_printf(SCRATCH_PREFIX "%s-%s-", owner, role)
                        : mem_printf(SCRATCH_PREFIX "%s-", owner);
    const char *class = json_str(target, "spec.storageClassName");
    json_t *claim = kind_object(&kind_dm_claim, p->m->ns, "");
    json_drop(claim, "metadata.name");
    json_put_str(claim, "metadata.generateName", prefix);
    meta_set_label(claim, KEY_DOWNLOAD_UID, pass_uid(p));
    if (role)
        meta_set_label(claim, KEY_ROLE, role);
    meta_set_annotation(claim, KEY_DOWNLOAD_NAME, meta_name(p->stored));
    json_put_take(claim, "metadata.ownerReferences",
                  json_pack("[o]", meta_owner_ref(p->stored, true, false)));
    json_put_take(claim, "spec.accessModes", modes_for(target));
    json_put_str(claim, "spec.volumeMode", mode);
    if (class)
        json_put_str(claim, "spec.storageClassName", class);
    quantity_from_bytes(bytes, size);
    json_put_str(claim, "spec.resources.requests.storage", size);
    return claim;
}

static enum outcome remove_claim(struct pass *p, const json_t *claim, struct err *reterr)
{
    reconcile_after(p->result, MOVER_SHORT_NS);
    return pass_delete(p, &kind_dm_claim, claim, reterr);
}

static enum outcome check_existing(struct pass *p, const json_t *claim, const json_t *target,
                                   const char *mode, int64_t bytes, struct err *reterr)
{
    const char *request = json_str_or_empty(claim, "spec.resources.requests.storage");
    bool small = quantity_bytes(request) < bytes;
    if (meta_deleting(claim) || (small && pass_retries(p) > 0))
        return remove_claim(p, claim, reterr);
    if (!same_shape(claim, target, mode)) {
        err_set(reterr, ERR_INVALID, NO_POS,
                "Scratch PVC %s: immutable shape mismatch: class, mode or access modes are not "
                "those of the target PVC",
                meta_name(claim));
        return OUTCOME_BAD;
    }
    if (!small)
        return OUTCOME_OK;
    err_set(reterr, ERR_INVALID, NO_POS,
            "Scratch PVC %s asks for %s, %" PRId64 " bytes are needed now", meta_name(claim),
            request, bytes);
    return OUTCOME_RETRY;
}

static enum outcome ensure(struct pass *p, const json_t *claims, const json_t *target,
                           const char *role, const char *mode, int64_t bytes, struct err *reterr)
{
    if (count_role(claims, role) > 1) {
        err_set(reterr, ERR_INVALID, NO_POS, "more than one scratch PVC carries the uid %s",
                pass_uid(p));
        return OUTCOME_RETRY;
    }
    const json_t *claim = staging_find(claims, role);
    if (claim)
        return check_existing(p, claim, target, mode, bytes, reterr);
    AUTO(json) json_t *fresh = new_claim(p, target, role, mode, bytes);
    return outcome_of(client_create(&p->m->client, &kind_dm_claim, fresh, NULL, reterr));
}

enum outcome staging_ensure(struct pass *p, const json_t *target, const struct staging_sizes *sizes,
                            struct err *reterr)
{
    AUTO(json) json_t *claims = NULL;
    enum outcome o = staging_claims(p, &claims, reterr);
    if (o != OUTCOME_OK)
        return o;
    if (!pass_is_block(p))
        return ensure(p, claims, target, NULL, mode_of(target), sizes->scratch, reterr);
    o = ensure(p, claims, target, ROLE_WORK, "Filesystem", sizes->work, reterr);
    return o == OUTCOME_OK ? ensure(p, claims, target, ROLE_OUTPUT, "Block", sizes->output, reterr)
                           : o;
}

enum outcome staging_delete(struct pass *p, const char *role, struct err *reterr)
{
    AUTO(json) json_t *claims = NULL;
    enum outcome all = staging_claims(p, &claims, reterr);
    size_t i;
    const json_t *claim;
    if (all != OUTCOME_OK)
        return all;
    json_array_foreach(claims, i, claim)
    {
        if (*role && !has_role(claim, role))
            continue;
        all = remove_claim(p, claim, reterr);
        if (all == OUTCOME_RETRY)
            return all;
    }
    return all;
}
