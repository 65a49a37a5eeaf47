/* Requests of `serve` as requests in its world.
 *
 * A world of files has nothing to say to a request. The world of a scenario may have faults, hooks
 * and a trace: there each request runs on an actor of a process that is called as its user. */
#include <string.h>

#include "base/mem.h"
#include "runner/bridge_world.h"
#include "runner/serve.h"

/* A component that is outside is known by its own name, to faults and in traces. */
static const char *name_of(const struct serve *s, const char *user)
{
    for (size_t i = 0; i < s->player_count; i++)
        if (s->players[i].who == PLAYER_OUTSIDE && strcmp(s->players[i].user, user) == 0)
            return s->players[i].name;
    return user;
}

/* The process that stands for a user. One that a fault has crashed has been restarted by whoever
 * starts clients: the next request finds a new one. */
static struct process *process_of(struct serve *s, const char *user)
{
    const char *name = name_of(s, user);
    struct process *p = strmap_get(s->processes, name);

    if (!p || process_crashed(p)) {
        p = process_create(world_sched(s->world), name);
        strmap_put(s->processes, name, p);
    }
    return p;
}

static struct process *process_for(void *cookie, struct rest *rest, const struct rest_request *req)
{
    struct served *c = cookie;
    const struct auth_credentials shown = {.authorization = rest_header(req, "Authorization"),
                                           .certificate = req->certificate};
    AUTO(auth_identity) struct auth_identity who = {0};
    AUTO(response) struct api_response refusal = {0};

    (void)rest;
    if (auth_authenticate(c->auth, &shown, &who, &refusal) < 0 || !who.id.name)
        return process_of(c->serve, "system:anonymous");
    return process_of(c->serve, who.id.name);
}

static struct rest *rest_of(void *cookie, struct rest_request *req)
{
    (void)req;
    return ((struct served *)cookie)->rest;
}

void serve_bridge_start(struct served *c)
{
    c->bridge = (struct bridge){
        .rest = rest_of, .process = c->serve->staged ? process_for : NULL, .cookie = c};
}

/* ---- the world's side ---- */

static void request(void *cookie, const struct api_request *req, struct api_response *ret)
{
    bridge_request(((struct served *)cookie)->cluster, req, ret);
}

static struct rest_source watch(void *cookie, const struct api_request *req,
                                struct api_response *ret_error)
{
    return bridge_watch(((struct served *)cookie)->cluster, req, ret_error);
}

struct rest_backend serve_backend(struct served *c)
{
    if (!c->serve->staged)
        return (struct rest_backend){.request = NULL};
    return (struct rest_backend){.request = request, .watch = watch, .cookie = c};
}
