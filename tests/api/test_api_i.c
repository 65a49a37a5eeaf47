/* I. Definitions and their schemas. */
#include "tests/api/harness.h"

#define DIALS EXAMPLES "dials"
#define DIAL_CRD CRDS "/dials.example.com"
#define ANYTHING "{'type':'object','x-kubernetes-preserve-unknown-fields':true}"

/* A definition whose parts can be chosen. */
static const char *crd(const char *name, const char *plural, const char *kind, const char *versions)
{
    return text("{'apiVersion':'apiextensions.k8s.io/v1','kind':'CustomResourceDefinition',"
                "'metadata':{'name':'%s'},'spec':{'group':'example.com','scope':'Namespaced',"
                "'names':{'plural':'%s','kind':'%s'},'versions':%s}}",
                name, plural, kind, versions);
}

static const char *version(const char *name, bool storage, const char *schema, const char *more)
{
    return text("{'name':'%s','served':true,'storage':%s,'schema':{'openAPIV3Schema':%s}%s}", name,
                storage ? "true" : "false", schema, more);
}

static const char *one_version(const char *schema)
{
    return text("[%s]", version("v1", true, schema, ",'subresources':{'status':{}}"));
}

/* dials.example.com/v1 with a status; spec has these properties. */
static void define_dials(const char *properties)
{
    want_code(post(CRDS, "%s",
                   crd("dials.example.com", "dials", "Dial",
                       one_version(text("{'type':'object','properties':{'spec':{'type':'object',"
                                        "'properties':%s},'status':{'type':'object','properties':{"
                                        "'n':{'type':'integer'}}}}}",
                                        properties)))),
              201);
    settle();
}

static const struct answer *create_dial(const char *spec)
{
    return post(DIALS,
                "{'apiVersion':'example.com/v1','kind':'Dial','metadata':{'name':'a'},'spec':%s}",
                spec);
}

static void want_dial(const char *spec, const char *stored)
{
    const struct answer *a = create_dial(spec);

    want_code(a, 201);
    want_json(a, "spec", stored);
    want_json(get(DIALS "/a"), "spec", stored);
    want_code(del(DIALS "/a"), 200);
}

/* 422 with this one cause. */
static void want_refused(const char *spec, const char *reason, const char *field,
                         const char *message)
{
    const struct answer *a = create_dial(spec);

    want_code(a, 422);
    want_str(a, "reason", "Invalid");
    want_str(a, "details.kind", "Dial");
    want_cause(a, reason, field, message);
    want_code(get(DIALS "/a"), 404);
}

static void i01(void)
{
    const struct answer *a = post(
        CRDS, "%s", crd("gauges.example.com", "dials", "Dial", one_version("{'type':'object'}")));

    want_status(a, 422, "Invalid",
                "CustomResourceDefinition.apiextensions.k8s.io 'gauges.example.com' is invalid: "
                "metadata.name: Invalid value: 'gauges.example.com': must be spec.names.plural+'.'"
                "+spec.group");
    want_cause(a, "FieldValueInvalid", "metadata.name", NULL);
    want_code(get(CRDS "/gauges.example.com"), 404);
}

static void i02(void)
{
    struct watch *w = watch_open(CRDS "?watch=true&resourceVersion=%" PRId64, rv(get(CRDS)));
    const struct answer *a;

    define_dials("{}");
    a = want_event(w, "ADDED", "dials.example.com");
    want(!condition(a, "NamesAccepted"), "a condition at once");
    a = want_event(w, "MODIFIED", "dials.example.com");
    want_condition(a, "NamesAccepted", "True", "NoConflicts", "no conflicts found");
    want_condition(a, "Established", "False", "Installing", "the initial names have been accepted");
    a = want_event(w, "MODIFIED", "dials.example.com");
    want_condition(a, "Established", "True", "InitialNamesAccepted",
                   "the initial names have been accepted");
    want_silence(w);
    a = get(DIAL_CRD);
    want_json(a, "status.acceptedNames",
              "{'plural':'dials','singular':'dial','kind':'Dial','listKind':'DialList'}");
    want_json(a, "status.storedVersions", "['v1']");
    want_str(a, "spec.names.singular", "dial");
    want_str(a, "spec.names.listKind", "DialList");
    want_str(a, "spec.conversion.strategy", "None");
    want_code(get(DIALS), 200);
}

