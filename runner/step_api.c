/* apply, create, patch, delete: the scenario's own writes. They go to the server directly, without
 * scheduling points, so that a step is one moment; everything that hangs on a change (laws,
 * watches, admission) sees them as anybody's. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "runner/casework.h"
#include "runner/subset.h"
#include "runner/unknown.h"
#include "runner/verb.h"
#include "sim/client.h"

/* Who the scenario is when a step does not say: an administrator. */
static const char default_user[] = "admin";

static void send(struct casework *cw, struct cluster *c, struct api_request *req,
                 struct api_response *ret)
{
    const struct request_info info = {
        .cluster = c, .request = req, .response = ret, .by = "scenario"};
    bool nested = cw->writing;

    if (!req->user)
        req->user = default_user;
    cw->writing = true; /* whoever's fiber this is: an armed step runs inside somebody's request */
    apiserver_handle(cluster_server(c), req, ret);
    cw->writing = nested;
    if (trace_on(world_trace(cw->world)))
        client_trace(&info);
    armed_run_due(cw);
}

static int refused(struct casework *cw, const struct api_request *req,
                   const struct api_response *res, const struct step *step)
{
    bool fails = step->accepted && !cw->staging;

    return verdict(cw, fails ? RESULT_FAILED : RESULT_ERROR, fails ? NULL : "stage", step->pos,
                   NULL, "the API server refused to %s %s %s%s%s: %d %s: %s",
                   api_verb_name(req->verb), req->resource.plural, req->ns ? req->ns : "",
                   req->ns && *req->ns ? "/" : "", req->name ? req->name : "", res->code,
                   api_reason(res), api_message(res));
}

/* ---- create and apply ---- */

/* A `${...}` in a manifest may have given anything. */
static int check_manifest(const json_t *m, struct src_pos pos, struct err *reterr)
{
    static const char *const texts[] = {"apiVersion", "kind", "metadata.name",
                                        "metadata.namespace"};

    if (!json_is_object(m))
        return err_set(reterr, ERR_INVALID, pos, "a manifest must be a map");
    if (!json_is_object(json_object_get(m, "metadata")))
        return err_set(reterr, ERR_INVALID, pos, "manifest: 'metadata' must be a map");
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        const json_t *v = json_path(m, texts[i]);

        if (v ? !json_is_string(v) : i < 2)
            return err_set(reterr, ERR_INVALID, pos, "manifest: '%s' must be a text", texts[i]);
    }
    return 0;
}

static int manifest_kind(struct cluster *c, const json_t *manifest, struct resource_info *ret,
                         struct src_pos pos, struct err *reterr)
{
    const char *version, *kind;

    if (check_manifest(manifest, pos, reterr) < 0)
        return -1;
    version = meta_api_version(manifest);
    kind = meta_kind(manifest);
    if (apiserver_find_kind(cluster_server(c), version, kind, ret))
        return 0;
    return unknown_manifest(cluster_server(c), cluster_name(c), version, kind, pos, reterr);
}

static const char *namespace_of(const struct resource_info *info, const json_t *manifest)
{
    const char *ns = meta_namespace(manifest);

    if (!info->namespaced)
        return NULL;
    return *ns ? ns : "default";
}

/* The server ignores status on the main endpoint; a manifest that has one means it. */
static void send_status(struct casework *cw, struct cluster *c, const struct resource_info *info,
                        const json_t *manifest, const char *name, const char *user,
                        struct api_response *ret)
{
    json_t *status = json_object_get(manifest, "status");
    AUTO(json) json_t *patch = NULL;
    struct api_request req = {.verb = API_PATCH,
                              .resource = info->resource,
                              .ns = namespace_of(info, manifest),
                              .name = name,
                              .subresource = "status",
                              .patch = PATCH_MERGE,
                              .user = user};

    patch = json_pack("{s:O}", "status", status);
    req.body = patch;
    send(cw, c, &req, ret);
}

static void send_manifest(struct casework *cw, struct cluster *c, const struct resource_info *info,
                          const json_t *manifest, bool merge, const char *user,
                          struct api_response *ret)
{
    const char *name = meta_name(manifest), *ns = namespace_of(info, manifest);
    bool exists = *name && apiserver_peek(cluster_server(c), info->resource.group,
                                          info->resource.plural, ns, name);
    struct api_request req = {.verb = exists && merge ? API_PATCH : API_CREATE,
                              .resource = info->resource,
                              .ns = ns,
                              .name = exists && merge ? name : NULL,
                              .body = manifest,
                              .patch = exists && merge ? PATCH_MERGE : PATCH_NONE,
                              .user = user};
    AUTO(str) char *created = NULL;

