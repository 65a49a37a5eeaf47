#include "components/bsl/manifests.h"

#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/mem.h"
#include "components/bsl/failure.h"
#include "components/bsl/index.h"
#include "components/bsl/names.h"
#include "kube/time.h"

#define DIGITS 8

static bool is_for(const json_t *doc, const char *field, const char *want)
{
    const char *have = index_text(doc, field);
    return !*have || strcmp(have, want) == 0;
}

static bool is_ours(const json_t *manifest, const struct documents_place *place)
{
    return is_for(manifest, "namespace", place->ns) && is_for(manifest, "name", place->vm);
}

/* Its key when another VM has the usual one. New. */
static char *second_key(const struct documents_place *place)
{
    char hex[DIGEST_HEX];
    AUTO(str) char *who = mem_printf("%s/%s", place->ns, place->vm);
    AUTO(str) char *name = NULL;
    digest_of(who, strlen(who), hex);
    name = mem_printf("%s-%.*s", place->vm, DIGITS, hex);
    return names_manifest(place->backup, place->ns, name);
}

/* *ret NULL: nobody has the key. *ret_ours: it may be written, in the state *ret_version. */
static int look(const struct bsl_store *s, const struct documents_place *place, const char *key,
                json_t **ret, bool *ret_ours, struct host_version *ret_version, struct err *reterr)
{
    AUTO(bsl_document) struct bsl_document d = {0};
    if (bsl_read(s, key, &d, reterr) < 0)
        return -1;
    *ret_ours = !d.json || is_ours(d.json, place);
    *ret_version = d.version;
    *ret = TAKE(d.json);
    return 0;
}

int manifests_find(const struct bsl_store *s, const struct documents_place *place, char **ret_key,
                   json_t **ret, struct err *reterr)
{
    AUTO(str) char *first = names_manifest(place->backup, place->ns, place->vm);
    AUTO(str) char *second = second_key(place);
    char *keys[] = {first, second};
    struct host_version version;
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        AUTO(json) json_t *doc = NULL;
        bool ours = false;
        if (look(s, place, keys[i], &doc, &ours, &version, reterr) < 0)
            return -1;
        if (!doc || !ours)
            continue;
        *ret_key = mem_strdup(keys[i]);
        *ret = TAKE(doc);
        return 0;
    }
    *ret_key = NULL;
    *ret = NULL;
    return 0;
}

/* ---- the backup's manifest ---- */

struct backup_change {
    const struct bsl_store *s;
    const struct documents_place *place;
    const char *checkpoint, *key; /* of the VM's entry; checkpoint NULL: it goes */
};

static json_t *vms_of(json_t *doc)
{
    if (!json_is_array(json_object_get(doc, "vms")))
        json_object_set_new(doc, "vms", json_array());
    return json_object_get(doc, "vms");
}

/* The place of the VM's entry; the list's length when it has none. By both names: the same VM name
 * may be in two namespaces. */
static size_t place_of(const json_t *vms, const struct documents_place *place)
{
    size_t i;
    const json_t *vm;
    json_array_foreach(vms, i, vm) if (strcmp(index_text(vm, "name"), place->vm) == 0 &&
                                       strcmp(index_text(vm, "namespace"), place->ns) == 0) break;
    return i;
}

static void stamp(const struct bsl_store *s, json_t *doc, const char *field)
{
    char now[TIME_TEXT];
    time_format(host_now(s->h), now);
    json_put_str(doc, field, now);
}

static enum bsl_change change_backup(json_t *doc, void *cookie, struct err *reterr)
{
    const struct backup_change *c = cookie;
    json_t *vms = vms_of(doc);
    size_t at = place_of(vms, c->place);
    (void)reterr;
    if (!c->checkpoint) {
        bool was = at < json_array_size(vms);
        if (was)
            json_array_remove(vms, at);
        return json_array_size(vms) == 0 ? BSL_DELETE : was ? BSL_WRITE : BSL_SAME;
    }
    json_put_str(doc, "backupName", c->place->backup);
    if (!*index_text(doc, "timestamp"))
        stamp(c->s, doc, "timestamp");
    if (at < json_array_size(vms))
        json_array_remove(vms, at);
    json_array_append_new(vms, json_pack("{s:s, s:s, s:s, s:s}", "name", c->place->vm, "namespace",
                                         c->place->ns, "checkpointId", c->checkpoint,
                                         "manifestPath", c->key));
    return BSL_WRITE;
}

static int change_backup_manifest(const struct backup_change *c, struct err *reterr)
{
    AUTO(str) char *key = names_backup(c->place->backup);
    return bsl_change(c->s, key, NULL, change_backup, (void *)(uintptr_t)c, reterr);
}

/* ---- writing ---- */

static json_t *new_manifest(const struct bsl_store *s, const struct documents_place *place,
                            const json_t *chain)
{
    json_t *doc = json_pack("{s:s, s:s, s:s, s:O}", "namespace", place->ns, "name", place->vm,
                            "backupName", place->backup, "checkpointChain", chain);
    stamp(s, doc, "timestamp");
    return doc;
}

/* The key to write: where ours is, else the first that is free. New; NULL on failure. */
static char *key_to_write(const struct bsl_store *s, const struct documents_place *place,
                          struct host_version *ret_version, struct err *reterr)
{
    AUTO(str) char *first = names_manifest(place->backup, place->ns, place->vm);
    AUTO(str) char *second = second_key(place);
    AUTO(json) json_t *at_first = NULL;
    AUTO(json) json_t *at_second = NULL;
    struct host_version version;
    bool may_first, may_second;
    if (look(s, place, first, &at_first, &may_first, ret_version, reterr) < 0 ||
        look(s, place, second, &at_second, &may_second, &version, reterr) < 0)
        return NULL;
    if (may_first && (at_first || !at_second || !may_second))
        return TAKE(first);
    *ret_version = version;
    if (may_second)
        return TAKE(second);
    failure_set(reterr, ERR_CORRUPT, "E-MANIFEST",
                "both keys for the manifest of VM %s/%s belong to other VMs", place->ns, place->vm);
    return NULL;
}

/* ERR_CONFLICT: somebody took the key meanwhile. */
static int write_once(const struct bsl_store *s, const struct documents_place *place,
                      const char *checkpoint, const json_t *chain, struct err *reterr)
{
    struct host_version version;
    AUTO(str) char *key = key_to_write(s, place, &version, reterr);
    AUTO(json) json_t *doc = new_manifest(s, place, chain);
    if (!key)
        return -1;
    struct backup_change c = {s, place, checkpoint, key};
    return change_backup_manifest(&c, reterr) < 0 ? -1 : bsl_write(s, key, doc, &version, reterr);
}

int manifests_write(const struct bsl_store *s, const struct documents_place *place,
                    const char *checkpoint, const json_t *chain, struct err *reterr)
{
    AUTO(err) struct err e = {0};
    if (write_once(s, place, checkpoint, chain, &e) == 0)
        return 0;
    if (e.code != ERR_CONFLICT)
        return err_move(reterr, &e);
    return write_once(s, place, checkpoint, chain, reterr);
}

int manifests_remove(const struct bsl_store *s, const struct documents_place *place,
                     struct err *reterr)
{
    AUTO(str) char *key = NULL;
    AUTO(json) json_t *doc = NULL;
    struct backup_change c = {.s = s, .place = place};
    if (manifests_find(s, place, &key, &doc, reterr) < 0 || change_backup_manifest(&c, reterr) < 0)
        return -1;
    return key ? bsl_delete(s, key, NULL, reterr) : 0;
}
