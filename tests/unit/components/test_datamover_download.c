/* The downloader against real files and the real qemu-img: what it accepts, what it refuses with
 * which code, and what it leaves behind. Skipped where qemu-img is missing. */
#include "components/kubevirt-datamover/download.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/fdio.h"
#include "base/json.h"
#include "base/mem.h"
#include "tests/unit/suite.h"

#define DISK_BYTES (4u << 20)
#define INDEX_KEY "kubevirt-datamover/checkpoints/ns/vm/index.json"
#define MANIFEST_KEY "kubevirt-datamover/manifests/b/ns-vm.json"

/* ---- a host: objects are files in DIR/store, paths of the pod lie below DIR/pod ---- */

struct files_host {
    struct host host;
    char dir[64];
    unsigned stop_after; /* when so many images were begun, it is asked to end; 0: never */
    unsigned begun;
    bool no_programs; /* one that is run fails the test */
};

struct host_file {
    int fd;
};

static char *pod_path(struct host *h, const char *path)
{
    return mem_printf("%s/pod%s", ((struct files_host *)h)->dir, path);
}

static struct host_file *f_open(struct host *h, const char *path, enum host_open_mode mode,
                                struct err *reterr)
{
    static const int flags[] = {[HOST_READ] = O_RDONLY,
                                [HOST_CREATE] = O_RDWR | O_CREAT | O_EXCL,
                                [HOST_TRUNCATE] = O_RDWR | O_CREAT | O_TRUNC,
                                [HOST_WRITE] = O_RDWR};
    AUTO(str) char *real = pod_path(h, path);
    int fd = open(real, flags[mode] | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        err_set_errno(reterr, errno, NO_POS, "%s", path);
        return NULL;
    }
    struct host_file *f = mem_zalloc(sizeof *f);
    f->fd = fd;
    return f;
}

static int f_read(struct host *h, struct host_file *f, uint64_t offset, void *buf, size_t len,
                  size_t *ret_len, struct err *reterr)
{
    (void)h;
    ssize_t n = pread(f->fd, buf, len, (off_t)offset);
    if (n < 0)
        return err_set_errno(reterr, errno, NO_POS, "read");
    *ret_len = (size_t)n;
    return 0;
}

static int f_write(struct host *h, struct host_file *f, uint64_t offset, const void *buf,
                   size_t len, struct err *reterr)
{
    (void)h;
    return pwrite(f->fd, buf, len, (off_t)offset) == (ssize_t)len
               ? 0
               : err_set_errno(reterr, errno, NO_POS, "write");
}

static int f_sync(struct host *h, struct host_file *f, struct err *reterr)
{
    (void)h, (void)f, (void)reterr;
    return 0;
}

static int f_truncate(struct host *h, struct host_file *f, uint64_t size, struct err *reterr)
{
    (void)h;
    return ftruncate(f->fd, (off_t)size) == 0 ? 0
                                              : err_set_errno(reterr, errno, NO_POS, "truncate");
}

static int f_zero(struct host *h, struct host_file *f, uint64_t offset, uint64_t len,
                  struct err *reterr)
{
    (void)h;
    return fdio_zero_at(f->fd, offset, len) == 0 ? 0 : err_set_errno(reterr, errno, NO_POS, "zero");
}

static int f_close(struct host *h, struct host_file *f, struct err *reterr)
{
    (void)h, (void)reterr;
    close(f->fd);
    free(f);
    return 0;
}

static int f_stat(struct host *h, const char *path, struct host_stat *ret, struct err *reterr)
{
    AUTO(str) char *real = pod_path(h, path);
    struct stat st;
    if (lstat(real, &st) < 0)
        return err_set_errno(reterr, errno, NO_POS, "%s", path);
    *ret = (struct host_stat){.size = (uint64_t)st.st_size, .is_regular = true};
    ret->is_block = strcmp(path, "/scratch/device") == 0;
    return 0;
}

