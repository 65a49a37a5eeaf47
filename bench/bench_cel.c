/* What expressions of admission policies cost: compiled once, evaluated per request. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/wall.h"
#include "cel/cel.h"

enum { COMPILES = 2000, EVALUATIONS = 200000, ROUNDS = 5 };

static const char *const variables[] = {"object", "oldObject", "request", "params", NULL};
static const struct cel_env env = {.variables = variables};

static const struct {
    const char *what, *text;
} expressions[] = {
    {"VM delete protection",
     "!has(oldObject.metadata.labels) || !('kubevirt.io/vm-delete-protection' in "
     "oldObject.metadata.labels) || "
     "!oldObject.metadata.labels['kubevirt.io/vm-delete-protection'].matches('^(true|True)$')"},
    {"who may delete a revision", "request.userInfo.username in "
                                  "['system:serviceaccount:kube-system:generic-garbage-collector', "
                                  "'system:serviceaccount:kubevirt:kubevirt-controller']"},
    {"the message of a denial",
     "'VirtualMachine ' + string(oldObject.metadata.name) + ' cannot be deleted'"},
    {"replicas within a limit", "object.spec.replicas <= params.maxReplicas"},
    {"images of one registry",
     "object.spec.template.spec.containers.all(c, c.image.startsWith('registry.example.com/'))"},
    {"no privileged container",
     "!object.spec.template.spec.containers.exists(c, has(c.securityContext) && "
     "has(c.securityContext.privileged) && c.securityContext.privileged)"},
    {"labels that must be there", "['app', 'team', 'tier'].all(k, k in object.metadata.labels)"},
    {"an immutable field", "object.spec.selector == oldObject.spec.selector"},
    {"optional fields",
     "object.?metadata.?annotations['example.com/owner'].orValue('nobody') != ''"},
    {"quantities", "object.spec.template.spec.containers.all(c, "
                   "quantity(c.resources.limits.memory).isLessThan(quantity('16Gi')))"},
};

static const char object_text[] =
    "{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{\"name\":\"web\","
    "\"namespace\":\"shop\",\"uid\":\"0c7b6d0e-3f4c-4f1e-9d51-7f3b6b1b2c3d\","
    "\"labels\":{\"app\":\"web\",\"team\":\"sales\",\"tier\":\"front\","
    "\"kubevirt.io/vm-delete-protection\":\"true\"},"
    "\"annotations\":{\"example.com/owner\":\"ann\"}},"
    "\"spec\":{\"replicas\":3,\"selector\":{\"matchLabels\":{\"app\":\"web\"}},"
    "\"template\":{\"spec\":{\"containers\":["
    "{\"name\":\"a\",\"image\":\"registry.example.com/a:1\",\"resources\":{\"limits\":{"
    "\"memory\":\"512Mi\"}}},"
    "{\"name\":\"b\",\"image\":\"registry.example.com/b:2\",\"resources\":{\"limits\":{"
    "\"memory\":\"2Gi\"}},\"securityContext\":{\"privileged\":false}}]}}}}";
static const char request_text[] =
    "{\"userInfo\":{\"username\":\"system:serviceaccount:kubevirt:kubevirt-controller\"}}";

static json_t *read_text(const char *text, size_t len)
{
    AUTO(err) struct err e = {0};
    json_t *v = json_read(text, len, "object", &e);
    if (!v) {
        fprintf(stderr, "bench_cel: %s\n", e.msg);
        exit(1);
    }
    return v;
}

static struct cel_program *compiled(const char *text)
{
    AUTO(err) struct err e = {0};
    struct cel_program *p = cel_compile(text, &env, NO_POS, &e);
    if (!p) {
        fprintf(stderr, "bench_cel: %s: %s\n", text, e.msg);
        exit(1);
    }
    return p;
}

/* The least of some rounds, in nanoseconds each. */
static double compile_ns(const char *text)
{
    double best = 0;
    for (int round = 0; round < ROUNDS; round++) {
        int64_t begin = wall_monotonic_ns();
        for (int i = 0; i < COMPILES; i++)
            cel_program_destroy(compiled(text));
        double each = (double)(wall_monotonic_ns() - begin) / COMPILES;
        best = round == 0 || each < best ? each : best;
    }
    return best;
}

static double evaluate_ns(const char *text, const struct cel_binding *bindings)
{
    AUTO(cel_program) struct cel_program *p = compiled(text);
    AUTO(cel_context) struct cel_context *c = cel_context_create();
    double best = 0;
    for (int round = 0; round < ROUNDS; round++) {
        int64_t begin = wall_monotonic_ns();
        for (int i = 0; i < EVALUATIONS; i++) {
            AUTO(err) struct err e = {0};
            struct cel_value v;
            if (cel_eval(p, c, bindings, NULL, 0, &v, &e) < 0) {
                fprintf(stderr, "bench_cel: %s: %s\n", text, e.msg);
                exit(1);
            }
        }
        double each = (double)(wall_monotonic_ns() - begin) / EVALUATIONS;
        best = round == 0 || each < best ? each : best;
    }
    return best;
}

int main(void)
{
    json_init();
    AUTO(json) json_t *object = read_text(object_text, sizeof(object_text) - 1);
    AUTO(json) json_t *request = read_text(request_text, sizeof(request_text) - 1);
    AUTO(json) json_t *params = json_pack("{s:i}", "maxReplicas", 5);
    const struct cel_binding bindings[] = {
        {.json = object}, {.json = object}, {.json = request}, {.json = params}};
    for (size_t i = 0; i < ARRAY_LEN(expressions); i++) {
        double each = evaluate_ns(expressions[i].text, bindings);
        printf("%-28s compile %7.0f ns, evaluate %6.0f ns, %10.0f /s\n", expressions[i].what,
               compile_ns(expressions[i].text), each, 1e9 / each);
    }
    return 0;
}
