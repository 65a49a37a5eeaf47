/* The plugin's actions, row by row of datamover.md 2.1 to 2.5: what is taken, what is made, what is
 * adopted, how far it is. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "components/kubevirt-datamover-plugin/eligible.h"
#include "components/kubevirt-datamover-plugin/plugin.h"
#include "components/kubevirt-datamover-plugin/titles.h"
#include "kube/meta.h"
#include "kube/time.h"
#include "tests/unit/components/fake_host.h"
#include "tests/unit/quoted.h"
#include "tests/unit/suite.h"

#define NS "openshift-adp"
#define POLICIES                                                                                   \
    "version: v1\n"                                                                                \
    "volumePolicies:\n"                                                                            \
    "  - {conditions: {pvcLabels: {m: ours}}, action: {type: custom, parameters: {datamover: "     \
    "kubevirt}}}\n"                                                                                \
    "  - {conditions: {pvcLabels: {m: other}}, action: {type: custom, parameters: {datamover: "    \
    "x}}}\n"                                                                                       \
    "  - {conditions: {pvcLabels: {m: skip}}, action: {type: skip}}\n"                             \
    "  - {conditions: {pvcLabels: {m: snapshot}}, action: {type: snapshot}}\n"                     \
    "  - {conditions: {pvcLabels: {m: files}}, action: {type: fs-backup}}\n"

struct stage {
    struct fake_host *f;
    struct plugin p;
    json_t *backup, *restore;
};

static void put(struct stage *s, const struct kind *k, const char *ns, const char *name,
                const char *more)
{
    json_t *obj = kind_object(k, ns, name);
    AUTO(json) json_t *members = quoted(more);
    const char *key;
    json_t *v;

    json_object_foreach(members, key, v)
    {
        if (strcmp(key, "metadata") == 0)
            json_object_update(json_object_get(obj, "metadata"), v);
        else
            json_object_set(obj, key, v);
    }
    fake_put(s->f, k, obj);
}

static void claim(struct stage *s, const char *name, const char *mover)
{
    AUTO(str)
    char *more = mem_printf(
        "{'metadata':{'labels':{'m':'%s'}},'spec':{},'status':{'phase':'Bound'}}", mover);

    put(s, &plugin_claim, "shop", name, more);
}

static void stage_init(struct stage *s, bool design)
{
    memset(s, 0, sizeof *s);
    s->f = fake_create();
    s->p = (struct plugin){.host = &s->f->host,
                           .client = {&s->f->host, NULL},
                           .ns = (char *)NS,
                           .design = design,
                           .users = json_object()};
    put(s, &plugin_backup, NS, "b",
        "{'metadata':{'uid':'u-b'},'spec':{'snapshotMoveData':true,'storageLocation':'default',"
        "'resourcePolicy':{'kind':'ConfigMap','name':'policies'}}}");
    s->backup = fake_get(s->f, &plugin_backup, NS, "b");
    json_t *map = kind_object(&plugin_configmap, NS, "policies");
    json_put_take(map, "data", json_pack("{s:s}", "p", POLICIES));
    fake_put(s->f, &plugin_configmap, map);
    s->restore = quoted("{'apiVersion':'velero.io/v1','kind':'Restore','metadata':{'name':'r',"
                        "'namespace':'openshift-adp','uid':'u-r'},'spec':{'backupName':'b',"
                        "'namespaceMapping':{'shop':'copy'}},"
                        "'status':{'startTimestamp':'2026-01-01T00:00:00Z'}}");
}

static void stage_finish(struct stage *s)
{
    fake_destroy(s->f);
    json_decref(s->p.users);
    json_decref(s->restore);
}
#define STAGE(s, design)                                                                           \
    struct stage s __attribute__((cleanup(stage_finish)));                                         \
    stage_init(&s, design)

static json_t *vm_of(const char *name, const char *claims, const char *status, const char *tracking)
{
    AUTO(str)
    char *text =
        mem_printf("{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachine','metadata':{'name':'%s',"
                   "'namespace':'shop'},'spec':{'template':{'spec':{'volumes':[%s]}}},'status':{"
                   "'printableStatus':'%s','changedBlockTracking':{'state':'%s'}}}",
                   name, claims, status, tracking);

    return quoted(text);
}

/* ---- titles ---- */

