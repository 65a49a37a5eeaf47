/* See shapes.h. */
#include "runner/shapes.h"

#include <stddef.h>

#include "runner/given.h"
#include "runner/verb.h"

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
                                              {"diskTypes", SHAPE_BOOL, false},
                                              {"compression", SHAPE_TEXT, false},
                                              {"extendedL2", SHAPE_BOOL, false},
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
                                                   {"grow", SHAPE_LIST_VALUE, false},
                                                   {"disks", SHAPE_TEXTS, false},
                                                   {"full", SHAPE_TEXTS, false},
                                                   END};
static const struct shape_key extent_keys[] = {
    {"disk", SHAPE_TEXT, false}, {"first", SHAPE_INT, true}, {"blocks", SHAPE_INT, true}, END};
static const struct shape_key growth_keys[] = {
    {"disk", SHAPE_TEXT, false}, {"to", SHAPE_QUANTITY, true}, END};
static const struct shape_key repeat_keys[] = {
    {"count", SHAPE_INT, true}, {"blocks", SHAPE_INT, false}, END};
static const struct shape_key damage_keys[] = {
    {"delete", SHAPE_TEXT, false},     {"truncate", SHAPE_TEXT, false},
    {"flip", SHAPE_TEXT, false},       {"parent", SHAPE_TEXT, false},
    {"duplicate", SHAPE_TEXT, false},  {"swap", SHAPE_TEXTS, false},
    {"backing", SHAPE_TEXT, false},    {"size", SHAPE_TEXT, false},
    {"defect", SHAPE_TEXT, false},     {"dataFile", SHAPE_TEXT, false},
    {"luks", SHAPE_TEXT, false},       {"raw", SHAPE_TEXT, false},
    {"type", SHAPE_TEXT, false},       {"duplicateEntry", SHAPE_TEXT, false},
    {"forget", SHAPE_TEXT, false},     {"objectPath", SHAPE_TEXT, false},
    {"filename", SHAPE_TEXT, false},   {"pad", SHAPE_TEXT, false},
    {"skip", SHAPE_TEXT, false},       {"empty", SHAPE_TEXT, false},
    {"bytes", SHAPE_QUANTITY, false},  {"fixSize", SHAPE_BOOL, false},
    {"offset", SHAPE_INT, false},      {"to", SHAPE_SCALAR, false},
    {"disk", SHAPE_TEXT, false},       {"entry", SHAPE_TEXT, false},
    {"manifest", SHAPE_TEXT, false},   {"merge", SHAPE_MAP_VALUE, false},
    {"json", SHAPE_LIST_VALUE, false}, END};
static const struct shape_key template_keys[] = {{"description", SHAPE_TEXT, false},
                                                 {"params", SHAPE_MAP, false},
                                                 {"steps", SHAPE_LIST, true},
                                                 END};
static const struct shape_key refused_keys[] = {{"code", SHAPE_INT, false},
                                                {"reason", SHAPE_TEXT, false},
                                                {"message", SHAPE_TEXT, false},
                                                {"details", SHAPE_MAP_VALUE, false},
                                                END};
