#include "components/fulfillment-service/store_rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"

static char *text_of(const json_t *v)
{
    struct strbuf b = {0};

    json_write(&b, v, JSON_TIGHT);
    return strbuf_take(&b);
}

void row_text_finish(struct row_text *t)
{
    free(t->labels);
    free(t->annotations);
    free(t->data);
    free(t->finalizers);
    memset(t, 0, sizeof *t);
}

static void complete_text(char **text)
{
    if (!*text)
        *text = mem_strdup("");
}

static void complete_json(json_t **v, json_t *empty)
{
    if (*v)
        json_decref(empty);
    else
        *v = empty;
}

void rows_complete(struct row *r)
{
    complete_text(&r->id);
    complete_text(&r->tenant);
    complete_text(&r->creator);
    complete_text(&r->project);
    complete_text(&r->name);
    complete_json(&r->finalizers, json_array());
    complete_json(&r->labels, json_object());
    complete_json(&r->annotations, json_object());
    complete_json(&r->data, json_object());
}

/* ---- what can be kept ---- */

static enum store_result refuse(struct err *reterr, const char *field, const char *what)
{
    err_set(reterr, ERR_INVALID, NO_POS, "field '%s' %s", field, what);
    return STORE_INVALID;
}

static bool is_utf8(const char *s)
{
    size_t len = strlen(s);

    while (len > 0) {
        size_t n = utf8_length(s, len);

        if (n == 0)
            return false;
        s += n;
        len -= n;
    }
    return true;
}

static enum store_result check_texts(const struct row *r, struct err *reterr)
{
    const struct {
        const char *field, *text;
    } texts[] = {
        {"id", r->id},
        {"metadata.tenant", r->tenant},
        {"metadata.creator", r->creator},
        {"metadata.project", r->project},
        {"metadata.name", r->name},
    };

    if (!*r->id)
        return refuse(reterr, "id", "is empty");
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (!is_utf8(texts[i].text))
            return refuse(reterr, texts[i].field, "is not valid UTF-8");
        if (strlen(texts[i].text) > STORE_TEXT_MAX)
            return refuse(reterr, texts[i].field, "is too long");
    }
    return STORE_OK;
}

/* How deep the brackets of a JSON text nest: what is written must be readable again. */
static unsigned depth_of(const char *text)
{
    unsigned depth = 0, deepest = 0;
    bool quoted = false;

    for (; *text; text++) {
        if (quoted && *text == '\\')
            text++;
        else if (*text == '"')
            quoted = !quoted;
        else if (!quoted && (*text == '{' || *text == '['))
            deepest = ++depth > deepest ? depth : deepest;
        else if (!quoted && (*text == '}' || *text == ']'))
            depth--;
    }
    return deepest;
}

static enum store_result check_json(const char *field, const char *text, struct err *reterr)
{
    if (strlen(text) > STORE_DATA_MAX)
        return refuse(reterr, field, "is too large");
    if (depth_of(text) > JSON_DEPTH_MAX)
        return refuse(reterr, field, "is nested too deep");
    return STORE_OK;
}

static enum store_result check_jsons(const struct row *r, const struct row_text *t,
                                     struct err *reterr)
{
    const struct {
        const char *field, *text;
        bool right;
    } jsons[] = {
        {"metadata.labels", t->labels, json_is_object(r->labels)},
        {"metadata.annotations", t->annotations, json_is_object(r->annotations)},
        {"data", t->data, json_is_object(r->data)},
        {"metadata.finalizers", t->finalizers, json_is_array(r->finalizers)},
    };
    enum store_result result = STORE_OK;

    for (size_t i = 0; i < ARRAY_LEN(jsons) && result == STORE_OK; i++)
        result = jsons[i].right ? check_json(jsons[i].field, jsons[i].text, reterr)
                                : refuse(reterr, jsons[i].field, "has the wrong type");
    return result;
}

enum store_result rows_write(const struct row *r, struct row_text *ret, struct err *reterr)
{
    struct row_text t = {text_of(r->labels), text_of(r->annotations), text_of(r->data),
                         text_of(r->finalizers)};
    enum store_result result = check_texts(r, reterr);

    if (result == STORE_OK)
        result = check_jsons(r, &t, reterr);
    if (result == STORE_OK)
        *ret = t;
    else
        row_text_finish(&t);
    return result;
}

void rows_bind(struct statement *s, const struct row *r, const struct row_text *t)
{
    statement_text(s, r->id);
    statement_int(s, r->creation_ns);
    statement_int(s, r->deletion_ns);
    statement_text(s, r->tenant);
    statement_text(s, r->creator);
    statement_text(s, r->project);
    statement_text(s, r->name);
    statement_text(s, t->labels);
    statement_text(s, t->annotations);
    statement_int(s, r->version);
    statement_text(s, t->data);
    statement_text(s, t->finalizers);
}

/* ---- reading ---- */

static char *read_text(const struct statement *s, int column)
{
    return mem_strdup(statement_column(s, column, NULL));
}

static json_t *read_json(const struct statement *s, int column, struct err *reterr)
{
    size_t len;
    const char *text = statement_column(s, column, &len);

    if (err_pending(reterr))
        return NULL;
    return json_read(text, len, "a row of the database", reterr);
}

enum store_result rows_read(const struct statement *s, int first, struct row *ret,
                            struct err *reterr)
{
    struct err e = {0};
    struct row r = {.id = read_text(s, first),
                    .creation_ns = sqlite3_column_int64(s->sqlite, first + 1),
                    .deletion_ns = sqlite3_column_int64(s->sqlite, first + 2),
                    .tenant = read_text(s, first + 3),
                    .creator = read_text(s, first + 4),
                    .project = read_text(s, first + 5),
                    .name = read_text(s, first + 6),
                    .version = sqlite3_column_int64(s->sqlite, first + 9)};

    r.labels = read_json(s, first + 7, &e);
    r.annotations = read_json(s, first + 8, &e);
    r.data = read_json(s, first + 10, &e);
    r.finalizers = read_json(s, first + 11, &e);
    if (!err_pending(&e)) {
        *ret = r;
        return STORE_OK;
    }
    err_set(reterr, ERR_CORRUPT, NO_POS, "database %s: row %s: %s", s->db->path, r.id, e.msg);
    err_clear(&e);
    row_finish(&r);
    return STORE_FAILED;
}

bool rows_same(const struct row *a, const struct row *b)
{
    return strcmp(a->name, b->name) == 0 && json_same(a->finalizers, b->finalizers) &&
           json_same(a->labels, b->labels) && json_same(a->annotations, b->annotations) &&
           json_same(a->data, b->data);
}

/* ---- scope ---- */

const char *rows_scope(const struct scope *scope)
{
    if (scope->all)
        return "1";
    return scope->count ? "tenant IN (SELECT value FROM json_each(?))" : "0";
}

void rows_bind_scope(struct statement *s, const struct scope *scope)
{
    AUTO(json) json_t *tenants = json_array();
    AUTO(str) char *text = NULL;

    if (scope->all || scope->count == 0)
        return;
    /* A name that is not UTF-8 is nobody's: json_string() has no value for it. */
    for (size_t i = 0; i < scope->count; i++)
        json_array_append_new(tenants, json_string(scope->tenants[i]));
    text = text_of(tenants);
    statement_text(s, text);
}
