/* Acting as somebody else: each thing that is asked to be taken on is authorised by itself (section
 * 7.2). */
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "kube/status.h"
#include "kube/url.h"
#include "sim/auth/auth_priv.h"

#define HEADER_USER "Impersonate-User"
#define HEADER_GROUP "Impersonate-Group"
#define HEADER_UID "Impersonate-Uid"
#define HEADER_EXTRA "Impersonate-Extra-"
#define EXTRAS_MAX 256

/* What the headers ask for. Texts are borrowed from them, but for the keys of extra. */
struct wish {
    const char *user, *uid;
    struct names groups;
    struct {
        char *key;
        const char *value;
    } extras[EXTRAS_MAX];
    size_t extra_count;
};

static void wish_finish(struct wish *w)
{
    for (size_t i = 0; i < w->extra_count; i++)
        free(w->extras[i].key);
}

/* ---- reading the headers ---- */

/* In lower case and percent-decoded; as it is when it cannot be decoded. New. */
static char *extra_key(const char *text)
{
    char *lower = mem_strdup(text);
    for (char *p = lower; *p; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p - 'A' + 'a');
    AUTO(strbuf) struct strbuf out = {0};
    for (const char *p = lower; *p; p++) {
        if (*p != '%') {
            strbuf_addch(&out, *p);
            continue;
        }
        int high = url_hex_digit(p[1]), low = high < 0 ? -1 : url_hex_digit(p[2]);
        if (low < 0 || high * 16 + low == 0)
            return lower;
        strbuf_addch(&out, (char)(high * 16 + low));
        p += 2;
    }
    free(lower);
    return strbuf_take(&out);
}

/* false: too much, or not UTF-8. */
static bool read_header(struct wish *w, const struct auth_header *h)
{
    static const size_t prefix = sizeof(HEADER_EXTRA) - 1;
    if (strncasecmp(h->name, "Impersonate-", strlen("Impersonate-")) != 0)
        return true;
    if (!is_text(h->value))
        return false;
    if (strcasecmp(h->name, HEADER_USER) == 0) {
        if (!w->user)
            w->user = h->value;
    } else if (strcasecmp(h->name, HEADER_UID) == 0) {
        if (!w->uid)
            w->uid = h->value;
    } else if (strcasecmp(h->name, HEADER_GROUP) == 0) {
        return names_add(&w->groups, h->value);
    } else if (strncasecmp(h->name, HEADER_EXTRA, prefix) == 0) {
        if (w->extra_count == EXTRAS_MAX)
            return false;
        char *key = extra_key(h->name + prefix);
        w->extras[w->extra_count].key = key;
        w->extras[w->extra_count++].value = h->value;
        return is_text(key);
    }
    return true;
}

/* One thing of the wish, in the words of Go's %v for an ObjectReference. */
static void add_reference(struct strbuf *out, const char *kind, const char *name,
                          const char *api_version, const char *field)
{
    strbuf_addf(out, "%s{%s  %s  %s  %s}", out->len ? " " : "", kind, name, api_version, field);
}

static int refuse_without_user(const struct wish *w, struct api_response *ret)
{
    AUTO(strbuf) struct strbuf list = {0};
    for (size_t i = 0; i < w->groups.count; i++)
        add_reference(&list, "Group", w->groups.list[i], "", "");
    for (size_t i = 0; i < w->extra_count; i++)
        add_reference(&list, "UserExtra", w->extras[i].value, AUTHENTICATION_GROUP "/v1",
                      w->extras[i].key);
    if (w->uid)
        add_reference(&list, "UID", w->uid, AUTHENTICATION_GROUP "/v1", "");
    return status_bad_request(ret, "requested [%s] without impersonating a user",
                              strbuf_str(&list));
}

/* ---- asking ---- */

static int ask(const struct auth *a, const struct api_identity *who, const char *group,
               const char *plural, const char *subresource, const char *ns, const char *name,
               struct api_response *ret)
{
    const struct api_attributes what = {.identity = who,
                                        .verb = "impersonate",
                                        .group = group,
                                        .version = *group ? "v1" : "",
                                        .plural = plural,
                                        .subresource = subresource,
                                        .ns = ns,
                                        .name = name};
    AUTO(str) char *reason = NULL;
    if (apiserver_may(a->config.server, &what, &reason))
        return 0;
    return apiserver_refuse(&what, reason, ret);
}

