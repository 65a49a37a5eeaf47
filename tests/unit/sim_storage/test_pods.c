/* Pods: programs, exits, mounts, deletion, crashes. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/folder.h"
#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "kube/time.h"
#include "sim/controllermanager/controllermanager.h"
#include "tests/unit/sim_storage/stage.h"
#include "tests/unit/suite.h"

#define CLAIM                                                                                      \
    "{'spec': {'accessModes': ['ReadWriteOnce'], 'resources': {'requests': {'storage': '1Mi'}}}}"
#define POD(image, volumes, mounts)                                                                \
    "{'spec': {'restartPolicy': 'Never', 'containers': [{'name': 'c', 'image': '" image            \
    "', 'volumeMounts': [" mounts "]}], 'volumes': [" volumes "]}}"
#define DATA "{'name': 'v', 'persistentVolumeClaim': {'claimName': 'a'}}"
#define P "pod/default/p"

static bool is_known(void *cookie, const json_t *pod)
{
    (void)cookie;
    const json_t *first = json_array_get(json_path(pod, "spec.containers"), 0);
    return strcmp(json_str_or_empty(first, "image"), "none:1") != 0;
}

static void run_pod(void *cookie, const struct pod_run *run, struct pod_exit *ret)
{
    struct stage *st = cookie;
    const json_t *first = json_array_get(json_path(run->pod, "spec.containers"), 0);
    const char *image = json_str_or_empty(first, "image");
    sched_sleep(world_sched(st->world), 5 * NS_PER_S);
    if (!strcmp(image, "fail:1")) {
        ret->code = 3;
        ret->message = mem_strdup("no luck");
    } else if (!strcmp(image, "long:1")) {
        sched_sleep(world_sched(st->world), 3600 * NS_PER_S);
    } else if (!strcmp(image, "write:1")) {
        for (size_t i = 0; i < run->mount_count; i++) {
            AUTO(str)
            char *path = mem_printf("%s/%s", run->mounts[i].host_path,
                                    run->mounts[i].claim ? run->mounts[i].claim : "own");
            AUTO(fd) int fd = open(path, O_CREAT | O_WRONLY, 0600);
            ret->code |= fd < 0 || run->mounts[i].read_only != !strcmp(run->mounts[i].path, "/ro");
        }
        ret->code |= run->mount_count != 3;
    }
}

static const struct row {
    const char *name;
    struct step steps[20];
    const char *state; /* part of the pod's text at the end */
} rows[] = {
    {"succeeds",
     {{CREATE, P, NULL, POD("good:1", "", "")},
      {RUN, NULL, NULL, "500ms"},
      {IS, P, "status.phase", "Pending"},
      {RUN, NULL, NULL, "1s"},
      {IS, P, "status.phase", "Running"},
      {SETTLE, NULL, NULL, NULL},
      {IS, P, "status.phase", "Succeeded"}},
     "\"exitCode\":0,\"reason\":\"Completed\""},
    {"fails",
     {{CREATE, P, NULL, POD("fail:1", "", "")},
      {SETTLE, NULL, NULL, NULL},
      {IS, P, "status.phase", "Failed"}},
     "\"exitCode\":3,\"reason\":\"Error\",\"message\":\"no luck\""},
    {"without a program it stays",
     {{CREATE, P, NULL, POD("none:1", "", "")},
      {SETTLE, NULL, NULL, NULL},
      {IS, P, "status.phase", "Running"}},
     "\"running\":{\"startedAt\""},
    {"mounts",
     {{CREATE, "pvc/default/a", NULL, CLAIM},
      {CREATE, P, NULL,
       POD("write:1", DATA ", {'name': 'e', 'emptyDir': {}}",
           "{'name': 'v', 'mountPath': '/data', 'subPath': 'x/y'}, {'name': 'e', 'mountPath': "
           "'/tmp'}, "
           "{'name': 'v', 'mountPath': '/ro', 'readOnly': true}")},
      {SETTLE, NULL, NULL, NULL},
      {IS, P, "status.phase", "Succeeded"}},
     "Completed"},
    {"path out of the volume",
     {{CREATE, "pvc/default/a", NULL, CLAIM},
      {CREATE, P, NULL,
       POD("write:1", DATA, "{'name': 'v', 'mountPath': '/data', 'subPath': '../..'}")},
      {SETTLE, NULL, NULL, NULL},
      {IS, P, "status.phase", "Pending"},
      {EVENT, "p", "FailedMount", "leads out of its volume"}},
     "ContainerCreating"},
    {"waits for its claim",
     {{CREATE, P, NULL, POD("good:1", DATA, "")},
      {SETTLE, NULL, NULL, NULL},
      {IS, P, "status.phase", "Pending"},
      {CREATE, "pvc/default/a", NULL, CLAIM},
      {SETTLE, NULL, NULL, NULL},
      {IS, P, "status.phase", "Succeeded"}},
     "Completed"},
    {"runs on the node",
     {{CREATE, P, NULL, POD("good:1", "", "")},
      {SETTLE, NULL, NULL, NULL},
      {IS, P, "spec.nodeName", NODE_NAME},
      {IS, P, "status.hostIP", NODE_ADDRESS},
      {EVENT, "p", "Scheduled", "to node01"}},
     "Completed"},
    {"waits for the node",
     {{PATCH, "node/node01", NULL, "{'spec': {'unschedulable': true}}"},
      {CREATE, P, NULL, POD("good:1", "", "")},
      {SETTLE, NULL, NULL, NULL},
      {IS, P, "status.phase", "Pending"},
      {EVENT, "p", "FailedScheduling", "0/1 nodes are available: 1 node(s) were unschedulable."},
      {PATCH, "node/node01", NULL, "{'spec': {'unschedulable': null}}"},
      {SETTLE, NULL, NULL, NULL},
      {IS, P, "status.phase", "Succeeded"}},
     "Completed"},
    {"has no node",
     {{DELETE, "node/node01", NULL, NULL},
      {CREATE, P, NULL, POD("good:1", "", "")},
      {SETTLE, NULL, NULL, NULL},
      {IS, P, "status.phase", "Pending"},
      {EVENT, "p", "FailedScheduling", "no nodes available to schedule pods"}},
     "Unschedulable"},
    {"deleted while it runs, made again",
     {{CREATE, P, NULL, POD("long:1", "", "")},
      {RUN, NULL, NULL, "10s"},
      {IS, P, "status.phase", "Running"},
      {DELETE, P, NULL, NULL},
      {RUN, NULL, NULL, "29s"},
      {IS, P, "status.phase", "Running"},
      {RUN, NULL, NULL, "1s"},
      {RUN, NULL, NULL, "1ms"},
      {GONE, P, NULL, NULL},
      {CREATE, P, NULL, POD("good:1", "", "")},
      {SETTLE, NULL, NULL, NULL},
      {IS, P, "status.phase", "Succeeded"}},
     "Completed"},
};

