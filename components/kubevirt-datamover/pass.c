#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/bsl/failure.h"
#include "components/kubevirt-datamover/mover.h"
#include "kube/meta.h"

#define CONFLICT_NS (20 * NS_PER_MS)
#define DEFAULT_TIMEOUT_NS (INT64_C(4) * 3600 * NS_PER_S)
#define RETRIES_SHOWN_MAX 16

enum outcome outcome_of(enum answer a)
{
    switch (a) {
    case ANSWER_OK:
        return OUTCOME_OK;
    case ANSWER_CONFLICT:
    case ANSWER_EXPIRED:
    case ANSWER_UNAVAILABLE:
    case ANSWER_UNREACHABLE:
    case ANSWER_CRASHED:
        return OUTCOME_RETRY;
    default:
        return OUTCOME_BAD;
    }
}

enum outcome pass_delete(struct pass *p, const struct kind *kind, const json_t *object,
                         struct err *reterr)
{
    struct delete_options options = {.uid = meta_uid(object)};
    AUTO(err) struct err e = {0};
    if (meta_deleting(object))
        return OUTCOME_WAIT;
    const char *ns = meta_namespace(object);
    enum answer a =
        client_delete(&p->m->client, kind, *ns ? ns : NULL, meta_name(object), &options, &e);
    if (a == ANSWER_OK || a == ANSWER_NOT_FOUND)
        return OUTCOME_WAIT;
    err_move(reterr, &e);
    return OUTCOME_RETRY;
}

enum outcome pass_list(struct pass *p, const struct kind *kind, const char *ns, json_t **ret,
                       struct err *reterr)
{
    AUTO(str) char *selector = mem_printf("%s=%s", p->work->uid_label, pass_uid(p));
    return outcome_of(client_list(&p->m->client, kind, ns, selector, NULL, ret, reterr));
}

enum outcome pass_delete_all(struct pass *p, const struct kind *kind, const char *ns,
                             struct err *reterr)
{
    AUTO(json) json_t *all = NULL;
    enum outcome o = pass_list(p, kind, ns, &all, reterr);
    size_t i;
    const json_t *object;
    if (o != OUTCOME_OK)
        return o;
    json_array_foreach(all, i, object)
    {
        o = pass_delete(p, kind, object, reterr);
        if (o == OUTCOME_RETRY)
            return o;
    }
    if (o == OUTCOME_WAIT)
        reconcile_after(p->result, MOVER_SHORT_NS);
    return o;
}

const char *pass_uid(const struct pass *p)
{
    return meta_uid(p->stored);
}

const char *pass_phase(const struct pass *p)
{
    const char *phase = json_str_or_empty(p->own, "status.phase");
    return *phase ? phase : "New";
}

const char *pass_annotation(const struct pass *p, const char *key)
{
    const char *value = meta_annotation(p->own, key);
    return value ? value : "";
}

bool pass_succeeded(const struct pass *p)
{
    return strcmp(pass_annotation(p, p->work->succeeded), "true") == 0;
}

const char *pass_vm(const struct pass *p)
{
    return pass_annotation(p, KEY_VM_NAME);
}

const char *pass_vm_namespace(const struct pass *p)
{
    const char *ns = pass_annotation(p, KEY_VM_NAMESPACE);
    return *ns ? ns : json_str_or_empty(p->own, "spec.sourceNamespace");
}

bool pass_is_block(const struct pass *p)
{
    return strcmp(pass_annotation(p, KEY_BLOCK), "true") == 0;
}

int64_t pass_retries(const struct pass *p)
{
    long n = strtol(pass_annotation(p, KEY_RETRIES), NULL, 10);
    return n < 0 ? 0 : n > RETRIES_SHOWN_MAX ? RETRIES_SHOWN_MAX : n;
}

int64_t pass_timeout_ns(const struct pass *p)
{
    int64_t ns = 0;
    if (duration_parse(json_str_or_empty(p->own, "spec.operationTimeout"), &ns) && ns > 0)
        return ns;
    return DEFAULT_TIMEOUT_NS;
}

/* There is no status subresource: one full update, which fails when anybody wrote in between. */
int pass_save(struct pass *p, struct err *reterr)
{
    if (json_same(p->stored, p->own))
        return 0;
    json_t *stored = NULL;
    AUTO(err) struct err e = {0};
    enum answer a = client_update(&p->m->client, p->work->kind, p->own, &stored, &e);
    if (a == ANSWER_OK) {
        json_decref(p->stored);
        json_decref(p->own);
        p->stored = stored;
        p->own = json_copy_of(stored);
        return 0;
    }
    p->lost = true;
    if (a == ANSWER_NOT_FOUND)
        return 0;
    if (a != ANSWER_CONFLICT)
        return err_move(reterr, &e);
    reconcile_after(p->result, CONFLICT_NS);
    return 0;
}

static bool is_terminal(const char *phase)
{
    return strcmp(phase, "Completed") == 0 || strcmp(phase, "Failed") == 0 ||
           strcmp(phase, "Canceled") == 0;
}

void pass_set_phase(struct pass *p, const char *phase, const char *message)
{
    char now[TIME_TEXT];
    time_format(host_now(p->m->host), now);
    json_put_str(p->own, "status.phase", phase);
    if (*message)
        json_put_str(p->own, "status.message", message);
    else
        json_drop(p->own, "status.message");
    if (strcmp(phase, "Accepted") == 0 && !json_str(p->own, "status.acceptedTimestamp"))
        json_put_str(p->own, "status.acceptedTimestamp", now);
    if (strcmp(phase, "InProgress") == 0 && !json_str(p->own, "status.startTimestamp"))
        json_put_str(p->own, "status.startTimestamp", now);
    if (is_terminal(phase) && !json_str(p->own, "status.completionTimestamp"))
        json_put_str(p->own, "status.completionTimestamp", now);
}

int pass_go(struct pass *p, const char *phase, struct err *reterr)
{
    pass_set_phase(p, phase, "");
    if (!is_terminal(phase))
        reconcile_after(p->result, MOVER_SHORT_NS);
    return pass_save(p, reterr);
}

int pass_fail(struct pass *p, struct err *reterr, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    AUTO(str) char *text = mem_vprintf(fmt, ap);
    AUTO(str) char *message = failure_plain(text);
    va_end(ap);
    host_log(p->m->host, LOG_ERROR, "%s %s failed: %s", p->work->kind->kind, meta_name(p->stored),
             message);
    pass_set_phase(p, "Failed", message);
    return pass_save(p, reterr);
}

int pass_outcome(struct pass *p, enum outcome o, const char *text, struct err *why,
                 struct err *reterr)
{
    switch (o) {
    case OUTCOME_OK:
    case OUTCOME_WAIT:
        return 0;
    case OUTCOME_RETRY:
        return err_move(reterr, why);
    case OUTCOME_BAD:
        break;
    }
    const char *msg = why->msg ? why->msg : "no reason given";
    return *text ? pass_fail(p, reterr, "%s: %s", text, msg) : pass_fail(p, reterr, "%s", msg);
}
