/* See kubeconfig.h. */
#include "runner/realhost/kubeconfig.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "base/yaml.h"

struct kubeconfig {
    struct yaml_doc *doc;
    char *dir; /* of the file: relative paths start there */
};

void kubeconfig_destroy(struct kubeconfig *k)
{
    if (!k)
        return;
    yaml_destroy(k->doc);
    free(k->dir);
    free(k);
}

struct kubeconfig *kubeconfig_load(const char *path, struct diags *diags)
{
    AUTO(kubeconfig) struct kubeconfig *k = mem_zalloc(sizeof *k);
    const char *slash = strrchr(path, '/');
    const struct yaml_node *root;

    k->dir = slash ? mem_strndup(path, (size_t)(slash - path) + (slash == path)) : mem_strdup(".");
    k->doc = yaml_parse_file(path, diags, NULL, NULL);
    if (!k->doc)
        return NULL;
    root = yaml_node(k->doc, 0);
    if (root->type == YAML_MAP)
        return TAKE(k);
    diags_add(diags, DIAG_ERROR, root->pos, "a kubeconfig is a map, found a %s",
              yaml_type_name(root->type));
    return NULL;
}

/* ---- a walk with errors ---- */

/* A text below a map. 0 with *ret NULL when it is absent or null. */
static int text_of(const struct kubeconfig *k, const struct yaml_node *map, const char *key,
                   const char **ret, struct err *reterr)
{
    const struct yaml_node *n = yaml_get(k->doc, map, key);

    *ret = NULL;
    if (!n || n->type == YAML_NULL)
        return 0;
    if (n->type != YAML_STRING)
        return err_set(reterr, ERR_INVALID, n->pos, "'%s' is a text, found a %s", key,
                       yaml_type_name(n->type));
    *ret = *n->text ? n->text : NULL;
    return 0;
}

static int flag_of(const struct kubeconfig *k, const struct yaml_node *map, const char *key,
                   bool *ret, struct err *reterr)
{
    const struct yaml_node *n = yaml_get(k->doc, map, key);

    if (!n || n->type == YAML_NULL)
        return 0;
    if (n->type != YAML_BOOL)
        return err_set(reterr, ERR_INVALID, n->pos, "'%s' is true or false, found a %s", key,
                       yaml_type_name(n->type));
    *ret = n->value.boolean;
    return 0;
}

/* The map `inner` of the entry of that name in the list `list`. */
static const struct yaml_node *entry(const struct kubeconfig *k, const char *list,
                                     const char *inner, const char *name, struct src_pos asked,
                                     struct err *reterr)
{
    const struct yaml_node *all = yaml_get(k->doc, yaml_node(k->doc, 0), list), *n, *map;

    if (all && all->type != YAML_SEQ && all->type != YAML_NULL) {
        err_set(reterr, ERR_INVALID, all->pos, "'%s' is a list, found a %s", list,
                yaml_type_name(all->type));
        return NULL;
    }
    for (n = all ? yaml_first(k->doc, all) : NULL; n; n = yaml_next(k->doc, n)) {
        const struct yaml_node *own = n->type == YAML_MAP ? yaml_get(k->doc, n, "name") : NULL;

        if (!own || strcmp(own->text ? own->text : "", name) != 0)
            continue;
        map = yaml_get(k->doc, n, inner);
        if (map && map->type == YAML_MAP)
            return map;
        err_set(reterr, ERR_INVALID, n->pos, "the entry '%s' of '%s' has no map '%s'", name, list,
                inner);
        return NULL;
    }
    err_set(reterr, ERR_NOT_FOUND, asked.file ? asked : yaml_node(k->doc, 0)->pos,
            "no entry of '%s' is called '%s'", list, name);
    return NULL;
}

/* ---- files and what stands for them ---- */

static char *path_from(const struct kubeconfig *k, const char *path)
{
    return *path == '/' ? mem_strdup(path) : mem_printf("%s/%s", k->dir, path);
}

