/* What KubeVirt says of a backup, beside its images and in the index. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/bsl/failure.h"
#include "components/bsl/index.h"
#include "components/bsl/names.h"
#include "components/bsl/store.h"
#include "components/kubevirt-datamover/mover.h"
#include "components/kubevirt-datamover/upload.h"
#include "kube/meta.h"

#define TRACKER_PREFIX "vmbt-"

static int failed(enum answer a, struct err *why, const char *what, const char *name,
                  struct err *reterr)
{
    /* A server that does not answer is no verdict on the backup. */
    failure_wrap(why, a == ANSWER_NOT_FOUND ? "E-ARCHIVE" : "E-API", "%s %s", what, name);
    return err_move(reterr, why);
}

/* ---- the archive ---- */

static int archive(struct upload *u, json_t *object, const char *filename, struct err *reterr)
{
    struct bsl_store s = {u->h, u->place.bucket, u->place.prefix};
    AUTO(str) char *key = names_image(u->place.ns, u->place.vm, u->checkpoint, filename);
    json_drop(object, "metadata.managedFields");
    return bsl_write(&s, key, object, NULL, reterr) < 0
               ? failure_wrap(reterr, "E-PUT", "cannot archive %s", filename)
               : 0;
}

/* A disk that came later, or whose bitmap was lost, is whole in an increment of the others (B-15).
 * Versions that do not say so for each disk leave it open. */
static void note_types(struct upload *u, const json_t *vmb)
{
    const json_t *volumes = json_path(vmb, "status.includedVolumes");
    size_t i;
    json_t *file;
    json_array_foreach(u->files, i, file)
    {
        const char *type =
            json_str(json_find(volumes, "volumeName", index_text(file, "diskName")), "type");
        if (type)
            json_put_str(file, "type", type);
    }
}

static int archive_backup(struct upload *u, struct err *reterr)
{
    AUTO(json) json_t *stored = NULL;
    AUTO(err) struct err e = {0};
    enum answer a = client_get(&u->client, &kind_dm_backup, u->place.ns, u->vmb, &stored, &e);
    if (a != ANSWER_OK)
        return failed(a, &e, "VirtualMachineBackup", u->vmb, reterr);
    if (!u->as_code)
        note_types(u, stored);
    AUTO(json) json_t *copy = json_copy_of(stored);
    return archive(u, copy, NAMES_VMB, reterr);
}

/* One that is gone is made again from what is known of it. */
static json_t *rebuilt(const struct upload *u, const char *name)
{
    json_t *tracker = kind_object(&kind_dm_tracker, u->place.ns, name);
    json_put_take(tracker, "spec.source",
                  json_pack("{s:s, s:s, s:s}", "apiGroup", kind_dm_vm.resource.group, "kind",
                            kind_dm_vm.kind, "name", u->place.vm));
    return tracker;
}

/* With this checkpoint as its latest, whatever has come meanwhile. */
static int archive_tracker(struct upload *u, struct err *reterr)
{
    AUTO(str) char *usual = mem_printf(TRACKER_PREFIX "%s", u->place.vm);
    const char *name = *u->tracker ? u->tracker : usual;
    AUTO(json) json_t *stored = NULL;
    AUTO(err) struct err e = {0};
    enum answer a = client_get(&u->client, &kind_dm_tracker, u->place.ns, name, &stored, &e);
    if (a != ANSWER_OK && a != ANSWER_NOT_FOUND)
        return failed(a, &e, "VirtualMachineBackupTracker", name, reterr);
    AUTO(json) json_t *copy = stored ? json_copy_of(stored) : rebuilt(u, name);
    json_put_take(copy, "status",
                  json_pack("{s:{s:s}}", "latestCheckpoint", "name", u->checkpoint));
    return archive(u, copy, NAMES_TRACKER, reterr);
}

int upload_archive(struct upload *u, struct err *reterr)
{
    return upload_goes_on(u, reterr) < 0 || archive_backup(u, reterr) < 0
               ? -1
               : archive_tracker(u, reterr);
}

