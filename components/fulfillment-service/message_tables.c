/* The tables. Order is by number, as JSON is written; reserved numbers were other fields once. */
#include <string.h>

#include "base/cleanup.h"
#include "components/fulfillment-service/message.h"

#define FIELDS(list) .fields = (list), .count = ARRAY_LEN(list)
#define F(number_, name_, type_, ...)                                                              \
    {                                                                                              \
        .number = (number_), .name = (name_), .type = (type_), ##__VA_ARGS__                       \
    }
#define LATER .since = VERSION_1_1

/* ---- enums ---- */

static const struct filter_enum instance_states[] = {
    {0, INSTANCE_STATE "UNSPECIFIED"},
    {1, INSTANCE_STATE "STARTING"},
    {2, INSTANCE_STATE "RUNNING"},
    {3, INSTANCE_STATE "FAILED"},
    {4, INSTANCE_STATE "DELETING"},
    {5, INSTANCE_STATE "STOPPING"},
    {6, INSTANCE_STATE "STOPPED"},
    {7, INSTANCE_STATE "PAUSED"},
    {0, NULL},
};
const struct enumeration enum_instance_state = {instance_states, 0};

static const struct filter_enum instance_conditions[] = {
    {0, INSTANCE_CONDITION "UNSPECIFIED"},
    {1, INSTANCE_CONDITION "CONFIGURATION_APPLIED"},
    {2, INSTANCE_CONDITION "READY"},
    {3, INSTANCE_CONDITION "RESTART_IN_PROGRESS"},
    {4, INSTANCE_CONDITION "RESTART_FAILED"},
    {5, INSTANCE_CONDITION "PROVISIONED"},
    {6, INSTANCE_CONDITION "RESTART_REQUIRED"},
    {7, INSTANCE_CONDITION "RESTORE_IN_PROGRESS"},
    {8, INSTANCE_CONDITION "RESTORE_FAILED"},
    {0, NULL},
};
const struct enumeration enum_instance_condition = {instance_conditions, 7};

static const struct filter_enum snapshot_states[] = {
    {0, SNAPSHOT_STATE "UNSPECIFIED"}, {1, SNAPSHOT_STATE "CREATING"}, {2, SNAPSHOT_STATE "READY"},
    {3, SNAPSHOT_STATE "FAILED"},      {4, SNAPSHOT_STATE "DELETING"}, {0, NULL},
};
const struct enumeration enum_snapshot_state = {snapshot_states, 0};

static const struct filter_enum snapshot_conditions[] = {
    {0, SNAPSHOT_CONDITION "UNSPECIFIED"},
    {1, SNAPSHOT_CONDITION "READY"},
    {0, NULL},
};
const struct enumeration enum_snapshot_condition = {snapshot_conditions, 0};

static const struct filter_enum statuses[] = {
    {0, CONDITION_STATUS "UNSPECIFIED"},
    {1, CONDITION_STATUS "TRUE"},
    {2, CONDITION_STATUS "FALSE"},
    {0, NULL},
};
static const struct enumeration enum_status = {statuses, 0};

static const struct filter_enum event_types[] = {
    {0, "EVENT_TYPE_UNSPECIFIED"},     {1, "EVENT_TYPE_OBJECT_CREATED"},
    {2, "EVENT_TYPE_OBJECT_UPDATED"},  {3, "EVENT_TYPE_OBJECT_DELETED"},
    {4, "EVENT_TYPE_OBJECT_SIGNALED"}, {0, NULL},
};
static const struct enumeration enum_event_type = {event_types, 0};

/* ---- metadata ---- */

static const struct field metadata_public_fields[] = {
    F(1, "creation_timestamp", FIELD_TIME),
    F(2, "deletion_timestamp", FIELD_TIME),
    F(3, "creator", FIELD_STRING),
    F(4, "name", FIELD_STRING, .rule = RULE_NAME),
    F(5, "tenant", FIELD_STRING),
    F(7, "labels", FIELD_STRING, .shape = SHAPE_MAP, .rule = RULE_LABELS),
    F(8, "annotations", FIELD_STRING, .shape = SHAPE_MAP, .rule = RULE_ANNOTATIONS),
    F(9, "version", FIELD_INT32),
    F(10, "project", FIELD_STRING),
};
static const struct message metadata_public = {.name = "Metadata", FIELDS(metadata_public_fields)};

