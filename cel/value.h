/* Values inside the module: one view of lists and maps, whether they are JSON or made by an
 * evaluation. */
#ifndef VMCONFORM_CEL_VALUE_H
#define VMCONFORM_CEL_VALUE_H

#include <string.h>

#include "base/strbuf.h"
#include "cel/cel.h"
#include "kube/quantity.h"
#include "kube/time.h"

struct cel_list {
    size_t count;
    struct cel_value *items;
};

/* In the order of insertion. Found by walking: maps that expressions make are small, and each step
 * of it is charged. */
struct cel_map {
    size_t count;
    struct cel_value *keys, *values;
};

/* Of lists and maps. */
size_t value_count(const struct cel_value *v);
/* list[i]; i is in range. */
struct cel_value value_item(const struct cel_value *list, size_t i);
/* map[key]; numeric keys are found whatever their type. */
bool value_lookup(const struct cel_value *map, const struct cel_value *key, struct cel_value *ret);
/* map[name]; name need not be terminated. */
bool value_field(const struct cel_value *map, const char *name, size_t len, struct cel_value *ret);

/* struct map_cursor cur = {0}; while (map_next(map, &cur, &key, &value)) ... */
struct map_cursor {
    size_t index;
    void *iter;
};
bool map_next(const struct cel_value *map, struct map_cursor *cur, struct cel_value *ret_key,
              struct cel_value *ret_value);

/* CEL's equality (cel_equal); *steps grows by the elements compared. */
bool value_equal(const struct cel_value *a, const struct cel_value *b, uint64_t *steps);
enum value_order { ORDER_LESS, ORDER_EQUAL, ORDER_GREATER, ORDER_NONE /* NaN */ };
/* False when the types have no order. */
bool value_compare(const struct cel_value *a, const struct cel_value *b, enum value_order *ret);

/* Numbers as Go writes them: the shortest text that reads back ("1e+06", "0.1", "NaN", "+Inf"). */
#define DOUBLE_TEXT 40
void value_format_double(double v, char out[DOUBLE_TEXT]);
/* Seconds with a fraction and "s", as CEL's string(duration). */
void value_format_seconds(int64_t ns, char out[DOUBLE_TEXT]);

/* A timestamp of seconds and nanoseconds since 1970, which may be any; false: of no year from 1 to
 * 9999. */
bool value_time(int64_t seconds, int64_t ns, struct cel_value *ret);
/* As string(timestamp): with no, 3, 6 or 9 digits of the second. */
void value_format_time(const struct cel_value *v, char out[TIME_TEXT]);

static inline bool value_is_number(const struct cel_value *v)
{
    return v->type == CEL_INT || v->type == CEL_UINT || v->type == CEL_DOUBLE;
}

/* A string that is borrowed: its text must outlive the value. */
static inline struct cel_value value_text(const char *data, size_t len)
{
    return (struct cel_value){.type = CEL_STRING, .u.text = {data, len}};
}

static inline bool value_text_is(const struct cel_value *v, const char *s)
{
    size_t len = strlen(s);

    return v->u.text.len == len && memcmp(v->u.text.data, s, len) == 0;
}

#endif
