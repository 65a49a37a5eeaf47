#include "kube/time.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define S_PER_DAY INT64_C(86400)

/* Civil dates by eras of 400 years (proleptic Gregorian calendar); year 0 exists, as in Go. */
int64_t time_days(int64_t year, int month, int day)
{
    int64_t era, year_of_era, day_of_year, day_of_era;

    assert(month >= 1 && month <= 12);
    year -= month <= 2;
    era = (year >= 0 ? year : year - 399) / 400;
    year_of_era = year - era * 400;
    day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static void civil_from_days(int64_t days, struct time_parts *out)
{
    int64_t era, day_of_era, year_of_era, day_of_year, month_from_march, year;

    days += 719468;
    era = (days >= 0 ? days : days - 146096) / 146097;
    day_of_era = days - era * 146097;
    year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    month_from_march = (5 * day_of_year + 2) / 153;
    assert(day_of_era >= 0 && day_of_era < 146097);
    out->day = (int)(day_of_year - (153 * month_from_march + 2) / 5 + 1);
    out->month = (int)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
    year = year_of_era + era * 400 + (out->month <= 2);
    out->year = (int)year;
    assert(out->month >= 1 && out->month <= 12);
    assert(out->day >= 1 && out->day <= 31);
}

static int64_t floor_div(int64_t a, int64_t b)
{
    assert(b > 0);
    return a / b - (a % b < 0);
}

/* 0..999999999; not ns - seconds * NS_PER_S, which overflows in the first second of the range. */
static int64_t nanos_of(int64_t ns)
{
    return ns % NS_PER_S + (ns % NS_PER_S < 0 ? NS_PER_S : 0);
}

static void split_seconds(int64_t seconds, struct time_parts *ret)
{
    int64_t days = floor_div(seconds, S_PER_DAY);
    int of_day = (int)(seconds - days * S_PER_DAY);

    civil_from_days(days, ret);
    ret->hour = of_day / 3600;
    ret->minute = of_day / 60 % 60;
    ret->second = of_day % 60;
    ret->weekday = (int)((days % 7 + 11) % 7); /* 1970-01-01 was a Thursday */
    ret->yearday = (int)(days - time_days(ret->year, 1, 1));
}

void time_split(int64_t ns, struct time_parts *ret)
{
    split_seconds(floor_div(ns, NS_PER_S), ret);
    ret->nanos = nanos_of(ns);
}

void time_split_seconds(int64_t seconds, int64_t nanos, struct time_parts *ret)
{
    split_seconds(seconds, ret);
    ret->nanos = nanos;
}

/* Writes value with `digits` digits and returns what follows them. By hand: every condition and
 * event of a run carries times, and printf takes several times as long. */
static char *put_digits(char *out, unsigned digits, int64_t value)
{
    for (unsigned i = digits; i > 0; i--, value /= 10)
        out[i - 1] = (char)('0' + value % 10);
    return out + digits;
}

static char *put_pair(char *out, int64_t value, char after)
{
    out = put_digits(out, 2, value);
    *out++ = after;
    return out;
}

void time_format_seconds(int64_t seconds, int64_t nanos, unsigned digits, char out[TIME_TEXT])
{
    struct time_parts t;
    int64_t fraction = nanos;

    assert(digits <= 9);
    assert(nanos >= 0 && nanos < NS_PER_S);
    split_seconds(seconds, &t);
    out = put_digits(out, 4, t.year);
    *out++ = '-';
    out = put_pair(out, t.month, '-');
    out = put_pair(out, t.day, 'T');
    out = put_pair(out, t.hour, ':');
    out = put_pair(out, t.minute, ':');
    out = put_pair(out, t.second, digits ? '.' : 'Z');
    for (unsigned i = digits; i < 9; i++)
        fraction /= 10;
    if (digits) {
        out = put_digits(out, digits, fraction);
        *out++ = 'Z';
    }
    *out = '\0';
}

/* int64_t nanoseconds lie between the years 1677 and 2262: four digits. */
static void format_fraction(int64_t ns, unsigned digits, char out[TIME_TEXT])
{
    time_format_seconds(floor_div(ns, NS_PER_S), nanos_of(ns), digits, out);
}

void time_format(int64_t ns, char out[TIME_TEXT])
{
    format_fraction(ns, 0, out);
}

void time_format_micro(int64_t ns, char out[TIME_TEXT])
{
    format_fraction(ns, 6, out);
}

void time_format_nano(int64_t ns, char out[TIME_TEXT])
{
    int64_t nanos = nanos_of(ns);
    unsigned digits = nanos == 0 ? 0 : nanos % 1000000 == 0 ? 3 : nanos % 1000 == 0 ? 6 : 9;

    format_fraction(ns, digits, out);
}

/* Reads exactly `digits` digits and moves *s behind them. */
static bool take_digits(const char **s, unsigned digits, int *ret)
{
    int value = 0;

    for (unsigned i = 0; i < digits; i++) {
        char c = (*s)[i];

        if (c < '0' || c > '9')
            return false;
        value = value * 10 + (c - '0');
    }
    *s += digits;
    *ret = value;
    return true;
}

static bool take_char(const char **s, char c)
{
    if (**s != c)
        return false;
    (*s)++;
    return true;
}

static bool is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    assert(month >= 1 && month <= 12);
    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

static bool take_date_and_time(const char **s, struct time_parts *t)
{
    if (!take_digits(s, 4, &t->year) || !take_char(s, '-') || !take_digits(s, 2, &t->month) ||
        !take_char(s, '-') || !take_digits(s, 2, &t->day) || !take_char(s, 'T') ||
        !take_digits(s, 2, &t->hour) || !take_char(s, ':') || !take_digits(s, 2, &t->minute) ||
        !take_char(s, ':') || !take_digits(s, 2, &t->second))
        return false;
    return t->month >= 1 && t->month <= 12 && t->day >= 1 &&
           t->day <= days_in_month(t->year, t->month) && t->hour <= 23 && t->minute <= 59 &&
           t->second <= 59;
}

/* Digits beyond the ninth are read and dropped, as Go does. */
static bool take_fraction(const char **s, int64_t *ret_ns)
{
    int64_t scale = NS_PER_S / 10;

    *ret_ns = 0;
    if (!take_char(s, '.'))
        return true;
    if (**s < '0' || **s > '9')
        return false;
    for (; **s >= '0' && **s <= '9'; (*s)++) {
        *ret_ns += (**s - '0') * scale;
        scale /= 10;
    }
    return true;
}

static bool take_offset(const char **s, int *ret_seconds)
{
    int sign, hours, minutes;

    *ret_seconds = 0;
    if (take_char(s, 'Z'))
        return true;
    if (**s != '+' && **s != '-')
        return false;
    sign = **s == '+' ? 1 : -1;
    (*s)++;
    if (!take_digits(s, 2, &hours) || !take_char(s, ':') || !take_digits(s, 2, &minutes) ||
        hours > 24 || minutes > 60)
        return false;
    *ret_seconds = sign * (hours * 3600 + minutes * 60);
    return true;
}

bool time_parse_seconds(const char *text, int64_t *ret_seconds, int64_t *ret_nanos)
{
    struct time_parts t;
    int64_t fraction;
    int offset;

    if (!take_date_and_time(&text, &t) || !take_fraction(&text, &fraction) ||
        !take_offset(&text, &offset) || *text)
        return false;
    *ret_seconds = time_days(t.year, t.month, t.day) * S_PER_DAY + t.hour * 3600 + t.minute * 60 +
                   t.second - offset;
    *ret_nanos = fraction;
    return true;
}

bool time_parse(const char *text, int64_t *ret_ns)
{
    int64_t fraction, seconds, ns;

    if (!time_parse_seconds(text, &seconds, &fraction))
        return false;
    /* The first second of int64's range begins before it: step one second towards zero, then back.
     */
    if (seconds < 0 && fraction > 0) {
        seconds++;
        fraction -= NS_PER_S;
    }
    if (__builtin_mul_overflow(seconds, NS_PER_S, &ns) || __builtin_add_overflow(ns, fraction, &ns))
        return false;
    *ret_ns = ns;
    return true;
}

/* ---- durations ---- */

static bool take_unit(const char **s, uint64_t *ret_ns)
{
    static const struct {
        const char *name;
        uint64_t ns;
    } units[] = {
        {"ns", 1},
        {"us", 1000},
        {"\xc2\xb5s", 1000}, /* U+00B5 */
        {"\xce\xbcs", 1000}, /* U+03BC */
        {"ms", 1000000},
        {"s", 1000000000},
        {"m", UINT64_C(60000000000)},
        {"h", UINT64_C(3600000000000)},
    };

    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        size_t len = strlen(units[i].name);
        char next;

        if (strncmp(*s, units[i].name, len) != 0)
            continue;
        next = (*s)[len];
        if (next != '\0' && next != '.' && (next < '0' || next > '9'))
            continue; /* "m" of "ms" */
        *s += len;
        *ret_ns = units[i].ns;
        return true;
    }
    return false;
}

