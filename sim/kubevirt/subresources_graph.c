/* objectgraph: what a machine is made of, as a tree of references, for those who copy all of it
 * (delete-protection.md 4.6). It came with 1.6, behind a feature gate. The order of the children
 * is unverified, and so is that `optional` stands only where it is said to be false. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "kube/selector.h"
#include "sim/kubevirt/backup_priv.h"
#include "sim/kubevirt/instancetype_priv.h"
#include "sim/kubevirt/subresources.h"

#define DEPENDENCY "kubevirt.io/dependency-type"

static json_t *node(const struct subcall *s, const char *group, const char *kind, const char *name,
                    const char *dependency)
{
    json_t *n = json_object();
    if (*group)
        json_put_str(n, "objectReference.apiGroup", group);
    json_put_str(n, "objectReference.kind", kind);
    json_put_str(n, "objectReference.name", name);
    json_put_str(n, "objectReference.namespace", s->req->ns);
    if (dependency) {
        json_put_take(n, "labels", json_object());
        json_object_set_new(json_object_get(n, "labels"), DEPENDENCY, json_string(dependency));
    }
    return n;
}

static void add(json_t *parent, json_t *child /* taken */)
{
    json_t *list = json_object_get(parent, "children");
    if (!list) {
        list = json_array();
        json_object_set_new(parent, "children", list);
    }
    json_array_append_new(list, child);
}

/* One that the machine cannot do without. */
static void add_needed(json_t *parent, json_t *child /* taken */)
{
    json_object_set_new(child, "optional", json_false());
    add(parent, child);
}

/* ---- volumes ---- */

static void add_volume(const struct subcall *s, json_t *parent, const json_t *volume)
{
    static const struct {
        const char *path, *kind, *dependency;
    } plain[] = {
        {"persistentVolumeClaim.claimName", "PersistentVolumeClaim", "storage"},
        {"memoryDump.claimName", "PersistentVolumeClaim", "storage"},
        {"configMap.name", "ConfigMap", "config"},
        {"secret.secretName", "Secret", "config"},
        {"serviceAccount.serviceAccountName", "ServiceAccount", "config"},
        {"cloudInitNoCloud.secretRef.name", "Secret", "config"},
        {"cloudInitNoCloud.networkDataSecretRef.name", "Secret", "config"},
        {"cloudInitConfigDrive.secretRef.name", "Secret", "config"},
        {"cloudInitConfigDrive.networkDataSecretRef.name", "Secret", "config"},
        {"sysprep.configMap.name", "ConfigMap", "config"},
        {"sysprep.secret.name", "Secret", "config"},
    };
    for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
        const char *name = json_str(volume, plain[i].path);
        if (name)
            add(parent, node(s, "", plain[i].kind, name, plain[i].dependency));
    }
    const char *data_volume = json_str(volume, "dataVolume.name");
    if (!data_volume)
        return;
    json_t *n = node(s, "cdi.kubevirt.io", "DataVolume", data_volume, "storage");
    add(n, node(s, "", "PersistentVolumeClaim", data_volume, "storage"));
    add(parent, n);
}

static void add_volumes(const struct subcall *s, json_t *parent, const json_t *volumes)
{
    size_t i;
    json_t *volume;
    json_array_foreach((json_t *)volumes, i, volume) add_volume(s, parent, volume);
}

/* ---- the instance and its pod ---- */

static void add_launcher(const struct subcall *s, json_t *parent)
{
    AUTO(json) json_t *pods = apiserver_peek_all(s->server, "", "pods", s->req->ns);
    size_t i;
    json_t *pod;
    json_array_foreach(pods, i, pod)
    {
        const char *made_by = meta_label(pod, "kubevirt.io/created-by");
        const char *role = meta_label(pod, "kubevirt.io");
        if (made_by && !strcmp(made_by, meta_uid(s->vmi)) && role && !strcmp(role, "virt-launcher"))
            add(parent, node(s, "", "Pod", meta_name(pod), "compute"));
    }
}

/* The type, when the matcher tells a kind, and its revision. What the status says of the revision
 * counts as soon as there is a reference, whether it names one or not; only without does the
 * spec. */
static void add_matcher(const struct subcall *s, json_t *parent, enum matcher m)
{
    const json_t *matcher = kv_matcher(s->vm, m);
    const json_t *ref = json_at(s->vm, "status", kv_matchers[m].ref, NULL);
    const char *name = json_str(matcher, "name"), *kind = json_str_or_empty(matcher, "kind");
    const struct kind *k = *kind ? kv_matcher_kind(m, kind) : NULL;
    const char *revision =
        json_is_object(ref) ? kv_revision_in_status(s->vm, m) : kv_revision_in_spec(s->vm, m);
    if (matcher && name && k)
        add_needed(parent, node(s, k->group, k->kind, name, "config"));
    if (matcher && *revision)
        add_needed(parent, node(s, KIND_REVISION.group, KIND_REVISION.kind, revision, "config"));
}

/* Of the children, at any depth, those that the options do not ask for go; so does what is below
 * them. */
static void prune(json_t *parent, const struct selector *wanted)
{
    json_t *list = json_object_get(parent, "children");
    for (size_t i = json_array_size(list); i-- > 0;) {
        json_t *child = json_array_get(list, i);
        if (!selector_matches(wanted, json_object_get(child, "labels")))
            json_array_remove(list, i);
        else
            prune(child, wanted);
    }
    if (list && !json_array_size(list))
        json_object_del(parent, "children");
}

static int select_nodes(struct subcall *s, json_t *root)
{
    const json_t *selector = json_object_get(s->options, "labelSelector");
    __attribute__((cleanup(cleanup_err))) struct err e = {0};
    if (!json_is_object(selector))
        return 0;
    AUTO(selector) struct selector *wanted = selector_from_label_selector(selector, &e);
    if (!wanted)
        return status_bad_request(s->ret, "invalid label selector: %s", e.msg ? e.msg : "");
    prune(root, wanted);
    return 0;
}

static int show(struct subcall *s, json_t *root /* taken */)
{
    if (select_nodes(s, root) < 0) {
        json_decref(root);
        return -1;
    }
    s->ret->code = 200;
    s->ret->body = root;
    return 0;
}

/* -1: this KubeVirt does not have it, or its gate is closed. */
static int check_served(struct subcall *s)
{
    if (!kv_since(s->kv, KV_1_6))
        return status_no_resource(s->ret);
    return kv_gate(s->kv, GATE_OBJECT_GRAPH)
               ? 0
               : status_bad_request(s->ret, "feature gate not enabled");
}

int kv_sub_vm_graph(struct subcall *s)
{
    if (check_served(s) < 0)
        return -1;
    json_t *root = node(s, "kubevirt.io", KIND_VM.kind, s->req->name, NULL);
    add_matcher(s, root, MATCH_INSTANCETYPE);
    add_matcher(s, root, MATCH_PREFERENCE);
    if (s->vmi) {
        json_t *instance = node(s, "kubevirt.io", KIND_VMI.kind, s->req->name, "compute");
        add_launcher(s, instance);
        add(root, instance);
    }
    add_volumes(s, root, kv_vm_volumes(s->vm));
    return show(s, root);
}

int kv_sub_vmi_graph(struct subcall *s)
{
    if (check_served(s) < 0)
        return -1;
    json_t *root = node(s, "kubevirt.io", KIND_VMI.kind, s->req->name, NULL);
    add_launcher(s, root);
    add_volumes(s, root, json_path(s->vmi, "spec.volumes"));
    return show(s, root);
}
