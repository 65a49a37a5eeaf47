#include "components/bsl/names.h"

#include <string.h>

#include "base/mem.h"
#include "components/bsl/failure.h"
#include "kube/names.h"

#define PREFIX "kubevirt-datamover"
#define LABEL_MAX 63

static bool has_control(const char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s < 0x20 || *s == 0x7f)
            return true;
    return false;
}

int names_check(const char *what, const char *name, struct err *reterr)
{
    if (name && *name && *name != '-' && !strchr(name, '/') && !strstr(name, "..") &&
        strcmp(name, ".") != 0 && !has_control(name))
        return 0;
    return failure_set(reterr, ERR_INVALID, "E-NAME", "the %s '%s' cannot be part of a key", what,
                       name && !has_control(name) ? name : "");
}

bool names_is_file(const char *name)
{
    return name && *name && !strchr(name, '/') && strcmp(name, ".") != 0 &&
           strcmp(name, "..") != 0 && !has_control(name);
}

/* The datamover's prefix is a sibling of Velero's, which refuses foreign folders below its own. */
char *names_key(const char *bsl_prefix, const char *relative)
{
    size_t len = bsl_prefix ? strlen(bsl_prefix) : 0;
    while (len > 0 && bsl_prefix[len - 1] == '/')
        len--;
    if (len == 0)
        return mem_printf(PREFIX "/%s", relative);
    return mem_printf("%.*s-" PREFIX "/%s", (int)len, bsl_prefix, relative);
}

char *names_backup_label(const char *backup)
{
    return name_shorten(backup, LABEL_MAX);
}

char *names_backup(const char *backup)
{
    return mem_printf("manifests/%s/index.json", backup);
}

char *names_manifest(const char *backup, const char *ns, const char *vm)
{
    return mem_printf("manifests/%s/%s-%s.json", backup, ns, vm);
}

char *names_index(const char *ns, const char *vm)
{
    return mem_printf("checkpoints/%s/%s/index.json", ns, vm);
}

char *names_image(const char *ns, const char *vm, const char *checkpoint, const char *filename)
{
    return mem_printf("checkpoints/%s/%s/%s/%s", ns, vm, checkpoint, filename);
}
