/* Bearer tokens of services: JSON Web Tokens in the compact form, HS256 with a shared key.
 *
 * Who may sign may be anybody: a scenario's caller knows the key as the service does. Claims that
 * services read: sub (the user), groups and tenants (lists of texts), exp and nbf (seconds). */
#ifndef VMCONFORM_COMPONENTS_TOKEN_H
#define VMCONFORM_COMPONENTS_TOKEN_H

#include <jansson.h>
#include <stdint.h>

#include "base/err.h"

#define BEARER_TEXT_MAX (16u << 10)
/* The key that services and callers share unless told otherwise. */
#define BEARER_DEFAULT_KEY "vmconform"

/* New text "HEADER.CLAIMS.SIGNATURE". claims is an object. */
char *bearer_sign(const char *key, const json_t *claims);
/* The claims of a token that this key signed and whose time it is: new. NULL: *reterr tells why not
 * (ERR_LIMIT: too long; ERR_INVALID: anything else). The signature is checked over the text before
 * any of it is decoded. */
json_t *bearer_verify(const char *key, const char *token, int64_t now_s, struct err *reterr);

#endif
