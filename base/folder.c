#include "base/folder.h"

#include <ftw.h>
#include <stdio.h>

#define DESCRIPTORS 16

static int remove_below(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    if (ftw->level > 0)
        remove(path);
    return 0; /* what cannot be removed does not save the rest */
}

void folder_empty(const char *path)
{
    nftw(path, remove_below, DESCRIPTORS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

void folder_remove(const char *path)
{
    folder_empty(path);
    remove(path);
}