    send(cw, c, &req, ret);
    if (!api_ok(ret) || !info->has_status || !json_object_get(manifest, "status"))
        return;
    created = mem_strdup(meta_name(ret->body));
    api_response_finish(ret);
    *ret = (struct api_response){0};
    send_status(cw, c, info, manifest, created, user, ret);
}

int create_object(struct casework *cw, struct cluster *c, const json_t *manifest, const char *user,
                  struct src_pos pos, struct err *reterr)
{
    struct resource_info info;
    AUTO(response) struct api_response res = {0};

    if (manifest_kind(c, manifest, &info, pos, reterr) < 0)
        return -1;
    send_manifest(cw, c, &info, manifest, false, user, &res);
    if (api_ok(&res))
        return 0;
    return err_set(reterr, ERR_INVALID, pos, "the API server refused %s %s: %d %s: %s",
                   meta_kind(manifest), meta_name(manifest), res.code, api_reason(&res),
                   api_message(&res));
}

/* ---- what a step asks for ---- */

struct api_step {
    struct cluster *cluster;
    char *user; /* NULL: an administrator */
    json_t *args;
    json_t *refused; /* what refusal is expected, or NULL */
    json_t *warned;  /* which warnings, or NULL: any */
};

static void api_step_finish(struct api_step *a)
{
    free(a->user);
    json_decref(a->args);
    json_decref(a->refused);
    json_decref(a->warned);
}

/* A failure of the story; while the stage is set, an error. */
static int disappointed(struct casework *cw, const struct step *step, const struct api_request *req,
                        const char *what, const json_t *want, const json_t *have)
{
    AUTO(str) char *wanted = json_text(want);
    AUTO(str) char *had = json_text(have);

    return verdict(cw, cw->staging ? RESULT_ERROR : RESULT_FAILED, cw->staging ? "stage" : NULL,
                   step->pos, NULL, "%s %s %s: expected %s %s, got %s", api_verb_name(req->verb),
                   req->resource.plural, req->name ? req->name : "", what, wanted, had);
}

static int judge_warnings(struct casework *cw, const struct step *step, const struct api_step *a,
                          const struct api_request *req, const struct api_response *res)
{
    AUTO(json) json_t *none = json_array();
    const json_t *have = res->warnings ? res->warnings : none;

    if (!a->warned)
        return 0;
    if (!json_same(a->warned, have))
        return disappointed(cw, step, req, "the warnings", a->warned, have);
    checked(cw, "warned: %s %s", api_verb_name(req->verb), req->resource.plural);
    return 0;
}

static int judge_accepted(struct casework *cw, const struct step *step,
                          const struct api_request *req, const struct api_response *res)
{
    if (step->accepted && api_ok(res))
        checked(cw, "accepted: %s %s", api_verb_name(req->verb), req->resource.plural);
    return api_ok(res) ? 0 : refused(cw, req, res, step);
}

static int judge_response(struct casework *cw, const struct step *step, const struct api_step *a,
                          const struct api_request *req, const struct api_response *res)
{
    AUTO(json) json_t *got = NULL;

    if (judge_warnings(cw, step, a, req, res) < 0)
        return -1;
    if (!a->refused)
        return judge_accepted(cw, step, req, res);
    got = json_pack("{s:i, s:s, s:s}", "code", res->code, "reason", api_reason(res), "message",
                    api_message(res));
    if (json_object_get(a->refused, "details") && json_path(res->body, "details"))
        json_object_set(got, "details", json_object_get(res->body, "details"));
    if (api_ok(res) || !subset_matches(a->refused, got, NULL, NULL))
        return disappointed(cw, step, req, "a refusal", a->refused, got);
    checked(cw, "refused: %s %s", api_verb_name(req->verb), req->resource.plural);
    return 0;
}

static int send_one(struct casework *cw, const struct step *step, const struct api_step *a,
                    const json_t *manifest)
{
    struct resource_info info;
    struct err err = {0};
    AUTO(response) struct api_response res = {0};
    struct api_request shown = {.verb = API_CREATE};

    if (manifest_kind(a->cluster, manifest, &info, step->pos, &err) < 0)
        return verdict_error(cw, "scenario", step->pos, &err);
    shown.name = meta_name(manifest);
    shown.resource = info.resource;
    send_manifest(cw, a->cluster, &info, manifest, step->verb == &verb_apply, a->user, &res);
    return judge_response(cw, step, a, &shown, &res);
}

static int step_manifests(struct casework *cw, const struct step *step, const struct api_step *a)
{
    size_t i;
    json_t *manifest;

    if (!json_is_array(a->args))
        return send_one(cw, step, a, a->args);
    json_array_foreach(a->args, i, manifest) if (send_one(cw, step, a, manifest) < 0) return -1;
    return 0;
}

/* The reference's kind in the version that the step names, if it does. */
static struct api_resource resource_of(const struct api_step *a, const struct object_ref *ref)
{
    struct api_resource r = ref->info.resource;
    const char *version = json_str(a->args, "version");

