/* The file that tells clients where a served cluster is and who they are. */
#ifndef VMCONFORM_RUNNER_KUBECONFIG_H
#define VMCONFORM_RUNNER_KUBECONFIG_H

#include <jansson.h>

#include "base/err.h"

/* Zero-initialise. */
struct kubeconfig {
    json_t *clusters, *users, *contexts;
};
/* ca_pem NULL: none. */
void kubeconfig_add_cluster(struct kubeconfig *k, const char *name, const char *url,
                            const char *ca_pem);
/* With the context NAME@CLUSTER, which is what the user's entry is called too. */
void kubeconfig_add_user(struct kubeconfig *k, const char *name, const char *cluster,
                         json_t *credentials_take);
/* As the fields ending in -data have it. New. */
char *kubeconfig_base64(const char *text);
/* With at least one cluster and one user. Atomically, with mode 0600. */
int kubeconfig_save(const struct kubeconfig *k, const char *current, const char *path,
                    struct err *reterr);
void kubeconfig_finish(struct kubeconfig *k);

#endif
