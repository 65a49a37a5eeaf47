#include "components/bsl/store.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/mem.h"
#include "components/bsl/names.h"
#include "kube/time.h"

#define TRIES 3
#define CHANGES_MAX 12
#define PAUSE_NS (1 * NS_PER_S)
#define ASIDE_DIGITS 8

void bsl_document_finish(struct bsl_document *d)
{
    json_decref(d->json);
    free(d->text);
    *d = (struct bsl_document){0};
}

/* Whether to ask once more; empties the error then. */
static bool again(const struct bsl_store *s, unsigned *tries, struct err *e)
{
    if (e->code != ERR_IO || ++*tries >= TRIES || host_sleep(s->h, PAUSE_NS) == HOST_CRASHED)
        return false;
    err_clear(e);
    return true;
}

/* ---- reading ---- */

static int parse(const char *key, struct bsl_document *d, struct err *reterr)
{
    AUTO(err) struct err e = {0};
    d->json = json_read(d->text, d->len, NULL, &e);
    if (json_is_object(d->json))
        return 0;
    json_decref(d->json);
    d->json = NULL;
    return err_set(reterr, ERR_CORRUPT, NO_POS, "'%s' is no JSON object%s%s", key,
                   e.msg ? ": " : "", e.msg ? e.msg : "");
}

int bsl_read(const struct bsl_store *s, const char *key, struct bsl_document *ret,
             struct err *reterr)
{
    AUTO(str) char *full = names_key(s->prefix, key);
    AUTO(err) struct err e = {0};
    unsigned tries = 0;
    int r;
    *ret = (struct bsl_document){0};
    do
        r = host_object_get_version(s->h, s->bucket, full, BSL_DOCUMENT_MAX, &ret->text, &ret->len,
                                    &ret->version, &e);
    while (r < 0 && again(s, &tries, &e));
    if (r == 0)
        return parse(full, ret, reterr);
    return e.code == ERR_NOT_FOUND ? 0 : err_move(reterr, &e);
}

/* ---- writing ---- */

static int put(const struct bsl_store *s, const char *key, const char *text, size_t len,
               const struct host_version *only_if, struct err *reterr)
{
    AUTO(str) char *full = names_key(s->prefix, key);
    AUTO(err) struct err e = {0};
    unsigned tries = 0;
    int r;
    do
        r = host_object_put_if(s->h, s->bucket, full, text, len, only_if, &e);
    while (r < 0 && again(s, &tries, &e));
    return r < 0 ? err_move(reterr, &e) : 0;
}

int bsl_write(const struct bsl_store *s, const char *key, const json_t *json,
              const struct host_version *only_if, struct err *reterr)
{
    AUTO(str) char *text = json_text(json);
    size_t len = strlen(text);
    if (len > BSL_DOCUMENT_MAX)
        return err_set(reterr, ERR_LIMIT, NO_POS,
                       "'%s' would have %zu bytes, more than the %u that are read", key, len,
                       BSL_DOCUMENT_MAX);
    return put(s, key, text, len, only_if, reterr);
}

static int delete_key(const struct bsl_store *s, const char *full,
                      const struct host_version *only_if, struct err *reterr)
{
    AUTO(err) struct err e = {0};
    unsigned tries = 0;
    int r;
    do
        r = host_object_delete_if(s->h, s->bucket, full, only_if, &e);
    while (r < 0 && again(s, &tries, &e));
    return r < 0 && e.code != ERR_NOT_FOUND ? err_move(reterr, &e) : 0;
}

int bsl_delete(const struct bsl_store *s, const char *key, const struct host_version *only_if,
               struct err *reterr)
{
    AUTO(str) char *full = names_key(s->prefix, key);
    return delete_key(s, full, only_if, reterr);
}

int bsl_delete_below(const struct bsl_store *s, const char *prefix, struct err *reterr)
{
    AUTO(str) char *full = names_key(s->prefix, prefix);
    AUTO(err) struct err e = {0};
    AUTO(json) json_t *keys = NULL;
    unsigned tries = 0;
    size_t i;
    const json_t *key;
    do
        keys = host_object_list(s->h, s->bucket, full, &e);
    while (!keys && again(s, &tries, &e));
    if (!keys)
        return err_move(reterr, &e);
    json_array_foreach(keys, i,
                       key) if (delete_key(s, json_string_value(key), NULL, reterr) < 0) return -1;
    return 0;
}

/* ---- compare and swap ---- */

/* Before anything is written in its place. A second try finds the same name. */
static int keep_aside(const struct bsl_store *s, const char *aside, const struct bsl_document *d,
                      struct err *reterr)
{
    assert(d->text && !d->json); /* read, and no document */
    char hex[DIGEST_HEX];
    digest_of(d->text, d->len, hex);
    AUTO(str) char *key = mem_printf("%s%.*s", aside, ASIDE_DIGITS, hex);
    host_log(s->h, LOG_WARNING, "a document that cannot be read is kept as %s", key);
    return put(s, key, d->text, d->len, NULL, reterr);
}

static int read_for_change(const struct bsl_store *s, const char *key, const char *aside,
                           struct bsl_document *ret, struct err *reterr)
{
    AUTO(err) struct err e = {0};
    if (bsl_read(s, key, ret, &e) < 0) {
        if (!aside || e.code != ERR_CORRUPT)
            return err_move(reterr, &e);
        if (keep_aside(s, aside, ret, reterr) < 0)
            return -1;
    }
    if (!ret->json)
        ret->json = json_object();
    assert(json_is_object(ret->json));
    return 0;
}

static int change_once(const struct bsl_store *s, const char *key, const char *aside,
                       bsl_change_fn *change, void *cookie, struct err *reterr)
{
    AUTO(bsl_document) struct bsl_document d = {0};
    if (read_for_change(s, key, aside, &d, reterr) < 0)
        return -1;
    switch (change(d.json, cookie, reterr)) {
    case BSL_SAME:
        return 0;
    case BSL_WRITE:
        return bsl_write(s, key, d.json, &d.version, reterr);
    case BSL_DELETE:
        return d.text ? bsl_delete(s, key, &d.version, reterr) : 0;
    case BSL_BAD:
        break;
    }
    return -1;
}

int bsl_change(const struct bsl_store *s, const char *key, const char *aside, bsl_change_fn *change,
               void *cookie, struct err *reterr)
{
    for (unsigned n = 1;; n++) {
        AUTO(err) struct err e = {0};
        if (change_once(s, key, aside, change, cookie, &e) == 0)
            return 0;
        assert(err_pending(&e)); /* who fails says why */
        if (e.code != ERR_CONFLICT || n >= CHANGES_MAX || host_sleep(s->h, PAUSE_NS) != HOST_OK)
            return err_move(reterr, &e);
    }
}