static const struct {
    const char *name, *text;
    size_t repeat; /* of the first part */
    size_t len;
    const char *starts;
} titles[] = {
    {"short", "b", 1, 19, "b-shop-db1-"},
    {"as long as it may be", "b", 230, 248, "bbb"},
    {"one more", "b", 231, 248, "bbb"},
    {"a long one", "ab", 150, 248, "abab"},
    {"a dot where it is cut", "a.", 150, 247, "a.a."},
};

START_TEST(title)
{
    AUTO(strbuf) struct strbuf owner = {0};

    for (size_t i = 0; i < titles[_i].repeat; i++)
        strbuf_addstr(&owner, titles[_i].text);
    const char *text = strbuf_str(&owner);
    AUTO(str) char *got = title_operation(text, "shop", "db1");
    AUTO(str) char *again = title_operation(text, "shop", "db1");
    AUTO(str) char *other = title_operation(text, "shop", "db2");

    ck_assert_str_eq(got, again);
    ck_assert_str_ne(got, other);
    ck_assert_msg(strlen(got) == titles[_i].len, "%s: %zu bytes", titles[_i].name, strlen(got));
    ck_assert_msg(strncmp(got, titles[_i].starts, strlen(titles[_i].starts)) == 0, "%s: %s",
                  titles[_i].name, got);
    ck_assert_msg(!strstr(got, ".-") && !strstr(got, "--"), "%s: %s", titles[_i].name, got);
}
END_TEST

START_TEST(title_exactly)
{
    AUTO(str) char *got = title_operation("nightly-1", "shop", "db1");
    AUTO(str) char *of_vm = title_vm_operation("restore-1", "shop", "db1-root");
    AUTO(str)
    char *longer =
        title_velero_label("0123456789012345678901234567890123456789012345678901234567890123");
    struct vm_operation o;

    ck_assert_str_eq(got, "nightly-1-shop-db1-5ba0ad97");
    ck_assert_str_eq(of_vm, "restore-1/shop/db1-root/fcdd4422");
    ck_assert_int_eq(title_parse(of_vm, &o), 0);
    ck_assert_str_eq(o.restore, "restore-1");
    ck_assert_str_eq(o.ns, "shop");
    ck_assert_str_eq(o.vm, "db1-root");
    ck_assert_uint_eq(strlen(longer), 63);
    ck_assert(strncmp(longer, "012345678901234567890123456789012345678901234567890123456", 57) ==
              0);
}
END_TEST

static const char *const bad_operations[] = {"", "a/b", "a/b/c", "a/b/c/00000000",
                                             "restore-1/shop/db1/fcdd4422"};

START_TEST(title_bad)
{
    AUTO(str) char *text = mem_strdup(bad_operations[_i]);
    struct vm_operation o;

    ck_assert_int_eq(title_parse(text, &o), -1);
}
END_TEST

/* ---- 2.1 ---- */

#define ROOT "{'name':'root','persistentVolumeClaim':{'claimName':'root'}}"
#define DATA "{'name':'data','dataVolume':{'name':'data'}}"
#define DUMP "{'name':'dump','memoryDump':{'claimName':'data'}}"

