/* Cells, and the ways in which kubectl's users are used to see times, labels and selectors. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/order.h"
#include "kube/meta.h"
#include "kube/time.h"
#include "sim/rest/table_priv.h"

/* ---- cells ---- */

void row_text(struct table_row *row, const char *text)
{
    json_array_append_new(row->cells, json_string(text));
}

void row_textf(struct table_row *row, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    AUTO(str) char *text = mem_vprintf(fmt, ap);
    va_end(ap);
    row_text(row, text);
}

void row_int(struct table_row *row, int64_t value)
{
    json_array_append_new(row->cells, json_integer(value));
}

void row_str(struct table_row *row, const json_t *object, const char *path, const char *otherwise)
{
    const char *text = json_str(object, path);
    row_text(row, text && *text ? text : otherwise);
}

void row_name(struct table_row *row, const json_t *object)
{
    row_text(row, meta_name(object));
}

void row_age(struct table_row *row, const json_t *object)
{
    char text[SPAN_TEXT];
    table_since(json_str(object, "metadata.creationTimestamp"), row->now_ns, text);
    row_text(row, text);
}

void row_labels(struct table_row *row, const json_t *map)
{
    AUTO(str) char *text = table_labels_text(map);
    row_text(row, text);
}

void row_selector(struct table_row *row, const json_t *selector)
{
    AUTO(str) char *text = table_selector_text(selector);
    row_text(row, text);
}

void row_containers(struct table_row *row, const json_t *pod_spec)
{
    static const char *const fields[] = {"name", "image"};
    const json_t *list = json_object_get(pod_spec, "containers");
    for (size_t k = 0; k < ARRAY_LEN(fields); k++) {
        AUTO(strbuf) struct strbuf out = {0};
        for (size_t i = 0; i < json_array_size(list); i++) {
            if (i)
                strbuf_addch(&out, ',');
            strbuf_addstr(&out, json_str_or_empty(json_array_get(list, i), fields[k]));
        }
        row_text(row, strbuf_str(&out));
    }
}

void table_join(struct strbuf *out, const char *separator, const char *text)
{
    if (out->len)
        strbuf_addstr(out, separator);
    strbuf_addstr(out, text);
}

const json_t *table_at(const json_t *object, const char *path, const char *key)
{
    return json_object_get(json_path(object, path), key);
}

/* ---- spans of time ---- */

/* The larger unit, and the smaller one when it is not zero. */
static void two_units(char out[SPAN_TEXT], int64_t big, char big_unit, int64_t small,
                      char small_unit)
{
    if (small)
        snprintf(out, SPAN_TEXT, "%lld%c%lld%c", (long long)big, big_unit, (long long)small,
                 small_unit);
    else
        snprintf(out, SPAN_TEXT, "%lld%c", (long long)big, big_unit);
}

void table_span(int64_t ns, char out[SPAN_TEXT])
{
    int64_t seconds = ns / NS_PER_S, minutes = seconds / 60, hours = minutes / 60,
            days = hours / 24;
    if (seconds < -1)
        snprintf(out, SPAN_TEXT, "<invalid>");
    else if (seconds < 2 * 60)
        two_units(out, seconds < 0 ? 0 : seconds, 's', 0, ' ');
    else if (minutes < 10)
        two_units(out, minutes, 'm', seconds % 60, 's');
    else if (minutes < 3 * 60)
        two_units(out, minutes, 'm', 0, ' ');
    else if (hours < 8)
        two_units(out, hours, 'h', minutes % 60, 'm');
    else if (hours < 48)
        two_units(out, hours, 'h', 0, ' ');
    else if (hours < 8 * 24)
        two_units(out, days, 'd', hours % 24, 'h');
    else if (days < 2 * 365)
        two_units(out, days, 'd', 0, ' ');
    else if (days < 8 * 365)
        two_units(out, days / 365, 'y', days % 365, 'd');
    else
        two_units(out, days / 365, 'y', 0, ' ');
}

void table_since(const char *time, int64_t now_ns, char out[SPAN_TEXT])
{
    int64_t then;
    if (!time || !*time)
        snprintf(out, SPAN_TEXT, "<unknown>");
    else if (!time_parse(time, &then))
        snprintf(out, SPAN_TEXT, "<invalid>");
    else
        table_span(now_ns - then, out);
}

/* ---- labels and selectors ---- */

struct texts {
    char **items;
    size_t count, cap;
};

static void add_text(struct texts *t, char *text /* taken */)
{
    t->items = mem_grow(t->items, &t->cap, t->count + 1, sizeof *t->items);
    t->items[t->count++] = text;
}

/* Requirements by their keys: "!key", "key=value", "key in (a,b)". */
static int by_key(const void *a, const void *b)
{
    const char *x = *(const char *const *)a, *y = *(const char *const *)b;
    x += *x == '!';
    y += *y == '!';
    size_t x_len = strcspn(x, "= "), y_len = strcspn(y, "= ");
    int order = memcmp(x, y, x_len < y_len ? x_len : y_len);
    if (order)
        return order;
    return x_len != y_len ? (x_len < y_len ? -1 : 1) : text_order(a, b);
}

/* Sorted, with commas. Empties t. New. */
static char *join_sorted(struct texts *t, int (*order)(const void *, const void *))
{
    AUTO(strbuf) struct strbuf out = {0};
    if (t->count)
        qsort(t->items, t->count, sizeof *t->items, order);
    for (size_t i = 0; i < t->count; i++) {
        table_join(&out, ",", t->items[i]);
        free(t->items[i]);
    }
    free(t->items);
    *t = (struct texts){0};
    return strbuf_take(&out);
}

static void add_map(struct texts *t, const json_t *map)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)map, key, value)
    {
        if (json_is_string(value))
            add_text(t, mem_printf("%s=%s", key, json_string_value(value)));
    }
}

static char *or_none(char *text /* taken */)
{
    if (*text)
        return text;
    free(text);
    return mem_strdup("<none>");
}

char *table_labels_text(const json_t *map)
{
    struct texts t = {0};
    add_map(&t, map);
    return or_none(join_sorted(&t, text_order));
}

/* false: no operator that there is. */
static bool add_expression(struct texts *t, const json_t *e)
{
    const char *key = json_str_or_empty(e, "key"), *op = json_str_or_empty(e, "operator");
    const json_t *values = json_object_get(e, "values");
    struct texts sorted = {0};
    for (size_t i = 0; i < json_array_size(values); i++)
        if (json_is_string(json_array_get(values, i)))
            add_text(&sorted, mem_strdup(json_string_value(json_array_get(values, i))));
    AUTO(str) char *list = join_sorted(&sorted, text_order);
    if (strcmp(op, "In") == 0 || strcmp(op, "NotIn") == 0)
        add_text(t, mem_printf("%s %s (%s)", key, *op == 'I' ? "in" : "notin", list));
    else if (strcmp(op, "Exists") == 0)
        add_text(t, mem_strdup(key));
    else if (strcmp(op, "DoesNotExist") == 0)
        add_text(t, mem_printf("!%s", key));
    else
        return false;
    return true;
}

char *table_selector_text(const json_t *selector)
{
    struct texts t = {0};
    bool known = true;
    const json_t *expressions = json_object_get(selector, "matchExpressions");
    add_map(&t, json_object_get(selector, "matchLabels"));
    for (size_t i = 0; i < json_array_size(expressions); i++)
        known &= add_expression(&t, json_array_get(expressions, i));
    char *text = join_sorted(&t, by_key);
    if (known)
        return or_none(text);
    free(text);
    return mem_strdup("<error>");
}
