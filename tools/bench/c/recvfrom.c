// One recvfrom and one sendto a datagram: what a plain blocking C program does.
#define _GNU_SOURCE
#include "peer.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SLOT_BYTES = 2048 };

static void reply(int descriptor, const void *bytes, size_t count, const struct sockaddr_in *peer, socklen_t length,
                  struct peer_totals *totals) {
    for (;;) {
        if (sendto(descriptor, bytes, count, 0, (const struct sockaddr *)peer, length) >= 0) {
            totals->sent++;
            return;
        }
        if (errno != EINTR && errno != EAGAIN) {
            totals->send_errors++;
            return;
        }
    }
}

int main(int argc, char **argv) {
    struct peer_options options = peer_parse(argc, argv);
    peer_catch_signals(&options);
    int descriptor = peer_bind(&options);
    peer_announce(descriptor);

    static char slot[SLOT_BYTES];
    struct peer_totals totals = {0};
    while (!peer_stopping) {
        struct sockaddr_in peer;
        socklen_t length = sizeof peer;
        ssize_t count = recvfrom(descriptor, slot, sizeof slot, 0, (struct sockaddr *)&peer, &length);
        if (count < 0) continue; // a signal or the 100 ms are over
        if (totals.received == 0) peer_first_datagram();
        totals.received++;
        totals.bytes_received += (uint64_t)count;
        if (options.echo) reply(descriptor, slot, (size_t)count, &peer, length, &totals);
    }
    close(descriptor);
    peer_report(&totals);
    return 0;
}
