/* Memory for JSON values, by blocks of one size. json_init() hands it to jansson, except under the
 * sanitizers, which want to see each block. */
#ifndef VMCONFORM_BASE_JSON_HEAP_H
#define VMCONFORM_BASE_JSON_HEAP_H

#include <stddef.h>

/* Aligned for any type. NULL when there is no memory. */
void *json_heap_take(size_t bytes);
/* What json_heap_take gave; NULL does nothing. */
void json_heap_give(void *p);
/* To be called when most values of the calling thread are gone: memory in which none is left is
 * filled from its beginning again. Costs a look at each free block. */
void json_heap_settle(void);

#endif
