// What Swift cannot import or call directly, each with the reason; nothing else belongs here.
#ifndef CVOLLEY_H
#define CVOLLEY_H

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "volley_cpu.h"
#include "volley_errors.h"
#include "volley_filter.h"
#include "volley_handover.h"
#include "volley_process.h"
#include "volley_stream.h"

// struct epoll_event is packed on x86-64, and Glibc's module does not export epoll: its fields stay on this side.
typedef struct volley_event {
    uint64_t data;
    uint32_t events;
} volley_event;

enum {
    VOLLEY_EVENTS_MAX = 64,
    VOLLEY_READABLE = EPOLLIN,
    VOLLEY_WRITABLE = EPOLLOUT,
    VOLLEY_ERROR = EPOLLERR,
    VOLLEY_HANGUP = EPOLLHUP,
};

static inline int volley_epoll_create(void) { return epoll_create1(EPOLL_CLOEXEC); }

static inline int volley_epoll_add(int epoll, int descriptor, uint32_t events, uint64_t data) {
    struct epoll_event event = {.events = events, .data = {.u64 = data}};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event);
}

static inline int volley_epoll_modify(int epoll, int descriptor, uint32_t events, uint64_t data) {
    struct epoll_event event = {.events = events, .data = {.u64 = data}};
    return epoll_ctl(epoll, EPOLL_CTL_MOD, descriptor, &event);
}

static inline int volley_epoll_remove(int epoll, int descriptor) {
    struct epoll_event event = {0};
    return epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, &event);
}

// Waits up to timeout_ns (negative: for ever). epoll_pwait2 keeps timers to the nanosecond; before Linux 5.11, which
// lacks it, the timeout is rounded up to a millisecond.
static inline int volley_epoll_wait(int epoll, volley_event *events, int64_t timeout_ns) {
    struct epoll_event ready[VOLLEY_EVENTS_MAX];
    struct timespec timeout = {.tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000};
    int count = epoll_pwait2(epoll, ready, VOLLEY_EVENTS_MAX, timeout_ns < 0 ? NULL : &timeout, NULL);
    if (count < 0 && errno == ENOSYS) {
        int64_t timeout_ms = timeout_ns < 0 ? -1 : (timeout_ns + 999999) / 1000000;
        count = epoll_wait(epoll, ready, VOLLEY_EVENTS_MAX, timeout_ms > INT32_MAX ? INT32_MAX : (int)timeout_ms);
    }
    for (int index = 0; index < count; index++) {
        events[index].data = ready[index].data.u64;
        events[index].events = ready[index].events;
    }
    return count;
}

// Of poll.h, which declares it under _GNU_SOURCE only.
extern int ppoll(struct pollfd *, nfds_t, const struct timespec *, const sigset_t *);

// Waits up to timeout_ns (negative: for ever).
static inline int volley_poll(struct pollfd *descriptors, unsigned long count, int64_t timeout_ns) {
    struct timespec timeout = {.tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000};
    return ppoll(descriptors, count, timeout_ns < 0 ? NULL : &timeout, NULL);
}

// Glibc's module exports neither eventfd nor signalfd.
static inline int volley_eventfd(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

static inline int volley_signalfd(int descriptor, const sigset_t *signals) {
    return signalfd(descriptor, signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

// What a thread does that receives a signal which is meant for a signalfd: it blocks the signal for itself from now on and
// passes it on, until it stays pending for the descriptor. Threads that others have started need not be known for that.
static inline void volley_pass_on(int signal, siginfo_t *info, void *context) {
    (void)info;
    sigaddset(&((ucontext_t *)context)->uc_sigmask, signal);
    kill(getpid(), signal);
}

static inline int volley_divert_signal(int signal) {
    struct sigaction action = {.sa_sigaction = volley_pass_on, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigemptyset(&action.sa_mask);
    return sigaction(signal, &action, NULL);
}

// The number of the next pending signal, 0 when there is none.
static inline int volley_signalfd_read(int descriptor) {
    struct signalfd_siginfo info;
    return read(descriptor, &info, sizeof info) == sizeof info ? (int)info.ssi_signo : 0;
}

// Under _GNU_SOURCE these take transparent unions, which Swift cannot pass.
static inline int volley_bind(int descriptor, const void *name, uint32_t length) {
    return bind(descriptor, (const struct sockaddr *)name, length);
}

static inline int volley_connect(int descriptor, const void *name, uint32_t length) {
    return connect(descriptor, (const struct sockaddr *)name, length);
}

static inline int volley_getsockname(int descriptor, void *name, uint32_t *length) {
    return getsockname(descriptor, (struct sockaddr *)name, length);
}

static inline int volley_getpeername(int descriptor, void *name, uint32_t *length) {
    return getpeername(descriptor, (struct sockaddr *)name, length);
}

#include "volley_control.h"
#include "volley_probe.h"

#endif
