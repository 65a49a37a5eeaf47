/* lint_requirements ROOT: each id that a scenario claims stands in docs/requirements.yaml, and each
 * id there is claimed by a scenario, or says `later: true`, in which case no scenario claims it.
 *
 * requirements:
 *   - {id: osac-restore-happy, says: what must hold, strength: M, from: where that is written}
 */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/order.h"
#include "base/strmap.h"
#include "base/yaml.h"

#define FILES_MAX 4096

struct requirement {
    uint32_t line;
    bool later;
    unsigned claims;
};
struct lint {
    struct strmap *known;
    size_t findings;
};

/* nftw() hands no cookie to its callback. */
static char *files[FILES_MAX];
static size_t file_count;

static int remember(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    size_t len = strlen(path);

    (void)st;
    (void)ftw;
    if (flag == FTW_F && len > 5 && strcmp(path + len - 5, ".yaml") == 0 && file_count < FILES_MAX)
        files[file_count++] = mem_strdup(path);
    return 0;
}

static void say(struct lint *l, const char *file, uint32_t line, const char *id, const char *what)
{
    printf("%s:%u: '%s' %s\n", file, line, id, what);
    l->findings++;
}

static void add_requirement(struct lint *l, const struct yaml_doc *doc, const struct yaml_node *n,
                            const char *file)
{
    const struct yaml_node *id = yaml_get(doc, n, "id"), *says = yaml_get(doc, n, "says"),
                           *later = yaml_get(doc, n, "later");
    struct requirement *r;

    if (!id || id->type != YAML_STRING) {
        say(l, file, n->pos.line, "requirement", "has no id");
        return;
    }
    if (!says || says->type != YAML_STRING || strlen(says->text) < 20)
        say(l, file, id->pos.line, id->text, "does not say what must hold");
    if (strmap_get(l->known, id->text)) {
        say(l, file, id->pos.line, id->text, "is there twice");
        return;
    }
    r = mem_zalloc(sizeof *r);
    r->line = id->pos.line;
    r->later = later && later->type == YAML_BOOL && later->value.boolean;
    strmap_put(l->known, id->text, r);
}

static void claim(struct lint *l, const struct yaml_node *id, const char *file)
{
    struct requirement *r = id->text ? strmap_get(l->known, id->text) : NULL;

    if (!r)
        say(l, file, id->pos.line, id->text ? id->text : "?", "is no id of docs/requirements.yaml");
    else if (r->later)
        say(l, file, id->pos.line, id->text, "is claimed, though the list says `later`");
    if (r)
        r->claims++;
}

/* Every `requirement:` of a scenario: its own list, and those of single laws. */
static void claims_below(struct lint *l, const struct yaml_doc *doc, const struct yaml_node *n,
                         const char *file)
{
    const struct yaml_node *c;

    for (c = yaml_first(doc, n); c; c = yaml_next(doc, c)) {
        if (c->key && strcmp(c->key, "requirement") == 0 && c->type == YAML_SEQ)
            for (const struct yaml_node *id = yaml_first(doc, c); id; id = yaml_next(doc, id))
                claim(l, id, file);
        else if (c->key && strcmp(c->key, "requirement") == 0)
            claim(l, c, file);
        else if (c->type == YAML_MAP || c->type == YAML_SEQ)
            claims_below(l, doc, c, file);
    }
}

static struct yaml_doc *parse(struct lint *l, const char *file)
{
    struct diags diags = {0};
    struct yaml_doc *doc = yaml_parse_file(file, &diags, NULL, NULL);

    if (!doc) {
        diags_print(stdout, &diags, NULL, 0);
        l->findings++;
    }
    diags_finish(&diags);
    return doc;
}

static void read_list(struct lint *l, const char *file)
{
    AUTO(yaml) struct yaml_doc *doc = parse(l, file);
    const struct yaml_node *list = doc ? yaml_get(doc, yaml_node(doc, 0), "requirements") : NULL;

    if (doc && (!list || list->type != YAML_SEQ))
        say(l, file, 1, "requirements", "is not a list");
    else if (doc)
        for (const struct yaml_node *n = yaml_first(doc, list); n; n = yaml_next(doc, n))
            add_requirement(l, doc, n, file);
}

static void report_unclaimed(struct lint *l, const char *file)
{
    size_t i = 0;
    const char *id;
    void *value;

    while (strmap_each(l->known, &i, &id, &value)) {
        const struct requirement *r = value;
        if (!r->claims && !r->later)
            say(l, file, r->line, id, "is claimed by no scenario; claim it, or say `later: true`");
    }
}

int main(int argc, char **argv)
{
    struct lint l = {.known = strmap_create()};
    const char *list = "docs/requirements.yaml";

    json_init();
    if (argc != 2 || chdir(argv[1]) < 0) {
        fputs("usage: lint_requirements ROOT\n", stderr);
        return 2;
    }
    read_list(&l, list);
    nftw("scenarios", remember, 16, FTW_PHYS);
    qsort(files, file_count, sizeof *files, text_order);
    for (size_t i = 0; i < file_count; i++) {
        AUTO(yaml) struct yaml_doc *doc = parse(&l, files[i]);
        const struct yaml_node *spec = doc ? yaml_get(doc, yaml_node(doc, 0), "spec") : NULL;

        if (spec)
            claims_below(&l, doc, spec, files[i]);
        free(files[i]);
    }
    report_unclaimed(&l, list);
    fprintf(stderr, "%zu requirements, %zu scenarios, %zu findings\n", strmap_count(l.known),
            file_count, l.findings);
    strmap_destroy(l.known, free);
    if (file_count == 0)
        return 2;
    return l.findings ? 1 : 0;
}
