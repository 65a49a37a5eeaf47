/* One rule of a role: what it lets pass, and whether it covers another one. */
#include <string.h>

#include "base/json.h"
#include "sim/auth/auth_priv.h"

static void words_init(struct words *w, const json_t *array)
{
    size_t count = json_array_size(array);
    *w = (struct words){0};
    if (count == 0)
        return;
    w->list = mem_reallocarray(NULL, count, sizeof(*w->list));
    for (size_t i = 0; i < count; i++) {
        const char *text = json_string_value(json_array_get(array, i));
        if (!text)
            continue;
        w->list[w->count++] = text;
        w->all |= strcmp(text, "*") == 0;
    }
}

void rule_init(struct rule *r, const json_t *json)
{
    words_init(&r->verbs, json_object_get(json, "verbs"));
    words_init(&r->groups, json_object_get(json, "apiGroups"));
    words_init(&r->resources, json_object_get(json, "resources"));
    words_init(&r->names, json_object_get(json, "resourceNames"));
    words_init(&r->urls, json_object_get(json, "nonResourceURLs"));
    r->json = json;
}

void rule_finish(struct rule *r)
{
    free(r->verbs.list);
    free(r->groups.list);
    free(r->resources.list);
    free(r->names.list);
    free(r->urls.list);
}

void rules_init(struct rules *r, const json_t *array)
{
    r->count = json_array_size(array);
    r->list = mem_zalloc((r->count + 1) * sizeof(*r->list));
    for (size_t i = 0; i < r->count; i++)
        rule_init(&r->list[i], json_array_get(array, i));
}

void rules_finish(struct rules *r)
{
    for (size_t i = 0; i < r->count; i++)
        rule_finish(&r->list[i]);
    free(r->list);
}

/* ---- a request ---- */

static bool has(const struct words *w, const char *word)
{
    for (size_t i = 0; i < w->count; i++)
        if (strcmp(w->list[i], word) == 0)
            return true;
    return false;
}

static bool is_resource(const char *written, const char *plural, const char *sub)
{
    size_t len = strlen(plural);
    if (!sub)
        return strcmp(written, plural) == 0;
    if (strncmp(written, "*/", 2) == 0 && strcmp(written + 2, sub) == 0)
        return true;
    return strncmp(written, plural, len) == 0 && written[len] == '/' &&
           strcmp(written + len + 1, sub) == 0;
}

static bool resource_fits(const struct words *w, const char *plural, const char *sub)
{
    if (w->all)
        return true;
    for (size_t i = 0; i < w->count; i++)
        if (is_resource(w->list[i], plural, sub))
            return true;
    return false;
}

/* A trailing "*" stands for anything, slashes too. */
static bool url_fits(const struct words *w, const char *path)
{
    if (w->all)
        return true;
    for (size_t i = 0; i < w->count; i++) {
        const char *url = w->list[i];
        size_t len = strlen(url);
        if (strcmp(url, path) == 0)
            return true;
        if (len == 0 || url[len - 1] != '*')
            continue;
        while (len > 0 && url[len - 1] == '*')
            len--;
        if (strncmp(path, url, len) == 0)
            return true;
    }
    return false;
}

bool rule_allows(const struct rule *r, const struct api_attributes *what)
{
    if (!r->verbs.all && !has(&r->verbs, what->verb))
        return false;
    if (what->path)
        return url_fits(&r->urls, what->path);
    if (!r->groups.all && !has(&r->groups, what->group ? what->group : ""))
        return false;
    if (!resource_fits(&r->resources, what->plural, what->subresource))
        return false;
    return r->names.count == 0 || has(&r->names, what->name ? what->name : "");
}

/* ---- another rule ---- */

static bool has_all(const struct words *w, const struct words *wanted)
{
    for (size_t i = 0; i < wanted->count; i++)
        if (!w->all && !has(w, wanted->list[i]))
            return false;
    return true;
}

/* "pods/log" is also in "*" and "*" "/log", but "pods" is not in the latter. */
static bool has_all_resources(const struct words *w, const struct words *wanted)
{
    for (size_t i = 0; i < wanted->count; i++) {
        const char *one = wanted->list[i], *slash = strchr(one, '/');
        if (w->all || has(w, one))
            continue;
        AUTO(str) char *any = slash ? mem_printf("*%s", slash) : NULL;
        if (!any || !has(w, any))
            return false;
    }
    return true;
}

static bool has_all_urls(const struct words *w, const struct words *wanted)
{
    for (size_t i = 0; i < wanted->count; i++)
        if (!url_fits(w, wanted->list[i]))
            return false;
    return true;
}

bool rule_covers(const struct rule *owner, const struct rule *wanted)
{
    if (!has_all(&owner->verbs, &wanted->verbs) || !has_all(&owner->groups, &wanted->groups) ||
        !has_all_resources(&owner->resources, &wanted->resources) ||
        !has_all_urls(&owner->urls, &wanted->urls))
        return false;
    if (owner->names.count == 0)
        return true;
    return wanted->names.count > 0 && has_all(&owner->names, &wanted->names);
}
