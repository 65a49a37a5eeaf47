/* A backup chain of the given: from the scenario's words to a plan for fixtures/chain.h, its files
 * in the world's object store. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/folder.h"
#include "base/json.h"
#include "base/mem.h"
#include "fixtures/chain.h"
#include "kube/patch.h"
#include "kube/quantity.h"
#include "runner/given.h"
#include "runner/stage.h"
#include "runner/unknown.h"
#include "sim/storage/objectstore.h"

#define REPEAT_MAX 2000
#define CHECKPOINTS_MAX 2000
#define BLOCKS_MAX (UINT64_C(1) << 28) /* a disk of 1 TiB */

struct chain_stage {
    struct fixture_target *target;
    struct chain_fixture *fixture;
    json_t *description;
    char *dir;
};

void chain_stage_destroy(struct chain_stage *c)
{
    if (!c)
        return;
    chain_fixture_destroy(c->fixture);
    fixture_target_destroy(c->target);
    json_decref(c->description);
    free(c->dir);
    free(c);
}

const json_t *chain_stage_json(const struct chain_stage *c)
{
    return c->description;
}

struct chain_fixture *chain_stage_fixture(const struct chain_stage *c)
{
    return c->fixture;
}

const char *chain_stage_dir(const struct chain_stage *c)
{
    return c->dir;
}

/* ---- the plan ---- */

struct plan_memory {
    struct chain_disk *disks;
    struct chain_checkpoint *checkpoints;
};

static void plan_finish(struct plan_memory *m, size_t checkpoints)
{
    for (size_t i = 0; m->checkpoints && i < checkpoints; i++)
        free((void *)m->checkpoints[i].changes);
    free(m->checkpoints);
    free(m->disks);
}

static int64_t bytes_of(const json_t *v)
{
    return json_is_integer(v) ? json_integer_value(v)
                              : quantity_bytes(json_is_string(v) ? json_string_value(v) : "");
}

static int plan_disks(struct chain_plan *plan, struct plan_memory *m, const json_t *args,
                      struct src_pos pos, struct err *reterr)
{
    const json_t *list = json_object_get(args, "disks");
    size_t i;
    json_t *d;

    plan->disk_count = json_array_size(list);
    if (plan->disk_count == 0)
        return err_set(reterr, ERR_INVALID, pos, "chain: 'disks' is empty");
    m->disks = mem_zalloc(plan->disk_count * sizeof *m->disks);
    json_array_foreach((json_t *)list, i, d)
    {
        int64_t bytes = bytes_of(json_object_get(d, "size"));

        if (bytes <= 0 || bytes % DISK_BLOCK || (uint64_t)bytes / DISK_BLOCK > BLOCKS_MAX)
            return err_set(reterr, ERR_INVALID, pos,
                           "chain: the size of disk '%s' must be a multiple of 4Ki, at most 1Ti",
                           json_str_or_empty(d, "name"));
        m->disks[i] = (struct chain_disk){
            .name = json_str(d, "name"),
            .pvc = json_str(d, "pvc"),
            .blocks = (uint64_t)bytes / DISK_BLOCK,
            .pvc_size = json_str(d, "pvcSize") ? json_str(d, "pvcSize") : json_str(d, "size")};
    }
    plan->disks = m->disks;
    return 0;
}

/* What a checkpoint may say of a disk. */
static const char *const extents[] = {"write", "discard"};

static int disk_index(const struct chain_plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->disk_count; i++)
        if (!name || strcmp(plan->disks[i].name, name) == 0)
            return (int)i;
    return -1;
}

/* The place of a disk's name in element i of a list, or of the nearest that is written around it: a
 * `${...}` may have given the rest. */
static struct src_pos disk_pos(const struct tmpl *list, size_t i)
{
    const struct tmpl *item = tmpl_item(list, i);
    const struct tmpl *disk = item ? tmpl_get(item, "disk") : NULL;

    return tmpl_pos(disk ? disk : item ? item : list);
}

static int no_disk(const struct chain_plan *plan, const char *name, struct src_pos pos,
                   struct err *reterr)
{
    AUTO(mem) void *memory = mem_zalloc((plan->disk_count + 1) * sizeof(char *));
    const char **names = memory;

    for (size_t i = 0; i < plan->disk_count; i++)
        names[i] = plan->disks[i].name;
    return unknown_chain_disk(name, names, plan->disk_count, pos, reterr);
}

/* t: what `list` was made of. */
static int add_changes(const struct chain_plan *plan, const json_t *list, bool zero,
                       struct chain_change *out, size_t *count, const struct tmpl *t,
                       struct err *reterr)
{
    size_t i;
    json_t *x;

