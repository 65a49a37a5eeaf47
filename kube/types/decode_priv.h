/* Shared by the files that read protobuf. */
#ifndef VMCONFORM_KUBE_TYPES_DECODE_PRIV_H
#define VMCONFORM_KUBE_TYPES_DECODE_PRIV_H

#include "base/err.h"
#include "kube/types/types.h"
#include "kube/types/wire.h"

/* JSON values of one request: what keeps memory in bounds where two bytes make an object. */
#define PROTOBUF_VALUES_MAX (1u << 19)

struct decoder {
    json_t **slots; /* of all messages that are open: a value per field */
    size_t slot_count, slot_cap;
    unsigned depth; /* of the JSON */
    size_t values;
    struct err *reterr;
};

/* Every function: a new value, or NULL with the error set. */

/* Sets the error and returns NULL. */
void *decode_fail(struct decoder *d, const char *wrong);
/* Goes one level down; false with the error set when there is none left. */
bool decode_enter(struct decoder *d);
void decode_leave(struct decoder *d);
/* Counts a value; false with the error set when there are too many. */
bool decode_count(struct decoder *d);

/* kind and api_version are NULL for a message that has none. */
json_t *decode_message(struct decoder *d, const struct kube_type *t, struct wire w,
                       const char *api_version, const char *kind);
/* "k8s\0" and what follows. */
json_t *decode_envelope(struct decoder *d, struct wire w);
/* A value of the field's scalar that the wire has as bytes. */
json_t *decode_bytes(struct decoder *d, const struct kube_field *f, struct wire w);
json_t *decode_text(struct decoder *d, struct wire w);
/* JSON text, no deeper than what is left. */
json_t *decode_json(struct decoder *d, struct wire w);

/* What Go's JSON writes for a field that was not there; NULL: nothing. */
json_t *zero_of_field(const struct kube_field *f);
/* An element of a map or a list that has no bytes. */
json_t *zero_of_element(const struct kube_field *f);
/* True when Go's JSON leaves this value of the field out. */
bool zero_left_out(const struct kube_field *f, const json_t *value);

#endif
