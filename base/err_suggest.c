/* "did you mean 'x'?": which of the words that are known is near enough to the one that is not. */
#include "base/err.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/strbuf.h"

#define NEAREST_MAX 40
#define SLIP_MIN 6
#define KNOWN_MAX 16 /* more names than these are no help */

/* Damerau-Levenshtein distance, bounded: words longer than NEAREST_MAX are never near. */
static size_t distance(const char *a, const char *b)
{
    size_t la = strlen(a), lb = strlen(b);
    size_t d[NEAREST_MAX + 1][NEAREST_MAX + 1];

    if (la > NEAREST_MAX || lb > NEAREST_MAX)
        return SIZE_MAX;
    for (size_t i = 0; i <= la; i++)
        d[i][0] = i;
    for (size_t k = 0; k <= lb; k++)
        d[0][k] = k;
    for (size_t i = 1; i <= la; i++) {
        for (size_t k = 1; k <= lb; k++) {
            size_t cost = a[i - 1] == b[k - 1] ? 0 : 1;
            size_t best = d[i - 1][k - 1] + cost;

            if (d[i - 1][k] + 1 < best)
                best = d[i - 1][k] + 1;
            if (d[i][k - 1] + 1 < best)
                best = d[i][k - 1] + 1;
            if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1] &&
                d[i - 2][k - 2] + 1 < best)
                best = d[i - 2][k - 2] + 1;
            d[i][k] = best;
        }
    }
    return d[la][lb];
}

const char *err_nearest(const char *word, const char *const *candidates, size_t count)
{
    const char *best = NULL;
    size_t best_distance = strlen(word) / 3 + 1;

    for (size_t i = 0; i < count; i++) {
        size_t dist = distance(word, candidates[i]);

        if (dist <= best_distance && (!best || dist < best_distance)) {
            best = candidates[i];
            best_distance = dist;
        }
    }
    return best;
}

const char *err_slip(const char *word, const char *const *candidates, size_t count)
{
    const char *near = err_nearest(word, candidates, count);

    return near && strlen(near) >= SLIP_MIN && distance(word, near) <= 2 ? near : NULL;
}

char *err_suggestion(const char *word, const char *const *candidates, size_t count)
{
    const char *near = err_nearest(word, candidates, count);

    return near ? err_did_you_mean(near, "") : NULL;
}

char *err_suggestion_known(const char *word, const char *const *candidates, size_t count)
{
    char *text = err_suggestion(word, candidates, count);
    AUTO(strbuf) struct strbuf all = {0};

    if (text || count == 0 || count > KNOWN_MAX)
        return text;
    for (size_t i = 0; i < count; i++)
        strbuf_addf(&all, "%s %s", i ? "," : "known:", candidates[i]);
    return strbuf_take(&all);
}

int err_suggest_known(struct err *e, const char *word, const char *const *candidates, size_t count)
{
    AUTO(str) char *text = err_suggestion_known(word, candidates, count);

    return text ? err_hint(e, "%s", text) : -1;
}

char *err_did_you_mean(const char *near, const char *rest)
{
    return near ? mem_printf("did you mean '%s'%s?", near, rest)
                : mem_printf("did you mean %s?", rest);
}

int err_suggest(struct err *e, const char *word, const char *const *candidates, size_t count,
                const char *otherwise)
{
    AUTO(str) char *text = err_suggestion(word, candidates, count);

    if (!text && !otherwise)
        return -1;
    return err_hint(e, "%s", text ? text : otherwise);
}
