/* kubeconfig: where a cluster is, and who we are there. The parts that lead to a connection are
 * read; what would need a program of its own (exec, auth-provider) is refused. */
#ifndef VMCONFORM_RUNNER_REALHOST_KUBECONFIG_H
#define VMCONFORM_RUNNER_REALHOST_KUBECONFIG_H

#include <stdbool.h>

#include "base/cleanup.h"
#include "base/err.h"

struct kubeconfig;
/* NULL: the mistakes are in diags. */
struct kubeconfig *kubeconfig_load(const char *path, struct diags *diags);
void kubeconfig_destroy(struct kubeconfig *k);
DEFINE_CLEANUP(struct kubeconfig, kubeconfig, kubeconfig_destroy);

/* Zero-initialise; access_finish() frees. Files that were written out in the kubeconfig are open
 * descriptors under /proc/self/fd. */
struct access {
    char *server;    /* "https://host:port/prefix", without a last slash */
    char *unix_path; /* the socket that stands for the host of a unix:// server; NULL: none */
    char *ca_file, *cert_file, *key_file; /* NULL: none */
    char *server_name;                    /* whom the certificate must name; NULL: the host */
    char *token, *token_file;             /* NULL: none */
    bool insecure;
    int fds[3]; /* of the files; 0: none */
};
/* context NULL: the current one. */
int kubeconfig_access(const struct kubeconfig *k, const char *context, struct access *ret,
                      struct err *reterr);
void access_finish(struct access *a);

#endif
