#include "runner/sweep.h"

#include <stdlib.h>
#include <string.h>

#define STEP_MAX 1000000

bool sweep_parse(const char *text, struct sweep *ret)
{
    size_t len = strcspn(text, "/");
    const char *step = text + len;
    bool all = len == strlen("every-write") && strncmp(text, "every-write", len) == 0;
    bool files = len == strlen("every-file-write") && strncmp(text, "every-file-write", len) == 0;
    char *end;
    unsigned long long n = 1;

    if (!all && !files)
        return false;
    if (*step) {
        n = strtoull(step + 1, &end, 10);
        if (step[1] < '0' || step[1] > '9' || *end || n < 1 || n > STEP_MAX)
            return false;
    }
    *ret = (struct sweep){.files = files, .step = n};
    return true;
}
