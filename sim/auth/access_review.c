/* SubjectAccessReview, SelfSubjectAccessReview, LocalSubjectAccessReview: may they? */
#include <string.h>

#include "base/json.h"
#include "kube/status.h"
#include "sim/auth/auth_priv.h"

static const struct review_field spec_fields[] = {
    {"spec.resourceAttributes", 'o'},
    {"spec.resourceAttributes.namespace", 's'},
    {"spec.resourceAttributes.verb", 's'},
    {"spec.resourceAttributes.group", 's'},
    {"spec.resourceAttributes.version", 's'},
    {"spec.resourceAttributes.resource", 's'},
    {"spec.resourceAttributes.subresource", 's'},
    {"spec.resourceAttributes.name", 's'},
    {"spec.nonResourceAttributes", 'o'},
    {"spec.nonResourceAttributes.path", 's'},
    {"spec.nonResourceAttributes.verb", 's'},
    {"spec.user", 's'},
    {"spec.uid", 's'},
    {"spec.groups", 'a'},
    {"spec.extra", 'm'},
};

/* ---- what is asked ---- */

static const json_t *present(const json_t *review, const char *path)
{
    const json_t *v = json_path(review, path);
    return json_is_object(v) ? v : NULL;
}

static const char *text_or_null(const json_t *v, const char *key)
{
    const char *text = json_str(v, key);
    return text && *text ? text : NULL;
}

static void attributes_of(const json_t *review, struct api_attributes *ret)
{
    const json_t *r = present(review, "spec.resourceAttributes");
    const json_t *n = present(review, "spec.nonResourceAttributes");
    if (!r) {
        ret->verb = json_str_or_empty(n, "verb");
        ret->path = json_str_or_empty(n, "path");
        return;
    }
    ret->verb = json_str_or_empty(r, "verb");
    ret->group = json_str_or_empty(r, "group");
    ret->version = json_str_or_empty(r, "version");
    ret->plural = json_str_or_empty(r, "resource");
    ret->subresource = text_or_null(r, "subresource");
    ret->ns = text_or_null(r, "namespace");
    ret->name = text_or_null(r, "name");
}

/* ---- whether it can be answered ---- */

static void check_attributes(const json_t *review, struct field_errors *errors)
{
    const json_t *r = present(review, "spec.resourceAttributes");
    const json_t *n = present(review, "spec.nonResourceAttributes");
    if (r && n)
        field_errors_add(errors, FIELD_INVALID, "spec.nonResourceAttributes", n,
                         "cannot be specified in combination with resourceAttributes");
    else if (!r && !n)
        field_errors_add(errors, FIELD_INVALID, "spec.resourceAttributes", NULL,
                         "exactly one of nonResourceAttributes or resourceAttributes must be "
                         "specified");
}

static void check_subject(const json_t *review, struct field_errors *errors)
{
    AUTO(json) json_t *empty = json_string("");
    if (!*json_str_or_empty(review, "spec.user") &&
        json_array_size(json_path(review, "spec.groups")) == 0)
        field_errors_add(errors, FIELD_INVALID, "spec.user", empty,
                         "at least one of user or group must be specified");
}

static int checked(const json_t *review, bool namespaced, bool others, struct api_response *ret)
{
    struct field_errors errors = {0};
    check_attributes(review, &errors);
    if (others)
        check_subject(review, &errors);
    const json_t *meta = json_object_get(review, "metadata");
    size_t allowed = namespaced && json_object_get(meta, "namespace") ? 1 : 0;
    if (json_object_size(meta) > allowed)
        field_errors_add(&errors, FIELD_INVALID, "metadata", meta,
                         namespaced ? "must be empty except for namespace" : "must be empty");
    if (!field_errors_any(&errors))
        return 0;
    return status_invalid(ret, AUTHORIZATION_GROUP, json_str_or_empty(review, "kind"), "", &errors);
}

/* ---- the answer ---- */

