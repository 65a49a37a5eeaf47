/* Rows of what extends the server: webhooks, policies, aggregated APIs. */
#include <string.h>

#include "base/json.h"
#include "kube/meta.h"
#include "sim/rest/table_priv.h"

static const struct table_column webhook_columns[] = {COLUMN_NAME, COLUMN_INT("Webhooks"),
                                                      COLUMN_AGE};

static void webhook_fill(struct table_row *row, const json_t *object)
{
    row_name(row, object);
    row_int(row, (int64_t)json_array_size(json_object_get(object, "webhooks")));
    row_age(row, object);
}

static const struct table_column policy_columns[] = {COLUMN_NAME, COLUMN_INT("Validations"),
                                                     COLUMN("ParamKind"), COLUMN_AGE};

static void policy_fill(struct table_row *row, const json_t *object)
{
    const json_t *kind = json_path(object, "spec.paramKind");
    row_name(row, object);
    row_int(row, (int64_t)json_array_size(json_path(object, "spec.validations")));
    if (json_is_object(kind))
        row_textf(row, "%s/%s", json_str_or_empty(kind, "apiVersion"),
                  json_str_or_empty(kind, "kind"));
    else
        row_text(row, "<unset>");
    row_age(row, object);
}

static const struct table_column binding_columns[] = {COLUMN_NAME, COLUMN("PolicyName"),
                                                      COLUMN("ParamRef"), COLUMN_AGE};

static void binding_fill(struct table_row *row, const json_t *object)
{
    const json_t *ref = json_path(object, "spec.paramRef");
    const char *name = json_str_or_empty(ref, "name"), *ns = json_str_or_empty(ref, "namespace");
    row_name(row, object);
    row_str(row, object, "spec.policyName", "");
    if (*name)
        row_textf(row, "%s%s%s", ns, *ns ? "/" : "", name);
    else if (json_is_object(json_object_get(ref, "selector")))
        row_selector(row, json_object_get(ref, "selector"));
    else
        row_text(row, "<unset>");
    row_age(row, object);
}

static const struct table_column service_columns[] = {COLUMN_NAME, COLUMN("Service"),
                                                      COLUMN("Available"), COLUMN_AGE};

static void service_fill(struct table_row *row, const json_t *object)
{
    const json_t *service = json_path(object, "spec.service");
    const json_t *available = meta_condition(object, "Available");
    const char *status = json_str(available, "status");
    row_name(row, object);
    if (json_is_object(service))
        row_textf(row, "%s/%s", json_str_or_empty(service, "namespace"),
                  json_str_or_empty(service, "name"));
    else
        row_text(row, "Local");
    if (status && strcmp(status, "True") != 0)
        row_textf(row, "%s (%s)", status, json_str_or_empty(available, "reason"));
    else
        row_text(row, status ? status : "Unknown");
    row_age(row, object);
}

#define ADMISSION "admissionregistration.k8s.io"

static const struct table_printer printers[] = {
    PRINTER(ADMISSION, "MutatingWebhookConfiguration", webhook_columns, webhook_fill),
    PRINTER(ADMISSION, "ValidatingWebhookConfiguration", webhook_columns, webhook_fill),
    PRINTER(ADMISSION, "ValidatingAdmissionPolicy", policy_columns, policy_fill),
    PRINTER(ADMISSION, "ValidatingAdmissionPolicyBinding", binding_columns, binding_fill),
    PRINTER("apiregistration.k8s.io", "APIService", service_columns, service_fill),
};
const struct table_printers table_admission_printers = {printers, ARRAY_LEN(printers)};
