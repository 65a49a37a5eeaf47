/* Any bytes as a protobuf envelope: an object or an error. What was decoded encodes, decodes to the
 * same, fits its type and has nothing that the type does not know. Bytes that are no envelope are
 * tried as JSON, of the kind that they name or a Pod. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "kube/types/protobuf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void count(void *cookie, const char *path)
{
    *(unsigned *)cookie += path != NULL;
}

static const struct kube_type *type_of(const json_t *object)
{
    return kube_type_of(json_str_or_empty(object, "apiVersion"), json_str_or_empty(object, "kind"));
}

/* `wire` is what the encoder made. */
static void check_encoded(const struct strbuf *wire)
{
    AUTO(err) struct err e = {0};
    AUTO(strbuf) struct strbuf again = {0};
    AUTO(json) json_t *object = protobuf_decode(wire->data, wire->len, &e);
    unsigned unknown = 0;

    assert(!object == err_pending(&e));
    /* JSON may be as deep as the limit without the levels that protobuf has for inlined types. */
    if (!object) {
        assert(e.code == ERR_LIMIT);
        return;
    }
    AUTO(str) char *wrong = kube_type_mismatch(type_of(object), object);
    assert(!wrong);
    kube_type_prune(type_of(object), object, count, &unknown);
    assert(unknown == 0);
    assert(protobuf_encode(&again, object, &e) == 0);
    assert(again.len == wire->len && memcmp(again.data, wire->data, wire->len) == 0);
}

static void encode(const json_t *object)
{
    AUTO(err) struct err e = {0};
    AUTO(strbuf) struct strbuf wire = {0};

    if (protobuf_encode(&wire, object, &e) == 0)
        check_encoded(&wire);
    else
        assert(err_pending(&e) && wire.len == 0);
}

static void try_json(const uint8_t *data, size_t size)
{
    AUTO(json) json_t *object = json_read((const char *)data, size, "input", NULL);
    const struct kube_type *t = object ? type_of(object) : NULL;
    unsigned unknown = 0, left = 0;

    if (!object)
        return;
    if (!t)
        t = kube_type_of("v1", "Pod");
    AUTO(str) char *wrong = kube_type_mismatch(t, object);
    assert(!wrong || *wrong);
    encode(object);
    kube_type_prune(t, object, count, &unknown);
    kube_type_prune(t, object, count, &left);
    assert(unknown <= 100 && left == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(err) struct err e = {0};

    json_init();
    if (!protobuf_is_envelope(data, size)) {
        try_json(data, size);
        return 0;
    }
    AUTO(json) json_t *object = protobuf_decode(data, size, &e);
    assert(!object == err_pending(&e));
    if (object)
        encode(object);
    return 0;
}
