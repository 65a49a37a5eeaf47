#include "kube/time.h"

#include <string.h>

#include "tests/unit/suite.h"

#define LEN(a) ((int)(sizeof(a) / sizeof((a)[0])))

static const struct time_case {
    const char *text;
    bool ok;
    int64_t ns;
    const char *seconds, *micro, *nano; /* NULL: not looked at */
} times[] = {
    {"1970-01-01T00:00:00Z", true, 0, "1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000000Z",
     "1970-01-01T00:00:00Z"},
    {"2026-01-01T00:00:00Z", true, INT64_C(1767225600000000000), "2026-01-01T00:00:00Z", NULL,
     NULL},
    {"2026-01-01T02:30:00.5+02:30", true, INT64_C(1767225600500000000), "2026-01-01T00:00:00Z",
     "2026-01-01T00:00:00.500000Z", "2026-01-01T00:00:00.500Z"},
    {"2025-12-31T20:00:00.000001-04:00", true, INT64_C(1767225600000001000), NULL, NULL,
     "2026-01-01T00:00:00.000001Z"},
    {"2024-02-29T23:59:59.123456789Z", true, INT64_C(1709251199123456789), "2024-02-29T23:59:59Z",
     "2024-02-29T23:59:59.123456Z", "2024-02-29T23:59:59.123456789Z"},
    {"1969-12-31T23:59:59.9999999999Z", true, -1, "1969-12-31T23:59:59Z", NULL,
     "1969-12-31T23:59:59.999999999Z"},
    {"1677-09-21T00:12:43.145224192Z", true, INT64_MIN, "1677-09-21T00:12:43Z", NULL,
     "1677-09-21T00:12:43.145224192Z"},
    {"2262-04-11T23:47:16.854775807Z", true, INT64_MAX, "2262-04-11T23:47:16Z", NULL,
     "2262-04-11T23:47:16.854775807Z"},
    {"2262-04-11T23:47:16.854775808Z", false, 0, NULL, NULL, NULL},
    {"1677-09-21T00:12:43.145224191Z", false, 0, NULL, NULL, NULL},
    {"9999-01-01T00:00:00Z", false, 0, NULL, NULL, NULL},
    {"0000-01-01T00:00:00Z", false, 0, NULL, NULL, NULL},
    {"2023-02-29T00:00:00Z", false, 0, NULL, NULL, NULL},
    {"2023-13-01T00:00:00Z", false, 0, NULL, NULL, NULL},
    {"2023-00-01T00:00:00Z", false, 0, NULL, NULL, NULL},
    {"2023-01-01T24:00:00Z", false, 0, NULL, NULL, NULL},
    {"2023-01-01T00:00:60Z", false, 0, NULL, NULL, NULL},
    {"2023-01-01T00:00:00", false, 0, NULL, NULL, NULL},
    {"2023-01-01T00:00:00.Z", false, 0, NULL, NULL, NULL},
    {"2023-01-01 00:00:00Z", false, 0, NULL, NULL, NULL},
    {"2023-01-01T00:00:00z", false, 0, NULL, NULL, NULL},
    {"2023-01-01T00:00:00+0200", false, 0, NULL, NULL, NULL},
    {"2023-01-01T00:00:00Zx", false, 0, NULL, NULL, NULL},
    {"2023-1-1T00:00:00Z", false, 0, NULL, NULL, NULL},
    {"", false, 0, NULL, NULL, NULL},
};

START_TEST(times_of_text)
{
    const struct time_case *t = &times[_i];
    char text[TIME_TEXT];
    int64_t ns = 42;

    ck_assert_msg(time_parse(t->text, &ns) == t->ok, "%s", t->text);
    if (!t->ok)
        return;
    ck_assert_msg(ns == t->ns, "%s: %lld", t->text, (long long)ns);
    if (t->seconds) {
        time_format(ns, text);
        ck_assert_str_eq(text, t->seconds);
    }
    if (t->micro) {
        time_format_micro(ns, text);
        ck_assert_str_eq(text, t->micro);
    }
    if (t->nano) {
        time_format_nano(ns, text);
        ck_assert_str_eq(text, t->nano);
    }
}
END_TEST

