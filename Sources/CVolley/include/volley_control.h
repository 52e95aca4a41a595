// Control messages (cmsg(3)): the CMSG_* macros are functions of pointers into the message, which Swift cannot import.
#ifndef VOLLEY_CONTROL_H
#define VOLLEY_CONTROL_H

#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

// Of linux/udp.h and asm-generic/socket.h, which clash with glibc's headers or hide these behind feature macros.
enum {
    VOLLEY_UDP_SEGMENT = 103,
    VOLLEY_UDP_GRO = 104,
    VOLLEY_SO_TIMESTAMPNS = 35,
    VOLLEY_SO_RXQ_OVFL = 40,
    VOLLEY_SO_TXTIME = 61,
};

// struct in6_pktinfo (RFC 3542), which glibc declares under _GNU_SOURCE only. Defining that here would make this header
// differ from what a program that imports Foundation as well has already seen.
struct volley_in6_pktinfo {
    struct in6_addr ipi6_addr;
    unsigned int ipi6_ifindex;
};

// What the control messages of one received message say; what was not there keeps the value of "unknown".
typedef struct volley_metadata {
    uint32_t segment_size;  // UDP_GRO: of a train of datagrams, the length of all but the last; 0: a single one
    uint32_t family;        // of the local address: AF_INET, AF_INET6, or 0
    uint32_t interface_index;
    uint8_t address[16];
    int16_t traffic_class;  // -1: unknown
    int16_t hop_limit;      // -1: unknown
    int64_t timestamp_ns;   // INT64_MIN: unknown
    uint32_t drops;         // SO_RXQ_OVFL: dropped so far, modulo 2^32; the kernel says nothing before the first drop
} volley_metadata;

// Bytes of control area for one received message.
enum {
    VOLLEY_GRO_SPACE = CMSG_SPACE(sizeof(int)),
    VOLLEY_PKTINFO_SPACE = CMSG_SPACE(sizeof(struct volley_in6_pktinfo)),
    VOLLEY_TIMESTAMP_SPACE = CMSG_SPACE(sizeof(struct timespec)),
    VOLLEY_INT_SPACE = CMSG_SPACE(sizeof(int)),
    VOLLEY_SEND_CONTROL_SIZE =
        CMSG_SPACE(sizeof(uint16_t)) + VOLLEY_PKTINFO_SPACE + CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(uint64_t)),
};

static inline int volley_read_int(const struct cmsghdr *header) {
    int value;
    memcpy(&value, CMSG_DATA(header), sizeof value);
    return value;
}

static inline void volley_read_ip_control(const struct cmsghdr *header, volley_metadata *result) {
    if (header->cmsg_type == IP_PKTINFO) {
        const struct in_pktinfo *info = (const struct in_pktinfo *)CMSG_DATA(header);
        result->family = AF_INET;
        result->interface_index = (uint32_t)info->ipi_ifindex;
        memcpy(result->address, &info->ipi_spec_dst, 4);
    } else if (header->cmsg_type == IP_TOS) {
        result->traffic_class = *CMSG_DATA(header);
    } else if (header->cmsg_type == IP_TTL) {
        result->hop_limit = (int16_t)volley_read_int(header);
    }
}

static inline void volley_read_ipv6_control(const struct cmsghdr *header, volley_metadata *result) {
    if (header->cmsg_type == IPV6_PKTINFO) {
        const struct volley_in6_pktinfo *info = (const struct volley_in6_pktinfo *)CMSG_DATA(header);
        result->family = AF_INET6;
        result->interface_index = info->ipi6_ifindex;
        memcpy(result->address, &info->ipi6_addr, 16);
    } else if (header->cmsg_type == IPV6_TCLASS) {
        result->traffic_class = (int16_t)volley_read_int(header);
    } else if (header->cmsg_type == IPV6_HOPLIMIT) {
        result->hop_limit = (int16_t)volley_read_int(header);
    }
}

