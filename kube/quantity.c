/* apimachinery's resource.Quantity in 128 bits: billionths, rounded away from zero as ParseQuantity
 * rounds. */
#include "kube/quantity.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define NANO ((__int128)1000000000)
#define EXPONENT_MAX 100000

/* Binary quantities are capped at int64's largest, as upstream does; decimal ones where 128 bits
 * end. */
static __int128 largest(enum quantity_format format)
{
    __int128 cap = (__int128)INT64_MAX * NANO;

    return format == QUANTITY_BINARY_SI ? cap : cap * 1000000000;
}

struct digits {
    __int128 mantissa;
    int exponent; /* of ten */
    bool inexact; /* digits were dropped */
    bool any;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void add_digit(struct digits *d, char c, bool fraction)
{
    d->any = true;
    if (d->mantissa >= (__int128)INT64_MAX * 10) { /* 20 digits are there */
        d->inexact |= c != '0';
        d->exponent += fraction ? 0 : 1;
        return;
    }
    d->mantissa = d->mantissa * 10 + (c - '0');
    d->exponent -= fraction ? 1 : 0;
}

/* "e3", "E-2": moves *s to the end. */
static bool take_exponent(const char **s, int *ret)
{
    int sign = 1, value = 0;

    (*s)++;
    if (**s == '-' || **s == '+')
        sign = *(*s)++ == '-' ? -1 : 1;
    if (!is_digit(**s))
        return false;
    for (; is_digit(**s); (*s)++)
        if (value < EXPONENT_MAX)
            value = value * 10 + (**s - '0');
    *ret = sign * value;
    return true;
}

static bool take_suffix(const char *s, struct quantity *q, int *ret_tens, int *ret_twos)
{
    static const struct {
        const char *suffix;
        int tens, twos;
    } suffixes[] = {{"", 0, 0},    {"n", -9, 0},  {"u", -6, 0},  {"m", -3, 0},
                    {"k", 3, 0},   {"M", 6, 0},   {"G", 9, 0},   {"T", 12, 0},
                    {"P", 15, 0},  {"E", 18, 0},  {"Ki", 0, 10}, {"Mi", 0, 20},
                    {"Gi", 0, 30}, {"Ti", 0, 40}, {"Pi", 0, 50}, {"Ei", 0, 60}};

    *ret_twos = 0;
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        if (strcmp(s, suffixes[i].suffix) != 0)
            continue;
        *ret_tens = suffixes[i].tens;
        *ret_twos = suffixes[i].twos;
        q->format = suffixes[i].twos ? QUANTITY_BINARY_SI : QUANTITY_DECIMAL_SI;
        return true;
    }
    if (*s != 'e' && *s != 'E')
        return false;
    q->format = QUANTITY_DECIMAL_EXPONENT;
    return take_exponent(&s, ret_tens) && *s == '\0';
}

/* mantissa * 10^exponent, rounded up to a whole number and capped. */
static __int128 scale(__int128 value, int exponent, bool inexact, __int128 cap)
{
    assert(value >= 0);
    assert(cap > 0);
    for (; exponent > 0 && value > 0; exponent--) {
        if (value > cap / 10)
            return cap;
        value *= 10;
    }
    for (; exponent < 0; exponent++) {
        if (value == 0)
            break;
        inexact |= value % 10 != 0;
        value /= 10;
    }
    value += inexact ? 1 : 0;
    return value > cap ? cap : value;
}

/* The mantissa times 2^twos. Where 128 bits end, digits go, and count only as "not exact". */
static __int128 shift(struct digits *d, int twos)
{
    assert(twos >= 0 && twos <= 60);
    assert(d->mantissa >= 0);
    for (; d->mantissa >> (126 - twos); d->exponent++) {
        d->inexact |= d->mantissa % 10 != 0;
        d->mantissa /= 10;
    }
    return d->mantissa << twos;
}

