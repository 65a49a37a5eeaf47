/* What the operator tells the service (compute-instance-snapshots.md 3.3, 9.9). */
#include "components/osac-operator/feedback.h"
#include "components/token.h"
#include "tests/unit/components/stage.h"
#include "tests/unit/suite.h"

#define ID "id-1"
#define TRUE_ "CONDITION_STATUS_TRUE"
#define FALSE_ "CONDITION_STATUS_FALSE"

/* A service with one record, or with one answer for everything. */
struct book {
    json_t *record; /* NULL: not found */
    json_t *calls;  /* {method, request} */
    int code;       /* 0: as it should; -1: no answer at all */
    const char *body;
    bool gone_at_signal;
    unsigned crash_at; /* this call and all after it; 0: never */
};

struct desk {
    struct stage stage;
    struct book book;
    struct feedback feedback;
};

static void answer(struct http_reply *ret, int code, const char *body)
{
    ret->code = code;
    http_reply_body(ret, body, strlen(body));
}

static void answer_record(struct book *b, struct http_reply *ret)
{
    AUTO(json) json_t *whole = json_pack("{s:O}", "object", b->record);
    AUTO(str) char *text = json_text(whole);
    answer(ret, 200, text);
}

/* As the service's: what the mask names is taken over. */
static void update(struct book *b, const json_t *request)
{
    AUTO(str) char *mask = mem_strdup(json_str_or_empty(request, "update_mask"));
    char *rest = mask;
    ck_assert(json_bool(request, "lock", false));
    ck_assert(json_same(json_path(request, "object.metadata.version"),
                        json_path(b->record, "metadata.version")));
    for (char *path = strsep(&rest, ","); path; path = strsep(&rest, ",")) {
        const json_t *value = json_path(json_object_get(request, "object"), path);
        if (value)
            json_put_take(b->record, path, json_copy_of(value));
        else
            json_drop(b->record, path);
    }
    json_put_take(b->record, "metadata.version",
                  json_integer(json_int(b->record, "metadata.version", 0) + 1));
}

static int serve(struct fake_host *f, const char *service, const struct http_request *req,
                 struct http_reply *ret, void *cookie, struct err *reterr)
{
    struct desk *d = cookie;
    struct book *b = &d->book;
    const char *method = strrchr(req->target, '/') + 1;
    AUTO(json) json_t *request = json_read(req->body, req->body_len, "request", NULL);
    ck_assert_str_eq(service, "books");
    json_array_append_new(b->calls, json_pack("{s:s, s:O}", "method", method, "request", request));
    if (b->crash_at && json_array_size(b->calls) >= b->crash_at) {
        f->crashed = true;
        return err_set(reterr, ERR_CRASHED, NO_POS, "crashed");
    }
    if (b->code < 0)
        return err_set(reterr, ERR_IO, NO_POS, "nobody there");
    if (strcmp(method, "Signal") == 0)
        b->gone_at_signal = !fake_get(f, d->feedback.kind->kind, NS, "x");
    if (b->code)
        answer(ret, b->code, b->body ? b->body : "{}");
    else if (!b->record)
        answer(ret, 404, "{\"code\":5,\"message\":\"not found\"}");
    else if (strcmp(method, "Update") == 0)
        update(b, request), answer_record(b, ret);
    else
        answer_record(b, ret);
    return 0;
}

static void desk_finish(struct desk *d)
{
    json_decref(d->book.record);
    json_decref(d->book.calls);
    free(d->stage.op.credentials);
    stage_finish(&d->stage);
}
#define DESK(d, which)                                                                             \
    struct desk d __attribute__((cleanup(desk_finish)));                                           \
    memset(&d, 0, sizeof d);                                                                       \
    desk_init(&d, which)

static void desk_init(struct desk *d, const struct feedback_kind *kind)
{
    static char books[] = "books";
    stage_init(&d->stage);
    d->stage.op.service = books;
    d->stage.op.credentials = osac_remote_credentials("key");
    d->stage.f->callee = serve;
    d->stage.f->callee_cookie = d;
    d->feedback = (struct feedback){&d->stage.op, kind};
    d->book.calls = json_array();
    d->book.record =
        json_pack("{s:s, s:{s:i}, s:{}}", "id", ID, "metadata", "version", 7, "status");
    json_t *object = kind_object(kind->kind, NS, "x");
    meta_set_label(object, kind->label, ID);
    meta_add_finalizer(object, "other");
    fake_put(d->stage.f, kind->kind, object);
}

static json_t *object_of(struct desk *d)
{
    return fake_get(d->stage.f, d->feedback.kind->kind, NS, "x");
}

