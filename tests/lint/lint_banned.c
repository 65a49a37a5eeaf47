/* Calls that the project does without, and what it uses instead. Comments and strings do not count,
 * nor do members of the same name (host->ops->sleep). */
#include "tests/lint/source.h"

#include <ctype.h>
#include <string.h>

#define CLOCK "the virtual clock (host_now, sched_now), or base/wall.h where no scenario can see it"
#define SLEEP "host_sleep or sched_sleep: virtual time, nobody waits"
#define CHANCE "a stream of base/prng.h, from the seed"
#define ORDER "scandir with a comparison by bytes: the order of a folder is not the same everywhere"

static const struct ban {
    const char *name, *instead;
    const char *allowed[3]; /* files */
} bans[] = {
    {"time", CLOCK, {"base/wall.c"}},
    {"gettimeofday", CLOCK, {"base/wall.c"}},
    {"clock_gettime", CLOCK, {"base/wall.c"}},
    {"localtime", "kube/time.h: UTC, whatever TZ says", {NULL}},
    {"localtime_r", "kube/time.h: UTC, whatever TZ says", {NULL}},
    {"mktime", "kube/time.h: UTC, whatever TZ says", {NULL}},
    {"sleep", SLEEP, {"base/wall.c"}},
    {"usleep", SLEEP, {"base/wall.c"}},
    {"nanosleep", SLEEP, {"base/wall.c"}},
    {"clock_nanosleep", SLEEP, {"base/wall.c"}},
    {"rand", CHANCE, {"base/prng.c"}},
    {"rand_r", CHANCE, {"base/prng.c"}},
    {"srand", CHANCE, {"base/prng.c"}},
    {"random", CHANCE, {"base/prng.c"}},
    {"drand48", CHANCE, {"base/prng.c"}},
    {"getrandom", CHANCE, {"base/prng.c"}},
    {"getentropy", CHANCE, {"base/prng.c"}},
    {"arc4random", CHANCE, {"base/prng.c"}},
    {"uuid_generate", CHANCE, {NULL}},
    {"uuid_generate_random", CHANCE, {NULL}},
    /* These sort what they have read, or do not care. */
    {"readdir",
     ORDER,
     {"tests/unit/qcow2/support.c", "tests/unit/components/test_datamover_download.c"}},
    {"strtok", "strcspn or strchr: it writes into its argument and keeps state", {NULL}},
    {"strtok_r", "strcspn or strchr: it writes into its argument", {NULL}},
    {"atoi", "strtoll with its end checked: it cannot tell an error from 0", {NULL}},
    {"atol", "strtoll with its end checked: it cannot tell an error from 0", {NULL}},
    {"atoll", "strtoll with its end checked: it cannot tell an error from 0", {NULL}},
    {"atof", "strtod with its end checked: it cannot tell an error from 0", {NULL}},
    {"sprintf", "mem_printf, strbuf_addf or snprintf", {NULL}},
    {"vsprintf", "mem_vprintf, strbuf_vaddf or vsnprintf", {NULL}},
    {"strcpy", "mem_strdup, strbuf_addstr or memcpy", {NULL}},
    {"strcat", "strbuf_addstr", {NULL}},
    {"gets", "fgets", {NULL}},
    {"alloca", "mem_alloc: a fiber has 256 KiB of stack", {NULL}},
    {"malloc", "mem_alloc, which does not fail", {"base/mem.c", "base/json_heap.c"}},
    {"calloc", "mem_zalloc, which does not fail", {"base/mem.c"}},
    {"realloc", "mem_realloc or mem_grow, which do not fail", {"base/mem.c"}},
    {"strdup", "mem_strdup, which does not fail", {"base/mem.c"}},
    {"asprintf", "mem_printf, which does not fail", {"base/mem.c"}},
};

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

static bool allowed(const struct ban *b, const char *path)
{
    for (size_t i = 0; i < ARRAY_LEN(b->allowed); i++)
        if (b->allowed[i] && strcmp(b->allowed[i], path) == 0)
            return true;
    return false;
}

/* Whether code[at..at+len) is a call: not a member, and a parenthesis follows. */
static bool is_call(const char *code, size_t at, size_t len)
{
    size_t after = at + len, before = at;

    if ((at && is_word(code[at - 1])) || is_word(code[after]))
        return false;
    after += strspn(code + after, " \t\n");
    while (before && (code[before - 1] == ' ' || code[before - 1] == '\t'))
        before--;
    if (before && (code[before - 1] == '.' ||
                   (before > 1 && code[before - 1] == '>' && code[before - 2] == '-')))
        return false;
    return code[after] == '(';
}

static void check_calls(const struct source *s, const struct ban *b, struct findings *f)
{
    size_t len = strlen(b->name);

    if (allowed(b, s->path))
        return;
    for (const char *p = s->code; (p = strstr(p, b->name)); p += len) {
        size_t at = (size_t)(p - s->code);
        if (is_call(s->code, at, len))
            finding(f, s->path, source_line(s, at), "%s() is banned; use %s", b->name, b->instead);
    }
}

static void check_pattern(const struct source *s, const char *where, const char *pattern,
                          const char *why, struct findings *f)
{
    for (const char *p = where; (p = strstr(p, pattern)); p += strlen(pattern))
        finding(f, s->path, source_line(s, (size_t)(p - where)), "%s is banned: %s", pattern, why);
}

void lint_banned(const struct tree *t, struct findings *f)
{
    for (size_t i = 0; i < t->count; i++) {
        const struct source *s = &t->items[i];

        /* Fuzzers and benchmarks are programs of their own, but the same rules keep them
         * repeatable. */
        if (!s->is_c || strncmp(s->path, "tests/lint/", 11) == 0)
            continue;
        for (size_t j = 0; j < ARRAY_LEN(bans); j++)
            check_calls(s, &bans[j], f);
        check_pattern(s, s->code, "__DATE__", "the same commit must build the same program", f);
        check_pattern(s, s->code, "__TIME__", "the same commit must build the same program", f);
        check_pattern(s, s->strings, "%p", "addresses differ from run to run", f);
    }
}
