/* The key of the customer's own that a store encrypts with (SSE-C): a reference of the location to
 * a Secret, looked at before anything is made, since a key that does not fit fails every request
 * (datamover.md 1.7, 5.7). The key itself goes from the Secret to the pod; nobody keeps it. */
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "components/kubevirt-datamover/mover.h"

#define KEY_LENGTH 32
#define REFERENCE "spec.config.customerKeyEncryptionSecret"

static enum outcome bad(struct err *reterr, const char *location, char *why_take)
{
    err_set(reterr, ERR_INVALID, NO_POS, "BackupStorageLocation %s: %s", location, why_take);
    free(why_take);
    return OUTCOME_BAD;
}

/* A line's end behind a key is none of it, unless the key is whole only with it. */
static size_t key_length(const struct strbuf *key)
{
    size_t len = key->len;
    if (len == KEY_LENGTH)
        return len;
    while (len && (key->data[len - 1] == '\n' || key->data[len - 1] == '\r'))
        len--;
    return len;
}

static enum outcome check_key(const json_t *secret, const char *location, const char *name,
                              const char *member, struct err *reterr)
{
    const char *text = json_string_value(json_object_get(json_path(secret, "data"), member));
    AUTO(strbuf) struct strbuf key = {0};
    size_t wrong;
    if (!text)
        return bad(reterr, location, mem_printf("Secret %s has no key '%s'", name, member));
    if (base64_read(&key, text, strlen(text), &wrong) < 0)
        return bad(reterr, location, mem_printf("Secret %s: '%s' is no base64", name, member));
    size_t len = key_length(&key);
    if (key.data)
        explicit_bzero(key.data, key.len);
    return len == KEY_LENGTH
               ? OUTCOME_OK
               : bad(reterr, location,
                     mem_printf("the SSE-C key in Secret %s must have exactly %d bytes, found %zu",
                                name, KEY_LENGTH, len));
}

static enum outcome read_key(struct pass *p, const char *location, const char *name,
                             const char *member, struct err *reterr)
{
    AUTO(json) json_t *secret = NULL;
    AUTO(err) struct err e = {0};
    enum answer a = client_get(&p->m->client, &kind_dm_secret, p->m->ns, name, &secret, &e);
    enum outcome o = outcome_of(a);
    if (o == OUTCOME_BAD)
        return bad(reterr, location,
                   mem_printf("Secret %s of the SSE-C key: %s", name, e.msg ? e.msg : "not found"));
    if (o != OUTCOME_OK)
        return err_move(reterr, &e), o;
    return check_key(secret, location, name, member, reterr);
}

enum outcome customer_key_check(struct pass *p, const json_t *bsl, struct location *l,
                                struct err *reterr)
{
    const char *location = json_str_or_empty(p->own, "spec.backupStorageLocation");
    const char *reference = json_str_or_empty(bsl, REFERENCE), *slash = strchr(reference, '/');
    if (!*reference)
        return OUTCOME_OK;
    if (*json_str_or_empty(bsl, "spec.config.kmsKeyId") ||
        *json_str_or_empty(bsl, "spec.config.serverSideEncryption"))
        return bad(reterr, location,
                   mem_strdup("an SSE-C key excludes kmsKeyId and serverSideEncryption"));
    if (!slash || slash == reference || !slash[1] || strchr(slash + 1, '/'))
        return bad(reterr, location,
                   mem_printf("customerKeyEncryptionSecret wants NAME/KEY, found '%s'", reference));
    l->customer_secret = mem_strndup(reference, (size_t)(slash - reference));
    l->customer_member = mem_strdup(slash + 1);
    return read_key(p, location, l->customer_secret, l->customer_member, reterr);
}
