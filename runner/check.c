/* See check.h. */
#include "runner/check.h"

#include <string.h>

#include "base/glob.h"
#include "base/mem.h"
#include "components/component.h"
#include "kube/api.h"
#include "runner/disks.h"
#include "runner/expr.h"
#include "runner/given.h"
#include "runner/unknown.h"
#include "runner/verb.h"
#include "sim/apiserver/catalog.h"
#include "sim/kubevirt/kubevirt.h"

/* ---- telling ---- */

static bool told_before(const struct diags *d, const struct err *e)
{
    for (size_t i = 0; i < d->count; i++) {
        const struct err *other = &d->items[i].err;

        if (other->pos.file == e->pos.file && other->pos.line == e->pos.line &&
            other->pos.col == e->pos.col && strcmp(other->msg, e->msg) == 0)
            return true;
    }
    return false;
}

void check_wrong(struct check *c, struct src_pos pos, struct err *e)
{
    if (e->pos.line == 0)
        e->pos = pos;
    if (told_before(c->diags, e)) /* by another inclusion of the same fixture */
        err_clear(e);
    else
        diags_take(c->diags, e);
}

/* ---- one name of a list ---- */

typedef int unknown_fn(const char *name, const char *const *known, size_t count, struct src_pos pos,
                       struct err *reterr);

static void hold(struct check *c, const struct name_list *names, const char *word,
                 struct src_pos pos, unknown_fn *unknown)
{
    struct err err = {0};

    if (!word || names->open || name_list_has(names, word))
        return;
    unknown(word, (const char *const *)names->items, names->count, pos, &err);
    check_wrong(c, pos, &err);
}

static void hold_said(struct check *c, const struct name_list *names, const struct place *at,
                      const struct tmpl *t, unknown_fn *unknown)
{
    const struct said s = said_at(at, t);

    if (s.t)
        hold(c, names, said_word(&s), tmpl_pos(s.t), unknown);
}

void check_cluster(struct check *c, const struct place *at, const struct tmpl *t)
{
    hold_said(c, &c->words.clusters, at, t, unknown_cluster);
}

void check_fault_name(struct check *c, const struct place *at, const struct tmpl *t)
{
    hold_said(c, &c->words.faults, at, t, unknown_fault);
}

void check_started(struct check *c, const struct place *at, const struct tmpl *t)
{
    hold_said(c, &c->words.components, at, t, component_down);
}

void check_choice(struct check *c, const struct place *at, const struct tmpl *t,
                  const char *const *words, size_t count, const char *what)
{
    const struct said s = said_at(at, t);
    const char *word = said_word(&s);
    struct err err = {0};

    for (size_t i = 0; word && i < count; i++)
        if (strcmp(word, words[i]) == 0)
            return;
    if (!word)
        return;
    err_set(&err, ERR_INVALID, tmpl_pos(s.t), "'%s' is no %s", word, what);
    err_suggest_known(&err, word, words, count);
    check_wrong(c, NO_POS, &err);
}

/* ---- globs ---- */

static bool is_glob(const char *pattern)
{
    return strpbrk(pattern, "*?[\\") != NULL;
}

static bool fits_any(const char *pattern, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (glob_match(pattern, names[i]))
            return true;
    return false;
}

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* Pods and those who come from outside have names that no file tells. */
static bool may_be_nameless(const char *pattern)
{
    return begins(pattern, "pod/") || begins(pattern, "outside/") || *pattern == '*' ||
           *pattern == '?' || *pattern == '[';
}

static void hold_actor(struct check *c, const char *pattern, struct src_pos pos)
{
    const struct name_list *n = &c->words.processes;
    const char *const *names = (const char *const *)n->items;
    struct err err = {0};

    if (!pattern || !*pattern || n->open || may_be_nameless(pattern) ||
        fits_any(pattern, names, n->count))
        return;
    unknown_actor(pattern, names, n->count, pos, &err);
    check_wrong(c, pos, &err);
}

