/* Which tracker, and whether the next backup may be an increment (datamover.md 3.4). */
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/json.h"
#include "base/mem.h"
#include "components/bsl/lookup.h"
#include "components/kubevirt-datamover/mover.h"
#include "kube/meta.h"
#include "kube/names.h"

#define HASH_DIGITS 16
#define NAME_ROOM 63
#define NAME_PREFIX "vmbt-"

void upload_choice_finish(struct upload_choice *c)
{
    free(c->tracker);
    free(c->parent);
    *c = (struct upload_choice){0};
}

static struct documents_place place_of(const struct pass *p, const struct location *l)
{
    return (struct documents_place){l->bucket, l->prefix, "", pass_vm_namespace(p), pass_vm(p)};
}

/* ---- the tracker ---- */

/* Sixteen digits fit a label, the name may not. */
static void hash_of_vm(const struct pass *p, char ret[DIGEST_HEX])
{
    digest_of(pass_vm(p), strlen(pass_vm(p)), ret);
    ret[HASH_DIGITS] = '\0';
}

static bool tracks(const json_t *tracker, const char *vm)
{
    return strcmp(json_str_or_empty(tracker, "spec.source.name"), vm) == 0 &&
           !meta_deleting(tracker);
}

/* *ret NULL: the machine has none. */
static enum outcome find_tracker(struct pass *p, json_t **ret, struct err *reterr)
{
    char hash[DIGEST_HEX];
    AUTO(json) json_t *all = NULL;
    size_t i;
    json_t *tracker;
    hash_of_vm(p, hash);
    AUTO(str) char *selector = mem_printf(KEY_VM_HASH "=%s", hash);
    enum outcome o = outcome_of(client_list(&p->m->client, &kind_dm_tracker, pass_vm_namespace(p),
                                            selector, NULL, &all, reterr));
    json_array_foreach(all, i, tracker) if (!*ret && tracks(tracker, pass_vm(p))) *ret =
        json_incref(tracker);
    return o;
}

static json_t *new_tracker(struct pass *p)
{
    char hash[DIGEST_HEX];
    AUTO(str) char *vm = name_shorten(pass_vm(p), NAME_ROOM - strlen(NAME_PREFIX) - 6);
    AUTO(str) char *prefix = mem_printf(NAME_PREFIX "%s-", vm);
    json_t *tracker = kind_object(&kind_dm_tracker, pass_vm_namespace(p), "");
    hash_of_vm(p, hash);
    json_drop(tracker, "metadata.name");
    json_put_str(tracker, "metadata.generateName", prefix);
    meta_set_label(tracker, KEY_VM_HASH, hash);
    meta_set_label(tracker, KEY_UPLOAD_UID, pass_uid(p));
    meta_set_annotation(tracker, KEY_UPLOAD_NAME, meta_name(p->stored));
    meta_set_annotation(tracker, KEY_VM_NAME, pass_vm(p));
    json_put_take(tracker, "spec.source",
                  json_pack("{s:s, s:s, s:s}", "apiGroup", kind_dm_vm.resource.group, "kind",
                            kind_dm_vm.kind, "name", pass_vm(p)));
    return tracker;
}

/* A tracker that was lost goes on where the archived one stood. Only a new one: what KubeVirt has
 * taken from a tracker must not be put back. */
static enum outcome restore_checkpoint(struct pass *p, const char *checkpoint, json_t **tracker,
                                       struct err *reterr)
{
    AUTO(json) json_t *copy = json_copy_of(*tracker);
    json_t *stored = NULL;
    json_put_str(copy, "status.latestCheckpoint.name", checkpoint);
    enum outcome o =
        outcome_of(client_update_status(&p->m->client, &kind_dm_tracker, copy, &stored, reterr));
    if (o == OUTCOME_OK) {
        json_decref(*tracker);
        *tracker = stored;
    }
    return o;
}

