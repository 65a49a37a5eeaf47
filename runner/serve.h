/* `vmconform serve`: a world, its REST interface, and the servers that carry it. Visible inside
 * runner/ only. */
#ifndef VMCONFORM_RUNNER_SERVE_H
#define VMCONFORM_RUNNER_SERVE_H

#include "base/strmap.h"
#include "net/http_server.h"
#include "net/loop.h"
#include "net/tls.h"
#include "runner/bridge.h"
#include "runner/case.h"
#include "runner/collect.h"
#include "runner/options.h"
#include "sim/auth/auth.h"
#include "sim/rest/rest.h"
#include "sim/world.h"

#define SERVE_SECRET_BYTES 32

/* What the command line says. */
struct serve_options {
    const char *address, *unix_path, *tls, *kubeconfig, *cluster, *speed, *start, *filter;
    uint64_t seed, connections;
    struct option_list as, service_accounts, files, implementations;
    bool rbac, no_rbac, anonymous, help;
    double speed_value;
    int64_t start_ns;
    bool use_tls;
};

/* A component of the scenario that is not ours to play, or is said to be. */
struct serve_player {
    char *name, *user;
    enum case_player who;
};

/* One cluster, and what clients reach of it. */
struct served {
    struct serve *serve;
    struct cluster *cluster;
    struct tls_ca *ca; /* of its own, as is who may enter; NULL: no TLS */
    struct tls_pair server_pair;
    struct bridge bridge;
    struct auth *auth;
    struct rest *rest;
    struct http_server *tcp, *local;
};

struct serve {
    const struct serve_options *options;
    /* The world: of a scenario, or one of our own. */
    struct collection scenarios;
    struct case_options case_options;
    struct staged_case *staged;
    char *dir; /* for the real files of a scenario, removed at the end; NULL: none */
    struct world *world;
    bool own_world;
    struct served *clusters; /* that are served, in the order of the world */
    size_t count;
    unsigned char secret[SERVE_SECRET_BYTES]; /* of tokens: new at each start */
    struct loop *loop;
    struct strmap *processes; /* that stand for users, by their names */
    struct serve_player *players;
    size_t player_count;
    size_t cluster_count; /* that there were when the given stood still */
    bool unstaged;        /* it could not be set */
};

/* ---- who plays what (serve_players.c) ---- */

int serve_read_players(struct serve *s, struct err *reterr);
/* After the scenario is known: it starts those components. */
int serve_check_players(const struct serve *s, struct err *reterr);
void serve_forget_players(struct serve *s);
/* Whether it can stand behind the path of a kubeconfig. */
bool serve_is_file_name(const char *name);
/* cookie is the struct serve. */
enum case_player serve_player(void *cookie, const char *component);
/* The given goes on, now that everything is served. */
void serve_go_on(struct serve *s);

/* ---- the world (serve_world.c) ---- */

/* And the secret of those who may enter. */
int serve_make_world(struct serve *s, struct err *reterr);
void serve_end_world(struct serve *s);

/* ---- objects from files (serve_files.c) ---- */

/* One document of a file. */
struct manifest {
    json_t *object;
    struct src_pos pos;
};
struct manifests {
    struct manifest *items;
    size_t count, cap;
    const char *scenario; /* the file that is one, borrowed; NULL: none */
};
/* Errors are printed as they are found. */
int manifests_load(struct manifests *m, const struct option_list *files);
void manifests_finish(struct manifests *m);
/* Definitions first, then the others as they stand. */
int manifests_create(const struct manifests *m, struct apiserver *server, struct err *reterr);

/* ---- requests (serve_bridge.c) ---- */

/* Before the servers start. */
void serve_bridge_start(struct served *c);
/* The backend of the REST interface; zeroed when the world has nothing to say to requests. */
struct rest_backend serve_backend(struct served *c);

/* ---- credentials (serve_kubeconfig.c) ---- */

/* Names that can stand in a kubeconfig, each of them once. */
int serve_check_names(const struct serve_options *o, struct err *reterr);
/* The namespace and the object of an account that the command line names. */
int serve_make_accounts(struct serve *s, struct err *reterr);
int serve_make_certificates(struct served *c, struct err *reterr);
/* Of all clusters; beside it PATH.CLUSTER of each cluster when they are several, and
 * PATH.COMPONENT, whose current context is that of a component that is outside. Each atomically,
 * with mode 0600. */
int serve_write_kubeconfigs(struct serve *s, const char *path, struct err *reterr);

#endif
