/* The given: clusters, platform, objects, fixtures, in the order of the file. Runs on the story's
 * fiber. */
#include "runner/stage.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/time.h"
#include "runner/shapes.h"
#include "sim/kubelet/kubelet.h"
#include "sim/kubevirt/kubevirt.h"
#include "sim/provisioner/provisioner.h"
#include "sim/storage/storage.h"

static int stage_unit(struct casework *cw, struct inclusion *in);

static struct cluster *named_cluster(struct casework *cw, const char *name, struct src_pos pos,
                                     struct err *reterr)
{
    struct cluster *c = world_cluster(cw->world, name);

    if (!c)
        err_set(reterr, ERR_NOT_FOUND, pos, "no cluster is called '%s'", name ? name : "");
    return c;
}

static int stage_objects(struct casework *cw, struct cluster *c, const json_t *list,
                         struct src_pos pos, struct err *reterr)
{
    size_t i;
    json_t *manifest;

    json_array_foreach((json_t *)list, i, manifest)
    {
        if (create_object(cw, c, manifest, NULL, pos, reterr) < 0)
            return -1;
    }
    return 0;
}

/* Removes the property at a dotted path from a structural schema. */
static bool remove_property(json_t *schema, const char *path)
{
    const char *dot = strchr(path, '.');
    AUTO(str) char *first = dot ? mem_strndup(path, (size_t)(dot - path)) : mem_strdup(path);
    json_t *properties = json_object_get(schema, "properties");

    if (dot)
        return remove_property(json_object_get(properties, first), dot + 1);
    return json_object_del(properties, first) == 0;
}

static int without_fields(struct cluster *c, const json_t *args, struct src_pos pos,
                          struct err *reterr)
{
    const char *name = json_str_or_empty(args, "crd");
    const json_t *stored = apiserver_peek(cluster_server(c), "apiextensions.k8s.io",
                                          "customresourcedefinitions", NULL, name);
    AUTO(json) json_t *crd = stored ? json_copy_of(stored) : NULL;
    size_t i, k;
    json_t *version, *field;
    struct api_request req = {
        .verb = API_UPDATE,
        .resource = {"apiextensions.k8s.io", "v1", "customresourcedefinitions"},
        .name = name,
        .user = "admin"};
    AUTO(response) struct api_response res = {0};

    if (!crd)
        return err_set(reterr, ERR_NOT_FOUND, pos, "cluster '%s' has no CRD '%s'", cluster_name(c),
                       name);
    json_array_foreach(json_object_get(args, "fields"), k, field)
    {
        bool any = false;

        if (shape_check_type(field, SHAPE_TEXT, "withoutFields.fields", pos, reterr) < 0)
            return -1;
        json_array_foreach((json_t *)json_path(crd, "spec.versions"), i, version) any =
            remove_property(json_at_mut(version, "schema", "openAPIV3Schema", NULL),
                            json_string_value(field)) ||
            any;
        if (!any)
            return err_set(reterr, ERR_INVALID, pos, "the CRD '%s' has no field '%s'", name,
                           json_string_value(field));
    }
    req.body = crd;
    apiserver_handle(cluster_server(c), &req, &res);
    if (api_ok(&res))
        return 0;
    return err_set(reterr, ERR_INVALID, pos, "the API server refused the CRD '%s': %s", name,
                   api_message(&res));
}

static int stage_durations(struct cluster *c, const json_t *args, struct err *reterr)
{
    const char *key;
    json_t *v;

    json_object_foreach((json_t *)args, key, v)
    {
        int64_t ns;

        if (!duration_parse(json_is_string(v) ? json_string_value(v) : "0", &ns) || ns < 0 ||
            ns > DURATION_MAX)
            return err_set(reterr, ERR_INVALID, NO_POS,
                           "'%s' must be a duration of at least 0, at most 87600h", key);
        if (kubevirt_set_duration(c, key, ns, reterr) < 0)
            return -1;
    }
    return 0;
}

static bool part_runs(const struct cluster *c, const char *part)
{
    AUTO(str) char *name = mem_printf("%s/%s", part, cluster_name(c));

    return world_part(cluster_world(c), name) != NULL;
}

