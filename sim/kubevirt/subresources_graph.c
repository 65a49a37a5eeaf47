/* objectgraph: what a machine is made of, as a tree of references, for those who copy all of it.
 * Kinds and labels are KubeVirt 1.6's; the order of the children is unverified. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
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

/* A matcher has the kind in the plural's stead unless it says so. */
static void add_matcher(const struct subcall *s, json_t *parent, const char *path,
                        const char *cluster_kind)
{
    const json_t *matcher = json_path(s->vm, path);
    const char *name = json_str(matcher, "name"), *kind = json_str(matcher, "kind");
    const char *revision = json_str(matcher, "revisionName");
    if (!name)
        return;
    json_t *n = node(s, "instancetype.kubevirt.io", kind ? kind : cluster_kind, name, "config");
    if (revision)
        add(n, node(s, "apps", "ControllerRevision", revision, "config"));
    add(parent, n);
}

static int show(struct subcall *s, json_t *root /* taken */)
{
    s->ret->code = 200;
    s->ret->body = root;
    return 0;
}

int kv_sub_vm_graph(struct subcall *s)
{
    json_t *root = node(s, "kubevirt.io", KIND_VM.kind, s->req->name, NULL);
    add_matcher(s, root, "spec.instancetype", "VirtualMachineClusterInstancetype");
    add_matcher(s, root, "spec.preference", "VirtualMachineClusterPreference");
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
    json_t *root = node(s, "kubevirt.io", KIND_VMI.kind, s->req->name, NULL);
    add_launcher(s, root);
    add_volumes(s, root, json_path(s->vmi, "spec.volumes"));
    return show(s, root);
}