static void i03(void)
{
    const struct answer *a;

    define_dials("{}");
    /* the last of several conflicts would be told: singular and listKind are its own */
    want_code(post(CRDS,
                   "{'apiVersion':'apiextensions.k8s.io/v1','kind':'CustomResourceDefinition',"
                   "'metadata':{'name':'gauges.example.com'},'spec':{'group':'example.com','scope':"
                   "'Namespaced','names':{'plural':'gauges','singular':'gauge','kind':'Dial',"
                   "'listKind':'GaugeList'},'versions':%s}}",
                   one_version("{'type':'object'}")),
              201);
    settle();
    a = get(CRDS "/gauges.example.com");
    want_condition(a, "NamesAccepted", "False", "KindConflict", "\"Dial\" is already in use");
    want_condition(a, "Established", "False", "NotAccepted", "not all names are accepted");
    want_code(get(EXAMPLES "gauges"), 404);
    want_code(get(DIALS), 200);
    /* the name becomes free */
    want_code(del(DIAL_CRD), 200);
    advance_ms(60000);
    want_condition(get(CRDS "/gauges.example.com"), "NamesAccepted", "True", "NoConflicts",
                   "no conflicts found");
    want_code(get(EXAMPLES "gauges"), 200);
}

static const struct answer *post_versions(const char *versions)
{
    return post(CRDS, "%s", crd("dials.example.com", "dials", "Dial", versions));
}

static void i04(void)
{
    const struct answer *a = post_versions("[{'name':'v1','served':true,'storage':true}]");

    want_code(a, 422);
    want_cause(a, "FieldValueRequired", "spec.versions[0].schema.openAPIV3Schema", NULL);
    /* one schema for all versions is looked at where v1beta1 had it */
    a = post_versions(one_version("{'type':'object','properties':{'spec':{'properties':{'a':{"
                                  "'type':'string'}}}}}"));
    want_code(a, 422);
    want_cause(a, "FieldValueRequired", "spec.validation.openAPIV3Schema.properties[spec].type",
               NULL);
    a = post_versions(one_version("{'type':'object','properties':{'a':{'type':'string','oneOf':[{"
                                  "'type':'string'}]}}}"));
    want_code(a, 422);
    want_cause(a, "FieldValueForbidden",
               "spec.validation.openAPIV3Schema.properties[a].oneOf[0].type",
               "Forbidden: must be empty to be structural");
    want_code(get(DIAL_CRD), 404);
}

static void i05(void)
{
    const struct answer *a =
        post_versions(text("[%s,%s]", version("v1", true, "{'type':'object'}", ""),
                           version("v2", true, "{'type':'object'}", "")));

    want_code(a, 422);
    want(strstr(str(a, "message"), "must have exactly one version marked as storage version"), "%s",
         str(a, "message"));
    want_cause(a, "FieldValueInvalid", "spec.versions", NULL);
}

static void i06(void)
{
    define_dials("{'a':{'type':'string'},'o':{'type':'object','properties':{'x':{'type':'string'}}}"
                 ",'m':{'type':'object','additionalProperties':{'type':'string'}}}");
    want_dial("{'a':'1','b':2,'o':{'x':'1','y':2},'m':{'any':'thing'}}",
              "{'a':'1','o':{'x':'1'},'m':{'any':'thing'}}");
}

static void i07(void)
{
    define_dials("{'free':{'type':'object','x-kubernetes-preserve-unknown-fields':true,"
                 "'properties':{'in':{'type':'object','properties':{'x':{'type':'string'}}}}}}");
    want_dial("{'free':{'any':{'thing':[1]},'in':{'x':'1','y':2}},'b':1}",
              "{'free':{'any':{'thing':[1]},'in':{'x':'1'}}}");
}

