/* JSON: one pair of functions in and out, and short ways through a tree.
 *
 * The tree is jansson's. Text goes through here because Kubernetes speaks Go's JSON: numbers and
 * escapes are written as encoding/json writes them, duplicate keys are noticed, depth and size are
 * bounded (a fiber has 256 KiB of stack). Rules of ownership follow jansson: parameters borrowed,
 * results new, `_take` steals, `_peek`/json_at borrows. */
#ifndef VMCONFORM_BASE_JSON_H
#define VMCONFORM_BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strbuf.h"

#define JSON_DEPTH_MAX 64
#define JSON_BYTES_MAX (10u << 20)

/* Call once per process before any json object exists: fixes jansson's hash seed, so that nothing
 * can vary by run, and gives it the heap of json_heap.h. */
void json_init(void);

/* Parses one JSON text (any value at the top). Refuses: trailing bytes, invalid UTF-8, depth >
 * JSON_DEPTH_MAX, duplicate keys, U+0000 in strings (jansson cannot hold it in keys). Integers that
 * fit int64 become JSON_INTEGER, others JSON_REAL; a real outside double's range is an error.
 * `name` is used in error positions. */
json_t *json_read(const char *text, size_t len, const char *name, struct err *reterr);
/* The same, but of a key that stands twice in an object the last value is kept, as Go's
 * encoding/json does. *ret_duplicates gets a new array of the paths of such keys
 * ("spec.list[0].key"), each once and at most JSON_DUPLICATES_MAX, or NULL when there is none. Of a
 * longer path, "..." follows the first JSON_DUPLICATE_PATH_MAX bytes. */
#define JSON_DUPLICATES_MAX 100
#define JSON_DUPLICATE_PATH_MAX 256
json_t *json_read_last(const char *text, size_t len, const char *name, json_t **ret_duplicates,
                       struct err *reterr);
/* The same for a whole file, at most max_bytes long. */
json_t *json_read_file(const char *path, size_t max_bytes, struct err *reterr);

enum json_style { JSON_TIGHT, JSON_INDENTED };
/* Appends the text as Go's encoding/json writes it: keys in insertion order (json_write_sorted
 * sorts), "<>&" and U+2028/9 escaped, reals in the shortest form that reads back, integers without
 * a point. */
void json_write(struct strbuf *out, const json_t *v, enum json_style style);
/* The same with object keys sorted bytewise at each level: the canonical form for digests, traces
 * and comparisons. */
void json_write_sorted(struct strbuf *out, const json_t *v, enum json_style style);
/* Where a member, an item or a closing bracket begins: nothing, or a new line. */
void json_write_break(struct strbuf *out, enum json_style style, unsigned depth);
/* New string. */
char *json_text(const json_t *v);

/* Walks object members: json_at(obj, "metadata", "name", NULL). Borrowed; NULL when a step is
 * missing or no object. */
const json_t *json_at(const json_t *v, ...) __attribute__((sentinel));
json_t *json_at_mut(json_t *v, ...) __attribute__((sentinel));
/* "metadata.name" style path with simple member names only. Borrowed. */
const json_t *json_path(const json_t *v, const char *dotted);
/* Text at a dotted path; NULL when missing or not a string. Borrowed. */
const char *json_str(const json_t *v, const char *dotted);
/* Text at a dotted path; "" when missing or not a string. */
const char *json_str_or_empty(const json_t *v, const char *dotted);
/* The keys of an object, borrowed, sorted by bytes. New; never NULL. */
const char **json_sorted_keys(const json_t *object);
/* The first key that is none of these; NULL: there is no other. Borrowed. */
const char *json_other_key(const json_t *object, const char *const *known, size_t count);
/* The first item of a list whose json_str_or_empty() is this text; NULL: none, or no list. */
json_t *json_find(const json_t *list, const char *dotted, const char *text);
bool json_bool(const json_t *v, const char *dotted, bool otherwise);
int64_t json_int(const json_t *v, const char *dotted, int64_t otherwise);
/* Sets the value at a dotted path, making objects on the way; steals value. */
void json_put_take(json_t *v, const char *dotted, json_t *value);
void json_put_str(json_t *v, const char *dotted, const char *value);
/* json_string(), faster for a text of ASCII, which most are; NULL: not UTF-8. */
json_t *json_of_text(const char *text);
/* Removes null members at any depth: in a patch, a null says "absent". */
void json_drop_nulls(json_t *v);
/* Removes the member at a dotted path when it is there. */
void json_drop(json_t *v, const char *dotted);

/* A copy with objects and arrays of its own. Texts and numbers are shared: nobody changes one in
 * place (json_string_set and its like), a new value takes its place. New. */
json_t *json_copy_of(const json_t *v);
/* A copy of an object with own copies of the named members (names end with NULL); the others are
 * shared with v and must not be changed in place. New. */
json_t *json_copy_parts(const json_t *v, ...) __attribute__((sentinel));
/* Equality as the API server's: key order does not matter, 1 equals 1.0. */
bool json_same(const json_t *a, const json_t *b);

#endif
