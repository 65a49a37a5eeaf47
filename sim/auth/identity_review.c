/* TokenReview and SelfSubjectReview: who is it? */
#include <string.h>

#include "base/json.h"
#include "kube/status.h"
#include "kube/time.h"
#include "sim/auth/auth_priv.h"

/* ---- tokens ---- */

static json_t *token_status(struct auth *a, const char *token, const json_t *audiences)
{
    AUTO(json) json_t *claims = token_verify(a, token, strlen(token));
    AUTO(auth_identity) struct auth_identity who = {0};
    AUTO(json) json_t *common = NULL;
    bool asks = json_array_size(audiences) > 0;
    if (!claims || !token_identity(a, claims, asks ? audiences : NULL, &who, &common))
        return json_pack("{s:{}, s:s}", "user", "error", "invalid bearer token");
    json_t *status = json_pack("{s:b}", "authenticated", true);
    json_object_set_new(status, "user", auth_user_info(&who.id));
    json_object_set_new(status, "audiences",
                        common ? TAKE(common) : json_pack("[s]", TOKEN_ISSUER));
    return status;
}

static int token_review(void *cookie, const struct api_request *req, struct api_response *ret)
{
    static const struct review_field fields[] = {{"spec.token", 's'}, {"spec.audiences", 'a'}};
    AUTO(json)
    json_t *review =
        review_open(req, AUTHENTICATION_GROUP, "TokenReview", fields, ARRAY_LEN(fields), ret);
    if (!review)
        return -1;
    const char *token = json_str_or_empty(review, "spec.token");
    if (!*token)
        return status_bad_request(ret, "token is required for TokenReview in authentication");
    json_t *status = token_status(cookie, token, json_path(review, "spec.audiences"));
    return review_answer(ret, TAKE(review), status);
}

/* ---- oneself ---- */

static int self_review(void *cookie, const struct api_request *req, struct api_response *ret)
{
    struct auth *a = cookie;
    AUTO(json)
    json_t *review = review_open(req, AUTHENTICATION_GROUP, "SelfSubjectReview", NULL, 0, ret);
    if (!review)
        return -1;
    AUTO(auth_identity) struct auth_identity storage = {0};
    const struct api_identity *who = auth_identity_of_request(req, &storage);
    char now[TIME_TEXT];
    time_format(sched_now(a->config.sched), now);
    json_put_str(review, "metadata.creationTimestamp", now);
    json_object_del(review, "spec");
    json_t *status = json_object();
    json_object_set_new(status, "userInfo", auth_user_info(who));
    return review_answer(ret, TAKE(review), status);
}

void identity_reviews_install(struct auth *a)
{
    review_add(a, AUTHENTICATION_GROUP, "tokenreviews", "tokenreview", "TokenReview", false,
               token_review);
    review_add(a, AUTHENTICATION_GROUP, "selfsubjectreviews", "selfsubjectreview",
               "SelfSubjectReview", false, self_review);
}
