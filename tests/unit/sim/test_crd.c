/* CustomResourceDefinitions as objects: conditions, versions, changes, deletion; and the ones that
 * are built in. */
#include "tests/unit/sim/kit.h"

#include "sim/crds/crds.h"
#include "tests/unit/suite.h"

#define CRDS "customresourcedefinitions"

/* Types of the events of one object, joined. New. */
static char *events_of(struct apiwatch *w, const char *name)
{
    AUTO(strbuf) struct strbuf out = {0};
    struct api_event ev;
    while (apiwatch_next(w, &ev))
        if (strcmp(meta_name(ev.object), name) == 0)
            strbuf_addf(&out, "%s%s", out.len ? "," : "", api_event_name(ev.type));
    return strbuf_take(&out);
}

START_TEST(created_through_the_api)
{
    AUTO(kit) struct kit k = kit_create();
    AUTO(str) char *rv = mem_printf("%lld", (long long)apiserver_revision(k.server));
    json_decref(kit_do(&k, API_CREATE, CRDS, NULL, NULL, widget_crd("{'type':'object'}"), 201));
    struct api_request req = kit_req(API_WATCH, CRDS, NULL, NULL, NULL);
    req.resource_version = rv;
    struct api_response ret = {0};
    AUTO(apiwatch) struct apiwatch *w = apiserver_watch(k.server, &req, &ret);
    AUTO(str) char *events = events_of(w, "widgets.example.com");
    ck_assert_str_eq(events, "ADDED,MODIFIED,MODIFIED");
    AUTO(json) json_t *crd = kit_do(&k, API_GET, CRDS, NULL, "widgets.example.com", NULL, 200);
    ck_assert_str_eq(meta_condition_status(crd, "NamesAccepted"), "True");
    ck_assert_str_eq(meta_condition_status(crd, "Established"), "True");
    want_text(crd, "spec.names.listKind", "WidgetList");
    want_text(crd, "status.acceptedNames.singular", "widget");
    AUTO(json) json_t *list = kit_do(&k, API_LIST, "widgets", "default", NULL, NULL, 200);
    want_text(list, "kind", "WidgetList");
    want_text(list, "apiVersion", "example.com/v1");
    ck_assert(json_path(list, "metadata.continue") != NULL);
}
END_TEST

/* Rows of one version without and with more than a schema. */
#define VERSION_ROW(name, members, schema, message)                                                \
    {                                                                                              \
        name,                                                                                      \
            "{'spec':{'versions':[{'name':'v1','served':true,'storage':true," members              \
            ",'schema':{'openAPIV3Schema':{" schema "}}}]}}",                                      \
            message                                                                                \
    }
#define SCHEMA_ROW(name, schema, message)                                                          \
    {                                                                                              \
        name,                                                                                      \
            "{'spec':{'versions':[{'name':'v1','served':true,'storage':true,'schema':{"            \
            "'openAPIV3Schema':{" schema "}}}]}}",                                                 \
            message                                                                                \
    }

/* A row with a path of the replicas. */
#define SCALE_ROW(name, path)                                                                      \
    VERSION_ROW(name,                                                                              \
                "'subresources':{'scale':{'specReplicasPath':'" path                               \
                "','statusReplicasPath':'.status.n'}}",                                            \
                "'type':'object'",                                                                 \
                "scale.specReplicasPath: Invalid value: \"" path                                   \
                "\": must be a json path in the dot notation of at most 32 names")

