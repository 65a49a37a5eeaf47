/* The bridge between an object of the hub and its record. Only the service's own "there is no such
 * record" lets an object go without having told; an old service, or none, is asked again. */
#include "components/osac-operator/feedback.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/osac-operator/kinds.h"
#include "kube/meta.h"

/* One look at one object. */
struct look {
    const struct feedback *f;
    json_t *object; /* as last read or written; frozen */
    const char *id; /* of its record */
    struct reconcile_result *result;
};

/* *ret_written false: somebody else wrote first, the next look decides anew. */
static int write_object(struct look *l, const json_t *edited, bool *ret_written, struct err *reterr)
{
    json_t *stored = NULL;
    AUTO(err) struct err e = {0};
    enum answer a = client_update(&l->f->op->hub, l->f->kind->kind, edited, &stored, &e);
    *ret_written = a == ANSWER_OK;
    if (a == ANSWER_OK) {
        json_decref(l->object);
        l->object = osac_version_view(l->f->op->version, stored);
        return 0;
    }
    if (a == ANSWER_NOT_FOUND)
        return 0;
    if (a != ANSWER_CONFLICT)
        return err_move(reterr, &e);
    reconcile_after(l->result, CONFLICT_REQUEUE_NS);
    return 0;
}

static int release(struct look *l, bool *ret_written, struct err *reterr)
{
    AUTO(json) json_t *edited = json_copy_of(l->object);
    *ret_written = false;
    if (!meta_remove_finalizer(edited, l->f->kind->finalizer))
        return 0;
    return write_object(l, edited, ret_written, reterr);
}

/* Nobody's record: it may go. */
static int ignore(struct look *l, struct err *reterr)
{
    bool written;
    return meta_deleting(l->object) ? release(l, &written, reterr) : 0;
}

/* Before the first report, so that the last one cannot be missed. */
static int hold(struct look *l, bool *ret_held, struct err *reterr)
{
    *ret_held = true;
    if (meta_deleting(l->object) || meta_has_finalizer(l->object, l->f->kind->finalizer))
        return 0;
    AUTO(json) json_t *edited = json_copy_of(l->object);
    meta_add_finalizer(edited, l->f->kind->finalizer);
    return write_object(l, edited, ret_held, reterr);
}

static bool is_last(const struct look *l)
{
    return meta_deleting(l->object) && meta_has_finalizer(l->object, l->f->kind->finalizer) &&
           json_array_size(json_path(l->object, "metadata.finalizers")) == 1;
}

/* The service answers a signal by looking for the object: it must be gone by then. A signal that is
 * lost is made up for by the service's own passes. */
static int finish(struct look *l, struct err *reterr)
{
    bool released;
    AUTO(err) struct err e = {0};
    if (!is_last(l))
        return 0;
    if (release(l, &released, reterr) < 0)
        return -1;
    if (!released || osac_remote_signal(l->f, l->id, &e) == REMOTE_OK)
        return 0;
    if (e.code == ERR_CRASHED)
        return err_move(reterr, &e);
    host_log(l->f->op->host, LOG_WARNING, "signal for %s: %s", l->id, e.msg ? e.msg : "not found");
    return 0;
}

static int not_found(struct look *l, struct err *reterr)
{
    if (meta_deleting(l->object))
        return ignore(l, reterr);
    return err_set(reterr, ERR_NOT_FOUND, NO_POS, "the service has no record '%s'", l->id);
}

static int report(struct look *l, const json_t *record, struct err *reterr)
{
    AUTO(json) json_t *edited = json_copy_of(record);
    l->f->kind->copy(l->f->op->host, l->object, edited);
    enum remote r = osac_remote_save(l->f, record, edited, reterr);
    return r == REMOTE_NOT_FOUND ? not_found(l, reterr) : r == REMOTE_OK ? 0 : -1;
}

static int tell(struct look *l, struct err *reterr)
{
    AUTO(json) json_t *record = NULL;
    bool held = false;
    enum remote r = osac_remote_get(l->f, l->id, &record, reterr);
    if (r == REMOTE_NOT_FOUND)
        return not_found(l, reterr);
    if (r != REMOTE_OK || hold(l, &held, reterr) < 0)
        return -1;
    if (!held)
        return 0;
    if (report(l, record, reterr) < 0)
        return -1;
    return finish(l, reterr);
}

int osac_feedback_reconcile(void *cookie, const char *ns, const char *name,
                            struct reconcile_result *ret, struct err *reterr)
{
    AUTO(err) struct err e = {0};
    struct look l = {.f = cookie, .result = ret};
    enum answer a = client_get(&l.f->op->hub, l.f->kind->kind, ns, name, &l.object, &e);
    if (a == ANSWER_NOT_FOUND || a == ANSWER_NO_KIND)
        return 0;
    if (a != ANSWER_OK)
        return err_move(reterr, &e);
    l.object = osac_version_view(l.f->op->version, l.object);
    const char *id = meta_label(l.object, l.f->kind->label);
    AUTO(str) char *own_id = mem_strdup(id ? id : "");
    l.id = own_id;
    int failed = *own_id ? tell(&l, reterr) : ignore(&l, reterr);
    json_decref(l.object);
    return failed;
}
