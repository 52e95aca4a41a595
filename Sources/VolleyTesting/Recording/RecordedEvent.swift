/// One callback of a datagram protocol, as a value; the cases are the callbacks of `DatagramProtocol`, one for one.
public enum RecordedEvent: Hashable, Sendable {
    case connectionMade
    case datagram(RecordedDatagram)
    /// The beginning of a `datagramsReceived` of so many datagrams, each of which follows as a `datagram`.
    case batch(Int)
    case error(DatagramError)
    case pauseWriting
    case resumeWriting
    case connectionLost(DatagramError?)
}

/// A received datagram as a value that may be kept: the payload is copied.
public struct RecordedDatagram: Hashable, Sendable {
    /// The payload.
    public let payload: [UInt8]
    /// Who sent it.
    public let source: PeerAddress
    /// The address it was sent to, where known.
    public let localAddress: IPAddress?
    /// When it arrived, where known.
    public let timestamp: WallClockTime?
    /// Whether it was longer than the receive slot.
    public let isTruncated: Bool

    /// Copies what `datagram` shows.
    public init(_ datagram: Datagram) {
        payload = [UInt8](copying: datagram.bytes)
        source = datagram.unixSource.map(PeerAddress.init) ?? PeerAddress(datagram.source)
        localAddress = datagram.localAddress
        timestamp = datagram.timestamp
        isTruncated = datagram.isTruncated
    }
}

/// The address of a peer of either kind: IP or Unix.
public struct PeerAddress: Hashable, Sendable, CustomStringConvertible {
    /// The address of an IP peer.
    public let socketAddress: SocketAddress?
    /// The address of a Unix peer.
    public let unixAddress: UnixAddress?

    /// An IP peer.
    public init(_ address: SocketAddress) { (socketAddress, unixAddress) = (address, nil) }
    /// A Unix peer.
    public init(_ address: UnixAddress) { (socketAddress, unixAddress) = (nil, address) }

    /// The address as text.
    public var description: String { socketAddress?.description ?? unixAddress?.description ?? "" }
}

extension DatagramTransport {
    /// Sends one datagram to a peer of either kind.
    public func send(_ payload: [UInt8], to peer: PeerAddress) {
        if let address = peer.socketAddress { send(payload, to: address) }
        if let address = peer.unixAddress { send(payload, to: address) }
    }
}

extension [UInt8] {
    init(copying span: Span<UInt8>) {
        self.init()
        reserveCapacity(span.count)
        for index in span.indices { append(span[index]) }
    }
}