static const struct bad_crd {
    const char *name, *patch, *message;
} bad_crds[] = {
    {"wrong name", "{'metadata':{'name':'gadgets.example.com'}}", "must be spec.names.plural"},
    {"no dot", "{'metadata':{'name':'widgets.example'},'spec':{'group':'example'}}",
     "at least one dot"},
    {"scope", "{'spec':{'scope':'Galaxy'}}", "Unsupported value: \"Galaxy\""},
    {"no storage",
     "{'spec':{'versions':[{'name':'v1','served':true,'storage':false,'schema':{'openAPIV3Schema':{"
     "'type':'object'}}}]}}",
     "exactly one version marked as storage version"},
    {"no schema", "{'spec':{'versions':[{'name':'v1','served':true,'storage':true}]}}",
     "spec.versions[0].schema.openAPIV3Schema: Required value"},
    {"no type",
     "{'spec':{'versions':[{'name':'v1','served':true,'storage':true,'schema':{'openAPIV3Schema':{'"
     "type':'object','properties':{'a':{}}}}}]}}",
     "properties[a].type: Required value"},
    {"ref",
     "{'spec':{'versions':[{'name':'v1','served':true,'storage':true,'schema':{'openAPIV3Schema':{'"
     "type':'object','properties':{'a':{'$ref':'x'}}}}}]}}",
     "$ref is not supported"},
    {"bad pattern",
     "{'spec':{'versions':[{'name':'v1','served':true,'storage':true,'schema':{'openAPIV3Schema':{'"
     "type':'object','properties':{'a':{'type':'string','pattern':'('}}}}}]}}",
     "must be a valid regular expression"},
    {"bad rule",
     "{'spec':{'versions':[{'name':'v1','served':true,'storage':true,'schema':{'openAPIV3Schema':{'"
     "type':'object','x-kubernetes-validations':[{'rule':'self.a &&'}]}}}]}}",
     "compilation failed"},
    {"names are no labels",
     "{'spec':{'names':{'singular':'Wid','shortNames':['w.d'],'categories':['All'],'kind':'1W'}}}",
     "spec.names.shortNames[0]: Invalid value: \"w.d\""},
    {"bad category", "{'spec':{'names':{'categories':['All']}}}",
     "spec.names.categories[0]: Invalid value: \"All\""},
    {"bad kind", "{'spec':{'names':{'kind':'Wi_d'}}}",
     "spec.names.kind: Invalid value: \"Wi_d\": may have mixed case, but should otherwise match: "},
    {"kind is its list", "{'spec':{'names':{'kind':'Widget','listKind':'Widget'}}}",
     "spec.names.listKind: Invalid value: \"Widget\": kind and listKind may not be the same"},
    {"keeps everything", "{'spec':{'preserveUnknownFields':true}}",
     "spec.preserveUnknownFields: Invalid value: true: cannot set to true, set "
     "x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead"},
    {"same version twice",
     "{'spec':{'versions':[{'name':'v1','served':true,'storage':true,'schema':{'openAPIV3Schema':{'"
     "type':'object'}}},{'name':'v1','served':true,'storage':false,'schema':{'openAPIV3Schema':{'"
     "type':'object'}}}]}}",
     "must contain unique version names"},
    {"two storage versions",
     "{'spec':{'versions':[{'name':'v1','served':true,'storage':true,'schema':{'openAPIV3Schema':{'"
     "type':'object'}}},{'name':'v2','served':true,'storage':true,'schema':{'openAPIV3Schema':{'"
     "type':'object'}}}]}}",
     "must have exactly one version marked as storage version"},
    {"conversion by webhook", "{'spec':{'conversion':{'strategy':'Webhook'}}}",
     "spec.conversion.strategy: Unsupported value: \"Webhook\""},
    VERSION_ROW("warning without deprecation", "'deprecationWarning':'old'", "'type':'object'",
                "spec.versions[0].deprecationWarning: Invalid value: \"old\": can only be set for "
                "deprecated versions"),
    VERSION_ROW("empty warning", "'deprecated':true,'deprecationWarning':''", "'type':'object'",
                "must not be an empty string"),
    VERSION_ROW("warning with a line break", "'deprecated':true,'deprecationWarning':'a\\nb'",
                "'type':'object'", "non-printable character found at index 1"),
    VERSION_ROW("column of no type",
                "'additionalPrinterColumns':[{'name':'A','type':'text','jsonPath':'.a'}]",
                "'type':'object'",
                "spec.additionalPrinterColumns[0].type: Invalid value: \"text\": must be one of "
                "boolean,date,integer,number,string"),
    VERSION_ROW("column without a path", "'additionalPrinterColumns':[{'name':'A','type':'date'}]",
                "'type':'object'", "spec.additionalPrinterColumns[0].JSONPath: Required value"),
    VERSION_ROW("column of a bad path",
                "'additionalPrinterColumns':[{'name':'A','type':'date','jsonPath':'a'}]",
                "'type':'object'", "must be a simple json path starting with ."),
    VERSION_ROW("column of a bad format",
                "'additionalPrinterColumns':[{'name':'A','type':'string','format':'x',"
                "'jsonPath':'.a'}]",
                "'type':'object'",
                "must be one of byte,date,date-time,double,float,int32,int64,password"),
    VERSION_ROW("scale without paths", "'subresources':{'scale':{}}", "'type':'object'",
                "spec.subresources.scale.specReplicasPath: Required value"),
    VERSION_ROW("scale outside of spec",
                "'subresources':{'scale':{'specReplicasPath':'.status.n',"
                "'statusReplicasPath':'.status.n'}}",
                "'type':'object'", "should be a json path under .spec"),
    SCALE_ROW("no name in a path", ".spec..x"),
    SCALE_ROW("no name behind a path", ".spec."),
    SCALE_ROW("no name behind a longer path", ".spec.x."),
    SCALE_ROW("an index in a path", ".spec.x[0]"),
    SCALE_ROW("a closed index in a path", ".spec.x]"),
    SCALE_ROW("names without end in a path",
              ".spec.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a"),
    VERSION_ROW("a scale selector with quotes",
                "'subresources':{'scale':{'specReplicasPath':'.spec.n',"
                "'statusReplicasPath':'.status.n','labelSelectorPath':'.spec.x\\\"'}}",
                "'type':'object'",
                "scale.labelSelectorPath: Invalid value: \".spec.x\\\"\": must be a json path in"),
    VERSION_ROW("scale selects in metadata",
                "'subresources':{'scale':{'specReplicasPath':'.spec.n',"
                "'statusReplicasPath':'.status.n','labelSelectorPath':'.metadata.x'}}",
                "'type':'object'", "should be a json path under either .spec or .status"),
    VERSION_ROW(
        "selects what is not there", "'selectableFields':[{'jsonPath':'.spec.x'}]",
        "'type':'object'",
        "spec.selectableFields[0].jsonPath: Invalid value: \".spec.x\": is an invalid path: "
        "does not refer to a valid field"),
    VERSION_ROW("selects a list", "'selectableFields':[{'jsonPath':'.l'}]",
                "'type':'object','properties':{'l':{'type':'array','items':{'type':'string'}}}",
                "must point to a field of type string, boolean or integer"),
    VERSION_ROW("selects metadata", "'selectableFields':[{'jsonPath':'.metadata.name'}]",
                "'type':'object'", "must not point to fields in metadata"),
    VERSION_ROW("selects twice", "'selectableFields':[{'jsonPath':'.s'},{'jsonPath':'.s'}]",
                "'type':'object','properties':{'s':{'type':'string'}}",
                "spec.selectableFields[1].jsonPath: Duplicate value: \".s\""),
    SCHEMA_ROW("root is a list", "'type':'array','items':{'type':'string'}",
               "type: Invalid value: \"array\": must be object at the root"),
    SCHEMA_ROW("root takes anything", "'type':'object','additionalProperties':true",
               "additionalProperties: Forbidden: must not be used at the root"),
    SCHEMA_ROW("root may be null", "'type':'object','nullable':true",
               "nullable: Forbidden: nullable cannot be true at the root"),
    SCHEMA_ROW("metadata narrowed",
               "'type':'object','properties':{'metadata':{'type':'object','properties':{'labels':{'"
               "type':'object'}}}}",
               "must not specify anything other than name and generateName"),
    SCHEMA_ROW("type null", "'type':'object','properties':{'a':{'type':'null'}}",
               "type cannot be set to null, use nullable as an alternative"),
    SCHEMA_ROW("items without type",
               "'type':'object','properties':{'a':{'type':'array','items':{}}}",
               "must not be empty for specified array items"),
    SCHEMA_ROW("list of nothing", "'type':'object','properties':{'a':{'type':'array'}}",
               "properties[a].items: Required value: must be specified"),
    SCHEMA_ROW("list of several",
               "'type':'object','properties':{'a':{'type':'array','items':[{'type':'string'}]}}",
               "items must be a schema object and not an array"),
    SCHEMA_ROW("unique items",
               "'type':'object','properties':{'a':{'type':'array','uniqueItems':true,'items':{'"
               "type':'string'}}}",
               "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"),
    SCHEMA_ROW("properties and more",
               "'type':'object','properties':{'a':{'type':'object','properties':{'b':{'type':'"
               "string'}},'additionalProperties':{'type':'string'}}}",
               "additionalProperties and properties are mutual exclusive"),
    SCHEMA_ROW("only constrained",
               "'type':'object','properties':{'a':{'type':'object','anyOf':[{'properties':{'b':{'"
               "minimum':1}}}]}}",
               "properties[a].properties[b]: Required value: because it is defined in "
               "spec.validation.openAPIV3Schema.properties[a].anyOf[0].properties[b]"),
    SCHEMA_ROW("default in a junctor",
               "'type':'object','properties':{'a':{'type':'integer','not':{'default':1}}}",
               "properties[a].not.default: Forbidden: must be undefined to be structural"),
    SCHEMA_ROW("nullable in a junctor",
               "'type':'object','properties':{'a':{'type':'integer','oneOf':[{'nullable':true}]}}",
               "properties[a].oneOf[0].nullable: Forbidden: must be false to be structural"),
    SCHEMA_ROW("preserve false",
               "'type':'object','properties':{'a':{'type':'object',"
               "'x-kubernetes-preserve-unknown-fields':false}}",
               "must be true or undefined"),
    SCHEMA_ROW("int-or-string and preserve",
               "'type':'object','properties':{'a':{'x-kubernetes-int-or-string':true,"
               "'x-kubernetes-preserve-unknown-fields':true}}",
               "must be false if x-kubernetes-int-or-string is true"),
    SCHEMA_ROW(
        "embedded list",
        "'type':'object','properties':{'a':{'type':'array','items':{'type':'string'},"
        "'x-kubernetes-embedded-resource':true,'x-kubernetes-preserve-unknown-fields':true}}",
        "must be object if x-kubernetes-embedded-resource is true"),
    SCHEMA_ROW("embedded nothing",
               "'type':'object','properties':{'a':{'type':'object',"
               "'x-kubernetes-embedded-resource':true}}",
               "must not be empty if x-kubernetes-embedded-resource is true without"),
    SCHEMA_ROW(
        "list type of no list",
        "'type':'object','properties':{'a':{'type':'string','x-kubernetes-list-type':'set'}}",
        "must be array if x-kubernetes-list-type is specified"),
    SCHEMA_ROW("map type of no map",
               "'type':'object','properties':{'a':{'type':'string','x-kubernetes-map-type':'"
               "atomic'}}",
               "must be object if x-kubernetes-map-type is specified"),
    SCHEMA_ROW("unknown list type",
               "'type':'object','properties':{'a':{'type':'array','items':{'type':'string'},"
               "'x-kubernetes-list-type':'bag'}}",
               "Unsupported value: \"bag\": supported values: \"atomic\", \"set\", \"map\""),
    SCHEMA_ROW("keys without a map",
               "'type':'object','properties':{'a':{'type':'array','items':{'type':'string'},"
               "'x-kubernetes-list-map-keys':['n']}}",
               "must be map if x-kubernetes-list-map-keys is non-empty"),
    SCHEMA_ROW("map without keys",
               "'type':'object','properties':{'a':{'type':'array','items':{'type':'object'},"
               "'x-kubernetes-list-type':'map'}}",
               "must not be empty if x-kubernetes-list-type is map"),
    SCHEMA_ROW("unknown key",
               "'type':'object','properties':{'a':{'type':'array','items':{'type':'object'},"
               "'x-kubernetes-list-type':'map','x-kubernetes-list-map-keys':['n']}}",
               "entries must all be names of item properties"),
    SCHEMA_ROW("key may be missing",
               "'type':'object','properties':{'a':{'type':'array','items':{'type':'object','"
               "properties':{'n':{'type':'string'}}},'x-kubernetes-list-type':'map',"
               "'x-kubernetes-list-map-keys':['n']}}",
               "so it must have a default or be a required property"),
    SCHEMA_ROW("key is a list",
               "'type':'object','properties':{'a':{'type':'array','items':{'type':'object','"
               "required':['n'],'properties':{'n':{'type':'array','items':{'type':'string'}}}},"
               "'x-kubernetes-list-type':'map','x-kubernetes-list-map-keys':['n']}}",
               "must be a scalar type if parent array's x-kubernetes-list-type is map"),
    SCHEMA_ROW("set of maps",
               "'type':'object','properties':{'a':{'type':'array','items':{'type':'object'},"
               "'x-kubernetes-list-type':'set'}}",
               "must be atomic as item of a list with x-kubernetes-list-type=set"),
    SCHEMA_ROW("null in a set",
               "'type':'object','properties':{'a':{'type':'array','items':{'type':'string','"
               "nullable':true},'x-kubernetes-list-type':'set'}}",
               "cannot be nullable when x-kubernetes-list-type is set"),
    SCHEMA_ROW("default of another type",
               "'type':'object','properties':{'a':{'type':'integer','default':'x'}}",
               "spec.validation.openAPIV3Schema.properties[a].default: Invalid value: \"string\": "
               "spec.validation.openAPIV3Schema.properties[a].default in body must be of type "
               "integer"),
    SCHEMA_ROW("default says too much",
               "'type':'object','properties':{'a':{'type':'object','properties':{'b':{'type':'"
               "string'}},'default':{'c':1}}}",
               "must not have unknown fields"),
    SCHEMA_ROW("default of the kind",
               "'type':'object','properties':{'kind':{'type':'string','default':'X'}}",
               "must not be set in top-level kind"),
    {"type in a junctor",
     "{'spec':{'versions':[{'name':'v1','served':true,'storage':true,'schema':{'openAPIV3Schema':{'"
     "type':'object','properties':{'a':{'type':'object','allOf':[{'type':'object'}]}}}}}]}}",
     "must be empty to be structural"},
};

