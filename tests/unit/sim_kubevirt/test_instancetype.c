/* Instance types and preferences: what they do to a template, what they require, and a machine's
 * reference to them by version (delete-protection.md section 4). */
#include "base/json.h"
#include "base/mem.h"
#include "sim/kubevirt/instancetype_priv.h"
#include "tests/unit/sim_kubevirt/script.h"
#include "tests/unit/suite.h"

/* ---- tables ---- */

static json_t *parse(const char *text)
{
    struct err e = {0};
    json_t *v = text ? json_read(text, strlen(text), "test", &e) : NULL;
    ck_assert_msg(!text || v, "%s: %s", text, e.msg);
    return v;
}

static const struct {
    const char *type, *template, *conflicts;
} conflict_rows[] = {
    {"{}", "{'domain':{}}", NULL},
    {"{}", "{'domain':{'cpu':{'cores':0}}}", NULL},
    {"{}", "{'domain':{'cpu':{'cores':2}}}", "at.domain.cpu.cores"},
    {"{}", "{'domain':{'cpu':{'model':'host'}}}", NULL},
    {"{'cpu':{'model':'x'}}", "{'domain':{'cpu':{'model':'host'}}}", "at.domain.cpu.model"},
    {"{'cpu':{'dedicatedCPUPlacement':true}}", "{'domain':{'cpu':{'dedicatedCPUPlacement':false}}}",
     NULL},
    {"{}",
     "{'domain':{'memory':{'guest':'1Gi'},'resources':{'requests':{'memory':'1Gi','cpu':'1'}}}}",
     "at.domain.resources.requests.cpu, at.domain.memory, at.domain.resources.requests.memory"},
    {"{'schedulerName':'a'}", "{'schedulerName':'b'}", "at.schedulerName"},
};

/* Rows are easier to read with single quotes. */
static json_t *parse_row(const char *text)
{
    AUTO(str) char *copy = text ? mem_strdup(text) : NULL;
    for (char *p = copy; p && *p; p++)
        *p = *p == '\'' ? '"' : *p;
    return parse(copy);
}

START_TEST(conflicts)
{
    AUTO(json) json_t *type = parse_row(conflict_rows[_i].type);
    AUTO(json) json_t *template = parse_row(conflict_rows[_i].template);
    AUTO(str) char *got = kv_type_conflicts(type, template, "at");
    ck_assert_pstr_eq(got, conflict_rows[_i].conflicts);
}
END_TEST

#define CPU(S, C, T) "'cpu':{'sockets':" #S ",'cores':" #C ",'threads':" #T "}"
static const struct {
    const char *type, *preference, *template, *want;
} apply_rows[] = {
    {"{'cpu':{'guest':4},'memory':{'guest':'1Gi'}}", NULL, "{}",
     "{'domain':{" CPU(4, 1, 1) ",'memory':{'guest':'1Gi'}}}"},
    {"{'cpu':{'guest':4}}", "{'cpu':{'preferredCPUTopology':'preferCores'}}", "{}",
     "{'domain':{" CPU(1, 4, 1) "}}"},
    {"{'cpu':{'guest':4}}", "{'cpu':{'preferredCPUTopology':'threads'}}", "{}",
     "{'domain':{" CPU(1, 1, 4) "}}"},
    {"{'cpu':{'guest':1}}", "{'cpu':{'preferredCPUTopology':'threads'}}", "{}",
     "{'domain':{" CPU(1, 1, 1) "}}"},
    {"{'cpu':{'guest':8}}", "{'cpu':{'preferredCPUTopology':'spread'}}", "{}",
     "{'domain':{" CPU(4, 2, 1) "}}"},
    {"{'cpu':{'guest':8}}",
     "{'cpu':{'preferredCPUTopology':'spread','spreadOptions':{'ratio':4,'across':'CoresThreads'}}"
     "}",
     "{}", "{'domain':{" CPU(1, 2, 4) "}}"},
    {"{'cpu':{'guest':8}}",
     "{'cpu':{'preferredCPUTopology':'spread','spreadOptions':{'across':'SocketsCoresThreads'}}}",
     "{}", "{'domain':{" CPU(2, 2, 2) "}}"},
    {NULL, "{'machine':{'preferredMachineType':'q35'},'devices':{'preferredDiskBus':'virtio'}}",
     "{'domain':{'devices':{'disks':[{'name':'a'},{'name':'b','disk':{'bus':'sata'}},{'name':'c',"
     "'cdrom':{}}]}}}",
     "{'domain':{'machine':{'type':'q35'},'devices':{'disks':[{'name':'a','disk':{'bus':'virtio'}},"
     "{'name':'b','disk':{'bus':'sata'}},{'name':'c','cdrom':{}}]}}}"},
    {NULL, "{'machine':{'preferredMachineType':'q35'}}", "{'domain':{'machine':{'type':'pc'}}}",
     "{'domain':{'machine':{'type':'pc'}}}"},
};

