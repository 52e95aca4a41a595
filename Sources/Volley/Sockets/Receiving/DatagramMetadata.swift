internal import CVolley

/// What an endpoint is to learn about each datagram beside its bytes and its source.
///
/// Each is a control message that the kernel writes and the endpoint reads, for every datagram: ask for what is used.
/// Unix endpoints have none of it.
public struct DatagramMetadata: OptionSet, Hashable, Sendable {
    /// One bit for each.
    public let rawValue: UInt32

    /// The set with these bits.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// The address and interface it came to: `Datagram.localAddress`, `interfaceIndex` (`IP_PKTINFO`,
    /// `IPV6_RECVPKTINFO`).
    public static let localAddress = DatagramMetadata(rawValue: 1)
    /// When the kernel received it, in nanoseconds of the wall clock: `Datagram.timestamp` (`SO_TIMESTAMPNS`).
    public static let timestamp = DatagramMetadata(rawValue: 2)
    /// Its ECN and DSCP: `Datagram.ecn`, `dscp` (`IP_RECVTOS`, `IPV6_RECVTCLASS`).
    public static let trafficClass = DatagramMetadata(rawValue: 4)
    /// What is left of its hops: `Datagram.hopLimit` (`IP_RECVTTL`, `IPV6_RECVHOPLIMIT`).
    public static let hopLimit = DatagramMetadata(rawValue: 8)
    /// How many datagrams the kernel dropped right before it: `Datagram.dropsBefore` (`SO_RXQ_OVFL`).
    public static let drops = DatagramMetadata(rawValue: 16)

    /// Bytes of control area these take at most.
    var controlSize: Int {
        var size = 0
        if contains(.localAddress) { size += Int(VOLLEY_PKTINFO_SPACE) }
        if contains(.timestamp) { size += Int(VOLLEY_TIMESTAMP_SPACE) }
        for member in [.trafficClass, .hopLimit, .drops] as [Self] where contains(member) {
            size += Int(VOLLEY_INT_SPACE)
        }
        return size
    }
}