START_TEST(bad_definitions)
{
    const struct bad_crd *b = &bad_crds[_i];
    AUTO(kit) struct kit k = kit_create();
    AUTO(json) json_t *crd = widget_crd("{'type':'object'}");
    AUTO(json) json_t *patch = js("%s", b->patch);
    json_object_update_recursive(crd, patch);
    AUTO(json) json_t *answer = kit_do(&k, API_CREATE, CRDS, NULL, NULL, json_incref(crd), 422);
    ck_assert_msg(strstr(json_str_or_empty(answer, "message"), b->message) != NULL, "%s: %s",
                  b->name, json_str_or_empty(answer, "message"));
    struct err e = {0};
    ck_assert_int_eq(apiserver_add_crd(k.server, crd, &e), -1);
    err_clear(&e);
}
END_TEST

/* A definition of a second kind of the group; names as given. New. */
static json_t *gadget_crd(const char *names)
{
    json_t *other = widget_crd("{'type':'object'}");
    json_put_str(other, "metadata.name", "gadgets.example.com");
    json_put_take(other, "spec.names", js("%s", names));
    return other;
}

/* Whoever comes second gets the names that are free, and is told of the last one that is not. */
static const struct clash {
    const char *name, *names, *reason, *message, *accepted;
} clashes[] = {
    {"kind", "{'plural':'gadgets','singular':'gadget','kind':'Widget','listKind':'GadgetList'}",
     "KindConflict", "\"Widget\" is already in use",
     "{'plural':'gadgets','singular':'gadget','kind':'','listKind':'GadgetList'}"},
    {"kind and its list", "{'plural':'gadgets','singular':'gadget','kind':'Widget'}",
     "ListKindConflict", "\"WidgetList\" is already in use",
     "{'plural':'gadgets','singular':'gadget','kind':''}"},
    {"singular", "{'plural':'gadgets','singular':'widget','kind':'Gadget'}", "SingularConflict",
     "\"widget\" is already in use",
     "{'plural':'gadgets','kind':'Gadget','listKind':'GadgetList'}"},
    {"singular against a plural", "{'plural':'gadgets','singular':'widgets','kind':'Gadget'}",
     "SingularConflict", "\"widgets\" is already in use",
     "{'plural':'gadgets','kind':'Gadget','listKind':'GadgetList'}"},
    {"short name",
     "{'plural':'gadgets','singular':'gadget','kind':'Gadget','shortNames':['gg','wd']}",
     "ShortNamesConflict", "\"wd\" is already in use",
     "{'plural':'gadgets','singular':'gadget','kind':'Gadget','listKind':'GadgetList'}"},
    {"short names",
     "{'plural':'gadgets','singular':'gadget','kind':'Gadget','shortNames':['widget','wd']}",
     "ShortNamesConflict", "[\"widget\" is already in use, \"wd\" is already in use]",
     "{'plural':'gadgets','singular':'gadget','kind':'Gadget','listKind':'GadgetList'}"},
};

