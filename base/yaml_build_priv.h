/* A document while it grows, node by node: limits, keys, anchors, and what aliases copy. What the
 * nodes mean is yaml.c's.
 *
 * Aliases are expanded by copying the anchored subtree, which is contiguous; its size, depth and
 * text are known before it is copied, so an alias bomb costs nothing. */
#ifndef VMCONFORM_BASE_YAML_BUILD_PRIV_H
#define VMCONFORM_BASE_YAML_BUILD_PRIV_H

#include "base/strmap.h"
#include "base/yaml_priv.h"

/* What a finished subtree amounts to. */
struct yaml_extent {
    uint32_t nodes;
    uint32_t depth;
    uint64_t bytes;
};
struct yaml_open {
    uint32_t index;
    uint32_t last_child;
    char *key; /* a map's pending key; NULL while one is expected */
    struct src_pos key_pos;
};
struct yaml_builder {
    struct yaml_doc *doc;
    struct yaml_extent *extents; /* in step with doc->nodes */
    size_t extent_cap;
    uint64_t bytes; /* text in all nodes, repeated for aliases */
    struct yaml_open open[YAML_DEPTH_MAX];
    unsigned depth;
    struct strmap *anchors; /* name to index + 1 */
    struct diags *diags;
};

void yaml_builder_init(struct yaml_builder *b, struct yaml_doc *doc, struct diags *diags);
void yaml_builder_finish(struct yaml_builder *b);
/* Text of at most 40 bytes, for a message. Returns out. */
const char *yaml_shown(const char *text, size_t len, char out[48]);
/* Says that the document passes a limit, which ends it: -1. */
int yaml_stop(struct yaml_builder *b, struct src_pos pos, const char *what, unsigned limit);
/* A copy that the document owns. */
char *yaml_keep_string(struct yaml_builder *b, const void *bytes, size_t len);
/* The same for what is no text; aligned as malloc() does. */
void *yaml_keep_bytes(struct yaml_builder *b, const void *bytes, size_t len);
/* The open node is a map whose next node is a key. */
bool yaml_key_expected(const struct yaml_builder *b);
/* Keeps the key for the node that comes next. */
void yaml_take_key(struct yaml_builder *b, const char *text, size_t len, struct src_pos pos);
/* Refuses a key that is no string; goes on with a name of its own, so that the value is still
 * looked at. */
void yaml_take_broken_key(struct yaml_builder *b, struct src_pos pos);
/* Appends a node below the open one, with the key that is pending. -1: the document is too large,
 * which has been said. */
int yaml_new_node(struct yaml_builder *b, enum yaml_type type, struct src_pos pos, size_t bytes,
                  uint32_t *ret_index);
/* What follows is below this node, until it is closed. */
void yaml_open_node(struct yaml_builder *b, uint32_t index);
void yaml_close_node(struct yaml_builder *b);
/* name NULL: it has none. */
void yaml_add_anchor(struct yaml_builder *b, const char *name, uint32_t index);
/* Appends a copy of what stands at the anchor; null where there is none, which is told. */
int yaml_copy_anchored(struct yaml_builder *b, const char *name, struct src_pos pos);

#endif
