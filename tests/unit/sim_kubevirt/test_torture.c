/* One failed or lost request at each place of a whole life: machine, snapshot, stop, restore,
 * start; and machine, backups, restart, backup. The end must be the same. */
#include <stdio.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "tests/unit/sim_kubevirt/script.h"
#include "tests/unit/suite.h"

enum { PLACES = 48, SEEDS = 60, REQUESTS = 100 };

static const char *const answers[] = {"409", "500", "\"timeout\"", "\"lost\""};

static const char life[] = "claim disk\n"
                           "vm a Always disk\n"
                           "run idle\n"
                           "write a 10 20\n"
                           "mark a before\n"
                           "snapshot s a\n"
                           "run idle\n"
                           "is vmsnapshot s status.readyToUse true\n"
                           "count vmsnapshotcontents 1\n"
                           "count volumesnapshots 1\n"
                           "is vm a status.snapshotInProgress\n"
                           "write a 15 2\n"
                           "patch vm a {\"spec\":{\"runStrategy\":\"Halted\"}}\n"
                           "run idle\n"
                           "restore r a s\n"
                           "run idle\n"
                           "is vmrestore r status.complete true\n"
                           "is vm a status.restoreInProgress\n"
                           "same a before\n"
                           "count pvc 2\n"
                           "patch vm a {\"spec\":{\"runStrategy\":\"Always\"}}\n"
                           "run idle\n"
                           "is vm a status.printableStatus Running\n"
                           "delete vmsnapshot s\n"
                           "delete vm a\n"
                           "run idle\n"
                           "gone vm a\n"
                           "gone vmsnapshot s\n"
                           "gone vmrestore r\n"
                           "count volumesnapshots 0\n"
                           "count pvc 1\n";

/* A backup whose completion was told in part is lost to its controller (kubevirt-csi.md 4.4): what
 * must hold whatever happens is that a tracker names a checkpoint only when its files are whole. */
static const char backups[] =
    "claim disk\n"
    "claim target\n"
    "vm a Halted disk\n"
    "patch vm a {\"metadata\":{\"labels\":{\"changedBlockTracking\":\"true\"}}}\n"
    "patch vm a {\"spec\":{\"runStrategy\":\"Always\"}}\n"
    "run idle\n"
    "is vm a status.changedBlockTracking.state Enabled\n"
    "tracker t a\n"
    "write a 0 300\n"
    "remember disk m1\n"
    "backup f t target\n"
    "run idle\n"
    "has vmbackuptracker t status.latestCheckpoint.name f-\n"
    "restores target a d0 m1 f\n"
    "is vmi a spec.utilityVolumes\n"
    "is vmi a status.changedBlockTracking.backupStatus\n"
    "patch vm a {\"spec\":{\"runStrategy\":\"Halted\"}}\n"
    "run idle\n"
    "patch vm a {\"spec\":{\"runStrategy\":\"Always\"}}\n"
    "run idle\n"
    "is vmbackuptracker t status.checkpointRedefinitionRequired\n"
    "has vmbackuptracker t status.latestCheckpoint.name f-\n"
    "write a 70 1\n"
    "remember disk m2\n"
    "backup i t target\n"
    "run idle\n"
    "is vmbackup i status.type Incremental\n"
    "has vmbackuptracker t status.latestCheckpoint.name i-\n"
    "exactly target a d0 i m1 m2\n"
    "restores target a d0 m2 f i\n"
    "delete vmbackup f\n"
    "delete vmbackup i\n"
    "run idle\n"
    "gone vmbackup f\n"
    "gone vmbackup i\n";

static const char *const lives[] = {life, backups};

static void run_with(const char *answer, int skip, const char *story)
{
    AUTO(str)
    char *script =
        mem_printf("fault {\"point\":\"api\",\"match\":{\"by\":\"main/virt-*\"},\"skip\":%d,"
                   "\"times\":2,\"action\":{\"answer\":%s}}\n%s",
                   skip, answer, story);
    AUTO(str) char *name = mem_printf("answer %s after %d requests", answer, skip);
    const struct script_case c = {.name = name, .script = script};
    script_run(&c, 0);
}

START_TEST(one_fault)
{
    for (int place = 0; place < PLACES; place++) {
        run_with(answers[_i], place * 3, life);
        if (place % 2)
            run_with(answers[_i], place * 4, backups);
    }
}
END_TEST

START_TEST(one_crash)
{
    /* The second story is longer, and makes files: not every place of it. */
    unsigned step = 1 + 2 * (unsigned)(_i % 2);
    for (unsigned at = 1; at <= REQUESTS * (step > 1 ? 2 : 1); at += step) {
        AUTO(str) char *name = mem_printf("crash at request %u, moment %d", at, _i);
        const struct script_case c = {name, lives[_i % 2]};
        script_run_crashing(&c, at, _i / 2);
    }
}
END_TEST

START_TEST(any_order)
{
    for (unsigned long seed = 1; seed <= SEEDS; seed += 1 + (unsigned long)_i) {
        const struct script_case c = {"in any order", lives[_i]};
        script_run_shuffled(&c, seed);
    }
}
END_TEST

int main(void)
{
    return SUITE_MAIN("sim.kubevirt.torture",
                      SUITE_LONG_CASE("faults", 300, EACH(one_fault, answers),
                                      RANGE(one_crash, 0, 6), EACH(any_order, lives)));
}
