/* Objects of built-in kinds as people write them. */
#include "runner/manifest.h"

#include <string.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "tests/unit/suite.h"

#define POD(rest) "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n" rest
#define CM(rest) "apiVersion: v1\nkind: ConfigMap\n" rest
#define DEPLOYMENT(rest) "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\n" rest

static const struct row {
    const char *name, *text;
    bool holes;
    const char *want; /* "line:column: message; hint", each on a line; "" when all is well */
} rows[] = {
    {"right", POD("spec:\n  containers: [{name: c, image: i, ports: [{containerPort: 80}]}]\n"),
     false, ""},
    {"a field that is near one", POD("spec:\n  contianers: []\n"), false,
     "5:3: Pod: unknown field 'spec.contianers'; did you mean 'containers'?\n"},
    {"near none", POD("xyzzy: 1\n"), false, "4:1: Pod: unknown field 'xyzzy'\n"},
    {"deep, in a list",
     DEPLOYMENT("spec:\n  template:\n    spec:\n      containers:\n"
                "        - {name: c}\n        - {name: d, imagePullPolice: x}\n"),
     false,
     "9:21: Deployment: unknown field 'spec.template.spec.containers[1].imagePullPolice'; did you "
     "mean 'imagePullPolicy'?\n"},
    {"of an inlined type", POD("spec:\n  volumes: [{name: v, emptyDri: {}}]\n"), false,
     "5:23: Pod: unknown field 'spec.volumes[0].emptyDri'; did you mean 'emptyDir'?\n"},
    {"of another letter case", POD("spec: {Containers: []}\n"), false,
     "4:8: Pod: unknown field 'spec.Containers'; did you mean 'containers'?\n"},
    {"in metadata", CM("metadata: {name: a, lables: {a: b}}\n"), false,
     "3:21: ConfigMap: unknown field 'metadata.lables'; did you mean 'labels'?\n"},
    {"several", CM("metadata: {nam: a}\ndat: {}\n"), false,
     "3:12: ConfigMap: unknown field 'metadata.nam'; did you mean 'name'?\n"
     "4:1: ConfigMap: unknown field 'dat'; did you mean 'data'?\n"},
    {"a number in a map of strings", CM("data: {port: 80}\n"), false,
     "3:14: ConfigMap: 'data.port' must be a string, found '80'; quote it\n"},
    {"a list where a map is wanted", CM("data: [a]\n"), false,
     "3:7: ConfigMap: 'data' must be a map, found a list\n"},
    {"a map where a string is wanted", CM("data: {k: {a: b}}\n"), false,
     "3:11: ConfigMap: 'data.k' must be a string, found a map\n"},
    {"a string for an integer", DEPLOYMENT("spec: {replicas: \"3\"}\n"), false,
     "4:18: Deployment: 'spec.replicas' must be an integer, found '3'\n"},
    {"a string for a bool", POD("spec: {hostNetwork: \"true\"}\n"), false,
     "4:21: Pod: 'spec.hostNetwork' must be true or false, found 'true'\n"},
    {"a map for a list", POD("spec: {containers: {name: c}}\n"), false,
     "4:20: Pod: 'spec.containers' must be a list, found a map\n"},
    {"a text for a map", POD("spec: none\n"), false,
     "4:7: Pod: 'spec' must be a map, found 'none'\n"},
    {"quantities as they are written",
     POD("spec: {containers: [{name: c, resources: {limits: {cpu: 1, memory: 1Gi, a/b: 0.5}}}]}\n"),
     false, ""},
    {"a quantity that is none", POD("spec: {containers: [{resources: {limits: {cpu: true}}}]}\n"),
     false,
     "4:48: Pod: 'spec.containers[0].resources.limits.cpu' must be a quantity, found 'true'\n"},
    {"a port by number or name",
     "apiVersion: v1\nkind: Service\nspec: {ports: [{port: 1, targetPort: 2}, {port: 3, "
     "targetPort: "
     "http}]}\n",
     false, ""},
    {"null", POD("spec:\nstatus: null\n"), false, ""},
    {"schemas are for the server",
     "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nspec:\n  versions:\n"
     "    - schema: {openAPIV3Schema: {type: object, properties: {a: {additionalProperties: "
     "true}}}}\n",
     false, ""},
    {"anything in raw values", "apiVersion: apps/v1\nkind: ControllerRevision\ndata: {a: [1, x]}\n",
     false, ""},
    {"a kind that is not built in", "apiVersion: example.com/v1\nkind: Pod\nspec: {foo: 1}\n",
     false, ""},
    {"but its metadata", "apiVersion: example.com/v1\nkind: W\nmetadata: {nme: a}\n", false,
     "3:12: W: unknown field 'metadata.nme'; did you mean 'name'?\n"},
    {"items of a list",
     "apiVersion: v1\nkind: List\nitems:\n- "
     "{apiVersion: v1, kind: Secret, dta: {}}\n",
     false, "4:34: Secret: unknown field 'dta'; did you mean 'data'?\n"},
    {"holes", CM("metadata: {name: \"${n}\", labels: \"${l}\"}\ndata: {k: \"${1 + 1}\"}\n"), true,
     ""},
    {"a hole for a number", DEPLOYMENT("spec: {replicas: \"${n}\"}\n"), true, ""},
    {"no holes where none are read", DEPLOYMENT("spec: {replicas: \"${n}\"}\n"), false,
     "4:18: Deployment: 'spec.replicas' must be an integer, found '${n}'\n"},
    {"a hole hides no field", DEPLOYMENT("spec: {replica: \"${n}\"}\n"), true,
     "4:8: Deployment: unknown field 'spec.replica'; did you mean 'replicas'?\n"},
};

START_TEST(checked)
{
    const struct row *row = &rows[_i];
    AUTO(diags) struct diags diags = {0};
    AUTO(yaml)
    struct yaml_doc *doc = yaml_parse(row->text, strlen(row->text), "object.yaml", &diags);
    AUTO(strbuf) struct strbuf got = {0};

    ck_assert_msg(doc != NULL, "%s: %s", row->name, diags.items[0].err.msg);
    bool ok = manifest_check(doc, yaml_node(doc, 0), row->holes, &diags);
    for (size_t i = 0; i < diags.count; i++) {
        const struct err *e = &diags.items[i].err;

        strbuf_addf(&got, "%u:%u: %s%s%s\n", e->pos.line, e->pos.col, e->msg, e->hint ? "; " : "",
                    e->hint ? e->hint : "");
    }
    ck_assert_msg(strcmp(strbuf_str(&got), row->want) == 0, "%s: want\n%sgot\n%s", row->name,
                  row->want, strbuf_str(&got));
    ck_assert_msg(ok == !*row->want, "%s", row->name);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("runner.manifest");
    TCase *tc = tcase_create("manifest");

    tcase_add_loop_test(tc, checked, 0, (int)ARRAY_LEN(rows));
    suite_add_tcase(s, tc);
    return suite_run(s);
}
