/* Objects in the media that clients can read. */
#include <string.h>

#include "base/yaml.h"
#include "kube/types/protobuf.h"
#include "sim/rest/rest_priv.h"

static json_t *reread(struct strbuf *text, const json_t *v, enum key_order order)
{
    order_write(text, v, order, JSON_TIGHT);
    return json_read(strbuf_str(text), text->len, "answer", NULL);
}

/* YAML is made from JSON by way of maps: keys are sorted. */
static void encode_yaml(struct strbuf *out, const json_t *v, enum key_order order)
{
    AUTO(strbuf) struct strbuf typed_text = {0};
    AUTO(strbuf) struct strbuf text = {0};
    AUTO(json) json_t *typed = order == ORDER_TYPED ? reread(&typed_text, v, order) : NULL;
    AUTO(json) json_t *sorted = reread(&text, typed ? typed : v, ORDER_SORTED);
    yaml_write(out, sorted ? sorted : v, 0);
    if (out->len && out->data[out->len - 1] != '\n')
        strbuf_addch(out, '\n');
}

int encode_object(struct strbuf *out, const json_t *v, enum key_order order,
                  const struct accept *how)
{
    switch (how->media) {
    case MEDIA_JSON:
        order_write(out, v, order, how->pretty ? JSON_INDENTED : JSON_TIGHT);
        if (!how->pretty)
            strbuf_addch(out, '\n');
        return 0;
    case MEDIA_YAML:
        encode_yaml(out, v, order);
        return 0;
    case MEDIA_PROTOBUF:
        return protobuf_encode(out, v, NULL);
    }
    return -1;
}