/* One "1.5h"; adds to *total. Magnitudes go up to 2^63, the absolute value of the smallest
 * duration. */
static bool take_duration_term(const char **s, uint64_t *total)
{
    uint64_t whole = 0, fraction = 0, scale = 1, unit, value;
    const char *start = *s;
    bool any, dropped = false;

    for (; **s >= '0' && **s <= '9'; (*s)++) {
        if (whole > (UINT64_C(1) << 63) / 10)
            return false;
        whole = whole * 10 + (uint64_t)(**s - '0');
        if (whole > UINT64_C(1) << 63)
            return false;
    }
    any = *s > start;
    if (take_char(s, '.')) {
        const char *digits = *s;

        for (; **s >= '0' && **s <= '9'; (*s)++) {
            /* More digits than fit change no nanosecond; zeros in front fill the scale alone. */
            if (dropped || fraction > (UINT64_C(1) << 63) / 100 || scale > UINT64_MAX / 100) {
                dropped = true;
                continue;
            }
            fraction = fraction * 10 + (uint64_t)(**s - '0');
            scale *= 10;
        }
        any = any || *s > digits;
    }
    if (!any || !take_unit(s, &unit) || __builtin_mul_overflow(whole, unit, &value))
        return false;
    value += (uint64_t)((unsigned __int128)fraction * unit / scale);
    return !__builtin_add_overflow(*total, value, total) && *total <= UINT64_C(1) << 63;
}

