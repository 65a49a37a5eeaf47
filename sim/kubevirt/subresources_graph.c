/* objectgraph: what a machine is made of, as a tree of references, for those who copy all of it
 * (delete-protection.md 4.6). It came with 1.6, behind a feature gate that is asked before the
 * machine. Kinds, order and labels are virt-api's; its claims of addresses (IPAMClaim) are not
 * simulated. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "kube/selector.h"
#include "sim/kubevirt/backup_priv.h"
#include "sim/kubevirt/instancetype_priv.h"
#include "sim/kubevirt/subresources.h"

#define DEPENDENCY "kubevirt.io/dependency-type"

static json_t *node(const char *group, const char *kind, const char *ns, const char *name,
                    const char *dependency)
{
    json_t *n = json_pack("{s:{s:s, s:s, s:s, s:s}, s:{}}", "objectReference", "apiGroup", group,
                          "kind", kind, "name", name, "namespace", ns, "labels");
    json_object_set_new(json_object_get(n, "labels"), DEPENDENCY, json_string(dependency));
    return n;
}

/* One that is said to be optional; that another one is not is not said. */
static json_t *optional(json_t *n)
{
    json_object_set_new(n, "optional", json_true());
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

/* ---- volumes, networks, credentials ---- */

static void add_volume(json_t *parent, const char *ns, const json_t *volume)
{
    static const struct {
        const char *path, *kind, *dependency;
    } plain[] = {
        {"persistentVolumeClaim.claimName", "PersistentVolumeClaim", "storage"},
        {"configMap.name", "ConfigMap", "config"},
        {"secret.secretName", "Secret", "config"},
        {"serviceAccount.serviceAccountName", "ServiceAccount", "network"},
        {"cloudInitNoCloud.secretRef.name", "Secret", "config"},
        {"cloudInitNoCloud.networkDataSecretRef.name", "Secret", "config"},
        {"cloudInitConfigDrive.secretRef.name", "Secret", "config"},
        {"cloudInitConfigDrive.networkDataSecretRef.name", "Secret", "config"},
    };
    const char *data_volume = json_str(volume, "dataVolume.name");
    for (size_t i = 0; i < ARRAY_LEN(plain) && !data_volume; i++) {
        const char *name = json_str(volume, plain[i].path);
        if (name)
            add(parent, node("", plain[i].kind, ns, name, plain[i].dependency));
    }
    if (!data_volume)
        return;
    json_t *n = node("cdi.kubevirt.io", "DataVolume", ns, data_volume, "storage");
    add(n, node("", "PersistentVolumeClaim", ns, data_volume, "storage"));
    add(parent, n);
}

/* "name", or "namespace/name". */
static void add_network(json_t *parent, const char *ns, const json_t *network)
{
    const char *name = json_str_or_empty(network, "multus.networkName");
    const char *slash = strchr(name, '/');
    bool two = slash && !strchr(slash + 1, '/');
    AUTO(str) char *other = two ? mem_strndup(name, (size_t)(slash - name)) : mem_strdup(ns);
    if (*name)
        add(parent, optional(node("k8s.cni.cncf.io", "NetworkAttachmentDefinition", other,
                                  two ? slash + 1 : name, "network")));
}

static void add_credential(json_t *parent, const char *ns, const json_t *credential)
{
    const char *name = json_str(credential, "sshPublicKey.source.secret.secretName");
    if (!name)
        name = json_str(credential, "userPassword.source.secret.secretName");
    if (name)
        add(parent, node("", "Secret", ns, name, "config"));
}

static void add_each(json_t *parent, const char *ns, const json_t *list,
                     void (*fn)(json_t *parent, const char *ns, const json_t *item))
{
    size_t i;
    json_t *item;
    json_array_foreach((json_t *)list, i, item) fn(parent, ns, item);
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
            add(parent, node("", "Pod", s->req->ns, meta_name(pod), "compute"));
    }
}

/* The type, when the matcher tells a kind, and beside it its revision. What the status says of the
 * revision counts as soon as there is a reference, whether it names one or not; only without does
 * the spec. */
