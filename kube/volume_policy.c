#include "kube/volume_policy.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "base/yaml.h"
#include "kube/meta.h"
#include "kube/quantity.h"

#define POLICIES_MAX 1000

struct volume_policies {
    json_t *list;
};

static const struct {
    const char *name;
    enum volume_action action;
} actions[] = {{"skip", VOLUME_SKIP},
               {"snapshot", VOLUME_SNAPSHOT},
               {"fs-backup", VOLUME_FS_BACKUP},
               {"custom", VOLUME_CUSTOM}};

static const char *const conditions[] = {"capacity",    "storageClass", "nfs",     "csi",
                                         "volumeTypes", "pvcLabels",    "pvcPhase"};

/* ---- reading ---- */

static enum volume_action action_of(const json_t *policy)
{
    const char *type = json_str_or_empty(policy, "action.type");

    for (size_t i = 0; i < ARRAY_LEN(actions); i++)
        if (strcmp(type, actions[i].name) == 0)
            return actions[i].action;
    return VOLUME_NO_MATCH;
}

/* "LOW,HIGH", each may be empty. */
static bool read_range(const char *text, int64_t *ret_low, int64_t *ret_high)
{
    const char *comma = strchr(text, ',');
    AUTO(str) char *low = comma ? mem_strndup(text, (size_t)(comma - text)) : NULL;

    if (!comma)
        return false;
    *ret_low = *low ? quantity_bytes(low) : 0;
    *ret_high = comma[1] ? quantity_bytes(comma + 1) : INT64_MAX;
    return *ret_low >= 0 && *ret_high >= *ret_low;
}

/* Whom a snapshot may be moved by, as Velero validates it until it learns to leave a claim to
 * somebody else's mover (datamover.md B-50). */
static bool is_own_mover(const char *name)
{
    static const char *const own[] = {"", "velero", "velero-fs", "velero-block"};

    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        if (strcmp(name, own[i]) == 0)
            return true;
    return false;
}

static int check_policy(const json_t *policy, size_t i, struct err *reterr)
{
    const json_t *when = json_object_get(policy, "conditions");
    const char *odd = json_other_key(when, conditions, ARRAY_LEN(conditions));
    const char *range = json_str(when, "capacity");
    const char *mover = json_str_or_empty(policy, "action.parameters.dataMover");
    int64_t low, high;

    if (action_of(policy) == VOLUME_NO_MATCH)
        return err_set(reterr, ERR_INVALID, NO_POS,
                       "volumePolicies[%zu]: expected action.type skip, snapshot, fs-backup or "
                       "custom, found '%s'",
                       i, json_str_or_empty(policy, "action.type"));
    if (action_of(policy) == VOLUME_SNAPSHOT && !is_own_mover(mover))
        return err_set(
            reterr, ERR_INVALID, NO_POS,
            "volumePolicies[%zu]: the data mover '%s' of a snapshot is none of Velero's: "
            "expected velero, velero-fs or velero-block",
            i, mover);
    if (!json_is_object(when))
        return err_set(reterr, ERR_INVALID, NO_POS, "volumePolicies[%zu]: it has no conditions", i);
    if (odd)
        return err_set(reterr, ERR_INVALID, NO_POS, "volumePolicies[%zu]: unknown condition '%s'",
                       i, odd);
    if (range && !read_range(range, &low, &high))
        return err_set(reterr, ERR_INVALID, NO_POS,
                       "volumePolicies[%zu]: the capacity '%s' is no range", i, range);
    return 0;
}

static int check_document(const json_t *doc, struct err *reterr)
{
    const json_t *list = json_object_get(doc, "volumePolicies");
    size_t i;
    json_t *policy;

    if (strcmp(json_str_or_empty(doc, "version"), "v1") != 0)
        return err_set(reterr, ERR_INVALID, NO_POS, "expected 'version: v1'");
    if (json_array_size(list) > POLICIES_MAX)
        return err_set(reterr, ERR_LIMIT, NO_POS, "more than %d volume policies", POLICIES_MAX);
    json_array_foreach(list, i, policy)
    {
        if (check_policy(policy, i, reterr) < 0)
            return -1;
    }
    return 0;
}

static json_t *read_document(const char *text, struct err *reterr)
{
    struct diags diags = {0};
    AUTO(yaml) struct yaml_doc *doc = yaml_parse(text, strlen(text), "volume policies", &diags);
    json_t *read = doc ? yaml_to_json(doc, yaml_node(doc, 0)) : NULL;

    if (!read)
        err_set(reterr, ERR_SYNTAX, NO_POS, "the volume policies are no YAML: %s",
                diags.count ? diags.items[0].err.msg : "they are empty");
    diags_finish(&diags);
    return read;
}

struct volume_policies *volume_policies_read(const json_t *configmap, struct err *reterr)
{
    const json_t *data = json_object_get(configmap, "data");
    const char *key = json_object_iter_key(json_object_iter((json_t *)data));
    const char *text = key ? json_string_value(json_object_get(data, key)) : NULL;
    AUTO(json) json_t *doc = NULL;
    struct volume_policies *p;

