/* See shapes.h. */
#include "runner/shapes.h"

#include <stddef.h>

#include "runner/scenario.h"

#define END                                                                                        \
    {                                                                                              \
        NULL, SHAPE_ANY, false                                                                     \
    }
#define REFERENCE                                                                                  \
    {"kind", SHAPE_TEXT, true}, {"name", SHAPE_TEXT, true}, {"namespace", SHAPE_TEXT, false},      \
    {                                                                                              \
        "cluster", SHAPE_TEXT, false                                                               \
    }

static const struct shape_key top_keys[] = {
    {"apiVersion", SHAPE_TEXT, true}, {"kind", SHAPE_TEXT, true}, {"metadata", SHAPE_MAP, true},
    {"spec", SHAPE_MAP, true},        {NULL, SHAPE_ANY, false},
};
static const struct shape_key metadata_keys[] = {
    {"name", SHAPE_TEXT, true}, {"labels", SHAPE_MAP, false}, {NULL, SHAPE_ANY, false}};
static const struct shape_key scenario_keys[] = {
    {"requirement", SHAPE_TEXTS, true}, {"description", SHAPE_TEXT, true},
    {"needs", SHAPE_TEXTS, false},      {"vars", SHAPE_MAP, false},
    {"matrix", SHAPE_MAP, false},       {"explore", SHAPE_ANY, false},
    {"given", SHAPE_LIST, false},       {"templates", SHAPE_MAP, false},
    {"steps", SHAPE_LIST, true},        {"always", SHAPE_LIST, false},
    {"never", SHAPE_LIST, false},       {"eventually", SHAPE_LIST, false},
    {"sometimes", SHAPE_LIST, false},   {"finally", SHAPE_LIST, false},
    {NULL, SHAPE_ANY, false},
};
static const struct shape_key fixture_keys[] = {
    {"description", SHAPE_TEXT, true}, {"params", SHAPE_MAP, false},  {"given", SHAPE_LIST, false},
    {"templates", SHAPE_MAP, false},   {"always", SHAPE_LIST, false}, {"never", SHAPE_LIST, false},
    {"eventually", SHAPE_LIST, false}, {NULL, SHAPE_ANY, false},
};
static const struct shape_key item_keys[] = {{"cluster", SHAPE_TEXT, false},
                                             {"kubevirt", SHAPE_TEXT, false},
                                             {"storage", SHAPE_TEXT, false},
                                             {"provisioner", SHAPE_MAP, false},
                                             {"objects", SHAPE_LIST_VALUE, false},
                                             {"withoutFields", SHAPE_MAP, false},
                                             {"chain", SHAPE_MAP, false},
                                             {"component", SHAPE_TEXT, false},
                                             {"duration", SHAPE_MAP, false},
                                             {"fixture", SHAPE_TEXT, false},
                                             {"steps", SHAPE_LIST, false},
                                             {"with", SHAPE_MAP_VALUE, false},
                                             END};
static const struct shape_key provisioner_keys[] = {
    {"hub", SHAPE_TEXT, true}, {"workload", SHAPE_TEXT, true}, END};
static const struct shape_key without_keys[] = {
    {"crd", SHAPE_TEXT, true}, {"fields", SHAPE_LIST_VALUE, true}, END};
static const struct shape_key duration_keys[] = {{"start", SHAPE_DURATION, false},
                                                 {"stop", SHAPE_DURATION, false},
                                                 {"snapshot", SHAPE_DURATION, false},
                                                 {"restore", SHAPE_DURATION, false},
                                                 END};
