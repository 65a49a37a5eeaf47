/* The end of a VolumeSnapshot: not while a pending claim restores it; the content goes first when
 * its policy is Delete. */
#include <string.h>

#include "base/json.h"
#include "kube/meta.h"
#include "sim/storage/snapshot_priv.h"

static bool is_being_restored(const struct simloop *l, const json_t *vs)
{
    AUTO(json)
    json_t *claims =
        apiserver_peek_all(simloop_server(l), "", LOOP_CLAIMS.plural, meta_namespace(vs));
    size_t i;
    json_t *claim;
    json_array_foreach(claims, i, claim)
    {
        if (!strcmp(json_str_or_empty(claim, "spec.dataSource.kind"), "VolumeSnapshot") &&
            !strcmp(json_str_or_empty(claim, "spec.dataSource.name"), meta_name(vs)) &&
            !strcmp(json_str_or_empty(claim, "status.phase"), "Pending"))
            return true;
    }
    return false;
}

static bool claim_is_needed(const struct simloop *l, const json_t *except, const char *claim)
{
    AUTO(json)
    json_t *all = apiserver_peek_all(simloop_server(l), LOOP_SNAPSHOTS.group, LOOP_SNAPSHOTS.plural,
                                     meta_namespace(except));
    size_t i;
    json_t *vs;
    json_array_foreach(all, i, vs)
    {
        if (strcmp(meta_uid(vs), meta_uid(except)) && !json_bool(vs, "status.readyToUse", false) &&
            !strcmp(json_str_or_empty(vs, "spec.source.persistentVolumeClaimName"), claim))
            return true;
    }
    return false;
}

int snapshot_release_claim(struct simloop *l, const json_t *except)
{
    const char *name = json_str_or_empty(except, "spec.source.persistentVolumeClaimName");
    AUTO(json) json_t *claim = simloop_get(l, &LOOP_CLAIMS, meta_namespace(except), name);
    if (!*name || !claim || !meta_has_finalizer(claim, FIN_CLAIM_SOURCE) ||
        claim_is_needed(l, except, name))
        return 0;
    AUTO(json) json_t *copy = json_copy_of(claim);
    meta_remove_finalizer(copy, FIN_CLAIM_SOURCE);
    int rc = simloop_put(l, &LOOP_CLAIMS, copy, NULL, NULL);
    return rc < 0 && simloop_code(l) == 404 ? 0 : rc;
}

static int remove_finalizers(struct simloop *l, const json_t *vs)
{
    AUTO(json) json_t *copy = json_copy_of(vs);
    bool changed = meta_remove_finalizer(copy, FIN_SNAPSHOT_SOURCE);
    changed |= meta_remove_finalizer(copy, FIN_SNAPSHOT_BOUND);
    return changed ? simloop_put(l, &LOOP_SNAPSHOTS, copy, NULL, NULL) : 0;
}

static int mark_content(struct simloop *l, const json_t *content)
{
    if (meta_annotation(content, ANN_BEING_DELETED))
        return 0;
    AUTO(json) json_t *copy = json_copy_of(content);
    meta_set_annotation(copy, ANN_BEING_DELETED, "yes");
    return simloop_put(l, &LOOP_CONTENTS, copy, NULL, NULL);
}

int snapshot_delete(struct simloop *l, const json_t *vs)
{
    if (is_being_restored(l, vs)) {
        simloop_event(l, vs, "Warning", "SnapshotDeletePending",
                      "Snapshot is being used to restore a PVC");
        return 0;
    }
    AUTO(json) json_t *content = snapshot_content(l, vs);
    if (content && snapshot_is_content_of(content, vs)) {
        if (mark_content(l, content) < 0)
            return -1;
        if (!strcmp(json_str_or_empty(content, "spec.deletionPolicy"), "Delete"))
            return meta_deleting(content) ? 0 : simloop_delete(l, &LOOP_CONTENTS, content, -1);
    }
    if (snapshot_release_claim(l, vs) < 0)
        return -1;
    return remove_finalizers(l, vs);
}
