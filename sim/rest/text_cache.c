/* Texts of frozen objects that many readers ask for: a watch event goes to all its watchers as the
 * same bytes, so it is written once. A set-associative table: an object's place is found by its
 * address, which nothing visible depends on. */
#include <stdint.h>
#include <string.h>

#include "sim/rest/rest_priv.h"

#define WAYS 4u
#define SETS 1024u
#define TEXT_MAX (256u << 10) /* longer ones are not kept */
#define TOTAL_MAX (32u << 20)

struct slot {
    json_t *object; /* held, so that its address stays its own */
    enum text_form form;
    char *text;
    size_t len;
};

struct text_cache {
    struct slot slots[SETS][WAYS];
    unsigned char next[SETS]; /* the way to give up next */
    size_t total;
    unsigned sweep; /* the set to empty next when all is full */
};

struct text_cache *text_cache_create(void)
{
    return mem_zalloc(sizeof(struct text_cache));
}

static void drop(struct text_cache *t, struct slot *s)
{
    if (!s->object)
        return;
    t->total -= s->len;
    json_decref(s->object);
    free(s->text);
    *s = (struct slot){0};
}

static void drop_set(struct text_cache *t, unsigned set)
{
    for (unsigned i = 0; i < WAYS; i++)
        drop(t, &t->slots[set][i]);
}

void text_cache_destroy(struct text_cache *t)
{
    if (!t)
        return;
    for (unsigned i = 0; i < SETS; i++)
        drop_set(t, i);
    free(t);
}

static unsigned set_of(const json_t *object, enum text_form form)
{
    uint64_t h = (uint64_t)(uintptr_t)object + form;
    h *= UINT64_C(0x9e3779b97f4a7c15);
    return (unsigned)(h >> 40) % SETS;
}

static void write_form(struct strbuf *out, const json_t *object, enum text_form form)
{
    if (form == FORM_SORTED || form == FORM_TYPED) {
        order_write(out, object, form == FORM_SORTED ? ORDER_SORTED : ORDER_TYPED, JSON_TIGHT);
        return;
    }
    AUTO(json) json_t *partial = partial_object(object, form == FORM_PARTIAL_BETA);
    order_write(out, partial, ORDER_TYPED, JSON_TIGHT);
}

const char *text_cache_get(struct text_cache *t, json_t *object, enum text_form form,
                           size_t *ret_len)
{
    unsigned set = set_of(object, form);
    for (unsigned i = 0; i < WAYS; i++) {
        struct slot *s = &t->slots[set][i];
        if (s->object == object && s->form == form) {
            *ret_len = s->len;
            return s->text;
        }
    }
    /* Made for this reader alone: nobody will ask again. */
    if (object->refcount == 1)
        return NULL;
    AUTO(strbuf) struct strbuf out = {0};
    write_form(&out, object, form);
    if (out.len > TEXT_MAX)
        return NULL;
    while (t->total + out.len > TOTAL_MAX)
        drop_set(t, t->sweep++ % SETS);
    struct slot *s = &t->slots[set][t->next[set]++ % WAYS];
    drop(t, s);
    *s = (struct slot){.object = json_incref(object), .form = form, .len = out.len};
    s->text = strbuf_take(&out);
    t->total += s->len;
    *ret_len = s->len;
    return s->text;
}
