/* Field selectors, after apimachinery's fields package. */
#include "kube/selector.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/strbuf.h"

struct term {
    char *field;
    char *value;
    bool negated;
};

struct field_selector {
    struct term *terms;
    size_t count, cap;
};

void field_selector_destroy(struct field_selector *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->count; i++) {
        free(s->terms[i].field);
        free(s->terms[i].value);
    }
    free(s->terms);
    free(s);
}

/* Undoes "\\", "\," and "\=". */
static int unescape(const char *s, size_t len, struct strbuf *out, struct err *reterr)
{
    for (size_t i = 0; i < len; i++) {
        char c = s[i];

        if (c == ',' || c == '=')
            return err_set(reterr, ERR_SYNTAX, NO_POS,
                           "invalid field selector: unescaped character in value: %d", c);
        if (c == '\\') {
            if (++i == len)
                return err_set(reterr, ERR_SYNTAX, NO_POS,
                               "invalid field selector: invalid escape sequence: \\");
            c = s[i];
            if (c != '\\' && c != ',' && c != '=')
                return err_set(reterr, ERR_SYNTAX, NO_POS,
                               "invalid field selector: invalid escape sequence: \\%c", c);
        }
        strbuf_addch(out, c);
    }
    return 0;
}

static int add_term(struct field_selector *s, const char *whole, const char *term, size_t len,
                    struct err *reterr)
{
    AUTO(strbuf) struct strbuf value = {0};
    size_t at = 0, width = 1;

    while (at < len && term[at] != '=' && !(term[at] == '!' && at + 1 < len && term[at + 1] == '='))
        at++;
    if (at == len)
        return err_set(reterr, ERR_SYNTAX, NO_POS,
                       "invalid selector: '%s'; can't understand '%.*s'", whole, (int)len, term);
    if (term[at] == '!' || (at + 1 < len && term[at + 1] == '='))
        width = 2;
    if (unescape(term + at + width, len - at - width, &value, reterr) < 0)
        return -1;
    s->terms = mem_grow(s->terms, &s->cap, s->count + 1, sizeof *s->terms);
    s->terms[s->count++] = (struct term){
        .field = mem_strndup(term, at), .value = strbuf_take(&value), .negated = term[at] == '!'};
    return 0;
}

struct field_selector *field_selector_parse(const char *text, struct err *reterr)
{
    AUTO(field_selector) struct field_selector *s = mem_zalloc(sizeof *s);
    const char *start = text;

    for (const char *p = text;; p++) {
        if (*p == '\\' && p[1] != '\0') {
            p++;
            continue;
        }
        if (*p != ',' && *p != '\0')
            continue;
        if (p > start && add_term(s, text, start, (size_t)(p - start), reterr) < 0)
            return NULL;
        if (*p == '\0')
            return TAKE(s);
        start = p + 1;
    }
}

bool field_selector_fields_ok(const struct field_selector *s,
                              bool (*check)(void *cookie, const char *field), void *cookie,
                              const char **ret_bad)
{
    for (size_t i = 0; i < s->count; i++) {
        if (!check(cookie, s->terms[i].field)) {
            *ret_bad = s->terms[i].field;
            return false;
        }
    }
    return true;
}

static bool value_is(const json_t *v, const char *text)
{
    AUTO(str) char *printed = NULL;

    if (!v || json_is_null(v))
        return *text == '\0';
    if (json_is_string(v))
        return strcmp(json_string_value(v), text) == 0;
    printed = json_text(v);
    return strcmp(printed, text) == 0;
}

bool field_selector_matches_by(const struct field_selector *s, const json_t *object,
                               field_value_fn *value)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct term *t = &s->terms[i];

        if (value_is(value(object, t->field), t->value) == t->negated)
            return false;
    }
    return true;
}

static const json_t *value_at(const json_t *object, const char *field)
{
    return json_path(object, field);
}

bool field_selector_matches(const struct field_selector *s, const json_t *object)
{
    return field_selector_matches_by(s, object, value_at);
}

const char *field_selector_requires(const struct field_selector *s, const char *field)
{
    for (size_t i = 0; i < s->count; i++)
        if (!s->terms[i].negated && strcmp(s->terms[i].field, field) == 0)
            return s->terms[i].value;
    return NULL;
}
