/* The given: clusters, platform, objects, fixtures, in the order of the file. Runs on the story's
 * fiber. */
#include "runner/stage.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/time.h"
#include "runner/given.h"
#include "runner/manifest.h"
#include "runner/saved.h"
#include "sim/controllermanager/controllermanager.h"
#include "sim/kubevirt/kubevirt.h"
#include "sim/provisioner/provisioner.h"

static int stage_unit(struct casework *cw, struct inclusion *in);

static int stage_objects(struct casework *cw, const struct staging *s, struct err *reterr)
{
    size_t i;
    json_t *manifest;

    json_array_foreach((json_t *)s->args, i, manifest)
    {
        if (create_object(cw, s->cluster, manifest, NULL, s->given->pos, reterr) < 0)
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

static int set_durations(struct cluster *c, const json_t *args, struct err *reterr)
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

static int stage_provisioner(struct casework *cw, const struct staging *s, struct err *reterr)
{
    struct cluster *hub = find_cluster(cw, json_str(s->args, "hub"), s->given->pos, reterr);
    struct cluster *workload =
        hub ? find_cluster(cw, json_str(s->args, "workload"), s->given->pos, reterr) : NULL;

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
    saved_begin(u, in->frame);
    if (fill_frame(cw, in, given, reterr) < 0) {
        frame_destroy(in->frame);
        free(in);
        return NULL;
    }
    adopt(cw, in);
    return in;
}

static int stage_fixture(struct casework *cw, const struct staging *s, struct err *reterr)
{
    struct inclusion *in = include(cw, s->given->fixture, s->with, reterr);
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

static int stage_new_cluster(struct casework *cw, const struct staging *s, struct err *reterr)
{
    return kcm_add_cluster(cw->world, json_string_value(s->args), reterr) ? 0 : -1;
}

static int stage_without_fields(struct casework *cw, const struct staging *s, struct err *reterr)
{
    (void)cw;
    return without_fields(s->cluster, s->args, s->given->pos, reterr);
}

static int stage_durations(struct casework *cw, const struct staging *s, struct err *reterr)
{
    (void)cw;
    return set_durations(s->cluster, s->args, reterr);
}

static int stage_component(struct casework *cw, const struct staging *s, struct err *reterr)
{
    (void)reterr;
    return component_start(cw, json_string_value(s->args), s->with, s->given->pos);
}

/* Whatever a `${...}` gave: from here on every member has its type. `objects` and `fields` look at
 * their elements themselves. */
static int check_item(const struct given *g, const json_t *args, const json_t *with,
                      struct err *reterr)
{
    const struct given_item *item = g->item;

    if (with && shape_check_type(with, SHAPE_MAP, "with", tmpl_pos(g->with), reterr) < 0)
        return -1;
    if (item->shape)
        return shape_check_value(args, g->args, item->shape, reterr);
    return shape_check_type(args, item->type, item->type == SHAPE_TEXT ? "given" : item->name,
                            tmpl_pos(g->args), reterr);
}

static int stage_given(struct casework *cw, const struct given *g, struct frame *frame)
{
    struct eval e = case_eval(cw, frame);
    struct err err = {0};
    AUTO(json) json_t *args = NULL;
    AUTO(json) json_t *with = NULL;
    AUTO(str) char *cluster = NULL;
    struct staging s = {.given = g};

    if (g->item == &given_steps)
        return run_steps(cw, &g->steps, frame);
    if (!(args = tmpl_eval(g->args, &e, &err)) ||
        (g->with && !(with = tmpl_eval(g->with, &e, &err))) ||
        (g->cluster && !(cluster = tmpl_text(g->cluster, &e, &err))) ||
        check_item(g, args, with, &err) < 0)
        return verdict_error(cw, "scenario", g->pos, &err);
    s.args = args;
    s.with = with;
    s.cluster = g->item->on_cluster ? find_cluster(cw, cluster, g->pos, &err)
                                    : world_cluster(cw->world, cluster);
    if (err_pending(&err))
        return verdict_error(cw, "scenario", g->pos, &err);
    if (g->item->stage(cw, &s, &err) == 0)
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
        if (u->givens[i].item == &given_cluster ||
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
    if (!names_cluster(cw->unit) && !kcm_add_cluster(cw->world, "main", &err))
        return verdict_error(cw, "stage", NO_POS, &err);
    stage_pods(cw);
    cw->home = in;
    cw->staging = true;
    r = stage_unit(cw, in);
    cw->staging = false;
    return r;
}

/* ---- what they name ---- */

static void provisioner_names(struct check *c, const struct place *at, const struct given *g)
{
    check_cluster(c, at, tmpl_get(g->args, "hub"));
    check_cluster(c, at, tmpl_get(g->args, "workload"));
}

static void objects_names(struct check *c, const struct place *at, const struct given *g)
{
    check_manifests(c, at, g->args, g->cluster);
}

static void start_names(struct check *c, const struct place *at, const struct given *g)
{
    check_component(c, at, g->args, g->with);
}

/* ---- the items ---- */

static const struct shape_key provisioner_keys[] = {
    {"hub", SHAPE_TEXT, true}, {"workload", SHAPE_TEXT, true}, {NULL, SHAPE_ANY, false}};
static const struct shape provisioner_shape = {.what = "provisioner", .keys = provisioner_keys};
static const struct shape_key without_keys[] = {
    {"crd", SHAPE_TEXT, true}, {"fields", SHAPE_LIST_VALUE, true}, {NULL, SHAPE_ANY, false}};
static const struct shape_note without_notes[] = {{"fields", NULL, "Dotted paths."},
                                                  {NULL, NULL, NULL}};
static const struct shape without_shape = {
    .what = "withoutFields", .keys = without_keys, .notes = without_notes};
static const struct shape_key duration_keys[] = {
#define DURATION(what, name, seconds, says) {#name, SHAPE_DURATION, false},
#include "sim/kubevirt/durations.list"
#undef DURATION
    {NULL, SHAPE_ANY, false}};
static const struct shape duration_shape = {
    .what = "duration", .keys = duration_keys, .definition = "duration-of"};

const struct given_item given_cluster = {
    .name = "cluster",
    .value = "`cluster: NAME`",
    .says = "a cluster with an API server, garbage collector, namespace controller. Without any, "
            "there is one called `main`",
    .type = SHAPE_TEXT,
    .stage = stage_new_cluster,
};
const struct given_item given_provisioner = {
    .name = "provisioner",
    .value = "`provisioner: {hub: C, workload: C}`",
    .says = "the outside jobs that make a VM for each ComputeInstance",
    .type = SHAPE_MAP,
    .shape = &provisioner_shape,
    .stage = stage_provisioner,
    .names = provisioner_names,
};
/* What is written as it stands; a `${...}` is taken as it comes. */
static bool check_objects(struct parser *p, const struct yaml_node *list)
{
    const struct yaml_node *n;
    bool ok = true;

    if (list->type != YAML_SEQ)
        return true;
    for (n = yaml_first(p->doc, list); n; n = yaml_next(p->doc, n))
        ok = manifest_check(p->doc, n, /* holes= */ true, p->diags) && ok;
    return ok;
}

const struct given_item given_objects = {
    .name = "objects",
    .value = "`objects: [MANIFEST...]`",
    .says = "created in order, as an administrator; item key `cluster` beside it",
    .type = SHAPE_LIST_VALUE,
    .on_cluster = true,
    .check = check_objects,
    .stage = stage_objects,
    .names = objects_names,
};
const struct given_item given_withoutFields = {
    .name = "withoutFields",
    .value = "`withoutFields: {crd: NAME, fields: [PATH...]}`",
    .says =
        "removes fields from a CRD's schema (an older version of it), item key `cluster` beside it",
    .type = SHAPE_MAP,
    .shape = &without_shape,
    .on_cluster = true,
    .stage = stage_without_fields,
};
const struct given_item given_component = {
    .name = "component",
    .value = "`component: NAME`",
    .says = "starts a component; item key `with` holds its settings",
    .type = SHAPE_TEXT,
    .stage = stage_component,
    .names = start_names,
};
const struct given_item given_duration = {
    .name = "duration",
    .value = "`duration: {NAME: DURATION}`",
    .says = "how long the simulated platform takes, and in brackets what it takes when nothing is "
            "said: "
#define DURATION(what, name, seconds, says) "`" #name "` (" says "; " #seconds "s), "
#include "sim/kubevirt/durations.list"
#undef DURATION
            "item key `cluster` beside it",
    .type = SHAPE_MAP,
    .shape = &duration_shape,
    .on_cluster = true,
    .stage = stage_durations,
};
const struct given_item given_fixture = {
    .name = "fixture",
    .value = "`fixture: NAME`",
    .says = "includes `fixtures/NAME.yaml`; item key `with` gives its parameters",
    .type = SHAPE_TEXT,
    .stage = stage_fixture,
};
/* Its steps are parsed and run as any; they need no function. */
const struct given_item given_steps = {
    .name = "steps",
    .value = "`steps: [STEP...]`",
    .says = "steps that set the stage; a failing one is an error, not a failure",
    .type = SHAPE_LIST,
};
