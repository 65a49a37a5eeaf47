/* The documents of a storage location: what uploads and deletions make of them, what is left after
 * a crash at any write, and what hostile ones come to. */
#include "components/bsl/forget.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/bsl/index.h"
#include "components/bsl/lookup.h"
#include "components/bsl/names.h"
#include "components/bsl/record.h"
#include "components/bsl/store.h"
#include "tests/unit/components/fake_host.h"
#include "tests/unit/suite.h"

#define INDEX "kubevirt-datamover/checkpoints/ns/vm/index.json"

static struct documents_place place_of(const char *backup)
{
    return (struct documents_place){"bucket", "", backup, "ns", "vm"};
}

/* ---- the upload's side ---- */

static char *image_key(const char *id)
{
    return mem_printf("kubevirt-datamover/checkpoints/ns/vm/%s/%s-root.qcow2", id, id);
}

static json_t *entry_of(const struct documents_place *p, const char *id, bool full)
{
    AUTO(str) char *file = mem_printf("%s-root.qcow2", id);
    AUTO(str) char *path = names_image(p->ns, p->vm, id, file);
    return json_pack("{s:s, s:s, s:s, s:[{s:s, s:s, s:i, s:s}], s:[s]}", "id", id, "type",
                     full ? "Full" : "Incremental", "vmBackup", id, "files", "filename", file,
                     "diskName", "root", "size", 4, "objectPath", path, "pvcs", "vm-root");
}

static int record_of(struct fake_host *f, const struct documents_place *p, const char *id,
                     const char *parent, struct err *reterr)
{
    AUTO(json) json_t *entry = entry_of(p, id, !*parent);
    AUTO(str)
    char *key = names_key(
        "", json_str_or_empty(json_array_get(json_object_get(entry, "files"), 0), "objectPath"));
    struct bsl_checkpoint c = {entry, parent, false};
    fake_put_blob(f, key, "data");
    return bsl_record(&f->host, p, &c, reterr);
}

static void record(struct fake_host *f, const char *backup, const char *id, const char *parent)
{
    struct documents_place p = place_of(backup);
    struct err e = {0};
    ck_assert_msg(record_of(f, &p, id, parent, &e) == 0, "%s: %s", id, e.msg);
}

static void record_three(struct fake_host *f)
{
    record(f, "b1", "F", "");
    record(f, "b2", "I1", "F");
    record(f, "b3", "I2", "I1");
}

/* ---- the state, as text ---- */

/* "F=b1,b2,b3 I1=b2,b3<F ..." New. */
static char *index_state(struct fake_host *f)
{
    struct strbuf out = {0};
    const char *text = fake_blob(f, INDEX);
    AUTO(json) json_t *index = text ? json_read(text, strlen(text), NULL, NULL) : NULL;
    size_t i, j;
    const json_t *entry, *ref;
    json_array_foreach(json_object_get(index, "checkpoints"), i, entry)
    {
        strbuf_addf(&out, "%s%s=", i ? " " : "", index_text(entry, "id"));
        json_array_foreach(json_object_get(entry, "referencedBy"), j, ref)
            strbuf_addf(&out, "%s%s", j ? "," : "", json_string_value(ref));
        if (*index_text(entry, "parent"))
            strbuf_addf(&out, "<%s", index_text(entry, "parent"));
    }
    return strbuf_take(&out);
}

static void expect_index(struct fake_host *f, const char *what, const char *want)
{
    AUTO(str) char *is = index_state(f);
    ck_assert_msg(strcmp(is, want) == 0, "%s: the index is '%s', expected '%s'", what, is, want);
}

static int forget(struct fake_host *f, const char *backup, struct err *reterr)
{
    struct documents_place p = place_of(backup);
    return bsl_forget(&f->host, &p, reterr);
}

static void forget_well(struct fake_host *f, const char *backup)
{
    struct err e = {0};
    ck_assert_msg(forget(f, backup, &e) == 0, "%s: %s", backup, e.msg);
}