/* ---- the index's entry ---- */

/* Borrowed from the VM; NULL: none of its volumes is called so. */
static const char *claim_of_disk(const json_t *vm, const char *disk)
{
    size_t i;
    const json_t *volume;
    json_array_foreach(json_path(vm, "spec.template.spec.volumes"), i, volume)
    {
        const char *claim = upload_claim_of(volume);
        if (claim && strcmp(json_str_or_empty(volume, "name"), disk) == 0)
            return claim;
    }
    return NULL;
}

static void list_claim(json_t *entry, const char *name, const char *size)
{
    json_array_append_new(json_object_get(entry, "pvcs"), json_string(name));
    json_array_append_new(json_object_get(entry, "pvcSizes"), json_string(size));
}

/* The lists stand beside the files, place by place. A disk that only the running instance has (it
 * was plugged in there, or taken out of the VM since the start) is in the checkpoint as well: its
 * place stays empty, and the others' backup is as good as without it (B-44). */
static int add_claim(struct upload *u, const json_t *vm, const json_t *file, json_t *entry,
                     struct err *reterr)
{
    const char *disk = index_text(file, "diskName");
    const char *name = claim_of_disk(vm, disk);
    if (!name && !u->as_code) {
        host_log(u->h, LOG_WARNING, "disk %s of VM %s/%s is on no claim that the VM names", disk,
                 u->place.ns, u->place.vm);
        list_claim(entry, "", "");
        return 0;
    }
    name = name ? name : disk;
    AUTO(json) json_t *claim = NULL;
    AUTO(err) struct err e = {0};
    enum answer a = client_get(&u->client, &kind_dm_claim, u->place.ns, name, &claim, &e);
    if (a != ANSWER_OK)
        return failed(a, &e, "PersistentVolumeClaim", name, reterr);
    const char *size = json_str(claim, "spec.resources.requests.storage");
    if (!size)
        return failure_set(reterr, ERR_INVALID, "E-ARCHIVE", "PVC %s requests no storage", name);
    list_claim(entry, name, size);
    return 0;
}

static json_t *new_entry(const struct upload *u)
{
    char now[TIME_TEXT];
    AUTO(str) char *vmb = names_image(u->place.ns, u->place.vm, u->checkpoint, NAMES_VMB);
    AUTO(str) char *tracker = names_image(u->place.ns, u->place.vm, u->checkpoint, NAMES_TRACKER);
    time_format(host_now(u->h), now);
    return json_pack("{s:s, s:s, s:s, s:s, s:O, s:[], s:[], s:s, s:s}", "id", u->checkpoint, "type",
                     u->type, "timestamp", now, "vmBackup", u->vmb, "files", u->files, "pvcs",
                     "pvcSizes", "vmbObjectPath", vmb, "vmbtObjectPath", tracker);
}

json_t *upload_entry(struct upload *u, struct err *reterr)
{
    AUTO(json) json_t *vm = NULL;
    AUTO(json) json_t *entry = new_entry(u);
    AUTO(err) struct err e = {0};
    size_t i;
    const json_t *file;
    enum answer a = client_get(&u->client, &kind_dm_vm, u->place.ns, u->place.vm, &vm, &e);
    if (a != ANSWER_OK) {
        failed(a, &e, "VirtualMachine", u->place.vm, reterr);
        return NULL;
    }
    json_array_foreach(u->files, i,
                       file) if (add_claim(u, vm, file, entry, reterr) < 0) return NULL;
    return TAKE(entry);
}

void upload_delete_backup(struct upload *u)
{
    AUTO(err) struct err e = {0};
    enum answer a = client_delete(&u->client, &kind_dm_backup, u->place.ns, u->vmb,
                                  &(struct delete_options){0}, &e);
    if (a != ANSWER_OK && a != ANSWER_NOT_FOUND && a != ANSWER_CRASHED)
        host_log(u->h, LOG_WARNING, "VirtualMachineBackup %s not deleted: %s", u->vmb,
                 e.msg ? e.msg : "");
}
