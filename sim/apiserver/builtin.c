/* The kinds that need no definition: one table for each family, and what their rules share. */
#include "sim/apiserver/builtin_priv.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "kube/status.h"

static const struct builtin_table *const builtin_tables[] = {
    &builtin_core, &builtin_events, &builtin_pods,     &builtin_volumes, &builtin_services,
    &builtin_apps, &builtin_batch,  &builtin_policies, &builtin_others,
};
static const size_t builtin_table_count = ARRAY_LEN(builtin_tables);

/* ---- names ---- */

/* Splits words separated by spaces; the text behind them is kept in *ret_text. */
static const char **split_words(const char *words, char **ret_text)
{
    char *text = mem_strdup(words ? words : "");
    const char **out = mem_zalloc((strlen(text) / 2 + 2) * sizeof(*out));
    size_t n = 0;
    char *p = text;
    while (*p) {
        out[n++] = p;
        p += strcspn(p, " ");
        if (*p)
            *p++ = '\0';
    }
    *ret_text = text;
    return out;
}

static char *lower_of(const char *s)
{
    char *out = mem_strdup(s);
    for (char *p = out; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    return out;
}

#define BUILTINS_MAX 96u
#define BUILTIN_RANKS 32u

static struct kind_names kinds[BUILTINS_MAX];
static size_t kind_count;

static void know_kind(const struct builtin *b)
{
    assert(kind_count < BUILTINS_MAX);
    struct kind_names *k = &kinds[kind_count++];
    k->builtin = b;
    k->list_kind = mem_printf("%sList", b->kind);
    k->singular = lower_of(b->kind);
    k->short_names = split_words(b->short_names, &k->short_text);
    k->fields = split_words(b->fields, &k->field_text);
    k->view_fields = split_words(b->view ? b->view->fields : NULL, &k->view_text);
    assert(!b->view || (!b->prepare && !b->allocate && !b->has_status));
}

/* Those with a rank first, in its order. */
static void know_kinds(void)
{
    for (unsigned rank = 1; rank <= BUILTIN_RANKS; rank++)
        for (size_t t = 0; t < builtin_table_count; t++)
            for (size_t i = 0; i < builtin_tables[t]->count; i++)
                if (builtin_tables[t]->kinds[i].rank == rank % BUILTIN_RANKS)
                    know_kind(&builtin_tables[t]->kinds[i]);
}

const struct kind_names *builtin_kinds(size_t *ret_count)
{
    if (kind_count == 0)
        know_kinds();
    *ret_count = kind_count;
    return kinds;
}

/* ---- defaults ---- */

void default_take(json_t *object, const char *key, json_t *value)
{
    if (json_is_object(object) && !json_object_get(object, key))
        json_object_set_new_nocheck(object, key, value);
    else
        json_decref(value);
}

void default_str(json_t *object, const char *key, const char *value)
{
    if (json_is_object(object) && !json_object_get(object, key))
        json_object_set_new_nocheck(object, key, json_string_nocheck(value));
}

void default_int(json_t *object, const char *key, int64_t value)
{
    if (json_is_object(object) && !json_object_get(object, key))
        json_object_set_new_nocheck(object, key, json_integer(value));
}

void default_bool(json_t *object, const char *key, bool value)
{
    if (json_is_object(object) && !json_object_get(object, key))
        json_object_set_new_nocheck(object, key, json_boolean(value));
}

json_t *default_object(json_t *object, const char *key)
{
    if (!json_is_object(object))
        return NULL;
    if (!json_object_get(object, key))
        json_object_set_new_nocheck(object, key, json_object());
    return member(object, key);
}

json_t *member(json_t *object, const char *key)
{
    json_t *v = json_object_get(object, key);
    return json_is_object(v) ? v : NULL;
}

/* ---- fields ---- */

const json_t *field_of_bool(const json_t *object, const char *field, const char *flag)
{
    const json_t *value = json_path(object, field);
    return value || strcmp(field, flag) != 0 ? value : json_false();
}

/* ---- rules ---- */

bool unchanged(const json_t *object, const json_t *old, const char *path)
{
    const json_t *a = json_path(object, path), *b = json_path(old, path);
    return a && b ? json_same(a, b) : a == b;
}

void must_not_change(const json_t *object, const json_t *old, const char *path,
                     struct field_errors *errors)
{
    if (old && !unchanged(object, old, path))
        field_errors_add(errors, FIELD_INVALID, path, json_path(object, path),
                         "field is immutable");
}

void must_stand(const json_t *object, const char *path, struct field_errors *errors)
{
    const json_t *v = json_path(object, path);
    if (!v || (json_is_string(v) && json_string_length(v) == 0))
        field_errors_add(errors, FIELD_REQUIRED, path, NULL, "%s", "");
}

void must_not_be_negative(const json_t *object, const char *path, struct field_errors *errors)
{
    if (json_int(object, path, 0) < 0)
        field_errors_add(errors, FIELD_INVALID, path, json_path(object, path),
                         "must be greater than or equal to 0");
}

void must_be_one_of(const json_t *object, const char *path, const char *const *words,
                    struct field_errors *errors)
{
    AUTO(strbuf) struct strbuf all = {0};
    const char *have = json_str_or_empty(object, path);
    for (size_t i = 0; words[i]; i++) {
        if (strcmp(words[i], have) == 0)
            return;
        strbuf_addf(&all, "%s\"%s\"", i ? ", " : "", words[i]);
    }
    AUTO(json) json_t *shown = json_string(have);
    field_errors_add(errors, FIELD_NOT_SUPPORTED, path, shown, "supported values: %s",
                     strbuf_str(&all));
}
