#include "components/kubevirt-datamover/chain.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "components/bsl/failure.h"
#include "components/bsl/names.h"

void chain_finish(struct chain *c)
{
    for (size_t i = 0; i < c->count; i++) {
        free(c->files[i].checkpoint);
        free(c->files[i].filename);
        free(c->files[i].object_path);
        free(c->files[i].sha256);
    }
    free(c->files);
    *c = (struct chain){0};
}

static const json_t *checkpoints(const json_t *index)
{
    return json_object_get(index, "checkpoints");
}

/* Text of a member; "" when it is missing or no text. Ids may hold dots, member names here do not.
 */
static const char *member(const json_t *v, const char *name)
{
    const char *s = json_string_value(json_object_get(v, name));
    return s ? s : "";
}

json_t *chain_entries(const json_t *index)
{
    json_t *map = json_object(), *entry;
    size_t i;
    json_array_foreach(checkpoints(index), i, entry) if (!json_object_get(map, member(entry, "id")))
        json_object_set(map, member(entry, "id"), entry);
    return map;
}

/* ---- the rules, in the order in which they are told ---- */

/* Entries by id. New; NULL when an id occurs twice, also outside of the chain. */
static json_t *entries_by_id(const json_t *index, struct err *reterr)
{
    AUTO(json) json_t *map = json_object();
    size_t i;
    json_t *entry;
    json_array_foreach(checkpoints(index), i, entry)
    {
        const char *id = member(entry, "id");
        if (json_object_get(map, id)) {
            failure_set(reterr, ERR_CORRUPT, "E-INDEX-DUP",
                        "the index lists checkpoint '%s' more than once", id);
            return NULL;
        }
        json_object_set(map, id, entry);
    }
    return TAKE(map);
}

static int check_ids(const json_t *ids, const json_t *entries, struct err *reterr)
{
    AUTO(json) json_t *seen = json_object();
    size_t i;
    const json_t *item;
    json_array_foreach(ids, i, item)
    {
        const char *id = json_string_value(item);
        if (!id)
            return failure_set(reterr, ERR_CORRUPT, "E-CHAIN-UNKNOWN",
                               "element %zu of the chain is no checkpoint id", i);
        if (json_object_get(seen, id))
            return failure_set(reterr, ERR_CORRUPT, "E-CHAIN-DUP",
                               "checkpoint '%s' occurs more than once in the chain", id);
        json_object_set_new(seen, id, json_true());
    }
    json_array_foreach(ids, i, item) if (
        !json_object_get(
            entries,
            json_string_value(
                item))) return failure_set(reterr, ERR_CORRUPT, "E-CHAIN-UNKNOWN",
                                           "checkpoint '%s' of the chain is not in the index",
                                           json_string_value(item));
    return 0;
}

static int check_head(const json_t *entry, const char *id, struct err *reterr)
{
    if (strcasecmp(member(entry, "type"), "full") != 0)
        return failure_set(reterr, ERR_CORRUPT, "E-HEAD-TYPE",
                           "the first checkpoint '%s' is of type '%s', expected full", id,
                           member(entry, "type"));
    if (*member(entry, "parent"))
        return failure_set(reterr, ERR_CORRUPT, "E-HEAD-PARENT",
                           "the first checkpoint '%s' has the parent '%s', expected none", id,
                           member(entry, "parent"));
    return 0;
}

static int check_link(const json_t *entry, const char *id, const char *before, struct err *reterr)
{
    if (strcasecmp(member(entry, "type"), "incremental") != 0)
        return failure_set(reterr, ERR_CORRUPT, "E-LINK-TYPE",
                           "checkpoint '%s' is of type '%s', expected incremental", id,
                           member(entry, "type"));
    if (strcmp(member(entry, "parent"), before) != 0)
        return failure_set(reterr, ERR_CORRUPT, "E-LINK-PARENT",
                           "checkpoint '%s' has the parent '%s', but '%s' comes before it", id,
                           member(entry, "parent"), before);
    return 0;
}

static int check_links(const json_t *ids, const json_t *entries, struct err *reterr)
{
    const char *before = NULL;
    size_t i;
    const json_t *item;
    json_array_foreach(ids, i, item)
    {
        const char *id = json_string_value(item);
        const json_t *entry = json_object_get(entries, id);
        if ((before ? check_link(entry, id, before, reterr) : check_head(entry, id, reterr)) < 0)
            return -1;
        before = id;
    }
    return 0;
}

/* The one file of an entry that belongs to the disk. Borrowed. */
static const json_t *file_of_disk(const json_t *entry, const char *id, const char *disk,
                                  struct err *reterr)
{
    const json_t *found = NULL, *file;
    bool plain = false;
    size_t i;
    json_array_foreach(json_object_get(entry, "files"), i, file)
    {
        plain = plain || json_is_string(file);
        if (strcmp(member(file, "diskName"), disk) != 0)
            continue;
        if (found) {
            failure_set(reterr, ERR_CORRUPT, "E-DISK-AMBIGUOUS",
                        "checkpoint '%s' has more than one file for disk '%s'", id, disk);
            return NULL;
        }
        found = file;
    }
    if (!found)
        failure_set(reterr, ERR_CORRUPT, "E-DISK-MISSING",
                    "checkpoint '%s' has no file for disk '%s'%s", id, disk,
                    plain ? " (its files are plain names, without disk and size)" : "");
    return found;
}

