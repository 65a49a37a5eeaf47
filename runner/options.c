#include "runner/options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "kube/time.h"

#define OPTIONS_MAX 64

static const struct option_spec *find_long(const struct option_spec *specs, const char *name,
                                           size_t len)
{
    for (; specs->name; specs++)
        if (strlen(specs->name) == len && strncmp(specs->name, name, len) == 0)
            return specs;
    return NULL;
}

static const struct option_spec *find_short(const struct option_spec *specs, const char *arg)
{
    for (; specs->name; specs++)
        if (specs->letter && arg[1] == specs->letter &&
            (arg[2] == '\0' || specs->type != OPTION_FLAG))
            return specs;
    return NULL;
}

static int unknown_option(const struct option_spec *specs, const char *arg, size_t len,
                          struct err *reterr)
{
    const char *names[OPTIONS_MAX];
    size_t count = 0;
    const char *near;
    AUTO(str) char *word = mem_strndup(arg, len);

    for (; specs[count].name && count < OPTIONS_MAX; count++)
        names[count] = specs[count].name;
    err_set(reterr, ERR_INVALID, NO_POS, "unknown option '%s'", word);
    near = err_nearest(word, names, count);
    return near ? err_hint(reterr, "did you mean '%s'?", near) : -1;
}

static int set_count(const struct option_spec *spec, const char *text, struct err *reterr)
{
    char *end;
    unsigned long long v;

    errno = 0;
    v = strtoull(text, &end, 10);
    if (errno || end == text || *end || *text == '-')
        return err_set(reterr, ERR_INVALID, NO_POS, "%s wants a number, found '%s'", spec->name,
                       text);
    *(uint64_t *)spec->target = v;
    return 0;
}

static int set_value(const struct option_spec *spec, const char *text, struct err *reterr)
{
    switch (spec->type) {
    case OPTION_FLAG:
        break;
    case OPTION_TEXT:
        *(const char **)spec->target = text;
        return 0;
    case OPTION_COUNT:
        return set_count(spec, text, reterr);
    case OPTION_DURATION:
        if (duration_parse(text, spec->target) && *(int64_t *)spec->target > 0)
            return 0;
        return err_set(reterr, ERR_INVALID, NO_POS, "%s wants a duration such as 30s, found '%s'",
                       spec->name, text);
    }
    return err_set(reterr, ERR_INVALID, NO_POS, "%s takes no value", spec->name);
}

int options_parse(const struct option_spec *specs, int argc, char **argv, int *ret_operands,
                  struct err *reterr)
{
    int operands = 0;
    bool options = true;

    for (int i = 0; i < argc; i++) {
        const char *arg = argv[i];
        const char *equals = strchr(arg, '=');
        size_t len = equals ? (size_t)(equals - arg) : strlen(arg);
        const struct option_spec *spec;

        if (!options || arg[0] != '-' || arg[1] == '\0') {
            argv[operands++] = argv[i];
            continue;
        }
        if (strcmp(arg, "--") == 0) {
            options = false;
            continue;
        }
        spec = arg[1] == '-' ? find_long(specs, arg, len) : find_short(specs, arg);
        if (!spec)
            return unknown_option(specs, arg, len, reterr);
        if (spec->type == OPTION_FLAG && !(arg[1] == '-' && equals)) {
            *(bool *)spec->target = true;
            continue;
        }
        if (arg[1] != '-' && arg[2]) { /* -j4 */
            if (set_value(spec, arg + 2, reterr) < 0)
                return -1;
            continue;
        }
        if (!(arg[1] == '-' && equals) && i + 1 >= argc)
            return err_set(reterr, ERR_INVALID, NO_POS, "%s wants a value", spec->name);
        if (set_value(spec, arg[1] == '-' && equals ? equals + 1 : argv[++i], reterr) < 0)
            return -1;
    }
    *ret_operands = operands;
    return 0;
}

void options_help(const struct option_spec *specs)
{
    for (; specs->name; specs++) {
        AUTO(str)
        char *left = mem_printf("%s%s%s", specs->name, specs->value ? " " : "",
                                specs->value ? specs->value : "");

        if (specs->letter)
            printf("  -%c, %-26s %s\n", specs->letter, left, specs->help);
        else
            printf("      %-26s %s\n", left, specs->help);
    }
}