static const struct {
    const char *name, *backup; /* members of its spec; NULL: as it is */
    const char *status, *tracking, *volumes;
    const char *root, *data;              /* policies of the claims; NULL: there is no such claim */
    const char *want, *want_design, *why; /* the source claim; NULL: not eligible */
} rows[] = {
    {"all is well", NULL, "Running", "Enabled", ROOT, "ours", NULL, "root", "root", NULL},
    {"2: nothing is said of moving data", "{'snapshotMoveData':null}", "Running", "Enabled", ROOT,
     "ours", NULL, NULL, NULL, "snapshotMoveData"},
    {"2: no data is moved", "{'snapshotMoveData':false}", "Running", "Enabled", ROOT, "ours", NULL,
     NULL, NULL, "snapshotMoveData"},
    {"3: stopped", NULL, "Stopped", "Enabled", ROOT, "ours", NULL, NULL, NULL, "Stopped"},
    {"3: paused", NULL, "Paused", "Enabled", ROOT, "ours", NULL, NULL, NULL, "Paused"},
    {"3: migrating", NULL, "Migrating", "Enabled", ROOT, "ours", NULL, NULL, NULL, "Migrating"},
    {"3 before 4", NULL, "Stopped", "", ROOT, "ours", NULL, NULL, NULL, "not running"},
    {"4: pending", NULL, "Running", "PendingRestart", ROOT, "ours", NULL, NULL, NULL,
     "PendingRestart"},
    {"4: initializing", NULL, "Running", "Initializing", ROOT, "ours", NULL, NULL, NULL,
     "Initializing"},
    {"4: disabled", NULL, "Running", "Disabled", ROOT, "ours", NULL, NULL, NULL, "Disabled"},
    {"5: no claims", NULL, "Running", "Enabled", "{'name':'c','containerDisk':{}}", "ours", NULL,
     NULL, NULL, "no volume"},
    {"5: a DataVolume is one", NULL, "Running", "Enabled", DATA, NULL, "ours", "data", "data",
     NULL},
    {"5: a memory dump is one", NULL, "Running", "Enabled", DUMP, NULL, "ours", "data", "data",
     NULL},
    {"6: one claim is missing", NULL, "Running", "Enabled", ROOT "," DATA, NULL, "ours", "data",
     "data", NULL},
    {"6: all are", NULL, "Running", "Enabled", ROOT "," DATA, NULL, NULL, NULL, NULL, "policy"},
    {"8: no policy at all", "{'resourcePolicy':null,'snapshotVolumes':false}", "Running", "Enabled",
     ROOT, "ours", NULL, NULL, NULL, "policy"},
    {"8: of another mover", NULL, "Running", "Enabled", ROOT, "other", NULL, NULL, NULL, "policy"},
    {"9: snapshot", NULL, "Running", "Enabled", ROOT "," DATA, "ours", "snapshot", NULL, NULL,
     "data"},
    {"9: no policy, and Velero would snapshot", NULL, "Running", "Enabled", ROOT "," DATA, "ours",
     "unheard-of", NULL, NULL, "data"},
    {"no policy, and Velero would not", "{'snapshotVolumes':false}", "Running", "Enabled",
     ROOT "," DATA, "ours", "unheard-of", "root", "root", NULL},
    {"skip is neutral", NULL, "Running", "Enabled", ROOT "," DATA, "skip", "ours", "data", "data",
     NULL},
    {"files are a veto by design", NULL, "Running", "Enabled", ROOT "," DATA, "ours", "files",
     "root", NULL, NULL},
    {"other custom policies, too", NULL, "Running", "Enabled", ROOT "," DATA, "ours", "other",
     "root", NULL, NULL},
    {"the first in the order of volumes", NULL, "Running", "Enabled", DATA "," ROOT, "ours", "ours",
     "data", "data", NULL},
};

static void check_row(size_t i, bool design)
{
    STAGE(s, design);
    AUTO(json)
    json_t *vm = vm_of("db1", rows[i].volumes, rows[i].status, rows[i].tracking);
    AUTO(json) json_t *more = quoted(rows[i].backup ? rows[i].backup : "{}");
    AUTO(eligibility) struct eligibility e = {0};
    struct err err = {0};
    const char *want = design ? rows[i].want_design : rows[i].want;

    json_object_update(json_object_get(s.backup, "spec"), more);
    if (rows[i].root)
        claim(&s, "root", rows[i].root);
    if (rows[i].data)
        claim(&s, "data", rows[i].data);
    ck_assert_msg(eligible(&s.p, s.backup, vm, &e, &err) == 0, "%s: %s", rows[i].name, err.msg);
    ck_assert_msg(e.eligible == (want != NULL), "%s: %s", rows[i].name, e.why);
    if (want)
        ck_assert_msg(strcmp(e.claim, want) == 0, "%s: %s", rows[i].name, e.claim);
    else if (rows[i].why)
        ck_assert_msg(strstr(e.why, rows[i].why) != NULL, "%s: %s", rows[i].name, e.why);
}

START_TEST(eligibility)
{
    check_row((size_t)_i, false);
    check_row((size_t)_i, true);
}
END_TEST

/* 7: each request of the evaluation fails; the first is that of the policies. */
START_TEST(unreadable)
{
    STAGE(s, false);
    AUTO(json) json_t *vm = vm_of("db1", ROOT, "Running", "Enabled");
    struct item_action_output out = {0};
    struct err err = {0};

    claim(&s, "root", "ours");
    fake_fail(s.f, (unsigned)_i, FAKE_BEFORE, 403);
    ck_assert_int_eq(
        plugin_vm_backup.execute(&s.p, &(struct item_action_input){.item = vm, .owner = s.backup},
                                 &out, &err),
        -1);
    ck_assert(err_pending(&err));
    ck_assert_uint_eq(fake_count(s.f, &plugin_upload), 0);
    err_clear(&err);
    item_action_output_finish(&out);
}
END_TEST

static const char *const no_inputs[] = {"{}", "{'metadata':{'name':'x','namespace':'y'}}",
                                        "{'metadata':{'name':'x'},'spec':{}}"};