    json_array_foreach((json_t *)list, i, x)
    {
        int disk = disk_index(plan, json_str(x, "disk"));
        int64_t first = json_int(x, "first", -1), blocks = json_int(x, "blocks", -1);

        if (disk < 0)
            return no_disk(plan, json_str_or_empty(x, "disk"), disk_pos(t, i), reterr);
        if (first < 0 || blocks < 0 ||
            (uint64_t)first + (uint64_t)blocks > plan->disks[disk].blocks)
            return err_set(reterr, ERR_INVALID, disk_pos(t, i),
                           "chain: blocks %lld+%lld lie beyond disk '%s' of %llu blocks",
                           (long long)first, (long long)blocks, plan->disks[disk].name,
                           (unsigned long long)plan->disks[disk].blocks);
        out[(*count)++] = (struct chain_change){.disk = (size_t)disk,
                                                .block = (uint64_t)first,
                                                .count = (uint64_t)blocks,
                                                .zero = zero};
    }
    return 0;
}

static const struct tmpl *extents_of(const struct tmpl *chain, size_t checkpoint, const char *key)
{
    const struct tmpl *list = tmpl_get(chain, "checkpoints");
    const struct tmpl *item = list ? tmpl_item(list, checkpoint) : NULL;
    const struct tmpl *of = item ? tmpl_get(item, key) : NULL;

    return of ? of : item ? item : list ? list : chain;
}

static int plan_checkpoints(struct chain_plan *plan, struct plan_memory *m, const json_t *args,
                            const struct tmpl *t, struct src_pos pos, struct err *reterr)
{
    const json_t *list = json_object_get(args, "checkpoints");
    size_t i;
    json_t *c;

    plan->checkpoint_count = json_array_size(list);
    if (plan->checkpoint_count == 0 || plan->checkpoint_count > CHECKPOINTS_MAX)
        return err_set(reterr, ERR_INVALID, pos, "chain: 'checkpoints' must have 1 to %d items",
                       CHECKPOINTS_MAX);
    m->checkpoints = mem_zalloc(plan->checkpoint_count * sizeof *m->checkpoints);
    json_array_foreach((json_t *)list, i, c)
    {
        const json_t *write = json_object_get(c, "write"), *discard = json_object_get(c, "discard");
        struct chain_change *changes =
            mem_zalloc((json_array_size(write) + json_array_size(discard) + 1) * sizeof *changes);

        m->checkpoints[i] = (struct chain_checkpoint){
            .name = json_str(c, "name"), .full = i == 0, .changes = changes};
        if (add_changes(plan, write, false, changes, &m->checkpoints[i].change_count,
                        extents_of(t, i, "write"), reterr) < 0 ||
            add_changes(plan, discard, true, changes, &m->checkpoints[i].change_count,
                        extents_of(t, i, "discard"), reterr) < 0)
            return -1;
    }
    plan->checkpoints = m->checkpoints;
    return 0;
}

static int plan_scalars(struct chain_plan *plan, const json_t *args, struct src_pos pos,
                        struct err *reterr)
{
    const json_t *repeat = json_object_get(args, "repeat");
    const json_t *size = json_object_get(args, "clusterSize");
    int64_t cluster = size ? bytes_of(size) : 256 * 1024;
    int64_t count = json_int(repeat, "count", 0), blocks = json_int(repeat, "blocks", 16);
    const char *backing = json_str(args, "backing");

    plan->ns = json_str(args, "namespace");
    plan->vm = json_str(args, "vm");
    plan->prefix = json_str(args, "prefix");
    plan->backups = json_str(args, "backups");
    plan->digests = json_bool(args, "digests", false);
    if (cluster < 4096 || cluster > (2 << 20) || (cluster & (cluster - 1)))
        return err_set(reterr, ERR_INVALID, pos,
                       "chain: 'clusterSize' must be a power of two from 4Ki to 2Mi");
    plan->cluster_bits = (uint32_t)__builtin_ctzll((unsigned long long)cluster);
    if (count < 0 || count > REPEAT_MAX || blocks < 0)
        return err_set(reterr, ERR_INVALID, pos, "chain: 'repeat.count' must be 0 to %d",
                       REPEAT_MAX);
    plan->repeat = (size_t)count;
    plan->repeat_blocks = (uint64_t)blocks;
    if (backing && strcmp(backing, "none") == 0)
        plan->backing = CHAIN_BACKING_STANDALONE;
    else if (backing && strcmp(backing, "recorded") != 0)
        return err_set(reterr, ERR_INVALID, pos,
                       "chain: 'backing' must be 'recorded' or 'none', found '%s'", backing);
    return 0;
}

