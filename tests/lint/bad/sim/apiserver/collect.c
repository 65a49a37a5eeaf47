#include "sim/apiserver/apiserver.h"
#include "sim/crds/crds.h"
#include "sim/world.h"
#include "sim/controllermanager/controllermanager.h"
