#include "components/fulfillment-service/auth.h"

#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "components/token.h"

void subject_finish(struct subject *s)
{
    json_decref(s->claims);
    *s = (struct subject){0};
}

static bool list_has(const json_t *list, const char *text)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *item = json_string_value(json_array_get(list, i));
        if (item && strcmp(item, text) == 0)
            return true;
    }
    return false;
}

static bool is_admin(const struct subject *s, const json_t *groups)
{
    if (strcmp(s->name, ACCOUNT_ADMIN) == 0 || strcmp(s->name, ACCOUNT_CONTROLLER) == 0)
        return true;
    const json_t *own = json_object_get(s->claims, "groups");
    for (size_t i = 0; i < json_array_size(own); i++) {
        const char *name = json_string_value(json_array_get(own, i));
        if (name && list_has(groups, name))
            return true;
    }
    return false;
}

static int read_tenants(struct subject *s, struct err *reterr)
{
    const json_t *list = json_object_get(s->claims, "tenants");
    if (json_array_size(list) > SUBJECT_TENANTS_MAX)
        return err_set(reterr, ERR_LIMIT, NO_POS, "token has more than %d tenants",
                       SUBJECT_TENANTS_MAX);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = json_string_value(json_array_get(list, i));
        if (name && *name)
            s->tenants[s->count++] = name;
    }
    s->tenants[s->count] = TENANT_SHARED;
    return 0;
}

int subject_authenticate(struct subject *s, const char *header, const char *key,
                         const json_t *groups, int64_t now_s, struct err *reterr)
{
    if (!header || strncasecmp(header, "Bearer ", 7) != 0)
        return err_set(reterr, ERR_INVALID, NO_POS, "missing bearer token");
    s->claims = bearer_verify(key, header + 7 + strspn(header + 7, " "), now_s, reterr);
    if (!s->claims)
        return -1;
    s->name = json_string_value(json_object_get(s->claims, "sub"));
    if (!s->name || !*s->name)
        return err_set(reterr, ERR_INVALID, NO_POS, "token names no subject");
    s->admin = is_admin(s, groups);
    return read_tenants(s, reterr);
}

struct scope subject_scope(const struct subject *s)
{
    if (s->admin)
        return SCOPE_ALL;
    return (struct scope){.tenants = s->tenants, .count = s->count + 1};
}

bool subject_may_assign(const struct subject *s, const char *tenant)
{
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->tenants[i], tenant) == 0)
            return true;
    return s->admin;
}

bool subject_sees(const struct subject *s, const char *tenant)
{
    return strcmp(tenant, TENANT_SHARED) == 0 || subject_may_assign(s, tenant);
}
