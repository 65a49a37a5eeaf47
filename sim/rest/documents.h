/* Documents that describe the whole server (discovery, OpenAPI): texts that are dear to make and
 * change only with what is served, so they are made when they are first asked for and kept. */
#ifndef VMCONFORM_SIM_REST_DOCUMENTS_H
#define VMCONFORM_SIM_REST_DOCUMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/strbuf.h"

/* SHA-512 as upper-case hex, and the NUL. */
#define DOCUMENT_HASH 129
void document_hash(const void *bytes, size_t len, char out[DOCUMENT_HASH]);

struct document {
    char *text;
    size_t len;
    char hash[DOCUMENT_HASH];
};

struct documents;
struct documents *documents_create(void);
void documents_destroy(struct documents *d); /* NULL is fine */
/* Forgets everything when the server has another generation now. */
void documents_refresh(struct documents *d, uint64_t generation);
/* NULL when it has to be made. Borrowed until the generation changes. */
const struct document *documents_get(const struct documents *d, const char *key);
/* The text is taken, the buffer left empty. Borrowed as above. */
const struct document *documents_put(struct documents *d, const char *key, struct strbuf *text);

/* ---- how one goes out ---- */

struct rest_call;
/* Answers with ETag, or 304 when the client has it already. type: Content-Type. pretty: the text is
 * JSON and is laid out. */
int document_answer(struct rest_call *c, const struct document *d, const char *type, bool pretty);

#endif
