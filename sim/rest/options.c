/* Options of a request: from the query string, checked as upstream checks them (kube-apiserver.md
 * 3.1, 4.4, 4.9). */
#include <string.h>

#include "kube/selector.h"
#include "sim/rest/rest_priv.h"

#define MANAGER_BYTES_MAX 128

/* ---- refusing ---- */

static int bad_parameter(struct rest_call *c, const struct api_request *req,
                         char *error /* taken */)
{
    struct api_response resp = {0};
    AUTO(str) char *text = error;
    status_bad_request(&resp, "%s", text);
    return call_refuse(c, req, &resp);
}

static int bad_options(struct rest_call *c, const struct api_request *req, const char *kind,
                       struct field_errors *errors)
{
    struct api_response resp = {0};
    status_invalid(&resp, "meta.k8s.io", kind, "", errors);
    return call_refuse(c, req, &resp);
}

/* ---- one object ---- */

static int get_options(struct rest_call *c, struct api_request *req)
{
    req->resource_version = query_get(&c->query, "resourceVersion");
    if (!query_bool(&c->query, "export", NULL))
        return 0;
    return bad_parameter(
        c, req, mem_strdup("the export parameter, deprecated since v1.14, is no longer supported"));
}

/* ---- lists and watches ---- */

static int list_numbers(struct rest_call *c, struct api_request *req)
{
    char *error = NULL;
    if (query_int(&c->query, "limit", &req->limit, NULL, &error) < 0 ||
        query_int(&c->query, "timeoutSeconds", &req->timeout_s, NULL, &error) < 0)
        return bad_parameter(c, req, error);
    return 0;
}

/* ".../watch/pods/a" and the like: one name, as a field selector. */
static int watch_name(struct rest_call *c, struct api_request *req)
{
    const char *selector = req->field_selector;
    if (!c->route.watch_prefix || !c->route.name)
        return 0;
    if (selector && *selector) {
        struct err e = {0};
        AUTO(field_selector) struct field_selector *f = field_selector_parse(selector, &e);
        const char *named = f ? field_selector_requires(f, "metadata.name") : NULL;
        err_clear(&e);
        /* One that does not parse is refused for that, later. */
        if (f && !(named && strcmp(named, c->route.name) == 0))
            return bad_parameter(
                c, req, mem_strdup("fieldSelector metadata.name doesn't match requested name"));
        return 0;
    }
    AUTO(strbuf) struct strbuf text = {0};
    strbuf_addstr(&text, "metadata.name=");
    for (const char *p = c->route.name; *p; p++) {
        if (strchr("\\,=", *p))
            strbuf_addch(&text, '\\');
        strbuf_addch(&text, *p);
    }
    req->field_selector = c->field_selector = strbuf_take(&text);
    return 0;
}

