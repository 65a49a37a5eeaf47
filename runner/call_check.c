/* See call.h. */
#include <ctype.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "runner/call.h"
#include "runner/patience.h"
#include "runner/saved.h"

static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};

/* What is wrong with a text, or NULL. */
static const char *wrong_method(const char *text)
{
    for (size_t i = 0; i < ARRAY_LEN(methods); i++)
        if (strcmp(text, methods[i]) == 0)
            return NULL;
    return "is no method; GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS are";
}

static const char *wrong_path(const char *text)
{
    if (*text != '/')
        return "does not begin with a slash";
    for (; *text; text++)
        if ((unsigned char)*text <= ' ' || (unsigned char)*text >= 0x7f || *text == '#')
            return "holds a character that must be escaped (%20)";
    return NULL;
}

static const char *wrong_header(const char *name)
{
    if (!*name)
        return "is no name of a header";
    for (; *name; name++)
        if (!isalnum((unsigned char)*name) && !strchr("!#$%&'*+-.^_`|~", *name))
            return "is no name of a header";
    return NULL;
}

static const char *wrong_code(int64_t code)
{
    return code == 0 || (code >= 100 && code <= 599) ? NULL
                                                     : "is no status: 100 to 599, or 0 for none";
}

static const char *wrong_patience(const char *text)
{
    struct patience patience;

    return patience_parse(text, &patience) ? NULL
                                           : "is neither a duration such as 2h nor 'excused'";
}

/* ---- of the file ---- */

static bool complain(struct parser *p, const struct yaml_node *n, const char *what,
                     const char *wrong)
{
    if (wrong)
        diags_add(p->diags, DIAG_ERROR, n->pos, "call: '%s' %s", what, wrong);
    return !wrong;
}

static bool check_text(struct parser *p, const struct yaml_node *value, const char *key,
                       const char *(*wrong)(const char *text))
{
    const struct yaml_node *n = yaml_get(p->doc, value, key);

    return !n || n->type != YAML_STRING || shape_has_hole(n) ||
           complain(p, n, n->text, wrong(n->text));
}

static bool check_headers(struct parser *p, const struct yaml_node *map)
{
    const struct yaml_node *n;
    bool ok = true;

    if (!map || map->type != YAML_MAP)
        return true;
    for (n = yaml_first(p->doc, map); n; n = yaml_next(p->doc, n)) {
        const char *wrong = wrong_header(n->key);

        if (!wrong)
            continue;
        diags_add(p->diags, DIAG_ERROR, n->key_pos, "call: '%s' %s", n->key, wrong);
        ok = false;
    }
    return ok;
}

static bool check_expect(struct parser *p, const struct yaml_node *expect)
{
    const struct yaml_node *code = expect ? yaml_get(p->doc, expect, "code") : NULL;
    const struct yaml_node *equals = expect ? yaml_get(p->doc, expect, "equalsTo") : NULL;
    AUTO(str) char *hint = NULL;

    if (code && code->type == YAML_INT &&
        !complain(p, code, code->text, wrong_code(code->value.integer)))
        return false;
    if (!equals || shape_has_hole(equals) || saved_is(p->unit, equals->text))
        return true;
    hint = err_suggestion(equals->text, (const char *const *)p->unit->saved, p->unit->saved_count);
    diags_add_hint(p->diags, DIAG_ERROR, equals->pos, hint,
                   "equalsTo: no call saves an answer as '%s'", equals->text);
    return false;
}

bool call_check(struct parser *p, const struct yaml_node *value, const struct scope *scope)
{
    const struct yaml_node *as = yaml_get(p->doc, value, "as");
    const struct yaml_node *token = yaml_get(p->doc, value, "token");
    const struct yaml_node *save = yaml_get(p->doc, value, "save");
    bool ok = check_text(p, value, "method", wrong_method);

    (void)scope;
    ok = check_text(p, value, "path", wrong_path) && ok;
    ok = check_text(p, value, "afterCrash", wrong_patience) && ok;
    ok = check_headers(p, yaml_get(p->doc, value, "headers")) && ok;
    ok = check_expect(p, yaml_get(p->doc, value, "expect")) && ok;
    if (as && token) {
        diags_add(p->diags, DIAG_ERROR, token->key_pos,
                  "call: both 'as' and 'token'; one of them says who calls");
        ok = false;
    }
    if (save && shape_has_hole(save)) {
        diags_add(p->diags, DIAG_ERROR, save->pos,
                  "save: the name of a variable stands in the file, without a hole");
        ok = false;
    }
    return ok;
}

