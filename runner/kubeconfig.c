#include "runner/kubeconfig.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/fdio.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "base/yaml.h"

char *kubeconfig_base64(const char *text)
{
    AUTO(strbuf) struct strbuf out = {0};

    base64_add(&out, text, strlen(text));
    return strbuf_take(&out);
}

static void append(json_t **list, json_t *item_take)
{
    if (!*list)
        *list = json_array();
    json_array_append_new(*list, item_take);
}

void kubeconfig_add_cluster(struct kubeconfig *k, const char *name, const char *url,
                            const char *ca_pem)
{
    AUTO(str) char *ca = ca_pem ? kubeconfig_base64(ca_pem) : NULL;
    json_t *entry = json_pack("{s:s}", "server", url);

    if (ca)
        json_object_set_new(entry, "certificate-authority-data", json_string(ca));
    append(&k->clusters, json_pack("{s:s, s:o}", "name", name, "cluster", entry));
}

void kubeconfig_add_user(struct kubeconfig *k, const char *name, const char *cluster,
                         json_t *credentials_take)
{
    AUTO(str) char *context = mem_printf("%s@%s", name, cluster);

    append(&k->users, json_pack("{s:s, s:o}", "name", context, "user", credentials_take));
    append(&k->contexts, json_pack("{s:s, s:{s:s, s:s}}", "name", context, "context", "cluster",
                                   cluster, "user", context));
}

/* Written under another name first: a client sees the old file or the new one. */
static int save_private(const char *path, const struct strbuf *text, struct err *reterr)
{
    AUTO(str) char *temporary = mem_printf("%s.XXXXXX", path);
    AUTO(fd) int fd = mkstemp(temporary); /* mode 0600 */

    if (fd < 0)
        return err_set_errno(reterr, errno, NO_POS, "cannot write '%s'", path);
    if (fdio_write(fd, text->data, text->len) == 0 && rename(temporary, path) == 0)
        return 0;
    err_set_errno(reterr, errno, NO_POS, "cannot write '%s'", path);
    unlink(temporary);
    return -1;
}

int kubeconfig_save(const struct kubeconfig *k, const char *current, const char *path,
                    struct err *reterr)
{
    AUTO(strbuf) struct strbuf text = {0};
    AUTO(json)
    json_t *file = json_pack("{s:s, s:s, s:O, s:O, s:O, s:s}", "apiVersion", "v1", "kind", "Config",
                             "clusters", k->clusters, "contexts", k->contexts, "users", k->users,
                             "current-context", current);

    yaml_write(&text, file, 0);
    return save_private(path, &text, reterr);
}

void kubeconfig_finish(struct kubeconfig *k)
{
    json_decref(k->clusters);
    json_decref(k->users);
    json_decref(k->contexts);
}
