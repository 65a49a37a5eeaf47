/* vmconform qcow2 info: everything that an image says of itself, whether or not it could be
 * restored. */
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "kube/time.h"
#include "qcow2/bitmap.h"
#include "qcow2/image.h"
#include "qcow2/snapshot.h"
#include "runner/qcow2/command.h"
#include "runner/qcow2/layers.h"

static const char usage_text[] =
    "usage: vmconform qcow2 info [OPTIONS] FILE\n\n"
    "Shows what an image says of itself: sizes, features, header extensions, bitmaps, snapshots.\n"
    "Images that are encrypted, dirty or marked corrupt are shown too. No file that an image names "
    "is opened.\n";

struct subject {
    const char *path;
    const struct qcow2_info *info;
    struct qcow2_bitmaps *bitmaps;     /* NULL: could not be read */
    struct qcow2_snapshots *snapshots; /* NULL: could not be read */
    struct qcow2_fault bitmaps_error, snapshots_error;
    struct qcow2_fault refused; /* why its header makes it unfit for a layer of a backup */
};

static void subject_finish(struct subject *s)
{
    qcow2_bitmaps_destroy(s->bitmaps);
    qcow2_snapshots_destroy(s->snapshots);
    qcow2_fault_clear(&s->bitmaps_error);
    qcow2_fault_clear(&s->snapshots_error);
    qcow2_fault_clear(&s->refused);
}

/* ---- names of bits ---- */

static const struct feature_set {
    const char *title;
    const char *names[5];
} feature_sets[] = {
    {"incompatible", {"dirty", "corrupt", "external-data-file", "compression-type", "extended-l2"}},
    {"compatible", {"lazy-refcounts"}},
    {"autoclear", {"bitmaps", "raw-external-data"}},
};

static uint64_t feature_bits(const struct qcow2_info *info, size_t set)
{
    const uint64_t bits[] = {info->incompatible, info->compatible, info->autoclear};

    return bits[set];
}

/* "dirty", or "bit-17" for one that has no name. New. */
static char *feature_name(size_t set, unsigned bit)
{
    const struct feature_set *f = &feature_sets[set];

    if (bit < ARRAY_LEN(f->names) && f->names[bit])
        return mem_strdup(f->names[bit]);
    return mem_printf("bit-%u", bit);
}

static const char *crypt_name(uint32_t method)
{
    static const char *const names[] = {"none", "AES", "LUKS"};

    return method < ARRAY_LEN(names) ? names[method] : "unknown";
}

static const char *compression_name(uint8_t type)
{
    return type == 0 ? "deflate" : type == 1 ? "zstd" : "unknown";
}

static void snapshot_time(const struct qcow2_snapshot_info *s, char out[TIME_TEXT])
{
    time_format(s->seconds * NS_PER_S, out);
}

/* ---- text ---- */

