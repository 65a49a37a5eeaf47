/* A controller that puts out every lamp that has been shining for long enough. */
#include "base/json.h"
#include "base/mem.h"
#include "components/component.h"
#include "components/runtime/client.h"
#include "components/runtime/config.h"
#include "components/runtime/controller.h"
#include "components/runtime/informer.h"
#include "components/runtime/runtime.h"
#include "kube/time.h"

static const struct kind LAMP = {{"example.com", "v1", "lamps"}, "Lamp"};

struct porter {
    struct client client;
    int64_t after_ns;
};

static bool put_out(json_t *lamp, void *cookie)
{
    (void)cookie;
    json_object_set_new(json_object_get(lamp, "spec"), "on", json_false());
    return true;
}

/* Looks at the server, never at a cache, before it acts; may run again after a crash anywhere. */
static int reconcile(void *cookie, const char *ns, const char *name, struct reconcile_result *ret,
                     struct err *reterr)
{
    struct porter *p = cookie;
    AUTO(json) json_t *lamp = NULL;
    struct err err = {0};
    enum answer a = client_get(&p->client, &LAMP, ns, name, &lamp, &err);
    int64_t since, left;

    if (a == ANSWER_OK && json_bool(lamp, "spec.on", false) &&
        time_parse(json_str_or_empty(lamp, "status.since"), &since)) {
        left = since + p->after_ns - host_now(p->client.host);
        if (left > 0) {
            reconcile_after(ret, left);
            return 0;
        }
        a = client_change(&p->client, &LAMP, ns, name, NULL, put_out, NULL, NULL, &err);
    }
    if (a != ANSWER_OK && a != ANSWER_NOT_FOUND)
        return err_move(reterr, &err);
    err_clear(&err);
    return 0;
}

static const char *const settings[] = {"after", NULL};

static int run(struct host *h, const json_t *config, struct err *reterr)
{
    AUTO(runtime) struct runtime *rt = runtime_create(h);
    struct porter *p = mem_zalloc(sizeof *p);
    const struct config_setting known[] = {{"after", CONFIG_DURATION, &p->after_ns}};
    struct controller *c;

    runtime_own(rt, p, free); /* the last task frees it, however it ends */
    *p = (struct porter){.client = {.host = h}, .after_ns = 3600 * NS_PER_S};
    config_told(settings, known, ARRAY_LEN(known));
    if (config_read(config, known, ARRAY_LEN(known), reterr) < 0)
        return err_wrap(reterr, NO_POS, "night-porter");
    c = controller_create(rt, &(struct controller_config){
                                  .name = "night-porter", .reconcile = reconcile, .cookie = p});
    controller_watch_self(
        c, informer_create(rt, &(struct informer_config){.client = p->client, .kind = &LAMP}), NULL,
        NULL);
    return runtime_run(rt, reterr);
}

const struct component night_porter_component = {
    .name = "night-porter",
    .kind = COMPONENT_CONTROLLER,
    .user = "system:serviceaccount:house:night-porter",
    .settings = settings,
    .run = run,
};
