/* One backup, restore or deletion on its way: which actions there are, what they said, what goes
 * on. */
#include <stdarg.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "sim/velero/velero_priv.h"

void velero_output_finish(struct velero_output *o)
{
    json_decref(o->item);
    json_decref(o->additional);
    json_decref(o->warnings);
    free(o->operation);
    *o = (struct velero_output){0};
}

static void take_action(void *arg, const struct velero_action *a)
{
    struct velero_run *r = arg;

    if (a->kind != r->kind)
        return;
    r->actions = mem_grow(r->actions, &r->action_cap, r->action_count + 1, sizeof *r->actions);
    r->actions[r->action_count++] = a;
}

void velero_run_start(struct velero_run *r, struct velero *v, const json_t *owner,
                      enum velero_kind kind)
{
    *r = (struct velero_run){.v = v, .owner = owner, .kind = kind};
    velero_types_read(v, &r->types);
    if (v->config.each_action)
        v->config.each_action(v->config.cookie, take_action, r);
    r->warnings = json_array();
    r->errors = json_array();
    r->operations = json_array();
    r->items = json_array();
    r->volumes = json_array();
    r->done = strmap_create();
    r->lost_volumes = strmap_create();
}

void velero_run_finish(struct velero_run *r)
{
    velero_types_finish(&r->types);
    free(r->actions);
    json_decref(r->warnings);
    json_decref(r->errors);
    json_decref(r->operations);
    json_decref(r->items);
    json_decref(r->volumes);
    strmap_destroy(r->done, NULL);
    strmap_destroy(r->lost_volumes, NULL);
    volume_policies_destroy(r->policies);
}

static void add_text(json_t *list, const char *fmt, va_list ap)
{
    AUTO(str) char *text = mem_vprintf(fmt, ap);

    json_array_append_new(list, json_string(text));
}

void velero_run_warn(struct velero_run *r, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    add_text(r->warnings, fmt, ap);
    va_end(ap);
}

void velero_run_error(struct velero_run *r, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    add_text(r->errors, fmt, ap);
    va_end(ap);
}

char *velero_item_name(const struct velero_type *t, const json_t *item)
{
    const char *ns = meta_namespace(item);

    return mem_printf("%s %s%s%s", t->name, ns, *ns ? "/" : "", meta_name(item));
}

int velero_run_action(struct velero_run *r, const struct velero_action *a,
                      const struct velero_input *in, struct velero_output *out, struct err *reterr)
{
    int rc = a->execute(a, in, out, reterr);

    json_array_extend(r->warnings, out->warnings);
    return rc < 0 ? err_wrap(reterr, NO_POS, "error executing custom action %s", a->name) : 0;
}

void velero_run_operation(struct velero_run *r, const struct velero_action *a,
                          const struct velero_type *t, const json_t *item, const char *operation)
{
    json_array_append_new(r->operations,
                          json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o}", "action", a->name,
                                    "operationID", operation, "resource", t->name, "namespace",
                                    meta_namespace(item), "name", meta_name(item), "phase", "New",
                                    "created", velero_time(r->v)));
}

int velero_run_store(struct velero_run *r, const struct velero_bucket *b, struct err *reterr)
{
    const char *folder = r->kind == VELERO_BACKUP_ACTION ? "backups" : "restores";
    const char *name = meta_name(r->owner);
    AUTO(json) json_t *operations = json_pack("{s:O}", "operations", r->operations);
    AUTO(json)
    json_t *results = json_pack("{s:O, s:O}", "warnings", r->warnings, "errors", r->errors);

    if (velero_put_doc(r->v, b, folder, name, "-itemoperations.json", operations, reterr) < 0)
        return -1;
    return velero_put_doc(r->v, b, folder, name, "-results.json", results, reterr);
}

json_t *velero_run_status(const struct velero_run *r)
{
    bool failed = json_array_size(r->errors) > 0, goes_on = json_array_size(r->operations) > 0;
    const char *kind = r->kind == VELERO_BACKUP_ACTION ? "backup" : "restore";
    AUTO(str)
    char *attempted = mem_printf("%sItemOperationsAttempted", kind);
    AUTO(str)
    char *phase = mem_printf("%s%s", goes_on ? "WaitingForPluginOperations" : "Finalizing",
                             failed ? "PartiallyFailed" : "");

    return json_pack("{s:{s:s, s:I, s:I, s:I}}", "status", "phase", phase, "warnings",
                     (json_int_t)json_array_size(r->warnings), "errors",
                     (json_int_t)json_array_size(r->errors), attempted,
                     (json_int_t)json_array_size(r->operations));
}
