#include "net/tls.h"

#include <arpa/inet.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/wall.h"

#define YEAR_S (365 * 24 * 3600)
#define BACK_S 3600 /* clocks differ */

struct tls_ca {
    gnutls_x509_crt_t cert;
    gnutls_x509_privkey_t key;
    char *pem;
};

/* ---- pieces ---- */

/* A step of GnuTLS: 0, or -1 with its words. */
static int step(int r, const char *what, struct err *reterr)
{
    return r >= 0 ? 0
                  : err_set(reterr, ERR_INTERNAL, NO_POS, "certificates: %s: %s", what,
                            gnutls_strerror(r));
}

static int make_key(gnutls_x509_privkey_t *ret, struct err *reterr)
{
    if (step(gnutls_x509_privkey_init(ret), "a key", reterr) < 0)
        return -1;
    return step(gnutls_x509_privkey_generate(*ret, GNUTLS_PK_ECDSA,
                                             GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0),
                "a key", reterr);
}

static int set_serial(gnutls_x509_crt_t cert, struct err *reterr)
{
    unsigned char serial[16];

    if (step(gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof serial), "a serial number", reterr) < 0)
        return -1;
    serial[0] = (unsigned char)((serial[0] & 0x3f) | 0x40); /* positive, and no leading zero */
    return step(gnutls_x509_crt_set_serial(cert, serial, sizeof serial), "a serial number", reterr);
}

static int set_validity(gnutls_x509_crt_t cert, struct err *reterr)
{
    time_t now = (time_t)(wall_date_ns() / 1000000000);

    if (step(gnutls_x509_crt_set_activation_time(cert, now - BACK_S), "its time", reterr) < 0)
        return -1;
    return step(gnutls_x509_crt_set_expiration_time(cert, now + YEAR_S), "its time", reterr);
}

static int add_name(gnutls_x509_crt_t cert, const char *oid, const char *value, struct err *reterr)
{
    size_t len = strlen(value);

    if (len == 0 || len > 4096)
        return err_set(reterr, ERR_INVALID, NO_POS,
                       "a name in a certificate has 1 to 4096 bytes, found %zu", len);
    return step(gnutls_x509_crt_set_dn_by_oid(cert, oid, 0, value, (unsigned)len), "a name",
                reterr);
}

static int set_key_id(gnutls_x509_crt_t cert, struct err *reterr)
{
    unsigned char id[64];
    size_t size = sizeof id;

    if (step(gnutls_x509_crt_get_key_id(cert, 0, id, &size), "its key", reterr) < 0)
        return -1;
    return step(gnutls_x509_crt_set_subject_key_id(cert, id, size), "its key", reterr);
}

static int begin_cert(gnutls_x509_crt_t *ret, gnutls_x509_privkey_t key, const char *common_name,
                      struct err *reterr)
{
    if (step(gnutls_x509_crt_init(ret), "a certificate", reterr) < 0 ||
        step(gnutls_x509_crt_set_version(*ret, 3), "a certificate", reterr) < 0 ||
        step(gnutls_x509_crt_set_key(*ret, key), "its key", reterr) < 0 ||
        set_serial(*ret, reterr) < 0 || set_validity(*ret, reterr) < 0)
        return -1;
    return add_name(*ret, GNUTLS_OID_X520_COMMON_NAME, common_name, reterr);
}

/* New string in *ret. */
static int cert_text(gnutls_x509_crt_t cert, char **ret, struct err *reterr)
{
    gnutls_datum_t out;

    if (step(gnutls_x509_crt_export2(cert, GNUTLS_X509_FMT_PEM, &out), "writing", reterr) < 0)
        return -1;
    *ret = mem_strndup((const char *)out.data, out.size);
    gnutls_free(out.data);
    return 0;
}

static int key_text(gnutls_x509_privkey_t key, char **ret, struct err *reterr)
{
    gnutls_datum_t out;

    if (step(gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &out), "writing", reterr) < 0)
        return -1;
    *ret = mem_strndup((const char *)out.data, out.size);
    gnutls_memset(out.data, 0, out.size);
    gnutls_free(out.data);
    return 0;
}

/* ---- the authority ---- */

static int make_ca(struct tls_ca *ca, const char *common_name, struct err *reterr)
{
    if (make_key(&ca->key, reterr) < 0 || begin_cert(&ca->cert, ca->key, common_name, reterr) < 0 ||
        step(gnutls_x509_crt_set_basic_constraints(ca->cert, 1, -1), "an authority", reterr) < 0 ||
        step(gnutls_x509_crt_set_key_usage(ca->cert,
                                           GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_DIGITAL_SIGNATURE),
             "an authority", reterr) < 0 ||
        set_key_id(ca->cert, reterr) < 0 ||
        step(gnutls_x509_crt_sign2(ca->cert, ca->cert, ca->key, GNUTLS_DIG_SHA256, 0), "signing",
             reterr) < 0)
        return -1;
    return cert_text(ca->cert, &ca->pem, reterr);
}

struct tls_ca *tls_ca_create(const char *common_name, struct err *reterr)
{
    AUTO(tls_ca) struct tls_ca *ca = mem_zalloc(sizeof *ca);

    /* Not done by itself in a program that skips it, so that commands without TLS start fast. */
    if (step(gnutls_global_init(), "beginning", reterr) < 0)
        return NULL;
    return make_ca(ca, common_name, reterr) < 0 ? NULL : TAKE(ca);
}

