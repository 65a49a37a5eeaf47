/* Connections, and who is at their other end. */
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/http_priv.h"

/* Kinds of strings in ASN.1. */
#define ASN1_UTF8_STRING 12
#define ASN1_PRINTABLE_STRING 19
#define ASN1_IA5_STRING 22

struct http_conn *http_conn_of(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info ? info->socket_context : NULL;
}

static int conn_fd(const struct http_conn *c)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(c->mhd, MHD_CONNECTION_INFO_CONNECTION_FD);

    return info ? info->connect_fd : -1;
}

static void open_conn(struct http_server *s, struct MHD_Connection *mhd, void **socket_context)
{
    struct http_conn *c = mem_zalloc(sizeof *c);

    c->server = s;
    c->mhd = mhd;
    LIST_INSERT_HEAD(&s->conns, c, link);
    s->conn_count++;
    *socket_context = c;
}

static void free_conn(struct http_conn *c)
{
    loop_forget_fd(c->hangup);
    LIST_REMOVE(c, link);
    c->server->conn_count--;
    free(c->cn);
    for (size_t i = 0; c->orgs[i]; i++)
        free(c->orgs[i]);
    free(c);
}

void http_conn_notify(void *cookie, struct MHD_Connection *mhd, void **socket_context,
                      enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        open_conn(cookie, mhd, socket_context);
    else if (*socket_context)
        free_conn(*socket_context);
}

/* ---- the client's end ---- */

static void hung_up(void *cookie, uint32_t events)
{
    struct http_conn *c = cookie;

    if (!(events & (EPOLLHUP | EPOLLERR)) && c->exchange && c->exchange->state == EXCHANGE_ASKED) {
        /* It waits for its answer. */
        c->half_closed = true;
        loop_change_fd(c->hangup, 0); /* the end is told in any case */
        return;
    }
    loop_forget_fd(TAKE(c->hangup));
    if (c->exchange)
        http_exchange_hangup(c->exchange);
}

void http_conn_suspend(struct http_conn *c)
{
    /* libmicrohttpd does not see the end of a client whose connection is suspended. Once made, the
     * watch stays. Who sends no more still gets an answer, but a stream ends: nobody else would end
     * it. */
    bool answer = c->half_closed && c->exchange->state == EXCHANGE_ASKED;

    if (!c->hangup)
        c->hangup = loop_watch_fd(c->server->loop, conn_fd(c), answer ? 0 : EPOLLRDHUP, hung_up, c);
    else
        loop_change_fd(c->hangup, answer ? 0 : EPOLLRDHUP);
    MHD_suspend_connection(c->mhd);
}

void http_conn_resume(struct http_conn *c)
{
    MHD_resume_connection(c->mhd);
    c->server->resumed = true;
}

void http_conn_end(struct http_conn *c)
{
    int fd = conn_fd(c);

    /* libmicrohttpd takes it for the client's end, and says goodbye. */
    if (fd >= 0)
        shutdown(fd, SHUT_RD);
}

void http_conn_close(struct http_conn *c)
{
    int fd = conn_fd(c);

    if (c->exchange)
        http_exchange_hangup(c->exchange);
    if (fd >= 0)
        shutdown(fd, SHUT_RDWR);
}

/* ---- certificates ---- */

/* The text of one attribute, or NULL. The functions of GnuTLS that look for an attribute give it
 * escaped, which would make another name of it. */
static char *attribute_text(const gnutls_x509_ava_st *a)
{
    const char *bytes = (const char *)a->value.data;

    if (a->value_tag != ASN1_UTF8_STRING && a->value_tag != ASN1_PRINTABLE_STRING &&
        a->value_tag != ASN1_IA5_STRING)
        return NULL;
    /* A name with a NUL in it could pass for another. */
    if (a->value.size > 4096 || memchr(bytes, '\0', a->value.size))
        return NULL;
    return mem_strndup(bytes, a->value.size);
}

static void read_attribute(struct http_conn *c, const gnutls_x509_ava_st *a, size_t *orgs)
{
    const char *oid = (const char *)a->oid.data;

    if (!c->cn && strcmp(oid, GNUTLS_OID_X520_COMMON_NAME) == 0)
        c->cn = attribute_text(a);
    else if (*orgs < HTTP_ORGANISATIONS_MAX && strcmp(oid, GNUTLS_OID_X520_ORGANIZATION_NAME) == 0)
        if ((c->orgs[*orgs] = attribute_text(a)))
            ++*orgs;
}

static void read_names(struct http_conn *c, gnutls_x509_crt_t cert)
{
    gnutls_x509_dn_t dn;
    gnutls_x509_ava_st a;
    size_t orgs = 0;

    if (gnutls_x509_crt_get_subject(cert, &dn) < 0)
        return;
    for (int i = 0; gnutls_x509_dn_get_rdn_ava(dn, i, 0, &a) == 0; i++)
        for (int j = 0; gnutls_x509_dn_get_rdn_ava(dn, i, j, &a) == 0; j++)
            read_attribute(c, &a, &orgs);
}

static bool verified(gnutls_session_t session)
{
    gnutls_typed_vdata_st purpose = {.type = GNUTLS_DT_KEY_PURPOSE_OID,
                                     .data = (unsigned char *)GNUTLS_KP_TLS_WWW_CLIENT};
    unsigned status = 0;

    return gnutls_certificate_verify_peers(session, &purpose, 1, &status) == 0 && status == 0;
}

static void look_at_peer(struct http_conn *c)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(c->mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    gnutls_session_t session = info ? info->tls_session : NULL;
    const gnutls_datum_t *shown;
    gnutls_x509_crt_t cert;
    unsigned count = 0;

    c->peer_known = true;
    shown = session ? gnutls_certificate_get_peers(session, &count) : NULL;
    if (!shown || count == 0 || !verified(session) || gnutls_x509_crt_init(&cert) < 0)
        return;
    if (gnutls_x509_crt_import(cert, &shown[0], GNUTLS_X509_FMT_DER) == 0) {
        read_names(c, cert);
        c->peer_verified = c->cn != NULL;
    }
    gnutls_x509_crt_deinit(cert);
}

bool http_peer(const struct http_exchange *x, const char **ret_cn, const char *const **ret_orgs)
{
    struct http_conn *c = x->conn;

    if (!c->server->tls)
        return false;
    if (!c->peer_known)
        look_at_peer(c);
    if (!c->peer_verified)
        return false;
    *ret_cn = c->cn;
    *ret_orgs = (const char *const *)c->orgs;
    return true;
}