START_TEST(apply)
{
    AUTO(json) json_t *type = parse_row(apply_rows[_i].type);
    AUTO(json) json_t *preference = parse_row(apply_rows[_i].preference);
    AUTO(json) json_t *template = parse_row(apply_rows[_i].template);
    AUTO(json) json_t *want = parse_row(apply_rows[_i].want);
    kv_type_apply(type, preference, template);
    AUTO(str) char *got = json_text(template);
    ck_assert_msg(json_same(template, want), "row %d: %s", _i, got);
}
END_TEST

#define NEEDS(CPUS, MEMORY)                                                                        \
    "{'requirements':{'cpu':{'guest':" #CPUS "},'memory':{'guest':'" MEMORY "'}}}"
#define NEEDS_AS(HOW, CPUS)                                                                        \
    "{'cpu':{'preferredCPUTopology':'" HOW "'},'requirements':{'cpu':{'guest':" #CPUS "}}}"
#define OF_VM "vCPU provided by VirtualMachine, preference requires "
static const struct {
    const char *type, *preference, *template, *field, *why;
} unmet_rows[] = {
    {NULL, "{}", "{}", "", NULL},
    {NULL, NEEDS(1, "512Mi"), "{}", "spec.template.spec.domain.memory",
     "insufficient Memory resources of 0 provided by VirtualMachine, preference requires 512Mi"},
    {NULL, NEEDS(1, "512Mi"), "{'domain':{'memory':{'guest':'1Gi'}}}", NULL, NULL},
    {NULL, NEEDS(2, "1Mi"), "{'domain':{'memory':{'guest':'1Gi'}}}",
     "spec.template.spec.domain.cpu.sockets",
     "insufficient CPU resources of 1 " OF_VM "2 vCPU provided as sockets"},
    {NULL, NEEDS_AS("cores", 2), "{'domain':{'cpu':{'cores':2}}}", NULL, NULL},
    {NULL, NEEDS_AS("threads", 3), "{'domain':{'cpu':{'cores':2,'threads':2}}}",
     "spec.template.spec.domain.cpu.threads",
     "insufficient CPU resources of 2 " OF_VM "3 vCPU provided as threads"},
    {NULL, NEEDS_AS("any", 5), "{'domain':{'cpu':{'cores':2,'threads':2}}}",
     "spec.template.spec.domain.cpu.cores, spec.template.spec.domain.cpu.sockets, "
     "spec.template.spec.domain.cpu.threads",
     "insufficient CPU resources of 4 " OF_VM "5 vCPU provided as cores, sockets and threads"},
    {NULL, NEEDS_AS("spread", 5), "{'domain':{'cpu':{'cores':2,'sockets':2}}}",
     "spec.template.spec.domain.cpu.sockets, spec.template.spec.domain.cpu.cores",
     "insufficient CPU resources of 4 " OF_VM "5 vCPU provided as SocketsCores"},
    {NULL, NEEDS_AS("sockets", 2), "{'domain':{'cpu':{'sockets':-9223372036854775807}}}",
     "spec.template.spec.domain.cpu.sockets",
     "insufficient CPU resources of 1 " OF_VM "2 vCPU provided as sockets"},
    {"{'cpu':{'guest':1},'memory':{'guest':'64M'}}", NEEDS(1, "512Mi"),
     "{'domain':{'memory':{'guest':'1Gi'}}}", "spec.instancetype",
     "insufficient Memory resources of 64M provided by instance type, preference requires 512Mi"},
    {"{'cpu':{'guest':1},'memory':{'guest':'1Gi'}}", NEEDS(2, "512Mi"), "{}", "spec.instancetype",
     "insufficient CPU resources of 1 vCPU provided by instance type, preference requires 2 vCPU"},
    {"{'cpu':{'guest':2},'memory':{'guest':1073741824}}", NEEDS(2, "1Gi"), "{}", NULL, NULL},
};

