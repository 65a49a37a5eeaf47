/* The conformance tests of cel-spec (tests/simple/testdata/NAME.textproto), each file by its name:
 *
 *   conformance FILE...
 *
 * A line for each file, then what was skipped and why, then each test that failed. Errors have no
 * text in these tests: an error is an error. Types are checked before anything runs, but where
 * `disable_check` stands; the type that the checker deduces counts where a test tells it
 * (`typed_result`), and alone where it says `check_only`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "tests/cel/declared.h"
#include "tests/cel/expected.h"

#define FILE_BYTES_MAX ((size_t)4 << 20)
#define VARIABLES_MAX 64
#define FUNCTIONS_MAX 8

struct tally {
    unsigned passed, failed, skipped;
};

struct run {
    struct tally all, file;
    const char *path;
    struct strbuf failures;
    struct cel_context *context;
    struct skip {
        const char *why;
        unsigned count;
    } skips[8];
};

/* ---- what is left out ---- */

static bool mentions(const char *expr, const char *const *words)
{
    for (; *words; words++)
        if (strstr(expr, *words))
            return true;
    return false;
}

/* Names of messages and enums, of which the language has none by itself. */
static const char *const message_words[] = {"TestAllTypes",
                                            "NestedMessage",
                                            "NestedEnum",
                                            "GlobalEnum",
                                            "TestRequired",
                                            "proto2.",
                                            "proto3.",
                                            "proto.hasExt",
                                            "proto.getExt",
                                            "Value{", /* of the container's wrappers */
                                            "google.protobuf.Any",
                                            "google.protobuf.BoolValue",
                                            "google.protobuf.BytesValue",
                                            "google.protobuf.DoubleValue",
                                            "google.protobuf.FloatValue",
                                            "google.protobuf.Int32Value",
                                            "google.protobuf.Int64Value",
                                            "google.protobuf.ListValue",
                                            "google.protobuf.NullValue",
                                            "google.protobuf.StringValue",
                                            "google.protobuf.Struct",
                                            "google.protobuf.UInt32Value",
                                            "google.protobuf.UInt64Value",
                                            "google.protobuf.Value",
                                            "google.protobuf.Timestamp{",
                                            "google.protobuf.Duration{",
                                            "google.protobuf.Timestamp {",
                                            "google.protobuf.Duration {",
                                            "google.protobuf.FieldMask",
                                            "google.protobuf.Empty",
                                            NULL};

static bool holds(const struct message *m, const char *field)
{
    for (size_t i = 0; m && i < m->count; i++)
        if (strcmp(m->fields[i].name, field) == 0 || holds(m->fields[i].message, field))
            return true;
    return false;
}

/* NULL: it can be run. */
static const char *why_skipped(const struct message *test)
{
    if (mentions(textproto_text(test, "expr"), message_words))
        return "messages or enums of protocol buffers in the expression";
    for (size_t i = 0; i < test->count; i++) {
        const struct field *f = &test->fields[i];

        if (strcmp(f->name, "bindings") == 0 &&
            expected_needs_messages(
                textproto_message(textproto_message(f->message, "value"), "value")))
            return "messages of protocol buffers in a variable";
        if (strcmp(f->name, "type_env") == 0 && holds(f->message, "message_type"))
            return "a variable of a message type";
    }
    if (expected_needs_messages(textproto_message(test, "value")) ||
        expected_needs_messages(
            textproto_message(textproto_message(test, "typed_result"), "result")))
        return "messages of protocol buffers as the result";
    return NULL;
}

static void skip(struct run *r, const char *why)
{
    r->file.skipped++;
    for (size_t i = 0; i < ARRAY_LEN(r->skips); i++) {
        if (r->skips[i].why && r->skips[i].why != why)
            continue;
        r->skips[i].why = why;
        r->skips[i].count++;
        return;
    }
}

/* ---- one test ---- */

struct setting {
    struct arena arena;
    const char *names[VARIABLES_MAX + 1];
    struct cel_value values[VARIABLES_MAX];
    struct cel_binding bindings[VARIABLES_MAX];
    const struct cel_static_type *types[VARIABLES_MAX];
    size_t count;
    struct cel_function functions[FUNCTIONS_MAX];
    const struct cel_function *function_table[FUNCTIONS_MAX];
    const char *function_types[FUNCTIONS_MAX];
    size_t function_count;
};

static size_t variable(struct setting *s, const char *name)
{
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->names[i], name) == 0)
            return i;
    if (s->count == VARIABLES_MAX)
        return 0;
    s->names[s->count] = name;
    return s->count++;
}

/* An entry of type_env: a variable, or a function that is declared and nowhere defined. */
static void declare(struct setting *s, const struct message *m)
{
    const struct message *ident = textproto_message(m, "ident");

    if (ident)
        s->types[variable(s, textproto_text(m, "name"))] =
            declared_type(&s->arena, textproto_message(ident, "type"));
    else if (s->function_count < FUNCTIONS_MAX &&
             declared_function(&s->arena, m, &s->functions[s->function_count],
                               &s->function_types[s->function_count])) {
        s->function_table[s->function_count] = &s->functions[s->function_count];
        s->function_count++;
    }
}

static void set_variables(struct setting *s, const struct message *test)
{
    for (size_t i = 0; i < test->count; i++) {
        const struct message *m = test->fields[i].message;

        if (strcmp(test->fields[i].name, "type_env") == 0)
            declare(s, m);
        if (strcmp(test->fields[i].name, "bindings") == 0) {
            size_t at = variable(s, textproto_text(m, "key"));

            if (expected_value(&s->arena, textproto_message(textproto_message(m, "value"), "value"),
                               &s->values[at]))
                s->bindings[at].value = &s->values[at];
        }
    }
}

