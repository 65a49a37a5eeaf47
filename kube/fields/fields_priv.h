/* The insides of managed.h: sets of field paths, and what walks over objects; visible to this
 * folder only.
 *
 * A set is a tree of path elements, as FieldsV1 writes it: each node says whether the path up to it
 * is a member, and what stands below. Sets are immutable and share subtrees; all of them live in
 * one pool, which goes with the call. */
#ifndef VMCONFORM_KUBE_FIELDS_FIELDS_PRIV_H
#define VMCONFORM_KUBE_FIELDS_FIELDS_PRIV_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"
#include "kube/fields/managed.h"
#include "kube/fields/typed.h"

/* ---- memory (pool.c) ---- */

struct pool_block;
struct pool {
    struct pool_block *blocks;
    size_t used, size; /* of the newest block */
    json_t **held;
    size_t held_count, held_cap;
};
void *pool_alloc(struct pool *p, size_t bytes);
/* Room for one more item of a list, which may move. */
void *pool_grow(struct pool *p, void *list, size_t count, size_t *cap, size_t item_bytes);
char *pool_strdup(struct pool *p, const char *s);
/* Keeps a value (taken) as long as the pool. Returns it. */
json_t *pool_hold(struct pool *p, json_t *v);
void pool_finish(struct pool *p);
static inline void cleanup_pool(struct pool *p)
{
    pool_finish(p);
}

/* ---- paths (element.c) ---- */

enum element_kind { ELEMENT_FIELD, ELEMENT_KEY, ELEMENT_VALUE, ELEMENT_INDEX };
struct element_key {
    const char *name;
    const json_t *value;
};
/* One step of a path. Texts and values are borrowed from objects, or held by the pool. */
struct element {
    enum element_kind kind;
    size_t key_count;
    union {
        const char *name;
        const struct element_key *keys; /* sorted by name */
        const json_t *value;
        int64_t index;
    };
};
int element_compare(const struct element *a, const struct element *b);
struct element element_field(const char *name);
/* The element of a granular list's item. NULL, or why the item has none (new). `list` is the list's
 * type. */
char *element_of_item(struct pool *p, struct typed list, const struct typed_info *info,
                      const json_t *item, struct element *ret);
/* Numbers elements so that equal ones have the same number, from 0 to the result. */
size_t element_numbers(struct pool *p, const struct element *list, size_t count, size_t *numbers);
/* ".name", "[key=\"v\"]", "[=1]", "[0]" */
void element_text(struct strbuf *out, const struct element *e);
/* Longer paths are cut when a message quotes them. */
#define FIELDS_PATH_TEXT_MAX 1024u

/* ---- sets (set.c) ---- */

struct set_item {
    struct element e;
    bool member;
    const struct set *below; /* NULL: nothing */
};
/* NULL is the empty set. */
struct set {
    size_t count;
    struct set_item *items; /* sorted; each is a member or has something below */
};
/* A set while its items come in, in any order. */
struct set_builder {
    struct pool *pool;
    struct set_item *items;
    size_t count, cap;
    bool unsorted;
};
void set_add(struct set_builder *b, const struct element *e, bool member, const struct set *below);
/* Items of equal elements become one. */
const struct set *set_built(struct set_builder *b);
const struct set *set_union(struct pool *p, const struct set *a, const struct set *b);
const struct set *set_intersect(struct pool *p, const struct set *a, const struct set *b);
/* Members of b go; what stands below them stays. */
const struct set *set_subtract(struct pool *p, const struct set *a, const struct set *b);
/* Members of b go with everything below them. */
const struct set *set_subtract_trees(struct pool *p, const struct set *a, const struct set *b);
/* The item of an element, or NULL. */
const struct set_item *set_find(const struct set *s, const struct element *e);
/* Declared fields that have members below become members. */
const struct set *set_with_parents(struct pool *p, const struct set *s, struct typed t);
bool set_same(const struct set *a, const struct set *b);
size_t set_size(const struct set *s);
/* The set of one path of fields; names end with NULL. */
const struct set *set_of_path(struct pool *p, ...) __attribute__((sentinel));

/* ---- FieldsV1 (fieldsv1.c) ---- */

