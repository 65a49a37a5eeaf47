/* Pull mode as the API shows it (kubevirt-csi.md 4.7): the backup makes an export, which tells
 * where its data can be read. Nothing is served there: the data path is not simulated. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "sim/kubevirt/backup_priv.h"

#define TTL_DEFAULT_NS (2 * 3600 * NS_PER_S)

const struct kind KIND_EXPORT = {"export.kubevirt.io", "v1", "virtualmachineexports",
                                 "VirtualMachineExport"};
static const struct kind KIND_SECRET = {"", "v1", "secrets", "Secret"};
static const struct kind KIND_CONFIG_MAP = {"", "v1", "configmaps", "ConfigMap"};

int64_t kv_ttl(const json_t *object)
{
    int64_t ttl = TTL_DEFAULT_NS;
    const char *text = json_str(object, "spec.ttlDuration");
    if (text)
        duration_parse(text, &ttl);
    return ttl;
}

/* ---- the export controller ---- */

static bool secret_there(const struct kv *kv, const json_t *export)
{
    AUTO(json)
    json_t *secret = ctl_peek(&kv->backup, &KIND_SECRET, meta_namespace(export),
                              json_str_or_empty(export, "spec.tokenSecretRef"));
    return secret != NULL;
}

/* Who would be asked is the cluster: so its certificate is what the reader must know. NULL where no
 * authority is simulated. New. */
static char *certificate(const struct kv *kv, const char *ns)
{
    AUTO(json)
    json_t *map = ctl_peek(&kv->backup, &KIND_CONFIG_MAP, ns, "kube-root-ca.crt");
    const char *pem = json_string_value(json_object_get(json_object_get(map, "data"), "ca.crt"));
    return pem ? mem_strdup(pem) : NULL;
}

static json_t *links(const struct kv *kv, const json_t *export, const json_t *backup)
{
    const char *ns = meta_namespace(export);
    json_t *volumes = json_array();
    size_t i;
    json_t *volume;
    json_array_foreach(json_at(backup, "status", "includedVolumes", NULL), i, volume)
    {
        const char *name = json_str_or_empty(volume, "volumeName");
        AUTO(str)
        char *url =
            mem_printf("https://virt-export-%s.%s.svc/exports/%s", meta_name(export), ns, name);
        AUTO(str) char *data = mem_printf("%s/data", url);
        AUTO(str) char *map = mem_printf("%s/map", url);
        json_array_append_new(volumes, json_pack("{s:s, s:s, s:s}", "name", name, "dataEndpoint",
                                                 data, "mapEndpoint", map));
    }
    json_t *internal = json_pack("{s:o}", "backupVolumes", volumes);
    AUTO(str) char *cert = certificate(kv, ns);
    if (cert)
        json_put_str(internal, "cert", cert);
    return json_pack("{s:o}", "internal", internal);
}

/* The launcher is connected once the backup has told it where to. */
static bool connected(const json_t *backup, const json_t *export)
{
    return !strcmp(json_str_or_empty(backup, "status.exportUID"), meta_uid(export));
}

static int write_export(struct kv *kv, const json_t *old, const json_t *backup, int64_t expires,
                        struct err *reterr)
{
    AUTO(json) json_t *copy = json_copy_parts(old, "status", NULL);
    AUTO(str) char *service = mem_printf("virt-export-%s", meta_name(old));
    bool ready = connected(backup, old) && secret_there(kv, old);
    char when[TIME_TEXT];
    time_format(expires, when);
    json_put_str(copy, "status.phase", ready ? "Ready" : "Pending");
    json_put_str(copy, "status.serviceName", service);
    json_put_str(copy, "status.ttlExpirationTime", when);
    if (json_str(old, "spec.tokenSecretRef"))
        json_put_str(copy, "status.tokenSecretRef", json_str(old, "spec.tokenSecretRef"));
    if (ready)
        json_put_take(copy, "status.links", links(kv, old, backup));
    if (json_same(old, copy))
        return 0;
    return ctl_update(&kv->backup, &KIND_EXPORT, "status", copy, reterr);
}

