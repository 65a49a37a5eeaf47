/* Samples that other programs made: a JSON text a line. */
#ifndef VMCONFORM_TESTS_UNIT_SAMPLES_H
#define VMCONFORM_TESTS_UNIT_SAMPLES_H

#include <stdio.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"

/* The first `max` of them as a new list. A file without any, or with a line that cannot be read,
 * ends the program. */
static inline json_t *samples_load(const char *path, size_t max)
{
    AUTO(file) FILE *f = fopen(path, "r");
    AUTO(str) char *line = NULL;
    json_t *list = json_array();
    size_t cap = 0;
    ssize_t len;

    while (f && json_array_size(list) < max && (len = getline(&line, &cap, f)) > 0) {
        AUTO(err) struct err e = {0};
        json_t *sample = json_read(line, (size_t)len, path, &e);

        if (!sample) {
            err_print(stderr, &e, NULL, 0);
            exit(EXIT_FAILURE);
        }
        json_array_append_new(list, sample);
    }
    if (json_array_size(list) == 0) {
        fprintf(stderr, "no samples in %s\n", path);
        exit(EXIT_FAILURE);
    }
    return list;
}

#endif
