/* Where a server listens, and how many it lets in. */
#include "net/http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "tests/unit/net/kit.h"
#include "tests/unit/suite.h"

#define REQUEST "GET / HTTP/1.1\r\nHost: h\r\n\r\n"

static void handle(void *cookie, struct http_exchange *x)
{
    (void)cookie;
    http_reply(x, 200, NULL, 0, "here", 4);
}

static struct http_server *listen_on(struct kit *k, const char *address, const char *unix_path,
                                     struct err *e)
{
    struct http_config config = {
        .loop = k->loop, .address = address, .unix_path = unix_path, .handle = handle};

    return http_server_create(&config, e);
}

static const struct {
    const char *address, *want; /* the beginning of what it becomes; NULL: refused */
    const char *message;
} addresses[] = {
    {"127.0.0.1:0", "127.0.0.1:", NULL},
    {"localhost:0", "127.0.0.1:", NULL},
    {"[::1]:0", "[::1]:", NULL},
    {"127.0.0.1", NULL, "HOST:PORT"},
    {"127.0.0.1:", NULL, "HOST:PORT"},
    {":80", NULL, "HOST:PORT"},
    {"::1:80", NULL, "HOST:PORT"},
    {"[]:80", NULL, "HOST:PORT"},
    {"", NULL, "HOST:PORT"},
    {"127.0.0.1:http", NULL, "HOST:PORT"},
    {"127.0.0.1:99999", NULL, "at most 65535"},
    {"127.0.0.1:999999", NULL, "HOST:PORT"},
    {"127.0.0.1:-1", NULL, "HOST:PORT"},
    {"example.com:80", NULL, "IP address or 'localhost'"},
    {"192.0.2.1:0", NULL, "cannot listen on '192.0.2.1:0'"},
};

START_TEST(listening)
{
    AUTO(err) struct err e = {0};
    struct kit k;

    kit_init(&k, (struct http_config){0});
    k.server = listen_on(&k, addresses[_i].address, NULL, &e);
    if (!k.server && addresses[_i].address[0] == '[' && e.code == ERR_IO) {
        /* a machine without IPv6 */
    } else if (addresses[_i].want) {
        const char *got;

        ck_assert_msg(k.server, "%s: %s", addresses[_i].address, e.msg);
        got = http_server_address(k.server);
        ck_assert_msg(strncmp(got, addresses[_i].want, strlen(addresses[_i].want)) == 0 &&
                          !strstr(got, ":0"),
                      "%s became %s", addresses[_i].address, got);
    } else {
        ck_assert_msg(!k.server && strstr(e.msg, addresses[_i].message), "%s: %s",
                      addresses[_i].address, k.server ? "it listens" : e.msg);
    }
    kit_finish(&k);
}
END_TEST

static int connect_tcp(const char *address)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port =
                                htons((uint16_t)strtoul(strchr(address, ':') + 1, NULL, 10)),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    ck_assert_int_eq(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

static bool connected(void *cookie)
{
    return http_server_connections(cookie) == 1;
}

/* A port in use is refused; one that was used a moment ago is not. */
START_TEST(port_in_use)
{
    AUTO(err) struct err e = {0};
    struct kit k;
    AUTO(str) char *address = NULL;
    int fd;

    kit_init(&k, (struct http_config){0});
    k.server = listen_on(&k, "127.0.0.1:0", NULL, &e);
    ck_assert_ptr_nonnull(k.server);
    address = mem_strdup(http_server_address(k.server));
    ck_assert_ptr_null(listen_on(&k, address, NULL, &e));
    ck_assert_ptr_nonnull(strstr(e.msg, "Address already in use"));
    fd = connect_tcp(address);
    kit_run(&k, connected, k.server);
    http_server_destroy(TAKE(k.server)); /* closes first, so the port keeps the connection's end */
    err_clear(&e);
    k.server = listen_on(&k, address, NULL, &e);
    ck_assert_msg(k.server, "%s", e.msg);
    close(fd);
    kit_finish(&k);
}
END_TEST

START_TEST(sockets)
{
    AUTO(err) struct err e = {0};
    struct kit k;
    struct http_server *second;
    struct stat st;
    FILE *f;

    kit_init(&k, (struct http_config){.handle = handle});
    ck_assert_int_eq(stat(k.path, &st), 0);
    ck_assert_int_eq(st.st_mode & 0777, 0600);
    ck_assert_str_eq(http_server_address(k.server), k.path);
    ck_assert_ptr_null(listen_on(&k, NULL, k.path, &e));
    ck_assert_ptr_nonnull(strstr(e.msg, "another server listens"));
    err_clear(&e);

    /* Whoever comes after a server that left its socket behind replaces it, and is not harmed when
     * the old one ends. */
    unlink(k.path);
    second = listen_on(&k, NULL, k.path, &e);
    ck_assert_msg(second, "%s", e.msg);
    http_server_destroy(TAKE(k.server));
    ck_assert_int_eq(access(k.path, F_OK), 0);
    http_server_destroy(second);
    ck_assert_int_ne(access(k.path, F_OK), 0);

    f = fopen(k.path, "w");
    fputs("precious", f);
    fclose(f);
    ck_assert_ptr_null(listen_on(&k, NULL, k.path, &e));
    ck_assert_ptr_nonnull(strstr(e.msg, "is no socket"));
    ck_assert_int_eq(stat(k.path, &st), 0);
    ck_assert_int_eq(st.st_size, 8);
    unlink(k.path);
    kit_finish(&k);
}
END_TEST

START_TEST(stale_socket)
{
    AUTO(err) struct err e = {0};
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    struct kit k;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    kit_init(&k, (struct http_config){0});
    memcpy(a.sun_path, k.path, strlen(k.path));
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    close(fd); /* nobody ever listened */
    k.server = listen_on(&k, NULL, k.path, &e);
    ck_assert_msg(k.server, "%s", e.msg);
    kit_finish(&k);
}
END_TEST

START_TEST(long_path)
{
    AUTO(err) struct err e = {0};
    char path[200];
    struct kit k;

    kit_init(&k, (struct http_config){0});
    memset(path, 'p', sizeof path);
    path[sizeof path - 1] = '\0';
    ck_assert_ptr_null(listen_on(&k, NULL, path, &e));
    ck_assert_ptr_nonnull(strstr(e.msg, "1 to 107 bytes"));
    kit_finish(&k);
}
END_TEST

START_TEST(more_than_the_limit)
{
    struct kit k;
    struct client clients[5];

    kit_init(&k, (struct http_config){.handle = handle, .limits.connections = 3});
    for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
        client_connect(&k, &clients[i]);
        client_send(&clients[i], REQUEST, strlen(REQUEST));
        client_await(&clients[i], i < 3 ? "here" : "too many open connections");
        ck_assert_msg(strstr(strbuf_str(&clients[i].got), i < 3 ? "HTTP/1.1 200" : "HTTP/1.1 503"),
                      "client %zu got %s", i, strbuf_str(&clients[i].got));
    }
    client_await_eof(&clients[4]);
    ck_assert_uint_eq(http_server_connections(k.server), 3);
    /* One goes, so another one may come. */
    client_close(&clients[0]);
    kit_turns(&k, 5);
    client_connect(&k, &clients[0]);
    client_send(&clients[0], REQUEST, strlen(REQUEST));
    client_await(&clients[0], "here");
    ck_assert_ptr_nonnull(strstr(strbuf_str(&clients[0].got), "HTTP/1.1 200"));
    for (size_t i = 0; i < ARRAY_LEN(clients); i++)
        client_close(&clients[i]);
    kit_finish(&k);
}
END_TEST

