/* The cases of a scenario: one for each combination of its matrix. */
#include "base/json.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "runner/scenario.h"

static bool excluded(const struct unit *u, const json_t *values)
{
    size_t i;
    json_t *item;

    json_array_foreach(u->exclude, i, item)
    {
        const char *key;
        json_t *v;
        bool all = true;

        json_object_foreach(item, key, v) all = all && json_same(json_object_get(values, key), v);
        if (all)
            return true;
    }
    return false;
}

json_t *scenario_cases(const struct unit *u)
{
    json_t *cases = json_array();
    const char *key;
    json_t *list;

    json_array_append_new(cases, json_object());
    if (!u->matrix)
        return cases;
    json_object_foreach(u->matrix, key, list)
    {
        json_t *wider = json_array();
        size_t i, k;
        json_t *values, *v;

        json_array_foreach(cases, i, values)
        {
            json_array_foreach(list, k, v)
            {
                json_t *one = json_copy(values);

                json_object_set(one, key, v);
                json_array_append_new(wider, one);
            }
        }
        json_decref(cases);
        cases = wider;
    }
    for (size_t i = json_array_size(cases); i-- > 0;)
        if (excluded(u, json_array_get(cases, i)))
            json_array_remove(cases, i);
    return cases;
}

char *scenario_case_name(const struct unit *u, const json_t *values)
{
    AUTO(strbuf) struct strbuf name = {0};
    const char *key;
    json_t *v;
    bool first = true;

    strbuf_addstr(&name, u->name);
    json_object_foreach((json_t *)values, key, v)
    {
        AUTO(str) char *text = json_is_string(v) ? NULL : json_text(v);

        strbuf_addf(&name, "%s%s=%s", first ? "[" : ",", key, text ? text : json_string_value(v));
        first = false;
    }
    if (!first)
        strbuf_addch(&name, ']');
    return strbuf_take(&name);
}
