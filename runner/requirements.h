/* The promises that a project keeps a list of: what scenarios claim with `requirement` stands in
 * it. What the list itself gets wrong is told when it is first read. Visible inside runner/ only.
 */
#ifndef VMCONFORM_RUNNER_REQUIREMENTS_H
#define VMCONFORM_RUNNER_REQUIREMENTS_H

#include "runner/scenario.h"

/* Lists by file, each read once. Zero-initialise. */
struct requirements {
    struct strmap *lists; /* path to struct requirement_list */
    size_t unlisted;      /* scenarios that belong to no list: their ids were not checked */
};
void requirements_finish(struct requirements *r);

/* Each id that the scenario and its laws claim is one of the list's. The list: `file`; NULL: that
 * of the scenario's project, docs/requirements.yaml beside the innermost folder `scenarios` that
 * the scenario is in. Where there is no such file, every id is as good as another. */
void requirements_check(struct requirements *r, const struct unit *u, const char *file,
                        struct diags *diags);
/* After every scenario below the paths: where these hold the whole folder `scenarios` that a list
 * belongs to, each promise is claimed, or says `later: true`. */
void requirements_check_whole(const struct requirements *r, char *const *paths, size_t count,
                              struct diags *diags);

#endif
