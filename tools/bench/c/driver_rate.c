// An open loop: every datagram leaves when its time has come, however the receiver does, and carries that time, so that
// a late send counts as a slow round trip and a stall is not hidden. The driver never sleeps; its core is its own.
#define _GNU_SOURCE
#include "driver.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// Round trips of up to 100 ms are told apart by 0.1 µs.
enum { BUCKETS_PER_MICROSECOND = 10, BUCKETS = 100 * 1000 * BUCKETS_PER_MICROSECOND, CATCH_UP_MAX = 64 };
static const double STRAGGLERS_SECONDS = 0.1;

static uint32_t histogram[BUCKETS];
static char payload[DATAGRAM_BYTES_MAX], replies[BURST_MAX][DATAGRAM_BYTES_MAX + 1];
static struct mmsghdr incoming[BURST_MAX];
static struct iovec incoming_vectors[BURST_MAX];

struct rate_totals { uint64_t sent, received, refused; };

static void prepare(size_t size_bytes) {
    memset(payload, 'r', size_bytes);
    for (unsigned i = 0; i < BURST_MAX; i++) {
        incoming_vectors[i] = (struct iovec){.iov_base = replies[i], .iov_len = sizeof replies[i]};
        incoming[i].msg_hdr = (struct msghdr){.msg_iov = &incoming_vectors[i], .msg_iovlen = 1};
    }
}

static void send_one(int descriptor, size_t size_bytes, double due, struct rate_totals *totals) {
    memcpy(payload, &due, sizeof due);
    if (send(descriptor, payload, size_bytes, MSG_DONTWAIT) >= 0) totals->sent++;
    else if (errno == EAGAIN || errno == ENOBUFS || errno == EINTR) totals->refused++;
    else driver_fail("send (has the receiver gone?)");
}

static void take_replies(int descriptor, size_t size_bytes, struct rate_totals *totals) {
    int count = recvmmsg(descriptor, incoming, BURST_MAX, MSG_DONTWAIT, NULL);
    double now = driver_now();
    for (int i = 0; i < count; i++) {
        if (incoming[i].msg_len != size_bytes) continue;
        double due;
        memcpy(&due, replies[i], sizeof due);
        double bucket = (now - due) * 1e6 * BUCKETS_PER_MICROSECOND;
        histogram[bucket < 0 ? 0 : bucket >= BUCKETS ? BUCKETS - 1 : (size_t)bucket]++;
        totals->received++;
    }
}

static double microseconds_at(double share, uint64_t total) {
    uint64_t seen = 0;
    for (size_t i = 0; i < BUCKETS; i++) {
        seen += histogram[i];
        if (seen > 0 && (double)seen >= share * (double)total) return (double)(i + 1) / BUCKETS_PER_MICROSECOND;
    }
    return 0;
}

int drive_rate(const struct driver_options *options) {
    int descriptor = driver_connect(options);
    prepare(options->size_bytes);

    struct rate_totals totals = {0};
    double interval = 1 / options->rate, started = driver_now(), now = started, due = started;
    while (now - started < options->seconds && (options->count == 0 || totals.sent < options->count)) {
        for (int i = 0; i < CATCH_UP_MAX && due <= now; i++, due += interval)
            send_one(descriptor, options->size_bytes, due, &totals);
        take_replies(descriptor, options->size_bytes, &totals);
        now = driver_now();
    }
    double elapsed = now - started;
    while (totals.received < totals.sent && driver_now() - now < STRAGGLERS_SECONDS)
        take_replies(descriptor, options->size_bytes, &totals);
    close(descriptor);
    printf("{\"driver\": \"rate\", \"rate\": %.0f, \"sent\": %llu, \"received\": %llu, \"lost\": %llu, "
           "\"refused\": %llu, \"p50Microseconds\": %.1f, \"p90Microseconds\": %.1f, \"p99Microseconds\": %.1f, "
           "\"maxMicroseconds\": %.1f, \"seconds\": %.6f}\n",
           options->rate, (unsigned long long)totals.sent, (unsigned long long)totals.received,
           (unsigned long long)(totals.sent - totals.received), (unsigned long long)totals.refused,
           microseconds_at(0.5, totals.received), microseconds_at(0.9, totals.received),
           microseconds_at(0.99, totals.received), microseconds_at(1, totals.received), elapsed);
    return 0;
}