/* `storage` and `kubevirt` may both be given for a cluster; the second one adds what is missing. */
static int stage_kubevirt(struct cluster *c, bool with_vms, struct err *reterr)
{
    if (!part_runs(c, "storage") && storage_start(c, reterr) < 0)
        return -1;
    if (!part_runs(c, "kubelet") && kubelet_start(c, reterr) < 0)
        return -1;
    return with_vms && !part_runs(c, "kubevirt") ? kubevirt_start(c, reterr) : 0;
}

static int stage_provisioner(struct casework *cw, const json_t *args, struct src_pos pos,
                             struct err *reterr)
{
    struct cluster *hub = named_cluster(cw, json_str(args, "hub"), pos, reterr);
    struct cluster *workload =
        hub ? named_cluster(cw, json_str(args, "workload"), pos, reterr) : NULL;

    return workload ? provisioner_start(hub, workload, reterr) : -1;
}

/* ---- fixtures ---- */

static void adopt(struct casework *cw, struct inclusion *in)
{
    cw->inclusions = mem_grow(cw->inclusions, &cw->inclusion_cap, cw->inclusion_count + 1,
                              sizeof *cw->inclusions);
    cw->inclusions[cw->inclusion_count++] = in;
    active_laws_add(&cw->laws, in);
}

/* The names of a unit: given values first (a fixture's `with`, a scenario's matrix case), then its
 * own expressions in order. */
static int fill_frame(struct casework *cw, struct inclusion *in, const json_t *given,
                      struct err *reterr)
{
    const struct unit *u = in->unit;
    const char *key;
    json_t *v;

    json_object_foreach((json_t *)given, key, v)
    {
        int index = scope_find(u->scope, key);

        if (index < SCOPE_FIRST)
            return err_set(reterr, ERR_INVALID, NO_POS, "fixture '%s' has no parameter '%s'",
                           u->name, key);
        frame_set_take(in->frame, index, json_incref(v));
    }
    for (size_t i = 0; i < u->var_count; i++) {
        int index = scope_find(u->scope, u->var_names[i]);
        struct eval e = case_eval(cw, in->frame);

        if (in->frame->values[index])
            continue;
        if (!u->var_values[i])
            return err_set(reterr, ERR_INVALID, NO_POS, "fixture '%s' needs the parameter '%s'",
                           u->name, u->var_names[i]);
        v = tmpl_eval(u->var_values[i], &e, reterr);
        if (!v)
            return -1;
        frame_set_take(in->frame, index, v);
    }
    return 0;
}

static struct inclusion *include(struct casework *cw, const struct unit *u, const json_t *given,
                                 struct err *reterr)
{
    struct inclusion *in = mem_zalloc(sizeof *in);

    in->unit = u;
    in->frame = frame_create(u->scope, NULL);
    if (fill_frame(cw, in, given, reterr) < 0) {
        frame_destroy(in->frame);
        free(in);
        return NULL;
    }
    adopt(cw, in);
    return in;
}

static int stage_fixture(struct casework *cw, const struct given *g, const json_t *with,
                         struct err *reterr)
{
    struct inclusion *in = include(cw, g->fixture, with, reterr);
    struct inclusion *before = cw->home;
    int r;

    if (!in)
        return -1;
    cw->home = in;
    r = stage_unit(cw, in);
    cw->home = before;
    return r;
}

/* ---- one item ---- */

/* Whatever a `${...}` gave: from here on every member has its type. `objects` and `fields` look at
 * their elements themselves. */
static int check_item(const struct given *g, const json_t *args, const json_t *with,
                      struct err *reterr)
{
    static const struct shape *const shapes[GIVEN_COUNT] = {
        [GIVEN_PROVISIONER] = &shape_provisioner,
        [GIVEN_WITHOUT_FIELDS] = &shape_without_fields,
        [GIVEN_CHAIN] = &shape_chain,
        [GIVEN_DURATION] = &shape_duration,
    };
    struct src_pos pos = tmpl_pos(g->args);

