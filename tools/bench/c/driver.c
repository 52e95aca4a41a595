#define _GNU_SOURCE
#include "driver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_USAGE = 64, EXIT_OS_ERROR = 71, SECONDS_MAX = 600 };

static const char usage_text[] =
    "usage: driver flood|paced|closed|rate --to 127.0.0.1:PORT [--size BYTES] [--seconds S] [--count N]\n"
    "              [--window N] (closed) [--segments N] (not rate) [--sources N] (flood) [--rate N] (rate)\n"
    "prints one line of JSON: sent, seconds and, for closed and rate, what became of the replies\n";

double driver_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

_Noreturn void driver_fail(const char *what) {
    fprintf(stderr, "driver: %s: %s\n", what, strerror(errno));
    exit(EXIT_OS_ERROR);
}

_Noreturn static void usage(const char *problem) {
    fprintf(stderr, "driver: %s\n%s", problem, usage_text);
    exit(EXIT_USAGE);
}

int driver_connect(const struct driver_options *options) {
    int buffer_bytes = 4 << 20;
    int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) driver_fail("socket");
    if (setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof buffer_bytes) != 0)
        driver_fail("SO_RCVBUF");
    if (connect(descriptor, (const struct sockaddr *)&options->to, sizeof options->to) != 0) driver_fail("connect");
    return descriptor;
}

void driver_prepare_burst(int descriptor, const struct driver_options *options, unsigned datagrams_max,
                          struct burst *burst) {
    static char train[TRAIN_BYTES_MAX];
    unsigned segments = options->segments;
    while (segments > 1 && (segments * options->size_bytes > sizeof train || segments > datagrams_max)) segments--;
    int segment_bytes = (int)options->size_bytes;
    if (segments > 1 && setsockopt(descriptor, IPPROTO_UDP, UDP_SEGMENT, &segment_bytes, sizeof segment_bytes) != 0)
        driver_fail("UDP_SEGMENT (try --segments 1)");

    memset(train, 'v', sizeof train);
    unsigned messages = datagrams_max / segments;
    if (messages > BURST_MAX) messages = BURST_MAX;
    if (messages == 0) messages = 1;
    *burst = (struct burst){.vector = {.iov_base = train, .iov_len = segments * options->size_bytes},
                            .messages = messages, .datagrams = messages * segments, .segments = segments};
    for (unsigned i = 0; i < messages; i++)
        burst->headers[i].msg_hdr = (struct msghdr){.msg_iov = &burst->vector, .msg_iovlen = 1};
}

void driver_send_all(int descriptor, struct mmsghdr *headers, unsigned count) {
    unsigned next = 0;
    while (next < count) {
        int sent = sendmmsg(descriptor, headers + next, count - next, 0);
        if (sent > 0) next += (unsigned)sent;
        else if (errno == EAGAIN || errno == ENOBUFS) usleep(100);
        else if (errno != EINTR) driver_fail("sendmmsg (has the receiver gone?)");
    }
}

static struct sockaddr_in parse_target(const char *text) {
    struct sockaddr_in target = {.sin_family = AF_INET};
    unsigned port;
    char host[INET_ADDRSTRLEN];
    if (sscanf(text, "%15[0-9.]:%u", host, &port) != 2 || port == 0 || port > UINT16_MAX ||
        inet_pton(AF_INET, host, &target.sin_addr) != 1)
        usage("--to wants an IPv4 ADDR:PORT");
    if (ntohl(target.sin_addr.s_addr) >> 24 != 127) usage("--to must be a loopback address");
    target.sin_port = htons((uint16_t)port);
    return target;
}

static double parse_number(const char *text, double least, double most) {
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end != 0 || !(value >= least && value <= most)) usage("a number is malformed or out of range");
    return value;
}

int main(int argc, char **argv) {
    struct driver_options options = {.size_bytes = 64, .seconds = 2, .window = 64, .segments = 1, .sources = 1,
                                     .rate = 50000};
    if (argc < 2) usage("say flood, paced, closed or rate");
    for (int i = 2; i < argc; i++) {
        if (i + 1 == argc) usage("the last option has no value");
        const char *name = argv[i], *value = argv[++i];
        if (strcmp(name, "--to") == 0) options.to = parse_target(value);
        else if (strcmp(name, "--size") == 0) options.size_bytes = (size_t)parse_number(value, 16, DATAGRAM_BYTES_MAX);
        else if (strcmp(name, "--seconds") == 0) options.seconds = parse_number(value, 0.01, SECONDS_MAX);
        else if (strcmp(name, "--count") == 0) options.count = (uint64_t)parse_number(value, 1, 1e9);
        else if (strcmp(name, "--window") == 0) options.window = (unsigned)parse_number(value, 1, WINDOW_MAX);
        else if (strcmp(name, "--segments") == 0) options.segments = (unsigned)parse_number(value, 1, 64);
        else if (strcmp(name, "--sources") == 0) options.sources = (unsigned)parse_number(value, 1, SOURCES_MAX);
        else if (strcmp(name, "--rate") == 0) options.rate = parse_number(value, 1, 1e6);
        else usage("unknown option");
    }
    if (options.to.sin_port == 0) usage("--to is missing");
    if (strcmp(argv[1], "flood") == 0) return drive_flood(&options);
    if (strcmp(argv[1], "paced") == 0) return drive_paced(&options);
    if (strcmp(argv[1], "closed") == 0) return drive_closed(&options);
    if (strcmp(argv[1], "rate") == 0) return drive_rate(&options);
    usage("say flood, paced, closed or rate");
}