/* ---- damage ---- */

static int no_document(const char *checkpoint, struct src_pos pos, struct err *reterr)
{
    return err_set(reterr, ERR_NOT_FOUND, pos, "damage: the chain has no checkpoint '%s'",
                   checkpoint);
}

/* Puts the content of `fresh` in the place of what `document` holds. */
static void become(json_t *document, json_t *fresh)
{
    json_object_clear(document);
    json_object_update(document, fresh);
}

/* A patch of one of the chain's documents, as the verb `patch` has it. */
static int damage_document(struct chain_fixture *f, const json_t *d, json_t *document,
                           struct src_pos pos, struct err *reterr)
{
    const json_t *merge = json_object_get(d, "merge"), *json = json_object_get(d, "json");

    if (!merge == !json)
        return err_set(reterr, ERR_INVALID, pos, "damage: 'merge' or 'json' says what to change");
    AUTO(json)
    json_t *fresh =
        merge ? patch_merge(document, merge, reterr) : patch_json(document, json, reterr);
    if (!fresh)
        return err_wrap(reterr, pos, "damage");
    if (!json_is_object(fresh))
        return err_set(reterr, ERR_INVALID, pos, "damage: the document must stay a map");
    become(document, fresh);
    return chain_fixture_save(f, reterr);
}

/* d has the shape of a damage: one form, every member of its type. */
static int damage_one(struct chain_fixture *f, const json_t *d, struct src_pos pos,
                      struct err *reterr)
{
    const char *disk = json_str(d, "disk");
    const json_t *to = json_object_get(d, "to");
    const json_t *swap = json_object_get(d, "swap");
    const char *c;

    if ((c = json_str(d, "delete")))
        return chain_damage_delete(f, c, disk, reterr);
    if ((c = json_str(d, "truncate"))) {
        int64_t bytes = bytes_of(json_object_get(d, "bytes"));

        if (bytes < 0)
            return err_set(reterr, ERR_INVALID, pos, "truncate: 'bytes' is missing or no quantity");
        return chain_damage_truncate(f, c, disk, (uint64_t)bytes, json_bool(d, "fixSize", false),
                                     reterr);
    }
    if ((c = json_str(d, "flip"))) {
        if (json_int(d, "offset", 0) < 0)
            return err_set(reterr, ERR_INVALID, pos, "flip: 'offset' must be at least 0");
        return chain_damage_flip(f, c, disk, (uint64_t)json_int(d, "offset", 0), reterr);
    }
    if (to && !json_is_string(to) && (json_str(d, "parent") || json_str(d, "backing")))
        return err_set(reterr, ERR_INVALID, pos, "damage: 'to' must be a text");
    if ((c = json_str(d, "parent")))
        return chain_damage_parent(f, c, json_string_value(to), reterr); /* none: dropped */
    if ((c = json_str(d, "duplicate")))
        return chain_damage_duplicate(f, c, reterr);
    if ((c = json_str(d, "backing")))
        return chain_damage_backing(f, c, disk, json_string_value(to), reterr);
    if ((c = json_str(d, "size")) && !json_is_integer(to))
        return err_set(reterr, ERR_INVALID, pos, "size: 'to' must be an integer");
    if (c)
        return chain_damage_size(f, c, disk, json_integer_value(to), reterr);
    if ((c = json_str(d, "entry")) || (c = json_str(d, "manifest"))) {
        json_t *document =
            json_str(d, "entry") ? chain_fixture_entry(f, c) : chain_fixture_manifest(f, c);

        return document ? damage_document(f, d, document, pos, reterr)
                        : no_document(c, pos, reterr);
    }
    if (json_array_size(swap) == 2)
        return chain_damage_swap(f, json_string_value(json_array_get(swap, 0)),
                                 json_string_value(json_array_get(swap, 1)), reterr);
    return err_set(reterr, ERR_INVALID, pos, "damage: 'swap' wants two checkpoints");
}

static int damage_all(struct chain_fixture *f, const json_t *list, struct src_pos pos,
                      struct err *reterr)
{
    size_t i;
    json_t *d;

    json_array_foreach((json_t *)list, i, d) if (damage_one(f, d, pos, reterr) < 0) return -1;
    return 0;
}

/* ---- into the object store ---- */

