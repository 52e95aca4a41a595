// The ceiling of stream echoes: one epoll loop, level-triggered, one recv and one send for each readable event. Prints
// `listening on ADDRESS`, serves until its input ends. What a client does not take at once waits in a buffer of its own.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS_MAX = 64, BUFFER = 65536, EXIT_OS_ERROR = 71 };

struct client {
    int descriptor;
    char *pending;
    size_t start, end;
};

static char buffer[BUFFER];

static void check(int result, const char *what) {
    if (result >= 0) return;
    perror(what);
    exit(EXIT_OS_ERROR);
}

static void watch(int set, int operation, struct client *client, unsigned events) {
    struct epoll_event event = {.events = events, .data.ptr = client};
    check(epoll_ctl(set, operation, client->descriptor, &event), "epoll_ctl");
}

static void end_client(struct client *client) {
    close(client->descriptor);
    free(client->pending);
    free(client);
}

static void accept_all(int set, int listener) {
    for (;;) {
        int descriptor = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (descriptor < 0) return;
        struct client *client = calloc(1, sizeof *client);
        client->descriptor = descriptor;
        watch(set, EPOLL_CTL_ADD, client, EPOLLIN);
    }
}

// Returns 0 when the client has gone.
static int send_pending(int set, struct client *client) {
    ssize_t sent = send(client->descriptor, client->pending + client->start, client->end - client->start, MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN;
    client->start += (size_t)sent;
    if (client->start < client->end) return 1;
    free(client->pending);
    client->pending = NULL;
    watch(set, EPOLL_CTL_MOD, client, EPOLLIN);
    return 1;
}

static int echo(int set, struct client *client) {
    ssize_t count = recv(client->descriptor, buffer, sizeof buffer, 0);
    if (count < 0) return errno == EAGAIN;
    if (count == 0) return 0;
    ssize_t sent = send(client->descriptor, buffer, (size_t)count, MSG_NOSIGNAL);
    if (sent == count) return 1;
    if (sent < 0 && errno != EAGAIN) return 0;
    if (sent < 0) sent = 0;
    client->end = (size_t)(count - sent);
    client->start = 0;
    client->pending = malloc(client->end);
    memcpy(client->pending, buffer + sent, client->end);
    watch(set, EPOLL_CTL_MOD, client, EPOLLOUT);
    return 1;
}

int main(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int one = 1;
    struct client listener = {.descriptor = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    struct client input = {.descriptor = STDIN_FILENO};
    check(listener.descriptor, "socket");
    check(setsockopt(listener.descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one), "TCP_NODELAY");
    check(bind(listener.descriptor, (struct sockaddr *)&address, sizeof address), "bind");
    check(listen(listener.descriptor, 1024), "listen");
    check(getsockname(listener.descriptor, (struct sockaddr *)&address, &length), "getsockname");
    int set = epoll_create1(EPOLL_CLOEXEC);
    check(set, "epoll_create1");
    watch(set, EPOLL_CTL_ADD, &listener, EPOLLIN);
    watch(set, EPOLL_CTL_ADD, &input, EPOLLIN);
    printf("listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
    fflush(stdout);
    for (;;) {
        struct epoll_event events[EVENTS_MAX];
        int count = epoll_wait(set, events, EVENTS_MAX, -1);
        for (int index = 0; index < count; index++) {
            struct client *client = events[index].data.ptr;
            if (client == &input) {
                if (read(STDIN_FILENO, buffer, sizeof buffer) <= 0) return 0;
            } else if (client == &listener) {
                accept_all(set, listener.descriptor);
            } else if (!(client->pending ? send_pending(set, client) : echo(set, client))) {
                end_client(client);
            }
        }
    }
}
