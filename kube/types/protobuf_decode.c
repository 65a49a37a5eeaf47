/* Protobuf to JSON. A message is read in one pass, a slot per field; then its object is made in the
 * order of the definition, as Go writes it. */
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "kube/types/decode_priv.h"
#include "kube/types/protobuf.h"

/* ---- the decoder ---- */

void *decode_fail(struct decoder *d, const char *wrong)
{
    err_set(d->reterr, ERR_SYNTAX, NO_POS, "%s", wrong);
    return NULL;
}

bool decode_enter(struct decoder *d)
{
    if (d->depth == JSON_DEPTH_MAX) {
        err_set(d->reterr, ERR_LIMIT, NO_POS, "protobuf is nested deeper than %d levels",
                JSON_DEPTH_MAX);
        return false;
    }
    d->depth++;
    return true;
}

void decode_leave(struct decoder *d)
{
    d->depth--;
}

bool decode_count(struct decoder *d)
{
    if (d->values++ < PROTOBUF_VALUES_MAX)
        return true;
    err_set(d->reterr, ERR_LIMIT, NO_POS, "protobuf has more than %u values", PROTOBUF_VALUES_MAX);
    return false;
}

static size_t push_slots(struct decoder *d, size_t count)
{
    size_t base = d->slot_count;

    d->slots = mem_grow(d->slots, &d->slot_cap, base + count, sizeof *d->slots);
    memset(d->slots + base, 0, count * sizeof *d->slots);
    d->slot_count += count;
    return base;
}

static void put_slot(struct decoder *d, size_t slot, json_t *value)
{
    json_decref(d->slots[slot]);
    d->slots[slot] = value;
}

/* ---- fields ---- */

static enum wire_kind kind_of(const struct kube_field *f)
{
    if (f->map || f->scalar >= KUBE_BYTES || f->scalar == KUBE_STRING)
        return WIRE_BYTES;
    return f->scalar == KUBE_DOUBLE ? WIRE_FIXED64 : WIRE_VARINT;
}

static json_t *number_value(enum kube_scalar scalar, uint64_t v)
{
    switch (scalar) {
    case KUBE_BOOL:
        return json_boolean(v != 0);
    case KUBE_INT32:
        return json_integer((int32_t)(uint32_t)v);
    case KUBE_UINT32:
        return json_integer((uint32_t)v);
    case KUBE_UINT64:
        return v > INT64_MAX ? json_real((double)v) : json_integer((json_int_t)v);
    default:
        return json_integer((json_int_t)(int64_t)v);
    }
}

static json_t *double_value(struct decoder *d, uint64_t bits)
{
    double real;
    json_t *value;

    memcpy(&real, &bits, sizeof real);
    value = json_real(real); /* refuses what is not finite, as JSON does */
    return value ? value : decode_fail(d, "json: unsupported value: not a finite number");
}

static json_t *decode_value(struct decoder *d, const struct kube_field *f, struct wire *w)
{
    enum wire_kind kind = kind_of(f);
    struct wire bytes;
    uint64_t number;
    const char *wrong = kind == WIRE_BYTES     ? wire_bytes(w, &bytes)
                        : kind == WIRE_FIXED64 ? wire_fixed64(w, &number)
                                               : wire_varint(w, &number);

    if (wrong)
        return decode_fail(d, wrong);
    if (!decode_count(d))
        return NULL;
    if (kind == WIRE_BYTES)
        return decode_bytes(d, f, bytes);
    return kind == WIRE_FIXED64 ? double_value(d, number) : number_value(f->scalar, number);
}

/* One element, or all of a packed run. */
static bool decode_elements(struct decoder *d, const struct kube_field *f, enum wire_kind kind,
                            struct wire *w, size_t slot)
{
    bool packed = kind == WIRE_BYTES && kind_of(f) != WIRE_BYTES;
    struct wire run;
    const char *wrong;

    if (!d->slots[slot])
        d->slots[slot] = json_array();
    if (packed && (wrong = wire_bytes(w, &run)))
        return decode_fail(d, wrong);
    do {
        struct wire *from = packed ? &run : w;
        json_t *value;

        if (packed && run.at == run.end)
            break;
        value = decode_value(d, f, from);
        if (!value || json_array_append_new(d->slots[slot], value) < 0)
            return false;
    } while (packed);
    return true;
}

/* A map's entry: {1 key, 2 value}. Go takes what is missing for zero. */
static json_t *decode_entry(struct decoder *d, const struct kube_field *f, struct wire entry,
                            struct wire *ret_key)
{
    struct kube_field element = *f;
    AUTO(json) json_t *value = NULL;

    element.map = false;
    *ret_key = (struct wire){NULL, NULL};
    while (entry.at < entry.end) {
        uint32_t number;
        enum wire_kind kind;
        const char *wrong = wire_tag(&entry, &number, &kind);

        if (wrong)
            return decode_fail(d, wrong);
        if (number == 2 && kind == kind_of(&element)) {
            json_decref(value);
            value = decode_value(d, &element, &entry);
            if (!value)
                return NULL;
            continue;
        }
        wrong = number == 1 && kind == WIRE_BYTES ? wire_bytes(&entry, ret_key)
                                                  : wire_skip(&entry, kind);
        if (wrong)
            return decode_fail(d, wrong);
    }
    return value ? TAKE(value) : zero_of_element(f);
}

