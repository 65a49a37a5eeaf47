/* Files and programs of the simulated host. A pod's path is a mount's path and a rest below it;
 * nothing else exists for it. A controller's files are in memory (memory_files.h). */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fdio.h"
#include "base/folder.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "runner/memory_files.h"
#include "runner/open_flags.h"
#include "runner/program.h"
#include "runner/simhost_priv.h"

#define PIECE (1u << 20)
#define WHOLE_MAX (1u << 30)

struct host_file {
    int fd;
    struct memory_file *memory; /* in place of fd, or NULL */
    char *path;                 /* as the component sees it */
};

/* ---- paths ---- */

static bool has_dotdot(const char *path)
{
    for (const char *p = path; (p = strstr(p, "..")); p += 2)
        if ((p == path || p[-1] == '/') && (p[2] == '/' || p[2] == '\0'))
            return true;
    return false;
}

static const struct pod_mount *mount_of(const struct simhost *s, const char *path)
{
    const struct pod_mount *best = NULL;
    size_t best_len = 0;

    for (size_t i = 0; i < s->mount_count; i++) {
        size_t len = strlen(s->mounts[i].path);

        if (strncmp(path, s->mounts[i].path, len) == 0 && (path[len] == '/' || path[len] == '\0') &&
            len >= best_len) {
            best = &s->mounts[i];
            best_len = len;
        }
    }
    return best;
}

/* The files in memory that the path is of, or NULL. */
static struct memory_files *memory_of(const struct simhost *s, const char *path)
{
    const struct process_owner *owner = process_owner(s->process);

    if ((owner && owner->kind == OWNER_POD) || !memory_path(path) || has_dotdot(path))
        return NULL;
    return memory_files_of(s->world, process_name(s->process));
}

/* The real path of a pod's path; new. NULL with *reterr when the pod has no such place. */
static char *real_path(const struct simhost *s, const char *path, bool for_write,
                       struct err *reterr)
{
    const struct pod_mount *m = has_dotdot(path) ? NULL : mount_of(s, path);

    if (!m) {
        err_set(reterr, ERR_NOT_FOUND, NO_POS, "%s: %s", path, strerror(ENOENT));
        return NULL;
    }
    if (for_write && m->read_only) {
        err_set(reterr, ERR_IO, NO_POS, "%s: %s", path, strerror(EROFS));
        return NULL;
    }
    return mem_printf("%s%s", m->host_path, path + strlen(m->path));
}

/* ---- faults, effects, trace ---- */

static int fault_errno(const json_t *action)
{
    return strcmp(json_str_or_empty(action, "errno"), "ENOSPC") == 0 ? ENOSPC : EIO;
}

/* A scheduling point, then a fault that may have been asked for. `end` is how far the file would
 * reach: faults may begin after some bytes. */
static int file_point(struct simhost *s, const char *op, const char *path, uint64_t end,
                      struct err *reterr)
{
    struct fault_attr attrs[] = {{"op", op}, {"path", path}, {"by", process_name(s->process)}};
    const json_t *action;
    int64_t after;

    if (sched_point(world_sched(s->world), op) != SCHED_OK)
        return err_set(reterr, ERR_CRASHED, NO_POS, "crashed");
    action = fault_hit(world_faults(s->world), "file", attrs, ARRAY_LEN(attrs));
    after = json_int(action, "after", 0);
    if (!action || (int64_t)end <= after)
        return 0;
    return err_set_errno(reterr, fault_errno(action), NO_POS, "%s", path);
}

static int effect(struct simhost *s, enum request_moment moment, enum effect_kind kind,
                  const char *target, struct err *reterr)
{
    struct effect_info info = {kind, target, process_name(s->process)};

    world_notify_effect(s->world, moment, &info);
    if (process_crashed(s->process))
        return err_set(reterr, ERR_CRASHED, NO_POS, "crashed");
    return 0;
}

