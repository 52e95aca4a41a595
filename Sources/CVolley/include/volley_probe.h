// Does this kernel keep what UDP_SEGMENT and UDP_GRO promise? Asked by sending a train of datagrams over loopback.
#ifndef VOLLEY_PROBE_H
#define VOLLEY_PROBE_H

#include "volley_control.h"
#include <arpa/inet.h>
#include <sys/time.h>

// Binds a UDP socket to loopback and connects it to itself; with gro, it receives trains whole. 0, or -1 with errno.
static inline int volley_probe_open(int descriptor, int gro) {
    struct sockaddr_in self = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof self;
    struct timeval patience = {.tv_usec = 100000};
    if (bind(descriptor, (const struct sockaddr *)&self, sizeof self) != 0 ||
        getsockname(descriptor, (struct sockaddr *)&self, &length) != 0 ||
        connect(descriptor, (const struct sockaddr *)&self, sizeof self) != 0 ||
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0)
        return -1;
    return gro ? setsockopt(descriptor, IPPROTO_UDP, VOLLEY_UDP_GRO, &gro, sizeof gro) : 0;
}

// Reads what is there as datagrams of `segment` bytes until `bytes` have come; 0 as soon as one has another length.
static inline int volley_probe_receive(int descriptor, size_t bytes, uint16_t segment, int gro) {
    char payload[4096], control[VOLLEY_GRO_SPACE];
    for (size_t received = 0; received < bytes;) {
        struct iovec vector = {payload, sizeof payload};
        struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
        ssize_t count = recvmsg(descriptor, &message, 0);
        if (count <= 0 || message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) return 0;
        volley_metadata metadata = {0};
        volley_read_control(&message, &metadata);
        size_t left = bytes - received;
        size_t expected = gro ? bytes : left < segment ? left : segment;
        if ((size_t)count != expected || metadata.segment_size != (gro ? segment : 0)) return 0;
        received += (size_t)count;
    }
    return 1;
}

// 1 when a train of `segments` datagrams, the last of half the length, sent to itself arrives with its boundaries.
static inline int volley_probe_train(int descriptor, int segments, uint16_t segment, int gro) {
    char payload[4096] = {0};
    char control[CMSG_SPACE(sizeof segment)] = {0};
    size_t bytes = (size_t)segments * segment - segment / 2u;
    if (bytes > sizeof payload) return 0;
    struct iovec vector = {payload, bytes};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control};
    message.msg_controllen = volley_write_segment_size(control, segment);
    if (sendmsg(descriptor, &message, MSG_NOSIGNAL) != (ssize_t)bytes) return 0;
    return volley_probe_receive(descriptor, bytes, segment, gro);
}

#endif
