/* Warnings of the pipeline's own: what is taken, and better not written so. */
#include <string.h>

#include "base/json.h"
#include "base/strbuf.h"
#include "base/strmap.h"
#include "base/utf8.h"
#include "sim/apiserver/apiserver.h"
#include "sim/apiserver/body_priv.h"
#include "sim/apiserver/call_priv.h"
#include "sim/apiserver/meta_priv.h"
#include "sim/apiserver/rtype_priv.h"
#include "sim/apiserver/write_priv.h"

/* Callers in the process that ask for no validation read no warnings either. */
static bool is_read(const struct call *c)
{
    return call_validates(c) || apiserver_tracks_fields(c->a);
}

/* ---- owner references ---- */

#define UIDS_TEXT_MAX 1024u /* of one warning */

static void warn_duplicates(struct call *c, const struct strmap *uids)
{
    AUTO(strbuf) struct strbuf text = {0};
    const char *uid;
    void *value;
    for (size_t i = 0; text.len < UIDS_TEXT_MAX && strmap_each(uids, &i, &uid, &value);)
        strbuf_addf(&text, "%s%s", text.len ? ", " : "", uid);
    utf8_shorten(&text, UIDS_TEXT_MAX);
    api_response_warn(c->ret,
                      ".metadata.ownerReferences contains duplicate entries; API server dedups "
                      "owner references in 1.20+, and may reject such requests as early as "
                      "1.24; please fix your requests; duplicate UID(s) observed: %s",
                      strbuf_str(&text));
}

/* Removes exact duplicates, in place. */
void dedup_owners(struct call *c, json_t *object)
{
    json_t *list = json_at_mut(object, "metadata", "ownerReferences", NULL);
    if (json_array_size(list) < 2)
        return;
    AUTO(json) json_t *kept = json_array();
    struct strmap *seen = strmap_create(), *uids = strmap_create();
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *one = json_array_get(list, i);
        AUTO(strbuf) struct strbuf text = {0};
        json_write_sorted(&text, one, JSON_TIGHT);
        if (strmap_put(seen, strbuf_str(&text), list))
            strmap_put(uids, json_str_or_empty(one, "uid"), list);
        else
            json_array_append(kept, one);
    }
    if (json_array_size(kept) < json_array_size(list)) {
        json_array_clear(list);
        json_array_extend(list, kept);
        warn_duplicates(c, uids);
    }
    strmap_destroy(seen, NULL);
    strmap_destroy(uids, NULL);
}

/* ---- finalizers of custom resources ---- */

static bool is_standard(const char *finalizer)
{
    return strcmp(finalizer, "orphan") == 0 || strcmp(finalizer, "foregroundDeletion") == 0 ||
           strcmp(finalizer, "kubernetes") == 0;
}

void warn_finalizers(struct call *c, const json_t *object, const json_t *old)
{
    const json_t *list = json_at(object, "metadata", "finalizers", NULL);
    if (!c->t->crd || call_is_status(c) || !is_read(c) || json_array_size(list) == 0)
        return;
    /* Those that are known, and then those that were told of. */
    struct strmap *known = meta_finalizer_set(old);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *one = json_string_value(json_array_get(list, i));
        if (strchr(one, '/') || is_standard(one) || strmap_put(known, one, known))
            continue;
        api_response_warn(c->ret,
                          "metadata.finalizers: \"%s\": prefer a domain-qualified finalizer name%s "
                          "to avoid accidental conflicts with other finalizer writers",
                          one, strchr(one, '.') ? " including a path (/)" : "");
    }
    strmap_destroy(known, NULL);
}

/* ---- deprecated versions ---- */

const char *apiserver_deprecation(const struct apiserver *a, const struct api_resource *r)
{
    const struct rtype *t = rtype_find(a, r->group, r->plural ? r->plural : "");
    const struct rversion *v = t ? rtype_version(t, r->group, r->version) : NULL;
    return v ? v->warning : NULL;
}