static void i08(void)
{
    const struct answer *old, *a;

    define_dials("{'a':{'type':'string','default':'one'},'o':{'type':'object','properties':{'x':{"
                 "'type':'integer','default':7}}},'p':{'type':'object','default':{},'properties':{"
                 "'x':{'type':'integer','default':7}}}}");
    old = create_dial("{'o':{}}");
    want_code(old, 201);
    want_json(old, "spec", "{'a':'one','o':{'x':7},'p':{'x':7}}");
    want_code(json_patch(DIAL_CRD, "[{'op':'add','path':'/spec/versions/0/schema/openAPIV3Schema/"
                                   "properties/spec/properties/late','value':{'type':'string',"
                                   "'default':'two'}}]"),
              200);
    settle();
    a = get(DIALS "/a");
    want_str(a, "spec.late", "two");
    want(rv(a) == rv(old), "another revision");
    want_str(get(DIALS), "items.0.spec.late", "two");
}

static void i09(void)
{
    define_dials("{'a':{'type':'string','default':'one'},'b':{'type':'string'},'c':{'type':"
                 "'string','nullable':true},'d':{'type':'string','nullable':true,'default':'x'}}");
    want_dial("{'a':null,'b':null,'c':null,'d':null}", "{'a':'one','c':null,'d':null}");
}

static void i10(void)
{
    define_dials("{'n':{'type':'integer'},'s':{'type':'string'}}");
    want_refused("{'n':'five'}", "FieldValueTypeInvalid", "spec.n",
                 "Invalid value: 'string': spec.n in body must be of type integer: 'string'");
    want_refused("{'s':5}", "FieldValueTypeInvalid", "spec.s",
                 "Invalid value: 'integer': spec.s in body must be of type string: 'integer'");
    want_status(create_dial("{'n':'five'}"), 422, "Invalid",
                "Dial.example.com 'a' is invalid: spec.n: Invalid value: 'string': spec.n in body "
                "must be of type integer: 'string'");
}

static void i11(void)
{
    define_dials("{'o':{'type':'object','required':['x'],'properties':{'x':{'type':'string'}}}}");
    want_refused("{'o':{}}", "FieldValueRequired", "spec.o.x", "Required value");
    want_dial("{}", "{}");
}

static void i12(void)
{
    define_dials("{'e':{'type':'string','enum':['a','b']}}");
    want_refused("{'e':'c'}", "FieldValueNotSupported", "spec.e",
                 "Unsupported value: 'c': supported values: 'a', 'b'");
    want_dial("{'e':'b'}", "{'e':'b'}");
}

static void i13(void)
{
    define_dials("{'p':{'type':'string','pattern':'^re$'},'n':{'type':'integer','minimum':1,"
                 "'maximum':9,'multipleOf':3},'s':{'type':'string','minLength':2,'maxLength':3},"
                 "'l':{'type':'array','minItems':1,'maxItems':2,'items':{'type':'string'}},"
                 "'m':{'type':'object','minProperties':1,'maxProperties':1,"
                 "'additionalProperties':{'type':'string'}}}");
    want_refused("{'p':'x'}", "FieldValueInvalid", "spec.p",
                 "Invalid value: 'x': spec.p in body should match `^re$`");
    want_refused("{'n':0}", "FieldValueInvalid", "spec.n",
                 "Invalid value: 0: spec.n in body should be greater than or equal to 1");
    want_refused("{'n':12}", "FieldValueInvalid", "spec.n",
                 "Invalid value: 12: spec.n in body should be less than or equal to 9");
    want_refused("{'n':4}", "FieldValueInvalid", "spec.n",
                 "Invalid value: 4: spec.n in body should be a multiple of 3");
    want_refused("{'s':'x'}", "FieldValueInvalid", "spec.s",
                 "Invalid value: 'x': spec.s in body should be at least 2 chars long");
    want_refused("{'s':'xxxx'}", "FieldValueTooLong", "spec.s",
                 "Too long: may not be more than 3 bytes");
    want_refused("{'l':[]}", "FieldValueInvalid", "spec.l", NULL);
    want_refused("{'l':['a','b','c']}", "FieldValueTooMany", "spec.l",
                 "Too many: 3: must have at most 2 items");
    want_refused("{'m':{}}", "FieldValueInvalid", "spec.m", NULL);
    want_refused("{'m':{'a':'','b':''}}", "FieldValueTooMany", "spec.m", NULL);
    want_dial("{'p':'re','n':9,'s':'xx','l':['a'],'m':{'a':''}}",
              "{'p':'re','n':9,'s':'xx','l':['a'],'m':{'a':''}}");
}

