#include "components/bsl/forget.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/bsl/failure.h"
#include "components/bsl/index.h"
#include "components/bsl/manifests.h"
#include "components/bsl/names.h"
#include "components/bsl/store.h"

struct forget {
    struct bsl_store store;
    struct documents_place place;
    bool has_manifest;
    json_t *collecting; /* checkpoints whose objects have to go */
};

static void keep_collecting(struct forget *f, const json_t *index)
{
    const json_t *list = json_object_get(index, INDEX_COLLECTING);
    json_decref(f->collecting);
    f->collecting = list ? json_copy_of(list) : NULL;
}

/* Entries go, and are remembered: whoever runs next knows what to delete, and no index lists it. */
static enum bsl_change drop_entries(json_t *index, void *cookie, struct err *reterr)
{
    struct forget *f = cookie;
    if (json_object_size(index) == 0)
        return BSL_SAME;
    if (index_normalise(index, f->place.ns, f->place.vm, reterr) < 0)
        return BSL_BAD;
    assert(*f->place.backup); /* checked: every entry would be nobody's */
    bool changed = index_forget(index, f->place.backup, !f->has_manifest);
    keep_collecting(f, index);
    return changed ? BSL_WRITE : BSL_SAME;
}

static bool is_in(const json_t *list, const json_t *text)
{
    size_t i;
    const json_t *item;
    json_array_foreach(list, i, item) if (json_equal(item, text)) return true;
    return false;
}

/* The objects are gone; an index without anything goes too. */
static enum bsl_change drop_collected(json_t *index, void *cookie, struct err *reterr)
{
    const struct forget *f = cookie;
    json_t *left = json_object_get(index, INDEX_COLLECTING);
    (void)reterr;
    if (json_object_size(index) == 0)
        return BSL_SAME;
    for (size_t i = json_array_size(left); i > 0; i--)
        if (is_in(f->collecting, json_array_get(left, i - 1)))
            json_array_remove(left, i - 1);
    if (json_array_size(left) > 0)
        return BSL_WRITE;
    bool had = json_object_del(index, INDEX_COLLECTING) == 0;
    if (json_array_size(json_object_get(index, "checkpoints")) == 0)
        return BSL_DELETE;
    return had ? BSL_WRITE : BSL_SAME;
}

static int delete_objects(struct forget *f, struct err *reterr)
{
    size_t i;
    const json_t *item;
    json_array_foreach(f->collecting, i, item)
    {
        const char *id = json_string_value(item);
        /* Nothing of ours can lie below such a name. */
        if (!id || names_check("checkpoint id", id, NULL) < 0)
            continue;
        AUTO(str) char *below = names_image(f->place.ns, f->place.vm, id, "");
        if (bsl_delete_below(&f->store, below, reterr) < 0)
            return -1;
    }
    return 0;
}

static int forget(struct forget *f, struct err *reterr)
{
    AUTO(str) char *index_key = names_index(f->place.ns, f->place.vm);
    AUTO(str) char *key = NULL;
    AUTO(json) json_t *manifest = NULL;
    if (manifests_find(&f->store, &f->place, &key, &manifest, reterr) < 0)
        return -1;
    f->has_manifest = manifest != NULL;
    if (bsl_change(&f->store, index_key, NULL, drop_entries, f, reterr) < 0 ||
        delete_objects(f, reterr) < 0 ||
        bsl_change(&f->store, index_key, NULL, drop_collected, f, reterr) < 0)
        return failure_wrap(reterr, "E-FORGET", "VM %s/%s", f->place.ns, f->place.vm);
    return manifests_remove(&f->store, &f->place, reterr);
}

int bsl_forget(struct host *h, const struct documents_place *place, struct err *reterr)
{
    AUTO(str) char *label = names_backup_label(place->backup);
    struct forget f = {.store = {h, place->bucket, place->prefix}, .place = *place};
    f.place.backup = label;
    if (documents_check_names(&f.place, reterr) < 0)
        return -1;
    int r = forget(&f, reterr);
    json_decref(f.collecting);
    return r;
}
