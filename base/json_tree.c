/* Short ways through a JSON tree: reads at a path, small edits, copies and equality. */
#include "base/json.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/order.h"
#include "base/utf8.h"

static json_t *walk(const json_t *v, va_list ap)
{
    const char *key;

    while (v && (key = va_arg(ap, const char *)) != NULL)
        v = json_object_get(v, key);
    return (json_t *)v;
}

const json_t *json_at(const json_t *v, ...)
{
    va_list ap;
    const json_t *found;

    va_start(ap, v);
    found = walk(v, ap);
    va_end(ap);
    return found;
}

json_t *json_at_mut(json_t *v, ...)
{
    va_list ap;
    json_t *found;

    va_start(ap, v);
    found = walk(v, ap);
    va_end(ap);
    return found;
}

const json_t *json_path(const json_t *v, const char *dotted)
{
    while (v && *dotted) {
        size_t len = (size_t)(strchrnul(dotted, '.') - dotted);

        v = json_object_getn(v, dotted, len);
        dotted += len;
        if (*dotted == '.')
            dotted++;
    }
    return v;
}

const char *json_str(const json_t *v, const char *dotted)
{
    return json_string_value(json_path(v, dotted));
}

const char *json_str_or_empty(const json_t *v, const char *dotted)
{
    const char *s = json_str(v, dotted);

    return s ? s : "";
}

const char **json_sorted_keys(const json_t *object)
{
    size_t count = json_object_size(object), i = 0;
    const char **keys = mem_reallocarray(NULL, count + 1, sizeof *keys);
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)object, key, value) keys[i++] = key;
    qsort(keys, count, sizeof *keys, text_order);
    return keys;
}

const char *json_other_key(const json_t *object, const char *const *known, size_t count)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)object, key, value)
    {
        size_t i = 0;

        while (i < count && strcmp(known[i], key) != 0)
            i++;
        if (i == count)
            return key;
    }
    return NULL;
}

json_t *json_find(const json_t *list, const char *dotted, const char *text)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(json_str_or_empty(json_array_get(list, i), dotted), text) == 0)
            return json_array_get(list, i);
    return NULL;
}

bool json_bool(const json_t *v, const char *dotted, bool otherwise)
{
    const json_t *found = json_path(v, dotted);

    return json_is_boolean(found) ? json_is_true(found) : otherwise;
}

int64_t json_int(const json_t *v, const char *dotted, int64_t otherwise)
{
    const json_t *found = json_path(v, dotted);

    return json_is_integer(found) ? json_integer_value(found) : otherwise;
}

void json_put_take(json_t *v, const char *dotted, json_t *value)
{
    assert(json_is_object(v) && value);
    for (;;) {
        size_t len = (size_t)(strchrnul(dotted, '.') - dotted);
        json_t *child;
        int rc;

        assert(len > 0);
        if (dotted[len] == '\0') {
            rc = json_object_setn_new_nocheck(v, dotted, len, value);
            assert(rc == 0);
            (void)rc;
            return;
        }
        child = json_object_getn(v, dotted, len);
        if (!json_is_object(child)) {
            child = json_object();
            rc = json_object_setn_new_nocheck(v, dotted, len, child);
            assert(rc == 0);
        }
        v = child;
        dotted += len + 1;
    }
}

json_t *json_of_text(const char *text)
{
    size_t len = strlen(text);

    return utf8_is_ascii(text, len) ? json_stringn_nocheck(text, len) : json_stringn(text, len);
}

void json_put_str(json_t *v, const char *dotted, const char *value)
{
    json_t *text = json_of_text(value);

    assert(text); /* not UTF-8 would be our bug: texts are checked where they come in */
    json_put_take(v, dotted, text);
}

void json_drop_nulls(json_t *v)
{
    const char *key;
    json_t *value;
    void *next;

    for (size_t i = 0; i < json_array_size(v); i++)
        json_drop_nulls(json_array_get(v, i));
    json_object_foreach_safe(v, next, key, value)
    {
        if (json_is_null(value))
            json_object_del(v, key);
        else
            json_drop_nulls(value);
    }
}

