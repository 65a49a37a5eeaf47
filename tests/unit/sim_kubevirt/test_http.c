/* virt-api's commands as bytes: what virtctl sends, what comes back. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "sim/auth/auth.h"
#include "sim/controllermanager/controllermanager.h"
#include "sim/kubevirt/kubevirt.h"
#include "sim/rest/rest.h"
#include "tests/unit/suite.h"

#define COMMANDS "/apis/subresources.kubevirt.io/v1/namespaces/default/virtualmachines/a/"
#define MACHINES "/apis/kubevirt.io/v1/namespaces/default/virtualmachines"

static const char machine[] =
    "{\"apiVersion\":\"kubevirt.io/v1\",\"kind\":\"VirtualMachine\",\"metadata\":{\"name\":\"a\"},"
    "\"spec\":{\"runStrategy\":\"Halted\",\"template\":{\"spec\":{}}}}";

static const struct exchange {
    const char *name, *method, *target, *body;
    int code;
    const char *text; /* in the answer; NULL: the answer is empty */
} exchanges[] = {
    {"create", "POST", MACHINES, machine, 201, "\"name\":\"a\""},
    {"refused", "PUT", COMMANDS "stop", "{}", 409,
     "Operation cannot be fulfilled on virtualmachine.kubevirt.io \\\"a\\\": VM is not running"},
    {"options of another shape", "PUT", COMMANDS "start", "[]", 400, "BadRequest"},
    {"no json", "PUT", COMMANDS "start", "{", 400, "BadRequest"},
    {"wrong method", "GET", COMMANDS "start", "", 405, "MethodNotAllowed"},
    {"unknown command", "PUT", COMMANDS "explode", "", 404, "404"},
    {"dry run", "PUT", COMMANDS "start", "{\"dryRun\":[\"All\"]}", 202, NULL},
    {"still halted", "GET", MACHINES "/a", "", 200, "\"runStrategy\":\"Halted\""},
    {"no body at all", "PUT", COMMANDS "start", "", 202, NULL},
    {"started", "GET", MACHINES "/a", "", 200, "\"runStrategy\":\"Always\""},
    {"the older version", "PUT",
     "/apis/subresources.kubevirt.io/v1alpha3/namespaces/default/virtualmachines/a/stop", "", 202,
     NULL},
    {"not simulated", "PUT", COMMANDS "migrate", "", 501, "live migration is not simulated"},
    {"graph", "GET", COMMANDS "objectgraph", "", 200, "\"kind\":\"VirtualMachine\""},
    {"discovery", "GET", "/apis/subresources.kubevirt.io/v1", "", 200,
     "\"name\":\"virtualmachines/start\""},
    {"an object still needs a body", "POST", MACHINES, "", 400, "BadRequest"},
};

static void exchange(struct rest *r, const struct exchange *x)
{
    const struct rest_header headers[] = {{"Content-Type", "application/json"},
                                          {"Accept", "application/json, */*"}};
    const struct rest_request req = {.method = x->method,
                                     .target = x->target,
                                     .headers = headers,
                                     .header_count = 2,
                                     .body = x->body,
                                     .body_len = strlen(x->body)};
    struct rest_answer a = {0};
    rest_handle(r, &req, &a);
    const char *got = strbuf_str(&a.body);
    ck_assert_msg(a.code == x->code, "%s: want %d, got %d: %s", x->name, x->code, a.code, got);
    if (x->text)
        ck_assert_msg(strstr(got, x->text) != NULL, "%s: %s", x->name, got);
    else
        ck_assert_msg(a.body.len == 0, "%s: %s", x->name, got);
    rest_answer_finish(&a);
}

/* 0: everybody may; 1: roles are asked, by virt-api's own identity too. */
START_TEST(in_a_row)
{
    const struct world_config config = {.seed = 1};
    struct err e = {0};
    AUTO(world) struct world *w = world_create(&config);
    struct cluster *c = kcm_add_cluster(w, "main", &e);
    ck_assert(c && storage_start(c, &e) == 0 && kubevirt_start(c, &e) == 0);
    const struct auth_config roles = {
        .server = cluster_server(c), .sched = world_sched(w), .rbac = _i == 1};
    AUTO(auth) struct auth *auth = auth_create(&roles);
    ck_assert(auth != NULL);
    const struct rest_config how = {.server = cluster_server(c), .sched = world_sched(w)};
    AUTO(rest) struct rest *r = rest_create(&how);
    for (size_t i = 0; i < ARRAY_LEN(exchanges); i++)
        exchange(r, &exchanges[i]);
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN("sim.kubevirt.http", SUITE_CASE("http", RANGE(in_a_row, 0, 2)));
}
