/* Objects of built-in kinds as files give them, held against what their kinds look like: as strict
 * as kubectl's --validate=strict, with the place in the file. */
#ifndef VMCONFORM_RUNNER_MANIFEST_H
#define VMCONFORM_RUNNER_MANIFEST_H

#include <stdbool.h>

#include "base/yaml.h"

/* Fields that the kind does not know, and values that cannot be their field's. Of other kinds only
 * metadata is looked at; the items of a List each. `holes`: a text with `${` may become anything.
 * Returns whether all is well; what is wrong goes to diags. */
bool manifest_check(const struct yaml_doc *doc, const struct yaml_node *object, bool holes,
                    struct diags *diags);

#endif