/* Without descriptors left, clients wait in line; those who are in are served. */
START_TEST(out_of_descriptors)
{
    struct rlimit before, none;
    struct kit k;
    struct client first, late;

    kit_init(&k, (struct http_config){.handle = handle});
    client_connect(&k, &first);
    client_send(&first, REQUEST, strlen(REQUEST));
    client_await(&first, "here");
    client_connect(&k, &late);
    client_send(&late, REQUEST, strlen(REQUEST));
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){3, before.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    kit_turns(&k, 5);
    ck_assert_uint_eq(late.got.len, 0);
    strbuf_reset(&first.got);
    client_send(&first, REQUEST, strlen(REQUEST));
    client_await(&first, "here");
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    client_await(&late, "here");
    client_close(&first);
    client_close(&late);
    kit_finish(&k);
}
END_TEST

static bool is_readable(void *cookie)
{
    char byte;

    return recv(*(int *)cookie, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
}

/* Who comes between one server and the next waits for the next. */
START_TEST(a_socket_outlives_its_server)
{
    AUTO(err) struct err e = {0};
    AUTO(str) char *address = NULL;
    struct kit k;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char got[512] = "";
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), listener;

    kit_init(&k, (struct http_config){.handle = handle});
    listener = http_listener_open("127.0.0.1:0", NULL, &address, &e);
    ck_assert_msg(listener > 0, "%s", e.msg);
    to.sin_port = htons((uint16_t)strtol(strrchr(address, ':') + 1, NULL, 10));
    struct http_config config = {.loop = k.loop, .listener = listener, .handle = handle};
    {
        AUTO(http_server) struct http_server *first = http_server_create(&config, &e);
        ck_assert_msg(first != NULL, "%s", e.msg);
        ck_assert_str_eq(http_server_address(first), address);
    }
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    ck_assert_int_eq(send(fd, REQUEST, strlen(REQUEST), 0), (int)strlen(REQUEST));
    AUTO(http_server) struct http_server *second = http_server_create(&config, &e);
    ck_assert_msg(second != NULL, "%s", e.msg);
    kit_run(&k, is_readable, &fd);
    ck_assert_int_gt(recv(fd, got, sizeof got - 1, 0), 0);
    ck_assert_msg(strstr(got, " 200 ") && strstr(got, "here"), "%s", got);
    close(fd);
    close(listener);
    http_server_destroy(TAKE(second));
    kit_finish(&k);
}
END_TEST

int main(void)
{
    return SUITE_MAIN("net.listen",
                      SUITE_CASE("listen", EACH(listening, addresses),
                                 TEST(a_socket_outlives_its_server), TEST(port_in_use),
                                 TEST(sockets), TEST(stale_socket), TEST(long_path),
                                 TEST(more_than_the_limit), TEST(out_of_descriptors)));
}
