/* The step `call`: what its files share. Visible inside runner/ only. */
#ifndef VMCONFORM_RUNNER_CALL_H
#define VMCONFORM_RUNNER_CALL_H

#include "runner/casework.h"
#include "runner/parse_priv.h"

/* What of a call can be wrong beside its shape: of the file, and of what its `${...}` gave. */
bool call_check(struct parser *p, const struct yaml_node *value, const struct scope *scope);
int call_check_args(const json_t *args, struct src_pos pos, struct err *reterr);

/* What expressions see of an answer: {code, headers, body, bytes, raw, queries}; code 0: there was
 * none. In raw, the whole of it as one text, each of the texts `masks` (a list, or NULL) is
 * replaced. New.
 */
json_t *call_answer_json(const struct http_reply *r, const json_t *masks);
/* Whether it is what the step expects: 1, 0 with the reasons as lines, -1: a mistake. */
int call_fits(const json_t *expect, const json_t *answer, const struct frame *frame,
              struct strbuf *out, struct err *reterr);
/* The verdict on it. why_none: why there is no answer, or NULL. */
int call_judge(struct casework *cw, const struct step *step, const struct frame *frame,
               const json_t *args, const json_t *answer, const char *why_none);

#endif