static const struct shape_key chain_keys[] = {{"name", SHAPE_TEXT, true},
                                              {"bucket", SHAPE_TEXT, false},
                                              {"prefix", SHAPE_TEXT, false},
                                              {"namespace", SHAPE_TEXT, true},
                                              {"vm", SHAPE_TEXT, true},
                                              {"backups", SHAPE_TEXT, false},
                                              {"disks", SHAPE_LIST_VALUE, true},
                                              {"clusterSize", SHAPE_QUANTITY, false},
                                              {"backing", SHAPE_TEXT, false},
                                              {"checkpoints", SHAPE_LIST_VALUE, true},
                                              {"repeat", SHAPE_MAP_VALUE, false},
                                              {"digests", SHAPE_BOOL, false},
                                              {"damage", SHAPE_LIST_VALUE, false},
                                              END};
static const struct shape_key disk_keys[] = {{"name", SHAPE_TEXT, true},
                                             {"pvc", SHAPE_TEXT, true},
                                             {"size", SHAPE_QUANTITY, true},
                                             {"pvcSize", SHAPE_QUANTITY, false},
                                             END};
static const struct shape_key checkpoint_keys[] = {{"name", SHAPE_TEXT, true},
                                                   {"write", SHAPE_LIST_VALUE, false},
                                                   {"discard", SHAPE_LIST_VALUE, false},
                                                   END};
static const struct shape_key extent_keys[] = {
    {"disk", SHAPE_TEXT, false}, {"first", SHAPE_INT, true}, {"blocks", SHAPE_INT, true}, END};
static const struct shape_key repeat_keys[] = {
    {"count", SHAPE_INT, true}, {"blocks", SHAPE_INT, false}, END};
static const struct shape_key damage_keys[] = {
    {"delete", SHAPE_TEXT, false},    {"truncate", SHAPE_TEXT, false},
    {"flip", SHAPE_TEXT, false},      {"parent", SHAPE_TEXT, false},
    {"duplicate", SHAPE_TEXT, false}, {"swap", SHAPE_TEXTS, false},
    {"backing", SHAPE_TEXT, false},   {"size", SHAPE_TEXT, false},
    {"bytes", SHAPE_QUANTITY, false}, {"fixSize", SHAPE_BOOL, false},
    {"offset", SHAPE_INT, false},     {"to", SHAPE_SCALAR, false},
    {"disk", SHAPE_TEXT, false},      END};
static const struct shape_key template_keys[] = {{"description", SHAPE_TEXT, false},
                                                 {"params", SHAPE_MAP, false},
                                                 {"steps", SHAPE_LIST, true},
                                                 END};
static const struct shape_key step_keys[] = {
    {"apply", SHAPE_ANY, false},    {"create", SHAPE_ANY, false},    {"patch", SHAPE_ANY, false},
    {"delete", SHAPE_ANY, false},   {"component", SHAPE_ANY, false}, {"crash", SHAPE_ANY, false},
    {"guest", SHAPE_ANY, false},    {"mark", SHAPE_ANY, false},      {"fault", SHAPE_ANY, false},
    {"link", SHAPE_ANY, false},     {"limit", SHAPE_ANY, false},     {"clock", SHAPE_ANY, false},
    {"settle", SHAPE_ANY, false},   {"wait", SHAPE_ANY, false},      {"assert", SHAPE_ANY, false},
    {"error", SHAPE_ANY, false},    {"use", SHAPE_ANY, false},       {"race", SHAPE_ANY, false},
    {"call", SHAPE_ANY, false},     {"name", SHAPE_TEXT, false},     {"when", SHAPE_EXPR, false},
    {"cluster", SHAPE_TEXT, false}, {"as", SHAPE_TEXT, false},       {"with", SHAPE_MAP, false},
    {"upon", SHAPE_MAP, false},     {"refused", SHAPE_MAP, false},   END};
static const struct shape_key refused_keys[] = {
    {"code", SHAPE_INT, false}, {"reason", SHAPE_TEXT, false}, {"message", SHAPE_TEXT, false}, END};
static const struct shape_key patch_keys[] = {REFERENCE,
                                              {"merge", SHAPE_MAP_VALUE, false},
                                              {"json", SHAPE_LIST_VALUE, false},
                                              {"subresource", SHAPE_TEXT, false},
                                              END};
