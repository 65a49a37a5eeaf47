/* Fault rules: what they accept, what they match, how they count. */
#include "sched/fault.h"

#include <string.h>

#include "base/json.h"
#include "tests/unit/sched/world.h"
#include "tests/unit/suite.h"

static int64_t add(struct faults *f, const char *text, struct err *reterr)
{
    AUTO(str) char *json = mem_strdup(text);
    AUTO(json) json_t *rule = NULL;

    for (char *p = json; *p; p++) {
        if (*p == '\'')
            *p = '"';
    }
    rule = json_loads(json, JSON_DECODE_ANY, NULL);
    ck_assert_msg(rule, "bad test: %s", json);
    return fault_add(f, rule, reterr);
}

/* ---- validation ---- */

static const struct {
    const char *name, *rule;
    const char *msg, *hint; /* NULL: accepted; NULL: no hint */
} rules[] = {
    {"least", "{'point':'api','action':{'answer':409}}", NULL, NULL},
    {"all keys",
     "{'name':'n','point':'api','match':{'verb':'create','name':''},'skip':2,'times':1,"
     "'action':{'answer':'lost'}}",
     NULL, NULL},
    {"delay", "{'point':'api','action':{'delay':5}}", NULL, NULL},
    {"watch lag", "{'point':'watch','action':{'lag':5}}", NULL, NULL},
    {"watch drop", "{'point':'watch','match':{'plural':'x'},'action':{'drop':true}}", NULL, NULL},
    {"store", "{'point':'store','action':{'answer':'truncated','bytes':7}}", NULL, NULL},
    {"store, bytes first", "{'point':'store','action':{'bytes':7,'answer':'corrupt'}}", NULL, NULL},
    {"file", "{'point':'file','action':{'errno':'ENOSPC','after':4096}}", NULL, NULL},
    {"exit", "{'point':'program','action':{'exit':255}}", NULL, NULL},
    {"kill", "{'point':'program','match':{'program':'qemu-*'},'action':{'kill':true}}", NULL, NULL},

    {"no map", "[1]", "fault: expected a map, found a list", NULL},
    {"unknown key", "{'piont':'api'}", "unknown key 'piont' in a fault", "did you mean 'point'?"},
    {"far key", "{'zzzzzzzz':1}", "unknown key 'zzzzzzzz' in a fault",
     "known: name, point, match, skip, times, action"},
    {"no point", "{'action':{'answer':409}}", "a fault needs a 'point'", NULL},
    {"no action", "{'point':'api'}", "a fault needs an 'action'", NULL},
    {"point type", "{'point':3}", "point: expected a string, found an integer", NULL},
    {"unknown point", "{'point':'stor'}", "unknown fault point 'stor'", "did you mean 'store'?"},
    {"name type", "{'name':null,'point':'api'}", "name: expected a string, found null", NULL},
    {"name empty", "{'name':''}", "name: expected some text, found an empty string", NULL},
    {"match type", "{'point':'api','match':'create'}", "match: expected a map, found a string",
     NULL},
    {"unknown attribute", "{'point':'api','match':{'verbs':'x'}}",
     "match: point 'api' has no attribute 'verbs'", "did you mean 'verb'?"},
    {"attribute of another point", "{'point':'program','match':{'cluster':'x'}}",
     "match: point 'program' has no attribute 'cluster'", "known: program, by"},
    {"verb that there is not", "{'point':'api','match':{'verb':'craete'}}",
     "match: point 'api' has no verb 'craete'", "did you mean 'create'?"},
    {"glob that fits nothing", "{'point':'store','match':{'op':'x*'}}",
     "match: point 'store' has no op 'x*'", "known: get, put, list, delete, head"},
    {"pattern type", "{'point':'api','match':{'verb':1}}",
     "match.verb: expected a string, found an integer", NULL},
    {"skip type", "{'point':'api','skip':'1'}", "skip: expected an integer, found a string", NULL},
    {"skip below", "{'point':'api','skip':-1}", "skip: expected an integer of at least 0, found -1",
     NULL},
    {"times fraction", "{'point':'api','times':1.5}",
     "times: expected an integer, found a number with a fraction", NULL},
    {"action type", "{'point':'api','action':409}", "action: expected a map, found an integer",
     NULL},
    {"action empty", "{'point':'api','action':{}}", "action: expected what happens, found nothing",
     NULL},
    {"unknown action", "{'point':'watch','action':{'lagg':1}}",
     "action: point 'watch' has no action 'lagg'", "did you mean 'lag'?"},
    {"unknown answer", "{'point':'api','action':{'answer':418}}",
     "action.answer: unknown value 418", "known: 403, 409, 429, 500, 503, \"timeout\", \"lost\""},
    {"answer of another point", "{'point':'store','action':{'answer':'lost'}}",
     "action.answer: unknown value \"lost\"", "known: 404, 412, 500, 503, \"truncated\", \"corrupt\""},
    {"no number", "{'point':'file','action':{'errno':0}}", "action.errno: unknown value 0",
     "known: \"ENOSPC\", \"EIO\""},
    {"false", "{'point':'watch','action':{'drop':false}}",
     "action.drop: expected true, found false",
     "`drop` can only be true; to end it, `clear` the fault"},
    {"true of another type", "{'point':'watch','action':{'drop':1}}",
     "action.drop: expected true, found an integer", NULL},
    {"two actions", "{'point':'watch','action':{'drop':true,'gone':true}}",
     "action: expected one of 'drop' and 'gone', found both", NULL},
    {"companion alone", "{'point':'file','action':{'after':1}}",
     "action.after means nothing without 'errno'", NULL},
    {"companion of another value", "{'point':'store','action':{'answer':404,'bytes':1}}",
     "action.bytes means nothing with this 'answer'", NULL},
    {"exit above", "{'point':'program','action':{'exit':256}}",
     "action.exit: expected an integer from 0 to 255, found 256", NULL},
    {"delay below", "{'point':'api','action':{'delay':-5}}",
     "action.delay: expected an integer of at least 0, found -5", NULL},
};

