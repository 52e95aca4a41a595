// 64 receive slots with headers prepared once: what the recvmmsg receivers share, inlined into their loops.
// Nothing that a correct program needs is left out: truncation is counted, short sends are completed.
#ifndef BENCH_BATCH_H
#define BENCH_BATCH_H

#include "peer.h"

#include <errno.h>
#include <sys/socket.h>

enum { BATCH = 64, SLOT_BYTES = 2048 };

static struct mmsghdr headers[BATCH];
static struct iovec vectors[BATCH];
static struct sockaddr_in peers[BATCH];
static char slots[BATCH][SLOT_BYTES];

static inline void prepare_headers(void) {
    for (int i = 0; i < BATCH; i++) {
        vectors[i] = (struct iovec){.iov_base = slots[i], .iov_len = SLOT_BYTES};
        headers[i].msg_hdr = (struct msghdr){
            .msg_name = &peers[i], .msg_namelen = sizeof peers[i], .msg_iov = &vectors[i], .msg_iovlen = 1};
    }
}

// Sends the first `count` slots back. A short count says nothing yet: only the retry tells if the head is at fault.
static inline void send_replies(int descriptor, int count, struct peer_totals *totals) {
    int next = 0;
    while (next < count) {
        int sent = sendmmsg(descriptor, headers + next, (unsigned)(count - next), 0);
        if (sent > 0) {
            next += sent;
            totals->sent += (uint64_t)sent;
        } else if (errno != EINTR && errno != EAGAIN) {
            totals->send_errors++;
            next++;
        }
    }
}

// Counts the first `count` slots, replies from them where wanted, and resets the three fields that a receive changes.
static inline void take_batch(int descriptor, int count, bool echo, struct peer_totals *totals) {
    if (totals->received == 0) peer_first_datagram();
    totals->received += (uint64_t)count;
    for (int i = 0; i < count; i++) {
        totals->bytes_received += headers[i].msg_len;
        totals->truncated += (headers[i].msg_hdr.msg_flags & MSG_TRUNC) != 0;
        vectors[i].iov_len = headers[i].msg_len;
    }
    if (echo) send_replies(descriptor, count, totals);
    for (int i = 0; i < count; i++) {
        vectors[i].iov_len = SLOT_BYTES;
        headers[i].msg_hdr.msg_namelen = sizeof peers[i];
        headers[i].msg_hdr.msg_flags = 0;
    }
}

#endif
