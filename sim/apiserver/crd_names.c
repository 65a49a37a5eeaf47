/* Names of definitions: who has which one in a group (section 6.2, the naming controller). */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "base/strmap.h"
#include "kube/meta.h"
#include "sim/apiserver/apiserver.h"
#include "sim/apiserver/crd_object_priv.h"
#include "sim/apiserver/names_priv.h"
#include "sim/apiserver/rtype_priv.h"

/* Names of a group that other definitions hold: resources and kinds apart. */
struct held {
    struct strmap *resources, *kinds;
};

static void hold(struct strmap *names, const json_t *v)
{
    const char *text = json_string_value(v);
    if (text && *text)
        strmap_put(names, text, (void *)text);
}

static struct held names_held(const struct apiserver *a, const json_t *object)
{
    struct held h = {.resources = strmap_create(), .kinds = strmap_create()};
    AUTO(json) json_t *all = apiserver_peek_all(a, CRD_GROUP, "customresourcedefinitions", NULL);
    const char *group = json_str_or_empty(object, "spec.group");
    for (size_t i = 0; i < json_array_size(all); i++) {
        const json_t *one = json_array_get(all, i);
        if (strcmp(json_str_or_empty(one, "spec.group"), group) != 0)
            continue;
        const json_t *names = json_path(one, "status.acceptedNames");
        const json_t *shorts = json_object_get(names, "shortNames");
        hold(h.resources, json_object_get(names, "plural"));
        hold(h.resources, json_object_get(names, "singular"));
        for (size_t k = 0; k < json_array_size(shorts); k++)
            hold(h.resources, json_array_get(shorts, k));
        hold(h.kinds, json_object_get(names, "kind"));
        hold(h.kinds, json_object_get(names, "listKind"));
    }
    return h;
}

static void held_finish(struct held *h)
{
    strmap_destroy(h->resources, NULL);
    strmap_destroy(h->kinds, NULL);
}

/* What the naming of one definition comes to. */
struct naming {
    const json_t *wanted;
    json_t *accepted; /* a copy to edit */
    const char *reason;
    char *message;
};

static void conflict(struct naming *n, const char *reason, char *message /* taken */)
{
    free(n->message);
    n->message = message;
    n->reason = reason;
}

/* A name is taken over when it is the definition's own already, or nobody has it. */
static void settle_name(struct naming *n, const char *member, struct strmap *names,
                        const char *reason)
{
    const char *want = json_str_or_empty(n->wanted, member);
    const char *have = json_str_or_empty(n->accepted, member);
    if (strcmp(want, have) != 0 && strmap_get(names, want))
        conflict(n, reason, mem_printf("\"%s\" is already in use", want));
    else
        json_put_str(n->accepted, member, want);
}

static bool lists_name(const json_t *list, const char *name)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *one = json_string_value(json_array_get(list, i));
        if (one && strcmp(one, name) == 0)
            return true;
    }
    return false;
}

/* All of them or none. */
static void settle_short_names(struct naming *n, struct strmap *names)
{
    json_t *wanted = json_object_get(n->wanted, "shortNames");
    const json_t *have = json_object_get(n->accepted, "shortNames");
    AUTO(strbuf) struct strbuf taken = {0};
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(wanted); i++) {
        const char *one = json_string_value(json_array_get(wanted, i));
        if (one && !lists_name(have, one) && strmap_get(names, one))
            strbuf_addf(&taken, "%s\"%s\" is already in use", count++ ? ", " : "", one);
    }
    if (count)
        conflict(n, "ShortNamesConflict",
                 mem_printf(count > 1 ? "[%s]" : "%s", strbuf_str(&taken)));
    else if (wanted)
        json_object_set(n->accepted, "shortNames", wanted);
    else
        json_object_del(n->accepted, "shortNames");
}

static void settle_all(struct naming *n, const struct held *h)
{
    settle_name(n, "plural", h->resources, "PluralConflict");
    settle_name(n, "singular", h->resources, "SingularConflict");
    settle_short_names(n, h->resources);
    settle_name(n, "kind", h->kinds, "KindConflict");
    settle_name(n, "listKind", h->kinds, "ListKindConflict");
    json_t *categories = json_object_get(n->wanted, "categories");
    if (categories)
        json_object_set(n->accepted, "categories", categories);
    else
        json_object_del(n->accepted, "categories");
}

bool crd_names_settled(const json_t *object)
{
    const json_t *accepted = json_path(object, "status.acceptedNames");
    return accepted && json_same(json_path(object, "spec.names"), accepted);
}

json_t *crd_names_next(const struct apiserver *a, const json_t *object)
{
    if (crd_names_settled(object))
        return NULL;
    AUTO(json) json_t *next = json_copy_of(object);
    json_t *was = json_at_mut(next, "status", "acceptedNames", NULL);
    struct naming n = {.wanted = json_path(object, "spec.names"),
                       .accepted = was ? json_copy_of(was) : json_object()};
    struct held h = names_held(a, object);
    int64_t now = apiserver_now(a);
    settle_all(&n, &h);
    held_finish(&h);
    json_put_take(next, "status.acceptedNames", n.accepted);
    meta_set_condition(next, "NamesAccepted", n.reason ? "False" : "True",
                       n.reason ? n.reason : "NoConflicts",
                       n.message ? n.message : "no conflicts found", now);
    free(n.message);
    if (!n.reason && strcmp(meta_condition_status(next, "Established"), "True") != 0)
        meta_set_condition(next, "Established", "False", "Installing",
                           "the initial names have been accepted", now);
    else if (!meta_condition(next, "Established"))
        meta_set_condition(next, "Established", "False", "NotAccepted",
                           "not all names are accepted", now);
    return json_same(next, object) ? NULL : TAKE(next);
}
