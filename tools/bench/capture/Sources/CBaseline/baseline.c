#include "baseline.h"

#include <fcntl.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint16_t be16(const uint8_t *p) { return (uint16_t)(p[0] << 8 | p[1]); }
static uint32_t be32(const uint8_t *p) { return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3]; }

static void udp(struct baseline_result *r, const uint8_t *p, uint32_t captured, uint32_t offset, uint32_t end,
                uint32_t source, uint32_t destination)
{
    if (end - offset < 8 || offset + 8 > captured) return;
    uint32_t length = be16(p + offset + 4);
    if (length < 8 || length > end - offset || offset + length > captured) return;
    r->delivered++;
    r->payload_bytes += length - 8;
    r->checksum = r->checksum * 31 + (source ^ destination ^ be16(p + offset) ^ be16(p + offset + 2) ^ (length - 8));
}

static void ipv4(struct baseline_result *r, const uint8_t *p, uint32_t captured, uint32_t wire, uint32_t at)
{
    if (captured < at + 20 || p[at] >> 4 != 4) return;
    uint32_t header = (p[at] & 15) * 4, total = be16(p + at + 2);
    if (header < 20 || total < header || at + total > wire) return;
    if (be16(p + at + 6) & 0x3fff || p[at + 9] != 17) return;
    udp(r, p, captured, at + header, at + total, be32(p + at + 12), be32(p + at + 16));
}

static void ipv6(struct baseline_result *r, const uint8_t *p, uint32_t captured, uint32_t wire, uint32_t at)
{
    if (captured < at + 40 || p[at] >> 4 != 6) return;
    uint32_t end = at + 40 + be16(p + at + 4), offset = at + 40;
    if (end > wire) return;
    uint8_t next = p[at + 6];
    while (next == 0 || next == 43 || next == 60 || next == 135 || next == 44) {
        if (end - offset < 8 || offset + 8 > captured) return;
        if (next == 44 && be16(p + offset + 2) & 0xfff9) return;
        uint32_t length = next == 44 ? 8 : 8 + p[offset + 1] * 8;
        next = p[offset];
        offset += length;
        if (offset > end) return;
    }
    if (next != 17) return;
    udp(r, p, captured, offset, end, be32(p + at + 20), be32(p + at + 36));
}

static void ethernet(struct baseline_result *r, const uint8_t *p, uint32_t captured, uint32_t wire)
{
    r->records++;
    if (captured < 14) return;
    if (wire < captured) wire = captured;
    uint32_t at = 14;
    uint16_t type = be16(p + 12);
    while (type == 0x8100 || type == 0x88a8 || type == 0x9100) {
        if (captured < at + 4) return;
        type = be16(p + at + 2);
        at += 4;
    }
    if (type == 0x0800) ipv4(r, p, captured, wire, at);
    else if (type == 0x86dd) ipv6(r, p, captured, wire, at);
}

static void packet(u_char *user, const struct pcap_pkthdr *header, const u_char *bytes)
{
    ethernet((struct baseline_result *)user, bytes, header->caplen, header->len);
}

int baseline_libpcap(const char *path, struct baseline_result *result)
{
    char error[PCAP_ERRBUF_SIZE];
    memset(result, 0, sizeof *result);
    pcap_t *capture = pcap_open_offline(path, error);
    if (!capture) return -1;
    int status = pcap_loop(capture, -1, packet, (u_char *)result);
    pcap_close(capture);
    return status == 0 ? 0 : -1;
}

int baseline_read(const char *path, struct baseline_result *result)
{
    enum { capacity = 256 * 1024 };
    memset(result, 0, sizeof *result);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    uint8_t *buffer = malloc(capacity);
    size_t filled = 0, position = 0;
    int skipped_header = 0;
    ssize_t count;
    while ((count = read(fd, buffer + filled, capacity - filled)) > 0) {
        filled += (size_t)count;
        if (!skipped_header) {
            if (filled < 24) continue;
            position = 24;
            skipped_header = 1;
        }
        while (filled - position >= 16) {
            uint32_t lengths[2];
            memcpy(lengths, buffer + position + 8, sizeof lengths);
            if (lengths[0] > filled - position - 16) break;
            ethernet(result, buffer + position + 16, lengths[0], lengths[1]);
            position += 16 + lengths[0];
        }
        memmove(buffer, buffer + position, filled - position);
        filled -= position;
        position = 0;
        if (filled == capacity) break;
    }
    free(buffer);
    close(fd);
    return count == 0 && filled == 0 ? 0 : -1;
}
