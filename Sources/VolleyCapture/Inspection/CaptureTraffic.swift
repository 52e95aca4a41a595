public import VolleyCore

/// A number of datagrams and of their payload bytes.
public struct TrafficCount: Hashable, Sendable {
    /// The number of datagrams.
    public internal(set) var datagrams = 0
    /// The sum of their payload lengths.
    public internal(set) var payloadBytes = 0
}

/// An address with port that sent or received datagrams.
public struct CaptureEndpoint: Hashable, Sendable {
    /// The address and port.
    public let address: SocketAddress
    /// What it sent.
    public let sent: TrafficCount
    /// What was sent to it.
    public let received: TrafficCount

    /// All datagrams it sent and received.
    public var datagrams: Int { sent.datagrams + received.datagrams }

    /// The payload bytes it sent and received.
    public var payloadBytes: Int { sent.payloadBytes + received.payloadBytes }
}

/// Two addresses with ports and what went between them.
public struct CaptureConversation: Hashable, Sendable {
    /// The sender of the first datagram.
    public let first: SocketAddress
    /// The receiver of the first datagram.
    public let second: SocketAddress
    /// From ``first`` to ``second``.
    public let forward: TrafficCount
    /// From ``second`` to ``first``.
    public let backward: TrafficCount
    /// The time of its earliest and its latest datagram in nanoseconds since the Unix epoch; `nil` if none has one.
    public let timeSpan: ClosedRange<Int64>?

    /// All datagrams of both directions.
    public var datagrams: Int { forward.datagrams + backward.datagrams }

    /// The payload bytes of both directions.
    public var payloadBytes: Int { forward.payloadBytes + backward.payloadBytes }
}

/// Two directions of counts, as the tables of ``CaptureInspection`` hold them.
struct Traffic: Sendable {
    var forward = TrafficCount()
    var backward = TrafficCount()

    mutating func addForward(_ bytes: Int) {
        forward.datagrams += 1
        forward.payloadBytes += bytes
    }

    mutating func addBackward(_ bytes: Int) {
        backward.datagrams += 1
        backward.payloadBytes += bytes
    }
}

/// The same with the time of the first and the last datagram.
struct TimedTraffic: Sendable {
    var traffic = Traffic()
    /// The earliest is later than the latest until there is one.
    private var earliest = Int64.max
    private var latest = Int64.min

    var timeSpan: ClosedRange<Int64>? { earliest <= latest ? earliest...latest : nil }

    mutating func add(_ time: Int64) {
        earliest = min(earliest, time)
        latest = max(latest, time)
    }
}

/// A pair of endpoints in the order of their first datagram.
struct ConversationKey: Hashable, Sendable {
    let first: SocketAddress
    let second: SocketAddress

    init(_ first: SocketAddress, _ second: SocketAddress) {
        self.first = first
        self.second = second
    }
}

extension Dictionary {
    /// Lets `add` change the entry of `key`, which is made if there is room; `false` if there is none.
    mutating func count(
        in key: Key, limit: Int, _ add: (inout Value) -> Void
    ) -> Bool where Value: EmptyInitializable {
        guard count < limit || self[key] != nil else { return false }
        add(&self[key, default: Value()])
        return true
    }
}

/// An entry of a table before anything was counted.
protocol EmptyInitializable { init() }
extension Traffic: EmptyInitializable {}
extension TimedTraffic: EmptyInitializable {}

extension SocketAddress {
    /// What reports are sorted by: family, address, port.
    var orderKey: (UInt16, UInt64, UInt64, UInt16) { (family.rawValue, ip.high, ip.low, port) }
}
