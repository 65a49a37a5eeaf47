/* The JSON Schema of scenarios. What verbs and items of the given hold comes from their tables;
 * what is the same whoever adds to them (conditions, laws, the file itself) is told by the schema
 * that this one is made from. */
#include "runner/grammar.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "runner/given.h"
#include "runner/verb.h"

static json_t *ref(const char *definition)
{
    AUTO(str) char *path = mem_printf("#/$defs/%s", definition);

    return json_pack("{s:s}", "$ref", path);
}

static json_t *typed(const char *type)
{
    return json_pack("{s:s}", "type", type);
}

static const char *definition_of(const struct shape *s)
{
    return s->definition ? s->definition : s->what;
}

static json_t *or_hole(json_t *take)
{
    return json_pack("{s:[o, o]}", "anyOf", take, ref("hole"));
}

/* of: what a map or the maps of a list hold; NULL: anything. */
static json_t *of_type(enum shape_type type, const struct shape *of)
{
    switch (type) {
    case SHAPE_ANY:
        return json_object();
    case SHAPE_TEXT:
        return typed("string");
    case SHAPE_NAME:
        return ref("label");
    case SHAPE_BOOL:
        return ref("bool");
    case SHAPE_INT:
        return ref("integer");
    case SHAPE_DURATION:
        return ref("duration");
    case SHAPE_QUANTITY:
        return ref("quantity");
    case SHAPE_EXPR:
        return ref("expression");
    case SHAPE_MAP:
        return of ? ref(definition_of(of)) : typed("object");
    case SHAPE_LIST:
        return of ? json_pack("{s:s, s:o}", "type", "array", "items", ref(definition_of(of)))
                  : typed("array");
    case SHAPE_MAP_VALUE:
        return of ? or_hole(ref(definition_of(of))) : ref("map");
    case SHAPE_LIST_VALUE:
        return of ? or_hole(of_type(SHAPE_LIST, of)) : ref("list");
    case SHAPE_TEXTS:
        return json_pack("{s:s, s:{s:s}}", "type", "array", "items", "type", "string");
    case SHAPE_SCALAR:
        return json_pack("{s:[s, s, s]}", "type", "string", "number", "boolean");
    }
    return NULL;
}

static void describe(json_t *v, const char *says)
{
    if (says)
        json_object_set_new(v, "description", json_string(says));
}

static const struct shape_note *note_of(const struct shape *s, const char *key)
{
    for (const struct shape_note *n = s->notes; n && n->key; n++)
        if (strcmp(n->key, key) == 0)
            return n;
    return NULL;
}

static json_t *required(const char *key)
{
    return json_pack("{s:[s]}", "required", key);
}

static json_t *of_shape(const struct shape *s)
{
    json_t *properties = json_object(), *needed = json_array(), *forms = json_array();
    json_t *v = json_pack("{s:s, s:o, s:b}", "type", "object", "properties", properties,
                          "additionalProperties", false);

    for (const struct shape_key *k = s->keys; k->key; k++) {
        const struct shape_note *note = note_of(s, k->key);
        json_t *member = of_type(k->type, note ? note->of : NULL);

        describe(member, note ? note->says : NULL);
        json_object_set_new(properties, k->key, member);
        if (k->required)
            json_array_append_new(needed, json_string(k->key));
    }
    for (size_t i = 0; s->one_of && s->one_of[i]; i++)
        json_array_append_new(forms, required(s->one_of[i]));
    if (json_array_size(needed))
        json_object_set(v, "required", needed);
    if (json_array_size(forms))
        json_object_set(v, "oneOf", forms);
    json_decref(needed);
    json_decref(forms);
    return v;
}

/* The shape and those inside it; tables are finite and hold no loop. */
static void define(json_t *defs, const struct shape *s)
{
    json_object_set_new(defs, definition_of(s), of_shape(s));
    for (const struct shape_note *n = s->notes; n && n->key; n++)
        if (n->of)
            define(defs, n->of);
}

/* ---- steps ---- */

static json_t *value_of_verb(const struct verb *v)
{
    json_t *s = NULL;

    switch (v->takes) {
    case VERB_OWN:
        s = ref(v->name); /* told by the schema that this one is made from */
        break;
    case VERB_MAP:
        s = ref(definition_of(v->shape));
        break;
    case VERB_TEXT:
        s = typed("string");
        break;
    case VERB_TEXT_OR_MAP:
        s = json_pack("{s:[o, o]}", "anyOf", typed("string"), ref(definition_of(v->shape)));
        break;
    case VERB_MANIFESTS:
        s = ref("manifests");
        break;
    case VERB_CONDITION:
        s = ref("condition");
        break;
    }
    describe(s, v->says);
    return s;
}

