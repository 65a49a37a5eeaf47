#include "runner/qcow2/extents.h"

#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "runner/qcow2/command.h"

#define KINDS (QCOW2_EXTENT_HOLE + 1u)

static const char *kind_name(enum qcow2_extent_kind kind)
{
    switch (kind) {
    case QCOW2_EXTENT_DATA:
        return "data";
    case QCOW2_EXTENT_ZERO:
        return "zero";
    case QCOW2_EXTENT_COMPRESSED:
        return "compressed";
    case QCOW2_EXTENT_HOLE:
        return "hole";
    }
    return "";
}

/* Where a compressed extent's bytes begin: its descriptor is no offset. */
static bool has_place(const struct qcow2_extent *e)
{
    return e->kind == QCOW2_EXTENT_DATA;
}

/* ---- lines ---- */

#define PIECE_BYTES 65536u
#define LINE_BYTES 512u /* a line without what its layer and its kind add */

struct lines {
    const struct layers *layers;
    /* What lines add for a layer, before the host offset and behind it; the last one is for no
     * layer. And for a kind. */
    struct strbuf *before, *behind;
    struct strbuf kinds[KINDS];
    uint64_t totals[KINDS];
    char *piece;
    size_t len;
};

static void put(struct lines *o, const char *bytes, size_t len)
{
    memcpy(o->piece + o->len, bytes, len);
    o->len += len;
}

static void put_made(struct lines *o, const struct strbuf *made)
{
    put(o, made->data, made->len);
}

#define DIGITS_MAX 20u

/* The digits end where `end` points. Returns where they begin. */
static char *write_digits(char *end, uint64_t v)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                                "25262728293031323334353637383940414243444546474849"
                                "50515253545556575859606162636465666768697071727374"
                                "75767778798081828384858687888990919293949596979899";

    while (v >= 10) {
        end -= 2;
        memcpy(end, pairs + v % 100 * 2, 2);
        v /= 100;
        if (v == 0) /* the pair may begin with 0 */
            return *end == '0' ? end + 1 : end;
    }
    *--end = (char)('0' + v);
    return end;
}

static void put_number(struct lines *o, uint64_t v)
{
    char digits[DIGITS_MAX], *end = digits + sizeof digits, *begin = write_digits(end, v);

    put(o, begin, (size_t)(end - begin));
}

/* %16 PRIu64 */
static void put_column(struct lines *o, uint64_t v)
{
    enum { WIDTH = 16 };
    char digits[WIDTH + DIGITS_MAX], *end = digits + sizeof digits, *begin;

    memset(digits, ' ', sizeof digits);
    begin = write_digits(end, v);
    begin = end - begin < WIDTH ? end - WIDTH : begin;
    put(o, begin, (size_t)(end - begin));
}

static void flush(struct lines *o)
{
    fwrite(o->piece, 1, o->len, stdout);
    o->len = 0;
}

static size_t line_of(const struct layers *l, uint32_t layer)
{
    return layer < l->count ? layer : l->count;
}

/* Calls fn for every extent, those between that no layer has included. */
typedef void line_fn(struct lines *o, const struct qcow2_extent *e);
static void each_extent(struct lines *o, line_fn *fn)
{
    const struct qcow2_chain *chain = o->layers->chain;
    size_t count;
    const struct qcow2_extent *e = qcow2_chain_extents(chain, &count);
    uint64_t at = 0, size = qcow2_chain_size(chain);

    for (size_t i = 0; i <= count; i++) {
        uint64_t next = i < count ? e[i].start : size;

        if (next > at) {
            struct qcow2_extent hole = {at, next - at, 0, QCOW2_NO_LAYER, QCOW2_EXTENT_HOLE};
            fn(o, &hole);
        }
        if (i == count)
            break;
        fn(o, &e[i]);
        at = e[i].start + e[i].len;
        if (o->len >= PIECE_BYTES)
            flush(o);
    }
    flush(o);
}

static void lines_init(struct lines *o, const struct layers *l)
{
    *o = (struct lines){.layers = l};
    o->before = mem_zalloc((l->count + 1) * sizeof *o->before);
    o->behind = mem_zalloc((l->count + 1) * sizeof *o->behind);
}

/* When all is made that lines consist of: how long one can be is known now. Two of them may come
 * before a flush. */
static void lines_begin(struct lines *o)
{
    size_t longest = 0;

    for (size_t i = 0; i <= o->layers->count; i++) {
        size_t len = o->before[i].len + o->behind[i].len;

        longest = len > longest ? len : longest;
    }
    o->piece = mem_alloc(PIECE_BYTES + 2 * (LINE_BYTES + longest));
}

static void lines_finish(struct lines *o)
{
    for (size_t i = 0; i <= o->layers->count; i++) {
        strbuf_finish(&o->before[i]);
        strbuf_finish(&o->behind[i]);
    }
    for (size_t i = 0; i < KINDS; i++)
        strbuf_finish(&o->kinds[i]);
    free(o->before);
    free(o->behind);
    free(o->piece);
}

