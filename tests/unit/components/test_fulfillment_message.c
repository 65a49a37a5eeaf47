#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/fulfillment-service/message.h"
#include "tests/unit/suite.h"

/* JSON with ' for ". */
static json_t *parse(const char *text)
{
    AUTO(str) char *quoted = mem_strdup(text);
    for (char *c = quoted; *c; c++)
        if (*c == '\'')
            *c = '"';
    return json_read(quoted, strlen(quoted), "test", NULL);
}

static const struct good_case {
    const char *name, *wire, *answer;
} good[] = {
    {"nothing", "{}", "{}"},
    {"zero values vanish",
     "{'id':'','metadata':{'name':'','version':0,'labels':{}},'status':{'online':false,'state':0}}",
     "{'metadata':{},'status':{}}"},
    {"null is nothing", "{'id':null,'metadata':{'labels':null,'finalizers':null}}",
     "{'metadata':{}}"},
    {"both spellings", "{'spec':{'computeInstance':'a'},'status':{'size_bytes':'5'}}",
     "{'spec':{'compute_instance':'a'},'status':{'size_bytes':'5'}}"},
    {"order is that of numbers", "{'status':{'online':true,'state':2},'id':'x'}",
     "{'id':'x','status':{'state':'COMPUTE_INSTANCE_SNAPSHOT_STATE_READY','online':true}}"},
    {"an empty text with presence stays", "{'spec':{'description':''}}",
     "{'spec':{'description':''}}"},
    {"int64 as number", "{'status':{'sizeBytes':9007199254740993}}",
     "{'status':{'size_bytes':'9007199254740993'}}"},
    {"int64 at its ends", "{'status':{'size_bytes':'-9223372036854775808'}}",
     "{'status':{'size_bytes':'-9223372036854775808'}}"},
    {"int64 0 with presence stays", "{'status':{'size_bytes':0}}", "{'status':{'size_bytes':'0'}}"},
    {"int32 written as 3e0", "{'metadata':{'version':3e0}}", "{'metadata':{'version':3}}"},
    {"int32 as text", "{'metadata':{'version':'-7'}}", "{'metadata':{'version':-7}}"},
    {"enum by number", "{'status':{'state':1}}",
     "{'status':{'state':'COMPUTE_INSTANCE_SNAPSHOT_STATE_CREATING'}}"},
    {"enum by a number that has no name", "{'status':{'state':99}}", "{'status':{'state':99}}"},
    {"enum 0 by name", "{'status':{'state':'COMPUTE_INSTANCE_SNAPSHOT_STATE_UNSPECIFIED'}}",
     "{'status':{}}"},
    {"time with an offset", "{'status':{'creation_time':'2026-01-01T01:00:00+01:00'}}",
     "{'status':{'creation_time':'2026-01-01T00:00:00Z'}}"},
    {"time with one digit", "{'status':{'creation_time':'2026-01-01T00:00:00.5Z'}}",
     "{'status':{'creation_time':'2026-01-01T00:00:00.500Z'}}"},
    {"time with seven digits", "{'status':{'creation_time':'2026-01-01T00:00:00.1234567Z'}}",
     "{'status':{'creation_time':'2026-01-01T00:00:00.123456700Z'}}"},
    {"time with fraction 0", "{'status':{'creation_time':'2026-01-01T00:00:00.000000Z'}}",
     "{'status':{'creation_time':'2026-01-01T00:00:00Z'}}"},
    {"the first and the last year",
     "{'metadata':{'creation_timestamp':'0001-01-01T00:00:00Z',"
     "'deletion_timestamp':'9999-12-31T23:59:59.999999999Z'}}",
     "{'metadata':{'creation_timestamp':'0001-01-01T00:00:00Z',"
     "'deletion_timestamp':'9999-12-31T23:59:59.999999999Z'}}"},
    {"keys of a map are sorted", "{'metadata':{'labels':{'b':'1','a':''}}}",
     "{'metadata':{'labels':{'a':'','b':'1'}}}"},
    {"conditions", "{'status':{'conditions':[{'type':1,'status':2,'lastTransitionTime':null},{}]}}",
     "{'status':{'conditions':[{'type':'COMPUTE_INSTANCE_SNAPSHOT_CONDITION_TYPE_READY',"
     "'status':'CONDITION_STATUS_FALSE'},{}]}}"},
};

