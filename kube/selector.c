/* Label selectors: the lexer and parser follow apimachinery's labels package step by step, since
 * its messages are seen by clients and its odd corners (empty values, keywords as values) are
 * relied upon. */
#include "kube/selector.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/order.h"
#include "base/strbuf.h"
#include "kube/names.h"

enum sel_op {
    OP_IN,
    OP_NOT_IN,
    OP_EQUALS,
    OP_NOT_EQUALS,
    OP_EXISTS,
    OP_DOES_NOT_EXIST,
    OP_GREATER,
    OP_LESS
};

struct requirement {
    char *key;
    enum sel_op op;
    char **values; /* without duplicates */
    size_t count, cap;
    int64_t bound; /* of > and < */
};

struct selector {
    struct requirement *items;
    size_t count, cap;
    bool nothing; /* an absent metav1.LabelSelector selects nothing */
};

void selector_destroy(struct selector *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->count; i++) {
        for (size_t k = 0; k < s->items[i].count; k++)
            free(s->items[i].values[k]);
        free(s->items[i].values);
        free(s->items[i].key);
    }
    free(s->items);
    free(s);
}

/* The requirement belongs to the selector from the start, so that a failure frees it. */
static struct requirement *new_requirement(struct selector *s, const char *key)
{
    s->items = mem_grow(s->items, &s->cap, s->count + 1, sizeof *s->items);
    assert(s->count < s->cap);
    s->items[s->count] = (struct requirement){.key = mem_strdup(key)};
    return &s->items[s->count++];
}

static void add_value(struct requirement *r, const char *value)
{
    r->values = mem_grow(r->values, &r->cap, r->count + 1, sizeof *r->values);
    r->values[r->count++] = mem_strdup(value);
}

/* Sorted and unique: matching is a binary search, so a hostile "in (...)" stays cheap. */
static void sort_values(struct requirement *r)
{
    size_t to = 0;

    if (r->count < 2)
        return;
    qsort(r->values, r->count, sizeof *r->values, text_order);
    for (size_t i = 0; i < r->count; i++) {
        if (to && strcmp(r->values[to - 1], r->values[i]) == 0)
            free(r->values[i]);
        else
            r->values[to++] = r->values[i];
    }
    assert(to > 0);
    r->count = to;
}

/* ---- checks shared by both forms ---- */

static int check_key(const char *key, struct err *reterr)
{
    const char *why = name_check_qualified(key);

    return why ? err_set(reterr, ERR_SYNTAX, NO_POS, "<nil>: Invalid value: \"%s\": %s", key, why)
               : 0;
}

static bool parse_bound(const char *text, int64_t *ret)
{
    const char *digits = text + (*text == '-' || *text == '+');
    char *end;

    if (*digits < '0' || *digits > '9')
        return false;
    errno = 0;
    *ret = strtoll(text, &end, 10);
    return errno == 0 && *end == '\0';
}

static int check_requirement(struct requirement *r, struct err *reterr)
{
    assert(r->count == 0 || r->values);
    sort_values(r);
    if ((r->op == OP_IN || r->op == OP_NOT_IN) && r->count == 0)
        return err_set(reterr, ERR_SYNTAX, NO_POS,
                       "values: Invalid value: []: for 'in', 'notin' operators, values set can't "
                       "be empty");
    if ((r->op == OP_EXISTS || r->op == OP_DOES_NOT_EXIST) && r->count > 0)
        return err_set(reterr, ERR_SYNTAX, NO_POS,
                       "values: Invalid value: values set must be empty for exists and does not "
                       "exist");
    if ((r->op == OP_GREATER || r->op == OP_LESS) && !parse_bound(r->values[0], &r->bound))
        return err_set(reterr, ERR_SYNTAX, NO_POS,
                       "values[0]: Invalid value: \"%s\": for 'Gt', 'Lt' operators, the value must "
                       "be an integer",
                       r->values[0]);
    for (size_t i = 0; i < r->count; i++) {
        const char *why = name_check_label_value(r->values[i]);

        if (why)
            return err_set(reterr, ERR_SYNTAX, NO_POS, "values[%zu][%s]: Invalid value: \"%s\": %s",
                           i, r->key, r->values[i], why);
    }
    return 0;
}

/* ---- lexer ---- */

enum token {
    TOKEN_END,
    TOKEN_WORD,
    TOKEN_IN,
    TOKEN_NOT_IN,
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_COMMA,
    TOKEN_NOT,
    TOKEN_EQUALS,
    TOKEN_NOT_EQUALS,
    TOKEN_GREATER,
    TOKEN_LESS
};

struct parser {
    const char *at;
    struct strbuf text; /* of the last token */
    struct err *reterr;
};

static enum token word_token(const char *word)
{
    if (strcmp(word, "in") == 0)
        return TOKEN_IN;
    return strcmp(word, "notin") == 0 ? TOKEN_NOT_IN : TOKEN_WORD;
}

