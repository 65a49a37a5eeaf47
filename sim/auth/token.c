/* Bearer tokens: JSON Web Tokens in the compact form, HS256.
 *
 * The signature is checked over the text as it came, before anything of it is decoded: what is
 * parsed afterwards was written here. Hostile text costs one HMAC over at most TOKEN_BYTES_MAX. */
#include <assert.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/digest.h"
#include "base/json.h"
#include "kube/meta.h"
#include "kube/time.h"
#include "sim/auth/auth_priv.h"

#define MAC_BYTES 32
#define MAC_TEXT 43 /* MAC_BYTES in base64 without padding */

/* ---- form and signature ---- */

static void hmac(const void *key, size_t key_len, const void *text, size_t len,
                 unsigned char out[MAC_BYTES])
{
    int rc = gnutls_hmac_fast(GNUTLS_MAC_SHA256, key, key_len, text, len, out);
    if (rc < 0) {
        /* A machine that cannot compute it is broken, like one without memory. */
        fprintf(stderr, "vmconform: HMAC-SHA-256: %s\n", gnutls_strerror(rc));
        abort();
    }
}

static void mac_of(const struct auth *a, const char *text, size_t len, unsigned char out[MAC_BYTES])
{
    hmac(a->key, sizeof(a->key), text, len, out);
}

/* Everybody can make the seed's key. */
static void mix_secret(struct auth *a)
{
    unsigned char mixed[MAC_BYTES];
    static_assert(sizeof(mixed) == sizeof(a->key), "a key is a MAC");
    hmac(a->config.secret, a->config.secret_len, a->key, sizeof(a->key), mixed);
    memcpy(a->key, mixed, sizeof(mixed));
}

static void add_json(struct strbuf *out, const json_t *v)
{
    AUTO(str) char *text = json_text(v);
    base64url_add(out, text, strlen(text));
}

void token_init(struct auth *a)
{
    gnutls_global_init(); /* not done by itself in a program that skips it: runner/main.c */
    AUTO(str) char *label = mem_printf("auth/%s/key", apiserver_name(a->config.server));
    struct prng p;
    sched_prng(a->config.sched, label, &p);
    prng_fill(&p, a->key, sizeof(a->key));
    if (a->config.secret_len > 0)
        mix_secret(a);
    char digest[DIGEST_HEX];
    digest_of(a->key, sizeof(a->key), digest);
    digest[16] = '\0';
    AUTO(json)
    json_t *head = json_pack("{s:s, s:s, s:s}", "alg", "HS256", "kid", digest, "typ", "JWT");
    AUTO(strbuf) struct strbuf out = {0};
    add_json(&out, head);
    strbuf_addch(&out, '.');
    a->token_head = strbuf_take(&out);
}

char *token_sign(const struct auth *a, const json_t *claims)
{
    AUTO(strbuf) struct strbuf out = {0};
    strbuf_addstr(&out, a->token_head);
    add_json(&out, claims);
    unsigned char mac[MAC_BYTES];
    mac_of(a, out.data, out.len, mac);
    strbuf_addch(&out, '.');
    base64url_add(&out, mac, sizeof(mac));
    return strbuf_take(&out);
}

static bool signature_fits(const struct auth *a, const char *text, size_t len)
{
    if (text[len - MAC_TEXT - 1] != '.')
        return false;
    AUTO(strbuf) struct strbuf given = {0};
    if (!base64url_read(&given, text + len - MAC_TEXT, MAC_TEXT))
        return false;
    unsigned char mac[MAC_BYTES];
    mac_of(a, text, len - MAC_TEXT - 1, mac);
    return given.len == MAC_BYTES && gnutls_memcmp(given.data, mac, MAC_BYTES) == 0;
}