static int publish(struct objectstore *store, const char *bucket, const char *dir,
                   const char *prefix, struct err *reterr)
{
    AUTO(str) char *here = mem_printf("%s%s%s", dir, *prefix ? "/" : "", prefix);
    AUTO(json) json_t *names = folder_names(here, reterr);
    size_t i;
    json_t *name;

    if (!names)
        return -1;
    json_array_foreach(names, i, name)
    {
        AUTO(str)
        char *key = mem_printf("%s%s%s", prefix, *prefix ? "/" : "", json_string_value(name));
        AUTO(str) char *path = mem_printf("%s/%s", dir, key);
        struct stat st;

        if (lstat(path, &st) < 0)
            return err_set_errno(reterr, errno, NO_POS, "%s", key);
        if (S_ISREG(st.st_mode))
            objectstore_put_file(store, bucket, key, path);
        else if (S_ISDIR(st.st_mode) && publish(store, bucket, dir, key, reterr) < 0)
            return -1;
    }
    return 0;
}

static void describe(struct chain_stage *c, const char *bucket)
{
    c->description = chain_fixture_describe(c->fixture);
    json_object_set_new(c->description, "bucket", json_string(bucket));
}

static int make_dirs(struct casework *cw, const char *name, char **ret_dir, struct err *reterr)
{
    AUTO(str) char *chains = mem_printf("%s/chains", world_dir(cw->world));

    *ret_dir = mem_printf("%s/%s", chains, name);
    if ((mkdir(chains, 0700) < 0 && errno != EEXIST) || mkdir(*ret_dir, 0700) < 0)
        return err_set_errno(reterr, errno, NO_POS, "cannot make the folder of chain '%s'", name);
    return 0;
}

static int make_chain(struct casework *cw, struct chain_stage *c, const json_t *args,
                      const struct tmpl *t, struct src_pos pos, struct err *reterr)
{
    struct chain_plan plan = {.seed = cw->options->seed};
    struct plan_memory memory = {0};
    const char *bucket = json_str(args, "bucket") ? json_str(args, "bucket") : "backups";
    int r = -1;

    if (plan_scalars(&plan, args, pos, reterr) == 0 &&
        plan_disks(&plan, &memory, args, pos, reterr) == 0 &&
        plan_checkpoints(&plan, &memory, args, t, pos, reterr) == 0)
        c->fixture = chain_fixture_create(&plan, c->target, reterr);
    plan_finish(&memory, plan.checkpoint_count);
    if (c->fixture)
        r = damage_all(c->fixture, json_object_get(args, "damage"), pos, reterr);
    if (r == 0)
        r = publish(objectstore_of(cw->world), bucket, c->dir, "", reterr);
    if (r == 0)
        describe(c, bucket);
    return r;
}

static bool legal_name(const char *name)
{
    return *name && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(name);
}

/* The lists inside, which `${...}` may have given; the map itself is checked already. */
static int check_lists(const json_t *args, const struct tmpl *t, struct err *reterr)
{
    static const struct {
        const char *key;
        const struct shape *shape;
    } lists[] = {
        {"disks", &shape_disk}, {"checkpoints", &shape_checkpoint}, {"damage", &shape_damage}};
    const json_t *checkpoints = json_object_get(args, "checkpoints"), *c;
    const json_t *repeat = json_object_get(args, "repeat");

    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        const struct tmpl *list = tmpl_get(t, lists[i].key);

        if (shape_check_values(json_object_get(args, lists[i].key), list ? list : t, lists[i].shape,
                               reterr) < 0)
            return -1;
    }
    for (size_t i = 0; (c = json_array_get(checkpoints, i)); i++) {
        const struct tmpl *list = tmpl_get(t, "checkpoints");
        const struct tmpl *item = list ? tmpl_item(list, i) : NULL;

        for (size_t k = 0; k < ARRAY_LEN(extents); k++)
            if (shape_check_values(json_object_get(c, extents[k]), item ? item : t, &shape_extent,
                                   reterr) < 0)
                return -1;
    }
    return repeat ? shape_check_value(repeat, tmpl_get(t, "repeat"), &shape_repeat, reterr) : 0;
}

static int stage_chain(struct casework *cw, const json_t *args, const struct tmpl *t,
                       struct src_pos pos, struct err *reterr)
{
    const char *name = json_str(args, "name");
    struct chain_stage *c;

    if (check_lists(args, t, reterr) < 0)
        return -1;
    if (!legal_name(name) || strmap_get(cw->chains, name))
        return err_set(reterr, ERR_INVALID, pos, "chain: '%s' is no new, plain name", name);
    c = mem_zalloc(sizeof *c);
    strmap_put(cw->chains, name, c);
    if (make_dirs(cw, name, &c->dir, reterr) < 0)
        return -1;
    c->target = fixture_target_folder(c->dir);
    return make_chain(cw, c, args, t, pos, reterr);
}

/* ---- the item ---- */