static void i14(void)
{
    define_dials("{'l':{'type':'array','x-kubernetes-list-type':'map','x-kubernetes-list-map-keys':"
                 "['name'],'items':{'type':'object','required':['name'],'properties':{'name':{"
                 "'type':'string'},'n':{'type':'integer'}}}},"
                 "'s':{'type':'array','x-kubernetes-list-type':'set','items':{'type':'string'}}}");
    want_refused("{'l':[{'name':'a','n':1},{'name':'a','n':2}]}", "FieldValueDuplicate",
                 "spec.l[1]", NULL);
    want_part(create_dial("{'l':[{'name':'a'},{'name':'a'}]}"), "spec.l[1]: Duplicate value: ");
    want_refused("{'s':['x','y','x']}", "FieldValueDuplicate", "spec.s[2]", "Duplicate value: 'x'");
}

static void i15(void)
{
    const struct answer *a;

    want_code(post(CRDS, "%s",
                   crd("dials.example.com", "dials", "Dial",
                       one_version("{'type':'object','properties':{'spec':{'type':'object',"
                                   "'properties':{'min':{'type':'integer'},'max':{'type':'integer',"
                                   "'x-kubernetes-validations':[{'rule':'self != 13'}]}},"
                                   "'x-kubernetes-validations':[{'rule':'self.min <= self.max',"
                                   "'message':'min must not exceed max'}]}}}"))),
              201);
    settle();
    want_refused("{'min':3,'max':2}", "FieldValueInvalid", "spec",
                 "Invalid value: 'object': min must not exceed max");
    want_refused("{'min':3,'max':13}", "FieldValueInvalid", "spec.max",
                 "Invalid value: 'integer': failed rule: self != 13");
    a = create_dial("{'min':1,'max':2}");
    want_code(a, 201);
    want_code(put_changed(DIALS "/a", a, "spec.min", "5"), 422);
}

static void i16(void)
{
    const struct answer *a;

    define_dials("{'n':{'type':'integer','x-kubernetes-validations':[{'rule':'self >= oldSelf',"
                 "'message':'only upwards'}]}}");
    a = create_dial("{'n':5}");
    want_code(a, 201);
    a = put_changed(DIALS "/a", a, "spec.n", "4");
    want_code(a, 422);
    want_cause(a, "FieldValueInvalid", "spec.n", "Invalid value: 'integer': only upwards");
    want_code(put_changed(DIALS "/a", get(DIALS "/a"), "spec.n", "6"), 200);
}

static void i17(void)
{
    const struct answer *a;

    define_dials("{'n':{'type':'integer'},'s':{'type':'string'}}");
    a = create_dial("{'n':5,'s':'x'}");
    want_code(a, 201);
    want_code(json_patch(DIAL_CRD, "[{'op':'add','path':'/spec/versions/0/schema/openAPIV3Schema/"
                                   "properties/spec/properties/n/maximum','value':3}]"),
              200);
    settle();
    a = put_changed(DIALS "/a", get(DIALS "/a"), "spec.s", "'y'");
    want_code(a, 200);
    want_str(a, "spec.s", "y");
    want_code(put_changed(DIALS "/a", a, "spec.n", "6"), 422);
    want_code(put_changed(DIALS "/a", a, "spec.n", "2"), 200);
}

