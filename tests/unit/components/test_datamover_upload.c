/* The uploader against what may lie on a volume that came from somebody else's namespace: what it
 * stores, and what it refuses before the index knows of it. */
#include "components/kubevirt-datamover/upload.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/bsl/index.h"
#include "components/kubevirt-datamover/kinds.h"
#include "tests/unit/components/fake_host.h"
#include "tests/unit/suite.h"

#define INDEX "kubevirt-datamover/checkpoints/ns/vm/index.json"
#define IMAGE "QFI\xfb image"
#define FOLDER "/backup-data/vm/C1/"

static void put_object(struct fake_host *f, const struct kind *k, const char *name, json_t *more)
{
    json_t *obj = kind_object(k, "ns", name);
    json_object_update(obj, more);
    json_decref(more);
    fake_put(f, k, obj);
}

static void put_world(struct fake_host *f)
{
    put_object(f, &kind_dm_vm, "vm",
               json_pack("{s:{s:{s:{s:[{s:s, s:{s:s}}, {s:s, s:{s:s}}]}}}}", "spec", "template",
                         "spec", "volumes", "name", "root", "persistentVolumeClaim", "claimName",
                         "vm-root", "name", "a-disk", "dataVolume", "name", "vm-data"));
    put_object(f, &kind_dm_backup, "vmb", json_object());
    for (int i = 0; i < 2; i++)
        put_object(f, &kind_dm_claim, i ? "vm-data" : "vm-root",
                   json_pack("{s:{s:{s:{s:s}}}}", "spec", "resources", "requests", "storage",
                             i ? "2Gi" : "1Gi"));
}

static json_t *config_of(const char *type, const char *parent)
{
    return json_pack("{s:{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}}", "env",
                     "KUBEVIRT_DM_BSL_PROVIDER", "aws", "KUBEVIRT_DM_BSL_BUCKET", "b",
                     "KUBEVIRT_DM_VM_NAME", "vm", "KUBEVIRT_DM_VM_NAMESPACE", "ns",
                     "KUBEVIRT_DM_CHECKPOINT_NAME", "C1", "KUBEVIRT_DM_VMB_NAME", "vmb",
                     "KUBEVIRT_DM_BACKUP_TYPE", type, "KUBEVIRT_DM_PARENT_CHECKPOINT", parent,
                     "KUBEVIRT_DM_VELERO_BACKUP_NAME", "b1");
}

static int run_upload(struct fake_host *f, const char *type, const char *parent, struct err *reterr)
{
    AUTO(json) json_t *config = config_of(type, parent);
    return datamover_uploader_component.run(&f->host, config, reterr);
}

static const struct volume_row {
    const char *name;
    struct {
        const char *path, *text; /* text NULL: a symbolic link */
    } files[4];
    const char *refused; /* NULL: it is stored */
    const char *disks;   /* of the entry */
} volumes[] = {
    {"one image", {{FOLDER "vmb-root.qcow2", IMAGE}}, NULL, "root@vm-root"},
    {"two images",
     {{FOLDER "vmb-a-disk.qcow2", IMAGE}, {FOLDER "vmb-root.qcow2", IMAGE}},
     NULL,
     "a-disk@vm-data root@vm-root"},
    {"an ending in capitals", {{FOLDER "vmb-root.QCOW2", IMAGE}}, NULL, "root@vm-root"},
    {"other files beside it",
     {{FOLDER "vmb-root.qcow2", IMAGE}, {FOLDER "notes.txt", "x"}, {FOLDER "link", NULL}},
     NULL,
     "root@vm-root"},
    {"nothing", {{FOLDER "notes.txt", "x"}}, "E-FILES: no qcow2 files found", NULL},
    {"an empty image", {{FOLDER "vmb-root.qcow2", ""}}, "E-QCOW", NULL},
    {"no image", {{FOLDER "vmb-root.qcow2", "raw bytes"}}, "E-QCOW", NULL},
    {"a symbolic link", {{FOLDER "vmb-root.qcow2", NULL}}, "E-FILE:", NULL},
    {"a link beside an image",
     {{FOLDER "vmb-a.qcow2", NULL}, {FOLDER "vmb-root.qcow2", IMAGE}},
     "E-FILE:",
     NULL},
    {"a folder with an image's name", {{FOLDER "x.qcow2/notes", "x"}}, "E-FILES", NULL},
    {"two files of one name",
     {{FOLDER "vmb-root.qcow2", IMAGE}, {"/backup-data/vm/C0/vmb-root.qcow2", IMAGE}},
     "E-FILES: two images have the filename",
     NULL},
    {"two images of one disk",
     {{FOLDER "vmb-root.qcow2", IMAGE}, {FOLDER "old-root.qcow2", IMAGE}},
     "E-FILES: two images have the diskName",
     NULL},
    {"a disk without a claim, in its place",
     {{FOLDER "vmb-host.qcow2", IMAGE}, {FOLDER "vmb-root.qcow2", IMAGE}},
     NULL,
     "host@ root@vm-root"},
    {"too deep",
     {{"/backup-data/1/2/3/4/5/6/7/8/9/vmb-root.qcow2", IMAGE}},
     "E-FILES: folders lie more than",
     NULL},
};

