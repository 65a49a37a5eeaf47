/* One failed or lost request at each place of a whole life: machine, snapshot, stop, restore,
 * start. The end must be the same. */
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

static void run_with(const char *answer, int skip)
{
    AUTO(str)
    char *script =
        mem_printf("fault {\"point\":\"api\",\"match\":{\"by\":\"main/virt-*\"},\"skip\":%d,"
                   "\"times\":2,\"action\":{\"answer\":%s}}\n%s",
                   skip, answer, life);
    AUTO(str) char *name = mem_printf("answer %s after %d requests", answer, skip);
    const struct script_case c = {.name = name, .script = script};
    script_run(&c, 0);
}

START_TEST(one_fault)
{
    for (int place = 0; place < PLACES; place++)
        run_with(answers[_i], place * 3);
}
END_TEST

START_TEST(one_crash)
{
    for (unsigned at = 1; at <= REQUESTS; at++) {
        AUTO(str) char *name = mem_printf("crash at request %u, moment %d", at, _i);
        const struct script_case c = {name, life};
        script_run_crashing(&c, at, _i);
    }
}
END_TEST

START_TEST(any_order)
{
    for (unsigned long seed = 1; seed <= SEEDS; seed++) {
        const struct script_case c = {"in any order", life};
        script_run_shuffled(&c, seed);
    }
}
END_TEST

int main(void)
{
    return SUITE_MAIN("sim.kubevirt.torture",
                      SUITE_LONG_CASE("faults", 300, EACH(one_fault, answers),
                                      RANGE(one_crash, 0, 3), TEST(any_order)));
}
