/* Structural schemas through a widget's spec: pruning, defaults, verdicts, rules. */
#include "tests/unit/sim/kit.h"
#include "tests/unit/suite.h"

#include "sim/apiserver/schema.h"

#define OBJ(props) "{'type':'object','properties':{" props "}}"

static const struct schema_case {
    const char *name, *schema, *spec;
    const char *result;  /* spec as stored, or NULL: refused */
    const char *message; /* of the refusal, behind "is invalid: " */
} cases[] = {
    {"unknown goes", OBJ("'a':{'type':'integer'}"), "{'a':1,'b':2}", "{'a':1}", NULL},
    {"unknown stays where asked",
     "{'type':'object','x-kubernetes-preserve-unknown-fields':true,'properties':{'a':" OBJ(
         "'x':{'type':'string'}") "}}",
     "{'b':{'c':1},'a':{'x':'1','y':2}}", "{'b':{'c':1},'a':{'x':'1'}}", NULL},
    {"additional properties",
     "{'type':'object','additionalProperties':" OBJ("'x':{'type':'integer'}") "}",
     "{'k':{'x':1,'y':1}}", "{'k':{'x':1}}", NULL},
    {"defaults",
     OBJ("'a':{'type':'integer','default':5},'b':{'type':'object','default':{},'properties':{'c':{'"
         "type':'string','default':'x'}}},'d':" OBJ("'e':{'type':'integer','default':1}")),
     "{}", "{'a':5,'b':{'c':'x'}}", NULL},
    {"null gives way to a default",
     OBJ("'a':{'type':'integer','default':5},'b':{'type':'integer'},'c':{'type':'integer','"
         "nullable':true,'default':1}"),
     "{'a':null,'b':null,'c':null}", "{'a':5,'c':null}", NULL},
    {"wrong type", OBJ("'a':{'type':'integer'}"), "{'a':'1'}", NULL,
     "spec.a: Invalid value: \"string\": spec.a in body must be of type integer: \"string\""},
    {"integral real", OBJ("'a':{'type':'integer'}"), "{'a':2.0}", "{'a':2.0}", NULL},
    {"fraction is no integer", OBJ("'a':{'type':'integer'}"), "{'a':2.5}", NULL,
     "spec.a: Invalid value: \"number\": spec.a in body must be of type integer: \"number\""},
    {"required", "{'type':'object','required':['a'],'properties':{'a':{'type':'integer'}}}", "{}",
     NULL, "spec.a: Required value"},
    {"enum", OBJ("'a':{'type':'string','enum':['x','y']}"), "{'a':'z'}", NULL,
     "spec.a: Unsupported value: \"z\": supported values: \"x\", \"y\""},
    {"minimum", OBJ("'a':{'type':'integer','minimum':1}"), "{'a':0}", NULL,
     "spec.a: Invalid value: 0: spec.a in body should be greater than or equal to 1"},
    {"exclusive maximum", OBJ("'a':{'type':'integer','maximum':5,'exclusiveMaximum':true}"),
     "{'a':5}", NULL, "spec.a: Invalid value: 5: spec.a in body should be less than 5"},
    {"multiple", OBJ("'a':{'type':'integer','multipleOf':3}"), "{'a':4}", NULL,
     "spec.a: Invalid value: 4: spec.a in body should be a multiple of 3"},
    {"length counts characters", OBJ("'a':{'type':'string','maxLength':3}"), "{'a':'äöü'}",
     "{'a':'äöü'}", NULL},
    {"too long", OBJ("'a':{'type':'string','maxLength':3}"), "{'a':'abcd'}", NULL,
     "spec.a: Too long: may not be more than 3 bytes"},
    {"too short", OBJ("'a':{'type':'string','minLength':2}"), "{'a':'a'}", NULL,
     "spec.a: Invalid value: \"a\": spec.a in body should be at least 2 chars long"},
    {"pattern", OBJ("'a':{'type':'string','pattern':'^a+$'}"), "{'a':'b'}", NULL,
     "spec.a: Invalid value: \"b\": spec.a in body should match '^a+$'"},
    {"pattern is not anchored", OBJ("'a':{'type':'string','pattern':'b'}"), "{'a':'abc'}",
     "{'a':'abc'}", NULL},
    {"too many items", OBJ("'a':{'type':'array','maxItems':1,'items':{'type':'integer'}}"),
     "{'a':[1,2]}", NULL, "spec.a: Too many: 2: must have at most 1 items"},
    {"too few properties",
     "{'type':'object','minProperties':1,'additionalProperties':{'type':'string'}}", "{}", NULL,
     "spec: Invalid value: 0: spec in body should have at least 1 properties"},
    {"date-time", OBJ("'a':{'type':'string','format':'date-time'}"), "{'a':'yesterday'}", NULL,
     "spec.a: Invalid value: \"yesterday\": spec.a in body must be of type date-time: "
     "\"yesterday\""},
    {"unknown format", OBJ("'a':{'type':'string','format':'haiku'}"), "{'a':'x'}", "{'a':'x'}",
     NULL},
    {"int-or-string",
     OBJ("'a':{'x-kubernetes-int-or-string':true},'b':{'anyOf':[{'type':'integer'},{'type':'string'"
         "}],'x-kubernetes-int-or-string':true}"),
     "{'a':'5%%','b':3}", "{'a':'5%','b':3}", NULL},
    {"int-or-string is no list", OBJ("'a':{'x-kubernetes-int-or-string':true}"), "{'a':[]}", NULL,
     "spec.a: Invalid value: \"array\": spec.a in body must be of type integer,string: \"array\""},
    {"set", OBJ("'a':{'type':'array','x-kubernetes-list-type':'set','items':{'type':'string'}}"),
     "{'a':['x','y','x']}", NULL, "spec.a[2]: Duplicate value: \"x\""},
    {"map",
     OBJ("'a':{'type':'array','x-kubernetes-list-type':'map','x-kubernetes-list-map-keys':['n'],'"
         "items':{'type':'object','required':['n'],'properties':{'n':{'type':'string'},'v':{'type':"
         "'"
         "integer'}}}}"),
     "{'a':[{'n':'x','v':1},{'n':'x','v':2}]}", NULL, "spec.a[1]: Duplicate value: {\"n\":\"x\"}"},
    {"one of",
     "{'type':'object','properties':{'a':{'type':'integer'},'b':{'type':'integer'}},'oneOf':[{'"
     "required':['a']},{'required':['b']}]}",
     "{}", NULL,
     "[<nil>: Invalid value: \"\": \"spec\" must validate one and only one schema (oneOf). Found "
     "none valid, spec.a: Required value]"},
    {"one of holds",
     "{'type':'object','properties':{'a':{'type':'integer'},'b':{'type':'integer'}},'oneOf':[{'"
     "required':['a']},{'required':['b']}]}",
     "{'b':1}", "{'b':1}", NULL},
    {"any of", OBJ("'a':{'type':'integer','anyOf':[{'minimum':10},{'maximum':2}]}"), "{'a':5}",
     NULL,
     "[<nil>: Invalid value: \"\": \"spec.a\" must validate at least one schema (anyOf), spec.a: "
     "Invalid value: 5: spec.a in body should be greater than or equal to 10]"},
    {"not", OBJ("'a':{'type':'string','not':{'enum':['x']}}"), "{'a':'x'}", NULL,
     "<nil>: Invalid value: \"\": \"spec.a\" must not validate the schema (not)"},
    {"items", OBJ("'a':{'type':'array','items':" OBJ("'n':{'type':'string'}") "}"),
     "{'a':[{'n':'x','m':1},{'n':5}]}", NULL,
     "spec.a[1].n: Invalid value: \"integer\": spec.a[1].n in body must be of type string: "
     "\"integer\""},
    {"map key in the path", "{'type':'object','additionalProperties':{'type':'string'}}", "{'k':1}",
     NULL,
     "spec.k: Invalid value: \"integer\": spec.k in body must be of type string: \"integer\""},
    {"embedded resource",
     OBJ("'o':{'type':'object','x-kubernetes-embedded-resource':true,'x-kubernetes-preserve-"
         "unknown-fields':true}"),
     "{'o':{'kind':'A'}}", NULL, "spec.o.apiVersion: Required value: must not be empty"},
    {"rule",
     "{'type':'object','properties':{'a':{'type':'integer'},'b':{'type':'integer'}},'x-kubernetes-"
     "validations':[{'rule':'self.a <= self.b','message':'a above b'}]}",
     "{'a':3,'b':2}", NULL, "spec: Invalid value: \"object\": a above b"},
    {"rule holds",
     "{'type':'object','properties':{'a':{'type':'integer'},'b':{'type':'integer'}},'x-kubernetes-"
     "validations':[{'rule':'self.a <= self.b'}]}",
     "{'a':1,'b':2}", "{'a':1,'b':2}", NULL},
    {"rule's own text",
     OBJ("'a':{'type':'integer','x-kubernetes-validations':[{'rule':'self > 3'}]}"), "{'a':3}",
     NULL, "spec.a: Invalid value: \"integer\": failed rule: self > 3"},
    {"message expression",
     OBJ("'a':{'type':'integer','x-kubernetes-validations':[{'rule':'self > "
         "3','messageExpression':'\\'got \\' + string(self)','message':'m'}]}"),
     "{'a':3}", NULL, "spec.a: Invalid value: \"integer\": got 3"},
    {"field path and reason",
     "{'type':'object','properties':{'a':{'type':'integer'}},'x-kubernetes-validations':[{'rule':'"
     "has(self.a)','fieldPath':'.a','reason':'FieldValueRequired','message':'give a'}]}",
     "{}", NULL, "spec.a: Required value: give a"},
    {"transition rule skips create",
     OBJ("'a':{'type':'integer','x-kubernetes-validations':[{'rule':'self == oldSelf'}]}"),
     "{'a':3}", "{'a':3}", NULL},
    {"rules wait for valid values",
     "{'type':'object','required':['a'],'properties':{'a':{'type':'integer'}},'x-kubernetes-"
     "validations':[{'rule':'self.a > 0'}]}",
     "{}", NULL,
     "[spec.a: Required value, <nil>: Invalid value: \"null\": some validation rules were not "
     "checked "
     "because the object was invalid; correct the existing errors to complete validation]"},
};

