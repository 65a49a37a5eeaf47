/* Certificates, and clients that show theirs. */
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "net/http_server.h"
#include "net/tls.h"
#include "tests/unit/net/kit.h"
#include "tests/unit/suite.h"

#define REQUEST "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"

static void pair_cleanup(struct tls_pair *p)
{
    tls_pair_finish(p);
}
#define AUTO_PAIR __attribute__((cleanup(pair_cleanup))) struct tls_pair

static void tell_peer(void *cookie, struct http_exchange *x)
{
    AUTO(strbuf) struct strbuf b = {0};
    const char *cn;
    const char *const *orgs;

    (void)cookie;
    if (!http_peer(x, &cn, &orgs)) {
        http_reply(x, 200, NULL, 0, "nobody", 6);
        return;
    }
    strbuf_addf(&b, "CN=%s", cn);
    for (size_t i = 0; orgs[i]; i++)
        strbuf_addf(&b, ",O=%s", orgs[i]);
    http_reply(x, 200, NULL, 0, b.data, b.len);
}

/* ---- a client that speaks TLS ---- */

struct tls_client {
    struct client plain;
    gnutls_session_t session;
    gnutls_certificate_credentials_t credentials;
    struct strbuf got;
};

static void use_pair(struct tls_client *t, const struct tls_pair *p)
{
    gnutls_datum_t cert = {(unsigned char *)p->cert_pem, (unsigned)strlen(p->cert_pem)};
    gnutls_datum_t key = {(unsigned char *)p->key_pem, (unsigned)strlen(p->key_pem)};

    ck_assert_int_eq(
        gnutls_certificate_set_x509_key_mem(t->credentials, &cert, &key, GNUTLS_X509_FMT_PEM), 0);
}

static void tls_connect(struct tls_client *t, struct kit *k, const char *ca_pem, const char *host,
                        const char *priorities, const struct tls_pair *pair)
{
    gnutls_datum_t ca = {(unsigned char *)ca_pem, (unsigned)strlen(ca_pem)};

    memset(t, 0, sizeof *t);
    client_connect(k, &t->plain);
    client_stop_reading(&t->plain);
    gnutls_certificate_allocate_credentials(&t->credentials);
    ck_assert_int_eq(
        gnutls_certificate_set_x509_trust_mem(t->credentials, &ca, GNUTLS_X509_FMT_PEM), 1);
    if (pair)
        use_pair(t, pair);
    gnutls_init(&t->session,
                GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL | GNUTLS_FORCE_CLIENT_CERT);
    ck_assert_int_eq(gnutls_priority_set_direct(t->session, priorities, NULL), 0);
    gnutls_credentials_set(t->session, GNUTLS_CRD_CERTIFICATE, t->credentials);
    gnutls_session_set_verify_cert(t->session, host, 0);
    gnutls_transport_set_int(t->session, t->plain.fd);
}

static int handshake(struct tls_client *t)
{
    int r;

    while ((r = gnutls_handshake(t->session)) < 0 && !gnutls_error_is_fatal(r))
        kit_turns(t->plain.kit, 2);
    return r;
}

/* The whole exchange; the server closes. */
static void tls_ask(struct tls_client *t)
{
    char bytes[4096];
    ssize_t n;

    ck_assert_int_eq(gnutls_record_send(t->session, REQUEST, strlen(REQUEST)), strlen(REQUEST));
    for (;;) {
        n = gnutls_record_recv(t->session, bytes, sizeof bytes);
        if (n > 0)
            strbuf_add(&t->got, bytes, (size_t)n);
        else if (n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED)
            kit_turns(t->plain.kit, 2);
        else
            return;
    }
}

static void tls_close(struct tls_client *t)
{
    gnutls_deinit(t->session);
    gnutls_certificate_free_credentials(t->credentials);
    strbuf_finish(&t->got);
    client_close(&t->plain);
}

/* ---- a server with an authority ---- */

struct stage {
    struct kit kit;
    struct tls_ca *ca, *stranger;
    struct tls_pair server;
};

static const char *const hosts[] = {"api.test", "127.0.0.1", "::1", NULL};

static void stage_init(struct stage *s, bool with_client_ca)
{
    struct err e = {0};
    struct http_tls tls = {0};

    s->ca = tls_ca_create("test authority", &e);
    ck_assert_msg(s->ca, "%s", e.msg);
    s->stranger = tls_ca_create("test authority", &e);
    ck_assert_msg(tls_issue_server(s->ca, hosts, &s->server, &e) == 0, "%s", e.msg);
    tls = (struct http_tls){s->server.cert_pem, s->server.key_pem,
                            with_client_ca ? tls_ca_pem(s->ca) : NULL};
    kit_init(&s->kit, (struct http_config){.handle = tell_peer, .tls = &tls});
}

static void stage_finish(struct stage *s)
{
    kit_finish(&s->kit);
    tls_pair_finish(&s->server);
    tls_ca_destroy(s->ca);
    tls_ca_destroy(s->stranger);
}

static const char *const admin_orgs[] = {"system:masters", "a,b=c", NULL};

