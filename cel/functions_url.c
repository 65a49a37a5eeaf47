/* Kubernetes' URLs: url('https://example.com/a'), as Go's net/url reads them. A value keeps the
 * text, which is taken apart when it is asked. */
#include <ctype.h>

#include "cel/functions.h"
#include "kube/url.h"

struct part {
    const char *data;
    size_t len;
};
struct url_parts {
    struct part scheme, host, path, query; /* host: with its port */
};

/* ---- taking apart ---- */

static struct part part_of(const char *data, size_t len)
{
    return (struct part){data, len};
}

/* Up to the first of the set, or all. */
static size_t reach(struct part p, const char *set)
{
    size_t n = 0;

    while (n < p.len && !strchr(set, p.data[n]))
        n++;
    return n;
}

static struct part behind(struct part p, size_t n)
{
    return part_of(p.data + n, p.len - n);
}

/* Moves the scheme out of *rest; false when there is a colon with nothing before it. */
static bool take_scheme(struct part *rest, struct part *ret)
{
    for (size_t i = 0; i < rest->len; i++) {
        unsigned char ch = (unsigned char)rest->data[i];

        if (ch == ':') {
            if (i == 0)
                return false;
            *ret = part_of(rest->data, i);
            *rest = behind(*rest, i + 1);
            return true;
        }
        if (!isalpha(ch) && (i == 0 || (!isdigit(ch) && !strchr("+-.", ch))))
            return true;
    }
    return true;
}

static bool escapes_fit(struct part p)
{
    for (size_t i = 0; i < p.len; i++)
        if (p.data[i] == '%' && (i + 2 >= p.len || url_hex_digit(p.data[i + 1]) < 0 ||
                                 url_hex_digit(p.data[i + 2]) < 0))
            return false;
    return true;
}

static bool is_port(struct part p)
{
    for (size_t i = 1; i < p.len; i++)
        if (!isdigit((unsigned char)p.data[i]))
            return false;
    return p.len == 0 || *p.data == ':';
}

static size_t port_at(struct part host)
{
    size_t at = host.len;

    while (at > 0 && isdigit((unsigned char)host.data[at - 1]))
        at--;
    return at > 0 && host.data[at - 1] == ':' ? at - 1 : host.len;
}

/* Bytes that need no escape may have none in a host; "%25" begins a zone. */
static bool host_escapes_fit(struct part host)
{
    for (size_t i = 0; i < host.len; i++)
        if (host.data[i] == '%' && host.data[i + 1] < '8' &&
            (host.data[i + 1] != '2' || host.data[i + 2] != '5'))
            return false;
    return true;
}

static bool host_fits(struct part host)
{
    size_t close = reach(host, "]");

    if (host.len > 0 && *host.data == '[')
        return close < host.len && is_port(behind(host, close + 1));
    if (reach(host, " \"<>\\^`{|}[]") < host.len || !escapes_fit(host) || !host_escapes_fit(host))
        return false;
    size_t colon = host.len;

    while (colon > 0 && host.data[colon - 1] != ':')
        colon--;
    return colon == 0 || is_port(behind(host, colon - 1));
}

/* Behind "//". */
static bool take_authority(struct part *rest, struct part *ret_host)
{
    size_t len = reach(*rest, "/");
    struct part host = part_of(rest->data, len);

    *rest = behind(*rest, len);
    for (size_t i = len; i-- > 0;)
        if (host.data[i] == '@') {
            host = behind(host, i + 1);
            break;
        }
    *ret_host = host;
    return host_fits(host);
}

static bool split_url(struct part text, struct url_parts *ret)
{
    struct part rest = text;

    *ret = (struct url_parts){0};
    if (text.len == 0)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7f)
            return false;
    rest.len = reach(rest, "#");
    if (!take_scheme(&rest, &ret->scheme))
        return false;
    size_t query = reach(rest, "?");
    if (query < rest.len)
        ret->query = behind(rest, query + 1);
    rest.len = query;
    if (rest.len == 0 || *rest.data != '/')
        return ret->scheme.len > 0; /* "mailto:x" has no path; "x" is none */
    if (rest.len >= 2 && rest.data[1] == '/' &&
        (ret->scheme.len > 0 || rest.len < 3 || rest.data[2] != '/')) {
        rest = behind(rest, 2);
        if (!take_authority(&rest, &ret->host))
            return false;
    }
    ret->path = rest;
    return escapes_fit(rest);
}

