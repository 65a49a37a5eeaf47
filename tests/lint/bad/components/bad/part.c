#include "sim/world.h"
#include "sched/sched.h"
#include "runner/case.h"
#include "fixtures/chain.h"
#include "tests/unit/suite.h"
#include "base/yaml_priv.h"
#include "components/host.h"
/* FIXME(#12): an issue says what this waits for. FIXME: this one has none. */
