/* The insides of Tables: objects as rows of cells, for people (kube-apiserver.md 1.5).
 *
 * Compiled kinds have printers, which show what kubectl's users are used to; custom resources have
 * the columns that their definitions name; the rest has a name and an age. */
#ifndef VMCONFORM_SIM_REST_TABLE_PRIV_H
#define VMCONFORM_SIM_REST_TABLE_PRIV_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/strbuf.h"

struct table_column {
    const char *name, *type, *format, *description;
    int priority; /* above 0: shown only when more is asked for */
};

/* A row under way. */
struct table_row {
    json_t *cells;
    json_t *conditions; /* NULL: none */
    int64_t now_ns;
};
typedef void table_fill(struct table_row *row, const json_t *object);

struct table_printer {
    const char *group, *kind;
    const struct table_column *columns;
    size_t count;
    table_fill *fill;
};
/* Those of one file. */
struct table_printers {
    const struct table_printer *items;
    size_t count;
};
extern const struct table_printers table_pod_printers, table_work_printers, table_net_printers,
    table_storage_printers, table_cluster_printers, table_admission_printers;
/* NULL: the kind has none. */
const struct table_printer *table_find_printer(const char *group, const char *kind);

/* How columns are written down. */
#define COLUMN_NAME                                                                                \
    {                                                                                              \
        "Name", "string", "name", "The object's name, unique among its kind in a namespace.", 0    \
    }
#define COLUMN_AGE                                                                                 \
    {                                                                                              \
        "Age", "string", "", "How long ago the object was created.", 0                             \
    }
#define COLUMN(name)                                                                               \
    {                                                                                              \
        name, "string", "", "", 0                                                                  \
    }
#define COLUMN_INT(name)                                                                           \
    {                                                                                              \
        name, "integer", "", "", 0                                                                 \
    }
#define COLUMN_WIDE(name)                                                                          \
    {                                                                                              \
        name, "string", "", "", 1                                                                  \
    }
#define PRINTER(group, kind, columns, fill)                                                        \
    {                                                                                              \
        group, kind, columns, ARRAY_LEN(columns), fill                                             \
    }

/* ---- cells (table_format.c) ---- */

void row_text(struct table_row *row, const char *text);
void row_textf(struct table_row *row, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void row_int(struct table_row *row, int64_t value);
/* Text at a dotted path, or what stands for nothing. */
void row_str(struct table_row *row, const json_t *object, const char *path, const char *otherwise);
void row_name(struct table_row *row, const json_t *object);
void row_age(struct table_row *row, const json_t *object);
void row_labels(struct table_row *row, const json_t *map);
void row_selector(struct table_row *row, const json_t *selector);
/* Two cells: names and images. */
void row_containers(struct table_row *row, const json_t *pod_spec);

/* A span of time as kubectl writes it: "5m", "3d4h", "<invalid>". */
#define SPAN_TEXT 32
void table_span(int64_t ns, char out[SPAN_TEXT]);
/* Since an RFC 3339 time; "<unknown>" when there is none, "<invalid>" when it is none. */
void table_since(const char *time, int64_t now_ns, char out[SPAN_TEXT]);
/* "a=b,c=d", sorted; "<none>". New. */
char *table_labels_text(const json_t *map);
/* A selector with matchLabels and matchExpressions. New. */
char *table_selector_text(const json_t *selector);
/* Appends with ", " or "," between. */
void table_join(struct strbuf *out, const char *separator, const char *text);
/* The value at a dotted path whose last step may hold dots itself. */
const json_t *table_at(const json_t *object, const char *path, const char *key);

/* ---- JSONPath (table_path.c) ---- */

struct table_path;
/* NULL: it cannot be understood. */
struct table_path *table_path_parse(const char *text);
void table_path_destroy(struct table_path *p);
DEFINE_CLEANUP(struct table_path, table_path, table_path_destroy);
/* The first value that it leads to, borrowed; false when there is none. */
bool table_path_first(const struct table_path *p, const json_t *root, const json_t **ret);

/* ---- columns of definitions (table_columns.c) ---- */

struct table_customs;
/* version: an element of a definition's spec.versions, or NULL. The strings are borrowed. */
struct table_customs *table_customs_create(const json_t *version);
void table_customs_destroy(struct table_customs *c);
size_t table_customs_columns(const struct table_customs *c, const struct table_column **ret);
void table_customs_fill(const struct table_customs *c, struct table_row *row, const json_t *object);

#endif
