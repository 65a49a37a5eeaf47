/* vmconform qcow2 check: whether images, or everything that belongs to one disk of a backup, are
 * sound. */
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "qcow2/check.h"
#include "runner/commands.h"
#include "runner/qcow2/command.h"
#include "runner/qcow2/layers.h"

static const char usage_text[] =
    "usage: vmconform qcow2 check [OPTIONS] FILE...\n"
    "       vmconform qcow2 check [OPTIONS] --manifest FILE [--disk NAME]\n\n"
    "Counts the references of each image anew and holds them against what it says; finds what a "
    "reader\nwould stumble over. With --manifest: what the backup declares (order, parents, "
    "lengths, digests),\nthe images as a chain, then each image.\n\n"
    "exit status: 0 sound, warnings or not; 1 defective: corruptions, or leaks, which cost space "
    "but "
    "no data;\n2 usage, or a file that could not be read\n";

struct check {
    bool json, strict, allow_leaks, help;
    const char *manifest, *disk;
    json_t *files; /* with json */
    int status;
};

/* Of several, 2 (it could not be told) wins over 1. */
static void worse(struct check *c, int status)
{
    if (status > c->status)
        c->status = status;
}

static const char *severity_name(enum qcow2_severity severity)
{
    switch (severity) {
    case QCOW2_SEVERITY_CORRUPTION:
        return "corruption";
    case QCOW2_SEVERITY_LEAK:
        return "leak";
    case QCOW2_SEVERITY_WARNING:
        return "warning";
    }
    return "";
}

static bool defective(const struct check *c, const struct qcow2_check_report *r)
{
    return r->corruptions > 0 || !r->complete || (r->leaks > 0 && !c->allow_leaks) ||
           (r->warnings > 0 && c->strict);
}

/* ---- text ---- */

static void show_finding(const char *name, const struct qcow2_finding *f)
{
    AUTO(str) char *text = quoted_name(f->text);

    printf("%s: %s %s", name, severity_name(f->severity), qcow2_defect_code(f->defect));
    if (f->offset != QCOW2_NO_OFFSET)
        printf(" at byte %" PRIu64, f->offset);
    printf(": %s\n", text);
}

static void show_usage(const struct qcow2_check_report *r)
{
    uint64_t total = r->total_clusters ? r->total_clusters : 1;

    printf("; %" PRIu64 " of %" PRIu64 " clusters allocated (%.2f%%), %" PRIu64
           " compressed, %" PRIu64 " fragmented; the image ends at byte %" PRIu64 "\n",
           r->allocated_clusters, r->total_clusters,
           100.0 * (double)r->allocated_clusters / (double)total, r->compressed_clusters,
           r->fragmented_clusters, r->image_end);
}

static void show_report(const struct check *c, const char *path, const struct qcow2_check_report *r)
{
    AUTO(str) char *name = quoted_name(path);
    AUTO(str) char *corruptions = count_text(r->corruptions, "corruption");
    AUTO(str) char *leaks = count_text(r->leaks, "leak");
    AUTO(str) char *warnings = count_text(r->warnings, "warning");

    for (size_t i = 0; i < r->count; i++)
        show_finding(name, &r->items[i]);
    if (r->corruptions + r->leaks + r->warnings > r->count)
        printf("%s: ... and %" PRIu64 " more\n", name,
               r->corruptions + r->leaks + r->warnings - r->count);
    printf("%s: %s", name, defective(c, r) ? "defective" : "sound");
    if (r->corruptions || r->leaks || r->warnings)
        printf(": %s, %s, %s", corruptions, leaks, warnings);
    if (!r->complete)
        printf("; not everything could be looked at");
    show_usage(r);
}

/* ---- JSON ---- */

static json_t *finding_json(const struct qcow2_finding *f)
{
    json_t *one = json_pack("{s:s, s:s}", "severity", severity_name(f->severity), "code",
                            qcow2_defect_code(f->defect));

    if (f->offset != QCOW2_NO_OFFSET)
        json_object_set_new(one, "offset", json_u64(f->offset));
    json_object_set_new(one, "text", json_name(f->text, strlen(f->text)));
    return one;
}

static json_t *report_json(const struct check *c, const char *path,
                           const struct qcow2_check_report *r)
{
    json_t *findings = json_array();
    json_t *one = json_pack("{s:o, s:b, s:b, s:o, s:o, s:o}", "filename",
                            json_name(path, strlen(path)), "sound", !defective(c, r), "complete",
                            r->complete, "corruptions", json_u64(r->corruptions), "leaks",
                            json_u64(r->leaks), "warnings", json_u64(r->warnings));

    for (size_t i = 0; i < r->count; i++)
        json_array_append_new(findings, finding_json(&r->items[i]));
    json_object_set_new(one, "findings", findings);
    json_object_set_new(one, "total-clusters", json_u64(r->total_clusters));
    json_object_set_new(one, "allocated-clusters", json_u64(r->allocated_clusters));
    json_object_set_new(one, "compressed-clusters", json_u64(r->compressed_clusters));
    json_object_set_new(one, "fragmented-clusters", json_u64(r->fragmented_clusters));
    json_object_set_new(one, "image-end-offset", json_u64(r->image_end));
    return one;
}

static json_t *fault_json(const char *path, const struct qcow2_fault *f)
{
    json_t *one =
        json_pack("{s:b, s:o}", "sound", 0, "error", json_name(f->err.msg, strlen(f->err.msg)));
    const char *code = fault_code(f);

    if (code)
        json_object_set_new(one, "code", json_string(code));
    if (path)
        json_object_set_new(one, "filename", json_name(path, strlen(path)));
    if (f->offset != QCOW2_NO_OFFSET)
        json_object_set_new(one, "offset", json_u64(f->offset));
    return one;
}

