/* The controllers of storage against an API server that fails them, one request at a time, and
 * against every order of events: the same state in the end. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "tests/unit/sim_storage/stage.h"
#include "tests/unit/suite.h"

#define REQUESTS 110 /* more than the story takes */
#define REQUESTS_AT_LEAST 60

#define CLAIM                                                                                      \
    "{'spec': {'accessModes': ['ReadWriteOnce'], 'resources': {'requests': {'storage': '1Gi'}}}}"
#define RESTORED                                                                                   \
    "{'spec': {'accessModes': ['ReadWriteOnce'], 'resources': {'requests': {'storage': '1Gi'}}, "  \
    "'dataSource': {'apiGroup': 'snapshot.storage.k8s.io', 'kind': 'VolumeSnapshot', 'name': "     \
    "'s'}}}"
#define POD                                                                                        \
    "{'spec': {'containers': [{'name': 'c', 'image': 'none:1'}], 'volumes': [{'name': 'v', "       \
    "'persistentVolumeClaim': {'claimName': 'b'}}]}}"

static const struct step story[] = {
    {CREATE, "pvc/default/a", NULL, CLAIM},
    {CREATE, "vs/default/s", NULL, "{'spec': {'source': {'persistentVolumeClaimName': 'a'}}}"},
    {CREATE, "pvc/default/b", NULL, RESTORED},
    {CREATE, "pod/default/p", NULL, POD},
    {SETTLE, NULL, NULL, NULL},
    {IS, "pvc/default/a", "status.phase", "Bound"},
    {IS, "pvc/default/b", "status.phase", "Bound"},
    {IS, "vs/default/s", "status.readyToUse", "true"},
    {IS, "pod/default/p", "status.phase", "Running"},
    {DELETE, "pvc/default/a", NULL, NULL},
    {DELETE, "pvc/default/b", NULL, NULL},
    {DELETE, "vs/default/s", NULL, NULL},
    {SETTLE, NULL, NULL, NULL},
    {GONE, "pvc/default/a", NULL, NULL},
    {GONE, "vs/default/s", NULL, NULL},
    {DELETING, "pvc/default/b", NULL, NULL},
    {DELETE, "pod/default/p", NULL, NULL},
    {SETTLE, NULL, NULL, NULL},
    {GONE, "pvc/default/b", NULL, NULL},
    {END, NULL, NULL, NULL},
};

static void check_empty(struct stage *st, const char *row)
{
    static const struct api_resource *const left[] = {&LOOP_VOLUMES, &LOOP_CONTENTS, &LOOP_CLAIMS,
                                                      &LOOP_PODS};
    for (size_t i = 0; i < ARRAY_LEN(left); i++) {
        AUTO(json)
        json_t *all =
            apiserver_peek_all(cluster_server(st->cluster), left[i]->group, left[i]->plural, NULL);
        ck_assert_msg(!json_array_size(all), "%s: %s are left", row, left[i]->plural);
    }
}

static const char *const answers[] = {"409", "500", "'timeout'", "'lost'"};

START_TEST(one_request_fails)
{
    for (int skip = 0; skip < REQUESTS; skip++) {
        struct stage st;
        AUTO(str) char *row = mem_printf("request %d answered %s", skip, answers[_i]);
        AUTO(str)
        char *text = mem_printf(
            "{'name': 'f', 'point': 'api', 'skip': %d, 'times': 1, 'match': {'by': 'main/*'}, "
            "'action': {'answer': %s}}",
            skip, answers[_i]);
        AUTO(json) json_t *rule = stage_json(text);
        AUTO(err) struct err err = {0};
        stage_open(&st, NULL, false);
        ck_assert_msg(fault_add(world_faults(st.world), rule, &err) > 0, "%s: %s", row, err.msg);
        stage_steps(&st, row, story);
        check_empty(&st, row);
        ck_assert_msg(skip >= REQUESTS_AT_LEAST || fault_fired(world_faults(st.world), "f") == 1,
                      "%s: nothing failed", row);
        stage_close(&st);
    }
}
END_TEST

START_TEST(any_order)
{
    struct stage st;
    AUTO(str) char *row = mem_printf("seed %d", _i);
    stage_open_random(&st, (uint64_t)_i);
    stage_steps(&st, row, story);
    check_empty(&st, row);
    stage_close(&st);
}
END_TEST

int main(void)
{
    return SUITE_MAIN(
        "sim.storage.torture",
        SUITE_LONG_CASE("torture", 120, EACH(one_request_fails, answers), RANGE(any_order, 0, 40)));
}
