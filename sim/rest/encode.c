/* Objects in the media that clients can read. */
#include <string.h>

#include "base/yaml.h"
#include "kube/types/protobuf.h"
#include "sim/rest/rest_priv.h"

/* YAML is made from JSON by way of maps: keys are sorted. */
static void encode_yaml(struct strbuf *out, const json_t *v)
{
    AUTO(strbuf) struct strbuf text = {0};
    json_write_sorted(&text, v, JSON_TIGHT);
    AUTO(json) json_t *sorted = json_read(strbuf_str(&text), text.len, "answer", NULL);
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
        encode_yaml(out, v);
        return 0;
    case MEDIA_PROTOBUF:
        return protobuf_encode(out, v, NULL);
    }
    return -1;
}
