// A closed loop: `window` datagrams are in flight, and every correct reply sends the next. A reply must equal the last
// datagram sent in its place of the window, byte for byte; when nothing comes for a while, what is missing is counted
// lost and the window is filled again. With --segments the window is made of UDP_SEGMENT trains, each sent anew when all
// of its replies are there, and replies are taken with UDP_GRO: in trains or singly, as the receiver sends them.
#define _GNU_SOURCE
#include "driver.h"

#include <errno.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATIENCE_MICROSECONDS = 400 * 1000, SILENCE_SECONDS_MAX = 10, REPLY_BYTES_MAX = 65536 };

struct label { uint32_t place, magic; uint64_t sequence; }; // the first 16 bytes of every payload

struct place { uint64_t sequence; bool in_flight; };

static const uint32_t MAGIC = 0x564f4c59;
static char payloads[WINDOW_MAX * DATAGRAM_BYTES_MAX]; // of all places one after the other: a train is a run of them
static struct place places[WINDOW_MAX];
static unsigned free_places[WINDOW_MAX]; // of each train
static char replies[BURST_MAX * REPLY_BYTES_MAX];
static char controls[BURST_MAX][CMSG_SPACE(sizeof(int))];

static struct mmsghdr outgoing[WINDOW_MAX], incoming[BURST_MAX];
static struct iovec outgoing_vectors[WINDOW_MAX], incoming_vectors[BURST_MAX];

struct closed_totals {
    uint64_t sent, received, lost, late, corrupt;
    unsigned queued; // trains prepared for the next sendmmsg
};

static void prepare(const struct driver_options *options) {
    for (unsigned i = 0; i < options->window; i++) {
        char *payload = payloads + i * options->size_bytes;
        memset(payload, 'a' + (int)(i % 26), options->size_bytes);
        struct label label = {.place = i, .magic = MAGIC};
        memcpy(payload, &label, sizeof label);
    }
    size_t slot_bytes = options->segments > 1 ? REPLY_BYTES_MAX : DATAGRAM_BYTES_MAX + 1;
    for (unsigned i = 0; i < BURST_MAX; i++) {
        incoming_vectors[i] = (struct iovec){.iov_base = replies + i * slot_bytes, .iov_len = slot_bytes};
        incoming[i].msg_hdr = (struct msghdr){.msg_iov = &incoming_vectors[i], .msg_iovlen = 1};
    }
}

// Whole trains that fit into one message and into the window.
static struct driver_options shaped(const struct driver_options *options) {
    struct driver_options shaped = *options;
    while (shaped.segments > 1 && shaped.segments * shaped.size_bytes > TRAIN_BYTES_MAX) shaped.segments--;
    if (shaped.segments > shaped.window) shaped.segments = shaped.window;
    shaped.window -= shaped.window % shaped.segments;
    return shaped;
}

static void turn_on_trains(int descriptor, const struct driver_options *options) {
    int size = (int)options->size_bytes, on = 1;
    if (setsockopt(descriptor, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof size) != 0) driver_fail("UDP_SEGMENT");
    if (setsockopt(descriptor, IPPROTO_UDP, UDP_GRO, &on, sizeof on) != 0) driver_fail("UDP_GRO");
}