static int f_rename(struct host *h, const char *from, const char *to, struct err *reterr)
{
    AUTO(str) char *a = pod_path(h, from);
    AUTO(str) char *b = pod_path(h, to);
    return rename(a, b) == 0 ? 0 : err_set_errno(reterr, errno, NO_POS, "%s", to);
}

static int f_remove(struct host *h, const char *path, struct err *reterr)
{
    AUTO(str) char *real = pod_path(h, path);
    ck_assert_msg(strcmp(path, "/scratch/device") != 0, "the device node was removed");
    if (unlink(real) == 0 || errno == ENOENT)
        return 0;
    return err_set_errno(reterr, errno, NO_POS, "%s", path);
}

static int f_make_dir(struct host *h, const char *path, struct err *reterr)
{
    AUTO(str) char *real = pod_path(h, path);
    if (mkdir(real, 0700) == 0 || errno == EEXIST)
        return 0;
    return err_set_errno(reterr, errno, NO_POS, "%s", path);
}

static int f_sync_dir(struct host *h, const char *path, struct err *reterr)
{
    (void)h, (void)path, (void)reterr;
    return 0;
}

/* Object keys become file names with the slashes replaced. New. */
static char *store_path(struct host *h, const char *key)
{
    char *path = mem_printf("%s/store/%s", ((struct files_host *)h)->dir, key);
    for (char *p = path + strlen(((struct files_host *)h)->dir) + 7; *p; p++)
        if (*p == '/')
            *p = '_';
    return path;
}

static int f_object_read(struct host *h, const char *bucket, const char *key, uint64_t offset,
                         void *buf, size_t len, size_t *ret_len, struct err *reterr)
{
    AUTO(str) char *path = store_path(h, key);
    AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct host_file f = {fd};
    ck_assert_str_eq(bucket, "bucket");
    if (fd < 0)
        return err_set(reterr, ERR_NOT_FOUND, NO_POS, "no object '%s'", key);
    if (offset == 0 && strstr(key, ".qcow2"))
        ((struct files_host *)h)->begun++;
    return f_read(h, &f, offset, buf, len, ret_len, reterr);
}

static int f_object_get(struct host *h, const char *bucket, const char *key, size_t max_bytes,
                        char **ret_data, size_t *ret_len, struct host_version *ret_version,
                        struct err *reterr)
{
    char *data = mem_zalloc(1u << 20);
    (void)max_bytes, (void)ret_version;
    if (f_object_read(h, bucket, key, 0, data, (1u << 20) - 1, ret_len, reterr) < 0) {
        free(data);
        return -1;
    }
    *ret_data = data;
    return 0;
}

static char *read_all(const char *path)
{
    char *text = mem_zalloc(65536);
    FILE *in = fopen(path, "r");
    if (in) {
        size_t n = fread(text, 1, 65535, in);
        text[n] = '\0';
        fclose(in);
    }
    return text;
}

static int f_program_run(struct host *h, const struct host_program *program,
                         struct host_program_result *ret, struct err *reterr)
{
    struct files_host *f = (struct files_host *)h;
    AUTO(str) char *dir = pod_path(h, program->dir);
    AUTO(str) char *out = mem_printf("%s/out", f->dir);
    AUTO(str) char *err = mem_printf("%s/err", f->dir);
    char *argv[32] = {0};
    int status = 0;
    (void)reterr;
    ck_assert_msg(!f->no_programs, "%s was run", program->argv[0]);
    for (size_t i = 0; program->argv[i] && i < 31; i++)
        argv[i] =
            *program->argv[i] == '/' ? pod_path(h, program->argv[i]) : mem_strdup(program->argv[i]);
    pid_t pid = fork();
    if (pid == 0) {
        if (chdir(dir) < 0 || !freopen(out, "w", stdout) || !freopen(err, "w", stderr))
            _exit(99);
        execvp(argv[0], argv);
        _exit(98);
    }
    waitpid(pid, &status, 0);
    for (size_t i = 0; argv[i]; i++)
        free(argv[i]);
    *ret = (struct host_program_result){.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
                                        .out = read_all(out),
                                        .err = read_all(err)};
    ret->out_len = strlen(ret->out);
    return 0;
}