/* ---- of values ---- */

static int refuse(struct src_pos pos, const char *what, const char *wrong, struct err *reterr)
{
    return wrong ? err_set(reterr, ERR_INVALID, pos, "call: '%s' %s", what, wrong) : 0;
}

static int check_scalars(const json_t *map, const char *what, struct src_pos pos,
                         struct err *reterr)
{
    const char *key;
    json_t *v;

    json_object_foreach((json_t *)map, key, v)
    {
        AUTO(str) char *name = mem_printf("%s.%s", what, key);

        if (shape_check_type(v, SHAPE_SCALAR, name, pos, reterr) < 0)
            return -1;
    }
    return 0;
}

static int check_texts(const json_t *list, const char *what, struct src_pos pos, struct err *reterr)
{
    return list ? shape_check_type(list, SHAPE_TEXTS, what, pos, reterr) : 0;
}

/* No line may end inside a header. */
static int check_header_values(const json_t *headers, struct src_pos pos, struct err *reterr)
{
    const char *key;
    json_t *v;

    if (check_scalars(headers, "headers", pos, reterr) < 0)
        return -1;
    if (json_object_size(headers) > HTTP_HEADERS_MAX - 2)
        return err_set(reterr, ERR_LIMIT, pos, "call: more than %u headers", HTTP_HEADERS_MAX - 2);
    json_object_foreach((json_t *)headers, key, v)
    {
        const char *text = json_string_value(v);

        if (refuse(pos, key, wrong_header(key), reterr) < 0)
            return -1;
        if (text && strpbrk(text, "\r\n"))
            return err_set(reterr, ERR_INVALID, pos, "call: the header '%s' holds a line break",
                           key);
    }
    return 0;
}

static int check_codes(const json_t *codes, struct src_pos pos, struct err *reterr)
{
    size_t i;
    json_t *code;

    json_array_foreach(codes, i, code)
    {
        AUTO(str) char *number = json_text(code);

        if (refuse(pos, number,
                   json_is_integer(code) ? wrong_code(json_integer_value(code)) : "is no status",
                   reterr) < 0)
            return -1;
    }
    return 0;
}

int call_check_args(const json_t *args, struct src_pos pos, struct err *reterr)
{
    const char *method = json_str_or_empty(args, "method"), *path = json_str_or_empty(args, "path");
    const json_t *as = json_object_get(args, "as"), *code = json_path(args, "expect.code");
    AUTO(str) char *number = code ? json_text(code) : NULL;

    if (refuse(pos, method, wrong_method(method), reterr) < 0 ||
        refuse(pos, path, wrong_path(path), reterr) < 0 ||
        check_scalars(json_object_get(args, "query"), "query", pos, reterr) < 0 ||
        check_header_values(json_object_get(args, "headers"), pos, reterr) < 0 ||
        check_texts(json_object_get(as, "groups"), "as.groups", pos, reterr) < 0 ||
        check_texts(json_object_get(as, "tenants"), "as.tenants", pos, reterr) < 0 ||
        check_texts(json_object_get(args, "mask"), "mask", pos, reterr) < 0 ||
        check_codes(json_path(args, "expect.codes"), pos, reterr) < 0)
        return -1;
    if (as && json_object_get(args, "token"))
        return err_set(reterr, ERR_INVALID, pos,
                       "call: both 'as' and 'token'; one of them says who calls");
    if (code && json_path(args, "expect.codes"))
        return err_set(reterr, ERR_INVALID, pos, "call: both 'code' and 'codes'");
    return code ? refuse(pos, number, wrong_code(json_integer_value(code)), reterr) : 0;
}
