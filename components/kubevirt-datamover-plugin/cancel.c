/* Asking a mover to stop. */
#include "base/json.h"
#include "components/kubevirt-datamover-plugin/plugin.h"
#include "kube/time.h"

#define TRIES 3
#define FIRST_WAIT_NS (200 * NS_PER_MS)
#define TOTAL_NS (45 * NS_PER_S)

static enum answer patch(struct plugin *p, const struct kind *k, const char *name,
                         struct err *reterr)
{
    AUTO(json) json_t *body = json_pack("{s:{s:b}}", "spec", "cancel", 1);
    const struct api_request req = {.verb = API_PATCH,
                                    .resource = k->resource,
                                    .ns = p->ns,
                                    .name = name,
                                    .body = body,
                                    .patch = PATCH_MERGE};

    return client_ask(&p->client, &req, NULL, reterr);
}

int plugin_cancel(struct plugin *p, const struct kind *k, const char *name, struct err *reterr)
{
    int64_t until = host_now(p->host) + TOTAL_NS, wait = FIRST_WAIT_NS;

    for (unsigned i = 1;; i++, wait *= 2) {
        struct err err = {0};
        enum answer a = patch(p, k, name, &err);

        if (a == ANSWER_OK || a == ANSWER_NOT_FOUND) {
            err_clear(&err);
            return 0;
        }
        if (a == ANSWER_CRASHED || i == TRIES || host_now(p->host) + wait > until)
            return err_move(reterr, &err);
        err_clear(&err);
        if (host_sleep(p->host, wait) == HOST_CRASHED)
            return err_set(reterr, ERR_CRASHED, NO_POS, "crashed");
    }
}
