/* The table of virt-api's commands, and what they have in common: finding the machine, reading the
 * options, writing, answering. */
#include "sim/kubevirt/subresources.h"

#include <stdarg.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"

#define SUB_GROUP KUBEVIRT_COMMAND_GROUP

static const struct api_resource vm_words = {"kubevirt.io", "v1", "virtualmachine"};
static const struct api_resource vmi_words = {"kubevirt.io", "v1", "virtualmachineinstance"};

/* ---- answers ---- */

int kv_sub_accepted(struct subcall *s)
{
    s->ret->code = 202;
    s->ret->body = json_null();
    return 0;
}

static int conflict(struct subcall *s, const struct api_resource *words, const char *fmt,
                    va_list ap)
{
    AUTO(str) char *why = mem_vprintf(fmt, ap);
    return status_conflict(s->ret, words, s->req->name, why);
}

int kv_sub_conflict_vm(struct subcall *s, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int rc = conflict(s, &vm_words, fmt, ap);
    va_end(ap);
    return rc;
}

int kv_sub_conflict_vmi(struct subcall *s, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int rc = conflict(s, &vmi_words, fmt, ap);
    va_end(ap);
    return rc;
}

int kv_sub_not_simulated(struct subcall *s, const char *what)
{
    AUTO(str)
    char *text = mem_printf("%s: %s is not simulated", s->req->subresource, what);
    return status_denied(s->ret, 501, "NotImplemented", text);
}

bool kv_sub_in_phase(const json_t *vmi, const char *phase)
{
    return strcmp(json_str_or_empty(vmi, "status.phase"), phase) == 0;
}

/* ---- writes ---- */

int kv_sub_patch(struct subcall *s, const struct kind *k, const char *subresource,
                 enum api_patch_type type, const json_t *patch)
{
    const struct api_request req = {.verb = API_PATCH,
                                    .resource = {k->group, k->version, k->plural},
                                    .ns = s->req->ns,
                                    .name = s->req->name,
                                    .subresource = subresource,
                                    .body = patch,
                                    .patch = type,
                                    .dry_run = s->dry_run,
                                    .user = s->kv->users->api};
    struct api_response ret = {0};
    apiserver_handle(s->server, &req, &ret);
    int rc = api_ok(&ret) ? 0 : status_internal(s->ret, "%s", api_message(&ret));
    api_response_finish(&ret);
    return rc;
}

/* ---- what is not simulated ---- */

static int no_migration(struct subcall *s)
{
    return kv_sub_not_simulated(s, "live migration");
}

static int no_memory_dump(struct subcall *s)
{
    return kv_sub_not_simulated(s, "a memory dump");
}

static int no_backup(struct subcall *s)
{
    return kv_sub_not_simulated(s, "a call by others than KubeVirt's own controllers");
}

static int no_hotplug(struct subcall *s)
{
    return kv_sub_not_simulated(s, "a volume that the machine does not know of");
}

static int no_port_forward(struct subcall *s)
{
    return kv_sub_not_simulated(s, "a connection to the guest");
}

/* ---- the table ---- */

enum { GET = 1u << API_GET, PUT = 1u << API_UPDATE };

static const struct command {
    const char *plural, *name;
    unsigned verbs;
    subcall_fn *fn;
} commands[] = {
    {"virtualmachines", "start", PUT, kv_sub_start},
    {"virtualmachines", "stop", PUT, kv_sub_stop},
    {"virtualmachines", "restart", PUT, kv_sub_restart},
    {"virtualmachines", "expand-spec", GET, kv_sub_expand},
    {"virtualmachines", "objectgraph", GET, kv_sub_vm_graph},
    {"virtualmachines", "addvolume", PUT, kv_sub_vm_addvolume},
    {"virtualmachines", "removevolume", PUT, kv_sub_vm_removevolume},
    {"virtualmachines", "migrate", PUT, no_migration},
    {"virtualmachines", "memorydump", PUT, no_memory_dump},
    {"virtualmachines", "removememorydump", PUT, no_memory_dump},
    {"virtualmachines", "portforward", GET, no_port_forward},
    {"virtualmachineinstances", "pause", PUT, kv_sub_pause},
    {"virtualmachineinstances", "unpause", PUT, kv_sub_unpause},
    {"virtualmachineinstances", "freeze", PUT, kv_sub_freeze},
    {"virtualmachineinstances", "unfreeze", PUT, kv_sub_unfreeze},
    {"virtualmachineinstances", "softreboot", PUT, kv_sub_softreboot},
    {"virtualmachineinstances", "reset", PUT, kv_sub_reset},
    {"virtualmachineinstances", "guestosinfo", GET, kv_sub_guestosinfo},
    {"virtualmachineinstances", "userlist", GET, kv_sub_userlist},
    {"virtualmachineinstances", "filesystemlist", GET, kv_sub_filesystemlist},
    {"virtualmachineinstances", "objectgraph", GET, kv_sub_vmi_graph},
    {"virtualmachineinstances", "addvolume", PUT, no_hotplug},
    {"virtualmachineinstances", "removevolume", PUT, no_hotplug},
    {"virtualmachineinstances", "backup", PUT, no_backup},
    {"virtualmachineinstances", "redefine-checkpoint", PUT, no_backup},
    {"virtualmachineinstances", "portforward", GET, no_port_forward},
    {"virtualmachineinstances", "console", GET, no_port_forward},
    {"virtualmachineinstances", "vnc", GET, no_port_forward},
    {"virtualmachineinstances", "usbredir", GET, no_port_forward},
    {"virtualmachineinstances", "vsock", GET, no_port_forward},
};