int kv_export_reconcile(void *cookie, const char *ns, const char *name, int64_t *ret_after_ns,
                        struct err *reterr)
{
    struct kv *kv = cookie;
    AUTO(json) json_t *export = ctl_peek(&kv->backup, &KIND_EXPORT, ns, name);
    if (!export || meta_deleting(export) ||
        strcmp(json_str_or_empty(export, "spec.source.kind"), KIND_BACKUP.kind))
        return 0; /* exports of other things are not simulated */
    int64_t expires = ctl_created(export) + kv_ttl(export), left = expires - ctl_now(&kv->backup);
    if (left <= 0)
        return ctl_delete(&kv->backup, &KIND_EXPORT, ns, name, meta_uid(export), reterr);
    *ret_after_ns = left;
    AUTO(json)
    json_t *backup =
        ctl_peek(&kv->backup, &KIND_BACKUP, ns, json_str_or_empty(export, "spec.source.name"));
    return write_export(kv, export, backup, expires, reterr);
}

/* ---- the backup's side ---- */

static int create(struct kv *kv, const json_t *backup, struct err *reterr)
{
    AUTO(json)
    json_t *export = ctl_object(&KIND_EXPORT, meta_namespace(backup), meta_name(backup));
    int64_t left = ctl_created(backup) + kv_ttl(backup) - ctl_now(&kv->backup);
    char ttl[TIME_TEXT];
    duration_format(left, ttl);
    json_put_take(export, "metadata.ownerReferences",
                  json_pack("[o]", meta_owner_ref(backup, true, true)));
    json_put_take(export, "spec.source",
                  json_pack("{s:s, s:s, s:s}", "apiGroup", KIND_BACKUP.group, "kind",
                            KIND_BACKUP.kind, "name", meta_name(backup)));
    json_put_str(export, "spec.tokenSecretRef", json_str_or_empty(backup, "spec.tokenSecretRef"));
    json_put_str(export, "spec.ttlDuration", ttl);
    return ctl_create(&kv->backup, &KIND_EXPORT, export, NULL, reterr);
}

static void put_endpoints(json_t *backup, const json_t *export)
{
    const json_t *internal = json_at(export, "status", "links", "internal", NULL);
    const char *cert = json_str(internal, "cert");
    size_t i;
    json_t *volume;
    if (cert)
        json_put_str(backup, "status.endpointCert", cert);
    json_array_foreach(json_at_mut(backup, "status", "includedVolumes", NULL), i, volume)
    {
        const json_t *link = json_find(json_object_get(internal, "backupVolumes"), "name",
                                       json_str_or_empty(volume, "volumeName"));
        if (!link)
            continue;
        json_put_str(volume, "dataEndpoint", json_str_or_empty(link, "dataEndpoint"));
        json_put_str(volume, "mapEndpoint", json_str_or_empty(link, "mapEndpoint"));
    }
}

static void drop_endpoints(json_t *backup)
{
    size_t i;
    json_t *volume;
    json_drop(backup, "status.endpointCert");
    json_array_foreach(json_at_mut(backup, "status", "includedVolumes", NULL), i, volume)
    {
        json_object_del(volume, "dataEndpoint");
        json_object_del(volume, "mapEndpoint");
    }
}

int kv_backup_export(struct kv *kv, json_t *backup, const json_t *vmi, struct err *reterr)
{
    AUTO(json)
    json_t *export = ctl_peek(&kv->backup, &KIND_EXPORT, meta_namespace(backup), meta_name(backup));
    const json_t *owner = export ? meta_controller_of(export) : NULL;
    bool ready = !strcmp(json_str_or_empty(export, "status.phase"), "Ready");
    int rc = 0;
    if (export && (!owner || strcmp(json_str_or_empty(owner, "uid"), meta_uid(backup)))) {
        err_set(reterr, ERR_INVALID, NO_POS,
                "VMExport %s already exists but is not owned by backup %s", meta_name(backup),
                meta_name(backup));
        return -409;
    }
    if (!export)
        rc = create(kv, backup, reterr);
    else if (json_str(export, "status.serviceName") && !connected(backup, export)) {
        rc = kv_job_export(kv, vmi, meta_name(backup), reterr);
        if (!rc)
            json_put_str(backup, "status.exportUID", meta_uid(export));
    }
    if (rc)
        return rc;
    if (ready)
        put_endpoints(backup, export);
    else
        drop_endpoints(backup);
    kv_backup_say(kv, backup, BACKUP_RUNNING, ready ? "ExportReady" : "PreparingExport",
                  ready ? "Backup export is ready to pull" : "Backup export is being initialized");
    return 0;
}
