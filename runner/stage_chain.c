/* A backup chain of the given: from the scenario's words to a plan for fixtures/chain.h, its files
 * in the world's object store. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/folder.h"
#include "base/json.h"
#include "base/mem.h"
#include "fixtures/chain.h"
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
    uint64_t *blocks; /* of each disk, as far as it has grown by then */
};

static void plan_finish(struct plan_memory *m, size_t checkpoints)
{
    for (size_t i = 0; m->checkpoints && i < checkpoints; i++) {
        free((void *)m->checkpoints[i].changes);
        free((void *)m->checkpoints[i].absent);
        free((void *)m->checkpoints[i].full_disks);
    }
    free(m->blocks);
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
static const char *const extents[] = {"write", "discard"}, *const growth[] = {"grow"};

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
    return unknown_name(NAMED_CHAIN_DISK, name, names, plan->disk_count, pos, reterr);
}

/* t: what `list` was made of. */
static int add_changes(const struct chain_plan *plan, const uint64_t *sizes, const json_t *list,
                       bool zero, struct chain_change *out, size_t *count, const struct tmpl *t,
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
        if (first < 0 || blocks < 0 || (uint64_t)first + (uint64_t)blocks > sizes[disk])
            return err_set(reterr, ERR_INVALID, disk_pos(t, i),
                           "chain: blocks %lld+%lld lie beyond disk '%s' of %llu blocks",
                           (long long)first, (long long)blocks, plan->disks[disk].name,
                           (unsigned long long)sizes[disk]);
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

/* A disk is larger from here on. */
static int add_growth(const struct chain_plan *plan, uint64_t *sizes, const json_t *list,
                      struct chain_change *out, size_t *count, const struct tmpl *t,
                      struct err *reterr)
{
    size_t i;
    json_t *x;

    json_array_foreach((json_t *)list, i, x)
    {
        int disk = disk_index(plan, json_str(x, "disk"));
        int64_t bytes = bytes_of(json_object_get(x, "to"));

        if (disk < 0)
            return no_disk(plan, json_str_or_empty(x, "disk"), disk_pos(t, i), reterr);
        if (bytes <= 0 || bytes % DISK_BLOCK || (uint64_t)bytes / DISK_BLOCK < sizes[disk] ||
            (uint64_t)bytes / DISK_BLOCK > BLOCKS_MAX)
            return err_set(reterr, ERR_INVALID, disk_pos(t, i),
                           "chain: disk '%s' can only grow, to a multiple of 4Ki, at most 1Ti",
                           plan->disks[disk].name);
        sizes[disk] = (uint64_t)bytes / DISK_BLOCK;
        out[(*count)++] = (struct chain_change){.disk = (size_t)disk, .grow_to = sizes[disk]};
    }
    return 0;
}

/* A flag for each disk, true for those in the list (named: false for those). NULL without a list.
 */
static int add_flags(const struct chain_plan *plan, const json_t *list, bool named,
                     const bool **ret, const struct tmpl *t, struct err *reterr)
{
    bool *flags = list ? mem_zalloc(plan->disk_count * sizeof *flags) : NULL;
    size_t i;
    json_t *x;

    *ret = flags;
    for (i = 0; flags && i < plan->disk_count; i++)
        flags[i] = !named;
    json_array_foreach((json_t *)list, i, x)
    {
        int disk = disk_index(plan, json_string_value(x));

        if (disk < 0)
            return no_disk(plan, json_string_value(x), tmpl_pos(t), reterr);
        flags[disk] = named;
    }
    return 0;
}

static int plan_checkpoint(struct chain_plan *plan, struct plan_memory *m, size_t i,
                           const json_t *c, const struct tmpl *t, struct err *reterr)
{
    const json_t *write = json_object_get(c, "write"), *discard = json_object_get(c, "discard"),
                 *grow = json_object_get(c, "grow");
    struct chain_change *changes =
        mem_zalloc((json_array_size(write) + json_array_size(discard) + json_array_size(grow) + 1) *
                   sizeof *changes);
    struct chain_checkpoint *to = &m->checkpoints[i];

    *to =
        (struct chain_checkpoint){.name = json_str(c, "name"), .full = i == 0, .changes = changes};
    if (add_growth(plan, m->blocks, grow, changes, &to->change_count, extents_of(t, i, "grow"),
                   reterr) < 0 ||
        add_changes(plan, m->blocks, write, false, changes, &to->change_count,
                    extents_of(t, i, "write"), reterr) < 0 ||
        add_changes(plan, m->blocks, discard, true, changes, &to->change_count,
                    extents_of(t, i, "discard"), reterr) < 0)
        return -1;
    return add_flags(plan, json_object_get(c, "disks"), false, &to->absent,
                     extents_of(t, i, "disks"), reterr) < 0
               ? -1
               : add_flags(plan, json_object_get(c, "full"), true, &to->full_disks,
                           extents_of(t, i, "full"), reterr);
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
    m->blocks = mem_zalloc(plan->disk_count * sizeof *m->blocks);
    for (i = 0; i < plan->disk_count; i++)
        m->blocks[i] = plan->disks[i].blocks;
    json_array_foreach((json_t *)list, i,
                       c) if (plan_checkpoint(plan, m, i, c, t, reterr) < 0) return -1;
    plan->checkpoints = m->checkpoints;
    return 0;
}

static const char *const compressions[] = {[QCOW2_COMPRESSION_NONE] = "none",
                                           [QCOW2_COMPRESSION_DEFLATE] = "deflate",
                                           [QCOW2_COMPRESSION_ZSTD] = "zstd"};

/* Its place in the list; 0 for NULL, -1 when it is not in it. */
static int choice_of(const char *text, const char *const *list, size_t count)
{
    for (size_t i = 0; text && i < count; i++)
        if (strcmp(text, list[i]) == 0)
            return (int)i;
    return text ? -1 : 0;
}

static int plan_scalars(struct chain_plan *plan, const json_t *args, struct src_pos pos,
                        struct err *reterr)
{
    const json_t *repeat = json_object_get(args, "repeat");
    const json_t *size = json_object_get(args, "clusterSize");
    int64_t cluster = size ? bytes_of(size) : 256 * 1024;
    int64_t count = json_int(repeat, "count", 0), blocks = json_int(repeat, "blocks", 16);
    const char *backing = json_str(args, "backing");
    int compression =
        choice_of(json_str(args, "compression"), compressions, ARRAY_LEN(compressions));

    plan->ns = json_str(args, "namespace");
    plan->vm = json_str(args, "vm");
    plan->prefix = json_str(args, "prefix");
    plan->backups = json_str(args, "backups");
    plan->digests = json_bool(args, "digests", false);
    plan->disk_types = json_bool(args, "diskTypes", false);
    plan->extended_l2 = json_bool(args, "extendedL2", false);
    if (cluster < 4096 || cluster > (2 << 20) || (cluster & (cluster - 1)))
        return err_set(reterr, ERR_INVALID, pos,
                       "chain: 'clusterSize' must be a power of two from 4Ki to 2Mi");
    plan->cluster_bits = (uint32_t)__builtin_ctzll((unsigned long long)cluster);
    if (count < 0 || count > REPEAT_MAX || blocks < 0)
        return err_set(reterr, ERR_INVALID, pos, "chain: 'repeat.count' must be 0 to %d",
                       REPEAT_MAX);
    if (compression < 0)
        return err_set(reterr, ERR_INVALID, pos,
                       "chain: 'compression' must be 'none', 'deflate' or 'zstd', found '%s'",
                       json_str(args, "compression"));
    plan->compression = (enum qcow2_compression)compression;
    plan->repeat = (size_t)count;
    plan->repeat_blocks = (uint64_t)blocks;
    if (backing && strcmp(backing, "none") == 0)
        plan->backing = CHAIN_BACKING_STANDALONE;
    else if (backing && strcmp(backing, "recorded") != 0)
        return err_set(reterr, ERR_INVALID, pos,
                       "chain: 'backing' must be 'recorded' or 'none', found '%s'", backing);
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
        r = stage_damage(c->fixture, json_object_get(args, "damage"), pos, reterr);
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
        if (shape_check_values(json_object_get(c, "grow"), item ? item : t, &shape_growth, reterr) <
            0)
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
                       const struct shape *shape, const char *what)
{
    const struct yaml_node *list = yaml_get(p->doc, map, key), *n;
    bool ok = true;

    if (!list || shape_has_hole(list))
        return true; /* known when it runs; what it gives is checked there */
    for (n = yaml_first(p->doc, list); n; n = yaml_next(p->doc, n))
        ok = shape_check(p->doc, n, shape, what, p->diags) && ok;
    return ok;
}

static bool check_chain(struct parser *p, const struct yaml_node *map)
{
    const struct yaml_node *n;
    const struct yaml_node *repeat = yaml_get(p->doc, map, "repeat");
    const struct yaml_node *damage = yaml_get(p->doc, map, "damage");
    bool ok = check_each(p, map, "disks", &shape_disk, "disk");
    ok = check_each(p, map, "checkpoints", &shape_checkpoint, "checkpoint") && ok;
    for (n = yaml_first(p->doc, yaml_get(p->doc, map, "checkpoints")); n && ok;
         n = yaml_next(p->doc, n)) {
        ok = check_each(p, n, "write", &shape_extent, "write") && ok;
        ok = check_each(p, n, "discard", &shape_extent, "discard") && ok;
        ok = check_each(p, n, "grow", &shape_growth, "grow") && ok;
    }
    if (repeat && !shape_has_hole(repeat))
        ok = shape_check(p->doc, repeat, &shape_repeat, "repeat", p->diags) && ok;
    if (damage && shape_has_hole(damage))
        damage = NULL;
    for (n = damage ? yaml_first(p->doc, damage) : NULL; n; n = yaml_next(p->doc, n))
        ok = shape_check(p->doc, n, &shape_damage, "damage", p->diags) &&
             shape_one_of(p->doc, n, shape_damage.one_of, "damage", p->diags) >= 0 && ok;
    return ok;
}

/* The disks that a checkpoint writes to. */
static void extent_names(struct check *c, const struct chain_names *chain,
                         const struct said *checkpoint)
{
    for (size_t k = 0; k < ARRAY_LEN(extents) + ARRAY_LEN(growth); k++) {
        const struct said list =
            said_member(checkpoint, k < ARRAY_LEN(extents) ? extents[k] : growth[0]);

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
    check_choice(c, at, tmpl_get(g->args, "compression"), compressions, ARRAY_LEN(compressions),
                 "compression");
    for (size_t i = 0; chain && damage.t && tmpl_at(damage.t, i, NULL, NULL); i++) {
        const struct said d = said_item(&damage, i);

        stage_damage_names(c, chain, &d);
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