bool quantity_parse(const char *text, struct quantity *ret)
{
    struct quantity q = {0};
    struct digits d = {0};
    bool negative = *text == '-';
    __int128 mantissa;
    int tens, twos;

    if (*text == '-' || *text == '+')
        text++;
    for (; is_digit(*text); text++)
        add_digit(&d, *text, false);
    if (*text == '.')
        for (text++; is_digit(*text); text++)
            add_digit(&d, *text, true);
    if (!d.any || !take_suffix(text, &q, &tens, &twos))
        return false;
    mantissa = shift(&d, twos); /* may change the rest of d */
    q.nanos = scale(mantissa, d.exponent + tens + 9, d.inexact, largest(q.format));
    /* Less than one of a binary unit is shown as a decimal: "0.5Mi" is binary, "0.0001Ki" is
     * "103m". */
    if (q.format == QUANTITY_BINARY_SI && q.nanos > 0 && q.nanos < NANO)
        q.format = QUANTITY_DECIMAL_SI;
    if (negative)
        q.nanos = -q.nanos;
    *ret = q;
    return true;
}

int64_t quantity_value(const struct quantity *q)
{
    __int128 whole = q->nanos / NANO;

    if (q->nanos % NANO)
        whole += q->nanos > 0 ? 1 : -1;
    if (whole > INT64_MAX)
        return INT64_MAX;
    return whole < INT64_MIN ? INT64_MIN : (int64_t)whole;
}

int quantity_compare(const struct quantity *a, const struct quantity *b)
{
    return (a->nanos > b->nanos) - (a->nanos < b->nanos);
}

/* Writes value in decimal and returns the length. */
static size_t write_number(__int128 value, char *out)
{
    char digits[48];
    size_t count = 0, len = 0;
    unsigned __int128 u = value < 0 ? -(unsigned __int128)value : (unsigned __int128)value;

    do {
        digits[count++] = (char)('0' + (int)(u % 10));
        u /= 10;
    } while (u);
    if (value < 0)
        out[len++] = '-';
    while (count)
        out[len++] = digits[--count];
    out[len] = '\0';
    assert(len < QUANTITY_TEXT);
    return len;
}

static void format_decimal(const struct quantity *q, bool exponent_form, char out[QUANTITY_TEXT])
{
    static const char *const suffixes[] = {"n", "u", "m", "", "k", "M", "G", "T", "P", "E"};
    __int128 mantissa = q->nanos;
    int exponent = -9;
    size_t len;

    while (mantissa % 1000 == 0 && exponent < 18) {
        mantissa /= 1000;
        exponent += 3;
    }
    assert(exponent >= -9 && exponent <= 18);
    len = write_number(mantissa, out);
    if (!exponent_form)
        snprintf(out + len, QUANTITY_TEXT - len, "%s", suffixes[exponent / 3 + 3]);
    else if (exponent)
        snprintf(out + len, QUANTITY_TEXT - len, "e%d", exponent);
}

static void format_binary(const struct quantity *q, char out[QUANTITY_TEXT])
{
    static const char *const suffixes[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
    __int128 value = q->nanos / NANO;
    unsigned power = 0;
    size_t len;

    while (value % 1024 == 0 && power < 6) {
        value /= 1024;
        power++;
    }
    len = write_number(value, out);
    snprintf(out + len, QUANTITY_TEXT - len, "%s", suffixes[power]);
}

void quantity_format(const struct quantity *q, char out[QUANTITY_TEXT])
{
    __int128 abs = q->nanos < 0 ? -q->nanos : q->nanos;

    if (q->nanos == 0)
        snprintf(out, QUANTITY_TEXT, "0");
    else if (q->format == QUANTITY_BINARY_SI && abs >= 1024 * NANO && abs % NANO == 0)
        format_binary(q, out);
    else
        format_decimal(q, q->format == QUANTITY_DECIMAL_EXPONENT, out);
}

int64_t quantity_bytes(const char *text)
{
    struct quantity q;

    return quantity_parse(text, &q) && q.nanos >= 0 ? quantity_value(&q) : -1;
}

void quantity_from_bytes(int64_t bytes, char out[QUANTITY_TEXT])
{
    struct quantity q = {.nanos = (__int128)bytes * NANO, .format = QUANTITY_BINARY_SI};

    quantity_format(&q, out);
}
