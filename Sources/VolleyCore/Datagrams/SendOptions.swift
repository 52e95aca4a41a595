/// How one datagram is to leave, where that differs from the others of its endpoint.
public struct SendOptions: Hashable, Sendable {
    /// The address to send from, one of this host's; `nil` leaves it to the routing table (`IP_PKTINFO`).
    ///
    /// A reply through ``Datagram/reply(_:)`` leaves from the right one anyway.
    public var source: IPAddress?

    /// The congestion mark to set (`IP_TOS`, `IPV6_TCLASS`); `nil` leaves the socket's.
    public var ecn: ECN?

    /// The differentiated services codepoint to set, 0…63 (RFC 2474; of more, the six low bits count); `nil` leaves the
    /// socket's.
    ///
    /// One of this and ``ecn`` sets both: the other is then 0.
    public var dscp: UInt8?

    /// When the kernel is to send it; `nil` at once (`SCM_TXTIME`).
    ///
    /// Only on a live endpoint that was opened with `sendsAtTransmitTime`, and only where the queueing discipline looks
    /// at it.
    public var transmitTime: MonotonicInstant?

    /// Nothing that differs.
    public init() {}

    var control: SendControl {
        var control = SendControl()
        if let source { control.local = LocalAddress(ip: source, interfaceIndex: 0) }
        if ecn != nil || dscp != nil {
            control.trafficClass = Int16((dscp ?? 0) & 63) << 2 | Int16((ecn ?? .notCapable).rawValue)
        }
        if let transmitTime { control.transmitTime = UInt64(max(0, transmitTime.nanoseconds)) }
        return control
    }
}