static enum token special_token(const char *s, size_t *ret_len)
{
    *ret_len = 1;
    switch (*s) {
    case '(':
        return TOKEN_OPEN;
    case ')':
        return TOKEN_CLOSE;
    case ',':
        return TOKEN_COMMA;
    case '>':
        return TOKEN_GREATER;
    case '<':
        return TOKEN_LESS;
    case '!':
        *ret_len = s[1] == '=' ? 2 : 1;
        return s[1] == '=' ? TOKEN_NOT_EQUALS : TOKEN_NOT;
    default:
        *ret_len = s[1] == '=' ? 2 : 1;
        return TOKEN_EQUALS;
    }
}

/* Keywords count only where an operator may stand. */
static enum token next_token(struct parser *p, bool operators)
{
    enum token token;
    size_t len;

    assert(p->at);
    strbuf_reset(&p->text);
    p->at += strspn(p->at, " \t\r\n");
    if (*p->at == '\0')
        return TOKEN_END;
    if (strchr("=!(),<>", *p->at)) {
        token = special_token(p->at, &len);
        strbuf_add(&p->text, p->at, len);
    } else {
        len = strcspn(p->at, "=!(),<> \t\r\n");
        strbuf_add(&p->text, p->at, len);
        token = operators ? word_token(strbuf_str(&p->text)) : TOKEN_WORD;
    }
    p->at += len;
    return token;
}

static enum token peek_token(struct parser *p)
{
    const char *before = p->at;
    enum token token = next_token(p, false);

    p->at = before;
    return token;
}

static int expected(struct parser *p, const char *what)
{
    return err_set(p->reterr, ERR_SYNTAX, NO_POS, "found '%s', expected: %s", strbuf_str(&p->text),
                   what);
}

/* ---- parser ---- */

/* The part behind '(' up to and with ')'. An empty place between commas is the value "". */
static int parse_value_list(struct parser *p, struct requirement *r)
{
    bool after_value = false;

    for (;;) {
        switch (next_token(p, false)) {
        case TOKEN_WORD:
            if (after_value)
                return expected(p, "',' or ')'");
            add_value(r, strbuf_str(&p->text));
            after_value = true;
            break;
        case TOKEN_COMMA:
            if (!after_value)
                add_value(r, "");
            after_value = false;
            break;
        case TOKEN_CLOSE:
            if (!after_value)
                add_value(r, "");
            return 0;
        default:
            return expected(p, after_value ? "',' or ')'" : "',', or identifier");
        }
    }
}

static int parse_values(struct parser *p, struct requirement *r)
{
    if (next_token(p, false) != TOKEN_OPEN)
        return err_set(p->reterr, ERR_SYNTAX, NO_POS, "found '%s' expected: '('",
                       strbuf_str(&p->text));
    switch (peek_token(p)) {
    case TOKEN_WORD:
    case TOKEN_COMMA:
    case TOKEN_CLOSE:
        return parse_value_list(p, r);
    default:
        return expected(p, "',', ')' or identifier");
    }
}

static int parse_exact_value(struct parser *p, struct requirement *r)
{
    enum token token = peek_token(p);

    if (token == TOKEN_END || token == TOKEN_COMMA) {
        add_value(r, "");
        return 0;
    }
    if (next_token(p, false) != TOKEN_WORD)
        return expected(p, "identifier");
    add_value(r, strbuf_str(&p->text));
    return 0;
}

static int parse_operator(struct parser *p, struct requirement *r)
{
    switch (next_token(p, true)) {
    case TOKEN_IN:
        r->op = OP_IN;
        return parse_values(p, r);
    case TOKEN_NOT_IN:
        r->op = OP_NOT_IN;
        return parse_values(p, r);
    case TOKEN_EQUALS:
        r->op = OP_EQUALS;
        break;
    case TOKEN_NOT_EQUALS:
        r->op = OP_NOT_EQUALS;
        break;
    case TOKEN_GREATER:
        r->op = OP_GREATER;
        break;
    case TOKEN_LESS:
        r->op = OP_LESS;
        break;
    default:
        return expected(p, "in, notin, =, ==, !=, gt, lt");
    }
    return parse_exact_value(p, r);
}

static int parse_requirement(struct parser *p, struct selector *s)
{
    enum token token = next_token(p, false), after;
    bool negated = token == TOKEN_NOT;
    struct requirement *r;

    if (negated)
        token = next_token(p, false);
    if (token != TOKEN_WORD)
        return expected(p, "identifier");
    if (check_key(strbuf_str(&p->text), p->reterr) < 0)
        return -1;
    r = new_requirement(s, strbuf_str(&p->text));
    after = peek_token(p);
    if (negated)
        r->op = OP_DOES_NOT_EXIST;
    else if (after == TOKEN_END || after == TOKEN_COMMA)
        r->op = OP_EXISTS;
    else if (parse_operator(p, r) < 0)
        return -1;
    return check_requirement(r, p->reterr);
}

