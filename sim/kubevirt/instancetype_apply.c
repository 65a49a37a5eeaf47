/* What an instance type and a preference put into the template of a machine. The instance type
 * decides: what the template says beside it is a conflict. A preference only fills gaps. Of their
 * fields these are simulated; the others are kept in revisions and change nothing. */
#include <stdint.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "sim/kubevirt/instancetype_priv.h"

/* ---- conflicts ---- */

static bool says_something(const json_t *v)
{
    if (!v || json_is_null(v) || json_is_false(v))
        return false;
    if (json_is_integer(v))
        return json_integer_value(v) != 0;
    return !json_is_string(v) || *json_string_value(v);
}

char *kv_type_conflicts(const json_t *spec, const json_t *template_spec, const char *at)
{
    static const struct {
        const char *field, *unless_absent; /* of the instance type; NULL: always in the way */
    } all[] = {
        {"nodeSelector", "nodeSelector"},
        {"schedulerName", "schedulerName"},
        {"domain.resources.requests.cpu", NULL},
        {"domain.resources.limits.cpu", NULL},
        {"domain.cpu.sockets", NULL},
        {"domain.cpu.cores", NULL},
        {"domain.cpu.threads", NULL},
        {"domain.cpu.model", "cpu.model"},
        {"domain.cpu.dedicatedCPUPlacement", "cpu.dedicatedCPUPlacement"},
        {"domain.cpu.isolateEmulatorThread", "cpu.isolateEmulatorThread"},
        {"domain.memory", NULL},
        {"domain.resources.requests.memory", NULL},
        {"domain.resources.limits.memory", NULL},
        {"domain.ioThreadsPolicy", "ioThreadsPolicy"},
    };
    AUTO(strbuf) struct strbuf out = {0};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        if (says_something(json_path(template_spec, all[i].field)) &&
            (!all[i].unless_absent || json_path(spec, all[i].unless_absent)))
            strbuf_addf(&out, "%s%s.%s", out.len ? ", " : "", at, all[i].field);
    }
    return out.len ? mem_strdup(strbuf_str(&out)) : NULL;
}

/* ---- the instance type ---- */

static void copy_field(json_t *to, const char *to_path, const json_t *from, const char *path)
{
    const json_t *value = json_path(from, path);
    if (value)
        json_put_take(to, to_path, json_copy_of(value));
}

/* How the processors of a guest are spread over sockets, cores and threads. */
static void put_topology(json_t *template_spec, uint32_t sockets, uint32_t cores, uint32_t threads)
{
    json_put_take(template_spec, "domain.cpu.sockets", json_integer(sockets));
    json_put_take(template_spec, "domain.cpu.cores", json_integer(cores));
    json_put_take(template_spec, "domain.cpu.threads", json_integer(threads));
}

static void apply_cpus(const json_t *instancetype, const json_t *preference, json_t *template_spec)
{
    uint32_t count = (uint32_t)json_int(instancetype, "cpu.guest", 1), ratio;
    const char *across;
    enum { THREADS_PER_CORE = 2 };
    switch (count == 1 ? TOPOLOGY_SOCKETS : kv_preference_topology(preference, &ratio, &across)) {
    case TOPOLOGY_CORES:
        put_topology(template_spec, 1, count, 1);
        return;
    case TOPOLOGY_THREADS:
        put_topology(template_spec, 1, 1, count);
        return;
    case TOPOLOGY_SPREAD:
        if (!strcmp(across, "CoresThreads"))
            put_topology(template_spec, 1, count / ratio, ratio);
        else if (!strcmp(across, "SocketsCoresThreads"))
            put_topology(template_spec, count / THREADS_PER_CORE / ratio, ratio, THREADS_PER_CORE);
        else
            put_topology(template_spec, count / ratio, ratio, 1);
        return;
    case TOPOLOGY_SOCKETS:
    case TOPOLOGY_ANY:
        put_topology(template_spec, count, 1, 1);
        return;
    }
}

static void apply_instancetype(const json_t *instancetype, const json_t *preference,
                               json_t *template_spec)
{
    static const struct {
        const char *from, *to;
    } plain[] = {
        {"nodeSelector", "nodeSelector"},
        {"schedulerName", "schedulerName"},
        {"cpu.model", "domain.cpu.model"},
        {"cpu.dedicatedCPUPlacement", "domain.cpu.dedicatedCPUPlacement"},
        {"cpu.isolateEmulatorThread", "domain.cpu.isolateEmulatorThread"},
        {"memory.guest", "domain.memory.guest"},
        {"memory.hugepages", "domain.memory.hugepages"},
        {"ioThreadsPolicy", "domain.ioThreadsPolicy"},
    };
    for (size_t i = 0; i < ARRAY_LEN(plain); i++)
        copy_field(template_spec, plain[i].to, instancetype, plain[i].from);
    apply_cpus(instancetype, preference, template_spec);
}

/* ---- the preference ---- */

static void apply_preference(const json_t *preference, json_t *template_spec)
{
    const char *bus = json_str(preference, "devices.preferredDiskBus");
    if (!json_path(template_spec, "domain.machine.type"))
        copy_field(template_spec, "domain.machine.type", preference,
                   "machine.preferredMachineType");
    if (!json_path(template_spec, "terminationGracePeriodSeconds"))
        copy_field(template_spec, "terminationGracePeriodSeconds", preference,
                   "preferredTerminationGracePeriodSeconds");
    size_t i;
    json_t *disk;
    json_array_foreach(json_at_mut(template_spec, "domain", "devices", "disks", NULL), i, disk)
    {
        bool other = json_object_get(disk, "cdrom") || json_object_get(disk, "lun");
        if (bus && json_is_object(disk) && !other && !json_path(disk, "disk.bus"))
            json_put_str(disk, "disk.bus", bus);
    }
}

void kv_type_apply(const json_t *instancetype, const json_t *preference, json_t *template_spec)
{
    if (instancetype)
        apply_instancetype(instancetype, preference, template_spec);
    if (preference)
        apply_preference(preference, template_spec);
}
