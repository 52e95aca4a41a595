// io_uring: one multishot recvmsg that fills provided buffers, and replies by sendmmsg from the buffers, or with --sqe
// by one sendmsg request each.
#define _GNU_SOURCE
#include "peer.h"
#include "uring_ring.h"

#include <string.h>
#include <sys/socket.h>

enum { SUBMISSIONS = 256, COMPLETIONS = 4096, BUFFERS = 1024, SLOT_BYTES = 2048, BATCH = 64 };
enum { RECEIVE_ID = UINT16_MAX }; // user_data of the receive; a reply has the index of its buffer

// In front of the payload the kernel puts a header and the address, in room of the size that this message asks for.
static struct msghdr wanted = {.msg_namelen = sizeof(struct sockaddr_in)};
enum { PREFIX_BYTES = sizeof(struct io_uring_recvmsg_out) + sizeof(struct sockaddr_in) };

static struct mmsghdr replies[BATCH];
static struct msghdr requests[BUFFERS];
static struct iovec vectors[BUFFERS];
static uint16_t replying[BATCH]; // the buffers of `replies`

struct service {
    int descriptor;
    struct ring ring;
    struct buffer_ring buffers;
    struct peer_totals totals;
    bool echo, by_requests;
    unsigned reply_count;
};

static void arm_receive(struct service *service) {
    *ring_prepare(&service->ring) = (struct io_uring_sqe){
        .opcode = IORING_OP_RECVMSG, .fd = service->descriptor, .addr = (uint64_t)(uintptr_t)&wanted, .len = 1,
        .ioprio = IORING_RECV_MULTISHOT, .flags = IOSQE_BUFFER_SELECT, .user_data = RECEIVE_ID};
}

static void send_replies(struct service *service) {
    unsigned next = 0;
    while (next < service->reply_count) {
        int sent = sendmmsg(service->descriptor, replies + next, service->reply_count - next, 0);
        if (sent > 0) {
            next += (unsigned)sent;
            service->totals.sent += (uint64_t)sent;
        } else if (errno != EINTR && errno != EAGAIN) {
            service->totals.send_errors++;
            next++;
        }
    }
    for (unsigned i = 0; i < service->reply_count; i++) buffers_return(&service->buffers, replying[i]);
    service->reply_count = 0;
}

static void reply(struct service *service, uint16_t index, char *payload, size_t length) {
    struct msghdr *header = service->by_requests ? &requests[index] : &replies[service->reply_count].msg_hdr;
    vectors[index] = (struct iovec){.iov_base = payload, .iov_len = length};
    *header = (struct msghdr){.msg_name = payload - sizeof(struct sockaddr_in),
                              .msg_namelen = sizeof(struct sockaddr_in),
                              .msg_iov = &vectors[index], .msg_iovlen = 1};
    if (!service->by_requests) {
        replying[service->reply_count++] = index;
        if (service->reply_count == BATCH) send_replies(service);
        return;
    }
    if (service->ring.pending == SUBMISSIONS) ring_enter(&service->ring, 0);
    *ring_prepare(&service->ring) = (struct io_uring_sqe){
        .opcode = IORING_OP_SENDMSG, .fd = service->descriptor, .addr = (uint64_t)(uintptr_t)header, .len = 1,
        .user_data = index};
}

static void take_datagram(struct service *service, uint16_t index, uint32_t length) {
    char *buffer = service->buffers.memory + (size_t)index * service->buffers.bytes_each;
    const struct io_uring_recvmsg_out *header = (const void *)buffer;
    if (service->totals.received == 0) peer_first_datagram();
    service->totals.received++;
    service->totals.bytes_received += length - PREFIX_BYTES;
    service->totals.truncated += (header->flags & MSG_TRUNC) != 0;
    if (service->echo) reply(service, index, buffer + PREFIX_BYTES, length - PREFIX_BYTES);
    else buffers_return(&service->buffers, index);
}

// True when the receive ended, as it does when the buffers ran out.
static bool take_completion(struct service *service, const struct io_uring_cqe *completion) {
    if (completion->user_data != RECEIVE_ID) {
        if (completion->res >= 0) service->totals.sent++;
        else service->totals.send_errors++;
        buffers_return(&service->buffers, (uint16_t)completion->user_data);
        return false;
    }
    if (completion->flags & IORING_CQE_F_BUFFER && completion->res >= (int)PREFIX_BYTES)
        take_datagram(service, (uint16_t)(completion->flags >> IORING_CQE_BUFFER_SHIFT), (uint32_t)completion->res);
    return !(completion->flags & IORING_CQE_F_MORE);
}

int main(int argc, char **argv) {
    struct peer_options options = peer_parse(argc, argv);
    peer_catch_signals(&options);
    struct service service = {.descriptor = peer_bind(&options), .ring = ring_open(SUBMISSIONS, COMPLETIONS),
                              .echo = options.echo, .by_requests = options.sqe};
    service.buffers = buffers_open(&service.ring, BUFFERS, SLOT_BYTES);
    peer_announce(service.descriptor);

    bool armed = false;
    while (!peer_stopping) {
        if (!armed) arm_receive(&service);
        armed = true;
        ring_enter(&service.ring, 1);
        uint32_t head = atomic_load_explicit(service.ring.complete_head, memory_order_relaxed);
        uint32_t tail = atomic_load_explicit(service.ring.complete_tail, memory_order_acquire);
        for (; head != tail; head++)
            if (take_completion(&service, &service.ring.completions[head & service.ring.complete_mask])) armed = false;
        atomic_store_explicit(service.ring.complete_head, head, memory_order_release);
        send_replies(&service);
        buffers_publish(&service.buffers);
    }
    close(service.descriptor);
    peer_report(&service.totals);
    return 0;
}
