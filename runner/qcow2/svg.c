#include "runner/qcow2/svg.h"

#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "reports/xml.h"
#include "runner/qcow2/columns.h"
#include "runner/qcow2/command.h"

/* One column is one unit wide. */
#define COLUMNS 840
#define ROWS_MAX 256u
#define LEFT 276
#define RIGHT (LEFT + COLUMNS)
#define SHOWN_END (RIGHT + 96) /* right ends of the columns of sizes */
#define HELD_END (SHOWN_END + 78)
#define FILE_END (HELD_END + 78)
#define WIDTH (FILE_END + 24)
#define BAND_TOP 112
#define BAND_HEIGHT 54
#define ROWS_TOP (BAND_TOP + BAND_HEIGHT + 56)
#define NAME_MAX_SHOWN 32u

struct drawing {
    struct strbuf *out;
    const struct layers *l;
    struct columns c;
    int pitch, height, font; /* of the rows */
};

/* Light and dark surroundings each get their own paper; the layers' colours stand on both. */
static const char style[] =
    "<style>text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu "
    "Sans',sans-serif;fill:#1f2430}"
    ".paper{fill:#fcfcfd}.track{fill:#e7e9ee}.dim{fill:#667085}.line{stroke:#c9ced8}"
    ".mono{font-family:ui-monospace,'SF Mono',Menlo,'DejaVu Sans Mono',monospace}"
    ".end{text-anchor:end}.mid{text-anchor:middle}.faded{opacity:.3}.zero{opacity:.42}"
    ".zero.faded{opacity:.16}.plot{shape-rendering:crispEdges}"
    "@media(prefers-color-scheme:dark){text{fill:#e6e8ee}.paper{fill:#15171c}.track{fill:#2a2e37}"
    ".dim{fill:#98a1b3}.line{stroke:#444a57}.dot{fill:#fff}.faded{opacity:.42}}</style>\n"
    "<defs><pattern id=\"hatch\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" "
    "patternTransform=\"rotate(45)\"><rect width=\"2\" height=\"6\" fill=\"#fff\" "
    "fill-opacity=\".55\"/></pattern>"
    "<pattern id=\"dots\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\"><circle "
    "cx=\"2.5\" cy=\"2.5\" r=\"1\" class=\"dot\" fill-opacity=\".6\"/></pattern></defs>\n";

/* ---- text ---- */

static void label(struct drawing *d, int x, int y, int size, const char *classes, const char *text)
{
    strbuf_addf(d->out, "<text x=\"%d\" y=\"%d\" font-size=\"%d\"%s%s%s>", x, y, size,
                *classes ? " class=\"" : "", classes, *classes ? "\"" : "");
    xml_text(d->out, text);
    strbuf_addstr(d->out, "</text>\n");
}

static void label_size(struct drawing *d, int x, int y, int size, const char *classes,
                       uint64_t bytes)
{
    AUTO(str) char *text = size_text(bytes);

    label(d, x, y, size, classes, text);
}

/* ---- colours: the older, the darker and bluer; lightness rises all the way, so that the order is
 * seen without telling hues apart ---- */

static const unsigned char ramp[][3] = {{0x5b, 0x4f, 0xc4},
                                        {0x2f, 0x78, 0xc4},
                                        {0x13, 0x9c, 0x9c},
                                        {0x58, 0xb8, 0x60},
                                        {0xe9, 0xbd, 0x3a}};

static void colour(const struct drawing *d, size_t row, char out[8])
{
    size_t steps = ARRAY_LEN(ramp) - 1, last = d->c.row_count - 1;
    size_t at = last ? row * steps * 256 / last : steps * 64;
    size_t i = at / 256 < steps ? at / 256 : steps - 1, f = at - i * 256;
    unsigned rgb[3];

    for (size_t k = 0; k < 3; k++)
        rgb[k] = (unsigned)((ramp[i][k] * (256 - f) + ramp[i + 1][k] * f) / 256);
    snprintf(out, 8, "#%02x%02x%02x", rgb[0] & 255, rgb[1] & 255, rgb[2] & 255);
}

/* ---- rows ---- */

static uint64_t sum(const uint64_t of[COLUMNS_KINDS])
{
    return of[QCOW2_EXTENT_DATA] + of[QCOW2_EXTENT_ZERO] + of[QCOW2_EXTENT_COMPRESSED];
}