START_TEST(requirements)
{
    const char *field = "";
    AUTO(json) json_t *type = parse_row(unmet_rows[_i].type);
    AUTO(json) json_t *preference = parse_row(unmet_rows[_i].preference);
    AUTO(json) json_t *template = parse_row(unmet_rows[_i].template);
    AUTO(str) char *why = kv_preference_unmet(type, preference, template, &field);
    ck_assert_pstr_eq(why, unmet_rows[_i].why);
    if (why)
        ck_assert_str_eq(field, unmet_rows[_i].field);
}
END_TEST

/* ---- machines ---- */

#define TYPE(NAME, CPUS)                                                                           \
    "create {\"apiVersion\":\"instancetype.kubevirt.io/v1beta1\",\"kind\":"                        \
    "\"VirtualMachineInstancetype\",\"metadata\":{\"name\":\"" NAME "\",\"namespace\":"            \
    "\"default\",\"labels\":{\"a\":\"b\"}},\"spec\":{\"cpu\":{\"guest\":" CPUS                     \
    "},\"memory\":{\"guest\":\"1Gi\"}}}\n"
#define PREFERENCE(SPEC)                                                                           \
    "create {\"apiVersion\":\"instancetype.kubevirt.io/v1beta1\",\"kind\":"                        \
    "\"VirtualMachinePreference\",\"metadata\":{\"name\":\"pref\",\"namespace\":\"default\"},"     \
    "\"spec\":" SPEC "}\n"
#define MATCHER(NAME, KIND) "{\"name\":\"" NAME "\",\"kind\":\"VirtualMachine" KIND "\"}"
#define VM(TEMPLATE, MATCHERS)                                                                     \
    "create {\"apiVersion\":\"kubevirt.io/v1\",\"kind\":\"VirtualMachine\",\"metadata\":{"         \
    "\"name\":\"a\",\"namespace\":\"default\"},\"spec\":{\"runStrategy\":\"Always\","              \
    "\"template\":{\"spec\":{\"domain\":" TEMPLATE "}}," MATCHERS "}}\n"
#define SMALL "\"instancetype\":" MATCHER("small", "Instancetype")
#define PREF "\"preference\":" MATCHER("pref", "Preference")
#define DENIED "admission webhook \"virtualmachine-validator.kubevirt.io\" denied the request: "
#define MUTATOR "admission webhook \"virtualmachines-mutator.kubevirt.io\" denied the request: "
#define SMALL_CR "a-small-v1beta1-$small-1"

