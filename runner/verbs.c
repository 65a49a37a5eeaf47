/* All verbs. Each is a line of verbs.list, and nothing else. */
#include "base/cleanup.h"
#include "runner/verb.h"

const struct verb *const verbs_all[] = {
#define VERB(name, file) &verb_##name,
#include "runner/verbs.list"
#undef VERB
    NULL,
};

const char *const verb_names[] = {
#define VERB(name, file) #name,
#include "runner/verbs.list"
#undef VERB
    NULL,
};

static const struct shape_key step_keys[] = {
#define VERB(name, file) {#name, SHAPE_ANY, false},
#include "runner/verbs.list"
#undef VERB
    {"name", SHAPE_TEXT, false},   {"when", SHAPE_EXPR, false},    {"cluster", SHAPE_TEXT, false},
    {"as", SHAPE_TEXT, false},     {"with", SHAPE_MAP, false},     {"upon", SHAPE_MAP, false},
    {"refused", SHAPE_MAP, false}, {"warned", SHAPE_TEXTS, false}, {"accepted", SHAPE_BOOL, false},
    {NULL, SHAPE_ANY, false},
};
const struct shape shape_step = {.what = "step", .keys = step_keys, .one_of = verb_names};
