#include "cel/zone.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/mem.h"
#include "kube/time.h"

#define FOLDER "/usr/share/zoneinfo/"
#define FILE_BYTES_MAX ((size_t)256 << 10)
#define HEADER_BYTES 44
#define OFFSET_MAX (26 * 3600) /* no zone is further from UTC */
#define DAY 86400

/* A day of the year, and the second of it (POSIX, TZ): Mm.w.d, Jn or n. */
struct rule {
    char kind; /* 'M', 'J' (1..365, never February 29th) or '0' (0..365) */
    int month, week, day;
    int32_t time;
};

struct zone {
    size_t count;
    int64_t *times;
    int32_t *offsets; /* from that time on */
    int32_t before;   /* the first time */
    /* After the last one: */
    bool has_rule, has_summer;
    int32_t winter, summer;
    struct rule begin, end; /* of summer */
};

void zone_destroy(struct zone *z)
{
    if (!z)
        return;
    free(z->times);
    free(z->offsets);
    free(z);
}

/* ---- the rule at the end of a file ---- */

static bool take_number(const char **s, int max, int *ret)
{
    const char *start = *s;

    *ret = 0;
    while (**s >= '0' && **s <= '9' && *ret <= max)
        *ret = *ret * 10 + (*(*s)++ - '0');
    return *s > start && *ret <= max;
}

/* [+-]hh[:mm[:ss]] */
static bool take_time(const char **s, int hours_max, int32_t *ret)
{
    int sign = **s == '-' ? -1 : 1, part;

    if (**s == '-' || **s == '+')
        (*s)++;
    if (!take_number(s, hours_max, &part))
        return false;
    *ret = part * 3600;
    for (int unit = 60; unit > 0 && **s == ':'; unit /= 60) {
        (*s)++;
        if (!take_number(s, 59, &part))
            return false;
        *ret += part * unit;
    }
    *ret *= sign;
    return true;
}

static bool take_name(const char **s)
{
    const char *start = *s;

    if (**s == '<') {
        *s = strchr(*s, '>');
        if (*s)
            (*s)++;
        return *s != NULL;
    }
    while ((**s >= 'a' && **s <= 'z') || (**s >= 'A' && **s <= 'Z'))
        (*s)++;
    return *s - start >= 3;
}

static bool take_rule(const char **s, struct rule *r)
{
    *r = (struct rule){.kind = **s == 'M' || **s == 'J' ? *(*s)++ : '0', .time = 2 * 3600};
    if (r->kind != 'M') {
        if (!take_number(s, 365, &r->day))
            return false;
    } else if (!take_number(s, 12, &r->month) || r->month < 1 || *(*s)++ != '.' ||
               !take_number(s, 5, &r->week) || r->week < 1 || *(*s)++ != '.' ||
               !take_number(s, 6, &r->day)) {
        return false;
    }
    if (**s != '/')
        return true;
    (*s)++;
    return take_time(s, 167, &r->time);
}

/* "AEST-10AEDT,M10.1.0,M4.1.0/3": offsets count to the west. */
static bool read_rule(struct zone *z, const char *s)
{
    if (!*s)
        return true;
    if (!take_name(&s) || !take_time(&s, 24, &z->winter))
        return false;
    z->winter = -z->winter;
    z->has_rule = true;
    if (!*s)
        return true;
    z->has_summer = true;
    z->summer = z->winter + 3600;
    if (!take_name(&s))
        return false;
    if (*s != ',') {
        if (!take_time(&s, 24, &z->summer))
            return false;
        z->summer = -z->summer;
    }
    return *s++ == ',' && take_rule(&s, &z->begin) && *s++ == ',' && take_rule(&s, &z->end) && !*s;
}

static bool is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* In seconds since 1970 of a clock that shows the zone's time. */
static int64_t rule_time(const struct rule *r, int year)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t first = time_days(year, 1, 1);
    int day;

    if (r->kind == 'J')
        return (first + r->day - 1 + (is_leap(year) && r->day >= 60)) * DAY + r->time;
    if (r->kind == '0')
        return (first + r->day) * DAY + r->time;
    first = time_days(year, r->month, 1);
    /* 1970-01-01 was a Thursday. */
    day = (int)((r->day - (first + 4) % 7 + 14) % 7) + (r->week - 1) * 7;
    while (day >= lengths[r->month - 1] + (r->month == 2 && is_leap(year)))
        day -= 7; /* the fifth week means the last one */
    return (first + day) * DAY + r->time;
}

static int32_t offset_by_rule(const struct zone *z, int64_t at)
{
    struct time_parts t;
    int64_t begin, end;

    if (!z->has_summer)
        return z->winter;
    time_split_seconds(at + z->winter, 0, &t);
    begin = rule_time(&z->begin, t.year) - z->winter;
    end = rule_time(&z->end, t.year) - z->summer;
    if (begin < end)
        return at >= begin && at < end ? z->summer : z->winter;
    return at >= end && at < begin ? z->winter : z->summer; /* south of the equator */
}