START_TEST(no_vm)
{
    STAGE(s, false);
    AUTO(json) json_t *item = quoted(no_inputs[_i]);
    struct item_action_output out = {0};
    struct err err = {0};

    ck_assert_int_eq(
        plugin_vm_backup.execute(&s.p, &(struct item_action_input){.item = item, .owner = s.backup},
                                 &out, &err),
        -1);
    err_clear(&err);
    ck_assert_int_eq(
        plugin_vm_backup.execute(&s.p, &(struct item_action_input){.item = item}, &out, &err), -1);
    err_clear(&err);
}
END_TEST

/* ---- progress ---- */

static const struct {
    const char *phase, *message;
    bool completed;
    const char *error; /* a part of it; NULL: none */
} phases[] = {
    {NULL, NULL, true, "not found"},
    {"", "", false, NULL},
    {"New", "", false, NULL},
    {"Accepted", "", false, NULL},
    {"Prepared", "", false, NULL},
    {"InProgress", "", false, NULL},
    {"Canceling", "", false, NULL},
    {"Unheard", "", false, NULL},
    {"Completed", "", true, NULL},
    {"Canceled", "", true, "canceled"},
    {"Failed", "no space", true, "no space"},
    {"Failed", "", true, "does not say why"},
};

static void check_phase(size_t i, const struct item_action *a, const struct kind *k,
                        const char *name)
{
    STAGE(s, false);
    struct item_progress got = {0};
    struct err err = {0};

    if (phases[i].phase) {
        AUTO(str)
        char *status = mem_printf("{'status':{'phase':'%s','message':'%s'}}", phases[i].phase,
                                  phases[i].message);

        put(&s, k, NS, name, status);
    }
    ck_assert_int_eq(a->progress(&s.p, "op", s.backup, &got, &err), 0);
    ck_assert_msg(got.completed == phases[i].completed, "%s", phases[i].phase);
    ck_assert_msg((got.error != NULL) == (phases[i].error != NULL), "%s: %s", phases[i].phase,
                  got.error);
    ck_assert_msg(!got.error || strstr(got.error, phases[i].error), "%s: %s", phases[i].phase,
                  got.error);
    free(got.error);
    got = (struct item_progress){0};
    fake_fail(s.f, 1, FAKE_BEFORE, 500);
    ck_assert_int_eq(a->progress(&s.p, "op", s.backup, &got, &err), 0);
    ck_assert(!got.completed && got.error);
    free(got.error);
}

START_TEST(progress)
{
    check_phase((size_t)_i, &plugin_vm_backup, &plugin_upload, "du-op");
    check_phase((size_t)_i, &plugin_claim_restore, &plugin_download, "dd-op");
}
END_TEST

/* ---- 2.2 ---- */

static const struct {
    const char *name, *vm1, *vm2; /* status of the VMs that use the claim; NULL: there is none */
    const char *want;             /* the annotation; NULL: unchanged; "!": an error */
} users[] = {
    {"of no VM", NULL, NULL, NULL},
    {"of one that is taken", "Running", NULL, "vm1"},
    {"of one that is not", "Stopped", NULL, NULL},
    {"of two that are not", "Stopped", "Paused", NULL},
    {"of two, the first is taken", "Running", "Stopped", "!"},
    {"of two, the second is taken", "Stopped", "Running", "!"},
    {"of two that are taken", "Running", "Running", "!"},
};

static void use(struct stage *s, const char *name, const char *status)
{
    json_t *vm;

    if (!status)
        return;
    vm = vm_of(name, ROOT "," DATA, status, "Enabled");
    fake_put(s->f, &plugin_vm, vm);
}

static int back_up_claim(struct stage *s, const char *name, struct item_action_output *out)
{
    struct err err = {0};
    int rc = plugin_claim_backup.execute(
        &s->p,
        &(struct item_action_input){.item = fake_get(s->f, &plugin_claim, "shop", name),
                                    .owner = s->backup},
        out, &err);

    err_clear(&err);
    return rc;
}

static void check_users(size_t i, bool design)
{
    STAGE(s, design);
    struct item_action_output out = {0};
    const char *want = users[i].want;
    int rc;

    claim(&s, "root", "ours");
    use(&s, "vm1", users[i].vm1);
    use(&s, "vm2", users[i].vm2);
    rc = back_up_claim(&s, "root", &out);
    if (want && strcmp(want, "!") == 0) {
        ck_assert_msg(rc < 0 && !out.item, "%s", users[i].name);
        return;
    }
    ck_assert_msg(rc == 0 && (out.item != NULL) == (want != NULL), "%s", users[i].name);
    if (want)
        ck_assert_str_eq(meta_annotation(out.item, design ? "kubevirt-datamover-vm" : KEY_VM_NAME),
                         want);
    item_action_output_finish(&out);
}