static int parse_all(struct parser *p, struct selector *s)
{
    for (;;) {
        enum token token = peek_token(p);

        if (token == TOKEN_END)
            return 0;
        if (token != TOKEN_WORD && token != TOKEN_NOT)
            return expected(p, "!, identifier, or 'end of string'");
        if (parse_requirement(p, s) < 0)
            return err_wrap(p->reterr, NO_POS, "unable to parse requirement");
        token = next_token(p, false);
        if (token == TOKEN_END)
            return 0;
        if (token != TOKEN_COMMA)
            return expected(p, "',' or 'end of string'");
        token = peek_token(p);
        if (token != TOKEN_WORD && token != TOKEN_NOT)
            return expected(p, "identifier after ','");
    }
}

struct selector *selector_parse(const char *text, struct err *reterr)
{
    AUTO(selector) struct selector *s = mem_zalloc(sizeof *s);
    struct parser p = {.at = text, .reterr = reterr};
    int rc = parse_all(&p, s);

    strbuf_finish(&p.text);
    return rc < 0 ? NULL : TAKE(s);
}

/* ---- metav1.LabelSelector ---- */

static int add_match_label(struct selector *s, const char *key, const json_t *value,
                           struct err *reterr)
{
    struct requirement *r;

    if (!json_is_string(value))
        return err_set(reterr, ERR_INVALID, NO_POS, "matchLabels[%s]: expected a string", key);
    if (check_key(key, reterr) < 0)
        return -1;
    r = new_requirement(s, key);
    r->op = OP_EQUALS;
    add_value(r, json_string_value(value));
    return check_requirement(r, reterr);
}

static int add_match_expression(struct selector *s, const json_t *expression, struct err *reterr)
{
    static const struct {
        const char *name;
        enum sel_op op;
    } operators[] = {{"In", OP_IN},
                     {"NotIn", OP_NOT_IN},
                     {"Exists", OP_EXISTS},
                     {"DoesNotExist", OP_DOES_NOT_EXIST}};
    const char *key = json_str_or_empty(expression, "key");
    const char *op = json_str_or_empty(expression, "operator");
    const json_t *values = json_object_get(expression, "values");
    struct requirement *r;
    size_t which = 0;

    while (which < ARRAY_LEN(operators) && strcmp(op, operators[which].name) != 0)
        which++;
    if (which == ARRAY_LEN(operators))
        return err_set(reterr, ERR_INVALID, NO_POS, "\"%s\" is not a valid label selector operator",
                       op);
    if (check_key(key, reterr) < 0)
        return -1;
    r = new_requirement(s, key);
    r->op = operators[which].op;
    for (size_t i = 0; i < json_array_size(values); i++) {
        const char *value = json_string_value(json_array_get(values, i));

        if (!value)
            return err_set(reterr, ERR_INVALID, NO_POS, "values[%zu]: expected a string", i);
        add_value(r, value);
    }
    return check_requirement(r, reterr);
}

struct selector *selector_from_label_selector(const json_t *label_selector, struct err *reterr)
{
    AUTO(selector) struct selector *s = mem_zalloc(sizeof *s);
    const json_t *expressions = json_object_get(label_selector, "matchExpressions");
    const char *key;
    json_t *value;

    s->nothing = !label_selector || json_is_null(label_selector);
    json_object_foreach(json_object_get(label_selector, "matchLabels"), key,
                        value) if (add_match_label(s, key, value, reterr) < 0) return NULL;
    for (size_t i = 0; i < json_array_size(expressions); i++)
        if (add_match_expression(s, json_array_get(expressions, i), reterr) < 0)
            return NULL;
    return TAKE(s);
}

/* ---- matching ---- */

static bool has_value(const struct requirement *r, const char *value)
{
    return bsearch(&value, r->values, r->count, sizeof *r->values, text_order) != NULL;
}

static bool requirement_matches(const struct requirement *r, const json_t *labels)
{
    const char *value = json_string_value(json_object_get(labels, r->key));
    int64_t number;

    switch (r->op) {
    case OP_IN:
    case OP_EQUALS:
        return value && has_value(r, value);
    case OP_NOT_IN:
    case OP_NOT_EQUALS:
        return !value || !has_value(r, value);
    case OP_EXISTS:
        return value != NULL;
    case OP_DOES_NOT_EXIST:
        return value == NULL;
    case OP_GREATER:
        return value && parse_bound(value, &number) && number > r->bound;
    case OP_LESS:
        return value && parse_bound(value, &number) && number < r->bound;
    }
    return false;
}

bool selector_matches(const struct selector *s, const json_t *labels)
{
    if (s->nothing)
        return false;
    for (size_t i = 0; i < s->count; i++)
        if (!requirement_matches(&s->items[i], labels))
            return false;
    return true;
}

bool selector_is_everything(const struct selector *s)
{
    return !s->nothing && s->count == 0;
}
