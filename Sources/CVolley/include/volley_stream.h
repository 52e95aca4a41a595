// Streams: what Swift cannot call directly, since names take transparent unions under _GNU_SOURCE.
#ifndef VOLLEY_STREAM_H
#define VOLLEY_STREAM_H

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    VOLLEY_TCP_NODELAY = TCP_NODELAY,
    VOLLEY_TCP_KEEPIDLE = TCP_KEEPIDLE,
    VOLLEY_TCP_KEEPINTVL = TCP_KEEPINTVL,
    VOLLEY_TCP_KEEPCNT = TCP_KEEPCNT,
    VOLLEY_TCP_USER_TIMEOUT = 18, // linux/tcp.h; not in older C libraries
};

// The address of an IP socket, as the kernel has it.
typedef struct volley_name {
    uint32_t length;
    uint8_t bytes[28];
} volley_name;

// accept4: non-blocking, close-on-exec; with the name of the peer. A longer name, as of a Unix socket, is cut off.
static inline int volley_accept_stream(int descriptor, volley_name *name) {
    socklen_t length = sizeof name->bytes;
    int result = (int)syscall(SYS_accept4, descriptor, name->bytes, &length, SOCK_CLOEXEC | SOCK_NONBLOCK);
    name->length = length;
    return result;
}

// writev that raises no SIGPIPE.
static inline ssize_t volley_send_vectors(int descriptor, const struct iovec *vectors, size_t count) {
    struct msghdr message = {.msg_iov = (struct iovec *)vectors, .msg_iovlen = count};
    return sendmsg(descriptor, &message, MSG_NOSIGNAL);
}

// Has close send a reset: the peer sees an error, and nothing waits in the kernel (SO_LINGER, tcp(7)).
static inline int volley_reset_on_close(int descriptor) {
    struct linger value = {.l_onoff = 1, .l_linger = 0};
    return setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &value, sizeof value);
}

enum { VOLLEY_NAMES_MAX = 64 };

// getaddrinfo for stream sockets; `host` may be NULL with `is_passive`. Returns its result: 0, or an EAI_ number, with
// errno for EAI_SYSTEM. At most VOLLEY_NAMES_MAX addresses, in the order of RFC 6724.
static inline int volley_resolve(
    const char *host, uint16_t port, int family, int is_passive, volley_name *names, int *count) {
    struct addrinfo hints = {.ai_family = family, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    hints.ai_flags = is_passive ? AI_PASSIVE : 0;
    *count = 0;
    // With neither name nor service there is nothing to look up: service 0 stands for the port, which is set below.
    int result = getaddrinfo(host, "0", &hints, &list);
    if (result != 0) return result;
    for (struct addrinfo *entry = list; entry && *count < VOLLEY_NAMES_MAX; entry = entry->ai_next) {
        volley_name *name = &names[*count];
        if (entry->ai_addrlen > sizeof name->bytes) continue;
        // sin_port and sin6_port lie at the same place.
        struct sockaddr_in start;
        memcpy(&start, entry->ai_addr, sizeof start);
        start.sin_port = htons(port);
        memcpy(name->bytes, entry->ai_addr, entry->ai_addrlen);
        memcpy(name->bytes, &start, 4);
        name->length = entry->ai_addrlen;
        *count += 1;
    }
    freeaddrinfo(list);
    return 0;
}

#endif
