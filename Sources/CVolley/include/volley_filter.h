// Classic BPF on sockets: Glibc's module does not export linux/filter.h, and musl and older C libraries lack the options.
#ifndef VOLLEY_FILTER_H
#define VOLLEY_FILTER_H

#include <fcntl.h>
#include <linux/filter.h>
#include <poll.h>
#include <sys/socket.h>

// Installs the program that says which socket of the group gets a datagram (socket(7), SO_ATTACH_REUSEPORT_CBPF).
static inline int volley_attach_steering(int descriptor, struct sock_filter *filter, uint16_t count) {
    struct sock_fprog program = {.len = count, .filter = filter};
    return setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program);
}

// Has the kernel drop everything that arrives for the socket from now on.
static inline int volley_refuse_datagrams(int descriptor) {
    struct sock_filter drop = {.code = BPF_RET | BPF_K, .k = 0};
    struct sock_fprog program = {.len = 1, .filter = &drop};
    return setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

static inline int volley_accept_datagrams(int descriptor) {
    int none = 0;
    return setsockopt(descriptor, SOL_SOCKET, SO_DETACH_FILTER, &none, sizeof none);
}

// fcntl(2) is variadic.
static inline int volley_duplicate(int descriptor) { return fcntl(descriptor, F_DUPFD_CLOEXEC, 0); }

// Whether a receive would find something right now.
static inline int volley_is_readable(int descriptor) {
    struct pollfd entry = {.fd = descriptor, .events = POLLIN};
    return poll(&entry, 1, 0) > 0 && entry.revents & POLLIN;
}

#endif
