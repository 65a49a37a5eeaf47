/* Report writers. Each writes a whole report to a file (a temporary name, then renamed), or to a
 * stream. */
#ifndef VMCONFORM_REPORTS_WRITERS_H
#define VMCONFORM_REPORTS_WRITERS_H

#include <stdio.h>

#include "base/err.h"
#include "base/strbuf.h"
#include "reports/result.h"

/* JUnit XML, "rich" flavour: testsuites > testsuite (folder) > testcase (case) with file, line and
 * properties requirement, seed, replay, checked; failure, error and skipped told apart. Any byte of
 * user text becomes legal XML 1.0. */
void report_junit(struct strbuf *out, const struct result_run *run);
void report_json(struct strbuf *out, const struct result_run *run);

/* A report that `run` writes whole when all is over: `run --NAME FILE`. Adding one: a constant of
 * this type in a file of this folder, and its line in writers.list. */
struct report_writer {
    const char *name;
    const char *help; /* of its option: "write a JUnit report" */
    void (*write)(struct strbuf *out, const struct result_run *run);
};
extern const struct report_writer *const report_writers[]; /* in the order of the list */
extern const size_t report_writer_count;

/* Makes the folders above a file. */
void report_make_parents(const char *path);
int report_save(const char *path, const struct strbuf *text, struct err *reterr);

/* The terminal: progress while it runs (one status line on a terminal, nothing in a pipe), failures
 * as they come, a summary. */
struct terminal;
struct terminal *terminal_create(FILE *out, bool is_tty, bool color, size_t total);
void terminal_case(struct terminal *t, const struct result_case *r);
void terminal_finish(struct terminal *t,
                     const struct result_run *run); /* prints the summary and frees t */

#endif