/* ---- text ---- */

static void make_text(struct lines *o)
{
    const struct layers *l = o->layers;

    for (size_t i = 0; i <= l->count; i++) {
        AUTO(str) char *name = quoted_name(layers_name(l, (uint32_t)i));

        if (i < l->count)
            strbuf_addf(&o->before[i], " %5zu  ", i);
        else
            strbuf_addf(&o->before[i], " %5s  ", "-");
        strbuf_addf(&o->behind[i], "%s%s\n", *name ? "  " : "", name);
    }
    for (unsigned kind = 0; kind < KINDS; kind++)
        strbuf_addf(&o->kinds[kind], "%-10s ", kind_name(kind));
}

static void text_line(struct lines *o, const struct qcow2_extent *e)
{
    static const char nowhere[] = "               -";
    size_t layer = line_of(o->layers, e->layer);

    o->totals[e->kind] += e->len;
    put_column(o, e->start);
    put(o, " ", 1);
    put_column(o, e->len);
    put_made(o, &o->before[layer]);
    put_made(o, &o->kinds[e->kind]);
    if (has_place(e))
        put_column(o, e->host);
    else
        put(o, nowhere, sizeof nowhere - 1);
    put_made(o, &o->behind[layer]);
}

static void show_totals(const struct layers *l, const uint64_t totals[KINDS])
{
    AUTO(str) char *size = size_text(qcow2_chain_size(l->chain));
    AUTO(str) char *layers = count_text(l->count, "layer");
    AUTO(str) char *data = size_text(totals[QCOW2_EXTENT_DATA]);
    AUTO(str) char *compressed = size_text(totals[QCOW2_EXTENT_COMPRESSED]);
    AUTO(str) char *zero = size_text(totals[QCOW2_EXTENT_ZERO]);
    AUTO(str) char *hole = size_text(totals[QCOW2_EXTENT_HOLE]);

    printf("%s, %s: data %s, compressed %s, zero %s, hole %s\n", size, layers, data, compressed,
           zero, hole);
}

void extents_show_text(const struct layers *l)
{
    struct lines o;

    printf("%16s %16s %5s  %-10s %16s  %s\n", "start", "length", "layer", "kind", "host offset",
           "file");
    lines_init(&o, l);
    make_text(&o);
    lines_begin(&o);
    each_extent(&o, text_line);
    show_totals(l, o.totals);
    lines_finish(&o);
}

/* ---- JSON ---- */

static const char *truth(bool b)
{
    return b ? "true" : "false";
}

static void make_json(struct lines *o)
{
    const struct layers *l = o->layers;

    for (size_t i = 0; i <= l->count; i++) {
        const char *name = layers_name(l, (uint32_t)i);
        AUTO(json) json_t *shown = json_name(name, strlen(name));

        strbuf_addf(&o->before[i], ",\"depth\":%zu", l->count - 1 - (i < l->count ? i : 0));
        if (i < l->count) {
            strbuf_addf(&o->behind[i], ",\"layer\":%zu,\"file\":", i);
            json_write(&o->behind[i], shown, JSON_TIGHT);
        }
        strbuf_addch(&o->behind[i], '}');
    }
    for (unsigned kind = 0; kind < KINDS; kind++) {
        bool hole = kind == QCOW2_EXTENT_HOLE, zero = hole || kind == QCOW2_EXTENT_ZERO;

        strbuf_addf(&o->kinds[kind],
                    ",\"present\":%s,\"zero\":%s,\"data\":%s,\"compressed\":%s,\"kind\":\"%s\"",
                    truth(!hole), truth(zero), truth(!zero), truth(kind == QCOW2_EXTENT_COMPRESSED),
                    kind_name(kind));
    }
}

static void put_word(struct lines *o, const char *word)
{
    put(o, word, strlen(word));
}

/* No disk and no file has 2^63 bytes, from where on json_u64() has texts. */
static void json_line(struct lines *o, const struct qcow2_extent *e)
{
    size_t layer = line_of(o->layers, e->layer);

    put_word(o, e->start ? ",\n" : "[\n"); /* the first extent begins where the disk does */
    put_word(o, "{\"start\":");
    put_number(o, e->start);
    put_word(o, ",\"length\":");
    put_number(o, e->len);
    put_made(o, &o->before[layer]);
    put_made(o, &o->kinds[e->kind]);
    if (has_place(e)) {
        put_word(o, ",\"offset\":");
        put_number(o, e->host);
    }
    put_made(o, &o->behind[layer]);
}

void extents_show_json(const struct layers *l)
{
    struct lines o;

    lines_init(&o, l);
    make_json(&o);
    lines_begin(&o);
    each_extent(&o, json_line);
    puts(qcow2_chain_size(l->chain) ? "\n]" : "[]");
    lines_finish(&o);
}
