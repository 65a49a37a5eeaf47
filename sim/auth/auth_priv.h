/* The insides of sim/auth. */
#ifndef VMCONFORM_SIM_AUTH_AUTH_PRIV_H
#define VMCONFORM_SIM_AUTH_AUTH_PRIV_H

#include "base/mem.h"
#include "base/prng.h"
#include "base/strbuf.h"
#include "base/strmap.h"
#include "sim/auth/auth.h"

#define GROUP_MASTERS "system:masters"
#define GROUP_AUTHENTICATED "system:authenticated"
#define GROUP_UNAUTHENTICATED "system:unauthenticated"
#define GROUP_NODES "system:nodes"
#define GROUP_ACCOUNTS "system:serviceaccounts"
#define USER_ANONYMOUS "system:anonymous"
#define USER_SERVER "system:apiserver"
#define USER_ADMIN "kubernetes-admin"
#define ACCOUNT_PREFIX "system:serviceaccount:"
#define EXTRA_PREFIX "authentication.kubernetes.io/"

#define RBAC_GROUP "rbac.authorization.k8s.io"

#define TOKEN_BYTES_MAX (16u << 10)
#define TOKEN_ISSUER "https://kubernetes.default.svc.cluster.local"
#define TOKEN_KEY_BYTES 32

#define TOKENS_KNOWN 64 /* a power of two */

struct rbac_index;

/* A token that was found to be good. */
struct known_token {
    char *text;
    size_t len;
    int64_t expires_s;
    json_t *claims;           /* frozen */
    struct auth_identity who; /* made when it is first shown to the server */
};

struct auth {
    struct auth_config config;
    unsigned char key[TOKEN_KEY_BYTES];
    char *token_head; /* the encoded header of every token, with its point */
    /* By a few bytes of the signature; only tokens that were signed here get in. */
    struct known_token known[TOKENS_KNOWN];
    struct prng ids;          /* of tokens that were asked for */
    struct rbac_index *index; /* NULL: to be made from what is stored */
    uint64_t chores;          /* the posted event that does them; 0: none is posted */
    bool at_chores;           /* they are being done */
    bool roles_changed;       /* aggregated roles are to be looked at */
    bool accounts_changed;    /* namespaces may lack what each one has */
};

/* UTF-8, as names must be. */
bool is_text(const char *s);
/* What the server's authoriser answers; with explain also why it is allowed. */
bool auth_decide(struct auth *a, const struct api_attributes *what, bool explain,
                 char **ret_reason);

/* ---- identities (identity.c) ---- */

#define ACCOUNT_NS_MAX 64
/* "system:serviceaccount:ns:name" into its parts: *ret_name points into user. */
bool account_split(const char *user, char ret_ns[ACCOUNT_NS_MAX], const char **ret_name);

/* Everything is copied; extra gets a reference. uid and extra may be NULL. *ret must be empty. */
void identity_set(struct auth_identity *ret, const char *name, const char *uid,
                  const char *const *groups, size_t group_count, json_t *extra);

/* The same one in *ret, to be finished for itself. */
void identity_share(const struct auth_identity *i, struct auth_identity *ret);

/* A few names on the way to an identity. All borrowed. */
#define NAMES_MAX 256
struct names {
    const char *list[NAMES_MAX];
    size_t count;
    char account_group[sizeof(GROUP_ACCOUNTS) + ACCOUNT_NS_MAX];
};
/* Once each; beyond NAMES_MAX nothing: false. */
bool names_add(struct names *n, const char *name);
bool names_have(const struct names *n, const char *name);
/* The groups that follow from the user's name, without (un)authenticated. */
void names_add_implied(struct names *n, const char *user);

/* ---- tokens (token.c) ---- */

void token_init(struct auth *a);
void token_finish(struct auth *a);
/* New. */
char *token_sign(const struct auth *a, const json_t *claims);
/* The claims of a token that this server signed and that has not expired; NULL otherwise. New, and
 * not to be changed. */
json_t *token_verify(struct auth *a, const char *text, size_t len);
/* Whom the claims name, as far as they still exist. audiences: array of strings of which the token
 * must be for one, NULL for the server's own. *ret_audiences (may be NULL): those it is for, new.
 */
