/* The columns that a definition names (additionalPrinterColumns), and their cells. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "sim/rest/table_priv.h"

struct table_customs {
    struct table_column *columns; /* the name's first */
    struct table_path **paths;    /* NULL: leads nowhere; the name's is not looked at */
    char **descriptions;          /* owned ones, or NULL */
    size_t count;
};

static const struct table_column name_column = COLUMN_NAME;

static void add_column(struct table_customs *c, const struct table_column *column, const char *path)
{
    size_t i = c->count++;
    c->columns[i] = *column;
    c->paths[i] = path ? table_path_parse(path) : NULL;
    if (!*column->description)
        c->columns[i].description = c->descriptions[i] =
            mem_printf("Custom resource definition column (in JSONPath format): %s", path);
}

static void add_defined(struct table_customs *c, const json_t *def)
{
    const struct table_column column = {.name = json_str_or_empty(def, "name"),
                                        .type = json_str_or_empty(def, "type"),
                                        .format = json_str_or_empty(def, "format"),
                                        .description = json_str_or_empty(def, "description"),
                                        .priority = (int)json_int(def, "priority", 0)};
    add_column(c, &column, json_str_or_empty(def, "jsonPath"));
}

struct table_customs *table_customs_create(const json_t *version)
{
    static const struct table_column age = {"Age", "date", "",
                                            "How long ago the object was created.", 0};
    const json_t *defs = json_object_get(version, "additionalPrinterColumns");
    size_t count = json_array_size(defs);
    struct table_customs *c = mem_zalloc(sizeof *c);
    c->columns = mem_zalloc((count + 2) * sizeof *c->columns);
    c->paths = mem_zalloc((count + 2) * sizeof *c->paths);
    c->descriptions = mem_zalloc((count + 2) * sizeof *c->descriptions);
    add_column(c, &name_column, NULL);
    for (size_t i = 0; i < count; i++)
        add_defined(c, json_array_get(defs, i));
    if (count == 0)
        add_column(c, &age, ".metadata.creationTimestamp");
    return c;
}

void table_customs_destroy(struct table_customs *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->count; i++) {
        table_path_destroy(c->paths[i]);
        free(c->descriptions[i]);
    }
    free(c->columns);
    free(c->paths);
    free(c->descriptions);
    free(c);
}

size_t table_customs_columns(const struct table_customs *c, const struct table_column **ret)
{
    *ret = c->columns;
    return c->count;
}

/* ---- cells ---- */

/* As Go's %v writes a real: the shortest digits that read back, with an exponent from a million on.
 */
static json_t *real_text(double value)
{
    char text[340];
    int digits = 1, exponent;
    for (; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*e", digits - 1, value);
        if (strtod(text, NULL) == value)
            break;
    }
    const char *e = strchr(text, 'e');
    exponent = e ? (int)strtol(e + 1, NULL, 10) : 0;
    if (e && exponent >= -4 && exponent < 6) {
        int places = digits - 1 - exponent;
        snprintf(text, sizeof text, "%.*f", places > 0 ? places : 0, value);
    }
    return json_string(text);
}

/* Texts as they are, what has parts as JSON. */
static json_t *text_cell(const json_t *v)
{
    AUTO(strbuf) struct strbuf out = {0};
    if (json_is_string(v))
        return json_incref((json_t *)v);
    if (json_is_null(v))
        return json_string("<no value>");
    if (json_is_real(v))
        return real_text(json_real_value(v));
    json_write_sorted(&out, v, JSON_TIGHT);
    return json_string(strbuf_str(&out));
}

/* What is no number of that kind shows nothing. */
static json_t *integer_cell(const json_t *v)
{
    if (json_is_integer(v))
        return json_incref((json_t *)v);
    /* 2^63 itself does not fit. */
    if (!json_is_real(v) || !(fabs(json_real_value(v)) < 9.2e18))
        return NULL;
    return json_integer((json_int_t)json_real_value(v));
}

static json_t *date_cell(const json_t *v, int64_t now_ns)
{
    char text[SPAN_TEXT];
    if (!json_is_string(v))
        return NULL;
    const char *time = json_string_value(v);
    table_since(strcmp(time, "null") == 0 ? "" : time, now_ns, text);
    return json_string(text);
}

static json_t *cell_of(const char *type, const json_t *v, int64_t now_ns)
{
    if (strcmp(type, "string") == 0)
        return text_cell(v);
    if (strcmp(type, "integer") == 0)
        return integer_cell(v);
    if (strcmp(type, "number") == 0)
        return json_is_number(v) ? json_incref((json_t *)v) : NULL;
    if (strcmp(type, "boolean") == 0)
        return json_is_boolean(v) ? json_incref((json_t *)v) : NULL;
    if (strcmp(type, "date") == 0)
        return date_cell(v, now_ns);
    return NULL;
}

void table_customs_fill(const struct table_customs *c, struct table_row *row, const json_t *object)
{
    row_name(row, object);
    for (size_t i = 1; i < c->count; i++) {
        const json_t *v;
        json_t *cell = NULL;
        if (c->paths[i] && table_path_first(c->paths[i], object, &v))
            cell = cell_of(c->columns[i].type, v, row->now_ns);
        json_array_append_new(row->cells, cell ? cell : json_null());
    }
}
