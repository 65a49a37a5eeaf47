/* Settings of a component: a JSON object that is checked before anything starts. */
#ifndef VMCONFORM_COMPONENTS_RUNTIME_CONFIG_H
#define VMCONFORM_COMPONENTS_RUNTIME_CONFIG_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum config_type {
    CONFIG_STRING,   /* const char *: borrowed from the config object */
    CONFIG_BOOL,     /* bool; also the texts that Go's ParseBool takes */
    CONFIG_INT,      /* int64_t */
    CONFIG_DURATION, /* int64_t nanoseconds, from Go's "1m30s" */
    CONFIG_JSON,     /* const json_t *: any value, borrowed from the config object */
};
struct config_setting {
    const char *name;
    enum config_type type;
    void *target; /* keeps its value when the setting is absent */
};
/* Reads the settings. config may be NULL or JSON null. Unknown names and wrong types are
 * ERR_INVALID, with a hint. */
int config_read(const json_t *config, const struct config_setting *settings, size_t count,
                struct err *reterr);

/* Asserts that a component tells of these settings, all of them, in this order: `names` is its
 * `settings`. */
void config_told(const char *const *names, const struct config_setting *settings, size_t count);

/* A boolean, or a text that Go's ParseBool takes. false: neither, and *target keeps its value. */
bool config_parse_bool(const json_t *value, bool *target);

#endif
