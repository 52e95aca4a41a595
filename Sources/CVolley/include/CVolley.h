// What Swift cannot import or call directly, each with the reason; nothing else belongs here.
#ifndef CVOLLEY_H
#define CVOLLEY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>

// struct epoll_event is packed on x86-64, which Swift's importer lays out wrongly; so its fields stay on this side.
typedef struct volley_epoll_event {
    uint32_t events;
    uint64_t data;
} volley_epoll_event;

static inline int volley_epoll_ctl(int epoll, int operation, int descriptor, uint32_t events, uint64_t data) {
    struct epoll_event event = {.events = events, .data = {.u64 = data}};
    return epoll_ctl(epoll, operation, descriptor, &event);
}

enum { VOLLEY_EPOLL_BATCH = 64 };

static inline int volley_epoll_wait(int epoll, volley_epoll_event *events, int count, int timeout_ms) {
    struct epoll_event ready[VOLLEY_EPOLL_BATCH];
    int result = epoll_wait(epoll, ready, count < VOLLEY_EPOLL_BATCH ? count : VOLLEY_EPOLL_BATCH, timeout_ms);
    for (int index = 0; index < result; index++) {
        events[index].events = ready[index].events;
        events[index].data = ready[index].data.u64;
    }
    return result;
}
#endif
