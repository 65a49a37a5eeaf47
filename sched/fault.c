#include "sched/fault.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/glob.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/strbuf.h"

/* ---- what the points know ---- */

/* Its index; fault_point_count: there is none. */
static size_t point_find(const char *name)
{
    size_t i = 0;

    while (i < fault_point_count && strcmp(fault_points[i]->name, name) != 0)
        i++;
    return i;
}

/* The index of text in a list that NULL ends or that is full; -1 when it is not there. */
static int list_find(const char *const *list, size_t max, const char *text)
{
    for (size_t i = 0; i < max && list[i]; i++) {
        if (strcmp(list[i], text) == 0)
            return (int)i;
    }
    return -1;
}

static size_t list_count(const char *const *list, size_t max)
{
    size_t n = 0;
    while (n < max && list[n])
        n++;
    return n;
}

/* ---- rules ---- */

struct matcher {
    size_t attr;         /* index in the point's attrs */
    const char *pattern; /* borrowed from the rule's text */
};

struct rule {
    const struct fault_point *point;
    size_t index; /* of the point */
    char *name;   /* NULL when it has none */
    json_t *text;
    const json_t *action; /* in text */
    struct matcher matchers[FAULT_ATTRS_MAX];
    size_t matchers_count;
    int64_t skip, times;
    uint64_t seen, fired;
    bool ended; /* kept, since somebody may still hold its action, and for its count */
};

struct faults {
    struct rule **rules; /* in the order they were added */
    size_t count, cap;
    size_t *live; /* by point: rules that have not ended */
    void (*on_remove)(void *cookie);
    void *on_remove_cookie;
};

struct faults *faults_create(void)
{
    struct faults *f = mem_zalloc(sizeof *f);

    f->live = mem_zalloc((fault_point_count + 1) * sizeof *f->live);
    return f;
}

static void rule_destroy(struct rule *r)
{
    json_decref(r->text);
    free(r->name);
    free(r);
}
DEFINE_CLEANUP(struct rule, rule, rule_destroy);

void faults_destroy(struct faults *f)
{
    if (!f)
        return;
    for (size_t i = 0; i < f->count; i++)
        rule_destroy(f->rules[i]);
    free(f->rules);
    free(f->live);
    free(f);
}

/* The live rule of that name; else the last one that had it, when `ended` is allowed. */
static struct rule *rule_find(const struct faults *f, const char *name, bool ended)
{
    for (size_t i = f->count; i > 0; i--) {
        struct rule *r = f->rules[i - 1];
        if (r->name && strcmp(r->name, name) == 0 && (ended || !r->ended))
            return r;
    }
    return NULL;
}

/* ---- reading a rule ---- */

static const char *type_name(const json_t *v)
{
    static const char *const words[] = {[JSON_OBJECT] = "a map",
                                        [JSON_ARRAY] = "a list",
                                        [JSON_STRING] = "a string",
                                        [JSON_INTEGER] = "an integer",
                                        [JSON_REAL] = "a number with a fraction",
                                        [JSON_TRUE] = "a boolean",
                                        [JSON_FALSE] = "a boolean",
                                        [JSON_NULL] = "null"};

    return words[json_typeof(v)];
}

static int wrong_type(struct err *reterr, const char *where, const char *want, const json_t *found)
{
    return err_set(reterr, ERR_INVALID, NO_POS, "%s: expected %s, found %s", where, want,
                   type_name(found));
}

static int read_text(const json_t *v, const char *where, struct err *reterr)
{
    if (!json_is_string(v))
        return wrong_type(reterr, where, "a string", v);
    if (json_string_length(v) == 0)
        return err_set(reterr, ERR_INVALID, NO_POS, "%s: expected some text, found an empty string",
                       where);
    return 0;
}

static int read_count(const json_t *v, const char *where, int64_t *ret, struct err *reterr)
{
    if (!json_is_integer(v))
        return wrong_type(reterr, where, "an integer", v);
    if (json_integer_value(v) < 0)
        return err_set(reterr, ERR_INVALID, NO_POS,
                       "%s: expected an integer of at least 0, found %lld", where,
                       (long long)json_integer_value(v));
    *ret = json_integer_value(v);
    return 0;
}

static int read_keys(const json_t *rule, struct err *reterr)
{
    static const char *const keys[] = {"name", "point", "match", "skip", "times", "action"};
    const char *key;
    json_t *value;

    if (!json_is_object(rule))
        return wrong_type(reterr, "fault", "a map", rule);
    json_object_foreach((json_t *)rule, key, value)
    {
        if (list_find(keys, ARRAY_LEN(keys), key) < 0) {
            err_set(reterr, ERR_INVALID, NO_POS, "unknown key '%s' in a fault", key);
            return err_suggest_known(reterr, key, keys, ARRAY_LEN(keys));
        }
    }
    return 0;
}

