/* What came back, and complaints about it. */
#include <stdio.h>
#include <strings.h>
#include <unistd.h>

#include "tests/api/harness_priv.h"

void fail_at(const char *file, int line, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fprintf(stderr, "api.%s over %s: %s:%d: ", stage.row->id, stage.http ? "http" : "the interface",
            file, line);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fprintf(stderr, "\n  %s\n---- request\n%s\n", stage.row->what, strbuf_str(&stage.request));
    if (stage.last)
        fprintf(stderr, "---- answer %d\n%s\n%.6000s\n", stage.last->code,
                strbuf_str(&stage.last->head), strbuf_str(&stage.last->body));
    fflush(stderr);
    _exit(EXIT_FAILURE); /* a socket's folder may stay behind */
}

/* ---- looking ---- */

static const json_t *step(const json_t *v, const char *name)
{
    if (json_is_array(v))
        return json_array_get(v, strtoul(name, NULL, 10));
    return json_object_get(v, name);
}

const json_t *pick(const json_t *v, const char *path)
{
    AUTO(strbuf) struct strbuf name = {0};

    for (const char *p = path; *path; p++) {
        if (*p == '\\' && p[1]) {
            strbuf_addch(&name, *++p);
            continue;
        }
        if (*p && *p != '.') {
            strbuf_addch(&name, *p);
            continue;
        }
        v = step(v, strbuf_str(&name));
        if (!*p || !v)
            return v;
        strbuf_reset(&name);
    }
    return v;
}

const char *str(const struct answer *a, const char *path)
{
    const char *s = json_string_value(pick(a->json, path));

    return s ? s : "";
}

int64_t num(const struct answer *a, const char *path)
{
    const json_t *v = pick(a->json, path);

    return json_is_integer(v) ? json_integer_value(v) : -1;
}

size_t count(const struct answer *a, const char *path)
{
    return json_array_size(pick(a->json, path));
}

int64_t rv(const struct answer *a)
{
    const char *s = str(a, "metadata.resourceVersion");
    char *end;
    int64_t n = strtoll(s, &end, 10);

    want(*s && !*end, "no resourceVersion: '%s'", s);
    return n;
}

const char *header(const struct answer *a, const char *name)
{
    size_t n = strlen(name);

    for (const char *p = strbuf_str(&a->head); *p; p += strcspn(p, "\n") + 1)
        if (strncasecmp(p, name, n) == 0 && p[n] == ':') {
            const char *value = p + n + 1 + strspn(p + n + 1, " ");
            return stage_keep(mem_strndup(value, strcspn(value, "\n")));
        }
    return NULL;
}

const char *names(const struct answer *a)
{
    struct strbuf out = {0};
    size_t i;
    const json_t *item;

    json_array_foreach((json_t *)pick(a->json, "items"), i, item)
        strbuf_addf(&out, "%s%s", i ? "," : "", json_str_or_empty(item, "metadata.name"));
    return stage_keep(strbuf_take(&out));
}

const json_t *managed(const struct answer *a, const char *manager, const char *operation,
                      const char *subresource)
{
    size_t i;
    const json_t *entry;

    json_array_foreach((json_t *)pick(a->json, "metadata.managedFields"), i,
                       entry) if (strcmp(json_str_or_empty(entry, "manager"), manager) == 0 &&
                                  strcmp(json_str_or_empty(entry, "operation"), operation) == 0 &&
                                  strcmp(json_str_or_empty(entry, "subresource"), subresource) ==
                                      0) return entry;
    return NULL;
}

/* ---- checks ---- */

void want_code_at(const char *file, int line, const struct answer *a, int code)
{
    if (a->code != code)
        fail_at(file, line, "want %d, got %d", code, a->code);
}

void want_json_at(const char *file, int line, const struct answer *a, const char *path,
                  const char *value)
{
    const json_t *have = pick(a->json, path);

    if (!value) {
        if (have)
            fail_at(file, line, "%s should not be there", path);
        return;
    }
    AUTO(str) char *quoted = json_quotes(mem_strdup(value));
    AUTO(json) json_t *wanted = json_loads(quoted, JSON_DECODE_ANY, NULL);
    AUTO(str) char *got = have ? json_text(have) : mem_strdup("nothing");
    if (!wanted)
        fail_at(file, line, "no JSON: %s", value);
    if (!have || !json_same(have, wanted))
        fail_at(file, line, "%s: want %s, got %s", path, quoted, got);
}

