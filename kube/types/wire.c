#include "kube/types/wire.h"

#include <assert.h>
#include <string.h>

#include "base/utf8.h"

#define UNEXPECTED_EOF "unexpected EOF"

const char *wire_varint(struct wire *w, uint64_t *ret)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte;

        assert(w->at <= w->end);
        if (w->at == w->end)
            return UNEXPECTED_EOF;
        byte = *w->at++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *ret = value;
            return NULL;
        }
    }
    return "proto: integer overflow";
}

const char *wire_tag(struct wire *w, uint32_t *ret_number, enum wire_kind *ret_kind)
{
    uint64_t tag;
    const char *wrong = wire_varint(w, &tag);

    if (wrong)
        return wrong;
    /* Go keeps 32 bits of the number and wants them positive. */
    *ret_number = (uint32_t)(tag >> 3);
    if ((int32_t)*ret_number <= 0)
        return "proto: illegal tag";
    switch (tag & 7) {
    case WIRE_VARINT:
    case WIRE_FIXED64:
    case WIRE_BYTES:
    case WIRE_FIXED32:
        *ret_kind = (enum wire_kind)(tag & 7);
        return NULL;
    case 3:
    case 4:
        return "proto: groups are not supported";
    default:
        return "proto: illegal wireType";
    }
}

const char *wire_bytes(struct wire *w, struct wire *ret)
{
    uint64_t len;
    const char *wrong = wire_varint(w, &len);

    if (wrong)
        return wrong;
    if (len > INT64_MAX)
        return "proto: negative length found during unmarshaling";
    if (len > (uint64_t)(w->end - w->at))
        return UNEXPECTED_EOF;
    assert(w->at <= w->end);
    ret->at = w->at;
    w->at += len;
    ret->end = w->at;
    return NULL;
}

static const char *skip_fixed(struct wire *w, size_t bytes)
{
    assert(w->at <= w->end);
    if ((size_t)(w->end - w->at) < bytes)
        return UNEXPECTED_EOF;
    w->at += bytes;
    return NULL;
}

const char *wire_fixed64(struct wire *w, uint64_t *ret)
{
    const uint8_t *from = w->at;
    const char *wrong = skip_fixed(w, 8);

    if (wrong)
        return wrong;
    *ret = 0;
    for (unsigned i = 0; i < 8; i++)
        *ret |= (uint64_t)from[i] << (8 * i);
    return NULL;
}

const char *wire_skip(struct wire *w, enum wire_kind kind)
{
    struct wire ignored_bytes;
    uint64_t ignored;

    switch (kind) {
    case WIRE_VARINT:
        return wire_varint(w, &ignored);
    case WIRE_FIXED64:
        return skip_fixed(w, 8);
    case WIRE_BYTES:
        return wire_bytes(w, &ignored_bytes);
    case WIRE_FIXED32:
        return skip_fixed(w, 4);
    }
    return "proto: illegal wireType";
}

/* ---- writing ---- */

static size_t varint_bytes(uint64_t value, uint8_t out[10])
{
    size_t len = 0;

    for (; value >= 0x80; value >>= 7)
        out[len++] = (uint8_t)(value | 0x80);
    out[len++] = (uint8_t)value;
    assert(len <= 10);
    return len;
}

void wire_put_varint(struct strbuf *out, uint64_t value)
{
    uint8_t bytes[10];

    strbuf_add(out, bytes, varint_bytes(value, bytes));
}

void wire_put_tag(struct strbuf *out, uint32_t number, enum wire_kind kind)
{
    assert(number > 0);
    wire_put_varint(out, (uint64_t)number << 3 | kind);
}

void wire_put_bytes(struct strbuf *out, uint32_t number, const void *data, size_t len)
{
    wire_put_tag(out, number, WIRE_BYTES);
    wire_put_varint(out, len);
    strbuf_add(out, data, len);
}

/* One byte holds most lengths; where it does not, what was written moves on. */
size_t wire_begin(struct strbuf *out, uint32_t number)
{
    wire_put_tag(out, number, WIRE_BYTES);
    strbuf_addch(out, '\0');
    return out->len;
}

void wire_end(struct strbuf *out, size_t begun)
{
    uint8_t bytes[10] = {0};
    size_t len = out->len - begun;

    assert(begun > 0 && begun <= out->len);
    size_t extra = varint_bytes(len, bytes) - 1;

    if (extra) {
        strbuf_add(out, bytes, extra); /* any bytes: room */
        memmove(out->data + begun + extra, out->data + begun, len);
    }
    memcpy(out->data + begun - 1, bytes, extra + 1);
}

/* ---- texts ---- */

void wire_repair_utf8(struct strbuf *out, const uint8_t *data, size_t len)
{
    for (size_t at = 0; at < len;) {
        size_t bytes = utf8_length((const char *)data + at, len - at);

        if (bytes)
            strbuf_add(out, data + at, bytes);
        else
            strbuf_addstr(out, "\xef\xbf\xbd");
        at += bytes ? bytes : 1;
    }
}