void check_actor_glob(struct check *c, const struct place *at, const struct tmpl *t)
{
    const struct said s = said_at(at, t);

    if (s.t)
        hold_actor(c, said_word(&s), tmpl_pos(s.t));
}

static void hold_cluster_glob(struct check *c, const char *pattern, struct src_pos pos)
{
    const struct name_list *n = &c->words.clusters;

    if (pattern && *pattern && !fits_any(pattern, (const char *const *)n->items, n->count))
        hold(c, n, pattern, pos, unknown_cluster);
}

void check_cluster_glob(struct check *c, const struct place *at, const struct tmpl *t)
{
    const struct said s = said_at(at, t);

    if (s.t)
        hold_cluster_glob(c, said_word(&s), tmpl_pos(s.t));
}

/* ---- kinds ---- */

/* Where others may bring kinds, only what looks like a slip is one. */
static bool may_come(const struct check *c, const char *kind)
{
    size_t count = 0;
    const char *const *kinds = apiserver_kinds(c->words.kinds, &count);

    return (c->words.strangers || c->words.more_kinds) && !err_slip(kind, kinds, count);
}

static void hold_kind(struct check *c, const char *word, struct src_pos pos)
{
    const char *mark = word ? strchr(word, '@') : NULL;
    AUTO(str) char *kind = mark ? mem_strndup(word, (size_t)(mark - word)) : NULL;
    const char *plain = kind ? kind : word;
    struct resource_info info;
    struct err err = {0};
    bool ambiguous = false;

    if (!word)
        return;
    if (mark)
        hold(c, &c->words.clusters, mark + 1, pos, unknown_cluster);
    if (apiserver_find_any(c->words.kinds, plain, &info, &ambiguous) && !ambiguous)
        return;
    if (ambiguous)
        ambiguous_kind(plain, pos, &err);
    else if (!may_come(c, plain))
        unknown_kind(c->words.kinds, plain, pos, &err);
    if (err_pending(&err))
        check_wrong(c, pos, &err);
}

void check_kind(struct check *c, const struct place *at, const struct tmpl *t)
{
    const struct said s = said_at(at, t);

    if (s.t)
        hold_kind(c, said_word(&s), tmpl_pos(s.t));
}

/* Of events and requests, which tell the kind as it is written in an object. */
static void hold_kind_glob(struct check *c, const char *pattern, struct src_pos pos)
{
    size_t count = 0;
    const char *const *kinds = apiserver_kinds(c->words.kinds, &count);
    struct resource_info info;
    struct err err = {0};
    bool ambiguous;

    if (!pattern || !*pattern || fits_any(pattern, kinds, count) || may_come(c, pattern))
        return;
    unknown_kind(c->words.kinds, pattern, pos, &err);
    if (!is_glob(pattern) && apiserver_find_any(c->words.kinds, pattern, &info, &ambiguous))
        err_suggest(&err, info.kind, &info.kind, 1, NULL);
    check_wrong(c, pos, &err);
}

void check_kind_glob(struct check *c, const struct place *at, const struct tmpl *t)
{
    const struct said s = said_at(at, t);

    if (s.t)
        hold_kind_glob(c, said_word(&s), tmpl_pos(s.t));
}

/* ---- what is served ---- */

struct served {
    enum check_served what;
    struct name_list *names;
};

static void add_served(void *cookie, const struct catalog_entry *e)
{
    const struct served *s = cookie;
    const char *name = s->what == SERVED_PLURAL  ? e->type.resource.plural
                       : s->what == SERVED_GROUP ? e->type.resource.group
                                                 : e->subresource;

    if (name)
        name_list_add(s->names, name);
}

/* What parts bring that run in a case alone: KubeVirt, and the rights of users. */
static void add_of_parts(enum check_served what, struct name_list *ret)
{
    static const char *const groups[] = {KUBEVIRT_COMMAND_GROUP, "authentication.k8s.io",
                                         "authorization.k8s.io"};
    const char *command;

    for (size_t i = 0; what == SERVED_GROUP && i < ARRAY_LEN(groups); i++)
        name_list_add(ret, groups[i]);
    if (what != SERVED_SUBRESOURCE)
        return;
    name_list_add(ret, "token");
    for (size_t i = 0; (command = kubevirt_command_at(i)); i++)
        name_list_add(ret, command);
}