static enum outcome make_tracker(struct pass *p, const struct location *l, json_t **ret,
                                 struct err *reterr)
{
    struct documents_place place = place_of(p, l);
    AUTO(str) char *checkpoint = NULL;
    AUTO(json) json_t *tracker = new_tracker(p);
    if (bsl_archived_checkpoint(p->m->host, &place, &checkpoint, reterr) < 0)
        return OUTCOME_RETRY;
    enum outcome o =
        outcome_of(client_create(&p->m->client, &kind_dm_tracker, tracker, ret, reterr));
    return o == OUTCOME_OK && checkpoint ? restore_checkpoint(p, checkpoint, ret, reterr) : o;
}

/* ---- full or incremental ---- */

static bool is_true(const json_t *object, const char *annotation)
{
    const char *text = meta_annotation(object, annotation);
    return text && strcmp(text, "true") == 0;
}

/* How many increments may follow a full backup; 0: any number. */
static int64_t limit_of(const struct pass *p, const json_t *vm)
{
    const char *text = meta_annotation(vm, KEY_MAX_INCREMENTAL);
    char *end = NULL;
    long n = text && *text ? strtol(text, &end, 10) : -1;
    return end && !*end && n >= 0 ? n : p->m->increments_max;
}

/* The checkpoint to go on from; NULL: none. *ret_why is for the log. Borrowed from l. */
static const char *parent_in(const struct pass *p, const json_t *vm, const json_t *tracker,
                             const struct bsl_lookup *l, const char **ret_why)
{
    int64_t limit = limit_of(p, vm);
    *ret_why = "no chain was found";
    if (!l->found)
        return NULL;
    *ret_why = "the chain is broken";
    if (!l->whole)
        return NULL;
    *ret_why = "the chain has as many increments as it may have";
    if (limit > 0 && (int64_t)l->length - 1 >= limit)
        return NULL;
    *ret_why = "the tracker does not stand where the chain ends";
    if (strcmp(json_str_or_empty(tracker, "status.latestCheckpoint.name"), l->latest) != 0)
        return NULL;
    *ret_why = "";
    return l->latest;
}

static enum outcome decide(struct pass *p, const struct location *l, const json_t *vm,
                           const json_t *tracker, struct upload_choice *ret, struct err *reterr)
{
    struct documents_place place = place_of(p, l);
    AUTO(bsl_lookup) struct bsl_lookup found = {0};
    AUTO(err) struct err e = {0};
    const char *why = "it was asked for";
    bool forced =
        is_true(p->own, KEY_FORCE_FULL) || (!p->m->as_code && is_true(vm, KEY_FORCE_FULL));
    if (!forced && bsl_lookup(p->m->host, &place, &found, &e) < 0) {
        if (e.code == ERR_CRASHED) {
            err_move(reterr, &e);
            return OUTCOME_RETRY;
        }
        ret->unknown = true;
        why = e.msg;
    } else if (!forced) {
        const char *parent = parent_in(p, vm, tracker, &found, &why);
        ret->parent = parent ? mem_strdup(parent) : NULL;
    }
    ret->asked = forced;
    ret->force_full = !ret->parent;
    host_log(p->m->host, LOG_INFO, "DataUpload %s: %s backup%s%s", meta_name(p->stored),
             ret->parent ? "incremental" : "full", *why ? ": " : "", why);
    return OUTCOME_OK;
}

enum outcome upload_choose(struct pass *p, const struct location *l, const json_t *vm,
                           struct upload_choice *ret, struct err *reterr)
{
    AUTO(json) json_t *tracker = NULL;
    enum outcome o = find_tracker(p, &tracker, reterr);
    if (o == OUTCOME_OK && !tracker)
        o = make_tracker(p, l, &tracker, reterr);
    if (o != OUTCOME_OK)
        return o;
    ret->tracker = mem_strdup(meta_name(tracker));
    return decide(p, l, vm, tracker, ret, reterr);
}
