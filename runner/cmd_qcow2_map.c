/* vmconform qcow2 map: where each byte of a disk stands: in which layer, at which place of its
 * file. */
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "qcow2/sink.h"
#include "runner/cmd_qcow2.h"
#include "runner/commands.h"
#include "runner/qcow2_layers.h"
#include "runner/qcow2_svg.h"

static const char usage_text[] =
    "usage: vmconform qcow2 map [OPTIONS] LAYER...\n"
    "       vmconform qcow2 map [OPTIONS] --manifest FILE [--disk NAME]\n\n"
    "Shows which layer gives each range of the disk, from the mapping tables alone. Layers are "
    "named oldest\nfirst; a file that is not qcow2 stands alone as a raw disk.\n\n"
    "exit status: 0 shown; 1 what is declared, a header or a mapping table is refused; 2 usage or "
    "I/O\n";

struct map {
    bool json, help;
    const char *svg;
};

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

/* Calls fn for every extent, those between that no layer has included. */
typedef void each_fn(const struct layers *l, const struct qcow2_extent *e, void *arg);
static void each_extent(const struct layers *l, each_fn *fn, void *arg)
{
    size_t count;
    const struct qcow2_extent *e = qcow2_chain_extents(l->chain, &count);
    uint64_t at = 0, size = qcow2_chain_size(l->chain);

    for (size_t i = 0; i <= count; i++) {
        uint64_t next = i < count ? e[i].start : size;

        if (next > at) {
            struct qcow2_extent hole = {at, next - at, 0, QCOW2_NO_LAYER, QCOW2_EXTENT_HOLE};
            fn(l, &hole, arg);
        }
        if (i == count)
            break;
        fn(l, &e[i], arg);
        at = e[i].start + e[i].len;
    }
}

/* Where a compressed extent's bytes begin: its descriptor is no offset. */
static bool has_place(const struct qcow2_extent *e)
{
    return e->kind == QCOW2_EXTENT_DATA;
}

/* ---- text ---- */

static void show_extent(const struct layers *l, const struct qcow2_extent *e, void *arg)
{
    char layer[16] = "-", host[24] = "-";
    uint64_t *totals = arg;

    totals[e->kind] += e->len;
    if (e->layer != QCOW2_NO_LAYER)
        snprintf(layer, sizeof layer, "%" PRIu32, e->layer);
    if (has_place(e))
        snprintf(host, sizeof host, "%" PRIu64, e->host);
    AUTO(str) char *name = quoted_name(layers_name(l, e->layer));
    printf("%16" PRIu64 " %16" PRIu64 " %5s  %-10s %16s%s%s\n", e->start, e->len, layer,
           kind_name(e->kind), host, *name ? "  " : "", name);
}

static void show_text(const struct layers *l)
{
    uint64_t totals[QCOW2_EXTENT_HOLE + 1] = {0};

    printf("%16s %16s %5s  %-10s %16s  %s\n", "start", "length", "layer", "kind", "host offset",
           "file");
    each_extent(l, show_extent, totals);
    AUTO(str) char *size = size_text(qcow2_chain_size(l->chain));
    AUTO(str) char *layers = count_text(l->count, "layer");
    AUTO(str) char *data = size_text(totals[QCOW2_EXTENT_DATA]);
    AUTO(str) char *compressed = size_text(totals[QCOW2_EXTENT_COMPRESSED]);
    AUTO(str) char *zero = size_text(totals[QCOW2_EXTENT_ZERO]);
    AUTO(str) char *hole = size_text(totals[QCOW2_EXTENT_HOLE]);
    printf("%s, %s: data %s, compressed %s, zero %s, hole %s\n", size, layers, data, compressed,
           zero, hole);
}

/* ---- JSON: one object at a time, however many there are ---- */

struct json_stream {
    struct strbuf text;
    bool begun;
};

/* The members of `qemu-img map --output=json` (depth counts from the top; an extent that no layer
 * has lies at the base), and which layer, file and kind it is. */