static void line(const char *title, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void line(const char *title, const char *fmt, ...)
{
    va_list ap;

    printf("%-22s ", title);
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    putchar('\n');
}

static void line_bytes(const char *title, uint64_t bytes)
{
    AUTO(str) char *text = size_text(bytes);

    if (bytes < 1024)
        line(title, "%s", text);
    else
        line(title, "%s (%" PRIu64 " bytes)", text, bytes);
}

/* Names of files stand in the sentence: they are shown as elsewhere. */
static void line_fault(const char *title, const char *what, const struct qcow2_fault *f)
{
    AUTO(str) char *text = fault_text(f);
    AUTO(str) char *shown = quoted_name(text);

    line(title, "%s: %s", what, shown);
}

static void show_features(const struct qcow2_info *info)
{
    for (size_t set = 0; set < ARRAY_LEN(feature_sets); set++) {
        AUTO(strbuf) struct strbuf text = {0};
        AUTO(str) char *title = mem_printf("%s features:", feature_sets[set].title);
        uint64_t bits = feature_bits(info, set);

        for (unsigned bit = 0; bit < 64; bit++) {
            if (!(bits >> bit & 1))
                continue;
            AUTO(str) char *name = feature_name(set, bit);
            strbuf_addf(&text, "%s%s", text.len ? ", " : "", name);
        }
        line(title, "%s", text.len ? strbuf_str(&text) : "none");
    }
}

/* New; what stands in the header's extensions, by name. */
static json_t *extensions_json(const struct qcow2_info *info)
{
    json_t *all = json_array();
    char type[16];

    if (info->backing_format)
        json_array_append_new(all, json_pack("{s:s}", "name", "backing-format"));
    if (info->data_file_name)
        json_array_append_new(all, json_pack("{s:s}", "name", "data-file-name"));
    if (info->bitmaps || info->bitmaps_bytes)
        json_array_append_new(all, json_pack("{s:s, s:o, s:o, s:o, s:b}", "name", "bitmaps",
                                             "count", json_u64(info->bitmaps), "directory-offset",
                                             json_u64(info->bitmaps_offset), "directory-bytes",
                                             json_u64(info->bitmaps_bytes), "trusted",
                                             info->bitmaps_trusted));
    if (info->luks)
        json_array_append_new(all, json_pack("{s:s, s:o, s:o}", "name", "luks", "header-offset",
                                             json_u64(info->luks_offset), "header-bytes",
                                             json_u64(info->luks_length)));
    for (size_t i = 0; i < info->unknown_extensions_count; i++) {
        snprintf(type, sizeof type, "0x%08" PRIx32, info->unknown_extensions[i].type);
        json_array_append_new(all,
                              json_pack("{s:s, s:s, s:o}", "name", "unknown", "type", type, "bytes",
                                        json_u64(info->unknown_extensions[i].length)));
    }
    return all;
}

/* One line: "bitmaps (count 1, directory-offset 4096), unknown (type 0x1234, bytes 8)". */
static void show_extensions(const struct qcow2_info *info)
{
    AUTO(json) json_t *all = extensions_json(info);
    AUTO(strbuf) struct strbuf text = {0};

    for (size_t i = 0; i < json_array_size(all); i++) {
        json_t *one = json_array_get(all, i), *value;
        const char *key;
        bool some = false;

        strbuf_addf(&text, "%s%s", i ? ", " : "", json_str_or_empty(one, "name"));
        json_object_foreach(one, key, value)
        {
            if (strcmp(key, "name") == 0)
                continue;
            AUTO(str) char *shown = json_text(value);
            strbuf_addf(&text, "%s%s %s", some ? ", " : " (", key, shown);
            some = true;
        }
        if (some)
            strbuf_addch(&text, ')');
    }
    line("header extensions:", "%s", text.len ? strbuf_str(&text) : "none");
}

static void show_names(const struct qcow2_info *info)
{
    if (info->has_backing) {
        AUTO(str) char *name = quoted_name(info->backing_name);
        AUTO(str) char *format = quoted_name(info->backing_format ? info->backing_format : "");
        line("backing file:", "'%s'%s%s (recorded; not opened)", name, *format ? ", format " : "",
             format);
    }
    if (info->data_file) {
        AUTO(str) char *name = quoted_name(info->data_file_name ? info->data_file_name : "");
        line("external data file:", "'%s' (recorded; not opened)", name);
    }
}

static void show_bitmaps(const struct subject *s)
{
    if (!s->bitmaps) {
        line_fault("bitmaps:", "cannot be read", &s->bitmaps_error);
        return;
    }
    line("bitmaps:", "%zu", qcow2_bitmaps_count(s->bitmaps));
    for (size_t i = 0; i < qcow2_bitmaps_count(s->bitmaps); i++) {
        const struct qcow2_bitmap_info *b = qcow2_bitmaps_at(s->bitmaps, i);
        AUTO(str) char *name = quoted(b->name, b->name_len);
        AUTO(str) char *granularity = size_text(b->granularity);
        printf("  '%s': granularity %s%s%s; table at byte %" PRIu64 ", entries: %" PRIu32 "\n",
               name, granularity, b->automatic ? ", auto" : "",
               b->in_use ? ", in use (left open: its bits mean nothing)" : "", b->table_offset,
               b->table_entries);
    }
}

static void show_snapshots(const struct subject *s)
{
    if (!s->snapshots) {
        line_fault("snapshots:", "cannot be read", &s->snapshots_error);
        return;
    }
    line("snapshots:", "%zu", qcow2_snapshots_count(s->snapshots));
    for (size_t i = 0; i < qcow2_snapshots_count(s->snapshots); i++) {
        const struct qcow2_snapshot_info *n = qcow2_snapshots_at(s->snapshots, i);
        AUTO(str) char *id = quoted(n->id, n->id_len);
        AUTO(str) char *name = quoted(n->name, n->name_len);
        AUTO(str) char *disk = n->disk_size ? size_text(n->disk_size) : mem_strdup("not recorded");
        AUTO(str) char *state = size_text(n->vm_state_size);
        char when[TIME_TEXT];
        snapshot_time(n, when);
        printf("  '%s' '%s': %s, disk %s, VM state %s; L1 table at byte %" PRIu64 "\n", id, name,
               when, disk, state, n->l1_offset);
    }
}

static void show_text(const struct subject *s)
{
    const struct qcow2_info *info = s->info;
    AUTO(str) char *name = quoted_name(s->path);

    line("file:", "'%s'", name);
    line("format:", "qcow2, version %" PRIu32 " (compat %s)", info->version,
         info->version == 2 ? "0.10" : "1.1");
    line_bytes("virtual size:", info->virtual_size);
    line_bytes("file size:", info->file_size);
    line_bytes("cluster size:", UINT64_C(1) << info->cluster_bits);
    line("header length:", "%" PRIu32, info->header_length);
    line("refcount bits:", "%u", 1u << info->refcount_order);
    line("compression type:", "%s", compression_name(info->compression_type));
    line("extended L2:", "%s", info->extended_l2 ? "yes" : "no");
    line("encryption:", "%s", crypt_name(info->crypt_method));
    line("dirty:", "%s", info->dirty ? "yes" : "no");
    line("corrupt:", "%s", info->corrupt ? "yes" : "no");
    show_features(info);
    show_extensions(info);
    show_names(info);
    line("L1 table:", "at byte %" PRIu64 ", entries: %" PRIu32, info->l1_offset, info->l1_entries);
    line("refcount table:", "at byte %" PRIu64 ", clusters: %" PRIu32, info->rt_offset,
         info->rt_clusters);
    show_bitmaps(s);
    show_snapshots(s);
    if (s->refused.defect)
        line_fault("fit for a backup:", "no", &s->refused);
    else
        line("fit for a backup:", "yes, as far as the header tells; 'vmconform qcow2 check' looks "
                                  "at the rest");
}

/* ---- JSON ---- */

static json_t *features_json(const struct qcow2_info *info)
{
    json_t *all = json_object();

    for (size_t set = 0; set < ARRAY_LEN(feature_sets); set++) {
        json_t *names = json_array();
        uint64_t bits = feature_bits(info, set);

        for (unsigned bit = 0; bit < 64; bit++) {
            if (!(bits >> bit & 1))
                continue;
            AUTO(str) char *name = feature_name(set, bit);
            json_array_append_new(names, json_string(name));
        }
        json_object_set_new(all, feature_sets[set].title, names);
    }
    return all;
}

static json_t *bitmaps_json(const struct subject *s)
{
    json_t *all = json_array();

    for (size_t i = 0; i < qcow2_bitmaps_count(s->bitmaps); i++) {
        const struct qcow2_bitmap_info *b = qcow2_bitmaps_at(s->bitmaps, i);
        json_t *flags = json_array();

        if (b->in_use)
            json_array_append_new(flags, json_string("in-use"));
        if (b->automatic)
            json_array_append_new(flags, json_string("auto"));
        json_array_append_new(
            all, json_pack("{s:o, s:o, s:o, s:o, s:o}", "name", json_name(b->name, b->name_len),
                           "granularity", json_u64(b->granularity), "flags", flags, "table-offset",
                           json_u64(b->table_offset), "table-entries", json_u64(b->table_entries)));
    }
    return all;
}

static json_t *snapshots_json(const struct subject *s)
{
    json_t *all = json_array();

    for (size_t i = 0; i < qcow2_snapshots_count(s->snapshots); i++) {
        const struct qcow2_snapshot_info *n = qcow2_snapshots_at(s->snapshots, i);
        char when[TIME_TEXT];
        json_t *one;

        snapshot_time(n, when);
        one = json_pack("{s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "id",
                        json_name(n->id, n->id_len), "name", json_name(n->name, n->name_len),
                        "date", when, "date-sec", json_u64(n->seconds), "date-nsec",
                        json_u64(n->nanoseconds), "vm-clock-nsec", json_u64(n->guest_ns),
                        "vm-state-size", json_u64(n->vm_state_size), "l1-offset",
                        json_u64(n->l1_offset), "l1-entries", json_u64(n->l1_entries));
        if (n->disk_size)
            json_object_set_new(one, "disk-size", json_u64(n->disk_size));
        json_array_append_new(all, one);
    }
    return all;
}

static json_t *text_json(const char *text)
{
    return json_name(text, strlen(text));
}

static void add_names_json(json_t *all, const struct qcow2_info *info)
{
    if (info->has_backing)
        json_object_set_new(all, "backing-filename", text_json(info->backing_name));
    if (info->has_backing && info->backing_format)
        json_object_set_new(all, "backing-filename-format", text_json(info->backing_format));
    if (info->data_file)
        json_object_set_new(all, "data-file",
                            info->data_file_name ? text_json(info->data_file_name) : json_null());
}

static void add_fault_json(json_t *all, const char *error, const char *code,
                           const struct qcow2_fault *f)
{
    json_object_set_new(all, error, text_json(f->err.msg));
    if (fault_code(f))
        json_object_set_new(all, code, json_string(fault_code(f)));
}

static void add_lists_json(json_t *all, const struct subject *s)
{
    if (s->bitmaps)
        json_object_set_new(all, "bitmaps", bitmaps_json(s));
    else
        add_fault_json(all, "bitmaps-error", "bitmaps-code", &s->bitmaps_error);
    if (s->snapshots)
        json_object_set_new(all, "snapshots", snapshots_json(s));
    else
        add_fault_json(all, "snapshots-error", "snapshots-code", &s->snapshots_error);
    json_object_set_new(all, "header-fit-for-backup", json_boolean(!s->refused.defect));
    if (s->refused.defect)
        add_fault_json(all, "header-fit-for-backup-error", "header-fit-for-backup-code",
                       &s->refused);
}

static void show_json(const struct subject *s)
{
    const struct qcow2_info *info = s->info;
    json_t *all = json_pack(
        "{s:o, s:s, s:o, s:s, s:o, s:o, s:o, s:o}", "filename", text_json(s->path), "format",
        "qcow2", "version", json_u64(info->version), "compat", info->version == 2 ? "0.10" : "1.1",
        "virtual-size", json_u64(info->virtual_size), "file-size", json_u64(info->file_size),
        "cluster-size", json_u64(UINT64_C(1) << info->cluster_bits), "refcount-bits",
        json_u64(UINT64_C(1) << info->refcount_order));

    json_object_set_new(all, "compression-type",
                        json_string(compression_name(info->compression_type)));
    json_object_set_new(all, "extended-l2", json_boolean(info->extended_l2));
    json_object_set_new(all, "encryption", json_string(crypt_name(info->crypt_method)));
    json_object_set_new(all, "dirty-flag", json_boolean(info->dirty));
    json_object_set_new(all, "corrupt", json_boolean(info->corrupt));
    json_object_set_new(all, "header-length", json_u64(info->header_length));
    json_object_set_new(all, "features", features_json(info));
    json_object_set_new(all, "header-extensions", extensions_json(info));
    add_names_json(all, info);
    json_object_set_new(all, "l1-table",
                        json_pack("{s:o, s:o}", "offset", json_u64(info->l1_offset), "entries",
                                  json_u64(info->l1_entries)));
    json_object_set_new(all, "refcount-table",
                        json_pack("{s:o, s:o}", "offset", json_u64(info->rt_offset), "clusters",
                                  json_u64(info->rt_clusters)));
    add_lists_json(all, s);
    print_json_take(all);
}

/* ---- reading ---- */

/* Why a restore would refuse the image for its header, told by opening it as one does; mapping
 * tables and data are not looked at. */
static void judge(struct subject *s)
{
    AUTO(qcow2_image) struct qcow2_image *image = NULL;
    struct qcow2_io *io = qcow2_io_open(s->path, QCOW2_IO_DEVICE, &s->refused);

    if (io)
        image = qcow2_image_open(io, NULL, &s->refused);
}

static void read_lists(struct subject *s, struct qcow2_image *image)
{
    s->bitmaps = qcow2_bitmaps_read(image, &s->bitmaps_error);
    s->snapshots = qcow2_snapshots_read(image, &s->snapshots_error);
}

static int show_file(const char *operand, bool json)
{
    struct qcow2_fault fault = {0};
    struct qcow2_policy policy = {
        .accept_corrupt_bit = true, .accept_snapshots = true, .accept_unreadable = true};
    struct subject s = {0};
    bool raw;
    struct qcow2_io *io = layers_open_operand(operand, false, &s.path, &raw, &fault);
    AUTO(qcow2_image)
    struct qcow2_image *image = io ? qcow2_image_open(io, &policy, &fault) : NULL;

    if (!image)
        return command_refusal(json, &s.path, 1, &fault);
    s.info = qcow2_image_info(image);
    read_lists(&s, image);
    judge(&s);
    if (json)
        show_json(&s);
    else
        show_text(&s);
    subject_finish(&s);
    return 0;
}

int qcow2_info_command(int argc, char **argv)
{
    bool json = false, help = false;
    const struct option_spec specs[] = {
        {"--json", 0, OPTION_FLAG, &json, NULL, "as JSON"},
        HELP_OPTION(&help),
        END_OF_OPTIONS,
    };
    struct operands o;
    int status = command_options(usage_text, specs, &help, argc, argv, &o);

    if (status >= 0)
        return status;
    if (o.count != 1)
        return command_mistake("vmconform qcow2 info FILE", "one file is wanted, found %zu",
                               o.count);
    return show_file(o.items[0], json);
}