static const struct parts_case {
    const char *text;
    int weekday, yearday;
} parts[] = {
    {"1970-01-01T00:00:00Z", 4, 0},   {"2026-11-21T02:00:00Z", 6, 324},
    {"2024-12-31T00:00:00Z", 2, 365}, {"1969-12-28T00:00:00Z", 0, 361},
    {"2000-02-29T00:00:00Z", 2, 59},  {"1900-03-01T00:00:00Z", 4, 59},
};

START_TEST(parts_of_times)
{
    struct time_parts p;
    int64_t ns;

    ck_assert(time_parse(parts[_i].text, &ns));
    time_split(ns, &p);
    ck_assert_int_eq(p.weekday, parts[_i].weekday);
    ck_assert_int_eq(p.yearday, parts[_i].yearday);
}
END_TEST

static const struct duration_case {
    const char *text;
    bool ok;
    int64_t ns;
    const char *printed;
} durations[] = {
    {"0", true, 0, "0s"},
    {"0s", true, 0, "0s"},
    {"300ms", true, 300 * NS_PER_MS, "300ms"},
    {"-1.5h", true, -5400 * NS_PER_S, "-1h30m0s"},
    {"2h45m", true, 9900 * NS_PER_S, "2h45m0s"},
    {"1h0m0.5s", true, 3600 * NS_PER_S + 500 * NS_PER_MS, "1h0m0.5s"},
    {"+5s", true, 5 * NS_PER_S, "5s"},
    {"1m", true, 60 * NS_PER_S, "1m0s"},
    {"1.5s", true, 1500 * NS_PER_MS, "1.5s"},
    {"1ns", true, 1, "1ns"},
    {"1.1us", true, 1100, "1.1\xc2\xb5s"},
    {"1\xc2\xb5s1\xce\xbcs", true, 2000, "2\xc2\xb5s"},
    {".5s", true, 500 * NS_PER_MS, "500ms"},
    {"1.s", true, NS_PER_S, "1s"},
    {"0.0000000001s", true, 0, "0s"},
    {"0.100000000000000000000000000001h", true, 360 * NS_PER_S, "6m0s"},
    {"0.0000000000000000000000000000000000000000000000000000000000000000000001s", true, 0, "0s"},
    {"2562047h47m16.854775807s", true, INT64_MAX, "2562047h47m16.854775807s"},
    {"-2562047h47m16.854775808s", true, INT64_MIN, "-2562047h47m16.854775808s"},
    {"2562047h47m16.854775808s", false, 0, NULL},
    {"99999999999999999999s", false, 0, NULL},
    {"", false, 0, NULL},
    {"-", false, 0, NULL},
    {"3", false, 0, NULL},
    {"s", false, 0, NULL},
    {".s", false, 0, NULL},
    {"1x", false, 0, NULL},
    {"1d", false, 0, NULL},
    {"1h ", false, 0, NULL},
    {" 1h", false, 0, NULL},
    {"1h-1m", false, 0, NULL},
};

START_TEST(durations_of_text)
{
    const struct duration_case *d = &durations[_i];
    char text[TIME_TEXT];
    int64_t ns = 42;

    ck_assert_msg(duration_parse(d->text, &ns) == d->ok, "%s", d->text);
    if (!d->ok)
        return;
    ck_assert_msg(ns == d->ns, "%s: %lld", d->text, (long long)ns);
    duration_format(ns, text);
    ck_assert_str_eq(text, d->printed);
}
END_TEST

int main(void)
{
    return SUITE_MAIN("kube.time",
                      SUITE_CASE("time", EACH(times_of_text, times), EACH(parts_of_times, parts),
                                 EACH(durations_of_text, durations)));
}
