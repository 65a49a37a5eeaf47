#include "components/runtime/config.h"

#include <assert.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "kube/time.h"

#define SETTINGS_MAX 64

static const struct config_setting *find(const struct config_setting *settings, size_t count,
                                         const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(settings[i].name, name) == 0)
            return &settings[i];
    return NULL;
}

static int unknown(const char *name, const struct config_setting *settings, size_t count,
                   struct err *reterr)
{
    const char *names[SETTINGS_MAX];
    size_t n = 0;
    for (; n < count && n < SETTINGS_MAX; n++)
        names[n] = settings[n].name;
    err_set(reterr, ERR_INVALID, NO_POS, "unknown setting '%s'", name);
    AUTO(str) char *first = n ? mem_printf("the first known setting is '%s'", names[0]) : NULL;
    return err_suggest(reterr, name, names, n, first);
}

bool config_parse_bool(const json_t *value, bool *target)
{
    static const char *const yes[] = {"1", "t", "T", "true", "TRUE", "True"};
    static const char *const no[] = {"0", "f", "F", "false", "FALSE", "False"};
    if (json_is_boolean(value)) {
        *target = json_is_true(value);
        return true;
    }
    const char *text = json_string_value(value);
    for (size_t i = 0; text && i < sizeof yes / sizeof yes[0]; i++) {
        if (strcmp(text, yes[i]) != 0 && strcmp(text, no[i]) != 0)
            continue;
        *target = strcmp(text, yes[i]) == 0;
        return true;
    }
    return false;
}

static bool read_value(const json_t *value, const struct config_setting *s)
{
    switch (s->type) {
    case CONFIG_STRING:
        if (!json_is_string(value))
            return false;
        *(const char **)s->target = json_string_value(value);
        return true;
    case CONFIG_BOOL:
        return config_parse_bool(value, s->target);
    case CONFIG_INT:
        if (!json_is_integer(value))
            return false;
        *(int64_t *)s->target = json_integer_value(value);
        return true;
    case CONFIG_JSON:
        *(const json_t **)s->target = value;
        return true;
    case CONFIG_DURATION:
        return json_is_string(value) && duration_parse(json_string_value(value), s->target);
    }
    return false;
}

static const char *type_name(enum config_type type)
{
    switch (type) {
    case CONFIG_STRING:
        return "a text";
    case CONFIG_BOOL:
        return "true or false";
    case CONFIG_INT:
        return "a whole number";
    case CONFIG_DURATION:
        return "a duration such as \"30s\"";
    case CONFIG_JSON:
        break;
    }
    return "";
}

int config_read(const json_t *config, const struct config_setting *settings, size_t count,
                struct err *reterr)
{
    if (!config || json_is_null(config))
        return 0;
    if (!json_is_object(config))
        return err_set(reterr, ERR_INVALID, NO_POS, "the configuration must be an object");
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)config, name, value)
    {
        const struct config_setting *s = find(settings, count, name);
        if (!s)
            return unknown(name, settings, count, reterr);
        if (!read_value(value, s))
            return err_set(reterr, ERR_INVALID, NO_POS, "setting '%s': expected %s", name,
                           type_name(s->type));
    }
    return 0;
}

void config_told(const char *const *names, const struct config_setting *settings, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert(names && names[i]);
        assert(strcmp(names[i], settings[i].name) == 0);
    }
    assert(!names || !names[count]);
}
