/* The restore action of VirtualMachines: one whose disks are still on their way must not start, or
 * it would bind claims to empty volumes. It is made halted, and what it was is kept for the
 * controller. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "components/kubevirt-datamover-plugin/download.h"
#include "components/kubevirt-datamover-plugin/plugin.h"
#include "components/kubevirt-datamover-plugin/titles.h"
#include "kube/meta.h"
#include "kube/time.h"

#define GRACE_NS (10 * 60 * NS_PER_S)

/* ---- halting ---- */

/* What the VM would do by itself, and which member says so; false: it waits for somebody. */
static bool runs(const json_t *vm, const char **ret_strategy, const char **ret_source)
{
    static const char *const starting[] = {"Always", "RerunOnFailure", "Once"};
    const char *strategy = json_str(vm, "spec.runStrategy");

    *ret_source = strategy ? "runStrategy" : "running";
    *ret_strategy = strategy ? strategy : "Always";
    if (!strategy)
        return json_bool(vm, "spec.running", false);
    for (size_t i = 0; i < ARRAY_LEN(starting); i++)
        if (strcmp(strategy, starting[i]) == 0)
            return true;
    return false;
}

static json_t *halted(const json_t *item, const char *strategy, const char *source)
{
    json_t *vm = json_copy_of(item);

    json_put_str(vm, "spec.runStrategy", "Halted");
    json_drop(vm, "spec.running");
    meta_set_annotation(vm, KEY_RUN_STRATEGY, strategy);
    meta_set_annotation(vm, KEY_RUN_SOURCE, source);
    return vm;
}

/* The design has one DataDownload for all disks of a VM, made here. */
static int make_download(struct plugin *p, const struct item_action_input *in, struct err *reterr)
{
    const json_t *vm = in->item_from_backup;
    const char *claim = meta_annotation(vm, KEY_CLAIM), *ns = meta_namespace(vm);
    const char *dot = claim ? strchr(claim, '.') : NULL;
    AUTO(str) char *operation = title_operation(meta_name(in->owner), ns, meta_name(vm));
    const struct download d = {.restore = in->owner,
                               .ns = ns,
                               .vm = meta_name(vm),
                               .claim = dot ? dot + 1 : "",
                               .target_ns = download_mapped(in->owner, ns),
                               .operation = operation};

    return download_make(p, &d, reterr);
}

static int execute(void *plugin, const struct item_action_input *in, struct item_action_output *out,
                   struct err *reterr)
{
    struct plugin *p = plugin;
    const json_t *stored = in->item_from_backup;
    const char *strategy, *source;

    if (!stored || !meta_annotation(stored, KEY_UPLOAD))
        return 0;
    if (!in->owner || !*meta_name(in->owner))
        return err_set(reterr, ERR_INVALID, NO_POS, "there is no Restore");
    if (p->design && make_download(p, in, reterr) < 0)
        return -1;
    if (!runs(in->item, &strategy, &source))
        return 0;
    out->item = halted(in->item, strategy, source);
    out->operation =
        title_vm_operation(meta_name(in->owner), meta_namespace(stored), meta_name(stored));
    return 0;
}

/* ---- the disks ---- */

/* The DataDownloads of this restore for the VM. New array. */
static enum answer siblings(struct plugin *p, const struct vm_operation *o, json_t **ret,
                            struct err *reterr)
{
    AUTO(str) char *label = title_label(o->restore);
    AUTO(str) char *selector = mem_printf("%s=%s", KEY_RESTORE, label);
    AUTO(json) json_t *all = NULL;
    enum answer a = client_list(&p->client, &plugin_download, p->ns, selector, NULL, &all, reterr);
    size_t i;
    json_t *dd;

    if (a != ANSWER_OK)
        return a;
    *ret = json_array();
    json_array_foreach(all, i, dd)
    {
        const char *vm = meta_annotation(dd, KEY_VM_NAME);
        const char *ns = meta_annotation(dd, KEY_VM_NAMESPACE);

        if (vm && ns && strcmp(vm, o->vm) == 0 && strcmp(ns, o->ns) == 0)
            json_array_append(*ret, dd);
    }
    return a;
}

static bool is_late(struct plugin *p, const json_t *restore)
{
    int64_t started;

    return time_parse(json_str_or_empty(restore, "status.startTimestamp"), &started) &&
           host_now(p->host) - started >= GRACE_NS;
}

static void judge(struct plugin *p, const struct vm_operation *o, const json_t *restore,
                  const json_t *all, struct item_progress *ret)
{
    AUTO(strbuf) struct strbuf failures = {0};
    size_t completed = 0, i;
    json_t *dd;

    if (json_array_size(all) == 0) {
        if (is_late(p, restore))
            *ret = (struct item_progress){
                true, mem_printf("there is no DataDownload for VirtualMachine %s/%s, 10 minutes "
                                 "after the restore began",
                                 o->ns, o->vm)};
        return;
    }
    json_array_foreach(all, i, dd)
    {
        AUTO(str) char *why = NULL;

        completed += plugin_phase_is(dd, "Completed");
        if (!plugin_phase_is(dd, "Failed") && !plugin_phase_is(dd, "Canceled"))
            continue;
        why = plugin_failure(dd);
        strbuf_addf(&failures, "%s%s: %s", failures.len ? "; " : "", meta_name(dd), why);
    }
    if (failures.len)
        *ret = (struct item_progress){true, mem_strdup(strbuf_str(&failures))};
    else
        ret->completed = completed == json_array_size(all);
}

static int progress(void *plugin, const char *operation, const json_t *owner,
                    struct item_progress *ret, struct err *reterr)
{
    struct plugin *p = plugin;
    AUTO(str) char *text = mem_strdup(operation);
    AUTO(json) json_t *all = NULL;
    struct vm_operation o;
    struct err err = {0};
    enum answer a;

    if (title_parse(text, &o) < 0)
        return err_set(reterr, ERR_INVALID, NO_POS, "'%s' is no operation of a VM", operation);
    a = siblings(p, &o, &all, &err);
    if (a == ANSWER_CRASHED)
        return err_move(reterr, &err);
    if (a == ANSWER_OK)
        judge(p, &o, owner, all, ret);
    else
        *ret = (struct item_progress){false, mem_strdup(err.msg)};
    err_clear(&err);
    return 0;
}

static int cancel(void *plugin, const char *operation, const json_t *owner, struct err *reterr)
{
    struct plugin *p = plugin;
    AUTO(str) char *text = mem_strdup(operation);
    AUTO(json) json_t *all = NULL;
    struct vm_operation o;
    struct err first = {0};
    size_t i;
    json_t *dd;

    (void)owner;
    if (title_parse(text, &o) < 0)
        return err_set(reterr, ERR_INVALID, NO_POS, "'%s' is no operation of a VM", operation);
    if (siblings(p, &o, &all, reterr) != ANSWER_OK)
        return -1;
    json_array_foreach(all, i, dd)
    {
        struct err err = {0};

        /* One that cannot be reached does not keep the others from being asked. */
        if (plugin_cancel(p, &plugin_download, meta_name(dd), &err) < 0 && !err_pending(&first))
            err_move(&first, &err);
        err_clear(&err);
    }
    return err_pending(&first) ? err_move(reterr, &first) : 0;
}

const struct item_action plugin_vm_restore = {
    .name = "kubevirt.io/05-vm-datamover-restore-plugin",
    .kind = ITEM_RESTORE,
    .resources = "virtualmachines.kubevirt.io",
    .execute = execute,
    .progress = progress,
    .cancel = cancel,
};
