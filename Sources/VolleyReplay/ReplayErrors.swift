internal import VolleyWire

/// When errors of the network reach the protocol in a replay.
public struct ErrorOrder: Hashable, Sendable {
    private enum Value { case capture, kernel }
    private let value: Value

    /// Each at its place in the capture, between the datagrams before and after it.
    public static let capture = ErrorOrder(value: .capture)

    /// As a socket of Linux has them: within one wake-up before the datagrams, also those that came earlier.
    ///
    /// Without `IP_RECVERR` there is one pending error: a newer one takes its place, and a send that comes before the
    /// next receive fetches it. Only where wake-ups take time (``ReplayOptions/coalescing``,
    /// ``ReplayOptions/turnDuration``) or time stamps are equal does this differ from ``capture``.
    public static let kernel = ErrorOrder(value: .kernel)
}

/// What became of the ICMP and ICMPv6 errors of a capture that quote a UDP datagram; each ends in exactly one of these.
public struct ReplayErrors: Hashable, Sendable {
    /// Given to the protocol, or, in the order of the kernel, to the send that met it.
    public internal(set) var delivered = 0
    /// For the local endpoint, but not for its ears: soft ones, or any of an unconnected endpoint, unless
    /// ``ReplayOptions/receivesErrors`` asks for them.
    public internal(set) var unheard = 0
    /// Of a type and code that Linux gives no errno.
    public internal(set) var ignored = 0
    /// About datagrams of others.
    public internal(set) var elsewhere = 0
    /// For the local endpoint, but the protocol had closed it.
    public internal(set) var afterClose = 0
    /// For the local endpoint, but a newer one took its place before it was fetched (``ErrorOrder/kernel``).
    public internal(set) var overwritten = 0

    /// All of them: as many as records of the class ``RecordClass/icmpError``.
    public var total: Int { delivered + unheard + ignored + elsewhere + afterClose + overwritten }
}
