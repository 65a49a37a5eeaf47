/* How to sort: comparisons for qsort() and bsearch(). */
#ifndef VMCONFORM_BASE_ORDER_H
#define VMCONFORM_BASE_ORDER_H

#include <string.h>

/* Of an array of texts, by bytes. */
static inline int text_order(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

#endif
