/* What KubeVirt is told about backups: its own object in the cluster where there is one, and the
 * scenario's knobs (kubevirt-csi.md 0.2, 1.11). Without that object the gates are open, and the
 * usual label chooses the machines. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "kube/selector.h"
#include "sim/kubevirt/backup_priv.h"

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

bool kv_gate(const struct kv *kv, const char *gate)
{
    bool utility = !strcmp(gate, GATE_UTILITY_VOLUMES);
    if (utility ? kv->knobs.no_utility_volumes : kv->knobs.no_incremental_backup)
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

bool kv_old_dialect(const struct kv *kv)
{
    return kv->knobs.version && kv->knobs.version < 109;
}

/* ---- knobs ---- */

/* "1.8", "v1.8.4": the major version times 100 and the minor one. */
static int read_version(const char *text, unsigned *ret, struct err *reterr)
{
    const char *p = text + (*text == 'v');
    char *end;
    unsigned long major = strtoul(p, &end, 10);
    if (end != p && *end == '.' && major == 1) {
        p = end + 1;
        unsigned long minor = strtoul(p, &end, 10);
        if (end != p && (!*end || *end == '.') && minor >= 8 && minor < 100) {
            *ret = (unsigned)(major * 100 + minor);
            return 0;
        }
    }
    return err_set(reterr, ERR_INVALID, NO_POS,
                   "'%s' is no version of KubeVirt that has backups: expected 1.8 or later", text);
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
    if (!strcmp(name, "version")) {
        if (!json_is_string(value))
            return err_set(reterr, ERR_INVALID, NO_POS,
                           "'version' must be a text, such as \"1.8\"");
        return read_version(json_string_value(value), &kv->knobs.version, reterr);
    }
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
