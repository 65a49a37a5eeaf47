/* See fault.h. The points of API servers, watches, the object store, files, programs and services.
 */
#include "sched/fault.h"

static const char *const api_verbs[] = {
    "get", "list", "create", "update", "patch", "delete", "deletecollection", "watch", NULL};
static const char *const store_ops[] = {"get", "put", "list", "delete", "head", NULL};
static const char *const file_ops[] = {"open",   "write",  "truncate", "zero", "sync", "stat",
                                       "rename", "remove", "mkdir",    "list", NULL};

const struct fault_point fault_point_api = {
    .name = "api",
    .attrs = {"verb", "group", "kind", "plural", "ns", "name", "subresource", "by", "cluster"},
    .closed = {"verb", api_verbs},
    .actions = {{"answer", .type = FAULT_CHOICE, .numbers = {403, 409, 429, 500, 503},
                 .texts = {"timeout", "lost"}},
                {"delay", .type = FAULT_DURATION}}};

const struct fault_point fault_point_watch = {
    .name = "watch",
    .attrs = {"kind", "plural", "by", "cluster"},
    .actions = {{"lag", .type = FAULT_DURATION},
                {"drop", .type = FAULT_TRUE},
                {"gone", .type = FAULT_TRUE},
                {"hold", .type = FAULT_TRUE, .says = "until cleared"}}};

const struct fault_point fault_point_store = {
    .name = "store",
    .attrs = {"op", "key", "by"},
    .closed = {"op", store_ops},
    .actions = {
        {"answer", .type = FAULT_CHOICE, .numbers = {404, 412, 500, 503},
         .texts = {"truncated", "corrupt"}},
        {"bytes", .type = FAULT_COUNT, .with = "answer", .with_texts = {"truncated", "corrupt"}},
        {"delay", .type = FAULT_DURATION},
        {"crash", .type = FAULT_CHOICE, .texts = {"before", "after"},
         .says = "whoever writes stops, before or after it has taken effect"}}};

const struct fault_point fault_point_file = {
    .name = "file",
    .attrs = {"op", "path", "by"},
    .closed = {"op", file_ops},
    .actions = {{"errno", .type = FAULT_CHOICE, .texts = {"ENOSPC", "EIO"}},
                {"after", .type = FAULT_COUNT, .with = "errno", .says = "`after` in bytes"}}};

const struct fault_point fault_point_program = {
    .name = "program",
    .attrs = {"program", "by"},
    .actions = {{"exit", .type = FAULT_COUNT, .max = 255}, {"kill", .type = FAULT_TRUE}}};

const struct fault_point fault_point_http = {
    .name = "http",
    .attrs = {"service", "method", "path", "by"},
    .actions = {{"answer", .type = FAULT_CHOICE, .numbers = {403, 404, 409, 429, 500, 503},
                 .texts = {"timeout", "lost"},
                 .says = "`timeout` never gets there; of `lost` the answer is"},
                {"delay", .type = FAULT_DURATION}}};