void json_drop(json_t *v, const char *dotted)
{
    const char *last = strrchr(dotted, '.');

    if (last) {
        AUTO(str) char *parent = mem_strndup(dotted, (size_t)(last - dotted));

        v = (json_t *)json_path(v, parent);
        dotted = last + 1;
    }
    if (json_is_object(v))
        json_object_del(v, dotted);
}

static json_t *copy_object(const json_t *v)
{
    json_t *copy = json_object();

    for (void *i = json_object_iter((json_t *)v); i; i = json_object_iter_next((json_t *)v, i)) {
        int rc =
            json_object_setn_new_nocheck(copy, json_object_iter_key(i), json_object_iter_key_len(i),
                                         json_copy_of(json_object_iter_value(i)));

        assert(rc == 0);
        (void)rc;
    }
    return copy;
}

static json_t *copy_array(const json_t *v)
{
    json_t *copy = json_array();

    for (size_t i = 0; i < json_array_size(v); i++) {
        int rc = json_array_append_new(copy, json_copy_of(json_array_get(v, i)));

        assert(rc == 0);
        (void)rc;
    }
    return copy;
}

/* json_deep_copy prints the address of each container it is in, to notice loops, and makes each
 * text anew: several times the work. Trees here have no loops. */
json_t *json_copy_of(const json_t *v)
{
    assert(v);
    if (json_is_object(v))
        return copy_object(v);
    if (json_is_array(v))
        return copy_array(v);
    return json_incref((json_t *)v);
}

json_t *json_copy_parts(const json_t *v, ...)
{
    json_t *copy = json_copy((json_t *)v);
    const char *name;
    va_list ap;

    assert(json_is_object(copy));
    va_start(ap, v);
    while ((name = va_arg(ap, const char *)) != NULL) {
        const json_t *part = json_object_get(v, name);

        if (part)
            json_object_set_new(copy, name, json_copy_of(part));
    }
    va_end(ap);
    return copy;
}

static bool same_number(const json_t *a, const json_t *b)
{
    double real;

    if (json_is_integer(a) && json_is_integer(b))
        return json_integer_value(a) == json_integer_value(b);
    if (json_is_real(a) && json_is_real(b))
        return json_real_value(a) == json_real_value(b);
    if (json_is_real(a))
        return same_number(b, a);
    real = json_real_value(b);
    /* Compared as integers: beyond 2^53 the conversion to double would lose digits. */
    return real >= -0x1p63 && real < 0x1p63 && (double)(int64_t)real == real &&
           (int64_t)real == json_integer_value(a);
}

static bool same_array(const json_t *a, const json_t *b)
{
    if (json_array_size(a) != json_array_size(b))
        return false;
    for (size_t i = 0; i < json_array_size(a); i++)
        if (!json_same(json_array_get(a, i), json_array_get(b, i)))
            return false;
    return true;
}

static bool same_object(const json_t *a, const json_t *b)
{
    const char *key;
    json_t *value;

    if (json_object_size(a) != json_object_size(b))
        return false;
    json_object_foreach((json_t *)a, key,
                        value) if (!json_same(value, json_object_get(b, key))) return false;
    return true;
}

bool json_same(const json_t *a, const json_t *b)
{
    if (a == b)
        return true;
    if (!a || !b)
        return false;
    if (json_is_number(a) && json_is_number(b))
        return same_number(a, b);
    if (json_typeof(a) != json_typeof(b))
        return false;
    switch (json_typeof(a)) {
    case JSON_OBJECT:
        return same_object(a, b);
    case JSON_ARRAY:
        return same_array(a, b);
    case JSON_STRING:
        return json_string_length(a) == json_string_length(b) &&
               memcmp(json_string_value(a), json_string_value(b), json_string_length(a)) == 0;
    default:
        return true;
    }
}