START_TEST(verdict)
{
    const struct schema_case *c = &cases[_i];
    AUTO(kit) struct kit k = kit_create();
    /* Escaped quotes of rules survive the single-quote notation. */
    AUTO(str) char *schema = mem_strdup(c->schema);
    kit_add_crd(&k, widget_crd(schema));
    AUTO(json) json_t *body = js("{'metadata':{'name':'a'}}");
    AUTO(str) char *spec_text = mem_strdup(c->spec);
    json_object_set_new(body, "spec",
                        js("%s", strstr(spec_text, "%%") ? "{'a':'5%','b':3}" : spec_text));
    struct api_request req = kit_req(API_CREATE, "widgets", "default", NULL, body);
    struct api_response ret = {0};
    apiserver_handle(k.server, &req, &ret);
    AUTO(str) char *text = json_text(ret.body);
    if (c->result) {
        ck_assert_msg(ret.code == 201, "%s: %s", c->name, text);
        AUTO(json) json_t *want = js("%s", c->result);
        ck_assert_msg(json_same(json_object_get(ret.body, "spec"), want), "%s: %s", c->name, text);
    } else {
        AUTO(str) char *want = mem_printf("Widget.example.com \"a\" is invalid: %s", c->message);
        ck_assert_msg(ret.code == 422, "%s: %s", c->name, text);
        ck_assert_msg(strcmp(api_message(&ret), want) == 0, "%s: %s", c->name, api_message(&ret));
    }
    api_response_finish(&ret);
}
END_TEST

