#include "components/bsl/index.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "components/bsl/names.h"

#define IMAGE_END ".qcow2"

const char *index_text(const json_t *v, const char *name)
{
    const char *s = json_string_value(json_object_get(v, name));
    return s ? s : "";
}

static json_t *checkpoints(const json_t *index)
{
    return json_object_get(index, "checkpoints");
}

/* ---- form ---- */

char *index_disk_of(const char *filename, const char *vmb)
{
    size_t len = strlen(filename), end = strlen(IMAGE_END), skip = strlen(vmb);
    if (len > end && strcasecmp(filename + len - end, IMAGE_END) == 0)
        len -= end;
    if (skip && skip + 1 < len && strncmp(filename, vmb, skip) == 0 && filename[skip] == '-')
        return mem_strndup(filename + skip + 1, len - skip - 1);
    for (size_t i = len; i > 0; i--)
        if (filename[i - 1] == '-')
            return mem_strndup(filename + i, len - i);
    return mem_strndup(filename, len);
}

static json_t *file_of_name(const char *name, const json_t *entry, const char *ns, const char *vm)
{
    AUTO(str) char *disk = index_disk_of(name, index_text(entry, "vmBackup"));
    AUTO(str) char *path = names_image(ns, vm, index_text(entry, "id"), name);
    return json_pack("{s:s, s:s, s:s}", "filename", name, "diskName", disk, "objectPath", path);
}

static void normalise_files(json_t *entry, const char *ns, const char *vm)
{
    json_t *files = json_object_get(entry, "files");
    size_t i;
    json_t *file;
    json_array_foreach(files, i, file) if (json_is_string(file))
        json_array_set_new(files, i, file_of_name(json_string_value(file), entry, ns, vm));
}

int index_normalise(json_t *index, const char *ns, const char *vm, struct err *reterr)
{
    json_t *list = checkpoints(index);
    size_t i;
    json_t *entry;
    if (!list || json_is_null(list))
        json_object_set_new(index, "checkpoints", json_array());
    else if (!json_is_array(list))
        return err_set(reterr, ERR_CORRUPT, NO_POS, "'checkpoints' is no list");
    if (json_array_size(checkpoints(index)) > INDEX_ENTRIES_MAX)
        return err_set(reterr, ERR_LIMIT, NO_POS, "more than %d checkpoints", INDEX_ENTRIES_MAX);
    json_array_foreach(checkpoints(index), i, entry) normalise_files(entry, ns, vm);
    assert(json_is_array(checkpoints(index)));
    return 0;
}

/* ---- finding ---- */

json_t *index_find(const json_t *index, const char *id)
{
    return json_find(checkpoints(index), "id", id);
}

json_t *index_last(const json_t *index)
{
    size_t n = json_array_size(checkpoints(index));
    return n ? json_array_get(checkpoints(index), n - 1) : NULL;
}

bool index_is_full(const json_t *entry)
{
    return strcasecmp(index_text(entry, "type"), "full") == 0;
}

/* The entries by id, the first one of each; borrowed from the index. New. */
static json_t *by_id(const json_t *index)
{
    json_t *map = json_object(), *entry;
    size_t i;
    json_array_foreach(checkpoints(index), i, entry)
    {
        const char *id = index_text(entry, "id");
        if (!json_object_get(map, id))
            json_object_set(map, id, entry);
    }
    return map;
}

static json_t *chain_of(const json_t *map, const char *tip)
{
    AUTO(json) json_t *seen = json_object();
    AUTO(json) json_t *down = json_array();
    json_t *up = json_array();
    const char *id = tip;
    for (const json_t *entry;
         *id && !json_object_get(seen, id) && (entry = json_object_get(map, id));
         id = index_text(entry, "parent")) {
        json_object_set_new(seen, id, json_true());
        json_array_append_new(down, json_string(id));
    }
    for (size_t i = json_array_size(down); i > 0; i--)
        json_array_append(up, json_array_get(down, i - 1));
    return up;
}

json_t *index_chain(const json_t *index, const char *tip)
{
    AUTO(json) json_t *map = by_id(index);
    return chain_of(map, tip);
}

bool index_chain_is_whole(const json_t *index, const json_t *chain)
{
    const char *first = json_string_value(json_array_get(chain, 0));
    return first && index_is_full(index_find(index, first));
}