    if (version)
        r.version = version;
    return r;
}

static int step_patch(struct casework *cw, const struct step *step, const struct api_step *a,
                      const struct object_ref *ref)
{
    const json_t *merge = json_object_get(a->args, "merge");
    struct api_request req = {.verb = API_PATCH,
                              .resource = resource_of(a, ref),
                              .ns = ref->ns,
                              .name = ref->name,
                              .dry_run = json_bool(a->args, "dryRun", false),
                              .subresource = json_str(a->args, "subresource"),
                              .body = merge ? merge : json_object_get(a->args, "json"),
                              .patch = merge ? PATCH_MERGE : PATCH_JSON,
                              .user = a->user};
    AUTO(response) struct api_response res = {0};

    send(cw, ref->cluster, &req, &res);
    return judge_response(cw, step, a, &req, &res);
}

/* NULL when the step names no precondition. New. */
static json_t *delete_options(const struct api_step *a)
{
    static const char *const members[] = {"uid", "resourceVersion"};
    json_t *options = NULL;

    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        const char *text = json_str(a->args, members[i]);

        if (text && !options)
            options = json_pack("{s:{}}", "preconditions");
        if (text)
            json_put_str(json_object_get(options, "preconditions"), members[i], text);
    }
    return options;
}

static int step_delete(struct casework *cw, const struct step *step, const struct api_step *a,
                       const struct object_ref *ref)
{
    bool all = strcmp(ref->name, "*") == 0;
    AUTO(json) json_t *options = delete_options(a);
    struct api_request req = {.verb = all ? API_DELETE_COLLECTION : API_DELETE,
                              .resource = resource_of(a, ref),
                              .ns = ref->ns,
                              .name = all ? NULL : ref->name,
                              .body = options,
                              .dry_run = json_bool(a->args, "dryRun", false),
                              .propagation_policy = json_str(a->args, "propagation"),
                              .user = a->user};
    AUTO(response) struct api_response res = {0};

    send(cw, ref->cluster, &req, &res);
    if (res.code == 404 && strcmp(json_str_or_empty(a->args, "missing"), "ok") == 0)
        return 0;
    return judge_response(cw, step, a, &req, &res);
}

static int choose_cluster(struct casework *cw, const struct step *step, const struct eval *e,
                          struct api_step *a, char **ret_name)
{
    struct err err = {0};

    *ret_name = NULL;
    if (step->cluster && !(*ret_name = tmpl_text(step->cluster, e, &err)))
        return verdict_error(cw, "scenario", step->pos, &err);
    a->cluster = find_cluster(cw, *ret_name, step->pos, &err);
    return a->cluster ? 0 : verdict_error(cw, "scenario", step->pos, &err);
}

static int prepare(struct casework *cw, const struct step *step, const struct eval *e,
                   struct api_step *a)
{
    struct err err = {0};

    if (step->as && !(a->user = tmpl_text(step->as, e, &err)))
        return verdict_error(cw, "scenario", step->pos, &err);
    if (step->refused && !(a->refused = tmpl_eval(step->refused, e, &err)))
        return verdict_error(cw, "scenario", step->pos, &err);
    if (a->refused && shape_check_value(a->refused, step->refused, &shape_refused, &err) < 0)
        return verdict_error(cw, "scenario", step->pos, &err);
    if (step->warned && !(a->warned = tmpl_eval(step->warned, e, &err)))
        return verdict_error(cw, "scenario", step->pos, &err);
    a->args = tmpl_eval(step->args, e, &err);
    if (!a->args ||
        (step->verb->shape && shape_check_value(a->args, step->args, step->verb->shape, &err) < 0))
        return verdict_error(cw, "scenario", step->pos, &err);
    return 0;
}

static int run_prepared(struct casework *cw, const struct step *step, const struct api_step *a,
                        const char *cluster)
{
    AUTO(object_ref) struct object_ref ref = {0};
    struct err err = {0};

    if (step->verb->takes == VERB_MANIFESTS)
        return step_manifests(cw, step, a);
    ref_object(cw, json_str_or_empty(a->args, "kind"), json_str(a->args, "namespace"),
               json_str_or_empty(a->args, "name"),
               json_str(a->args, "cluster") ? json_str(a->args, "cluster") : cluster, &ref, &err);
    if (err_pending(&err))
        return verdict_error(cw, "scenario", step->pos, &err);
    return step->verb == &verb_patch ? step_patch(cw, step, a, &ref)
                                     : step_delete(cw, step, a, &ref);
}

static int step_api(struct casework *cw, const struct step *step, struct frame *frame)
{
    struct eval e = case_eval(cw, frame);
    struct api_step a = {0};
    AUTO(str) char *cluster = NULL;
    int r = -1;

    if (choose_cluster(cw, step, &e, &a, &cluster) == 0 && prepare(cw, step, &e, &a) == 0)
        r = run_prepared(cw, step, &a, cluster);
    api_step_finish(&a);
    return r;
}