START_TEST(reads_and_writes)
{
    const struct good_case *c = &good[_i];
    AUTO(err) struct err e = {0};
    AUTO(json) json_t *wire = parse(c->wire);
    AUTO(json) json_t *want = parse(c->answer);
    ck_assert_msg(wire && want, "%s", c->name);
    AUTO(json)
    json_t *object = message_decode(&message_snapshot_private, VERSION_NEWEST, wire, &e);
    ck_assert_msg(object != NULL, "%s: %s", c->name, e.msg);
    AUTO(json) json_t *answer = message_encode(&message_snapshot_private, VERSION_NEWEST, object);
    AUTO(str) char *is = json_text(answer);
    AUTO(str) char *should = json_text(want);
    ck_assert_msg(strcmp(is, should) == 0, "%s: %s", c->name, is);
    /* What was written is read as the same. */
    AUTO(json)
    json_t *again = message_decode(&message_snapshot_private, VERSION_NEWEST, answer, &e);
    ck_assert_msg(again && json_same(again, object), "%s", c->name);
}
END_TEST

static const struct bad_case {
    const char *name, *wire, *text;
} bad[] = {
    {"no object", "[]", "body: expected an object"},
    {"unknown field", "{'spec':{'compute_instanceid':'a'}}",
     "spec.compute_instanceid: unknown field"},
    {"a field of another message", "{'spec':{'template':'a'}}", "spec.template: unknown field"},
    {"spelt in capitals", "{'Spec':{}}", "Spec: unknown field"},
    {"both spellings at once", "{'spec':{'compute_instance':'a','computeInstance':'a'}}",
     "spec.compute_instance: stands twice, in both spellings"},
    {"both spellings, one null", "{'spec':{'computeInstance':null,'compute_instance':'a'}}",
     "spec.compute_instance: stands twice, in both spellings"},
    {"number for text", "{'id':5}", "id: expected text"},
    {"text for bool", "{'status':{'online':'true'}}", "status.online: expected true or false"},
    {"object for list", "{'metadata':{'finalizers':{}}}", "metadata.finalizers: expected a list"},
    {"list for map", "{'metadata':{'labels':[]}}", "metadata.labels: expected an object"},
    {"number in a map", "{'metadata':{'labels':{'a':1}}}", "metadata.labels[\"a\"]: expected text"},
    {"null in a list", "{'metadata':{'finalizers':['a',null]}}",
     "metadata.finalizers[1]: expected text"},
    {"a deep place", "{'status':{'conditions':[{},{'reason':1}]}}",
     "status.conditions[1].reason: expected text"},
    {"enum of no name", "{'status':{'state':'READY'}}", "status.state: no such value"},
    {"enum as bool", "{'status':{'state':true}}",
     "status.state: expected the name or number of a value"},
    {"enum beyond 32 bits", "{'status':{'state':2147483648}}",
     "status.state: expected the name or number of a value"},
    {"int32 beyond", "{'metadata':{'version':2147483648}}",
     "metadata.version: expected a whole number of 32 bits"},
    {"int32 with a fraction", "{'metadata':{'version':1.5}}",
     "metadata.version: expected a whole number of 32 bits"},
    {"int32 as a word", "{'metadata':{'version':'one'}}",
     "metadata.version: expected a whole number of 32 bits"},
    {"int32 as a text with a space", "{'metadata':{'version':' 1'}}",
     "metadata.version: expected a whole number of 32 bits"},
    {"int32 as a text that is no number", "{'metadata':{'version':'-'}}",
     "metadata.version: expected a whole number of 32 bits"},
    {"int64 beyond", "{'status':{'size_bytes':9223372036854775808}}",
     "status.size_bytes: expected a whole number of 64 bits"},
    {"int64 huge", "{'status':{'size_bytes':1e300}}",
     "status.size_bytes: expected a whole number of 64 bits"},
    {"time without zone", "{'status':{'creation_time':'2026-01-01T00:00:00'}}",
     "status.creation_time: expected a time such as \"2026-01-01T00:00:00Z\""},
    {"year 0", "{'status':{'creation_time':'0000-12-31T23:59:59Z'}}",
     "status.creation_time: expected a time such as \"2026-01-01T00:00:00Z\""},
    {"30 February", "{'status':{'creation_time':'2026-02-30T00:00:00Z'}}",
     "status.creation_time: expected a time such as \"2026-01-01T00:00:00Z\""},
    {"time as number", "{'status':{'creation_time':5}}",
     "status.creation_time: expected a time such as \"2026-01-01T00:00:00Z\""},
};