/* NULL, or what is wrong with it (new). */
char *fieldsv1_read(struct pool *p, const json_t *fields, const struct set **ret);
/* New. */
json_t *fieldsv1_write(const struct set *s);

/* ---- objects (extract.c, compare.c, merge.c, remove.c, check.c) ---- */

/* The type of an object's member; *ret_named tells that it is declared. What is not declared is of
 * the object's items, or anything. */
struct typed member_type(struct typed t, const struct typed_info *info, const char *name,
                         bool *ret_named);
/* How a value of the type is treated: TYPED_ANY settled by the value (NULL: absent). */
enum typed_shape shape_for(const struct typed_info *info, const json_t *v);

/* The fields that an object has. */
const struct set *extract_set(struct pool *p, const json_t *object, struct typed t);

struct comparison {
    const struct set *removed, *modified, *added;
};
/* Either may be NULL: nothing. */
void compare_objects(struct pool *p, const json_t *old, const json_t *object, struct typed t,
                     struct comparison *ret);
static inline const struct set *comparison_written(struct pool *p, const struct comparison *c)
{
    return set_union(p, c->modified, c->added);
}

/* live with everything of applied in it. New. */
json_t *merge_objects(struct pool *p, const json_t *live, const json_t *applied, struct typed t);
/* Without the members of s. What had something and has nothing left becomes null, or goes when
 * `drop` is set. New. */
json_t *remove_fields(struct pool *p, const json_t *object, const struct set *s, struct typed t,
                      bool drop);
/* What does not fit the type, as the merge library words it (new), or NULL. */
char *check_typed(struct pool *p, const json_t *object, struct typed t, bool allow_duplicates);
/* A set that was recorded under another schema: what is replaced as a whole now is owned as a
 * whole. */
const struct set *reconcile_set(struct pool *p, const struct set *s, struct typed t);

/* ---- who owns what (owners.c) ---- */

struct owner {
    const char *manager, *api_version, *subresource; /* subresource "" when none */
    bool applied;
    const char *id; /* what makes two entries the same; orders conflicts */
    const struct set *set;
    const char *time;     /* as it stands in the entry; NULL when none */
    int64_t time_s;       /* 0 when none */
    const json_t *source; /* the entry, as long as nothing of it changed; or NULL */
};
struct owners {
    struct pool *pool;
    struct owner *list;
    size_t count, cap;
};
/* NULL, or what is wrong (new). `fresh`: entries are written anew even when they do not change. */
char *owners_read(struct owners *o, const json_t *entries, bool fresh);
/* New array, sorted as the API server does. */
json_t *owners_write(const struct owners *o);
struct owner *owners_find(struct owners *o, const char *id);
/* The entry that a writer has, made when it is not there. */
struct owner *owners_enter(struct owners *o, const struct managed_writer *w, bool applied);
char *owner_id(struct pool *p, const char *manager, bool applied, const char *api_version,
               const char *subresource);
void owner_change(struct owner *o, const struct set *s);
void owner_stamp(struct owners *o, struct owner *of, int64_t now_ns);
void owners_drop_empty(struct owners *o);
/* At most ten entries of updates: older ones become one. */
void owners_cap(struct owners *o);
/* What everybody but `self` (may be NULL) owned of a change is no longer theirs. */
void owners_take(struct owners *o, const struct owner *self, const struct comparison *c);
/* Entries of versions that are gone go; sets are brought to today's schema. */
void owners_reconcile(struct owners *o, const struct managed_writer *w, struct typed t);
/* What a writer cannot own: fields that its endpoint resets. */
const struct set *reset_fields(struct pool *p, const struct managed_writer *w);
/* What nobody owns. */
const struct set *stripped_fields(struct pool *p);
/* Records an update in o; *ret_changed tells whether any field changed. */
void owners_update(struct owners *o, const json_t *old, const json_t *object, struct typed t,
                   const struct managed_writer *w, bool *ret_changed);

/* ---- conflicts (conflict.c) ---- */

/* Fills the 409 with what others own of `wanted`, less what `allowed` names: -1; 0 when nothing is
 * left. */
int conflicts_answer(struct owners *o, const struct owner *self, const struct set *wanted,
                     const struct set *allowed, struct api_response *ret);

#endif
