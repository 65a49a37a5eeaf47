/* The Test Anything Protocol, version 13: one line for each case. */
#include "reports/writers.h"

static const char *ending(const struct result_case *r)
{
    if (r->expected)
        return " # SKIP expected to fail";
    return r->status == RESULT_SKIPPED ? " # SKIP" : "";
}

static void write_tap(struct strbuf *out, const struct result_run *run)
{
    strbuf_addf(out, "TAP version 13\n1..%zu\n", run->count);
    for (size_t i = 0; i < run->count; i++) {
        const struct result_case *r = run->cases[i];
        bool ok = r->status == RESULT_PASSED || r->status == RESULT_SKIPPED || r->expected;

        strbuf_addf(out, "%sok %zu - %s%s\n", ok ? "" : "not ", i + 1, r->name, ending(r));
    }
}

const struct report_writer report_writer_tap = {"tap", "write a TAP report", write_tap};
