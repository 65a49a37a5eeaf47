/* virt-api's commands (kubevirt-csi.md 1.7): each row of its table, each refusal, and what the
 * machines do of it. */
#include "tests/unit/sim_kubevirt/script.h"
#include "tests/unit/suite.h"

#define VM(strategy) "claim disk\nvm a " strategy " disk\n"
#define RUNNING(strategy) VM(strategy) "run 20s\nis vm a status.printableStatus Running\n"
#define ASKED                                                                                      \
    "patchstatus vm a {\"status\":{\"stateChangeRequests\":[{\"action\":\"Stop\",\"uid\":\"x\"}]}" \
    "}\n"

static const struct script_case cases[] = {
    /* ---- start ---- */
    {"VM-02 start a halted one", VM("Halted") "run idle\n"
                                              "call vm a start\n"
                                              "is vm a spec.runStrategy Always\n"
                                              "run idle\n"
                                              "is vm a status.printableStatus Running\n"
                                              "event SuccessfulCreate 1\n"},
    {"start by the older flag",
     "create "
     "{\"apiVersion\":\"kubevirt.io/v1\",\"kind\":\"VirtualMachine\",\"metadata\":{\"name\":\"a\","
     "\"namespace\":\"default\"},\"spec\":{\"running\":false,\"template\":{\"spec\":{}}}}\n"
     "run idle\n"
     "call vm a start\n"
     "is vm a spec.running true\n"
     "is vm a spec.runStrategy\n"
     "run idle\n"
     "is vm a status.printableStatus Running\n"
     "call vm a stop {}\n"
     "is vm a spec.running false\n"
     "run idle\n"
     "gone vmi a\n"},
    {"start paused", VM("Halted") "run idle\n"
                                  "call vm a start {\"paused\":true}\n"
                                  "is vm a spec.runStrategy Halted\n"
                                  "has vm a status.stateChangeRequests \"paused\":\"true\"\n"
                                  "run idle\n"
                                  "is vm a spec.runStrategy Always\n"
                                  "is vmi a spec.startStrategy Paused\n"
                                  "is vm a status.printableStatus Paused\n"
                                  "is vm a status.stateChangeRequests\n"
                                  "cond vm a RestartRequired none\n"
                                  "call vmi a unpause\n"
                                  "run idle\n"
                                  "is vm a status.printableStatus Running\n"},
    {"start what runs", RUNNING("Always") "refused 409 Operation cannot be fulfilled on "
                                          "virtualmachine.kubevirt.io \"a\": VM is already "
                                          "running\n"
                                          "call vm a start\n"},
    {"start while it waits for its disk", VM("Manual") "run idle\n"
                                                       "duration start 100s\n"
                                                       "call vm a start\n"
                                                       "run 1s\n"
                                                       "refused 409 VM is already running\n"
                                                       "call vm a start\n"},
    {"VM-04 start and stop by hand",
     VM("Manual") "run idle\n"
                  "gone vmi a\n"
                  "call vm a start {\"dryRun\":[\"All\"]}\n"
                  "is vm a status.stateChangeRequests\n"
                  "call vm a start\n"
                  "is vm a status.stateChangeRequests [{\"action\":\"Start\"}]\n"
                  "refused 500 Internal error occurred: unable to complete request: stop/start "
                  "already underway\n"
                  "call vm a start\n"
                  "run idle\n"
                  "is vm a status.printableStatus Running\n"
                  "is vm a status.stateChangeRequests\n"
                  "call vm a stop\n"
                  "has vm a status.stateChangeRequests \"action\":\"Stop\",\"uid\":\n"
                  "run idle\n"
                  "gone vmi a\n"
                  "is vm a spec.runStrategy Manual\n"
                  "is vm a status.printableStatus Stopped\n"},
    {"start over a final instance", VM("Manual") "run idle\n"
                                                 "call vm a start\n"
                                                 "run idle\n"
                                                 "power a shutdown\n"
                                                 "run idle\n"
                                                 "is vmi a status.phase Succeeded\n"
                                                 "call vm a start\n"
                                                 "has vm a status.stateChangeRequests Stop\n"
                                                 "has vm a status.stateChangeRequests Start\n"
                                                 "run idle\n"
                                                 "is vmi a status.phase Running\n"
                                                 "event SuccessfulCreate 2\n"},
    {"start what reruns", RUNNING("RerunOnFailure") "power a shutdown\n"
                                                    "run idle\n"
                                                    "gone vmi a\n"
                                                    "call vm a start\n"
                                                    "run idle\n"
                                                    "is vm a status.printableStatus Running\n"
                                                    "is vm a spec.runStrategy RerunOnFailure\n"},
    {"start what failed", VM("RerunOnFailure") "run 20s\n"
                                               "patch vmi a {\"metadata\":{\"finalizers\":[\"x/"
                                               "hold\"]}}\n"
                                               "power a crash\n"
                                               "run 10ms\n"
                                               "refused 409 RerunOnFailure does not support "
                                               "starting VM from failed state\n"
                                               "call vm a start\n"},
    {"start what always runs", VM("Always") "refused 409 Always does not support manual start "
                                            "requests\n"
                                            "call vm a start\n"},
    {"start what ran once", RUNNING("Once") "power a shutdown\n"
                                            "run idle\n"
                                            "refused 409 Once does not support manual start "
                                            "requests\n"
                                            "call vm a start\n"},
    {"no such machine", "refused 404 virtualmachine.kubevirt.io \"a\" not found\n"
                        "call vm a start\n"
                        "refused 404 virtualmachine.kubevirt.io \"a\" not found\n"
                        "ask vm a objectgraph x\n"
                        "refused 404 virtualmachineinstance.kubevirt.io \"a\" not found\n"
                        "call vmi a pause\n"},
    {"VM-17 start under a restore",
     VM("Halted") "run idle\n"
                  "patchstatus vm a {\"status\":{\"restoreInProgress\":\"r\"}}\n"
                  "refused 500 Internal error occurred: admission webhook "
                  "\"virtualmachine-validator.kubevirt.io\" denied the request: Cannot update VM "
                  "runStrategy until restore \"r\" completes\n"
                  "call vm a start\n"},
    {"a request ends the back-off",
     VM("Manual") "run idle\n"
                  "patchstatus vm a {\"status\":{\"startFailure\":{\"consecutiveFailCount\":9}}}\n"
                  "call vm a start\n"
                  "is vm a status.startFailure\n"},
    {"bad options", VM("Halted") "refused 400 paused is not a boolean\n"
                                 "call vm a start {\"paused\":1}\n"
                                 "refused 400 the body is not an object\n"
                                 "call vm a start []\n"
                                 "refused 400 only \"All\" is known\n"
                                 "call vm a start {\"dryRun\":[\"Some\"]}\n"
                                 "refused 400 dryRun is not a list\n"
                                 "call vm a start {\"dryRun\":\"All\"}\n"
                                 "refused 400 gracePeriod is not an integer\n"
                                 "call vm a stop {\"gracePeriod\":\"1\"}\n"},

    /* ---- stop ---- */
    {"VM-03 stop what always runs", RUNNING("Always") "call vm a stop\n"
                                                      "is vm a spec.runStrategy Halted\n"
                                                      "run 1s\n"
                                                      "is vm a status.printableStatus Stopping\n"
                                                      "run idle\n"
                                                      "gone vmi a\n"
                                                      "event SuccessfulDelete 1\n"},
    {"stop what has no instance", "vm a Always late\n"
                                  "call vm a stop\n"
                                  "is vm a spec.runStrategy Halted\n"},
    {"stop what is stopped", VM("Halted") "run idle\n"
                                          "refused 409 VM is not running\n"
                                          "call vm a stop\n"},
    {"stop by hand what is stopped", VM("Manual") "run idle\n"
                                                  "refused 409 VM is not running\n"
                                                  "call vm a stop\n"},
    {"a lone stop pushes the others aside",
     VM("Manual") "run idle\n"
                  "call vm a start\n"
                  "run idle\n" ASKED "call vm a stop\n"
                  "has vm a status.stateChangeRequests [{\"action\":\"Stop\",\"uid\":\n"
                  "run idle\n"
                  "gone vmi a\n"},
    {"stop what is stopping", RUNNING("Always") "duration stop 1m\n"
                                                "call vm a stop\n"
                                                "run 1s\n"
                                                "refused 409 Halted only supports manual stop "
                                                "requests with a shorter graceperiod\n"
                                                "call vm a stop\n"
                                                "call vm a stop {\"gracePeriod\":2}\n"
                                                "is vmi a spec.terminationGracePeriodSeconds 2\n"
                                                "run 3s\n"
                                                "gone vmi a\n"},
    {"stop under a snapshot",
     VM("Always") "run 20s\n"
                  "patchstatus vm a {\"status\":{\"snapshotInProgress\":\"s\"}}\n"
                  "refused 500 Cannot update vm running state until snapshot \"s\" completes\n"
                  "call vm a stop\n"},

    /* ---- restart ---- */
    {"restart", RUNNING("Always") "call vm a restart\n"
                                  "run idle\n"
                                  "is vm a status.printableStatus Running\n"
                                  "is vm a status.stateChangeRequests\n"
                                  "is vm a spec.runStrategy Always\n"
                                  "event SuccessfulCreate 2\n"
                                  "event SuccessfulDelete 1\n"},
    {"restart at once", RUNNING("Always") "duration stop 1m\n"
                                          "call vm a restart {\"gracePeriodSeconds\":0}\n"
                                          "run 20s\n"
                                          "is vm a status.printableStatus Running\n"
                                          "event SuccessfulCreate 2\n"
                                          "cond vm a RestartRequired none\n"},
    {"restart what is halted", VM("Halted") "run idle\n"
                                            "refused 409 RunStategy Halted does not support manual "
                                            "restart requests\n"
                                            "call vm a restart\n"},
    {"restart once", VM("Once") "refused 409 RunStategy Once does not support manual restart "
                                "requests\n"
                                "call vm a restart\n"},
    {"restart what is off", VM("Manual") "run idle\n"
                                         "refused 409 VM is not running: Halted\n"
                                         "call vm a restart\n"},
    {"restart gently", RUNNING("Always") "refused 400 For force restart, only gracePeriod=0 is "
                                         "supported for now\n"
                                         "call vm a restart {\"gracePeriodSeconds\":5}\n"
                                         "refused 400 gracePeriod has to be greater or equal to 0\n"
                                         "call vm a restart {\"gracePeriodSeconds\":-1}\n"},
    {"restart twice", RUNNING("Always") "call vm a restart\n"
                                        "refused 500 unable to complete request: stop/start "
                                        "already underway\n"
                                        "call vm a restart\n"},

    /* ---- pause ---- */
    {"pause and unpause",
     RUNNING("Always") "call vmi a pause {\"dryRun\":[\"All\"]}\n"
                       "run idle\n"
                       "cond vmi a Paused none\n"
                       "call vmi a pause\n"
                       "run idle\n"
                       "cond vmi a Paused True PausedByUser\n"
                       "is vm a status.printableStatus Paused\n"
                       "refused 409 Operation cannot be fulfilled on "
                       "virtualmachineinstance.kubevirt.io \"a\": VMI is already paused\n"
                       "call vmi a pause\n"
                       "refused 409 VMI is paused\n"
                       "call vmi a softreboot\n"
                       "call vmi a unpause\n"
                       "run idle\n"
                       "is vm a status.printableStatus Running\n"
                       "refused 409 VMI is not paused\n"
                       "call vmi a unpause\n"},
    {"unpause under a snapshot",
     RUNNING("Always") "call vmi a pause\n"
                       "run idle\n"
                       "patchstatus vm a {\"status\":{\"snapshotInProgress\":\"s\"}}\n"
                       "refused 409 VM snapshot is in progress\n"
                       "call vmi a unpause\n"},
    {"pause a probed one",
     "claim disk\n"
     "create "
     "{\"apiVersion\":\"kubevirt.io/v1\",\"kind\":\"VirtualMachine\",\"metadata\":{\"name\":\"a\","
     "\"namespace\":\"default\"},\"spec\":{\"runStrategy\":\"Always\",\"template\":{\"spec\":{"
     "\"livenessProbe\":{}}}}}\n"
     "run 20s\n"
     "refused 403 Pausing VMIs with LivenessProbe is currently not supported\n"
     "call vmi a pause\n"},
    {"nothing to do before it runs",
     VM("Manual") "run idle\n"
                  "duration start 100s\n"
                  "call vm a start\n"
                  "run 1s\n"
                  "refused 409 Operation cannot be fulfilled on "
                  "virtualmachineinstance.kubevirt.io \"a\": VM is not running\n"
                  "call vmi a pause\n"
                  "refused 409 VM is not running\n"
                  "call vmi a unpause\n"
                  "refused 409 VM is not running\n"
                  "call vmi a freeze {\"unfreezeTimeout\":\"1m\"}\n"
                  "refused 409 VM is not running\n"
                  "call vmi a unfreeze\n"
                  "refused 409 VM is not running\n"
                  "call vmi a softreboot\n"
                  "refused 409 VM is not running\n"
                  "call vmi a reset\n"
                  "refused 409 VM is not running\n"
                  "ask vmi a guestosinfo x\n"
                  "refused 409 VM is not running\n"
                  "ask vmi a userlist x\n"
                  "refused 409 VM is not running\n"
                  "ask vmi a filesystemlist x\n"},

    /* ---- freeze ---- */
    {"freeze and thaw", RUNNING("Always") "call vmi a freeze {\"unfreezeTimeout\":\"0s\"}\n"
                                          "run idle\n"
                                          "is vmi a status.fsFreezeStatus frozen\n"
                                          "ask vmi a guestosinfo \"fsFreezeStatus\":\"frozen\"\n"
                                          "call vmi a unfreeze\n"
                                          "run idle\n"
                                          "is vmi a status.fsFreezeStatus\n"
                                          "ask vmi a guestosinfo \"fsFreezeStatus\":\"thawed\"\n"},
    {"freeze for a while", RUNNING("Always") "call vmi a freeze {\"unfreezeTimeout\":\"1m0s\"}\n"
                                             "run 50s\n"
                                             "is vmi a status.fsFreezeStatus frozen\n"
                                             "run 15s\n"
                                             "is vmi a status.fsFreezeStatus\n"},
    {"freeze for nonsense", RUNNING("Always") "refused 400 unfreezeTimeout is not a duration\n"
                                              "call vmi a freeze {\"unfreezeTimeout\":\"soon\"}\n"
                                              "refused 400 unfreezeTimeout is not a duration\n"
                                              "call vmi a freeze {\"unfreezeTimeout\":\"-1s\"}\n"
                                              "refused 400 unfreezeTimeout is not a duration\n"
                                              "call vmi a freeze {\"unfreezeTimeout\":7}\n"},
    {"freeze without an agent",
     RUNNING("Always") "power a agent-down\n"
                       "run idle\n"
                       "refused 500 Internal error occurred: unexpected return code 400 (400 Bad "
                       "Request), message: \n"
                       "call vmi a freeze {\"unfreezeTimeout\":\"1m0s\"}\n"
                       "refused 500 unexpected return code 400\n"
                       "call vmi a unfreeze\n"
                       "is vmi a status.fsFreezeStatus\n"
                       "refused 409 VMI does not have guest agent connected\n"
                       "ask vmi a guestosinfo x\n"},

    /* ---- reboot ---- */
    {"reboot", RUNNING("Always") "call vmi a freeze\n"
                                 "call vmi a softreboot\n"
                                 "run idle\n"
                                 "is vmi a status.fsFreezeStatus\n"
                                 "is vm a status.printableStatus Running\n"
                                 "call vmi a freeze\n"
                                 "call vmi a reset\n"
                                 "run idle\n"
                                 "is vmi a status.fsFreezeStatus\n"
                                 "event SuccessfulCreate 1\n"},
    {"reboot without a way",
     "create "
     "{\"apiVersion\":\"kubevirt.io/v1\",\"kind\":\"VirtualMachine\",\"metadata\":{\"name\":\"a\","
     "\"namespace\":\"default\"},\"spec\":{\"runStrategy\":\"Always\",\"template\":{\"spec\":{"
     "\"domain\":{\"features\":{\"acpi\":{\"enabled\":false}}}}}}}\n"
     "run 20s\n"
     "power a agent-down\n"
     "run idle\n"
     "refused 409 VMI neither have the agent connected nor the ACPI feature enabled\n"
     "call vmi a softreboot\n"},

    /* ---- asking ---- */
    {"what the guest tells",
     RUNNING("Always") "ask vmi a guestosinfo \"hostname\":\"a\"\n"
                       "ask vmi a userlist \"kind\":\"VirtualMachineInstanceGuestOSUserList\"\n"
                       "ask vmi a filesystemlist \"items\":[]\n"},
    {"what it is made of",
     "claim disk\nvm a Always disk t:root\nrun 20s\n"
     "ask vm a objectgraph \"objectReference\":{\"apiGroup\":\"kubevirt.io\",\"kind\":"
     "\"VirtualMachine\",\"name\":\"a\",\"namespace\":\"default\"}\n"
     "ask vm a objectgraph \"kind\":\"VirtualMachineInstance\"\n"
     "ask vm a objectgraph \"kind\":\"PersistentVolumeClaim\",\"name\":\"disk\"\n"
     "ask vm a objectgraph {\"objectReference\":{\"apiGroup\":\"cdi.kubevirt.io\",\"kind\":"
     "\"DataVolume\",\"name\":\"root\",\"namespace\":\"default\"},\"labels\":{\"kubevirt.io/"
     "dependency-type\":\"storage\"},\"children\":[{\"objectReference\":{\"apiGroup\":\"\","
     "\"kind\":"
     "\"PersistentVolumeClaim\",\"name\":\"root\"\n"
     "ask vmi a objectgraph \"kind\":\"PersistentVolumeClaim\",\"name\":\"disk\"\n"},
    {"its whole spec", VM("Halted") "ask vm a expand-spec \"claimName\":\"disk\"\n"
                                    "patch vm a {\"spec\":{\"instancetype\":{\"name\":\"big\"}}}\n"
                                    "refused 500 virtualmachineclusterinstancetypes."
                                    "instancetype.kubevirt.io \"big\" not found\n"
                                    "ask vm a expand-spec x\n"},

    /* ---- volumes ---- */
    {"plug and pull",
     RUNNING("Always") "claim more\n"
                       "run 5s\n"
                       "call vm a addvolume {\"name\":\"extra\",\"disk\":{\"disk\":{\"bus\":"
                       "\"scsi\"}},\"volumeSource\":{\"persistentVolumeClaim\":{\"claimName\":"
                       "\"more\"}}}\n"
                       "has vm a status.volumeRequests \"hotpluggable\":true\n"
                       "refused 409 add volume request for volume [extra] already exists and is "
                       "still being processed\n"
                       "call vm a addvolume {\"name\":\"extra\",\"disk\":{},\"volumeSource\":{"
                       "\"dataVolume\":{\"name\":\"other\"}}}\n"
                       "run idle\n"
                       "is vm a status.volumeRequests\n"
                       "has vm a spec.template.spec.volumes \"name\":\"extra\"\n"
                       "has vm a spec.template.spec.domain.devices.disks \"name\":\"extra\"\n"
                       "has vmi a spec.volumes \"claimName\":\"more\"\n"
                       "cond vm a RestartRequired none\n"
                       "refused 409 Unable to add volume [extra] because volume with that name "
                       "already exists\n"
                       "call vm a addvolume {\"name\":\"extra\",\"disk\":{},\"volumeSource\":{"
                       "\"dataVolume\":{\"name\":\"other\"}}}\n"
                       "refused 409 Unable to add volume source [more] because it already exists\n"
                       "call vm a addvolume {\"name\":\"again\",\"disk\":{},\"volumeSource\":{"
                       "\"dataVolume\":{\"name\":\"more\"}}}\n"
                       "refused 409 Unable to remove volume [d0] because it is not hotpluggable\n"
                       "call vm a removevolume {\"name\":\"d0\"}\n"
                       "refused 409 Unable to remove volume [nosuch] because it does not exist\n"
                       "call vm a removevolume {\"name\":\"nosuch\"}\n"
                       "call vm a removevolume {\"name\":\"extra\"}\n"
                       "run idle\n"
                       "is vm a status.volumeRequests\n"
                       "is vm a spec.template.spec.domain.devices.disks []\n"
                       "is vm a status.printableStatus Running\n"},
    {"plug while it is off",
     VM("Halted") "claim more\n"
                  "run idle\n"
                  "call vm a addvolume {\"name\":\"extra\",\"disk\":{},\"volumeSource\":{"
                  "\"persistentVolumeClaim\":{\"claimName\":\"more\"}},\"dryRun\":[\"All\"]}\n"
                  "is vm a status.volumeRequests\n"
                  "call vm a addvolume {\"name\":\"extra\",\"disk\":{},\"volumeSource\":{"
                  "\"persistentVolumeClaim\":{\"claimName\":\"more\"}}}\n"
                  "run idle\n"
                  "is vm a status.volumeRequests\n"
                  "has vm a spec.template.spec.volumes \"claimName\":\"more\"\n"},
    {"plug without saying what",
     VM("Halted") "refused 400 Request with no body, a new name is expected as the request body\n"
                  "call vm a addvolume\n"
                  "refused 400 AddVolumeOptions requires name to be set\n"
                  "call vm a addvolume {}\n"
                  "refused 400 AddVolumeOptions requires disk to not be nil\n"
                  "call vm a addvolume {\"name\":\"x\"}\n"
                  "refused 400 AddVolumeOptions requires VolumeSource to not be nil\n"
                  "call vm a addvolume {\"name\":\"x\",\"disk\":{}}\n"
                  "refused 400 Request with no body\n"
                  "call vm a removevolume\n"
                  "refused 400 RemoveVolumeOptions requires name to be set\n"
                  "call vm a removevolume {}\n"},
    {"plug under a snapshot",
     RUNNING("Always") "claim more\n"
                       "run idle\n"
                       "patchstatus vm a {\"status\":{\"snapshotInProgress\":\"s\"}}\n"
                       "call vm a addvolume {\"name\":\"extra\",\"disk\":{},\"volumeSource\":{"
                       "\"persistentVolumeClaim\":{\"claimName\":\"more\"}}}\n"
                       "run 10s\n"
                       "has vm a status.volumeRequests extra\n"
                       "patchstatus vm a {\"status\":{\"snapshotInProgress\":null}}\n"
                       "run 10s\n"
                       "is vm a status.volumeRequests\n"
                       "has vmi a spec.volumes extra\n"},

    /* ---- what is not simulated ---- */
    {"not simulated", RUNNING("Always") "refused 501 migrate: live migration is not simulated\n"
                                        "call vm a migrate\n"
                                        "refused 501 a memory dump is not simulated\n"
                                        "call vm a memorydump {\"claimName\":\"disk\"}\n"
                                        "refused 501 a memory dump is not simulated\n"
                                        "call vm a removememorydump\n"
                                        "refused 501 a connection to the guest is not simulated\n"
                                        "ask vm a portforward x\n"
                                        "refused 501 a connection to the guest is not simulated\n"
                                        "ask vmi a console x\n"
                                        "refused 501 is not simulated\n"
                                        "call vmi a backup\n"
                                        "refused 501 is not simulated\n"
                                        "call vmi a addvolume\n"
                                        "refused 404 could not find the requested resource\n"
                                        "call vm a explode\n"
                                        "refused 405 \n"
                                        "ask vm a start x\n"},
    {"without virt-api", VM("Halted") "virtapi down\n"
                                      "refused 503 the server is currently unable to handle the "
                                      "request\n"
                                      "call vm a start\n"},
};

START_TEST(command)
{
    script_run(&cases[_i], 0);
}
END_TEST

int main(void)
{
    return SUITE_MAIN("sim.kubevirt.subresources",
                      SUITE_LONG_CASE("subresources", 120, EACH(command, cases)));
}
