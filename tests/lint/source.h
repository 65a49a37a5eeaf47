/* The project's own text files, as the source lints see them. */
#ifndef VMCONFORM_TESTS_LINT_SOURCE_H
#define VMCONFORM_TESTS_LINT_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

struct source {
    char *path; /* below the root: "base/err.c" */
    char *text;
    char *code;    /* the same length: comments, and the insides of strings, are spaces */
    char *strings; /* the same length: only the comments are spaces */
    bool is_c;     /* .c, .h or .cc; only then code and strings differ from text */
};
struct tree {
    struct source *items; /* sorted by path */
    size_t count, cap;
};

/* Reads every source and text file below root; leaves out build/, .git/ and the bad samples of the
 * lints themselves. */
struct tree *tree_load(const char *root);
void tree_destroy(struct tree *t);
DEFINE_CLEANUP(struct tree, tree, tree_destroy);
const struct source *tree_find(const struct tree *t, const char *path);

/* 1-based line of an offset. */
unsigned source_line(const struct source *s, size_t offset);

/* Prints "PATH:LINE: MESSAGE" and counts it. Line 0 prints no line. */
struct findings {
    size_t count;
};
void finding(struct findings *f, const char *path, unsigned line, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* The lints. */
void lint_includes(const struct tree *t, struct findings *f);
void lint_banned(const struct tree *t, struct findings *f);
void lint_text(const struct tree *t, struct findings *f);
/* ratchet: path below the root of the list of what is too long already. */
void lint_sizes(const struct tree *t, const char *ratchet, struct findings *f);
/* list: of what stands twice and stays. */
void lint_repeats(const struct tree *t, const char *list, struct findings *f);

#endif
