// The ceiling: recvmmsg and sendmmsg with 64 slots, headers prepared once, and the received slot itself sent back.
// Nothing that a correct program needs is left out: truncation is counted, short sends are completed.
#define _GNU_SOURCE
#include "peer.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BATCH = 64, SLOT_BYTES = 2048 };

static struct mmsghdr headers[BATCH];
static struct iovec vectors[BATCH];
static struct sockaddr_in peers[BATCH];
static char slots[BATCH][SLOT_BYTES];

static void prepare_headers(void) {
    for (int i = 0; i < BATCH; i++) {
        vectors[i] = (struct iovec){.iov_base = slots[i], .iov_len = SLOT_BYTES};
        headers[i].msg_hdr = (struct msghdr){
            .msg_name = &peers[i], .msg_namelen = sizeof peers[i], .msg_iov = &vectors[i], .msg_iovlen = 1};
    }
}

// Sends the first `count` slots back. A short count says nothing yet: only the retry tells if the head is at fault.
static void send_replies(int descriptor, int count, struct peer_totals *totals) {
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

int main(int argc, char **argv) {
    struct peer_options options = peer_parse(argc, argv);
    peer_catch_signals(&options);
    int descriptor = peer_bind(&options);
    prepare_headers();
    peer_announce(descriptor);

    struct peer_totals totals = {0};
    while (!peer_stopping) {
        int count = recvmmsg(descriptor, headers, BATCH, MSG_WAITFORONE, NULL);
        if (count <= 0) continue; // a signal or the 100 ms are over
        if (totals.received == 0) peer_first_datagram();
        totals.received += (uint64_t)count;
        for (int i = 0; i < count; i++) {
            totals.bytes_received += headers[i].msg_len;
            totals.truncated += (headers[i].msg_hdr.msg_flags & MSG_TRUNC) != 0;
            vectors[i].iov_len = headers[i].msg_len;
        }
        if (options.echo) send_replies(descriptor, count, &totals);
        for (int i = 0; i < count; i++) {
            vectors[i].iov_len = SLOT_BYTES;
            headers[i].msg_hdr.msg_namelen = sizeof peers[i];
            headers[i].msg_hdr.msg_flags = 0;
        }
    }
    close(descriptor);
    peer_report(&totals);
    return 0;
}