void tls_ca_destroy(struct tls_ca *ca)
{
    if (!ca)
        return;
    if (ca->cert)
        gnutls_x509_crt_deinit(ca->cert);
    if (ca->key)
        gnutls_x509_privkey_deinit(ca->key);
    free(ca->pem);
    free(ca);
}

const char *tls_ca_pem(const struct tls_ca *ca)
{
    return ca->pem;
}

/* ---- what it signs ---- */

void tls_pair_finish(struct tls_pair *p)
{
    free(p->cert_pem);
    free(p->key_pem);
    *p = (struct tls_pair){NULL, NULL};
}

static int set_authority_id(struct tls_ca *ca, gnutls_x509_crt_t cert, struct err *reterr)
{
    unsigned char id[64];
    size_t size = sizeof id;

    if (step(gnutls_x509_crt_get_subject_key_id(ca->cert, id, &size, NULL), "the authority's key",
             reterr) < 0)
        return -1;
    return step(gnutls_x509_crt_set_authority_key_id(cert, id, size), "the authority's key",
                reterr);
}

static int sign(struct tls_ca *ca, gnutls_x509_crt_t cert, const char *purpose, struct err *reterr)
{
    if (step(gnutls_x509_crt_set_basic_constraints(cert, 0, -1), "its use", reterr) < 0 ||
        step(gnutls_x509_crt_set_key_usage(cert, GNUTLS_KEY_DIGITAL_SIGNATURE), "its use", reterr) <
            0 ||
        step(gnutls_x509_crt_set_key_purpose_oid(cert, purpose, 0), "its use", reterr) < 0 ||
        set_key_id(cert, reterr) < 0 || set_authority_id(ca, cert, reterr) < 0)
        return -1;
    return step(gnutls_x509_crt_sign2(cert, ca->cert, ca->key, GNUTLS_DIG_SHA256, 0), "signing",
                reterr);
}

static int add_host(gnutls_x509_crt_t cert, const char *host, struct err *reterr)
{
    unsigned char ip[16];
    unsigned flags = GNUTLS_FSAN_APPEND;

    if (inet_pton(AF_INET, host, ip) == 1)
        return step(gnutls_x509_crt_set_subject_alt_name(cert, GNUTLS_SAN_IPADDRESS, ip, 4, flags),
                    "an address", reterr);
    if (inet_pton(AF_INET6, host, ip) == 1)
        return step(gnutls_x509_crt_set_subject_alt_name(cert, GNUTLS_SAN_IPADDRESS, ip, 16, flags),
                    "an address", reterr);
    return step(gnutls_x509_crt_set_subject_alt_name(cert, GNUTLS_SAN_DNSNAME, host,
                                                     (unsigned)strlen(host), flags),
                "a host name", reterr);
}

/* What is to be in one certificate. */
struct wish {
    const char *common_name;
    const char *const *organisations, *const *hosts; /* NULL-terminated, or NULL */
    const char *purpose;
};

static int fill_cert(struct tls_ca *ca, const struct wish *w, gnutls_x509_crt_t cert,
                     struct err *reterr)
{
    for (size_t i = 0; w->organisations && w->organisations[i]; i++)
        if (add_name(cert, GNUTLS_OID_X520_ORGANIZATION_NAME, w->organisations[i], reterr) < 0)
            return -1;
    for (size_t i = 0; w->hosts && w->hosts[i]; i++)
        if (add_host(cert, w->hosts[i], reterr) < 0)
            return -1;
    return sign(ca, cert, w->purpose, reterr);
}

static int issue(struct tls_ca *ca, const struct wish *w, struct tls_pair *ret, struct err *reterr)
{
    gnutls_x509_crt_t cert = NULL;
    gnutls_x509_privkey_t key = NULL;
    struct tls_pair pair = {NULL, NULL};
    int r = 0;

    if (make_key(&key, reterr) < 0 || begin_cert(&cert, key, w->common_name, reterr) < 0 ||
        fill_cert(ca, w, cert, reterr) < 0 || cert_text(cert, &pair.cert_pem, reterr) < 0 ||
        key_text(key, &pair.key_pem, reterr) < 0)
        r = -1;
    if (cert)
        gnutls_x509_crt_deinit(cert);
    if (key)
        gnutls_x509_privkey_deinit(key);
    if (r == 0)
        *ret = pair;
    else
        tls_pair_finish(&pair);
    return r;
}

int tls_issue_server(struct tls_ca *ca, const char *const *hosts, struct tls_pair *ret,
                     struct err *reterr)
{
    struct wish w = {.common_name = hosts[0] ? hosts[0] : "server",
                     .hosts = hosts,
                     .purpose = GNUTLS_KP_TLS_WWW_SERVER};

    return issue(ca, &w, ret, reterr);
}

int tls_issue_client(struct tls_ca *ca, const char *common_name, const char *const *organisations,
                     struct tls_pair *ret, struct err *reterr)
{
    struct wish w = {.common_name = common_name,
                     .organisations = organisations,
                     .purpose = GNUTLS_KP_TLS_WWW_CLIENT};

    return issue(ca, &w, ret, reterr);
}

int tls_random(void *bytes, size_t len, struct err *reterr)
{
    int r = gnutls_rnd(GNUTLS_RND_KEY, bytes, len);

    return r >= 0 ? 0
                  : err_set(reterr, ERR_INTERNAL, NO_POS, "random bytes: %s", gnutls_strerror(r));
}
