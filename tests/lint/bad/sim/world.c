#include "components/host.h"
#include "runner/case.h"
#include "kube/meta.h"
