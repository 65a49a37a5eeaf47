/* One grammar in three places: the parser's tables, the JSON Schema, the page. */
#include "runner/shapes.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "tests/unit/suite.h"

/* The names under $defs; the file itself is the root. */
static const json_t *definition(const json_t *schema, const struct shape *s)
{
    const char *name = s->definition ? s->definition : s->what;
    const json_t *d;
    size_t i;
    json_t *v;

    if (s == &shape_file)
        return schema;
    d = json_object_get(json_object_get(schema, "$defs"), name);
    if (json_object_get(d, "properties"))
        return d;
    json_array_foreach(json_object_get(d, "anyOf"), i, v)
    {
        if (json_object_get(v, "properties"))
            return v;
    }
    return NULL;
}

static const struct shape_key *key_of(const struct shape *s, const char *name)
{
    for (const struct shape_key *k = s->keys; k->key; k++)
        if (strcmp(k->key, name) == 0)
            return k;
    return NULL;
}

static bool list_has(const json_t *list, const char *text)
{
    size_t i;
    json_t *v;

    json_array_foreach((json_t *)list, i, v)
    {
        if (strcmp(json_string_value(v), text) == 0)
            return true;
    }
    return false;
}

static json_t *read_schema(void)
{
    struct err err = {0};
    json_t *schema = json_read_file("docs/scenario.schema.json", 1u << 20, &err);

    ck_assert_msg(schema, "%s", err.msg);
    return schema;
}

static size_t shape_count(void)
{
    size_t n = 0;

    while (shape_at(n))
        n++;
    return n;
}

START_TEST(schema_has_the_keys)
{
    const struct shape *s = shape_at((size_t)_i);
    AUTO(json) json_t *schema = read_schema();
    const json_t *d = definition(schema, s);
    const char *key;
    json_t *v;

    ck_assert_msg(d, "the schema does not define '%s'", s->what);
    json_object_foreach(json_object_get(d, "properties"), key, v)
        ck_assert_msg(key_of(s, key), "%s: the schema has '%s', the parser does not", s->what, key);
    for (const struct shape_key *k = s->keys; k->key; k++) {
        ck_assert_msg(json_object_get(json_object_get(d, "properties"), k->key),
                      "%s: the schema lacks '%s'", s->what, k->key);
        ck_assert_msg(k->required == list_has(json_object_get(d, "required"), k->key),
                      "%s: whether '%s' is required", s->what, k->key);
    }
    ck_assert_msg(json_is_false(json_object_get(d, "additionalProperties")), "%s", s->what);
}
END_TEST

/* A note that names no key says nothing. */
START_TEST(notes_are_about_keys)
{
    const struct shape *s = shape_at((size_t)_i);

    for (const struct shape_note *n = s->notes; n && n->key; n++)
        ck_assert_msg(key_of(s, n->key), "%s: a note is about '%s'", s->what, n->key);
}
END_TEST

START_TEST(schema_has_the_forms)
{
    const struct shape *s = shape_at((size_t)_i);
    AUTO(json) json_t *schema = read_schema();
    const json_t *one_of = json_object_get(definition(schema, s), "oneOf");
    size_t n = 0;

    if (!s->one_of)
        return;
    for (; s->one_of[n]; n++) {
        const json_t *form = json_object_get(json_array_get(one_of, n), "required");

        ck_assert_msg(json_array_size(form) == 1 && list_has(form, s->one_of[n]),
                      "%s: form %zu is not '%s'", s->what, n, s->one_of[n]);
    }
    ck_assert_uint_eq(json_array_size(one_of), n);
}
END_TEST

static char *read_page(void)
{
    AUTO(file) FILE *f = fopen("docs/scenario-format.md", "r");
    AUTO(strbuf) struct strbuf text = {0};
    char buf[4096];
    size_t n;

    ck_assert_ptr_nonnull(f);
    while ((n = fread(buf, 1, sizeof buf, f)) > 0)
        strbuf_add(&text, buf, n);
    return strbuf_take(&text);
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* The word stands somewhere on the page as code or as a key. */
static bool page_has(const char *page, const char *word)
{
    size_t len = strlen(word);

    for (const char *p = page; (p = strstr(p, word)); p += len) {
        char before = p == page ? ' ' : p[-1];

        if (!is_word(before) && (strchr("`:", p[len]) || strchr("`{ ", before)))
            return true;
    }
    return false;
}

START_TEST(page_has_the_keys)
{
    const struct shape *s = shape_at((size_t)_i);
    AUTO(str) char *page = read_page();

    for (const struct shape_key *k = s->keys; k->key; k++)
        ck_assert_msg(page_has(page, k->key), "%s: '%s' is not documented", s->what, k->key);
}
END_TEST

static bool known_key(const char *word, size_t len)
{
    for (size_t i = 0; shape_at(i); i++)
        for (const struct shape_key *k = shape_at(i)->keys; k->key; k++)
            if (strlen(k->key) == len && strncmp(k->key, word, len) == 0)
                return true;
    return false;
}

/* Table rows of the page that begin with `key`: nothing there that the parser does not know. */
START_TEST(page_has_no_other_keys)
{
    static const char *const sections[] = {"## spec",        "## given", "## Steps",
                                           "### Conditions", "### upon", "## Laws"};
    AUTO(str) char *page = read_page();

    for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
        const char *p = strstr(page, sections[i]), *end;

        ck_assert_msg(p, "no section '%s'", sections[i]);
        end = strstr(p + 3, "\n#");
        while ((p = strstr(p, "\n| `")) && (!end || p < end)) {
            size_t len;

            p += 4;
            len = strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
            ck_assert_msg(known_key(p, len), "%s: the parser knows no '%.*s'", sections[i],
                          (int)len, p);
        }
    }
}
END_TEST

int main(void)
{
    int n = (int)shape_count();
    json_init();
    return SUITE_MAIN(
        "shapes", SUITE_CASE("all", RANGE(schema_has_the_keys, 0, n),
                             RANGE(schema_has_the_forms, 0, n), RANGE(notes_are_about_keys, 0, n),
                             RANGE(page_has_the_keys, 0, n), TEST(page_has_no_other_keys)));
}