static int ask_user(const struct auth *a, const struct api_identity *who, const struct wish *w,
                    struct api_response *ret)
{
    char ns[ACCOUNT_NS_MAX];
    const char *name;
    if (account_split(w->user, ns, &name))
        return ask(a, who, "", "serviceaccounts", NULL, ns, name, ret);
    return ask(a, who, "", "users", NULL, NULL, w->user, ret);
}

static int ask_all(const struct auth *a, const struct api_identity *who, const struct wish *w,
                   struct api_response *ret)
{
    if (ask_user(a, who, w, ret) < 0)
        return -1;
    for (size_t i = 0; i < w->groups.count; i++)
        if (ask(a, who, "", "groups", NULL, NULL, w->groups.list[i], ret) < 0)
            return -1;
    for (size_t i = 0; i < w->extra_count; i++)
        if (ask(a, who, AUTHENTICATION_GROUP, "userextras", w->extras[i].key, NULL,
                w->extras[i].value, ret) < 0)
            return -1;
    return w->uid ? ask(a, who, AUTHENTICATION_GROUP, "uids", NULL, NULL, w->uid, ret) : 0;
}

/* ---- who comes out ---- */

static void settle_groups(struct wish *w)
{
    struct names *g = &w->groups;
    char ns[ACCOUNT_NS_MAX];
    const char *name;
    /* Only accounts have a fixed mapping: nobody becomes an admin by the name alone. */
    if (g->count == 0 && account_split(w->user, ns, &name))
        names_add_implied(g, w->user);
    if (strcmp(w->user, USER_ANONYMOUS) == 0)
        names_add(g, GROUP_UNAUTHENTICATED);
    else if (!names_have(g, GROUP_AUTHENTICATED) && !names_have(g, GROUP_UNAUTHENTICATED))
        names_add(g, GROUP_AUTHENTICATED);
}

/* New, or NULL. */
static json_t *extra_of(const struct wish *w)
{
    json_t *extra = w->extra_count ? json_object() : NULL;
    for (size_t i = 0; i < w->extra_count; i++) {
        json_t *list = json_object_get(extra, w->extras[i].key);
        if (!list) {
            list = json_array();
            json_object_set_new(extra, w->extras[i].key, list);
        }
        json_array_append_new(list, json_string(w->extras[i].value));
    }
    return extra;
}

static int impersonate(const struct auth *a, const struct api_identity *who, struct wish *w,
                       struct auth_identity *ret, struct api_response *ret_status)
{
    bool any = w->groups.count > 0 || w->extra_count > 0 || (w->uid && *w->uid);
    if (!w->user || !*w->user)
        return any ? refuse_without_user(w, ret_status) : 0;
    if (w->uid && !*w->uid)
        w->uid = NULL;
    if (ask_all(a, who, w, ret_status) < 0)
        return -1;
    settle_groups(w);
    AUTO(json) json_t *extra = extra_of(w);
    identity_set(ret, w->user, w->uid, w->groups.list, w->groups.count, extra);
    return 0;
}

static bool any_asks(const struct auth_header *headers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strncasecmp(headers[i].name, "Impersonate-", strlen("Impersonate-")) == 0)
            return true;
    return false;
}

int auth_impersonate(struct auth *a, const struct api_identity *who,
                     const struct auth_header *headers, size_t count, struct auth_identity *ret,
                     struct api_response *ret_status)
{
    if (!any_asks(headers, count))
        return 0;
    struct wish *w = mem_zalloc(sizeof(*w));
    bool readable = true;
    for (size_t i = 0; i < count && readable; i++)
        readable = read_header(w, &headers[i]);
    int rc = readable ? impersonate(a, who, w, ret, ret_status)
                      : status_bad_request(ret_status, "the impersonation headers are not valid");
    wish_finish(w);
    free(w);
    return rc;
}