/* ---- what they name ---- */

static void manifests_names(struct check *c, const struct place *at, const struct step *step)
{
    check_manifests(c, at, step->args, step->cluster);
}

static void patch_names(struct check *c, const struct place *at, const struct step *step)
{
    check_reference(c, at, step->args);
}

static void delete_names(struct check *c, const struct place *at, const struct step *step)
{
    static const char *const policies[] = {"Background", "Foreground", "Orphan"};
    static const char *const missing[] = {"ok"};

    check_reference(c, at, step->args);
    check_choice(c, at, tmpl_get(step->args, "propagation"), policies, ARRAY_LEN(policies),
                 "propagation");
    check_choice(c, at, tmpl_get(step->args, "missing"), missing, ARRAY_LEN(missing),
                 "value of 'missing'");
}

/* ---- the verbs ---- */

/* A reference, as the keys of a map. */
#define REFERENCE                                                                                  \
    {"kind", SHAPE_TEXT, true}, {"name", SHAPE_TEXT, true}, {"namespace", SHAPE_TEXT, false},      \
    {                                                                                              \
        "cluster", SHAPE_TEXT, false                                                               \
    }

static const struct shape_key patch_keys[] = {REFERENCE,
                                              {"merge", SHAPE_MAP_VALUE, false},
                                              {"json", SHAPE_LIST_VALUE, false},
                                              {"subresource", SHAPE_TEXT, false},
                                              {"version", SHAPE_TEXT, false},
                                              {"dryRun", SHAPE_BOOL, false},
                                              {NULL, SHAPE_ANY, false}};
static const char *const patch_forms[] = {"merge", "json", NULL};
static const struct shape_note patch_notes[] = {
    {"kind", NULL, "With .group when two groups have it."},
    {"name", NULL, "NAMESPACE/NAME or NAME."},
    {"version", NULL, "Of the API; the stored one when not given."},
    {NULL, NULL, NULL}};
static const struct shape patch_shape = {
    .what = "patch", .keys = patch_keys, .one_of = patch_forms, .notes = patch_notes};
static const struct shape_key delete_keys[] = {REFERENCE,
                                               {"propagation", SHAPE_TEXT, false},
                                               {"missing", SHAPE_TEXT, false},
                                               {"version", SHAPE_TEXT, false},
                                               {"dryRun", SHAPE_BOOL, false},
                                               {"uid", SHAPE_TEXT, false},
                                               {"resourceVersion", SHAPE_TEXT, false},
                                               {NULL, SHAPE_ANY, false}};
static const struct shape_note delete_notes[] = {
    {"kind", NULL, "With .group when two groups have it."},
    {"name", NULL, "NAMESPACE/NAME or NAME; NAMESPACE/* or * for the collection."},
    {"version", NULL, "Of the API; the stored one when not given."},
    {"uid", NULL, "A precondition."},
    {"resourceVersion", NULL, "A precondition."},
    {"propagation", NULL, "Background, Foreground or Orphan."},
    {"missing", NULL, "ok: it need not be there."},
    {NULL, NULL, NULL}};
static const struct shape delete_shape = {
    .what = "delete", .keys = delete_keys, .notes = delete_notes};

const struct verb verb_apply = {
    .name = "apply",
    .value = "a manifest, or a list",
    .says = "creates the object, or merge-patches it when it exists. A `status` in the manifest is "
            "written through the status subresource",
    .takes = VERB_MANIFESTS,
    .writes = true,
    .run = step_api,
    .names = manifests_names,
};
const struct verb verb_create = {
    .name = "create",
    .value = "a manifest, or a list",
    .says = "creates; an existing object is an error",
    .takes = VERB_MANIFESTS,
    .writes = true,
    .run = step_api,
    .names = manifests_names,
};
const struct verb verb_patch = {
    .name = "patch",
    .value = "reference plus `merge:` or `json:`, optional `subresource: status`, `version: "
             "VERSION`, `dryRun: true`",
    .says = "one patch",
    .takes = VERB_MAP,
    .shape = &patch_shape,
    .writes = true,
    .run = step_api,
    .names = patch_names,
};
const struct verb verb_delete = {
    .name = "delete",
    .value = "reference, optional `propagation: Background|Foreground|Orphan`; `missing: ok`; "
             "`version: VERSION`, `dryRun: true`; preconditions `uid:`, `resourceVersion:`",
    .says = "one delete; of a name `NAMESPACE/*` (`*` for kinds without namespaces) one of the "
            "whole collection",
    .takes = VERB_MAP,
    .shape = &delete_shape,
    .writes = true,
    .run = step_api,
    .names = delete_names,
};
