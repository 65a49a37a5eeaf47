/* The trace: one JSON line for each request, event, I/O and pick, in order, byte-identical for the
 * same commit, scenario and seed.
 *
 * A record begins with "t" (virtual ns since the world began), "n" (running number) and "ev"; the
 * rest depends on ev. Keys are written in the order they were given. No wall time, no pointer, no
 * path of this machine may enter. */
#ifndef VMCONFORM_SCHED_TRACE_H
#define VMCONFORM_SCHED_TRACE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/strbuf.h"

struct trace;

/* Collects lines in memory; trace_text() gives them. */
struct trace *trace_create(void);
void trace_destroy(struct trace *t);
DEFINE_CLEANUP(struct trace, trace, trace_destroy);

/* The time that "t" counts from; sched_create() sets it. Before that, 1970. */
void trace_origin(struct trace *t, int64_t start_ns);

/* Callers test this first, so that a world without trace pays one branch. t may be NULL. */
static inline bool trace_on(const struct trace *t)
{
    return t != NULL;
}

/* One record: key/value pairs. trace_begin starts it, trace_end ends it; values in between. */
void trace_begin(struct trace *t, int64_t now_ns, const char *ev);
void trace_str(struct trace *t, const char *key, const char *value); /* NULL value: left out */
void trace_int(struct trace *t, const char *key, int64_t value);
/* Compact, keys sorted; NULL: left out. */
void trace_json(struct trace *t, const char *key, const json_t *value);
void trace_end(struct trace *t);

const struct strbuf *trace_text(const struct trace *t);

#endif
