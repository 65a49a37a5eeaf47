/* JUnit XML, the rich flavour. A suite is a folder; it appears where its first case stands. */
#include <string.h>

#include "base/mem.h"
#include "base/strmap.h"
#include "reports/writers.h"
#include "reports/xml.h"

static void seconds(struct strbuf *out, const char *name, int64_t ns)
{
    strbuf_addf(out, " %s=\"%lld.%06lld\"", name, (long long)(ns / 1000000000),
                (long long)(ns % 1000000000 / 1000));
}

static bool is_failure(const struct result_case *r)
{
    return r->status == RESULT_FAILED && !r->expected;
}

static bool is_error(const struct result_case *r)
{
    return r->status == RESULT_ERROR || r->status == RESULT_VACUOUS;
}

static bool is_skip(const struct result_case *r)
{
    return r->status == RESULT_SKIPPED || (r->status == RESULT_FAILED && r->expected);
}

static void property(struct strbuf *out, const char *name, const char *value)
{
    strbuf_addstr(out, "        <property");
    xml_attribute(out, "name", name);
    xml_attribute(out, "value", value);
    strbuf_addstr(out, "/>\n");
}

static void properties(struct strbuf *out, const struct result_case *r)
{
    AUTO(str) char *seed = mem_printf("%llu", (unsigned long long)r->seed);
    AUTO(str) char *virtual_time = mem_printf("%.3fs", (double)r->virtual_ns / 1e9);

    strbuf_addstr(out, "      <properties>\n");
    for (size_t i = 0; r->requirements && r->requirements[i]; i++)
        property(out, "requirement", r->requirements[i]);
    property(out, "seed", seed);
    if (r->engine)
        property(out, "engine", r->engine);
    if (r->replay)
        property(out, "replay", r->replay);
    property(out, "virtualTime", virtual_time);
    if (r->observed)
        property(out, "observed", "true");
    for (size_t i = 0; r->checked && r->checked[i]; i++)
        property(out, "checked", r->checked[i]);
    strbuf_addstr(out, "      </properties>\n");
}

static void outcome(struct strbuf *out, const char *element, const char *type,
                    const struct result_case *r)
{
    strbuf_addf(out, "      <%s", element);
    xml_attribute(out, "message", r->headline ? r->headline : "");
    if (type)
        xml_attribute(out, "type", type);
    strbuf_addstr(out, ">");
    xml_text(out, r->headline ? r->headline : "");
    if (r->details) {
        strbuf_addch(out, '\n');
        xml_text(out, r->details);
    }
    if (r->replay) {
        strbuf_addstr(out, "\nreplay: ");
        xml_text(out, r->replay);
    }
    strbuf_addf(out, "</%s>\n", element);
}

static void skipped(struct strbuf *out, const struct result_case *r)
{
    strbuf_addstr(out, "      <skipped");
    if (r->expected) {
        AUTO(str) char *why = mem_printf("expected failure: %s", r->headline ? r->headline : "");

        xml_attribute(out, "message", why);
    } else {
        xml_attribute(out, "message", r->headline ? r->headline : "");
    }
    strbuf_addstr(out, "/>\n");
}

static void testcase(struct strbuf *out, const struct result_case *r)
{
    AUTO(str) char *line = mem_printf("%u", r->line);

    strbuf_addstr(out, "    <testcase");
    xml_attribute(out, "name", r->name);
    xml_attribute(out, "classname", r->suite);
    xml_attribute(out, "file", r->file);
    xml_attribute(out, "line", line);
    seconds(out, "time", r->wall_ns);
    strbuf_addstr(out, ">\n");
    properties(out, r);
    if (is_failure(r))
        outcome(out, "failure", "nonconformance", r);
    else if (is_error(r))
        outcome(out, "error", r->status == RESULT_VACUOUS ? "vacuous" : r->error_type, r);
    else if (is_skip(r))
        skipped(out, r);
    strbuf_addstr(out, "    </testcase>\n");
}

struct counts {
    size_t tests, failures, errors, skipped;
    int64_t ns;
};

static void count_case(struct counts *c, const struct result_case *r)
{
    c->tests++;
    c->failures += is_failure(r);
    c->errors += is_error(r);
    c->skipped += is_skip(r);
    c->ns += r->wall_ns;
}

static void counts_out(struct strbuf *out, const struct counts *c)
{
    strbuf_addf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\"", c->tests,
                c->failures, c->errors, c->skipped);
    seconds(out, "time", c->ns);
}

static void testsuite(struct strbuf *out, const struct result_run *run, size_t first)
{
    const char *name = run->cases[first]->suite;
    struct counts counts = {0};

    for (size_t i = first; i < run->count; i++)
        if (strcmp(run->cases[i]->suite, name) == 0)
            count_case(&counts, run->cases[i]);
    strbuf_addstr(out, "  <testsuite");
    xml_attribute(out, "name", name);
    counts_out(out, &counts);
    strbuf_addstr(out, ">\n");
    for (size_t i = first; i < run->count; i++)
        if (strcmp(run->cases[i]->suite, name) == 0)
            testcase(out, run->cases[i]);
    strbuf_addstr(out, "  </testsuite>\n");
}

void report_junit(struct strbuf *out, const struct result_run *run)
{
    struct counts all = {0};
    struct strmap *seen = strmap_create();

    for (size_t i = 0; i < run->count; i++)
        count_case(&all, run->cases[i]);
    strbuf_addstr(out,
                  "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"vmconform\"");
    counts_out(out, &all);
    strbuf_addstr(out, ">\n");
    for (size_t i = 0; i < run->count; i++)
        if (!strmap_put(seen, run->cases[i]->suite, (void *)run))
            testsuite(out, run, i);
    strmap_destroy(seen, NULL);
    strbuf_addstr(out, "</testsuites>\n");
}

const struct report_writer report_writer_junit = {"junit", "write a JUnit report", report_junit};
