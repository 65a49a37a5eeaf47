/* What KubeVirt is told about backups: its own object in the cluster where there is one, and the
 * scenario's knobs (kubevirt-csi.md 0.2, 1.11). Without that object the gates are open, and the
 * usual label chooses the machines. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "kube/selector.h"
#include "sim/kubevirt/backup_priv.h"
#include "sim/kubevirt/instancetype_priv.h"

const struct kind KIND_KUBEVIRT = {"kubevirt.io", "v1", "kubevirts", "KubeVirt"};
const struct kind KIND_NAMESPACE = {"", "v1", "namespaces", "Namespace"};

/* KubeVirt's object; there is one at most. New, or NULL. */
static json_t *own_object(const struct kv *kv)
{
    AUTO(json) json_t *all = ctl_peek_all(&kv->vm, &KIND_KUBEVIRT, NULL);
    return json_incref(json_array_get(all, 0));
}

static bool lists(const json_t *object, const char *path, const char *word)
{
    size_t i;
    json_t *item;
    json_array_foreach((json_t *)json_path(object, path), i, item)
    {
        if (json_is_string(item) && !strcmp(json_string_value(item), word))
            return true;
    }
    return false;
}

/* Whether a setting of the scenario closes the gate. */
static bool is_closed(const struct kv *kv, const char *gate)
{
    if (!strcmp(gate, GATE_UTILITY_VOLUMES))
        return kv->knobs.no_utility_volumes;
    return !strcmp(gate, GATE_OBJECT_GRAPH) ? kv->knobs.no_object_graph
                                            : kv->knobs.no_incremental_backup;
}

bool kv_gate(const struct kv *kv, const char *gate)
{
    if (is_closed(kv, gate))
        return false;
    AUTO(json) json_t *object = own_object(kv);
    return !object ||
           (lists(object, "spec.configuration.developerConfiguration.featureGates", gate) &&
            !lists(object, "spec.configuration.developerConfiguration.disabledFeatureGates", gate));
}

/* A selector that does not parse selects nothing, as does none. */
static bool matches(const json_t *selectors, const char *which, const json_t *object)
{
    const json_t *selector = json_object_get(selectors, which);
    if (!json_is_object(selector) || !object)
        return false;
    __attribute__((cleanup(cleanup_err))) struct err e = {0};
    AUTO(selector) struct selector *s = selector_from_label_selector(selector, &e);
    return s && selector_matches(s, json_at(object, "metadata", "labels", NULL));
}

bool kv_cbt_selected(const struct kv *kv, const json_t *vm)
{
    AUTO(json) json_t *object = own_object(kv);
    if (!object) {
        const char *label = meta_label(vm, "changedBlockTracking");
        return label && !strcmp(label, "true");
    }
    const json_t *selectors =
        json_path(object, "spec.configuration.changedBlockTrackingLabelSelectors");
    if (!selectors)
        return false;
    AUTO(json) json_t *ns = ctl_peek(&kv->vm, &KIND_NAMESPACE, NULL, meta_namespace(vm));
    return matches(selectors, "virtualMachineLabelSelector", vm) ||
           matches(selectors, "namespaceLabelSelector", ns);
}

bool kv_since(const struct kv *kv, unsigned version)
{
    return !kv->knobs.version || kv->knobs.version >= version;
}

bool kv_old_dialect(const struct kv *kv)
{
    return !kv_since(kv, KV_1_9);
}

static const char *const policies[] = {"reference", "expand", "expandAll"};

static const char *known_policy(const char *word)
{
    for (size_t i = 0; word && i < ARRAY_LEN(policies); i++) {
        if (!strcmp(word, policies[i]))
            return policies[i];
    }
    return NULL;
}

/* Before 1.4 there was but one. */
const char *kv_reference_policy(const struct kv *kv)
{
    const char *word = kv->knobs.ref_policy;
    AUTO(json) json_t *object = word ? NULL : own_object(kv);
    if (!word)
        word = known_policy(json_str(object, "spec.configuration.instancetype.referencePolicy"));
    return word && kv_since(kv, KV_1_4) ? word : policies[0];
}

/* ---- knobs ---- */

/* A number below 100 at *p, which it moves past; false: there is none. */
static bool read_part(const char **p, unsigned *ret)
{
    const char *from = *p;
    unsigned n = 0;
    while (**p >= '0' && **p <= '9' && *p - from < 2)
        n = n * 10 + (unsigned)(*(*p)++ - '0');
    *ret = n;
    return *p != from;
}