static const struct script_case cases[] = {
    {"a revision is made, and used",
     TYPE("small", "2") PREFERENCE("{\"cpu\":{\"preferredCPUTopology\":\"cores\"}}") VM(
         "{}", SMALL
         "," PREF) "run 20s\n"
                   "there controllerrevision " SMALL_CR "\n"
                   "there controllerrevision a-pref-v1beta1-$pref-1\n"
                   "has controllerrevision " SMALL_CR " metadata.ownerReferences \"uid\":\"$a\"\n"
                   "has controllerrevision " SMALL_CR
                   " metadata.ownerReferences \"blockOwnerDeletion\":true\n"
                   "has controllerrevision " SMALL_CR
                   " metadata.labels \"instancetype.kubevirt.io/object-kind\":"
                   "\"VirtualMachineInstancetype\"\n"
                   "is controllerrevision " SMALL_CR " data.metadata.labels\n"
                   "is controllerrevision " SMALL_CR " revision 0\n"
                   "is vm a spec.instancetype.revisionName\n"
                   "is vm a status.instancetypeRef.controllerRevisionRef.name " SMALL_CR "\n"
                   "is vmi a spec.domain.cpu.cores 2\n"
                   "is vmi a spec.domain.memory.guest 1Gi\n"
                   "has vmi a metadata.annotations kubevirt.io/instancetype-name\n"
                   "is vm a status.printableStatus Running\n"
                   "cond vm a RestartRequired none\n"},
    {"the reference stands in the spec until 1.4",
     "virt version \"1.4\"\n" TYPE("small", "2")
         VM("{}", SMALL) "run 20s\n"
                         "is vm a spec.instancetype.revisionName " SMALL_CR "\n"
                         "is vm a status.instancetypeRef\n"
                         "is vm a status.printableStatus Running\n"},
    {"a type that is edited changes nothing",
     TYPE("small", "2") VM(
         "{}", SMALL) "run 20s\n"
                      "patch virtualmachineinstancetype small {\"spec\":{\"cpu\":{\"guest\":8}}}\n"
                      "power a shutdown\n"
                      "run 30s\n"
                      "is vmi a spec.domain.cpu.sockets 2\n"
                      "count controllerrevision 2\n"},
    {"the kind of the cluster's is written where none is given",
     "virt version \"1.6\"\n" VM(
         "{}", "\"instancetype\":{\"name\":\"small\"}") "is vm a spec.instancetype.kind "
                                                        "virtualmachineclusterinstancetype\n"
                                                        "run 5s\n"
                                                        "cond vm a Failure True "
                                                        "FailedFindInstancetype\n"
                                                        "gone vmi a\n"},
    {"what cannot be found refuses a machine until 1.5",
     "virt version \"1.5\"\n"
     "refused 422 " DENIED "Failure to find instancetype: virtualmachineinstancetypes."
     "instancetype.kubevirt.io \"small\" not found\n"
     "cause \"reason\":\"FieldValueNotFound\",\"message\":\"Failure to find instancetype: "
     "virtualmachineinstancetypes.instancetype.kubevirt.io \\\"small\\\" not found\",\"field\":"
     "\"spec.instancetype\"\n" VM("{}", SMALL)
         TYPE("small", "1") "refused 422 Failure to find preference: virtualmachinepreferences."
                            "instancetype.kubevirt.io \"pref\" not found\n"
                            "cause \"field\":\"spec.preference\"\n" VM("{}", SMALL "," PREF)},
    {"a conflict with the template",
     TYPE("small", "2") "refused 422 " DENIED
                        "VM field(s) spec.template.spec.domain.cpu.cores conflicts with selected "
                        "instance type, VM field(s) spec.template.spec.domain.memory conflicts "
                        "with selected instance type\n"
                        "cause \"field\":\"spec.template.spec.domain.memory\"\n" VM(
                            "{\"cpu\":{\"cores\":2},\"memory\":{\"guest\":\"1Gi\"}}", SMALL)},
    {"a preference's requirements",
     TYPE("small", "2")
         PREFERENCE("{\"requirements\":{\"memory\":{\"guest\":\"2Gi\"}}"
                    "}") "refused 422 " DENIED "failure checking preference requirements: "
                         "insufficient Memory "
                         "resources of 1Gi provided by instance type, "
                         "preference requires 2Gi\n"
                         "cause \"field\":\"spec.instancetype\"\n" VM("{}", SMALL "," PREF)},
    {"matchers that say nothing, or too much",
     "refused 422 " MUTATOR "Either Name or InferFromVolume should be provided within the "
     "preference matcher\n"
     "cause \"field\":\"spec.preference\"\n" VM(
         "{}",
         "\"preference\":{}") "refused 422 " MUTATOR
                              "Name should not be provided when InferFromVolume is used within "
                              "the instancetype matcher\n" VM(
                                  "{}",
                                  "\"instancetype\":{\"name\":\"x\",\"inferFromVolume\":"
                                  "\"d0\"}") "refused 400 inferring a type from a volume "
                                             "is not simulated\n" VM("{}", "\"instancetype\":{"
                                                                           "\"inferFromVolume\""
                                                                           ":\"d0\"}")},
    {"another name with the old revision",
     "virt version \"1.4\"\n" TYPE("small", "2") TYPE("big", "4")
         VM("{}", SMALL) "run 20s\n"
                         "refused 422 " MUTATOR
                         "the Matcher Name has been updated without updating the RevisionName\n"
                         "cause \"field\":\"spec.instancetype.revisionName\"\n"
                         "patch vm a {\"spec\":{\"instancetype\":{\"name\":\"big\"}}}\n"
                         "patch vm a "
                         "{\"spec\":{\"instancetype\":{\"name\":\"big\",\"revisionName\":null}}}\n"
                         "run 5s\n"
                         "is vm a spec.instancetype.revisionName a-big-v1beta1-$big-1\n"
                         "there controllerrevision " SMALL_CR "\n"},
    {"expand", "virt referencePolicy \"expand\"\n" TYPE("small", "2")
                   VM("{}", SMALL) "run 20s\n"
                                   "is vm a spec.instancetype\n"
                                   "is vm a spec.template.spec.domain.cpu.sockets 2\n"
                                   "gone controllerrevision " SMALL_CR "\n"
                                   "is vmi a spec.domain.cpu.sockets 2\n"
                                   "cond vm a Failure none\n"},
    {"expand leaves machines with a revision alone, expandAll does not",
     TYPE("small", "2") VM("{}", SMALL) "run 20s\n"
                                        "virt referencePolicy \"expand\"\n"
                                        "patch vm a {\"metadata\":{\"labels\":{\"x\":\"y\"}}}\n"
                                        "run 5s\n"
                                        "is vm a spec.instancetype.name small\n"
                                        "virt referencePolicy \"expandAll\"\n"
                                        "patch vm a {\"metadata\":{\"labels\":{\"x\":\"z\"}}}\n"
                                        "run 5s\n"
                                        "is vm a spec.instancetype\n"
                                        "is vm a status.instancetypeRef\n"
                                        "gone controllerrevision " SMALL_CR "\n"},
    {"no other policy than reference before 1.4",
     "virt version \"1.3.2\"\nvirt referencePolicy \"expandAll\"\n" TYPE("small", "2")
         VM("{}", SMALL) "run 20s\n"
                         "is vm a spec.instancetype.revisionName " SMALL_CR "\n"},
    {"the whole spec", TYPE("small", "2") VM("{}", SMALL) "run 5s\n"
                                                          "ask vm a expand-spec \"sockets\":2\n"},
    {"the graph",
     TYPE("small", "2") VM(
         "{}",
         SMALL) "run 5s\n"
                "ask vm a objectgraph "
                "{\"objectReference\":{\"apiGroup\":\"instancetype.kubevirt.io\","
                "\"kind\":\"VirtualMachineInstancetype\",\"name\":\"small\",\"namespace\":"
                "\"default\"},"
                "\"labels\":{\"kubevirt.io/dependency-type\":\"config\"},\"optional\":true},{"
                "\"objectReference\":{\"apiGroup\":\"apps\",\"kind\":\"ControllerRevision\","
                "\"name\":"
                "\"" SMALL_CR
                "\",\"namespace\":\"default\"},\"labels\":{\"kubevirt.io/dependency-type\":"
                "\"config\"}}\n"
                "virt objectGraph false\n"
                "refused 400 ObjectGraph feature gate not enabled: Unable to return object graph.\n"
                "ask vm a objectgraph x\n"
                "refused 400 ObjectGraph feature gate not enabled: Unable to return object graph.\n"
                "ask vmi none objectgraph x\n"
                "virt version \"1.5.2\"\n"
                "refused 404 \n"
                "ask vm a objectgraph x\n"},
    {"the graph of a machine that names a type of the cluster, networks and credentials",
     "create {\"apiVersion\":\"kubevirt.io/v1\",\"kind\":\"VirtualMachine\",\"metadata\":{\"name\":"
     "\"a\",\"namespace\":\"default\"},\"spec\":{\"runStrategy\":\"Halted\",\"instancetype\":{"
     "\"name\":\"big\",\"revisionName\":\"mine\"},\"template\":{\"spec\":{\"networks\":[{"
     "\"name\":\"x\",\"multus\":{\"networkName\":\"nets/blue\"}}],\"accessCredentials\":[{"
     "\"userPassword\":{\"source\":{\"secret\":{\"secretName\":\"s\"}}}}]}}}}\n"
     "ask vm a objectgraph \"kind\":\"VirtualMachineClusterInstancetype\",\"name\":\"big\","
     "\"namespace\":\"\"}\n"
     "ask vm a objectgraph \"kind\":\"ControllerRevision\",\"name\":\"mine\"\n"
     "ask vm a objectgraph "
     "{\"objectReference\":{\"apiGroup\":\"\",\"kind\":\"Secret\",\"name\":\"s\","
     "\"namespace\":\"default\"},\"labels\":{\"kubevirt.io/dependency-type\":\"config\"}},{"
     "\"objectReference\":{\"apiGroup\":\"k8s.cni.cncf.io\",\"kind\":"
     "\"NetworkAttachmentDefinition\",\"name\":\"blue\",\"namespace\":\"nets\"},\"labels\":{"
     "\"kubevirt.io/dependency-type\":\"network\"},\"optional\":true}]}\n"},
    {"another namespace", "virt namespace \"virt-b\"\n" TYPE("small", "2")
                              VM("{}", SMALL) "run 20s\n"
                                              "is vm a status.printableStatus Running\n"},
};