static int read_name(struct rule *r, const struct faults *f, struct err *reterr)
{
    const json_t *name = json_object_get(r->text, "name");

    if (!name)
        return 0;
    if (read_text(name, "name", reterr) < 0)
        return -1;
    if (rule_find(f, json_string_value(name), /* ended= */ false))
        return err_set(reterr, ERR_INVALID, NO_POS, "a fault named '%s' is in force already",
                       json_string_value(name));
    r->name = mem_strdup(json_string_value(name));
    return 0;
}

static int unknown_point(const char *name, struct err *reterr)
{
    AUTO(mem) void *memory = mem_zalloc((fault_point_count + 1) * sizeof(char *));
    const char **names = memory;

    for (size_t i = 0; i < fault_point_count; i++)
        names[i] = fault_points[i]->name;
    err_set(reterr, ERR_INVALID, NO_POS, "unknown fault point '%s'", name);
    return err_suggest_known(reterr, name, names, fault_point_count);
}

/* The point of who has asked fault_check_point() about it. */
static const struct fault_point *known_point(const char *name)
{
    size_t i = point_find(name);

    assert(i < fault_point_count);
    return fault_points[i];
}

int fault_no_point(struct err *reterr)
{
    return err_set(reterr, ERR_INVALID, NO_POS, "a fault needs a 'point'");
}

int fault_check_point(const char *point, struct err *reterr)
{
    return point_find(point) < fault_point_count ? 0 : unknown_point(point, reterr);
}

static int read_point(struct rule *r, struct err *reterr)
{
    const json_t *point = json_object_get(r->text, "point");

    if (!point)
        return fault_no_point(reterr);
    if (read_text(point, "point", reterr) < 0)
        return -1;
    r->index = point_find(json_string_value(point));
    if (r->index == fault_point_count)
        return unknown_point(json_string_value(point), reterr);
    r->point = fault_points[r->index];
    return 0;
}

static int unknown_attr(const struct fault_point *p, const char *attr, struct err *reterr)
{
    err_set(reterr, ERR_INVALID, NO_POS, "match: point '%s' has no attribute '%s'", p->name, attr);
    return err_suggest_known(reterr, attr, p->attrs, list_count(p->attrs, FAULT_ATTRS_MAX));
}

int fault_check_attr(const char *point, const char *attr, struct err *reterr)
{
    const struct fault_point *p = known_point(point);

    return list_find(p->attrs, FAULT_ATTRS_MAX, attr) >= 0 ? 0 : unknown_attr(p, attr, reterr);
}

static bool fits_one(const char *pattern, const char *const *values)
{
    for (; *values; values++)
        if (glob_match(pattern, *values))
            return true;
    return false;
}

static int check_pattern(const struct fault_point *p, const char *attr, const char *pattern,
                         struct err *reterr)
{
    size_t count = 0;

    if (!p->closed.attr || strcmp(p->closed.attr, attr) != 0 || fits_one(pattern, p->closed.values))
        return 0;
    while (p->closed.values[count])
        count++;
    err_set(reterr, ERR_INVALID, NO_POS, "match: point '%s' has no %s '%s'", p->name, attr,
            pattern);
    return err_suggest_known(reterr, pattern, p->closed.values, count);
}

int fault_check_pattern(const char *point, const char *attr, const char *pattern,
                        struct err *reterr)
{
    return check_pattern(known_point(point), attr, pattern, reterr);
}

static int read_match(struct rule *r, struct err *reterr)
{
    json_t *match = json_object_get(r->text, "match");
    const char *key;
    json_t *value;

    if (!match)
        return 0;
    if (!json_is_object(match))
        return wrong_type(reterr, "match", "a map", match);
    json_object_foreach(match, key, value)
    {
        int attr = list_find(r->point->attrs, FAULT_ATTRS_MAX, key);
        if (attr < 0)
            return unknown_attr(r->point, key, reterr);
        /* An empty pattern is fine: it asks for the attribute to be empty. */
        if (!json_is_string(value)) {
            AUTO(str) char *where = mem_printf("match.%s", key);
            return wrong_type(reterr, where, "a string", value);
        }
        if (check_pattern(r->point, key, json_string_value(value), reterr) < 0)
            return -1;
        assert(r->matchers_count < FAULT_ATTRS_MAX); /* keys of a map differ */
        r->matchers[r->matchers_count++] = (struct matcher){(size_t)attr, json_string_value(value)};
    }
    return 0;
}