static const struct shape_key condition_keys[] = {
    {"that", SHAPE_EXPR, false},       {"kind", SHAPE_TEXT, false},
    {"name", SHAPE_TEXT, false},       {"namespace", SHAPE_TEXT, false},
    {"cluster", SHAPE_TEXT, false},    {"has", SHAPE_MAP_VALUE, false},
    {"absent", SHAPE_BOOL, false},     {"disk", SHAPE_TEXT, false},
    {"equals", SHAPE_TEXT, false},     {"within", SHAPE_DURATION, false},
    {"for", SHAPE_DURATION, false},    {"message", SHAPE_TEXT, false},
    {"afterCrash", SHAPE_TEXT, false}, {NULL, SHAPE_ANY, false},
};
static const struct shape_key selector_keys[] = {
    {"event", SHAPE_TEXT, false},       {"request", SHAPE_TEXT, false},
    {"kind", SHAPE_TEXT, false},        {"name", SHAPE_TEXT, false},
    {"namespace", SHAPE_TEXT, false},   {"cluster", SHAPE_TEXT, false},
    {"subresource", SHAPE_TEXT, false}, {"by", SHAPE_TEXT, false},
    {"at", SHAPE_TEXT, false},          {"skip", SHAPE_INT, false},
    {"that", SHAPE_EXPR, false},        {"optional", SHAPE_BOOL, false},
    {"call", SHAPE_TEXT, false},        {"service", SHAPE_TEXT, false},
    {"path", SHAPE_TEXT, false},        {NULL, SHAPE_ANY, false},
};
static const struct shape_key law_keys[] = {
    {"name", SHAPE_TEXT, true},         {"upon", SHAPE_MAP, false}, {"that", SHAPE_EXPR, false},
    {"requirement", SHAPE_TEXT, false}, {NULL, SHAPE_ANY, false},
};
const struct shape shape_file = {.what = "file", .keys = top_keys};
const struct shape shape_metadata = {.what = "metadata", .keys = metadata_keys};
const struct shape shape_scenario = {.what = "scenario", .keys = scenario_keys};
const struct shape shape_fixture = {.what = "fixture", .keys = fixture_keys};
static const struct shape_note chain_notes[] = {{"disks", &shape_disk, NULL},
                                                {"checkpoints", &shape_checkpoint, NULL},
                                                {"repeat", &shape_repeat, NULL},
                                                {"damage", &shape_damage, NULL},
                                                {"backing", NULL, "recorded or none."},
                                                {"compression", NULL, "none, deflate or zstd."},
                                                {NULL, NULL, NULL}};
const struct shape shape_chain = {.what = "chain", .keys = chain_keys, .notes = chain_notes};
const struct shape shape_disk = {.what = "disk", .keys = disk_keys};
static const struct shape_note checkpoint_notes[] = {
    {"write", &shape_extent, NULL},
    {"discard", &shape_extent, NULL},
    {"grow", &shape_growth, NULL},
    {"disks", NULL, "Those that the VM has; all when not given."},
    {"full", NULL, "Disks whose file is full though the checkpoint is not."},
    {NULL, NULL, NULL}};
const struct shape shape_checkpoint = {
    .what = "checkpoint", .keys = checkpoint_keys, .notes = checkpoint_notes};
static const struct shape_note extent_notes[] = {{"first", NULL, "Block of 4 KiB."},
                                                 {NULL, NULL, NULL}};
const struct shape shape_extent = {.what = "extent", .keys = extent_keys, .notes = extent_notes};
const struct shape shape_growth = {.what = "growth", .keys = growth_keys};
const struct shape shape_repeat = {.what = "repeat", .keys = repeat_keys};
static const char *const damage_forms[] = {
    "delete",  "truncate",       "flip",   "parent",     "duplicate", "swap",
    "backing", "size",           "defect", "dataFile",   "luks",      "raw",
    "type",    "duplicateEntry", "forget", "objectPath", "filename",  "pad",
    "skip",    "empty",          "entry",  "manifest",   NULL};
const struct shape shape_damage = {.what = "damage", .keys = damage_keys, .one_of = damage_forms};
const struct shape shape_template = {.what = "template", .keys = template_keys};
const struct shape shape_refused = {.what = "refused", .keys = refused_keys};
const struct shape shape_condition = {.what = "condition", .keys = condition_keys};
const struct shape shape_upon = {.what = "upon", .keys = selector_keys};
const struct shape shape_law = {.what = "law", .keys = law_keys};

/* Those that belong to no verb and to no item of the given. */
static const struct shape *const fixed[] = {
    &shape_file,   &shape_metadata,   &shape_scenario, &shape_fixture, &shape_given,
    &shape_disk,   &shape_checkpoint, &shape_extent,   &shape_growth,  &shape_repeat,
    &shape_damage, &shape_template,   &shape_step,     &shape_refused, &shape_condition,
    &shape_upon,   &shape_law,
};

const struct shape *shape_at(size_t i)
{
    if (i < ARRAY_LEN(fixed))
        return fixed[i];
    i -= ARRAY_LEN(fixed);
    for (const struct verb *const *v = verbs_all; *v; v++)
        if ((*v)->shape && i-- == 0)
            return (*v)->shape;
    for (const struct given_item *const *g = given_items; *g; g++)
        if ((*g)->shape && i-- == 0)
            return (*g)->shape;
    return NULL;
}
