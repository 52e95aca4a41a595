import VolleyCore
import VolleyWire

/// A TCP segment on its way through a simulated network (RFC 9293).
struct StreamSegment {
    struct Flags: OptionSet {
        let rawValue: UInt8
        static let fin = Flags(rawValue: 0x01)
        static let syn = Flags(rawValue: 0x02)
        static let reset = Flags(rawValue: 0x04)
        static let push = Flags(rawValue: 0x08)
        static let acknowledgement = Flags(rawValue: 0x10)
    }

    /// Bytes of a header without options; the segments of a simulation have none.
    static let headerLength = 20

    /// Where its first byte is in the stream; SYN and FIN take a place each.
    ///
    /// Both numbers count on without wrapping: 64 bits where the wire has 32, so that nobody has to tell which is later.
    var sequence: Int64
    /// The next place the sender expects to be sent something for.
    var acknowledgement: Int64
    var flags: Flags
    /// Bytes that the sender has room for.
    var window: Int
    var payload: [UInt8] = []

    /// How many places it takes.
    var length: Int64 {
        Int64(payload.count) + (flags.contains(.syn) ? 1 : 0) + (flags.contains(.fin) ? 1 : 0)
    }
}

extension StreamSegment {
    /// It as a bare IP packet, for captures; the window is given as it would be if it were never scaled.
    func packet(from source: SocketAddress, to destination: SocketAddress) -> [UInt8] {
        let isIPv6 = destination.family == .ipv6
        var segment: [UInt8] = []
        Self.append(UInt32(source.port) << 16 | UInt32(destination.port), to: &segment)
        Self.append(UInt32(truncatingIfNeeded: sequence), to: &segment)
        Self.append(UInt32(truncatingIfNeeded: acknowledgement), to: &segment)
        Self.append(0x5000_0000 | UInt32(flags.rawValue) << 16 | UInt32(min(window, 65_535)), to: &segment)
        Self.append(0, to: &segment)
        segment += payload
        var sum = InternetChecksum()
        sum.add(source.ip)
        sum.add(destination.ip)
        sum.add(UInt32(segment.count))
        sum.add(6 as UInt16)
        sum.add(RawSpan(segment.span))
        (segment[16], segment[17]) = (UInt8(sum.value >> 8), UInt8(sum.value & 0xff))
        return Self.ipHeader(source.ip, destination.ip, count: segment.count, isIPv6: isIPv6) + segment
    }

    private static func ipHeader(_ source: IPAddress, _ destination: IPAddress, count: Int, isIPv6: Bool) -> [UInt8] {
        var header: [UInt8] = []
        if isIPv6 {
            append(0x6000_0000, to: &header)
            append(UInt32(count) << 16 | 0x0640, to: &header)
        } else {
            append(0x4500_0000 | UInt32(count + 20), to: &header)
            append(0x0000_4000, to: &header)
            append(0x4006_0000, to: &header)
        }
        for address in [source, destination] {
            for index in 0..<address.octetCount { header.append(address.octet(index)) }
        }
        guard !isIPv6 else { return header }
        var sum = InternetChecksum()
        sum.add(RawSpan(header.span))
        (header[10], header[11]) = (UInt8(sum.value >> 8), UInt8(sum.value & 0xff))
        return header
    }

    private static func append(_ word: UInt32, to bytes: inout [UInt8]) {
        for shift in [24, 16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: word >> UInt32(shift))) }
    }
}
