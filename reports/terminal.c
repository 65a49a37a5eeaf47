/* What a person sees: one status line on a terminal, failures as they come, a summary. A pipe gets
 * no progress. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/plural.h"
#include "base/strmap.h"
#include "reports/writers.h"
#include "reports/xml.h"

struct terminal {
    FILE *out;
    bool is_tty, color;
    size_t total, done, bad;
};

struct terminal *terminal_create(FILE *out, bool is_tty, bool color, size_t total)
{
    struct terminal *t = mem_zalloc(sizeof *t);

    *t = (struct terminal){.out = out, .is_tty = is_tty, .color = color, .total = total};
    return t;
}

static const char *paint(const struct terminal *t, const char *code)
{
    return t->color ? code : "";
}

static void clear_line(const struct terminal *t)
{
    if (t->is_tty)
        fputs("\r\033[K", t->out);
}

/* User text must not drive the terminal: control characters, also those above ASCII, and broken
 * UTF-8 are shown as \xNN. `indent` NULL: one line, whatever the text. */
static void put_safe(FILE *out, const char *text, const char *indent)
{
    const unsigned char *p = (const unsigned char *)text;

    fputs(indent ? indent : "", out);
    while (*p) {
        uint32_t c = 0;
        size_t len = utf8_char(p, &c);

        if (len && c == '\n' && indent) {
            fputc('\n', out);
            if (p[1])
                fputs(indent, out);
        } else if (len == 0 || (c < 0x20 && c != '\t') || (c >= 0x7f && c < 0xa0)) {
            for (size_t i = 0; i < (len ? len : 1); i++)
                fprintf(out, "\\x%02x", p[i]);
        } else {
            fwrite(p, 1, len, out);
        }
        p += len ? len : 1;
    }
}

static bool is_bad(const struct result_case *r)
{
    return r->status != RESULT_PASSED && r->status != RESULT_SKIPPED && !r->expected;
}

static void tell(const struct terminal *t, const struct result_case *r)
{
    const char *color = r->status == RESULT_FAILED ? "\033[31m" : "\033[33m";

    fprintf(t->out, "%s%s%s ", paint(t, color), result_status_name(r->status), paint(t, "\033[0m"));
    put_safe(t->out, r->name, NULL);
    fputs(r->observed ? " (observed)\n  " : "\n  ", t->out);
    put_safe(t->out, r->headline ? r->headline : "", NULL);
    fputc('\n', t->out);
    if (r->details)
        put_safe(t->out, r->details, "  ");
    if (r->replay) {
        fputs("  replay: ", t->out);
        put_safe(t->out, r->replay, NULL);
        fputs("\n\n", t->out);
    }
}

void terminal_case(struct terminal *t, const struct result_case *r)
{
    t->done++;
    t->bad += is_bad(r);
    clear_line(t);
    if (is_bad(r))
        tell(t, r);
    if (t->is_tty)
        fprintf(t->out, "%zu/%zu%s", t->done, t->total > t->done ? t->total : t->done,
                t->bad ? ", not all well" : "");
    fflush(t->out);
}

static void tell_skips(const struct terminal *t, const struct result_run *run)
{
    for (size_t i = 0; i < run->count; i++) {
        const struct result_case *r = run->cases[i];

        if (r->status != RESULT_SKIPPED)
            continue;
        fputs("skipped ", t->out);
        put_safe(t->out, r->name, NULL);
        fputs(": ", t->out);
        put_safe(t->out, r->headline ? r->headline : "", NULL);
        fputc('\n', t->out);
    }
}

static void tell_suites(const struct terminal *t, const struct result_run *run)
{
    struct strmap *seen = strmap_create();

    for (size_t i = 0; i < run->count; i++) {
        const char *suite = run->cases[i]->suite;
        size_t passed = 0, all = 0;
        int64_t wall = 0;
        bool first = !strmap_put(seen, suite, (void *)suite);

        for (size_t k = i; first && k < run->count; k++) {
            if (strcmp(run->cases[k]->suite, suite) != 0)
                continue;
            all++;
            passed += run->cases[k]->status == RESULT_PASSED;
            wall += run->cases[k]->wall_ns;
        }
        if (first)
            fprintf(t->out, "%-24s %4zu of %zu passed  %8.1f ms\n", suite, passed, all,
                    (double)wall / 1e6);
    }
    strmap_destroy(seen, NULL);
}

void terminal_finish(struct terminal *t, const struct result_run *run)
{
    struct result_totals n = result_count(run);

    clear_line(t);
    tell_skips(t, run);
    tell_suites(t, run);
    fprintf(t->out,
            "%zu %s: %zu passed, %zu failed, %zu %s, %zu vacuous, %zu skipped; seed %llu; "
            "%.2fs\n",
            run->count, plural(run->count, "case", "cases"), n.by_status[RESULT_PASSED],
            n.by_status[RESULT_FAILED], n.by_status[RESULT_ERROR],
            plural(n.by_status[RESULT_ERROR], "error", "errors"), n.by_status[RESULT_VACUOUS],
            n.by_status[RESULT_SKIPPED], (unsigned long long)run->seed, (double)run->wall_ns / 1e9);
    if (n.observed)
        fprintf(t->out,
                "%zu of the cases %s observed: an outside controller took part, another run may "
                "differ\n",
                n.observed, plural(n.observed, "was", "were"));
    if (n.expected)
        fprintf(t->out, "%zu of the failures %s expected\n", n.expected,
                plural(n.expected, "was", "were"));
    if (run->fail_on_skip && n.by_status[RESULT_SKIPPED] && !run->interrupted)
        fprintf(t->out, "%zu skipped; --fail-on-skip makes that an error\n",
                n.by_status[RESULT_SKIPPED]);
    if (run->interrupted)
        fputs("interrupted by a signal; cases that did not run are counted as skipped\n", t->out);
    fflush(t->out);
    free(t);
}
