/* Zones against what is known of them, and against bytes that are no zone. */
#include "cel/zone.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "kube/time.h"
#include "tests/unit/suite.h"

static void put_number(struct strbuf *out, int64_t value, unsigned bytes)
{
    while (bytes-- > 0)
        strbuf_addch(out, (char)(value >> 8 * bytes));
}

static void put_header(struct strbuf *out, unsigned times, unsigned types)
{
    strbuf_add(out, "TZif2", 5);
    for (int i = 0; i < 15; i++)
        strbuf_addch(out, '\0');
    for (int i = 0; i < 6; i++)
        put_number(out, i == 3 ? times : i == 4 ? types : i == 5 ? 4 : 0, 4);
}

/* A zone of two types, UTC+1 and UTC+2, which change at `changes`; then the rule. */
static char *zone_bytes(const int64_t *changes, unsigned count, const char *rule, size_t *ret_len)
{
    struct strbuf b = {0};

    put_header(&b, 0, 1); /* the first block, which nobody reads */
    strbuf_add(&b, "\0\0\0\0\0\0UTC", 10);
    put_header(&b, count, 2);
    for (unsigned i = 0; i < count; i++)
        put_number(&b, changes[i], 8);
    for (unsigned i = 0; i < count; i++)
        strbuf_addch(&b, i % 2 == 0);
    put_number(&b, 3600, 4);
    strbuf_add(&b, "\0\0", 2);
    put_number(&b, 7200, 4);
    strbuf_add(&b, "\1\0ABC", 6);
    strbuf_addf(&b, "\n%s\n", rule);
    *ret_len = b.len;
    return strbuf_take(&b);
}

static const struct row {
    const char *rule, *at;
    int32_t want;
} rows[] = {
    {"", "1969-12-31T23:59:59Z", 3600},
    {"", "1970-01-01T00:16:39Z", 3600},
    {"", "1970-01-01T00:16:40Z", 7200}, /* the first change, 1000 */
    {"", "1970-01-01T00:33:19Z", 7200},
    {"", "1970-01-01T00:33:20Z", 3600}, /* the second, 2000 */
    {"", "2500-01-01T00:00:00Z", 3600},
    {"<+0545>-5:45", "2009-02-13T00:00:00Z", 20700},
    {"<+0545>-5:45", "1970-01-01T00:00:00Z", 3600},
    {"CET-1CEST,M3.5.0,M10.5.0/3", "2024-03-31T00:59:59Z", 3600},
    {"CET-1CEST,M3.5.0,M10.5.0/3", "2024-03-31T01:00:00Z", 7200},
    {"CET-1CEST,M3.5.0,M10.5.0/3", "2024-10-27T00:59:59Z", 7200},
    {"CET-1CEST,M3.5.0,M10.5.0/3", "2024-10-27T01:00:00Z", 3600},
    {"AEST-10AEDT,M10.1.0,M4.1.0/3", "2009-02-13T23:31:30Z", 39600},
    {"AEST-10AEDT,M10.1.0,M4.1.0/3", "2009-06-13T23:31:30Z", 36000},
    {"AEST-10AEDT,M10.1.0,M4.1.0/3", "2009-12-31T23:31:30Z", 39600},
    {"NST3:30NDT,M3.2.0,M11.1.0", "2009-02-13T02:00:00Z", -12600},
    {"NST3:30NDT,M3.2.0,M11.1.0", "2009-07-13T02:00:00Z", -9000},
    {"XXX0YYY-3,J60/0,J305/0", "2024-02-29T23:59:59Z", 0}, /* J60 is March 1st in every year */
    {"XXX0YYY-3,J60/0,J305/0", "2024-03-01T00:00:00Z", 10800},
    {"XXX0YYY,59/0,304/0", "2024-02-29T00:00:00Z", 3600}, /* 59 is February 29th in a leap year */
    {"XXX0YYY,59/0,304/0", "2023-02-28T23:59:59Z", 0},
};

START_TEST(offsets)
{
    static const int64_t changes[] = {1000, 2000};
    const struct row *r = &rows[_i];
    int64_t seconds, nanos;
    size_t len;
    AUTO(str) char *bytes = zone_bytes(changes, 2, r->rule, &len);
    struct zone *z = zone_parse(bytes, len);

    ck_assert_ptr_nonnull(z);
    ck_assert(time_parse_seconds(r->at, &seconds, &nanos));
    ck_assert_msg(zone_offset(z, seconds) == r->want, "%s at %s: %d", r->rule, r->at,
                  zone_offset(z, seconds));
    zone_destroy(z);
}
END_TEST

static const char *const bad_rules[] = {"X",
                                        "ABC",
                                        "ABC25",
                                        "ABC1DEF",
                                        "ABC1DEF,M3.2.0",
                                        "ABC1DEF,M3.2.0,M13.1.0",
                                        "ABC1DEF,M3.6.0,M1.1.0",
                                        "ABC1DEF,M3.2.7,M1.1.0",
                                        "<ABC",
                                        "ABC1DEF,J400,J1",
                                        "ABC1,x"};

START_TEST(rules_that_are_none)
{
    size_t len;
    AUTO(str) char *bytes = zone_bytes(NULL, 0, bad_rules[_i], &len);

    ck_assert_ptr_null(zone_parse(bytes, len));
}
END_TEST

/* Each shorter file, and each with a byte of it changed: an answer or none, and no look behind it.
 */
START_TEST(bytes_that_are_no_zone)
{
    static const int64_t changes[] = {1000, 2000};
    size_t len;
    AUTO(str) char *bytes = zone_bytes(changes, 2, "CET-1CEST,M3.5.0,M10.5.0/3", &len);

    for (size_t cut = 0; cut < len; cut++) {
        AUTO(str) char *less = mem_dup(bytes, cut ? cut : 1);
        struct zone *z = zone_parse(less, cut);

        ck_assert_ptr_null(z);
    }
    for (size_t at = 0; at < len; at++) {
        AUTO(str) char *other = mem_dup(bytes, len);
        struct zone *z;

        other[at] = (char)(other[at] ^ 0xff);
        z = zone_parse(other, len);
        if (z)
            ck_assert_int_le(abs(zone_offset(z, 1500)), 26 * 3600);
        zone_destroy(z);
    }
}
END_TEST

static const char *const bad_names[] = {
    "",  "/etc/passwd",  "../passwd", "Europe/../Europe/Berlin", "Europe//Berlin", "Europe/",
    ".", "Nowhere/Land", "-a",        "Europe/Berlin\n"};

START_TEST(names_that_are_none)
{
    ck_assert_ptr_null(zone_read(bad_names[_i], strlen(bad_names[_i])));
}
END_TEST

int main(void)
{
    return SUITE_MAIN(
        "cel.zone", SUITE_CASE("zone", EACH(offsets, rows), EACH(rules_that_are_none, bad_rules),
                               TEST(bytes_that_are_no_zone), EACH(names_that_are_none, bad_names)));
}
