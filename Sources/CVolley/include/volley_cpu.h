// Processors and threads, as Linux itself has them.
#ifndef VOLLEY_CPU_H
#define VOLLEY_CPU_H

#include <linux/membarrier.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

// cpu_set_t and its macros need _GNU_SOURCE, which CVolley.h says why it does without, and hold 1024 processors only.
enum { VOLLEY_CPU_WORDS = 128 }; // 8192 processors

// The processors the calling thread may run on, as a bit mask; returns 0, or -1 with errno.
static inline int volley_get_affinity(uint64_t *words) {
    for (int i = 0; i < VOLLEY_CPU_WORDS; i++) words[i] = 0;
    return syscall(SYS_sched_getaffinity, 0, VOLLEY_CPU_WORDS * sizeof *words, words) < 0 ? -1 : 0;
}

static inline int volley_set_affinity(const uint64_t *words) {
    return (int)syscall(SYS_sched_setaffinity, 0, VOLLEY_CPU_WORDS * sizeof *words, words);
}

// syscall(2) is variadic. Returns once every processor has left the kernel code it was in that is protected by RCU, which
// the way of a packet from the choice of its socket to that socket's queue is.
static inline int volley_wait_for_packets_under_way(void) {
    return (int)syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
}

#endif
