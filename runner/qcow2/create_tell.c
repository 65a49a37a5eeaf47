/* What was made, for people and in JSON. */
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "base/json.h"
#include "base/mem.h"
#include "fixtures/defect.h"
#include "runner/qcow2/command.h"
#include "runner/qcow2/create_priv.h"

char *create_raw_path(const struct create *c, const char *disk, const char *checkpoint)
{
    return mem_printf("%s/raw/%s-%s.raw", c->dir, disk, checkpoint);
}

static char *manifest_path(const struct create *c, const struct made *m)
{
    const struct chain_plan *plan = story_plan(m->story);
    const char *backup = plan->checkpoints[plan->checkpoint_count - 1].backup;
    AUTO(str) char *place = mem_printf("manifests/%s/%s-%s.json", backup, plan->ns, plan->vm);
    AUTO(str) char *key = chain_fixture_key(m->fixture, place);

    return mem_printf("%s/%s", c->dir, key);
}

static char *layer_path(const struct create *c, const struct made *m, size_t i, const char *disk)
{
    const char *name = story_plan(m->story)->checkpoints[i].name;
    AUTO(str) char *key = chain_fixture_file_key(m->fixture, name, disk);

    return mem_printf("%s/%s", c->dir, key);
}

static uint64_t file_bytes(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static json_t *json_disk(const struct create *c, const struct made *m, const char *disk)
{
    const struct chain_plan *plan = story_plan(m->story);
    json_t *v = json_object(), *layers = json_array(), *raws = json_array();

    for (size_t i = 0; i < plan->checkpoint_count; i++) {
        const char *name = plan->checkpoints[i].name;
        const struct disk_moment *moment = chain_fixture_moment(m->fixture, disk, name);
        AUTO(str) char *path = layer_path(c, m, i, disk);
        AUTO(str) char *raw = create_raw_path(c, disk, name);
        json_t *layer = json_object();

        json_put_str(layer, "checkpoint", name);
        json_put_str(layer, "file", path);
        json_put_take(layer, "size", json_u64(file_bytes(path)));
        json_put_take(layer, "virtualSize", json_u64(disk_moment_blocks(moment) * DISK_BLOCK));
        json_array_append_new(layers, layer);
        if (c->raw)
            json_array_append_new(raws, json_string(raw));
    }
    json_put_str(v, "name", disk);
    json_put_take(v, "layers", layers);
    json_put_take(v, "raw", raws);
    return v;
}

static struct defect_promise promise_at(const struct create *c, const struct chain_plan *plan,
                                        size_t i)
{
    return defect_promise(c->defects.items[i], plan, !c->stale_digests);
}

static json_t *json_defects(const struct create *c, const struct chain_plan *plan)
{
    json_t *list = json_array();

    for (size_t i = 0; i < c->defects.count; i++) {
        struct defect_promise p = promise_at(c, plan, i);
        json_t *v = json_object();

        json_put_str(v, "defect", c->defects.items[i]);
        json_put_str(v, "noticed", p.noticed);
        json_put_take(v, "code", p.code ? json_string(qcow2_defect_code(p.code)) : json_null());
        if (!p.code)
            json_put_str(v, "why", p.why);
        json_array_append_new(list, v);
    }
    return list;
}

json_t *create_json(const struct create *c, const struct made *m)
{
    const struct chain_plan *plan = story_plan(m->story);
    AUTO(str) char *manifest = manifest_path(c, m);
    AUTO(str) char *rule = mem_printf("%s/rule.json", c->dir);
    json_t *v = json_object(), *disks = json_array();

    for (size_t k = 0; k < plan->disk_count; k++)
        json_array_append_new(disks, json_disk(c, m, plan->disks[k].name));
    json_object_set_new(v, "folder", json_name(c->dir, strlen(c->dir)));
    json_put_str(v, "namespace", plan->ns);
    json_put_str(v, "vm", plan->vm);
    json_put_take(v, "seed", json_u64(plan->seed));
    json_put_take(v, "digests", json_boolean(!c->no_digests));
    json_object_set_new(v, "manifest", json_name(manifest, strlen(manifest)));
    json_object_set_new(v, "rule", json_name(rule, strlen(rule)));
    json_put_take(v, "disks", disks);
    json_put_take(v, "defects", json_defects(c, &m->plan));
    return v;
}

static void tell_disk(const struct create *c, const struct made *m, const char *disk)
{
    const struct chain_plan *plan = story_plan(m->story);
    const char *top = plan->checkpoints[plan->checkpoint_count - 1].name;
    const struct disk_moment *moment = chain_fixture_moment(m->fixture, disk, top);
    uint64_t total = 0;

    for (size_t i = 0; i < plan->checkpoint_count; i++) {
        AUTO(str) char *path = layer_path(c, m, i, disk);

        total += file_bytes(path);
    }
    AUTO(str) char *size = size_text(disk_moment_blocks(moment) * DISK_BLOCK);
    AUTO(str) char *bytes = size_text(total);
    AUTO(str) char *layers = count_text(plan->checkpoint_count, "layer");
    printf("  %-8s %s, %s of %s\n", disk, size, layers, bytes);
}

static void tell_defects(const struct create *c, const struct chain_plan *plan)
{
    for (size_t i = 0; i < c->defects.count; i++) {
        struct defect_promise p = promise_at(c, plan, i);

        if (p.code)
            printf("  defect %s, which is %s (noticed by: %s)\n", c->defects.items[i],
                   qcow2_defect_code(p.code), p.noticed);
        else
            printf("  defect %s: %s\n", c->defects.items[i], p.why);
    }
    if (c->defects.count > 1)
        puts("  of several defects the first that is noticed is told, and may hide the others");
}

void create_tell(const struct create *c, const struct made *m)
{
    const struct chain_plan *plan = story_plan(m->story);
    const char *disk = plan->disks[0].name;
    const char *top = plan->checkpoints[plan->checkpoint_count - 1].name;
    const char *which = plan->disk_count > 1 ? " --disk " : "";
    const char *name = plan->disk_count > 1 ? disk : "";
    AUTO(str) char *manifest = manifest_path(c, m);

    printf("%s/%s, seed %" PRIu64 ", in %s:\n", plan->ns, plan->vm, plan->seed, c->dir);
    for (size_t k = 0; k < plan->disk_count; k++)
        tell_disk(c, m, plan->disks[k].name);
    tell_defects(c, &m->plan);
    printf("\nlayers of %s, oldest first:\n", disk);
    for (size_t i = 0; i < plan->checkpoint_count; i++) {
        AUTO(str) char *path = layer_path(c, m, i, disk);

        printf("  %s\n", path);
    }
    printf("\nto go on:\n"
           "  vmconform qcow2 check --manifest %s%s%s\n"
           "  vmconform qcow2 flatten -o %s.raw --manifest %s%s%s\n"
           "  vmconform qcow2 compare --manifest %s%s%s --rule %s/rule.json --at %s\n",
           manifest, which, name, disk, manifest, which, name, manifest, which, name, c->dir, top);
}
