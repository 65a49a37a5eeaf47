/* See turns.h. */
#include "runner/turns.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void turns_init(struct turns *t, const struct turn_plan *plan)
{
    *t = (struct turns){.plan = *plan, .orders = 1};
    prng_init(&t->prng, plan->seed, "race");
}

void turns_finish(struct turns *t)
{
    free(t->items);
    strbuf_finish(&t->text);
}

const char *turns_text(const struct turns *t)
{
    return strbuf_str(&t->text);
}

/* ---- choosing ---- */

static int first_of(unsigned could)
{
    int i = 0;

    while (!(could >> i & 1))
        i++;
    return i;
}

int turns_draw(struct turns *t, unsigned could)
{
    uint64_t left = prng_below(&t->prng, (uint64_t)__builtin_popcount(could));
    int i = first_of(could);

    for (; left > 0; left--)
        i += 1 + first_of(could >> (i + 1));
    return i;
}

/* The longest name that stands next in the text. */
static int read_text(struct turns *t, unsigned could, const char *const *names)
{
    const char *p = t->plan.text + t->read;
    size_t best = 0;
    int who = -1;

    p += *p == '.';
    if (!*p)
        return first_of(could); /* what the text leaves open */
    for (unsigned i = 0; i < RACERS_MAX; i++) {
        size_t len = could >> i & 1 ? strlen(names[i]) : 0;

        if (len > best && strncmp(p, names[i], len) == 0) {
            best = len;
            who = (int)i;
        }
    }
    t->read = (size_t)(p - t->plan.text) + best;
    return who;
}

static int choose(struct turns *t, unsigned could, const char *const *names)
{
    if (t->plan.text)
        return read_text(t, could, names);
    if (t->count < t->plan.begin_count && could >> t->plan.begin[t->count].who & 1)
        return t->plan.begin[t->count].who;
    return t->plan.random ? turns_draw(t, could) : first_of(could);
}

int turns_choose(struct turns *t, unsigned could, const char *const *names)
{
    int who;

    assert(could);
    who = choose(t, could, names);
    if (who < 0 || t->count == TURNS_MAX)
        return -1;
    t->items = mem_grow(t->items, &t->cap, t->count + 1, sizeof *t->items);
    t->items[t->count++] = (struct turn){(uint8_t)who, (uint8_t)could};
    if (t->text.len && (names[who][1] || strchr(strbuf_str(&t->text), '.') ||
                        t->text.data[t->text.len - 1] == '.'))
        strbuf_addch(&t->text, '.');
    strbuf_addstr(&t->text, names[who]);
    return who;
}

/* ---- counting ---- */

/* n! / (k1! k2! ...), as a product of binomials: each step divides without a rest. */
void turns_count_race(struct turns *t, const size_t *each, size_t racers)
{
    uint64_t n = 0;

    for (size_t i = 0; i < racers; i++) {
        for (uint64_t k = 1; k <= each[i]; k++) {
            uint64_t more;

            n++;
            if (__builtin_mul_overflow(t->orders, n, &more)) {
                t->orders = UINT64_MAX;
                return;
            }
            t->orders = more / k;
        }
    }
}

size_t turns_next(struct turn *turns, size_t count)
{
    while (count > 0) {
        struct turn *last = &turns[count - 1];
        unsigned later = (unsigned)last->could >> (last->who + 1);

        if (later) {
            last->who = (uint8_t)(last->who + 1 + first_of(later));
            return count;
        }
        count--;
    }
    return 0;
}