static bool f_crashed(struct host *h)
{
    (void)h;
    return false;
}

static bool f_stopping(struct host *h)
{
    const struct files_host *f = (const struct files_host *)h;
    return f->stop_after && f->begun >= f->stop_after;
}

static void f_log(struct host *h, enum host_log_level level, const char *message)
{
    (void)h, (void)level, (void)message;
}

static const struct host_ops files_ops = {.name = "files",
                                          .file_open = f_open,
                                          .file_read = f_read,
                                          .file_write = f_write,
                                          .file_sync = f_sync,
                                          .file_truncate = f_truncate,
                                          .file_zero = f_zero,
                                          .file_close = f_close,
                                          .file_stat = f_stat,
                                          .file_rename = f_rename,
                                          .file_remove = f_remove,
                                          .make_dir = f_make_dir,
                                          .sync_dir = f_sync_dir,
                                          .object_get = f_object_get,
                                          .object_read = f_object_read,
                                          .program_run = f_program_run,
                                          .crashed = f_crashed,
                                          .stopping = f_stopping,
                                          .log = f_log};

/* ---- the stage ---- */

static void shell(struct files_host *f, const char *command)
{
    AUTO(str) char *full = mem_printf("cd %s && { %s; } >/dev/null 2>&1", f->dir, command);
    ck_assert_msg(system(full) == 0, "%s", command);
}

static void put_text(struct files_host *f, const char *key, const char *text)
{
    AUTO(str) char *path = store_path(&f->host, key);
    FILE *out = fopen(path, "w");
    ck_assert(out != NULL);
    fputs(text, out);
    fclose(out);
}

#define OBJECT(id) "store/kubevirt-datamover_checkpoints_ns_vm_" id

static const char *const full_image =
    "qemu-img create -f qcow2 F 4M && qemu-io -f qcow2 -c 'write -P 1 0 4M' F";
static const char *const increment = "qemu-img create -f qcow2 I 4M && qemu-io -f qcow2 -c 'write "
                                     "-P 2 64k 128k' -c 'write -z 1M 64k' I";

#define LONG_NAME                                                                                  \
    "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggggggggghhhhhhhhhhiiiiiiiiiijj" \
    "jjjjjjjj"

struct restore_case {
    const char *name;
    const char *make;             /* how the images F and I are changed */
    const char *name_f;           /* file name of F; NULL: "F.qcow2" */
    const char *extra;            /* more members of F's file; "" for none, NULL: its true size */
    const char *target, *flags;   /* path; "block", "strict" */
    const char *want;             /* code, or NULL: restored */
    const char *index, *manifest; /* instead of true ones */
    unsigned stop_after;          /* see files_host */
};