static void trace_file(struct simhost *s, const char *op, const char *path, int64_t bytes)
{
    struct trace *t = world_trace(s->world);

    if (!trace_on(t))
        return;
    trace_begin(t, world_now(s->world), "file");
    trace_str(t, "by", process_name(s->process));
    trace_str(t, "op", op);
    trace_str(t, "path", path);
    if (bytes >= 0)
        trace_int(t, "bytes", bytes);
    trace_end(t);
}

/* ---- files ---- */

static struct host_file *opened(struct simhost *s, const char *path, int fd,
                                struct memory_file *memory)
{
    struct host_file *f = mem_zalloc(sizeof *f);

    trace_file(s, "open", path, -1);
    f->fd = fd;
    f->memory = memory;
    f->path = mem_strdup(path);
    return f;
}

static struct host_file *open_in_memory(struct simhost *s, struct memory_files *m, const char *path,
                                        enum host_open_mode mode, struct err *reterr)
{
    struct memory_file *memory;
    int wrong;

    if (file_point(s, "open", path, 1, reterr) < 0)
        return NULL;
    memory = memory_open(m, path, mode, &wrong);
    if (memory)
        return opened(s, path, -1, memory);
    err_set_errno(reterr, wrong, NO_POS, "%s", path);
    return NULL;
}

struct host_file *simhost_file_open(struct host *h, const char *path, enum host_open_mode mode,
                                    struct err *reterr)
{
    struct simhost *s = simhost_of(h);
    struct memory_files *m = memory_of(s, path);
    AUTO(str) char *real = m ? NULL : real_path(s, path, mode != HOST_READ, reterr);
    int fd;

    if (m)
        return open_in_memory(s, m, path, mode, reterr);
    if (!real || file_point(s, "open", path, 1, reterr) < 0)
        return NULL;
    fd = open(real, open_flags(mode) | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0)
        return opened(s, path, fd, NULL);
    err_set_errno(reterr, errno, NO_POS, "%s", path);
    return NULL;
}

static ssize_t read_bytes(const struct host_file *f, uint64_t offset, void *buf, size_t len)
{
    return f->memory ? (ssize_t)memory_read(f->memory, offset, buf, len)
                     : fdio_read_at(f->fd, buf, len, offset);
}

int simhost_file_read(struct host *h, struct host_file *f, uint64_t offset, void *buf, size_t len,
                      size_t *ret_len, struct err *reterr)
{
    ssize_t n;

    if (host_crashed(h))
        return err_set(reterr, ERR_CRASHED, NO_POS, "crashed");
    n = read_bytes(f, offset, buf, len);
    if (n < 0)
        return err_set_errno(reterr, errno, NO_POS, "%s", f->path);
    *ret_len = (size_t)n;
    return 0;
}

int simhost_file_whole(struct host_file *f, char **ret, size_t *ret_len, struct err *reterr)
{
    AUTO(strbuf) struct strbuf all = {0};
    AUTO(str) char *piece = mem_alloc(PIECE);
    ssize_t n;

    while ((n = read_bytes(f, all.len, piece, PIECE)) > 0) {
        if (all.len + (size_t)n > WHOLE_MAX)
            return err_set(reterr, ERR_LIMIT, NO_POS, "%s: an object may have %u bytes here",
                           f->path, WHOLE_MAX);
        strbuf_add(&all, piece, (size_t)n);
    }
    if (n < 0)
        return err_set_errno(reterr, errno, NO_POS, "%s", f->path);
    *ret_len = all.len;
    *ret = strbuf_take(&all);
    return 0;
}

/* 0, or an errno. */
static int write_bytes(struct host_file *f, uint64_t offset, const void *buf, size_t len)
{
    if (f->memory)
        return -memory_write(f->memory, offset, buf, len);
    return fdio_write_at(f->fd, buf, len, offset) < 0 ? errno : 0;
}

