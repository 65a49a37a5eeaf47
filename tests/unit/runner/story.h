/* Small scenarios, written to a folder of their own, loaded and run in this process. */
#ifndef VMCONFORM_TESTS_UNIT_RUNNER_STORY_H
#define VMCONFORM_TESTS_UNIT_RUNNER_STORY_H

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/json.h"
#include "base/mem.h"
#include "runner/case.h"
#include "tests/unit/suite.h"

struct story {
    char dir[64];
    struct library *library;
    struct unit *unit;
    struct diags diags;
};

static inline void story_write(const struct story *s, const char *name, const char *text)
{
    AUTO(str) char *path = mem_printf("%s/%s", s->dir, name);
    FILE *f = fopen(path, "w");

    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

static inline void story_open(struct story *s)
{
    AUTO(str) char *fixtures = NULL;

    *s = (struct story){0};
    snprintf(s->dir, sizeof s->dir, "/tmp/vmconform-story-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(s->dir));
    fixtures = mem_printf("%s/fixtures", s->dir);
    mkdir(fixtures, 0700);
    s->library = library_create();
}

static inline void story_close(struct story *s)
{
    AUTO(str) char *command = mem_printf("rm -rf %s", s->dir);

    unit_destroy(s->unit);
    library_destroy(s->library);
    diags_finish(&s->diags);
    ck_assert_int_eq(system(command), 0);
}

/* spec: the members of `spec`, indented by two. NULL when it has mistakes. */
static inline const struct unit *story_load(struct story *s, const char *spec)
{
    AUTO(str)
    char *text = mem_printf("apiVersion: vmconform.dev/v1alpha1\nkind: Scenario\n"
                            "metadata: {name: story}\nspec:\n  requirement: [r]\n"
                            "  description: d\n%s",
                            spec);
    AUTO(str) char *path = mem_printf("%s/story.yaml", s->dir);

    story_write(s, "story.yaml", text);
    s->unit = scenario_load(s->library, path, &s->diags);
    return s->unit;
}

static inline void story_fixture(struct story *s, const char *name, const char *spec)
{
    AUTO(str) char *file = mem_printf("fixtures/%s.yaml", name);
    AUTO(str)
    char *text = mem_printf("apiVersion: vmconform.dev/v1alpha1\nkind: Fixture\n"
                            "metadata: {name: %s}\nspec:\n  description: d\n%s",
                            name, spec);

    story_write(s, file, text);
}

static inline const char *story_mistakes(const struct story *s)
{
    return s->diags.count ? s->diags.items[0].err.msg : "";
}

/* It must have mistakes, of which the first says this. */
static inline void story_must_not_load(const char *spec, const char *mistake)
{
    struct story s;

    story_open(&s);
    ck_assert_msg(!story_load(&s, spec), "%s", spec);
    ck_assert_msg(strstr(story_mistakes(&s), mistake), "%s: %s", spec, story_mistakes(&s));
    story_close(&s);
}

/* Runs the first case. */
static inline void story_run(struct story *s, const struct case_options *options,
                             struct case_outcome *ret)
{
    AUTO(json) json_t *cases = NULL;

    ck_assert_msg(s->unit, "%s", story_mistakes(s));
    cases = scenario_cases(s->unit);
    run_case(s->unit, json_array_get(cases, 0), options, ret);
}

/* One scenario from text to verdict: the wanted status, and a part of the headline. */
struct story_row {
    const char *name, *spec;
    enum result_status status;
    const char *error_type, *headline;
};

static inline void story_check(const struct story_row *row)
{
    struct story s;
    struct case_options options = {.seed = 1};
    struct case_outcome out;
    const struct result_case *r;

    story_open(&s);
    ck_assert_msg(story_load(&s, row->spec), "%s: %s", row->name, story_mistakes(&s));
    story_run(&s, &options, &out);
    r = out.result;
    ck_assert_msg(r->status == row->status, "%s: %s: %s\n%s", row->name,
                  result_status_name(r->status), r->headline ? r->headline : "",
                  r->details ? r->details : "");
    if (row->error_type)
        ck_assert_msg(r->error_type && strcmp(r->error_type, row->error_type) == 0, "%s: %s",
                      row->name, r->error_type ? r->error_type : "no type");
    if (row->headline)
        ck_assert_msg(r->headline && strstr(r->headline, row->headline), "%s: %s", row->name,
                      r->headline ? r->headline : "no headline");
    if (r->headline) /* every verdict has a place */
        ck_assert_msg(strncmp(r->headline, s.unit->path, strlen(s.unit->path)) == 0 ||
                          strstr(r->headline, "/fixtures/"),
                      "%s: %s", row->name, r->headline);
    case_outcome_finish(&out);
    story_close(&s);
}

#endif
