/* What the files of the YAML reader and writer share. */
#ifndef VMCONFORM_BASE_YAML_PRIV_H
#define VMCONFORM_BASE_YAML_PRIV_H

#include "base/yaml.h"

struct yaml_doc {
    struct yaml_node *nodes; /* in the order of the text: a subtree is contiguous */
    size_t count, cap;
    char **strings; /* every key and text, once; aliases share them */
    size_t string_count, string_cap;
};

/* The type of a plain scalar and its value. Returns NULL when it is clear, else why readers
 * disagree about it. */
const char *yaml_resolve_plain(const char *text, size_t len, struct yaml_node *node);

#endif