static void read_served(const struct apiserver *a, enum check_served what, struct name_list *ret)
{
    AUTO(catalog_groups) struct catalog_groups groups = {0};
    struct served s = {what, ret};

    add_of_parts(what, ret);

    catalog_groups(a, &groups);
    for (size_t g = 0; g < groups.count; g++)
        for (size_t v = 0; v < groups.items[g].version_count; v++)
            catalog_each(a, groups.items[g].name, groups.items[g].versions[v], add_served, &s);
}

void check_served(struct check *c, const struct place *at, const struct tmpl *t,
                  enum check_served what)
{
    static const char *const words[] = {
        [SERVED_PLURAL] = "plural", [SERVED_GROUP] = "group", [SERVED_SUBRESOURCE] = "subresource"};
    const struct said s = said_at(at, t);
    const char *word = said_word(&s);
    struct name_list names = {0};
    struct err err = {0};

    if (!word || !*word || is_glob(word))
        return;
    read_served(c->words.kinds, what, &names);
    const char *const *known = (const char *const *)names.items;
    if (!name_list_has(&names, word) &&
        (!(c->words.strangers || c->words.more_kinds) || err_slip(word, known, names.count))) {
        err_set(&err, ERR_INVALID, tmpl_pos(s.t), "no cluster serves the %s '%s'", words[what],
                word);
        err_suggest(&err, word, known, names.count, NULL);
        check_wrong(c, NO_POS, &err);
    }
    name_list_finish(&names);
}

void check_reference(struct check *c, const struct place *at, const struct tmpl *map)
{
    check_kind(c, at, tmpl_get(map, "kind"));
    check_cluster(c, at, tmpl_get(map, "cluster"));
}

/* ---- manifests ---- */

static void hold_manifest(struct check *c, const struct said *m, const char *cluster)
{
    const struct said version = said_member(m, "apiVersion"), kind = said_member(m, "kind");
    struct resource_info info;
    struct err err = {0};

    if (!said_word(&version) || !said_word(&kind) ||
        apiserver_find_kind(c->words.kinds, said_word(&version), said_word(&kind), &info) ||
        may_come(c, said_word(&kind)))
        return;
    unknown_manifest(c->words.kinds, cluster, said_word(&version), said_word(&kind),
                     tmpl_pos(kind.t), &err);
    check_wrong(c, NO_POS, &err);
}

void check_manifests(struct check *c, const struct place *at, const struct tmpl *t,
                     const struct tmpl *cluster)
{
    const struct said where = said_at(at, cluster), list = said_at(at, t);
    const char *name = said_word(&where);

    if (!name)
        name = c->words.clusters.count ? c->words.clusters.items[0] : "main";
    if (!list.t)
        return;
    if (tmpl_is_map(list.t))
        hold_manifest(c, &list, name);
    for (size_t i = 0; !tmpl_is_map(list.t) && tmpl_at(list.t, i, NULL, NULL); i++) {
        const struct said item = said_item(&list, i);

        hold_manifest(c, &item, name);
    }
}

/* ---- components ---- */

static bool is_played(const struct check *c, const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < c->options->player_count; i++)
        if (strncmp(c->options->players[i], name, len) == 0 && c->options->players[i][len] == '=')
            return true;
    return false;
}

static void hold_settings(struct check *c, const struct component *known, const struct said *with)
{
    const char *key;
    struct src_pos pos;

    for (size_t i = 0; with->t && tmpl_is_map(with->t) && tmpl_at(with->t, i, &key, &pos); i++) {
        size_t count = 0;
        struct err err = {0};
        bool found = false;

        for (; known->settings && known->settings[count]; count++)
            found = found || strcmp(known->settings[count], key) == 0;
        if (found)
            continue;
        err_set(&err, ERR_INVALID, pos, "%s: unknown setting '%s'", known->name, key);
        err_suggest_known(&err, key, known->settings, count);
        check_wrong(c, pos, &err);
    }
}

