public import VolleyCore
public import VolleyWire

/// How many ICMP errors of one kind quote UDP datagrams.
public struct ICMPErrorCount: Hashable, Sendable {
    /// IPv4 for ICMP, IPv6 for ICMPv6.
    public let family: SocketAddress.Family
    /// The type of the messages.
    public let type: UInt8
    /// The code of the messages.
    public let code: UInt8
    /// The error number a socket gets; `nil` when Linux ignores the messages.
    public let errno: ICMPErrno?
    /// The number of messages.
    public let errors: Int
}

/// The counts by kind, at most 1,024 of them; the rest is counted as one.
struct ICMPErrorTable: Sendable {
    private static let kindsMax = 1_024
    private var counts: [UInt32: Int] = [:]
    private(set) var beyond = 0

    mutating func add(_ error: ICMPError) {
        let key = (error.family == .ipv6 ? 1 << 16 : 0) | UInt32(error.type) << 8 | UInt32(error.code)
        guard counts.count < Self.kindsMax || counts[key] != nil else {
            beyond += 1
            return
        }
        counts[key, default: 0] += 1
    }

    /// Those with most messages first; ties by family, type and code.
    var sorted: [ICMPErrorCount] {
        counts.sorted { left, right in left.value == right.value ? left.key < right.key : left.value > right.value }
            .map { key, count in
                let family: SocketAddress.Family = key >> 16 == 1 ? .ipv6 : .ipv4
                let (type, code) = (UInt8(key >> 8 & 0xff), UInt8(key & 0xff))
                return ICMPErrorCount(
                    family: family, type: type, code: code,
                    errno: ICMPErrno(family: family, type: type, code: code), errors: count)
            }
    }
}
