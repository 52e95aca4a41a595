// The recvmmsg loop of a service that has more than one descriptor to wait for: here a timer and an eventfd that stay
// silent. It sleeps in epoll_wait, or with --poll in ppoll on the socket and on the epoll set of all the others. The
// difference is what an arriving datagram costs: a socket in an epoll set makes the kernel call the set for each one,
// asleep or not, while poll leaves the wait queue of the socket empty unless the receiver sleeps.
#define _GNU_SOURCE
#include "batch.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_OS_ERROR = 71, EVENTS_MAX = 8, PATIENCE_MILLISECONDS = 100 };

static void check(int result, const char *what) {
    if (result >= 0) return;
    perror(what);
    exit(EXIT_OS_ERROR);
}

static void watch(int set, int descriptor) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = descriptor};
    check(epoll_ctl(set, EPOLL_CTL_ADD, descriptor, &event), "epoll_ctl");
}

// Sleeps until the socket is readable; false after a signal or the patience.
static bool wait_in_epoll(int set) {
    struct epoll_event events[EVENTS_MAX];
    return epoll_wait(set, events, EVENTS_MAX, PATIENCE_MILLISECONDS) > 0;
}

static bool wait_in_poll(int descriptor, int set) {
    struct pollfd watched[] = {{.fd = descriptor, .events = POLLIN}, {.fd = set, .events = POLLIN}};
    struct timespec patience = {.tv_nsec = PATIENCE_MILLISECONDS * 1000000};
    if (ppoll(watched, 2, &patience, NULL) <= 0) return false;
    if (watched[1].revents != 0) wait_in_epoll(set);
    return watched[0].revents != 0;
}

int main(int argc, char **argv) {
    struct peer_options options = peer_parse(argc, argv);
    peer_catch_signals(&options);
    int descriptor = peer_bind(&options);
    int set = epoll_create1(EPOLL_CLOEXEC);
    int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    check(set, "epoll_create1");
    check(event, "eventfd");
    check(timer, "timerfd_create");
    watch(set, event);
    watch(set, timer);
    if (!options.poll) watch(set, descriptor);
    prepare_headers();
    peer_announce(descriptor);

    struct peer_totals totals = {0};
    while (!peer_stopping) {
        if (!(options.poll ? wait_in_poll(descriptor, set) : wait_in_epoll(set))) continue;
        int count;
        do { // a batch that is not full has emptied the queue
            count = recvmmsg(descriptor, headers, BATCH, MSG_DONTWAIT, NULL);
            if (count > 0) take_batch(descriptor, count, options.echo, &totals);
        } while (count == BATCH && !peer_stopping);
    }
    close(descriptor);
    peer_report(&totals);
    return 0;
}