static const struct command *find_command(const struct api_request *req)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (!strcmp(commands[i].plural, req->resource.plural) &&
            !strcmp(commands[i].name, req->subresource))
            return &commands[i];
    return NULL;
}

/* ---- one request ---- */

static json_t *peek(const struct subcall *s, const struct kind *k)
{
    return json_incref(apiserver_peek(s->server, k->group, k->plural, s->req->ns, s->req->name));
}

/* Bodies are optional. dryRun stands in the options, like everything else that they say. */
static int read_options(struct subcall *s)
{
    const json_t *body = s->req->body;
    s->dry_run = s->req->dry_run;
    if (!body || json_is_null(body))
        return 0;
    if (!json_is_object(body))
        return status_bad_request(
            s->ret, "Can not unmarshal Request body to struct, error: the body is not an object");
    s->options = body;
    const json_t *dry = json_object_get(body, "dryRun");
    if (dry && !json_is_null(dry) && !json_is_array(dry))
        return status_bad_request(
            s->ret, "Can not unmarshal Request body to struct, error: dryRun is not a list");
    size_t i;
    json_t *word;
    json_array_foreach((json_t *)dry, i, word)
    {
        if (!json_is_string(word) || strcmp(json_string_value(word), "All"))
            return status_bad_request(s->ret, "Invalid value for dryRun: only \"All\" is known");
        s->dry_run = true;
    }
    return 0;
}

static int run(struct subcall *s, const struct command *c)
{
    bool of_vm = !strcmp(c->plural, KIND_VM.plural);
    bool graph = c->fn == kv_sub_vm_graph || c->fn == kv_sub_vmi_graph;
    if (read_options(s) < 0 || (graph && kv_sub_graph_served(s) < 0))
        return -1;
    s->vm = peek(s, &KIND_VM);
    s->vmi = peek(s, &KIND_VMI);
    if (of_vm && !s->vm)
        return status_not_found(s->ret, &vm_words, s->req->name);
    if (!of_vm && !s->vmi)
        return status_not_found(s->ret, &vmi_words, s->req->name);
    return c->fn(s);
}

/* Without virt-api the aggregator has nobody to ask. */
static int answer(void *cookie, const struct api_request *req, struct api_response *ret)
{
    struct kv *kv = cookie;
    const struct command *c = find_command(req);
    if (!c || !req->name)
        return status_no_resource(ret);
    if (kv->api_down)
        return status_unavailable(ret, "the server is currently unable to handle the request");
    struct subcall s = {.kv = kv, .server = cluster_server(kv->cluster), .req = req, .ret = ret};
    int rc = run(&s, c);
    json_decref(s.vm);
    json_decref(s.vmi);
    return rc;
}

const char *kubevirt_command_at(size_t i)
{
    return i < ARRAY_LEN(commands) ? commands[i].name : NULL;
}

void kv_subresources_start(struct kv *kv)
{
    static const char *const versions[] = {"v1", "v1alpha3"};
    struct apiserver *a = cluster_server(kv->cluster);
    for (size_t v = 0; v < ARRAY_LEN(versions); v++) {
        for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
            bool of_vm = !strcmp(commands[i].plural, KIND_VM.plural);
            const struct virtual_resource r = {
                .resource = {SUB_GROUP, versions[v], commands[i].plural},
                .subresource = commands[i].name,
                .kind = of_vm ? KIND_VM.kind : KIND_VMI.kind,
                .kind_group = KIND_VM.group,
                .kind_version = KIND_VM.version,
                .singular = of_vm ? vm_words.plural : vmi_words.plural,
                .namespaced = true,
                .verbs = commands[i].verbs,
                .fn = answer,
                .cookie = kv};
            apiserver_add_virtual(a, &r);
        }
    }
}
