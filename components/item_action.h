/* What a Velero plugin is made of: item actions, called by the Velero server for the items of a
 * backup, a restore or a deletion (datamover.md 2). Whoever runs the plugin calls them; they see
 * the world through the host that their plugin was created with, and may block.
 *
 * Several calls may be on their way at a time. After a crash each unwinds, as everything does that
 * stands on host.h. */
#ifndef VMCONFORM_COMPONENTS_ITEM_ACTION_H
#define VMCONFORM_COMPONENTS_ITEM_ACTION_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "components/host.h"

enum item_action_kind { ITEM_BACKUP, ITEM_RESTORE, ITEM_DELETE };

/* All borrowed for the call. */
struct item_action_input {
    const json_t *item;             /* as the actions before have left it */
    const json_t *item_from_backup; /* restores: as it was stored; else NULL */
    const json_t *owner;            /* the Backup; of a restore the Restore */
};
/* All new, and the caller's; zero at the beginning. */
struct item_action_output {
    json_t *item;       /* NULL: unchanged */
    json_t *additional; /* backups: array of {resource: "datauploads.velero.io", namespace, name} */
    char *operation;    /* NULL: nothing goes on */
    bool skip;          /* restores: the item is not restored */
    json_t *warnings;   /* array of texts for the log, which Velero counts; NULL: none */
};
void item_action_output_finish(struct item_action_output *o);
/* One more warning. */
void item_action_warn(struct item_action_output *o, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

struct item_progress {
    bool completed;
    char *error; /* new; NULL: none. With completed false it is told, and asked again */
};

struct item_action {
    const char *name; /* as it is registered: actions of a kind are called in this order */
    enum item_action_kind kind;
    const char *resources; /* "virtualmachines.kubevirt.io", comma-separated; "pods" for the core */
    /* plugin: what create() returned. -1: an error of this item. */
    int (*execute)(void *plugin, const struct item_action_input *in, struct item_action_output *out,
                   struct err *reterr);
    /* NULL: it begins no operations. owner as in the input. An error of progress() fails the
     * operation; cancel() is called once, and what it returns is lost. */
    int (*progress)(void *plugin, const char *operation, const json_t *owner,
                    struct item_progress *ret, struct err *reterr);
    int (*cancel)(void *plugin, const char *operation, const json_t *owner, struct err *reterr);
};

struct item_plugin {
    const struct item_action *const *actions; /* NULL-terminated */
    /* One instance, for as long as the process lives. h outlives it. Must not block. NULL: the
     * settings are wrong. */
    void *(*create)(struct host *h, const json_t *config, struct err *reterr);
    void (*destroy)(void *plugin);
};

#endif
