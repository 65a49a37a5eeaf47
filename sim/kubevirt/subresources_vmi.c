/* Commands to a running instance, and what its guest tells of itself. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "sim/kubevirt/subresources.h"

/* ---- the guest ---- */

static struct guest *guest_of(struct subcall *s)
{
    struct guest *g = kv_guest(s->kv, s->req->ns, s->req->name);
    kv_guest_boot(g, meta_uid(s->vmi));
    return g;
}

static int check_running(struct subcall *s)
{
    return kv_sub_in_phase(s->vmi, "Running") ? 0 : kv_sub_conflict_vmi(s, KV_NOT_RUNNING);
}

/* What the launcher says when the agent is not there, as it reaches the caller; the inner text is
 * unverified. */
static int check_agent(struct subcall *s, const char *command)
{
    if (!guest_of(s)->agent_down)
        return 0;
    return status_internal(s->ret,
                           "unexpected return code 400 (400 Bad Request), message: server error. "
                           "command %s failed: \"LibvirtError(Code=86, Domain=10, Message='Guest "
                           "agent is not responding: QEMU guest agent is not connected')\"",
                           command);
}

/* ---- pause ---- */

int kv_sub_pause(struct subcall *s)
{
    if (check_running(s) < 0)
        return -1;
    if (json_path(s->vmi, "spec.livenessProbe")) {
        const struct api_resource words = {"kubevirt.io", "v1", "virtualmachineinstance"};
        return status_forbidden(s->ret, &words, s->req->name,
                                "Pausing VMIs with LivenessProbe is currently not supported");
    }
    if (meta_condition(s->vmi, "Paused"))
        return kv_sub_conflict_vmi(s, "VMI is already paused"); /* unverified */
    if (!s->dry_run)
        kv_guest_pause(guest_of(s), true);
    return kv_sub_accepted(s);
}

int kv_sub_unpause(struct subcall *s)
{
    if (check_running(s) < 0)
        return -1;
    if (*json_str_or_empty(s->vm, "status.snapshotInProgress"))
        return kv_sub_conflict_vmi(s, "VM snapshot is in progress");
    if (!meta_condition(s->vmi, "Paused"))
        return kv_sub_conflict_vmi(s, "VMI is not paused"); /* unverified */
    if (!s->dry_run)
        kv_guest_pause(guest_of(s), false);
    return kv_sub_accepted(s);
}

/* ---- freeze ---- */

int kv_sub_freeze(struct subcall *s)
{
    int64_t timeout = 0;
    const json_t *v = json_object_get(s->options, "unfreezeTimeout");
    const char *text = json_string_value(v);
    if (v && !json_is_null(v) && (!text || !duration_parse(text, &timeout) || timeout < 0))
        return status_bad_request(s->ret, "Can not unmarshal Request body to struct, error: "
                                          "unfreezeTimeout is not a duration");
    if (check_running(s) < 0 || check_agent(s, "Freeze") < 0)
        return -1;
    kv_guest_set_frozen(guest_of(s), true, timeout);
    return kv_sub_accepted(s);
}

int kv_sub_unfreeze(struct subcall *s)
{
    if (check_running(s) < 0 || check_agent(s, "Unfreeze") < 0)
        return -1;
    kv_guest_set_frozen(guest_of(s), false, 0);
    return kv_sub_accepted(s);
}

/* ---- reboot ---- */

int kv_sub_softreboot(struct subcall *s)
{
    if (check_running(s) < 0)
        return -1;
    if (!strcmp(meta_condition_status(s->vmi, "Paused"), "True"))
        return kv_sub_conflict_vmi(s, "VMI is paused"); /* unverified */
    const json_t *acpi = json_path(s->vmi, "spec.domain.features.acpi.enabled");
    if (!meta_condition(s->vmi, "AgentConnected") && json_is_false(acpi)) /* unverified */
        return kv_sub_conflict_vmi(s, "VMI neither have the agent connected nor the ACPI feature "
                                      "enabled");
    kv_guest_reset(guest_of(s));
    return kv_sub_accepted(s);
}

int kv_sub_reset(struct subcall *s)
{
    if (check_running(s) < 0)
        return -1;
    kv_guest_reset(guest_of(s));
    return kv_sub_accepted(s);
}

/* ---- what the agent tells: unverified but for the fields' names ---- */

static int check_connected(struct subcall *s)
{
    if (check_running(s) < 0)
        return -1;
    if (!meta_condition(s->vmi, "AgentConnected"))
        return kv_sub_conflict_vmi(s, "VMI does not have guest agent connected");
    return 0;
}

static int tell(struct subcall *s, const char *kind, json_t *body /* taken */)
{
    json_put_str(body, "kind", kind);
    json_put_str(body, "apiVersion", "kubevirt.io/v1");
    s->ret->code = 200;
    s->ret->body = body;
    return 0;
}

/* A simulated guest has a name and a state of its file systems, and no operating system to speak
 * of: what it does not know is left out, as an agent does that cannot tell. */
int kv_sub_guestosinfo(struct subcall *s)
{
    if (check_connected(s) < 0)
        return -1;
    const char *hostname = json_str(s->vmi, "spec.hostname");
    json_t *info = json_object();
    json_put_str(info, "hostname", hostname ? hostname : s->req->name);
    json_put_take(info, "os", json_object());
    json_put_take(info, "fsInfo", json_object());
    json_put_str(info, "fsFreezeStatus", guest_of(s)->frozen ? "frozen" : "thawed");
    return tell(s, "VirtualMachineInstanceGuestAgentInfo", info);
}

/* Nobody is logged in, and no file system is mounted: disks hold blocks here. */
static int empty_list(struct subcall *s, const char *kind)
{
    if (check_connected(s) < 0)
        return -1;
    return tell(s, kind, json_pack("{s:{}, s:[]}", "metadata", "items"));
}

int kv_sub_userlist(struct subcall *s)
{
    return empty_list(s, "VirtualMachineInstanceGuestOSUserList");
}

int kv_sub_filesystemlist(struct subcall *s)
{
    return empty_list(s, "VirtualMachineInstanceFileSystemList");
}
