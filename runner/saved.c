/* See saved.h. */
#include "runner/saved.h"

#include <string.h>

#include "base/mem.h"

#define DEPTH_MAX 4 /* of lists of steps inside steps */

/* ---- in the file ---- */

bool saved_is(const struct unit *u, const char *name)
{
    for (size_t i = 0; i < u->saved_count; i++)
        if (strcmp(u->saved[i], name) == 0)
            return true;
    return false;
}

static bool declare(struct parser *p, const struct yaml_node *name)
{
    struct unit *u = p->unit;

    if (name->type != YAML_STRING || saved_is(u, name->text))
        return true; /* the shape of the step tells of the first */
    if (scope_find(u->scope, name->text) >= 0) {
        diags_add(p->diags, DIAG_ERROR, name->pos, "save: the name '%s' is taken", name->text);
        return false;
    }
    if (!legal_variable(name->text)) {
        diags_add(p->diags, DIAG_ERROR, name->pos,
                  "save: '%s' cannot be the name of a variable: letters, digits and '_' only",
                  name->text);
        return false;
    }
    if (u->scope->count >= SCOPE_NAMES_MAX) {
        diags_add(p->diags, DIAG_ERROR, name->pos,
                  "more than %d names: the variables and the saved answers of the file",
                  SCOPE_NAMES_MAX - SCOPE_FIRST);
        return false;
    }
    u->saved = mem_reallocarray(u->saved, u->saved_count + 1, sizeof *u->saved);
    u->saved[u->saved_count++] = mem_strdup(name->text);
    scope_add(u->scope, name->text);
    return true;
}

/* The name that a verb's value saves under; NULL: none. */
static const struct yaml_node *saved_by(struct parser *p, const struct yaml_node *value)
{
    return value && value->type == YAML_MAP ? yaml_get(p->doc, value, "save") : NULL;
}

static bool declare_list(struct parser *p, const struct yaml_node *steps, unsigned depth)
{
    const struct yaml_node *n, *m;
    bool ok = true;

    if (!steps || steps->type != YAML_SEQ || depth > DEPTH_MAX)
        return true;
    for (n = yaml_first(p->doc, steps); n; n = yaml_next(p->doc, n)) {
        const struct yaml_node *call = n->type == YAML_MAP ? yaml_get(p->doc, n, "call") : NULL;
        const struct yaml_node *race = n->type == YAML_MAP ? yaml_get(p->doc, n, "race") : NULL;
        const struct yaml_node *save = saved_by(p, call);
        const struct yaml_node *left =
            saved_by(p, n->type == YAML_MAP ? yaml_get(p->doc, n, "inventory") : NULL);

        ok = (!save || declare(p, save)) && (!left || declare(p, left)) && ok;
        if (!race || race->type != YAML_MAP)
            continue;
        for (m = yaml_first(p->doc, race); m; m = yaml_next(p->doc, m))
            ok = declare_list(p, m, depth + 1) && ok;
    }
    return ok;
}

bool saved_declare(struct parser *p, const struct yaml_node *steps)
{
    return declare_list(p, steps, 0);
}

/* ---- in a run ---- */

void saved_begin(const struct unit *u, struct frame *frame)
{
    for (size_t i = 0; i < u->saved_count; i++)
        frame_set_take(frame, scope_find(u->scope, u->saved[i]), json_null());
}

/* The file that the step stands in, as it is included. */
static struct inclusion *home_of(struct casework *cw, const struct step *step)
{
    if (strcmp(cw->home->unit->path, step->pos.file) == 0)
        return cw->home;
    for (size_t i = 0; i < cw->inclusion_count; i++)
        if (strcmp(cw->inclusions[i]->unit->path, step->pos.file) == 0)
            return cw->inclusions[i];
    return cw->home;
}

static void set(struct frame *frame, const char *name, json_t *value)
{
    int index = scope_find(frame->scope, name);

    if (index >= 0)
        frame_set_take(frame, index, json_incref(value));
}

void saved_set(struct casework *cw, const struct step *step, struct frame *frame, const char *name,
               json_t *value)
{
    struct inclusion *home = home_of(cw, step);

    set(frame, name, value);
    if (home->frame != frame)
        set(home->frame, name, value);
    json_decref(value);
    look_at_sometimes(cw);
}

void saved_refresh(struct casework *cw, const struct step *step, struct frame *frame)
{
    const struct inclusion *home = home_of(cw, step);
    const struct unit *u = home->unit;

    if (home->frame == frame)
        return;
    for (size_t i = 0; i < u->saved_count; i++)
        set(frame, u->saved[i], home->frame->values[scope_find(u->scope, u->saved[i])]);
}
