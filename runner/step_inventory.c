/* inventory: what has lost its counterpart, found and held against what is expected to be left. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "runner/saved.h"
#include "runner/verb.h"

static int by_text(const void *a, const void *b)
{
    const json_t *const *x = a, *const *y = b;

    return strcmp(json_string_value(*x), json_string_value(*y));
}

/* Of texts. New. */
static json_t *sorted(const json_t *texts)
{
    size_t count = json_array_size(texts);
    const json_t **items = mem_zalloc((count + 1) * sizeof *items);
    json_t *out = json_array();

    for (size_t i = 0; i < count; i++)
        items[i] = json_array_get(texts, i);
    qsort(items, count, sizeof *items, by_text);
    for (size_t i = 0; i < count; i++)
        json_array_append(out, (json_t *)(uintptr_t)items[i]);
    free(items);
    return out;
}

/* "WHAT: NAME" for each name of each list, sorted. New; NULL: *reterr is set. */
static json_t *found_in(const json_t *of, struct err *reterr)
{
    AUTO(json) json_t *out = json_array();
    const char *what;
    json_t *names, *name;
    size_t i;

    json_object_foreach((json_t *)(uintptr_t)of, what, names)
    {
        if (!json_is_array(names)) {
            err_set(reterr, ERR_INVALID, NO_POS, "of: '%s' must be a list of names", what);
            return NULL;
        }
        json_array_foreach(names, i, name)
        {
            AUTO(str) char *text = NULL;

            if (!json_is_string(name)) {
                err_set(reterr, ERR_INVALID, NO_POS, "of: '%s' must be a list of names", what);
                return NULL;
            }
            text = mem_printf("%s: %s", what, json_string_value(name));
            json_array_append_new(out, json_string(text));
        }
    }
    return sorted(out);
}

/* How often a text stands in a list. */
static size_t count_of(const json_t *list, const char *text)
{
    size_t count = 0, i;
    const json_t *item;

    json_array_foreach(list, i, item) count += strcmp(json_string_value(item), text) == 0;
    return count;
}

#define INDENT 2

/* What stands in `a` more often than in `b`, a line each. */
static void tell_more(struct strbuf *out, const json_t *a, const json_t *b, const char *as)
{
    size_t i;
    const json_t *item;

    json_array_foreach(a, i, item)
    {
        const char *text = json_string_value(item);

        if (count_of(a, text) > count_of(b, text))
            strbuf_addf(out, "%*s%s: %.400s\n", INDENT, "", as, text);
    }
}

static int judge(struct casework *cw, const struct step *step, const json_t *found,
                 const json_t *left)
{
    AUTO(strbuf) struct strbuf why = {0};
    size_t i;
    const json_t *item;

    json_array_foreach(left, i, item)
    {
        if (!json_is_string(item))
            return verdict(cw, RESULT_ERROR, "scenario", step->pos, NULL,
                           "inventory: 'left' must be a list of texts");
    }
    checked(cw, "the inventory lists what is left");
    tell_more(&why, found, left, "is left, and was not expected");
    tell_more(&why, left, found, "was expected, and is not left");
    if (why.len == 0)
        return 0;
    return verdict(cw, RESULT_FAILED, NULL, step->pos, strbuf_str(&why),
                   "the inventory is another than expected: %.*s",
                   (int)strcspn(strbuf_str(&why), "\n") - INDENT, strbuf_str(&why) + INDENT);
}

static int run_inventory(struct casework *cw, const struct step *step, struct frame *frame)
{
    struct eval e = case_eval(cw, frame);
    struct err err = {0};
    AUTO(json) json_t *args = tmpl_eval(step->args, &e, &err);
    AUTO(json) json_t *found = NULL;
    const char *save;

    if (!args || step_check_args(step, args, &err) < 0 ||
        !(found = found_in(json_object_get(args, "of"), &err)))
        return verdict_error(cw, "scenario", step->pos, &err);
    save = json_str(args, "save");
    if (save)
        saved_set(cw, step, frame, save, json_incref(found));
    if (cw->over)
        return -1;
    return json_object_get(args, "left") ? judge(cw, step, found, json_object_get(args, "left"))
                                         : 0;
}

/* ---- the verb ---- */

static bool check_inventory(struct parser *p, const struct yaml_node *value,
                            const struct scope *scope)
{
    const struct yaml_node *save = yaml_get(p->doc, value, "save");

    (void)scope;
    if (!save || !shape_has_hole(save))
        return true;
    diags_add(p->diags, DIAG_ERROR, save->pos,
              "save: the name of a variable stands in the file, without a hole");
    return false;
}

static const struct shape_key inventory_keys[] = {{"of", SHAPE_MAP_VALUE, true},
                                                  {"left", SHAPE_LIST_VALUE, false},
                                                  {"save", SHAPE_TEXT, false},
                                                  {NULL, SHAPE_ANY, false}};
static const struct shape_note inventory_notes[] = {
    {"of", NULL, "What can be left, in words, and the list of the names of what is."},
    {"left", NULL, "Exactly what is left, each as `WHAT: NAME`, in any order."},
    {"save", NULL, "The name of a variable for the sorted list of these texts."},
    {NULL, NULL, NULL}};
static const struct shape inventory_shape = {
    .what = "inventory", .keys = inventory_keys, .notes = inventory_notes};

const struct verb verb_inventory = {
    .name = "inventory",
    .value = "`{of: {WHAT: [NAME...]}, left: [\"WHAT: NAME\"...], save: NAME}`",
    .says = "lists what has lost its counterpart, and fails unless that is exactly what `left` "
            "says, see [Inventories](#inventories)",
    .shape = &inventory_shape,
    .check = check_inventory,
    .run = run_inventory,
};
