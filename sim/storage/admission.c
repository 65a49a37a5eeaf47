/* The API server's storage plug-ins: the default class, the protection finalizers, and the rules of
 * resizing (kubevirt-csi.md sections 5.1 and 5.6). What every server checks of a claim stands with
 * its kind, in sim/apiserver/. */
#include <string.h>

#include "base/json.h"
#include "kube/meta.h"
#include "kube/status.h"
#include "sim/storage/storage_priv.h"

static void default_claim(struct storage *st, json_t *claim)
{
    meta_add_finalizer(claim, FIN_PVC_PROTECTION);
    const char *class = default_class(st);
    if (*class && !json_path(claim, "spec.storageClassName") &&
        !meta_annotation(claim, "volume.beta.kubernetes.io/storage-class"))
        json_put_str(claim, "spec.storageClassName", class);
}

static bool mode_is_known(const char *mode)
{
    static const char *const modes[] = {"ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany",
                                        "ReadWriteOncePod"};
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        if (!strcmp(mode, modes[i]))
            return true;
    }
    return false;
}

static void check_modes(const json_t *claim, struct field_errors *errors)
{
    const json_t *modes = json_path(claim, "spec.accessModes");
    bool single = false;
    size_t i;
    json_t *mode;
    json_array_foreach(modes, i, mode)
    {
        const char *text = json_is_string(mode) ? json_string_value(mode) : "";
        single |= !strcmp(text, "ReadWriteOncePod");
        if (!mode_is_known(text))
            field_errors_add(errors, FIELD_NOT_SUPPORTED, "spec.accessModes", mode,
                             "supported values: \"ReadOnlyMany\", \"ReadWriteMany\", "
                             "\"ReadWriteOnce\", \"ReadWriteOncePod\"");
    }
    if (single && json_array_size(modes) > 1)
        field_errors_add(errors, FIELD_FORBIDDEN, "spec.accessModes", NULL,
                         "may not use ReadWriteOncePod with other access modes");
}

static int check_new_claim(const json_t *claim, struct api_response *ret)
{
    struct field_errors errors = {0};
    check_modes(claim, &errors);
    if (field_errors_any(&errors))
        return status_invalid(ret, "", "PersistentVolumeClaim", meta_name(claim), &errors);
    field_errors_finish(&errors);
    return 0;
}

static bool class_expands(struct storage *st, const json_t *claim)
{
    const json_t *class = apiserver_peek(cluster_server(st->cluster), LOOP_CLASSES.group,
                                         LOOP_CLASSES.plural, NULL, claim_class(claim));
    return json_bool(class, "allowVolumeExpansion", false);
}

static int check_size_change(struct storage *st, const json_t *claim, const json_t *old,
                             struct api_response *ret)
{
    if (claim_request(claim) <= claim_request(old))
        return 0;
    if (strcmp(json_str_or_empty(old, "status.phase"), "Bound"))
        return status_forbidden(ret, &LOOP_CLAIMS, meta_name(claim),
                                "Only bound persistent volume claims can be expanded");
    if (!class_expands(st, old))
        return status_forbidden(
            ret, &LOOP_CLAIMS, meta_name(claim),
            "only dynamically provisioned pvc can be resized and the storageclass "
            "that provisions the pvc must support resize");
    return 0;
}

static bool is_main_write(const struct admission_review *review)
{
    return review->object && !(review->request->subresource && *review->request->subresource);
}

static int admit_claim(void *cookie, const struct admission_review *review,
                       struct api_response *ret)
{
    struct storage *st = cookie;
    if (!is_main_write(review))
        return 0;
    if (review->old)
        return check_size_change(st, review->object, review->old, ret);
    default_claim(st, review->object);
    return check_new_claim(review->object, ret);
}

static int admit_volume(void *cookie, const struct admission_review *review,
                        struct api_response *ret)
{
    (void)cookie;
    (void)ret;
    if (!is_main_write(review) || review->old)
        return 0;
    meta_add_finalizer(review->object, FIN_PV_PROTECTION);
    return 0;
}

void storage_install_admission(struct storage *st)
{
    struct apiserver *a = cluster_server(st->cluster);
    apiserver_admit(a, LOOP_CLAIMS.group, LOOP_CLAIMS.plural, admit_claim, st);
    apiserver_admit(a, LOOP_VOLUMES.group, LOOP_VOLUMES.plural, admit_volume, st);
}