static const struct field metadata_private_fields[] = {
    F(1, "creation_timestamp", FIELD_TIME),
    F(2, "deletion_timestamp", FIELD_TIME),
    F(3, "finalizers", FIELD_STRING, .shape = SHAPE_LIST),
    F(4, "creator", FIELD_STRING),
    F(5, "tenant", FIELD_STRING),
    F(6, "name", FIELD_STRING, .rule = RULE_NAME),
    F(7, "labels", FIELD_STRING, .shape = SHAPE_MAP, .rule = RULE_LABELS),
    F(8, "annotations", FIELD_STRING, .shape = SHAPE_MAP, .rule = RULE_ANNOTATIONS),
    F(9, "version", FIELD_INT32),
    F(10, "project", FIELD_STRING),
};
static const struct message metadata_private = {.name = "Metadata",
                                                FIELDS(metadata_private_fields)};

/* ---- conditions ---- */

static const struct field instance_condition_fields[] = {
    F(1, "type", FIELD_ENUM, .values = &enum_instance_condition),
    F(2, "status", FIELD_ENUM, .values = &enum_status),
    F(3, "last_transition_time", FIELD_TIME),
    F(4, "reason", FIELD_STRING, .shape = SHAPE_OPTIONAL),
    F(5, "message", FIELD_STRING, .shape = SHAPE_OPTIONAL),
};
static const struct message instance_condition = {.name = "ComputeInstanceCondition",
                                                  FIELDS(instance_condition_fields)};

static const struct field snapshot_condition_fields[] = {
    F(1, "type", FIELD_ENUM, .values = &enum_snapshot_condition),
    F(2, "status", FIELD_ENUM, .values = &enum_status),
    F(3, "last_transition_time", FIELD_TIME),
    F(4, "reason", FIELD_STRING, .shape = SHAPE_OPTIONAL),
    F(5, "message", FIELD_STRING, .shape = SHAPE_OPTIONAL),
};
static const struct message snapshot_condition = {.name = "ComputeInstanceSnapshotCondition",
                                                  FIELDS(snapshot_condition_fields)};

/* ---- instances ---- */

static const struct field image_fields[] = {
    F(1, "source_type", FIELD_STRING),
    F(2, "source_ref", FIELD_STRING),
};
static const struct message image = {.name = "ComputeInstanceImage", FIELDS(image_fields)};

static const struct field disk_fields[] = {F(1, "size_gib", FIELD_INT32)};
static const struct message disk = {.name = "ComputeInstanceDisk", FIELDS(disk_fields)};

static const unsigned instance_spec_reserved[] = {5, 6, 12, 13, 0};
static const struct field instance_spec_fields[] = {
    F(1, "template", FIELD_STRING),
    F(2, "template_parameters", FIELD_ANY, .shape = SHAPE_MAP),
    F(3, "restart_requested_at", FIELD_TIME),
    F(4, "image", FIELD_MESSAGE, .message = &image),
    F(7, "ssh_key", FIELD_STRING, .shape = SHAPE_OPTIONAL),
    F(8, "boot_disk", FIELD_MESSAGE, .message = &disk),
    F(9, "additional_disks", FIELD_MESSAGE, .shape = SHAPE_LIST, .message = &disk),
    F(10, "run_strategy", FIELD_STRING, .shape = SHAPE_OPTIONAL),
    F(16, "is_windows", FIELD_BOOL),
    F(17, "instance_type", FIELD_STRING),
    F(18, "restore_from_snapshot", FIELD_STRING, .shape = SHAPE_OPTIONAL, LATER),
    F(19, "restore_requested_at", FIELD_TIME, LATER),
};
static const struct message instance_spec = {.name = "ComputeInstanceSpec",
                                             FIELDS(instance_spec_fields),
                                             .reserved = instance_spec_reserved};

