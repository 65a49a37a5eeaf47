/* Small text and object helpers of both controllers. */
#ifndef VMCONFORM_COMPONENTS_OSAC_OPERATOR_TEXT_H
#define VMCONFORM_COMPONENTS_OSAC_OPERATOR_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Conditions reach tenants, so names of the platform must not: words that look like hosts,
 * addresses, paths, "namespace/name" or uids become "[...]". New; at most 512 bytes. */
char *osac_text_for_tenant(const char *message);
/* `prefix` and the first 20 hex digits of the SHA-256 of both parts. New. */
char *osac_text_hashed_name(const char *prefix, const char *a, const char *b);

/* "unmanaged" and "Unmanaged" are both in use. */
bool osac_object_is_unmanaged(const json_t *obj);
bool osac_object_is_manual(const json_t *obj);
/* Both carry the annotation, with the same value: what has no tenant is nobody's. */
bool osac_object_same_tenant(const json_t *a, const json_t *b);
/* A label value must be at most 63 bytes: longer names are cut. New. */
char *osac_object_label_value(const char *name);

/* Whole seconds since 1970 of an RFC 3339 text, rounded down: what metav1.Time keeps. false: absent
 * or malformed. */
bool osac_seconds_parse(const char *text, int64_t *ret_s);

#endif