static int file_of_data(const struct yaml_node *n, int *ret_fd, char **ret_path, struct err *reterr)
{
    AUTO(strbuf) struct strbuf bytes = {0};
    size_t bad;
    int fd;

    if (base64_read(&bytes, n->text, strlen(n->text), &bad) < 0)
        return err_set(reterr, ERR_INVALID, n->pos, "'%s' is no base64", n->key);
    fd = memfd_create(n->key, MFD_CLOEXEC);
    if (fd < 0 || write(fd, strbuf_str(&bytes), bytes.len) != (ssize_t)bytes.len) {
        if (fd >= 0)
            close(fd);
        return err_set(reterr, ERR_IO, n->pos, "'%s' cannot be kept", n->key);
    }
    *ret_fd = fd;
    *ret_path = mem_printf("/proc/self/fd/%d", fd);
    return 0;
}

/* KEY-data wins over KEY, as everywhere. */
static int file_of(const struct kubeconfig *k, const struct yaml_node *map, const char *key,
                   int *ret_fd, char **ret_path, struct err *reterr)
{
    AUTO(str) char *data_key = mem_printf("%s-data", key);
    const char *data, *path;

    if (text_of(k, map, data_key, &data, reterr) < 0 || text_of(k, map, key, &path, reterr) < 0)
        return -1;
    if (data)
        return file_of_data(yaml_get(k->doc, map, data_key), ret_fd, ret_path, reterr);
    if (!path)
        return 0;
    *ret_path = path_from(k, path);
    if (access(*ret_path, R_OK) == 0)
        return 0;
    return err_set(reterr, ERR_NOT_FOUND, yaml_get(k->doc, map, key)->pos,
                   "the file '%s' of '%s' cannot be read", *ret_path, key);
}

/* ---- clusters and users ---- */

static int refuse(const struct kubeconfig *k, const struct yaml_node *map, const char *key,
                  struct err *reterr)
{
    const struct yaml_node *n = yaml_get(k->doc, map, key);

    return n && n->type != YAML_NULL
               ? err_set(reterr, ERR_UNSUPPORTED, n->pos, "'%s' is not supported", key)
               : 0;
}

