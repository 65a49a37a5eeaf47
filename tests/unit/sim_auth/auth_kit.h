/* What the tests of sim/auth share: a world whose one cluster has authentication. */
#ifndef VMCONFORM_TESTS_UNIT_SIM_AUTH_AUTH_KIT_H
#define VMCONFORM_TESTS_UNIT_SIM_AUTH_AUTH_KIT_H

#include "kube/time.h"
#include "sim/auth/auth.h"
#include "tests/unit/sim/kit.h"

struct auth_kit {
    struct kit k;
    struct auth *auth;
};

/* The kit is taken over. */
__attribute__((unused)) static struct auth_kit auth_kit_of(struct kit k, bool anonymous, bool rbac)
{
    struct auth_kit kit = {.k = k};
    const struct auth_config config = {.server = kit.k.server,
                                       .sched = world_sched(kit.k.world),
                                       .anonymous = anonymous,
                                       .rbac = rbac};
    kit.auth = auth_create(&config);
    return kit;
}

__attribute__((unused)) static struct auth_kit auth_kit_create(bool anonymous, bool rbac)
{
    return auth_kit_of(kit_create(), anonymous, rbac);
}

__attribute__((unused)) static void cleanup_auth_kit(struct auth_kit *kit)
{
    auth_destroy(kit->auth);
    world_destroy(kit->k.world);
}

/* "name[group group]", with " uid=UID" when there is one. New. */
__attribute__((unused)) static char *identity_text(const struct api_identity *id)
{
    AUTO(strbuf) struct strbuf out = {0};
    strbuf_addf(&out, "%s[", id->name);
    for (size_t i = 0; id->groups && id->groups[i]; i++)
        strbuf_addf(&out, "%s%s", i ? " " : "", id->groups[i]);
    strbuf_addf(&out, "]%s%s", id->uid ? " uid=" : "", id->uid ? id->uid : "");
    return strbuf_take(&out);
}

__attribute__((unused)) static void nothing_due(void *cookie)
{
    (void)cookie;
}

/* Lets the clock run on by so much. */
__attribute__((unused)) static void auth_advance(struct auth_kit *kit, int64_t ns)
{
    struct sched *s = world_sched(kit->k.world);
    int64_t until = sched_now(s) + ns;
    sched_post(s, until, nothing_due, NULL);
    sched_run(s, until);
    ck_assert_int_eq(sched_now(s), until);
}

/* An object of any kind, straight into the server as its admin; body is taken. The answer is new.
 */
__attribute__((unused)) static json_t *auth_put(struct auth_kit *kit, const char *group,
                                                const char *plural, const char *ns, json_t *body)
{
    AUTO(json) json_t *held = body;
    const struct api_request req = {
        .verb = API_CREATE, .resource = {group, "v1", plural}, .ns = ns, .body = held};
    return kit_send(&kit->k, &req, 201);
}

#define WANT_TEXT(row, have, want)                                                                 \
    ck_assert_msg(strcmp((have), (want)) == 0, "%s: want '%s', got '%s'", (row), (want), (have))

#endif
