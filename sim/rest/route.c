/* Where a path leads: the parts of a resource request, as RequestInfo finds them
 * (kube-apiserver.md 1.1). */
#include <string.h>

#include "sim/rest/rest_priv.h"

#define SEGMENTS_MAX 16 /* more than any resource has: group, version, watch, namespaces, ... */

struct segments {
    char *at[SEGMENTS_MAX];
    size_t count;
    bool more;  /* beyond SEGMENTS_MAX */
    bool empty; /* one of them has no text */
};

static bool is(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

/* Splits in place, the slashes at both ends trimmed. */
static void split(char *text, struct segments *ret)
{
    *ret = (struct segments){0};
    while (*text == '/')
        text++;
    size_t len = strlen(text);
    while (len && text[len - 1] == '/')
        text[--len] = '\0';
    for (char *p = text; len;) {
        if (ret->count == SEGMENTS_MAX) {
            ret->more = true;
            return;
        }
        ret->at[ret->count++] = p;
        char *slash = strchr(p, '/');
        if (slash)
            *slash = '\0';
        ret->empty |= *p == '\0';
        if (!slash)
            return;
        p = slash + 1;
    }
}

/* Behind "namespaces": its own subresources do not begin a resource. */
static bool is_namespace_subresource(const char *s)
{
    return is(s, "status") || is(s, "finalize");
}

static void route_resource(struct route *r, char **at, size_t count, bool more)
{
    if (is(at[0], "watch") || is(at[0], "proxy")) {
        if (count < 2) {
            r->kind = ROUTE_LOST;
            return;
        }
        if (is(at[0], "watch")) {
            r->watch_prefix = true;
            at++;
            count--;
        } else {
            more = true; /* nobody serves it any more */
        }
    }
    if (is(at[0], "namespaces") && count > 1) {
        r->ns = at[1];
        if (count > 2 && !is_namespace_subresource(at[2])) {
            at += 2;
            count -= 2;
        }
    }
    r->plural = at[0];
    r->name = count > 1 ? at[1] : NULL;
    r->subresource = count > 2 ? at[2] : NULL;
    r->too_deep = count > 3 || more || (r->watch_prefix && r->subresource);
}

static void route_segments(struct route *r, struct segments *s)
{
    bool core = s->count && is(s->at[0], "api"), named = s->count && is(s->at[0], "apis");
    size_t skip = core ? 2 : 3;
    if (s->count < 3 || !(core || named) || s->count < skip + 1)
        return;
    r->kind = ROUTE_RESOURCE;
    r->group = core ? "" : s->at[1];
    r->version = s->at[skip - 1];
    route_resource(r, s->at + skip, s->count - skip, s->more);
    if (s->empty)
        r->too_deep = true;
}

/* The path of "http://host/path" as proxies write it. */
static const char *without_authority(const char *target)
{
    if (*target == '/')
        return target;
    const char *host = strstr(target, "://");
    const char *slash = host ? strchr(host + 3, '/') : NULL;
    return slash ? slash : target;
}

void route_parse(const char *target, struct route *ret)
{
    *ret = (struct route){.kind = ROUTE_BAD};
    target = without_authority(target);
    size_t len = strcspn(target, "?");
    ret->path = *target == '/' ? url_decode(target, len, /* plus= */ false) : NULL;
    if (!ret->path) {
        ret->path = mem_strdup("/");
        return;
    }
    struct segments s;
    ret->kind = ROUTE_NONRESOURCE;
    ret->text = mem_strdup(ret->path);
    split(ret->text, &s);
    route_segments(ret, &s);
}

void route_finish(struct route *r)
{
    free(r->path);
    free(r->text);
}

bool path_below(const char *path, const char *prefix, const char **ret_rest)
{
    size_t len = strlen(prefix);
    if (strncmp(path, prefix, len) != 0 || (path[len] != '\0' && path[len] != '/'))
        return false;
    path += len;
    *ret_rest = *path == '/' ? path + 1 : path;
    return true;
}
