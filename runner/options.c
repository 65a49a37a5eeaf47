#include "runner/options.h"

#include <errno.h>
#include <inttypes.h>
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
    AUTO(str) char *word = mem_strndup(arg, len);

    for (; specs[count].name && count < OPTIONS_MAX; count++)
        names[count] = specs[count].name;
    err_set(reterr, ERR_INVALID, NO_POS, "unknown option '%s'", word);
    return err_suggest(reterr, word, names, count, NULL);
}

static int set_count(const struct option_spec *spec, const char *text, uint64_t *ret,
                     struct err *reterr)
{
    char *end;
    unsigned long long v;

    errno = 0;
    v = strtoull(text, &end, 10);
    if (errno || end == text || *end || *text == '-')
        return err_set(reterr, ERR_INVALID, NO_POS, "%s wants a number, found '%s'", spec->name,
                       text);
    *ret = v;
    return 0;
}

static bool size_shift(const char *suffix, unsigned *ret_shift)
{
    static const char units[] = "kMGT";
    const char *unit = strchr(units, *suffix == 'K' ? 'k' : *suffix);

    *ret_shift = 0;
    if (*suffix == '\0')
        return true;
    if (!unit || (suffix[1] != '\0' && strcmp(suffix + 1, "iB") != 0))
        return false;
    *ret_shift = 10 * (unsigned)(unit - units + 1);
    return true;
}

static int set_size(const struct option_spec *spec, const char *text, uint64_t *ret,
                    struct err *reterr)
{
    char *end;
    unsigned long long v;
    unsigned shift;

    errno = 0;
    v = strtoull(text, &end, 10);
    if (errno || end == text || *text < '0' || *text > '9' || !size_shift(end, &shift) ||
        v > UINT64_MAX >> shift)
        return err_set(reterr, ERR_INVALID, NO_POS,
                       "%s wants a size such as 4096, 64k or 64MiB, found '%s'", spec->name, text);
    *ret = (uint64_t)v << shift;
    return 0;
}

static int set_number(const struct option_spec *spec, const char *text, struct option_number *ret,
                      struct err *reterr)
{
    ret->given = true;
    return spec->type == OPTION_BYTES ? set_size(spec, text, &ret->value, reterr)
                                      : set_count(spec, text, &ret->value, reterr);
}

int option_number_check(const char *name, const struct option_number *n, uint64_t least,
                        uint64_t most, struct err *reterr)
{
    bool low = n->value < least;

    if (!n->given || (!low && n->value <= most))
        return 0;
    return err_set(reterr, ERR_INVALID, NO_POS, "%s wants at %s %" PRIu64 ", found %" PRIu64, name,
                   low ? "least" : "most", low ? least : most, n->value);
}

static void add_to_list(struct option_list *l, const char *text)
{
    l->items = mem_grow(l->items, &l->cap, l->count + 1, sizeof *l->items);
    l->items[l->count++] = text;
}

void option_list_finish(struct option_list *l)
{
    free(l->items);
    *l = (struct option_list){0};
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
        return set_count(spec, text, spec->target, reterr);
    case OPTION_DURATION:
        if (duration_parse(text, spec->target) && *(int64_t *)spec->target > 0)
            return 0;
        return err_set(reterr, ERR_INVALID, NO_POS, "%s wants a duration such as 30s, found '%s'",
                       spec->name, text);
    case OPTION_SIZE:
        return set_size(spec, text, spec->target, reterr);
    case OPTION_NUMBER:
    case OPTION_BYTES:
        return set_number(spec, text, spec->target, reterr);
    case OPTION_LIST:
        add_to_list(spec->target, text);
        return 0;
    }
    return err_set(reterr, ERR_INVALID, NO_POS, "%s takes no value", spec->name);
}

/* One option with its value, which may be the next argument: *at moves past it. */
static int take_option(const struct option_spec *specs, int argc, char **argv, int *at,
                       struct err *reterr)
{
    const char *arg = argv[*at];
    bool is_long = arg[1] == '-';
    const char *equals = is_long ? strchr(arg, '=') : NULL;
    size_t len = strcspn(arg, "=");
    const struct option_spec *spec = is_long ? find_long(specs, arg, len) : find_short(specs, arg);

    if (!spec)
        return unknown_option(specs, arg, len, reterr);
    if (spec->type == OPTION_FLAG && !equals) {
        *(bool *)spec->target = true;
        return 0;
    }
    if (equals)
        return set_value(spec, equals + 1, reterr);
    if (!is_long && arg[2]) /* -j4 */
        return set_value(spec, arg + 2, reterr);
    if (*at + 1 >= argc)
        return err_set(reterr, ERR_INVALID, NO_POS, "%s wants a value", spec->name);
    return set_value(spec, argv[++*at], reterr);
}

int options_parse_split(const struct option_spec *specs, int argc, char **argv, int *ret_operands,
                        int *ret_split, struct err *reterr)
{
    int operands = 0, split = -1;

    for (int i = 0; i < argc; i++) {
        const char *arg = argv[i];

        if (split >= 0 || arg[0] != '-' || arg[1] == '\0')
            argv[operands++] = argv[i];
        else if (strcmp(arg, "--") == 0)
            split = operands;
        else if (take_option(specs, argc, argv, &i, reterr) < 0)
            return -1;
    }
    *ret_operands = operands;
    *ret_split = split;
    return 0;
}

int options_parse(const struct option_spec *specs, int argc, char **argv, int *ret_operands,
                  struct err *reterr)
{
    int split;

    return options_parse_split(specs, argc, argv, ret_operands, &split, reterr);
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
