#include "tests/cel/declared.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "cel/type_text.h"

static const struct word {
    const char *word;
    enum cel_static_kind kind;
} words[] = {
    {"BOOL", CEL_STATIC_BOOL},         {"INT64", CEL_STATIC_INT},
    {"UINT64", CEL_STATIC_UINT},       {"DOUBLE", CEL_STATIC_DOUBLE},
    {"STRING", CEL_STATIC_STRING},     {"BYTES", CEL_STATIC_BYTES},
    {"NULL_VALUE", CEL_STATIC_NULL},   {"TIMESTAMP", CEL_STATIC_TIMESTAMP},
    {"DURATION", CEL_STATIC_DURATION},
};

static bool is(const struct field *f, const char *name)
{
    return strcmp(f->name, name) == 0;
}

/* The parts of a message with these names, as the args of a type. */
static const struct cel_static_type *with_args(struct arena *a, enum cel_static_kind kind,
                                               const char *name, const struct message *m)
{
    const struct cel_static_type *args[CEL_TYPE_ARGS_MAX];
    size_t count = 0;

    for (size_t i = 0; i < m->count; i++) {
        if (!m->fields[i].message)
            continue;
        if (count == CEL_TYPE_ARGS_MAX || !(args[count++] = declared_type(a, m->fields[i].message)))
            return NULL;
    }
    return type_make(a, kind, name, args, count);
}

static const struct cel_static_type *abstract(struct arena *a, const struct message *m)
{
    const char *name = textproto_text(m, "name");

    return strcmp(name, "optional_type") == 0
               ? with_args(a, CEL_STATIC_OPTIONAL, NULL, m)
               : with_args(a, CEL_STATIC_OPAQUE, arena_copy(a, name, strlen(name)), m);
}

const struct cel_static_type *declared_type(struct arena *a, const struct message *type)
{
    const struct field *f = type && type->count ? &type->fields[0] : NULL;

    if (!f)
        return NULL;
    if (is(f, "dyn"))
        return CEL_DYN;
    if (is(f, "list_type"))
        return with_args(a, CEL_STATIC_LIST, NULL, f->message);
    if (is(f, "map_type"))
        return with_args(a, CEL_STATIC_MAP, NULL, f->message);
    if (is(f, "type"))
        return with_args(a, CEL_STATIC_TYPE, NULL, type);
    if (is(f, "abstract_type"))
        return abstract(a, f->message);
    if (is(f, "type_param"))
        return type_make(a, CEL_STATIC_PARAM, arena_copy(a, f->text, f->len), NULL, 0);
    for (size_t i = 0; f->text && !is(f, "wrapper") && i < ARRAY_LEN(words); i++)
        if (strcmp(words[i].word, f->text) == 0)
            return &cel_static[words[i].kind];
    return NULL;
}

/* ---- functions ---- */

static int undefined(void *cookie, struct cel_context *c, size_t nargs,
                     const struct cel_value *args, struct cel_value *ret, struct err *reterr)
{
    (void)ret;
    (void)args;
    (void)nargs;
    (void)c;
    (void)cookie;
    return err_set(reterr, ERR_UNSUPPORTED, NO_POS, "declared, but not defined");
}

/* One overload as a signature's text. */
static bool add_overload(struct arena *a, const struct message *overload, struct strbuf *out,
                         uint8_t *ret_count)
{
    const struct cel_static_type *result =
        declared_type(a, textproto_message(overload, "result_type"));
    AUTO(str) char *result_text = result ? cel_type_text(result) : NULL;

    *ret_count = 0;
    strbuf_addstr(out, out->len ? ";" : "");
    for (size_t i = 0; i < overload->count; i++) {
        const struct field *f = &overload->fields[i];
        const struct cel_static_type *t = is(f, "params") ? declared_type(a, f->message) : NULL;
        AUTO(str) char *text = t ? cel_type_text(t) : NULL;

        if (is(f, "params") && !t)
            return false;
        if (t)
            strbuf_addf(out, "%s%s", (*ret_count)++ ? "," : "", text);
    }
    if (result)
        strbuf_addf(out, "->%s", result_text);
    return result != NULL;
}

bool declared_function(struct arena *a, const struct message *decl, struct cel_function *ret,
                       const char **ret_types)
{
    const struct message *overloads = textproto_message(decl, "function");
    AUTO(strbuf) struct strbuf types = {0};
    uint8_t count = 0;

    *ret = (struct cel_function){.name = textproto_text(decl, "name"), .fn = undefined};
    for (size_t i = 0; overloads && i < overloads->count; i++) {
        const struct message *m = overloads->fields[i].message;

        if (!m || !add_overload(a, m, &types, &count))
            return false;
        ret->member = textproto_is_true(m, "is_instance_function");
        if (i == 0 || count < ret->args_min)
            ret->args_min = count;
        if (count > ret->args_max)
            ret->args_max = count;
    }
    *ret_types = arena_copy(a, strbuf_str(&types), types.len);
    return types.len > 0;
}
