/* YAML into a tree with positions (libyaml), and from there to JSON.
 *
 * One document, the JSON subset of YAML plus block style, comments and anchors within limits. One function decides the type
 * of a plain scalar; plain scalars that YAML 1.1 and 1.2 read differently (yes, on, 0644, 1_000, 0b1, 12:30:45, ~, NULL) are errors
 * with a hint to quote them. Duplicate keys, tabs, a second document, complex keys, tags other than the core ones, and
 * more than the limits are errors with a position. Nodes live in one array, linked by index, freed at once. */
#ifndef VMCONFORM_BASE_YAML_H
#define VMCONFORM_BASE_YAML_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/src_run.h"

#define YAML_BYTES_MAX (1u << 20)
#define YAML_DEPTH_MAX 48
#define YAML_NODES_MAX 200000u
#define YAML_NONE UINT32_MAX

enum yaml_type { YAML_NULL, YAML_BOOL, YAML_INT, YAML_REAL, YAML_STRING, YAML_SEQ, YAML_MAP };

struct yaml_node {
    enum yaml_type type;
    struct src_pos pos;
    struct src_pos key_pos; /* of this node's key when the parent is a map */
    const char *key;        /* NULL unless the parent is a map; owned by the doc */
    const char *text;       /* scalars: the text as written (unquoted); owned by the doc */
    bool quoted;            /* a quoted or block scalar: always YAML_STRING */
    bool block;             /* a literal or folded block scalar: text starts on the line after pos */
    /* Where the text stands in the file: of a scalar, unless it is one piece from pos on (behind its quote). Owned by the
     * doc. */
    const struct src_run *runs;
    size_t run_count;
    union {
        bool boolean;
        int64_t integer;
        double real;
    } value;
    uint32_t first, next; /* first child, next sibling; YAML_NONE ends */
    uint32_t count;       /* number of children */
};

struct yaml_doc;

/* Parses `len` bytes; `name` goes into positions. Collects what it can in diags; returns NULL when any error was added. */
struct yaml_doc *yaml_parse(const char *text, size_t len, const char *name, struct diags *diags);
/* Reads the file first; a missing, unreadable or too large file is an error in diags. ret_text (may be NULL) gets the
 * text, new, for printing source lines. */
struct yaml_doc *yaml_parse_file(const char *path, struct diags *diags, char **ret_text,
                                 size_t *ret_len);
void yaml_destroy(struct yaml_doc *doc);
DEFINE_CLEANUP(struct yaml_doc, yaml, yaml_destroy);

/* The root's index is 0. */
const struct yaml_node *yaml_node(const struct yaml_doc *doc, uint32_t index);
/* The member `key` of a map, or NULL. Borrowed. */
const struct yaml_node *yaml_get(const struct yaml_doc *doc, const struct yaml_node *map,
                                 const char *key);
/* for (n = yaml_first(doc, parent); n; n = yaml_next(doc, n)) */
const struct yaml_node *yaml_first(const struct yaml_doc *doc, const struct yaml_node *parent);
const struct yaml_node *yaml_next(const struct yaml_doc *doc, const struct yaml_node *node);
/* The node a JSON-style path leads to ("spec.steps[2].assert"), or the deepest one on the way. */
const struct yaml_node *yaml_find(const struct yaml_doc *doc, const char *path);
/* New JSON value of a subtree. */
json_t *yaml_to_json(const struct yaml_doc *doc, const struct yaml_node *node);
const char *yaml_type_name(enum yaml_type type);

/* Appends v as block-style YAML, with every string quoted that yaml_parse would not read back as the same string. */
struct strbuf;
void yaml_write(struct strbuf *out, const json_t *v, unsigned indent);

#endif