static const struct restore_case cases[] = {
    {.name = "full and increment", .make = "true"},
    {.name = "asked to end between two images",
     .make = "true",
     .stop_after = 1,
     .want = "E-STOPPED"},
    {.name = "asked to end when all images are there",
     .make = "true",
     .stop_after = 2,
     .want = "E-STOPPED"},
    {.name = "the increment names a lost disk",
     .make = "qemu-img rebase -u -f qcow2 -F raw -b /lost/disk.img I"},
    {.name = "strict, standalone", .make = "true", .flags = "strict", .want = "E-INC-NO-BACKING"},
    {.name = "strict, with a name",
     .make = "qemu-img rebase -u -f qcow2 -F raw -b /lost/disk.img I",
     .flags = "strict"},
    {.name = "a colon in a name", .make = "true", .name_f = "a:F.qcow2"},
    {.name = "a name that begins with a dash", .make = "true", .name_f = "-f.qcow2"},
    {.name = "a name with a space", .make = "true", .name_f = "a f.qcow2"},
    {.name = "no size in the index", .make = "true", .extra = ""},
    {.name = "a stale link at the local name",
     .make = "mkdir -p pod/scratch && ln -s /etc/passwd pod/scratch/00-F.qcow2"},
    {.name = "the base names a file",
     .make = "qemu-img rebase -u -f qcow2 -F raw -b /etc/passwd F",
     .want = "E-BASE-BACKING"},
    {.name = "the base names a driver",
     .make = "qemu-img rebase -u -f qcow2 -F raw -b 'json:{\"driver\":\"null-co\"}' F",
     .want = "E-BASE-BACKING"},
    {.name = "an external data file",
     .make = "qemu-img create -f qcow2 -o data_file=/tmp/vmconform-nowhere,data_file_raw=on F 4M; "
             "rm -f /tmp/vmconform-nowhere",
     .want = "E-DATA-FILE"},
    {.name = "encrypted", /* AES; making a LUKS image measures time, and fails on a busy machine */
     .make = "printf '\\001' | dd of=I bs=1 seek=35 conv=notrunc",
     .want = "E-ENCRYPTED"},
    {.name = "an increment of compat 0.10",
     .make = "qemu-img create -f qcow2 -o compat=0.10 I 4M",
     .want = "E-COMPAT"},
    {.name = "shrunk", .make = "qemu-img create -f qcow2 I 2M", .want = "E-SHRUNK"},
    {.name = "marked as corrupt",
     .make = "printf '\\002' | dd of=F bs=1 seek=79 conv=notrunc",
     .want = "E-QCOW"},
    {.name = "no qcow2", .make = "head -c 300000 /dev/zero >F", .want = "E-QCOW"},
    {.name = "empty", .make = ": >F", .want = "E-QCOW"},
    {.name = "one byte short", .make = "truncate -s -1 F", .want = "E-QCOW"},
    {.name = "tables lost", .make = "truncate -s 196608 I", .want = "E-QCOW"},
    {.name = "shorter than told",
     .make = "true",
     .extra = ",'size':99999999",
     .want = "E-SIZE-MISMATCH"},
    {.name = "longer than told",
     .make = "true",
     .extra = ",'size':1000",
     .want = "E-SIZE-MISMATCH"},
    {.name = "a negative size", .make = "true", .extra = ",'size':-1", .want = "E-SIZE-NEG"},
    {.name = "another digest", .make = "true", .extra = ",'sha256':'00'", .want = "E-DIGEST"},
    {.name = "no object", .make = "rm I", .want = "E-GET"},
    {.name = "a file name that climbs", .make = "true", .name_f = "../x", .want = "E-FILENAME"},
    {.name = "a file name of 300 characters",
     .make = "true",
     .name_f = LONG_NAME LONG_NAME LONG_NAME,
     .want = "E-FILENAME"},
    {.name = "an empty file name", .make = "true", .name_f = "", .want = "E-FILENAME"},
    {.name = "a target in the root", .make = "true", .target = "/disk.raw", .want = "E-CONFIG"},
    {.name = "a relative target", .make = "true", .target = "disk.raw", .want = "E-CONFIG"},
    {.name = "a target that climbs", .make = "true", .target = "/a/../b/c", .want = "E-CONFIG"},
    {.name = "another folder", .make = "true", .target = "/out/disk.raw"},
    {.name = "a device",
     .make = "mkdir -p pod/scratch && yes | head -c 5000000 >pod/scratch/device",
     .target = "/scratch/device",
     .flags = "block"},
    {.name = "a small device",
     .make = "mkdir -p pod/scratch && yes | head -c 3000000 >pod/scratch/device",
     .target = "/scratch/device",
     .flags = "block",
     .want = "E-DEVICE-SIZE"},
    {.name = "no device", .make = "true", .flags = "block", .want = "E-CONFIG"},
    {.name = "compressed clusters",
     .make = "qemu-img create -f qcow2 I 4M && qemu-io -f qcow2 -c 'write -c -P 2 64k 64k' "
             "-c 'write -c -P 2 128k 64k' -c 'write -z 1M 64k' I"},
    {.name = "compressed with zstd",
     .make = "qemu-img create -f qcow2 -o compression_type=zstd I 4M && qemu-io -f qcow2 "
             "-c 'write -c -P 2 64k 64k' -c 'write -c -P 2 128k 64k' -c 'write -z 1M 64k' I"},
    {.name = "subclusters",
     .make =
         "qemu-img create -f qcow2 -o extended_l2=on,cluster_size=128k I 4M && qemu-io -f qcow2 "
         "-c 'write -P 2 64k 128k' -c 'write -z 1M 64k' I"},
    {.name = "a dirty bitmap", .make = "qemu-img bitmap --add -f qcow2 I b0"},
    {.name = "an internal snapshot", .make = "qemu-img snapshot -c s1 I", .want = "E-QCOW"},
    {.name = "lazy refcounts",
     .make = "qemu-img create -f qcow2 -o lazy_refcounts=on I 4M && qemu-io -f qcow2 "
             "-c 'write -P 2 64k 128k' -c 'write -z 1M 64k' I"},
    {.name = "small clusters",
     .make = "qemu-img create -f qcow2 -o cluster_size=4k I 4M && qemu-io -f qcow2 "
             "-c 'write -P 2 64k 128k' -c 'write -z 1M 64k' I"},
    {.name = "small refcounts",
     .make = "qemu-img create -f qcow2 -o refcount_bits=1 I 4M && qemu-io -f qcow2 "
             "-c 'write -P 2 64k 128k' -c 'write -z 1M 64k' I"},
    {.name = "preallocated",
     .make = "qemu-img create -f qcow2 -o preallocation=metadata F 4M && qemu-io -f qcow2 "
             "-c 'write -P 1 0 4M' F"},
    {.name = "a base of compat 0.10",
     .make = "qemu-img create -f qcow2 -o compat=0.10 F 4M && qemu-io -f qcow2 "
             "-c 'write -P 1 0 4M' F"},
    {.name = "raw that begins like qcow2",
     .make = "printf 'QFI\\373\\0\\0\\0\\3' >F && head -c 200000 /dev/zero >>F",
     .want = "E-QCOW"},
    {.name = "an index that is no JSON", .index = "{", .want = "E-INDEX"},
    {.name = "an empty index", .index = "", .want = "E-INDEX"},
    {.name = "an index that is a list", .index = "[]", .want = "E-INDEX"},
    {.name = "an index without checkpoints", .index = "{}", .want = "E-CHAIN-UNKNOWN"},
    {.name = "checkpoints that are none",
     .index = "{'checkpoints':[null,1]}",
     .want = "E-INDEX-DUP"},
    {.name = "checkpoints in a map", .index = "{'checkpoints':{'id':'F'}}", .want = "E-INDEX"},
    {.name = "an id with a zero byte",
     .index = "{'checkpoints':[{'id':'F\\u0000x','type':'full'}]}",
     .want = "E-INDEX"},
    {.name = "files in a map",
     .index = "{'checkpoints':[{'id':'F','type':'full','files':{'a':1}},"
              "{'id':'I','type':'incremental','parent':'F'}]}",
     .want = "E-DISK-MISSING"},
    {.name = "a type that is a number",
     .index = "{'checkpoints':[{'id':'F','type':1},{'id':'I'}]}",
     .want = "E-HEAD-TYPE"},
    {.name = "a size beyond all integers",
     .extra = ",'size':99999999999999999999999",
     .want = "E-INDEX"},
    {.name = "a size with a fraction", .extra = ",'size':1.5", .want = "E-INDEX"},
    {.name = "a manifest that is no JSON", .manifest = "nil", .want = "E-MANIFEST"},
    {.name = "a manifest without a chain", .manifest = "{}", .want = "E-CHAIN-EMPTY"},
    {.name = "a manifest of another VM",
     .manifest = "{'namespace':'n','name':'s-vm','checkpointChain':['F','I']}",
     .want = "E-MANIFEST"},
    {.name = "a chain of lists",
     .manifest = "{'checkpointChain':[['F'],{}]}",
     .want = "E-CHAIN-UNKNOWN"},
    {.name = "a chain of whole checkpoints",
     .manifest = "{'checkpointChain':[{'id':'F'},{'id':'I'}]}"},
    {.name = "data file on the increment",
     .make = "qemu-img create -f qcow2 -o data_file=/tmp/vmconform-nowhere2,data_file_raw=on I 4M; "
             "rm -f /tmp/vmconform-nowhere2",
     .want = "E-DATA-FILE"},
};

