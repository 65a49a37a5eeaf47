/* Velero's volume policies: what is refused, what matches, and whose files are copied. */
#include "kube/volume_policy.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "tests/unit/quoted.h"
#include "tests/unit/suite.h"

static json_t *map_of(const char *policies)
{
    AUTO(str) char *text = mem_printf("version: v1\nvolumePolicies:\n%s", policies);

    return json_pack("{s:{s:s}}", "data", "policies", text);
}

/* ---- reading ---- */

static const struct {
    const char *name, *map, *error; /* error NULL: it is fine */
} maps[] = {
    {"none", "{'data':{'p':'version: v1\\nvolumePolicies: []'}}", NULL},
    {"no data", "{}", "0 keys"},
    {"two keys", "{'data':{'a':'version: v1','b':'version: v1'}}", "2 keys"},
    {"no YAML", "{'data':{'a':'{'}}", "no YAML"},
    {"empty", "{'data':{'a':''}}", "no YAML"},
    {"another version", "{'data':{'a':'version: v2'}}", "version: v1"},
    {"an unknown action",
     "{'data':{'a':'version: v1\\nvolumePolicies: [{conditions: {}, action: {type: copy}}]'}}",
     "found 'copy'"},
    {"no action", "{'data':{'a':'version: v1\\nvolumePolicies: [{conditions: {}}]'}}", "found ''"},
    {"no conditions", "{'data':{'a':'version: v1\\nvolumePolicies: [{action: {type: skip}}]'}}",
     "no conditions"},
    {"an unknown condition",
     "{'data':{'a':'version: v1\\nvolumePolicies: [{conditions: {size: 1}, action: {type: "
     "skip}}]'}}",
     "'size'"},
    {"a snapshot that Velero moves",
     "{'data':{'a':'version: v1\\nvolumePolicies: [{conditions: {}, action: {type: snapshot, "
     "parameters: {dataMover: velero-fs}}}]'}}",
     NULL},
    {"B-50: a snapshot that somebody else moves",
     "{'data':{'a':'version: v1\\nvolumePolicies: [{conditions: {}, action: {type: snapshot, "
     "parameters: {dataMover: kubevirt}}}]'}}",
     "'kubevirt' of a snapshot is none of Velero's"},
    {"a custom action has names of its own",
     "{'data':{'a':'version: v1\\nvolumePolicies: [{conditions: {}, action: {type: custom, "
     "parameters: {dataMover: kubevirt}}}]'}}",
     NULL},
    {"a capacity that is no range",
     "{'data':{'a':'version: v1\\nvolumePolicies: [{conditions: {capacity: 10Gi}, action: {type: "
     "skip}}]'}}",
     "no range"},
};

START_TEST(reading)
{
    AUTO(json) json_t *map = quoted(maps[_i].map);
    struct err err = {0};
    AUTO(volume_policies) struct volume_policies *p = volume_policies_read(map, &err);

    ck_assert_msg((p == NULL) == (maps[_i].error != NULL), "%s: %s", maps[_i].name, err.msg);
    ck_assert_msg(p || strstr(err.msg, maps[_i].error), "%s: %s", maps[_i].name, err.msg);
    err_clear(&err);
}
END_TEST

/* ---- matching ---- */

#define CLAIM                                                                                      \
    "{'metadata':{'labels':{'a':'1','b':'2'}},'spec':{'storageClassName':'fast','resources':{"     \
    "'requests':{'storage':'5Gi'}}},'status':{'phase':'Bound'}}"
#define PV "{'spec':{'capacity':{'storage':'10Gi'},'csi':{'driver':'d'}}}"

