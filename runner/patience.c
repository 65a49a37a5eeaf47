#include "runner/patience.h"

#include <string.h>

#include "kube/time.h"
#include "runner/template.h"

bool patience_parse(const char *text, struct patience *ret)
{
    int64_t ns;

    if (strcmp(text, PATIENCE_EXCUSED) == 0) {
        *ret = (struct patience){.excused = true};
        return true;
    }
    if (!duration_parse(text, &ns) || ns < 0 || ns > DURATION_MAX)
        return false;
    *ret = (struct patience){.ns = ns};
    return true;
}