bool text_is_url(const struct cel_value *v)
{
    struct url_parts u;

    return split_url(part_of(v->u.text.data, v->u.text.len), &u);
}

/* ---- functions ---- */

static int fn_is_url(struct cel_context *c, size_t nargs, struct cel_value *args,
                     struct cel_value *ret)
{
    if (args[0].type != CEL_STRING)
        return eval_no_overload(c, nargs, args);
    *ret = cel_bool(text_is_url(&args[0]));
    return eval_charge(c, args[0].u.text.len / 8);
}

static int fn_url(struct cel_context *c, size_t nargs, struct cel_value *args,
                  struct cel_value *ret)
{
    if (args[0].type != CEL_STRING)
        return eval_no_overload(c, nargs, args);
    if (!text_is_url(&args[0]))
        return eval_fail(c, ERR_INVALID,
                         "URL parse error during conversion from string: parse \"%.*s\": invalid "
                         "URI for request",
                         args[0].u.text.len > 60 ? 60 : (int)args[0].u.text.len,
                         args[0].u.text.data);
    *ret = args[0];
    ret->type = CEL_URL;
    return eval_charge(c, args[0].u.text.len / 8);
}

static int take_apart(struct cel_context *c, size_t nargs, struct cel_value *args,
                      struct url_parts *ret)
{
    if (args[0].type != CEL_URL)
        return eval_no_overload(c, nargs, args);
    split_url(part_of(args[0].u.text.data, args[0].u.text.len), ret);
    return eval_charge(c, args[0].u.text.len / 8);
}

static struct cel_value text_of(struct part p)
{
    return value_text(p.data ? p.data : "", p.len);
}

static int fn_scheme(struct cel_context *c, size_t nargs, struct cel_value *args,
                     struct cel_value *ret)
{
    struct url_parts u;
    AUTO(strbuf) struct strbuf lower = {0};

    if (take_apart(c, nargs, args, &u) < 0)
        return -1;
    for (size_t i = 0; i < u.scheme.len; i++)
        strbuf_addch(&lower, (char)tolower((unsigned char)u.scheme.data[i]));
    return eval_text(c, strbuf_str(&lower), lower.len, ret);
}

static int fn_host(struct cel_context *c, size_t nargs, struct cel_value *args,
                   struct cel_value *ret)
{
    struct url_parts u;

    if (take_apart(c, nargs, args, &u) < 0)
        return -1;
    *ret = text_of(u.host);
    return 0;
}

static int fn_hostname(struct cel_context *c, size_t nargs, struct cel_value *args,
                       struct cel_value *ret)
{
    struct url_parts u;

    if (take_apart(c, nargs, args, &u) < 0)
        return -1;
    struct part name = part_of(u.host.data, port_at(u.host));
    if (name.len >= 2 && *name.data == '[' && name.data[name.len - 1] == ']')
        name = part_of(name.data + 1, name.len - 2);
    *ret = text_of(name);
    return 0;
}

static int fn_port(struct cel_context *c, size_t nargs, struct cel_value *args,
                   struct cel_value *ret)
{
    struct url_parts u;

    if (take_apart(c, nargs, args, &u) < 0)
        return -1;
    size_t at = port_at(u.host);
    *ret = text_of(at < u.host.len ? behind(u.host, at + 1) : part_of("", 0));
    return 0;
}

/* As it stands; what may not stand in a path is escaped. */
static int fn_path(struct cel_context *c, size_t nargs, struct cel_value *args,
                   struct cel_value *ret)
{
    struct url_parts u;
    AUTO(strbuf) struct strbuf out = {0};

    if (take_apart(c, nargs, args, &u) < 0)
        return -1;
    for (size_t i = 0; i < u.path.len; i++) {
        unsigned char ch = (unsigned char)u.path.data[i];

        if (isalnum(ch) || strchr("-._~!$&'()*+,;=:@/%[]", ch))
            strbuf_addch(&out, (char)ch);
        else
            strbuf_addf(&out, "%%%02X", ch);
    }
    return eval_text(c, strbuf_str(&out), out.len, ret);
}

