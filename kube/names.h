/* Names, labels, and how Kubernetes shortens and generates them (kube-apiserver.md
 * section 2.1, 2.2). */
#ifndef VMCONFORM_KUBE_NAMES_H
#define VMCONFORM_KUBE_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/prng.h"

/* Each returns NULL when the text is fine, else the API server's message for what is wrong
 * (static). */
const char *name_check_dns1123_subdomain(const char *s);
const char *name_check_dns1123_label(const char *s);
const char *name_check_dns1035_label(const char *s);
const char *name_check_path_segment(const char *s);
/* Qualified names: "prefix/name", as label keys, annotation keys and finalizers are. */
const char *name_check_qualified(const char *s);
const char *name_check_label_value(const char *s);

/* generateName: the prefix cut to 58 characters plus five from the alphabet of prng_name. New. */
char *name_generate(struct prng *p, const char *prefix);
/* A name of at most max characters: text itself, or cut and ended with "-" and 8 hex digits of its
 * SHA-256. New. */
char *name_shorten(const char *text, size_t max);

#endif
