#include "components/kubevirt-datamover/engine.h"

#include <string.h>

#include "base/cleanup.h"

const struct engine *engine_find(const char *name, struct err *reterr)
{
    static const struct engine *const engines[] = {&engine_qemu_img, &engine_native};
    const char *names[ARRAY_LEN(engines)];
    for (size_t i = 0; i < ARRAY_LEN(engines); i++) {
        names[i] = engines[i]->name;
        if (strcmp(names[i], name) == 0)
            return engines[i];
    }
    err_set(reterr, ERR_INVALID, NO_POS, "there is no engine '%s', only %s and %s", name, names[0],
            names[1]);
    err_suggest(reterr, name, names, ARRAY_LEN(names), NULL);
    return NULL;
}
