/* The damage of a chain of the given: from the scenario's words to what fixtures/ can break. A form
 * more is a function and its row; its key stands in runner/shapes.c. */
#include <string.h>

#include "base/json.h"
#include "fixtures/chain.h"
#include "kube/patch.h"
#include "kube/quantity.h"
#include "runner/given.h"
#include "runner/stage.h"

/* One damage. d has its shape: one form, every member of its type. */
struct damage {
    struct chain_fixture *f;
    const char *checkpoint, *disk, *to; /* NULL: not said, or `to` is no text */
    const json_t *d;
    struct src_pos pos;
};
typedef int damage_fn(const struct damage *d, struct err *reterr);

static int wants_text(const struct damage *d, struct err *reterr)
{
    return d->to ? 0 : err_set(reterr, ERR_INVALID, d->pos, "damage: 'to' must be a text");
}

static int read_bytes(const struct damage *d, const char *form, uint64_t *ret, struct err *reterr)
{
    const json_t *v = json_object_get(d->d, "bytes");
    int64_t bytes = json_is_integer(v)
                        ? json_integer_value(v)
                        : quantity_bytes(json_is_string(v) ? json_string_value(v) : "");

    if (bytes < 0)
        return err_set(reterr, ERR_INVALID, d->pos, "%s: 'bytes' is missing or no quantity", form);
    *ret = (uint64_t)bytes;
    return 0;
}

/* ---- files ---- */

static int do_delete(const struct damage *d, struct err *reterr)
{
    return chain_damage_delete(d->f, d->checkpoint, d->disk, reterr);
}

static int do_truncate(const struct damage *d, struct err *reterr)
{
    uint64_t bytes;

    return read_bytes(d, "truncate", &bytes, reterr) < 0
               ? -1
               : chain_damage_truncate(d->f, d->checkpoint, d->disk, bytes,
                                       json_bool(d->d, "fixSize", false), reterr);
}

static int do_flip(const struct damage *d, struct err *reterr)
{
    int64_t offset = json_int(d->d, "offset", 0);

    if (offset < 0)
        return err_set(reterr, ERR_INVALID, d->pos, "flip: 'offset' must be at least 0");
    return chain_damage_flip(d->f, d->checkpoint, d->disk, (uint64_t)offset, reterr);
}

static int do_backing(const struct damage *d, struct err *reterr)
{
    if (json_object_get(d->d, "to") && wants_text(d, reterr) < 0)
        return -1;
    return chain_damage_backing(d->f, d->checkpoint, d->disk, d->to, reterr);
}

static int do_defect(const struct damage *d, struct err *reterr)
{
    return wants_text(d, reterr) < 0 ? -1 : chain_damage_defect(d->f, d->checkpoint, d->to, reterr);
}

static int do_data_file(const struct damage *d, struct err *reterr)
{
    return wants_text(d, reterr) < 0
               ? -1
               : chain_damage_data_file(d->f, d->checkpoint, d->disk, d->to, reterr);
}

static int do_luks(const struct damage *d, struct err *reterr)
{
    return chain_damage_luks(d->f, d->checkpoint, d->disk, reterr);
}

static int do_raw(const struct damage *d, struct err *reterr)
{
    return chain_damage_raw(d->f, d->checkpoint, d->disk, d->to, reterr);
}

/* ---- the index ---- */

static int do_parent(const struct damage *d, struct err *reterr)
{
    if (json_object_get(d->d, "to") && wants_text(d, reterr) < 0)
        return -1;
    return chain_damage_parent(d->f, d->checkpoint, d->to, reterr); /* none: dropped */
}

static int do_type(const struct damage *d, struct err *reterr)
{
    return wants_text(d, reterr) < 0 ? -1 : chain_damage_type(d->f, d->checkpoint, d->to, reterr);
}

static int do_size(const struct damage *d, struct err *reterr)
{
    const json_t *to = json_object_get(d->d, "to");

    if (!json_is_integer(to))
        return err_set(reterr, ERR_INVALID, d->pos, "size: 'to' must be an integer");
    return chain_damage_size(d->f, d->checkpoint, d->disk, json_integer_value(to), reterr);
}

/* A patch of one of the chain's documents, as the verb `patch` has it. */
static int patch(const struct damage *d, json_t *document, struct err *reterr)
{
    const json_t *merge = json_object_get(d->d, "merge"), *json = json_object_get(d->d, "json");

    if (!document)
        return err_set(reterr, ERR_NOT_FOUND, d->pos, "damage: the chain has no checkpoint '%s'",
                       d->checkpoint);
    if (!merge == !json)
        return err_set(reterr, ERR_INVALID, d->pos,
                       "damage: 'merge' or 'json' says what to change");
    AUTO(json)
    json_t *fresh =
        merge ? patch_merge(document, merge, reterr) : patch_json(document, json, reterr);
    if (!fresh)
        return err_wrap(reterr, d->pos, "damage");
    if (!json_is_object(fresh))
        return err_set(reterr, ERR_INVALID, d->pos, "damage: the document must stay a map");
    json_object_clear(document);
    json_object_update(document, fresh);
    return chain_fixture_save(d->f, reterr);
}

