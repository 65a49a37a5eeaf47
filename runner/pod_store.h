/* The object store of a world as a program outside reads it: GET and HEAD of /BUCKET/KEY over HTTP,
 * with ranges, as S3 answers them. Whoever owns it calls pod_store_poll() in a loop; nothing runs
 * by itself. Visible inside runner/ only. */
#ifndef VMCONFORM_RUNNER_POD_STORE_H
#define VMCONFORM_RUNNER_POD_STORE_H

#include "base/cleanup.h"
#include "base/err.h"

struct host;
struct pod_store;
struct world;

/* Listens on 127.0.0.1. Objects are read as the pod of `h` reads them: faults and the trace apply.
 * New; NULL on failure. */
struct pod_store *pod_store_create(struct host *h, struct world *w, struct err *reterr);
void pod_store_destroy(struct pod_store *s);
DEFINE_CLEANUP(struct pod_store, pod_store, pod_store_destroy);
/* "http://127.0.0.1:PORT". Borrowed. */
const char *pod_store_url(const struct pod_store *s);
/* Answers what has come, and waits for at most so long when nothing has. -1: the pod has crashed.
 */
int pod_store_poll(struct pod_store *s, int wait_ms);

#endif