START_TEST(refuses)
{
    const struct bad_case *c = &bad[_i];
    AUTO(err) struct err e = {0};
    AUTO(json) json_t *wire = parse(c->wire);
    ck_assert_msg(wire != NULL, "%s", c->name);
    AUTO(json)
    json_t *object = message_decode(&message_snapshot_private, VERSION_NEWEST, wire, &e);
    ck_assert_msg(!object && strcmp(e.msg, c->text) == 0, "%s: %s", c->name, e.msg);
}
END_TEST

START_TEST(a_strangers_name_is_shortened)
{
    AUTO(err) struct err e = {0};
    AUTO(str) char *name = mem_alloc(100001);
    memset(name, 'a', 100000);
    name[100000] = '\0';
    AUTO(json) json_t *wire = json_object();
    json_object_set_new(wire, name, json_null());
    ck_assert_ptr_null(message_decode(&message_snapshot_public, VERSION_NEWEST, wire, &e));
    ck_assert_uint_lt(strlen(e.msg), 100);
}
END_TEST

/* A value of so many lists, one in another. */
static bool takes_depth(unsigned lists)
{
    AUTO(json) json_t *inner = json_integer(1);
    for (unsigned i = 0; i < lists; i++)
        inner = json_pack("[o]", inner);
    AUTO(json)
    json_t *wire = json_pack("{s:{s:{s:{s:s, s:O}}}}", "spec", "template_parameters", "a", "@type",
                             "t", "value", inner);
    AUTO(json)
    json_t *object = message_decode(&message_instance_public, VERSION_NEWEST, wire, NULL);
    return object != NULL;
}

START_TEST(parameters_are_not_too_deep)
{
    ck_assert(takes_depth(31));
    ck_assert(!takes_depth(32));
}
END_TEST

START_TEST(public_is_private_without_what_is_private)
{
    AUTO(json)
    json_t *object = parse("{'id':'x','metadata':{'name':'n','finalizers':['f']},"
                           "'status':{'hub':'h','internal_ip_address':'1.2.3.4'}}");
    AUTO(json) json_t *answer = message_encode(&message_instance_public, VERSION_NEWEST, object);
    AUTO(str) char *text = json_text(answer);
    ck_assert_str_eq(text, "{\"id\":\"x\",\"metadata\":{\"name\":\"n\"},"
                           "\"status\":{\"internal_ip_address\":\"1.2.3.4\"}}");
}
END_TEST

/* What another version stored, or nobody did, never fails. */
static const struct good_case stored[] = {
    {"an enum's name of tomorrow",
     "{'status':{'state':'COMPUTE_INSTANCE_STATE_DREAMING','hub':'h'}}", "{'status':{'hub':'h'}}"},
    {"fields of tomorrow", "{'spec':{'template':'t','dreams':[1]},'x':1}",
     "{'spec':{'template':'t'}}"},
    {"null for an enum", "{'status':{'state':null}}", "{'status':{}}"},
    {"other types", "{'id':1,'spec':{'template':[],'boot_disk':5,'additional_disks':{}}}",
     "{'spec':{}}"},
    {"restores", "{'spec':{'restore_from_snapshot':'s'}}",
     "{'spec':{'restore_from_snapshot':'s'}}"},
};

