/* embed OUT FILE.yaml... - writes OUT, a C file with each definition as JSON text: what is known
 * when this program is built need not be found out again each time that it runs. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/yaml.h"

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* The definition, new; NULL when that is told. */
static json_t *load(const char *path)
{
    __attribute__((cleanup(cleanup_diags))) struct diags diags = {0};
    AUTO(yaml) struct yaml_doc *doc = yaml_parse_file(path, &diags, NULL, NULL);

    for (size_t i = 0; i < diags.count; i++)
        err_print(stderr, &diags.items[i].err, NULL, 0);
    return doc ? yaml_to_json(doc, yaml_node(doc, 0)) : NULL;
}

static int write_file(FILE *out, const char *path, size_t number)
{
    AUTO(json) json_t *object = load(path);
    AUTO(strbuf) struct strbuf text = {0};

    if (!object)
        return -1;
    json_write(&text, object, JSON_TIGHT);
    AUTO(json) json_t *again = json_read(strbuf_str(&text), text.len, path, NULL);
    if (!again || !json_equal(object, again)) {
        fprintf(stderr, "%s: the definition does not survive as JSON\n", path);
        return -1;
    }
    fprintf(out, "static const unsigned char file_%zu[] = {", number);
    for (size_t i = 0; i < text.len; i++)
        fprintf(out, "%s%u,", i % 24 ? "" : "\n", (unsigned)(unsigned char)text.data[i]);
    fprintf(out, "0};\n\n");
    return 0;
}

static int write_all(FILE *out, char **paths, size_t count)
{
    fputs("/* Made by sim/crds/embed.c; do not edit. */\n#include \"sim/crds/embedded.h\"\n\n",
          out);
    for (size_t i = 0; i < count; i++)
        if (write_file(out, paths[i], i) < 0)
            return -1;
    fputs("const struct crds_file crds_embedded[] = {\n", out);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "    {\"%s\", file_%zu, sizeof file_%zu - 1},\n", base_name(paths[i]), i, i);
    fprintf(out, "    {NULL, NULL, 0},\n};\nconst size_t crds_embedded_count = %zuu;\n", count);
    return fflush(out) == 0 && !ferror(out) ? 0 : -1;
}

int main(int argc, char **argv)
{
    json_init();
    if (argc < 3) {
        fputs("usage: embed OUT FILE.yaml...\n", stderr);
        return 2;
    }
    AUTO(file) FILE *out = fopen(argv[1], "we");
    if (out && write_all(out, argv + 2, (size_t)argc - 2) == 0)
        return 0;
    fprintf(stderr, "%s could not be written\n", argv[1]);
    remove(argv[1]);
    return 1;
}
