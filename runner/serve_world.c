/* What is served: the world that a scenario's `given` sets up, or one with the whole platform and
 * the objects of files. */
#include <errno.h>
#include <string.h>

#include "base/folder.h"
#include "base/mem.h"
#include "runner/serve.h"
#include "sim/controllermanager/controllermanager.h"
#include "sim/kubelet/kubelet.h"
#include "sim/kubevirt/kubevirt.h"
#include "sim/storage/storage.h"

static int make_folder(struct serve *s, struct err *reterr)
{
    const char *base = getenv("TMPDIR");

    s->dir = mem_printf("%s/vmconform-XXXXXX", base && *base ? base : "/tmp");
    if (mkdtemp(s->dir))
        return 0;
    free(TAKE(s->dir));
    return err_set_errno(reterr, errno, NO_POS, "cannot make a folder in %s",
                         base && *base ? base : "/tmp");
}

static int choose_case(struct serve *s, const char *path, struct err *reterr)
{
    const struct collect_filter filter = {
        .glob = s->options->filter,
        .check = {.visitors = true,
                  .players = s->options->implementations.items,
                  .player_count = s->options->implementations.count}};
    char *paths[] = {(char *)path};

    if (collect(&s->scenarios, paths, 1, &filter) < 0)
        return err_set(reterr, ERR_INVALID, NO_POS, "'%s' cannot be used", path);
    if (s->scenarios.case_count == 1)
        return 0;
    err_set(reterr, ERR_INVALID, NO_POS, "'%s' has %zu cases%s%s, and one can be served", path,
            s->scenarios.case_count, s->options->filter ? " that match " : "",
            s->options->filter ? s->options->filter : "");
    return err_hint(reterr, "'vmconform list %s' names them; --filter NAME chooses", path);
}

static int stage_scenario(struct serve *s, const char *path, struct err *reterr)
{
    const struct planned_case *c;

    if (choose_case(s, path, reterr) < 0 || serve_check_players(s, reterr) < 0 ||
        make_folder(s, reterr) < 0)
        return -1;
    c = &s->scenarios.cases[0];
    s->case_options = (struct case_options){.seed = s->options->seed,
                                            .dir = s->dir,
                                            .events_max = UINT64_MAX,
                                            .start_ns = s->options->start_ns,
                                            .player = serve_player,
                                            .player_cookie = s};
    s->staged = case_stage(c->unit, c->values, &s->case_options, reterr);
    if (!s->staged)
        return -1;
    s->world = staged_case_world(s->staged);
    s->cluster_count = world_cluster_count(s->world);
    return 0;
}

static int stage_platform(struct serve *s, struct err *reterr)
{
    const char *name = s->options->cluster ? s->options->cluster : "main";
    struct cluster *c;

    if (serve_check_players(s, reterr) < 0)
        return -1;
    s->world = world_create(
        &(struct world_config){.seed = s->options->seed, .start_ns = s->options->start_ns});
    s->own_world = true;
    c = kcm_add_cluster(s->world, name, reterr);
    if (!c || storage_start(c, reterr) < 0 || kubelet_start(c, reterr) < 0)
        return -1;
    return kubevirt_start(c, reterr);
}

/* Their names become those of files. */
static int check_name(struct serve *s, const struct cluster *c, struct err *reterr)
{
    const char *name = cluster_name(c);

    if (serve_player(s, name) == PLAYER_OUTSIDE)
        return err_set(reterr, ERR_INVALID, NO_POS,
                       "'%s' is a cluster and a component: there is no kubeconfig for both", name);
    if (serve_is_file_name(name))
        return 0;
    err_set(reterr, ERR_INVALID, NO_POS,
            "a cluster that is served beside others has a name of letters, digits, '-', '_' and "
            "'.', found '%s'",
            name);
    return err_hint(reterr, "--cluster NAME serves one alone");
}

/* The one that is asked for, or all. */
static int choose_clusters(struct serve *s, struct err *reterr)
{
    AUTO(strbuf) struct strbuf names = {0};
    struct cluster *one = world_cluster(s->world, s->options->cluster);

    s->count = s->options->cluster ? 1 : world_cluster_count(s->world);
    s->clusters = mem_zalloc((s->count + 1) * sizeof *s->clusters);
    for (size_t i = 0; i < s->count; i++) {
        struct cluster *c = s->options->cluster ? one : world_cluster_at(s->world, i);

        s->clusters[i] = (struct served){.serve = s, .cluster = c};
        if (s->count > 1 && check_name(s, c, reterr) < 0)
            return -1;
    }
    if (one)
        return 0;
    for (size_t i = 0; i < world_cluster_count(s->world); i++)
        strbuf_addf(&names, "%s%s", i ? ", " : "", cluster_name(world_cluster_at(s->world, i)));
    err_set(reterr, ERR_NOT_FOUND, NO_POS, "no cluster is called '%s'", s->options->cluster);
    return err_hint(reterr, "the scenario has %s", strbuf_str(&names));
}

int serve_make_world(struct serve *s, struct err *reterr)
{
    struct manifests m = {0};
    int r = -1;

    if (manifests_load(&m, &s->options->files) < 0)
        err_set(reterr, ERR_INVALID, NO_POS, "the files of --world cannot be used");
    else if ((m.scenario ? stage_scenario(s, m.scenario, reterr) : stage_platform(s, reterr)) ==
                 0 &&
             choose_clusters(s, reterr) == 0)
        r = manifests_create(&m, cluster_server(s->clusters[0].cluster), reterr);
    manifests_finish(&m);
    /* Everybody knows the seed: a token made from it alone would open any server. */
    return r < 0 ? -1 : tls_random(s->secret, sizeof s->secret, reterr);
}

void serve_end_world(struct serve *s)
{
    staged_case_destroy(s->staged);
    if (s->own_world)
        world_destroy(s->world);
    collection_finish(&s->scenarios);
    if (s->dir)
        folder_remove(s->dir);
    free(s->dir);
    free(s->clusters);
}