int simhost_file_write(struct host *h, struct host_file *f, uint64_t offset, const void *buf,
                       size_t len, struct err *reterr)
{
    struct simhost *s = simhost_of(h);
    int wrong;

    if (effect(s, REQUEST_BEFORE, EFFECT_FILE_WRITE, f->path, reterr) < 0 ||
        file_point(s, "write", f->path, offset + len, reterr) < 0)
        return -1;
    if ((wrong = write_bytes(f, offset, buf, len)))
        return err_set_errno(reterr, wrong, NO_POS, "%s", f->path);
    trace_file(s, "write", f->path, (int64_t)len);
    return effect(s, REQUEST_COMMITTED, EFFECT_FILE_WRITE, f->path, reterr);
}

int simhost_file_sync(struct host *h, struct host_file *f, struct err *reterr)
{
    struct simhost *s = simhost_of(h);

    if (effect(s, REQUEST_BEFORE, EFFECT_FILE_SYNC, f->path, reterr) < 0 ||
        file_point(s, "sync", f->path, 1, reterr) < 0)
        return -1;
    /* The bytes live as long as the world: telling the disk would only cost time. */
    trace_file(s, "sync", f->path, -1);
    return effect(s, REQUEST_COMMITTED, EFFECT_FILE_SYNC, f->path, reterr);
}

int simhost_file_truncate(struct host *h, struct host_file *f, uint64_t size, struct err *reterr)
{
    struct simhost *s = simhost_of(h);
    int wrong;

    if (effect(s, REQUEST_BEFORE, EFFECT_FILE_TRUNCATE, f->path, reterr) < 0 ||
        file_point(s, "truncate", f->path, size, reterr) < 0)
        return -1;
    wrong = f->memory                           ? -memory_truncate(f->memory, size)
            : ftruncate(f->fd, (off_t)size) < 0 ? errno
                                                : 0;
    if (wrong)
        return err_set_errno(reterr, wrong, NO_POS, "%s", f->path);
    trace_file(s, "truncate", f->path, (int64_t)size);
    return effect(s, REQUEST_COMMITTED, EFFECT_FILE_TRUNCATE, f->path, reterr);
}

int simhost_file_zero(struct host *h, struct host_file *f, uint64_t offset, uint64_t len,
                      struct err *reterr)
{
    struct simhost *s = simhost_of(h);

    if (effect(s, REQUEST_BEFORE, EFFECT_FILE_ZERO, f->path, reterr) < 0 ||
        file_point(s, "zero", f->path, offset + len, reterr) < 0)
        return -1;
    if (f->memory)
        memory_zero(f->memory, offset, len);
    else if (fdio_zero_at(f->fd, offset, len) < 0)
        return err_set_errno(reterr, errno, NO_POS, "%s", f->path);
    trace_file(s, "zero", f->path, (int64_t)len);
    return effect(s, REQUEST_COMMITTED, EFFECT_FILE_ZERO, f->path, reterr);
}

int simhost_file_close(struct host *h, struct host_file *f, struct err *reterr)
{
    int r = f->memory ? 0 : close(f->fd);
    int saved = errno;
    AUTO(str) char *path = TAKE(f->path);

    if (f->memory)
        memory_close(f->memory);
    free(f);
    if (host_crashed(h))
        return err_set(reterr, ERR_CRASHED, NO_POS, "crashed");
    return r < 0 ? err_set_errno(reterr, saved, NO_POS, "%s", path) : 0;
}

/* What a call on files in memory gave. */
static int of_memory(int result, const char *path, struct err *reterr)
{
    return result < 0 ? err_set_errno(reterr, -result, NO_POS, "%s", path) : 0;
}

int simhost_file_stat(struct host *h, const char *path, struct host_stat *ret, struct err *reterr)
{
    struct simhost *s = simhost_of(h);
    struct memory_files *memory = memory_of(s, path);
    const struct pod_mount *m = mount_of(s, path);
    AUTO(str) char *real = memory ? NULL : real_path(s, path, false, reterr);
    struct stat st;

    if ((!memory && !real) || file_point(s, "stat", path, 0, reterr) < 0)
        return -1;
    if (memory)
        return of_memory(memory_stat(memory, path, ret), path, reterr);
    if (lstat(real, &st) < 0)
        return err_set_errno(reterr, errno, NO_POS, "%s", path);
    *ret = (struct host_stat){.size = (uint64_t)st.st_size};
    /* A block volume is a fixed-size file underneath; the pod sees a device. */
    ret->is_block = m->block || S_ISBLK(st.st_mode);
    ret->is_regular = !ret->is_block && S_ISREG(st.st_mode);
    ret->is_directory = S_ISDIR(st.st_mode);
    return 0;
}

