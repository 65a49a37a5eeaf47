/* Any JSON as a VM's index: it is refused, or a deletion leaves what the invariants say, and a
 * second one finds nothing to do. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "components/bsl/index.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool refers(const json_t *entry, const char *backup)
{
    size_t i;
    const json_t *name;
    json_array_foreach(json_object_get(entry, "referencedBy"), i,
                       name) if (strcmp(json_string_value(name), backup) == 0) return true;
    return false;
}

/* What a checkpoint is based on is referenced by all that need the checkpoint, and is there. */
static void check_chain(const json_t *index, const json_t *entry)
{
    AUTO(json) json_t *chain = index_chain(index, index_text(entry, "id"));
    size_t i, j;
    const json_t *id, *name;
    assert(json_array_size(chain) <= json_array_size(json_object_get(index, "checkpoints")));
    json_array_foreach(chain, i, id)
    {
        const json_t *ancestor = index_find(index, json_string_value(id));
        assert(ancestor);
        json_array_foreach(json_object_get(entry, "referencedBy"), j, name)
            assert(refers(ancestor, json_string_value(name)));
    }
}

static void check_entries(const json_t *index, bool only_lost)
{
    size_t i;
    const json_t *entry;
    json_array_foreach(json_object_get(index, "checkpoints"), i, entry)
    {
        if (!json_is_object(entry))
            continue;
        assert(!refers(entry, "b1") && !refers(entry, ""));
        assert(only_lost || json_array_size(json_object_get(entry, "referencedBy")) > 0);
        check_chain(index, entry);
    }
}

static void forget(const json_t *index, bool only_lost)
{
    AUTO(json) json_t *copy = json_copy_of(index);
    index_forget(copy, "b1", only_lost);
    check_entries(copy, only_lost);
    assert(!index_forget(copy, "b1", only_lost));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = {0};

    json_init();
    AUTO(json) json_t *index = json_read((const char *)data, size, "input", &e);
    err_clear(&e);
    if (!json_is_object(index))
        return 0;
    if (index_normalise(index, "ns", "vm", &e) < 0) {
        assert(err_pending(&e));
        err_clear(&e);
        return 0;
    }
    forget(index, true);
    forget(index, false);
    return 0;
}
