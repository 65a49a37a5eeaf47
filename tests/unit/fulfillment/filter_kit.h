/* The fields of a message for tests of filters, and rows to filter. */
#ifndef VMCONFORM_TESTS_UNIT_FULFILLMENT_FILTER_KIT_H
#define VMCONFORM_TESTS_UNIT_FULFILLMENT_FILTER_KIT_H

#include "base/cleanup.h"
#include "components/fulfillment-service/filter.h"

static const struct filter_enum kit_states[] = {
    {0, "STATE_UNSPECIFIED"}, {1, "STATE_CREATING"}, {2, "STATE_READY"},
    {3, "STATE_FAILED"},      {4, "STATE_DELETING"}, {0, NULL},
};

static const struct filter_field kit_field_rows[] = {
    {.path = "spec.compute_instance", .type = FILTER_STRING},
    {.path = "spec.description", .type = FILTER_STRING, .optional = true},
    {.path = "spec.cores", .type = FILTER_INT},
    {.path = "spec.ratio", .type = FILTER_DOUBLE},
    {.path = "spec.groups", .type = FILTER_STRINGS},
    {.path = "spec.image", .type = FILTER_MESSAGE},
    {.path = "spec.image.source_ref", .type = FILTER_STRING},
    {.path = "status", .type = FILTER_MESSAGE},
    {.path = "status.state", .type = FILTER_ENUM, .values = kit_states},
    {.path = "status.creation_time", .type = FILTER_TIMESTAMP, .optional = true},
    {.path = "status.size_bytes", .type = FILTER_INT, .optional = true},
    {.path = "status.online", .type = FILTER_BOOL},
};

static const struct filter_fields kit_fields = {kit_field_rows, ARRAY_LEN(kit_field_rows)};

#endif
