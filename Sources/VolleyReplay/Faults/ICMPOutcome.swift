internal import SystemPackage
internal import VolleyCore

/// What Linux makes of an ICMP or ICMPv6 error about a UDP datagram: `icmp_err_convert` and `icmpv6_err_convert`.
struct ICMPOutcome {
    /// The error number a socket sees.
    let errno: Errno
    /// Whether a connected socket sees it without having asked for the error queue.
    let isHard: Bool

    private init(_ errno: Errno, isHard: Bool) { (self.errno, self.isHard) = (errno, isHard) }

    /// The outcome of a message; `nil` for one that no socket hears of.
    init?(type: UInt8, code: UInt8, isIPv6: Bool) {
        guard let outcome = isIPv6 ? Self.ipv6(type, code) : Self.ipv4(type, code) else { return nil }
        self = outcome
    }

    private static func ipv4(_ type: UInt8, _ code: UInt8) -> ICMPOutcome? {
        switch (type, code) {
        case (3, 0), (3, 11): ICMPOutcome(.networkUnreachable, isHard: false)
        case (3, 1), (3, 12): ICMPOutcome(.noRouteToHost, isHard: false)
        case (3, 2): ICMPOutcome(.protocolNotAvailable, isHard: true)
        case (3, 3): ICMPOutcome(.connectionRefused, isHard: true)
        case (3, 4): ICMPOutcome(.messageTooLong, isHard: true)
        case (3, 5): ICMPOutcome(.notSupportedOnSocket, isHard: false)
        case (3, 6), (3, 9): ICMPOutcome(.networkUnreachable, isHard: true)
        case (3, 7): ICMPOutcome(.hostIsDown, isHard: true)
        // ENONET, which has no name in swift-system.
        case (3, 8): ICMPOutcome(Errno(rawValue: 64), isHard: true)
        case (3, 10), (3, 13...15): ICMPOutcome(.noRouteToHost, isHard: true)
        case (11, 1): nil
        case (11, _): ICMPOutcome(.noRouteToHost, isHard: false)
        case (12, _): ICMPOutcome(.protocolError, isHard: true)
        default: nil
        }
    }

    private static func ipv6(_ type: UInt8, _ code: UInt8) -> ICMPOutcome? {
        switch (type, code) {
        case (1, 0): ICMPOutcome(.networkUnreachable, isHard: false)
        case (1, 2), (1, 3): ICMPOutcome(.noRouteToHost, isHard: false)
        case (1, 1), (1, 5), (1, 6): ICMPOutcome(.permissionDenied, isHard: true)
        case (1, 4): ICMPOutcome(.connectionRefused, isHard: true)
        case (1, _): ICMPOutcome(.protocolError, isHard: true)
        case (2, _): ICMPOutcome(.messageTooLong, isHard: true)
        case (3, _): ICMPOutcome(.noRouteToHost, isHard: false)
        case (4, _): ICMPOutcome(.protocolError, isHard: true)
        case (0...127, _): ICMPOutcome(.protocolError, isHard: false)
        default: nil
        }
    }

    /// Whether an endpoint hears of the error.
    func reaches(_ reception: ErrorReception, isConnected: Bool) -> Bool {
        reception.applies(whenConnected: isConnected) || (isConnected && isHard)
    }
}

/// An ICMP error on its way to the endpoint whose datagram it is about.
struct ICMPReport {
    let type: UInt8
    let code: UInt8
    /// MTU or pointer.
    var info: UInt32 = 0
    /// Who sent it.
    let offender: IPAddress
    /// The two ends of the datagram it is about, and the beginning of its payload.
    let quotedSource: SocketAddress
    let quotedDestination: SocketAddress
    let quoted: [UInt8]

    var outcome: ICMPOutcome? { ICMPOutcome(type: type, code: code, isIPv6: quotedDestination.family == .ipv6) }

    /// The error as the error queue tells it (`IP_RECVERR`).
    func detailedError(_ outcome: ICMPOutcome, peer: SocketAddress) -> DatagramError {
        DatagramError(
            outcome.errno, operation: .send, origin: .icmp(type: type, code: code, offender: offender), peer: peer,
            info: info, quoted: Array(quoted.prefix(DatagramError.quotedMax)))
    }
}
