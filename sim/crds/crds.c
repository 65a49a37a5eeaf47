#include "sim/crds/crds.h"

#include <assert.h>

#include "base/yaml.h"
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
    __attribute__((cleanup(cleanup_diags))) struct diags diags = {0};
    AUTO(yaml)
    struct yaml_doc *doc = yaml_parse((const char *)crds_embedded[i].text, crds_embedded[i].len,
                                      crds_embedded[i].name, &diags);
    if (doc)
        return yaml_to_json(doc, yaml_node(doc, 0));
    assert(diags.count > 0);
    const struct err *first = &diags.items[0].err;
    err_set(reterr, first->code, first->pos, "%s", first->msg);
    return NULL;
}
