#include "base/err.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "tests/unit/suite.h"

static const struct src_pos here = {"a.yaml", 2, 3};

START_TEST(set_wrap_hint_move)
{
    struct err e = {0}, to = {0};

    ck_assert(!err_pending(&e));
    ck_assert_int_eq(err_set(&e, ERR_INVALID, here, "bad %s", "thing"), -1);
    ck_assert(err_pending(&e));
    err_hint(&e, "first");
    err_hint(&e, "say %d", 5);
    ck_assert_int_eq(err_wrap(&e, (struct src_pos){"b.yaml", 9, 9}, "step '%s'", "x"), -1);
    ck_assert_str_eq(e.msg, "step 'x': bad thing");
    ck_assert_str_eq(e.hint, "say 5");
    ck_assert_uint_eq(e.pos.line, 2); /* the innermost place stays */
    ck_assert_int_eq(err_move(&to, &e), -1);
    ck_assert(!err_pending(&e));
    ck_assert_str_eq(to.msg, "step 'x': bad thing");
    err_move(NULL, &to);
    ck_assert(!err_pending(&to));
    ck_assert_int_eq(err_set(NULL, ERR_INVALID, NO_POS, "nobody listens"), -1);
}
END_TEST

START_TEST(wrap_gives_a_place_to_the_placeless)
{
    struct err e = {0};

    err_set(&e, ERR_IO, NO_POS, "x");
    err_wrap(&e, here, "y");
    ck_assert_str_eq(e.pos.file, "a.yaml");
    err_clear(&e);
}
END_TEST

static const struct errno_case {
    int number;
    enum err_code code;
} errnos[] = {{ENOSPC, ERR_NO_SPACE},
              {EDQUOT, ERR_NO_SPACE},
              {ENOENT, ERR_NOT_FOUND},
              {EIO, ERR_IO},
              {EACCES, ERR_IO}};

START_TEST(errno_picks_the_code)
{
    struct err e = {0};

    err_set_errno(&e, errnos[_i].number, NO_POS, "cannot write '%s'", "f");
    ck_assert_int_eq(e.code, errnos[_i].code);
    ck_assert(strncmp(e.msg, "cannot write 'f': ", 18) == 0);
    err_clear(&e);
}
END_TEST

START_TEST(diags_are_capped_and_sorted)
{
    __attribute__((cleanup(cleanup_diags))) struct diags d = {0};

    for (unsigned i = 30; i > 0; i--)
        diags_add(&d, DIAG_ERROR, (struct src_pos){"f", i, 1}, "line %u", i);
    diags_add(&d, DIAG_NOTE, (struct src_pos){"f", 1, 1}, "a note is always kept");
    ck_assert_uint_eq(d.errors, 30);
    ck_assert_uint_eq(d.count, DIAGS_MAX + 1);
    ck_assert_uint_eq(d.dropped, 30 - DIAGS_MAX);
    diags_sort(&d);
    for (size_t i = 1; i < d.count; i++)
        ck_assert(d.items[i - 1].err.pos.line <= d.items[i].err.pos.line);
}
END_TEST

static char *printed(const struct err *e, const char *source)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    err_print(out, e, source, source ? strlen(source) : 0);
    fclose(out);
    return text;
}

START_TEST(printer_shows_the_line)
{
    static const char source[] = "spec:\n  tiemout: 30s\n";
    AUTO(str) char *text = NULL;
    struct err e = {0};

    err_set(&e, ERR_INVALID, here, "unknown field 'tiemout'");
    err_hint(&e, "did you mean 'timeout'?");
    text = printed(&e, source);
    ck_assert_str_eq(text, "a.yaml:2:3: error: unknown field 'tiemout'\n"
                           "    2 |   tiemout: 30s\n"
                           "      |   ^~~~~~~\n"
                           "  hint: did you mean 'timeout'?\n");
    err_clear(&e);
}
END_TEST

START_TEST(printer_escapes_what_drives_a_terminal)
{
    AUTO(str) char *text = NULL;
    struct err e = {0};

    err_set(&e, ERR_INVALID, NO_POS,
            "a\x1b[31mb\xc2\x9b"
            "c");
    text = printed(&e, NULL);
    ck_assert_str_eq(text, "vmconform: error: a\\x1b[31mb\\x9bc\n");
    err_clear(&e);
}
END_TEST