static int look(struct desk *d)
{
    struct reconcile_result result = {0};
    AUTO(err) struct err e = {0};
    int r = osac_feedback_reconcile(&d->feedback, NS, "x", &result, &e);
    ck_assert((r < 0) == (e.code != ERR_NONE));
    return r;
}

static size_t calls(const struct desk *d, const char *method)
{
    size_t n = 0;
    for (size_t i = 0; i < json_array_size(d->book.calls); i++)
        n += strcmp(json_str_or_empty(json_array_get(d->book.calls, i), "method"), method) == 0;
    return n;
}

static const char *mask(const struct desk *d)
{
    size_t last = json_array_size(d->book.calls) - 1;
    return json_str_or_empty(json_array_get(d->book.calls, last), "request.update_mask");
}

static json_t *remote_condition(struct desk *d, const char *type)
{
    return json_find(json_path(d->book.record, "status.conditions"), "type", type);
}

static void put_condition(struct desk *d, const char *type, const char *status)
{
    meta_set_condition(object_of(d), type, status, "Reason", "text", d->stage.f->now_ns);
}

/* ---- what is said ---- */

#define SNAPSHOT "COMPUTE_INSTANCE_SNAPSHOT_STATE_"
#define INSTANCE "COMPUTE_INSTANCE_STATE_"
static const struct {
    const struct feedback_kind *kind;
    const char *phase, *before, *state;
    bool deleted; /* the record */
} states[] = {
    {&osac_feedback_snapshot, "Creating", "", SNAPSHOT "CREATING", false},
    {&osac_feedback_snapshot, "Ready", "", SNAPSHOT "READY", false},
    {&osac_feedback_snapshot, "Failed", "", SNAPSHOT "FAILED", false},
    {&osac_feedback_snapshot, "Deleting", "", SNAPSHOT "DELETING", false},
    {&osac_feedback_snapshot, "", SNAPSHOT "READY", SNAPSHOT "READY", false},
    {&osac_feedback_snapshot, "Archived", SNAPSHOT "READY", SNAPSHOT "READY", false},
    {&osac_feedback_snapshot, "Ready", SNAPSHOT "DELETING", SNAPSHOT "DELETING", true},
    {&osac_feedback_snapshot, "Deleting", SNAPSHOT "DELETING", SNAPSHOT "DELETING", true},
    {&osac_feedback_instance, "Starting", "", INSTANCE "STARTING", false},
    {&osac_feedback_instance, "Running", "", INSTANCE "RUNNING", false},
    {&osac_feedback_instance, "Failed", "", INSTANCE "FAILED", false},
    {&osac_feedback_instance, "Deleting", "", INSTANCE "DELETING", false},
    {&osac_feedback_instance, "Stopping", "", INSTANCE "STOPPING", false},
    {&osac_feedback_instance, "Stopped", "", INSTANCE "STOPPED", false},
    {&osac_feedback_instance, "Paused", "", INSTANCE "PAUSED", false},
};

START_TEST(phases_are_states)
{
    DESK(d, states[_i].kind);
    json_put_str(object_of(&d), "status.phase", states[_i].phase);
    if (*states[_i].before)
        json_put_str(d.book.record, "status.state", states[_i].before);
    if (states[_i].deleted)
        json_put_str(d.book.record, "metadata.deletion_timestamp", T1);
    ck_assert_int_eq(look(&d), 0);
    ck_assert_str_eq(json_str_or_empty(d.book.record, "status.state"), states[_i].state);
    ck_assert(meta_has_finalizer(object_of(&d), d.feedback.kind->finalizer));
    size_t updates = calls(&d, "Update");
    ck_assert_int_eq(look(&d), 0); /* nothing new: nothing is sent */
    ck_assert_uint_eq(calls(&d, "Update"), updates);
}
END_TEST

START_TEST(the_whole_snapshot)
{
    DESK(d, &osac_feedback_snapshot);
    json_put_str(object_of(&d), "status.phase", "Ready");
    json_put_str(object_of(&d), "status.creationTime", T1);
    json_put_take(object_of(&d), "status.sizeBytes", json_integer(INT64_C(9007199254740993)));
    json_put_take(object_of(&d), "status.online", json_true());
    put_condition(&d, "Ready", "True");
    ck_assert_int_eq(look(&d), 0);
    const json_t *status = json_object_get(d.book.record, "status");
    ck_assert_str_eq(json_str(status, "creation_time"), T1);
    ck_assert_str_eq(json_str(status, "size_bytes"), "9007199254740993");
    ck_assert(json_bool(status, "online", false));
    json_drop(object_of(&d), "status.online");
    json_drop(object_of(&d), "status.creationTime"); /* what is not said stays */
    ck_assert_int_eq(look(&d), 0);
    ck_assert_str_eq(mask(&d), "status.online");
    ck_assert_ptr_null(json_path(d.book.record, "status.online"));
    ck_assert_str_eq(json_str(d.book.record, "status.creation_time"), T1);
}
END_TEST

