/* lint_source CHECK ROOT: one lint over all sources. Exits 1 when it finds something. */
#include <stdio.h>
#include <string.h>

#include "tests/lint/source.h"

int main(int argc, char **argv)
{
    struct findings f = {0};

    if (argc != 3) {
        fputs("usage: lint_source includes|banned|text|sizes|repeats ROOT\n", stderr);
        return 2;
    }
    AUTO(tree) struct tree *t = tree_load(argv[2]);
    if (t->count == 0) {
        fprintf(stderr, "lint_source: no source below %s\n", argv[2]);
        return 2;
    }
    if (strcmp(argv[1], "includes") == 0)
        lint_includes(t, &f);
    else if (strcmp(argv[1], "banned") == 0)
        lint_banned(t, &f);
    else if (strcmp(argv[1], "text") == 0)
        lint_text(t, &f);
    else if (strcmp(argv[1], "sizes") == 0)
        lint_sizes(t, "tests/lint/size-ratchet.txt", &f);
    else if (strcmp(argv[1], "repeats") == 0)
        lint_repeats(t, "tests/lint/repeats.txt", &f);
    else
        return 2;
    fprintf(stderr, "%zu files, %zu findings\n", t->count, f.count);
    return f.count ? 1 : 0;
}
