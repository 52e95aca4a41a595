// Sends without waiting for anybody, from one socket or from several in turn.
#define _GNU_SOURCE
#include "driver.h"

#include <stdio.h>
#include <unistd.h>

int drive_flood(const struct driver_options *options) {
    int descriptors[SOURCES_MAX];
    struct burst burst;
    for (unsigned i = 0; i < options->sources; i++) {
        descriptors[i] = driver_connect(options);
        driver_prepare_burst(descriptors[i], options, BURST_MAX, &burst); // the same for all
    }

    uint64_t sent = 0;
    double started = driver_now(), elapsed = 0;
    for (unsigned i = 0; elapsed < options->seconds && (options->count == 0 || sent < options->count); i++) {
        driver_send_all(descriptors[i % options->sources], burst.headers, burst.messages);
        sent += burst.datagrams;
        elapsed = driver_now() - started;
    }
    for (unsigned i = 0; i < options->sources; i++) close(descriptors[i]);
    printf("{\"driver\": \"flood\", \"segments\": %u, \"sources\": %u, \"sent\": %llu, \"seconds\": %.6f}\n",
           burst.segments, options->sources, (unsigned long long)sent, elapsed);
    return 0;
}
