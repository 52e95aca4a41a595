// libuv: uv_udp_recv_start and uv_udp_try_send; --vector asks for UV_UDP_RECVMMSG (at most 20 slots of 64 KiB).
#include "peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

enum { SLOT_BYTES = 65536, VECTOR_SLOTS = 20 };

static struct peer_options options;
static struct peer_totals totals;
static char slab[VECTOR_SLOTS * SLOT_BYTES];
static uv_loop_t *loop;

static void check(int result, const char *what) {
    if (result == 0) return;
    fprintf(stderr, "%s: %s\n", what, uv_strerror(result));
    exit(71);
}

static void give_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer) {
    (void)handle;
    (void)suggested;
    *buffer = uv_buf_init(slab, options.vector ? sizeof slab : SLOT_BYTES);
}

static void received(uv_udp_t *socket, ssize_t count, const uv_buf_t *buffer, const struct sockaddr *peer,
                     unsigned flags) {
    if (peer == NULL || count < 0 || (flags & UV_UDP_MMSG_FREE) != 0) return; // nothing left, or the slab is back
    if (totals.received == 0) peer_first_datagram();
    totals.received++;
    totals.bytes_received += (uint64_t)count;
    totals.truncated += (flags & UV_UDP_PARTIAL) != 0;
    if (!options.echo) return;
    uv_buf_t reply = uv_buf_init(buffer->base, (unsigned)count);
    if (uv_udp_try_send(socket, &reply, 1, peer) >= 0) totals.sent++;
    else totals.send_errors++;
}

static void stop_on_signal(uv_signal_t *handle, int number) {
    (void)handle;
    (void)number;
    uv_stop(loop);
}

static void stop_on_time(uv_timer_t *handle) {
    (void)handle;
    uv_stop(loop);
}

int main(int argc, char **argv) {
    static uv_udp_t socket;
    static uv_signal_t terminate, interrupt;
    static uv_timer_t timer;
    options = peer_parse(argc, argv);
    loop = uv_default_loop();
    check(uv_udp_init_ex(loop, &socket, AF_INET | (options.vector ? UV_UDP_RECVMMSG : 0)), "uv_udp_init_ex");
    check(uv_udp_bind(&socket, (const struct sockaddr *)&options.address, 0), "uv_udp_bind");
    check(uv_signal_init(loop, &terminate), "uv_signal_init");
    check(uv_signal_init(loop, &interrupt), "uv_signal_init");
    check(uv_signal_start(&terminate, stop_on_signal, SIGTERM), "uv_signal_start");
    check(uv_signal_start(&interrupt, stop_on_signal, SIGINT), "uv_signal_start");
    check(uv_timer_init(loop, &timer), "uv_timer_init");
    if (options.duration_seconds > 0)
        check(uv_timer_start(&timer, stop_on_time, (uint64_t)(options.duration_seconds * 1000), 0), "uv_timer_start");
    check(uv_udp_recv_start(&socket, give_buffer, received), "uv_udp_recv_start");
    uv_os_fd_t descriptor;
    check(uv_fileno((uv_handle_t *)&socket, &descriptor), "uv_fileno");
    peer_announce(descriptor);
    uv_run(loop, UV_RUN_DEFAULT);
    peer_report(&totals);
    return 0;
}
