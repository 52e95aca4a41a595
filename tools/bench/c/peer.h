// What every C receiver shares: the command line, the bound socket, the stop signal and the closing report.
// Only the receive loop itself differs from program to program, so only that is measured.
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

struct peer_options {
    bool echo;                  // false: sink
    bool vector;                // --vector: recvmmsg inside libuv; other programs ignore it
    bool poll;                  // --poll: sleep in ppoll, not in epoll_wait; other programs ignore it
    bool sqe;                   // --sqe: replies by requests of io_uring, not by sendmmsg; other programs ignore it
    double duration_seconds;    // 0: until SIGTERM or SIGINT
    struct sockaddr_in address; // from --listen
};

struct peer_totals {
    uint64_t received, sent, bytes_received, truncated, send_errors;
};

// Set by SIGTERM, SIGINT and the end of --duration; a receive loop looks at it once a batch and after every timeout.
extern volatile sig_atomic_t peer_stopping;

// Parses `echo|sink --listen ADDR:PORT [--duration S] [--json] [--vector] [--poll] [--sqe]`, or exits with status 64
// and one line.
struct peer_options peer_parse(int argc, char **argv);

// Catches SIGTERM, SIGINT and, for --duration, SIGALRM without SA_RESTART, so that a blocking receive returns.
void peer_catch_signals(const struct peer_options *options);

// A bound socket whose receives give up every 100 ms (a signal between the check and the receive is then only late).
int peer_bind(const struct peer_options *options);

// Prints "listening on ADDR:PORT" and flushes it.
void peer_announce(int descriptor);

// Starts the clocks of the report: call it with the first datagram.
void peer_first_datagram(void);

// One line of JSON.
void peer_report(const struct peer_totals *totals);

#endif
