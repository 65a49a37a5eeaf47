/* Where the text of a YAML scalar stands in its file. */
#ifndef VMCONFORM_BASE_YAML_RUNS_PRIV_H
#define VMCONFORM_BASE_YAML_RUNS_PRIV_H

#include <stdlib.h>

#include "base/src_run.h"
#include "base/yaml_source_priv.h"

struct yaml_span {
    size_t start, end; /* of the scalar, in bytes, with its quotes or the head of its block */
    size_t line;       /* of the start, from 0 */
    bool plain, block;
    bool properties; /* an anchor or a tag stands before it */
};

/* New array; NULL when the two do not fit. */
struct src_run *yaml_runs(struct yaml_source *source, const struct yaml_span *span,
                          const char *text, size_t len, size_t *ret_count);

#endif
