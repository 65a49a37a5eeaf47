/* Certificates for a server that lives as long as a test: an authority, and what it signs. ECDSA
 * P-256 (RSA keys take too long to make). Keys are random: nothing that a scenario sees depends on
 * them. */
#ifndef VMCONFORM_NET_TLS_H
#define VMCONFORM_NET_TLS_H

#include <stddef.h>

#include "base/cleanup.h"
#include "base/err.h"

struct tls_ca;
struct tls_ca *tls_ca_create(const char *common_name, struct err *reterr);
void tls_ca_destroy(struct tls_ca *ca);
DEFINE_CLEANUP(struct tls_ca, tls_ca, tls_ca_destroy);
const char *tls_ca_pem(const struct tls_ca *ca); /* borrowed */

/* New strings, PEM. */
struct tls_pair {
    char *cert_pem, *key_pem;
};
void tls_pair_finish(struct tls_pair *p);
/* For a server: names and addresses it is reached by (NULL-terminated). Valid for a year from now.
 */
int tls_issue_server(struct tls_ca *ca, const char *const *hosts, struct tls_pair *ret,
                     struct err *reterr);
/* For a client: who it is. organisations NULL-terminated, may be NULL. */
int tls_issue_client(struct tls_ca *ca, const char *common_name, const char *const *organisations,
                     struct tls_pair *ret, struct err *reterr);

/* For secrets. */
int tls_random(void *bytes, size_t len, struct err *reterr);

#endif
