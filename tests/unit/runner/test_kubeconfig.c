/* Kubeconfigs: what is read of them, and how their mistakes are told. */
#include "runner/realhost/kubeconfig.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "tests/unit/suite.h"

#define HEAD "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
#define CONTEXT "contexts: [{name: c, context: {cluster: k, user: u}}]\n"
#define CLUSTER "clusters: [{name: k, cluster: {server: 'https://h:1/'}}]\n"
#define USER "users: [{name: u, user: {token: t}}]\n"

#define LONG "0123456789012345678901234567890123456789"

static const struct config_case {
    const char *name, *text, *context;
    const char *want; /* what comes out, or the error behind the file's name */
} rows[] = {
    {"all is well", HEAD CONTEXT CLUSTER USER, NULL, "https://h:1 token=t"},
    {"another context",
     HEAD
     "contexts: [{name: c, context: {cluster: other}}, {name: d, context: {cluster: k}}]\n" CLUSTER,
     "d", "https://h:1"},
    {"JSON",
     "{\"current-context\":\"c\",\"contexts\":[{\"name\":\"c\",\"context\":{\"cluster\":\"k\"}}],"
     "\"clusters\":[{\"name\":\"k\",\"cluster\":{\"server\":\"http://h\"}}]}",
     NULL, "http://h"},
    {"certificates",
     HEAD CONTEXT
     "clusters: [{name: k, cluster: {server: 'https://h', certificate-authority-data: "
     "Y2E=, tls-server-name: nm}}]\n"
     "users: [{name: u, user: {client-certificate-data: Yw==, client-key-data: aw==}}]\n",
     NULL, "https://h name=nm ca=ca cert=c key=k"},
    {"files beside it", HEAD CONTEXT CLUSTER "users: [{name: u, user: {tokenFile: tok}}]\n", NULL,
     "https://h:1 tokenFile=DIR/tok"},
    {"insecure",
     HEAD CONTEXT "clusters: [{name: k, cluster: {server: 'https://h', insecure-skip-tls-verify: "
                  "true}}]\n" USER,
     NULL, "https://h insecure token=t"},

    {"no map", "[]\n", NULL, "1:1: a kubeconfig is a map, found a list"},
    {"no current context", CONTEXT CLUSTER USER, NULL, "1:1: there is no 'current-context'"},
    {"current context is a number", "current-context: 5\n", NULL,
     "1:18: 'current-context' is a text, found a"},
    {"no such context", HEAD, NULL, "3:18: no entry of 'contexts' is called 'c'"},
    {"no such context asked for", HEAD CONTEXT, "x", "no entry of 'contexts' is called 'x'"},
    {"contexts is a map", HEAD "contexts: {}\n", NULL, "4:11: 'contexts' is a list, found a map"},
    {"a context without its map", HEAD "contexts: [{name: c}]\n", NULL,
     "4:12: the entry 'c' of 'contexts' has no map 'context'"},
    {"no cluster", HEAD "contexts: [{name: c, context: {user: u}}]\n", NULL,
     "4:31: the context 'c' has no 'cluster'"},
    {"no such cluster", HEAD CONTEXT, NULL, "4:41: no entry of 'clusters' is called 'k'"},
    {"no such user", HEAD CONTEXT CLUSTER, NULL, "4:50: no entry of 'users' is called 'u'"},
    {"no server", HEAD CONTEXT "clusters: [{name: k, cluster: {}}]\n", NULL,
     "5:31: the cluster has no 'server'"},
    {"a server of another kind",
     HEAD CONTEXT "clusters: [{name: k, cluster: {server: 'ftp://h'}}]\n", NULL,
     "5:40: 'server' begins with https://, http:// or unix://, found 'ftp://h'"},
    {"a socket",
     HEAD CONTEXT "clusters: [{name: k, cluster: {server: 'unix:///nowhere/s/'}}]\n" USER, NULL,
     "http://localhost socket=/nowhere/s token=t"},
    {"a cluster behind a socket that is not there yet",
     HEAD CONTEXT
     "clusters: [{name: k, cluster: {server: 'unix:///nowhere/s/clusters/hub'}}]\n" USER,
     NULL, "http://localhost/clusters/hub socket=/nowhere/s token=t"},
    {"a socket without its whole path",
     HEAD CONTEXT "clusters: [{name: k, cluster: {server: 'unix://s'}}]\n" USER, NULL,
     "5:40: a socket is unix:// and its whole path, as in unix:///run/s, found 'unix://s'"},
    {"a socket with a path that no socket has",
     HEAD CONTEXT "clusters: [{name: k, cluster: {server: 'unix:///" LONG LONG LONG "'}}]\n" USER,
     NULL, "5:40: the path of a socket has at most 107 bytes, found 121"},
    {"no base64",
     HEAD CONTEXT "clusters: [{name: k, cluster: {server: 'https://h', certificate-authority-data: "
                  "'*'}}]\n",
     NULL, "'certificate-authority-data' is no base64"},
    {"a file that is not there",
     HEAD CONTEXT
     "clusters: [{name: k, cluster: {server: 'https://h', certificate-authority: x}}]\n",
     NULL, "of 'certificate-authority' cannot be read"},
    {"secure and not",
     HEAD CONTEXT "clusters: [{name: k, cluster: {server: 'https://h', certificate-authority-data: "
                  "Y2E=, insecure-skip-tls-verify: true}}]\n",
     NULL, "contradict each other"},
    {"a flag that is none",
     HEAD CONTEXT "clusters: [{name: k, cluster: {server: 'https://h', insecure-skip-tls-verify: "
                  "maybe}}]\n",
     NULL, "'insecure-skip-tls-verify' is true or false"},
    {"half a pair", HEAD CONTEXT CLUSTER "users: [{name: u, user: {client-key-data: aw==}}]\n",
     NULL, "'client-certificate' and 'client-key' go together"},
    {"exec", HEAD CONTEXT CLUSTER "users: [{name: u, user: {exec: {command: x}}}]\n", NULL,
     "'exec' is not supported"},
    {"a proxy",
     HEAD CONTEXT "clusters: [{name: k, cluster: {server: 'https://h', proxy-url: 'http://p'}}]\n",
     NULL, "'proxy-url' is not supported"},
};

