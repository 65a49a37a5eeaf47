/* The messages of the API, as tables: fields by the names that .proto files give them, and what
 * JSON makes of them.
 *
 * Three forms of one message:
 *   wire    what a client sends: snake_case or camelCase, numbers as text, enums by name or number
 *   object  what the service holds and stores: snake_case names, no zero value without presence,
 *           enums by name (by number when it has no name), int64 as text, times in UTC
 *   answer  an object again, with the fields of one message in the order of their numbers
 * Public and private messages share names, never numbers: so an object of one is read as the other,
 * and what the other does not have is left out. */
#ifndef VMCONFORM_COMPONENTS_FULFILLMENT_SERVICE_MESSAGE_H
#define VMCONFORM_COMPONENTS_FULFILLMENT_SERVICE_MESSAGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "components/fulfillment-service/filter.h"

/* Versions of the service: an older one does not know what came later. */
enum version {
    VERSION_1_0, /* instances */
    VERSION_1_1, /* snapshots, restores */
    VERSION_COUNT
};
#define VERSION_NEWEST VERSION_1_1
/* "1.0"; false: no such version. */
bool version_parse(const char *text, enum version *ret);

enum field_type {
    FIELD_STRING,
    FIELD_BOOL,
    FIELD_INT32,
    FIELD_INT64,
    FIELD_ENUM,
    FIELD_TIME,
    FIELD_MESSAGE,
    FIELD_ANY, /* google.protobuf.Any: kept as it came */
    FIELD_MASK /* google.protobuf.FieldMask; as an object: a list of paths */
};
enum field_shape {
    SHAPE_ONE,      /* no presence: a zero value is no value */
    SHAPE_OPTIONAL, /* presence; messages and times always have it */
    SHAPE_LIST,
    SHAPE_MAP /* keys are texts */
};
/* What a valid value is, beyond its type. */
enum field_rule { RULE_NONE, RULE_NAME, RULE_LABELS, RULE_ANNOTATIONS, RULE_DESCRIPTION };

struct enumeration {
    const struct filter_enum *values; /* number 0 is first */
    int32_t later_from;               /* numbers from here on came with VERSION_1_1; 0: none did */
};

struct message;
struct field {
    unsigned number;
    const char *name;
    enum field_type type;
    enum field_shape shape;
    const struct message *message;    /* FIELD_MESSAGE */
    const struct enumeration *values; /* FIELD_ENUM */
    enum field_rule rule;
    enum version since;
};
struct message {
    const char *name; /* "ComputeInstance" */
    const struct field *fields;
    size_t count;
    const unsigned *reserved; /* numbers that must not come back; ends with 0; NULL: none */
};

extern const struct message message_instance_public, message_instance_private;
extern const struct message message_snapshot_public, message_snapshot_private;
extern const struct message message_hub;
extern const struct message message_event_public, message_event_private;

/* Enums by what they are of. */
extern const struct enumeration enum_instance_state, enum_snapshot_state;
extern const struct enumeration enum_instance_condition, enum_snapshot_condition;
/* The name of a number; NULL: it has none in that version. */
const char *enum_name(const struct enumeration *e, enum version v, int64_t number);

#define INSTANCE_STATE "COMPUTE_INSTANCE_STATE_"
#define SNAPSHOT_STATE "COMPUTE_INSTANCE_SNAPSHOT_STATE_"
#define INSTANCE_CONDITION "COMPUTE_INSTANCE_CONDITION_TYPE_"
#define SNAPSHOT_CONDITION "COMPUTE_INSTANCE_SNAPSHOT_CONDITION_TYPE_"
#define CONDITION_STATUS "CONDITION_STATUS_"

/* The field of either spelling; NULL: that version has none. */
const struct field *message_field(const struct message *m, enum version v, const char *name);

/* Wire to object, new. NULL: *reterr names the place ("spec.description: expected text"). */
json_t *message_decode(const struct message *m, enum version v, const json_t *wire,
                       struct err *reterr);
/* Object (also one that was stored by another version) to answer, new. Total: what the message does
 * not know, or what is not of its type, is left out. Objects and lists are new; texts and numbers
 * are the object's own, shared. */
json_t *message_encode(const struct message *m, enum version v, const json_t *object);
/* The rules that .proto files annotate: lengths, patterns. */
int message_check(const struct message *m, const json_t *object, struct err *reterr);

/* The paths of a mask as JSON has it ("spec.runStrategy,metadata.name"): new list, snake_case. */
json_t *mask_parse(const char *text);
/* The paths that a body names, as a gateway finds them: to the leaves, whole lists and maps. New.
 */
json_t *mask_of_body(const struct message *m, enum version v, const json_t *wire);
/* All leaves of a message: new. */
json_t *mask_of_message(const struct message *m, enum version v);
/* Copies, or clears, each path. -1: a path that the message does not have; nothing is changed. */
int mask_apply(const struct message *m, enum version v, const json_t *paths, const json_t *from,
               json_t *to, struct err *reterr);

/* What a filter may name of a message's spec and status: new; free with message_filter_free(). */
struct filter_fields message_filter_fields(const struct message *m, enum version v);
void message_filter_free(struct filter_fields *f);

#endif
