/* The socket of a client in a test, which never waits: the loop of its server runs meanwhile. */
#ifndef VMCONFORM_TESTS_CLIENT_SOCKET_H
#define VMCONFORM_TESTS_CLIENT_SOCKET_H

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/strbuf.h"

/* -1: errno says why not. */
static inline int client_socket_open(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    memcpy(address.sun_path, path, strlen(path));
    return connect(fd, (struct sockaddr *)&address, sizeof address) == 0 ? fd : -1;
}

/* Appends what has come. false: nothing more will. */
static inline bool client_socket_read(int fd, struct strbuf *got)
{
    char bytes[65536];
    ssize_t n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);

    if (n > 0)
        strbuf_add(got, bytes, (size_t)n);
    return n > 0 || (n < 0 && errno == EAGAIN);
}

/* Whatever cannot be sent at once waits for turn(); what cannot be sent at all is lost: the server
 * has closed. */
static inline void client_socket_send(int fd, const void *bytes, size_t len,
                                      void (*turn)(void *cookie), void *cookie)
{
    const char *p = bytes;

    while (len > 0) {
        ssize_t n = send(fd, p, len, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n < 0 && errno == EAGAIN) {
            turn(cookie);
            continue;
        }
        if (n < 0)
            return;
        p += n;
        len -= (size_t)n;
    }
}

#endif
