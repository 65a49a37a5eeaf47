/* Short reads of claims, volumes, classes and pods, shared by the controllers. */
#include <string.h>

#include "base/json.h"
#include "kube/meta.h"
#include "kube/quantity.h"
#include "sim/storage/storage_priv.h"

const char *claim_class(const json_t *claim)
{
    const char *beta = meta_annotation(claim, "volume.beta.kubernetes.io/storage-class");
    return beta ? beta : json_str_or_empty(claim, "spec.storageClassName");
}

const char *claim_volume_mode(const json_t *obj)
{
    const char *mode = json_str(obj, "spec.volumeMode");
    return mode ? mode : "Filesystem";
}

static int64_t bytes_at(const json_t *v)
{
    if (json_is_integer(v))
        return json_integer_value(v);
    int64_t bytes = json_is_string(v) ? quantity_bytes(json_string_value(v)) : 0;
    return bytes < 0 ? 0 : bytes;
}

int64_t claim_request(const json_t *claim)
{
    return bytes_at(json_at(claim, "spec", "resources", "requests", "storage", NULL));
}

int64_t volume_size(const json_t *pv)
{
    return bytes_at(json_at(pv, "spec", "capacity", "storage", NULL));
}

bool claim_is_bound(const json_t *claim)
{
    return meta_annotation(claim, ANN_BIND_COMPLETED) &&
           *json_str_or_empty(claim, "spec.volumeName") &&
           !strcmp(json_str_or_empty(claim, "status.phase"), "Bound");
}

bool class_waits(const struct simloop *l, const char *class_name)
{
    if (!*class_name)
        return false;
    AUTO(json) json_t *class = simloop_get(l, &LOOP_CLASSES, NULL, class_name);
    return !strcmp(json_str_or_empty(class, "volumeBindingMode"), "WaitForFirstConsumer");
}

const char *default_class(const struct storage *st)
{
    AUTO(json)
    json_t *classes = apiserver_peek_all(cluster_server(st->cluster), LOOP_CLASSES.group,
                                         LOOP_CLASSES.plural, NULL);
    const char *best = "", *best_time = "";
    size_t i;
    json_t *class;
    json_array_foreach(classes, i, class)
    {
        const char *mark = meta_annotation(class, ANN_DEFAULT_CLASS);
        const char *made = json_str_or_empty(class, "metadata.creationTimestamp");
        /* Several defaults: the newest wins, then the first by name, as the admission plug-in
         * sorts. */
        if (mark && !strcmp(mark, "true") && (!*best || strcmp(made, best_time) > 0)) {
            best = meta_name(class);
            best_time = made;
        }
    }
    return best;
}

const char *pod_next_claim(const json_t *pod, size_t *at)
{
    const json_t *volumes = json_path(pod, "spec.volumes");
    while (*at < json_array_size(volumes)) {
        const char *claim =
            json_str(json_array_get(volumes, (*at)++), "persistentVolumeClaim.claimName");
        if (claim && *claim)
            return claim;
    }
    return NULL;
}

bool pod_uses_claim(const json_t *pod, const char *claim)
{
    const char *name;
    for (size_t at = 0; (name = pod_next_claim(pod, &at));)
        if (!strcmp(name, claim))
            return true;
    return false;
}

bool claim_pods_any(const struct apiserver *a, const char *ns, const char *claim,
                    bool (*fn)(const json_t *pod))
{
    AUTO(json) json_t *pods = apiserver_peek_all(a, "", "pods", ns);
    size_t i;
    json_t *pod;
    json_array_foreach(pods, i, pod)
    {
        if (pod_uses_claim(pod, claim) && fn(pod))
            return true;
    }
    return false;
}

int put_finalizer(struct simloop *l, const struct api_resource *r, const json_t *obj,
                  const char *finalizer, bool wanted)
{
    AUTO(json) json_t *copy = json_copy_of(obj);
    bool changed = wanted ? !meta_deleting(obj) && meta_add_finalizer(copy, finalizer)
                          : meta_remove_finalizer(copy, finalizer);
    return changed ? simloop_put(l, r, copy, NULL, NULL) : 0;
}

void queue_all(struct storage *st, struct simloop *l, const struct api_resource *r,
               const char *kind)
{
    AUTO(json)
    json_t *all = apiserver_peek_all(cluster_server(st->cluster), r->group, r->plural, NULL);
    size_t i;
    json_t *obj;
    json_array_foreach(all, i, obj)
    {
        simloop_add_object(l, kind, obj);
    }
}