/* The last component, its end when it is long; "4 layers" for several. New. */
static char *row_name(const struct drawing *d, const struct columns_row *row)
{
    const char *path = layers_name(d->l, row->first), *slash = strrchr(path, '/');
    AUTO(str) char *name = quoted_name(slash && slash[1] ? slash + 1 : path);
    size_t len = strlen(name);

    if (row->count > 1)
        return mem_printf("%" PRIu32 " layers", row->count);
    if (len <= NAME_MAX_SHOWN)
        return TAKE(name);
    return mem_printf("...%s", name + len - (NAME_MAX_SHOWN - 3));
}

/* "layer 3", "layers 4 to 7". New. */
static char *row_number(const struct columns_row *row)
{
    if (row->count == 1)
        return mem_printf("layer %" PRIu32, row->first);
    return mem_printf("layers %" PRIu32 " to %" PRIu32, row->first, row->first + row->count - 1);
}

static void add_kinds(struct strbuf *out, const uint64_t of[COLUMNS_KINDS])
{
    static const char *const names[COLUMNS_KINDS] = {"data", "zeros", "compressed"};
    bool some = false;

    for (unsigned kind = 0; kind < COLUMNS_KINDS; kind++) {
        if (!of[kind])
            continue;
        AUTO(str) char *text = size_text(of[kind]);
        strbuf_addf(out, "%s%s %s", some ? ", " : "", names[kind], text);
        some = true;
    }
    if (!some)
        strbuf_addstr(out, "nothing");
}

static void add_row_title(struct drawing *d, const struct columns_row *row)
{
    AUTO(str) char *number = row_number(row);
    AUTO(str) char *name = quoted_name(layers_name(d->l, row->first));
    AUTO(str) char *file = size_text(row->file_bytes);

    strbuf_addf(d->out, "<title>%s: ", number);
    xml_text(d->out, name);
    strbuf_addf(d->out, "%s (%s)\nholds ", row->count > 1 ? " and newer ones" : "", file);
    add_kinds(d->out, row->held);
    strbuf_addstr(d->out, "\nthe disk shows of it: ");
    add_kinds(d->out, row->shown);
    strbuf_addstr(d->out, "</title>");
}

/* All columns of one kind, shown or hidden, as one path. False when there are none. */
static bool add_path(struct drawing *d, const struct columns_row *row, unsigned kind, bool visible)
{
    bool some = false;

    for (size_t i = 0; i < d->c.count;) {
        size_t end = i;

        while (end < d->c.count && row->kind[end] == kind && row->visible[end] == visible)
            end++;
        if (end == i) {
            i++;
            continue;
        }
        strbuf_addf(d->out, "%sM%zu 0h%zuv%dh-%zuz", some ? "" : "<path d=\"", i, end - i,
                    d->height, end - i);
        some = true;
        i = end;
    }
    return some;
}

static void draw_kind(struct drawing *d, const struct columns_row *row, unsigned kind, bool visible,
                      const char *fill)
{
    static const char *const patterns[COLUMNS_KINDS] = {NULL, "dots", "hatch"};
    const char *zero = kind == QCOW2_EXTENT_ZERO ? "zero" : "", *faded = visible ? "" : " faded";
    size_t begin = d->out->len, len;

    if (!add_path(d, row, kind, visible))
        return;
    len = d->out->len - begin;
    strbuf_addf(d->out, "\" fill=\"%s\" class=\"%s%s\"/>", fill, zero, faded);
    if (!patterns[kind])
        return;
    AUTO(str) char *again = mem_strndup(d->out->data + begin, len);
    strbuf_addf(d->out, "%s\" fill=\"url(#%s)\"%s/>", again, patterns[kind],
                visible ? "" : " class=\"faded\"");
}