/* ---- references ---- */

static bool holds(const json_t *list, const char *text)
{
    size_t i;
    const json_t *item;
    json_array_foreach(list, i, item) if (json_is_string(item) &&
                                          strcmp(json_string_value(item), text) == 0) return true;
    return false;
}

/* The references that are some, each once, in their order; without one backup, if given. New. */
static json_t *references(const json_t *entry, const char *without)
{
    json_t *out = json_array();
    size_t i;
    const json_t *item;
    json_array_foreach(json_object_get(entry, "referencedBy"), i, item)
    {
        const char *name = json_string_value(item);
        if (name && *name && !holds(out, name) && (!without || strcmp(name, without) != 0))
            json_array_append_new(out, json_string(name));
    }
    return out;
}

static void refer(const json_t *map, const json_t *ids, const char *backup)
{
    size_t i;
    const json_t *id;
    json_array_foreach(ids, i, id)
    {
        json_t *entry = json_object_get(map, json_string_value(id));
        assert(entry); /* a chain names entries alone */
        json_t *names = references(entry, NULL);
        if (*backup && !holds(names, backup))
            json_array_append_new(names, json_string(backup));
        json_object_set_new(entry, "referencedBy", names);
    }
}

void index_refer(json_t *index, const json_t *ids, const char *backup)
{
    AUTO(json) json_t *map = by_id(index);
    refer(map, ids, backup);
}

/* Also what a forgetful writer left out: whoever needs a checkpoint needs those below it. */
static void refer_ancestors(json_t *index)
{
    AUTO(json) json_t *map = by_id(index);
    size_t i, j;
    const json_t *entry, *name;
    json_array_foreach(checkpoints(index), i, entry)
    {
        AUTO(json) json_t *names = references(entry, NULL);
        AUTO(json) json_t *chain = chain_of(map, index_text(entry, "id"));
        json_array_foreach(names, j, name) refer(map, chain, json_string_value(name));
    }
}

static void drop_references(json_t *index, const char *backup, json_t *lost)
{
    size_t i;
    json_t *entry;
    json_array_foreach(checkpoints(index), i, entry)
    {
        if (!json_is_object(entry))
            continue;
        bool had = holds(json_object_get(entry, "referencedBy"), backup);
        json_object_set_new(entry, "referencedBy", references(entry, backup));
        if (had)
            json_array_append_new(lost, json_string(index_text(entry, "id")));
    }
}

static bool is_garbage(const json_t *entry, const json_t *lost, bool only_lost)
{
    return json_is_object(entry) && json_array_size(json_object_get(entry, "referencedBy")) == 0 &&
           (!only_lost || holds(lost, index_text(entry, "id")));
}

static void collect(json_t *index, const json_t *lost, bool only_lost)
{
    json_t *list = checkpoints(index), *collecting = json_object_get(index, INDEX_COLLECTING);
    if (!json_is_array(collecting))
        json_object_set_new(index, INDEX_COLLECTING, json_array());
    collecting = json_object_get(index, INDEX_COLLECTING);
    for (size_t i = json_array_size(list); i > 0; i--) {
        const json_t *entry = json_array_get(list, i - 1);
        const char *id = index_text(entry, "id");
        if (!is_garbage(entry, lost, only_lost))
            continue;
        if (*id && !holds(collecting, id))
            json_array_append_new(collecting, json_string(id));
        json_array_remove(list, i - 1);
    }
    if (json_array_size(collecting) == 0)
        json_object_del(index, INDEX_COLLECTING);
}

static bool is_referred(const json_t *index, const char *backup)
{
    size_t i;
    const json_t *entry;
    json_array_foreach(
        checkpoints(index), i,
        entry) if (holds(json_object_get(entry, "referencedBy"), backup)) return true;
    return false;
}

bool index_forget(json_t *index, const char *backup, bool only_lost)
{
    AUTO(json) json_t *before = json_copy_of(index);
    AUTO(json) json_t *lost = json_array();
    drop_references(index, backup, lost);
    refer_ancestors(index);
    assert(!is_referred(index, backup)); /* nor by way of what others need */
    collect(index, lost, only_lost);
    return !json_same(before, index);
}