int simhost_file_rename(struct host *h, const char *from, const char *to, struct err *reterr)
{
    struct simhost *s = simhost_of(h);
    struct memory_files *memory = memory_of(s, from) ? memory_of(s, to) : NULL;
    AUTO(str) char *real_from = memory ? NULL : real_path(s, from, true, reterr);
    AUTO(str) char *real_to = real_from ? real_path(s, to, true, reterr) : NULL;

    if ((!memory && !real_to) || effect(s, REQUEST_BEFORE, EFFECT_FILE_RENAME, to, reterr) < 0 ||
        file_point(s, "rename", to, 1, reterr) < 0)
        return -1;
    if (memory ? of_memory(memory_rename(memory, from, to), to, reterr) < 0
               : rename(real_from, real_to) < 0)
        return memory ? -1 : err_set_errno(reterr, errno, NO_POS, "%s", to);
    trace_file(s, "rename", to, -1);
    return effect(s, REQUEST_COMMITTED, EFFECT_FILE_RENAME, to, reterr);
}

/* That a journal goes is what commits a transaction: so it is an effect as a write is. */
static int remove_in_memory(struct simhost *s, struct memory_files *m, const char *path,
                            struct err *reterr)
{
    if (effect(s, REQUEST_BEFORE, EFFECT_FILE_REMOVE, path, reterr) < 0 ||
        file_point(s, "remove", path, 0, reterr) < 0 ||
        of_memory(memory_remove(m, path), path, reterr) < 0)
        return -1;
    trace_file(s, "remove", path, -1);
    return effect(s, REQUEST_COMMITTED, EFFECT_FILE_REMOVE, path, reterr);
}

int simhost_file_remove(struct host *h, const char *path, struct err *reterr)
{
    struct simhost *s = simhost_of(h);
    struct memory_files *memory = memory_of(s, path);
    AUTO(str) char *real = memory ? NULL : real_path(s, path, true, reterr);

    if (memory)
        return remove_in_memory(s, memory, path, reterr);
    if (!real || file_point(s, "remove", path, 0, reterr) < 0)
        return -1;
    if (unlink(real) < 0 && errno != ENOENT)
        return err_set_errno(reterr, errno, NO_POS, "%s", path);
    trace_file(s, "remove", path, -1);
    return 0;
}

int simhost_make_dir(struct host *h, const char *path, struct err *reterr)
{
    struct simhost *s = simhost_of(h);
    struct memory_files *memory = memory_of(s, path);
    AUTO(str) char *real = memory ? NULL : real_path(s, path, true, reterr);

    if ((!memory && !real) || file_point(s, "mkdir", path, 0, reterr) < 0)
        return -1;
    if (memory)
        return of_memory(memory_make_dir(memory, path), path, reterr);
    if (mkdir(real, 0700) < 0 && errno != EEXIST)
        return err_set_errno(reterr, errno, NO_POS, "%s", path);
    return 0;
}

int simhost_sync_dir(struct host *h, const char *path, struct err *reterr)
{
    struct simhost *s = simhost_of(h);
    struct memory_files *memory = memory_of(s, path);
    AUTO(str) char *real = memory ? NULL : real_path(s, path, false, reterr);

    if ((!memory && !real) || file_point(s, "sync", path, 1, reterr) < 0)
        return -1;
    trace_file(s, "sync", path, -1);
    return 0;
}

