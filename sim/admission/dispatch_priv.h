/* A request against all active policies. */
#ifndef VMCONFORM_SIM_ADMISSION_DISPATCH_PRIV_H
#define VMCONFORM_SIM_ADMISSION_DISPATCH_PRIV_H

#include "kube/api.h"
#include "sim/admission/admission_priv.h"
#include "sim/admission/review_priv.h"

/* 0, or -1 with the Status of the first denial; warnings go into *ret either way. */
int dispatch(struct admission *a, struct review *r, struct api_response *ret);

#endif
