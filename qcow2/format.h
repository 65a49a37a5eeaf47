/* The numbers of the format (docs/interop/qcow2 of QEMU), and big-endian access. Visible inside
 * qcow2/ and to its tests only. */
#ifndef VMCONFORM_QCOW2_FORMAT_H
#define VMCONFORM_QCOW2_FORMAT_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

#define QCOW2_MAGIC_NUMBER UINT32_C(0x514649fb)
#define QCOW2_CLUSTER_BITS_MIN 9u
#define QCOW2_CLUSTER_BITS_MAX 21u /* qemu's limit; the specification has none */
#define QCOW2_L1_ENTRIES_MAX UINT32_C(4194304)
#define QCOW2_RT_BYTES_MAX (UINT64_C(8) << 20)
#define QCOW2_SNAPSHOTS_MAX 65536u
#define QCOW2_BACKING_NAME_MAX 1023u
#define QCOW2_SUBCLUSTERS 32u

#define QCOW2_V2_HEADER 72u
#define QCOW2_V3_HEADER_MIN 104u
#define QCOW2_V3_HEADER 112u

enum qcow2_header_field {
    HDR_MAGIC = 0,
    HDR_VERSION = 4,
    HDR_BACKING_OFFSET = 8,
    HDR_BACKING_SIZE = 16,
    HDR_CLUSTER_BITS = 20,
    HDR_SIZE = 24,
    HDR_CRYPT = 32,
    HDR_L1_SIZE = 36,
    HDR_L1_OFFSET = 40,
    HDR_RT_OFFSET = 48,
    HDR_RT_CLUSTERS = 56,
    HDR_SNAPSHOTS = 60,
    HDR_SNAPSHOTS_OFFSET = 64,
    HDR_INCOMPATIBLE = 72,
    HDR_COMPATIBLE = 80,
    HDR_AUTOCLEAR = 88,
    HDR_REFCOUNT_ORDER = 96,
    HDR_LENGTH = 100,
    HDR_COMPRESSION = 104,
};

#define QCOW2_INCOMPAT_DIRTY (UINT64_C(1) << 0)
#define QCOW2_INCOMPAT_CORRUPT (UINT64_C(1) << 1)
#define QCOW2_INCOMPAT_DATA_FILE (UINT64_C(1) << 2)
#define QCOW2_INCOMPAT_COMPRESSION (UINT64_C(1) << 3)
#define QCOW2_INCOMPAT_EXTENDED_L2 (UINT64_C(1) << 4)
#define QCOW2_INCOMPAT_KNOWN UINT64_C(0x1f)
#define QCOW2_COMPAT_LAZY_REFCOUNTS (UINT64_C(1) << 0)
#define QCOW2_AUTOCLEAR_BITMAPS (UINT64_C(1) << 0)
#define QCOW2_AUTOCLEAR_RAW (UINT64_C(1) << 1)

#define QCOW2_EXT_END UINT32_C(0)
#define QCOW2_EXT_BACKING_FORMAT UINT32_C(0xe2792aca)
#define QCOW2_EXT_FEATURES UINT32_C(0x6803f857)
#define QCOW2_EXT_BITMAPS UINT32_C(0x23852875)
#define QCOW2_EXT_LUKS UINT32_C(0x0537be77)
#define QCOW2_EXT_DATA_FILE UINT32_C(0x44415441)
#define QCOW2_FEATURE_ENTRY 48u
#define QCOW2_CRYPT_LUKS 2u

#define QCOW2_SNAPSHOT_ENTRY 40u /* without its texts and extra data */
#define QCOW2_SNAPSHOT_EXTRA_MAX 1024u
#define QCOW2_SNAPSHOT_TABLE_MAX (UINT64_C(64) << 20)

#define QCOW2_BITMAPS_MAX 65535u
#define QCOW2_BITMAP_DIRECTORY_MAX UINT64_C(67107840)
#define QCOW2_BITMAP_DIRECTORY_ENTRY 24u /* without its name */
#define QCOW2_BITMAP_NAME_MAX 1023u
#define QCOW2_BITMAP_BYTES_MAX (UINT64_C(512) << 20)
#define QCOW2_BITMAP_IN_USE 1u
#define QCOW2_BITMAP_AUTO 2u
#define QCOW2_BITMAP_RESERVED UINT64_C(0xff000000000001fe) /* of a table entry */

#define QCOW2_L1_RESERVED UINT64_C(0x7f000000000001ff)
#define QCOW2_L2_RESERVED UINT64_C(0x3f000000000001fe)
#define QCOW2_OFFSET_MASK UINT64_C(0x00fffffffffffe00)
#define QCOW2_COPIED (UINT64_C(1) << 63)
#define QCOW2_COMPRESSED (UINT64_C(1) << 62)
#define QCOW2_ZERO UINT64_C(1)
#define QCOW2_RT_RESERVED UINT64_C(0x1ff)

static inline uint16_t be16_at(const void *bytes, size_t offset)
{
    uint16_t v;
    memcpy(&v, (const char *)bytes + offset, sizeof v);
    return be16toh(v);
}

static inline uint32_t be32_at(const void *bytes, size_t offset)
{
    uint32_t v;
    memcpy(&v, (const char *)bytes + offset, sizeof v);
    return be32toh(v);
}

static inline uint64_t be64_at(const void *bytes, size_t offset)
{
    uint64_t v;
    memcpy(&v, (const char *)bytes + offset, sizeof v);
    return be64toh(v);
}

static inline void be32_put(void *bytes, size_t offset, uint32_t value)
{
    value = htobe32(value);
    memcpy((char *)bytes + offset, &value, sizeof value);
}

static inline void be64_put(void *bytes, size_t offset, uint64_t value)
{
    value = htobe64(value);
    memcpy((char *)bytes + offset, &value, sizeof value);
}

#endif
