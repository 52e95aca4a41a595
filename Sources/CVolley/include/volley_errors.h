// Reading a socket's error queue (ip(7), ipv6(7): IP_RECVERR, IPV6_RECVERR): Swift can neither walk control messages nor
// use SO_EE_OFFENDER.
#ifndef VOLLEY_ERRORS_H
#define VOLLEY_ERRORS_H

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <linux/errqueue.h>

enum {
    VOLLEY_QUOTED_MAX = 512,
    VOLLEY_ORIGIN_LOCAL = SO_EE_ORIGIN_LOCAL,
    VOLLEY_ORIGIN_ICMP = SO_EE_ORIGIN_ICMP,
    VOLLEY_ORIGIN_ICMP6 = SO_EE_ORIGIN_ICMP6,
    VOLLEY_ORIGIN_TXTIME = SO_EE_ORIGIN_TXTIME,
};

// One entry: struct sock_extended_err, the destination of the datagram that failed, and what there is of its payload.
typedef struct volley_error {
    uint32_t number;  // an errno; 0 when the entry is none of an error
    uint32_t info;
    uint8_t origin;
    uint8_t type;
    uint8_t code;
    uint32_t destination_length;
    uint32_t count;
    uint8_t destination[sizeof(struct sockaddr_in6)];
    uint8_t offender[sizeof(struct sockaddr_in6)];  // family AF_UNSPEC when unknown
    uint8_t quoted[VOLLEY_QUOTED_MAX];
} volley_error;

// 0, or -1 with errno set: EAGAIN when the queue is empty.
static inline int volley_receive_error(int descriptor, volley_error *result) {
    // Room for all the metadata a socket may have been asked for; it comes before the error.
    union {
        struct cmsghdr header;
        char bytes[512];
    } control;
    struct iovec vector = {.iov_base = result->quoted, .iov_len = sizeof result->quoted};
    struct msghdr message = {
        .msg_name = result->destination,
        .msg_namelen = sizeof result->destination,
        .msg_iov = &vector,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof control,
    };
    ssize_t count = recvmsg(descriptor, &message, MSG_ERRQUEUE | MSG_DONTWAIT);
    if (count < 0) return -1;
    result->number = 0;
    result->count = (uint32_t)count;
    result->destination_length = message.msg_namelen;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
        int is_error = (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_RECVERR)
            || (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_RECVERR);
        if (!is_error || header->cmsg_len < CMSG_LEN(sizeof(struct sock_extended_err))) continue;
        struct sock_extended_err error;
        memcpy(&error, CMSG_DATA(header), sizeof error);
        result->number = error.ee_errno;
        result->info = error.ee_info;
        result->origin = error.ee_origin;
        result->type = error.ee_type;
        result->code = error.ee_code;
        // SO_EE_OFFENDER: the address that follows.
        size_t rest = header->cmsg_len - CMSG_LEN(sizeof error);
        memset(result->offender, 0, sizeof result->offender);
        memcpy(
            result->offender, CMSG_DATA(header) + sizeof error,
            rest < sizeof result->offender ? rest : sizeof result->offender);
    }
    return 0;
}

#endif
