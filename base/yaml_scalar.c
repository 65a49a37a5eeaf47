/* One function decides what a plain scalar is. It accepts what YAML 1.1, YAML 1.2 and JSON read
 * alike, leaves text to be text, and names everything that two versions of YAML read differently.
 */
#include "base/yaml_priv.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NUMBER_TEXT_MAX 64

static bool is_one_of(const char *text, size_t len, const char *const *words)
{
    for (; *words; words++)
        if (strlen(*words) == len && memcmp(*words, text, len) == 0)
            return true;
    return false;
}

static bool is_boolean_of_11(const char *text, size_t len)
{
    static const char *const words[] = {"yes", "no", "on", "off", "y", "n", NULL};

    for (const char *const *w = words; *w; w++)
        if (strlen(*w) == len && strncasecmp(*w, text, len) == 0)
            return true;
    return false;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t span_digits(const char *s)
{
    return strspn(s, "0123456789");
}

static size_t span_digits_or_underscore(const char *s)
{
    return strspn(s, "0123456789_");
}

/* 0x1F, 0o17, 0b101: "prefix and only digits of that base". */
static bool is_other_base(const char *s)
{
    const char *digits = NULL;

    if (s[0] != '0' || s[1] == '\0' || s[2] == '\0')
        return false;
    if (s[1] == 'x' || s[1] == 'X')
        digits = "0123456789abcdefABCDEF_";
    else if (s[1] == 'o' || s[1] == 'O')
        digits = "01234567_";
    else if (s[1] == 'b' || s[1] == 'B')
        digits = "01_";
    return digits && s[2 + strspn(s + 2, digits)] == '\0';
}

/* YAML 1.1 reads 12:30:45 as a number in base 60. */
static bool is_sexagesimal(const char *s)
{
    size_t n = span_digits_or_underscore(s);

    if (n == 0 || s[n] != ':')
        return false;
    s += n;
    while (*s == ':') {
        n = span_digits(s + 1);
        if (n == 0 || n > 2 || (n == 2 && s[1] > '5'))
            return false;
        s += 1 + n;
    }
    if (*s == '.')
        s += 1 + span_digits_or_underscore(s + 1);
    return *s == '\0';
}

static bool has_underscored_digits(const char *s)
{
    size_t n = span_digits_or_underscore(s);

    if (!is_digit(*s) || !strchr(s, '_'))
        return false;
    s += n;
    if (*s == '.')
        s += 1 + span_digits_or_underscore(s + 1);
    return *s == '\0';
}

/* [digits][.[digits]][e[+-]digits] with a digit before the exponent. Sets what it met; false when
 * the text is no number. */
static bool scan_decimal(const char *s, bool *ret_point, bool *ret_exponent,
                         bool *ret_exponent_sign)
{
    size_t whole = span_digits(s), fraction = 0;

    *ret_point = *ret_exponent = *ret_exponent_sign = false;
    s += whole;
    if (*s == '.') {
        *ret_point = true;
        fraction = span_digits(s + 1);
        s += 1 + fraction;
    }
    if (whole + fraction == 0)
        return false;
    if (*s == 'e' || *s == 'E') {
        size_t digits;

        *ret_exponent = true;
        s++;
        if (*s == '+' || *s == '-') {
            *ret_exponent_sign = true;
            s++;
        }
        digits = span_digits(s);
        if (digits == 0)
            return false;
        s += digits;
    }
    return *s == '\0';
}

static const char *resolve_integer(const char *text, struct yaml_node *node)
{
    long long value;

    errno = 0;
    value = strtoll(text, NULL, 10);
    if (errno)
        return "is an integer that does not fit in 64 bits";
    node->type = YAML_INT;
    node->value.integer = value;
    return NULL;
}

static const char *resolve_real(const char *text, struct yaml_node *node)
{
    double value = strtod(text, NULL);

    if (!isfinite(value))
        return "is a number out of the range of a double";
    node->type = YAML_REAL;
    node->value.real = value;
    return NULL;
}

/* text is NUL-terminated and not longer than NUMBER_TEXT_MAX. */
static const char *resolve_number(const char *text, struct yaml_node *node)
{
    static const char *const not_finite[] = {".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN", NULL};
    const char *s = text + (*text == '+' || *text == '-');
    bool point, exponent, exponent_sign;

    if (is_one_of(s, strlen(s), not_finite))
        return "is a number to YAML that JSON cannot hold";
    if (is_other_base(s))
        return "is a number in another base to one version of YAML and text to another";
    if (is_sexagesimal(s))
        return "is a number in base 60 to YAML 1.1 and text to YAML 1.2";
    if (has_underscored_digits(s))
        return "is a number to YAML 1.1 and text to YAML 1.2";
    if (!scan_decimal(s, &point, &exponent, &exponent_sign))
        return NULL;
    if (exponent && !(point && exponent_sign))
        return "is a number to YAML 1.2 and text to YAML 1.1";
    if (!point && s[0] == '0' && s[1] != '\0')
        return "is an octal number to YAML 1.1 and a decimal one to YAML 1.2";
    return point ? resolve_real(text, node) : resolve_integer(text, node);
}

const char *yaml_resolve_plain(const char *text, size_t len, struct yaml_node *node)
{
    static const char *const nulls[] = {"~", "Null", "NULL", NULL};
    static const char *const booleans[] = {"True", "TRUE", "False", "FALSE", NULL};

    node->type = YAML_STRING;
    if (len == 0 || (len == 4 && memcmp(text, "null", 4) == 0)) {
        node->type = YAML_NULL;
        return NULL;
    }
    if ((len == 4 && memcmp(text, "true", 4) == 0) || (len == 5 && memcmp(text, "false", 5) == 0)) {
        node->type = YAML_BOOL;
        node->value.boolean = len == 4;
        return NULL;
    }
    if (is_one_of(text, len, nulls))
        return "is null to YAML and text to JSON readers";
    if (is_one_of(text, len, booleans))
        return "is a boolean to YAML and text to JSON readers";
    if (is_boolean_of_11(text, len))
        return "is a boolean to YAML 1.1 and text to YAML 1.2";
    if (len == 1 && text[0] == '=')
        return "is a special value to YAML 1.1 and text to YAML 1.2";
    if (!strchr("0123456789+-.", text[0]))
        return NULL;
    if (len > NUMBER_TEXT_MAX) {
        /* Nothing that long is a number on purpose; digits alone would lose precision silently. */
        return strspn(text, "0123456789+-._:eE") == len ? "is a number with too many digits" : NULL;
    }
    return resolve_number(text, node);
}