    if (json_object_size(data) != 1 || !text) {
        err_set(reterr, ERR_INVALID, NO_POS,
                "the ConfigMap '%s' of volume policies has %zu keys, expected exactly one",
                meta_name(configmap), json_object_size(data));
        return NULL;
    }
    doc = read_document(text, reterr);
    if (!doc || check_document(doc, reterr) < 0)
        return NULL;
    p = mem_zalloc(sizeof *p);
    p->list = json_incref(json_object_get(doc, "volumePolicies"));
    return p;
}

void volume_policies_destroy(struct volume_policies *p)
{
    if (!p)
        return;
    json_decref(p->list);
    free(p);
}

/* ---- matching ---- */

static bool list_has(const json_t *list, const char *text)
{
    size_t i;
    json_t *item;

    json_array_foreach(list, i, item)
    {
        if (strcmp(json_string_value(item) ? json_string_value(item) : "", text) == 0)
            return true;
    }
    return false;
}

static bool capacity_fits(const char *range, const json_t *claim, const json_t *pv)
{
    const char *text = pv ? json_str(pv, "spec.capacity.storage")
                          : json_str(claim, "spec.resources.requests.storage");
    int64_t bytes = text ? quantity_bytes(text) : 0, low, high;

    return read_range(range, &low, &high) && bytes >= low && bytes <= high;
}

static bool labels_fit(const json_t *want, const json_t *claim)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)want, key, value)
    {
        const char *have = meta_label(claim, key);

        if (!have || !json_is_string(value) || strcmp(have, json_string_value(value)) != 0)
            return false;
    }
    return true;
}

static bool source_fits(const json_t *want, const json_t *have, const char *member)
{
    const char *text = json_str(want, member);

    return json_is_object(have) && (!text || strcmp(text, json_str_or_empty(have, member)) == 0);
}

static bool type_fits(const json_t *types, const json_t *pv)
{
    const char *key;
    json_t *value;

    json_object_foreach(json_object_get(pv, "spec"), key, value)
    {
        if (json_is_object(value) && list_has(types, key))
            return true;
    }
    return false;
}

static bool fits(const json_t *when, const json_t *claim, const json_t *pv)
{
    const json_t *classes = json_object_get(when, "storageClass");
    const json_t *types = json_object_get(when, "volumeTypes");
    const json_t *phases = json_object_get(when, "pvcPhase");
    const json_t *csi = json_object_get(when, "csi"), *nfs = json_object_get(when, "nfs");
    const char *range = json_str(when, "capacity");

    return (!range || capacity_fits(range, claim, pv)) &&
           (!classes || list_has(classes, json_str_or_empty(claim, "spec.storageClassName"))) &&
           (!types || type_fits(types, pv)) &&
           (!csi || source_fits(csi, json_path(pv, "spec.csi"), "driver")) &&
           (!nfs || source_fits(nfs, json_path(pv, "spec.nfs"), "server")) &&
           (!phases || list_has(phases, json_str_or_empty(claim, "status.phase"))) &&
           labels_fit(json_object_get(when, "pvcLabels"), claim);
}

enum volume_action volume_policies_match(const struct volume_policies *p, const json_t *claim,
                                         const json_t *pv, const json_t **ret_parameters)
{
    size_t i;
    json_t *policy;

    if (ret_parameters)
        *ret_parameters = NULL;
    json_array_foreach(p ? p->list : NULL, i, policy)
    {
        if (!fits(json_object_get(policy, "conditions"), claim, pv))
            continue;
        if (ret_parameters)
            *ret_parameters = json_path(policy, "action.parameters");
        return action_of(policy);
    }
    return VOLUME_NO_MATCH;
}

/* ---- files ---- */

/* Whether a name is one of a comma-separated list. */
static bool names_it(const char *list, const char *name)
{
    size_t len = strlen(name);

    for (const char *p = list; p && *p; p = strchr(p, ',')) {
        p += *p == ',';
        p += strspn(p, " ");
        if (strncmp(p, name, len) == 0 && strchr(", ", p[len]))
            return true;
    }
    return false;
}

bool volume_goes_by_files(const json_t *pods, const char *claim, bool by_default)
{
    size_t i, k;
    json_t *pod, *volume;

    json_array_foreach(pods, i, pod) json_array_foreach(json_path(pod, "spec.volumes"), k, volume)
    {
        const char *name = json_str_or_empty(volume, "name");
        const char *in = meta_annotation(pod, "backup.velero.io/backup-volumes");
        const char *out = meta_annotation(pod, "backup.velero.io/backup-volumes-excludes");

        if (strcmp(json_str_or_empty(volume, "persistentVolumeClaim.claimName"), claim) != 0)
            continue;
        if (by_default ? !names_it(out, name) : names_it(in, name))
            return true;
    }
    return false;
}
