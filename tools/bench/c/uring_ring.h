// The little of io_uring that one receiver needs, by raw system calls: the two rings, and a ring of provided buffers.
#ifndef BENCH_URING_RING_H
#define BENCH_URING_RING_H

#include <errno.h>
#include <linux/io_uring.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { RING_OS_ERROR = 71, RING_PATIENCE_NANOSECONDS = 100 * 1000 * 1000 };

struct ring {
    int descriptor;
    _Atomic uint32_t *submit_tail, *complete_head, *complete_tail;
    uint32_t submit_mask, complete_mask, pending; // pending: prepared, not yet given to the kernel
    struct io_uring_sqe *entries;
    struct io_uring_cqe *completions;
};

struct buffer_ring {
    struct io_uring_buf_ring *shared;
    char *memory;
    uint32_t count, bytes_each;
    uint16_t tail;
};

static inline void *ring_check(void *pointer, const char *what) {
    if (pointer != MAP_FAILED) return pointer;
    perror(what);
    exit(RING_OS_ERROR);
}

// One thread submits, and completions run inside its own waits: the cheapest mode there is.
static inline struct ring ring_open(uint32_t submissions, uint32_t completions) {
    struct io_uring_params parameters = {.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                                                  IORING_SETUP_CQSIZE,
                                         .cq_entries = completions};
    int descriptor = (int)syscall(SYS_io_uring_setup, submissions, &parameters);
    if (descriptor < 0 || !(parameters.features & IORING_FEAT_SINGLE_MMAP) ||
        !(parameters.features & IORING_FEAT_EXT_ARG)) {
        perror("io_uring_setup (Linux 6.1 or later, and io_uring allowed)");
        exit(RING_OS_ERROR);
    }
    size_t submit_bytes = parameters.sq_off.array + parameters.sq_entries * sizeof(uint32_t);
    size_t complete_bytes = parameters.cq_off.cqes + parameters.cq_entries * sizeof(struct io_uring_cqe);
    char *rings = ring_check(mmap(NULL, submit_bytes > complete_bytes ? submit_bytes : complete_bytes,
                                  PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, descriptor, IORING_OFF_SQ_RING),
                             "mmap of the rings");
    uint32_t *order = (uint32_t *)(rings + parameters.sq_off.array);
    for (uint32_t i = 0; i < parameters.sq_entries; i++) order[i] = i;
    return (struct ring){
        .descriptor = descriptor,
        .submit_tail = (_Atomic uint32_t *)(rings + parameters.sq_off.tail),
        .complete_head = (_Atomic uint32_t *)(rings + parameters.cq_off.head),
        .complete_tail = (_Atomic uint32_t *)(rings + parameters.cq_off.tail),
        .submit_mask = *(uint32_t *)(rings + parameters.sq_off.ring_mask),
        .complete_mask = *(uint32_t *)(rings + parameters.cq_off.ring_mask),
        .entries = ring_check(mmap(NULL, parameters.sq_entries * sizeof(struct io_uring_sqe), PROT_READ | PROT_WRITE,
                                   MAP_SHARED | MAP_POPULATE, descriptor, IORING_OFF_SQES), "mmap of the entries"),
        .completions = (struct io_uring_cqe *)(rings + parameters.cq_off.cqes)};
}

// The next free entry; the caller fills in all of it. More than the ring holds must not be prepared at once.
static inline struct io_uring_sqe *ring_prepare(struct ring *ring) {
    uint32_t tail = atomic_load_explicit(ring->submit_tail, memory_order_relaxed);
    struct io_uring_sqe *entry = &ring->entries[tail & ring->submit_mask];
    atomic_store_explicit(ring->submit_tail, tail + 1, memory_order_release);
    ring->pending++;
    return entry;
}

// Submits what is prepared and waits for `wanted` completions, a signal, or 100 ms. Idle, it also sleeps for a moment:
// valgrind (3.19) does not know that io_uring_enter may block, and delivers no signal there.
static inline void ring_enter(struct ring *ring, uint32_t wanted) {
    struct __kernel_timespec patience = {.tv_nsec = RING_PATIENCE_NANOSECONDS};
    struct io_uring_getevents_arg argument = {.ts = (uint64_t)(uintptr_t)&patience};
    long submitted = syscall(SYS_io_uring_enter, ring->descriptor, ring->pending, wanted,
                             IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &argument, sizeof argument);
    if (submitted > 0) ring->pending -= (uint32_t)submitted;
    if (submitted < 0 && errno != EINTR && errno != ETIME && errno != EAGAIN && errno != EBUSY) {
        perror("io_uring_enter");
        exit(RING_OS_ERROR);
    }
    if (submitted < 0 && errno == ETIME) nanosleep(&(struct timespec){.tv_nsec = 1}, NULL);
}

// Gives a buffer to the kernel; buffers_publish makes it visible.
static inline void buffers_return(struct buffer_ring *buffers, uint16_t index) {
    struct io_uring_buf *place = &buffers->shared->bufs[buffers->tail++ & (buffers->count - 1)];
    place->addr = (uint64_t)(uintptr_t)(buffers->memory + (size_t)index * buffers->bytes_each);
    place->len = buffers->bytes_each;
    place->bid = index;
}

static inline void buffers_publish(struct buffer_ring *buffers) {
    atomic_store_explicit((_Atomic uint16_t *)&buffers->shared->tail, buffers->tail, memory_order_release);
}

// `count` buffers, a power of two, as group 0 of the ring.
static inline struct buffer_ring buffers_open(const struct ring *ring, uint32_t count, uint32_t bytes_each) {
    int flags = MAP_PRIVATE | MAP_ANONYMOUS;
    struct buffer_ring buffers = {.count = count, .bytes_each = bytes_each};
    buffers.shared = ring_check(mmap(NULL, count * sizeof(struct io_uring_buf), PROT_READ | PROT_WRITE, flags, -1, 0),
                                "mmap of the buffer ring");
    buffers.memory = ring_check(mmap(NULL, (size_t)count * bytes_each, PROT_READ | PROT_WRITE, flags, -1, 0),
                                "mmap of the buffers");
    struct io_uring_buf_reg registration = {.ring_addr = (uint64_t)(uintptr_t)buffers.shared, .ring_entries = count};
    if (syscall(SYS_io_uring_register, ring->descriptor, IORING_REGISTER_PBUF_RING, &registration, 1) != 0) {
        perror("IORING_REGISTER_PBUF_RING");
        exit(RING_OS_ERROR);
    }
    for (uint32_t i = 0; i < count; i++) buffers_return(&buffers, (uint16_t)i);
    buffers_publish(&buffers);
    return buffers;
}

#endif