/* Single quotes become double ones. New. */
static char *quoted(char *text_take)
{
    for (char *p = text_take; *p; p++)
        if (*p == '\'')
            *p = '"';
    return text_take;
}

static void put_documents(struct files_host *f, const struct restore_case *c)
{
    struct stat st = {0};
    AUTO(str) char *path = mem_printf("%s/F", f->dir);
    const char *name = c->name_f ? c->name_f : "F.qcow2";
    stat(path, &st);
    AUTO(str) char *size = mem_printf(",'size':%lld", (long long)st.st_size);
    AUTO(str)
    char *index = quoted(mem_printf(
        "{'checkpoints':[{'id':'F','type':'Full','files':[{'filename':'%s','diskName':'root',"
        "'objectPath':'checkpoints/ns/vm/F/%s'%s}]},{'id':'I','type':'Incremental','parent':'F',"
        "'files':[{'filename':'I.qcow2','diskName':'root','objectPath':"
        "'checkpoints/ns/vm/I/I.qcow2'}]}]}",
        name, name, c->extra ? c->extra : size));
    AUTO(str)
    char *manifest = quoted(mem_strdup(
        c->manifest ? c->manifest : "{'namespace':'ns','name':'vm','checkpointChain':['F','I']}"));
    AUTO(str) char *other = quoted(mem_strdup(c->index ? c->index : ""));
    put_text(f, INDEX_KEY, c->index ? other : index);
    put_text(f, MANIFEST_KEY, manifest);
    AUTO(str)
    char *move =
        mem_printf("cp F '" OBJECT("F_%.200s") "'; [ ! -e I ] || cp I " OBJECT("I_I.qcow2"),
                   strcmp(name, "../x") == 0 ? ".._x" : name);
    shell(f, move);
}