/* ---- checking ---- */

static void check_io(struct check *c, const char *path, struct qcow2_io *io,
                     struct qcow2_fault *fault)
{
    AUTO(qcow2_check) struct qcow2_check_report r = {0};

    if (!io || qcow2_check(io, NULL, &r, fault) < 0) {
        if (c->json)
            json_array_append_new(c->files, fault_json(path, fault));
        worse(c, command_fault(fault));
        return;
    }
    worse(c, defective(c, &r) ? EXIT_DEFECTIVE : 0);
    if (c->json)
        json_array_append_new(c->files, report_json(c, path, &r));
    else
        show_report(c, path, &r);
}

static void check_file(struct check *c, const char *operand)
{
    struct qcow2_fault fault = {0};
    const char *path;
    bool raw;
    AUTO(qcow2_io)
    struct qcow2_io *io = layers_open_operand(operand, false, &path, &raw, &fault);

    check_io(c, path, io, &fault);
}

static void show_chain(const struct check *c, const struct layers *l, json_t *chain)
{
    AUTO(str) char *disk = quoted_name(l->backup.disk ? l->backup.disk : "");
    AUTO(str) char *layers = count_text(l->count, "layer");
    AUTO(str) char *size = size_text(qcow2_chain_size(l->chain));
    size_t digests = 0;

    for (size_t i = 0; i < l->count; i++)
        digests += l->backup.layers[i].sha256 != NULL;
    if (!c->json) {
        printf("the chain of disk '%s': sound; %s, %s; digests held against %zu of them\n", disk,
               layers, size, digests);
        return;
    }
    json_object_set_new(chain, "sound", json_true());
    json_object_set_new(chain, "layers", json_u64(l->count));
    json_object_set_new(chain, "digests", json_u64(digests));
    json_object_set_new(chain, "virtual-size", json_u64(qcow2_chain_size(l->chain)));
}

/* A file that is not there, or something else in its place. */
static bool is_no_file(const struct qcow2_fault *f)
{
    return f->defect == QCOW2_CHAIN_MISSING || f->defect == QCOW2_NOT_REGULAR;
}

/* The first that is no file was told with the chain, unless the chain was refused for another
 * reason. */
static void check_member(struct check *c, const struct layers *l, size_t i, bool *told)
{
    struct qcow2_fault fault = {0};
    AUTO(qcow2_io) struct qcow2_io *io = backup_chain_layer(&l->backup, i, &fault);

    if (io || !is_no_file(&fault)) {
        check_io(c, l->names[i], io, &fault);
        return;
    }
    if (c->json)
        json_array_append_new(c->files, fault_json(l->names[i], &fault));
    worse(c, EXIT_DEFECTIVE);
    if (*told)
        qcow2_fault_clear(&fault);
    else
        command_fault(&fault);
    *told = false;
}

/* The images are checked one by one even when they make no chain: both are wanted. Returns what is
 * to be said of the chain (with --json). New. */
static json_t *check_manifest(struct check *c)
{
    struct layers_request request = {.manifest = c->manifest, .disk = c->disk};
    struct qcow2_fault fault = {0};
    AUTO(layers) struct layers layers = {0};
    json_t *chain = json_object();
    bool told = false;

    enum layers_result result = layers_open(&layers, &request, &fault);
    if (result == LAYERS_OK) {
        show_chain(c, &layers, chain);
    } else {
        told = is_no_file(&fault);
        json_object_update_new(chain, fault_json(NULL, &fault));
        worse(c, layers_fault(result, &layers, false, &fault));
    }
    if (layers.backup.disk)
        json_object_set_new(chain, "disk",
                            json_name(layers.backup.disk, strlen(layers.backup.disk)));
    for (size_t i = 0; i < layers.count; i++)
        check_member(c, &layers, i, &told);
    return chain;
}

static int check_all(struct check *c, const struct operands *o)
{
    json_t *all = json_object();

    c->files = json_array();
    if (c->manifest)
        json_object_set_new(all, "chain", check_manifest(c));
    for (size_t i = 0; i < o->count; i++)
        check_file(c, o->items[i]);
    json_object_set_new(all, "files", c->files);
    json_object_set_new(all, "sound", json_boolean(c->status == 0));
    if (c->json)
        print_json_take(TAKE(all));
    json_decref(all);
    return c->status;
}

int qcow2_check_command(int argc, char **argv)
{
    struct check c = {0};
    const struct option_spec specs[] = {
        {"--manifest", 0, OPTION_TEXT, &c.manifest, "FILE",
         "a backup's manifest of one VM: check its whole chain"},
        {"--disk", 0, OPTION_TEXT, &c.disk, "NAME", "which disk; needed when there are several"},
        {"--strict", 0, OPTION_FLAG, &c.strict, NULL, "warnings are defects too"},
        {"--allow-leaks", 0, OPTION_FLAG, &c.allow_leaks, NULL,
         "leaks alone are no defect: what reads right is sound"},
        {"--json", 0, OPTION_FLAG, &c.json, NULL, "as JSON"},
        HELP_OPTION(&c.help),
        END_OF_OPTIONS,
    };
    struct operands o;
    int status = command_options(usage_text, specs, &c.help, argc, argv, &o);

    if (status >= 0)
        return status;
    if (c.manifest && o.count > 0)
        return command_mistake(NULL, "with --manifest no file is wanted, found '%s'", o.items[0]);
    if (!c.manifest && o.count == 0)
        return command_mistake("vmconform qcow2 check FILE...", "no file was given");
    if (c.disk && !c.manifest)
        return command_mistake(NULL, "--disk goes with --manifest");
    return check_all(&c, &o);
}
