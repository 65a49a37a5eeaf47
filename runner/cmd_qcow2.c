/* vmconform qcow2 info | map | compare: looks at images with the library of qcow2/, which opens no
 * file that an image names. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "qcow2/chain.h"
#include "qcow2/compare.h"
#include "qcow2/image.h"
#include "runner/commands.h"

static const char usage_text[] =
    "usage: vmconform qcow2 info FILE\n"
    "       vmconform qcow2 map LAYER...              base first\n"
    "       vmconform qcow2 compare RAW LAYER...      a raw disk with a chain, base first\n";

static int fail(struct qcow2_fault *f)
{
    struct err err = {0};

    qcow2_fault_move(&err, f);
    err_print(stderr, &err, NULL, 0);
    err_clear(&err);
    return EXIT_CANNOT_TELL;
}

static int print_info(const char *path)
{
    struct qcow2_fault fault = {0};
    struct qcow2_policy policy = {
        .accept_corrupt_bit = true, .accept_snapshots = true, .accept_unreadable = true};
    AUTO(qcow2_image) struct qcow2_image *image = qcow2_image_open_file(path, &policy, &fault);
    const struct qcow2_info *info;
    char name[256];

    if (!image)
        return fail(&fault);
    info = qcow2_image_info(image);
    printf(
        "version: %u\nvirtual size: %llu\nfile size: %llu\ncluster size: %u\nrefcount bits: %u\n",
        info->version, (unsigned long long)info->virtual_size, (unsigned long long)info->file_size,
        1u << info->cluster_bits, 1u << info->refcount_order);
    if (info->has_backing)
        printf("backing file (recorded, not opened): %s\n",
               qcow2_quote(name, sizeof name, info->backing_name, strlen(info->backing_name)));
    if (info->data_file)
        puts("external data file: yes; not readable as a backup layer");
    if (info->crypt_method)
        puts("encrypted: yes; not readable as a backup layer");
    printf("dirty: %s\ncorrupt: %s\nsnapshots: %u\n", info->dirty ? "yes" : "no",
           info->corrupt ? "yes" : "no", info->snapshots);
    return 0;
}

struct layers {
    struct qcow2_image **images;
    size_t count;
};

static void layers_finish(struct layers *l)
{
    for (size_t i = 0; i < l->count; i++)
        qcow2_image_destroy(l->images[i]);
    free(l->images);
}

static struct qcow2_chain *open_chain(char **paths, size_t count, struct layers *l,
                                      struct qcow2_fault *fault)
{
    struct qcow2_chain_options options = {.accept_base_backing = true};

    l->images = mem_zalloc((count + 1) * sizeof(struct qcow2_image *));
    for (size_t i = 0; i < count; i++) {
        l->images[i] = qcow2_image_open_file(paths[i], NULL, fault);
        if (!l->images[i])
            return NULL;
        l->count++;
    }
    return qcow2_chain_open(l->images, count, &options, fault);
}

static int print_map(const struct qcow2_chain *chain)
{
    static const char *const kinds[] = {"data", "zero", "compressed", "hole"};
    size_t count;
    const struct qcow2_extent *e = qcow2_chain_extents(chain, &count);

    for (size_t i = 0; i < count; i++)
        printf("%12llu %12llu  layer %u  %s\n", (unsigned long long)e[i].start,
               (unsigned long long)e[i].len, e[i].layer, kinds[e[i].kind]);
    return 0;
}

static void print_difference(const struct qcow2_difference *d)
{
    printf("differ: bytes %llu..%llu ", (unsigned long long)d->start,
           (unsigned long long)(d->start + d->len - 1));
    if (d->layer_b == QCOW2_NO_LAYER)
        puts("(in no layer)");
    else
        printf("(layer %u)\n", (unsigned)d->layer_b);
}

static int compare_raw(const char *raw, struct qcow2_chain *chain)
{
    struct qcow2_fault fault = {0};
    AUTO(qcow2_io) struct qcow2_io *io = qcow2_io_open(raw, QCOW2_IO_DEVICE, &fault);
    struct qcow2_io_view a;
    struct qcow2_chain_view b;
    struct qcow2_comparison c = {0};
    int status;

    if (!io ||
        qcow2_compare(qcow2_view_io(&a, io), qcow2_view_chain(&b, chain), NULL, &c, &fault) < 0)
        return fail(&fault);
    status = qcow2_comparison_same(&c) ? 0 : 1;
    if (status == 0)
        puts("Images are identical.");
    else if (c.size_a != c.size_b)
        printf("sizes differ: %llu and %llu bytes\n", (unsigned long long)c.size_a,
               (unsigned long long)c.size_b);
    for (size_t i = 0; i < c.count; i++)
        print_difference(&c.items[i]);
    qcow2_comparison_finish(&c);
    return status;
}

static int with_chain(int argc, char **argv, bool compare)
{
    struct qcow2_fault fault = {0};
    struct layers layers = {0};
    int first = compare ? 1 : 0;
    AUTO(qcow2_chain)
    struct qcow2_chain *chain = open_chain(argv + first, (size_t)(argc - first), &layers, &fault);
    int status;

    if (!chain)
        status = fail(&fault);
    else
        status = compare ? compare_raw(argv[0], chain) : print_map(chain);
    qcow2_chain_destroy(TAKE(chain));
    layers_finish(&layers);
    return status;
}

static bool is_help(const char *arg)
{
    return strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0;
}

int cmd_qcow2(int argc, char **argv)
{
    if ((argc >= 2 && is_help(argv[1])) || (argc >= 3 && is_help(argv[2]))) {
        fputs(usage_text, stdout);
        return 0;
    }
    if (argc == 3 && strcmp(argv[1], "info") == 0)
        return print_info(argv[2]);
    if (argc >= 3 && strcmp(argv[1], "map") == 0)
        return with_chain(argc - 2, argv + 2, false);
    if (argc >= 4 && strcmp(argv[1], "compare") == 0)
        return with_chain(argc - 2, argv + 2, true);
    fputs(usage_text, stderr);
    return EXIT_CANNOT_TELL;
}
