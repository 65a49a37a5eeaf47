/* See vocabulary.h. */
#include "runner/vocabulary.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/component.h"
#include "kube/meta.h"
#include "runner/given.h"
#include "runner/verb.h"
#include "sched/sched.h"
#include "sim/apiserver/apiserver.h"

#define NAMES_MAX 1024 /* of one sort; the rest is not known */

/* ---- names ---- */

bool name_list_has(const struct name_list *n, const char *name)
{
    for (size_t i = 0; i < n->count; i++)
        if (strcmp(n->items[i], name) == 0)
            return true;
    return false;
}

void name_list_add(struct name_list *n, const char *name)
{
    if (!name || n->count == NAMES_MAX) {
        n->open = true;
        return;
    }
    if (name_list_has(n, name))
        return;
    n->items = mem_grow(n->items, &n->cap, n->count + 1, sizeof *n->items);
    n->items[n->count++] = mem_strdup(name);
}

/* A value that is known only when it runs leaves the list open. */
static void name_list_add_said(struct name_list *n, const struct place *at, const struct tmpl *t)
{
    const struct said s = said_at(at, t);

    name_list_add(n, said_word(&s));
}

void name_list_finish(struct name_list *n)
{
    for (size_t i = 0; i < n->count; i++)
        free(n->items[i]);
    free(n->items);
}

/* ---- chains ---- */

static void read_list(struct name_list *n, const struct said *chain, const char *key)
{
    const struct said list = said_member(chain, key);

    n->open = !list.t || tmpl_is_map(list.t);
    for (size_t i = 0; !n->open && tmpl_at(list.t, i, NULL, NULL); i++) {
        const struct said item = said_item(&list, i), name = said_member(&item, "name");

        name_list_add(n, said_word(&name));
    }
}

static void read_chain(struct vocabulary *v, const struct place *at, const struct given *g)
{
    const struct said chain = said_at(at, g->args), name = said_member(&chain, "name");
    struct chain_names *c;

    name_list_add(&v->chains, said_word(&name));
    if (!said_word(&name))
        return;
    v->chain_items =
        mem_grow(v->chain_items, &v->chain_cap, v->chain_count + 1, sizeof *v->chain_items);
    c = &v->chain_items[v->chain_count++];
    *c = (struct chain_names){.name = mem_strdup(said_word(&name))};
    read_list(&c->disks, &chain, "disks");
    read_list(&c->checkpoints, &chain, "checkpoints");
    if (tmpl_get(chain.t, "repeat"))
        c->checkpoints.open = true;
}

const struct chain_names *vocabulary_chain(const struct vocabulary *v, const char *name)
{
    for (size_t i = 0; i < v->chain_count; i++)
        if (strcmp(v->chain_items[i].name, name) == 0)
            return &v->chain_items[i];
    return NULL;
}

/* ---- kinds ---- */

void kinds_create(struct kinds *k)
{
    k->sched = sched_create(&(struct sched_config){.seed = 1, .start_ns = WORLD_START_NS});
    k->server = apiserver_create(k->sched, "kinds");
    apiserver_add_builtin_crds(k->server);
}

void kinds_destroy(struct kinds *k)
{
    apiserver_destroy(k->server);
    sched_destroy(k->sched);
    *k = (struct kinds){0};
}

static struct apiserver *server_of_its_own(struct vocabulary *v)
{
    if (!v->own_kinds) {
        kinds_create(&v->own);
        v->kinds = v->own.server;
        v->own_kinds = true;
    }
    return v->kinds;
}

/* A manifest that defines a kind. What the server refuses, it refuses again when it runs. */
static void read_manifest(struct vocabulary *v, const struct said *manifest)
{
    const struct said said = said_member(manifest, "kind");
    const char *kind = said_word(&said);
    struct err err = {0};

    if (!kind || strcmp(kind, "CustomResourceDefinition") != 0) {
        v->more_kinds = v->more_kinds || !kind;
        return;
    }
    if (!tmpl_fixed(manifest->t))
        v->more_kinds = true;
    else if (apiserver_add_crd(server_of_its_own(v), tmpl_fixed(manifest->t), &err) < 0)
        err_clear(&err);
}

