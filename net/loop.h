/* A scheduler on the wall clock: its events run when their time has come, and file descriptors wake
 * it in between.
 *
 * Single-threaded: callbacks run on the caller of loop_run(), never at the same time, and must not
 * block. */
#ifndef VMCONFORM_NET_LOOP_H
#define VMCONFORM_NET_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "sched/sched.h"

#define LOOP_SPEED_MAX 1e9

struct loop;
/* speed: virtual seconds per second of the wall, above 0 and at most LOOP_SPEED_MAX; 1.0 is real
 * time. From here on the virtual clock is what it reads now plus speed times the wall's time,
 * whether or not there are events. The scheduler is borrowed. */
struct loop *loop_create(struct sched *s, double speed, struct err *reterr);
void loop_destroy(struct loop *l);
DEFINE_CLEANUP(struct loop, loop, loop_destroy);
struct sched *loop_sched(const struct loop *l);

/* From here on the clock is not the wall's: it stands at that time (never earlier than it reads
 * now), what is due until then runs at once, and what is later waits for the next call. */
void loop_hold(struct loop *l, int64_t at_ns);

/* fn(cookie, events) when the descriptor has any of `events` (EPOLLIN, EPOLLOUT, level-triggered).
 */
typedef void loop_fd_fn(void *cookie, uint32_t events);
struct loop_fd;
struct loop_fd *loop_watch_fd(struct loop *l, int fd, uint32_t events, loop_fd_fn *fn,
                              void *cookie);
void loop_change_fd(struct loop_fd *f, uint32_t events);
void loop_forget_fd(struct loop_fd *f);

/* fn(cookie) every time before the loop waits, for those who have work that no descriptor tells;
 * the result is the wall time in ns until it must be called again (INT64_MAX: when something
 * happens). */
typedef int64_t loop_idle_fn(void *cookie);
void loop_on_idle(struct loop *l, loop_idle_fn *fn, void *cookie);
void loop_not_idle(struct loop *l, loop_idle_fn *fn, void *cookie);

/* Runs until loop_stop() or sched_stop(), or until the world is idle when until_idle says so (no
 * event pending). */
int loop_run(struct loop *l, bool until_idle, struct err *reterr);
/* Safe in a signal handler. */
void loop_stop(struct loop *l);

#endif