static int answer(struct auth *a, json_t *review, const struct api_identity *who,
                  struct api_response *ret)
{
    struct api_attributes what = {.identity = who};
    AUTO(str) char *reason = NULL;
    attributes_of(review, &what);
    bool allowed = auth_decide(a, &what, /* explain= */ true, &reason);
    json_t *status = json_pack("{s:b}", "allowed", allowed);
    if (reason)
        json_put_str(status, "reason", reason);
    return review_answer(ret, review, status);
}

/* The subject that the review names, with the groups that it names and no others. */
static void subject_of(const json_t *review, struct auth_identity *ret)
{
    struct names n;
    n.count = 0;
    const json_t *groups = json_path(review, "spec.groups");
    for (size_t i = 0; i < json_array_size(groups); i++)
        names_add(&n, json_string_value(json_array_get(groups, i)));
    json_t *extra = (json_t *)present(review, "spec.extra");
    identity_set(ret, json_str_or_empty(review, "spec.user"),
                 text_or_null(json_object_get(review, "spec"), "uid"), n.list, n.count, extra);
}

static int of_subject(struct auth *a, json_t *review /* taken */, bool namespaced,
                      struct api_response *ret)
{
    AUTO(json) json_t *held = review;
    if (checked(held, namespaced, /* others= */ true, ret) < 0)
        return -1;
    AUTO(auth_identity) struct auth_identity who = {0};
    subject_of(held, &who);
    return answer(a, TAKE(held), &who.id, ret);
}

static int subject_review(void *cookie, const struct api_request *req, struct api_response *ret)
{
    json_t *review = review_open(req, AUTHORIZATION_GROUP, "SubjectAccessReview", spec_fields,
                                 ARRAY_LEN(spec_fields), ret);
    return review ? of_subject(cookie, review, /* namespaced= */ false, ret) : -1;
}

static int self_review(void *cookie, const struct api_request *req, struct api_response *ret)
{
    AUTO(json)
    json_t *review = review_open(req, AUTHORIZATION_GROUP, "SelfSubjectAccessReview", spec_fields,
                                 ARRAY_LEN(spec_fields), ret);
    if (!review || checked(review, /* namespaced= */ false, /* others= */ false, ret) < 0)
        return -1;
    AUTO(auth_identity) struct auth_identity storage = {0};
    return answer(cookie, TAKE(review), auth_identity_of_request(req, &storage), ret);
}

static int local_review(void *cookie, const struct api_request *req, struct api_response *ret)
{
    AUTO(json)
    json_t *review = review_open(req, AUTHORIZATION_GROUP, "LocalSubjectAccessReview", spec_fields,
                                 ARRAY_LEN(spec_fields), ret);
    if (!review)
        return -1;
    const json_t *r = present(review, "spec.resourceAttributes");
    if (!r || present(review, "spec.nonResourceAttributes")) {
        struct field_errors errors = {0};
        field_errors_add(&errors, FIELD_INVALID, "spec.nonResourceAttributes",
                         json_path(review, "spec.nonResourceAttributes"),
                         "disallowed on this kind of request");
        return status_invalid(ret, AUTHORIZATION_GROUP, "LocalSubjectAccessReview", "", &errors);
    }
    if (strcmp(json_str_or_empty(r, "namespace"), req->ns) != 0)
        return status_bad_request(ret, "spec.resourceAttributes.namespace must match namespace: %s",
                                  req->ns);
    json_put_str(review, "metadata.namespace", req->ns);
    return of_subject(cookie, TAKE(review), /* namespaced= */ true, ret);
}

void access_reviews_install(struct auth *a)
{
    review_add(a, AUTHORIZATION_GROUP, "subjectaccessreviews", "subjectaccessreview",
               "SubjectAccessReview", false, subject_review);
    review_add(a, AUTHORIZATION_GROUP, "selfsubjectaccessreviews", "selfsubjectaccessreview",
               "SelfSubjectAccessReview", false, self_review);
    review_add(a, AUTHORIZATION_GROUP, "localsubjectaccessreviews", "localsubjectaccessreview",
               "LocalSubjectAccessReview", true, local_review);
}