START_TEST(names_clash)
{
    const struct clash *t = &clashes[_i];
    AUTO(kit) struct kit k = kit_create();
    kit_add_crd(&k, widget_crd("{'type':'object'}"));
    json_decref(kit_do(&k, API_CREATE, CRDS, NULL, NULL, gadget_crd(t->names), 201));
    AUTO(json) json_t *crd = kit_do(&k, API_GET, CRDS, NULL, "gadgets.example.com", NULL, 200);
    ck_assert_str_eq(meta_condition_status(crd, "NamesAccepted"), "False");
    want_text(meta_condition(crd, "NamesAccepted"), "reason", t->reason);
    want_text(meta_condition(crd, "NamesAccepted"), "message", t->message);
    ck_assert_str_eq(meta_condition_status(crd, "Established"), "False");
    want_text(meta_condition(crd, "Established"), "reason", "NotAccepted");
    AUTO(json) json_t *accepted = js("%s", t->accepted);
    AUTO(str) char *have = json_text(json_path(crd, "status.acceptedNames"));
    ck_assert_msg(json_same(accepted, json_path(crd, "status.acceptedNames")), "%s: %s", t->name,
                  have);
    struct api_request req = kit_req(API_LIST, "widgets", NULL, NULL, NULL);
    req.resource.plural = "gadgets";
    json_decref(kit_send(&k, &req, 404));

    /* The first one goes, and the names are free. */
    json_decref(kit_do(&k, API_DELETE, CRDS, NULL, "widgets.example.com", NULL, 200));
    AUTO(json) json_t *late = kit_do(&k, API_GET, CRDS, NULL, "gadgets.example.com", NULL, 200);
    ck_assert_str_eq(meta_condition_status(late, "NamesAccepted"), "True");
    ck_assert_str_eq(meta_condition_status(late, "Established"), "True");
    json_decref(kit_send(&k, &req, 200));
}
END_TEST

START_TEST(names_may_be_corrected)
{
    AUTO(kit) struct kit k = kit_create();
    kit_add_crd(&k, widget_crd("{'type':'object'}"));
    json_decref(kit_do(&k, API_CREATE, CRDS, NULL, NULL,
                       gadget_crd("{'plural':'gadgets','singular':'gadget','kind':'Widget'}"),
                       201));
    /* Not established yet: kind and scope may change, the plural never. */
    json_decref(kit_do(&k, API_PATCH, CRDS, NULL, "gadgets.example.com",
                       js("{'spec':{'names':{'plural':'gizmos'}}}"), 422));
    json_decref(kit_do(&k, API_PATCH, CRDS, NULL, "gadgets.example.com",
                       js("{'spec':{'scope':'Cluster',"
                          "'names':{'kind':'Gadget','listKind':'GadgetList'}}}"),
                       200));
    AUTO(json) json_t *crd = kit_do(&k, API_GET, CRDS, NULL, "gadgets.example.com", NULL, 200);
    ck_assert_str_eq(meta_condition_status(crd, "Established"), "True");
    want_text(crd, "status.acceptedNames.kind", "Gadget");
}
END_TEST