static const struct {
    const char *name, *policies;
    enum volume_action action;
} matches[] = {
    {"none", "", VOLUME_NO_MATCH},
    {"everything", "  - {conditions: {}, action: {type: skip}}", VOLUME_SKIP},
    {"class", "  - {conditions: {storageClass: [slow, fast]}, action: {type: snapshot}}",
     VOLUME_SNAPSHOT},
    {"another class", "  - {conditions: {storageClass: [slow]}, action: {type: snapshot}}",
     VOLUME_NO_MATCH},
    {"labels", "  - {conditions: {pvcLabels: {a: '1', b: '2'}}, action: {type: fs-backup}}",
     VOLUME_FS_BACKUP},
    {"one label differs", "  - {conditions: {pvcLabels: {a: '1', b: '3'}}, action: {type: skip}}",
     VOLUME_NO_MATCH},
    {"driver", "  - {conditions: {csi: {driver: d}}, action: {type: custom}}", VOLUME_CUSTOM},
    {"another driver", "  - {conditions: {csi: {driver: e}}, action: {type: custom}}",
     VOLUME_NO_MATCH},
    {"any csi", "  - {conditions: {csi: {}}, action: {type: custom}}", VOLUME_CUSTOM},
    {"nfs", "  - {conditions: {nfs: {}}, action: {type: custom}}", VOLUME_NO_MATCH},
    {"type", "  - {conditions: {volumeTypes: [nfs, csi]}, action: {type: skip}}", VOLUME_SKIP},
    {"phase", "  - {conditions: {pvcPhase: [Pending]}, action: {type: skip}}", VOLUME_NO_MATCH},
    {"the volume's capacity, at the edge",
     "  - {conditions: {capacity: '0,10Gi'}, action: {type: skip}}", VOLUME_SKIP},
    {"too small", "  - {conditions: {capacity: '11Gi,'}, action: {type: skip}}", VOLUME_NO_MATCH},
    {"all conditions",
     "  - {conditions: {storageClass: [fast], capacity: '11Gi,'}, action: {type: skip}}",
     VOLUME_NO_MATCH},
    {"the first one",
     "  - {conditions: {storageClass: [slow]}, action: {type: skip}}\n"
     "  - {conditions: {storageClass: [fast]}, action: {type: snapshot}}\n"
     "  - {conditions: {}, action: {type: skip}}",
     VOLUME_SNAPSHOT},
};

START_TEST(match)
{
    AUTO(json) json_t *map = map_of(matches[_i].policies);
    AUTO(json) json_t *claim = quoted(CLAIM);
    AUTO(json) json_t *pv = quoted(PV);
    struct err err = {0};
    AUTO(volume_policies) struct volume_policies *p = volume_policies_read(map, &err);

    ck_assert_msg(p != NULL, "%s: %s", matches[_i].name, err.msg);
    ck_assert_msg(volume_policies_match(p, claim, pv, NULL) == matches[_i].action, "%s",
                  matches[_i].name);
}
END_TEST

START_TEST(unbound)
{
    AUTO(json)
    json_t *map = map_of("  - {conditions: {capacity: '0,6Gi'}, action: {type: custom, parameters: "
                         "{datamover: kubevirt}}}");
    AUTO(json) json_t *claim = quoted(CLAIM);
    AUTO(volume_policies) struct volume_policies *p = volume_policies_read(map, NULL);
    const json_t *parameters = NULL;

    ck_assert_int_eq(volume_policies_match(p, claim, NULL, &parameters), VOLUME_CUSTOM);
    ck_assert_str_eq(json_str_or_empty(parameters, "datamover"), "kubevirt");
    ck_assert_int_eq(volume_policies_match(NULL, claim, NULL, &parameters), VOLUME_NO_MATCH);
    ck_assert_ptr_null(parameters);
}
END_TEST

/* ---- files ---- */

static const struct {
    const char *name, *annotations;
    bool by_default, files;
} pods[] = {
    {"neither says", "{}", false, false},
    {"the default", "{}", true, true},
    {"the pod names it", "{'backup.velero.io/backup-volumes':'x, data'}", false, true},
    {"the pod names another one", "{'backup.velero.io/backup-volumes':'datas,dat'}", false, false},
    {"the pod leaves it out", "{'backup.velero.io/backup-volumes-excludes':'data'}", true, false},
    {"the pod leaves another one out", "{'backup.velero.io/backup-volumes-excludes':'x'}", true,
     true},
};

START_TEST(files)
{
    AUTO(str)
    char *text = mem_printf("[{'metadata':{'annotations':%s},'spec':{'volumes':[{'name':'other'},{"
                            "'name':'data','persistentVolumeClaim':{'claimName':'c'}}]}}]",
                            pods[_i].annotations);
    AUTO(json) json_t *list = quoted(text);

    ck_assert_msg(volume_goes_by_files(list, "c", pods[_i].by_default) == pods[_i].files, "%s",
                  pods[_i].name);
    ck_assert_msg(!volume_goes_by_files(list, "d", pods[_i].by_default), "%s", pods[_i].name);
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN("volume policies",
                      SUITE_CASE("policies", EACH(reading, maps), EACH(match, matches),
                                 TEST(unbound), EACH(files, pods)));
}