static bool decode_map(struct decoder *d, const struct kube_field *f, struct wire *w, size_t slot)
{
    struct wire entry, key;
    const char *wrong = wire_bytes(w, &entry);

    if (wrong)
        return decode_fail(d, wrong);
    if (!d->slots[slot])
        d->slots[slot] = json_object();
    AUTO(json) json_t *value = decode_entry(d, f, entry, &key);
    AUTO(json) json_t *name = value ? decode_text(d, key) : NULL;
    if (!name || !decode_count(d))
        return false;
    json_object_set_nocheck(d->slots[slot], json_string_value(name), value);
    return true;
}

static bool decode_field(struct decoder *d, const struct kube_field *f, enum wire_kind kind,
                         struct wire *w, size_t slot)
{
    bool ok;

    if (kind != kind_of(f) && !(f->repeated && kind == WIRE_BYTES)) {
        err_set(d->reterr, ERR_SYNTAX, NO_POS, "proto: wrong wireType = %d for field %s", (int)kind,
                f->name);
        return false;
    }
    if (!f->repeated && !f->map) {
        json_t *value = decode_value(d, f, w);

        if (value)
            put_slot(d, slot, value);
        return value;
    }
    if (!decode_enter(d))
        return false;
    ok = f->map ? decode_map(d, f, w, slot) : decode_elements(d, f, kind, w, slot);
    decode_leave(d);
    return ok;
}

/* ---- messages ---- */

/* Numbers mostly come in order: the search begins where the last one ended. */
static const struct kube_field *next_field(const struct kube_type *t, uint32_t number, size_t *hint)
{
    for (size_t i = 0; i < t->field_count; i++) {
        size_t at = *hint + i < t->field_count ? *hint + i : *hint + i - t->field_count;

        if (t->fields[at].number == number) {
            *hint = at;
            return &t->fields[at];
        }
    }
    return NULL;
}

static json_t *finish_message(struct decoder *d, const struct kube_type *t, size_t base)
{
    json_t *object = json_object();

    for (size_t i = 0; i < t->field_count; i++) {
        const struct kube_field *f = &t->fields[i];
        AUTO(json) json_t *value = TAKE(d->slots[base + i]);

        if (!value)
            value = zero_of_field(f);
        if (!value || zero_left_out(f, value))
            continue;
        d->values++;
        if (*f->name)
            json_object_set_nocheck(object, f->name, value);
        else
            json_object_update(object, value);
    }
    return object;
}

static bool read_fields(struct decoder *d, const struct kube_type *t, struct wire w, size_t base)
{
    size_t hint = 0;

    while (w.at < w.end) {
        uint32_t number;
        enum wire_kind kind;
        const char *wrong = wire_tag(&w, &number, &kind);
        const struct kube_field *f = wrong ? NULL : next_field(t, number, &hint);

        if (!wrong && !f)
            wrong = wire_skip(&w, kind);
        if (wrong)
            return decode_fail(d, wrong);
        if (f && !decode_field(d, f, kind, &w, base + hint))
            return false;
    }
    return true;
}

json_t *decode_message(struct decoder *d, const struct kube_type *t, struct wire w,
                       const char *api_version, const char *kind)
{
    size_t base;
    json_t *object;

    if (!decode_enter(d))
        return NULL;
    base = push_slots(d, t->field_count);
    if (kind && t->field_count > 1 && !t->fields[0].number) {
        d->slots[base] = json_string_nocheck(kind);
        d->slots[base + 1] = json_string_nocheck(api_version);
    }
    /* After an error the slots stay for protobuf_decode to free. */
    if (!read_fields(d, t, w, base))
        return NULL;
    object = finish_message(d, t, base);
    d->slot_count = base;
    decode_leave(d);
    return object;
}

/* ---- entry points ---- */

static void finish_decoder(struct decoder *d)
{
    for (size_t i = 0; i < d->slot_count; i++)
        json_decref(d->slots[i]);
    free(d->slots);
}

json_t *protobuf_decode(const void *data, size_t len, struct err *reterr)
{
    struct decoder d = {.reterr = reterr};
    json_t *object;

    if (!protobuf_is_envelope(data, len))
        return decode_fail(&d, "provided data does not appear to be a protobuf message");
    object = decode_envelope(&d, (struct wire){data, (const uint8_t *)data + len});
    finish_decoder(&d);
    return object;
}

json_t *protobuf_decode_message(const struct kube_type *t, const void *data, size_t len,
                                struct err *reterr)
{
    struct decoder d = {.reterr = reterr};
    const uint8_t *bytes = len ? data : (const uint8_t *)"";
    json_t *object = decode_message(&d, t, (struct wire){bytes, bytes + len}, NULL, NULL);

    finish_decoder(&d);
    return object;
}
