#include "components/kubevirt-datamover-plugin/titles.h"

#include <string.h>

#include "base/digest.h"
#include "base/mem.h"
#include "kube/names.h"

#define PARTS 3
#define DIGITS 8
#define VELERO_DIGITS 6

static void hash_of(const char *owner, const char *ns, const char *name, char out[DIGEST_HEX])
{
    AUTO(str) char *text = mem_printf("%s/%s/%s", owner, ns, name);

    digest_of(text, strlen(text), out);
    out[DIGITS] = '\0';
}

/* Cuts the longest of the parts, the first of equal ones, a byte at a time. */
static void shorten(const char *const parts[PARTS], size_t lens[PARTS])
{
    size_t total = PARTS - 1;

    for (size_t i = 0; i < PARTS; i++)
        total += lens[i] = strlen(parts[i]);
    for (; total > TITLE_BODY_MAX; total--) {
        size_t longest = 0;

        for (size_t i = 1; i < PARTS; i++)
            if (lens[i] > lens[longest])
                longest = i;
        lens[longest]--;
    }
    for (size_t i = 0; i < PARTS; i++)
        while (lens[i] > 0 && strchr("-.", parts[i][lens[i] - 1]))
            lens[i]--;
}

char *title_operation(const char *owner, const char *ns, const char *name)
{
    const char *const parts[PARTS] = {owner, ns, name};
    size_t lens[PARTS];
    char hash[DIGEST_HEX];

    shorten(parts, lens);
    hash_of(owner, ns, name, hash);
    return mem_printf("%.*s-%.*s-%.*s-%s", (int)lens[0], owner, (int)lens[1], ns, (int)lens[2],
                      name, hash);
}

char *title_vm_operation(const char *owner, const char *ns, const char *name)
{
    char hash[DIGEST_HEX];

    hash_of(owner, ns, name, hash);
    return mem_printf("%s/%s/%s/%s", owner, ns, name, hash);
}

int title_parse(char *text, struct vm_operation *ret)
{
    char *ns = strchr(text, '/'), *vm = ns ? strchr(ns + 1, '/') : NULL;
    char *hash = vm ? strchr(vm + 1, '/') : NULL;
    char want[DIGEST_HEX];

    if (!hash)
        return -1;
    *ns++ = *vm++ = *hash++ = '\0';
    *ret = (struct vm_operation){text, ns, vm};
    hash_of(text, ns, vm, want);
    return strcmp(hash, want) == 0 ? 0 : -1;
}

char *title_label(const char *text)
{
    return name_shorten(text, TITLE_LABEL_MAX);
}

char *title_velero_label(const char *text)
{
    char hash[DIGEST_HEX];

    if (strlen(text) <= TITLE_LABEL_MAX)
        return mem_strdup(text);
    digest_of(text, strlen(text), hash);
    return mem_printf("%.*s%.*s", TITLE_LABEL_MAX - VELERO_DIGITS, text, VELERO_DIGITS, hash);
}
