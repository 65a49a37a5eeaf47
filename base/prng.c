/* xoshiro256** with a splitmix64 seeding. The values are part of every trace: changing one changes
 * all of them. */
#include "base/prng.h"

#include <assert.h>
#include <string.h>
#include <uuid/uuid.h>

static uint64_t splitmix(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t prng_hash(uint64_t seed, const char *label)
{
    uint64_t state = seed;
    uint64_t h = UINT64_C(0xcbf29ce484222325) ^ splitmix(&state);

    for (const unsigned char *s = (const unsigned char *)label; *s; s++)
        h = (h ^ *s) * UINT64_C(0x100000001b3);
    return splitmix(&h);
}

void prng_init(struct prng *p, uint64_t seed, const char *label)
{
    uint64_t state = prng_hash(seed, label);

    for (size_t i = 0; i < 4; i++)
        p->s[i] = splitmix(&state);
}

static uint64_t rotl(uint64_t x, unsigned by)
{
    return (x << by) | (x >> (64 - by));
}

uint64_t prng_next(struct prng *p)
{
    uint64_t *s = p->s;
    assert(s[0] | s[1] | s[2] | s[3]); /* of nothing but zeros comes nothing else */
    uint64_t result = rotl(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return result;
}

uint64_t prng_below(struct prng *p, uint64_t bound)
{
    uint64_t threshold, x;

    assert(bound > 0);
    /* 2^64 mod bound: values below it would make the small remainders more likely. */
    threshold = (0 - bound) % bound;
    do {
        x = prng_next(p);
    } while (x < threshold);
    return x % bound;
}

void prng_fill(struct prng *p, void *bytes, size_t len)
{
    unsigned char *out = bytes;

    for (size_t i = 0; i < len;) {
        uint64_t x = prng_next(p);

        for (unsigned k = 0; k < 8 && i < len; k++, i++)
            out[i] = (unsigned char)(x >> (8 * k));
    }
}

void prng_name(struct prng *p, char *out, size_t len)
{
    static const char alphabet[] = "bcdfghjklmnpqrstvwxz2456789";

    for (size_t i = 0; i < len; i++) {
        uint64_t pick = prng_below(p, sizeof alphabet - 1);

        out[i] = alphabet[pick];
    }
    out[len] = '\0';
}

void prng_uuid(struct prng *p, char out[37])
{
    uuid_t id;

    prng_fill(p, id, sizeof id);
    id[6] = (unsigned char)((id[6] & 0x0f) | 0x40);
    id[8] = (unsigned char)((id[8] & 0x3f) | 0x80);
    uuid_unparse_lower(id, out);
}