static void add_file(struct strbuf *out, const char *what, const char *path)
{
    char bytes[64] = "";
    FILE *f = path ? fopen(path, "r") : NULL;

    if (!path)
        return;
    ck_assert_ptr_nonnull(f);
    ck_assert_ptr_nonnull(fgets(bytes, sizeof bytes, f));
    fclose(f);
    strbuf_addf(out, " %s=%s", what, bytes);
}

static char *describe(const struct access *a, const char *dir)
{
    struct strbuf out = {0};
    size_t len = strlen(dir);

    strbuf_addstr(&out, a->server);
    if (a->unix_path)
        strbuf_addf(&out, " socket=%s", a->unix_path);
    if (a->insecure)
        strbuf_addstr(&out, " insecure");
    if (a->server_name)
        strbuf_addf(&out, " name=%s", a->server_name);
    add_file(&out, "ca", a->ca_file);
    add_file(&out, "cert", a->cert_file);
    add_file(&out, "key", a->key_file);
    if (a->token)
        strbuf_addf(&out, " token=%s", a->token);
    if (a->token_file) {
        ck_assert(strncmp(a->token_file, dir, len) == 0);
        strbuf_addf(&out, " tokenFile=DIR%s", a->token_file + len);
    }
    return strbuf_take(&out);
}

/* The result of one file: what comes out, or the first error with its place. New. */
static char *result_of(const char *path, const char *dir, const char *context)
{
    AUTO(diags) struct diags diags = {0};
    AUTO(kubeconfig) struct kubeconfig *k = kubeconfig_load(path, &diags);
    struct access access = {0};
    AUTO(err) struct err e = {0};
    const struct err *bad = &e;
    char *got;

    if (k && kubeconfig_access(k, context, &access, &e) == 0) {
        got = describe(&access, dir);
    } else {
        if (!k)
            bad = &diags.items[0].err;
        ck_assert_str_eq(bad->pos.file, path); /* every mistake has a place */
        got = mem_printf("%u:%u: %s", bad->pos.line, bad->pos.col, bad->msg);
    }
    access_finish(&access);
    return got;
}

START_TEST(read_it)
{
    const struct config_case *row = &rows[_i];
    char dir[] = "/tmp/vmconform-kubeconfig-XXXXXX";
    AUTO(str) char *path = NULL;
    FILE *f;

    ck_assert_ptr_nonnull(mkdtemp(dir));
    path = mem_printf("%s/config", dir);
    f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs(row->text, f);
    fclose(f);
    AUTO(str) char *got = result_of(path, dir, row->context);
    ck_assert_msg(strstr(got, row->want), "%s: got %s", row->name, got);
    unlink(path);
    rmdir(dir);
}
END_TEST

/* A server's path may hold "/clusters/" itself: the socket that is there decides. */
START_TEST(finds_the_socket)
{
    char dir[] = "/tmp/vmconform-kubeconfig-XXXXXX";
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    FILE *f;

    ck_assert_ptr_nonnull(mkdtemp(dir));
    AUTO(str) char *inner = mem_printf("%s/clusters", dir);
    AUTO(str) char *socket_path = mem_printf("%s/s", inner);
    AUTO(str) char *config = mem_printf("%s/config", dir);
    AUTO(str) char *want = mem_printf("http://localhost/clusters/hub socket=%s", socket_path);
    ck_assert_int_eq(mkdir(inner, 0700), 0);
    memcpy(address.sun_path, socket_path, strlen(socket_path) + 1);
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    f = fopen(config, "w");
    ck_assert_ptr_nonnull(f);
    fprintf(f,
            HEAD "contexts: [{name: c, context: {cluster: k}}]\n"
                 "clusters: [{name: k, cluster: {server: 'unix://%s/clusters/hub'}}]\n",
            socket_path);
    fclose(f);
    AUTO(str) char *got = result_of(config, dir, NULL);
    ck_assert_str_eq(got, want);
    close(fd);
    unlink(socket_path);
    unlink(config);
    rmdir(inner);
    rmdir(dir);
}
END_TEST

int main(void)
{
    return SUITE_MAIN("kubeconfig", SUITE_CASE("all", TEST(finds_the_socket), EACH(read_it, rows)));
}
