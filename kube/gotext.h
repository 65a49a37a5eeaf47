/* JSON values as Go's fmt prints them with %v: "map[a:1 b:[x <nil>]]". What error messages of the
 * API server quote. */
#ifndef VMCONFORM_KUBE_GOTEXT_H
#define VMCONFORM_KUBE_GOTEXT_H

#include <jansson.h>

#include "base/strbuf.h"

/* Stops with "..." behind GOTEXT_MAX bytes. */
#define GOTEXT_MAX 65536u
void gotext_value(struct strbuf *out, const json_t *v);
/* The same as %#v prints: "map[string]interface {}{\"a\":1}". */
void gotext_source(struct strbuf *out, const json_t *v);
/* Go's name for the type of a decoded value: "map[string]interface {}", "int64", "<nil>". */
const char *gotext_type(const json_t *v);
/* What Go's JSON decoder calls it: "object", "array", "string", "number", "bool", "null". */
const char *gotext_kind(const json_t *v);

#endif