static void draw_row(struct drawing *d, size_t at, int y)
{
    const struct columns_row *row = &d->c.rows[at];
    AUTO(str) char *name = row_name(d, row);
    AUTO(str)
    char *number = row->count == 1 ? mem_printf("%" PRIu32, row->first)
                                   : mem_printf("%" PRIu32 "-%" PRIu32, row->first,
                                                row->first + row->count - 1);
    int text_y = y + (d->height + d->font * 7 / 10) / 2;
    char fill[8];

    colour(d, at, fill);
    strbuf_addstr(d->out, "<g>");
    add_row_title(d, row);
    strbuf_addf(d->out,
                "<rect x=\"24\" y=\"%d\" width=\"10\" height=\"%d\" rx=\"2\" fill=\"%s\"/>\n", y,
                d->height, fill);
    label(d, 64, text_y, d->font, "dim end", number);
    label(d, 72, text_y, d->font, "mono", name);
    label_size(d, SHOWN_END, text_y, d->font, "end", sum(row->shown));
    label_size(d, HELD_END, text_y, d->font, "dim end", sum(row->held));
    label_size(d, FILE_END, text_y, d->font, "dim end", row->file_bytes);
    strbuf_addf(d->out,
                "<g class=\"plot\" transform=\"translate(%d %d)\"><rect width=\"%d\" "
                "height=\"%d\" class=\"track\"/>",
                LEFT, y, COLUMNS, d->height);
    for (unsigned kind = 0; kind < COLUMNS_KINDS; kind++) {
        draw_kind(d, row, kind, true, fill);
        draw_kind(d, row, kind, false, fill);
    }
    strbuf_addstr(d->out, "</g></g>\n");
}

static void draw_rows(struct drawing *d)
{
    int y = ROWS_TOP;

    label(d, 24, ROWS_TOP - 14, 12, "dim", "layers, the newest first");
    label(d, SHOWN_END, ROWS_TOP - 14, 12, "dim end", "still shown");
    label(d, HELD_END, ROWS_TOP - 14, 12, "dim end", "holds");
    label(d, FILE_END, ROWS_TOP - 14, 12, "dim end", "file");
    for (size_t i = d->c.row_count; i-- > 0; y += d->pitch)
        draw_row(d, i, y);
}

/* ---- the disk ---- */

static void add_run_title(struct drawing *d, size_t first, size_t end)
{
    const struct columns_row *row = &d->c.rows[d->c.top[first]];
    uint64_t from = columns_start(&d->c, first), to = columns_start(&d->c, end);
    AUTO(str) char *number = row_number(row);
    AUTO(str) char *name = row_name(d, row);

    strbuf_addf(d->out, "<title>bytes %" PRIu64 " to %" PRIu64 ": mostly %s, ", from,
                to > from ? to - 1 : from, number);
    xml_text(d->out, name);
    strbuf_addstr(d->out, "</title>");
}

static void draw_run(struct drawing *d, size_t first, size_t end)
{
    static const char *const patterns[COLUMNS_KINDS] = {NULL, "dots", "hatch"};
    uint8_t kind = d->c.top_kind[first];
    char fill[8];

    colour(d, d->c.top[first], fill);
    strbuf_addf(d->out, "<g>");
    add_run_title(d, first, end);
    strbuf_addf(d->out, "<rect x=\"%zu\" width=\"%zu\" height=\"%d\" fill=\"%s\"%s/>", first,
                end - first, BAND_HEIGHT, fill, kind == QCOW2_EXTENT_ZERO ? " class=\"zero\"" : "");
    if (patterns[kind])
        strbuf_addf(d->out, "<rect x=\"%zu\" width=\"%zu\" height=\"%d\" fill=\"url(#%s)\"/>",
                    first, end - first, BAND_HEIGHT, patterns[kind]);
    strbuf_addstr(d->out, "</g>\n");
}

static void draw_disk(struct drawing *d)
{
    const struct columns *c = &d->c;

    label(d, 24, BAND_TOP + 24, 14, "", "the disk");
    label(d, 24, BAND_TOP + 42, 12, "dim", "as it reads, all layers merged");
    strbuf_addf(d->out,
                "<g class=\"plot\" transform=\"translate(%d %d)\"><rect width=\"%d\" "
                "height=\"%d\" class=\"track\"/>\n",
                LEFT, BAND_TOP, COLUMNS, BAND_HEIGHT);
    for (size_t i = 0; i < c->count;) {
        size_t end = i + 1;

        while (end < c->count && c->top[end] == c->top[i] && c->top_kind[end] == c->top_kind[i])
            end++;
        if (c->top[i] != COLUMNS_NO_ROW)
            draw_run(d, i, end);
        i = end;
    }
    strbuf_addstr(d->out, "</g>\n");
}

