/* See expr.h. The functions about objects, disks, claims, and what happened so far. */
#include "runner/expr.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "kube/time.h"
#include "runner/casework.h"
#include "runner/disks.h"
#include "runner/stage.h"
#include "runner/unknown.h"
#include "sim/storage/objectstore.h"

char *expr_text(const struct cel_value *v, const char *what, struct err *reterr)
{
    if (v->type == CEL_STRING)
        return mem_strndup(v->u.text.data, v->u.text.len);
    err_set(reterr, ERR_INVALID, NO_POS, "%s must be a string, found %s", what,
            cel_type_name(v->type));
    return NULL;
}

static json_t *find_object(struct casework *cw, const struct cel_value *args, struct err *reterr)
{
    AUTO(str) char *kind = expr_text(&args[0], "the kind", reterr);
    AUTO(str) char *name = kind ? expr_text(&args[1], "the name", reterr) : NULL;
    AUTO(object_ref) struct object_ref ref = {0};

    if (!name)
        return NULL;
    return ref_object(cw, kind, NULL, name, NULL, &ref, reterr);
}

static int fn_get(void *cookie, struct cel_context *c, size_t nargs, const struct cel_value *args,
                  struct cel_value *ret, struct err *reterr)
{
    struct err err = {0};
    json_t *object = find_object(cookie, args, &err);

    (void)nargs;
    if (err_pending(&err))
        return err_move(reterr, &err);
    *ret = object ? cel_json_take(c, json_incref(object)) : cel_null();
    return 0;
}

static int fn_exists(void *cookie, struct cel_context *c, size_t nargs,
                     const struct cel_value *args, struct cel_value *ret, struct err *reterr)
{
    struct err err = {0};
    json_t *object = find_object(cookie, args, &err);

    (void)nargs;
    (void)c;
    if (err_pending(&err))
        return err_move(reterr, &err);
    *ret = cel_bool(object != NULL);
    return 0;
}

static void append_all(json_t *out, const struct object_ref *ref, const char *ns)
{
    AUTO(json)
    json_t *items = apiserver_peek_all(cluster_server(ref->cluster), ref->info.resource.group,
                                       ref->info.resource.plural, ns);

    json_array_extend(out, items);
}

/* All objects of a kind: new; NULL: *reterr is set. */
static json_t *gather(struct casework *cw, const char *kind, const char *ns, struct err *reterr)
{
    AUTO(object_ref) struct object_ref ref = {0};
    AUTO(json) json_t *out = json_array();

    if (resolve_ref(cw, kind, NULL, "", NULL, &ref, reterr) < 0)
        return NULL;
    append_all(out, &ref, ns);
    for (size_t i = 0; !strchr(kind, '@') && i < world_cluster_count(cw->world); i++) {
        AUTO(object_ref) struct object_ref other = {0};
        struct cluster *cluster = world_cluster_at(cw->world, i);

        if (cluster != ref.cluster &&
            resolve_ref(cw, kind, NULL, "", cluster_name(cluster), &other, NULL) == 0)
            append_all(out, &other, ns);
    }
    return TAKE(out);
}

static int fn_list(void *cookie, struct cel_context *c, size_t nargs, const struct cel_value *args,
                   struct cel_value *ret, struct err *reterr)
{
    AUTO(str) char *kind = expr_text(&args[0], "the kind", reterr);
    AUTO(str) char *ns = NULL;
    json_t *all;

    if (!kind || (nargs > 1 && !(ns = expr_text(&args[1], "the namespace", reterr))))
        return -1;
    all = gather(cookie, kind, ns, reterr);
    if (!all)
        return -1;
    *ret = cel_json_take(c, all);
    return 0;
}

static bool has_label_value(const json_t *object, const char *value)
{
    const char *key;
    json_t *v;

    json_object_foreach((json_t *)(uintptr_t)json_path(object, "metadata.labels"), key,
                        v) if (json_is_string(v) &&
                               strcmp(json_string_value(v), value) == 0) return true;
    return false;
}

static int fn_labelled(void *cookie, struct cel_context *c, size_t nargs,
                       const struct cel_value *args, struct cel_value *ret, struct err *reterr)
{
    AUTO(str) char *kind = expr_text(&args[0], "the kind", reterr);
    AUTO(str) char *value = kind ? expr_text(&args[1], "the label's value", reterr) : NULL;
    AUTO(json) json_t *all = value ? gather(cookie, kind, NULL, reterr) : NULL;

    (void)nargs;
    if (!all)
        return -1;
    *ret = cel_null();
    for (size_t i = 0; i < json_array_size(all); i++)
        if (has_label_value(json_array_get(all, i), value)) {
            *ret = cel_json_take(c, json_incref(json_array_get(all, i)));
            return 0;
        }
    return 0;
}

