#include "kube/types/go_text.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "kube/time.h"

/* ---- quantities ---- */

static const char *quantity_error(const char *text)
{
    static const char digits[] = "0123456789";
    const char *s = text + (*text == '+' || *text == '-');
    size_t numeric = strspn(s, digits);

    s += numeric;
    if (*s == '.') {
        size_t fraction = strspn(s + 1, digits);

        numeric += fraction;
        s += 1 + fraction;
    }
    s += strspn(s, "eEinumkKMGTP");
    s += *s == '+' || *s == '-';
    s += strspn(s, digits);
    if (*s || !*text)
        return "quantities must match the regular expression "
               "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
    return numeric ? "unable to parse quantity's suffix"
                   : "unable to parse numeric part of quantity";
}

const char *go_quantity(const char *text, struct quantity *ret)
{
    static const char spaces[] = " \t\n\v\f\r";
    size_t begin = strspn(text, spaces), end = strlen(text);

    while (end > begin && strchr(spaces, text[end - 1]))
        end--;
    if (begin == 0 && !text[end])
        return quantity_parse(text, ret) ? NULL : quantity_error(text);
    AUTO(str) char *trimmed = mem_strndup(text + begin, end - begin);
    return quantity_parse(trimmed, ret) ? NULL : quantity_error(trimmed);
}

/* ---- times ---- */

struct time_reader {
    const char *text, *at;
    int year, month, day;
    const char *element;      /* that could not be read at `at` */
    const char *out_of_range; /* what was read, but is too large */
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool read_char(struct time_reader *r, const char *c)
{
    r->element = c;
    if (*r->at != *c)
        return false;
    r->at++;
    return true;
}

static bool read_number(struct time_reader *r, const char *element, unsigned digits, int *ret)
{
    int value = 0;

    r->element = element;
    for (unsigned i = 0; i < digits; i++) {
        if (!is_digit(r->at[i]))
            return false;
        value = value * 10 + (r->at[i] - '0');
    }
    r->at += digits;
    *ret = value;
    return true;
}

static bool read_limited(struct time_reader *r, const char *element, const char *name, int low,
                         int high, int *ret)
{
    /* An hour may have one digit. */
    unsigned digits = strcmp(element, "15") == 0 && is_digit(*r->at) && !is_digit(r->at[1]) ? 1 : 2;

    if (!read_number(r, element, digits, ret))
        return false;
    if (*ret < low || *ret > high)
        r->out_of_range = name;
    return !r->out_of_range;
}

static bool read_date(struct time_reader *r)
{
    return read_number(r, "2006", 4, &r->year) && read_char(r, "-") &&
           read_limited(r, "01", "month", 1, 12, &r->month) && read_char(r, "-") &&
           read_number(r, "02", 2, &r->day);
}

static bool read_fraction(struct time_reader *r, bool micro)
{
    int ignored;

    if (!micro) {
        if ((*r->at == '.' || *r->at == ',') && is_digit(r->at[1]))
            for (r->at++; is_digit(*r->at);)
                r->at++;
        return true;
    }
    r->element = ".000000";
    if (*r->at != '.')
        return false;
    r->at++;
    if (read_number(r, ".000000", 6, &ignored))
        return true;
    r->at--;
    return false;
}

static bool read_zone(struct time_reader *r)
{
    int ignored;

    if (*r->at == 'Z') {
        r->at++;
        return true;
    }
    r->element = "Z07:00";
    if ((*r->at != '+' && *r->at != '-') || strlen(r->at) < 6 || r->at[3] != ':')
        return false;
    r->at++;
    if (!read_limited(r, "Z07:00", "time zone offset hour", 0, 24, &ignored))
        return false;
    r->at++;
    return read_limited(r, "Z07:00", "time zone offset minute", 0, 60, &ignored);
}

static bool read_time(struct time_reader *r, bool micro)
{
    int ignored;

    return read_date(r) && read_char(r, "T") && read_limited(r, "15", "hour", 0, 23, &ignored) &&
           read_char(r, ":") && read_limited(r, "04", "minute", 0, 59, &ignored) &&
           read_char(r, ":") && read_limited(r, "05", "second", 0, 59, &ignored) &&
           read_fraction(r, micro) && read_zone(r);
}

/* As package time quotes. */
static void add_quoted(struct strbuf *out, const char *text)
{
    strbuf_addch(out, '"');
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if (c == '"' || c == '\\')
            strbuf_addf(out, "\\%c", c);
        else if (c < ' ' || c >= 0x80)
            strbuf_addf(out, "\\x%02x", c);
        else
            strbuf_addch(out, (char)c);
    }
    strbuf_addch(out, '"');
}

static bool day_exists(const struct time_reader *r)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = r->year % 4 == 0 && (r->year % 100 != 0 || r->year % 400 == 0);

    return r->day >= 1 && r->day <= days[r->month - 1] + (r->month == 2 && leap);
}

char *go_time_error(const char *text, bool micro)
{
    struct time_reader r = {.text = text, .at = text};
    struct strbuf out = {0};
    bool read = read_time(&r, micro);

    if (read && !*r.at && day_exists(&r))
        return NULL;
    strbuf_addstr(&out, "parsing time ");
    add_quoted(&out, text);
    if (r.out_of_range) {
        strbuf_addf(&out, ": %s out of range", r.out_of_range);
    } else if (read && *r.at) {
        strbuf_addstr(&out, ": extra text: ");
        add_quoted(&out, r.at);
    } else if (read) {
        strbuf_addstr(&out, ": day out of range");
    } else {
        strbuf_addf(&out, " as \"2006-01-02T15:04:05%sZ07:00\": cannot parse ",
                    micro ? ".000000" : "");
        add_quoted(&out, r.at);
        strbuf_addf(&out, " as \"%s\"", r.element);
    }
    return strbuf_take(&out);
}
