/* Life of a machine by its run strategy (kubevirt-csi.md 8.2). */
#include "tests/unit/sim_kubevirt/script.h"
#include "tests/unit/suite.h"

static const struct script_case cases[] = {
    {"VM-01 halted", "claim disk\n"
                     "vm a Halted disk\n"
                     "run idle\n"
                     "is vm a status.printableStatus Stopped\n"
                     "cond vm a Ready False VMINotExists\n"
                     "has vm a metadata.finalizers kubevirt.io/virtualMachineControllerFinalize\n"
                     "has vm a metadata.annotations kubevirt.io/latest-observed-api-version\n"
                     "is vm a status.created\n"
                     "gone vmi a\n"},
    {"VM-02 VM-03 start and stop",
     "claim disk\n"
     "run 5s\n"
     "vm a Halted disk\n"
     "run idle\n"
     "patch vm a {\"spec\":{\"runStrategy\":\"Always\"}}\n"
     "run 1s\n"
     "is vm a status.printableStatus Starting\n"
     "has vmi a metadata.finalizers virtualMachineControllerFinalize\n"
     "has vmi a metadata.finalizers foregroundDeleteVirtualMachine\n"
     "event SuccessfulCreate 1\n"
     "run 8s\n"
     "is vm a status.printableStatus Running\n"
     "is vm a status.ready true\n"
     "is vm a status.runStrategy Always\n"
     "cond vm a Ready True\n"
     "cond vm a AgentConnected True\n"
     "cond vm a RestartRequired none\n"
     "run idle\n"
     "patch vm a {\"spec\":{\"runStrategy\":\"Halted\"}}\n"
     "run 1s\n"
     "is vm a status.printableStatus Stopping\n"
     "run idle\n"
     "is vm a status.printableStatus Stopped\n"
     "event SuccessfulDelete 1\n"
     "cond vm a AgentConnected none\n"
     "gone vmi a\n"},
    {"VM-07 always comes back", "claim disk\n"
                                "vm a Always disk\n"
                                "run 20s\n"
                                "is vm a status.printableStatus Running\n"
                                "power a shutdown\n"
                                "run idle\n"
                                "is vm a status.printableStatus Running\n"
                                "event SuccessfulCreate 2\n"},
    {"VM-08 rerun on failure", "claim disk\n"
                               "vm a RerunOnFailure disk\n"
                               "run 20s\n"
                               "is vm a status.printableStatus Running\n"
                               "power a crash\n"
                               "run idle\n"
                               "is vm a status.printableStatus Running\n"
                               "is vm a status.stateChangeRequests\n"
                               "power a shutdown\n"
                               "run idle\n"
                               "is vm a status.printableStatus Stopped\n"
                               "gone vmi a\n"},
    {"VM-04 manual",
     "claim disk\n"
     "vm a Manual disk\n"
     "run idle\n"
     "gone vmi a\n"
     "patchstatus vm a {\"status\":{\"stateChangeRequests\":[{\"action\":\"Start\"}]}}\n"
     "run idle\n"
     "is vm a status.printableStatus Running\n"
     "is vm a status.stateChangeRequests\n"
     "is vm a spec.runStrategy Manual\n"
     "power a shutdown\n"
     "run idle\n"
     "is vm a status.printableStatus Stopped\n"
     "is vmi a status.phase Succeeded\n"},
    {"VM-09 once", "claim disk\n"
                   "vm a Once disk\n"
                   "run 20s\n"
                   "power a shutdown\n"
                   "run idle\n"
                   "is vmi a status.phase Succeeded\n"
                   "is vm a status.printableStatus Stopped\n"
                   "event SuccessfulCreate 1\n"},
    {"VM-11 delete", "claim plain\n"
                     "vm a Always plain t:owned\n"
                     "run 20s\n"
                     "is vm a status.printableStatus Running\n"
                     "there pvc owned\n"
                     "delete vm a\n"
                     "run 1s\n"
                     "is vm a status.printableStatus Terminating\n"
                     "there vmi a\n"
                     "run idle\n"
                     "gone vm a\n"
                     "gone vmi a\n"
                     "gone pvc owned\n"
                     "there pvc plain\n"},
    {"VM-12 missing claim", "vm a Always late\n"
                            "run 10s\n"
                            "is vm a status.printableStatus ErrorPvcNotFound\n"
                            "event FailedPvcNotFound 1\n"
                            "claim late\n"
                            "run idle\n"
                            "is vm a status.printableStatus Running\n"},
    {"VM-13 first consumer",
     "create "
     "{\"apiVersion\":\"storage.k8s.io/"
     "v1\",\"kind\":\"StorageClass\",\"metadata\":{\"name\":\"wffc\"},"
     "\"provisioner\":\"csi.vmconform.dev\",\"volumeBindingMode\":\"WaitForFirstConsumer\"}\n"
     "claim disk wffc\n"
     "run idle\n"
     "is pvc disk status.phase Pending\n"
     "vm a Always disk\n"
     "run 100ms\n"
     "is vm a status.printableStatus WaitingForVolumeBinding\n"
     "run idle\n"
     "is vm a status.printableStatus Running\n"},
    {"VM-14 crash loop", "claim disk\n"
                         "run 5s\n"
                         "vm a Always disk\n"
                         "run 1s\n"
                         "power a crash\n"
                         "run 1s\n"
                         "is vm a status.printableStatus CrashLoopBackOff\n"
                         "is vm a status.startFailure.consecutiveFailCount 1\n"
                         "run 10s\n"
                         "power a crash\n"
                         "run 1s\n"
                         "is vm a status.startFailure.consecutiveFailCount 2\n"
                         "run idle\n"
                         "is vm a status.printableStatus Running\n"
                         "is vm a status.startFailure\n"},
    {"VM-16 locked by a snapshot",
     "claim disk\n"
     "vm a Halted disk\n"
     "run idle\n"
     "patchstatus vm a {\"status\":{\"snapshotInProgress\":\"s\"}}\n"
     "refused 422 Cannot update vm disks or volumes until snapshot \"s\" completes\n"
     "patch vm a {\"spec\":{\"template\":{\"spec\":{\"volumes\":[]}}}}\n"
     "refused 422 Cannot update vm running state until snapshot \"s\" completes\n"
     "patch vm a {\"spec\":{\"runStrategy\":\"Always\"}}\n"
     "patch vm a {\"metadata\":{\"labels\":{\"x\":\"y\"}}}\n"},
    {"VM-17 locked by a restore",
     "claim disk\n"
     "vm a Halted disk\n"
     "run idle\n"
     "patchstatus vm a {\"status\":{\"restoreInProgress\":\"r\"}}\n"
     "refused 422 Cannot update VM runStrategy until restore \"r\" completes\n"
     "patch vm a {\"spec\":{\"runStrategy\":\"Always\"}}\n"
     "patch vm a {\"spec\":{\"template\":{\"spec\":{\"volumes\":[]}}}}\n"},
    {"VM-19 restart required",
     "claim disk\n"
     "vm a Always disk\n"
     "run idle\n"
     "patch vm a {\"spec\":{\"template\":{\"spec\":{\"hostname\":\"other\"}}}}\n"
     "run idle\n"
     "cond vm a RestartRequired True\n"
     "delete vmi a\n"
     "run idle\n"
     "is vm a status.printableStatus Running\n"
     "cond vm a RestartRequired none\n"},
    {"refused strategies",
     "refused 422 Invalid RunStrategy (Sometimes)\n"
     "vm a Sometimes\n"
     "refused 422 RunStrategy must be specified\n"
     "create "
     "{\"apiVersion\":\"kubevirt.io/v1\",\"kind\":\"VirtualMachine\",\"metadata\":{\"name\":\"a\","
     "\"namespace\":\"default\"},\"spec\":{\"template\":{}}}\n"
     "refused 422 Running and RunStrategy are mutually exclusive\n"
     "create "
     "{\"apiVersion\":\"kubevirt.io/v1\",\"kind\":\"VirtualMachine\",\"metadata\":{\"name\":\"a\","
     "\"namespace\":\"default\"},\"spec\":{\"running\":true,\"runStrategy\":\"Always\","
     "\"template\":{}}}\n"},
    {"pause", "claim disk\n"
              "vm a Always disk\n"
              "run 20s\n"
              "power a pause\n"
              "run idle\n"
              "is vm a status.printableStatus Paused\n"
              "power a unpause\n"
              "run idle\n"
              "is vm a status.printableStatus Running\n"},
    {"conflicts are retried",
     "fault "
     "{\"name\":\"c\",\"point\":\"api\",\"match\":{\"verb\":\"update\",\"by\":\"main/virt-*\"},"
     "\"times\":6,\"action\":{\"answer\":409}}\n"
     "claim disk\n"
     "vm a Always disk\n"
     "run idle\n"
     "is vm a status.printableStatus Running\n"},
    {"guest writes", "claim disk\n"
                     "vm a Always disk c:\n"
                     "run 20s\n"
                     "mark a empty\n"
                     "same a empty\n"
                     "write a 3 5\n"
                     "differs a empty disk 'd0' differs: blocks 3 to 7 hold write 1 instead of "
                     "zeros\n"
                     "mark a one\n"
                     "write a 4 1\n"
                     "differs a one block 4 holds write 2 instead of write 1\n"},
};

START_TEST(life)
{
    script_run(&cases[_i], 0);
}
END_TEST

START_TEST(same_trace)
{
    char *first = script_trace(&cases[_i]);
    char *second = script_trace(&cases[_i]);
    ck_assert_str_eq(first, second);
    free(first);
    free(second);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sim.kubevirt.vm");
    TCase *tc = tcase_create("life");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, life, 0, sizeof cases / sizeof cases[0]);
    tcase_add_loop_test(tc, same_trace, 0, 3);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