static int watch_rules(struct rest_call *c, struct api_request *req)
{
    bool given = req->send_initial_events || req->no_initial_events;
    const char *match = req->resource_version_match;
    struct field_errors errors = {0};
    if (given && !(match && strcmp(match, "NotOlderThan") == 0))
        field_errors_add(&errors, FIELD_FORBIDDEN, "resourceVersionMatch", NULL, "%s",
                         "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
    else if (!given && match && *match)
        field_errors_add(
            &errors, FIELD_FORBIDDEN, "resourceVersionMatch", NULL, "%s",
            "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
    return field_errors_any(&errors) ? bad_options(c, req, "ListOptions", &errors) : 0;
}

static int list_options(struct rest_call *c, struct api_request *req)
{
    const struct query *q = &c->query;
    bool given;
    req->label_selector = query_get(q, "labelSelector");
    req->field_selector = query_get(q, "fieldSelector");
    req->resource_version = query_get(q, "resourceVersion");
    req->resource_version_match = query_get(q, "resourceVersionMatch");
    req->continue_token = query_get(q, "continue");
    req->allow_bookmarks = query_bool(q, "allowWatchBookmarks", NULL);
    req->send_initial_events = query_bool(q, "sendInitialEvents", &given);
    req->no_initial_events = given && !req->send_initial_events;
    if (list_numbers(c, req) < 0 || watch_name(c, req) < 0)
        return -1;
    if (req->verb == API_WATCH)
        return watch_rules(c, req);
    if (given) {
        struct field_errors errors = {0};
        field_errors_add(&errors, FIELD_FORBIDDEN, "sendInitialEvents", NULL, "%s",
                         "sendInitialEvents is forbidden for list");
        return bad_options(c, req, "ListOptions", &errors);
    }
    return 0;
}

/* ---- writes ---- */

/* The next character; what the clean UTF-8 of the query can hold. */
static unsigned next_rune(const char **p)
{
    const unsigned char *s = (const unsigned char *)*p;
    size_t len = s[0] < 0x80 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    unsigned rune = len == 1 ? s[0] : s[0] & (0x7fu >> len);
    for (size_t i = 1; i < len; i++)
        rune = rune << 6 | (s[i] & 0x3fu);
    *p += len;
    return rune;
}

/* Controls, separators and the like: what unicode.IsPrint refuses of the characters that people
 * meet. */
static bool is_printable(unsigned rune)
{
    return rune >= 0x20 && !(rune >= 0x7f && rune <= 0xa0) && rune != 0xad &&
           !(rune >= 0x2000 && rune <= 0x200f) && !(rune >= 0x2028 && rune <= 0x202f) &&
           !(rune >= 0x205f && rune <= 0x206f) && rune != 0x3000 && rune != 0xfeff &&
           !(rune >= 0xe000 && rune <= 0xf8ff);
}

/* %#U: the code, and the character itself when it can be seen. */
static char *rune_text(unsigned rune, const char *bytes, size_t len)
{
    AUTO(str) char *shown = mem_strndup(bytes, len);
    return is_printable(rune) ? mem_printf("U+%04X '%s'", rune, shown) : mem_printf("U+%04X", rune);
}

static void check_manager(const char *manager, struct field_errors *errors)
{
    AUTO(json) json_t *shown = json_string(manager);
    if (strlen(manager) > MANAGER_BYTES_MAX)
        field_errors_add(errors, FIELD_TOO_LONG, "fieldManager", NULL,
                         "may not be more than %d bytes", MANAGER_BYTES_MAX);
    for (const char *p = manager, *start = p; *p; start = p) {
        unsigned rune = next_rune(&p);
        if (is_printable(rune))
            continue;
        AUTO(str) char *text = rune_text(rune, start, (size_t)(p - start));
        field_errors_add(errors, FIELD_INVALID, "fieldManager", shown,
                         "invalid character %s (at position %zu)", text, (size_t)(start - manager));
    }
}

static void check_dry_run(struct rest_call *c, struct api_request *req, struct field_errors *errors)
{
    AUTO(json) json_t *values = json_array();
    bool bad = false;
    for (size_t i = 0; i < c->query.count; i++) {
        if (strcmp(c->query.items[i].name, "dryRun") != 0)
            continue;
        const char *value = c->query.items[i].value;
        json_array_append_new(values, json_string(value));
        req->dry_run = true;
        bad |= strcmp(value, "All") != 0;
    }
    if (bad)
        field_errors_add(errors, FIELD_NOT_SUPPORTED, "dryRun", values,
                         "supported values: \"All\"");
}

static void check_validation(struct rest_call *c, struct api_request *req,
                             struct field_errors *errors)
{
    static const char *const words[] = {
        [VALIDATION_IGNORE] = "Ignore", [VALIDATION_WARN] = "Warn", [VALIDATION_STRICT] = "Strict"};
    const char *value = query_get(&c->query, "fieldValidation");
    req->field_validation = VALIDATION_WARN;
    if (!value || !*value)
        return;
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strcmp(value, words[i]) != 0)
            continue;
        req->field_validation = (enum api_field_validation)i;
        return;
    }
    AUTO(json) json_t *shown = json_string(value);
    field_errors_add(errors, FIELD_NOT_SUPPORTED, "fieldValidation", shown,
                     "supported values: \"\", \"Ignore\", \"Strict\", \"Warn\"");
}

static void check_force(struct rest_call *c, struct api_request *req, struct field_errors *errors)
{
    bool given;
    req->force = query_bool(&c->query, "force", &given);
    if (req->patch != PATCH_APPLY && given)
        field_errors_add(errors, FIELD_FORBIDDEN, "force", NULL, "%s",
                         "may not be specified for non-apply patch");
    if (req->patch == PATCH_APPLY && !(req->field_manager && *req->field_manager))
        field_errors_add(errors, FIELD_REQUIRED, "fieldManager", NULL, "%s",
                         "is required for apply patch");
}

/* Who writes when the client does not say: the User-Agent's first word. New, NULL when there is
 * none. */
static char *manager_of_agent(const char *agent)
{
    if (!agent)
        return NULL;
    AUTO(str) char *clean = utf8_clean(agent, strcspn(agent, "/"));
    AUTO(strbuf) struct strbuf out = {0};
    for (const char *p = clean, *start = p; *p; start = p) {
        unsigned rune = next_rune(&p);
        if (!is_printable(rune))
            continue;
        if (out.len + (size_t)(p - start) > MANAGER_BYTES_MAX)
            break;
        strbuf_add(&out, start, (size_t)(p - start));
    }
    return out.len ? strbuf_take(&out) : NULL;
}

