/* Any bytes as an image that is opened: header, extensions, feature bits, table places, L1. What is
 * accepted has its tables inside the file. */
#include <string.h>

#include "fuzz/qcow2_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text)
{
    char quoted[64];
    if (!text)
        return;
    qcow2_quote(quoted, sizeof quoted, text, strlen(text));
    fuzz_expect(fuzz_is_plain(quoted), quoted, 0, 0);
}

static void check_info(const struct qcow2_info *i, uint64_t flen)
{
    fuzz_expect(i->file_size == flen, "the file's size", i->file_size, flen);
    fuzz_expect(i->version == 2 || i->version == 3, "version", i->version, 0);
    fuzz_expect(i->cluster_bits >= 9 && i->cluster_bits <= 21, "cluster bits", i->cluster_bits, 0);
    fuzz_expect(i->virtual_size > 0 && i->virtual_size % 512 == 0, "whole sectors", i->virtual_size,
                0);
    fuzz_expect(i->l1_offset < flen && (uint64_t)i->l1_entries * 8 <= flen - i->l1_offset,
                "the L1 table lies in the file", i->l1_offset, i->l1_entries);
    fuzz_expect(i->rt_offset < flen &&
                    (uint64_t)i->rt_clusters << i->cluster_bits <= flen - i->rt_offset,
                "the refcount table lies in the file", i->rt_offset, i->rt_clusters);
    fuzz_expect(!i->data_file && i->crypt_method == 0, "what cannot be read is refused",
                i->data_file, i->crypt_method);
    fuzz_expect(i->has_backing == (i->backing_name != NULL), "a backing name", i->has_backing, 0);
    check_text(i->backing_name);
    check_text(i->backing_format);
    check_text(i->data_file_name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_layer layer = {.bytes = data, .len = size};
    AUTO(qcow2_image) struct qcow2_image *image = fuzz_open(&layer, 0, NULL);
    if (image)
        check_info(qcow2_image_info(image), size);
    return 0;
}
