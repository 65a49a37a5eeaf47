#include "components/kubevirt-datamover-plugin/download.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/kubevirt-datamover-plugin/titles.h"
#include "kube/meta.h"

const char *download_mapped(const json_t *restore, const char *ns)
{
    const char *to =
        json_string_value(json_object_get(json_path(restore, "spec.namespaceMapping"), ns));

    return to && *to ? to : ns;
}

/* The location of the Backup that is restored. New. */
static char *location_of(struct plugin *p, const json_t *restore, struct err *reterr)
{
    const char *name = json_str_or_empty(restore, "spec.backupName");
    AUTO(json) json_t *backup = NULL;
    const char *location;

    if (client_get(&p->client, &plugin_backup, p->ns, name, &backup, reterr) != ANSWER_OK) {
        err_wrap(reterr, NO_POS, "the Backup '%s'", name);
        return NULL;
    }
    location = json_str_or_empty(backup, "spec.storageLocation");
    if (*location)
        return mem_strdup(location);
    err_set(reterr, ERR_INVALID, NO_POS, "the Backup '%s' has no storageLocation", name);
    return NULL;
}

static void set_label(json_t *dd, const char *key, const char *text)
{
    AUTO(str) char *label = title_label(text);

    meta_set_label(dd, key, label);
}

static json_t *new_download(struct plugin *p, const struct download *d, const char *location)
{
    AUTO(str) char *name = mem_printf("dd-%s", d->operation);
    json_t *dd = kind_object(&plugin_download, p->ns, name);

    json_put_take(dd, "metadata.ownerReferences",
                  json_pack("[o]", meta_owner_ref(d->restore, true, false)));
    set_label(dd, KEY_BACKUP, json_str_or_empty(d->restore, "spec.backupName"));
    set_label(dd, KEY_RESTORE, meta_name(d->restore));
    set_label(dd, KEY_OPERATION, d->operation);
    meta_set_annotation(dd, KEY_VM_NAME, d->vm);
    meta_set_annotation(dd, KEY_VM_NAMESPACE, d->ns);
    meta_set_annotation(dd, KEY_OPERATION, d->operation);
    json_put_take(dd, "spec",
                  json_pack("{s:{s:s, s:s, s:s}, s:s, s:s, s:s, s:s, s:s}", "targetVolume", "pvc",
                            d->claim, "pv", "", "namespace", d->target_ns, "backupStorageLocation",
                            location, "datamover", DATAMOVER, "snapshotID", "placeholder-not-used",
                            "sourceNamespace", d->ns, "operationTimeout",
                            plugin_timeout(d->restore)));
    return dd;
}

/* ---- adopting ---- */

static bool same_text(const json_t *a, const json_t *b, const char *path)
{
    return strcmp(json_str_or_empty(a, path), json_str_or_empty(b, path)) == 0;
}

static bool same_key(const char *(*get)(const json_t *obj, const char *key), const json_t *a,
                     const json_t *b, const char *key)
{
    const char *va = get(a, key), *vb = get(b, key);

    return va && vb && *va && strcmp(va, vb) == 0;
}

/* What differs; NULL: it is the one that would be made. A Restore of the same name that has been
 * deleted is another owner. */
static const char *differs(const json_t *have, const json_t *want)
{
    static const char *const texts[] = {"spec.targetVolume.pvc", "spec.targetVolume.namespace",
                                        "spec.sourceNamespace", "spec.datamover",
                                        "spec.backupStorageLocation"};
    static const char *const annotations[] = {KEY_VM_NAME, KEY_VM_NAMESPACE, KEY_OPERATION};
    static const char *const labels[] = {KEY_BACKUP, KEY_RESTORE, KEY_OPERATION};
    const json_t *owner = meta_controller_of(have), *mine = meta_controller_of(want);

    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (!same_text(have, want, texts[i]))
            return texts[i];
    for (size_t i = 0; i < ARRAY_LEN(annotations); i++)
        if (!same_key(meta_annotation, have, want, annotations[i]))
            return annotations[i];
    for (size_t i = 0; i < ARRAY_LEN(labels); i++)
        if (!same_key(meta_label, have, want, labels[i]))
            return labels[i];
    return owner && same_text(owner, mine, "uid") ? NULL : "the owner";
}

static int adopt(struct plugin *p, const json_t *want, struct err *reterr)
{
    AUTO(json) json_t *have = NULL;
    const char *what;

    if (client_get(&p->client, &plugin_download, p->ns, meta_name(want), &have, reterr) !=
        ANSWER_OK)
        return -1;
    what = differs(have, want);
    return what ? err_set(reterr, ERR_INVALID, NO_POS,
                          "DataDownload %s exists, and is of another restore: %s differs",
                          meta_name(want), what)
                : 0;
}

int download_make(struct plugin *p, const struct download *d, struct err *reterr)
{
    AUTO(str) char *location = location_of(p, d->restore, reterr);
    AUTO(json) json_t *dd = location ? new_download(p, d, location) : NULL;
    struct err err = {0};
    enum answer a;

    if (!dd)
        return -1;
    a = client_create(&p->client, &plugin_download, dd, NULL, &err);
    if (a == ANSWER_OK)
        return 0;
    if (a != ANSWER_EXISTS)
        return err_move(reterr, &err);
    err_clear(&err);
    return adopt(p, dd, reterr);
}
