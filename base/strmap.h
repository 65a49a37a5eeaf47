/* A map from strings to pointers that remembers the order of insertion: walking it is deterministic. */
#ifndef VMCONFORM_BASE_STRMAP_H
#define VMCONFORM_BASE_STRMAP_H

#include <stdbool.h>
#include <stddef.h>

struct strmap;
struct strmap *strmap_create(void);
/* free_value may be NULL. */
void strmap_destroy(struct strmap *m, void (*free_value)(void *));
size_t strmap_count(const struct strmap *m);
/* NULL when absent. Borrowed. */
void *strmap_get(const struct strmap *m, const char *key);
/* Returns the value it replaced, or NULL. The key is copied. value must not be NULL. */
void *strmap_put(struct strmap *m, const char *key, void *value);
/* Returns the value, or NULL when absent. The order of the others stays. */
void *strmap_remove(struct strmap *m, const char *key);

/* size_t i = 0; const char *key; void *value; while (strmap_each(m, &i, &key, &value)) ...
 * Entries may be removed while walking; entries added while walking are visited too. */
bool strmap_each(const struct strmap *m, size_t *i, const char **ret_key, void **ret_value);

#endif
