/* Label and field selectors, in their text form and as metav1.LabelSelector. */
#ifndef VMCONFORM_KUBE_SELECTOR_H
#define VMCONFORM_KUBE_SELECTOR_H

#include <jansson.h>
#include <stdbool.h>

#include "base/cleanup.h"
#include "base/err.h"

struct selector; /* immutable once made */

/* "a=b,c!=d,e in (x,y),!f,g": an empty text selects everything. Messages are the API server's. */
struct selector *selector_parse(const char *text, struct err *reterr);
/* matchLabels and matchExpressions. */
struct selector *selector_from_label_selector(const json_t *label_selector, struct err *reterr);
/* labels: a JSON object of strings, or NULL. */
bool selector_matches(const struct selector *s, const json_t *labels);
bool selector_is_everything(const struct selector *s);
void selector_destroy(struct selector *s);
DEFINE_CLEANUP(struct selector, selector, selector_destroy);

/* "metadata.name=x,spec.nodeName!=y": = == != only. */
struct field_selector;
struct field_selector *field_selector_parse(const char *text, struct err *reterr);
/* Calls check for each field path; false stops with that path as *ret_bad (borrowed). */
bool field_selector_fields_ok(const struct field_selector *s,
                              bool (*check)(void *cookie, const char *field), void *cookie,
                              const char **ret_bad);
/* Values are looked up by dotted path; missing is "". Booleans and numbers compare by their text.
 */
bool field_selector_matches(const struct field_selector *s, const json_t *object);
/* The same where a kind knows better what a field's value is: borrowed, NULL is "". */
typedef const json_t *field_value_fn(const json_t *object, const char *field);
bool field_selector_matches_by(const struct field_selector *s, const json_t *object,
                               field_value_fn *value);
/* The value that the selector demands of a field, borrowed; NULL when it demands none. */
const char *field_selector_requires(const struct field_selector *s, const char *field);
void field_selector_destroy(struct field_selector *s);
DEFINE_CLEANUP(struct field_selector, field_selector, field_selector_destroy);

#endif