    if (with && shape_check_type(with, SHAPE_MAP, "with", tmpl_pos(g->with), reterr) < 0)
        return -1;
    if (shapes[g->kind])
        return shape_check_value(args, g->args, shapes[g->kind], reterr);
    if (g->kind == GIVEN_OBJECTS)
        return shape_check_type(args, SHAPE_LIST, "objects", pos, reterr);
    return shape_check_type(args, SHAPE_TEXT, "given", pos, reterr);
}

static int stage_item(struct casework *cw, const struct given *g, const json_t *args,
                      const json_t *with, struct cluster *c, struct err *reterr)
{
    const char *text = json_string_value(args);
    struct cluster *named;

    switch (g->kind) {
    case GIVEN_CLUSTER:
        return world_add_cluster(cw->world, text, reterr) ? 0 : -1;
    case GIVEN_KUBEVIRT:
    case GIVEN_STORAGE:
        named = named_cluster(cw, text, g->pos, reterr);
        return named ? stage_kubevirt(named, g->kind == GIVEN_KUBEVIRT, reterr) : -1;
    case GIVEN_PROVISIONER:
        return stage_provisioner(cw, args, g->pos, reterr);
    case GIVEN_OBJECTS:
        return stage_objects(cw, c, args, g->pos, reterr);
    case GIVEN_WITHOUT_FIELDS:
        return without_fields(c, args, g->pos, reterr);
    case GIVEN_CHAIN:
        return stage_chain(cw, args, g->args, g->pos, reterr);
    case GIVEN_COMPONENT:
        return component_start(cw, text, with, g->pos);
    case GIVEN_DURATION:
        return stage_durations(c, args, reterr);
    case GIVEN_FIXTURE:
        return stage_fixture(cw, g, with, reterr);
    case GIVEN_STEPS:
    case GIVEN_COUNT:
        break;
    }
    return 0;
}

static int stage_given(struct casework *cw, const struct given *g, struct frame *frame)
{
    struct eval e = case_eval(cw, frame);
    struct err err = {0};
    AUTO(json) json_t *args = NULL;
    AUTO(json) json_t *with = NULL;
    AUTO(str) char *cluster = NULL;
    struct cluster *c;

    if (g->kind == GIVEN_STEPS)
        return run_steps(cw, &g->steps, frame);
    if (!(args = tmpl_eval(g->args, &e, &err)) ||
        (g->with && !(with = tmpl_eval(g->with, &e, &err))) ||
        (g->cluster && !(cluster = tmpl_text(g->cluster, &e, &err))) ||
        check_item(g, args, with, &err) < 0)
        return verdict_error(cw, "scenario", g->pos, &err);
    c = world_cluster(cw->world, cluster);
    if (!c &&
        (g->kind == GIVEN_OBJECTS || g->kind == GIVEN_WITHOUT_FIELDS || g->kind == GIVEN_DURATION))
        return verdict(cw, RESULT_ERROR, "scenario", g->pos, NULL, "no cluster is called '%s'",
                       cluster ? cluster : "main");
    if (stage_item(cw, g, args, with, c, &err) == 0)
        return cw->over ? -1 : 0;
    if (!err_pending(&err))
        return -1;
    return verdict_error(cw, err.code == ERR_UNSUPPORTED ? "environment" : "stage", g->pos, &err);
}

static int stage_unit(struct casework *cw, struct inclusion *in)
{
    for (size_t i = 0; i < in->unit->given_count; i++)
        if (stage_given(cw, &in->unit->givens[i], in->frame) < 0)
            return -1;
    return 0;
}

static bool names_cluster(const struct unit *u)
{
    for (size_t i = 0; i < u->given_count; i++)
        if (u->givens[i].kind == GIVEN_CLUSTER ||
            (u->givens[i].fixture && names_cluster(u->givens[i].fixture)))
            return true;
    return false;
}

int stage_world(struct casework *cw)
{
    struct err err = {0};
    struct inclusion *in = include(cw, cw->unit, cw->values, &err);
    int r;

    if (!in)
        return verdict_error(cw, "scenario", NO_POS, &err);
    if (!names_cluster(cw->unit) && !world_add_cluster(cw->world, "main", &err))
        return verdict_error(cw, "stage", NO_POS, &err);
    stage_pods(cw);
    cw->home = in;
    cw->staging = true;
    r = stage_unit(cw, in);
    cw->staging = false;
    return r;
}
