/* See fault.h. The points of API servers, watches, the object store, files and programs. */
#include "sched/fault.h"

const struct fault_point fault_point_api = {
    "api",
    {"verb", "group", "kind", "plural", "ns", "name", "subresource", "by", "cluster"},
    {{"answer", .type = FAULT_CHOICE, .numbers = {403, 409, 429, 500, 503},
      .texts = {"timeout", "lost"}},
     {"delay", .type = FAULT_DURATION}}};

const struct fault_point fault_point_watch = {
    "watch",
    {"kind", "plural", "by", "cluster"},
    {{"lag", .type = FAULT_DURATION},
     {"drop", .type = FAULT_TRUE},
     {"gone", .type = FAULT_TRUE},
     {"hold", .type = FAULT_TRUE, .says = "until cleared"}}};

const struct fault_point fault_point_store = {
    "store",
    {"op", "key", "by"}, /* op: get, put, list, head */
    {{"answer", .type = FAULT_CHOICE, .numbers = {404, 500, 503},
      .texts = {"truncated", "corrupt"}},
     {"bytes", .type = FAULT_COUNT, .with = "answer", .with_texts = {"truncated", "corrupt"}}}};

const struct fault_point fault_point_file = {
    "file",
    {"op", "path", "by"}, /* op: open, write, sync, rename */
    {{"errno", .type = FAULT_CHOICE, .texts = {"ENOSPC", "EIO"}},
     {"after", .type = FAULT_COUNT, .with = "errno", .says = "`after` in bytes"}}};

const struct fault_point fault_point_program = {
    "program",
    {"program", "by"},
    {{"exit", .type = FAULT_COUNT, .max = 255}, {"kill", .type = FAULT_TRUE}}};
