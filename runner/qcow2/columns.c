#include "runner/qcow2/columns.h"

#include "base/cleanup.h"
#include "base/mem.h"

/* Bytes of one row in each column, by kind. */
struct bytes {
    uint64_t (*of)[COLUMNS_KINDS];
};

uint64_t columns_start(const struct columns *c, size_t column)
{
    return c->size / c->count * column + c->size % c->count * column / c->count;
}

/* Adds sorted extents to the columns that they lie in. */
static void spread(const struct columns *c, const struct qcow2_extent *e, struct bytes *bytes,
                   size_t *column)
{
    uint64_t at = e->start, end = e->start + e->len;

    if (end > c->size)
        end = c->size;
    while (at < end) {
        while (columns_start(c, *column + 1) <= at)
            (*column)++;
        uint64_t next = columns_start(c, *column + 1);
        if (next > end)
            next = end;
        bytes->of[*column][e->kind] += next - at;
        at = next;
    }
}

static size_t row_of(const struct columns *c, uint32_t layer)
{
    return layer / c->rows[0].count;
}

/* ---- what the disk reads ---- */

/* One after the other in the memory of the first: rows * count. */
static struct bytes *read_shown(struct columns *c, const struct qcow2_chain *chain)
{
    struct bytes *shown = mem_zalloc(c->row_count * sizeof *shown);
    size_t *column = mem_zalloc(c->row_count * sizeof *column), count;
    const struct qcow2_extent *e = qcow2_chain_extents(chain, &count);

    for (size_t i = 0; i < c->row_count; i++)
        shown[i].of = mem_zalloc(c->count * sizeof *shown[i].of);
    for (size_t i = 0; i < count; i++) {
        size_t row = row_of(c, e[i].layer);

        spread(c, &e[i], &shown[row], &column[row]);
        c->rows[row].shown[e[i].kind] += e[i].len;
    }
    free(column);
    return shown;
}

static uint64_t sum(const uint64_t of[COLUMNS_KINDS])
{
    return of[0] + of[1] + of[2];
}

static uint8_t most(const uint64_t of[COLUMNS_KINDS])
{
    uint8_t best = 0;

    for (uint8_t kind = 1; kind < COLUMNS_KINDS; kind++)
        if (of[kind] > of[best])
            best = kind;
    return of[best] ? best : COLUMNS_NOTHING;
}

static void find_tops(struct columns *c, const struct bytes *shown)
{
    for (size_t i = 0; i < c->count; i++) {
        uint64_t best = 0;

        c->top[i] = COLUMNS_NO_ROW;
        c->top_kind[i] = COLUMNS_NOTHING;
        for (size_t row = 0; row < c->row_count; row++) {
            uint64_t here = sum(shown[row].of[i]);

            if (here <= best)
                continue;
            best = here;
            c->top[i] = row;
            c->top_kind[i] = most(shown[row].of[i]);
        }
    }
}

/* ---- what each layer holds ---- */

static int add_layer(struct columns *c, struct columns_row *row, struct qcow2_image *image,
                     struct bytes *held, struct qcow2_fault *retfault)
{
    struct qcow2_chain_options options = {.accept_base_backing = true};
    AUTO(qcow2_chain)
    struct qcow2_chain *alone = qcow2_chain_open(&image, 1, &options, retfault);
    size_t count, column = 0;
    const struct qcow2_extent *e;

    if (!alone)
        return -1;
    e = qcow2_chain_extents(alone, &count);
    for (size_t i = 0; i < count; i++) {
        spread(c, &e[i], held, &column);
        row->held[e[i].kind] += e[i].len;
    }
    row->file_bytes += qcow2_image_info(image)->file_size;
    return 0;
}

static int read_row(struct columns *c, const struct qcow2_chain *chain, size_t at,
                    const struct bytes *shown, struct qcow2_fault *retfault)
{
    struct columns_row *row = &c->rows[at];
    struct bytes held = {mem_zalloc(c->count * sizeof *held.of)};
    int r = 0;

    for (uint32_t i = 0; r == 0 && i < row->count; i++)
        r = add_layer(c, row, qcow2_chain_layer(chain, row->first + i), &held, retfault);
    row->kind = mem_zalloc(c->count);
    row->visible = mem_zalloc(c->count * sizeof *row->visible);
    for (size_t i = 0; r == 0 && i < c->count; i++) {
        row->kind[i] = most(held.of[i]);
        row->visible[i] = sum(shown->of[i]) * 2 >= sum(held.of[i]);
    }
    free(held.of);
    return r;
}

/* ---- all of it ---- */

static void make_rows(struct columns *c, size_t layers, size_t rows_max)
{
    size_t each = (layers + rows_max - 1) / rows_max;

    c->row_count = (layers + each - 1) / each;
    c->rows = mem_zalloc(c->row_count * sizeof *c->rows);
    for (size_t i = 0; i < c->row_count; i++) {
        c->rows[i].first = (uint32_t)(i * each);
        c->rows[i].count = (uint32_t)(layers - i * each < each ? layers - i * each : each);
    }
}

int columns_read(struct columns *ret, const struct qcow2_chain *chain, size_t count,
                 size_t rows_max, struct qcow2_fault *retfault)
{
    struct columns *c = ret;
    struct bytes *shown;
    int r = 0;

    *c = (struct columns){.size = qcow2_chain_size(chain), .count = count};
    make_rows(c, qcow2_chain_layers(chain), rows_max);
    c->top = mem_zalloc(count * sizeof *c->top);
    c->top_kind = mem_zalloc(count);
    shown = read_shown(c, chain);
    find_tops(c, shown);
    for (size_t i = 0; r == 0 && i < c->row_count; i++)
        r = read_row(c, chain, i, &shown[i], retfault);
    for (size_t i = 0; i < c->row_count; i++)
        free(shown[i].of);
    free(shown);
    if (r < 0)
        columns_finish(c);
    return r;
}

void columns_finish(struct columns *c)
{
    for (size_t i = 0; i < c->row_count; i++) {
        free(c->rows[i].kind);
        free(c->rows[i].visible);
    }
    free(c->rows);
    free(c->top);
    free(c->top_kind);
    *c = (struct columns){0};
}