static char *disks_of(const json_t *entry)
{
    struct strbuf out = {0};
    size_t i;
    const json_t *file;
    json_array_foreach(json_object_get(entry, "files"), i, file)
        strbuf_addf(&out, "%s%s@%s", i ? " " : "", index_text(file, "diskName"),
                    json_string_value(json_array_get(json_object_get(entry, "pvcs"), i)));
    return strbuf_take(&out);
}

START_TEST(volume)
{
    const struct volume_row *row = &volumes[_i];
    AUTO(fake) struct fake_host *f = fake_create();
    AUTO(err) struct err e = {0};
    put_world(f);
    for (size_t i = 0; i < ARRAY_LEN(row->files) && row->files[i].path; i++)
        fake_put_file(f, row->files[i].path, row->files[i].text);
    int r = run_upload(f, "Full", "", &e);
    if (row->refused) {
        ck_assert_msg(r < 0 && strncmp(e.msg, row->refused, strlen(row->refused)) == 0, "%s: %s",
                      row->name, e.msg ? e.msg : "stored");
        ck_assert_msg(!fake_blob(f, INDEX), "%s: the index knows of it", row->name);
        return;
    }
    ck_assert_msg(r == 0, "%s: %s", row->name, e.msg);
    AUTO(json)
    json_t *index = json_read(fake_blob(f, INDEX), strlen(fake_blob(f, INDEX)), NULL, NULL);
    AUTO(str) char *disks = disks_of(index_last(index));
    ck_assert_msg(strcmp(disks, row->disks) == 0, "%s: %s", row->name, disks);
    ck_assert_ptr_null(fake_get(f, &kind_dm_backup, "ns", "vmb"));
}
END_TEST

/* Before or after each write: an entry is there only with its objects, and a second run ends it. */
START_TEST(crash)
{
    for (unsigned at = 1;; at++) {
        AUTO(fake) struct fake_host *f = fake_create();
        AUTO(err) struct err e = {0};
        put_world(f);
        fake_put_file(f, FOLDER "vmb-root.qcow2", IMAGE);
        f->object_fault = (struct fake_fault){at, (enum fake_moment)_i, -1};
        int r = run_upload(f, "Full", "", &e);
        ck_assert_msg(!fake_blob(f, INDEX) || json_object_size(f->blobs) >= 4, "crash at %u", at);
        if (r == 0) {
            ck_assert_uint_gt(at, 6);
            return;
        }
        ck_assert_ptr_nonnull(fake_get(f, &kind_dm_backup, "ns", "vmb"));
        f->crashed = false;
        f->object_fault.at = 0;
        ck_assert_msg(run_upload(f, "Full", "", NULL) == 0, "after a crash at %u", at);
        ck_assert_uint_eq(json_object_size(f->blobs), 6);
    }
}
END_TEST

static const struct config_row {
    const char *name, *value, *says;
} configs[] = {
    {"KUBEVIRT_DM_BSL_BUCKET", "", "KUBEVIRT_DM_BSL_BUCKET is not set"},
    {"KUBEVIRT_DM_CHECKPOINT_NAME", "", "KUBEVIRT_DM_CHECKPOINT_NAME is not set"},
    {"KUBEVIRT_DM_CHECKPOINT_NAME", "../C1", "cannot be part of a key"},
    {"KUBEVIRT_DM_VM_NAMESPACE", "a/b", "cannot be part of a key"},
    {"KUBEVIRT_DM_BACKUP_TYPE", "half", "expected full or incremental"},
    {"KUBEVIRT_DM_SOURCE_PVC_PATH", "backup", "must be absolute"},
};

START_TEST(config)
{
    const struct config_row *row = &configs[_i];
    AUTO(fake) struct fake_host *f = fake_create();
    AUTO(json) json_t *settings = config_of("Full", "");
    AUTO(err) struct err e = {0};
    put_world(f);
    fake_put_file(f, FOLDER "vmb-root.qcow2", IMAGE);
    json_object_set_new(json_object_get(settings, "env"), row->name, json_string(row->value));
    ck_assert_int_eq(datamover_uploader_component.run(&f->host, settings, &e), -1);
    ck_assert_msg(strstr(e.msg, row->says) != NULL, "%s=%s: %s", row->name, row->value, e.msg);
    ck_assert_uint_eq(json_object_size(f->blobs), 0);
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN(
        "components.datamover.upload",
        SUITE_CASE("upload", EACH(volume, volumes), RANGE(crash, 0, 2), EACH(config, configs)));
}