static json_t *config_of(const struct restore_case *c, const char *engine)
{
    const char *flags = c->flags ? c->flags : "";
    bool block = strstr(flags, "block") != NULL;
    const char *target = c->target ? c->target : block ? "" : "/scratch/disk.img";
    return json_pack("{s:[s,s], s:{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}}", "args",
                     "/manager", "download", "env", "KUBEVIRT_DM_BSL_PROVIDER", "aws",
                     "KUBEVIRT_DM_BSL_BUCKET", "bucket", "KUBEVIRT_DM_VM_NAME", "vm",
                     "KUBEVIRT_DM_VM_NAMESPACE", "ns", "KUBEVIRT_DM_VELERO_BACKUP_NAME", "b",
                     "KUBEVIRT_DM_TARGET_VOLUME", "root", "KUBEVIRT_DM_TARGET_PATH", target,
                     "KUBEVIRT_DM_TARGET_IS_BLOCK_DEVICE", block ? "true" : "false",
                     "KUBEVIRT_DM_REQUIRE_BACKING", strstr(flags, "strict") ? "true" : "false",
                     "KUBEVIRT_DM_ENGINE", engine);
}

/* ---- what came out ---- */

static unsigned char expected(size_t at)
{
    if (at >= DISK_BYTES)
        return 0;
    if (at >= 65536 && at < 65536 + 131072)
        return 2;
    return at >= 1048576 && at < 1048576 + 65536 ? 0 : 1;
}

