import VolleyCore
import VolleyReplay

/// Sends every datagram back.
final class EchoService: DatagramProtocol {
    private(set) var received = 0
    private(set) var losses: [DatagramError?] = []

    func datagramReceived(_ datagram: Datagram) {
        received += 1
        datagram.reply(datagram.payload)
    }

    func connectionLost(_ error: DatagramError?) { losses.append(error) }
}

/// Asks one question after the other over a lossy network: each is sent again until its answer comes or it is given up.
final class RetryingClient: DatagramProtocol {
    private let requestsMax: Int
    private let triesMax: Int
    private let timeout: Duration
    private var transport: (any DatagramTransport)?
    private var timer: ScheduledCall?
    private var number = 0
    private var tries = 0
    private(set) var answered = 0
    private(set) var givenUp = 0
    private(set) var sent = 0
    private(set) var errors: [DatagramError] = []
    private(set) var loss: DatagramError??
    private(set) var isDone = false

    init(requests: Int, tries: Int = 5, timeout: Duration = .milliseconds(100)) {
        requestsMax = requests
        triesMax = tries
        self.timeout = timeout
    }

    func connectionMade(_ transport: any DatagramTransport) {
        self.transport = transport
        ask()
    }

    private func ask() {
        guard number < requestsMax else {
            isDone = true
            return
        }
        tries = 0
        send()
    }

    private func send() {
        guard tries < triesMax else {
            givenUp += 1
            return next()
        }
        tries += 1
        sent += 1
        transport?.send((0..<32).map { UInt8(truncatingIfNeeded: number >> (8 * ($0 & 3))) })
        timer = transport?.eventLoop.callLater(timeout) { [weak self] in self?.send() }
    }

    private func next() {
        number += 1
        ask()
    }

    func datagramReceived(_ datagram: Datagram) {
        let bytes = datagram.bytes
        guard bytes.count == 32 else { return }
        let answer = Int(bytes[0]) | Int(bytes[1]) << 8 | Int(bytes[2]) << 16 | Int(bytes[3]) << 24
        // Answers may come twice, or too late.
        guard answer == number, !isDone else { return }
        timer?.cancel()
        answered += 1
        next()
    }

    func errorReceived(_ error: DatagramError) { errors.append(error) }

    func connectionLost(_ error: DatagramError?) {
        timer?.cancel()
        transport = nil
        loss = .some(error)
    }
}

extension SimulatedHost {
    /// The host's IPv4 address with a port.
    func address(_ port: UInt16) -> SocketAddress { SocketAddress(addresses[0], port: port) }
    /// The host's IPv6 address with a port.
    func address6(_ port: UInt16) -> SocketAddress { SocketAddress(addresses[1], port: port) }
}