#define V1_SCHEMA                                                                                  \
    "{'type':'object','properties':{'spec':{'type':'object','properties':{'old':{'type':"          \
    "'string'},'both':{'type':'string'}}}}}"
#define V2_SCHEMA                                                                                  \
    "{'type':'object','properties':{'spec':{'type':'object','properties':{'both':{'type':"         \
    "'string'},'new':{'type':'string','default':'n'}}}}}"
#define DIALS_V2 "/apis/example.com/v2/namespaces/default/dials"

static void define_two_versions(const char *more_of_v1)
{
    want_code(post_versions(text("[%s,%s]", version("v1", true, V1_SCHEMA, more_of_v1),
                                 version("v2", false, V2_SCHEMA, ""))),
              201);
    settle();
}

static void i18(void)
{
    const struct answer *old, *a;
    struct watch *w;

    define_two_versions("");
    old = create_dial("{'old':'o','both':'b'}");
    want_code(old, 201);
    a = get(DIALS_V2 "/a");
    want_code(a, 200);
    want_str(a, "apiVersion", "example.com/v2");
    want_json(a, "spec", "{'both':'b','new':'n'}");
    want_str(a, "metadata.uid", str(old, "metadata.uid"));
    want(rv(a) == rv(old), "another revision");
    want_json(get(DIALS "/a"), "spec", "{'old':'o','both':'b'}");
    w = watch_open(DIALS_V2 "?watch=true&resourceVersion=%" PRId64, rv(old));
    want_code(merge_patch(DIALS "/a", "{'spec':{'both':'c'}}"), 200);
    a = want_event(w, "MODIFIED", "a");
    want_str(a, "apiVersion", "example.com/v2");
    want_json(a, "spec", "{'both':'c','new':'n'}");
}

static void i19(void)
{
    const struct answer *a;

    define_two_versions("");
    a = get(DIAL_CRD);
    a = put_changed(DIAL_CRD, a, "spec.versions", text("[%s]", version("v2", true, V2_SCHEMA, "")));
    want_status(a, 422, "Invalid", NULL);
    want(strstr(str(a, "message"),
                "missing from spec.versions; v1 was previously a storage version, and must remain "
                "in spec.versions until a storage migration ensures"),
         "%s", str(a, "message"));
    want_code(get(DIALS), 200);
}

static void i20(void)
{
    define_dials("{'p':{'x-kubernetes-int-or-string':true}}");
    want_dial("{'p':5}", "{'p':5}");
    want_dial("{'p':'50%'}", "{'p':'50%'}");
    want_code(create_dial("{'p':true}"), 422);
    want_code(create_dial("{'p':{}}"), 422);
}

static void i21(void)
{
    define_dials("{'t':{'type':'object','x-kubernetes-embedded-resource':true,"
                 "'x-kubernetes-preserve-unknown-fields':true}}");
    want_refused("{'t':{'apiVersion':'v1','metadata':{'name':'x'}}}", "FieldValueRequired",
                 "spec.t.kind", "Required value: must not be empty");
    want_refused("{'t':{'apiVersion':'v1','kind':'','metadata':{'name':'x'}}}", "FieldValueInvalid",
                 "spec.t.kind", "Invalid value: '': must not be empty");
    want_refused("{'t':{'kind':'Pod','metadata':{'name':'x'}}}", "FieldValueRequired",
                 "spec.t.apiVersion", "Required value: must not be empty");
    want_refused("{'t':{'apiVersion':'v1','kind':'Pod','metadata':{'name':'a/b'}}}",
                 "FieldValueInvalid", "spec.t.metadata.name", NULL);
    want_refused("{'t':{'apiVersion':'v1','kind':'Pod','metadata':{'labels':{'l':'a b'}}}}",
                 "FieldValueInvalid", "spec.t.metadata.labels", NULL);
    want_refused("{'t':{'apiVersion':'v1','kind':'Pod','metadata':{'labels':{'l':5}}}}",
                 "FieldValueInvalid", "spec.t.metadata", NULL);
    want_refused("{'t':{'apiVersion':'v1','kind':'Pod','metadata':'x'}}", "FieldValueInvalid",
                 "spec.t.metadata", NULL);
    want_code(create_dial("{'t':{'apiVersion':'v1','kind':'Pod','metadata':{'labels':{'l':null},"
                          "'finalizers':[null]}}}"),
              422);
    want_dial("{'t':{'apiVersion':'v1','kind':'Pod','metadata':{'name':'x'},'spec':{'a':1}}}",
              "{'t':{'apiVersion':'v1','kind':'Pod','metadata':{'name':'x'},'spec':{'a':1}}}");
}