static int bad_choice(const struct fault_action *def, const json_t *value, struct err *reterr)
{
    AUTO(str) char *found = json_text(value);
    AUTO(strbuf) struct strbuf known = {0};
    const char *comma = "";

    for (size_t i = 0; i < FAULT_VALUES_MAX && def->numbers[i]; i++, comma = ", ")
        strbuf_addf(&known, "%s%lld", comma, (long long)def->numbers[i]);
    for (size_t i = 0; i < FAULT_VALUES_MAX && def->texts[i]; i++, comma = ", ")
        strbuf_addf(&known, "%s\"%s\"", comma, def->texts[i]);
    err_set(reterr, ERR_INVALID, NO_POS, "action.%s: unknown value %s", def->name, found);
    return err_hint(reterr, "known: %s", strbuf_str(&known));
}

static int not_true(const struct fault_action *def, const json_t *value, struct err *reterr)
{
    AUTO(str) char *where = mem_printf("action.%s", def->name);

    if (!json_is_false(value))
        return wrong_type(reterr, where, "true", value);
    err_set(reterr, ERR_INVALID, NO_POS, "%s: expected true, found false", where);
    return err_hint(reterr, "`%s` can only be true; to end it, `clear` the fault", def->name);
}

static bool choice_has(const struct fault_action *def, const json_t *value)
{
    if (json_is_string(value))
        return list_find(def->texts, FAULT_VALUES_MAX, json_string_value(value)) >= 0;
    for (size_t i = 0; i < FAULT_VALUES_MAX && def->numbers[i]; i++) {
        if (json_is_integer(value) && json_integer_value(value) == def->numbers[i])
            return true;
    }
    return false;
}

static int check_value(const struct fault_action *def, const json_t *value, struct err *reterr)
{
    AUTO(str) char *where = mem_printf("action.%s", def->name);
    int64_t count;

    switch (def->type) {
    case FAULT_TRUE:
        return json_is_true(value) ? 0 : not_true(def, value, reterr);
    case FAULT_CHOICE:
        return choice_has(def, value) ? 0 : bad_choice(def, value, reterr);
    case FAULT_COUNT:
    case FAULT_DURATION:
        if (read_count(value, where, &count, reterr) < 0)
            return -1;
        if (def->max > 0 && count > def->max)
            return err_set(reterr, ERR_INVALID, NO_POS,
                           "%s: expected an integer from 0 to %lld, found %lld", where,
                           (long long)def->max, (long long)count);
        return 0;
    }
    return 0;
}

static const struct fault_action *action_of(const struct fault_point *p, const char *name)
{
    for (const struct fault_action *def = p->actions; def->name; def++) {
        if (strcmp(def->name, name) == 0)
            return def;
    }
    return NULL;
}

const struct fault_action *fault_action_find(const char *point, const char *name)
{
    size_t i = point_find(point);

    return i < fault_point_count ? action_of(fault_points[i], name) : NULL;
}

static int unknown_action(const struct fault_point *p, const char *key, struct err *reterr)
{
    const char *names[FAULT_ACTIONS_MAX];
    size_t count = 0;

    for (const struct fault_action *def = p->actions; def->name; def++) {
        assert(count < FAULT_ACTIONS_MAX);
        names[count++] = def->name;
    }
    err_set(reterr, ERR_INVALID, NO_POS, "action: point '%s' has no action '%s'", p->name, key);
    return err_suggest_known(reterr, key, names, count);
}

static int check_companion(const struct fault_action *def, const json_t *action, struct err *reterr)
{
    const json_t *main = json_object_get(action, def->with);
    size_t texts = list_count(def->with_texts, FAULT_WITH_MAX);

    if (!main)
        return err_set(reterr, ERR_INVALID, NO_POS, "action.%s means nothing without '%s'",
                       def->name, def->with);
    if (texts == 0 || (json_is_string(main) &&
                       list_find(def->with_texts, FAULT_WITH_MAX, json_string_value(main)) >= 0))
        return 0;
    return err_set(reterr, ERR_INVALID, NO_POS, "action.%s means nothing with this '%s'", def->name,
                   def->with);
}

int fault_check_action_name(const char *point, const char *name, struct err *reterr)
{
    const struct fault_point *p = known_point(point);

    return action_of(p, name) ? 0 : unknown_action(p, name, reterr);
}

static int check_action(const struct fault_point *p, const json_t *action, const char **ret_member,
                        struct err *reterr)
{
    const char *key, *main = NULL;
    json_t *value;

    if (!json_is_object(action))
        return wrong_type(reterr, "action", "a map", action);
    json_object_foreach((json_t *)action, key, value)
    {
        const struct fault_action *def = action_of(p, key);

        *ret_member = key;
        if (!def)
            return unknown_action(p, key, reterr);
        if (check_value(def, value, reterr) < 0)
            return -1;
        if (def->with) {
            if (check_companion(def, action, reterr) < 0)
                return -1;
            continue;
        }
        if (main)
            return err_set(reterr, ERR_INVALID, NO_POS,
                           "action: expected one of '%s' and '%s', found both", main, key);
        main = key;
    }
    *ret_member = NULL;
    if (!main)
        return err_set(reterr, ERR_INVALID, NO_POS, "action: expected what happens, found nothing");
    return 0;
}