static int do_entry(const struct damage *d, struct err *reterr)
{
    return patch(d, chain_fixture_entry(d->f, d->checkpoint), reterr);
}

static int do_manifest(const struct damage *d, struct err *reterr)
{
    return patch(d, chain_fixture_manifest(d->f, d->checkpoint), reterr);
}

static int do_duplicate_entry(const struct damage *d, struct err *reterr)
{
    return chain_damage_duplicate_entry(d->f, d->checkpoint, reterr);
}

static int do_forget(const struct damage *d, struct err *reterr)
{
    return chain_damage_forget(d->f, d->checkpoint, reterr);
}

static int do_object_path(const struct damage *d, struct err *reterr)
{
    return wants_text(d, reterr) < 0
               ? -1
               : chain_damage_object_path(d->f, d->checkpoint, d->disk, d->to, reterr);
}

static int do_filename(const struct damage *d, struct err *reterr)
{
    return wants_text(d, reterr) < 0
               ? -1
               : chain_damage_filename(d->f, d->checkpoint, d->disk, d->to, reterr);
}

static int do_pad(const struct damage *d, struct err *reterr)
{
    uint64_t bytes;

    return read_bytes(d, "pad", &bytes, reterr) < 0
               ? -1
               : chain_damage_pad(d->f, d->checkpoint, bytes, reterr);
}

/* ---- manifests ---- */

static int do_duplicate(const struct damage *d, struct err *reterr)
{
    return chain_damage_duplicate(d->f, d->checkpoint, reterr);
}

static int do_skip(const struct damage *d, struct err *reterr)
{
    return chain_damage_skip(d->f, d->checkpoint, reterr);
}

static int do_empty(const struct damage *d, struct err *reterr)
{
    return chain_damage_empty(d->f, d->checkpoint, reterr);
}

/* ---- all ---- */

static const struct {
    const char *key; /* its value is a checkpoint */
    damage_fn *fn;
} forms[] = {
    {"delete", do_delete},       {"truncate", do_truncate},
    {"flip", do_flip},           {"backing", do_backing},
    {"defect", do_defect},       {"dataFile", do_data_file},
    {"luks", do_luks},           {"raw", do_raw},
    {"parent", do_parent},       {"type", do_type},
    {"size", do_size},           {"duplicateEntry", do_duplicate_entry},
    {"entry", do_entry},         {"manifest", do_manifest},
    {"forget", do_forget},       {"objectPath", do_object_path},
    {"filename", do_filename},   {"pad", do_pad},
    {"duplicate", do_duplicate}, {"skip", do_skip},
    {"empty", do_empty},
};

static int damage_one(struct chain_fixture *f, const json_t *d, struct src_pos pos,
                      struct err *reterr)
{
    struct damage damage = {f, NULL, json_str(d, "disk"), json_str(d, "to"), d, pos};
    const json_t *swap = json_object_get(d, "swap");

    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        damage.checkpoint = json_str(d, forms[i].key);
        if (damage.checkpoint)
            return forms[i].fn(&damage, reterr);
    }
    if (json_array_size(swap) == 2)
        return chain_damage_swap(f, json_string_value(json_array_get(swap, 0)),
                                 json_string_value(json_array_get(swap, 1)), reterr);
    return err_set(reterr, ERR_INVALID, pos, "damage: 'swap' wants two checkpoints");
}

int stage_damage(struct chain_fixture *f, const json_t *list, struct src_pos pos,
                 struct err *reterr)
{
    size_t i;
    json_t *d;

    json_array_foreach((json_t *)list, i, d) if (damage_one(f, d, pos, reterr) < 0) return -1;
    return 0;
}

/* The checkpoints that a damage names. A wrong parent may be one that there is not: `to` is free.
 */
void stage_damage_names(struct check *c, const struct chain_names *chain, const struct said *d)
{
    const struct said swap = said_member(d, "swap"), disk = said_member(d, "disk");

    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        const struct said name = said_member(d, forms[i].key);

        check_checkpoint(c, chain, &name);
    }
    for (size_t i = 0; swap.t && tmpl_at(swap.t, i, NULL, NULL); i++) {
        const struct said name = said_item(&swap, i);

        check_checkpoint(c, chain, &name);
    }
    check_chain_disk(c, chain, &disk);
}