START_TEST(encode_is_total)
{
    const struct good_case *c = &stored[_i];
    AUTO(json) json_t *object = parse(c->wire);
    AUTO(json) json_t *answer = message_encode(&message_instance_private, VERSION_NEWEST, object);
    AUTO(json) json_t *want = parse(c->answer);
    AUTO(str) char *is = json_text(answer);
    ck_assert_msg(json_same(answer, want), "%s: %s", c->name, is);
}
END_TEST

START_TEST(an_older_version_knows_less)
{
    AUTO(err) struct err e = {0};
    AUTO(json)
    json_t *object =
        parse("{'spec':{'template':'t','restore_from_snapshot':'s'},'status':{'conditions':["
              "{'type':'COMPUTE_INSTANCE_CONDITION_TYPE_RESTORE_FAILED'}]}}");
    AUTO(json) json_t *answer = message_encode(&message_instance_private, VERSION_1_0, object);
    AUTO(json) json_t *want = parse("{'spec':{'template':'t'},'status':{'conditions':[{}]}}");
    ck_assert(json_same(answer, want));
    ck_assert_ptr_null(message_decode(&message_instance_private, VERSION_1_0, object, &e));
    ck_assert_str_eq(e.msg, "spec.restore_from_snapshot: unknown field");
}
END_TEST

static const struct rule_case {
    const char *name, *object, *text; /* text NULL: valid */
} rules[] = {
    {"no name", "{'metadata':{}}", NULL},
    {"a name", "{'metadata':{'name':'a-1'}}", NULL},
    {"capitals", "{'metadata':{'name':'Bad_Name'}}",
     "validation failed: metadata.name: value does not match regex pattern "
     "`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)?$`"},
    {"a hyphen first", "{'metadata':{'name':'-a'}}",
     "validation failed: metadata.name: value does not match regex pattern "
     "`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)?$`"},
    {"an empty key", "{'metadata':{'annotations':{'':'x'}}}",
     "validation failed: metadata.annotations: key length must be 1 to 316 characters"},
};

START_TEST(checks_rules)
{
    const struct rule_case *c = &rules[_i];
    AUTO(err) struct err e = {0};
    AUTO(json) json_t *object = parse(c->object);
    int r = message_check(&message_snapshot_public, object, &e);
    ck_assert_msg((r == 0) == !c->text, "%s", c->name);
    ck_assert_msg(!c->text || strcmp(e.msg, c->text) == 0, "%s: %s", c->name, e.msg);
}
END_TEST

/* A path of the object filled with so many characters of four bytes each. */
static int check_length(const char *path, unsigned count, bool ascii)
{
    AUTO(strbuf) struct strbuf text = {0};
    for (unsigned i = 0; i < count; i++)
        strbuf_addstr(&text, ascii ? "a" : "\xf0\x9f\x98\x80");
    AUTO(json) json_t *object = json_object();
    json_put_str(object, path, strbuf_str(&text));
    return message_check(&message_snapshot_public, object, NULL);
}

START_TEST(lengths_count_characters)
{
    ck_assert_int_eq(check_length("spec.description", 256, false), 0);
    ck_assert_int_eq(check_length("spec.description", 257, false), -1);
    ck_assert_int_eq(check_length("metadata.name", 63, true), 0);
    ck_assert_int_eq(check_length("metadata.name", 64, true), -1);
    ck_assert_int_eq(check_length("metadata.labels.a", 63, false), 0);
    ck_assert_int_eq(check_length("metadata.labels.a", 64, false), -1);
}
END_TEST

