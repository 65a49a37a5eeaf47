/* The insides of the REST front; visible to this folder only.
 *
 * A request becomes a struct rest_call, which travels through the stages of rest.c: path and query
 * (route.c, query.c), who asks (authenticate.c), then either a document outside of resources
 * (nonresource.c) or one exchange with the pipeline (exchange.c). Functions that may fail return 0,
 * or -1 with the answer written. */
#ifndef VMCONFORM_SIM_REST_REST_PRIV_H
#define VMCONFORM_SIM_REST_REST_PRIV_H

#include "base/json.h"
#include "base/mem.h"
#include "base/prng.h"
#include "kube/meta.h"
#include "kube/status.h"
#include "sim/apiserver/catalog.h"
#include "sim/rest/rest.h"

#define REST_VERSION_DEFAULT KUBERNETES_VERSION
#define NS_PER_SECOND INT64_C(1000000000)

/* ---- where a path leads (route.c) ---- */

enum route_kind {
    ROUTE_BAD,         /* not even a path: 400 */
    ROUTE_LOST,        /* a resource request that says too little: 500, as upstream */
    ROUTE_NONRESOURCE, /* path tells */
    ROUTE_RESOURCE
};
struct route {
    enum route_kind kind;
    char *path; /* decoded, clean UTF-8, never NULL */
    char *text; /* owned: what the strings below point into */
    const char *group, *version, *plural, *name, *ns, *subresource; /* NULL: not in the path */
    bool watch_prefix;                                              /* .../watch/... */
    bool too_deep; /* there is more behind the subresource */
};
void route_parse(const char *target, struct route *ret);
void route_finish(struct route *r);
/* Percent-decodes; plus: '+' is a space. NULL when the escapes are bad or hide a NUL; what is not
 * UTF-8 becomes U+FFFD. New. */
char *url_decode(const char *text, size_t len, bool plus);
/* The text with each byte that is not UTF-8 as U+FFFD. New. */
char *utf8_clean(const char *text, size_t len);

/* ---- parameters (query.c) ---- */

#define QUERY_MAX 256 /* parameters; more are not looked at */
struct query_item {
    char *name, *value;
};
struct query {
    struct query_item *items;
    size_t count, cap;
};
/* text: what stands behind the question mark, or NULL. */
void query_parse(struct query *q, const char *text);
void query_finish(struct query *q);
/* The first of that name; NULL when absent. Borrowed. */
const char *query_get(const struct query *q, const char *name);
/* As Go's conversion reads them: absent is false, "0" and "false" are false, all else is true. */
bool query_bool(const struct query *q, const char *name, bool *ret_given);
/* 0, or -1 with *ret_error (new): what strconv.ParseInt says. Absent: *ret stays. */
int query_int(const struct query *q, const char *name, int64_t *ret, bool *ret_given,
              char **ret_error);
/* strconv.ParseInt's verdict on a text: NULL, or the error (new). */
char *go_parse_int(const char *text, int64_t *ret);
/* strconv.ParseBool: true and *ret, or false for what it refuses. */
bool go_parse_bool(const char *text, bool *ret);
/* time.ParseDuration accepts it. */
bool go_is_duration(const char *text);

/* ---- what the client wants to read (accept.c) ---- */

enum media { MEDIA_JSON, MEDIA_YAML, MEDIA_PROTOBUF };
enum convert { CONVERT_NONE, CONVERT_TABLE, CONVERT_PARTIAL, CONVERT_PARTIAL_LIST };
struct accept {
    enum media media;
    enum convert convert;
    bool v1beta1; /* of the conversion's group version; else v1 */
    bool pretty;
};
/* What an endpoint can do. */
struct accept_offer {
    bool protobuf; /* the kind can be written so, or a conversion can */
    bool plain_protobuf;
    bool table;
};
/* false: nothing that the header names can be served. */
bool accept_negotiate(const char *header, const struct accept_offer *offer, struct accept *ret);
bool wants_pretty(const struct rest_request *req, const struct query *q);
const char *media_name(enum media m);
/* One clause of an Accept header for those that look for parameters of their own (aggregated
 * discovery): calls fn for each clause in order of preference until it returns true. */
struct accept_clause {
    const char *type, *subtype;       /* lower case */
    const char *as, *group, *version; /* "" when absent */
    bool pretty;
    double quality;
};
bool accept_each(const char *header, bool (*fn)(void *cookie, const struct accept_clause *clause),
                 void *cookie);

/* ---- one request under way ---- */

enum http_method {
    METHOD_GET,
    METHOD_HEAD,
    METHOD_POST,
    METHOD_PUT,
    METHOD_PATCH,
    METHOD_DELETE,
    METHOD_OTHER
};

struct rest_call {
    struct rest *r;
    const struct rest_request *req;
    struct rest_answer *ret;
    enum http_method method;
    struct route route;
    struct query query;
    struct accept accept; /* settled by the endpoint; JSON until then */
    bool settled;         /* accept has been looked at */
    bool negotiated;      /* false: errors go out as indented JSON */
    struct auth_identity who, acting;
    const struct api_identity *identity; /* NULL: the admin */
    struct catalog_type type;            /* of a resource request; known tells */
    bool known;
    json_t *body;     /* decoded */
    json_t *findings; /* duplicate keys */
    char *field_manager;
    char *field_selector; /* when the path added a name to it */
};

struct rest {
    struct rest_config config;
    struct apiserver *server;
    struct prng audit, timeouts;
    char *version;
    struct rest_stream *streams; /* open ones, newest first */
    struct text_cache *texts;
    struct documents *documents;
};