START_TEST(claim_backup)
{
    check_users((size_t)_i, false);
    check_users((size_t)_i, true);
}
END_TEST

/* A claim that is skipped belongs to the VM all the same; VMs are listed once for a backup. */
START_TEST(claim_of_the_vm)
{
    STAGE(s, false);
    struct item_action_output out = {0};

    claim(&s, "root", "ours");
    claim(&s, "data", "skip");
    use(&s, "vm1", "Running");
    ck_assert_int_eq(back_up_claim(&s, "data", &out), 0);
    ck_assert_str_eq(meta_annotation(out.item, KEY_VM_NAME), "vm1");
    item_action_output_finish(&out);
    ck_assert_int_eq(back_up_claim(&s, "root", &out), 0);
    item_action_output_finish(&out);
    ck_assert_uint_eq(fake_requests(s.f, "list virtualmachines"), 1);
    json_put_str(s.backup, "metadata.uid", "u-other");
    ck_assert_int_eq(back_up_claim(&s, "root", &out), 0);
    item_action_output_finish(&out);
    ck_assert_uint_eq(fake_requests(s.f, "list virtualmachines"), 2);
}
END_TEST

START_TEST(claim_of_a_dump)
{
    STAGE(s, false);
    struct item_action_output out = {0};

    claim(&s, "root", "ours");
    claim(&s, "data", "skip");
    fake_put(s.f, &plugin_vm, vm_of("vm1", ROOT "," DUMP, "Running", "Enabled"));
    ck_assert_int_eq(back_up_claim(&s, "data", &out), 0);
    ck_assert_ptr_null(out.item);
}
END_TEST

/* ---- 2.3 ---- */

static json_t *stored_claim(const char *vm)
{
    AUTO(str)
    char *text = mem_printf(
        "{'apiVersion':'v1','kind':'PersistentVolumeClaim','metadata':{'name':'root','namespace':"
        "'shop','annotations':{'%s':'db1','pv.kubernetes.io/bind-completed':'yes'}},'spec':{"
        "'volumeName':'pv-1','selector':{'matchLabels':{'a':'b'}}},'status':{'phase':'Bound'}}",
        vm);

    return quoted(text);
}

static int restore_claim(struct stage *s, const json_t *item, struct item_action_output *out)
{
    struct err err = {0};
    int rc = plugin_claim_restore.execute(
        &s->p,
        &(struct item_action_input){.item = item, .item_from_backup = item, .owner = s->restore},
        out, &err);

    err_clear(&err);
    return rc;
}

START_TEST(claim_restore)
{
    STAGE(s, false);
    AUTO(json) json_t *item = stored_claim(KEY_VM_NAME);
    AUTO(json) json_t *other = stored_claim("x");
    struct item_action_output out = {0};
    json_t *dd;

    ck_assert_int_eq(restore_claim(&s, other, &out), 0);
    ck_assert(!out.item && !out.operation && fake_count(s.f, &plugin_download) == 0);
    ck_assert_int_eq(restore_claim(&s, item, &out), 0);
    dd = fake_only(s.f, &plugin_download);
    ck_assert_str_eq(json_str_or_empty(dd, "spec.targetVolume.namespace"), "copy");
    ck_assert_str_eq(json_str_or_empty(dd, "spec.sourceNamespace"), "shop");
    ck_assert_str_eq(meta_annotation(dd, KEY_OPERATION), out.operation);
    ck_assert(!json_path(out.item, "spec.volumeName") && !json_object_get(out.item, "status") &&
              !meta_annotation(out.item, KEY_BIND_COMPLETED));
    ck_assert_str_eq(json_str_or_empty(out.item, "spec.selector.matchLabels.a"), "b");
    ck_assert(!out.additional);
    item_action_output_finish(&out);
    /* Again: the same one is found. */
    ck_assert_int_eq(restore_claim(&s, item, &out), 0);
    ck_assert_uint_eq(fake_count(s.f, &plugin_download), 1);
    item_action_output_finish(&out);
}
END_TEST