static const struct update_case {
    const char *name, *schema, *before, *after;
    int code;
} updates[] = {
    {"transition rule refuses",
     OBJ("'a':{'type':'integer','x-kubernetes-validations':[{'rule':'self >= oldSelf'}]}"),
     "{'a':3}", "{'a':2}", 422},
    {"transition rule admits",
     OBJ("'a':{'type':'integer','x-kubernetes-validations':[{'rule':'self >= oldSelf'}]}"),
     "{'a':3}", "{'a':4}", 200},
    {"new value has no old self",
     OBJ("'a':{'type':'integer','x-kubernetes-validations':[{'rule':'self == oldSelf'}]}"), "{}",
     "{'a':4}", 200},
    {"map items correlate",
     OBJ("'l':{'type':'array','x-kubernetes-list-type':'map','x-kubernetes-list-map-keys':['n'],'"
         "items':{'type':'object','required':['n'],'properties':{'n':{'type':'string'},'v':{'type':"
         "'"
         "integer'}},'x-kubernetes-validations':[{'rule':'self.v >= oldSelf.v'}]}}"),
     "{'l':[{'n':'a','v':1},{'n':'b','v':5}]}", "{'l':[{'n':'b','v':4},{'n':'a','v':1}]}", 422},
    {"atomic lists do not",
     OBJ("'l':{'type':'array','items':{'type':'object','properties':{'v':{'type':'integer'}},'x-"
         "kubernetes-validations':[{'rule':'self.v >= oldSelf.v'}]}}"),
     "{'l':[{'v':5}]}", "{'l':[{'v':1}]}", 200},
    {"optional old self",
     OBJ("'a':{'type':'integer','x-kubernetes-validations':[{'rule':'oldSelf.orValue(0) < "
         "self','optionalOldSelf':true}]}"),
     "{'a':3}", "{'a':2}", 422},
};

