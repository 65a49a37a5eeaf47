/* The operator's process: settings, caches, and who wakes whom. */
#include "components/osac-operator/operator.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/osac-operator/feedback.h"
#include "components/osac-operator/kinds.h"
#include "components/runtime/config.h"
#include "components/token.h"
#include "kube/meta.h"
#include "kube/time.h"

#define DEFAULT_NAMESPACE "osac-computeinstance"

static void operator_destroy(void *arg)
{
    struct osac_operator *op = arg;
    free(op->hub_name);
    free(op->workload_name);
    free(op->ns);
    free(op->service);
    free(op->credentials);
    free(op);
}

/* The setting may come from an environment variable: unset and nonsense both mean "on", and only a
 * clear "false" means "off". */
static bool snapshots_enabled(struct host *h, const json_t *setting)
{
    bool enabled = true;
    if (setting && !config_parse_bool(setting, &enabled))
        host_log(h, LOG_WARNING, "setting 'snapshotController' is no boolean, using true");
    if (!enabled)
        host_log(h, LOG_INFO, "the snapshot controller is switched off");
    return enabled;
}

static const char *const told[] = {"hub",
                                   "workload",
                                   "namespace",
                                   "snapshotController",
                                   "requireTenant",
                                   "pollInterval",
                                   "requeueInterval",
                                   "subnetInterval",
                                   "maxJobHistory",
                                   "snapshotWarningThreshold",
                                   "service",
                                   "tokenKey",
                                   "version",
                                   NULL};

static int check_interval(const char *setting, int64_t ns, struct err *reterr)
{
    return ns > 0 ? 0
                  : err_set(reterr, ERR_INVALID, NO_POS, "setting '%s' must be positive", setting);
}

static int read_config(struct osac_operator *op, const json_t *config, bool *ret_snapshots,
                       struct err *reterr)
{
    const char *hub = NULL, *workload = NULL, *ns = DEFAULT_NAMESPACE;
    const char *service = NULL, *key = BEARER_DEFAULT_KEY, *version = "1.1";
    const json_t *snapshots = NULL;
    const struct config_setting settings[] = {
        {"hub", CONFIG_STRING, &hub},
        {"workload", CONFIG_STRING, &workload},
        {"namespace", CONFIG_STRING, &ns},
        {"snapshotController", CONFIG_JSON, &snapshots},
        {"requireTenant", CONFIG_BOOL, &op->require_tenant},
        {"pollInterval", CONFIG_DURATION, &op->poll_ns},
        {"requeueInterval", CONFIG_DURATION, &op->requeue_ns},
        {"subnetInterval", CONFIG_DURATION, &op->subnet_ns},
        {"maxJobHistory", CONFIG_INT, &op->jobs_max},
        {"snapshotWarningThreshold", CONFIG_INT, &op->snapshots_warn_at},
        {"service", CONFIG_STRING, &service},
        {"tokenKey", CONFIG_STRING, &key},
        {"version", CONFIG_STRING, &version},
    };
    config_told(told, settings, ARRAY_LEN(settings));
    if (config_read(config, settings, ARRAY_LEN(settings), reterr) < 0)
        return -1;
    if (check_interval("pollInterval", op->poll_ns, reterr) < 0 ||
        check_interval("requeueInterval", op->requeue_ns, reterr) < 0 ||
        check_interval("subnetInterval", op->subnet_ns, reterr) < 0)
        return -1;
    if (!osac_version_parse(version, &op->version))
        return err_set(reterr, ERR_INVALID, NO_POS,
                       "setting 'version': expected \"1.0\" or \"1.1\"");
    if (op->jobs_max < 1)
        op->jobs_max = 1;
    op->hub_name = hub ? mem_strdup(hub) : NULL;
    op->workload_name = workload ? mem_strdup(workload) : hub ? mem_strdup(hub) : NULL;
    op->ns = mem_strdup(ns);
    if (service && *service) {
        op->service = mem_strdup(service);
        op->credentials = osac_remote_credentials(key);
    }
    op->hub = (struct client){op->host, op->hub_name};
    op->workload = (struct client){op->host, op->workload_name};
    *ret_snapshots = op->version >= OPERATOR_1_1 && snapshots_enabled(op->host, snapshots);
    return 0;
}

static struct informer *cache(struct runtime *rt, const struct client *client,
                              const struct kind *kind, const char *ns, const char *label)
{
    struct informer_config config = {
        .client = *client, .kind = kind, .ns = ns, .label_selector = label, .optional = true};
    return informer_create(rt, &config);
}

/* ---- who wakes whom ---- */

static bool is_deleted(void *cookie, enum api_event_type type, const json_t *old, const json_t *obj)
{
    (void)cookie, (void)old, (void)obj;
    return type == EVENT_DELETED;
}

/* A snapshot that is gone may let its instance go on with its own deletion. */
static void map_to_parent(void *cookie, struct controller *c, const json_t *snapshot)
{
    (void)cookie;
    controller_enqueue(c, meta_namespace(snapshot),
                       json_str_or_empty(snapshot, "spec.computeInstanceRef"));
}

