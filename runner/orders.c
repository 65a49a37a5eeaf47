/* See orders.h. */
#include "runner/orders.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"

/* What was seen after some turns. */
struct node {
    uint32_t next[RACERS_MAX]; /* after the turn of each; 0: nobody has been there */
    uint8_t could;
    bool ends; /* an order does, here */
};

struct orders {
    struct node *nodes; /* the first: before any turn */
    size_t count, cap;
};

static uint32_t add_node(struct orders *o)
{
    if (o->count == ORDERS_NODES_MAX)
        return 0;
    o->nodes = mem_grow(o->nodes, &o->cap, o->count + 1, sizeof *o->nodes);
    o->nodes[o->count] = (struct node){.could = 0};
    return (uint32_t)o->count++;
}

struct orders *orders_create(void)
{
    struct orders *o = mem_zalloc(sizeof *o);

    add_node(o);
    return o;
}

void orders_destroy(struct orders *o)
{
    if (!o)
        return;
    free(o->nodes);
    free(o);
}

void orders_add(struct orders *o, const struct turn *turns, size_t count)
{
    uint32_t at = 0;

    for (size_t i = 0; i < count; i++) {
        uint32_t next = o->nodes[at].next[turns[i].who];

        if (!next)
            next = add_node(o);
        if (!next)
            return;
        o->nodes[at].could = turns[i].could;
        o->nodes[at].next[turns[i].who] = next;
        at = next;
    }
    o->nodes[at].ends = true;
}

bool orders_know(const struct orders *o, const struct turn_plan *plan)
{
    struct turns t;
    const struct node *n = &o->nodes[0];

    assert(plan->random && !plan->text && !plan->begin_count);
    turns_init(&t, plan);
    while (!n->ends && n->could) {
        uint32_t next = n->next[turns_draw(&t, n->could)];

        if (!next)
            break;
        n = &o->nodes[next];
    }
    turns_finish(&t);
    return n->ends;
}
