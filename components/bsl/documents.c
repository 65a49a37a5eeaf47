#include "components/bsl/documents.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "components/bsl/failure.h"
#include "components/bsl/index.h"
#include "components/bsl/manifests.h"
#include "components/bsl/names.h"
#include "components/bsl/store.h"

void documents_finish(struct documents *d)
{
    json_decref(d->ids);
    json_decref(d->index);
    *d = (struct documents){0};
}

/* A document that is missing or cannot be read: "tag: what: why". */
static int refuse(struct err *reterr, struct err *why, const char *tag, const char *what)
{
    if (why->code == ERR_IO)
        failure_wrap(why, "E-GET", "cannot read the document");
    else if (err_pending(why))
        failure_wrap(why, tag, "%s", what);
    else
        failure_set(why, ERR_NOT_FOUND, tag, "%s", what);
    return err_move(reterr, why);
}

/* The list of ids; some writers put whole checkpoints there. New. */
static json_t *ids_of(const json_t *manifest)
{
    json_t *ids = json_array(), *item;
    size_t i;
    json_array_foreach(json_object_get(manifest, "checkpointChain"), i, item)
    {
        json_t *id = json_is_object(item) ? json_object_get(item, "id") : item;
        json_array_append(ids, id ? id : item);
    }
    return ids;
}

int documents_check_names(const struct documents_place *place, struct err *reterr)
{
    return names_check("backup name", place->backup, reterr) < 0 ||
                   names_check("namespace", place->ns, reterr) < 0 ||
                   names_check("VM name", place->vm, reterr) < 0
               ? -1
               : 0;
}

static json_t *read_ids(const struct bsl_store *s, const struct documents_place *place,
                        struct err *reterr)
{
    AUTO(str) char *key = NULL;
    AUTO(json) json_t *manifest = NULL;
    AUTO(json) json_t *ids = NULL;
    AUTO(err) struct err e = {0};
    AUTO(str)
    char *what = mem_printf("no backup manifest found for VM %s/%s in backup %s", place->ns,
                            place->vm, place->backup);
    if (manifests_find(s, place, &key, &manifest, &e) < 0 || !manifest) {
        refuse(reterr, &e, "E-MANIFEST", what);
        return NULL;
    }
    ids = ids_of(manifest);
    if (json_array_size(ids) > 0)
        return TAKE(ids);
    failure_set(reterr, ERR_CORRUPT, "E-CHAIN-EMPTY", "%s: its chain is empty", what);
    return NULL;
}

static json_t *read_index(const struct bsl_store *s, const struct documents_place *place,
                          struct err *reterr)
{
    AUTO(str) char *key = names_index(place->ns, place->vm);
    AUTO(str) char *what = mem_printf("no VM index found for VM %s/%s", place->ns, place->vm);
    AUTO(bsl_document) struct bsl_document d = {0};
    AUTO(err) struct err e = {0};
    if (bsl_read(s, key, &d, &e) == 0 && d.json &&
        index_normalise(d.json, place->ns, place->vm, &e) == 0)
        return TAKE(d.json);
    refuse(reterr, &e, "E-INDEX", what);
    return NULL;
}

int documents_read(struct host *h, const struct documents_place *place, struct documents *ret,
                   struct err *reterr)
{
    struct bsl_store s = {h, place->bucket, place->prefix};
    if (documents_check_names(place, reterr) < 0)
        return -1;
    AUTO(json) json_t *ids = read_ids(&s, place, reterr);
    json_t *index = ids ? read_index(&s, place, reterr) : NULL;
    if (!index)
        return -1;
    *ret = (struct documents){TAKE(ids), index};
    return 0;
}