static void i22(void)
{
    const struct answer *a;

    define_two_versions(",'deprecated':true");
    a = create_dial("{'both':'b'}");
    want_code(a, 201);
    want_header(a, "Warning",
                "299 - \"example.com/v1 Dial is deprecated; use example.com/v2 Dial\"");
    want_header(get(DIALS), "Warning",
                "299 - \"example.com/v1 Dial is deprecated; use example.com/v2 Dial\"");
    want_header(get(DIALS_V2), "Warning", NULL);
    want_code(json_patch(DIAL_CRD, "[{'op':'add','path':'/spec/versions/0/deprecationWarning',"
                                   "'value':'old dials rust'}]"),
              200);
    settle();
    want_header(get(DIALS "/a"), "Warning", "299 - \"old dials rust\"");
}

#define COLUMNS                                                                                    \
    ",'additionalPrinterColumns':[{'name':'N','type':'integer','jsonPath':'.spec.n'},{'name':'S'," \
    "'type':'string','jsonPath':'.spec.s'},{'name':'B','type':'boolean','jsonPath':'.spec.b'},{"   \
    "'name':'Wrong','type':'integer','jsonPath':'.spec.s'},{'name':'Missing','type':'string',"     \
    "'jsonPath':'.spec.none'},{'name':'Wide','type':'number','priority':1,'jsonPath':'.spec.f'},{" \
    "'name':'Born','type':'date','jsonPath':'.metadata.creationTimestamp'}]"

static void i23(void)
{
    static const char table[] = "Accept: application/json;as=Table;v=v1;g=meta.k8s.io";
    const struct answer *a;

    want_code(
        post_versions(
            text("[%s]", version("v1", true, "{'type':'object','properties':{'spec':" ANYTHING "}}",
                                 COLUMNS))),
        201);
    settle();
    want_code(create_dial("{'n':5,'s':'text','b':true,'f':1.5}"), 201);
    a = ask("GET", DIALS, table, NULL);
    want_code(a, 200);
    want(count(a, "columnDefinitions") == 8, "%zu columns", count(a, "columnDefinitions"));
    want_str(a, "columnDefinitions.0.name", "Name");
    want_str(a, "columnDefinitions.1.type", "integer");
    want_num(a, "columnDefinitions.6.priority", 1);
    want_str(a, "rows.0.cells.0", "a");
    want_json(a, "rows.0.cells.1", "5");
    want_json(a, "rows.0.cells.2", "'text'");
    want_json(a, "rows.0.cells.3", "true");
    want_json(a, "rows.0.cells.4", "null");
    want_json(a, "rows.0.cells.5", "null");
    want_json(a, "rows.0.cells.6", "1.5");
    want(strspn(str(a, "rows.0.cells.7"), "0123456789ms") == strlen(str(a, "rows.0.cells.7")) &&
             *str(a, "rows.0.cells.7"),
         "age '%s'", str(a, "rows.0.cells.7"));
    define_widgets();
    a = ask("GET", WIDGETS, table, NULL);
    want(count(a, "columnDefinitions") == 2, "%zu columns", count(a, "columnDefinitions"));
    want_str(a, "columnDefinitions.1.name", "Age");
    want_str(a, "columnDefinitions.1.type", "date");
}

