#include "components/bsl/lookup.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/bsl/index.h"
#include "components/bsl/names.h"
#include "components/bsl/store.h"

void bsl_lookup_finish(struct bsl_lookup *l)
{
    free(l->latest);
    *l = (struct bsl_lookup){0};
}

static struct bsl_store store_of(struct host *h, const struct documents_place *place)
{
    return (struct bsl_store){h, place->bucket, place->prefix};
}

/* The index in one form, or NULL when there is none that can be used. -1: nothing is known. */
static int read_index(const struct bsl_store *s, const struct documents_place *place, json_t **ret,
                      struct err *reterr)
{
    AUTO(str) char *key = names_index(place->ns, place->vm);
    AUTO(bsl_document) struct bsl_document d = {0};
    AUTO(err) struct err e = {0};
    *ret = NULL;
    if (bsl_read(s, key, &d, &e) < 0 && e.code != ERR_CORRUPT && e.code != ERR_LIMIT)
        return err_move(reterr, &e);
    if (d.json && index_normalise(d.json, place->ns, place->vm, &e) == 0)
        *ret = TAKE(d.json);
    if (err_pending(&e))
        host_log(s->h, LOG_WARNING, "the index of VM %s/%s cannot be used: %s", place->ns,
                 place->vm, e.msg);
    return 0;
}

/* Whatever keeps a file from being seen breaks the chain: a full backup is never wrong. */
static bool file_exists(const struct bsl_store *s, const struct documents_place *place,
                        const json_t *entry, const json_t *file)
{
    AUTO(str)
    char *want =
        names_image(place->ns, place->vm, index_text(entry, "id"), index_text(file, "filename"));
    AUTO(str) char *key = names_key(s->prefix, want);
    AUTO(err) struct err e = {0};
    uint64_t size;
    return strcmp(index_text(file, "objectPath"), want) == 0 &&
           host_object_size(s->h, s->bucket, key, &size, &e) == 0;
}

static bool files_exist(const struct bsl_store *s, const struct documents_place *place,
                        const json_t *entry)
{
    const json_t *files = json_object_get(entry, "files");
    size_t i;
    const json_t *file;
    json_array_foreach(files, i, file) if (!file_exists(s, place, entry, file)) return false;
    return json_array_size(files) > 0;
}

int bsl_lookup(struct host *h, const struct documents_place *place, struct bsl_lookup *ret,
               struct err *reterr)
{
    struct bsl_store s = store_of(h, place);
    AUTO(json) json_t *index = NULL;
    if (read_index(&s, place, &index, reterr) < 0)
        return -1;
    *ret = (struct bsl_lookup){0};
    AUTO(json) json_t *chain = index_chain(index, index_text(index_last(index), "id"));
    size_t good = 0, count = json_array_size(chain);
    if (!index_chain_is_whole(index, chain))
        return 0;
    while (
        good < count &&
        files_exist(&s, place, index_find(index, json_string_value(json_array_get(chain, good)))))
        good++;
    if (host_crashed(h))
        return err_set(reterr, ERR_CRASHED, NO_POS, "crashed");
    if (good == 0)
        return 0;
    *ret = (struct bsl_lookup){
        true, good == count, mem_strdup(json_string_value(json_array_get(chain, good - 1))), good};
    return 0;
}

int bsl_archived_checkpoint(struct host *h, const struct documents_place *place, char **ret,
                            struct err *reterr)
{
    struct bsl_store s = store_of(h, place);
    AUTO(json) json_t *index = NULL;
    AUTO(bsl_document) struct bsl_document d = {0};
    AUTO(err) struct err e = {0};
    *ret = NULL;
    if (read_index(&s, place, &index, reterr) < 0)
        return -1;
    const char *id = index_text(index_last(index), "id");
    if (!*id || names_check("checkpoint id", id, NULL) < 0)
        return 0;
    AUTO(str) char *key = names_image(place->ns, place->vm, id, NAMES_TRACKER);
    if (bsl_read(&s, key, &d, &e) < 0 && e.code != ERR_CORRUPT && e.code != ERR_LIMIT)
        return err_move(reterr, &e);
    const char *name = json_str(d.json, "status.latestCheckpoint.name");
    *ret = name && *name ? mem_strdup(name) : NULL;
    return 0;
}
