#include "components/host.h"
#include "runner/case.h"
#include "kube/meta.h"
/* Who writes "did you mean" by hand is told. */
static const char hint[] = "did you mean %s?";