static const char *machine_of(const json_t *instance)
{
    return json_str_or_empty(instance, "status.virtualMachineReference.kubeVirtVirtualMachineName");
}

static bool machine_changed(void *cookie, enum api_event_type type, const json_t *old,
                            const json_t *obj)
{
    (void)cookie;
    return type == EVENT_MODIFIED && strcmp(machine_of(old), machine_of(obj)) != 0;
}

/* Snapshots that wait for their instance to get a machine. */
static void map_to_waiting(void *cookie, struct controller *c, const json_t *instance)
{
    const struct osac_operator *op = cookie;
    size_t pos = 0;
    json_t *snapshot;
    while (informer_each(op->snapshots, &pos, &snapshot))
        if (strcmp(json_str_or_empty(snapshot, "spec.computeInstanceRef"), meta_name(instance)) ==
                0 &&
            !json_path(snapshot, "status.virtualMachineSnapshotRef"))
            controller_enqueue(c, meta_namespace(snapshot), meta_name(snapshot));
}

static void add_instances(struct runtime *rt, struct osac_operator *op, struct informer *instances)
{
    struct controller *c = controller_create(
        rt, &(struct controller_config){
                .name = "computeinstance", .reconcile = osac_instance_reconcile, .cookie = op});
    controller_watch_self(c, instances, NULL, NULL);
    if (op->snapshots)
        controller_watch(c, op->snapshots, map_to_parent, is_deleted, op);
    controller_watch_label(c, cache(rt, &op->workload, &osac_kind_vm, NULL, KEY_INSTANCE),
                           KEY_INSTANCE, op->ns);
    if (op->version >= OPERATOR_1_1)
        controller_watch_label(c, cache(rt, &op->workload, &osac_kind_vmr, NULL, KEY_INSTANCE),
                               KEY_INSTANCE, op->ns);
}

static void add_snapshots(struct runtime *rt, struct osac_operator *op, struct informer *instances)
{
    struct controller *c =
        controller_create(rt, &(struct controller_config){.name = "computeinstancesnapshot",
                                                          .reconcile = osac_snapshot_reconcile,
                                                          .cookie = op});
    controller_watch_self(c, op->snapshots, NULL, NULL);
    controller_watch_label(c, cache(rt, &op->workload, &osac_kind_vms, NULL, KEY_SNAPSHOT),
                           KEY_SNAPSHOT, op->ns);
    controller_watch(c, instances, map_to_waiting, machine_changed, op);
}

static void add_feedback(struct runtime *rt, struct osac_operator *op, const char *name,
                         const struct feedback_kind *kind, struct informer *objects)
{
    struct feedback *f = mem_zalloc(sizeof *f);
    runtime_own(rt, f, free);
    *f = (struct feedback){op, kind};
    struct controller *c =
        controller_create(rt, &(struct controller_config){
                                  .name = name, .reconcile = osac_feedback_reconcile, .cookie = f});
    controller_watch_self(c, objects, NULL, NULL);
}

static int run(struct host *h, const json_t *config, struct err *reterr)
{
    AUTO(runtime) struct runtime *rt = runtime_create(h);
    struct osac_operator *op = mem_zalloc(sizeof *op);
    runtime_own(rt, op, operator_destroy);
    op->host = h;
    op->poll_ns = 30 * NS_PER_S;
    op->requeue_ns = 10 * NS_PER_S;
    op->subnet_ns = 30 * NS_PER_S;
    op->jobs_max = 10;
    bool with_snapshots = true;
    if (read_config(op, config, &with_snapshots, reterr) < 0)
        return err_wrap(reterr, NO_POS, "osac-operator");
    bool old = op->version < OPERATOR_1_1;
    if (!old)
        op->snapshots = cache(rt, &op->hub, &osac_kind_snapshot, op->ns, NULL);
    struct informer *instances = cache(rt, &op->hub, &osac_kind_instance, op->ns, NULL);
    add_instances(rt, op, instances);
    if (with_snapshots)
        add_snapshots(rt, op, instances);
    if (op->service) {
        add_feedback(rt, op, "computeinstance-feedback",
                     old ? &osac_feedback_instance_old : &osac_feedback_instance, instances);
        if (!old)
            add_feedback(rt, op, "computeinstancesnapshot-feedback", &osac_feedback_snapshot,
                         op->snapshots);
    }
    return runtime_run(rt, reterr);
}

static const struct component_variable variables[] = {
    {"OSAC_ENABLE_COMPUTEINSTANCESNAPSHOT_CONTROLLER", "snapshotController"},
    {"OSAC_COMPUTE_INSTANCE_NAMESPACE", "namespace"},
    {NULL, NULL},
};

const struct component osac_operator_component = {
    .name = "osac-operator",
    .kind = COMPONENT_CONTROLLER,
    .settings = told,
    .variables = variables,
    .user = "system:serviceaccount:osac-system:osac-operator",
    .run = run,
};
