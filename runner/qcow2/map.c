/* vmconform qcow2 map: where each byte of a disk stands: in which layer, at which place of its
 * file. */
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "qcow2/sink.h"
#include "runner/commands.h"
#include "runner/qcow2/command.h"
#include "runner/qcow2/extents.h"
#include "runner/qcow2/layers.h"
#include "runner/qcow2/svg.h"

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
        extents_show_json(&layers);
    else if (status == 0 && !m->svg)
        extents_show_text(&layers);
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

    if (status < 0)
        status = layers_take_operands(&request, &o);
    if (status >= 0)
        return status;
    if (m.svg && !*m.svg)
        return command_mistake("--svg FILE, or --svg - for standard output",
                               "--svg wants a file, found ''");
    if (m.json && m.svg && strcmp(m.svg, "-") == 0)
        return command_mistake(NULL, "--json and --svg - cannot share standard output");
    return map_layers(&m, &request);
}