static void open_stage(struct stage *st, char *folder)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    stage_open(st, folder, false);
    kubelet_set_program(st->world, is_known, run_pod, st);
}

static void close_stage(struct stage *st, const char *folder)
{
    stage_close(st);
    folder_remove(folder);
}

START_TEST(pods)
{
    const struct row *row = &rows[_i];
    char folder[] = "/tmp/vmconform-pods-XXXXXX";
    struct stage st;
    open_stage(&st, folder);
    stage_steps(&st, row->name, row->steps);
    AUTO(str) char *text = json_text(stage_get(&st, P));
    ck_assert_msg(strstr(text, row->state) != NULL, "%s: %s", row->name, text);
    close_stage(&st, folder);
}
END_TEST

/* What the kubelet registers, and what KubeVirt adds to it. */
START_TEST(node)
{
    struct stage st;
    stage_open(&st, NULL, false);
    const struct apiserver *server = cluster_server(st.cluster);
    const json_t *n = stage_get(&st, "node/node01");
    ck_assert(n != NULL);
    ck_assert_str_eq(meta_label(n, "kubernetes.io/hostname"), NODE_NAME);
    ck_assert(!meta_label(n, "kubevirt.io/schedulable"));
    ck_assert_str_eq(meta_condition_status(n, "Ready"), "True");
    ck_assert_str_eq(meta_condition_status(n, "DiskPressure"), "False");
    ck_assert_str_eq(json_str_or_empty(n, "status.nodeInfo.kubeletVersion"), KUBERNETES_VERSION);
    AUTO(str) char *uid = mem_strdup(meta_uid(n));
    AUTO(str) char *revision = mem_strdup(meta_resource_version(n));
    const json_t *lease =
        apiserver_peek(server, "coordination.k8s.io", "leases", "kube-node-lease", NODE_NAME);
    ck_assert_str_eq(json_str_or_empty(lease, "spec.holderIdentity"), NODE_NAME);
    ck_assert_str_eq(
        json_str_or_empty(json_array_get(json_path(lease, "metadata.ownerReferences"), 0), "uid"),
        uid);
    kubelet_serve_machines(st.cluster, "u");
    n = stage_get(&st, "node/node01");
    ck_assert_str_eq(meta_label(n, "kubevirt.io/schedulable"), "true");
    ck_assert_str_eq(meta_uid(n), uid);
    ck_assert_str_ne(meta_resource_version(n), revision);
    const json_t *devices = json_at(n, "status", "allocatable", "devices.kubevirt.io/kvm", NULL);
    ck_assert_str_eq(json_string_value(devices), "1k");
    stage_delete(&st, "node/node01");
    kubelet_serve_machines(st.cluster, "u");
    stage_settle(&st, "no node");
    ck_assert(!stage_get(&st, "node/node01"));
    ck_assert(
        !apiserver_peek(server, "coordination.k8s.io", "leases", "kube-node-lease", NODE_NAME));
    stage_close(&st);
}
END_TEST