/* Appends `theirs[key]` of the shape's keys from `i` on. */
static void keep_others(json_t *properties, const struct shape *s, size_t i, const json_t *theirs)
{
    for (; s->keys[i].key; i++) {
        json_t *kept = json_object_get(theirs, s->keys[i].key);

        json_object_set_new(properties, s->keys[i].key,
                            kept ? json_incref(kept) : of_type(s->keys[i].type, NULL));
    }
}

static void put_points(json_t *defs)
{
    json_t *properties = json_object_get(json_object_get(defs, "fault"), "properties");
    json_t *names = json_array();

    for (size_t i = 0; i < fault_point_count; i++)
        json_array_append_new(names, json_string(fault_points[i]->name));
    json_object_set_new(properties, "point", or_hole(json_pack("{s:o}", "enum", names)));
}

static void put_steps(json_t *defs)
{
    json_t *step = json_object_get(defs, "step");
    json_t *rules = json_object_get(step, "dependentSchemas");
    json_t *properties = json_object(), *forms = json_array();
    json_t *writes = json_array(), *unarmed = json_array();
    size_t count = 0;

    for (; verbs_all[count]; count++) {
        const struct verb *v = verbs_all[count];

        json_object_set_new(properties, v->name, value_of_verb(v));
        json_array_append_new(forms, required(v->name));
        if (v->writes)
            json_array_append_new(writes, required(v->name));
        if (v->waits || v->unarmed)
            json_array_append_new(unarmed, required(v->name));
        if (v->shape)
            define(defs, v->shape);
    }
    put_points(defs);
    keep_others(properties, &shape_step, count, json_object_get(step, "properties"));
    json_object_set_new(step, "properties", properties);
    json_object_set_new(step, "oneOf", forms);
    json_object_set_new(rules, "refused", json_pack("{s:O}", "anyOf", writes));
    json_object_set_new(rules, "accepted", json_pack("{s:O}", "anyOf", writes));
    json_object_set_new(rules, "warned", json_pack("{s:o}", "anyOf", writes));
    json_object_set_new(rules, "upon", json_pack("{s:{s:o}}", "not", "anyOf", unarmed));
}

/* ---- the given ---- */

/* An item without a shape may have more to it than its type (a list of manifests): that stays. */
static json_t *value_of_item(const struct given_item *g, json_t *theirs)
{
    json_t *s;

    if (!g->shape && theirs)
        return json_incref(theirs);
    s = g->shape ? ref(definition_of(g->shape)) : of_type(g->type, NULL);
    describe(s, g->part ? g->part->says : g->says);
    return s;
}

static void put_given(json_t *defs)
{
    json_t *given = json_object_get(defs, "given"), *theirs = json_object_get(given, "properties");
    json_t *properties = json_object(), *forms = json_array(), *others = json_array();
    size_t count = 0;

    for (; given_items[count]; count++) {
        const struct given_item *g = given_items[count];

        json_object_set_new(properties, g->name,
                            value_of_item(g, json_object_get(theirs, g->name)));
        if (count > 0) {
            json_array_append_new(forms, required(g->name));
            json_array_append_new(others, required(g->name));
        }
        if (g->shape)
            define(defs, g->shape);
    }
    keep_others(properties, &shape_given, count, theirs);
    json_object_set_new(given, "properties", properties);
    /* `cluster` is an item of its own when no other stands there. */
    json_array_append_new(
        forms, json_pack("{s:[s], s:{s:o}}", "required", "cluster", "not", "anyOf", others));
    json_object_set_new(given, "oneOf", forms);
}

json_t *grammar_schema(const json_t *base, struct err *reterr)
{
    AUTO(json) json_t *all = json_copy_of(base);
    json_t *defs = json_object_get(all, "$defs");

    if (!json_is_object(json_object_get(json_object_get(defs, "step"), "dependentSchemas")) ||
        !json_is_object(json_object_get(defs, "given"))) {
        err_set(reterr, ERR_INVALID, NO_POS, "this is no schema of scenarios");
        return NULL;
    }
    put_steps(defs);
    put_given(defs);
    return TAKE(all);
}
