/* What is said of a name that nobody knows, with what may be meant: the same words when a file is
 * checked and when a case finds out. Each sets *reterr and returns -1. Visible inside runner/ only.
 */
#ifndef VMCONFORM_RUNNER_UNKNOWN_H
#define VMCONFORM_RUNNER_UNKNOWN_H

#include "base/err.h"
#include "sim/apiserver/apiserver.h"

/* `known` (count; may be 0) are those that there are. */
int unknown_cluster(const char *name, const char *const *known, size_t count, struct src_pos pos,
                    struct err *reterr);
int unknown_fault(const char *name, const char *const *known, size_t count, struct src_pos pos,
                  struct err *reterr);
int unknown_chain(const char *name, const char *const *known, size_t count, struct src_pos pos,
                  struct err *reterr);
int unknown_chain_disk(const char *name, const char *const *known, size_t count, struct src_pos pos,
                       struct err *reterr);
int unknown_checkpoint(const char *name, const char *const *known, size_t count, struct src_pos pos,
                       struct err *reterr);
int unknown_mark(const char *name, const char *const *known, size_t count, struct src_pos pos,
                 struct err *reterr);
int no_chain_moment(const char *moment, struct src_pos pos, struct err *reterr);
int unknown_actor(const char *name, const char *const *known, size_t count, struct src_pos pos,
                  struct err *reterr);
int unknown_component(const char *name, struct src_pos pos, struct err *reterr);
int component_down(const char *name, const char *const *known, size_t count, struct src_pos pos,
                   struct err *reterr);
/* The kinds are those of the server; NULL: there is none. */
int unknown_kind(const struct apiserver *a, const char *kind, struct src_pos pos,
                 struct err *reterr);
int ambiguous_kind(const char *kind, struct src_pos pos, struct err *reterr);
int unknown_manifest(const struct apiserver *a, const char *cluster, const char *version,
                     const char *kind, struct src_pos pos, struct err *reterr);

#endif
