// Descriptors and credentials over Unix sockets (unix(7)): CMSG_* are macros of pointers, and struct ucred and accept4
// are glibc's under _GNU_SOURCE only, which this header must not depend on.
#ifndef VOLLEY_HANDOVER_H
#define VOLLEY_HANDOVER_H

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

// The kernel's own limit on the descriptors of one message (SCM_MAX_FD), of which one is the listener.
enum { VOLLEY_DESCRIPTORS_MAX = 253 };

// Sends one packet with `count` descriptors, at most VOLLEY_DESCRIPTORS_MAX; never blocks, never raises SIGPIPE.
static inline ssize_t volley_send_packet(int socket, const void *bytes, size_t length, const int *descriptors,
                                         int count) {
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int) * VOLLEY_DESCRIPTORS_MAX)];
    } control;
    struct iovec vector = {.iov_base = (void *)bytes, .iov_len = length};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
    if (count > VOLLEY_DESCRIPTORS_MAX) {
        errno = EINVAL;
        return -1;
    }
    if (count > 0) {
        memset(&control, 0, sizeof control);
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(sizeof(int) * (size_t)count);
        memcpy(CMSG_DATA(&control.header), descriptors, sizeof(int) * (size_t)count);
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)count);
    }
    return sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

// Receives one packet and the descriptors that came with it, close-on-exec; never blocks. `descriptors` has room for
// VOLLEY_DESCRIPTORS_MAX; `count` and `flags` (MSG_TRUNC, MSG_CTRUNC) are set whenever the result is not negative.
static inline ssize_t volley_receive_packet(int socket, void *bytes, size_t length, int *descriptors, int *count,
                                            int *flags) {
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int) * VOLLEY_DESCRIPTORS_MAX)];
    } control;
    struct iovec vector = {.iov_base = bytes, .iov_len = length};
    struct msghdr message = {
        .msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    *count = 0;
    *flags = 0;
    ssize_t result = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (result < 0) return result;
    *flags = message.msg_flags;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        int room = VOLLEY_DESCRIPTORS_MAX - *count;
        int here = (int)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        memcpy(descriptors + *count, CMSG_DATA(header), sizeof(int) * (size_t)(here < room ? here : room));
        *count += here < room ? here : room;
    }
    return result;
}

// struct ucred: who is at the other end, as of its connect() or listen() (SO_PEERCRED).
typedef struct volley_credentials {
    int32_t process;
    uint32_t user;
    uint32_t group;
} volley_credentials;

static inline int volley_peer_credentials(int socket, volley_credentials *credentials) {
    socklen_t length = sizeof *credentials;
    return getsockopt(socket, SOL_SOCKET, SO_PEERCRED, credentials, &length);
}

// accept4: non-blocking, close-on-exec.
static inline int volley_accept(int socket) {
    return (int)syscall(SYS_accept4, socket, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

// Under _GNU_SOURCE sendto takes a transparent union, which Swift cannot pass.
static inline ssize_t volley_send_to(int socket, const void *bytes, size_t length, const void *name,
                                     uint32_t name_length) {
    return sendto(socket, bytes, length, MSG_NOSIGNAL, (const struct sockaddr *)name, name_length);
}

#endif