void want_str_at(const char *file, int line, const struct answer *a, const char *path,
                 const char *value)
{
    const char *have = json_string_value(pick(a->json, path));

    if (!have || strcmp(have, value) != 0)
        fail_at(file, line, "%s: want '%s', got '%s'", path, value, have ? have : "(no text)");
}

void want_num_at(const char *file, int line, const struct answer *a, const char *path,
                 int64_t value)
{
    const json_t *have = pick(a->json, path);

    if (!json_is_integer(have) || json_integer_value(have) != value)
        fail_at(file, line, "%s: want %" PRId64 ", got %" PRId64 "%s", path, value, num(a, path),
                have ? "" : " (nothing)");
}

void want_part_at(const char *file, int line, const struct answer *a, const char *part, bool there)
{
    AUTO(str) char *quoted = json_quotes(mem_strdup(part));

    if ((strstr(strbuf_str(&a->body), quoted) != NULL) != there)
        fail_at(file, line, "%s %s in the body", quoted, there ? "is not" : "is");
}

void want_header_at(const char *file, int line, const struct answer *a, const char *name,
                    const char *value)
{
    const char *have = header(a, name);

    if (value ? !have || strcmp(have, value) != 0 : have != NULL)
        fail_at(file, line, "header %s: want %s, got %s", name, value ? value : "none",
                have ? have : "none");
}

void want_status_at(const char *file, int line, const struct answer *a, int code,
                    const char *reason, const char *message)
{
    want_code_at(file, line, a, code);
    want_str_at(file, line, a, "kind", "Status");
    want_str_at(file, line, a, "apiVersion", "v1");
    want_str_at(file, line, a, "status", "Failure");
    want_num_at(file, line, a, "code", code);
    if (*reason)
        want_str_at(file, line, a, "reason", reason);
    else
        want_json_at(file, line, a, "reason", NULL);
    if (message) {
        AUTO(str) char *quoted = json_quotes(mem_strdup(message));
        want_str_at(file, line, a, "message", quoted);
    }
}

static bool cause_is(const json_t *cause, const char *member, const char *value)
{
    const char *have = json_str(cause, member);

    return value && have ? strcmp(value, have) == 0 : value == have;
}

void want_cause_at(const char *file, int line, const struct answer *a, const char *reason,
                   const char *field, const char *message)
{
    AUTO(str) char *quoted = message ? json_quotes(mem_strdup(message)) : NULL;
    size_t i;
    const json_t *cause;

    json_array_foreach((json_t *)pick(a->json, "details.causes"), i,
                       cause) if (cause_is(cause, "reason", reason) &&
                                  cause_is(cause, "field", field) &&
                                  (!quoted || cause_is(cause, "message", quoted))) return;
    fail_at(file, line, "no cause %s, field %s: %s", reason, field ? field : "(none)",
            quoted ? quoted : "(any)");
}

const json_t *condition(const struct answer *a, const char *type)
{
    return json_find(pick(a->json, "status.conditions"), "type", type);
}

void want_condition_at(const char *file, int line, const struct answer *a, const char *type,
                       const char *status, const char *reason, const char *message)
{
    const json_t *c = condition(a, type);

    if (!c)
        fail_at(file, line, "no condition %s", type);
    if (strcmp(json_str_or_empty(c, "status"), status) != 0 ||
        strcmp(json_str_or_empty(c, "reason"), reason) != 0 ||
        strcmp(json_str_or_empty(c, "message"), message) != 0)
        fail_at(file, line, "%s is %s, %s: %s", type, json_str_or_empty(c, "status"),
                json_str_or_empty(c, "reason"), json_str_or_empty(c, "message"));
    if (!*json_str_or_empty(c, "lastTransitionTime"))
        fail_at(file, line, "%s has no time", type);
}