/* An established kind keeps the names it has when the new ones are taken. */
START_TEST(established_keeps_its_names)
{
    AUTO(kit) struct kit k = kit_create();
    kit_add_crd(&k, widget_crd("{'type':'object'}"));
    json_decref(kit_do(&k, API_CREATE, CRDS, NULL, NULL,
                       gadget_crd("{'plural':'gadgets','kind':'Gadget','categories':['all']}"),
                       201));
    json_decref(kit_do(&k, API_PATCH, CRDS, NULL, "gadgets.example.com",
                       js("{'spec':{'names':{'singular':'widget'}}}"), 200));
    AUTO(json) json_t *crd = kit_do(&k, API_GET, CRDS, NULL, "gadgets.example.com", NULL, 200);
    ck_assert_str_eq(meta_condition_status(crd, "NamesAccepted"), "False");
    ck_assert_str_eq(meta_condition_status(crd, "Established"), "True");
    struct resource_info info;
    bool ambiguous;
    ck_assert(apiserver_find_any(k.server, "gadget", &info, &ambiguous));
    ck_assert_str_eq(info.kind, "Gadget");
    ck_assert(apiserver_find_any(k.server, "widget", &info, &ambiguous) && !ambiguous);
    ck_assert_str_eq(info.kind, "Widget");
}
END_TEST

START_TEST(schema_changes_show_at_once)
{
    AUTO(kit) struct kit k = kit_create();
    kit_add_crd(
        &k, widget_crd(
                "{'type':'object','properties':{'a':{'type':'integer'},'old':{'type':'string'}}}"));
    AUTO(json)
    json_t *a = kit_make(&k, "widgets", js("{'metadata':{'name':'a'},'spec':{'old':'x'}}"));
    struct api_request req = kit_req(API_WATCH, "widgets", "default", NULL, NULL);
    struct api_response ret = {0};
    AUTO(apiwatch) struct apiwatch *w = apiserver_watch(k.server, &req, &ret);
    kit_add_crd(&k,
                widget_crd("{'type':'object','properties':{'a':{'type':'integer','default':7}}}"));
    ck_assert(apiwatch_ended(w));
    AUTO(json) json_t *b = kit_do(&k, API_GET, "widgets", "default", "a", NULL, 200);
    ck_assert_int_eq(json_int(b, "spec.a", 0), 7);
    ck_assert(!json_path(b, "spec.old"));
    ck_assert_str_eq(meta_resource_version(a), meta_resource_version(b));
}
END_TEST

START_TEST(names_and_scope_stay)
{
    AUTO(kit) struct kit k = kit_create();
    kit_add_crd(&k, widget_crd("{'type':'object'}"));
    json_decref(kit_do(&k, API_PATCH, CRDS, NULL, "widgets.example.com",
                       js("{'spec':{'scope':'Cluster'}}"), 422));
    json_decref(kit_do(&k, API_PATCH, CRDS, NULL, "widgets.example.com",
                       js("{'spec':{'names':{'kind':'Gizmo'}}}"), 422));
    AUTO(json) json_t *same = kit_do(&k, API_GET, CRDS, NULL, "widgets.example.com", NULL, 200);
    ck_assert_int_eq(meta_generation(same), 1);
}
END_TEST

#define TWO_VERSIONS                                                                               \
    "{'apiVersion':'apiextensions.k8s.io/v1','kind':'CustomResourceDefinition',"                   \
    "'metadata':{'name':'plains.example.com'},'spec':{'group':'example.com','scope':'Cluster',"    \
    "'names':{'plural':'plains','kind':'Plain'},'versions':["                                      \
    "{'name':'v1','served':true,'storage':true,'schema':{'openAPIV3Schema':{'type':'object',"      \
    "'properties':{'spec':{'type':'object','properties':{'a':{'type':'integer'},'b':{'type':'"     \
    "integer'}}},"                                                                                 \
    "'status':{'type':'object','x-kubernetes-preserve-unknown-fields':true}}}}},"                  \
    "{'name':'v2','served':true,'storage':false,'schema':{'openAPIV3Schema':{'type':'object',"     \
    "'properties':{'spec':{'type':'object','properties':{'a':{'type':'integer'},'c':{'type':'"     \
    "string','default':'new'}}},"                                                                  \
    "'status':{'type':'object','x-kubernetes-preserve-unknown-fields':true}}}}},"                  \
    "{'name':'v0','served':false,'storage':false,'schema':{'openAPIV3Schema':{'type':'object'}}}]" \
    "}}"

START_TEST(versions_are_views)
{
    AUTO(kit) struct kit k = kit_create();
    kit_add_crd(&k, js(TWO_VERSIONS));
    AUTO(json)
    json_t *a = kit_do(&k, API_CREATE, "plains", NULL, NULL,
                       js("{'metadata':{'name':'a'},'spec':{'a':1,'b':2},'status':{'s':1}}"), 201);
    ck_assert_int_eq(json_int(a, "status.s", 0), 1); /* no status subresource: kept */
    struct api_request req = kit_req(API_GET, "plains", NULL, "a", NULL);
    req.resource.version = "v2";
    AUTO(json) json_t *b = kit_send(&k, &req, 200);
    want_text(b, "apiVersion", "example.com/v2");
    want_text(b, "spec.c", "new");
    ck_assert(!json_path(b, "spec.b"));
    ck_assert_str_eq(meta_resource_version(a), meta_resource_version(b));
    req.resource.version = "v0";
    json_decref(kit_send(&k, &req, 404));

    struct api_request watch = kit_req(API_WATCH, "plains", NULL, NULL, NULL);
    watch.resource.version = "v2";
    struct api_response ret = {0};
    AUTO(apiwatch) struct apiwatch *w = apiserver_watch(k.server, &watch, &ret);
    struct api_event ev;
    ck_assert(apiwatch_next(w, &ev));
    want_text(ev.object, "apiVersion", "example.com/v2");
    /* Without a status subresource a change of status counts. */
    AUTO(json)
    json_t *c = kit_do(&k, API_PATCH, "plains", NULL, "a", js("{'status':{'s':2}}"), 200);
    ck_assert_int_eq(meta_generation(c), 2);
    ck_assert(apiwatch_next(w, &ev));
    want_text(ev.object, "apiVersion", "example.com/v2");
}
END_TEST

