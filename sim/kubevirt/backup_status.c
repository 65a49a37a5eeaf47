/* What a backup's status and events say, in both dialects: up to 1.8 the text stands in the reason,
 * from 1.9 on conditions are metav1's (kubevirt-csi.md 4, 4.5). */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "sim/kubevirt/backup_priv.h"

static bool is_true(const json_t *backup, const char *type)
{
    return !strcmp(meta_condition_status(backup, type), "True");
}

/* Whatever version wrote it: a backup outlives an upgrade. */
bool kv_backup_terminal(const json_t *backup)
{
    return is_true(backup, "Done") || is_true(backup, "Complete") || is_true(backup, "Failed");
}

static const char *usual_reason(enum backup_phase phase)
{
    switch (phase) {
    case BACKUP_WAITING:
        return "Initializing";
    case BACKUP_RUNNING:
        return "Initiated";
    case BACKUP_ABORTING:
        return "Aborting";
    case BACKUP_DONE:
        return "Completed";
    case BACKUP_WARNED:
        return "CompletedWithWarning";
    case BACKUP_FAILED:
        break;
    }
    return "Failed";
}

/* The whole sentence. New. */
static char *sentence(enum backup_phase phase, const char *message)
{
    switch (phase) {
    case BACKUP_DONE:
        return mem_strdup("Successfully completed VirtualMachineBackup");
    case BACKUP_WARNED:
        return mem_printf("Completed VirtualMachineBackup, warning: %s", message);
    case BACKUP_FAILED:
        return mem_printf("Backup has failed: %s", message);
    case BACKUP_RUNNING:
        return mem_strdup(message ? message : "Backup is in progress");
    case BACKUP_ABORTING:
        return mem_strdup(message ? message : "Backup is aborting");
    case BACKUP_WAITING:
        break;
    }
    return mem_strdup(message);
}

static void say_old(json_t *backup, enum backup_phase phase, const char *reason, const char *text,
                    int64_t now)
{
    json_t *status = json_object_get(backup, "status");
    bool running = phase == BACKUP_RUNNING || phase == BACKUP_ABORTING;
    if (phase == BACKUP_WAITING)
        ctl_set_condition(status, "Initializing", "True", text, NULL, now);
    else
        ctl_drop_condition(status, "Initializing");
    if (phase == BACKUP_ABORTING)
        ctl_set_condition(status, "Aborting", "True", text, NULL, now);
    else
        ctl_drop_condition(status, "Aborting");
    if (reason && !strcmp(reason, "ExportReady"))
        ctl_set_condition(status, "ExportReady", "True", text, NULL, now);
    else
        ctl_drop_condition(status, "ExportReady");
    if (!running && phase != BACKUP_WAITING)
        ctl_set_condition(status, "Done", "True", text, NULL, now);
    ctl_set_condition(status, "Progressing", running ? "True" : "False", text, NULL, now);
}

static void say_new(json_t *backup, enum backup_phase phase, const char *reason, const char *text,
                    int64_t now)
{
    bool ended = phase == BACKUP_DONE || phase == BACKUP_WARNED || phase == BACKUP_FAILED;
    if (ended)
        meta_set_condition(backup, phase == BACKUP_FAILED ? "Failed" : "Complete", "True", reason,
                           text, now);
    meta_set_condition(backup, "Progressing", ended ? "False" : "True", reason, text, now);
}

void kv_backup_say(const struct kv *kv, json_t *backup, enum backup_phase phase, const char *reason,
                   const char *message)
{
    AUTO(str) char *text = sentence(phase, message);
    int64_t now = ctl_now(&kv->backup);
    if (!json_is_object(json_object_get(backup, "status")))
        json_object_set_new(backup, "status", json_object());
    if (kv_old_dialect(kv))
        say_old(backup, phase, reason, text, now);
    else
        say_new(backup, phase, reason ? reason : usual_reason(phase), text, now);
}

void kv_backup_say_quiesced(const struct kv *kv, json_t *backup, const char *reason)
{
    static const struct {
        const char *reason, *status, *message;
    } known[] = {
        {"QuiesceSucceeded", "True", "Guest filesystem was successfully quiesced"},
        {"QuiesceFailed", "False", "Guest filesystem quiesce failed"},
        {"QuiesceSkipped", "False", "Guest filesystem quiesce was skipped"},
    };
    if (kv_old_dialect(kv))
        return;
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (!strcmp(known[i].reason, reason))
            meta_set_condition(backup, "Quiesced", known[i].status, reason, known[i].message,
                               ctl_now(&kv->backup));
    }
}

void kv_backup_event(struct kv *kv, const json_t *backup, enum backup_phase phase,
                     const char *message)
{
    AUTO(str) char *text = sentence(phase, message);
    bool pull = !strcmp(json_str_or_empty(backup, "spec.mode"), "Pull");
    switch (phase) {
    case BACKUP_DONE:
        ctl_event(&kv->backup, backup, "Normal", "VirtualMachineBackupCompletedSuccessfully", "%s",
                  text);
        break;
    case BACKUP_WARNED:
        ctl_event(&kv->backup, backup, "Warning", "VirtualMachineBackupCompletedWithWarning", "%s",
                  text);
        break;
    case BACKUP_FAILED:
        ctl_event(&kv->backup, backup, "Warning", "VirtualMachineBackupFailed", "%s", message);
        break;
    case BACKUP_ABORTING:
        ctl_event(&kv->backup, backup, pull ? "Normal" : "Warning", "VirtualMachineBackupAborting",
                  "%s", text);
        break;
    case BACKUP_WAITING:
    case BACKUP_RUNNING:
        if (kv_old_dialect(kv))
            ctl_event(&kv->backup, backup, "Normal",
                      phase == BACKUP_RUNNING ? "VirtualMachineBackupInitiated"
                                              : "VirtualMachineBackupInitializing",
                      "%s", text);
        break;
    }
}
