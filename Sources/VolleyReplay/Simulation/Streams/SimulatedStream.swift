public import VolleyCore

/// A stream between two hosts of a simulated network; it runs the very transport that a live TCP connection runs.
///
/// What it sends travels along the links in TCP segments, which get lost, delayed and doubled like datagrams: it is the
/// simulated hosts' TCP that sends them again and puts them in order. See ``SimulatedHost/listen(on:options:_:)`` and
/// ``SimulatedHost/connectStream(to:from:options:onFailure:_:)``.
public final class SimulatedStream {
    /// How a stream is set up, beside its addresses.
    public struct Options: Sendable {
        /// Bytes that the host takes from the transport before the peer has acknowledged them; 1 or more.
        public var sendBufferSize = 87_040
        /// Bytes that the host keeps for a protocol that is not reading, 1 or more: the window the peer is told.
        public var receiveBufferSize = 131_072
        /// When writing is paused and resumed.
        public var writeBufferLimits = WriteBufferLimits.stream
        /// How often a connection is asked for before it fails with `ETIMEDOUT`, after the first time (Linux'
        /// `tcp_syn_retries`).
        public var connectRetries = 6
        /// How often data are sent again before the connection fails with `ETIMEDOUT` (Linux' `tcp_retries2`).
        public var retries = 15

        /// The defaults, which are about Linux'.
        public init() {}
    }

    /// The host it is on.
    public unowned let host: SimulatedHost
    /// The transport its protocol was given.
    public var transport: any StreamTransport { flow }
    /// The address of this end.
    public let localAddress: SocketAddress
    /// The address of the peer.
    public let remoteAddress: SocketAddress
    /// Whether its protocol has not been told yet that the connection is lost.
    public internal(set) var isOpen = true

    let flow: FlowTransport

    init(_ host: SimulatedHost, local: SocketAddress, remote: SocketAddress, options: Options) {
        self.host = host
        localAddress = local
        remoteAddress = remote
        flow = FlowTransport(
            eventLoop: host.loop, names: StreamNames(local: local, remote: remote), limits: options.writeBufferLimits)
    }

    /// What it has read, written and dropped so far.
    public var statistics: StreamStatistics { flow.statistics }
}

/// What listens for streams on a host of a simulated network.
public final class SimulatedStreamServer {
    /// The host it is on.
    public unowned let host: SimulatedHost
    /// Where it listens.
    public let localAddress: SocketAddress
    /// The streams accepted so far whose protocols have not been told yet that they are lost.
    public internal(set) var streams: [SimulatedStream] = []
    /// Whether it listens still.
    public private(set) var isListening = true

    let options: SimulatedStream.Options
    let makeProtocol: () -> any BaseStreamProtocol

    init(
        _ host: SimulatedHost, _ local: SocketAddress, _ options: SimulatedStream.Options,
        _ makeProtocol: @escaping () -> any BaseStreamProtocol
    ) {
        self.host = host
        localAddress = local
        self.options = options
        self.makeProtocol = makeProtocol
    }

    /// Listens no more; the streams there are stay.
    ///
    /// Idempotent.
    public func close() {
        guard isListening else { return }
        isListening = false
        host.stop(self)
    }
}
