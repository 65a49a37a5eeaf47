#include "sim/rest/documents.h"

#include <nettle/sha2.h>
#include <string.h>

#include "base/strmap.h"
#include "sim/rest/rest_priv.h"

void document_hash(const void *bytes, size_t len, char out[DOCUMENT_HASH])
{
    static const char digits[] = "0123456789ABCDEF";
    struct sha512_ctx hash;
    unsigned char raw[SHA512_DIGEST_SIZE];
    sha512_init(&hash);
    if (len)
        sha512_update(&hash, len, bytes);
    sha512_digest(&hash, sizeof raw, raw);
    for (size_t i = 0; i < sizeof raw; i++) {
        out[2 * i] = digits[raw[i] >> 4];
        out[2 * i + 1] = digits[raw[i] & 15];
    }
    out[2 * sizeof raw] = '\0';
}

struct documents {
    struct strmap *map;
    uint64_t generation;
};

static void free_document(void *p)
{
    struct document *d = p;
    if (!d)
        return;
    free(d->text);
    free(d);
}

struct documents *documents_create(void)
{
    struct documents *d = mem_zalloc(sizeof *d);
    d->map = strmap_create();
    return d;
}

void documents_destroy(struct documents *d)
{
    if (!d)
        return;
    strmap_destroy(d->map, free_document);
    free(d);
}

void documents_refresh(struct documents *d, uint64_t generation)
{
    if (d->generation == generation)
        return;
    strmap_destroy(d->map, free_document);
    d->map = strmap_create();
    d->generation = generation;
}

const struct document *documents_get(const struct documents *d, const char *key)
{
    return strmap_get(d->map, key);
}

const struct document *documents_put(struct documents *d, const char *key, struct strbuf *text)
{
    struct document *made = mem_zalloc(sizeof *made);
    made->len = text->len;
    made->text = strbuf_take(text);
    document_hash(made->text, made->len, made->hash);
    free_document(strmap_put(d->map, key, made));
    return made;
}

/* ---- answers ---- */

/* If-None-Match: a list of quoted tags, each perhaps weak, or a star. */
static bool client_has(const char *header, const char *hash)
{
    size_t len = strlen(hash);
    while (header && *header) {
        header += strspn(header, " \t,");
        if (*header == '*')
            return true;
        if (strncmp(header, "W/", 2) == 0)
            header += 2;
        if (*header == '"' && strncmp(header + 1, hash, len) == 0 && header[len + 1] == '"')
            return true;
        header += strcspn(header, ",");
    }
    return false;
}

static int answer_pretty(struct rest_call *c, const struct document *d, const char *type)
{
    AUTO(json) json_t *tree = json_read(d->text, d->len, "document", NULL);
    AUTO(strbuf) struct strbuf out = {0};
    if (!tree)
        return answer_bytes(c, 200, type, d->text, d->len);
    json_write(&out, tree, JSON_INDENTED);
    return answer_bytes(c, 200, type, out.data, out.len);
}

int document_answer(struct rest_call *c, const struct document *d, const char *type, bool pretty)
{
    rest_answer_header(c->ret, "ETag", "\"%s\"", d->hash);
    if (client_has(rest_header(c->req, "If-None-Match"), d->hash)) {
        c->ret->code = 304;
        return 0;
    }
    if (pretty)
        return answer_pretty(c, d, type);
    return answer_bytes(c, 200, type, d->text, d->len);
}