/* "1.8", "v1.8.4": 10800, 10804; the latest patch of a version that names none. */
static bool read_version(const char *text, unsigned *ret)
{
    enum { LATEST_PATCH = 99 };
    const char *p = text + (*text == 'v');
    unsigned major, minor, patch = LATEST_PATCH;
    if (!read_part(&p, &major) || major != 1 || *p++ != '.' || !read_part(&p, &minor))
        return false;
    if (*p == '.' && (p++, !read_part(&p, &patch)))
        return false;
    *ret = major * 10000 + minor * 100 + patch;
    return !*p;
}

static int set_version(struct kv *kv, const json_t *value, unsigned first, const char *which,
                       struct err *reterr)
{
    unsigned version;
    if (!json_is_string(value))
        return err_set(reterr, ERR_INVALID, NO_POS, "'version' must be a text, such as \"1.8\"");
    if (!read_version(json_string_value(value), &version) || version < first)
        return err_set(reterr, ERR_INVALID, NO_POS,
                       "'%s' is no version of KubeVirt that %s: expected 1.%u or later",
                       json_string_value(value), which, first / 100 % 100);
    kv->knobs.version = version;
    return 0;
}

static const struct knob {
    const char *name;
    size_t offset;
    bool sets;
} flags[] = {
#define KNOB(name, field, sets, says) {#name, offsetof(struct kv_knobs, field), sets},
#include "sim/kubevirt/knobs.list"
#undef KNOB
};

int kubevirt_set_knob(struct cluster *c, const char *name, const json_t *value, struct err *reterr)
{
    struct kv *kv = kv_of(c);
    if (!kv)
        return err_set(reterr, ERR_INVALID, NO_POS, "KubeVirt does not run on cluster '%s'",
                       cluster_name(c));
    if (!strcmp(name, "version"))
        return set_version(kv, value, KV_1_8, "has backups", reterr);
    const char *names[ARRAY_LEN(flags) + 1] = {"version"};
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        names[i + 1] = flags[i].name;
        if (strcmp(name, flags[i].name))
            continue;
        if (!json_is_boolean(value))
            return err_set(reterr, ERR_INVALID, NO_POS, "'%s' must be true or false", name);
        *(bool *)((char *)&kv->knobs + flags[i].offset) = json_is_true(value) == flags[i].sets;
        return 0;
    }
    err_set(reterr, ERR_INVALID, NO_POS, "KubeVirt's backups have no knob '%s'", name);
    return err_suggest(reterr, name, names, ARRAY_LEN(names), NULL);
}

/* ---- which KubeVirt it is ---- */

static int set_policy(struct kv *kv, const json_t *value, struct err *reterr)
{
    const char *word = json_is_string(value) ? json_string_value(value) : "";
    kv->knobs.ref_policy = known_policy(word);
    if (kv->knobs.ref_policy)
        return 0;
    err_set(reterr, ERR_INVALID, NO_POS, "'%s' is no reference policy", word);
    return err_suggest(reterr, word, policies, ARRAY_LEN(policies), NULL);
}

int kubevirt_set(struct cluster *c, const char *name, const json_t *value, struct err *reterr)
{
    static const char *const names[] = {"version", "namespace", "referencePolicy", "objectGraph"};
    struct kv *kv = kv_of(c);
    if (!kv)
        return err_set(reterr, ERR_INVALID, NO_POS, "KubeVirt does not run on cluster '%s'",
                       cluster_name(c));
    if (!strcmp(name, names[0]))
        return set_version(kv, value, KV_1_3, "is simulated", reterr);
    if (!strcmp(name, names[1]))
        return kv_move(kv, json_is_string(value) ? json_string_value(value) : "", reterr);
    if (!strcmp(name, names[2]))
        return set_policy(kv, value, reterr);
    if (!strcmp(name, names[3]) && json_is_boolean(value)) {
        kv->knobs.no_object_graph = json_is_false(value);
        return 0;
    }
    if (!strcmp(name, names[3]))
        return err_set(reterr, ERR_INVALID, NO_POS, "'%s' must be true or false", name);
    err_set(reterr, ERR_INVALID, NO_POS, "KubeVirt has no setting '%s'", name);
    return err_suggest(reterr, name, names, ARRAY_LEN(names), NULL);
}