static void add_matcher(const struct subcall *s, json_t *parent, enum matcher m)
{
    const json_t *matcher = kv_matcher(s->vm, m);
    const json_t *ref = json_at(s->vm, "status", kv_matchers[m].ref, NULL);
    const char *name = json_str_or_empty(matcher, "name");
    const char *kind = json_str_or_empty(matcher, "kind");
    const struct kind *k = *kind ? kv_matcher_kind(m, kind) : NULL;
    const char *revision =
        json_is_object(ref) ? kv_revision_in_status(s->vm, m) : kv_revision_in_spec(s->vm, m);
    if (matcher && k)
        add(parent, optional(node(k->group, k->kind, k == &kv_matchers[m].own ? s->req->ns : "",
                                  name, "config")));
    if (matcher && *revision)
        add(parent, node(KIND_REVISION.group, KIND_REVISION.kind, s->req->ns, revision, "config"));
}

/* ---- what the options ask for ---- */

/* Of the children, at any depth, those that are not asked for go, with all below them. */
static void prune(json_t *parent, bool with_optional, const struct selector *wanted)
{
    json_t *list = json_object_get(parent, "children");
    for (size_t i = json_array_size(list); i-- > 0;) {
        json_t *child = json_array_get(list, i);
        if ((!with_optional && json_bool(child, "optional", false)) ||
            (wanted && !selector_matches(wanted, json_object_get(child, "labels"))))
            json_array_remove(list, i);
        else
            prune(child, with_optional, wanted);
    }
    if (list && !json_array_size(list))
        json_object_del(parent, "children");
}

/* A selector that does not parse selects everything, as virt-api has it. */
static int show(struct subcall *s, json_t *root /* taken */)
{
    const json_t *selector = json_object_get(s->options, "labelSelector");
    __attribute__((cleanup(cleanup_err))) struct err ignored = {0};
    AUTO(selector)
    struct selector *wanted =
        json_is_object(selector) ? selector_from_label_selector(selector, &ignored) : NULL;
    prune(root, json_bool(s->options, "includeOptionalNodes", true), wanted);
    s->ret->code = 200;
    s->ret->body = root;
    return 0;
}

int kv_sub_graph_served(struct subcall *s)
{
    if (!kv_since(s->kv, KV_1_6))
        return status_no_resource(s->ret);
    return kv_gate(s->kv, GATE_OBJECT_GRAPH)
               ? 0
               : status_bad_request(s->ret, "ObjectGraph feature gate not enabled: Unable to "
                                            "return object graph.");
}

/* What stands in the spec of an instance, or of a template of one. */
static void add_spec(json_t *root, const char *ns, const json_t *spec, const json_t *volumes)
{
    add_each(root, ns, json_object_get(spec, "accessCredentials"), add_credential);
    add_each(root, ns, volumes, add_volume);
    add_each(root, ns, json_object_get(spec, "networks"), add_network);
}

int kv_sub_vm_graph(struct subcall *s)
{
    const char *ns = s->req->ns, *name = s->req->name;
    json_t *root = node("kubevirt.io", KIND_VM.kind, ns, name, "compute");
    if (json_bool(s->vm, "status.created", false)) {
        json_t *instance = node("kubevirt.io", KIND_VMI.kind, ns, name, "compute");
        if (s->vmi)
            add_launcher(s, instance);
        add(root, instance);
    }
    add_matcher(s, root, MATCH_INSTANCETYPE);
    add_matcher(s, root, MATCH_PREFERENCE);
    AUTO(json) json_t *volumes = kv_vm_all_volumes(s->kv, s->vm);
    add_spec(root, ns, json_path(s->vm, "spec.template.spec"), volumes);
    return show(s, root);
}

int kv_sub_vmi_graph(struct subcall *s)
{
    json_t *root = node("kubevirt.io", KIND_VMI.kind, s->req->ns, s->req->name, "compute");
    add_launcher(s, root);
    add_spec(root, s->req->ns, json_object_get(s->vmi, "spec"), json_path(s->vmi, "spec.volumes"));
    return show(s, root);
}