/* Another name than a slip of ours is somebody's program, which may come yet. */
static void hold_component(struct check *c, const char *name, struct src_pos pos)
{
    const char *near = component_nearest(name);
    bool slip = near && err_slip(name, &near, 1);
    struct err err = {0};

    if (!slip && !c->options->warn_players)
        return;
    unknown_component(name, pos, &err);
    if (slip) {
        check_wrong(c, pos, &err);
        return;
    }
    diags_add(c->diags, DIAG_WARNING, pos, "%s", err.msg);
    err_clear(&err);
}

void check_component(struct check *c, const struct place *at, const struct tmpl *name,
                     const struct tmpl *with)
{
    const struct said s = said_at(at, name), settings = said_at(at, with);
    const struct component *known = said_word(&s) ? component_find(said_word(&s)) : NULL;

    if (!said_word(&s) || is_played(c, said_word(&s)))
        return;
    if (known && known->kind == COMPONENT_CONTROLLER)
        hold_settings(c, known, &settings);
    else
        hold_component(c, said_word(&s), tmpl_pos(s.t));
}

/* ---- disks and their moments ---- */

void check_checkpoint(struct check *c, const struct chain_names *chain, const struct said *name)
{
    if (name->t)
        hold(c, &chain->checkpoints, said_word(name), tmpl_pos(name->t), unknown_checkpoint);
}

void check_chain_disk(struct check *c, const struct chain_names *chain, const struct said *name)
{
    if (name->t)
        hold(c, &chain->disks, said_word(name), tmpl_pos(name->t), unknown_chain_disk);
}

/* CHAIN/DISK@CHECKPOINT */
static void hold_chain_moment(struct check *c, const char *moment, struct src_pos pos)
{
    const char *slash = strchr(moment, '/'), *mark = strrchr(moment, '@');
    AUTO(str) char *name = NULL;
    AUTO(str) char *disk = NULL;
    const struct chain_names *chain;
    struct err err = {0};

    if (!slash || !mark || mark < slash) {
        no_chain_moment(moment, pos, &err);
        check_wrong(c, pos, &err);
        return;
    }
    name = mem_strndup(moment, (size_t)(slash - moment));
    disk = mem_strndup(slash + 1, (size_t)(mark - slash - 1));
    hold(c, &c->words.chains, name, pos, unknown_chain);
    chain = vocabulary_chain(&c->words, name);
    if (!chain)
        return;
    hold(c, &chain->disks, disk, pos, unknown_chain_disk);
    hold(c, &chain->checkpoints, mark + 1, pos, unknown_checkpoint);
}

static void hold_moment(struct check *c, const char *target, const char *moment, struct src_pos pos)
{
    if (!target || !moment)
        return;
    if (begins(target, "pvc:") && moment_is_marked(moment))
        hold(c, &c->words.marks, strrchr(moment, '@') ? strrchr(moment, '@') + 1 : moment, pos,
             unknown_mark);
    else if (begins(target, "pvc:"))
        hold_chain_moment(c, moment, pos);
    else
        hold(c, &c->words.marks, moment, pos, unknown_mark);
}

/* ---- expressions ---- */

static void hold_verb(struct check *c, const char *verb, struct src_pos pos)
{
    const char *names[API_VERB_COUNT];
    struct err err = {0};

    for (int i = 0; i < API_VERB_COUNT; i++) {
        names[i] = api_verb_name((enum api_verb)i);
        if (strcmp(names[i], verb) == 0)
            return;
    }
    err_set(&err, ERR_INVALID, pos, "'%s' is no verb of a request", verb);
    err_suggest_known(&err, verb, names, API_VERB_COUNT);
    check_wrong(c, pos, &err);
}