static json_t *read_claims(const struct auth *a, const char *text, size_t len)
{
    size_t head = strlen(a->token_head);
    if (!signature_fits(a, text, len) || strncmp(text, a->token_head, head) != 0)
        return NULL;
    AUTO(strbuf) struct strbuf claims = {0};
    if (!base64url_read(&claims, text + head, len - head - MAC_TEXT - 1))
        return NULL;
    struct err e = {0};
    AUTO(json) json_t *v = json_read(claims.data, claims.len, "token", &e);
    err_clear(&e);
    return json_is_object(v) ? TAKE(v) : NULL;
}

/* ---- those seen before: clients show the same one with every request ---- */

static struct known_token *known_slot(struct auth *a, const char *text, size_t len)
{
    uint64_t h = 0;
    memcpy(&h, text + len - sizeof(h), sizeof(h));
    h *= UINT64_C(0x9e3779b97f4a7c15);
    return &a->known[h >> 58 & (TOKENS_KNOWN - 1)];
}

static void forget(struct known_token *k)
{
    free(k->text);
    json_decref(k->claims);
    auth_identity_finish(&k->who);
    *k = (struct known_token){0};
}

void token_finish(struct auth *a)
{
    for (size_t i = 0; i < TOKENS_KNOWN; i++)
        forget(&a->known[i]);
    free(a->token_head);
}

/* The token's own place, once it was found to be good and has not expired; NULL otherwise. */
static struct known_token *known_token(struct auth *a, const char *text, size_t len)
{
    if (len > TOKEN_BYTES_MAX || len < MAC_TEXT + 2)
        return NULL;
    struct known_token *k = known_slot(a, text, len);
    if (k->len != len || gnutls_memcmp(k->text, text, len) != 0) {
        json_t *claims = read_claims(a, text, len);
        if (!claims)
            return NULL;
        forget(k);
        k->text = mem_strndup(text, len);
        k->len = len;
        k->claims = claims;
        k->expires_s = json_int(claims, "exp", INT64_MAX);
    }
    return k->expires_s > sched_now(a->config.sched) / NS_PER_S ? k : NULL;
}

json_t *token_verify(struct auth *a, const char *text, size_t len)
{
    struct known_token *k = known_token(a, text, len);
    return k ? json_incref(k->claims) : NULL;
}

/* ---- issue ---- */

static json_t *name_list(const char *const *names)
{
    json_t *list = json_array();
    for (size_t i = 0; names[i]; i++)
        json_array_append_new(list, json_string(names[i]));
    return list;
}

/* What a service account's token says about it; its uid as far as there is one. */
static json_t *account_claim(const struct auth *a, const char *ns, const char *name)
{
    const json_t *account = apiserver_peek(a->config.server, "", "serviceaccounts", ns, name);
    json_t *claim = json_pack("{s:s, s:{s:s}}", "namespace", ns, "serviceaccount", "name", name);
    if (account)
        json_put_str(claim, "serviceaccount.uid", meta_uid(account));
    return claim;
}

char *auth_issue_token(struct auth *a, const char *name, const char *const *groups,
                       int64_t expires_ns)
{
    char ns[ACCOUNT_NS_MAX];
    const char *account;
    AUTO(json) json_t *claims = json_object();
    json_put_take(claims, "aud", json_pack("[s]", TOKEN_ISSUER));
    if (expires_ns != SCHED_NEVER)
        json_put_take(claims, "exp", json_integer(expires_ns / NS_PER_S));
    json_put_take(claims, "iat", json_integer(sched_now(a->config.sched) / NS_PER_S));
    json_put_str(claims, "iss", TOKEN_ISSUER);
    if (groups)
        json_put_take(claims, "groups", name_list(groups));
    else if (account_split(name, ns, &account))
        json_object_set_new(claims, "kubernetes.io", account_claim(a, ns, account));
    json_put_str(claims, "sub", name);
    return token_sign(a, claims);
}

/* ---- whom they name ---- */

/* A thing that the token is bound to is still the same one. */
static bool still_there(const struct auth *a, const json_t *claim, const char *plural,
                        const char *ns)
{
    const char *uid = json_str(claim, "uid");
    if (!uid)
        return true;
    const json_t *object =
        apiserver_peek(a->config.server, "", plural, ns, json_str_or_empty(claim, "name"));
    return object && strcmp(meta_uid(object), uid) == 0;
}

