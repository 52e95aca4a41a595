// Offers UDP datagrams at a steady rate from many sources, whatever becomes of them, and says what that cost.
//
// It sends UDP_SEGMENT trains, which the kernel cuts into single datagrams before the receiver's queue, one source after
// the other: the cheapest way to offer load on a machine whose cores the receiver needs.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

enum { SOURCES_MAX = 1000, SECONDS_MAX = 60, TRAIN_BYTES_MAX = 65000 };

static _Noreturn void fail(const char *what) {
    fprintf(stderr, "shards/driver: %s: %s\n", what, strerror(errno));
    exit(71);
}

static _Noreturn void usage(void) {
    fputs("usage: driver PORT SOURCES DATAGRAMS_PER_SECOND SECONDS SIZE_BYTES SEGMENTS\n", stderr);
    exit(64);
}

static double now(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void sleep_until(double time) {
    struct timespec until = {.tv_sec = (time_t)time, .tv_nsec = (long)((time - (double)(time_t)time) * 1e9)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR) {}
}

static int open_source(uint16_t port, int size_bytes) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) fail("socket");
    if (connect(descriptor, (struct sockaddr *)&to, sizeof to) != 0) fail("connect");
    if (setsockopt(descriptor, IPPROTO_UDP, UDP_SEGMENT, &size_bytes, sizeof size_bytes) != 0) fail("UDP_SEGMENT");
    return descriptor;
}

int main(int argc, char **argv) {
    if (argc != 7) usage();
    long port = atol(argv[1]), sources = atol(argv[2]);
    double rate = atof(argv[3]), seconds = atof(argv[4]);
    long size = atol(argv[5]), segments = atol(argv[6]);
    if (port < 1 || port > 65535 || sources < 1 || sources > SOURCES_MAX || !(rate >= 1 && rate <= 1e8) ||
        !(seconds > 0 && seconds <= SECONDS_MAX) || size < 1 || segments < 1 || size * segments > TRAIN_BYTES_MAX)
        usage();

    static int descriptors[SOURCES_MAX];
    static char train[TRAIN_BYTES_MAX];
    for (long i = 0; i < sources; i++) descriptors[i] = open_source((uint16_t)port, (int)size);

    uint64_t trains = 0;
    double interval = (double)segments / rate, start = now(CLOCK_MONOTONIC), next = start, time = start;
    while ((time = now(CLOCK_MONOTONIC)) - start < seconds) {
        if (time < next) {
            sleep_until(next);
            continue;
        }
        ssize_t sent = send(descriptors[trains % (uint64_t)sources], train, (size_t)(size * segments), 0);
        if (sent < 0 && errno != ENOBUFS && errno != EAGAIN && errno != EINTR) fail("send");
        if (sent > 0) trains++;
        next += interval;
        // What cannot be caught up within 10 ms is left out, so that a stall is not followed by a flood.
        if (time - next > 0.01) next = time;
    }
    printf("{\"sent\": %llu, \"seconds\": %.6f, \"cpuSeconds\": %.6f}\n",
           (unsigned long long)trains * (unsigned long long)segments, time - start, now(CLOCK_PROCESS_CPUTIME_ID));
    return 0;
}
