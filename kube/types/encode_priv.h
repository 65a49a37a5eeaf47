/* Shared by the files that write protobuf. */
#ifndef VMCONFORM_KUBE_TYPES_ENCODE_PRIV_H
#define VMCONFORM_KUBE_TYPES_ENCODE_PRIV_H

#include "base/err.h"
#include "kube/types/types.h"
#include "kube/types/wire.h"

struct encoder {
    struct strbuf *out;
    struct err *reterr;
    unsigned depth;
};

/* Go's decoder takes null for "not given". */
static inline const json_t *encode_given(const json_t *value)
{
    return json_is_null(value) ? NULL : value;
}
/* -1: a value that cannot be the field's. */
int encode_fail(struct encoder *e, const struct kube_field *f, const char *expected);
/* value NULL: zero. */
int encode_message(struct encoder *e, const struct kube_type *t, const json_t *object);
int encode_element(struct encoder *e, const struct kube_field *f, uint32_t number,
                   const json_t *value);

#endif