START_TEST(claim_restore_by_design)
{
    STAGE(s, true);
    AUTO(json) json_t *item = stored_claim(KEY_VM_NAME_DESIGN);
    struct item_action_output out = {0};

    ck_assert_int_eq(restore_claim(&s, item, &out), 0);
    ck_assert(!out.operation && fake_count(s.f, &plugin_download) == 0);
    ck_assert_ptr_null(json_path(out.item, "spec.selector.matchLabels.a"));
    ck_assert(json_object_size(json_path(out.item, "spec.selector.matchLabels")) == 1);
    item_action_output_finish(&out);
}
END_TEST

static const char *const differing[] = {"spec.targetVolume.pvc", "spec.targetVolume.namespace",
                                        "spec.sourceNamespace", "spec.datamover",
                                        "spec.backupStorageLocation"};
static const char *const annotated_keys[] = {KEY_VM_NAME, KEY_VM_NAMESPACE, KEY_OPERATION};
static const char *const labelled_keys[] = {KEY_BACKUP, KEY_RESTORE, KEY_OPERATION};

static void check_foreign(void (*spoil)(json_t *dd, size_t i), size_t i)
{
    STAGE(s, false);
    AUTO(json) json_t *item = stored_claim(KEY_VM_NAME);
    struct item_action_output out = {0};

    ck_assert_int_eq(restore_claim(&s, item, &out), 0);
    item_action_output_finish(&out);
    spoil(fake_only(s.f, &plugin_download), i);
    ck_assert_int_eq(restore_claim(&s, item, &out), -1);
    ck_assert(!out.item && !out.operation);
    item_action_output_finish(&out);
}

static void spoil_text(json_t *dd, size_t i)
{
    json_put_str(dd, differing[i], "x");
}
static void spoil_annotation(json_t *dd, size_t i)
{
    meta_set_annotation(dd, annotated_keys[i], i ? "x" : NULL);
}
static void spoil_label(json_t *dd, size_t i)
{
    meta_set_label(dd, labelled_keys[i], "x");
}
static void spoil_owner(json_t *dd, size_t i)
{
    (void)i;
    json_put_str(json_array_get(json_path(dd, "metadata.ownerReferences"), 0), "uid", "u-older");
}

START_TEST(foreign_download)
{
    for (size_t i = 0; i < ARRAY_LEN(differing); i++)
        check_foreign(spoil_text, i);
    for (size_t i = 0; i < ARRAY_LEN(annotated_keys); i++)
        check_foreign(spoil_annotation, i);
    for (size_t i = 0; i < ARRAY_LEN(labelled_keys); i++)
        check_foreign(spoil_label, i);
    check_foreign(spoil_owner, 0);
}
END_TEST

/* Nothing is made when the Backup has gone, or does not say where it is. */
START_TEST(no_backup)
{
    STAGE(s, false);
    AUTO(json) json_t *item = stored_claim(KEY_VM_NAME);
    struct item_action_output out = {0};

    json_put_str(s.backup, "spec.storageLocation", "");
    ck_assert_int_eq(restore_claim(&s, item, &out), -1);
    fake_remove(s.f, &plugin_backup, NS, "b");
    ck_assert_int_eq(restore_claim(&s, item, &out), -1);
    ck_assert(!out.item && fake_count(s.f, &plugin_download) == 0);
}
END_TEST

/* ---- 2.4, 2.5 ---- */

static const struct {
    const char *name, *spec;
    const char *strategy, *source; /* NULL: unchanged */
} runs[] = {
    {"Always", "{'runStrategy':'Always'}", "Always", "runStrategy"},
    {"RerunOnFailure", "{'runStrategy':'RerunOnFailure'}", "RerunOnFailure", "runStrategy"},
    {"Once", "{'runStrategy':'Once'}", "Once", "runStrategy"},
    {"Manual", "{'runStrategy':'Manual'}", NULL, NULL},
    {"Halted", "{'runStrategy':'Halted'}", NULL, NULL},
    {"WaitAsReceiver", "{'runStrategy':'WaitAsReceiver'}", NULL, NULL},
    {"running", "{'running':true}", "Always", "running"},
    {"not running", "{'running':false}", NULL, NULL},
    {"neither", "{}", NULL, NULL},
};

static int restore_vm(struct stage *s, const char *key, const char *spec,
                      struct item_action_output *out)
{
    AUTO(str)
    char *text =
        mem_printf("{'metadata':{'name':'db1','namespace':'shop','annotations':{'%s':'du-1',"
                   "'velero.io/pvc-namespace-name':'shop.root'}},'spec':%s}",
                   key, spec);
    AUTO(json) json_t *vm = quoted(text);
    struct err err = {0};
    int rc = plugin_vm_restore.execute(
        &s->p, &(struct item_action_input){.item = vm, .item_from_backup = vm, .owner = s->restore},
        out, &err);