bool duration_parse(const char *text, int64_t *ret_ns)
{
    bool negative = *text == '-';
    uint64_t total = 0;

    if (*text == '-' || *text == '+')
        text++;
    if (strcmp(text, "0") == 0) {
        *ret_ns = 0;
        return true;
    }
    if (*text == '\0')
        return false;
    while (*text)
        if (!take_duration_term(&text, &total))
            return false;
    if (!negative && total > INT64_MAX)
        return false;
    *ret_ns = negative ? (int64_t)(0 - total) : (int64_t)total;
    return true;
}

/* Writes value / 10^digits without trailing zeros; returns the length. */
static int format_decimal(char *out, size_t size, uint64_t value, unsigned digits)
{
    uint64_t scale = 1, fraction;
    int len;

    for (unsigned i = 0; i < digits; i++)
        scale *= 10;
    fraction = value % scale;
    len = snprintf(out, size, "%llu", (unsigned long long)(value / scale));
    if (fraction == 0)
        return len;
    len += snprintf(out + len, size - (size_t)len, ".%0*llu", (int)digits,
                    (unsigned long long)fraction);
    while (out[len - 1] == '0')
        out[--len] = '\0';
    return len;
}

void duration_format(int64_t ns, char out[TIME_TEXT])
{
    uint64_t u = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
    uint64_t minutes = u / UINT64_C(60000000000);
    char *p = out;
    size_t size = TIME_TEXT;
    int len;

    if (u == 0) {
        memcpy(out, "0s", 3);
        return;
    }
    if (ns < 0) {
        *p++ = '-';
        size--;
    }
    if (u < 1000000000) {
        unsigned digits = u < 1000 ? 0 : u < 1000000 ? 3 : 6;

        len = format_decimal(p, size, u, digits);
        snprintf(p + len, size - (size_t)len, "%s",
                 digits == 0   ? "ns"
                 : digits == 3 ? "\xc2\xb5s"
                               : "ms");
        return;
    }
    len = 0;
    if (minutes >= 60)
        len = snprintf(p, size, "%lluh", (unsigned long long)(minutes / 60));
    if (minutes)
        len += snprintf(p + len, size - (size_t)len, "%llum", (unsigned long long)(minutes % 60));
    len += format_decimal(p + len, size - (size_t)len, u % UINT64_C(60000000000), 9);
    snprintf(p + len, size - (size_t)len, "s");
}
