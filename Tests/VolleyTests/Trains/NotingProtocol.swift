import VolleyCore

/// A protocol that notes all that a datagram says, and answers as it is told to.
final class NotingProtocol: DatagramProtocol {
    /// A datagram that outlives its callback.
    struct Arrival {
        var payload: [UInt8]
        var source: SocketAddress
        var local: IPAddress?
        var interfaceIndex: UInt32
        var flags: DatagramFlags
        var timestamp: WallClockTime?
        var ecn: ECN?
        var dscp: UInt8?
        var hopLimit: UInt8?
        var dropsBefore: UInt32

        init(_ datagram: Datagram) {
            payload = Array(copying: datagram.payload)
            source = datagram.source
            local = datagram.localAddress
            interfaceIndex = datagram.interfaceIndex
            flags = datagram.flags
            timestamp = datagram.timestamp
            ecn = datagram.ecn
            dscp = datagram.dscp
            hopLimit = datagram.hopLimit
            dropsBefore = datagram.dropsBefore
        }
    }

    enum Answer: CaseIterable {
        case none, echo, copy, inPlace, send
    }

    private let answer: Answer
    private(set) var transport: (any DatagramTransport)?
    private(set) var arrivals: [Arrival] = []
    private(set) var errors: [DatagramError] = []
    private(set) var ends: [DatagramError?] = []
    /// Called after each datagram with how many there have been.
    var onArrival: ((any DatagramTransport, Int) -> Void)?

    init(_ answer: Answer = .none) { self.answer = answer }

    var payloads: [[UInt8]] { arrivals.map(\.payload) }

    func connectionMade(_ transport: any DatagramTransport) { self.transport = transport }

    func datagramReceived(_ datagram: Datagram) {
        arrivals.append(Arrival(datagram))
        switch answer {
        case .none: break
        case .echo: datagram.reply(datagram.payload)
        case .copy: datagram.reply(Array(copying: datagram.payload))
        case .inPlace:
            datagram.reply(capacity: datagram.count) { output in
                for index in 0..<datagram.count { output.append(datagram.bytes[index]) }
            }
        case .send: transport?.send(datagram.payload, to: datagram.source)
        }
        if let transport { onArrival?(transport, arrivals.count) }
    }

    func errorReceived(_ error: DatagramError) { errors.append(error) }

    func connectionLost(_ error: DatagramError?) {
        ends.append(error)
        transport = nil
    }
}
