/* Who asks, and whether they may: tokens, certificates, impersonation, RBAC, and the reviews that
 * tell about them (kube-apiserver.md sections 7.1 to 7.3). */
#ifndef VMCONFORM_SIM_AUTH_AUTH_H
#define VMCONFORM_SIM_AUTH_AUTH_H

#include "base/cleanup.h"
#include "kube/api.h"
#include "sim/apiserver/apiserver.h"

struct auth_config {
    struct apiserver *server;
    struct sched *sched;
    bool anonymous; /* requests without credentials are system:anonymous; else 401 */
    bool rbac; /* installs itself as the server's authoriser, with the default cluster roles; else
                  every known identity may do everything */
    const char *ca_pem; /* what kube-root-ca.crt holds in every namespace; borrowed, NULL: there is
                           no such ConfigMap */
    const unsigned char *secret; /* part of the key that tokens are signed with, where others than
                                    the world's own clients reach the server; borrowed */
    size_t secret_len;           /* 0: the key follows from the seed alone */
};
struct auth;
/* Adds the reviews (authentication.k8s.io, authorization.k8s.io) and serviceaccounts/token to the
 * server. Must be destroyed before the server. */
struct auth *auth_create(const struct auth_config *config);
void auth_destroy(struct auth *a);
DEFINE_CLEANUP(struct auth, auth, auth_destroy);

/* A bearer token for a person or a service account ("system:serviceaccount:ns:name"): new string,
 * signed with a key made from the world's seed (HMAC), so that it is the same in every run (but for
 * config.secret). Groups
 * NULL: those that follow from the name. expires_ns SCHED_NEVER: never. */
char *auth_issue_token(struct auth *a, const char *name, const char *const *groups,
                       int64_t expires_ns);

/* An identity with storage of its own. Zero-initialise. */
struct auth_identity {
    struct api_identity id;
    void *storage;
};
void auth_identity_finish(struct auth_identity *i);
static inline void cleanup_auth_identity(struct auth_identity *i)
{
    auth_identity_finish(i);
}
/* The identity that a name alone implies: service accounts have their groups, kubernetes-admin is
 * in system:masters, everybody in system:authenticated. */
void auth_identity_of_name(const char *name, struct auth_identity *ret);
/* Whom a request comes from, by the name alone when nobody authenticated it. storage is the
 * caller's, to be finished. */
const struct api_identity *auth_identity_of_request(const struct api_request *req,
                                                    struct auth_identity *storage);
/* {username, uid, groups, extra} as reviews show it. New. */
json_t *auth_user_info(const struct api_identity *id);

/* What a request shows. All borrowed, NULL when absent. */
struct auth_credentials {
    const char *authorization;              /* the header's value */
    const struct api_identity *certificate; /* of a verified client certificate */
};
/* 0, or -1 with the 401. */
int auth_authenticate(struct auth *a, const struct auth_credentials *c, struct auth_identity *ret,
                      struct api_response *ret_status);
/* Impersonate-* headers as (name, value) pairs; with none *ret stays empty and 0 comes back. 0, or
 * -1 with the 400 or 403. */
struct auth_header {
    const char *name, *value;
};
int auth_impersonate(struct auth *a, const struct api_identity *who,
                     const struct auth_header *headers, size_t count, struct auth_identity *ret,
                     struct api_response *ret_status);

/* A request outside of resources ("/version"); verb is the method in lower case. 0, or -1 with the
 * 403. */
int auth_check_path(struct auth *a, const struct api_identity *who, const char *verb,
                    const char *path, struct api_response *ret_status);

#endif