START_TEST(update)
{
    const struct update_case *c = &updates[_i];
    AUTO(kit) struct kit k = kit_create();
    kit_add_crd(&k, widget_crd(c->schema));
    AUTO(json)
    json_t *a = kit_make(&k, "widgets", js("{'metadata':{'name':'a'},'spec':%s}", c->before));
    AUTO(json) json_t *next = json_copy_of(a);
    json_object_set_new(next, "spec", js("%s", c->after));
    struct api_request req = kit_req(API_UPDATE, "widgets", "default", "a", next);
    struct api_response ret = {0};
    apiserver_handle(k.server, &req, &ret);
    ck_assert_msg(ret.code == c->code, "%s: %d %s", c->name, ret.code, api_message(&ret));
    api_response_finish(&ret);
}
END_TEST

START_TEST(what_was_bad_may_stay)
{
    AUTO(kit) struct kit k = kit_create();
    kit_add_crd(&k, widget_crd(OBJ("'a':{'type':'integer'},'b':{'type':'integer'}")));
    json_decref(kit_make(&k, "widgets", js("{'metadata':{'name':'a'},'spec':{'a':1,'b':1}}")));
    kit_add_crd(&k, widget_crd(OBJ("'a':{'type':'integer','minimum':5},'b':{'type':'integer'}")));
    json_decref(kit_do(&k, API_PATCH, "widgets", "default", "a", js("{'spec':{'b':2}}"), 200));
    json_decref(kit_do(&k, API_PATCH, "widgets", "default", "a", js("{'spec':{'a':2}}"), 422));
    json_decref(kit_do(&k, API_PATCH, "widgets", "default", "a", js("{'spec':{'a':6}}"), 200));
}
END_TEST

START_TEST(many_errors_below_a_long_key)
{
    AUTO(kit) struct kit k = kit_create();
    kit_add_crd(&k, widget_crd("{'type':'object','additionalProperties':{'type':'object',"
                               "'additionalProperties':{'type':'integer'}}}"));
    AUTO(json) json_t *body = js("{'metadata':{'name':'a'},'spec':{}}");
    json_t *wrong = json_object();
    for (size_t i = 0; i < 1000; i++) {
        AUTO(str) char *key = mem_printf("k%zu", i);
        json_object_set_new(wrong, key, json_string(""));
    }
    AUTO(str) char *name = mem_zalloc(100001);
    memset(name, 'n', 100000);
    json_object_set_new(json_object_get(body, "spec"), name, wrong);
    AUTO(json)
    json_t *refused = kit_do(&k, API_CREATE, "widgets", "default", NULL, json_incref(body), 422);
    const json_t *causes = json_path(refused, "details.causes");
    ck_assert_uint_eq(json_array_size(causes), 100);
    const char *field = json_str_or_empty(json_array_get(causes, 0), "field");
    ck_assert_uint_eq(strlen(field), 1024 + 3);
    ck_assert_str_eq(field + 1024, "...");
    AUTO(str) char *text = json_text(refused);
    ck_assert_uint_lt(strlen(text), 1000000);
}
END_TEST

