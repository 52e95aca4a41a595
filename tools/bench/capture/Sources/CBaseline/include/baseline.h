#ifndef CAPTURE_BENCH_BASELINE_H
#define CAPTURE_BENCH_BASELINE_H

#include <stdint.h>

// What a run saw; checksum mixes addresses, ports and lengths, so that nothing can be left out and all must agree.
struct baseline_result {
    uint64_t records;
    uint64_t delivered;
    uint64_t payload_bytes;
    uint64_t checksum;
};

// Both read a pcap file of Ethernet frames and decode UDP over IPv4, IPv6 and VLAN, with the length checks of ours.
// They return 0, or -1 when the file cannot be read.

// libpcap: pcap_open_offline and pcap_loop.
int baseline_libpcap(const char *path, struct baseline_result *result);
// The least there is: read(2) into 256 KiB and a loop over the records, little-endian microsecond pcap only.
int baseline_read(const char *path, struct baseline_result *result);

#endif