/* Worlds that begin at other times show other times, whichever was made last. */
START_TEST(nodes_of_many_worlds)
{
    static const int64_t hours[] = {1, 2, 1};
    static const char *const want[] = {"1970-01-01T01:00:00Z", "1970-01-01T02:00:00Z",
                                       "1970-01-01T01:00:00Z"};
    struct world *worlds[ARRAY_LEN(hours)];
    AUTO(err) struct err e = {0};
    for (size_t i = 0; i < ARRAY_LEN(hours); i++) {
        worlds[i] =
            world_create(&(struct world_config){.seed = 1, .start_ns = hours[i] * 3600 * NS_PER_S});
        struct cluster *c = kcm_add_cluster(worlds[i], "main", &e);
        ck_assert(storage_start(c, &e) == 0 && kubelet_start(c, &e) == 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(hours); i++) {
        const json_t *n = apiserver_peek(cluster_server(world_cluster(worlds[i], NULL)), "",
                                         "nodes", NULL, NODE_NAME);
        ck_assert_str_eq(json_str_or_empty(meta_condition(n, "Ready"), "lastHeartbeatTime"),
                         want[i]);
        ck_assert_str_eq(json_str_or_empty(n, "metadata.creationTimestamp"), want[i]);
        world_destroy(worlds[i]);
    }
}
END_TEST

static struct process *the_process;

static void note_process(void *cookie, const struct pod_run *run, struct pod_exit *ret)
{
    the_process = run->process;
    run_pod(cookie, run, ret);
}

/* A pod whose process dies: killed, and its object stays. */
START_TEST(crash)
{
    char folder[] = "/tmp/vmconform-pods-XXXXXX";
    struct stage st;
    open_stage(&st, folder);
    kubelet_set_program(st.world, is_known, note_process, &st);
    static const struct step begin[] = {{CREATE, P, NULL, POD("long:1", "", "")},
                                        {RUN, NULL, NULL, "10s"},
                                        {END, NULL, NULL, NULL}};
    static const struct step after[] = {
        {SETTLE, NULL, NULL, NULL}, {IS, P, "status.phase", "Failed"}, {END, NULL, NULL, NULL}};
    stage_steps(&st, "crash", begin);
    ck_assert_str_eq(process_name(the_process), "pod/default/p");
    process_crash(the_process);
    stage_steps(&st, "crash", after);
    AUTO(str) char *text = json_text(stage_get(&st, P));
    ck_assert_msg(strstr(text, "\"exitCode\":137") != NULL, "%s", text);
    close_stage(&st, folder);
}
END_TEST

/* A world may end while pods run. */
START_TEST(world_ends_first)
{
    char folder[] = "/tmp/vmconform-pods-XXXXXX";
    struct stage st;
    open_stage(&st, folder);
    static const struct step begin[] = {{CREATE, P, NULL, POD("long:1", "", "")},
                                        {RUN, NULL, NULL, "10s"},
                                        {END, NULL, NULL, NULL}};
    stage_steps(&st, "end", begin);
    close_stage(&st, folder);
}
END_TEST

int main(void)
{
    return SUITE_MAIN("sim.kubelet", SUITE_LONG_CASE("pods", 60, EACH(pods, rows), TEST(node),
                                                     TEST(nodes_of_many_worlds), TEST(crash),
                                                     TEST(world_ends_first)));
}