START_TEST(conditions)
{
    static const char type[] = "COMPUTE_INSTANCE_SNAPSHOT_CONDITION_TYPE_READY";
    DESK(d, &osac_feedback_snapshot);
    put_condition(&d, "Ready", "False");
    ck_assert_int_eq(look(&d), 0);
    AUTO(str)
    char *since = mem_strdup(json_str(remote_condition(&d, type), "last_transition_time"));
    ck_assert_str_eq(json_str(remote_condition(&d, type), "status"), FALSE_);
    d.stage.f->now_ns += NS_PER_S;
    meta_set_condition(object_of(&d), "Ready", "False", "Other", "other", d.stage.f->now_ns);
    ck_assert_int_eq(look(&d), 0);
    ck_assert_str_eq(json_str(remote_condition(&d, type), "message"), "other");
    ck_assert_str_eq(json_str(remote_condition(&d, type), "last_transition_time"), since);
    put_condition(&d, "Ready", "Unknown");
    ck_assert_int_eq(look(&d), 0);
    ck_assert_ptr_null(json_str(remote_condition(&d, type), "status"));
    ck_assert_str_ne(json_str(remote_condition(&d, type), "last_transition_time"), since);
    json_put_take(object_of(&d), "status.conditions", json_array());
    size_t updates = calls(&d, "Update");
    ck_assert_int_eq(look(&d), 0);
    ck_assert_uint_eq(calls(&d, "Update"), updates);
    ck_assert_ptr_nonnull(remote_condition(&d, type));
}
END_TEST

#define PROGRESS "COMPUTE_INSTANCE_CONDITION_TYPE_RESTORE_IN_PROGRESS"
#define FAILED "COMPUTE_INSTANCE_CONDITION_TYPE_RESTORE_FAILED"

static void know_restores(struct desk *d, const char *failed)
{
    json_put_take(d->book.record, "status.conditions",
                  json_pack("[{s:s, s:s}, {s:s, s:s}]", "type", PROGRESS, "status", FALSE_, "type",
                            FAILED, "status", failed));
}

START_TEST(restores)
{
    DESK(d, &osac_feedback_instance);
    put_condition(&d, "RestoreInProgress", "True");
    put_condition(&d, "RestoreFailed", "False");
    json_put_str(object_of(&d), "status.lastRestoredAt", T1);
    ck_assert_int_eq(look(&d), 0); /* a service that does not know restores */
    ck_assert_uint_eq(calls(&d, "Update"), 0);
    know_restores(&d, TRUE_);
    ck_assert_int_eq(look(&d), 0);
    ck_assert_str_eq(json_str(remote_condition(&d, PROGRESS), "status"), TRUE_);
    ck_assert_str_eq(json_str(remote_condition(&d, FAILED), "status"), FALSE_);
    ck_assert_str_eq(json_str(d.book.record, "status.last_restored_at"), T1);
    json_put_str(object_of(&d), "status.lastRestoredAt", T0); /* never back */
    ck_assert_int_eq(look(&d), 0);
    ck_assert_str_eq(json_str(d.book.record, "status.last_restored_at"), T1);
}
END_TEST

/* The service itself has failed a request that the object never heard of. */
START_TEST(older_news)
{
    DESK(d, &osac_feedback_instance);
    know_restores(&d, TRUE_);
    json_put_str(d.book.record, "spec.restore_requested_at", T2);
    json_put_str(object_of(&d), "spec.restoreRequestedAt", T1);
    put_condition(&d, "RestoreFailed", "False");
    put_condition(&d, "RestoreInProgress", "True"); /* the earlier request comes to run */
    ck_assert_int_eq(look(&d), 0);
    ck_assert_str_eq(json_str(remote_condition(&d, FAILED), "status"), TRUE_);
    ck_assert_str_eq(json_str(remote_condition(&d, PROGRESS), "status"), FALSE_);
    put_condition(&d, "RestoreInProgress", "False");
    json_put_str(object_of(&d), "status.lastRestoredAt", T1);
    ck_assert_int_eq(look(&d), 0);
    ck_assert_str_eq(json_str(remote_condition(&d, FAILED), "status"), TRUE_);
    ck_assert_str_eq(json_str(d.book.record, "status.last_restored_at"), T1);
    json_put_str(object_of(&d), "spec.restoreRequestedAt", T2);
    ck_assert_int_eq(look(&d), 0);
    ck_assert_str_eq(json_str(remote_condition(&d, FAILED), "status"), FALSE_);
}
END_TEST

