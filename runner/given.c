/* All items of the given. Each is a line of given.list or of sim/parts/parts.list, and nothing
 * else. */
#include "runner/given.h"

static int stage_part(struct casework *cw, const struct staging *s, struct err *reterr)
{
    struct cluster *c = find_cluster(cw, json_string_value(s->args), s->given->pos, reterr);

    return c ? s->given->item->part->start(c, reterr) : -1;
}

#define PART(name_, file)                                                                          \
    static const struct given_item item_##name_ = {                                                \
        .name = #name_, .type = SHAPE_TEXT, .stage = stage_part, .part = &part_##name_};
#include "sim/parts/parts.list"
#undef PART

const struct given_item *const given_items[] = {
    &given_cluster,
#define PART(name, file) &item_##name,
#include "sim/parts/parts.list"
#undef PART
#define GIVEN(name, file) &given_##name,
#include "runner/given.list"
#undef GIVEN
    NULL,
};

const char *const given_forms[] = {
#define PART(name, file) #name,
#include "sim/parts/parts.list"
#undef PART
#define GIVEN(name, file) #name,
#include "runner/given.list"
#undef GIVEN
    NULL,
};

static const struct shape_key given_keys[] = {
    {"cluster", SHAPE_TEXT, false},
#define PART(name, file) {#name, SHAPE_TEXT, false},
#include "sim/parts/parts.list"
#undef PART
/* given_check() knows their types. */
#define GIVEN(name, file) {#name, SHAPE_ANY, false},
#include "runner/given.list"
#undef GIVEN
    {"with", SHAPE_MAP_VALUE, false},
    {NULL, SHAPE_ANY, false},
};
const struct shape shape_given = {.what = "given", .keys = given_keys};

bool given_check(const struct yaml_doc *doc, const struct yaml_node *node, struct diags *diags)
{
    struct shape_key keys[ARRAY_LEN(given_keys)];

    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        keys[i] = given_keys[i];
    for (size_t i = 0; given_items[i]; i++)
        keys[i].type = given_items[i]->type;
    const struct shape shape = {.what = shape_given.what, .keys = keys};

    return shape_check(doc, node, &shape, shape.what, diags);
}
