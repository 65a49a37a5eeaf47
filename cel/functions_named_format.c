/* Kubernetes' named formats: format.dns1123Label().validate('a') gives what is wrong, or nothing. A
 * value is the format's name. */
#include <ctype.h>

#include "cel/functions.h"
#include "kube/names.h"
#include "kube/time.h"

/* Names of these formats are no longer than this; longer texts are judged by what they begin with
 * only where that is enough. */
#define NAME_TEXT 512

/* ---- one text ---- */

static const char *check_prefix(const char *s, const char *(*check)(const char *))
{
    char masked[NAME_TEXT];
    size_t len = strlen(s);

    memcpy(masked, s, len + 1);
    if (len > 1 && masked[len - 1] == '-') {
        masked[len - 2] = 'a';
        masked[len - 1] = '\0';
    }
    return check(masked);
}

static const char *check_label_prefix(const char *s)
{
    return check_prefix(s, name_check_dns1123_label);
}

static const char *check_subdomain_prefix(const char *s)
{
    return check_prefix(s, name_check_dns1123_subdomain);
}

static const char *check_label_1035_prefix(const char *s)
{
    return check_prefix(s, name_check_dns1035_label);
}

static const char *check_uuid(const char *s)
{
    static const char shape[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    bool fits = strlen(s) == sizeof shape - 1;

    for (size_t i = 0; fits && shape[i]; i++)
        fits = shape[i] == '-' ? s[i] == '-' : isxdigit((unsigned char)s[i]) != 0;
    return fits ? NULL : "does not match the UUID format";
}

static const char *check_datetime(const char *s)
{
    int64_t ns;

    return time_parse(s, &ns) ? NULL : "invalid datetime";
}

static const char *check_date(const char *s)
{
    char text[24];

    if (strlen(s) != 10)
        return "invalid date";
    memcpy(text, s, 10);
    memcpy(text + 10, "T00:00:00Z", 11);
    return check_datetime(text) ? "invalid date" : NULL;
}

static const struct named {
    const char *name;
    const char *(*check)(const char *); /* NULL: of any length (check_long) */
} formats[] = {
    {"dns1123Label", name_check_dns1123_label},
    {"dns1123Subdomain", name_check_dns1123_subdomain},
    {"dns1035Label", name_check_dns1035_label},
    {"qualifiedName", name_check_qualified},
    {"dns1123LabelPrefix", check_label_prefix},
    {"dns1123SubdomainPrefix", check_subdomain_prefix},
    {"dns1035LabelPrefix", check_label_1035_prefix},
    {"labelValue", name_check_label_value},
    {"uri", NULL},
    {"uuid", check_uuid},
    {"byte", NULL},
    {"date", check_date},
    {"datetime", check_datetime},
};

static const struct named *find_named(const struct cel_value *name)
{
    for (size_t i = 0; i < ARRAY_LEN(formats); i++)
        if (value_text_is(name, formats[i].name))
            return &formats[i];
    return NULL;
}

static bool is_base64(const struct cel_value *v)
{
    const char *s = v->u.text.data;
    size_t len = v->u.text.len, padding = 0;

    while (padding < 2 && padding < len && s[len - 1 - padding] == '=')
        padding++;
    for (size_t i = 0; i + padding < len; i++)
        if (!isalnum((unsigned char)s[i]) && s[i] != '+' && s[i] != '/')
            return false;
    return len > 0 && len % 4 == 0;
}

/* What is wrong, NULL when nothing is. */
static const char *check_text(const struct named *f, const struct cel_value *v)
{
    char text[NAME_TEXT];

    if (!f->check && strcmp(f->name, "uri") == 0)
        return text_is_url(v) ? NULL : "invalid URI for request";
    if (!f->check)
        return is_base64(v) ? NULL : "invalid base64";
    if (text_to_c(v, text, sizeof text))
        return f->check(text);
    memset(text, '.', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    return f->check(text);
}

/* ---- functions ---- */

static struct cel_value format_value(const struct named *f)
{
    struct cel_value v = value_text(f->name, strlen(f->name));

    v.type = CEL_FORMAT;
    return v;
}

static int fn_named(struct cel_context *c, size_t nargs, struct cel_value *args,
                    struct cel_value *ret)
{
    if (args[0].type != CEL_STRING)
        return eval_no_overload(c, nargs, args);
    const struct named *f = find_named(&args[0]);
    struct cel_value v = f ? format_value(f) : cel_null();
    if (f)
        return eval_some(c, &v, ret);
    *ret = value_none();
    return 0;
}

static int fn_validate(struct cel_context *c, size_t nargs, struct cel_value *args,
                       struct cel_value *ret)
{
    struct cel_value list;

    if (args[0].type != CEL_FORMAT || args[1].type != CEL_STRING)
        return eval_no_overload(c, nargs, args);
    if (eval_charge(c, 1 + args[1].u.text.len / 8) < 0)
        return -1;
    const char *why = check_text(find_named(&args[0]), &args[1]);
    if (!why) {
        *ret = value_none();
        return 0;
    }
    if (eval_new_list(c, 1, &list) < 0)
        return -1;
    list.u.list->items[0] = value_text(why, strlen(why));
    return eval_some(c, &list, ret);
}

#define FORMAT(i)                                                                                  \
    static int fn_format_##i(struct cel_context *c, size_t nargs, struct cel_value *args,          \
                             struct cel_value *ret)                                                \
    {                                                                                              \
        (void)c;                                                                                   \
        (void)nargs;                                                                               \
        (void)args;                                                                                \
        *ret = format_value(&formats[i]);                                                          \
        return 0;                                                                                  \
    }
FORMAT(0)
FORMAT(1)
FORMAT(2)
FORMAT(3)
FORMAT(4)
FORMAT(5)
FORMAT(6)
FORMAT(7)
FORMAT(8)
FORMAT(9)
FORMAT(10)
FORMAT(11)
FORMAT(12)

/* The functions stand in the order of the table above. */
static const struct cel_std rows[] = {
    {"format.dns1123Label", STD_GLOBAL, 0, 0, 0, fn_format_0, "->kubernetes.NamedFormat", 31,
     COST_CALL},
    {"format.dns1123Subdomain", STD_GLOBAL, 0, 0, 0, fn_format_1, "->kubernetes.NamedFormat", 31,
     COST_CALL},
    {"format.dns1035Label", STD_GLOBAL, 0, 0, 0, fn_format_2, "->kubernetes.NamedFormat", 31,
     COST_CALL},
    {"format.qualifiedName", STD_GLOBAL, 0, 0, 0, fn_format_3, "->kubernetes.NamedFormat", 31,
     COST_CALL},
    {"format.dns1123LabelPrefix", STD_GLOBAL, 0, 0, 0, fn_format_4, "->kubernetes.NamedFormat", 31,
     COST_CALL},
    {"format.dns1123SubdomainPrefix", STD_GLOBAL, 0, 0, 0, fn_format_5, "->kubernetes.NamedFormat",
     31, COST_CALL},
    {"format.dns1035LabelPrefix", STD_GLOBAL, 0, 0, 0, fn_format_6, "->kubernetes.NamedFormat", 31,
     COST_CALL},
    {"format.labelValue", STD_GLOBAL, 0, 0, 0, fn_format_7, "->kubernetes.NamedFormat", 31,
     COST_CALL},
    {"format.uri", STD_GLOBAL, 0, 0, 0, fn_format_8, "->kubernetes.NamedFormat", 31, COST_CALL},
    {"format.uuid", STD_GLOBAL, 0, 0, 0, fn_format_9, "->kubernetes.NamedFormat", 31, COST_CALL},
    {"format.byte", STD_GLOBAL, 0, 0, 0, fn_format_10, "->kubernetes.NamedFormat", 31, COST_CALL},
    {"format.date", STD_GLOBAL, 0, 0, 0, fn_format_11, "->kubernetes.NamedFormat", 31, COST_CALL},
    {"format.datetime", STD_GLOBAL, 0, 0, 0, fn_format_12, "->kubernetes.NamedFormat", 31,
     COST_CALL},
    {"format.named", STD_GLOBAL, 1, 1, 0, fn_named, "string->optional_type(kubernetes.NamedFormat)",
     31, COST_CALL},
    {"validate", STD_MEMBER, 2, 2, 0, fn_validate,
     "kubernetes.NamedFormat,string->optional_type(list(string))", 31, COST_CALL},
};

const struct std_family std_named_format = {.rows = rows, .count = ARRAY_LEN(rows)};
