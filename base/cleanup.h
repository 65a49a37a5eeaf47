/* Ownership helpers: a local owns through AUTO(), and hands over with TAKE().
 *
 *     AUTO(json) json_t *obj = json_object();
 *     ...
 *     *ret_obj = TAKE(obj);
 *
 * Every type's header ends with its own DEFINE_CLEANUP(). Initialise an AUTO local in its declaration,
 * and do not mix AUTO with goto: clang refuses jumps over such variables, gcc frees garbage. */
#ifndef VMCONFORM_BASE_CLEANUP_H
#define VMCONFORM_BASE_CLEANUP_H

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define DEFINE_CLEANUP(T, name, fn)                                                                \
    static inline void cleanup_##name(T **p)                                                       \
    {                                                                                              \
        if (*p)                                                                                    \
            fn(*p);                                                                                \
    }                                                                                              \
    struct cleanup_##name##_end

#define AUTO(name) __attribute__((cleanup(cleanup_##name)))
#define TAKE(p)                                                                                    \
    __extension__({                                                                                \
        __typeof__(p) taken_ = (p);                                                                \
        (p) = NULL;                                                                                \
        taken_;                                                                                    \
    })

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

DEFINE_CLEANUP(json_t, json, json_decref);
DEFINE_CLEANUP(char, str, free);
DEFINE_CLEANUP(void, mem, free);
DEFINE_CLEANUP(FILE, file, fclose);

/* An AUTO(fd) descriptor starts at -1. */
static inline void cleanup_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

#endif
