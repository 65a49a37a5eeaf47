#include "components/token.h"

#include <assert.h>
#include <nettle/hmac.h>
#include <nettle/memops.h>
#include <stdbool.h>
#include <string.h>

#include "base/base64.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"

#define MAC_BYTES 32
#define MAC_TEXT 43 /* MAC_BYTES in base64 without padding */

static void mac_of(const char *key, const char *text, size_t len, uint8_t out[MAC_BYTES])
{
    struct hmac_sha256_ctx hmac;
    hmac_sha256_set_key(&hmac, strlen(key), (const uint8_t *)key);
    hmac_sha256_update(&hmac, len, (const uint8_t *)text);
    hmac_sha256_digest(&hmac, MAC_BYTES, out);
}

static void add_part(struct strbuf *out, const json_t *v)
{
    AUTO(strbuf) struct strbuf text = {0};
    json_write_sorted(&text, v, JSON_TIGHT);
    base64url_add(out, text.data, text.len);
}

char *bearer_sign(const char *key, const json_t *claims)
{
    assert(json_is_object(claims));
    uint8_t mac[MAC_BYTES];
    AUTO(strbuf) struct strbuf out = {0};
    AUTO(json) json_t *head = json_pack("{s:s, s:s}", "alg", "HS256", "typ", "JWT");
    add_part(&out, head);
    strbuf_addch(&out, '.');
    add_part(&out, claims);
    mac_of(key, out.data, out.len, mac);
    strbuf_addch(&out, '.');
    base64url_add(&out, mac, sizeof mac);
    return strbuf_take(&out);
}

/* What is signed is all before the last dot; NULL: this key did not sign it. */
static const char *signed_end(const char *key, const char *token, size_t len)
{
    if (len < MAC_TEXT + 1 || token[len - MAC_TEXT - 1] != '.')
        return NULL;
    const char *end = token + len - MAC_TEXT - 1;
    AUTO(strbuf) struct strbuf given = {0};
    if (!base64url_read(&given, end + 1, MAC_TEXT) || given.len != MAC_BYTES)
        return NULL;
    uint8_t mac[MAC_BYTES];
    mac_of(key, token, (size_t)(end - token), mac);
    return memeql_sec(given.data, mac, MAC_BYTES) ? end : NULL;
}

static json_t *read_part(const char *text, size_t len)
{
    AUTO(strbuf) struct strbuf plain = {0};
    if (!base64url_read(&plain, text, len))
        return NULL;
    AUTO(err) struct err e = {0};
    AUTO(json) json_t *v = json_read(strbuf_str(&plain), plain.len, "token", &e);
    return json_is_object(v) ? TAKE(v) : NULL;
}

/* A time that is no whole number never comes. */
static bool is_time(const json_t *claims, int64_t now_s)
{
    const json_t *until = json_object_get(claims, "exp"), *from = json_object_get(claims, "nbf");
    if (until && (!json_is_integer(until) || now_s >= json_integer_value(until)))
        return false;
    return !from || (json_is_integer(from) && now_s >= json_integer_value(from));
}

json_t *bearer_verify(const char *key, const char *token, int64_t now_s, struct err *reterr)
{
    size_t len = strnlen(token, BEARER_TEXT_MAX + 1);
    if (len > BEARER_TEXT_MAX) {
        err_set(reterr, ERR_LIMIT, NO_POS, "token is longer than %u bytes", BEARER_TEXT_MAX);
        return NULL;
    }
    const char *end = signed_end(key, token, len);
    if (!end) {
        err_set(reterr, ERR_INVALID, NO_POS, "token is not signed by this key");
        return NULL;
    }
    const char *dot = memchr(token, '.', (size_t)(end - token));
    AUTO(json) json_t *head = dot ? read_part(token, (size_t)(dot - token)) : NULL;
    AUTO(json) json_t *claims = dot ? read_part(dot + 1, (size_t)(end - dot - 1)) : NULL;
    if (!head || !claims || strcmp(json_str_or_empty(head, "alg"), "HS256") != 0) {
        err_set(reterr, ERR_INVALID, NO_POS, "token is no JSON Web Token with HS256");
        return NULL;
    }
    if (!is_time(claims, now_s)) {
        err_set(reterr, ERR_INVALID, NO_POS, "token is not valid at this time");
        return NULL;
    }
    return TAKE(claims);
}