static int fn_disk(void *cookie, struct cel_context *c, size_t nargs, const struct cel_value *args,
                   struct cel_value *ret, struct err *reterr)
{
    struct casework *cw = cookie;
    AUTO(str) char *target = expr_text(&args[0], "the disk", reterr);
    AUTO(str) char *moment = target ? expr_text(&args[1], "the moment", reterr) : NULL;
    bool same = false;

    (void)nargs;
    (void)c;
    if (!moment || compare_disk(cw, target, moment, &same, &cw->notes, reterr) < 0)
        return -1;
    *ret = cel_bool(same);
    return 0;
}

static int fn_chain(void *cookie, struct cel_context *c, size_t nargs, const struct cel_value *args,
                    struct cel_value *ret, struct err *reterr)
{
    struct casework *cw = cookie;
    AUTO(str) char *name = expr_text(&args[0], "the chain", reterr);
    struct chain_stage *chain = name ? strmap_get(cw->chains, name) : NULL;

    (void)nargs;
    if (!name)
        return -1;
    if (!chain)
        return unknown_name(NAMED_CHAIN, name, NULL, 0, NO_POS, reterr);
    *ret = cel_json_take(c, json_incref((json_t *)chain_stage_json(chain)));
    return 0;
}

static int fn_guest(void *cookie, struct cel_context *c, size_t nargs, const struct cel_value *args,
                    struct cel_value *ret, struct err *reterr)
{
    struct casework *cw = cookie;
    AUTO(str) char *name = expr_text(&args[0], "the VM", reterr);
    AUTO(object_ref) struct object_ref vm = {0};
    AUTO(object_ref) struct object_ref ref = {0};
    const json_t *vmi;
    struct err err = {0};

    (void)nargs;
    if (!name)
        return -1;
    vmi = ref_object(cw, "VirtualMachineInstance", NULL, name, NULL, &ref, &err);
    /* A misspelled VM must not read as one that does not run. */
    if (!vmi && !err_pending(&err) &&
        !ref_object(cw, "VirtualMachine", NULL, name, NULL, &vm, &err) && !err_pending(&err))
        err_set(&err, ERR_NOT_FOUND, NO_POS, "no cluster has the VM '%s'", name);
    if (err_pending(&err))
        return err_move(reterr, &err);
    *ret = cel_json_take(
        c,
        json_pack("{s:b, s:b, s:b}", "running",
                  vmi && strcmp(json_str_or_empty(vmi, "status.phase"), "Running") == 0, "paused",
                  vmi && strcmp(meta_condition_status(vmi, "Paused"), "True") == 0, "agent",
                  vmi && strcmp(meta_condition_status(vmi, "AgentConnected"), "True") == 0));
    return 0;
}

static int fn_objects(void *cookie, struct cel_context *c, size_t nargs,
                      const struct cel_value *args, struct cel_value *ret, struct err *reterr)
{
    struct casework *cw = cookie;
    AUTO(str) char *bucket = expr_text(&args[0], "the bucket", reterr);
    AUTO(str) char *prefix = bucket ? expr_text(&args[1], "the prefix", reterr) : NULL;

    (void)nargs;
    if (!prefix)
        return -1;
    *ret = cel_json_take(c, objectstore_list(objectstore_of(cw->world), bucket, prefix));
    return 0;
}

static int fn_now(void *cookie, struct cel_context *c, size_t nargs, const struct cel_value *args,
                  struct cel_value *ret, struct err *reterr)
{
    struct casework *cw = cookie;

    (void)c;
    (void)nargs;
    (void)args;
    (void)reterr;
    *ret = cel_timestamp(world_now(cw->world));
    return 0;
}

static json_t *request_json(const struct past_request *r)
{
    char time[TIME_TEXT];

    time_format(r->t, time);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:s, s:s}", "verb",
                     api_verb_name(r->verb), "kind", r->kind, "cluster", r->cluster, "namespace",
                     r->ns, "name", r->name, "subresource", r->subresource, "by", r->by, "user",
                     r->user, "code", r->code, "reason", r->reason, "time", time);
}

static int fn_requests(void *cookie, struct cel_context *c, size_t nargs,
                       const struct cel_value *args, struct cel_value *ret, struct err *reterr)
{
    struct casework *cw = cookie;
    AUTO(str) char *verb = expr_text(&args[0], "the verb", reterr);
    AUTO(str) char *kind = verb ? expr_text(&args[1], "the kind", reterr) : NULL;
    json_t *out;

    (void)nargs;
    if (!kind)
        return -1;
    if (cw->history.request_count >= HISTORY_REQUESTS_MAX)
        return err_set(reterr, ERR_LIMIT, NO_POS, "more than %d requests: not all are remembered",
                       HISTORY_REQUESTS_MAX);
    out = json_array();
    for (size_t i = 0; i < cw->history.request_count; i++) {
        const struct past_request *r = &cw->history.requests[i];

        if ((*verb && strcmp(verb, api_verb_name(r->verb)) != 0) ||
            (*kind && strcmp(kind, r->kind) != 0))
            continue;
        json_array_append_new(out, request_json(r));
    }
    *ret = cel_json_take(c, out);
    return 0;
}