static void hold_argument(struct check *c, enum expr_names names, const struct cel_call *call,
                          size_t i)
{
    const struct cel_literal *a = &call->args[i];

    if (!a->text)
        return;
    switch (names) {
    case EXPR_NAMES_NOTHING:
        return;
    case EXPR_NAMES_KIND:
        hold_kind(c, a->text, a->pos);
        return;
    case EXPR_NAMES_REQUESTED:
        hold_kind_glob(c, a->text, a->pos);
        return;
    case EXPR_NAMES_VERB:
        if (*a->text)
            hold_verb(c, a->text, a->pos);
        return;
    case EXPR_NAMES_FAULT:
        hold(c, &c->words.faults, a->text, a->pos, unknown_fault);
        return;
    case EXPR_NAMES_CHAIN:
        hold(c, &c->words.chains, a->text, a->pos, unknown_chain);
        return;
    case EXPR_NAMES_MOMENT: /* of the target before it */
        hold_moment(c, i ? call->args[i - 1].text : NULL, a->text, a->pos);
        return;
    }
}

static void on_call(void *cookie, const struct cel_call *call)
{
    for (size_t f = 0; f < expr_function_count; f++) {
        if (strcmp(expr_functions[f]->cel.name, call->function) != 0)
            continue;
        for (size_t i = 0; i < call->count && i < EXPR_NAMES_MAX; i++)
            hold_argument(cookie, expr_functions[f]->names[i], call, i);
    }
}

/* What `event` is compared with. */
static void on_compared(void *cookie, const char *variable, const char *field,
                        const struct cel_literal *with)
{
    if (strcmp(variable, "event") != 0 || !*with->text)
        return;
    if (strcmp(field, "by") == 0)
        hold_actor(cookie, with->text, with->pos);
    else if (strcmp(field, "kind") == 0)
        hold_kind_glob(cookie, with->text, with->pos);
    else if (strcmp(field, "cluster") == 0)
        hold_cluster_glob(cookie, with->text, with->pos);
    else if (strcmp(field, "verb") == 0)
        hold_verb(cookie, with->text, with->pos);
}

/* ---- the walk ---- */

static void on_given(void *cookie, const struct place *at, const struct given *g)
{
    if (g->item != &given_cluster)
        check_cluster(cookie, at, g->cluster);
    if (g->item->part)
        check_cluster(cookie, at, g->args);
    if (g->item->names)
        g->item->names(cookie, at, g);
}

static void on_step(void *cookie, const struct place *at, const struct step *s)
{
    check_cluster(cookie, at, s->cluster);
    if (s->verb->names)
        s->verb->names(cookie, at, s);
}

static void on_condition(void *cookie, const struct place *at, const struct condition *c)
{
    struct said target, moment;

    if (!c->spec)
        return;
    if (c->kind != CONDITION_DISK) {
        check_reference(cookie, at, c->spec);
        return;
    }
    target = said_at(at, tmpl_get(c->spec, "disk"));
    moment = said_at(at, tmpl_get(c->spec, "equals"));
    if (moment.t)
        hold_moment(cookie, said_word(&target), said_word(&moment), tmpl_pos(moment.t));
}

static void on_selector(void *cookie, const struct place *at, const struct selector_on *s)
{
    if (!s->is_call) { /* of a service, which has a name of its own */
        check_kind_glob(cookie, at, s->kind);
        check_cluster_glob(cookie, at, s->cluster);
    }
    check_actor_glob(cookie, at, s->by);
}

void scenario_check(const struct unit *u, const struct check_options *options,
                    struct apiserver *base, struct diags *diags)
{
    struct check c = {.options = options, .unit = u, .diags = diags};
    const struct cel_visitor expressions = {.call = on_call, .compared = on_compared, .cookie = &c};
    const struct walker w = {.given = on_given,
                             .step = on_step,
                             .condition = on_condition,
                             .selector = on_selector,
                             .expressions = &expressions,
                             .cookie = &c};

    vocabulary_read(&c.words, u, base);
    c.words.processes.open = c.words.processes.open || options->visitors;
    walk_scenario(u, &w);
    vocabulary_finish(&c.words);
    diags_sort(diags);
}
