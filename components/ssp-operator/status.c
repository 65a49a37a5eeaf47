#include "components/ssp-operator/status.h"

#include <string.h>

#include "base/json.h"
#include "kube/meta.h"

void ssp_health_note(struct ssp_health *h, const json_t *policy)
{
    const json_t *checked = json_path(policy, "status.typeChecking");
    if (!json_is_object(checked))
        h->unchecked = true;
    else if (json_array_size(json_object_get(checked, "expressionWarnings")) > 0)
        h->warned = true;
}

static bool set(json_t *ssp, const char *type, bool is, const char *reason, const char *message,
                int64_t now_ns)
{
    return meta_set_condition(ssp, type, is ? "True" : "False", reason, message, now_ns);
}

bool ssp_health_tell(const struct ssp_health *h, json_t *ssp, int64_t now_ns)
{
    bool ill = h->unchecked || h->warned;
    const char *reason = h->unchecked ? "TypeCheckingMissing"
                         : h->warned  ? "TypeCheckingWarnings"
                                      : "Deployed";
    const char *message = h->unchecked ? "a policy has not been type-checked yet"
                          : h->warned  ? "an expression of a policy has warnings"
                                       : "all operands are as they should be";
    const char *phase = h->unchecked ? "Deploying" : "Deployed";
    bool changed = set(ssp, "Available", !ill, reason, message, now_ns);
    changed = set(ssp, "Progressing", h->unchecked, reason, message, now_ns) || changed;
    changed = set(ssp, "Degraded", ill, reason, message, now_ns) || changed;
    if (strcmp(json_str_or_empty(ssp, "status.phase"), phase) != 0) {
        json_put_str(ssp, "status.phase", phase);
        changed = true;
    }
    if (json_int(ssp, "status.observedGeneration", 0) != meta_generation(ssp)) {
        json_put_take(ssp, "status.observedGeneration", json_integer(meta_generation(ssp)));
        changed = true;
    }
    return changed;
}
