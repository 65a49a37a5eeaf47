/* Large answers, packed for those who can unpack them. */
#include <assert.h>
#include <string.h>
#include <zlib.h>

#include "sim/rest/rest_priv.h"

#define PACK_FROM (128u << 10)
#define PACK_LEVEL 4

bool accepts_gzip(const char *header)
{
    while (header && *header) {
        size_t len = strcspn(header, ",");
        const char *word = header;
        size_t n = len;
        while (n && (*word == ' ' || *word == '\t'))
            word++, n--;
        while (n && (word[n - 1] == ' ' || word[n - 1] == '\t'))
            n--;
        if (n == 4 && memcmp(word, "gzip", 4) == 0)
            return true;
        header += len;
        header += *header == ',';
    }
    return false;
}

/* 16 more bits ask for gzip's own header, whose time stays zero. */
static void pack(const struct strbuf *in, struct strbuf *out)
{
    z_stream z = {0};
    int rc = deflateInit2(&z, PACK_LEVEL, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY);
    assert(rc == Z_OK);
    size_t bound = deflateBound(&z, in->len);
    out->data = mem_alloc(bound + 1);
    out->cap = bound + 1;
    z.next_in = (unsigned char *)in->data;
    z.avail_in = (unsigned)in->len;
    z.next_out = (unsigned char *)out->data;
    z.avail_out = (unsigned)bound;
    rc = deflate(&z, Z_FINISH);
    assert(rc == Z_STREAM_END);
    out->len = z.total_out;
    out->data[out->len] = '\0';
    deflateEnd(&z);
    (void)rc;
}

void answer_compress(struct rest_call *c)
{
    struct rest_answer *a = c->ret;
    if (!c->r->config.gzip || c->method != METHOD_GET || a->stream || a->code != 200 ||
        a->body.len <= PACK_FROM || a->body.len > UINT32_MAX / 2)
        return;
    if (!accepts_gzip(rest_header(c->req, "Accept-Encoding")))
        return;
    struct strbuf packed = {0};
    pack(&a->body, &packed);
    strbuf_finish(&a->body);
    a->body = packed;
    answer_add(a, "Content-Encoding", "gzip");
    answer_add(a, "Vary", "Accept-Encoding");
}