START_TEST(a_place_beyond_the_text_is_harmless)
{
    AUTO(str) char *text = NULL;
    struct err e = {0};

    err_set(&e, ERR_INVALID, (struct src_pos){"f", 99, 99}, "x");
    text = printed(&e, "one line");
    ck_assert_str_eq(text, "f:99:99: error: x\n");
    err_clear(&e);
}
END_TEST

START_TEST(nearest_word)
{
    static const char *const words[] = {"timeout", "times", "name", "namespace"};

    ck_assert_str_eq(err_nearest("tiemout", words, 4), "timeout");
    ck_assert_str_eq(err_nearest("namspace", words, 4), "namespace");
    ck_assert_ptr_null(err_nearest("zzzzzzz", words, 4));
    ck_assert_ptr_eq(err_intern_file("x"), err_intern_file("x"));
}
END_TEST

static const struct suggest_case {
    const char *name, *word, *otherwise, *want;
} suggest_cases[] = {
    {"near", "tiemout", NULL, "did you mean 'timeout'?"},
    {"near goes first", "tiemout", "say timeout", "did you mean 'timeout'?"},
    {"far, with another hint", "zzzzzzz", "say timeout", "say timeout"},
    {"far, without one", "zzzzzzz", NULL, NULL},
};

START_TEST(did_you_mean)
{
    static const char *const words[] = {"timeout", "times"};
    const struct suggest_case *c = &suggest_cases[_i];
    AUTO(err) struct err e = {0};
    AUTO(str) char *text = err_suggestion(c->word, words, 2);

    err_set(&e, ERR_INVALID, NO_POS, "unknown word '%s'", c->word);
    ck_assert_int_eq(err_suggest(&e, c->word, words, 2, c->otherwise), -1);
    ck_assert_msg(c->want ? e.hint && strcmp(e.hint, c->want) == 0 : !e.hint, "%s: %s", c->name,
                  e.hint ? e.hint : "no hint");
    ck_assert_msg(!text == !err_nearest(c->word, words, 2), "%s", c->name);
}
END_TEST

/* Few names are told when none is near; many are not. */
START_TEST(names_that_are_known)
{
    static const char *const words[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i",
                                        "j", "k", "l", "m", "n", "o", "p", "q"};
    static const char *const operator= "osac-operator";
    AUTO(str) char *near = err_suggestion_known("bb", words, 2);
    AUTO(str) char *few = err_suggestion_known("zebra", words, 2);
    AUTO(str) char *many = err_suggestion_known("zebra", words, ARRAY_LEN(words));
    AUTO(str) char *more = err_did_you_mean("a", ", or else");
    AUTO(str) char *else_alone = err_did_you_mean(NULL, "none of them");

    ck_assert_str_eq(near, "did you mean 'b'?");
    ck_assert_ptr_null(err_slip("bb", words, 2));
    ck_assert_str_eq(err_slip("osac-oprator", &operator, 1), operator);
    ck_assert_ptr_eq(err_nearest("my-operator", &operator, 1), operator);
    ck_assert_ptr_null(err_slip("my-operator", &operator, 1));
    ck_assert_str_eq(few, "known: a, b");
    ck_assert_ptr_null(many);
    ck_assert_str_eq(more, "did you mean 'a', or else?");
    ck_assert_str_eq(else_alone, "did you mean none of them?");
}
END_TEST

int main(void)
{
    return SUITE_MAIN(
        "base.err",
        SUITE_CASE("err", TEST(set_wrap_hint_move), TEST(wrap_gives_a_place_to_the_placeless),
                   EACH(errno_picks_the_code, errnos), TEST(diags_are_capped_and_sorted),
                   TEST(printer_shows_the_line), TEST(printer_escapes_what_drives_a_terminal),
                   TEST(a_place_beyond_the_text_is_harmless), TEST(nearest_word),
                   EACH(did_you_mean, suggest_cases), TEST(names_that_are_known)));
}