static bool bonds_hold(const struct auth *a, const json_t *k8s)
{
    if (!k8s)
        return true;
    static const struct {
        const char *claim, *plural;
    } bonds[] = {{"serviceaccount", "serviceaccounts"}, {"pod", "pods"}, {"secret", "secrets"}};
    const char *ns = json_str_or_empty(k8s, "namespace");
    for (size_t i = 0; i < ARRAY_LEN(bonds); i++)
        if (!still_there(a, json_object_get(k8s, bonds[i].claim), bonds[i].plural, ns))
            return false;
    return true;
}

static void put_extra(json_t *extra, const char *key, const char *value)
{
    if (value)
        json_object_set_new(extra, key, json_pack("[s]", value));
}

/* New, or NULL when there is nothing to say. */
static json_t *extra_of(const json_t *claims, const json_t *k8s)
{
    json_t *extra = json_object();
    const char *id = json_str(claims, "jti");
    AUTO(str) char *credential = id ? mem_printf("JTI=%s", id) : NULL;
    put_extra(extra, EXTRA_PREFIX "credential-id", credential);
    put_extra(extra, EXTRA_PREFIX "pod-name", json_str(k8s, "pod.name"));
    put_extra(extra, EXTRA_PREFIX "pod-uid", json_str(k8s, "pod.uid"));
    if (json_object_size(extra) > 0)
        return extra;
    json_decref(extra);
    return NULL;
}

static json_t *common_audiences(const json_t *claims, const json_t *wanted)
{
    json_t *common = json_array();
    const json_t *have = json_object_get(claims, "aud");
    for (size_t i = 0; i < json_array_size(wanted); i++)
        for (size_t k = 0; k < json_array_size(have); k++)
            if (json_equal(json_array_get(wanted, i), json_array_get(have, k))) {
                json_array_append(common, json_array_get(wanted, i));
                break;
            }
    return common;
}

static bool is_for_server(const json_t *claims)
{
    const json_t *have = json_object_get(claims, "aud");
    for (size_t i = 0; i < json_array_size(have); i++)
        if (strcmp(json_string_value(json_array_get(have, i)), TOKEN_ISSUER) == 0)
            return true;
    return false;
}

bool token_identity(const struct auth *a, const json_t *claims, const json_t *audiences,
                    struct auth_identity *ret, json_t **ret_audiences)
{
    const json_t *k8s = json_object_get(claims, "kubernetes.io");
    const json_t *groups = json_object_get(claims, "groups");
    const char *name = json_str_or_empty(claims, "sub");
    AUTO(json) json_t *common = audiences ? common_audiences(claims, audiences) : NULL;
    if (audiences ? json_array_size(common) == 0 : !is_for_server(claims))
        return false;
    if (!bonds_hold(a, k8s))
        return false;
    struct names n;
    n.count = 0;
    for (size_t i = 0; i < json_array_size(groups); i++)
        names_add(&n, json_string_value(json_array_get(groups, i)));
    if (!groups)
        names_add_implied(&n, name);
    if (!names_have(&n, GROUP_UNAUTHENTICATED))
        names_add(&n, GROUP_AUTHENTICATED);
    AUTO(json) json_t *extra = extra_of(claims, k8s);
    identity_set(ret, name, json_str(k8s, "serviceaccount.uid"), n.list, n.count, extra);
    if (ret_audiences)
        *ret_audiences = TAKE(common);
    return true;
}

bool token_authenticate(struct auth *a, const char *text, size_t len, struct auth_identity *ret)
{
    struct known_token *k = known_token(a, text, len);
    if (!k)
        return false;
    if (!k->who.storage && !token_identity(a, k->claims, NULL, &k->who, NULL))
        return false;
    if (!bonds_hold(a, json_object_get(k->claims, "kubernetes.io")))
        return false;
    identity_share(&k->who, ret);
    return true;
}
