/* Documents of backups and restores in the bucket of a location. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "sim/storage/objectstore.h"
#include "sim/velero/velero_priv.h"

int velero_bucket_of(struct velero *v, const char *location, struct velero_bucket *ret,
                     struct err *reterr)
{
    AUTO(json) json_t *bsl = ctl_peek(&v->ctl, &VELERO_LOCATION, VELERO_NAMESPACE, location);

    if (!bsl)
        return err_set(reterr, ERR_INVALID, NO_POS,
                       "an existing backup storage location was not specified: "
                       "BackupStorageLocation \"%s\" not found",
                       location);
    if (!velero_phase_is(bsl, "Available"))
        return err_set(reterr, ERR_INVALID, NO_POS,
                       "BackupStorageLocation \"%s\" is not Available (phase: %s)", location,
                       json_str_or_empty(bsl, "status.phase"));
    *ret = (struct velero_bucket){mem_strdup(json_str_or_empty(bsl, "spec.objectStorage.bucket")),
                                  mem_strdup(json_str_or_empty(bsl, "spec.objectStorage.prefix")),
                                  mem_strdup(location)};
    return 0;
}

void velero_bucket_finish(struct velero_bucket *b)
{
    free(b->bucket);
    free(b->prefix);
    free(b->location);
    *b = (struct velero_bucket){0};
}

/* suffix "/x": a file of that name; else it follows the name of the backup. */
static char *key_of(const struct velero_bucket *b, const char *folder, const char *name,
                    const char *suffix)
{
    size_t len = strlen(b->prefix);

    while (len > 0 && b->prefix[len - 1] == '/')
        len--;
    return mem_printf("%.*s%s%s/%s%s%s%s", (int)len, b->prefix, len ? "/" : "", folder, name,
                      *suffix == '/' ? "" : "/", *suffix == '/' ? "" : name, suffix);
}

int velero_put_doc(struct velero *v, const struct velero_bucket *b, const char *folder,
                   const char *name, const char *suffix, const json_t *doc, struct err *reterr)
{
    AUTO(str) char *key = key_of(b, folder, name, suffix);
    AUTO(str) char *text = json_text(doc);

    return sim_object_put(cluster_world(v->ctl.cluster), b->bucket, key, text, strlen(text), NULL,
                          reterr);
}

json_t *velero_get_doc(struct velero *v, const struct velero_bucket *b, const char *folder,
                       const char *name, const char *suffix, struct err *reterr)
{
    AUTO(str) char *key = key_of(b, folder, name, suffix);
    AUTO(str) char *text = NULL;
    size_t len;

    if (sim_object_get(cluster_world(v->ctl.cluster), b->bucket, key, JSON_BYTES_MAX, &text, &len,
                       NULL, reterr) < 0)
        return NULL;
    return json_read(text, len, key, reterr);
}

int velero_delete_docs(struct velero *v, const struct velero_bucket *b, const char *folder,
                       const char *name, struct err *reterr)
{
    struct world *w = cluster_world(v->ctl.cluster);
    AUTO(str) char *prefix = key_of(b, folder, name, "/");
    AUTO(json) json_t *keys = sim_object_list(w, b->bucket, prefix, reterr);
    size_t i;
    json_t *key;

    if (!keys)
        return -1;
    json_array_foreach(keys, i, key)
    {
        if (sim_object_delete(w, b->bucket, json_string_value(key), NULL, reterr) < 0)
            return -1;
    }
    return 0;
}