/* I1, I3, I4 and the objects that no entry lists. */
static void check_invariants(struct fake_host *f, const char *what, bool at_rest)
{
    const char *text = fake_blob(f, INDEX), *key;
    AUTO(json) json_t *index = text ? json_read(text, strlen(text), NULL, NULL) : json_object();
    size_t i;
    const json_t *entry;
    json_t *blob;
    json_array_foreach(json_object_get(index, "checkpoints"), i, entry)
    {
        AUTO(str) char *image = image_key(index_text(entry, "id"));
        AUTO(json) json_t *chain = index_chain(index, index_text(entry, "id"));
        ck_assert_msg(fake_blob(f, image) != NULL, "%s: the index lists %s", what, image);
        ck_assert_msg(json_array_size(json_object_get(entry, "referencedBy")) > 0, "%s: %s", what,
                      index_text(entry, "id"));
        ck_assert_msg(index_chain_is_whole(index, chain), "%s: chain of %s", what,
                      index_text(entry, "id"));
    }
    json_object_foreach(f->blobs, key, blob)
    {
        char id[32];
        if (at_rest && sscanf(key, "kubevirt-datamover/checkpoints/ns/vm/%31[^/]/", id) == 1 &&
            strcmp(id, "index.json") != 0)
            ck_assert_msg(index_find(index, id) != NULL, "%s: %s is left over", what, key);
    }
}

/* ---- tests ---- */

START_TEST(chain_and_references)
{
    AUTO(fake) struct fake_host *f = fake_create();
    record_three(f);
    expect_index(f, "three", "F=b1,b2,b3 I1=b2,b3<F I2=b3<I1");
    ck_assert_ptr_nonnull(strstr(fake_blob(f, "kubevirt-datamover/manifests/b3/ns-vm.json"),
                                 "\"checkpointChain\":[\"F\",\"I1\",\"I2\"]"));
    ck_assert_ptr_nonnull(strstr(fake_blob(f, "kubevirt-datamover/manifests/b3/index.json"),
                                 "\"manifestPath\":\"manifests/b3/ns-vm.json\""));
    record(f, "b2", "I1", "F");
    expect_index(f, "again in the middle", "F=b1,b2,b3 I1=b2,b3<F I2=b3<I1");
    record(f, "b3", "I2", "I1");
    expect_index(f, "again at the end", "F=b1,b2,b3 I1=b2,b3<F I2=b3<I1");
    record(f, "b4", "F2", "");
    expect_index(f, "a new chain", "F=b1,b2,b3 I1=b2,b3<F I2=b3<I1 F2=b4");
}
END_TEST

static const struct order_row {
    const char *order;
} orders[] = {{"123"}, {"132"}, {"213"}, {"231"}, {"312"}, {"321"}};

START_TEST(forget_in_every_order)
{
    AUTO(fake) struct fake_host *f = fake_create();
    record_three(f);
    for (const char *c = orders[_i].order; *c; c++) {
        char backup[] = {'b', *c, '\0'};
        forget_well(f, backup);
        check_invariants(f, orders[_i].order, true);
        forget_well(f, backup);
    }
    ck_assert_msg(json_object_size(f->blobs) == 0, "%s: %zu objects are left", orders[_i].order,
                  json_object_size(f->blobs));
}
END_TEST

START_TEST(forget_keeps_what_others_need)
{
    AUTO(fake) struct fake_host *f = fake_create();
    record_three(f);
    forget_well(f, "b3");
    expect_index(f, "newest", "F=b1,b2 I1=b2<F");
    forget_well(f, "b1");
    expect_index(f, "oldest", "F=b2 I1=b2<F");
    forget_well(f, "unknown");
    expect_index(f, "unknown", "F=b2 I1=b2<F");
}
END_TEST

/* A crash before or after each write: nothing that is listed is gone, and a second run ends it. */
START_TEST(forget_after_a_crash)
{
    for (unsigned at = 1;; at++) {
        AUTO(fake) struct fake_host *f = fake_create();
        AUTO(err) struct err e = {0};
        char what[32];
        record_three(f);
        f->object_fault = (struct fake_fault){f->object_calls + at, (enum fake_moment)_i, -1};
        int r = forget(f, "b3", &e);
        snprintf(what, sizeof what, "crash at write %u", at);
        f->crashed = false;
        f->object_fault.at = 0;
        check_invariants(f, what, false);
        forget_well(f, "b3");
        check_invariants(f, what, true);
        expect_index(f, what, "F=b1,b2 I1=b2<F");
        ck_assert_ptr_null(fake_blob(f, "kubevirt-datamover/manifests/b3/ns-vm.json"));
        if (r == 0) {
            ck_assert_uint_gt(at, 4);
            return;
        }
        ck_assert_int_eq(e.code, ERR_CRASHED);
    }
}
END_TEST