static const struct field instance_status_public_fields[] = {
    F(1, "state", FIELD_ENUM, .values = &enum_instance_state),
    F(2, "conditions", FIELD_MESSAGE, .shape = SHAPE_LIST, .message = &instance_condition),
    F(3, "internal_ip_address", FIELD_STRING),
    F(4, "last_restarted_at", FIELD_TIME),
    F(5, "external_ip_address", FIELD_STRING),
    F(6, "state_transition_time", FIELD_TIME),
    F(7, "last_restored_at", FIELD_TIME, LATER),
};
static const struct message instance_status_public = {.name = "ComputeInstanceStatus",
                                                      FIELDS(instance_status_public_fields)};

static const struct field instance_status_private_fields[] = {
    F(1, "state", FIELD_ENUM, .values = &enum_instance_state),
    F(2, "conditions", FIELD_MESSAGE, .shape = SHAPE_LIST, .message = &instance_condition),
    F(3, "internal_ip_address", FIELD_STRING),
    F(4, "hub", FIELD_STRING),
    F(5, "last_restarted_at", FIELD_TIME),
    F(6, "external_ip_address", FIELD_STRING),
    F(7, "state_transition_time", FIELD_TIME),
    F(8, "last_restored_at", FIELD_TIME, LATER),
};
static const struct message instance_status_private = {.name = "ComputeInstanceStatus",
                                                       FIELDS(instance_status_private_fields)};

static const struct field instance_public_fields[] = {
    F(1, "id", FIELD_STRING),
    F(2, "metadata", FIELD_MESSAGE, .message = &metadata_public),
    F(3, "spec", FIELD_MESSAGE, .message = &instance_spec),
    F(4, "status", FIELD_MESSAGE, .message = &instance_status_public),
};
const struct message message_instance_public = {.name = "ComputeInstance",
                                                FIELDS(instance_public_fields)};

static const struct field instance_private_fields[] = {
    F(1, "id", FIELD_STRING),
    F(2, "metadata", FIELD_MESSAGE, .message = &metadata_private),
    F(3, "spec", FIELD_MESSAGE, .message = &instance_spec),
    F(4, "status", FIELD_MESSAGE, .message = &instance_status_private),
};
const struct message message_instance_private = {.name = "ComputeInstance",
                                                 FIELDS(instance_private_fields)};

/* ---- snapshots ---- */

static const struct field snapshot_spec_fields[] = {
    F(1, "compute_instance", FIELD_STRING),
    F(2, "description", FIELD_STRING, .shape = SHAPE_OPTIONAL, .rule = RULE_DESCRIPTION),
};
static const struct message snapshot_spec = {.name = "ComputeInstanceSnapshotSpec",
                                             FIELDS(snapshot_spec_fields)};

#define SNAPSHOT_STATUS                                                                            \
    F(1, "state", FIELD_ENUM, .values = &enum_snapshot_state),                                     \
        F(2, "conditions", FIELD_MESSAGE, .shape = SHAPE_LIST, .message = &snapshot_condition),    \
        F(3, "creation_time", FIELD_TIME),                                                         \
        F(4, "size_bytes", FIELD_INT64, .shape = SHAPE_OPTIONAL), F(5, "online", FIELD_BOOL)
static const struct field snapshot_status_public_fields[] = {SNAPSHOT_STATUS};
static const struct message snapshot_status_public = {.name = "ComputeInstanceSnapshotStatus",
                                                      FIELDS(snapshot_status_public_fields)};
static const struct field snapshot_status_private_fields[] = {
    SNAPSHOT_STATUS, F(6, "hub", FIELD_STRING), F(7, "hub_object", FIELD_BOOL)};
static const struct message snapshot_status_private = {.name = "ComputeInstanceSnapshotStatus",
                                                       FIELDS(snapshot_status_private_fields)};