START_TEST(deletion_takes_instances_along)
{
    AUTO(kit) struct kit k = kit_create();
    kit_add_crd(&k, widget_crd("{'type':'object'}"));
    json_decref(kit_make(&k, "widgets", js("{'metadata':{'name':'free'}}")));
    json_decref(kit_make(&k, "widgets", js("{'metadata':{'name':'held','finalizers':['a.b/c']}}")));
    AUTO(json) json_t *going = kit_do(&k, API_DELETE, CRDS, NULL, "widgets.example.com", NULL, 200);
    want_text(going, "kind", "CustomResourceDefinition");
    json_decref(kit_do(&k, API_GET, "widgets", "default", "free", NULL, 404));
    AUTO(json) json_t *held = kit_do(&k, API_GET, "widgets", "default", "held", NULL, 200);
    ck_assert(meta_deleting(held));
    AUTO(json)
    json_t *no =
        kit_do(&k, API_CREATE, "widgets", "default", NULL, js("{'metadata':{'name':'x'}}"), 403);
    ck_assert(strstr(json_str_or_empty(no, "message"),
                     "create not allowed while custom resource definition is terminating") != NULL);
    json_decref(kit_do(&k, API_PATCH, "widgets", "default", "held",
                       js("{'metadata':{'finalizers':null}}"), 200));
    AUTO(json) json_t *gone = kit_do(&k, API_GET, "widgets", "default", "held", NULL, 404);
    want_text(gone, "message", "the server could not find the requested resource");
    json_decref(kit_do(&k, API_GET, CRDS, NULL, "widgets.example.com", NULL, 404));
    kit_add_crd(&k, widget_crd("{'type':'object'}"));
    json_decref(kit_make(&k, "widgets", js("{'metadata':{'name':'x'}}")));
}
END_TEST

/* One event a word: type, and what a condition says at that time. New. */
static char *steps_of(struct apiwatch *w, const char *name, const char *condition)
{
    AUTO(strbuf) struct strbuf out = {0};
    struct api_event ev;
    while (apiwatch_next(w, &ev)) {
        if (strcmp(meta_name(ev.object), name) != 0)
            continue;
        const json_t *c = meta_condition(ev.object, condition);
        strbuf_addf(&out, "%s%s/%s/%s", out.len ? " " : "", api_event_name(ev.type),
                    json_str_or_empty(c, "status"), json_str_or_empty(c, "reason"));
    }
    return strbuf_take(&out);
}

static struct apiwatch *watch_crds(struct kit *k)
{
    AUTO(str) char *rv = mem_printf("%lld", (long long)apiserver_revision(k->server));
    struct api_request req = kit_req(API_WATCH, CRDS, NULL, NULL, NULL);
    req.resource_version = rv;
    struct api_response ret = {0};
    struct apiwatch *w = apiserver_watch(k->server, &req, &ret);
    ck_assert(w != NULL);
    return w;
}

START_TEST(establishing_takes_three_writes)
{
    AUTO(kit) struct kit k = kit_create();
    AUTO(apiwatch) struct apiwatch *names = watch_crds(&k);
    AUTO(apiwatch) struct apiwatch *established = watch_crds(&k);
    AUTO(json)
    json_t *made = kit_do(&k, API_CREATE, CRDS, NULL, NULL, widget_crd("{'type':'object'}"), 201);
    want_text(json_path(made, "status"), "acceptedNames.plural", "");
    ck_assert(json_is_null(json_path(made, "status.conditions")));
    ck_assert_str_eq(json_string_value(json_array_get(json_path(made, "status.storedVersions"), 0)),
                     "v1");
    AUTO(str) char *a = steps_of(names, "widgets.example.com", "NamesAccepted");
    ck_assert_str_eq(a, "ADDED// MODIFIED/True/NoConflicts MODIFIED/True/NoConflicts");
    AUTO(str) char *b = steps_of(established, "widgets.example.com", "Established");
    ck_assert_str_eq(b, "ADDED// MODIFIED/False/Installing MODIFIED/True/InitialNamesAccepted");
}
END_TEST

START_TEST(ending_takes_its_steps)
{
    AUTO(kit) struct kit k = kit_create();
    kit_add_crd(&k, widget_crd("{'type':'object'}"));
    json_decref(
        kit_make(&k, "widgets", js("{'metadata':{'name':'held','finalizers':['example.com/x']}}")));
    AUTO(apiwatch) struct apiwatch *w = watch_crds(&k);
    AUTO(json) json_t *first = kit_do(&k, API_DELETE, CRDS, NULL, "widgets.example.com", NULL, 200);
    want_text(meta_condition(first, "Terminating"), "reason", "InstanceDeletionPending");
    ck_assert(meta_deleting(first));
    AUTO(str) char *begun = steps_of(w, "widgets.example.com", "Terminating");
    ck_assert_str_eq(begun, "MODIFIED/True/InstanceDeletionPending "
                            "MODIFIED/True/InstanceDeletionInProgress");
    /* Reads, updates and deletes go on; creates do not. */
    json_decref(kit_do(&k, API_GET, "widgets", "default", "held", NULL, 200));
    json_decref(
        kit_do(&k, API_CREATE, "widgets", "default", NULL, js("{'metadata':{'name':'x'}}"), 403));
    json_decref(kit_do(&k, API_DELETE, CRDS, NULL, "widgets.example.com", NULL, 200));
    json_decref(kit_do(&k, API_PATCH, "widgets", "default", "held",
                       js("{'metadata':{'finalizers':null}}"), 200));
    AUTO(str) char *ended = steps_of(w, "widgets.example.com", "Terminating");
    ck_assert_str_eq(ended, "DELETED/False/InstanceDeletionCompleted");
    json_decref(kit_do(&k, API_LIST, "widgets", "default", NULL, NULL, 404));
}
END_TEST