    err_clear(&err);
    return rc;
}

START_TEST(vm_restore)
{
    STAGE(s, false);
    struct item_action_output out = {0};

    ck_assert_int_eq(restore_vm(&s, "x", runs[_i].spec, &out), 0);
    ck_assert(!out.item && !out.operation);
    ck_assert_int_eq(restore_vm(&s, KEY_UPLOAD, runs[_i].spec, &out), 0);
    ck_assert_msg((out.item != NULL) == (runs[_i].strategy != NULL), "%s", runs[_i].name);
    ck_assert_msg((out.operation != NULL) == (runs[_i].strategy != NULL), "%s", runs[_i].name);
    if (out.item) {
        ck_assert_str_eq(meta_annotation(out.item, KEY_RUN_STRATEGY), runs[_i].strategy);
        ck_assert_str_eq(meta_annotation(out.item, KEY_RUN_SOURCE), runs[_i].source);
        ck_assert_str_eq(json_str_or_empty(out.item, "spec.runStrategy"), "Halted");
        ck_assert_ptr_null(json_path(out.item, "spec.running"));
    }
    item_action_output_finish(&out);
}
END_TEST

/* One DataDownload for the VM, of the claim that its upload was made of. */
START_TEST(vm_restore_by_design)
{
    STAGE(s, true);
    struct item_action_output out = {0};
    json_t *dd;

    ck_assert_int_eq(restore_vm(&s, KEY_UPLOAD, "{'runStrategy':'Always'}", &out), 0);
    dd = fake_only(s.f, &plugin_download);
    ck_assert_str_eq(json_str_or_empty(dd, "spec.targetVolume.pvc"), "root");
    ck_assert_str_eq(meta_annotation(dd, KEY_VM_NAME), "db1");
    item_action_output_finish(&out);
}
END_TEST

static const struct {
    const char *name;
    int64_t after_s;
    const char *phases[3];
    bool completed;
    const char *error;
} siblings[] = {
    {"none yet", 599, {NULL}, false, NULL},
    {"none after ten minutes", 600, {NULL}, true, "no DataDownload"},
    {"one goes on", 9999, {"InProgress", NULL}, false, NULL},
    {"one of two", 9999, {"Completed", "New"}, false, NULL},
    {"both", 9999, {"Completed", "Completed"}, true, NULL},
    {"one has failed", 9999, {"Completed", "Failed"}, true, "dd-1: broken"},
    {"one has failed while another goes on", 1, {"InProgress", "Failed"}, true, "dd-1: broken"},
    {"both have, each its way", 1, {"Canceled", "Failed"}, true, "canceled; dd-1: broken"},
};

static void put_sibling(struct stage *s, size_t i, const char *phase, const char *ns)
{
    AUTO(str) char *name = mem_printf("dd-%zu%s", i, strcmp(ns, "shop") == 0 ? "" : "-other");
    AUTO(str)
    char *more = mem_printf(
        "{'metadata':{'labels':{'velero.io/restore-name':'r'},'annotations':{"
        "'kubevirt-datamover.io/vm-name':'db1','kubevirt-datamover.io/vm-namespace':'%s'}},"
        "'spec':{},'status':{'phase':'%s','message':'broken'}}",
        ns, phase);

    put(s, &plugin_download, NS, name, more);
}

START_TEST(vm_progress)
{
    STAGE(s, false);
    AUTO(str) char *operation = title_vm_operation("r", "shop", "db1");
    struct item_progress got = {0};
    struct err err = {0};

    for (size_t i = 0; siblings[_i].phases[i]; i++)
        put_sibling(&s, i, siblings[_i].phases[i], "shop");
    put_sibling(&s, 0, "Failed", "elsewhere"); /* a VM of the same name is another one */
    s.f->now_ns = FAKE_START_NS + siblings[_i].after_s * NS_PER_S;
    ck_assert_int_eq(plugin_vm_restore.progress(&s.p, operation, s.restore, &got, &err), 0);
    ck_assert_msg(got.completed == siblings[_i].completed, "%s: %s", siblings[_i].name, got.error);
    ck_assert_msg((got.error != NULL) == (siblings[_i].error != NULL), "%s: %s", siblings[_i].name,
                  got.error);
    ck_assert_msg(!got.error || strstr(got.error, siblings[_i].error), "%s: %s", siblings[_i].name,
                  got.error);
    free(got.error);
}
END_TEST

