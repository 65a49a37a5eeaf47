#include "components/kubevirt-datamover/sizing.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "kube/quantity.h"

#define GIB (INT64_C(1) << 30)
#define DISKS_MAX 256 /* looked at per VM: more than one VM can have */
#define UNKNOWN_DISK (10 * GIB)
#define SECTOR 512 /* what is smaller is no disk, and says nothing of one */

static int64_t max64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t add(int64_t a, int64_t b)
{
    return a > INT64_MAX - b ? INT64_MAX : a + b;
}

int64_t sizing_with_overhead(int64_t bytes, int64_t percent)
{
    __int128 sum = (__int128)bytes + (__int128)bytes * percent / 100;
    return sum > INT64_MAX ? INT64_MAX : (int64_t)sum;
}

/* 0: nothing is known. */
static int64_t disk_size(int64_t told)
{
    return told < SECTOR ? 0 : told;
}

/* The greatest size that an entry tells for the disk. The lists need not be equally long. */
static int64_t size_in_entry(const json_t *entry, const char *disk)
{
    const json_t *sizes = json_object_get(entry, "pvcSizes"), *file;
    int64_t most = 0;
    size_t i;
    json_array_foreach(json_object_get(entry, "files"), i, file)
    {
        const char *size = json_string_value(json_array_get(sizes, i));
        if (size && strcmp(json_str_or_empty(file, "diskName"), disk) == 0)
            most = max64(most, quantity_bytes(size));
    }
    return disk_size(most);
}

struct sizing_need sizing_need_of(const json_t *index, const json_t *ids, const struct chain *chain,
                                  const char *disk, int64_t request)
{
    struct sizing_need need = {0, disk_size(request)};
    for (size_t i = 0; i < chain->count; i++)
        if (chain->files[i].size > 0)
            need.files = add(need.files, chain->files[i].size);
    AUTO(json) json_t *entries = chain_entries(index);
    size_t i;
    const json_t *id;
    json_array_foreach(ids, i, id) if (json_is_string(id)) need.disk =
        max64(need.disk, size_in_entry(json_object_get(entries, json_string_value(id)), disk));
    return need;
}

int64_t sizing_scratch(struct sizing_need need, int64_t percent)
{
    if (need.disk == 0)
        return max64(UNKNOWN_DISK, sizing_with_overhead(add(need.files, need.files), percent));
    return max64(GIB, sizing_with_overhead(add(need.disk, need.files), percent));
}

int64_t sizing_work(struct sizing_need need, int64_t percent)
{
    return need.files == 0 ? UNKNOWN_DISK : max64(GIB, sizing_with_overhead(need.files, percent));
}

int64_t sizing_output(struct sizing_need need, int64_t percent)
{
    return need.disk == 0 ? UNKNOWN_DISK : max64(GIB, sizing_with_overhead(need.disk, percent));
}

static int64_t design_of(struct sizing_need need, int64_t percent)
{
    if (need.disk == 0 && need.files == 0)
        return UNKNOWN_DISK;
    return max64(GIB, sizing_with_overhead(add(need.disk, need.files), percent));
}

/* The newest checkpoint's entry. Borrowed from the map. */
static const json_t *tip_entry(const json_t *entries, const json_t *ids)
{
    const char *tip = json_string_value(json_array_get(ids, json_array_size(ids) - 1));
    return tip ? json_object_get(entries, tip) : NULL;
}

json_t *sizing_claims(const json_t *index, const json_t *ids)
{
    AUTO(json) json_t *entries = chain_entries(index);
    json_t *claims = json_array(), *claim;
    size_t i;
    json_array_foreach(json_object_get(tip_entry(entries, ids), "pvcs"), i,
                       claim) if (i < DISKS_MAX && json_is_string(claim))
        json_array_append(claims, claim);
    return claims;
}

int64_t sizing_design(const json_t *index, const json_t *ids, const char *ns, const char *vm,
                      const json_t *requests, struct sizing_need own, int64_t percent)
{
    AUTO(json) json_t *entries = chain_entries(index);
    const json_t *tip = tip_entry(entries, ids), *file;
    int64_t most = design_of(own, percent);
    size_t i;
    json_array_foreach(json_object_get(tip, "files"), i, file)
    {
        AUTO(chain) struct chain chain = {0};
        const char *disk = json_str_or_empty(file, "diskName");
        const char *claim = json_string_value(json_array_get(json_object_get(tip, "pvcs"), i));
        int64_t request = claim ? json_integer_value(json_object_get(requests, claim)) : 0;
        if (i >= DISKS_MAX)
            break;
        /* Another disk's broken chain is that disk's own restore's problem. */
        if (!*disk || chain_resolve(index, ids, ns, vm, disk, &chain, NULL) < 0)
            continue;
        most = max64(most, design_of(sizing_need_of(index, ids, &chain, disk, request), percent));
    }
    return most;
}

int64_t sizing_after_retries(int64_t bytes, int64_t retries)
{
    for (; retries > 0; retries--)
        bytes = add(bytes, bytes / 2);
    return bytes;
}
