/* What the SSP resource shows of its operands. */
#ifndef VMCONFORM_COMPONENTS_SSP_OPERATOR_STATUS_H
#define VMCONFORM_COMPONENTS_SSP_OPERATOR_STATUS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* How the policies are, all together (section 3.1). */
struct ssp_health {
    bool unchecked; /* one has not been type-checked yet */
    bool warned;    /* an expression of one got a warning */
};
/* Adds a policy as the server has it. */
void ssp_health_note(struct ssp_health *h, const json_t *policy);
/* Writes phase and conditions; whether anything has changed. */
bool ssp_health_tell(const struct ssp_health *h, json_t *ssp, int64_t now_ns);

#endif