START_TEST(record_after_a_crash)
{
    for (unsigned at = 1;; at++) {
        AUTO(fake) struct fake_host *f = fake_create();
        AUTO(err) struct err e = {0};
        struct documents_place p = place_of("b2");
        char what[32];
        record(f, "b1", "F", "");
        f->object_fault = (struct fake_fault){f->object_calls + at, (enum fake_moment)_i, -1};
        int r = record_of(f, &p, "I1", "F", &e);
        snprintf(what, sizeof what, "crash at write %u", at);
        f->crashed = false;
        f->object_fault.at = 0;
        check_invariants(f, what, false);
        record(f, "b2", "I1", "F");
        expect_index(f, what, "F=b1,b2 I1=b2<F");
        ck_assert_ptr_nonnull(fake_blob(f, "kubevirt-datamover/manifests/b2/ns-vm.json"));
        if (r == 0) {
            ck_assert_uint_gt(at, 2);
            return;
        }
    }
}
END_TEST

/* ---- two writers ---- */

static void other_upload(struct fake_host *f, const char *op, const char *key, void *cookie)
{
    unsigned *left = cookie;
    if (strcmp(op, "put") != 0 || strcmp(key, INDEX) != 0 || *left == 0)
        return;
    --*left;
    record(f, "b4", "F4", "");
}

START_TEST(concurrent_writers)
{
    AUTO(fake) struct fake_host *f = fake_create();
    unsigned left = 1;
    record_three(f);
    f->object_hook = other_upload;
    f->object_hook_cookie = &left;
    forget_well(f, "b3");
    expect_index(f, "upload during a deletion", "F=b1,b2 I1=b2<F F4=b4");
}
END_TEST

static void other_forget(struct fake_host *f, const char *op, const char *key, void *cookie)
{
    unsigned *left = cookie;
    if (strcmp(op, "put") != 0 || strcmp(key, INDEX) != 0 || *left == 0)
        return;
    --*left;
    forget_well(f, "b2");
}

/* The parent goes between the look and the write: an increment without it would be worth nothing.
 */
START_TEST(parent_deleted_meanwhile)
{
    AUTO(fake) struct fake_host *f = fake_create();
    AUTO(err) struct err e = {0};
    struct documents_place p = place_of("b3");
    unsigned left = 1;
    record(f, "b1", "F", "");
    record(f, "b2", "I1", "F");
    f->object_hook = other_forget;
    f->object_hook_cookie = &left;
    ck_assert_int_eq(record_of(f, &p, "I2", "I1", &e), -1);
    ck_assert_msg(strncmp(e.msg, "E-PARENT", 8) == 0, "%s", e.msg);
    expect_index(f, "parent deleted", "F=b1");
}
END_TEST

START_TEST(store_that_falters)
{
    AUTO(fake) struct fake_host *f = fake_create();
    record_three(f);
    f->object_fault = (struct fake_fault){f->object_calls + 2, FAKE_AFTER, 0};
    forget_well(f, "b3");
    expect_index(f, "one answer lost", "F=b1,b2 I1=b2<F");
}
END_TEST

/* ---- names ---- */

START_TEST(long_backup_name)
{
    static const char name[] =
        "a-backup-with-a-name-that-is-longer-than-any-label-value-may-be-000001";
    AUTO(fake) struct fake_host *f = fake_create();
    AUTO(str) char *label = names_backup_label(name);
    ck_assert_uint_eq(strlen(label), 63);
    record(f, label, "F", "");
    forget_well(f, name);
    ck_assert_uint_eq(json_object_size(f->blobs), 0);
}
END_TEST

