/* Checkpoints of one guest: names that libvirt knows while the guest runs, and bitmaps that the
 * overlays of its disks keep across restarts. A bitmap is the moment when it began: what it has
 * marked is what changed since. */
#include <assert.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "sim/kubevirt/backup_priv.h"

struct checkpoint *checkpoint_create(const char *name)
{
    struct checkpoint *c = mem_zalloc(sizeof *c);
    c->name = mem_strdup(name);
    c->defined = true;
    return c;
}

void checkpoint_add(struct checkpoint *c, const char *volume, uint64_t seed,
                    const struct disk_moment *moment)
{
    size_t cap = c->disk_count;
    assert(!checkpoint_disk(c, volume));
    assert(moment);
    c->disks = mem_grow(c->disks, &cap, c->disk_count + 1, sizeof *c->disks);
    c->disks[c->disk_count++] =
        (struct checkpoint_disk){.volume = mem_strdup(volume),
                                 .seed = seed,
                                 .moment = disk_moment_ref((struct disk_moment *)moment)};
}

static void finish_disk(struct checkpoint_disk *d)
{
    free(d->volume);
    disk_moment_unref(d->moment);
}

void checkpoint_close(struct checkpoint *c, bool crashed)
{
    c->defined = false;
    for (size_t i = 0; i < c->disk_count && crashed; i++)
        c->disks[i].corrupt = true;
}

void checkpoint_remove(struct checkpoint *c, size_t disk)
{
    assert(disk < c->disk_count);
    finish_disk(&c->disks[disk]);
    for (size_t i = disk + 1; i < c->disk_count; i++)
        c->disks[i - 1] = c->disks[i];
    c->disk_count--;
}

void checkpoint_destroy(void *checkpoint)
{
    struct checkpoint *c = checkpoint;
    for (size_t i = 0; i < c->disk_count; i++)
        finish_disk(&c->disks[i]);
    free(c->disks);
    free(c->name);
    free(c);
}

struct checkpoint_disk *checkpoint_disk(const struct checkpoint *c, const char *volume)
{
    for (size_t i = 0; i < c->disk_count; i++) {
        if (!strcmp(c->disks[i].volume, volume))
            return &c->disks[i];
    }
    return NULL;
}

bool checkpoint_usable(const struct checkpoint_disk *d, const struct disk_model *disk)
{
    return d->moment && !d->corrupt && disk && d->seed == disk_seed(disk);
}

void checkpoint_look(struct kv *kv, const struct guest *g, struct checkpoint *c, const char *during)
{
    for (size_t i = 0; i < c->disk_count; i++) {
        struct checkpoint_disk *d = &c->disks[i];
        const struct fault_attr attrs[] = {
            {"ns", g->ns},           {"vm", g->name},    {"disk", d->volume},
            {"checkpoint", c->name}, {"during", during}, {"cluster", cluster_name(kv->cluster)},
        };
        const json_t *action =
            fault_hit(world_faults(kv->world), "bitmap", attrs, ARRAY_LEN(attrs));
        d->corrupt |= json_bool(action, "corrupt", false);
        if (json_bool(action, "lost", false)) {
            disk_moment_unref(d->moment);
            d->moment = NULL;
        }
    }
}
