/* Values of cel-spec's tests (cel.expr.Value as text) and those of an evaluation. */
#ifndef VMCONFORM_TESTS_CEL_EXPECTED_H
#define VMCONFORM_TESTS_CEL_EXPECTED_H

#include "base/strbuf.h"
#include "cel/arena.h"
#include "cel/cel.h"
#include "tests/cel/textproto.h"

/* In the arena. False: a value that only protocol buffers have. */
bool expected_value(struct arena *a, const struct message *value, struct cel_value *ret);
/* The same type and the same value; NaN is NaN, maps have no order. */
bool expected_is(const struct message *value, const struct cel_value *got);
/* Whether it, or a part of it, is a message or an enum of protocol buffers. */
bool expected_needs_messages(const struct message *value);

#endif