/* Who shows what, and whom the server sees. */
static const struct {
    const char *name, *cn;
    const char *const *orgs;
    bool strange, server_use, no_client_ca;
    const char *want;
} peers[] = {
    {"nobody", NULL, NULL, false, false, false, "nobody"},
    {"a user with groups", "kubernetes-admin", admin_orgs, false, false, false,
     "CN=kubernetes-admin,O=system:masters,O=a,b=c"},
    {"a user without groups", "system:node:\xc3\xa4", NULL, false, false, false,
     "CN=system:node:\xc3\xa4"},
    {"another authority of the same name", "mallory", admin_orgs, true, false, false, "nobody"},
    {"a certificate of a server", "mallory", NULL, false, true, false, "nobody"},
    {"a server that does not ask", "kubernetes-admin", admin_orgs, false, false, true, "nobody"},
};
static const char *const versions[] = {"NORMAL:-VERS-ALL:+VERS-TLS1.3",
                                       "NORMAL:-VERS-ALL:+VERS-TLS1.2"};

START_TEST(peer)
{
    size_t row = (size_t)_i / 2;
    struct stage s = {0};
    AUTO_PAIR pair = {NULL, NULL};
    struct tls_client t;
    struct tls_ca *ca;
    const char *name_only[] = {peers[row].cn, NULL};

    stage_init(&s, !peers[row].no_client_ca);
    ca = peers[row].strange ? s.stranger : s.ca;
    if (peers[row].cn)
        ck_assert_int_eq(peers[row].server_use
                             ? tls_issue_server(ca, name_only, &pair, NULL)
                             : tls_issue_client(ca, peers[row].cn, peers[row].orgs, &pair, NULL),
                         0);
    tls_connect(&t, &s.kit, tls_ca_pem(s.ca), "api.test", versions[_i % 2],
                peers[row].cn ? &pair : NULL);
    ck_assert_int_eq(handshake(&t), 0);
    tls_ask(&t);
    ck_assert_msg(strstr(strbuf_str(&t.got), peers[row].want), "%s: got %s", peers[row].name,
                  strbuf_str(&t.got));
    ck_assert_int_eq(strncmp(strbuf_str(&t.got), "HTTP/1.1 200", 12), 0);
    tls_close(&t);
    stage_finish(&s);
}
END_TEST

/* What clients check, and what the server refuses. */
static const struct {
    const char *name, *host, *priorities;
    bool strange_ca, ok;
} handshakes[] = {
    {"by name", "api.test", "NORMAL", false, true},
    {"by address", "127.0.0.1", "NORMAL", false, true},
    {"by IPv6 address", "::1", "NORMAL", false, true},
    {"by a name that it does not have", "other.test", "NORMAL", false, false},
    {"by another authority", "api.test", "NORMAL", true, false},
    {"TLS 1.1", "api.test", "NORMAL:-VERS-ALL:+VERS-TLS1.1:%VERIFY_ALLOW_BROKEN", false, false},
};

START_TEST(handshakes_of_clients)
{
    struct stage s = {0};
    struct tls_client t;
    int r;

    stage_init(&s, true);
    tls_connect(&t, &s.kit, tls_ca_pem(handshakes[_i].strange_ca ? s.stranger : s.ca),
                handshakes[_i].host, handshakes[_i].priorities, NULL);
    r = handshake(&t);
    ck_assert_msg((r == 0) == handshakes[_i].ok, "%s: %s", handshakes[_i].name, gnutls_strerror(r));
    tls_close(&t);
    stage_finish(&s);
}
END_TEST

/* One who stops in the middle of a handshake, or does not speak TLS at all, holds nobody up. */
START_TEST(no_handshake)
{
    struct stage s = {0};
    struct client silent, plain;
    struct tls_client t;

    stage_init(&s, true);
    client_connect(&s.kit, &silent);
    client_send(&silent, "\x16\x03\x01", 3);
    client_connect(&s.kit, &plain);
    client_send(&plain, REQUEST, strlen(REQUEST));
    client_await_eof(&plain);
    tls_connect(&t, &s.kit, tls_ca_pem(s.ca), "api.test", "NORMAL", NULL);
    ck_assert_int_eq(handshake(&t), 0);
    tls_ask(&t);
    ck_assert_ptr_nonnull(strstr(strbuf_str(&t.got), "nobody"));
    tls_close(&t);
    client_close(&silent);
    client_close(&plain);
    stage_finish(&s);
}
END_TEST

/* ---- certificates ---- */

START_TEST(bad_pem)
{
    AUTO(err) struct err e = {0};
    struct http_tls tls = {"no certificate", "no key", NULL};
    struct kit k;
    struct http_config config = {.handle = tell_peer, .tls = &tls};

    kit_init(&k, (struct http_config){0});
    config.loop = k.loop;
    config.unix_path = k.path;
    ck_assert_ptr_null(http_server_create(&config, &e));
    ck_assert_ptr_nonnull(strstr(e.msg, "its certificate or key is refused"));
    kit_finish(&k);
}
END_TEST

START_TEST(bad_names)
{
    AUTO(tls_ca) struct tls_ca *ca = tls_ca_create("ca", NULL);
    AUTO(err) struct err e = {0};
    struct tls_pair pair;
    const char *empty[] = {"", NULL};

    ck_assert_int_eq(tls_issue_client(ca, "", NULL, &pair, &e), -1);
    err_clear(&e);
    ck_assert_int_eq(tls_issue_client(ca, "a", empty, &pair, &e), -1);
    ck_assert_int_eq(e.code, ERR_INVALID);
    ck_assert_ptr_null(tls_ca_create("", NULL));
}
END_TEST

int main(void)
{
    return SUITE_MAIN("net.http_tls",
                      SUITE_LONG_CASE("tls", 60, RANGE(peer, 0, 2 * ARRAY_LEN(peers)),
                                      EACH(handshakes_of_clients, handshakes), TEST(no_handshake),
                                      TEST(bad_pem), TEST(bad_names)));
}