START_TEST(same_name_in_two_namespaces)
{
    AUTO(fake) struct fake_host *f = fake_create();
    AUTO(err) struct err e = {0};
    struct documents_place other = {"bucket", "", "b1", "other", "vm"};
    record(f, "b1", "F", "");
    ck_assert_int_eq(record_of(f, &other, "G", "", &e), 0);
    forget_well(f, "b1");
    const char *left = fake_blob(f, "kubevirt-datamover/manifests/b1/index.json");
    ck_assert_msg(left && strstr(left, "\"namespace\":\"other\"") && !strstr(left, "\"ns\""), "%s",
                  left ? left : "none");
    ck_assert_ptr_nonnull(fake_blob(f, "kubevirt-datamover/manifests/b1/other-vm.json"));
}
END_TEST

static void read_chain(struct fake_host *f, const struct documents_place *p, const char *want)
{
    AUTO(documents) struct documents docs = {0};
    AUTO(err) struct err e = {0};
    ck_assert_msg(documents_read(&f->host, p, &docs, &e) == 0, "%s/%s: %s", p->ns, p->vm, e.msg);
    AUTO(str) char *ids = json_text(docs.ids);
    ck_assert_str_eq(ids, want);
}

START_TEST(manifests_that_collide)
{
    AUTO(fake) struct fake_host *f = fake_create();
    AUTO(err) struct err e = {0};
    struct documents_place one = {"bucket", "", "b", "a-b", "c"},
                           two = {"bucket", "", "b", "a", "b-c"};
    ck_assert_int_eq(record_of(f, &one, "F1", "", &e), 0);
    ck_assert_int_eq(record_of(f, &two, "F2", "", &e), 0);
    read_chain(f, &one, "[\"F1\"]");
    read_chain(f, &two, "[\"F2\"]");
    ck_assert_int_eq(bsl_forget(&f->host, &one, &e), 0);
    read_chain(f, &two, "[\"F2\"]");
    ck_assert_int_eq(record_of(f, &two, "F2", "", &e), 0);
    read_chain(f, &two, "[\"F2\"]");
    ck_assert_int_eq(bsl_forget(&f->host, &two, &e), 0);
    ck_assert_uint_eq(json_object_size(f->blobs), 0);
}
END_TEST

/* ---- what an index may hold ---- */

#define LIST(entries) "{\"checkpoints\":[" entries "]}"
#define ENTRY(id, type, parent, more)                                                              \
    "{\"id\":\"" id "\",\"type\":\"" type "\",\"parent\":\"" parent "\",\"vmBackup\":\"" id        \
    "\",\"files\":[\"" id "-root.qcow2\"]" more "}"

static const struct lookup_row {
    const char *name, *index;
    const char *objects; /* ids whose image exists, one letter each */
    bool found, whole;
    const char *latest;
    size_t length;
} lookups[] = {
    {"absent", NULL, "", false, false, NULL, 0},
    {"no JSON", "{", "", false, false, NULL, 0},
    {"no object", "[]", "", false, false, NULL, 0},
    {"no list", "{\"checkpoints\":{}}", "", false, false, NULL, 0},
    {"null list", "{\"checkpoints\":null}", "", false, false, NULL, 0},
    {"empty", LIST(""), "", false, false, NULL, 0},
    {"strange entries", LIST("1,null,[],\"x\",{},{\"id\":7}"), "", false, false, NULL, 0},
    {"full", LIST(ENTRY("A", "Full", "", "")), "A", true, true, "A", 1},
    {"full in lower case", LIST(ENTRY("A", "full", "", "")), "A", true, true, "A", 1},
    {"three",
     LIST(ENTRY("A", "Full", "", "") "," ENTRY("B", "Incremental", "A",
                                               "") "," ENTRY("C", "incremental", "B", "")),
     "ABC", true, true, "C", 3},
    {"the middle is missing",
     LIST(ENTRY("A", "Full", "", "") "," ENTRY("B", "Incremental", "A",
                                               "") "," ENTRY("C", "Incremental", "B", "")),
     "AC", true, false, "A", 1},
    {"the tip is missing", LIST(ENTRY("A", "Full", "", "") "," ENTRY("B", "Incremental", "A", "")),
     "A", true, false, "A", 1},
    {"the full is missing", LIST(ENTRY("A", "Full", "", "") "," ENTRY("B", "Incremental", "A", "")),
     "B", false, false, NULL, 0},
    {"no full", LIST(ENTRY("B", "Incremental", "A", "")), "B", false, false, NULL, 0},
    {"a cycle", LIST(ENTRY("A", "Incremental", "B", "") "," ENTRY("B", "Incremental", "A", "")),
     "AB", false, false, NULL, 0},
    {"its own parent", LIST(ENTRY("A", "Incremental", "A", "")), "A", false, false, NULL, 0},
    {"no files", LIST("{\"id\":\"A\",\"type\":\"Full\",\"files\":[]}"), "A", false, false, NULL, 0},
    {"an object path of nobody",
     LIST("{\"id\":\"A\",\"type\":\"Full\",\"files\":[{\"filename\":\"A-root.qcow2\"}]}"), "A",
     false, false, NULL, 0},
    {"an object path of another VM",
     LIST(
         "{\"id\":\"A\",\"type\":\"Full\",\"files\":[{\"filename\":\"A-root.qcow2\",\"objectPath\":"
         "\"checkpoints/ns/other/A/A-root.qcow2\"}]}"),
     "A", false, false, NULL, 0},
};