int32_t zone_offset(const struct zone *z, int64_t at)
{
    size_t low = 0, high = z->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (z->times[middle] <= at)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == z->count && z->has_rule)
        return offset_by_rule(z, at);
    return low ? z->offsets[low - 1] : z->before;
}

/* ---- the file ---- */

struct counts {
    uint32_t utc, standard, leap, times, types, chars;
};

static int64_t big_endian(const unsigned char *p, unsigned bytes)
{
    int64_t value = p[0] & 0x80 ? -1 : 0;

    for (unsigned i = 0; i < bytes; i++)
        value = (int64_t)((uint64_t)value << 8 | p[i]);
    return value;
}

static bool read_header(const unsigned char *p, size_t len, struct counts *ret)
{
    uint32_t *const all[] = {&ret->utc,   &ret->standard, &ret->leap,
                             &ret->times, &ret->types,    &ret->chars};

    if (len < HEADER_BYTES || memcmp(p, "TZif", 4) != 0 || p[4] < '2')
        return false;
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        *all[i] = (uint32_t)big_endian(p + 20 + 4 * i, 4);
        if (*all[i] > FILE_BYTES_MAX)
            return false;
    }
    return true;
}

static size_t block_bytes(const struct counts *c, size_t time_bytes)
{
    return c->times * (time_bytes + 1) + c->types * (size_t)6 + c->chars +
           c->leap * (time_bytes + 4) + c->standard + c->utc;
}

static bool read_block(struct zone *z, const unsigned char *p, const struct counts *c)
{
    const unsigned char *indexes = p + c->times * (size_t)8, *types = indexes + c->times;

    z->count = c->times;
    z->times = mem_reallocarray(NULL, c->times + 1, sizeof *z->times);
    z->offsets = mem_reallocarray(NULL, c->times + 1, sizeof *z->offsets);
    z->before = (int32_t)big_endian(types, 4);
    for (uint32_t i = 0; i < c->times; i++) {
        if (indexes[i] >= c->types)
            return false;
        z->times[i] = big_endian(p + i * (size_t)8, 8);
        z->offsets[i] = (int32_t)big_endian(types + indexes[i] * (size_t)6, 4);
        if ((i && z->times[i] <= z->times[i - 1]) || abs(z->offsets[i]) > OFFSET_MAX)
            return false;
    }
    return abs(z->before) <= OFFSET_MAX;
}

/* Between two ends of line. */
static bool read_footer(struct zone *z, const unsigned char *p, size_t len)
{
    const unsigned char *end = len > 1 && p[0] == '\n' ? memchr(p + 1, '\n', len - 1) : NULL;
    AUTO(str) char *text = end ? mem_strndup((const char *)p + 1, (size_t)(end - p) - 1) : NULL;

    return text && read_rule(z, text);
}

struct zone *zone_parse(const void *bytes, size_t len)
{
    const unsigned char *p = bytes;
    struct counts c;
    struct zone *z;
    size_t block;

    /* The first block has times of 32 bits, for readers of old. */
    if (!read_header(p, len, &c) || block_bytes(&c, 4) > len - HEADER_BYTES)
        return NULL;
    block = HEADER_BYTES + block_bytes(&c, 4);
    p += block;
    len -= block;
    if (!read_header(p, len, &c) || c.types == 0 || block_bytes(&c, 8) > len - HEADER_BYTES)
        return NULL;
    p += HEADER_BYTES;
    len -= HEADER_BYTES;
    z = mem_zalloc(sizeof *z);
    block = block_bytes(&c, 8);
    if (read_block(z, p, &c) && read_footer(z, p + block, len - block))
        return z;
    zone_destroy(z);
    return NULL;
}

/* "Europe/Berlin": no way out of the folder. */
static bool is_name(const char *name, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char c = name[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

        if (!letter && !(i > 0 && ((c >= '0' && c <= '9') || strchr("_+-", c))) &&
            !(c == '/' && i > 0 && name[i - 1] != '/'))
            return false;
    }
    return len > 0 && len <= ZONE_NAME_MAX && name[len - 1] != '/';
}

struct zone *zone_read(const char *name, size_t len)
{
    AUTO(str) char *path = is_name(name, len) ? mem_printf(FOLDER "%.*s", (int)len, name) : NULL;
    AUTO(strbuf) struct strbuf bytes = {0};

    if (!path || file_read(path, FILE_BYTES_MAX, &bytes, NULL) < 0)
        return NULL;
    return zone_parse(strbuf_str(&bytes), bytes.len);
}
