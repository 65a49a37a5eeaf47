/* Words that follow a number: "1 case", "2 cases". */
#ifndef VMCONFORM_BASE_PLURAL_H
#define VMCONFORM_BASE_PLURAL_H

#include <stdint.h>

static inline const char *plural(uint64_t count, const char *one, const char *many)
{
    return count == 1 ? one : many;
}

#endif