START_TEST(lookup)
{
    const struct lookup_row *row = &lookups[_i];
    AUTO(fake) struct fake_host *f = fake_create();
    AUTO(bsl_lookup) struct bsl_lookup is = {0};
    struct documents_place p = place_of("");
    struct err e = {0};
    if (row->index)
        fake_put_blob(f, INDEX, row->index);
    for (const char *c = row->objects; *c; c++) {
        char id[] = {*c, '\0'};
        AUTO(str) char *key = image_key(id);
        fake_put_blob(f, key, "data");
    }
    ck_assert_msg(bsl_lookup(&f->host, &p, &is, &e) == 0, "%s: %s", row->name, e.msg);
    ck_assert_msg(is.found == row->found && is.whole == row->whole && is.length == row->length &&
                      strcmp(is.latest ? is.latest : "", row->latest ? row->latest : "") == 0,
                  "%s: found %d, whole %d, latest %s, length %zu", row->name, is.found, is.whole,
                  is.latest ? is.latest : "-", is.length);
}
END_TEST

static const struct forget_row {
    const char *name, *references, *want;
} references[] = {
    {"one of two", "[\"b1\",\"b2\"]", "F=b2"},
    {"an empty one is none", "[\"b1\",\"\"]", ""},
    {"twice the same", "[\"b1\",\"b1\"]", ""},
    {"twice another", "[\"b1\",\"b2\",\"b2\"]", "F=b2"},
    {"no texts", "[null,1,\"b1\",\"b2\"]", "F=b2"},
    {"null", "null", ""},
    {"others only", "[\"b2\"]", "F=b2"},
};

START_TEST(filter_references)
{
    const struct forget_row *row = &references[_i];
    AUTO(fake) struct fake_host *f = fake_create();
    AUTO(str)
    char *index = mem_printf("{\"checkpoints\":[{\"id\":\"F\",\"type\":\"Full\",\"files\":[],"
                             "\"referencedBy\":%s}]}",
                             row->references);
    fake_put_blob(f, INDEX, index);
    fake_put_blob(f, "kubevirt-datamover/manifests/b1/ns-vm.json", "{\"checkpointChain\":[\"F\"]}");
    forget_well(f, "b1");
    expect_index(f, row->name, row->want);
    ck_assert_msg(*row->want || json_object_size(f->blobs) == 0, "%s: something is left",
                  row->name);
}
END_TEST

/* Without the manifest nobody knows that the others are garbage. */
START_TEST(manifest_absent)
{
    AUTO(fake) struct fake_host *f = fake_create();
    fake_put_blob(f, INDEX,
                  "{\"checkpoints\":[{\"id\":\"F\",\"type\":\"Full\",\"files\":[],\"referencedBy\":"
                  "[]}]}");
    forget_well(f, "b1");
    expect_index(f, "no manifest", "F=");
}
END_TEST