static void json_extent(const struct layers *l, const struct qcow2_extent *e, void *arg)
{
    struct json_stream *s = arg;
    bool hole = e->kind == QCOW2_EXTENT_HOLE, zero = hole || e->kind == QCOW2_EXTENT_ZERO;
    const char *name = layers_name(l, e->layer);
    AUTO(json)
    json_t *one =
        json_pack("{s:o, s:o, s:o, s:b, s:b, s:b, s:b, s:s}", "start", json_u64(e->start), "length",
                  json_u64(e->len), "depth", json_u64(l->count - 1 - (hole ? 0 : e->layer)),
                  "present", !hole, "zero", zero, "data", !zero, "compressed",
                  e->kind == QCOW2_EXTENT_COMPRESSED, "kind", kind_name(e->kind));

    if (has_place(e))
        json_object_set_new(one, "offset", json_u64(e->host));
    if (!hole) {
        json_object_set_new(one, "layer", json_u64(e->layer));
        json_object_set_new(one, "file", json_name(name, strlen(name)));
    }
    strbuf_addstr(&s->text, s->begun ? ",\n" : "[\n");
    json_write(&s->text, one, JSON_TIGHT);
    fwrite(strbuf_str(&s->text), 1, s->text.len, stdout);
    strbuf_reset(&s->text);
    s->begun = true;
}

static void show_json(const struct layers *l)
{
    struct json_stream s = {0};

    each_extent(l, json_extent, &s);
    puts(s.begun ? "\n]" : "[]");
    strbuf_finish(&s.text);
}

/* ---- the picture ---- */

/* Whole or not at all, and through no link. */
static int write_file(const char *path, const struct strbuf *text, bool json)
{
    struct qcow2_fault fault = {0};
    AUTO(qcow2_sink) struct qcow2_sink *sink = qcow2_sink_file(path, 0, &fault);

    if (sink && qcow2_sink_write(sink, 0, strbuf_str(text), text->len, &fault) == 0 &&
        qcow2_sink_commit(sink, text->len, &fault) == 0)
        return 0;
    err_hint(&fault.err, "the picture was to be written there");
    return command_refusal(json, &path, 1, &fault);
}

static int draw(const struct layers *l, const char *path, bool json)
{
    AUTO(strbuf) struct strbuf text = {0};
    struct qcow2_fault fault = {0};
    struct stat st;

    if (stat(path, &st) == 0 && layers_hold(l, &st))
        return command_mistake(NULL, "--svg '%s' is one of the layers", path);
    if (svg_draw(&text, l, &fault) < 0)
        return command_refusal(json, (const char *const *)l->names, l->count, &fault);
    if (strcmp(path, "-") != 0)
        return write_file(path, &text, json);
    fwrite(strbuf_str(&text), 1, text.len, stdout);
    return 0;
}

static int map_layers(const struct map *m, const struct layers_request *request)
{
    struct qcow2_fault fault = {0};
    AUTO(layers) struct layers layers = {0};
    int status;

    enum layers_result result = layers_open(&layers, request, &fault);
    if (result != LAYERS_OK)
        return layers_fault(result, &layers, m->json, &fault);
    /* The picture first: one JSON text tells the map, or why there is no picture. */
    status = m->svg ? draw(&layers, m->svg, m->json) : 0;
    if (status == 0 && m->json)
        show_json(&layers);
    else if (status == 0 && !m->svg)
        show_text(&layers);
    return status;
}

int qcow2_map_command(int argc, char **argv)
{
    struct map m = {0};
    struct layers_request request = {.detect_raw = true, .only_look = true};
    const struct option_spec specs[] = {
        {"--json", 0, OPTION_FLAG, &m.json, NULL, "as JSON, like qemu-img map"},
        {"--svg", 0, OPTION_TEXT, &m.svg, "FILE", "draw the chain; '-' is standard output"},
        {"--manifest", 0, OPTION_TEXT, &request.manifest, "FILE",
         "the layers are those of a backup"},
        {"--disk", 0, OPTION_TEXT, &request.disk, "NAME",
         "which disk; needed when there are several"},
        HELP_OPTION(&m.help),
        END_OF_OPTIONS,
    };
    struct operands o;
    int status = command_options(usage_text, specs, &m.help, argc, argv, &o);

    if (status >= 0)
        return status;
    request.operands = o.items;
    request.count = o.count;
    status = layers_check_operands(&request);
    if (status >= 0)
        return status;
    if (m.svg && !*m.svg)
        return command_mistake("--svg FILE, or --svg - for standard output",
                               "--svg wants a file, found ''");
    if (m.json && m.svg && strcmp(m.svg, "-") == 0)
        return command_mistake(NULL, "--json and --svg - cannot share standard output");
    return map_layers(&m, &request);
}
