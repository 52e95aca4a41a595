public import VolleyCore

/// The error number Linux gives a UDP socket for an ICMP or ICMPv6 error, and whether it is a hard error.
///
/// The rows are those of `icmp_err_convert` with its neighbours in `net/ipv4/icmp.c`, and of `icmpv6_err_convert` in
/// `net/ipv6/icmp.c`, as measured on Linux 6.18 for every type and code.
public struct ICMPErrno: Hashable, Sendable {
    /// The number, `errno` on Linux: 111 for `ECONNREFUSED`.
    public let rawValue: Int32
    /// Whether a connected socket gets it without asking (`IP_RECVERR`, `IPV6_RECVERR`).
    ///
    /// An error that is not hard is soft: only a socket that asked gets it. An unconnected socket that did not ask gets
    /// neither.
    public let isHard: Bool

    private init(_ rawValue: Int32, isHard: Bool) {
        self.rawValue = rawValue
        self.isHard = isHard
    }

    /// What the message does to a socket; `nil` when Linux ignores it.
    ///
    /// A hard `EMSGSIZE` (see ``isMessageSize``) depends on the socket's mode of path MTU discovery besides.
    ///
    /// - Parameters:
    ///   - family: IPv4 for ICMP, IPv6 for ICMPv6; others have no errors.
    ///   - type: the type of the message.
    ///   - code: its code.
    public init?(family: SocketAddress.Family, type: UInt8, code: UInt8) {
        let found: ICMPErrno? =
            switch family {
            case .ipv4: Self.icmp(type: type, code: code)
            case .ipv6: Self.icmpv6(type: type, code: code)
            default: nil
            }
        guard let found else { return nil }
        self = found
    }

    /// Whether this is `EMSGSIZE`, which a socket gets as its mode of path MTU discovery says.
    ///
    /// IPv4: nothing with `IP_PMTUDISC_DONT`. IPv6: with `DONT` only to who asked for errors, nothing with `INTERFACE`
    /// and `OMIT`. A hard error in all other modes.
    public var isMessageSize: Bool { self == .messageSize }

    /// The name in `errno.h`, `ECONNREFUSED`.
    public var name: String {
        switch rawValue {
        case 13: "EACCES"
        case 64: "ENONET"
        case 71: "EPROTO"
        case 90: "EMSGSIZE"
        case 92: "ENOPROTOOPT"
        case 95: "EOPNOTSUPP"
        case 101: "ENETUNREACH"
        case 111: "ECONNREFUSED"
        case 112: "EHOSTDOWN"
        default: "EHOSTUNREACH"
        }
    }

    // Linux on x86-64 and arm64.
    private static let messageSize = ICMPErrno(90, isHard: true)
    private static let connectionRefused = ICMPErrno(111, isHard: true)
    private static func access() -> ICMPErrno { ICMPErrno(13, isHard: true) }
    private static func protocolError(isHard: Bool) -> ICMPErrno { ICMPErrno(71, isHard: isHard) }
    private static func networkUnreachable(isHard: Bool) -> ICMPErrno { ICMPErrno(101, isHard: isHard) }
    private static func hostUnreachable(isHard: Bool) -> ICMPErrno { ICMPErrno(113, isHard: isHard) }

    private static func icmp(type: UInt8, code: UInt8) -> ICMPErrno? {
        switch type {
        case 3: destinationUnreachable(code: code)
        // The time to live ran out; that a datagram was not reassembled in time (1) concerns its receiver.
        case 11: code == 1 ? nil : hostUnreachable(isHard: false)
        case 12: protocolError(isHard: true)
        default: nil
        }
    }

    private static func destinationUnreachable(code: UInt8) -> ICMPErrno? {
        switch code {
        case 0, 11: networkUnreachable(isHard: false)
        case 1, 12: hostUnreachable(isHard: false)
        case 2: ICMPErrno(92, isHard: true)
        case 3: connectionRefused
        case 4: messageSize
        case 5: ICMPErrno(95, isHard: false)
        case 6, 9: networkUnreachable(isHard: true)
        case 7: ICMPErrno(112, isHard: true)
        case 8: ICMPErrno(64, isHard: true)
        case 10, 13...15: hostUnreachable(isHard: true)
        default: nil
        }
    }

    private static func icmpv6(type: UInt8, code: UInt8) -> ICMPErrno? {
        switch (type, code) {
        case (1, 0): networkUnreachable(isHard: false)
        case (1, 1), (1, 5), (1, 6): access()
        case (1, 2), (1, 3): hostUnreachable(isHard: false)
        case (1, 4): connectionRefused
        case (1, _): protocolError(isHard: true)
        case (2, _): messageSize
        case (3, _): hostUnreachable(isHard: false)
        case (4, _): protocolError(isHard: true)
        case (..<128, _): protocolError(isHard: false)
        default: nil
        }
    }
}

extension ICMPErrno: CustomStringConvertible {
    /// The same as ``name``.
    public var description: String { name }
}
