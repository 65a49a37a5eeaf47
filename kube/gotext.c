#include "kube/gotext.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "kube/status.h"

/* Of %v, and of %#v, which writes values as Go's source would. */
struct style {
    const char *map, *list, *gap, *close_map, *close_list, *nil;
    bool quotes;
};

static const struct style plain = {"map[", "[", " ", "]", "]", "<nil>", false};
static const struct style source = {"map[string]interface {}{", "[]interface {}{", ", ", "}", "}",
                                    "interface {}(nil)",        /* quotes= */ true};

static void print(struct strbuf *out, const struct style *s, const json_t *v, unsigned depth);

static void print_text(struct strbuf *out, const struct style *s, const char *text, size_t len)
{
    if (s->quotes)
        status_quote(out, text, len);
    else
        strbuf_add(out, text, len);
}

static void print_map(struct strbuf *out, const struct style *s, const json_t *v, unsigned depth)
{
    const char **keys = json_sorted_keys(v);
    size_t n = json_object_size(v);
    strbuf_addstr(out, s->map);
    for (size_t i = 0; i < n && out->len <= GOTEXT_MAX; i++) {
        strbuf_addstr(out, i ? s->gap : "");
        print_text(out, s, keys[i], strlen(keys[i]));
        strbuf_addch(out, ':');
        print(out, s, json_object_get(v, keys[i]), depth + 1);
    }
    strbuf_addstr(out, s->close_map);
    free(keys);
}

static void print_list(struct strbuf *out, const struct style *s, const json_t *v, unsigned depth)
{
    strbuf_addstr(out, s->list);
    for (size_t i = 0; i < json_array_size(v) && out->len <= GOTEXT_MAX; i++) {
        strbuf_addstr(out, i ? s->gap : "");
        print(out, s, json_array_get(v, i), depth + 1);
    }
    strbuf_addstr(out, s->close_list);
}

static void print(struct strbuf *out, const struct style *s, const json_t *v, unsigned depth)
{
    if (depth > JSON_DEPTH_MAX || out->len > GOTEXT_MAX)
        strbuf_add(out, "...", 3);
    else if (json_is_object(v))
        print_map(out, s, v, depth);
    else if (json_is_array(v))
        print_list(out, s, v, depth);
    else if (json_is_string(v))
        print_text(out, s, json_string_value(v), json_string_length(v));
    else if (!v || json_is_null(v))
        strbuf_addstr(out, s->nil);
    else
        json_write(out, v, JSON_TIGHT);
}

void gotext_value(struct strbuf *out, const json_t *v)
{
    print(out, &plain, v, 0);
}

void gotext_source(struct strbuf *out, const json_t *v)
{
    print(out, &source, v, 0);
}

const char *gotext_type(const json_t *v)
{
    if (!v)
        return "<nil>";
    switch (json_typeof(v)) {
    case JSON_OBJECT:
        return "map[string]interface {}";
    case JSON_ARRAY:
        return "[]interface {}";
    case JSON_STRING:
        return "string";
    case JSON_INTEGER:
        return "int64";
    case JSON_REAL:
        return "float64";
    case JSON_TRUE:
    case JSON_FALSE:
        return "bool";
    case JSON_NULL:
        break;
    }
    return "<nil>";
}

const char *gotext_kind(const json_t *v)
{
    static const char *const words[] = {
        [JSON_OBJECT] = "object",  [JSON_ARRAY] = "array", [JSON_STRING] = "string",
        [JSON_INTEGER] = "number", [JSON_REAL] = "number", [JSON_TRUE] = "bool",
        [JSON_FALSE] = "bool",     [JSON_NULL] = "null"};

    return words[json_typeof(v)];
}
