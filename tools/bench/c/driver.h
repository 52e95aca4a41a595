// The load side, one program with four ways to drive a receiver; every run is bounded in count and in time.
#ifndef BENCH_DRIVER_H
#define BENCH_DRIVER_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum { BURST_MAX = 64, DATAGRAM_BYTES_MAX = 9000, WINDOW_MAX = 1024, TRAIN_BYTES_MAX = 65000, SOURCES_MAX = 64 };

struct driver_options {
    struct sockaddr_in to;
    size_t size_bytes;  // payload of every datagram
    uint64_t count;     // stop after so many; 0: only the time counts
    double seconds;     // stop after so long
    unsigned window;    // closed: datagrams in flight
    unsigned segments;  // flood, paced, closed: datagrams of one UDP_SEGMENT train, 1: plain sendmmsg
    unsigned sources;   // flood: sockets, and so source ports
    double rate;        // rate: datagrams a second
};

// Sends as fast as the kernel takes it.
int drive_flood(const struct driver_options *options);

// Sends whenever the receiver's queue has room: never empty, never overrun.
int drive_paced(const struct driver_options *options);

// Keeps `window` datagrams in flight to an echo server and compares every reply with what was sent.
int drive_closed(const struct driver_options *options);

// Sends at a steady rate to an echo server, whatever comes back, and takes the time of every round trip.
int drive_rate(const struct driver_options *options);

// A connected UDP socket with a large receive buffer; exits with one line when it cannot be had.
int driver_connect(const struct driver_options *options);

// Identical datagrams, sent over and over. On loopback the sender runs the receiver's half of the network stack, so a
// plain sendmmsg (about 3 µs a datagram) is slower than any good receiver; a UDP_SEGMENT train, which the kernel cuts
// into the same single datagrams before they reach the receiver's queue, is fast enough to keep that queue full.
struct burst {
    struct mmsghdr headers[BURST_MAX];
    struct iovec vector;
    unsigned messages, datagrams; // of one burst; `segments` datagrams a message
    unsigned segments;
};

// Fills in `burst` with at most `datagrams_max` datagrams, but at least one message, and sets UDP_SEGMENT.
void driver_prepare_burst(int descriptor, const struct driver_options *options, unsigned datagrams_max,
                          struct burst *burst);

double driver_now(void);

// sendmmsg until all are sent; EINTR, EAGAIN and ENOBUFS are retried, ECONNREFUSED and the rest end the run.
void driver_send_all(int descriptor, struct mmsghdr *headers, unsigned count);

_Noreturn void driver_fail(const char *what);

#endif