START_TEST(run_case)
{
    script_run(&cases[_i], 0);
}
END_TEST

/* ---- whatever fails in between ---- */

static const char life[] = TYPE("small", "2") PREFERENCE("{}")
    VM("{}", SMALL
       "," PREF) "run idle\n"
                 "is vm a status.printableStatus Running\n"
                 "count controllerrevision 3\n"
                 "snapshot s a\n"
                 "run idle\n"
                 "is vmsnapshot s status.readyToUse true\n"
                 "count controllerrevision 5\n"
                 "patch virtualmachineinstancetype small {\"spec\":{\"cpu\":{\"guest\":8}}}\n"
                 "delete vm a\n"
                 "run idle\n"
                 "gone vm a\n"
                 "count controllerrevision 2\n"
                 "restore r a s\n"
                 "run idle\n"
                 "is vmrestore r status.complete true\n"
                 "has controllerrevision " SMALL_CR " metadata.ownerReferences \"uid\":\"$a\"\n"
                 "patch vm a {\"spec\":{\"runStrategy\":\"Always\"}}\n"
                 "run idle\n"
                 "is vmi a spec.domain.cpu.sockets 2\n"
                 "delete vmsnapshot s\n"
                 "delete vm a\n"
                 "run idle\n"
                 "count controllerrevision 0\n";

