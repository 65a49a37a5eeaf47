/* Getters of timestamps and durations. Zones are UTC or a fixed offset, and in the standard
 * environment those that the system has by name: a zone database is an input that changes between
 * machines, which no scenario should see. */
#include "cel/functions.h"
#include "kube/time.h"

static bool two_digits(const char *s, int *ret)
{
    if (s[0] < '0' || s[0] > '9' || s[1] < '0' || s[1] > '9')
        return false;
    *ret = (s[0] - '0') * 10 + (s[1] - '0');
    return true;
}

/* "UTC", "Z", "", "+02:00", "-02:00", "02:00". */
static bool read_zone(const struct cel_value *v, int64_t *ret_seconds)
{
    char text[16];
    const char *p = text;
    int sign = 1, hours, minutes;

    if (!text_to_c(v, text, sizeof text))
        return false;
    *ret_seconds = 0;
    if (strcmp(text, "UTC") == 0 || strcmp(text, "Z") == 0 || strcmp(text, "Etc/UTC") == 0 ||
        text[0] == '\0')
        return true;
    if (*p == '+' || *p == '-')
        sign = *p++ == '-' ? -1 : 1;
    if (strlen(p) != 5 || p[2] != ':' || !two_digits(p, &hours) || !two_digits(p + 3, &minutes) ||
        hours > 23 || minutes > 59)
        return false;
    *ret_seconds = sign * (hours * 3600 + minutes * 60);
    return true;
}

static bool named_zone(struct cel_context *c, const struct cel_value *name, int64_t at,
                       int64_t *ret_seconds)
{
    const struct zone *zone = c->program->env->standard ? eval_zone(c, name) : NULL;

    if (!zone)
        return false;
    *ret_seconds = zone_offset(zone, at);
    return true;
}

/* The parts of args[0] in the zone of args[1]. */
static int split_time(struct cel_context *c, size_t nargs, struct cel_value *args,
                      struct time_parts *ret)
{
    int64_t offset = 0;

    if (args[0].type != CEL_TIMESTAMP || (nargs == 2 && args[1].type != CEL_STRING))
        return eval_no_overload(c, nargs, args);
    if (nargs == 2 && !read_zone(&args[1], &offset) &&
        !named_zone(c, &args[1], args[0].u.time.seconds, &offset))
        return eval_fail(c, ERR_INVALID, "unknown time zone '%.*s': expected UTC or +HH:MM",
                         args[1].u.text.len > 40 ? 40 : (int)args[1].u.text.len,
                         args[1].u.text.data);
    time_split_seconds(args[0].u.time.seconds + offset, args[0].u.time.nanos, ret);
    return 0;
}

/* A getter of one part of a timestamp. */
#define DEFINE_PART(name, expression)                                                              \
    static int name(struct cel_context *c, size_t nargs, struct cel_value *args,                   \
                    struct cel_value *ret)                                                         \
    {                                                                                              \
        struct time_parts t;                                                                       \
                                                                                                   \
        if (split_time(c, nargs, args, &t) < 0)                                                    \
            return -1;                                                                             \
        *ret = cel_int(expression);                                                                \
        return 0;                                                                                  \
    }

/* The same for what durations have too: their whole length in that unit. */
#define DEFINE_PART_OR_LENGTH(name, expression, length)                                            \
    static int name(struct cel_context *c, size_t nargs, struct cel_value *args,                   \
                    struct cel_value *ret)                                                         \
    {                                                                                              \
        struct time_parts t;                                                                       \
                                                                                                   \
        if (args[0].type == CEL_DURATION && nargs == 1) {                                          \
            *ret = cel_int(length);                                                                \
            return 0;                                                                              \
        }                                                                                          \
        if (split_time(c, nargs, args, &t) < 0)                                                    \
            return -1;                                                                             \
        *ret = cel_int(expression);                                                                \
        return 0;                                                                                  \
    }

DEFINE_PART(fn_full_year, t.year)
DEFINE_PART(fn_month, t.month - 1)
DEFINE_PART(fn_date, t.day)
DEFINE_PART(fn_day_of_month, t.day - 1)
DEFINE_PART(fn_day_of_week, t.weekday)
DEFINE_PART(fn_day_of_year, t.yearday)
DEFINE_PART_OR_LENGTH(fn_hours, t.hour, args[0].u.integer / (3600 * NS_PER_S))
DEFINE_PART_OR_LENGTH(fn_minutes, t.minute, args[0].u.integer / (60 * NS_PER_S))
DEFINE_PART_OR_LENGTH(fn_seconds, t.second, args[0].u.integer / NS_PER_S)
/* Of a duration only the part below a second, as the conformance data of the language has it. */
DEFINE_PART_OR_LENGTH(fn_milliseconds, t.nanos / NS_PER_MS,
                      args[0].u.integer % NS_PER_S / NS_PER_MS)

static const struct cel_std rows[] = {
    {"getFullYear", STD_MEMBER, 1, 2, 0, fn_full_year, "timestamp->int;timestamp,string->int", 0,
     COST_CALL},
    {"getMonth", STD_MEMBER, 1, 2, 0, fn_month, "timestamp->int;timestamp,string->int", 0,
     COST_CALL},
    {"getDate", STD_MEMBER, 1, 2, 0, fn_date, "timestamp->int;timestamp,string->int", 0, COST_CALL},
    {"getDayOfMonth", STD_MEMBER, 1, 2, 0, fn_day_of_month, "timestamp->int;timestamp,string->int",
     0, COST_CALL},
    {"getDayOfWeek", STD_MEMBER, 1, 2, 0, fn_day_of_week, "timestamp->int;timestamp,string->int", 0,
     COST_CALL},
    {"getDayOfYear", STD_MEMBER, 1, 2, 0, fn_day_of_year, "timestamp->int;timestamp,string->int", 0,
     COST_CALL},
    {"getHours", STD_MEMBER, 1, 2, 0, fn_hours,
     "timestamp->int;timestamp,string->int;duration->int", 0, COST_CALL},
    {"getMinutes", STD_MEMBER, 1, 2, 0, fn_minutes,
     "timestamp->int;timestamp,string->int;duration->int", 0, COST_CALL},
    {"getSeconds", STD_MEMBER, 1, 2, 0, fn_seconds,
     "timestamp->int;timestamp,string->int;duration->int", 0, COST_CALL},
    {"getMilliseconds", STD_MEMBER, 1, 2, 0, fn_milliseconds,
     "timestamp->int;timestamp,string->int;duration->int", 0, COST_CALL},
};

const struct std_family std_time = {.rows = rows, .count = ARRAY_LEN(rows)};
