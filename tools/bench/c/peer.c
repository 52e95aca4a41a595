#define _GNU_SOURCE
#include "peer.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

enum { EXIT_USAGE = 64, EXIT_OS_ERROR = 71 };

volatile sig_atomic_t peer_stopping;

static double first_seconds;
static struct rusage first_usage;

static double now_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static double seconds_between(struct timeval from, struct timeval to) {
    return (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_usec - from.tv_usec) * 1e-6;
}

_Noreturn static void usage(const char *problem, const char *what) {
    fprintf(stderr, "%s: %s; usage: echo|sink --listen ADDR:PORT [--duration SECONDS] [--json]\n", problem, what);
    exit(EXIT_USAGE);
}

static struct sockaddr_in parse_address(const char *text) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    char host[INET_ADDRSTRLEN];
    const char *colon = strrchr(text, ':');
    if (colon == NULL || (size_t)(colon - text) >= sizeof host) usage(text, "not an IPv4 ADDR:PORT");
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = 0;
    char *end;
    unsigned long port = strtoul(colon + 1, &end, 10);
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1 || end == colon + 1 || *end != 0 || port > UINT16_MAX)
        usage(text, "not an IPv4 ADDR:PORT");
    address.sin_port = htons((uint16_t)port);
    return address;
}

struct peer_options peer_parse(int argc, char **argv) {
    struct peer_options options = {.address = {.sin_family = AF_INET}};
    if (argc < 2) usage("no mode", "say echo or sink");
    if (strcmp(argv[1], "echo") == 0) options.echo = true;
    else if (strcmp(argv[1], "sink") != 0) usage(argv[1], "unknown mode");
    bool listening = false;
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) continue; // the report is always JSON
        if (strcmp(argv[i], "--vector") == 0) { options.vector = true; continue; }
        if (strcmp(argv[i], "--poll") == 0) { options.poll = true; continue; }
        if (strcmp(argv[i], "--sqe") == 0) { options.sqe = true; continue; }
        if (i + 1 == argc) usage(argv[i], "unknown option, or its value is missing");
        if (strcmp(argv[i], "--listen") == 0) {
            options.address = parse_address(argv[++i]);
            listening = true;
        } else if (strcmp(argv[i], "--duration") == 0) {
            char *end;
            options.duration_seconds = strtod(argv[++i], &end);
            bool in_range = options.duration_seconds >= 0 && options.duration_seconds <= 86400;
            if (end == argv[i] || *end != 0 || !in_range) usage(argv[i], "not a duration in seconds");
        } else {
            usage(argv[i], "unknown option");
        }
    }
    if (!listening) usage("--listen", "missing");
    return options;
}

static void stop(int signal_number) {
    (void)signal_number;
    peer_stopping = 1;
}

void peer_catch_signals(const struct peer_options *options) {
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGALRM, &action, NULL);
    if (options->duration_seconds == 0) return;
    time_t whole = (time_t)options->duration_seconds;
    suseconds_t rest = (suseconds_t)((options->duration_seconds - (double)whole) * 1e6);
    struct itimerval timer = {.it_value = {.tv_sec = whole, .tv_usec = whole == 0 && rest == 0 ? 1 : rest}};
    setitimer(ITIMER_REAL, &timer, NULL);
}

int peer_bind(const struct peer_options *options) {
    struct timeval patience = {.tv_usec = 100 * 1000};
    int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0 || setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0 ||
        bind(descriptor, (const struct sockaddr *)&options->address, sizeof options->address) != 0) {
        perror("bind");
        exit(EXIT_OS_ERROR);
    }
    return descriptor;
}

void peer_announce(int descriptor) {
    struct sockaddr_in bound;
    socklen_t length = sizeof bound;
    char host[INET_ADDRSTRLEN];
    if (getsockname(descriptor, (struct sockaddr *)&bound, &length) != 0) {
        perror("getsockname");
        exit(EXIT_OS_ERROR);
    }
    inet_ntop(AF_INET, &bound.sin_addr, host, sizeof host);
    printf("listening on %s:%u\n", host, ntohs(bound.sin_port));
    fflush(stdout);
}

void peer_first_datagram(void) {
    getrusage(RUSAGE_SELF, &first_usage);
    first_seconds = now_seconds();
}

void peer_report(const struct peer_totals *totals) {
    struct rusage usage = first_usage;
    double seconds = 0;
    if (totals->received > 0) {
        getrusage(RUSAGE_SELF, &usage);
        seconds = now_seconds() - first_seconds;
    }
    printf("{\"received\": %llu, \"sent\": %llu, \"bytesReceived\": %llu, \"truncated\": %llu, "
           "\"sendErrors\": %llu, \"seconds\": %.6f, \"userSeconds\": %.6f, \"systemSeconds\": %.6f, "
           "\"cpuScope\": \"since first datagram\"}\n",
           (unsigned long long)totals->received, (unsigned long long)totals->sent,
           (unsigned long long)totals->bytes_received, (unsigned long long)totals->truncated,
           (unsigned long long)totals->send_errors, seconds,
           seconds_between(first_usage.ru_utime, usage.ru_utime),
           seconds_between(first_usage.ru_stime, usage.ru_stime));
}