static inline void volley_read_socket_control(const struct cmsghdr *header, volley_metadata *result) {
    if (header->cmsg_type == VOLLEY_SO_TIMESTAMPNS) {
        const struct timespec *time = (const struct timespec *)CMSG_DATA(header);
        result->timestamp_ns = (int64_t)time->tv_sec * 1000000000 + time->tv_nsec;
    } else if (header->cmsg_type == VOLLEY_SO_RXQ_OVFL) {
        memcpy(&result->drops, CMSG_DATA(header), sizeof result->drops);
    }
}

// Reads all control messages of a received message in one pass.
//
// The kernel wrote them, each aligned and whole, so that what CMSG_NXTHDR would check for every one is known; it is also
// a call into glibc.
static inline void volley_read_control(const struct msghdr *message, volley_metadata *result) {
    result->segment_size = 0;
    result->family = 0;
    result->traffic_class = result->hop_limit = -1;
    result->timestamp_ns = INT64_MIN;
    const char *next = message->msg_control;
    const char *end = next + message->msg_controllen;
    while (next + sizeof(struct cmsghdr) <= end) {
        const struct cmsghdr *header = (const struct cmsghdr *)next;
        if (header->cmsg_len < sizeof *header) break;
        if (header->cmsg_level == IPPROTO_UDP && header->cmsg_type == VOLLEY_UDP_GRO) {
            int size = volley_read_int(header);
            result->segment_size = size > 0 ? (uint32_t)size : 0;
        } else if (header->cmsg_level == IPPROTO_IP) {
            volley_read_ip_control(header, result);
        } else if (header->cmsg_level == IPPROTO_IPV6) {
            volley_read_ipv6_control(header, result);
        } else if (header->cmsg_level == SOL_SOCKET) {
            volley_read_socket_control(header, result);
        }
        next += CMSG_ALIGN(header->cmsg_len);
    }
}

// Writes one control message at `control` and returns the bytes it takes.
static inline size_t volley_write_cmsg(void *control, int level, int type, const void *data, size_t size) {
    struct cmsghdr *header = control;
    header->cmsg_level = level;
    header->cmsg_type = type;
    header->cmsg_len = CMSG_LEN(size);
    memcpy(CMSG_DATA(header), data, size);
    return CMSG_SPACE(size);
}

// UDP_SEGMENT: the message is a train of datagrams, all but the last of this length.
static inline size_t volley_write_segment_size(void *control, uint16_t size) {
    return volley_write_cmsg(control, IPPROTO_UDP, VOLLEY_UDP_SEGMENT, &size, sizeof size);
}

// IP_PKTINFO, IPV6_PKTINFO: the message leaves from this address; the interface is 0 unless the address needs one.
static inline size_t volley_write_source(
    void *control, int is_ipv6, const uint8_t address[16], uint32_t interface_index) {
    if (is_ipv6) {
        struct volley_in6_pktinfo data = {.ipi6_ifindex = interface_index};
        memcpy(&data.ipi6_addr, address, 16);
        return volley_write_cmsg(control, IPPROTO_IPV6, IPV6_PKTINFO, &data, sizeof data);
    }
    struct in_pktinfo data = {.ipi_ifindex = (int)interface_index};
    memcpy(&data.ipi_spec_dst, address, 4);
    return volley_write_cmsg(control, IPPROTO_IP, IP_PKTINFO, &data, sizeof data);
}

// IP_TOS, IPV6_TCLASS.
static inline size_t volley_write_traffic_class(void *control, int is_ipv6, int value) {
    return volley_write_cmsg(
        control, is_ipv6 ? IPPROTO_IPV6 : IPPROTO_IP, is_ipv6 ? IPV6_TCLASS : IP_TOS, &value, sizeof value);
}

// SCM_TXTIME, on a socket with SO_TXTIME.
static inline size_t volley_write_transmit_time(void *control, uint64_t nanoseconds) {
    return volley_write_cmsg(control, SOL_SOCKET, VOLLEY_SO_TXTIME, &nanoseconds, sizeof nanoseconds);
}

// The flags of SO_TXTIME are 0: the clock alone.
static inline int volley_set_transmit_clock(int descriptor, int clock) {
    struct { int32_t clock; uint32_t flags; } value = {clock, 0};
    return setsockopt(descriptor, SOL_SOCKET, VOLLEY_SO_TXTIME, &value, sizeof value);
}

#endif
