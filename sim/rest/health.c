/* /healthz, /livez, /readyz and their checks, one by one or all (kube-apiserver.md 1.2). What a
 * simulated server is made of cannot be ill. */
#include <string.h>

#include "sim/rest/rest_priv.h"

static const char *const endpoints[] = {"healthz", "livez", "readyz"};
static const char *const checks[] = {"ping", "log", "etcd"};
static const char *const ready_checks[] = {"informer-sync", "shutdown"};

static bool has_check(const char *endpoint, const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(checks); i++)
        if (strcmp(checks[i], name) == 0)
            return true;
    for (size_t i = 0; strcmp(endpoint, "readyz") == 0 && i < ARRAY_LEN(ready_checks); i++)
        if (strcmp(ready_checks[i], name) == 0)
            return true;
    return false;
}

static bool is_excluded(const struct query *q, const char *name)
{
    for (size_t i = 0; i < q->count; i++)
        if (strcmp(q->items[i].name, "exclude") == 0 && strcmp(q->items[i].value, name) == 0)
            return true;
    return false;
}

static void tell_checks(struct strbuf *out, const struct query *q, const char *const *names,
                        size_t count)
{
    for (size_t i = 0; i < count; i++)
        strbuf_addf(out, is_excluded(q, names[i]) ? "[+]%s excluded: ok\n" : "[+]%s ok\n",
                    names[i]);
}

static void warn_excluded(struct strbuf *out, const struct query *q, const char *endpoint)
{
    AUTO(strbuf) struct strbuf unknown = {0};
    for (size_t i = 0; i < q->count; i++)
        if (strcmp(q->items[i].name, "exclude") == 0 && !has_check(endpoint, q->items[i].value))
            strbuf_addf(&unknown, "%s\"%s\"", unknown.len ? ", " : "", q->items[i].value);
    if (unknown.len)
        strbuf_addf(out, "warn: some health checks cannot be excluded: no matches for %s\n",
                    strbuf_str(&unknown));
}

static int answer_all(struct rest_call *c, const char *endpoint)
{
    AUTO(strbuf) struct strbuf out = {0};
    if (!query_get(&c->query, "verbose"))
        return answer_text(c, 200, "ok");
    tell_checks(&out, &c->query, checks, ARRAY_LEN(checks));
    if (strcmp(endpoint, "readyz") == 0)
        tell_checks(&out, &c->query, ready_checks, ARRAY_LEN(ready_checks));
    warn_excluded(&out, &c->query, endpoint);
    strbuf_addf(&out, "%s check passed\n", endpoint);
    return answer_text(c, 200, strbuf_str(&out));
}

int document_health(struct rest_call *c)
{
    for (size_t i = 0; i < ARRAY_LEN(endpoints); i++) {
        const char *name;
        if (!path_below(c->route.path + 1, endpoints[i], &name))
            continue;
        if (!*name)
            return answer_all(c, endpoints[i]);
        if (has_check(endpoints[i], name))
            return answer_text(c, 200, "ok");
    }
    return 1;
}