json_t *simhost_list_dir(struct host *h, const char *path, struct err *reterr)
{
    struct simhost *s = simhost_of(h);
    struct memory_files *memory = memory_of(s, path);
    AUTO(str) char *real = memory ? NULL : real_path(s, path, false, reterr);
    json_t *names;
    int wrong;

    if ((!memory && !real) || file_point(s, "list", path, 0, reterr) < 0)
        return NULL;
    if (!memory)
        return folder_names(real, reterr);
    names = memory_list(memory, path, &wrong);
    if (!names)
        err_set_errno(reterr, wrong, NO_POS, "%s", path);
    return names;
}

/* ---- programs ---- */

#define ARGS_MAX 256

static json_t *args_json(const struct host_program *p)
{
    json_t *args = json_array();

    for (size_t i = 1; p->argv[i]; i++)
        json_array_append_new(args, json_string(p->argv[i]));
    return args;
}

static void record_program(struct simhost *s, const struct host_program *p, int exit_code)
{
    AUTO(json) json_t *args = args_json(p);
    struct trace *t = world_trace(s->world);

    if (s->programs)
        json_array_append_new(s->programs,
                              json_pack("{s:s, s:O, s:i, s:s}", "program", p->argv[0], "args", args,
                                        "exit", exit_code, "by", process_name(s->process)));
    if (!trace_on(t))
        return;
    trace_begin(t, world_now(s->world), "program");
    trace_str(t, "by", process_name(s->process));
    trace_str(t, "program", p->argv[0]);
    trace_json(t, "args", args);
    trace_int(t, "exit", exit_code);
    trace_end(t);
}

/* An argument that is a path of the pod becomes the real one. */
static char *real_arg(const struct simhost *s, const char *arg)
{
    return *arg == '/' && mount_of(s, arg) && !has_dotdot(arg) ? real_path(s, arg, false, NULL)
                                                               : mem_strdup(arg);
}

static int run_real(struct simhost *s, const struct host_program *p,
                    struct host_program_result *ret, struct err *reterr)
{
    char *argv[ARGS_MAX + 1];
    size_t count = 0;
    AUTO(str) char *dir = p->dir ? real_path(s, p->dir, false, reterr) : NULL;
    int r;

    if (p->dir && !dir)
        return -1;
    for (; p->argv[count] && count < ARGS_MAX; count++)
        argv[count] = real_arg(s, p->argv[count]);
    argv[count] = NULL;
    r = program_run((const char *const *)argv, dir, p, ret, reterr);
    while (count > 0)
        free(argv[--count]);
    return r;
}

static bool faked(struct simhost *s, const struct host_program *p, struct host_program_result *ret)
{
    struct fault_attr attrs[] = {{"program", p->argv[0]}, {"by", process_name(s->process)}};
    const json_t *action = fault_hit(world_faults(s->world), "program", attrs, ARRAY_LEN(attrs));

    if (!action)
        return false;
    *ret = (struct host_program_result){.out = mem_strdup(""),
                                        .err = mem_strdup("ended by a fault of the scenario")};
    if (json_bool(action, "kill", false)) {
        ret->exit_code = -1;
        ret->signal = 9;
    } else {
        ret->exit_code = (int)json_int(action, "exit", 1);
    }
    return true;
}

int simhost_program_run(struct host *h, const struct host_program *program,
                        struct host_program_result *ret, struct err *reterr)
{
    struct simhost *s = simhost_of(h);

    if (effect(s, REQUEST_BEFORE, EFFECT_PROGRAM, program->argv[0], reterr) < 0)
        return -1;
    if (sched_point(world_sched(s->world), "program") != SCHED_OK)
        return err_set(reterr, ERR_CRASHED, NO_POS, "crashed");
    if (!faked(s, program, ret) && run_real(s, program, ret, reterr) < 0)
        return -1;
    record_program(s, program, ret->exit_code);
    if (effect(s, REQUEST_COMMITTED, EFFECT_PROGRAM, program->argv[0], reterr) == 0)
        return 0;
    host_program_result_finish(ret);
    return -1;
}
