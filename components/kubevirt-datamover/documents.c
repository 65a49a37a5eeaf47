#include "components/kubevirt-datamover/documents.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "components/kubevirt-datamover/failure.h"
#include "components/kubevirt-datamover/names.h"

#define DOCUMENT_BYTES_MAX JSON_BYTES_MAX

void documents_finish(struct documents *d)
{
    json_decref(d->ids);
    json_decref(d->index);
    *d = (struct documents){0};
}

/* An absent or unreadable document: "tag: what: why". */
static json_t *read_document(struct host *h, const struct documents_place *place,
                             const char *relative, const char *tag, const char *what,
                             struct err *reterr)
{
    AUTO(str) char *key = names_key(place->prefix, relative);
    AUTO(str) char *text = NULL;
    AUTO(err) struct err e = {0};
    size_t len = 0;
    json_t *doc = NULL;
    if (host_object_get(h, place->bucket, key, DOCUMENT_BYTES_MAX, &text, &len, &e) == 0)
        doc = json_read(text, len, NULL, &e);
    if (doc && !json_is_object(doc)) {
        json_decref(doc);
        doc = NULL;
        err_set(&e, ERR_CORRUPT, NO_POS, "'%s' is no JSON object", key);
    }
    if (doc)
        return doc;
    if (e.code == ERR_IO)
        failure_wrap(&e, "E-GET", "cannot read the document");
    else
        failure_wrap(&e, tag, "%s", what);
    err_move(reterr, &e);
    return NULL;
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

static bool is_for(const json_t *doc, const char *field, const char *want)
{
    const char *have = json_string_value(json_object_get(doc, field));
    return !have || !*have || strcmp(have, want) == 0;
}

/* "a-b" and "c" share a key with "a" and "b-c": the document itself says whose it is. */
static int check_owner(const json_t *manifest, const struct documents_place *place,
                       struct err *reterr)
{
    if (is_for(manifest, "namespace", place->ns) && is_for(manifest, "name", place->vm))
        return 0;
    return failure_set(reterr, ERR_CORRUPT, "E-MANIFEST",
                       "no backup manifest found for VM %s/%s: the one in its place belongs to "
                       "another VM",
                       place->ns, place->vm);
}

static int check_names(const struct documents_place *place, struct err *reterr)
{
    return names_check("backup name", place->backup, reterr) < 0 ||
                   names_check("namespace", place->ns, reterr) < 0 ||
                   names_check("VM name", place->vm, reterr) < 0
               ? -1
               : 0;
}

int documents_read(struct host *h, const struct documents_place *place, struct documents *ret,
                   struct err *reterr)
{
    if (check_names(place, reterr) < 0)
        return -1;
    AUTO(str) char *manifest_key = names_manifest(place->backup, place->ns, place->vm);
    AUTO(str) char *index_key = names_index(place->ns, place->vm);
    AUTO(str)
    char *no_manifest = mem_printf("no backup manifest found for VM %s/%s in backup %s", place->ns,
                                   place->vm, place->backup);
    AUTO(str) char *no_index = mem_printf("no VM index found for VM %s/%s", place->ns, place->vm);
    AUTO(json)
    json_t *manifest = read_document(h, place, manifest_key, "E-MANIFEST", no_manifest, reterr);
    if (!manifest || check_owner(manifest, place, reterr) < 0)
        return -1;
    AUTO(json) json_t *ids = ids_of(manifest);
    if (json_array_size(ids) == 0)
        return failure_set(reterr, ERR_CORRUPT, "E-CHAIN-EMPTY", "%s: its chain is empty",
                           no_manifest);
    json_t *index = read_document(h, place, index_key, "E-INDEX", no_index, reterr);
    if (!index)
        return -1;
    *ret = (struct documents){TAKE(ids), index};
    return 0;
}
