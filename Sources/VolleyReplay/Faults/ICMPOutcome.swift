internal import SystemPackage
internal import VolleyCore
internal import VolleyWire

/// What Linux makes of an ICMP or ICMPv6 error about a UDP datagram, by ``ICMPErrno``.
struct ICMPOutcome {
    /// The error number a socket sees.
    let errno: Errno
    /// Whether a connected socket sees it without having asked for the error queue.
    let isHard: Bool

    /// The outcome of a message; `nil` for one that no socket hears of.
    init?(type: UInt8, code: UInt8, isIPv6: Bool) {
        guard let outcome = ICMPErrno(family: isIPv6 ? .ipv6 : .ipv4, type: type, code: code) else { return nil }
        errno = Errno(rawValue: outcome.rawValue)
        isHard = outcome.isHard
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
    var quotedSource: SocketAddress
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
