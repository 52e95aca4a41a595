// The ceiling for trains: recvmmsg with UDP_GRO into few slots of 64 KiB, each train split into its datagrams, and a
// reply that leaves as one UDP_SEGMENT train from the slot it arrived in.
#define _GNU_SOURCE
#include "peer.h"

#include <errno.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef SOL_UDP
#define SOL_UDP IPPROTO_UDP
#endif

// Sixteen: few slots stay in the cache, and one train already holds up to 128 datagrams.
enum { BATCH = 16, SLOT_BYTES = 65536, EXIT_OS_ERROR = 71 };

// The kernel tells the segment size as an int and wants it as a uint16_t.
union control {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
};

static struct mmsghdr headers[BATCH], replies[BATCH];
static struct iovec vectors[BATCH], reply_vectors[BATCH];
static struct sockaddr_in peers[BATCH];
static union control controls[BATCH], reply_controls[BATCH];
static char slots[BATCH][SLOT_BYTES];

static void prepare_headers(void) {
    for (int i = 0; i < BATCH; i++) {
        vectors[i] = (struct iovec){.iov_base = slots[i], .iov_len = SLOT_BYTES};
        reply_vectors[i].iov_base = slots[i];
        headers[i].msg_hdr = (struct msghdr){.msg_name = &peers[i], .msg_namelen = sizeof peers[i],
                                             .msg_iov = &vectors[i], .msg_iovlen = 1,
                                             .msg_control = &controls[i], .msg_controllen = sizeof controls[i]};
        replies[i].msg_hdr = (struct msghdr){.msg_name = &peers[i], .msg_namelen = sizeof peers[i],
                                             .msg_iov = &reply_vectors[i], .msg_iovlen = 1};
        reply_controls[i].align = (struct cmsghdr){
            .cmsg_level = SOL_UDP, .cmsg_type = UDP_SEGMENT, .cmsg_len = CMSG_LEN(sizeof(uint16_t))};
    }
}

// The payload of each datagram of this train but the last, which may be shorter; the length itself when it is none.
static unsigned segment_bytes(struct msghdr *header, unsigned length) {
    for (struct cmsghdr *item = CMSG_FIRSTHDR(header); item != NULL; item = CMSG_NXTHDR(header, item)) {
        if (item->cmsg_level != SOL_UDP || item->cmsg_type != UDP_GRO) continue;
        int size;
        memcpy(&size, CMSG_DATA(item), sizeof size);
        if (size > 0) return (unsigned)size;
    }
    return length;
}

// Visits every datagram of one message, as a protocol would get them, and returns how many they were.
static unsigned split(unsigned length, unsigned segment, struct peer_totals *totals) {
    unsigned count = 0, offset = 0;
    do {
        unsigned size = length - offset < segment ? length - offset : segment;
        totals->bytes_received += size;
        offset += size;
        count++;
    } while (offset < length);
    totals->received += count;
    return count;
}

static void prepare_reply(int index, unsigned length, unsigned segment) {
    struct msghdr *header = &replies[index].msg_hdr;
    reply_vectors[index].iov_len = length;
    bool train = segment < length;
    header->msg_control = train ? &reply_controls[index] : NULL;
    header->msg_controllen = train ? CMSG_SPACE(sizeof(uint16_t)) : 0;
    if (train) memcpy(CMSG_DATA(&reply_controls[index].align), &(uint16_t){(uint16_t)segment}, sizeof(uint16_t));
}

static void send_replies(int descriptor, int count, const unsigned *datagrams, struct peer_totals *totals) {
    int next = 0;
    while (next < count) {
        int sent = sendmmsg(descriptor, replies + next, (unsigned)(count - next), 0);
        for (int i = 0; i < sent; i++) totals->sent += datagrams[next + i];
        if (sent > 0) {
            next += sent;
        } else if (errno != EINTR && errno != EAGAIN) {
            totals->send_errors += datagrams[next++];
        }
    }
}

int main(int argc, char **argv) {
    struct peer_options options = peer_parse(argc, argv);
    peer_catch_signals(&options);
    int descriptor = peer_bind(&options);
    if (setsockopt(descriptor, SOL_UDP, UDP_GRO, &(int){1}, sizeof(int)) != 0) {
        perror("UDP_GRO");
        return EXIT_OS_ERROR;
    }
    prepare_headers();
    peer_announce(descriptor);

    struct peer_totals totals = {0};
    while (!peer_stopping) {
        int count = recvmmsg(descriptor, headers, BATCH, MSG_WAITFORONE, NULL);
        if (count <= 0) continue; // a signal or the 100 ms are over
        if (totals.received == 0) peer_first_datagram();
        unsigned datagrams[BATCH];
        for (int i = 0; i < count; i++) {
            struct msghdr *header = &headers[i].msg_hdr;
            unsigned segment = segment_bytes(header, headers[i].msg_len);
            totals.truncated += (header->msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
            datagrams[i] = split(headers[i].msg_len, segment, &totals);
            if (options.echo) prepare_reply(i, headers[i].msg_len, segment);
            header->msg_namelen = sizeof peers[i];
            header->msg_controllen = sizeof controls[i];
            header->msg_flags = 0;
        }
        if (options.echo) send_replies(descriptor, count, datagrams, &totals);
    }
    close(descriptor);
    peer_report(&totals);
    return 0;
}
