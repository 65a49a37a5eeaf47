/* Known-wrong variants of the reference components: a text in one file replaced by another, and the
 * scenarios that must notice. */
#ifndef VMCONFORM_RUNNER_MUTANTS_H
#define VMCONFORM_RUNNER_MUTANTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/strmap.h"

struct edit {
    char *find, *replace;
    struct src_pos pos; /* of what is looked for */
};
struct mutant {
    struct src_pos pos, file_pos;
    char *name, *file;
    struct edit edits[2]; /* the second one, `also`, is for what is guarded twice; or empty */
    char **kills;         /* names of scenarios that must fail */
    struct src_pos *kill_pos;
    size_t kill_count;
    bool by_error; /* the scenarios may end in an error instead (a crash, a time limit) */
};
struct mutant_list {
    struct mutant *items;
    size_t count, cap;
};

/* scenarios: the names that `kills` may use, each with its path. NULL after diagnoses. */
struct mutant_list *mutants_load(const char *path, const struct strmap *scenarios,
                                 struct diags *diags);
void mutants_destroy(struct mutant_list *l);
DEFINE_CLEANUP(struct mutant_list, mutants, mutants_destroy);

/* The text of the mutant's file at path, with the edits, one after the other; new. NULL with
 * *reterr, also when a text that is looked for is not there exactly once. */
char *mutant_text(const struct mutant *m, const char *path, struct err *reterr);

/* A finished build, whose commands make the programs of the mutants: one file compiled anew, and
 * put in front of the libraries, so that their own version of it is not pulled in. */
struct mutant_build {
    char *dir;
    char *program;   /* ninja's name for it: "vmconform" */
    char *output;    /* as the command that links it says that: " -o vmconform " */
    json_t *compile; /* compile_commands.json */
    char *link;
};
/* self: path of the running program, whose mutants are made when it is one of this build. */
int mutant_build_open(struct mutant_build *b, const char *dir, const char *self,
                      struct err *reterr);
void mutant_build_finish(struct mutant_build *b);

/* Makes the program of a mutant; new path. NULL with *reterr. */
char *mutant_make(const struct mutant_build *b, const struct mutant *m, struct err *reterr);

/* Runs a program of ours over scenario files; new object: scenario name to its worst status
 * ("failed" before "error" before the others). NULL when it left no report. report: a path that it
 * may write to. */
json_t *mutant_run(const char *program, const char *const *paths, size_t count, unsigned jobs,
                   const char *report, struct err *reterr);

#endif