static void i24(void)
{
    const struct answer *a;

    define_dials("{'n':{'type':'integer'}}");
    want_code(create_dial("{'n':5}"), 201);
    want_code(json_patch(DIAL_CRD, "[{'op':'add','path':'/spec/versions/0/schema/openAPIV3Schema/"
                                   "properties/spec/required','value':['need']}]"),
              200);
    settle();
    a = get(DIALS "/a");
    want_code(put_changed(DIALS "/a/status", a, "status", "{'n':1}"), 200);
    want_num(get(DIALS "/a"), "status.n", 1);
    a = put_changed(DIALS "/a/status", get(DIALS "/a"), "status", "{'n':'one'}");
    want_code(a, 422);
    want_cause(a, "FieldValueTypeInvalid", "status.n", NULL);
}

static void i25(void)
{
    const struct answer *a;

    define_dials("{}");
    a = get(DIAL_CRD);
    want_condition(a, "Established", "True", "InitialNamesAccepted",
                   "the initial names have been accepted");
    a = put_changed(DIAL_CRD, a, "spec.names.plural", "'gauges'");
    want_code(a, 422);
    want_cause(a, "FieldValueInvalid", "spec.names.plural",
               "Invalid value: 'gauges': field is immutable");
    a = put_changed(DIAL_CRD, get(DIAL_CRD), "spec.scope", "'Cluster'");
    want_code(a, 422);
    want_cause(a, "FieldValueInvalid", "spec.scope",
               "Invalid value: 'Cluster': field is immutable");
    a = put_changed(DIAL_CRD, get(DIAL_CRD), "spec.names.kind", "'Gauge'");
    want_code(a, 422);
    want_cause(a, "FieldValueInvalid", "spec.names.kind",
               "Invalid value: 'Gauge': field is immutable");
    want_code(put_changed(DIAL_CRD, get(DIAL_CRD), "spec.names.shortNames", "['d']"), 200);
}

static const struct row rows[] = {
    {"I01", "a definition with another name: 422", 0, i01},
    {"I02", "a definition: NamesAccepted, then Established; acceptedNames", 0, i02},
    {"I03", "a kind that is taken: NamesAccepted False KindConflict", ROW_FAST, i03},
    {"I04", "no schema, or one that is not structural: 422", 0, i04},
    {"I05", "two storage versions: 422", 0, i05},
    {"I06", "unknown fields are pruned", 0, i06},
    {"I07", "below preserve-unknown-fields they stay", 0, i07},
    {"I08", "defaults on create and on read, RV unchanged", 0, i08},
    {"I09", "null: the default, or dropped, or kept when nullable", 0, i09},
    {"I10", "wrong type: 422 FieldValueTypeInvalid", 0, i10},
    {"I11", "required: 422 Required value", 0, i11},
    {"I12", "enum: 422 Unsupported value", 0, i12},
    {"I13", "pattern, minimum, maximum, lengths: 422", 0, i13},
    {"I14", "list-type map and set: 422 Duplicate value", 0, i14},
    {"I15", "a rule that is false: 422 with its message", 0, i15},
    {"I16", "transition rule: not on create, on update", 0, i16},
    {"I17", "ratcheting: what was invalid before may stay", 0, i17},
    {"I18", "v2 of an object stored as v1: apiVersion and v2's schema", 0, i18},
    {"I19", "a stored version taken from the spec: 422", 0, i19},
    {"I20", "int-or-string: 5 and 50%", 0, i20},
    {"I21", "embedded resource without kind: 422", 0, i21},
    {"I22", "deprecated version: a Warning", 0, i22},
    {"I23", "printer columns: cells by type", 0, i23},
    {"I24", "PUT /status: the status alone is validated", 0, i24},
    {"I25", "plural, scope, kind once established: 422 immutable", 0, i25},
};
ROWS_MAIN(rows)