static const struct shape_key delete_keys[] = {
    REFERENCE, {"propagation", SHAPE_TEXT, false}, {"missing", SHAPE_TEXT, false}, END};
static const struct shape_key component_keys[] = {{"start", SHAPE_TEXT, false},
                                                  {"stop", SHAPE_TEXT, false},
                                                  {"restart", SHAPE_TEXT, false},
                                                  {"with", SHAPE_MAP_VALUE, false},
                                                  END};
static const struct shape_key crash_keys[] = {
    {"component", SHAPE_TEXT, true}, {"restart", SHAPE_TEXT, false}, END};
static const struct shape_key guest_keys[] = {{"vm", SHAPE_TEXT, true},
                                              {"cluster", SHAPE_TEXT, false},
                                              {"write", SHAPE_MAP, false},
                                              {"discard", SHAPE_MAP, false},
                                              {"power", SHAPE_TEXT, false},
                                              {"agent", SHAPE_TEXT, false},
                                              END};
static const struct shape_key fault_keys[] = {
    {"name", SHAPE_TEXT, false},       {"point", SHAPE_TEXT, false},
    {"match", SHAPE_MAP_VALUE, false}, {"skip", SHAPE_INT, false},
    {"times", SHAPE_INT, false},       {"action", SHAPE_MAP_VALUE, false},
    {"clear", SHAPE_TEXT, false},      END};
static const struct shape_key link_keys[] = {
    {"cluster", SHAPE_TEXT, true}, {"up", SHAPE_BOOL, true}, END};
static const struct shape_key limit_keys[] = {{"claim", SHAPE_TEXT, true},
                                              {"bytes", SHAPE_QUANTITY, true},
                                              {"cluster", SHAPE_TEXT, false},
                                              END};
static const struct shape_key clock_keys[] = {{"advance", SHAPE_DURATION, true}, END};
static const struct shape_key settle_keys[] = {
    {"quiet", SHAPE_DURATION, false}, {"within", SHAPE_DURATION, false}, END};
static const struct shape_key condition_keys[] = {
    {"that", SHAPE_EXPR, false},    {"kind", SHAPE_TEXT, false},
    {"name", SHAPE_TEXT, false},    {"namespace", SHAPE_TEXT, false},
    {"cluster", SHAPE_TEXT, false}, {"has", SHAPE_MAP_VALUE, false},
    {"absent", SHAPE_BOOL, false},  {"disk", SHAPE_TEXT, false},
    {"equals", SHAPE_TEXT, false},  {"within", SHAPE_DURATION, false},
    {"for", SHAPE_DURATION, false}, {"message", SHAPE_TEXT, false},
    {NULL, SHAPE_ANY, false},
};
static const struct shape_key selector_keys[] = {
    {"event", SHAPE_TEXT, false},       {"request", SHAPE_TEXT, false},
    {"kind", SHAPE_TEXT, false},        {"name", SHAPE_TEXT, false},
    {"namespace", SHAPE_TEXT, false},   {"cluster", SHAPE_TEXT, false},
    {"subresource", SHAPE_TEXT, false}, {"by", SHAPE_TEXT, false},
    {"at", SHAPE_TEXT, false},          {"skip", SHAPE_INT, false},
    {"that", SHAPE_EXPR, false},        {"optional", SHAPE_BOOL, false},
    {NULL, SHAPE_ANY, false},
};
static const struct shape_key law_keys[] = {
    {"name", SHAPE_TEXT, true},         {"upon", SHAPE_MAP, false}, {"that", SHAPE_EXPR, false},
    {"requirement", SHAPE_TEXT, false}, {NULL, SHAPE_ANY, false},
};
const struct shape shape_file = {"file", top_keys, NULL};
const struct shape shape_metadata = {"metadata", metadata_keys, NULL};
const struct shape shape_scenario = {"scenario", scenario_keys, NULL};
const struct shape shape_fixture = {"fixture", fixture_keys, NULL};
const struct shape shape_given = {"given", item_keys, NULL};
const struct shape shape_provisioner = {"provisioner", provisioner_keys, NULL};
const struct shape shape_without_fields = {"withoutFields", without_keys, NULL};
const struct shape shape_duration = {"duration", duration_keys, NULL};
const struct shape shape_chain = {"chain", chain_keys, NULL};
const struct shape shape_disk = {"disk", disk_keys, NULL};
const struct shape shape_checkpoint = {"checkpoint", checkpoint_keys, NULL};
const struct shape shape_extent = {"extent", extent_keys, NULL};
const struct shape shape_repeat = {"repeat", repeat_keys, NULL};
static const char *const damage_forms[] = {"delete", "truncate", "flip", "parent", "duplicate",
                                           "swap",   "backing",  "size", NULL};