/* Every item is wrong, the last one alone is new: what holds them is compared once, not for each,
 * which would take minutes. */
START_TEST(many_errors_in_a_changed_list)
{
    AUTO(kit) struct kit k = kit_create();
    kit_add_crd(&k, widget_crd(OBJ("'a':{'type':'array','items':{'type':'string'}}")));
    AUTO(json) json_t *body = js("{'metadata':{'name':'a'},'spec':{'a':[]}}");
    json_t *list = json_at_mut(body, "spec", "a", NULL);
    for (size_t i = 0; i < 100000; i++)
        json_array_append_new(list, json_string("x"));
    json_decref(kit_make(&k, "widgets", json_incref(body)));
    kit_add_crd(&k, widget_crd(OBJ("'a':{'type':'array','items':{'type':'integer'}}")));
    json_array_set_new(list, 99999, json_string("y"));
    AUTO(json)
    json_t *refused = kit_do(&k, API_PATCH, "widgets", "default", "a", json_incref(body), 422);
    ck_assert_uint_eq(json_array_size(json_path(refused, "details.causes")), 100);
}
END_TEST

/* ---- schemas that are compiled when they are needed first ---- */

static void tell_path(void *cookie, const char *path)
{
    strbuf_addf(cookie, "%s;", path);
}

enum first_use {
    USE_NORMALISE,
    USE_UNKNOWN,
    USE_VALIDATE,
    USE_VALIDATE_STATUS,
    USE_TYPED,
    USE_PREPARE,
    USE_COUNT
};

/* What comes of one use, as a text. */
static void use_schema(const struct schema *s, enum first_use use, struct strbuf *out)
{
    AUTO(json) json_t *object = js("{'spec':{'b':1,'x':1},'status':{'c':'no','x':1}}");
    struct field_errors errors = {0};

    switch (use) {
    case USE_NORMALISE:
        schema_normalise(s, object);
        json_write_sorted(out, object, JSON_TIGHT);
        break;
    case USE_UNKNOWN:
        schema_unknown(s, object, tell_path, out);
        break;
    case USE_VALIDATE:
        schema_validate(s, object, NULL, NULL, &errors);
        break;
    case USE_VALIDATE_STATUS:
        schema_validate_status(s, object, NULL, NULL, &errors);
        break;
    case USE_TYPED:
        strbuf_addf(out, "%d", typed_info_of(schema_typed(s)).shape);
        break;
    case USE_PREPARE:
        schema_prepare(s);
        schema_normalise(s, object);
        json_write_sorted(out, object, JSON_TIGHT);
        break;
    case USE_COUNT:
        break;
    }
    if (errors.causes)
        json_write_sorted(out, errors.causes, JSON_TIGHT);
    field_errors_finish(&errors);
}

START_TEST(compiled_when_needed)
{
    AUTO(json)
    json_t *source =
        js(OBJ("'spec':" OBJ("'a':{'type':'integer','default':5},"
                             "'b':{'type':'string'}") ",'status':" OBJ("'c':{'type':'integer'}")));
    struct field_errors errors = {0};
    AUTO(schema) struct schema *now = schema_compile(source, "s", true, &errors);
    AUTO(schema) struct schema *later = schema_compile_later(source, true);
    AUTO(strbuf) struct strbuf want = {0};
    AUTO(strbuf) struct strbuf got = {0};

    ck_assert_ptr_nonnull(now);
    use_schema(now, (enum first_use)_i, &want);
    for (int turn = 0; turn < 2; turn++) {
        strbuf_reset(&got);
        use_schema(later, (enum first_use)_i, &got);
        ck_assert_str_eq(strbuf_str(&got), strbuf_str(&want));
    }
    ck_assert_uint_gt(want.len, 0);
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN("sim.schema",
                      SUITE_LONG_CASE("schema", 60, EACH(verdict, cases), EACH(update, updates),
                                      TEST(what_was_bad_may_stay),
                                      TEST(many_errors_below_a_long_key),
                                      TEST(many_errors_in_a_changed_list),
                                      RANGE(compiled_when_needed, 0, USE_COUNT)));
}
