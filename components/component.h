/* What a component is to whoever starts it: a name, an identity, a main function. Adding one: a
 * folder whose library is the folder's name, a constant of this type there, its line in
 * components.list. */
#ifndef VMCONFORM_COMPONENTS_COMPONENT_H
#define VMCONFORM_COMPONENTS_COMPONENT_H

#include <jansson.h>
#include <stddef.h>

#include "base/err.h"
#include "components/host.h"
#include "components/item_action.h"

enum component_kind {
    COMPONENT_CONTROLLER, /* a Deployment: runs until stopped */
    COMPONENT_POD,        /* a program of a pod: runs once, its return is the exit status */
    COMPONENT_PLUGIN      /* item actions that the Velero server calls; it has no run() */
};

/* A setting that a variable of the environment gives too, for who runs it as a process of its own:
 * the config wins, and an empty variable counts as none. The setting gets the text. */
struct component_variable {
    const char *name, *setting; /* NULL: the end */
};

struct component {
    const char *name; /* "osac-operator", "kubevirt-datamover-controller", "datamover-downloader" */
    enum component_kind kind;
    const char *user;    /* identity for API requests: "system:serviceaccount:NS:NAME" */
    const char *image;   /* COMPONENT_POD: pods whose container image (without tag) and first args
                            match run it; else NULL */
    const char *pod_arg; /* COMPONENT_POD: the argument after /manager that selects it ("download");
                            else NULL */
    /* What its config may hold, for those who write one; NULL-terminated, NULL: nothing. */
    const char *const *settings;
    const struct component_variable *variables; /* NULL: none */
    /* config: the component's settings (borrowed): flags of a controller; {args, env} of a pod.
     * Settings it does not know are an error. Controllers block until they crash or are stopped; 0
     * is a clean end. -1: *reterr tells why (a pod then ends with exit 1). */
    int (*run)(struct host *h, const json_t *config, struct err *reterr);
    const struct item_plugin *plugin; /* COMPONENT_PLUGIN; else NULL */
};

/* NULL-terminated. */
const struct component *const *component_all(void);
const struct component *component_find(const char *name);
/* The name that is near, for hints; NULL: none. */
const char *component_nearest(const char *name);

#endif
