#include "components/bsl/record.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/bsl/failure.h"
#include "components/bsl/index.h"
#include "components/bsl/lookup.h"
#include "components/bsl/manifests.h"
#include "components/bsl/names.h"
#include "components/bsl/store.h"
#include "kube/time.h"

struct record {
    struct bsl_store store;
    struct documents_place place;
    const struct bsl_checkpoint *c;
    const char *id;
    struct bsl_lookup before; /* what the index offered as a parent */
    json_t *chain;            /* after the change */
};

static int bad_parent(struct err *reterr, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static int bad_parent(struct err *reterr, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    AUTO(str) char *text = mem_vprintf(fmt, ap);
    va_end(ap);
    return failure_set(reterr, ERR_CORRUPT, "E-PARENT", "%s", text);
}

/* The last entry of an index as the parent of a new increment. "": none, and that is accepted. */
static int parent_of_new(const struct record *r, const json_t *index, const char **ret,
                         struct err *reterr)
{
    const char *last = index_text(index_last(index), "id");
    *ret = last;
    if (!*last)
        return r->c->orphans ? 0
                             : bad_parent(reterr,
                                          "no valid parent chain: the index has no checkpoint, and "
                                          "'%s' is an increment",
                                          r->id);
    if (!r->before.found)
        return bad_parent(reterr,
                          "no valid parent chain: '%s' is not based on a full checkpoint "
                          "whose objects exist",
                          last);
    if (!r->before.whole || strcmp(r->before.latest, last) != 0)
        return bad_parent(reterr,
                          "the checkpoint chain is broken: it ends with '%s', the index "
                          "with '%s'",
                          r->before.latest, last);
    if (*r->c->parent && strcmp(r->c->parent, last) != 0)
        return bad_parent(reterr,
                          "the increment was made against '%s', but the index ends with "
                          "'%s'",
                          r->c->parent, last);
    return 0;
}

/* Of an entry that is there already: the parent stays, whatever has come after it. */
static int parent_of(const struct record *r, const json_t *index, const char **ret,
                     struct err *reterr)
{
    const json_t *old = index_find(index, r->id);
    *ret = "";
    if (index_is_full(r->c->entry))
        return 0;
    if (!old)
        return parent_of_new(r, index, ret, reterr);
    *ret = index_text(old, "parent");
    return 0;
}

static void put_entry(const struct record *r, json_t *index, const char *parent)
{
    json_t *list = json_object_get(index, "checkpoints"), *old = index_find(index, r->id);
    json_t *entry = json_copy_of(r->c->entry);
    size_t i;
    const json_t *item;
    if (*parent)
        json_put_str(entry, "parent", parent);
    json_object_set(entry, "referencedBy", json_object_get(old, "referencedBy"));
    if (!old) {
        json_array_append_new(list, entry);
        return;
    }
    json_array_foreach(list, i, item) if (item == old)
    {
        json_array_set_new(list, i, entry);
        return;
    }
}

static void not_collected(json_t *index, const char *id)
{
    json_t *list = json_object_get(index, INDEX_COLLECTING);
    for (size_t i = json_array_size(list); i > 0; i--) {
        const char *text = json_string_value(json_array_get(list, i - 1));
        if (text && strcmp(text, id) == 0)
            json_array_remove(list, i - 1);
    }
}

static enum bsl_change add_checkpoint(json_t *index, void *cookie, struct err *reterr)
{
    struct record *r = cookie;
    const char *parent = "";
    char now[TIME_TEXT];
    if (index_normalise(index, r->place.ns, r->place.vm, reterr) < 0) {
        failure_wrap(reterr, "E-INDEX", "the index of VM %s/%s", r->place.ns, r->place.vm);
        return BSL_BAD;
    }
    if (parent_of(r, index, &parent, reterr) < 0)
        return BSL_BAD;
    AUTO(str) char *kept = mem_strdup(parent);
    put_entry(r, index, kept);
    assert(index_find(index, r->id));
    not_collected(index, r->id);
    json_decref(r->chain);
    r->chain = index_chain(index, r->id);
    assert(json_array_size(r->chain) > 0); /* its own id at least */
    index_refer(index, r->chain, r->place.backup);
    time_format(host_now(r->store.h), now);
    json_put_str(index, "vmName", r->place.vm);
    json_put_str(index, "namespace", r->place.ns);
    json_put_str(index, "lastUpdated", now);
    return BSL_WRITE;
}

static int record(struct record *r, struct err *reterr)
{
    AUTO(str) char *key = names_index(r->place.ns, r->place.vm);
    AUTO(str) char *aside = mem_printf("%s.corrupt-", key);
    if (!index_is_full(r->c->entry) && bsl_lookup(r->store.h, &r->place, &r->before, reterr) < 0)
        return -1;
    if (bsl_change(&r->store, key, aside, add_checkpoint, r, reterr) < 0)
        return -1;
    return *r->place.backup ? manifests_write(&r->store, &r->place, r->id, r->chain, reterr) : 0;
}

int bsl_record(struct host *h, const struct documents_place *place, const struct bsl_checkpoint *c,
               struct err *reterr)
{
    AUTO(str) char *label = names_backup_label(place->backup);
    struct record r = {.store = {h, place->bucket, place->prefix},
                       .place = *place,
                       .c = c,
                       .id = index_text(c->entry, "id")};
    r.place.backup = label;
    if (names_check("checkpoint id", r.id, reterr) < 0 ||
        names_check("namespace", place->ns, reterr) < 0 ||
        names_check("VM name", place->vm, reterr) < 0 ||
        (*label && names_check("backup name", label, reterr) < 0))
        return -1;
    int result = record(&r, reterr);
    bsl_lookup_finish(&r.before);
    json_decref(r.chain);
    return result;
}
