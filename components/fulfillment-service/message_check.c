/* The rules beyond types. Lengths count characters, as the API server of the hub does. */
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "components/fulfillment-service/message.h"

#define NAME_MAX_CHARS 63
#define KEY_MAX_CHARS 316 /* a prefix of 253, a slash, a name of 62 */
#define LABEL_MAX_CHARS 63
#define DESCRIPTION_MAX_CHARS 256

static size_t characters(const char *s)
{
    size_t count = 0, len = strlen(s);
    for (size_t at = 0; at < len; count++) {
        size_t step = utf8_length(s + at, len - at);
        at += step ? step : 1;
    }
    return count;
}

static int too_long(const char *path, size_t max, struct err *reterr)
{
    return err_set(reterr, ERR_INVALID, NO_POS,
                   "validation failed: %s: value length must be at most %zu characters", path, max);
}

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* ^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)?$ */
static bool is_name(const char *s)
{
    size_t len = strlen(s);
    if (len == 0)
        return true;
    for (size_t i = 0; i < len; i++)
        if (!is_alnum(s[i]) && (s[i] != '-' || i == 0 || i == len - 1))
            return false;
    return len <= NAME_MAX_CHARS;
}

static int check_name(const char *path, const json_t *v, struct err *reterr)
{
    const char *text = json_string_value(v);
    if (characters(text) > NAME_MAX_CHARS)
        return too_long(path, NAME_MAX_CHARS, reterr);
    if (is_name(text))
        return 0;
    return err_set(reterr, ERR_INVALID, NO_POS,
                   "validation failed: %s: value does not match regex pattern "
                   "`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)?$`",
                   path);
}

static int check_map(const char *path, const json_t *map, size_t value_max, struct err *reterr)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)map, key, value)
    {
        size_t len = characters(key);
        if (len == 0 || len > KEY_MAX_CHARS)
            return err_set(reterr, ERR_INVALID, NO_POS,
                           "validation failed: %s: key length must be 1 to %d characters", path,
                           KEY_MAX_CHARS);
        if (value_max && characters(json_string_value(value)) > value_max)
            return too_long(path, value_max, reterr);
    }
    return 0;
}

static int check_field(const struct field *f, const char *path, const json_t *v, struct err *reterr)
{
    switch (f->rule) {
    case RULE_NAME:
        return check_name(path, v, reterr);
    case RULE_LABELS:
        return check_map(path, v, LABEL_MAX_CHARS, reterr);
    case RULE_ANNOTATIONS:
        return check_map(path, v, 0, reterr);
    case RULE_DESCRIPTION:
        return characters(json_string_value(v)) > DESCRIPTION_MAX_CHARS
                   ? too_long(path, DESCRIPTION_MAX_CHARS, reterr)
                   : 0;
    case RULE_NONE:
        break;
    }
    return 0;
}

/* Rules stand in fields of single messages only: lists of messages have none. */
static int check_at(const struct message *m, const char *prefix, const json_t *object,
                    struct err *reterr)
{
    for (size_t i = 0; i < m->count; i++) {
        const struct field *f = &m->fields[i];
        const json_t *v = json_object_get(object, f->name);
        if (!v)
            continue;
        AUTO(str) char *path = mem_printf("%s%s%s", prefix, *prefix ? "." : "", f->name);
        if (check_field(f, path, v, reterr) < 0)
            return -1;
        if (f->type == FIELD_MESSAGE && f->shape <= SHAPE_OPTIONAL &&
            check_at(f->message, path, v, reterr) < 0)
            return -1;
    }
    return 0;
}

int message_check(const struct message *m, const json_t *object, struct err *reterr)
{
    return check_at(m, "", object, reterr);
}
