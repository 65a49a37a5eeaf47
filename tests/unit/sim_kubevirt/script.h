/* Tests of the simulated KubeVirt are little scripts: one command a line, words split at blanks. A
 * value is the rest of the line.
 *
 *   claim NAME [CLASS]                     a claim of 64Mi
 *   vm NAME STRATEGY [CLAIM...]            volumes d0, d1, ...; "t:NAME" is a dataVolumeTemplate,
 * "c:" a cloud-init disk snapshot NAME VM [JSON]                JSON is merged into spec restore
 * NAME VM SNAPSHOT [JSON] create JSON refused CODE TEXT                      what the next write
 * must answer (TEXT is part of the message) patch KIND NAME JSON                   merge patch;
 * patchstatus: of the status delete KIND NAME [POLICY] run DURATION                           lets
 * virtual time pass; "run idle": until nothing is left to do is KIND NAME PATH [VALUE] dotted path;
 * no VALUE: absent has KIND NAME PATH TEXT                the value's text contains TEXT cond KIND
 * NAME TYPE STATUS [REASON]    REASON is the whole text; "none" for STATUS: absent gone KIND NAME /
 * there KIND NAME / count KIND N event REASON N                         N events (counts added)
 * with that reason write VM FIRST COUNT / mark VM MOMENT / same VM MOMENT / differs VM MOMENT TEXT
 * power VM WHAT / duration WHAT DURATION / storage WHAT DURATION / fault JSON / fail RPC GLOB TIMES
 *
 *   call KIND NAME SUBRESOURCE [JSON]      PUT to virt-api; "refused" may stand before it
 *   ask KIND NAME SUBRESOURCE TEXT         GET from virt-api; the answer contains TEXT
 *   virtapi down|up
 *   virt NAME JSON                         which KubeVirt it is
 *   cause TEXT                             after "refused": part of the details, too
 *   node                                   the cluster gets a kubelet and its node
 *   crd FILE                               replaces a definition
 *
 *   tracker NAME VM / backup NAME SOURCE CLAIM [JSON]      SOURCE is a tracker, or vm:NAME
 *   knob NAME JSON                         of KubeVirt's backups
 *   remember CLAIM MOMENT                  the claim's disk as it is now
 *   restores CLAIM VM DISK MOMENT BACKUP...  these backups' files, base first, are that moment
 *   exactly CLAIM VM DISK BACKUP FROM TO   the file holds the clusters changed in between, and only
 *   empty CLAIM VM DISK BACKUP             the file is an image that holds nothing
 *   backing CLAIM VM DISK BACKUP [NAME]    what its header names
 *   has events * PATH TEXT                 one of them
 *   folders CLAIM VM N                     backups that left something
 *
 * "$NAME" inside a line stands for the uid of the first object of that name among snapshots,
 * restores, machines, instance types and preferences. Namespace: default. */
#ifndef VMCONFORM_TESTS_UNIT_SIM_KUBEVIRT_SCRIPT_H
#define VMCONFORM_TESTS_UNIT_SIM_KUBEVIRT_SCRIPT_H

struct script_case {
    const char *name, *script;
};

/* Runs a case in a world of its own with storage, KubeVirt and, when `provisioner` is set, a
 * provisioner on the same cluster. */
void script_run(const struct script_case *c, int provisioner);
/* What is due at the same time runs in an order of that seed. */
void script_run_shuffled(const struct script_case *c, unsigned long seed);
/* KubeVirt's controllers crash and start again at their request number `at`: before it, after its
 * commit, or after the reply. */
void script_run_crashing(const struct script_case *c, unsigned at, int moment);
/* Runs the case and returns the trace's text, new. */
char *script_trace(const struct script_case *c);

#endif