// Puts a train with new sequence numbers into the next sendmmsg.
static void queue_train(unsigned train, const struct driver_options *options, struct closed_totals *totals) {
    unsigned position = totals->queued++, first = train * options->segments;
    char *start = payloads + first * options->size_bytes;
    for (unsigned i = 0; i < options->segments; i++) {
        uint64_t sequence = ++totals->sent;
        places[first + i] = (struct place){.sequence = sequence, .in_flight = true};
        memcpy(start + i * options->size_bytes + offsetof(struct label, sequence), &sequence, sizeof sequence);
    }
    free_places[train] = 0;
    outgoing_vectors[position] =
        (struct iovec){.iov_base = start, .iov_len = options->segments * options->size_bytes};
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
            if (place->in_flight && memcmp(reply, payloads + label.place * length, length) == 0) {
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

// The payload of each reply in this message: all of it, unless the kernel says that it is a train.
static size_t segment_bytes(struct mmsghdr *message) {
    struct cmsghdr *item = CMSG_FIRSTHDR(&message->msg_hdr);
    if (item == NULL || item->cmsg_level != IPPROTO_UDP || item->cmsg_type != UDP_GRO) return message->msg_len;
    int size;
    memcpy(&size, CMSG_DATA(item), sizeof size);
    return size > 0 ? (size_t)size : message->msg_len;
}

// Matches every reply of one message, and sends each train that has become complete anew.
static void take_message(unsigned index, bool sending, const struct driver_options *options,
                         struct closed_totals *totals) {
    const char *bytes = incoming_vectors[index].iov_base;
    size_t length = incoming[index].msg_len, segment = segment_bytes(&incoming[index]), offset = 0;
    do {
        size_t size = length - offset < segment ? length - offset : segment;
        int place = match_reply(bytes + offset, size, options, totals);
        offset += size;
        if (place < 0) continue;
        unsigned train = (unsigned)place / options->segments;
        if (++free_places[train] == options->segments && sending) queue_train(train, options, totals);
    } while (offset < length);
}

static void give_up_waiting(bool sending, const struct driver_options *options, struct closed_totals *totals) {
    for (unsigned i = 0; i < options->window; i++) {
        totals->lost += places[i].in_flight;
        places[i].in_flight = false;
    }
    for (unsigned i = 0; sending && i < options->window / options->segments; i++) queue_train(i, options, totals);
}

int drive_closed(const struct driver_options *given) {
    struct driver_options shape = shaped(given), *options = &shape;
    int descriptor = driver_connect(options);
    struct timeval patience = {.tv_usec = PATIENCE_MICROSECONDS};
    if (setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0) driver_fail("SO_RCVTIMEO");
    if (options->segments > 1) turn_on_trains(descriptor, options);
    prepare(options);

    struct closed_totals totals = {0};
    double started = driver_now(), now = started, last_reply = started;
    bool sending = true;
    for (unsigned i = 0; i < options->window / options->segments; i++) queue_train(i, options, &totals);
    while (sending || in_flight(options->window) > 0) {
        driver_send_all(descriptor, outgoing, totals.queued);
        totals.queued = 0;
        for (unsigned i = 0; options->segments > 1 && i < BURST_MAX; i++) {
            incoming[i].msg_hdr.msg_control = controls[i];
            incoming[i].msg_hdr.msg_controllen = sizeof controls[i];
        }
        int count = recvmmsg(descriptor, incoming, BURST_MAX, MSG_WAITFORONE, NULL);
        now = driver_now();
        sending = sending && now - started < options->seconds &&
                  (options->count == 0 || totals.sent < options->count);
        if (count > 0) {
            last_reply = now;
            for (int i = 0; i < count; i++) take_message((unsigned)i, sending, options, &totals);
        } else if (errno == EAGAIN) {
            if (now - last_reply > SILENCE_SECONDS_MAX) {
                errno = ETIMEDOUT;
                driver_fail("no reply for 10 s");
            }
            give_up_waiting(sending, options, &totals);
        } else if (errno != EINTR) {
            driver_fail("recvmmsg (has the receiver gone?)");
        }
    }
    close(descriptor);
    printf("{\"driver\": \"closed\", \"window\": %u, \"segments\": %u, \"sent\": %llu, \"received\": %llu, "
           "\"lost\": %llu, \"late\": %llu, \"corrupt\": %llu, \"seconds\": %.6f}\n",
           options->window, options->segments, (unsigned long long)totals.sent, (unsigned long long)totals.received,
           (unsigned long long)totals.lost, (unsigned long long)totals.late, (unsigned long long)totals.corrupt,
           last_reply - started);
    return totals.corrupt == 0 ? 0 : 1;
}
