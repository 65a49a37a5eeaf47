/* Any bytes as YAML: a tree, or diagnoses. What was read can be found by its path, becomes JSON,
 * and that, written as YAML, reads back as the same. A text in pieces is in the file where it is
 * said to be. */
#include <assert.h>
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/strbuf.h"
#include "base/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_and_read(const json_t *value)
{
    AUTO(strbuf) struct strbuf text = {0};
    struct diags diags = {0};

    yaml_write(&text, value, 0);
    AUTO(yaml) struct yaml_doc *doc = yaml_parse(strbuf_str(&text), text.len, "written", &diags);
    AUTO(json) json_t *again = doc ? yaml_to_json(doc, yaml_node(doc, 0)) : NULL;
    /* Escapes make a text longer: only the limit on its size may refuse what we wrote. */
    assert(again || text.len > YAML_BYTES_MAX);
    assert(!again || json_same(value, again));
    diags_finish(&diags);
}

static void print_nowhere(const struct diags *diags, const char *text, size_t len)
{
    FILE *out = fopen("/dev/null", "w");
    assert(out);
    diags_print(out, diags, text, len);
    fclose(out);
}

/* The bytes from a place on; the end where there is none. */
static const char *at_place(const char *text, size_t len, struct src_pos pos)
{
    const char *end = text + len;

    for (uint32_t line = 1; line < pos.line; line++) {
        const char *next = memchr(text, '\n', (size_t)(end - text));

        assert(next);
        text = next + 1;
    }
    assert(pos.col >= 1 && pos.col - 1 <= (size_t)(end - text));
    return text + pos.col - 1;
}

/* Each run begins inside the file, where its letter or digit stands, or its escape. */
static void check_runs(const struct yaml_node *n, const char *text, size_t len)
{
    for (size_t i = 0; i < n->run_count; i++) {
        const char *at = at_place(text, len, n->runs[i].pos);
        char c = n->text[n->runs[i].offset];

        assert(i == 0 || n->runs[i].offset >= n->runs[i - 1].offset);
        if (i > 0 && isalnum((unsigned char)c))
            assert(at < text + len && (*at == c || *at == '\\'));
    }
}

static void check_places(const struct yaml_doc *doc, const struct yaml_node *from, const char *text,
                         size_t len)
{
    check_runs(from, text, len);
    for (const struct yaml_node *n = yaml_first(doc, from); n; n = yaml_next(doc, n))
        check_places(doc, n, text, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct diags diags = {0};

    json_init();
    AUTO(yaml) struct yaml_doc *doc = yaml_parse((const char *)data, size, "input", &diags);
    assert(!doc == (diags.errors > 0));
    if (doc) {
        AUTO(json) json_t *value = yaml_to_json(doc, yaml_node(doc, 0));
        assert(yaml_find(doc, "spec.steps[0].assert.has"));
        write_and_read(value);
        check_places(doc, yaml_node(doc, 0), (const char *)data, size);
    }
    print_nowhere(&diags, (const char *)data, size);
    diags_finish(&diags);
    return 0;
}
