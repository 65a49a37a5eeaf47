#include "kube/quantity.h"

#include <string.h>

#include "tests/unit/suite.h"

#define LEN(a) ((int)(sizeof(a) / sizeof((a)[0])))

static const struct quantity_case {
    const char *text, *canonical; /* canonical NULL: refused */
    int64_t value;
} cases[] = {
    {"0", "0", 0},
    {"0Gi", "0", 0},
    {"1", "1", 1},
    {"-1", "-1", -1},
    {"+5", "5", 5},
    {"10Gi", "10Gi", INT64_C(10) << 30},
    {"1024Mi", "1Gi", 1 << 30},
    {"1.5Gi", "1536Mi", INT64_C(3) << 29},
    {"1536Mi", "1536Mi", INT64_C(3) << 29},
    {"1000Mi", "1000Mi", INT64_C(1000) << 20},
    {"1023", "1023", 1023},
    {"0.5Ki", "512", 512},
    {"1Ki", "1Ki", 1024},
    {"1500m", "1500m", 2},
    {"1.5", "1500m", 2},
    {"-1.5", "-1500m", -2},
    {"1000m", "1", 1},
    {"1000", "1k", 1000},
    {"1500", "1500", 1500},
    {"100k", "100k", 100000},
    {"1e3", "1e3", 1000},
    {"1E3", "1e3", 1000},
    {"12e5", "1200e3", 1200000},
    {"1e-3", "1e-3", 1},
    {"1E", "1E", INT64_C(1000000000000000000)},
    {"1n", "1n", 1},
    {"0.1n", "1n", 1}, /* rounded up, "you want some resources" */
    {"0.0000000001", "1n", 1},
    {"1.0000000001", "1000000001n", 2},
    {"1u", "1u", 1},
    {"7Ei", "7Ei", INT64_C(7) << 60},
    {"8Ei", "9223372036854775807", INT64_MAX}, /* capped */
    {"100Ei", "9223372036854775807", INT64_MAX},
    {"7201111111111111111111.00Ei", "9223372036854775807", INT64_MAX}, /* beyond 128 bits */
    {"922337203685477580799Ei", "9223372036854775807", INT64_MAX},
    {"0.0001Ki", "102400u", 1},
    {"1.", "1", 1},
    {".5", "500m", 1},
    {"00010", "10", 10},
    {"1e100000000000000000000", "9223372036854775807e9", INT64_MAX},
    {"1e-99999", "1e-9", 1},
    {"12345678901234567890123456789012345678901234567890Ki", "9223372036854775807", INT64_MAX},
    {"0.00000000000000000000000000000000000000000001", "1n", 1},
    {"", NULL, 0},
    {"-", NULL, 0},
    {".", NULL, 0},
    {"Gi", NULL, 0},
    {"1 Gi", NULL, 0},
    {" 1", NULL, 0},
    {"1 ", NULL, 0},
    {"1gi", NULL, 0},
    {"1K", NULL, 0},
    {"1GB", NULL, 0},
    {"1i", NULL, 0},
    {"1e", NULL, 0},
    {"1e+", NULL, 0},
    {"1e3Gi", NULL, 0},
    {"1.2.3", NULL, 0},
    {"0x10", NULL, 0},
    {"--1", NULL, 0},
    {"1_000", NULL, 0},
    {"Infinity", NULL, 0},
};

START_TEST(parse_and_format)
{
    const struct quantity_case *c = &cases[_i];
    char text[QUANTITY_TEXT];
    struct quantity q, again;

    ck_assert_msg(quantity_parse(c->text, &q) == (c->canonical != NULL), "%s", c->text);
    if (!c->canonical)
        return;
    quantity_format(&q, text);
    ck_assert_str_eq(text, c->canonical);
    ck_assert_msg(quantity_value(&q) == c->value, "%s: %lld", c->text,
                  (long long)quantity_value(&q));
    ck_assert(quantity_parse(text, &again));
    ck_assert_msg(quantity_compare(&q, &again) == 0, "%s", c->text);
}
END_TEST

START_TEST(compare)
{
    static const char *const rising[] = {"-1Gi", "-1",  "0",  "1n",  "1m",  "999m", "1",
                                         "1k",   "1Ki", "1M", "1Mi", "1e9", "1Gi",  "10Gi"};
    struct quantity a, b;

    for (int i = 1; i < LEN(rising); i++) {
        ck_assert(quantity_parse(rising[i - 1], &a) && quantity_parse(rising[i], &b));
        ck_assert_msg(quantity_compare(&a, &b) < 0, "%s", rising[i]);
        ck_assert_int_gt(quantity_compare(&b, &a), 0);
    }
    ck_assert(quantity_parse("1Ki", &a) && quantity_parse("1024", &b));
    ck_assert_int_eq(quantity_compare(&a, &b), 0);
}
END_TEST

START_TEST(bytes)
{
    char text[QUANTITY_TEXT];

    ck_assert_int_eq(quantity_bytes("1Mi"), 1 << 20);
    ck_assert_int_eq(quantity_bytes("-1"), -1);
    ck_assert_int_eq(quantity_bytes("x"), -1);
    quantity_from_bytes(INT64_C(12) << 30, text);
    ck_assert_str_eq(text, "12Gi");
    quantity_from_bytes(INT64_C(16750372454), text);
    ck_assert_str_eq(text, "16750372454");
    quantity_from_bytes(0, text);
    ck_assert_str_eq(text, "0");
}
END_TEST

int main(void)
{
    return SUITE_MAIN("kube.quantity", SUITE_CASE("quantity", EACH(parse_and_format, cases),
                                                  TEST(compare), TEST(bytes)));
}