const struct shape shape_damage = {"damage", damage_keys, damage_forms};
const struct shape shape_template = {"template", template_keys, NULL};
const struct shape shape_step = {"step", step_keys, verb_names};
const struct shape shape_refused = {"refused", refused_keys, NULL};
static const char *const patch_forms[] = {"merge", "json", NULL};
const struct shape shape_patch = {"patch", patch_keys, patch_forms};
const struct shape shape_delete = {"delete", delete_keys, NULL};
static const char *const component_forms[] = {"start", "stop", "restart", NULL};
const struct shape shape_component = {"component", component_keys, component_forms};
const struct shape shape_crash = {"crash", crash_keys, NULL};
static const char *const guest_forms[] = {"write", "discard", "power", "agent", NULL};
const struct shape shape_guest = {"guest", guest_keys, guest_forms};
static const char *const fault_forms[] = {"action", "clear", NULL};
const struct shape shape_fault = {"fault", fault_keys, fault_forms};
const struct shape shape_link = {"link", link_keys, NULL};
const struct shape shape_limit = {"limit", limit_keys, NULL};
const struct shape shape_clock = {"clock", clock_keys, NULL};
const struct shape shape_settle = {"settle", settle_keys, NULL};
const struct shape shape_condition = {"condition", condition_keys, NULL};
const struct shape shape_upon = {"upon", selector_keys, NULL};
const struct shape shape_law = {"law", law_keys, NULL};

/* The value of each verb; the others take a manifest, a condition or a name. */
static const struct shape *const verb_shapes[VERB_COUNT] = {
    [VERB_PATCH] = &shape_patch,         [VERB_DELETE] = &shape_delete,
    [VERB_COMPONENT] = &shape_component, [VERB_CRASH] = &shape_crash,
    [VERB_GUEST] = &shape_guest,         [VERB_FAULT] = &shape_fault,
    [VERB_LINK] = &shape_link,           [VERB_LIMIT] = &shape_limit,
    [VERB_CLOCK] = &shape_clock,         [VERB_SETTLE] = &shape_settle,
};

const struct shape *shape_of_verb(enum verb v)
{
    return verb_shapes[v];
}

const struct shape *const shapes_all[] = {&shape_file,
                                          &shape_metadata,
                                          &shape_scenario,
                                          &shape_fixture,
                                          &shape_given,
                                          &shape_provisioner,
                                          &shape_without_fields,
                                          &shape_duration,
                                          &shape_chain,
                                          &shape_disk,
                                          &shape_checkpoint,
                                          &shape_extent,
                                          &shape_repeat,
                                          &shape_damage,
                                          &shape_template,
                                          &shape_step,
                                          &shape_refused,
                                          &shape_patch,
                                          &shape_delete,
                                          &shape_component,
                                          &shape_crash,
                                          &shape_guest,
                                          &shape_fault,
                                          &shape_link,
                                          &shape_limit,
                                          &shape_clock,
                                          &shape_settle,
                                          &shape_condition,
                                          &shape_upon,
                                          &shape_law,
                                          NULL};