START_TEST(corrupt_index_is_kept)
{
    AUTO(fake) struct fake_host *f = fake_create();
    size_t kept = 0;
    const char *key;
    json_t *blob;
    fake_put_blob(f, INDEX, "{\"checkpoints\":[");
    struct err e = {0};
    ck_assert_int_eq(forget(f, "b1", &e), -1);
    ck_assert_int_eq(e.code, ERR_CORRUPT);
    err_clear(&e);
    record(f, "b1", "F", "");
    record(f, "b1", "F", "");
    expect_index(f, "a new one", "F=b1");
    json_object_foreach(f->blobs, key,
                        blob) if (strncmp(key, INDEX ".corrupt-", strlen(INDEX) + 9) == 0)
    {
        kept++;
        ck_assert_str_eq(index_text(blob, "text"), "{\"checkpoints\":[");
    }
    ck_assert_uint_eq(kept, 1);
}
END_TEST

START_TEST(oversized_index)
{
    AUTO(fake) struct fake_host *f = fake_create();
    AUTO(str) char *big = mem_alloc(BSL_DOCUMENT_MAX + 2);
    AUTO(bsl_lookup) struct bsl_lookup is = {0};
    struct documents_place p = place_of("b1");
    AUTO(err) struct err e = {0};
    memset(big, ' ', BSL_DOCUMENT_MAX + 1);
    big[BSL_DOCUMENT_MAX + 1] = '\0';
    fake_put_blob(f, INDEX, big);
    ck_assert_int_eq(bsl_lookup(&f->host, &p, &is, NULL), 0);
    ck_assert(!is.found);
    ck_assert_int_eq(record_of(f, &p, "F", "", &e), -1);
    ck_assert_int_eq(e.code, ERR_LIMIT);
    ck_assert_uint_eq(strlen(fake_blob(f, INDEX)), BSL_DOCUMENT_MAX + 1);
}
END_TEST

static const struct disk_row {
    const char *file, *vmb, *disk;
} disks[] = {
    {"vmb-x-root.qcow2", "vmb-x", "root"},
    {"vmb-x-a-disk.qcow2", "vmb-x", "a-disk"},
    {"vmb-x-a-disk.QCOW2", "vmb-x", "a-disk"},
    {"vmb-x-a-disk.qcow2", "", "disk"},
    {"other-disk.qcow2", "vmb-x", "disk"},
    {"root.qcow2", "vmb-x", "root"},
    {"vmb-x-.qcow2", "vmb-x", ""},
};

START_TEST(disk_names)
{
    AUTO(str) char *is = index_disk_of(disks[_i].file, disks[_i].vmb);
    ck_assert_msg(strcmp(is, disks[_i].disk) == 0, "%s: '%s'", disks[_i].file, is);
}
END_TEST

static const struct parent_row {
    const char *name, *parent, *says;
} parents[] = {
    {"another tip", "I0", "made against 'I0', but the index ends with 'I1'"},
    {"its own", "F", "made against 'F', but the index ends with 'I1'"},
};

START_TEST(wrong_parent)
{
    AUTO(fake) struct fake_host *f = fake_create();
    AUTO(err) struct err e = {0};
    struct documents_place p = place_of("b3");
    record(f, "b1", "F", "");
    record(f, "b2", "I1", "F");
    ck_assert_int_eq(record_of(f, &p, "I2", parents[_i].parent, &e), -1);
    ck_assert_msg(strstr(e.msg, parents[_i].says) != NULL, "%s: %s", parents[_i].name, e.msg);
    expect_index(f, parents[_i].name, "F=b1,b2 I1=b2<F");
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN(
        "components.bsl",
        SUITE_CASE("writers", TEST(chain_and_references), EACH(forget_in_every_order, orders),
                   TEST(forget_keeps_what_others_need), RANGE(forget_after_a_crash, 0, 2),
                   RANGE(record_after_a_crash, 0, 2), TEST(concurrent_writers),
                   TEST(parent_deleted_meanwhile), TEST(store_that_falters),
                   EACH(wrong_parent, parents)),
        SUITE_CASE("names", TEST(long_backup_name), TEST(same_name_in_two_namespaces),
                   TEST(manifests_that_collide), EACH(disk_names, disks)),
        SUITE_CASE("documents", EACH(lookup, lookups), EACH(filter_references, references),
                   TEST(manifest_absent), TEST(corrupt_index_is_kept), TEST(oversized_index)));
}
