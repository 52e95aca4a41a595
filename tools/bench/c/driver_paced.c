// Fills the receiver's queue without overrunning it, with no cooperation of the receiver: the bytes in that queue are
// in /proc/net/udp under its port. So a receiver slowed down a hundred times by an instrument loses nothing, and finds
// large batches all the time.
#define _GNU_SOURCE
#include "driver.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// Three quarters of the kernel's default receive buffer (212,992 bytes), which receivers here leave alone: the kernel
// may hold back the memory of a quarter of the buffer after it was read.
enum { QUEUE_BYTES_MAX = 150000, STALL_SECONDS = 30, TABLE_BYTES = 1 << 20 };
enum { SPIN_POLLS = 100, POLL_MICROSECONDS = 100 };

struct queue { uint64_t bytes, drops; };

// At most what one queued datagram of this size is charged: its allocation (the small one, or a power of two) and the
// sk_buff, or the sum of all its parts when it was cut from a train.
static uint64_t charge_bytes(size_t payload_bytes) {
    uint64_t allocation = 1024;
    if (payload_bytes <= 128) return 960;
    while (allocation < payload_bytes + 384) allocation *= 2;
    return allocation + 256;
}

static struct queue read_queue(int table, uint16_t port) {
    static char text[TABLE_BYTES];
    size_t length = 0;
    for (;;) { // the kernel gives a page at a time
        ssize_t count = pread(table, text + length, sizeof text - 1 - length, (off_t)length);
        if (count < 0) driver_fail("/proc/net/udp");
        if (count == 0) break;
        length += (size_t)count;
    }
    text[length] = 0;
    for (char *line = strchr(text, '\n'); line != NULL && line[1] != 0; line = strchr(line + 1, '\n')) {
        unsigned local_port, remote_port;
        unsigned long long queued, drops;
        int fields = sscanf(line, " %*d: %*8x:%x %*8x:%x %*x %*x:%llx %*x:%*x %*x %*u %*u %*u %*u %*s %llu",
                            &local_port, &remote_port, &queued, &drops);
        if (fields == 4 && local_port == port && remote_port == 0) return (struct queue){queued, drops};
    }
    errno = ESRCH;
    driver_fail("no receiver on that port in /proc/net/udp");
}

// Waits until at most `most_bytes` are queued and returns how many are.
static uint64_t wait_for_room(int table, uint16_t port, uint64_t most_bytes) {
    struct queue queue = read_queue(table, port);
    uint64_t last = queue.bytes;
    double since = driver_now();
    unsigned idle_polls = 0;
    while (queue.bytes > most_bytes) {
        if (++idle_polls > SPIN_POLLS) usleep(POLL_MICROSECONDS);
        else sched_yield(); // a fast receiver would empty the queue during a sleep
        queue = read_queue(table, port);
        if (queue.bytes != last) {
            last = queue.bytes;
            since = driver_now();
            idle_polls = 0;
        } else if (driver_now() - since > STALL_SECONDS) {
            errno = ETIMEDOUT;
            driver_fail("the receiver stopped reading");
        }
    }
    return queue.bytes;
}

int drive_paced(const struct driver_options *options) {
    int descriptor = driver_connect(options);
    int table = open("/proc/net/udp", O_RDONLY | O_CLOEXEC);
    if (table < 0) driver_fail("/proc/net/udp");
    uint16_t port = ntohs(options->to.sin_port);

    uint64_t charge = charge_bytes(options->size_bytes);
    struct burst burst;
    driver_prepare_burst(descriptor, options, (unsigned)(QUEUE_BYTES_MAX / charge), &burst);
    uint64_t message_bytes = burst.segments * charge;

    uint64_t drops_before = read_queue(table, port).drops, sent = 0;
    double started = driver_now();
    while (driver_now() - started < options->seconds && (options->count == 0 || sent < options->count)) {
        uint64_t queued = wait_for_room(table, port, QUEUE_BYTES_MAX - message_bytes);
        uint64_t messages = (QUEUE_BYTES_MAX - queued) / message_bytes;
        if (messages > burst.messages) messages = burst.messages;
        driver_send_all(descriptor, burst.headers, (unsigned)messages);
        sent += messages * burst.segments;
    }
    wait_for_room(table, port, 0);
    double elapsed = driver_now() - started;
    uint64_t drops = read_queue(table, port).drops - drops_before;
    close(table);
    close(descriptor);
    printf("{\"driver\": \"paced\", \"sent\": %llu, \"drops\": %llu, \"seconds\": %.6f}\n", (unsigned long long)sent,
           (unsigned long long)drops, elapsed);
    return 0;
}
