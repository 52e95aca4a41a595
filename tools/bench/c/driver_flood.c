// Sends without waiting for anybody.
#define _GNU_SOURCE
#include "driver.h"

#include <stdio.h>
#include <unistd.h>

int drive_flood(const struct driver_options *options) {
    int descriptor = driver_connect(options);
    struct burst burst;
    driver_prepare_burst(descriptor, options, BURST_MAX, &burst);

    uint64_t sent = 0;
    double started = driver_now(), elapsed = 0;
    while (elapsed < options->seconds && (options->count == 0 || sent < options->count)) {
        driver_send_all(descriptor, burst.headers, burst.messages);
        sent += burst.datagrams;
        elapsed = driver_now() - started;
    }
    close(descriptor);
    printf("{\"driver\": \"flood\", \"segments\": %u, \"sent\": %llu, \"seconds\": %.6f}\n", burst.segments,
           (unsigned long long)sent, elapsed);
    return 0;
}
