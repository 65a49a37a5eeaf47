/* What a process holds in the world, by number: a process that lies about a number gets nothing. */
#include "base/mem.h"
#include "runner/remote/front_priv.h"

int64_t slot_add(struct remote *r, enum slot_kind kind, void *thing)
{
    size_t i = 0;

    while (i < r->slot_count && r->slots[i].kind != SLOT_FREE)
        i++;
    if (i == r->slot_count) {
        r->slots = mem_grow(r->slots, &r->slot_cap, i + 1, sizeof *r->slots);
        r->slot_count++;
    }
    r->slots[i] = (struct slot){kind, thing};
    return (int64_t)i + 1;
}

void *slot_get(const struct remote *r, int64_t id, enum slot_kind kind)
{
    if (id < 1 || id > (int64_t)r->slot_count || r->slots[id - 1].kind != kind)
        return NULL;
    return r->slots[id - 1].thing;
}

void *slot_take(struct remote *r, int64_t id, enum slot_kind kind)
{
    void *thing = slot_get(r, id, kind);

    if (thing)
        r->slots[id - 1] = (struct slot){SLOT_FREE, NULL};
    return thing;
}

void slots_finish(struct remote *r)
{
    for (size_t i = 0; i < r->slot_count; i++) {
        struct slot s = r->slots[i];

        r->slots[i] = (struct slot){SLOT_FREE, NULL};
        if (s.kind == SLOT_EVENT)
            host_event_destroy(r->host, s.thing);
        if (s.kind == SLOT_FILE)
            host_file_close(r->host, s.thing, NULL);
        if (s.kind == SLOT_STREAM)
            host_stream_close(r->host, s.thing);
        if (s.kind == SLOT_WATCH)
            remote_watch_close(r->host, s.thing);
    }
}
