/* The job that makes the machine of a ComputeInstance, by its protocol in status.provisioningJobs.
 */
#include "tests/unit/sim_kubevirt/script.h"
#include "tests/unit/suite.h"

#define INSTANCE(strategy)                                                                         \
    "create "                                                                                      \
    "{\"apiVersion\":\"osac.openshift.io/v1alpha1\",\"kind\":\"ComputeInstance\",\"metadata\":"    \
    "{\"name\":\"ci\",\"namespace\":\"default\"},\"spec\":{\"templateID\":\"t\",\"runStrategy\":"  \
    "\"" strategy "\"}}\n"
#define JOBS(jobs) "patchstatus ci ci {\"status\":{\"provisioningJobs\":[" jobs "]}}\n"
#define JOB(id, type, state)                                                                       \
    "{\"jobID\":\"" id "\",\"type\":\"" type "\",\"state\":\"" state                               \
    "\",\"timestamp\":\"2026-01-01T00:00:00Z\"}"
#define PROVISIONED INSTANCE("Always") JOBS(JOB("j1", "provision", "Pending")) "run idle\n"

static const struct script_case cases[] = {
    {"nothing without a job", INSTANCE("Always") "run idle\n"
                                                 "gone vm ci\n"},
    {"provision",
     INSTANCE("Always")
         JOBS(JOB("j1", "provision",
                  "Pending")) "run 1s\n"
                              "has ci ci status.provisioningJobs Running\n"
                              "gone vm ci\n"
                              "run 2s\n"
                              "has ci ci status.provisioningJobs Succeeded\n"
                              "there pvc ci-root\n"
                              "run idle\n"
                              "is vm ci status.printableStatus Running\n"
                              "has vm ci metadata.labels osac.openshift.io/computeinstance\n"
                              "has vmi ci metadata.labels osac.openshift.io/computeinstance\n"
                              "has pvc ci-root metadata.labels ci\n"},
    {"follows the run strategy", PROVISIONED "patch ci ci {\"spec\":{\"runStrategy\":\"Halted\"}}\n"
                                             "run idle\n"
                                             "is vm ci spec.runStrategy Halted\n"
                                             "is vm ci status.printableStatus Stopped\n"},
    {"keeps the wish while a restore runs",
     PROVISIONED "snapshot s ci\n"
                 "run idle\n"
                 "patch ci ci {\"spec\":{\"runStrategy\":\"Halted\"}}\n"
                 "run idle\n"
                 "restore r ci s\n"
                 "run 2s\n"
                 "is vm ci status.restoreInProgress r\n"
                 "patch ci ci {\"spec\":{\"runStrategy\":\"Always\"}}\n"
                 "run 1s\n"
                 "is vm ci spec.runStrategy Halted\n"
                 "run idle\n"
                 "is vmrestore r status.complete true\n"
                 "is vm ci status.printableStatus Running\n"},
    {"restart",
     PROVISIONED "patch ci ci {\"spec\":{\"restartRequestedAt\":\"2026-01-01T01:00:00Z\"}}\n" JOBS(
         JOB("j1", "provision", "Succeeded") "," JOB(
             "j2", "provision", "Pending")) "run idle\n"
                                            "event SuccessfulCreate 2\n"
                                            "is vm ci status.printableStatus Running\n"},
    {"deprovision",
     PROVISIONED JOBS(JOB("j1", "provision", "Succeeded") "," JOB(
         "j2", "deprovision", "Pending")) "run 3s\n"
                                          "is vm ci status.printableStatus Terminating\n"
                                          "has ci ci status.provisioningJobs Running\n"
                                          "run idle\n"
                                          "gone vm ci\n"
                                          "gone pvc ci-root\n"
                                          "patch ci ci {\"spec\":{\"runStrategy\":\"Halted\"}}\n"
                                          "run idle\n"
                                          "gone vm ci\n"},
    {"failure",
     "create "
     "{\"apiVersion\":\"osac.openshift.io/v1alpha1\",\"kind\":\"ComputeInstance\",\"metadata\":"
     "{\"name\":\"ci\",\"namespace\":\"default\"},\"spec\":{\"templateID\":\"t\"}}\n"
     "fault "
     "{\"point\":\"api\",\"match\":{\"verb\":\"create\",\"by\":\"osac-provisioner\"},\"times\":2,"
     "\"action\":{\"answer\":500}}\n" JOBS(
         JOB("j1", "provision", "Pending")) "run idle\n"
                                            "is vm ci status.printableStatus Running\n"},
};

START_TEST(jobs)
{
    script_run(&cases[_i], 1);
}
END_TEST

int main(void)
{
    return SUITE_MAIN("sim.provisioner", SUITE_LONG_CASE("jobs", 60, EACH(jobs, cases)));
}