static void check_disk(struct files_host *f, const char *name, const char *path, bool block)
{
    AUTO(str) char *real = pod_path(&f->host, path);
    struct stat st;
    ck_assert_msg(stat(real, &st) == 0, "%s: no disk", name);
    ck_assert_msg(block || (st.st_mode & 0777) == 0600, "%s: mode %o", name, st.st_mode);
    ck_assert_msg(block || st.st_size == DISK_BYTES, "%s: size %lld", name, (long long)st.st_size);
    unsigned char *bytes = mem_alloc((size_t)st.st_size);
    AUTO(fd) int fd = open(real, O_RDONLY);
    ck_assert(read(fd, bytes, (size_t)st.st_size) == st.st_size);
    for (size_t i = 0; i < (size_t)st.st_size; i++)
        if (bytes[i] != expected(i))
            ck_abort_msg("%s: byte %zu is %u, expected %u", name, i, bytes[i], expected(i));
    free(bytes);
}

/* Nothing but the disk stays in the scratch folder. */
static void check_scratch(struct files_host *f, const char *name, const char *allowed)
{
    AUTO(str) char *real = pod_path(&f->host, "/scratch");
    DIR *dir = opendir(real);
    struct dirent *e;
    while (dir && (e = readdir(dir)))
        ck_assert_msg(*e->d_name == '.' ? !e->d_name[1] || strcmp(e->d_name, "..") == 0
                                        : strcmp(e->d_name, allowed) == 0,
                      "%s: left behind: %s", name, e->d_name);
    if (dir)
        closedir(dir);
}

/* Both engines restore the same, and refuse the same with the same code. */
static void restore_with(const struct restore_case *c, const char *engine)
{
    struct files_host f = {.host = {&files_ops}, .dir = "/tmp/vmconform-download-XXXXXX"};
    struct err e = {0};
    bool block = c->flags && strstr(c->flags, "block");
    f.stop_after = c->stop_after;
    ck_assert(mkdtemp(f.dir) != NULL);
    shell(&f, "mkdir store pod");
    shell(&f, full_image);
    shell(&f, increment);
    if (c->make)
        shell(&f, c->make);
    put_documents(&f, c);
    json_t *config = config_of(c, engine);
    f.no_programs = strcmp(engine, "native") == 0;
    int r = datamover_downloader_component.run(&f.host, config, &e);
    json_decref(config);
    if (c->want) {
        const char *want = c->want;
        ck_assert_msg(r < 0 && strncmp(e.msg, want, strlen(want)) == 0 &&
                          e.msg[strlen(want)] == ':',
                      "%s, %s: got %s, want %s", c->name, engine, r < 0 ? e.msg : "success", want);
    } else {
        ck_assert_msg(r == 0, "%s, %s: %s", c->name, engine, e.msg);
        check_disk(&f, c->name, c->target ? c->target : "/scratch/disk.img", block);
    }
    check_scratch(&f, c->name, block ? "device" : r == 0 ? "disk.img" : "");
    err_clear(&e);
    AUTO(str) char *clean = mem_printf("rm -rf %s", f.dir);
    ck_assert_int_eq(system(clean), 0);
}

START_TEST(restore)
{
    restore_with(&cases[_i], "qemu-img");
    restore_with(&cases[_i], "native");
}
END_TEST

int main(void)
{
    json_init();
    if (system("qemu-img --version >/dev/null 2>&1 && qemu-io --version >/dev/null 2>&1") != 0)
        return 77;
    return SUITE_MAIN("download", SUITE_LONG_CASE("restore", 60, EACH(restore, cases)));
}
