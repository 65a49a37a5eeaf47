/* A written block: magic, seed, block, version, check (32 bytes), then 508 words of a counter-based
 * generator; all little-endian, so that the bytes are the same on every machine. */
#include "base/content.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#define HEADER_WORDS 4
#define BLOCK_WORDS (CONTENT_BLOCK / 8)
#define MAGIC UINT64_C(0x314b4c42464e4356) /* "VCNFBLK1" */

#define STEP UINT64_C(0x9e3779b97f4a7c15)
/* Of a word, or of each word of a vector. */
#define MIX(z)                                                                                     \
    do {                                                                                           \
        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);                                        \
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);                                        \
        z = z ^ (z >> 31);                                                                         \
    } while (0)

static uint64_t mix(uint64_t z)
{
    MIX(z);
    return z;
}

static uint64_t block_key(uint64_t seed, uint64_t block, uint32_t version)
{
    uint64_t key = mix(seed + STEP);

    key = mix(key ^ (block + UINT64_C(0xd1b54a32d192ed03)));
    return mix(key ^ (version + UINT64_C(0x8cb92ba72f3d8dd7)));
}

/* Word i of the block, as a number. */
static uint64_t word_at(uint64_t key, size_t i)
{
    return mix(key + (uint64_t)(i + 1) * STEP);
}

static void make_header(uint64_t seed, uint64_t block, uint32_t version,
                        uint64_t header[HEADER_WORDS])
{
    uint64_t check = block_key(seed, block, version) >> 32;

    header[0] = htole64(MAGIC);
    header[1] = htole64(seed);
    header[2] = htole64(block);
    header[3] = htole64((uint64_t)version | check << 32);
}

#ifdef __x86_64__
/* Four words at a time take less than half as long. */
typedef uint64_t words_4 __attribute__((vector_size(32)));

__attribute__((target("avx2"))) static void fill_words_avx2(uint64_t key, unsigned char *bytes)
{
    words_4 next = key + (HEADER_WORDS + (words_4){1, 2, 3, 4}) * STEP;

    for (size_t i = HEADER_WORDS; i < BLOCK_WORDS; i += 4) {
        words_4 words = next;

        MIX(words);
        memcpy(bytes + 8 * i, &words, sizeof words);
        next += 4 * STEP;
    }
}
#endif

/* All words behind the header. */
static void fill_words(uint64_t key, unsigned char *bytes)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2")) {
        fill_words_avx2(key, bytes);
        return;
    }
#endif
    for (size_t i = HEADER_WORDS; i < BLOCK_WORDS; i++) {
        uint64_t word = htole64(word_at(key, i));

        memcpy(bytes + 8 * i, &word, 8);
    }
}

void content_fill(uint64_t seed, uint64_t block, uint32_t version, void *out)
{
    unsigned char *bytes = out;
    uint64_t header[HEADER_WORDS];

    if (version == CONTENT_VERSION_NEVER) {
        memset(out, 0, CONTENT_BLOCK);
        return;
    }
    make_header(seed, block, version, header);
    memcpy(bytes, header, sizeof header);
    fill_words(block_key(seed, block, version), bytes);
}

bool content_is(uint64_t seed, uint64_t block, uint32_t version, const void *buf)
{
    const unsigned char *bytes = buf;
    uint64_t header[HEADER_WORDS], key;

    if (version == CONTENT_VERSION_NEVER)
        return content_is_zero(buf, CONTENT_BLOCK);
    make_header(seed, block, version, header);
    if (memcmp(bytes, header, sizeof header) != 0)
        return false;
    key = block_key(seed, block, version);
    for (size_t i = HEADER_WORDS; i < BLOCK_WORDS; i++) {
        uint64_t word;

        memcpy(&word, bytes + 8 * i, 8);
        if (le64toh(word) != word_at(key, i))
            return false;
    }
    return true;
}

bool content_identify(const void *buf, uint64_t *ret_seed, uint64_t *ret_block,
                      uint32_t *ret_version)
{
    uint64_t header[HEADER_WORDS], want[HEADER_WORDS], seed, block;
    uint32_t version;

    memcpy(header, buf, sizeof header);
    seed = le64toh(header[1]);
    block = le64toh(header[2]);
    version = (uint32_t)le64toh(header[3]);
    if (version == CONTENT_VERSION_NEVER)
        return false;
    make_header(seed, block, version, want);
    if (memcmp(header, want, sizeof header) != 0)
        return false;
    *ret_seed = seed;
    *ret_block = block;
    *ret_version = version;
    return true;
}

bool content_is_zero(const void *buf, size_t len)
{
    const unsigned char *bytes = buf;

    /* The first byte is zero and every byte equals the one before it: memcmp does this at full
     * speed. */
    return len == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0);
}
