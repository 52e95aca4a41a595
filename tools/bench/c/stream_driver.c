// Drives an echo server of streams: CONNECTIONS of which ACTIVE each have one message of SIZE bytes under way, for
// SECONDS; the others stay idle. Every reply is compared with what was sent. Prints one line: messages, seconds.
//     stream_driver PORT SIZE ACTIVE IDLE SECONDS
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS_MAX = 256, EXIT_OS_ERROR = 71, EXIT_WRONG = 1, EXIT_USAGE = 64 };

struct client {
    int descriptor;
    size_t sent, received;
};

static char *message, *reply;
static size_t size;

static void check(int result, const char *what) {
    if (result >= 0) return;
    perror(what);
    exit(EXIT_OS_ERROR);
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

// Each 20,000 connections have a loopback address of their own, since one address has ports for about 28,000.
static int connect_to(int port, long index) {
    struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct sockaddr_in own = {.sin_family = AF_INET};
    int one = 1;
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(descriptor, "socket");
    peer.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    own.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (uint32_t)(index / 20000));
    check(setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one), "TCP_NODELAY");
    if (index >= 20000) check(bind(descriptor, (struct sockaddr *)&own, sizeof own), "bind");
    check(connect(descriptor, (struct sockaddr *)&peer, sizeof peer), "connect");
    return descriptor;
}

static void push(struct client *client) {
    while (client->sent < size) {
        ssize_t count =
            send(client->descriptor, message + client->sent, size - client->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count < 0 && errno == EAGAIN) return;
        check((int)count, "send");
        client->sent += (size_t)count;
    }
}

// Returns 1 when the message has come back whole.
static int pull(struct client *client) {
    ssize_t count = recv(client->descriptor, reply, size - client->received, MSG_DONTWAIT);
    if (count < 0 && errno == EAGAIN) return 0;
    check((int)count, "recv");
    if (count == 0 || memcmp(reply, message + client->received, (size_t)count) != 0) {
        fprintf(stderr, count ? "a reply is not what was sent\n" : "the server has hung up\n");
        exit(EXIT_WRONG);
    }
    client->received += (size_t)count;
    return client->received == size;
}

int main(int argc, char **argv) {
    if (argc != 6) return EXIT_USAGE;
    int port = atoi(argv[1]);
    size = (size_t)atol(argv[2]);
    long active = atol(argv[3]), idle = atol(argv[4]);
    double seconds = atof(argv[5]);
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    message = malloc(size);
    reply = malloc(size);
    for (size_t index = 0; index < size; index++) message[index] = (char)(index * 31 + index / 256);
    struct client *clients = calloc((size_t)active, sizeof *clients);
    int set = epoll_create1(EPOLL_CLOEXEC);
    for (long index = 0; index < idle; index++) connect_to(port, index);
    for (long index = 0; index < active; index++) {
        clients[index].descriptor = connect_to(port, idle + index);
        struct epoll_event event = {.events = EPOLLIN | (size > 16384 ? EPOLLOUT : 0), .data.ptr = &clients[index]};
        if (size > 16384) event.events |= EPOLLET;
        check(epoll_ctl(set, EPOLL_CTL_ADD, clients[index].descriptor, &event), "epoll_ctl");
    }
    unsigned long messages = 0;
    double start = now(), end = start + seconds;
    for (long index = 0; index < active; index++) push(&clients[index]);
    while (now() < end) {
        struct epoll_event events[EVENTS_MAX];
        int count = epoll_wait(set, events, EVENTS_MAX, 100);
        for (int index = 0; index < count; index++) {
            struct client *client = events[index].data.ptr;
            push(client);
            size_t before;
            do {
                before = client->received;
                if (!pull(client)) continue;
                messages++;
                client->sent = client->received = 0;
                push(client);
                break;
            } while (client->received != before);
        }
    }
    printf("%lu %.6f\n", messages, now() - start);
    return 0;
}