START_TEST(never_established_ends_at_once)
{
    AUTO(kit) struct kit k = kit_create();
    kit_add_crd(&k, widget_crd("{'type':'object'}"));
    json_decref(kit_do(&k, API_CREATE, CRDS, NULL, NULL,
                       gadget_crd("{'plural':'gadgets','kind':'Widget'}"), 201));
    AUTO(apiwatch) struct apiwatch *w = watch_crds(&k);
    json_decref(kit_do(&k, API_DELETE, CRDS, NULL, "gadgets.example.com", NULL, 200));
    AUTO(str) char *ended = steps_of(w, "gadgets.example.com", "Terminating");
    ck_assert_str_eq(ended, "MODIFIED/True/InstanceDeletionPending "
                            "MODIFIED/True/InstanceDeletionInProgress "
                            "DELETED/False/NeverEstablished");
}
END_TEST

START_TEST(stored_versions_grow)
{
    AUTO(kit) struct kit k = kit_create();
    kit_add_crd(&k, js(TWO_VERSIONS));
    AUTO(apiwatch) struct apiwatch *w = watch_crds(&k);
    AUTO(json)
    json_t *two = kit_do(&k, API_PATCH, CRDS, NULL, "plains.example.com",
                         js("[{'op':'replace','path':'/spec/versions/0/storage','value':false},"
                            "{'op':'replace','path':'/spec/versions/1/storage','value':true}]"),
                         200);
    AUTO(str) char *stored = json_text(json_path(two, "status.storedVersions"));
    ck_assert_str_eq(stored, "[\"v1\",\"v2\"]");
    AUTO(str) char *events = events_of(w, "plains.example.com");
    ck_assert_str_eq(events, "MODIFIED"); /* in the same write */
    /* v1 was stored, and must stay until somebody says that nothing is left of it. */
    AUTO(json)
    json_t *no = kit_do(&k, API_PATCH, CRDS, NULL, "plains.example.com",
                        js("[{'op':'remove','path':'/spec/versions/0'}]"), 422);
    ck_assert(strstr(json_str_or_empty(no, "message"),
                     "status.storedVersions[0]: Invalid value: \"v1\": missing from "
                     "spec.versions; v1 was previously a storage version, and must remain in "
                     "spec.versions until a storage migration ensures no data remains persisted "
                     "in v1 and removes v1 from status.storedVersions") != NULL);
    json_decref(kit_status(&k, API_PATCH, CRDS, NULL, "plains.example.com",
                           js("{'status':{'storedVersions':['v2']}}"), 200));
    json_decref(kit_do(&k, API_PATCH, CRDS, NULL, "plains.example.com",
                       js("[{'op':'remove','path':'/spec/versions/0'}]"), 200));
}
END_TEST

/* Groups of Kubernetes' own. */
static const struct approval {
    const char *name, *annotation;
    int code;
    const char *status, *reason;
} approvals[] = {
    {"none", NULL, 422,
     "Required value: protected groups must have approval annotation "
     "\"api-approved.kubernetes.io\", see "
     "https://github.com/kubernetes/enhancements/pull/1111",
     ""},
    {"word", "yes", 422, "Invalid value: \"yes\": protected groups must have approval annotation",
     ""},
    {"url without a host", "https://", 422, "Invalid value: \"https://\"", ""},
    {"url", "https://github.com/kubernetes/pull/1", 201, "True", "ApprovedAnnotation"},
    {"unapproved", "unapproved, experimental-only", 201, "False", "UnapprovedAnnotation"},
};

/* Nobody checks what stands in the list when types are not. */
START_TEST(stored_versions_of_nothing)
{
    AUTO(kit) struct kit k = kit_create();
    kit_add_crd(&k, widget_crd("{'type':'object'}"));
    json_decref(kit_status(&k, API_PATCH, CRDS, NULL, "widgets.example.com",
                           js("{'status':{'storedVersions':[null]}}"), 200));
    AUTO(json)
    json_t *crd = kit_do(&k, API_PATCH, CRDS, NULL, "widgets.example.com",
                         js("{'metadata':{'labels':{'a':'b'}}}"), 200);
    want_text(json_path(crd, "metadata.labels"), "a", "b");
    const json_t *stored = json_path(crd, "status.storedVersions");
    ck_assert_str_eq(json_string_value(json_array_get(stored, json_array_size(stored) - 1)), "v1");
}
END_TEST

START_TEST(approval_of_protected_groups)
{
    const struct approval *t = &approvals[_i];
    AUTO(kit) struct kit k = kit_create();
    AUTO(json) json_t *crd = widget_crd("{'type':'object'}");
    json_put_str(crd, "metadata.name", "widgets.test.k8s.io");
    json_put_str(crd, "spec.group", "test.k8s.io");
    if (t->annotation)
        meta_set_annotation(crd, "api-approved.kubernetes.io", t->annotation);
    AUTO(json) json_t *answer = kit_do(&k, API_CREATE, CRDS, NULL, NULL, json_incref(crd), t->code);
    if (t->code == 422) {
        ck_assert_msg(strstr(json_str_or_empty(answer, "message"), t->status) != NULL, "%s: %s",
                      t->name, json_str_or_empty(answer, "message"));
        return;
    }
    AUTO(json) json_t *now = kit_do(&k, API_GET, CRDS, NULL, "widgets.test.k8s.io", NULL, 200);
    const json_t *c = meta_condition(now, "KubernetesAPIApprovalPolicyConformant");
    want_text(c, "status", t->status);
    want_text(c, "reason", t->reason);
    ck_assert_str_eq(meta_condition_status(now, "Established"), "True");
}
END_TEST

/* Warnings of deprecated versions: (deprecated version, other versions) -> text. */
static const struct warning {
    const char *name, *member, *others, *text;
} warnings[] = {
    {"own text", "'deprecated':true,'deprecationWarning':'go away'", "v2", "go away"},
    {"newer", "'deprecated':true", "v2",
     "example.com/v1 Plain is deprecated; use example.com/v2 "
     "Plain"},
    {"only older ones", "'deprecated':true", "v1beta1", "example.com/v1 Plain is deprecated"},
    {"not deprecated", "'deprecated':false", "v2", NULL},
};