int fault_check_action(const char *point, const json_t *action, const char **ret_member,
                       struct err *reterr)
{
    const char *member = NULL;

    return check_action(known_point(point), action, ret_member ? ret_member : &member, reterr);
}

static int read_action(struct rule *r, struct err *reterr)
{
    const char *member = NULL;

    r->action = json_object_get(r->text, "action");
    if (!r->action)
        return err_set(reterr, ERR_INVALID, NO_POS, "a fault needs an 'action'");
    return check_action(r->point, r->action, &member, reterr);
}

static int read_limits(struct rule *r, struct err *reterr)
{
    const json_t *skip = json_object_get(r->text, "skip");
    const json_t *times = json_object_get(r->text, "times");

    if (skip && read_count(skip, "skip", &r->skip, reterr) < 0)
        return -1;
    if (times && read_count(times, "times", &r->times, reterr) < 0)
        return -1;
    return 0;
}

int64_t fault_add(struct faults *f, const json_t *rule, struct err *reterr)
{
    AUTO(rule) struct rule *r = mem_zalloc(sizeof *r);

    if (read_keys(rule, reterr) < 0)
        return -1;
    r->text = json_deep_copy(rule);
    assert(r->text);
    if (read_name(r, f, reterr) < 0 || read_point(r, reterr) < 0 || read_match(r, reterr) < 0 ||
        read_limits(r, reterr) < 0 || read_action(r, reterr) < 0)
        return -1;
    if (f->count == f->cap)
        f->rules = mem_grow(f->rules, &f->cap, f->count + 1, sizeof(struct rule *));
    f->live[r->index]++;
    f->rules[f->count++] = TAKE(r);
    return (int64_t)f->count;
}

bool fault_remove(struct faults *f, const char *name)
{
    struct rule *r = rule_find(f, name, /* ended= */ false);

    if (!r)
        return false;
    assert(f->live[r->index] > 0);
    r->ended = true;
    f->live[r->index]--;
    if (f->on_remove)
        f->on_remove(f->on_remove_cookie);
    return true;
}

void fault_on_remove(struct faults *f, void (*fn)(void *cookie), void *cookie)
{
    f->on_remove = fn;
    f->on_remove_cookie = cookie;
}

bool fault_in_force(const struct faults *f, const json_t *action)
{
    for (size_t i = 0; i < f->count; i++) {
        if (f->rules[i]->action == action)
            return !f->rules[i]->ended;
    }
    return false;
}

/* ---- hits ---- */

static const char *attr_value(const struct fault_attr *attrs, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(attrs[i].key, key) == 0)
            return attrs[i].value ? attrs[i].value : "";
    }
    return "";
}

static bool rule_matches(const struct rule *r, const struct fault_attr *attrs, size_t count)
{
    for (size_t i = 0; i < r->matchers_count; i++) {
        const char *key = r->point->attrs[r->matchers[i].attr];
        if (!glob_match(r->matchers[i].pattern, attr_value(attrs, count, key)))
            return false;
    }
    return true;
}

/* Our own callers: a name that no rule could ask for is a slip of the pen. */
static void assert_attrs_known(const struct fault_point *p, const struct fault_attr *attrs,
                               size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert(list_find(p->attrs, FAULT_ATTRS_MAX, attrs[i].key) >= 0);
}

const json_t *fault_hit(struct faults *f, const char *point, const struct fault_attr *attrs,
                        size_t count)
{
    size_t index = point_find(point);
    const struct fault_point *p;
    const json_t *action = NULL;

    assert(index < fault_point_count);
    if (f->live[index] == 0)
        return NULL;
    p = fault_points[index];
    assert_attrs_known(p, attrs, count);
    for (size_t i = 0; i < f->count; i++) {
        struct rule *r = f->rules[i];
        if (r->point != p || r->ended || !rule_matches(r, attrs, count))
            continue;
        /* Counts also what an earlier rule takes, so that "the third create" is the third whatever
         * else is in force. */
        r->seen++;
        if (action || r->seen <= (uint64_t)r->skip ||
            (r->times > 0 && r->fired >= (uint64_t)r->times))
            continue;
        r->fired++;
        assert(r->fired <= r->seen - (uint64_t)r->skip);
        action = r->action;
    }
    return action;
}

uint64_t fault_fired(const struct faults *f, const char *name)
{
    const struct rule *r = rule_find(f, name, /* ended= */ true);

    return r ? r->fired : 0;
}
