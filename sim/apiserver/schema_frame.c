/* Where a validator stands: the way up to the root, and what was stored there before. */
#include <string.h>

#include "base/json.h"
#include "base/strbuf.h"
#include "base/utf8.h"
#include "sim/apiserver/schema_priv.h"

/* Each item of a list is looked for in the old one: longer lists correlate by position only. */
#define CORRELATE_MAX 1000u

/* Longer ones are cut: an answer repeats them. */
#define PATH_TEXT_MAX 1024u

static void path_add(const struct schema_frame *f, struct strbuf *out)
{
    if (!f->up)
        return;
    path_add(f->up, out);
    if (!f->key)
        strbuf_addf(out, "[%zu]", f->index);
    else if (f->map_key)
        strbuf_addf(out, "[%s]", f->key);
    else
        strbuf_addf(out, "%s%s", out->len ? "." : "", f->key);
}

const struct schema *schema_frame_enter(const struct schema *s, struct schema_frame *up,
                                        const char *key, struct schema_frame *ret)
{
    bool map_key;
    const struct schema *child = schema_of_member(s, key, &map_key);
    *ret = (struct schema_frame){.up = up,
                                 .key = key,
                                 .map_key = map_key,
                                 .value = json_object_get(up->value, key),
                                 .old = json_object_get(up->old, key)};
    return child;
}

void schema_frame_path(const struct schema_frame *f, struct strbuf *out)
{
    path_add(f, out);
    if (out->len == 0)
        strbuf_addstr(out, "<nil>");
    utf8_shorten(out, PATH_TEXT_MAX);
}

void schema_frame_path_below(const struct schema_frame *f, const char *member, struct strbuf *out)
{
    path_add(f, out);
    if (member)
        strbuf_addf(out, "%s%s", out->len ? "." : "", member);
    utf8_shorten(out, PATH_TEXT_MAX);
}

/* The frame's own value, compared once however many errors there are below. */
static bool is_same(struct schema_frame *f)
{
    if (f->verdict == FRAME_UNKNOWN)
        f->verdict = f->old && json_same(f->value, f->old) ? FRAME_SAME : FRAME_CHANGED;
    return f->verdict == FRAME_SAME;
}

bool schema_frame_unchanged(struct schema_frame *f)
{
    for (; f; f = f->up)
        if (is_same(f))
            return true;
    return false;
}

static bool same_keys(const struct schema *list, const json_t *a, const json_t *b)
{
    for (size_t i = 0; i < json_array_size(list->list_keys); i++) {
        const char *key = json_string_value(json_array_get(list->list_keys, i));
        const json_t *x = key ? json_object_get(a, key) : NULL;
        const json_t *y = key ? json_object_get(b, key) : NULL;
        if ((x || y) && !(x && y && json_same(x, y)))
            return false;
    }
    return true;
}

const json_t *schema_correlate(const struct schema *list, const json_t *item, size_t index,
                               const json_t *old_list)
{
    if (list->list != LIST_MAP || !json_is_array(old_list))
        return NULL;
    /* Mostly nothing moved. */
    const json_t *guess = json_array_get(old_list, index);
    if (guess && same_keys(list, item, guess))
        return guess;
    if (json_array_size(old_list) > CORRELATE_MAX)
        return NULL;
    for (size_t i = 0; i < json_array_size(old_list); i++)
        if (same_keys(list, item, json_array_get(old_list, i)))
            return json_array_get(old_list, i);
    return NULL;
}