static void draw_axis(struct drawing *d)
{
    for (int i = 0; i <= 4; i++) {
        int x = LEFT + COLUMNS / 4 * i;

        strbuf_addf(d->out,
                    "<path d=\"M%d %dv6\" class=\"line\" stroke-width=\"1\" fill=\"none\"/>\n", x,
                    BAND_TOP - 8);
        if (i == 0)
            label(d, x, BAND_TOP - 14, 11, "dim mid", "0");
        else
            label_size(d, x, BAND_TOP - 14, 11, "dim mid", d->c.size / 4 * (uint64_t)i);
    }
}

/* ---- around it ---- */

static void draw_head(struct drawing *d)
{
    AUTO(str) char *size = size_text(d->c.size);
    AUTO(str) char *layers = count_text(d->l->count, "layer");
    AUTO(str) char *title = mem_printf("A disk of %s in %s", size, layers);
    AUTO(strbuf) struct strbuf kinds = {0};
    uint64_t shown[COLUMNS_KINDS] = {0};

    for (size_t i = 0; i < d->c.row_count; i++)
        for (unsigned kind = 0; kind < COLUMNS_KINDS; kind++)
            shown[kind] += d->c.rows[i].shown[kind];
    AUTO(str) char *hole = size_text(d->c.size - sum(shown));
    add_kinds(&kinds, shown);
    strbuf_addf(&kinds, "; in no layer %s", hole);
    label(d, 24, 40, 20, "", title);
    label(d, 24, 62, 13, "dim", strbuf_str(&kinds));
}

static int draw_key_item(struct drawing *d, int x, int y, const char *rects, const char *text)
{
    strbuf_addf(d->out,
                "<g transform=\"translate(%d %d)\"><rect width=\"18\" height=\"12\" "
                "class=\"track\"/>%s</g>\n",
                x, y, rects);
    label(d, x + 25, y + 10, 12, "dim", text);
    return x + 25 + 13 * (int)strlen(text) / 2 + 22;
}

static void draw_key(struct drawing *d, int y)
{
#define SWATCH "<rect width=\"18\" height=\"12\" fill=\"#2f78c4\"/>"
    int x = 24;

    x = draw_key_item(d, x, y, SWATCH, "data");
    x = draw_key_item(d, x, y, SWATCH "<rect width=\"18\" height=\"12\" fill=\"url(#hatch)\"/>",
                      "compressed");
    x = draw_key_item(d, x, y,
                      "<rect width=\"18\" height=\"12\" fill=\"#2f78c4\" class=\"zero\"/><rect "
                      "width=\"18\" height=\"12\" fill=\"url(#dots)\"/>",
                      "zeros");
    x = draw_key_item(d, x, y,
                      "<rect width=\"18\" height=\"12\" fill=\"#2f78c4\" class=\"faded\"/>",
                      "hidden by a newer layer");
    x = draw_key_item(d, x, y, "", "nothing");
    label(d, x, y + 10, 12, "dim",
          "each column: what most of its bytes are, holes aside; colours from old to new");
#undef SWATCH
}

static void choose_sizes(struct drawing *d)
{
    bool few = d->c.row_count <= 24, some = d->c.row_count <= 64;

    d->pitch = few ? 28 : some ? 19 : 13;
    d->height = few ? 20 : some ? 14 : 9;
    d->font = few ? 13 : some ? 12 : 10;
}

int svg_draw(struct strbuf *out, const struct layers *l, struct qcow2_fault *retfault)
{
    struct drawing d = {.out = out, .l = l};
    int rows_end, height;

    if (columns_read(&d.c, l->chain, COLUMNS, ROWS_MAX, retfault) < 0)
        return -1;
    choose_sizes(&d);
    rows_end = ROWS_TOP + d.pitch * (int)d.c.row_count;
    height = rows_end + 56;
    strbuf_addf(out,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" "
                "height=\"%d\" role=\"img\" aria-label=\"backup chain\">\n",
                WIDTH, height, WIDTH, height);
    strbuf_addstr(out, style);
    strbuf_addf(out, "<rect width=\"%d\" height=\"%d\" rx=\"10\" class=\"paper\"/>\n", WIDTH,
                height);
    draw_head(&d);
    draw_axis(&d);
    draw_disk(&d);
    draw_rows(&d);
    draw_key(&d, rows_end + 22);
    strbuf_addstr(out, "</svg>\n");
    columns_finish(&d.c);
    return 0;
}
