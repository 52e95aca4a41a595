// A closed loop: `window` datagrams are in flight, and every correct reply sends the next. A reply must equal the last
// datagram sent in its place of the window, byte for byte; when nothing comes for a while, what is missing is counted
// lost and the window is filled again.
#define _GNU_SOURCE
#include "driver.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATIENCE_MICROSECONDS = 400 * 1000, SILENCE_SECONDS_MAX = 10 };

struct label { uint32_t place, magic; uint64_t sequence; }; // the first 16 bytes of every payload

struct place { uint64_t sequence; bool in_flight; };

static const uint32_t MAGIC = 0x564f4c59;
static char payloads[WINDOW_MAX][DATAGRAM_BYTES_MAX];
static struct place places[WINDOW_MAX];
static char replies[BURST_MAX][DATAGRAM_BYTES_MAX + 1];

static struct mmsghdr outgoing[WINDOW_MAX], incoming[BURST_MAX];
static struct iovec outgoing_vectors[WINDOW_MAX], incoming_vectors[BURST_MAX];

struct closed_totals {
    uint64_t sent, received, lost, late, corrupt;
    unsigned queued; // datagrams prepared for the next sendmmsg
};

static void prepare(size_t size_bytes, unsigned window) {
    for (unsigned i = 0; i < window; i++) {
        memset(payloads[i], 'a' + (int)(i % 26), size_bytes);
        struct label label = {.place = i, .magic = MAGIC};
        memcpy(payloads[i], &label, sizeof label);
    }
    for (unsigned i = 0; i < BURST_MAX; i++) {
        incoming_vectors[i] = (struct iovec){.iov_base = replies[i], .iov_len = sizeof replies[i]};
        incoming[i].msg_hdr = (struct msghdr){.msg_iov = &incoming_vectors[i], .msg_iovlen = 1};
    }
}

// Puts a datagram with a new sequence number for this place into the next sendmmsg.
static void queue_place(unsigned place, size_t size_bytes, struct closed_totals *totals) {
    unsigned position = totals->queued++;
    uint64_t sequence = totals->sent + totals->queued;
    places[place] = (struct place){.sequence = sequence, .in_flight = true};
    memcpy(payloads[place] + offsetof(struct label, sequence), &sequence, sizeof sequence);
    outgoing_vectors[position] = (struct iovec){.iov_base = payloads[place], .iov_len = size_bytes};
    outgoing[position].msg_hdr = (struct msghdr){.msg_iov = &outgoing_vectors[position], .msg_iovlen = 1};
}

// Returns the place that this reply frees, or -1 for a late, repeated or wrong one.
static int match_reply(const char *reply, size_t length, const struct driver_options *options,
                       struct closed_totals *totals) {
    struct label label;
    if (length == options->size_bytes) {
        memcpy(&label, reply, sizeof label);
        if (label.magic == MAGIC && label.place < options->window) {
            struct place *place = &places[label.place];
            if (place->in_flight && memcmp(reply, payloads[label.place], length) == 0) {
                place->in_flight = false;
                totals->received++;
                return (int)label.place;
            }
            if (label.sequence < place->sequence || (label.sequence == place->sequence && !place->in_flight)) {
                totals->late++;
                return -1;
            }
        }
    }
    totals->corrupt++;
    return -1;
}

static unsigned in_flight(unsigned window) {
    unsigned count = 0;
    for (unsigned i = 0; i < window; i++) count += places[i].in_flight;
    return count;
}

int drive_closed(const struct driver_options *options) {
    int descriptor = driver_connect(options);
    struct timeval patience = {.tv_usec = PATIENCE_MICROSECONDS};
    if (setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0) driver_fail("SO_RCVTIMEO");
    prepare(options->size_bytes, options->window);

    struct closed_totals totals = {0};
    double started = driver_now(), now = started, last_reply = started;
    bool sending = true;
    for (unsigned i = 0; i < options->window; i++) queue_place(i, options->size_bytes, &totals);
    while (sending || in_flight(options->window) > 0) {
        driver_send_all(descriptor, outgoing, totals.queued);
        totals.sent += totals.queued;
        totals.queued = 0;
        int count = recvmmsg(descriptor, incoming, BURST_MAX, MSG_WAITFORONE, NULL);
        now = driver_now();
        sending = sending && now - started < options->seconds &&
                  (options->count == 0 || totals.sent < options->count);
        if (count > 0) {
            last_reply = now;
            for (int i = 0; i < count; i++) {
                int place = match_reply(replies[i], incoming[i].msg_len, options, &totals);
                if (place >= 0 && sending) queue_place((unsigned)place, options->size_bytes, &totals);
            }
        } else if (errno == EAGAIN) {
            if (now - last_reply > SILENCE_SECONDS_MAX) {
                errno = ETIMEDOUT;
                driver_fail("no reply for 10 s");
            }
            for (unsigned i = 0; i < options->window; i++) {
                totals.lost += places[i].in_flight;
                places[i].in_flight = false;
                if (sending) queue_place(i, options->size_bytes, &totals);
            }
        } else if (errno != EINTR) {
            driver_fail("recvmmsg (has the receiver gone?)");
        }
    }
    close(descriptor);
    printf("{\"driver\": \"closed\", \"window\": %u, \"sent\": %llu, \"received\": %llu, \"lost\": %llu, "
           "\"late\": %llu, \"corrupt\": %llu, \"seconds\": %.6f}\n",
           options->window, (unsigned long long)totals.sent, (unsigned long long)totals.received,
           (unsigned long long)totals.lost, (unsigned long long)totals.late, (unsigned long long)totals.corrupt,
           last_reply - started);
    return totals.corrupt == 0 ? 0 : 1;
}