START_TEST(deprecated_versions_warn)
{
    const struct warning *t = &warnings[_i];
    AUTO(kit) struct kit k = kit_create();
    kit_add_crd(
        &k, js("{'apiVersion':'apiextensions.k8s.io/v1','kind':'CustomResourceDefinition',"
               "'metadata':{'name':'plains.example.com'},'spec':{'group':'example.com','scope':"
               "'Cluster','names':{'plural':'plains','kind':'Plain'},'versions':[{'name':'v1',"
               "'served':true,'storage':true,%s,'schema':{'openAPIV3Schema':{'type':'object'}}},"
               "{'name':'%s','served':true,'storage':false,'schema':{'openAPIV3Schema':{'type':"
               "'object','description':'x'}}}]}}",
               t->member, t->others));
    static const enum api_verb verbs[] = {API_LIST, API_GET, API_DELETE_COLLECTION};
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
        struct api_request req =
            kit_req(verbs[i], "plains", NULL, verbs[i] == API_GET ? "a" : NULL, NULL);
        struct api_response ret = {0};
        apiserver_handle(k.server, &req, &ret);
        const char *said = json_string_value(json_array_get(ret.warnings, 0));
        ck_assert_msg(t->text ? said && !strcmp(said, t->text) : !said, "%s: %s", t->name,
                      said ? said : "");
        const char *known = apiserver_deprecation(k.server, &req.resource);
        ck_assert_msg(t->text ? known && !strcmp(known, t->text) : !known, "%s", t->name);
        api_response_finish(&ret);
    }
}
END_TEST

/* The object is older than its schema: whoever writes the status is not held up by it. */
START_TEST(status_is_judged_alone)
{
    AUTO(kit) struct kit k = kit_create();
    kit_add_crd(&k, widget_crd("{'type':'object','properties':{'a':{'type':'integer'}}}"));
    json_decref(kit_make(&k, "widgets", js("{'metadata':{'name':'a'}}")));
    AUTO(json)
    json_t *crd = widget_crd("{'type':'object','required':['a'],'properties':{'a':{'type':"
                             "'integer'}}}");
    json_t *root = (json_t *)json_path(json_array_get(json_path(crd, "spec.versions"), 0),
                                       "schema.openAPIV3Schema");
    json_put_take(root, "required", js("['spec']"));
    json_put_take(root, "properties.status",
                  js("{'type':'object','properties':{'n':{'type':'integer'}}}"));
    kit_add_crd(&k, json_incref(crd));
    json_decref(
        kit_status(&k, API_PATCH, "widgets", "default", "a", js("{'status':{'n':1}}"), 200));
    AUTO(json)
    json_t *no =
        kit_status(&k, API_PATCH, "widgets", "default", "a", js("{'status':{'n':'x'}}"), 422);
    ck_assert(strstr(json_str_or_empty(no, "message"),
                     "status.n in body must be of type integer") != NULL);
    json_decref(kit_do(&k, API_PATCH, "widgets", "default", "a",
                       js("{'metadata':{'labels':{'x':'y'}}}"), 422));
}
END_TEST

START_TEST(selectable_fields)
{
    AUTO(kit) struct kit k = kit_create();
    AUTO(json)
    json_t *crd = widget_crd("{'type':'object','properties':{'color':{'type':'string'}}}");
    json_object_set_new(json_array_get(json_path(crd, "spec.versions"), 0), "selectableFields",
                        js("[{'jsonPath':'.spec.color'}]"));
    kit_add_crd(&k, json_incref(crd));
    json_decref(kit_make(&k, "widgets", js("{'metadata':{'name':'a'},'spec':{'color':'red'}}")));
    json_decref(kit_make(&k, "widgets", js("{'metadata':{'name':'b'},'spec':{}}")));
    struct api_request req = kit_req(API_LIST, "widgets", "default", NULL, NULL);
    req.field_selector = "spec.color=red";
    AUTO(json) json_t *list = kit_send(&k, &req, 200);
    ck_assert_uint_eq(json_array_size(json_object_get(list, "items")), 1);
    req.field_selector = "spec.shape=round";
    AUTO(json) json_t *no = kit_send(&k, &req, 400);
    want_text(no, "message", "field label not supported: spec.shape");
}
END_TEST

START_TEST(built_in_ones_are_whole)
{
    for (size_t i = 0; i < crds_count(); i++) {
        struct err e = {0};
        AUTO(json) json_t *object = crds_json(i, &e);
        ck_assert_msg(object != NULL, "%s: %s", crds_name(i), e.msg ? e.msg : "");
        /* Compiled anew, so that a mistake is told by the file's name and not by an abort. */
        struct sched_config config = {.seed = 1, .start_ns = WORLD_START_NS};
        AUTO(sched) struct sched *s = sched_create(&config);
        AUTO(apiserver) struct apiserver *a = apiserver_create(s, "main");
        int rc = apiserver_add_crd(a, object, &e);
        ck_assert_msg(rc == 0, "%s: %s", crds_name(i), e.msg ? e.msg : "");
    }
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN(
        "sim.crd",
        SUITE_LONG_CASE("crd", 120, TEST(built_in_ones_are_whole), TEST(created_through_the_api),
                        EACH(bad_definitions, bad_crds), EACH(names_clash, clashes),
                        TEST(names_may_be_corrected), TEST(established_keeps_its_names),
                        TEST(schema_changes_show_at_once), TEST(names_and_scope_stay),
                        TEST(versions_are_views), TEST(deletion_takes_instances_along),
                        TEST(selectable_fields), TEST(establishing_takes_three_writes),
                        TEST(ending_takes_its_steps), TEST(never_established_ends_at_once),
                        TEST(stored_versions_grow), TEST(stored_versions_of_nothing),
                        EACH(approval_of_protected_groups, approvals),
                        EACH(deprecated_versions_warn, warnings), TEST(status_is_judged_alone)));
}