static void read_manifests(struct vocabulary *v, const struct place *at, const struct tmpl *t)
{
    const struct said list = said_at(at, t);

    if (!list.t) {
        v->more_kinds = true;
        return;
    }
    if (tmpl_is_map(list.t))
        read_manifest(v, &list);
    for (size_t i = 0; !tmpl_is_map(list.t) && tmpl_at(list.t, i, NULL, NULL); i++) {
        const struct said item = said_item(&list, i);

        read_manifest(v, &item);
    }
}

/* ---- who acts ---- */

static void add_process(struct vocabulary *v, const char *cluster, const char *name)
{
    AUTO(str) char *full = mem_printf("%s/%s", cluster, name);

    name_list_add(&v->processes, full);
}

static void read_part(struct vocabulary *v, const struct place *at, const struct given *g)
{
    const struct sim_part *part = g->item->part;
    const struct said value = said_at(at, g->args);
    const char *cluster = said_word(&value);

    if (!cluster) {
        v->processes.open = true;
        return;
    }
    if (!part->processes)
        add_process(v, cluster, part->name);
    for (size_t i = 0; part->processes && part->processes[i]; i++)
        add_process(v, cluster, part->processes[i]);
}

static void read_component(struct vocabulary *v, const struct place *at, const struct tmpl *t)
{
    const struct said value = said_at(at, t);
    const char *name = said_word(&value);

    name_list_add(&v->components, name);
    name_list_add(&v->processes, name);
    if (!name || !component_find(name))
        v->strangers = true;
}

/* Its process is crashed and stopped as a component's. */
static void read_server(struct vocabulary *v)
{
    name_list_add(&v->components, "velero");
    name_list_add(&v->processes, "velero");
}

/* ---- the walk ---- */

static void on_given(void *cookie, const struct place *at, const struct given *g)
{
    struct vocabulary *v = cookie;

    if (g->item == &given_cluster)
        name_list_add_said(&v->clusters, at, g->args);
    else if (g->item == &given_component)
        read_component(v, at, g->args);
    else if (g->item == &given_chain)
        read_chain(v, at, g);
    else if (g->item == &given_objects)
        read_manifests(v, at, g->args);
    else if (g->item == &given_provisioner)
        name_list_add(&v->processes, "osac-provisioner");
    else if (g->item == &given_velero)
        read_server(v);
    else if (g->item->part)
        read_part(v, at, g);
}

static void on_step(void *cookie, const struct place *at, const struct step *s)
{
    struct vocabulary *v = cookie;
    const struct tmpl *args = s->args;

    if (s->verb == &verb_mark)
        name_list_add_said(&v->marks, at, args);
    else if (s->verb == &verb_fault && tmpl_get(args, "name"))
        name_list_add_said(&v->faults, at, tmpl_get(args, "name"));
    else if (s->verb == &verb_component && tmpl_get(args, "start"))
        read_component(v, at, tmpl_get(args, "start"));
    else if (s->verb->takes == VERB_MANIFESTS)
        read_manifests(v, at, args);
}

void vocabulary_read(struct vocabulary *v, const struct unit *u, struct apiserver *base)
{
    const struct walker w = {.given = on_given, .step = on_step, .cookie = v};

    *v = (struct vocabulary){.kinds = base};
    name_list_add(&v->processes, "scenario");
    walk_scenario(u, &w);
    if (v->clusters.count == 0 && !v->clusters.open)
        name_list_add(&v->clusters, "main");
    for (size_t i = 0; i < v->clusters.count; i++)
        add_process(v, v->clusters.items[i], "kube-controller-manager");
    v->processes.open = v->processes.open || v->clusters.open;
}

void vocabulary_finish(struct vocabulary *v)
{
    struct name_list *const all[] = {&v->clusters, &v->faults,     &v->marks,
                                     &v->chains,   &v->components, &v->processes};

    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        name_list_finish(all[i]);
    for (size_t i = 0; i < v->chain_count; i++) {
        free(v->chain_items[i].name);
        name_list_finish(&v->chain_items[i].disks);
        name_list_finish(&v->chain_items[i].checkpoints);
    }
    free(v->chain_items);
    if (v->own_kinds)
        kinds_destroy(&v->own);
}