/* ---- stages ---- */

/* authenticate.c: fills identity. */
int call_authenticate(struct rest_call *c);
/* Frees what call_authenticate found out. */
void call_forget(struct rest_call *c);
/* Whether the identity may use a path outside of resources; else the 403. */
int call_authorize_path(struct rest_call *c);
/* exchange.c */
int call_resource_request(struct rest_call *c);
/* nonresource.c */
int call_nonresource(struct rest_call *c);

/* Answers *resp (emptied), unless the user may not do this at all: that is told then, and nothing
 * else. */
int call_refuse(struct rest_call *c, const struct api_request *req, struct api_response *resp);

/* options.c: from the query, and for deletes from the body. */
int call_options(struct rest_call *c, struct api_request *req);

/* body.c: what kind of patch the body is; then the body itself, into c->body. */
int call_patch_type(struct rest_call *c, struct api_request *req);
int call_body(struct rest_call *c, struct api_request *req);

/* unrouted.c: what is answered where nothing is. The pipeline's 404 and 405 become what the router
 * says; all else goes out as it is. */
int call_no_method(struct rest_call *c, const struct api_request *req);
int call_no_route(struct rest_call *c, const struct api_request *req);
int call_unrouted(struct rest_call *c, const struct api_request *req, struct api_response *resp);

/* ---- answers (answer.c) ---- */

/* All return -1 when the code is one of failure, else 0. */
int answer_response(struct rest_call *c, struct api_response *resp /* emptied */);
/* Looks at Accept as far as that matters to errors and documents, unless the endpoint has. */
void answer_settle(struct rest_call *c);
/* Text, as Go's http.Error writes it: a newline is added. */
int answer_error_text(struct rest_call *c, int code, const char *text);
/* Text without a newline. */
int answer_text(struct rest_call *c, int code, const char *text);
/* A document: not negotiated but for JSON's shape; keys stay in their order. */
int answer_document(struct rest_call *c, int code, json_t *body /* taken */);
/* Bytes of a type. */
int answer_bytes(struct rest_call *c, int code, const char *type, const void *data, size_t len);
/* Adds one more header of that name. */
void answer_add(struct rest_answer *a, const char *name, const char *value);
void answer_warnings(struct rest_answer *a, const json_t *warnings);
void answer_common_headers(struct rest_call *c);
/* A Status of failure with code, reason (may be ""), message; details {} or absent. */
int fail_status(struct api_response *ret, int code, const char *reason, const char *message,
                bool with_details);

/* ---- objects as text (encode.c, order.c, text_cache.c) ---- */

/* How the members of an object are ordered: as Go's structs are, or bytewise as its maps. */
enum key_order { ORDER_AS_IS, ORDER_TYPED, ORDER_SORTED };
/* One JSON text, without a newline at its end. */
void order_write(struct strbuf *out, const json_t *v, enum key_order order, enum json_style style);
/* Appends the object in the call's media; newline where Go's encoders write one. -1: it cannot be
 * written in that media (protobuf of a kind without a type). */
int encode_object(struct strbuf *out, const json_t *v, enum key_order order,
                  const struct accept *how);

/* Texts of frozen objects that many readers ask for. Borrowed until the next call. */
struct text_cache;
struct text_cache *text_cache_create(void);
void text_cache_destroy(struct text_cache *t);
enum text_form { FORM_SORTED, FORM_TYPED, FORM_PARTIAL, FORM_PARTIAL_BETA };
/* NULL when it is not worth keeping: the caller writes it itself. */
const char *text_cache_get(struct text_cache *t, json_t *object, enum text_form form,
                           size_t *ret_len);

/* ---- conversions (partial.c, table.c) ---- */

/* The metadata of an object alone. New. */
json_t *partial_object(const json_t *object, bool v1beta1);
/* 0 and *ret (new), or -1 with the 406 in *error. */
int convert_response(struct rest_call *c, const json_t *body, json_t **ret,
                     struct api_response *error);

/* table.c. Whether answers about the type can be shown as a Table; else the Accept clauses that ask
 * for one are passed over. */
bool table_supported(const struct rest_call *c);
/* A Table of one object, or of a list. columns: with columnDefinitions (only the first event of a
 * watch has them). 0 and *ret (new), or -1 with a Status (400 for a bad includeObject). */
int table_make(struct rest_call *c, const json_t *body, bool columns, json_t **ret,
               struct api_response *error);
/* The same for the events of a watch, which outlive the request. */
struct table_options;
struct table_options *table_options_create(struct rest_call *c, struct api_response *error);
json_t *table_of_event(struct table_options *o, const json_t *object, bool columns);
void table_options_destroy(struct table_options *o);

/* ---- watches (stream.c) ---- */

int call_watch(struct rest_call *c, const struct api_request *req);
/* Open streams lose their server: they are at their end, and still their readers' to close. */
void streams_orphan(struct rest *r);

/* ---- compression (gzip.c) ---- */

/* Packs the body when that is wanted and worth it. */
void answer_compress(struct rest_call *c);
bool accepts_gzip(const char *accept_encoding);

/* ---- documents (version.c, health.c, discovery*.c, openapi*.c) ----
 * Each answers the call, or returns 1: no such path. */

int document_version(struct rest_call *c);
int document_health(struct rest_call *c);
int document_discovery(struct rest_call *c);
int document_openapi(struct rest_call *c);

/* "default" => path segments of c->route.path behind a prefix: "/apis/g/v" from "/apis". true when
 * the path is the prefix or lies below it; *ret_rest has no slash at either end. */
bool path_below(const char *path, const char *prefix, const char **ret_rest);

#endif
