/* What strangers put into the Authorization header and the Impersonate headers. The first line is
 * the header's value, every other line "Name: value". Nobody gets in who was not let in: a token
 * that this server did not sign is a refusal. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "sim/auth/auth.h"

#define HEADERS_MAX 300

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct place {
    struct sched *sched;
    struct apiserver *server;
    struct auth *auth;
    char *token; /* a good one */
};

static struct place *place_get(void)
{
    static struct place p;
    if (p.auth)
        return &p;
    json_init();
    const struct sched_config sc = {.seed = 1};
    p.sched = sched_create(&sc);
    p.server = apiserver_create(p.sched, "main");
    const struct auth_config ac = {
        .server = p.server, .sched = p.sched, .anonymous = true, .rbac = true};
    p.auth = auth_create(&ac);
    p.token = auth_issue_token(p.auth, "kubernetes-admin", NULL, SCHED_NEVER);
    return &p;
}

static void authenticate(struct place *p, const char *header)
{
    const struct auth_credentials c = {.authorization = header};
    AUTO(auth_identity) struct auth_identity who = {0};
    AUTO(response) struct api_response ret = {0};
    if (auth_authenticate(p->auth, &c, &who, &ret) < 0)
        assert(ret.code == 401);
    else
        assert(strcmp(who.id.name, "system:anonymous") == 0 || strstr(header, p->token));
}

static void impersonate(struct place *p, const char *name, const struct auth_header *headers,
                        size_t count)
{
    AUTO(auth_identity) struct auth_identity who = {0};
    AUTO(auth_identity) struct auth_identity other = {0};
    AUTO(response) struct api_response ret = {0};
    auth_identity_of_name(name, &who);
    if (auth_impersonate(p->auth, &who.id, headers, count, &other, &ret) < 0)
        assert(ret.code == 400 || ret.code == 403);
    else
        assert(!other.storage || strcmp(name, "jane") != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct place *p = place_get();
    AUTO(str) char *text = mem_strndup((const char *)data, size);
    struct auth_header headers[HEADERS_MAX];
    size_t count = 0;
    char *line = strchr(text, '\n');
    if (line)
        *line++ = '\0';
    authenticate(p, text);
    while (line && *line && count < HEADERS_MAX) {
        char *next = strchr(line, '\n'), *colon = strchr(line, ':');
        if (next)
            *next++ = '\0';
        if (colon && (!next || colon < next)) {
            *colon++ = '\0';
            headers[count++] = (struct auth_header){line, colon + strspn(colon, " ")};
        }
        line = next;
    }
    impersonate(p, "jane", headers, count);
    impersonate(p, "kubernetes-admin", headers, count);
    return 0;
}
