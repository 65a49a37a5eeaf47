/* serviceaccounts/token: a token for a time, for somebody's ears, bound to a pod or a secret. */
#include <string.h>

#include "base/json.h"
#include "kube/meta.h"
#include "kube/status.h"
#include "kube/time.h"
#include "sim/auth/auth_priv.h"

#define SECONDS_DEFAULT 3600
#define SECONDS_MIN 600
#define SECONDS_MAX (INT64_C(1) << 32)

static const struct review_field spec_fields[] = {
    {"spec.audiences", 'a'},
    {"spec.expirationSeconds", 'i'},
    {"spec.boundObjectRef", 'o'},
    {"spec.boundObjectRef.kind", 's'},
    {"spec.boundObjectRef.apiVersion", 's'},
    {"spec.boundObjectRef.name", 's'},
    {"spec.boundObjectRef.uid", 's'},
};

static void settle_spec(json_t *spec)
{
    if (json_array_size(json_object_get(spec, "audiences")) == 0)
        json_object_set_new(spec, "audiences", json_pack("[s]", TOKEN_ISSUER));
    if (!json_is_integer(json_object_get(spec, "expirationSeconds")))
        json_object_set_new(spec, "expirationSeconds", json_integer(SECONDS_DEFAULT));
    if (!json_is_object(json_object_get(spec, "boundObjectRef")))
        json_object_set_new(spec, "boundObjectRef", json_null());
}

static int check_seconds(const json_t *spec, struct api_response *ret)
{
    const json_t *v = json_object_get(spec, "expirationSeconds");
    struct field_errors errors = {0};
    if (json_integer_value(v) < SECONDS_MIN)
        field_errors_add(&errors, FIELD_INVALID, "spec.expirationSeconds", v,
                         "may not specify a duration less than 10 minutes");
    else if (json_integer_value(v) > SECONDS_MAX)
        field_errors_add(&errors, FIELD_INVALID, "spec.expirationSeconds", v,
                         "may not specify a duration larger than 2^32 seconds");
    if (!field_errors_any(&errors))
        return 0;
    return status_invalid(ret, AUTHENTICATION_GROUP, "TokenRequest", "", &errors);
}

/* Puts the pod or secret into the claim. */
static int bind_object(const struct auth *a, const char *ns, const json_t *ref, json_t *claim,
                       struct api_response *ret)
{
    const char *kind = json_str_or_empty(ref, "kind"), *name = json_str_or_empty(ref, "name");
    bool pod = strcmp(kind, "Pod") == 0, secret = strcmp(kind, "Secret") == 0;
    const char *version = json_str_or_empty(ref, "apiVersion");
    if ((!pod && !secret) || strcmp(version, "v1") != 0)
        return status_bad_request(
            ret, "cannot bind token for serviceaccount to object of type %s, Kind=%s", version,
            kind);
    const struct api_resource r = {"", "v1", pod ? "pods" : "secrets"};
    const json_t *object = apiserver_peek(a->config.server, "", r.plural, ns, name);
    if (!object)
        return status_not_found(ret, &r, name);
    const char *uid = json_str_or_empty(ref, "uid");
    if (*uid && strcmp(uid, meta_uid(object)) != 0) {
        AUTO(str)
        char *why = mem_printf("the UID in the bound object reference (%s) does not match the UID "
                               "in record. The object might have been deleted and then recreated",
                               uid);
        return status_conflict(ret, &r, name, why);
    }
    json_object_set_new(claim, pod ? "pod" : "secret",
                        json_pack("{s:s, s:s}", "name", name, "uid", meta_uid(object)));
    return 0;
}

/* New, or NULL with *ret filled. */
static json_t *claims_of(struct auth *a, const json_t *account, const json_t *spec,
                         struct api_response *ret)
{
    const char *ns = meta_namespace(account), *name = meta_name(account);
    int64_t now_s = sched_now(a->config.sched) / NS_PER_S;
    AUTO(json)
    json_t *k8s = json_pack("{s:s, s:{s:s, s:s}}", "namespace", ns, "serviceaccount", "name", name,
                            "uid", meta_uid(account));
    const json_t *ref = json_object_get(spec, "boundObjectRef");
    if (json_is_object(ref) && bind_object(a, ns, ref, k8s, ret) < 0)
        return NULL;
    char id[37];
    prng_uuid(&a->ids, id);
    json_t *claims = json_object();
    json_object_set(claims, "aud", json_object_get(spec, "audiences"));
    json_object_set_new(claims, "exp",
                        json_integer(now_s + json_int(spec, "expirationSeconds", 0)));
    json_object_set_new(claims, "iat", json_integer(now_s));
    json_put_str(claims, "iss", TOKEN_ISSUER);
    json_put_str(claims, "jti", id);
    json_object_set_new(claims, "kubernetes.io", TAKE(k8s));
    json_object_set_new(claims, "nbf", json_integer(now_s));
    AUTO(str) char *sub = mem_printf(ACCOUNT_PREFIX "%s:%s", ns, name);
    json_put_str(claims, "sub", sub);
    return claims;
}

static int answer(struct auth *a, json_t *request /* taken */, const json_t *claims,
                  struct api_response *ret)
{
    AUTO(str) char *token = token_sign(a, claims);
    char now[TIME_TEXT], until[TIME_TEXT];
    time_format(sched_now(a->config.sched), now);
    /* Such times may lie behind the last that nanoseconds reach. */
    time_format_seconds(json_int(claims, "exp", 0), 0, 0, until);
    json_put_str(request, "metadata.creationTimestamp", now);
    return review_answer(ret, request,
                         json_pack("{s:s, s:s}", "token", token, "expirationTimestamp", until));
}

static int token_request(void *cookie, const struct api_request *req, struct api_response *ret)
{
    struct auth *a = cookie;
    const struct api_resource accounts = {"", "v1", "serviceaccounts"};
    if (!req->name)
        return status_method_not_allowed(ret, &req->resource, "create");
    AUTO(json)
    json_t *request = review_open(req, AUTHENTICATION_GROUP, "TokenRequest", spec_fields,
                                  ARRAY_LEN(spec_fields), ret);
    if (!request)
        return -1;
    const json_t *account =
        apiserver_peek(a->config.server, "", "serviceaccounts", req->ns, req->name);
    if (!account)
        return status_not_found(ret, &accounts, req->name);
    json_t *spec = json_object_get(request, "spec");
    settle_spec(spec);
    if (check_seconds(spec, ret) < 0)
        return -1;
    AUTO(json) json_t *claims = claims_of(a, account, spec, ret);
    if (!claims)
        return -1;
    json_put_str(request, "metadata.name", req->name);
    json_put_str(request, "metadata.namespace", req->ns);
    return answer(a, TAKE(request), claims, ret);
}

void token_request_install(struct auth *a)
{
    const struct virtual_resource r = {.resource = {"", "v1", "serviceaccounts"},
                                       .subresource = "token",
                                       .kind = "TokenRequest",
                                       .kind_group = AUTHENTICATION_GROUP,
                                       .kind_version = "v1",
                                       .singular = "",
                                       .namespaced = true,
                                       .verbs = 1u << API_CREATE,
                                       .fn = token_request,
                                       .cookie = a};
    apiserver_add_virtual(a->config.server, &r);
}
