import SystemPackage
import Testing

/// What Linux makes of each ICMP and ICMPv6 error about a UDP datagram, as measured on kernel 6.18 over all types and
/// codes, and found in its sources (`icmp_err_convert`, `icmpv6_err_convert`, `__udp4_lib_err`, `__udp6_lib_err`).
struct ICMPErrnoRow: Sendable, CustomTestStringConvertible {
    /// Who is told.
    enum Class: Sendable {
        /// Connected sockets, and with the error queue all.
        case hard
        /// Only with the error queue.
        case soft
        /// Nobody.
        case ignored
    }

    /// What the error queue adds (`ee_info`), of the ICMP header's second word.
    enum Info: Sendable {
        case zero
        /// The lower half: the MTU of the next hop.
        case mtu
        /// The first byte: the pointer.
        case pointer
        /// All of it.
        case word
    }

    let family: InternetFamily
    let types: ClosedRange<UInt8>
    let codes: ClosedRange<UInt8>
    let errno: Errno?
    let `class`: Class
    let info: Info

    init(
        _ family: InternetFamily, _ types: ClosedRange<UInt8>, _ codes: ClosedRange<UInt8>, _ errno: Errno?,
        _ class: Class, _ info: Info
    ) {
        self.family = family
        self.types = types
        self.codes = codes
        self.errno = errno
        self.class = `class`
        self.info = info
    }

    var testDescription: String { "\(family) types \(types) codes \(codes)" }

    /// The first, the last and one in the middle of the row's types, each with the same choice of its codes.
    var samples: [(type: UInt8, code: UInt8)] {
        func choice(_ range: ClosedRange<UInt8>) -> Set<UInt8> {
            [range.lowerBound, range.upperBound, range.lowerBound + (range.upperBound - range.lowerBound) / 2]
        }
        return choice(types).sorted().flatMap { type in choice(codes).sorted().map { (type, $0) } }
    }

    /// What `ee_info` is for a message with this second word.
    func info(of word: UInt32) -> UInt32 {
        switch info {
        case .zero: 0
        case .mtu: word & 0xffff
        case .pointer: word >> 24
        case .word: word
        }
    }

    static let table: [ICMPErrnoRow] = ipv4 + ipv6

    private static func ipv4(
        _ types: ClosedRange<UInt8>, _ codes: ClosedRange<UInt8>, _ errno: Errno? = nil, _ class: Class = .ignored,
        _ info: Info = .zero
    ) -> ICMPErrnoRow {
        ICMPErrnoRow(.v4, types, codes, errno, `class`, info)
    }

    private static func ipv6(
        _ types: ClosedRange<UInt8>, _ codes: ClosedRange<UInt8>, _ errno: Errno? = nil, _ class: Class = .ignored
    ) -> ICMPErrnoRow {
        ICMPErrnoRow(.v6, types, codes, errno, `class`, .word)
    }

    private static let ipv4: [ICMPErrnoRow] = [
        ipv4(0...2, 0...255),
        ipv4(3...3, 0...0, .networkUnreachable, .soft),
        ipv4(3...3, 1...1, .noRouteToHost, .soft),
        ipv4(3...3, 2...2, .protocolNotAvailable, .hard),
        ipv4(3...3, 3...3, .connectionRefused, .hard),
        ipv4(3...3, 4...4, .messageTooLong, .hard, .mtu),
        ipv4(3...3, 5...5, .notSupportedOnSocket, .soft),
        ipv4(3...3, 6...6, .networkUnreachable, .hard),
        ipv4(3...3, 7...7, .hostIsDown, .hard),
        ipv4(3...3, 8...8, Errno(rawValue: 64), .hard),
        ipv4(3...3, 9...9, .networkUnreachable, .hard),
        ipv4(3...3, 10...10, .noRouteToHost, .hard),
        ipv4(3...3, 11...11, .networkUnreachable, .soft),
        ipv4(3...3, 12...12, .noRouteToHost, .soft),
        ipv4(3...3, 13...15, .noRouteToHost, .hard),
        ipv4(3...3, 16...255),
        ipv4(4...4, 0...255),
        ipv4(5...5, 0...255),
        ipv4(6...10, 0...255),
        ipv4(11...11, 0...0, .noRouteToHost, .soft),
        ipv4(11...11, 1...1),
        ipv4(11...11, 2...255, .noRouteToHost, .soft),
        ipv4(12...12, 0...255, .protocolError, .hard, .pointer),
        ipv4(13...255, 0...255),
    ]

    private static let ipv6: [ICMPErrnoRow] = [
        ipv6(0...0, 0...255, .protocolError, .soft),
        ipv6(1...1, 0...0, .networkUnreachable, .soft),
        ipv6(1...1, 1...1, .permissionDenied, .hard),
        ipv6(1...1, 2...3, .noRouteToHost, .soft),
        ipv6(1...1, 4...4, .connectionRefused, .hard),
        ipv6(1...1, 5...6, .permissionDenied, .hard),
        ipv6(1...1, 7...255, .protocolError, .hard),
        ipv6(2...2, 0...255, .messageTooLong, .hard),
        ipv6(3...3, 0...255, .noRouteToHost, .soft),
        ipv6(4...4, 0...255, .protocolError, .hard),
        ipv6(5...127, 0...255, .protocolError, .soft),
        ipv6(128...136, 0...255),
        ipv6(137...137, 0...255),
        ipv6(138...255, 0...255),
    ]
}