static bool is_socket(const char *path, size_t len)
{
    AUTO(str) char *text = mem_strndup(path, len);
    struct stat st;

    return stat(text, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* Where the socket's path ends and that of the API begins: what is a socket decides, and while
 * there is none, how the clusters of one server are told apart. */
static size_t socket_length(const char *path)
{
    const char *clusters = strstr(path, "/clusters/");

    for (size_t len = strlen(path); len > 0; len--)
        if ((!path[len] || path[len] == '/') && is_socket(path, len))
            return len;
    return clusters ? (size_t)(clusters - path) : strlen(path);
}

/* unix:///run/s/prefix */
static int read_socket(const struct yaml_node *n, const char *server, struct access *ret,
                       struct err *reterr)
{
    struct sockaddr_un address;
    const char *path = server + strlen("unix://");
    size_t len = socket_length(path);

    if (*path != '/')
        return err_set(reterr, ERR_INVALID, n->pos,
                       "a socket is unix:// and its whole path, as in unix:///run/s, found '%s'",
                       n->text);
    if (len >= sizeof address.sun_path)
        return err_set(reterr, ERR_INVALID, n->pos,
                       "the path of a socket has at most %zu bytes, found %zu",
                       sizeof address.sun_path - 1, len);
    ret->unix_path = mem_strndup(path, len);
    ret->server = mem_printf("http://localhost%s", path + len);
    return 0;
}

static int read_server(const struct yaml_node *n, struct access *ret, struct err *reterr)
{
    size_t len = strlen(n->text);
    AUTO(str) char *server = NULL;

    while (len && n->text[len - 1] == '/')
        len--;
    server = mem_strndup(n->text, len);
    if (strncmp(server, "unix://", 7) == 0)
        return read_socket(n, server, ret, reterr);
    if (strncmp(n->text, "https://", 8) != 0 && strncmp(n->text, "http://", 7) != 0)
        return err_set(reterr, ERR_INVALID, n->pos,
                       "'server' begins with https://, http:// or unix://, found '%s'", n->text);
    ret->server = TAKE(server);
    return 0;
}

static int read_cluster(const struct kubeconfig *k, const struct yaml_node *map, struct access *ret,
                        struct err *reterr)
{
    const char *server, *name;

    if (refuse(k, map, "proxy-url", reterr) < 0 || text_of(k, map, "server", &server, reterr) < 0 ||
        text_of(k, map, "tls-server-name", &name, reterr) < 0 ||
        flag_of(k, map, "insecure-skip-tls-verify", &ret->insecure, reterr) < 0 ||
        file_of(k, map, "certificate-authority", &ret->fds[0], &ret->ca_file, reterr) < 0)
        return -1;
    if (!server)
        return err_set(reterr, ERR_INVALID, map->pos, "the cluster has no 'server'");
    if (read_server(yaml_get(k->doc, map, "server"), ret, reterr) < 0)
        return -1;
    if (ret->insecure && ret->ca_file)
        return err_set(reterr, ERR_INVALID, map->pos,
                       "'certificate-authority' and 'insecure-skip-tls-verify' contradict each "
                       "other");
    ret->server_name = name && !ret->unix_path ? mem_strdup(name) : NULL;
    return 0;
}

static int read_user(const struct kubeconfig *k, const struct yaml_node *map, struct access *ret,
                     struct err *reterr)
{
    static const char *const refused[] = {"exec", "auth-provider", "username", "password", "as"};
    const char *token, *token_file;

    for (size_t i = 0; i < ARRAY_LEN(refused); i++)
        if (refuse(k, map, refused[i], reterr) < 0)
            return -1;
    if (text_of(k, map, "token", &token, reterr) < 0 ||
        text_of(k, map, "tokenFile", &token_file, reterr) < 0 ||
        file_of(k, map, "client-certificate", &ret->fds[1], &ret->cert_file, reterr) < 0 ||
        file_of(k, map, "client-key", &ret->fds[2], &ret->key_file, reterr) < 0)
        return -1;
    if (!ret->cert_file != !ret->key_file)
        return err_set(reterr, ERR_INVALID, map->pos,
                       "'client-certificate' and 'client-key' go together");
    ret->token = token ? mem_strdup(token) : NULL;
    ret->token_file = token_file ? path_from(k, token_file) : NULL;
    return 0;
}

static int read_context(const struct kubeconfig *k, const char *name, struct src_pos asked,
                        struct access *ret, struct err *reterr)
{
    const struct yaml_node *context = entry(k, "contexts", "context", name, asked, reterr), *map;
    const char *cluster, *user;

    if (!context || text_of(k, context, "cluster", &cluster, reterr) < 0 ||
        text_of(k, context, "user", &user, reterr) < 0)
        return -1;
    if (!cluster)
        return err_set(reterr, ERR_INVALID, context->pos, "the context '%s' has no 'cluster'",
                       name);
    map =
        entry(k, "clusters", "cluster", cluster, yaml_get(k->doc, context, "cluster")->pos, reterr);
    if (!map || read_cluster(k, map, ret, reterr) < 0)
        return -1;
    if (!user)
        return 0;
    map = entry(k, "users", "user", user, yaml_get(k->doc, context, "user")->pos, reterr);
    return map ? read_user(k, map, ret, reterr) : -1;
}

int kubeconfig_access(const struct kubeconfig *k, const char *context, struct access *ret,
                      struct err *reterr)
{
    const struct yaml_node *root = yaml_node(k->doc, 0);
    struct src_pos asked = NO_POS;

    if (!context) {
        if (text_of(k, root, "current-context", &context, reterr) < 0)
            return -1;
        if (!context) {
            err_set(reterr, ERR_INVALID, root->pos, "there is no 'current-context'");
            return err_hint(reterr, "--context NAME names one");
        }
        asked = yaml_get(k->doc, root, "current-context")->pos;
    }
    return read_context(k, context, asked, ret, reterr);
}

void access_finish(struct access *a)
{
    for (size_t i = 0; i < ARRAY_LEN(a->fds); i++)
        if (a->fds[i] > 0)
            close(a->fds[i]);
    free(a->server);
    free(a->unix_path);
    free(a->ca_file);
    free(a->cert_file);
    free(a->key_file);
    free(a->server_name);
    free(a->token);
    free(a->token_file);
    *a = (struct access){0};
}
