// The ceiling: recvmmsg and sendmmsg with 64 slots, headers prepared once, and the received slot itself sent back.
#define _GNU_SOURCE
#include "batch.h"

#include <unistd.h>

int main(int argc, char **argv) {
    struct peer_options options = peer_parse(argc, argv);
    peer_catch_signals(&options);
    int descriptor = peer_bind(&options);
    prepare_headers();
    peer_announce(descriptor);

    struct peer_totals totals = {0};
    while (!peer_stopping) {
        int count = recvmmsg(descriptor, headers, BATCH, MSG_WAITFORONE, NULL);
        if (count > 0) take_batch(descriptor, count, options.echo, &totals); // else a signal, or the 100 ms are over
    }
    close(descriptor);
    peer_report(&totals);
    return 0;
}