static const char *const versions[] = {"virt version \"1.4\"\n", "virt version \"1.5.2\"\n", ""};
enum { CRASHES = 40, MOMENTS = 3 };

START_TEST(one_crash)
{
    AUTO(str) char *script = mem_printf("%s%s", versions[_i / MOMENTS], life);
    for (unsigned at = 1; at <= CRASHES; at++) {
        AUTO(str) char *name = mem_printf("%scrash at request %u", versions[_i / MOMENTS], at);
        script_run_crashing(&(struct script_case){name, script}, at, _i % MOMENTS);
    }
}
END_TEST

static const char *const answers[] = {"409", "500", "\"timeout\"", "\"lost\""};

START_TEST(one_fault)
{
    for (int skip = 0; skip < CRASHES; skip += 2) {
        AUTO(str)
        char *script = mem_printf("%sfault {\"point\":\"api\",\"match\":{\"by\":\"main/virt-*\"},"
                                  "\"skip\":%d,\"times\":1,\"action\":{\"answer\":%s}}\n%s",
                                  versions[skip / 2 % 3], skip, answers[_i], life);
        AUTO(str) char *name = mem_printf("answer %s after %d", answers[_i], skip);
        script_run(&(struct script_case){name, script}, 0);
    }
}
END_TEST

static const char *const bad_versions[] = {"1.2",  "2.0",  "1",      "",        "1.",
                                           "v",    "1.5.", "1.5.x",  "1.5.2.1", "1.100",
                                           "1.5 ", "x1.5", "1.5.100"};

START_TEST(no_version)
{
    AUTO(str)
    char *script = mem_printf("refused 1 is no version of KubeVirt that is simulated\n"
                              "virt version \"%s\"\n",
                              bad_versions[_i]);
    script_run(&(struct script_case){bad_versions[_i], script}, 0);
}
END_TEST

static const struct script_case bad_settings[] = {
    {"a number", "refused 1 must be a text\nvirt version 1.5\n"},
    {"no namespace", "refused 1 is no name of a namespace\nvirt namespace \"A b\"\n"},
    {"no policy", "refused 1 'expandall' is no reference policy\nvirt referencePolicy "
                  "\"expandall\"\n"},
    {"no flag", "refused 1 must be true or false\nvirt objectGraph \"no\"\n"},
    {"no setting", "refused 1 KubeVirt has no setting 'versoin'\nvirt versoin \"1.5\"\n"},
};

START_TEST(no_setting)
{
    script_run(&bad_settings[_i], 0);
}
END_TEST

int main(void)
{
    return SUITE_MAIN(
        "sim.kubevirt.instancetype",
        SUITE_CASE("tables", EACH(conflicts, conflict_rows), EACH(apply, apply_rows),
                   EACH(requirements, unmet_rows)),
        SUITE_LONG_CASE("machines", 60, EACH(run_case, cases), EACH(no_version, bad_versions),
                        EACH(no_setting, bad_settings)),
        SUITE_LONG_CASE("torture", 120, RANGE(one_crash, 0, ARRAY_LEN(versions) * MOMENTS),
                        EACH(one_fault, answers)));
}