static const struct field snapshot_public_fields[] = {
    F(1, "id", FIELD_STRING),
    F(2, "metadata", FIELD_MESSAGE, .message = &metadata_public),
    F(3, "spec", FIELD_MESSAGE, .message = &snapshot_spec),
    F(4, "status", FIELD_MESSAGE, .message = &snapshot_status_public),
};
const struct message message_snapshot_public = {.name = "ComputeInstanceSnapshot",
                                                FIELDS(snapshot_public_fields)};

static const struct field snapshot_private_fields[] = {
    F(1, "id", FIELD_STRING),
    F(2, "metadata", FIELD_MESSAGE, .message = &metadata_private),
    F(3, "spec", FIELD_MESSAGE, .message = &snapshot_spec),
    F(4, "status", FIELD_MESSAGE, .message = &snapshot_status_private),
};
const struct message message_snapshot_private = {.name = "ComputeInstanceSnapshot",
                                                 FIELDS(snapshot_private_fields)};

/* ---- hubs, events ---- */

/* 3 is the kubeconfig elsewhere; here the host knows clusters by name. */
static const unsigned hub_reserved[] = {3, 0};
static const struct field hub_fields[] = {
    F(1, "id", FIELD_STRING),
    F(2, "metadata", FIELD_MESSAGE, .message = &metadata_private),
    F(4, "namespace", FIELD_STRING),
    F(5, "cluster", FIELD_STRING),
};
const struct message message_hub = {.name = "Hub", FIELDS(hub_fields), .reserved = hub_reserved};

static const struct field event_public_fields[] = {
    F(1, "id", FIELD_STRING),
    F(2, "type", FIELD_ENUM, .values = &enum_event_type),
    F(8, "compute_instance", FIELD_MESSAGE, .message = &message_instance_public),
    F(17, "compute_instance_snapshot", FIELD_MESSAGE, .message = &message_snapshot_public, LATER),
};
const struct message message_event_public = {.name = "Event", FIELDS(event_public_fields)};

static const unsigned event_reserved[] = {16, 17, 18, 25, 0};
static const struct field event_private_fields[] = {
    F(1, "id", FIELD_STRING),
    F(2, "type", FIELD_ENUM, .values = &enum_event_type),
    F(6, "hub", FIELD_MESSAGE, .message = &message_hub),
    F(8, "compute_instance", FIELD_MESSAGE, .message = &message_instance_private),
    F(41, "compute_instance_snapshot", FIELD_MESSAGE, .message = &message_snapshot_private, LATER),
};
const struct message message_event_private = {
    .name = "Event", FIELDS(event_private_fields), .reserved = event_reserved};

/* ---- looking things up ---- */

bool version_parse(const char *text, enum version *ret)
{
    static const char *const names[VERSION_COUNT] = {"1.0", "1.1"};
    for (size_t i = 0; i < VERSION_COUNT; i++)
        if (strcmp(text, names[i]) == 0) {
            *ret = (enum version)i;
            return true;
        }
    return false;
}

const char *enum_name(const struct enumeration *e, enum version v, int64_t number)
{
    if (e->later_from && v < VERSION_1_1 && number >= e->later_from)
        return NULL;
    for (size_t i = 0; e->values[i].name; i++)
        if (e->values[i].number == number)
            return e->values[i].name;
    return NULL;
}

/* "run_strategy" is also "runStrategy". */
static bool is_spelling(const char *name, const char *key)
{
    if (strcmp(name, key) == 0)
        return true;
    for (; *name; name++, key++) {
        char want = *name;
        if (want == '_' && name[1] >= 'a' && name[1] <= 'z')
            want = (char)(*++name - 'a' + 'A');
        if (*key != want)
            return false;
    }
    return !*key;
}

const struct field *message_field(const struct message *m, enum version v, const char *name)
{
    for (size_t i = 0; i < m->count; i++)
        if (m->fields[i].since <= v && is_spelling(m->fields[i].name, name))
            return &m->fields[i];
    return NULL;
}