START_TEST(vm_cancel)
{
    STAGE(s, false);
    AUTO(str) char *operation = title_vm_operation("r", "shop", "db1");
    struct err err = {0};

    put_sibling(&s, 0, "InProgress", "shop");
    put_sibling(&s, 1, "New", "shop");
    put_sibling(&s, 0, "New", "elsewhere");
    ck_assert_int_eq(plugin_vm_restore.cancel(&s.p, operation, s.restore, &err), 0);
    ck_assert(json_bool(fake_get(s.f, &plugin_download, NS, "dd-0"), "spec.cancel", false));
    ck_assert(json_bool(fake_get(s.f, &plugin_download, NS, "dd-1"), "spec.cancel", false));
    ck_assert(!json_bool(fake_get(s.f, &plugin_download, NS, "dd-0-other"), "spec.cancel", false));
    /* One that is gone is cancelled enough. */
    ck_assert_int_eq(plugin_claim_restore.cancel(&s.p, "gone", s.restore, &err), 0);
}
END_TEST

/* ---- 2.6 ---- */

static const struct {
    const char *name, *location; /* its spec; NULL: there is none */
    bool secret;
    const char *error; /* NULL: none */
} deletions[] = {
    {"all is there, and no manifest",
     "{'objectStorage':{'bucket':'b'},'credential':{'name':'s','key':'cloud'}}", true, NULL},
    {"no location", NULL, true, "BackupStorageLocation"},
    {"no bucket", "{'objectStorage':{},'credential':{'name':'s'}}", true, "no bucket"},
    {"no credential", "{'objectStorage':{'bucket':'b'}}", true, "no credential"},
    {"no secret", "{'objectStorage':{'bucket':'b'},'credential':{'name':'s'}}", false,
     "the credential"},
};

static int delete_vm(struct stage *s, const char *key, struct err *reterr)
{
    AUTO(str)
    char *text = mem_printf(
        "{'metadata':{'name':'db1','namespace':'shop','annotations':{'%s':'du-1'}}}", key);
    AUTO(json) json_t *vm = quoted(text);
    struct item_action_output out = {0};

    return plugin_vm_delete.execute(
        &s->p, &(struct item_action_input){.item = vm, .owner = s->backup}, &out, reterr);
}

START_TEST(vm_delete)
{
    STAGE(s, false);
    struct err err = {0};
    int rc;

    if (deletions[_i].location) {
        AUTO(str) char *more = mem_printf("{'spec':%s}", deletions[_i].location);

        put(&s, &plugin_location, NS, "default", more);
    }
    if (deletions[_i].secret)
        put(&s, &plugin_secret, NS, "s", "{}");
    rc = delete_vm(&s, KEY_UPLOAD, &err);
    ck_assert_msg((rc < 0) == (deletions[_i].error != NULL), "%s: %s", deletions[_i].name, err.msg);
    ck_assert_msg(rc == 0 || strstr(err.msg, deletions[_i].error), "%s: %s", deletions[_i].name,
                  err.msg);
    err_clear(&err);
    /* A VM that the datamover never had is none of its business. */
    ck_assert_int_eq(delete_vm(&s, "x", &err), 0);
}
END_TEST

START_TEST(discard)
{
    struct item_action_output out = {0};

    ck_assert_int_eq(plugin_discard.execute(NULL, &(struct item_action_input){0}, &out, NULL), 0);
    ck_assert(out.skip);
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN("plugin",
                      SUITE_CASE("titles", EACH(title, titles), TEST(title_exactly),
                                 EACH(title_bad, bad_operations)),
                      SUITE_CASE("vm backup", EACH(eligibility, rows), RANGE(unreadable, 1, 3),
                                 EACH(no_vm, no_inputs), EACH(progress, phases)),
                      SUITE_CASE("claim backup", EACH(claim_backup, users), TEST(claim_of_the_vm),
                                 TEST(claim_of_a_dump)),
                      SUITE_CASE("claim restore", TEST(claim_restore),
                                 TEST(claim_restore_by_design), TEST(foreign_download),
                                 TEST(no_backup)),
                      SUITE_CASE("vm restore", EACH(vm_restore, runs), TEST(vm_restore_by_design),
                                 EACH(vm_progress, siblings), TEST(vm_cancel), TEST(discard)),
                      SUITE_CASE("vm delete", EACH(vm_delete, deletions)));
}
