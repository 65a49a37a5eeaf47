#include "components/osac-operator/version.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"

bool osac_version_parse(const char *text, enum operator_version *ret)
{
    static const char *const names[] = {[OPERATOR_1_0] = "1.0", [OPERATOR_1_1] = "1.1"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(names[i], text) == 0) {
            *ret = (enum operator_version)i;
            return true;
        }
    return false;
}

json_t *osac_version_view(enum operator_version v, json_t *object)
{
    static const char *const later[] = {"spec.restoreFromSnapshot", "spec.restoreRequestedAt",
                                        "status.lastRestoredAt"};
    if (v >= OPERATOR_1_1)
        return object;
    json_t *seen = json_copy_of(object);
    for (size_t i = 0; i < ARRAY_LEN(later); i++)
        json_drop(seen, later[i]);
    json_decref(object);
    return seen;
}
