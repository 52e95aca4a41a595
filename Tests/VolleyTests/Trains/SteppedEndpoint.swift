import Testing

@testable import Volley

/// An endpoint that is stepped by hand, and where it can be reached.
struct SteppedEndpoint {
    let loop: EpollLoop
    let noting: NotingProtocol
    let transport: RingTransport
    let target: SocketAddress

    init(
        _ meeting: Meeting = .ipv4, _ answer: NotingProtocol.Answer = .none,
        options: DatagramOptions = .trains, onArrival: ((any DatagramTransport, Int) -> Void)? = nil
    ) throws {
        var options = options
        if meeting == .mapped { options.isIPv6Only = false }
        if options.receiveBufferSize == nil { options.receiveBufferSize = 2 << 20 }
        loop = try EpollLoop()
        let noting = NotingProtocol(answer)
        noting.onArrival = onArrival
        self.noting = noting
        transport = try loop.bind(to: SocketAddress(meeting.bound, port: 0), options) { noting }
        target = SocketAddress(meeting.target, port: try #require(transport.localAddress).port)
    }

    /// Runs turns until `count` datagrams have been received.
    func receive(_ count: Int) {
        loop.settle { transport.statistics.received >= UInt64(count) }
    }
}

extension DatagramOptions {
    /// The defaults, but with trains received whole.
    static var trains: DatagramOptions {
        var options = DatagramOptions()
        options.usesGRO = true
        return options
    }
}