bool token_identity(const struct auth *a, const json_t *claims, const json_t *audiences,
                    struct auth_identity *ret, json_t **ret_audiences);
/* Both, for a token that is shown to the server itself. */
bool token_authenticate(struct auth *a, const char *text, size_t len, struct auth_identity *ret);

/* ---- rules (rbac.c, rbac_rule.c) ---- */

struct words {
    const char **list;
    size_t count;
    bool all; /* "*" is among them */
};
struct rule {
    struct words verbs, groups, resources, names, urls;
    const json_t *json; /* as it is written; borrowed */
};
/* Borrows the texts of json. */
void rule_init(struct rule *r, const json_t *json);
void rule_finish(struct rule *r);
bool rule_allows(const struct rule *r, const struct api_attributes *what);
/* Whether whoever has `owner` may do all that `wanted` says. */
bool rule_covers(const struct rule *owner, const struct rule *wanted);

struct rules {
    struct rule *list;
    size_t count;
};
/* Of an array of rules. */
void rules_init(struct rules *r, const json_t *array);
void rules_finish(struct rules *r);

/* One binding as one of its subjects sees it. */
struct grant {
    const struct rules *rules; /* NULL: the role is not there */
    const json_t *binding, *subject;
    const char *ns; /* NULL: everywhere */
};
/* Calls fn for every rule that the identity has in the namespace (NULL: at the cluster scope); with
 * rule NULL for a grant whose role is missing. Stops when fn returns false: false then. */
typedef bool rbac_visitor(void *cookie, const struct grant *g, const struct rule *rule);
bool rbac_visit(struct auth *a, const struct api_identity *who, const char *ns, rbac_visitor *fn,
                void *cookie);
bool rbac_allows(struct auth *a, const struct api_attributes *what, bool explain,
                 char **ret_reason);
/* "clusterrole.rbac.authorization.k8s.io "x" not found", of the role that the grant misses. New. */
char *rbac_missing_role(const struct grant *g);
void rbac_forget(struct auth *a);
bool is_master(const struct api_identity *who);

/* ---- reviews (review.c) ---- */

#define AUTHENTICATION_GROUP "authentication.k8s.io"
#define AUTHORIZATION_GROUP "authorization.k8s.io"

/* What a field of a body must be. */
struct review_field {
    const char *path;
    char type; /* 's' string, 'b' bool, 'i' integer, 'o' object, 'a' array of strings,
                  'm' object of arrays of strings */
};
/* The body of a review, or a token request, as an object of the server's own: apiVersion and kind
 * are group/v1 and kind, metadata and spec are there. NULL: *ret has the 400. */
json_t *review_open(const struct api_request *req, const char *group, const char *kind,
                    const struct review_field *fields, size_t count, struct api_response *ret);
/* Answers 201 with the review (taken) and its status (taken, may be NULL). Always 0. */
int review_answer(struct api_response *ret, json_t *review, json_t *status);
/* Adds a resource that only takes POST. */
void review_add(struct auth *a, const char *group, const char *plural, const char *singular,
                const char *kind, bool namespaced, virtual_fn *fn);

/* ---- the rest ---- */

/* Nobody hands out what he does not have (escalate.c). */
void escalation_install(struct auth *a);
/* The roles and bindings that a cluster starts with (default_roles.c). */
void default_roles_create(struct auth *a);
/* Who may, who is, tokens on request. */
void access_reviews_install(struct auth *a);
void rules_review_install(struct auth *a);
void identity_reviews_install(struct auth *a);
void token_request_install(struct auth *a);
/* What kube-controller-manager does about accounts and roles (chores.c). */
void chores_install(struct auth *a);
void chores_stop(struct auth *a);
/* One round of them, now. */
void chores_do(struct auth *a);
/* One request of a chore. A write that fails is no loss: something else has changed, and that is
 * another chore. */
void chore_ask(struct auth *a, struct api_request *req, const char *user);

/* Gathers the rules of each role that aggregates others, once (aggregate.c): a role may aggregate
 * one that does so, too. Whether anything was written. */
bool aggregate_once(struct auth *a);

#endif
