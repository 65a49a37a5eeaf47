#include "sim/crds/crds.h"

#include <assert.h>

#include "base/json.h"
#include "sim/crds/embedded.h"

size_t crds_count(void)
{
    return crds_embedded_count;
}

const char *crds_name(size_t i)
{
    assert(i < crds_embedded_count);
    return crds_embedded[i].name;
}

json_t *crds_json(size_t i, struct err *reterr)
{
    assert(i < crds_embedded_count);
    return json_read((const char *)crds_embedded[i].text, crds_embedded[i].len,
                     crds_embedded[i].name, reterr);
}