static const struct mask_case {
    const char *name, *mask, *from, *to, *want; /* want NULL: refused */
} masks[] = {
    {"a leaf", "spec.description", "{'spec':{'description':'b','compute_instance':'x'}}",
     "{'spec':{'description':'a'}}", "{'spec':{'description':'b'}}"},
    {"a leaf that is absent is cleared", "spec.description", "{}", "{'spec':{'description':'a'}}",
     "{'spec':{}}"},
    {"in camel case", "status.sizeBytes", "{'status':{'size_bytes':'1'}}", "{}",
     "{'status':{'size_bytes':'1'}}"},
    {"a whole message", "spec", "{'spec':{'description':'b'}}", "{'spec':{'compute_instance':'x'}}",
     "{'spec':{'description':'b'}}"},
    {"a message that is absent is cleared", "spec", "{}",
     "{'id':'a','spec':{'compute_instance':'x'}}", "{'id':'a'}"},
    {"an empty message is there", "spec", "{'spec':{}}", "{}", "{'spec':{}}"},
    {"what the message does not know stays", "spec", "{}",
     "{'spec':{'compute_instance':'x','of_tomorrow':1}}", "{'spec':{'of_tomorrow':1}}"},
    {"none", "", "{'id':'b'}", "{'id':'a'}", "{'id':'a'}"},
    {"two", "id,metadata.name", "{'id':'b','metadata':{'name':'n'}}", "{}",
     "{'id':'b','metadata':{'name':'n'}}"},
    {"unknown", "id,spec.nothing", "{'id':'b'}", "{}", NULL},
    {"an empty path", "id,,metadata", "{}", "{}", NULL},
    {"below a leaf", "spec.description.x", "{}", "{}", NULL},
    {"below a list", "status.conditions.type", "{}", "{}", NULL},
    {"below a map", "metadata.labels.a", "{}", "{}", NULL},
    {"ends in a dot", "spec.", "{}", "{}", NULL},
};

START_TEST(masks_copy_and_clear)
{
    const struct mask_case *c = &masks[_i];
    AUTO(err) struct err e = {0};
    AUTO(json) json_t *paths = mask_parse(c->mask);
    AUTO(json) json_t *from = parse(c->from);
    AUTO(json) json_t *to = parse(c->to);
    AUTO(json) json_t *want = parse(c->want ? c->want : c->to);
    int r = mask_apply(&message_snapshot_private, VERSION_NEWEST, paths, from, to, &e);
    ck_assert_msg((r == 0) == (c->want != NULL), "%s", c->name);
    ck_assert_msg(json_same(to, want), "%s", c->name);
}
END_TEST

START_TEST(a_body_names_its_fields)
{
    AUTO(json)
    json_t *wire = parse("{'spec':{'runStrategy':null},'metadata':{'labels':{'a':'b'},'name':'n'},"
                         "'status':{}}");
    AUTO(json) json_t *paths = mask_of_body(&message_instance_public, VERSION_NEWEST, wire);
    AUTO(str) char *text = json_text(paths);
    ck_assert_str_eq(text, "[\"spec.run_strategy\",\"metadata.labels\",\"metadata.name\"]");
}
END_TEST

static const struct message *const all[] = {&message_instance_public,
                                            &message_instance_private,
                                            &message_snapshot_public,
                                            &message_snapshot_private,
                                            &message_hub,
                                            &message_event_public,
                                            &message_event_private};

static void check_numbers(const struct message *m)
{
    ck_assert_uint_le(m->count, 64); /* message_decode() has a bit for each */
    for (size_t i = 0; i < m->count; i++) {
        const struct field *f = &m->fields[i];
        ck_assert_msg(i == 0 || m->fields[i - 1].number < f->number, "%s.%s", m->name, f->name);
        for (const unsigned *r = m->reserved; r && *r; r++)
            ck_assert_msg(*r != f->number, "%s.%s", m->name, f->name);
        ck_assert_msg((f->type == FIELD_MESSAGE) == (f->message != NULL), "%s.%s", m->name,
                      f->name);
        ck_assert_msg((f->type == FIELD_ENUM) == (f->values != NULL), "%s.%s", m->name, f->name);
        if (f->message)
            check_numbers(f->message);
    }
}

START_TEST(numbers_are_used_once)
{
    check_numbers(all[_i]);
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN(
        "fulfillment.message",
        SUITE_CASE("message", EACH(reads_and_writes, good), EACH(refuses, bad),
                   TEST(a_strangers_name_is_shortened), TEST(parameters_are_not_too_deep),
                   TEST(public_is_private_without_what_is_private), EACH(encode_is_total, stored),
                   TEST(an_older_version_knows_less), EACH(checks_rules, rules),
                   TEST(lengths_count_characters), EACH(masks_copy_and_clear, masks),
                   TEST(a_body_names_its_fields), EACH(numbers_are_used_once, all)));
}