static int write_options(struct rest_call *c, struct api_request *req, const char *kind)
{
    struct field_errors errors = {0};
    req->field_manager = query_get(&c->query, "fieldManager");
    if (req->verb == API_PATCH)
        check_force(c, req, &errors);
    if (req->field_manager)
        check_manager(req->field_manager, &errors);
    check_dry_run(c, req, &errors);
    check_validation(c, req, &errors);
    if (field_errors_any(&errors))
        return bad_options(c, req, kind, &errors);
    if (!req->field_manager || !*req->field_manager)
        req->field_manager = c->field_manager = manager_of_agent(rest_header(c->req, "User-Agent"));
    return 0;
}

/* ---- deletes ---- */

/* The query's options as the object that a body would hold; the pipeline checks them. */
static int delete_query(struct rest_call *c, struct api_request *req, json_t *options)
{
    const char *policy = query_get(&c->query, "propagationPolicy");
    char *error = NULL;
    int64_t grace = 0;
    bool given;
    if (query_int(&c->query, "gracePeriodSeconds", &grace, &given, &error) < 0)
        return bad_parameter(c, req, error);
    if (given)
        json_put_take(options, "gracePeriodSeconds", json_integer(grace));
    bool orphan = query_bool(&c->query, "orphanDependents", &given);
    if (given)
        json_put_take(options, "orphanDependents", json_boolean(orphan));
    if (policy && *policy)
        json_put_str(options, "propagationPolicy", policy);
    for (size_t i = 0; i < c->query.count; i++) {
        if (strcmp(c->query.items[i].name, "dryRun") != 0)
            continue;
        if (!json_object_get(options, "dryRun"))
            json_put_take(options, "dryRun", json_array());
        json_array_append_new(json_object_get(options, "dryRun"),
                              json_string(c->query.items[i].value));
    }
    return 0;
}

static int bad_delete_field(struct rest_call *c, const struct api_request *req, const char *field,
                            const char *go_type, const json_t *value)
{
    const char *have = json_is_object(value)    ? "object"
                       : json_is_array(value)   ? "array"
                       : json_is_string(value)  ? "string"
                       : json_is_boolean(value) ? "bool"
                                                : "number";
    return bad_parameter(c, req,
                         mem_printf("DeleteOptions in version \"v1\" cannot be handled as a "
                                    "DeleteOptions: json: cannot unmarshal %s into Go struct field "
                                    "DeleteOptions.%s of type %s",
                                    have, field, go_type));
}

/* Types of what the body holds; values are the pipeline's to judge. */
static int delete_body(struct rest_call *c, const struct api_request *req)
{
    static const struct {
        const char *path, *go_type;
        json_type type;
    } fields[] = {{"kind", "string", JSON_STRING},
                  {"apiVersion", "string", JSON_STRING},
                  {"gracePeriodSeconds", "int64", JSON_INTEGER},
                  {"preconditions", "v1.Preconditions", JSON_OBJECT},
                  {"preconditions.uid", "types.UID", JSON_STRING},
                  {"preconditions.resourceVersion", "string", JSON_STRING},
                  {"orphanDependents", "bool", JSON_TRUE},
                  {"propagationPolicy", "v1.DeletionPropagation", JSON_STRING},
                  {"dryRun", "[]string", JSON_ARRAY}};
    if (!json_is_object(c->body))
        return bad_parameter(c, req,
                             mem_strdup("couldn't get version/kind; json parse error: json: cannot "
                                        "unmarshal the body into Go value of type DeleteOptions"));
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        const json_t *value = json_path(c->body, fields[i].path);
        if (!value || json_is_null(value) || json_typeof(value) == fields[i].type ||
            (fields[i].type == JSON_TRUE && json_is_false(value)))
            continue;
        return bad_delete_field(c, req, fields[i].path, fields[i].go_type, value);
    }
    const char *kind = json_str(c->body, "kind");
    if (kind && *kind && strcmp(kind, "DeleteOptions") != 0)
        return bad_parameter(c, req,
                             mem_strdup("decoded object cannot be converted to DeleteOptions"));
    return 0;
}

static int delete_options(struct rest_call *c, struct api_request *req)
{
    if (req->verb == API_DELETE_COLLECTION && list_options(c, req) < 0)
        return -1;
    if (c->req->body_len > 0)
        return delete_body(c, req);
    c->body = json_object();
    req->body = c->body;
    return delete_query(c, req, c->body);
}

/* ---- by verb ---- */

int call_options(struct rest_call *c, struct api_request *req)
{
    switch (req->verb) {
    case API_GET:
        return get_options(c, req);
    case API_LIST:
    case API_WATCH:
        return list_options(c, req);
    case API_CREATE:
        return write_options(c, req, "CreateOptions");
    case API_UPDATE:
        return write_options(c, req, "UpdateOptions");
    case API_PATCH:
        return write_options(c, req, "PatchOptions");
    case API_DELETE:
    case API_DELETE_COLLECTION:
        return delete_options(c, req);
    case API_VERB_COUNT:
        break;
    }
    return 0;
}
