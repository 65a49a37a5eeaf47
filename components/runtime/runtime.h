/* What a controller process is made of: informers, controllers, tasks, and one place that owns them
 * all.
 *
 *     AUTO(runtime) struct runtime *rt = runtime_create(host);
 *     struct informer *vms = informer_create(rt, &(struct informer_config){.client = c, .kind =
 * &kind_vm}); struct controller *k = controller_create(rt, &(struct controller_config){.name =
 * "vm", .reconcile = f, .cookie = state}); controller_watch_self(k, vms, NULL, NULL); return
 * runtime_run(rt, reterr);
 *
 * A crash unwinds the tasks in any order: each holds a reference, and the last one frees
 * everything. So what reconcilers use (their cookie) must be given to runtime_own(), never live in
 * the stack frame of the component's main function. */
#ifndef VMCONFORM_COMPONENTS_RUNTIME_RUNTIME_H
#define VMCONFORM_COMPONENTS_RUNTIME_RUNTIME_H

#include "base/cleanup.h"
#include "base/err.h"
#include "components/host.h"

struct runtime;
struct informer;
struct controller;

struct runtime *runtime_create(struct host *h);
void runtime_unref(struct runtime *rt);
DEFINE_CLEANUP(struct runtime, runtime, runtime_unref);

struct host *runtime_host(const struct runtime *rt);
/* Hands a thing over: destroy(thing) when the last task has ended, after informers and controllers,
 * in reverse order. */
void runtime_own(struct runtime *rt, void *thing, void (*destroy)(void *thing));
/* A task that holds a reference to rt while it runs. fn owns arg (it is called even after a crash).
 */
void runtime_spawn(struct runtime *rt, const char *name, host_task_fn *fn, void *arg);
/* Starts the informers, waits until each has its first list (or, when optional, a definite answer
 * that its kind does not exist), starts the controllers' workers, and blocks until the component
 * crashes or is stopped: then -1 with ERR_CRASHED. */
int runtime_run(struct runtime *rt, struct err *reterr);

/* For informer.c and controller.c: what runtime_run() has to start. */
void runtime_add_informer(struct runtime *rt, struct informer *i);
void runtime_add_controller(struct runtime *rt, struct controller *c);
/* An informer's first answer has come. */
void runtime_informer_answered(struct runtime *rt);

#endif