/* ---- queries ---- */

static bool unescape(struct part p, struct strbuf *out)
{
    if (!escapes_fit(p))
        return false;
    for (size_t i = 0; i < p.len; i++) {
        if (p.data[i] == '%') {
            strbuf_addch(out,
                         (char)(url_hex_digit(p.data[i + 1]) << 4 | url_hex_digit(p.data[i + 2])));
            i += 2;
        } else {
            strbuf_addch(out, p.data[i] == '+' ? ' ' : p.data[i]);
        }
    }
    return true;
}

/* The list of the key's values, made when it is new; NULL with the error set. */
static struct cel_list *values_of(struct cel_context *c, struct cel_value *map,
                                  const struct strbuf *key, size_t room)
{
    struct cel_value text = value_text(key->data, key->len), list, have;

    if (eval_charge(c, 1 + value_count(map)) < 0)
        return NULL;
    if (value_lookup(map, &text, &have))
        return have.u.list;
    if (eval_text(c, strbuf_str((struct strbuf *)key), key->len, &text) < 0 ||
        eval_new_list(c, room, &list) < 0)
        return NULL;
    list.u.list->count = 0;
    return eval_map_add(c, map, &text, &list) < 0 ? NULL : list.u.list;
}

/* "a=b". What Go cannot read it leaves out. */
static int add_pair(struct cel_context *c, struct part pair, size_t room, struct cel_value *map)
{
    AUTO(strbuf) struct strbuf key = {0};
    AUTO(strbuf) struct strbuf value = {0};
    size_t equals = reach(pair, "=");
    struct part after = equals < pair.len ? behind(pair, equals + 1) : part_of("", 0);

    if (pair.len == 0 || reach(pair, ";") < pair.len ||
        !unescape(part_of(pair.data, equals), &key) || !unescape(after, &value))
        return 0;
    struct cel_list *list = values_of(c, map, &key, room);
    if (!list)
        return -1;
    return eval_text(c, strbuf_str(&value), value.len, &list->items[list->count++]);
}

static int fn_query(struct cel_context *c, size_t nargs, struct cel_value *args,
                    struct cel_value *ret)
{
    struct url_parts u;
    size_t pairs = 1;

    if (take_apart(c, nargs, args, &u) < 0)
        return -1;
    for (size_t i = 0; i < u.query.len; i++)
        pairs += u.query.data[i] == '&';
    if (eval_charge(c, pairs) < 0 || eval_new_map(c, pairs, ret) < 0)
        return -1;
    ret->u.map->count = 0;
    for (struct part rest = u.query; rest.len > 0;) {
        size_t len = reach(rest, "&");

        if (add_pair(c, part_of(rest.data, len), pairs, ret) < 0)
            return -1;
        rest = len < rest.len ? behind(rest, len + 1) : part_of("", 0);
    }
    return 0;
}

static const struct cel_std rows[] = {
    {"isURL", STD_GLOBAL, 1, 1, 0, fn_is_url, "string->bool", 0, COST_CALL},
    {"url", STD_GLOBAL, 1, 1, STD_LITERAL, fn_url, "string->kubernetes.URL", 0, COST_TEXT},
    {"getScheme", STD_MEMBER, 1, 1, 0, fn_scheme, "kubernetes.URL->string", 0, COST_CALL},
    {"getHost", STD_MEMBER, 1, 1, 0, fn_host, "kubernetes.URL->string", 0, COST_CALL},
    {"getHostname", STD_MEMBER, 1, 1, 0, fn_hostname, "kubernetes.URL->string", 0, COST_CALL},
    {"getPort", STD_MEMBER, 1, 1, 0, fn_port, "kubernetes.URL->string", 0, COST_CALL},
    {"getEscapedPath", STD_MEMBER, 1, 1, 0, fn_path, "kubernetes.URL->string", 0, COST_CALL},
    {"getQuery", STD_MEMBER, 1, 1, 0, fn_query, "kubernetes.URL->map(string, list(string))", 0,
     COST_CALL},
};

const struct std_family std_url = {.rows = rows, .count = ARRAY_LEN(rows)};
