#include "sim/client.h"
#include "sim/kubevirt/kubevirt.h"
