#include "components/host.h"
