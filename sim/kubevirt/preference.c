/* What a preference asks of a machine (delete-protection.md 4.5): so many processors, so much
 * memory, of the instance type when there is one, else of the template. */
#include <stdint.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/quantity.h"
#include "sim/kubevirt/instancetype_priv.h"

#define DOMAIN "spec.template.spec.domain."

enum kv_topology kv_preference_topology(const json_t *preference, uint32_t *ret_ratio,
                                        const char **ret_across)
{
    static const struct {
        const char *word, *old_word;
        enum kv_topology topology;
    } all[] = {{"sockets", "preferSockets", TOPOLOGY_SOCKETS},
               {"cores", "preferCores", TOPOLOGY_CORES},
               {"threads", "preferThreads", TOPOLOGY_THREADS},
               {"spread", "preferSpread", TOPOLOGY_SPREAD},
               {"any", "preferAny", TOPOLOGY_ANY}};
    enum { RATIO_DEFAULT = 2 };
    const char *word = json_str_or_empty(preference, "cpu.preferredCPUTopology");
    int64_t ratio = json_int(preference, "cpu.spreadOptions.ratio",
                             json_int(preference, "preferSpreadSocketToCoreRatio", 0));
    const char *across = json_str(preference, "cpu.spreadOptions.across");
    *ret_ratio = ratio > 0 && ratio <= UINT32_MAX ? (uint32_t)ratio : RATIO_DEFAULT;
    *ret_across = across ? across : "SocketsCores";
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        if (!strcmp(word, all[i].word) || !strcmp(word, all[i].old_word))
            return all[i].topology;
    }
    return TOPOLOGY_SOCKETS;
}

/* ---- processors ---- */

static char *cpus_missing(uint32_t have, uint32_t need, const char *as)
{
    return mem_printf("insufficient CPU resources of %u vCPU provided by VirtualMachine, "
                      "preference requires %u vCPU provided as %s",
                      have, need, as);
}

static uint32_t part(const json_t *template_spec, const char *path)
{
    int64_t n = json_int(template_spec, path, 1);
    return n > 0 && n <= UINT32_MAX ? (uint32_t)n : 1;
}

static char *check_spread(const char *across, const uint32_t n[3], uint32_t need,
                          const char **ret_field)
{
    uint32_t have = n[0] * n[1];
    *ret_field = DOMAIN "cpu.sockets, " DOMAIN "cpu.cores";
    if (!strcmp(across, "CoresThreads")) {
        have = n[1] * n[2];
        *ret_field = DOMAIN "cpu.cores, " DOMAIN "cpu.threads";
    } else if (!strcmp(across, "SocketsCoresThreads")) {
        have = n[0] * n[1] * n[2];
        *ret_field = DOMAIN "cpu.sockets, " DOMAIN "cpu.cores, " DOMAIN "cpu.threads";
    }
    return have < need ? cpus_missing(have, need, across) : NULL;
}

/* The template's own processors, in the preferred place. */
static char *check_template_cpus(const json_t *preference, const json_t *template_spec,
                                 uint32_t need, const char **ret_field)
{
    const uint32_t n[3] = {part(template_spec, "domain.cpu.sockets"),
                           part(template_spec, "domain.cpu.cores"),
                           part(template_spec, "domain.cpu.threads")};
    uint32_t ratio, total = n[0] * n[1] * n[2]; /* wraps, as KubeVirt's does */
    const char *across;
    switch (kv_preference_topology(preference, &ratio, &across)) {
    case TOPOLOGY_SOCKETS:
        *ret_field = DOMAIN "cpu.sockets";
        return n[0] < need ? cpus_missing(n[0], need, "sockets") : NULL;
    case TOPOLOGY_CORES:
        *ret_field = DOMAIN "cpu.cores";
        return n[1] < need ? cpus_missing(n[1], need, "cores") : NULL;
    case TOPOLOGY_THREADS:
        *ret_field = DOMAIN "cpu.threads";
        return n[2] < need ? cpus_missing(n[2], need, "threads") : NULL;
    case TOPOLOGY_SPREAD:
        return check_spread(across, n, need, ret_field);
    case TOPOLOGY_ANY:
        *ret_field = DOMAIN "cpu.cores, " DOMAIN "cpu.sockets, " DOMAIN "cpu.threads";
        return total < need ? cpus_missing(total, need, "cores, sockets and threads") : NULL;
    }
    return NULL;
}

static char *check_cpus(const json_t *instancetype, const json_t *preference,
                        const json_t *template_spec, const char **ret_field)
{
    int64_t need = json_int(preference, "requirements.cpu.guest", 0);
    if (need <= 0 || need > UINT32_MAX)
        return NULL;
    if (!instancetype)
        return check_template_cpus(preference, template_spec, (uint32_t)need, ret_field);
    int64_t have = json_int(instancetype, "cpu.guest", 0);
    *ret_field = "spec.instancetype";
    return have < need ? mem_printf("insufficient CPU resources of %lld vCPU provided by instance "
                                    "type, preference requires %lld vCPU",
                                    (long long)have, (long long)need)
                       : NULL;
}

/* ---- memory ---- */

/* "512Mi", or a number of bytes. */
static bool read_amount(const json_t *v, struct quantity *ret)
{
    if (json_is_integer(v)) {
        *ret = (struct quantity){.nanos = (__int128)json_integer_value(v) * 1000000000};
        return true;
    }
    return json_is_string(v) && quantity_parse(json_string_value(v), ret);
}

static char *check_memory(const json_t *instancetype, const json_t *preference,
                          const json_t *template_spec, const char **ret_field)
{
    const json_t *given = instancetype ? json_path(instancetype, "memory.guest")
                                       : json_path(template_spec, "domain.memory.guest");
    struct quantity need, have;
    char shown[QUANTITY_TEXT], wanted[QUANTITY_TEXT];
    if (!read_amount(json_path(preference, "requirements.memory.guest"), &need))
        return NULL;
    if (!read_amount(given, &have))
        have = (struct quantity){0};
    if (quantity_compare(&have, &need) >= 0)
        return NULL;
    quantity_format(&have, shown);
    quantity_format(&need, wanted);
    *ret_field = instancetype ? "spec.instancetype" : DOMAIN "memory";
    return mem_printf("insufficient Memory resources of %s provided by %s, preference requires %s",
                      shown, instancetype ? "instance type" : "VirtualMachine", wanted);
}

char *kv_preference_unmet(const json_t *instancetype, const json_t *preference,
                          const json_t *template_spec, const char **ret_field)
{
    char *why = check_cpus(instancetype, preference, template_spec, ret_field);
    return why ? why : check_memory(instancetype, preference, template_spec, ret_field);
}
