#include "base/folder.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int not_itself(const struct dirent *e)
{
    return strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
}

json_t *folder_names(const char *path, struct err *reterr)
{
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, not_itself, by_bytes);
    json_t *out;

    if (count < 0) {
        err_set_errno(reterr, errno, NO_POS, "cannot list the files");
        return NULL;
    }
    out = json_array();
    for (int i = 0; i < count; i++) {
        json_array_append_new(out, json_string(entries[i]->d_name));
        free(entries[i]);
    }
    free(entries);
    return out;
}