/* ---- whom it asks ---- */

START_TEST(credentials)
{
    AUTO(str) char *header = osac_remote_credentials("key");
    ck_assert_int_eq(strncmp(header, "Bearer ", 7), 0);
    AUTO(json) json_t *claims = bearer_verify("key", header + 7, 1, NULL);
    ck_assert_str_eq(json_str(claims, "sub"), "service-account-osac-controller");
    ck_assert_ptr_null(bearer_verify("other", header + 7, 1, NULL));
}
END_TEST

/* ---- finalizers ---- */

static void delete_object(struct desk *d, bool others)
{
    json_t *o = object_of(d);
    meta_add_finalizer(o, d->feedback.kind->finalizer);
    if (!others)
        meta_remove_finalizer(o, "other");
    json_put_str(o, "metadata.deletionTimestamp", T1);
    json_put_str(o, "status.phase", "Deleting");
}

START_TEST(the_last_finalizer)
{
    DESK(d, &osac_feedback_snapshot);
    delete_object(&d, true);
    ck_assert_int_eq(look(&d), 0);
    ck_assert(meta_has_finalizer(object_of(&d), SNAPSHOT_FEEDBACK_FINALIZER));
    ck_assert_uint_eq(calls(&d, "Signal"), 0);
    meta_remove_finalizer(object_of(&d), "other");
    ck_assert_int_eq(look(&d), 0);
    ck_assert(!object_of(&d) || !meta_has_finalizer(object_of(&d), SNAPSHOT_FEEDBACK_FINALIZER));
    ck_assert_uint_eq(calls(&d, "Signal"), 1);
    ck_assert_str_eq(json_str(d.book.record, "status.state"), SNAPSHOT "DELETING");
}
END_TEST

/* Only the service's own "not found" lets go. */
static const struct {
    int code;
    const char *body;
    bool deleting, fails, kept;
} answers[] = {
    {404, "{\"code\":5}", false, true, false},
    {404, "{\"code\":5}", true, false, false},
    {404, "{\"code\":12}", true, true, true},
    {404, "no such page", true, true, true},
    {501, "{\"code\":12}", false, true, false},
    {501, "{\"code\":12}", true, true, true},
    {503, "", true, true, true},
    {401, "{\"code\":16}", true, true, true},
    {200, "not JSON", true, true, true},
    {200, "{}", true, true, true},
    {-1, NULL, false, true, false},
    {-1, NULL, true, true, true},
};

START_TEST(what_the_answer_means)
{
    DESK(d, &osac_feedback_snapshot);
    if (answers[_i].deleting)
        delete_object(&d, false);
    d.book.code = answers[_i].code;
    d.book.body = answers[_i].body;
    ck_assert_int_eq(look(&d), answers[_i].fails ? -1 : 0);
    const json_t *o = object_of(&d);
    ck_assert_int_eq(o && meta_has_finalizer(o, SNAPSHOT_FEEDBACK_FINALIZER), answers[_i].kept);
    ck_assert(answers[_i].deleting || o); /* what lives is never deleted */
    ck_assert_uint_eq(calls(&d, "Signal"), 0);
}
END_TEST

START_TEST(nobodys_object)
{
    DESK(d, &osac_feedback_snapshot);
    json_drop(object_of(&d), "metadata.labels");
    ck_assert_int_eq(look(&d), 0);
    ck_assert(!meta_has_finalizer(object_of(&d), SNAPSHOT_FEEDBACK_FINALIZER));
    delete_object(&d, true);
    ck_assert_int_eq(look(&d), 0);
    ck_assert(!meta_has_finalizer(object_of(&d), SNAPSHOT_FEEDBACK_FINALIZER));
    ck_assert_uint_eq(json_array_size(d.book.calls), 0);
    fake_remove(d.stage.f, &osac_kind_snapshot, NS, "x");
    ck_assert_int_eq(look(&d), 0);
}
END_TEST

/* Whoever crashes unwinds, at any call of the service. */
START_TEST(crashes)
{
    DESK(d, &osac_feedback_snapshot);
    delete_object(&d, false);
    d.book.crash_at = (unsigned)_i + 1;
    ck_assert_int_eq(look(&d), -1);
    ck_assert_uint_eq(json_array_size(d.book.calls), (unsigned)_i + 1);
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN("feedback",
                      SUITE_CASE("feedback", EACH(phases_are_states, states),
                                 TEST(the_whole_snapshot), TEST(conditions), TEST(restores),
                                 TEST(older_news), TEST(credentials), TEST(the_last_finalizer),
                                 EACH(what_the_answer_means, answers), TEST(nobodys_object),
                                 RANGE(crashes, 0, 3)));
}