static int fn_programs(void *cookie, struct cel_context *c, size_t nargs,
                       const struct cel_value *args, struct cel_value *ret, struct err *reterr)
{
    struct casework *cw = cookie;
    AUTO(str) char *name = expr_text(&args[0], "the program", reterr);
    json_t *out, *p;
    size_t i;

    (void)nargs;
    if (!name)
        return -1;
    out = json_array();
    json_array_foreach(cw->history.programs, i,
                       p) if (!*name || strcmp(name, json_str_or_empty(p, "program")) == 0)
        json_array_append(out, p);
    *ret = cel_json_take(c, out);
    return 0;
}

static int fn_fired(void *cookie, struct cel_context *c, size_t nargs, const struct cel_value *args,
                    struct cel_value *ret, struct err *reterr)
{
    struct casework *cw = cookie;
    AUTO(str) char *name = expr_text(&args[0], "the fault", reterr);

    (void)nargs;
    (void)c;
    if (!name)
        return -1;
    *ret = cel_int((int64_t)fault_fired(world_faults(cw->world), name));
    return 0;
}

/* ---- the functions, as functions.list names them ---- */

const struct expr_function function_get = {
    {"get", false, 2, 2, fn_get},
    "`get(KIND, NAME)`",
    "the object as it is now, or `null`. KIND may carry `.group` and `@CLUSTER`; without a cluster "
    "all are searched in order. NAME is `NAMESPACE/NAME` or `NAME`",
    {EXPR_NAMES_KIND}};
const struct expr_function function_list = {{"list", false, 1, 2, fn_list},
                                            "`list(KIND)`, `list(KIND, NAMESPACE)`",
                                            "all objects, sorted by namespace and name",
                                            {EXPR_NAMES_KIND}};
const struct expr_function function_labelled = {
    {"labelled", false, 2, 2, fn_labelled},
    "`labelled(KIND, VALUE)`",
    "the first object of them that has a label of that value, whatever its key, or `null`",
    {EXPR_NAMES_KIND}};
const struct expr_function function_exists = {{"exists", false, 2, 2, fn_exists},
                                              "`exists(KIND, NAME)`",
                                              "whether it exists",
                                              {EXPR_NAMES_KIND}};
const struct expr_function function_disk = {
    {"disk", false, 2, 2, fn_disk},
    "`disk(TARGET, MOMENT)`",
    "whether the disk is bit for bit that of the moment (as in conditions)",
    {EXPR_NAMES_NOTHING, EXPR_NAMES_MOMENT}};
const struct expr_function function_chain = {
    {"chain", false, 1, 1, fn_chain},
    "`chain(NAME)`",
    "`{namespace, vm, bucket, checkpoints: [{id, name, type, backup, files: [{diskName, filename, "
    "size, objectPath}]}]}`; `objectPath` as the index tells it, below "
    "`PREFIX/kubevirt-datamover/`",
    {EXPR_NAMES_CHAIN}};
const struct expr_function function_guest = {
    {"guest", false, 1, 1, fn_guest},
    "`guest(VM)`",
    "`{running, paused, agent}`; a VM that does not exist is an error",
    {EXPR_NAMES_NOTHING}};
const struct expr_function function_objects = {{"objects", false, 2, 2, fn_objects},
                                               "`objects(BUCKET, PREFIX)`",
                                               "the keys in the object store",
                                               {EXPR_NAMES_NOTHING}};
const struct expr_function function_now = {
    {"now", false, 0, 0, fn_now}, "`now()`", "the virtual time, a timestamp", {EXPR_NAMES_NOTHING}};
const struct expr_function function_requests = {
    {"requests", false, 2, 2, fn_requests},
    "`requests(VERB, KIND)`",
    "requests so far, oldest first: `{verb, kind, cluster, namespace, name, subresource, by, user, "
    "code, reason, time}`; `''` matches all. The scenario's own steps are not among them",
    {EXPR_NAMES_VERB, EXPR_NAMES_REQUESTED}};
const struct expr_function function_programs = {
    {"programs", false, 1, 1, fn_programs},
    "`programs(NAME)`",
    "runs of an outside program so far: `{program, args, exit, by}`",
    {EXPR_NAMES_NOTHING}};
const struct expr_function function_fired = {{"fired", false, 1, 1, fn_fired},
                                             "`fired(FAULT)`",
                                             "how often a named fault fired",
                                             {EXPR_NAMES_FAULT}};
