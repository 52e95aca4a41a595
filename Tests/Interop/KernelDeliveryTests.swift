import Foundation
import Testing
import VolleyCapture
import VolleyCore
import VolleyReplay
import VolleyWire

/// The same packets given to the kernel and to a replay: datagrams and errors have to be the same.
@Suite(
    "kernel and replay", .serialized, .timeLimit(.minutes(10)),
    .enabled(if: TunDevice.obstacle == nil, Comment(rawValue: TunDevice.obstacle ?? "")))
struct KernelDeliveryTests {
    private static let client = [address("192.0.2.7:40000"), address("[2001:db8::7]:40000")]
    private static let server = [address("198.51.100.1:5353"), address("[2001:db8::1]:5353")]
    private static let router = [address("203.0.113.9:0").ip, address("[2001:db8:9::9]:0").ip]

    /// Compares both, and says where they differ.
    private static func expectSame(_ delivery: KernelDelivery, _ name: Comment) {
        for (port, kernel) in delivery.kernel {
            let replay = delivery.replay[port]
            #expect(kernel.arrivals == replay?.arrivals, "\(name.rawValue), port \(port)")
            #expect(kernel.errors == replay?.errors, "\(name.rawValue), port \(port)")
        }
    }

    @Test("datagrams of all lengths, whole and in fragments", arguments: [0, 1])
    func datagrams(_ family: Int) throws {
        let writer = CaptureWriter(inMemory: .pcapng)
        var time: Int64 = 1_700_000_000_000_000_000
        for length in [0, 1, 7, 8, 512, 1_400, 9_000, 65_000] {
            let packet = try Self.datagram(family, (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 7) })
            for part in Self.fragments(of: packet, size: 1_480, identification: UInt16(length)) {
                time += 1_000
                try writer.write(RawSpan(part.span), at: time)
            }
        }
        // Out of order, and one that is never completed.
        let parts = Self.fragments(
            of: try Self.datagram(family, Array(repeating: 9, count: 4_000)), size: 1_024, identification: 77)
        for part in parts.reversed() { try writer.write(RawSpan(part.span), at: time) }
        for part in parts.dropFirst() { try writer.write(RawSpan(part.span), at: time) }
        let delivery = try KernelDelivery(of: writer.bytes)
        #expect(delivery.kernel.values.map(\.arrivals.count) == [9])
        Self.expectSame(delivery, "IPv\(family == 0 ? 4 : 6)")
    }

    @Test("every ICMP error that has an errno, and those that have none", arguments: [0, 1])
    func errors(_ family: Int) throws {
        let writer = CaptureWriter(inMemory: .pcapng)
        // Redirects, queries and neighbour discovery are not about datagrams.
        let types: [UInt8] = family == 0 ? [3, 4, 11, 12] : [1, 2, 3, 4, 5, 100, 127]
        var time: Int64 = 1_700_000_000_000_000_000
        for type in types {
            for code in (0...16).map(UInt8.init) + [255] {
                time += 1_000
                let packet = Self.error(family, type, code, word: 0x0b00_0578)
                try writer.write(RawSpan(packet.span), at: time)
            }
        }
        let delivery = try KernelDelivery(of: writer.bytes)
        #expect(delivery.kernel.values.map(\.errors.count) == [family == 0 ? 16 + 17 + 18 : 7 * 18])
        Self.expectSame(delivery, "IPv\(family == 0 ? 4 : 6)")
    }

    @Test("what is sent to groups and to everybody, and the local address that it has")
    func groups() throws {
        let writer = CaptureWriter(inMemory: .pcapng)
        var time: Int64 = 1_700_000_000_000_000_000
        // The first tells the replay which address the host has.
        let destinations = [
            "198.51.100.1:5353", "224.0.0.251:5353", "239.1.2.3:5353", "255.255.255.255:5353", "198.51.100.1:5353",
            "[2001:db8::1]:5353", "[ff02::fb]:5353", "[ff05::1:3]:5353",
        ].map(address)
        for (number, destination) in destinations.enumerated() {
            time += 1_000
            let payload = Array("number \(number)".utf8)
            try writer.writeDatagram(
                RawSpan(payload.span), from: Self.client[destination.ip.isIPv6 ? 1 : 0], to: destination, at: time)
        }
        let delivery = try KernelDelivery(of: writer.bytes, address: "198.51.100.1")
        #expect(delivery.kernel.values.map(\.arrivals.count).sorted() == [3, 5])
        Self.expectSame(delivery, "groups")
        let locals = delivery.kernel.values.flatMap(\.arrivals).compactMap { $0.local.map { "\($0)" } }
        #expect(Set(locals) == ["198.51.100.1", "2001:db8::1", "ff02::fb", "ff05::1:3"])
    }

    // MARK: Captures of others

    /// The folder beside the repository.
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("shared/captures")
    /// A capture with more takes more sockets than a test should open.
    private static let portsMax = 200

    @Test(
        "of others' captures the kernel delivers what a replay in its mode does, in the same order",
        .enabled(if: FileManager.default.fileExists(atPath: folder.path), "needs ../shared/captures"))
    func captures() throws {
        let files = FileManager.default.enumerator(atPath: Self.folder.path)
        var (datagrams, errors, captures) = (0, 0, 0)
        var unequal: [String] = []
        while let name = files?.nextObject() as? String {
            guard let data = try? Data(contentsOf: Self.folder.appendingPathComponent(name)), data.count < 4 << 20,
                let packets = try? CapturedPackets(Array(data)), 1...Self.portsMax ~= packets.ports.count
            else { continue }
            captures += 1
            let delivery = try KernelDelivery(of: Array(data)) { $0.decoding.delivery = .kernel }
            for (port, kernel) in delivery.kernel {
                guard var replay = delivery.replay[port] else { continue }
                // Addresses of a link (fe80::/10) are those of its devices only.
                replay.arrivals.removeAll { arrival in
                    arrival.local.map { $0.isIPv6 && $0.high >> 54 == 0x3fa } ?? false
                }
                datagrams += kernel.arrivals.count
                errors += kernel.errors.count
                let areSame =
                    kernel.arrivals.elementsEqual(replay.arrivals) { $0.agrees(with: $1) }
                    && kernel.errors.elementsEqual(replay.errors) { $0.agrees(with: $1) }
                if !areSame { unequal.append("\(name) \(port.any): \(kernel.counts) and \(replay.counts)") }
            }
        }
        #expect(unequal.isEmpty)
        #expect(captures > 0 && datagrams > 0 && errors > 0)
        print("kernel and replay agree on \(datagrams) datagrams and \(errors) errors of \(captures) captures")
    }

    // MARK: Packets

    private static func datagram(_ family: Int, _ payload: [UInt8]) throws -> [UInt8] {
        try [UInt8](capacity: UDPPacket.length(payloadLength: payload.count, isIPv6: family == 1)) { output in
            try UDPPacket.write(
                from: client[family], to: server[family], payload: RawSpan(payload.span), into: &output)
        }
    }

    /// The packet in parts of `size` bytes, if it is larger.
    private static func fragments(of packet: [UInt8], size: Int, identification: UInt16) -> [[UInt8]] {
        let isIPv6 = packet[0] >> 4 == 6
        let (header, content) = (Array(packet[..<(isIPv6 ? 40 : 20)]), Array(packet[(isIPv6 ? 40 : 20)...]))
        guard content.count > size else { return [packet] }
        return stride(from: 0, to: content.count, by: size).map { offset in
            let part = Array(content[offset..<min(content.count, offset + size)])
            let hasMore: UInt16 = offset + size < content.count ? 1 : 0
            if isIPv6 {
                let extra = [header[6], 0] + (UInt16(offset) | hasMore).octets + [0, 0] + identification.octets
                return Array(header[..<4]) + UInt16(8 + part.count).octets + [44] + header[7...] + extra + part
            }
            var bytes = header
            bytes.replaceSubrange(
                2..<8,
                with: UInt16(20 + part.count).octets + identification.octets
                    + (UInt16(offset / 8) | hasMore << 13).octets)
            return withHeaderChecksum(bytes) + part
        }
    }

    /// An error that a router sends about a datagram from the server to the client.
    private static func error(_ family: Int, _ type: UInt8, _ code: UInt8, word: UInt32) -> [UInt8] {
        let (from, to, router) = (server[family], client[family], router[family])
        let payload = Array("the datagram that failed".utf8)
        let udp = from.port.octets + to.port.octets + UInt16(8 + payload.count).octets + [0, 0] + payload
        let quote = packet(from.ip, to.ip, 17, udp)
        var message = [type, code, 0, 0] + word.octets + quote
        let pseudo =
            family == 0 ? [] : router.octets + from.ip.octets + UInt32(message.count).octets + [0, 0, 0, 58]
        message.replaceSubrange(2..<4, with: checksum(pseudo + message).octets)
        return packet(router, from.ip, family == 0 ? 1 : 58, message)
    }

    private static func packet(_ source: IPAddress, _ destination: IPAddress, _ number: UInt8, _ content: [UInt8])
        -> [UInt8]
    {
        if source.isIPv6 {
            return [0x60, 0, 0, 0] + UInt16(content.count).octets + [number, 64] + source.octets + destination.octets
                + content
        }
        return withHeaderChecksum(
            [0x45, 0] + UInt16(20 + content.count).octets + [0, 0, 0, 0, 64, number, 0, 0] + source.octets
                + destination.octets) + content
    }

    private static func withHeaderChecksum(_ header: [UInt8]) -> [UInt8] {
        var header = header
        header.replaceSubrange(10..<12, with: [0, 0])
        header.replaceSubrange(10..<12, with: checksum(header).octets)
        return header
    }

    private static func checksum(_ bytes: [UInt8]) -> UInt16 {
        var sum: UInt32 = 0
        for index in bytes.indices { sum += index % 2 == 0 ? UInt32(bytes[index]) << 8 : UInt32(bytes[index]) }
        while sum >> 16 != 0 { sum = sum & 0xffff + sum >> 16 }
        return UInt16(truncatingIfNeeded: ~sum)
    }
}

extension Delivery {
    fileprivate var counts: String { "\(arrivals.count) datagrams, \(errors.count) errors" }
}

extension DatagramError {
    /// Whether this is the same error; of the datagram that failed, one may quote more than the other.
    ///
    /// What routers append to a quote (RFC 4884) the kernel takes for a part of it.
    fileprivate func agrees(with other: DatagramError) -> Bool {
        let common = min(quoted.count, other.quoted.count)
        return errno == other.errno && origin == other.origin && peer == other.peer && info == other.info
            && quoted.prefix(common) == other.quoted.prefix(common)
    }
}

extension FixedWidthInteger {
    /// The bytes in network order.
    fileprivate var octets: [UInt8] {
        (0..<bitWidth / 8).map { UInt8(truncatingIfNeeded: self >> (bitWidth - 8 - 8 * $0)) }
    }
}

extension IPAddress {
    /// The address as a header has it.
    fileprivate var octets: [UInt8] { isIPv6 ? high.octets + low.octets : UInt32(truncatingIfNeeded: low).octets }
}