static int add_file(const json_t *file, const char *id, const char *ns, const char *vm,
                    struct chain_file *ret, struct err *reterr)
{
    const char *filename = member(file, "filename"), *path = member(file, "objectPath");
    const char *digest = json_string_value(json_object_get(file, "sha256"));
    const json_t *size = json_object_get(file, "size");
    AUTO(str) char *want = names_image(ns, vm, id, filename);

    if (names_check("checkpoint id", id, reterr) < 0)
        return -1;
    /* Compared as it stands: nothing is normalised, so ".." cannot lead anywhere. */
    if (strcmp(path, want) != 0)
        return failure_set(reterr, ERR_CORRUPT, "E-OBJ-PATH",
                           "the file of checkpoint '%s' lies at '%s', expected '%s'", id, path,
                           want);
    if (size && !json_is_null(size) && !json_is_integer(size))
        return failure_set(reterr, ERR_CORRUPT, "E-INDEX",
                           "the size of '%s' in the index is no whole number", filename);
    *ret = (struct chain_file){mem_strdup(id),
                               mem_strdup(filename),
                               mem_strdup(path),
                               digest && *digest ? mem_strdup(digest) : NULL,
                               (int64_t)json_integer_value(size),
                               json_is_integer(size)};
    return 0;
}

/* Where the disk's own chain begins: a file may say that it is full though its checkpoint is an
 * increment, as that of a disk which came later or whose bitmap was lost (B-15). What is older is
 * another story's. */
static size_t start_of_disk(const json_t *ids, const json_t *entries, const char *disk)
{
    for (size_t i = json_array_size(ids); i > 1; i--) {
        const json_t *entry =
            json_object_get(entries, json_string_value(json_array_get(ids, i - 1)));
        const json_t *file;
        size_t k;
        json_array_foreach(json_object_get(entry, "files"), k,
                           file) if (strcmp(member(file, "diskName"), disk) == 0 &&
                                     strcasecmp(member(file, "type"), "full") == 0) return i -
            1;
    }
    return 0;
}

static int add_files(const json_t *ids, const json_t *entries, const char *ns, const char *vm,
                     const char *disk, struct chain *ret, struct err *reterr)
{
    ret->files = mem_zalloc(json_array_size(ids) * sizeof *ret->files);
    for (size_t i = start_of_disk(ids, entries, disk); i < json_array_size(ids); i++) {
        const char *id = json_string_value(json_array_get(ids, i));
        const json_t *file = file_of_disk(json_object_get(entries, id), id, disk, reterr);
        if (!file || add_file(file, id, ns, vm, &ret->files[ret->count], reterr) < 0)
            return -1;
        ret->count++;
    }
    return 0;
}

int chain_resolve(const json_t *index, const json_t *ids, const char *ns, const char *vm,
                  const char *disk, struct chain *ret, struct err *reterr)
{
    if (json_array_size(ids) == 0)
        return failure_set(reterr, ERR_CORRUPT, "E-CHAIN-EMPTY", "the chain has no checkpoint");
    if (json_array_size(ids) > CHAIN_LAYERS_MAX)
        return failure_set(reterr, ERR_LIMIT, "E-CHAIN-LONG",
                           "the chain has %zu checkpoints, at most %d are allowed",
                           json_array_size(ids), CHAIN_LAYERS_MAX);
    AUTO(json) json_t *entries = entries_by_id(index, reterr);
    if (!entries || check_ids(ids, entries, reterr) < 0 || check_links(ids, entries, reterr) < 0)
        return -1;
    AUTO(chain) struct chain chain = {0};
    if (add_files(ids, entries, ns, vm, disk, &chain, reterr) < 0)
        return -1;
    *ret = chain;
    chain = (struct chain){0};
    return 0;
}

/* ---- which disk a claim is ---- */

/* Whether the entry names the claim; then *ret_disk is the disk's name, or "" when the entry is
 * malformed there. A well-formed position beats a malformed one. */
static bool entry_names_claim(const json_t *entry, const char *claim, const char **ret_disk)
{
    bool found = false;
    size_t i;
    const json_t *pvc;
    *ret_disk = "";
    json_array_foreach(json_object_get(entry, "pvcs"), i, pvc)
    {
        if (!json_is_string(pvc) || strcmp(json_string_value(pvc), claim) != 0)
            continue;
        const char *disk = member(json_array_get(json_object_get(entry, "files"), i), "diskName");
        if (!found || (!**ret_disk && *disk))
            *ret_disk = disk;
        found = true;
    }
    return found;
}

char *chain_disk_of_claim(const json_t *index, const json_t *ids, const char *claim,
                          struct err *reterr)
{
    AUTO(json) json_t *entries = chain_entries(index);
    for (size_t i = json_array_size(ids); i > 0; i--) {
        const char *id = json_string_value(json_array_get(ids, i - 1)), *disk;
        const json_t *entry = id ? json_object_get(entries, id) : NULL;
        if (!entry || !entry_names_claim(entry, claim, &disk))
            continue;
        if (*disk)
            return mem_strdup(disk);
        failure_set(reterr, ERR_CORRUPT, "E-DISK-NAME",
                    "checkpoint '%s' names claim '%s' without a disk", id, claim);
        return NULL;
    }
    failure_set(reterr, ERR_CORRUPT, "E-DISK-NAME", "no checkpoint of the chain names claim '%s'",
                claim);
    return NULL;
}