/* NULL: as it must be. New. */
static char *judge_value(const struct message *want, const struct cel_value *got)
{
    if (want ? expected_is(want, got) : got->type == CEL_BOOL && got->u.boolean)
        return NULL;
    AUTO(str) char *shown = cel_show(got, 200);
    return mem_printf("gave %s %s", cel_type_name(got->type), shown);
}

/* NULL: the type is the one that is told. New. */
static char *judge_type(struct setting *s, const struct message *want,
                        const struct cel_static_type *got)
{
    const struct cel_static_type *type = declared_type(&s->arena, want);

    if (type && cel_type_same(type, got))
        return NULL;
    AUTO(str) char *got_text = cel_type_text(got);
    AUTO(str) char *want_text = type ? cel_type_text(type) : mem_strdup("unreadable");
    return mem_printf("of type %s, not %s", got_text, want_text);
}

static char *judge(struct run *r, const struct message *test, struct setting *s)
{
    const struct cel_env env = {
        .variables = s->names,
        .container = textproto_find(test, "container") ? textproto_text(test, "container") : NULL,
        .standard = true,
        .typed = true,
        .variable_types = s->types,
        .functions = s->function_table,
        .function_types = s->function_types,
        .function_count = s->function_count,
        .unchecked = textproto_is_true(test, "disable_check")};
    bool error = textproto_find(test, "eval_error") || textproto_find(test, "any_eval_errors");
    const struct message *typed = textproto_message(test, "typed_result");
    const struct message *want =
        typed ? textproto_message(typed, "result") : textproto_message(test, "value");
    const struct field *expr = textproto_find(test, "expr");
    AUTO(err) struct err e = {0};
    AUTO(cel_program)
    struct cel_program *p =
        cel_compile_bytes(expr->text, expr->len, &env, (struct src_pos){r->path, 1, 1}, &e);
    struct cel_value got;

    if (p && typed && textproto_find(typed, "deduced_type")) {
        char *wrong = judge_type(s, textproto_message(typed, "deduced_type"), cel_program_type(p));

        if (wrong || textproto_is_true(test, "check_only"))
            return wrong;
    }
    if (!p || cel_eval(p, r->context, s->bindings, NULL, 0, &got, &e) < 0)
        return error ? NULL : mem_printf("%s: %s", p ? "failed" : "does not compile", e.msg);
    if (!error)
        return judge_value(want, &got);
    AUTO(str) char *shown = cel_show(&got, 200);
    return mem_printf("gave %s, not an error", shown);
}

static void run_test(struct run *r, const char *section, const struct field *f)
{
    const char *why = why_skipped(f->message);
    struct setting s = {0};
    AUTO(str) char *wrong = NULL;

    if (why) {
        skip(r, why);
        return;
    }
    set_variables(&s, f->message);
    wrong = judge(r, f->message, &s);
    arena_finish(&s.arena);
    if (!wrong) {
        r->file.passed++;
        return;
    }
    r->file.failed++;
    strbuf_addf(&r->failures, "%s:%u: %s/%s: %s\n  %s\n", r->path, f->line, section,
                textproto_text(f->message, "name"), textproto_text(f->message, "expr"), wrong);
}

/* ---- files ---- */

static int run_file(struct run *r, const char *path)
{
    AUTO(strbuf) struct strbuf text = {0};
    AUTO(err) struct err e = {0};
    struct message *file = NULL;
    const char *slash = strrchr(path, '/');

    r->path = slash ? slash + 1 : path;
    r->file = (struct tally){0};
    if (file_read(path, FILE_BYTES_MAX, &text, &e) == 0)
        file = textproto_read(strbuf_str(&text), text.len, r->path, &e);
    if (!file) {
        fprintf(stderr, "%s:%u:%u: %s\n", path, e.pos.line, e.pos.col, e.msg);
        return -1;
    }
    for (size_t i = 0; i < file->count; i++) {
        const struct message *section = file->fields[i].message;

        for (size_t k = 0; section && k < section->count; k++)
            if (strcmp(section->fields[k].name, "test") == 0)
                run_test(r, textproto_text(section, "name"), &section->fields[k]);
    }
    textproto_destroy(file);
    printf("%-28s %4u passed %4u failed %4u skipped\n", r->path, r->file.passed, r->file.failed,
           r->file.skipped);
    r->all.passed += r->file.passed;
    r->all.failed += r->file.failed;
    r->all.skipped += r->file.skipped;
    return 0;
}

int main(int argc, char **argv)
{
    struct run r = {.context = NULL};
    int broken = 0;

    if (argc < 2) {
        fprintf(stderr, "usage: conformance FILE...\n");
        return 2;
    }
    json_init();
    r.context = cel_context_create();
    for (int i = 1; i < argc; i++)
        broken |= run_file(&r, argv[i]);
    printf("%-28s %4u passed %4u failed %4u skipped\n", "all", r.all.passed, r.all.failed,
           r.all.skipped);
    for (size_t i = 0; i < ARRAY_LEN(r.skips) && r.skips[i].why; i++)
        printf("skipped, %u: %s\n", r.skips[i].count, r.skips[i].why);
    printf("%s", strbuf_str(&r.failures));
    strbuf_finish(&r.failures);
    cel_context_destroy(r.context);
    return broken || r.all.failed ? 1 : 0;
}
