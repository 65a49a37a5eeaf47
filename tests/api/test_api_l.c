/* L. What a server of release 1.32 answered to requests that the checklist does not have. */
#include "tests/api/harness.h"

#define DEPLOYMENTS "/apis/apps/v1/namespaces/default/deployments"
#define POD_SPEC "{'containers':[{'name':'c','image':'i'}]}"
#define DEPLOYMENT(name)                                                                           \
    "{'metadata':{'name':'" name "'},'spec':{'selector':{'matchLabels':{'a':'b'}},"                \
    "'template':{'metadata':{'labels':{'a':'b'}},'spec':" POD_SPEC "}}}"

/* Clients in Python and JavaScript read status.readyReplicas of what was just made. */
static void l01(void)
{
    const struct answer *a = post(DEPLOYMENTS, DEPLOYMENT("d"));

    want_code(a, 201);
    want_json(a, "status", "{}");
    want_json(get(DEPLOYMENTS), "items.0.status", "{}");
    a = post("/apis/apps/v1/namespaces/default/replicasets", DEPLOYMENT("r"));
    want_json(a, "status", "{'replicas':0}");
    a = post("/apis/policy/v1/namespaces/default/poddisruptionbudgets",
             "{'metadata':{'name':'b'},'spec':{'minAvailable':1,'selector':{}}}");
    want_code(a, 201);
    want_num(a, "status.disruptionsAllowed", 0);
    a = post(DEFAULT_NS "events", "{'metadata':{'name':'e'},'involvedObject':{'namespace':"
                                  "'default'}}");
    want_json(a, "source", "{}");
    want_json(a, "eventTime", "null");
    want_str(a, "reportingComponent", "");
    a = ask("GET", DEPLOYMENTS "/d", "Accept: application/yaml", NULL);
    want_part(a, "\nstatus: {}");
}

static const struct row rows[] = {
    {"L01", "what nobody set of a built-in type is there as its zero value", ROW_BARE, l01},
};
ROWS_MAIN(rows)
