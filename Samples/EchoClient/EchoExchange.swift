import Volley

/// Sends datagrams to an echo server, `window` of them in flight, and compares every answer with what was sent.
///
/// The server must answer in order, as a local one does: an answer that matches a later datagram means that those
/// before it are lost, and so does half a second of silence.
final class EchoExchange: DatagramProtocol {
    private let count: Int
    private let window: Int
    private let traffic = Traffic()
    private let report: @Sendable (Outcome) -> Void

    private var transport: (any DatagramTransport)?
    private var started = MonotonicInstant(nanoseconds: 0)
    private var outcome = Outcome()
    /// Datagrams from here up to `outcome.sent` are in flight.
    private var oldestInFlight = 0
    private var oldestAtLastTick = 0
    private var silentTicks = 0

    init(count: Int, window: Int, report: @escaping @Sendable (Outcome) -> Void) {
        self.count = count
        self.window = window
        self.report = report
    }

    func connectionMade(_ transport: any DatagramTransport) {
        self.transport = transport
        started = transport.eventLoop.now
        fillWindow()
        tick(transport.eventLoop)
    }

    func datagramReceived(_ datagram: Datagram) {
        guard let number = (oldestInFlight..<outcome.sent).first(where: { traffic.is($0, equalTo: datagram.payload) })
        else {
            outcome.unexpected += 1
            return
        }
        outcome.answered += 1
        outcome.lost += number - oldestInFlight
        oldestInFlight = number + 1
        fillWindow()
    }

    func errorReceived(_ error: DatagramError) {
        outcome.error = error
        transport?.close()
    }

    func connectionLost(_ error: DatagramError?) {
        outcome.error = outcome.error ?? error
        if let transport { outcome.duration = started.duration(to: transport.eventLoop.now) }
        transport = nil
        report(outcome)
    }

    private func fillWindow() {
        while outcome.sent < count, outcome.sent - oldestInFlight < window {
            traffic.withDatagram(outcome.sent) { transport?.send($0) }
            outcome.sent += 1
        }
        if oldestInFlight == count { transport?.close() }
    }

    /// Runs twice a second: whatever is in flight when nothing has come since the last time is lost.
    private func tick(_ loop: any EventLoop) {
        loop.callLater(.milliseconds(500)) { [weak self, unowned loop] in
            guard let self, self.transport != nil else { return }
            defer { self.tick(loop) }
            defer { self.oldestAtLastTick = self.oldestInFlight }
            guard self.oldestInFlight == self.oldestAtLastTick else {
                self.silentTicks = 0
                return
            }
            self.silentTicks += 1
            self.outcome.lost += self.outcome.sent - self.oldestInFlight
            self.oldestInFlight = self.outcome.sent
            if self.silentTicks < 10 { self.fillWindow() } else { self.transport?.close() }
        }
    }
}