static bool check_each(struct parser *p, const struct yaml_node *map, const char *key,
                       const struct shape_key *keys, const char *what)
{
    const struct yaml_node *list = yaml_get(p->doc, map, key), *n;
    bool ok = true;

    if (!list || shape_has_hole(list))
        return true; /* known when it runs; what it gives is checked there */
    for (n = yaml_first(p->doc, list); n; n = yaml_next(p->doc, n))
        ok = shape_check(p->doc, n, keys, what, p->diags) && ok;
    return ok;
}

static bool check_chain(struct parser *p, const struct yaml_node *map)
{
    const struct yaml_node *n;
    const struct yaml_node *repeat = yaml_get(p->doc, map, "repeat");
    const struct yaml_node *damage = yaml_get(p->doc, map, "damage");
    bool ok = check_each(p, map, "disks", shape_disk.keys, "disk");
    ok = check_each(p, map, "checkpoints", shape_checkpoint.keys, "checkpoint") && ok;
    for (n = yaml_first(p->doc, yaml_get(p->doc, map, "checkpoints")); n && ok;
         n = yaml_next(p->doc, n)) {
        ok = check_each(p, n, "write", shape_extent.keys, "write") && ok;
        ok = check_each(p, n, "discard", shape_extent.keys, "discard") && ok;
    }
    if (repeat && !shape_has_hole(repeat))
        ok = shape_check(p->doc, repeat, shape_repeat.keys, "repeat", p->diags) && ok;
    if (damage && shape_has_hole(damage))
        damage = NULL;
    for (n = damage ? yaml_first(p->doc, damage) : NULL; n; n = yaml_next(p->doc, n))
        ok = shape_check(p->doc, n, shape_damage.keys, "damage", p->diags) &&
             shape_one_of(p->doc, n, shape_damage.one_of, "damage", p->diags) >= 0 && ok;
    return ok;
}

/* The checkpoints that a damage names. A wrong parent may be one that there is not: `to` is free.
 */
static void damage_names(struct check *c, const struct chain_names *chain, const struct said *d)
{
    static const char *const forms[] = {"delete",  "truncate", "flip",  "parent",  "duplicate",
                                        "backing", "size",     "entry", "manifest"};
    const struct said swap = said_member(d, "swap"), disk = said_member(d, "disk");

    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        const struct said name = said_member(d, forms[i]);

        check_checkpoint(c, chain, &name);
    }
    for (size_t i = 0; swap.t && tmpl_at(swap.t, i, NULL, NULL); i++) {
        const struct said name = said_item(&swap, i);

        check_checkpoint(c, chain, &name);
    }
    check_chain_disk(c, chain, &disk);
}

/* The disks that a checkpoint writes to. */
static void extent_names(struct check *c, const struct chain_names *chain,
                         const struct said *checkpoint)
{
    for (size_t k = 0; k < ARRAY_LEN(extents); k++) {
        const struct said list = said_member(checkpoint, extents[k]);

        for (size_t i = 0; list.t && tmpl_at(list.t, i, NULL, NULL); i++) {
            const struct said extent = said_item(&list, i), disk = said_member(&extent, "disk");

            check_chain_disk(c, chain, &disk);
        }
    }
}

static void chain_names(struct check *c, const struct place *at, const struct given *g)
{
    static const char *const backings[] = {"recorded", "none"};
    const struct said args = said_at(at, g->args), name = said_member(&args, "name");
    const struct chain_names *chain =
        said_word(&name) ? vocabulary_chain(&c->words, said_word(&name)) : NULL;
    const struct said damage = said_member(&args, "damage");
    const struct said list = said_member(&args, "checkpoints");

    check_choice(c, at, tmpl_get(g->args, "backing"), backings, ARRAY_LEN(backings), "backing");
    for (size_t i = 0; chain && damage.t && tmpl_at(damage.t, i, NULL, NULL); i++) {
        const struct said d = said_item(&damage, i);

        damage_names(c, chain, &d);
    }
    for (size_t i = 0; chain && list.t && tmpl_at(list.t, i, NULL, NULL); i++) {
        const struct said checkpoint = said_item(&list, i);

        extent_names(c, chain, &checkpoint);
    }
}

static int stage(struct casework *cw, const struct staging *s, struct err *reterr)
{
    return stage_chain(cw, s->args, s->given->args, s->given->pos, reterr);
}

const struct given_item given_chain = {
    .name = "chain",
    .value = "`chain: {...}`",
    .says = "a backup chain in the object store (see [chain](#chain))",
    .type = SHAPE_MAP,
    .shape = &shape_chain,
    .check = check_chain,
    .stage = stage,
    .names = chain_names,
};