static bool same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

START_TEST(validation)
{
    AUTO(faults) struct faults *f = faults_create();
    struct err err = {0};
    int64_t id = add(f, rules[_i].rule, &err);

    ck_assert_msg((id > 0) == !rules[_i].msg, "%s: got id %lld", rules[_i].name, (long long)id);
    ck_assert_msg(same(err.msg, rules[_i].msg), "%s: got %s", rules[_i].name, err.msg);
    ck_assert_msg(same(err.hint, rules[_i].hint), "%s: got hint %s", rules[_i].name, err.hint);
    err_clear(&err);
}
END_TEST

/* ---- hits ---- */

static const struct {
    const char *name;
    const char *rules[3];
    const char *verbs; /* one hit per letter: c(reate) u(pdate) d(elete) */
    const char *want;  /* which rule answered: 0 1 2, or - */
} hits[] = {
    {"always", {"{'point':'api','action':{'delay':0}}"}, "cud", "000"},
    {"by verb", {"{'point':'api','match':{'verb':'create'},'action':{'delay':0}}"}, "cucd", "0-0-"},
    {"once", {"{'point':'api','times':1,'action':{'delay':0}}"}, "ccc", "0--"},
    {"the third create",
     {"{'point':'api','match':{'verb':'create'},'skip':2,'times':1,'action':{'delay':0}}"},
     "cucuccc",
     "----0--"},
    {"the first rule wins",
     {"{'point':'api','action':{'delay':0}}", "{'point':'api','action':{'delay':1}}"},
     "cc",
     "00"},
    {"the next one when it is used up",
     {"{'point':'api','times':2,'action':{'delay':0}}",
      "{'point':'api','times':1,'action':{'delay':1}}"},
     "cccc",
     "001-"},
    {"the third is the third whoever took the first",
     {"{'point':'api','times':1,'action':{'delay':0}}",
      "{'point':'api','skip':2,'times':1,'action':{'delay':1}}"},
     "cccc",
     "0-1-"},
    {"all attributes must fit",
     {"{'point':'api','match':{'verb':'create','kind':'Pod'},'action':{'delay':0}}",
      "{'point':'api','match':{'verb':'c*','ns':'d?f*'},'action':{'delay':1}}"},
     "cud",
     "1--"},
    {"empty asks for empty",
     {"{'point':'api','match':{'name':''},'action':{'delay':0}}",
      "{'point':'api','match':{'by':'','cluster':''},'action':{'delay':1}}"},
     "c",
     "1"},
    {"of another point", {"{'point':'watch','action':{'drop':true}}"}, "cc", "--"},
};

