/* The simulated host's insides, shared by its files. */
#ifndef VMCONFORM_RUNNER_SIMHOST_PRIV_H
#define VMCONFORM_RUNNER_SIMHOST_PRIV_H

#include "components/host.h"
#include "sim/kubelet/kubelet.h"
#include "sim/world.h"

struct simhost {
    struct host host;
    struct world *world;
    struct process *process;
    char *user;
    unsigned refs;
    struct pod_mount *mounts;
    size_t mount_count;
    json_t *programs, *log; /* borrowed */
};
extern const struct host_ops simulated_ops;
struct simhost *simhost_of(struct host *h);
struct waitcell *simhost_event_cell(struct host_event *e);

struct host_file *simhost_file_open(struct host *h, const char *path, enum host_open_mode mode,
                                    struct err *reterr);
int simhost_file_read(struct host *h, struct host_file *f, uint64_t offset, void *buf, size_t len,
                      size_t *ret_len, struct err *reterr);
int simhost_file_write(struct host *h, struct host_file *f, uint64_t offset, const void *buf,
                       size_t len, struct err *reterr);
int simhost_file_sync(struct host *h, struct host_file *f, struct err *reterr);
int simhost_file_truncate(struct host *h, struct host_file *f, uint64_t size, struct err *reterr);
int simhost_file_zero(struct host *h, struct host_file *f, uint64_t offset, uint64_t len,
                      struct err *reterr);
int simhost_file_close(struct host *h, struct host_file *f, struct err *reterr);
/* The file's bytes, followed by a NUL that does not count. New. */
int simhost_file_whole(struct host_file *f, char **ret, size_t *ret_len, struct err *reterr);
int simhost_file_stat(struct host *h, const char *path, struct host_stat *ret, struct err *reterr);
int simhost_file_rename(struct host *h, const char *from, const char *to, struct err *reterr);
int simhost_file_remove(struct host *h, const char *path, struct err *reterr);
int simhost_make_dir(struct host *h, const char *path, struct err *reterr);
int simhost_sync_dir(struct host *h, const char *path, struct err *reterr);
json_t *simhost_list_dir(struct host *h, const char *path, struct err *reterr);
int simhost_program_run(struct host *h, const struct host_program *program,
                        struct host_program_result *ret, struct err *reterr);

/* ---- services.c, service_calls.c ---- */

int simhost_reply(struct host *h, struct host_exchange *x, const struct http_reply *r,
                  struct err *reterr);
int simhost_reply_begin(struct host *h, struct host_exchange *x, const struct http_reply *head,
                        struct err *reterr);
int simhost_reply_more(struct host *h, struct host_exchange *x, const void *data, size_t len,
                       struct err *reterr);
enum host_wait simhost_reply_wait(struct host *h, struct host_exchange *x, struct host_event *e,
                                  int64_t until_ns, bool *ret_gone);
enum host_wait simhost_stream_next(struct host *h, struct host_stream *s, int64_t until_ns,
                                   const char **ret, size_t *ret_len);
void simhost_stream_close(struct host *h, struct host_stream *s);

#endif
