/* Any bytes as YAML: a tree, or diagnoses. What was read can be found by its path, becomes JSON,
 * and that, written as YAML, reads back as the same. */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>

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
    }
    print_nowhere(&diags, (const char *)data, size);
    diags_finish(&diags);
    return 0;
}