static char hit(struct faults *f, char letter)
{
    const struct fault_attr attrs[] = {
        {"verb", letter == 'c'   ? "create"
                 : letter == 'u' ? "update"
                                 : "delete"},
        {"kind", "VirtualMachine"},
        {"ns", "default"},
        {"name", "vm-1"},
        {"by", NULL},
    };
    const json_t *action = fault_hit(f, "api", attrs, ARRAY_LEN(attrs));
    return action ? (char)('0' + json_integer_value(json_object_get(action, "delay"))) : '-';
}

START_TEST(hitting)
{
    AUTO(faults) struct faults *f = faults_create();
    AUTO(strbuf) struct strbuf got = {0};

    for (size_t i = 0; i < 3 && hits[_i].rules[i]; i++)
        ck_assert_int_gt(add(f, hits[_i].rules[i], NULL), 0);
    for (const char *p = hits[_i].verbs; *p; p++)
        strbuf_addch(&got, hit(f, *p));
    ck_assert_msg(strcmp(strbuf_str(&got), hits[_i].want) == 0, "%s: got %s, want %s",
                  hits[_i].name, strbuf_str(&got), hits[_i].want);
}
END_TEST

START_TEST(names)
{
    AUTO(faults) struct faults *f = faults_create();
    struct err err = {0};
    const json_t *action;

    ck_assert_int_eq(add(f, "{'name':'a','point':'file','action':{'errno':'EIO'}}", NULL), 1);
    ck_assert_int_eq(add(f, "{'name':'a','point':'api','action':{'delay':1}}", &err), -1);
    ck_assert_str_eq(err.msg, "a fault named 'a' is in force already");
    err_clear(&err);
    action = fault_hit(f, "file", NULL, 0);
    ck_assert_ptr_nonnull(action);
    ck_assert_uint_eq(fault_fired(f, "a"), 1);
    ck_assert_uint_eq(fault_fired(f, "b"), 0);
    ck_assert(!fault_remove(f, "b"));
    ck_assert(fault_remove(f, "a"));
    ck_assert(!fault_remove(f, "a"));
    ck_assert_ptr_null(fault_hit(f, "file", NULL, 0));
    /* An action that somebody still holds outlives the rule; so does the count. */
    ck_assert_str_eq(json_string_value(json_object_get(action, "errno")), "EIO");
    ck_assert_uint_eq(fault_fired(f, "a"), 1);
    ck_assert_int_eq(add(f, "{'name':'a','point':'file','action':{'errno':'ENOSPC'}}", NULL), 2);
    ck_assert_uint_eq(fault_fired(f, "a"), 0);
    ck_assert_ptr_nonnull(fault_hit(f, "file", NULL, 0));
    ck_assert_uint_eq(fault_fired(f, "a"), 1);
}
END_TEST

START_TEST(copied)
{
    AUTO(faults) struct faults *f = faults_create();
    AUTO(json)
    json_t *rule = json_pack("{s:s, s:{s:s}, s:{s:i}}", "point", "api", "match", "verb", "create",
                             "action", "delay", 3);

    ck_assert_int_eq(fault_add(f, rule, NULL), 1);
    json_object_clear(json_object_get(rule, "match"));
    json_object_clear(json_object_get(rule, "action"));
    ck_assert_int_eq(hit(f, 'c'), '3');
    ck_assert_int_eq(hit(f, 'u'), '-');
}
END_TEST

int main(void)
{
    return SUITE_MAIN("fault", SUITE_LONG_CASE("fault", 60, EACH(validation, rules),
                                               EACH(hitting, hits), TEST(names), TEST(copied)));
}
