import SystemPackage
import VolleyReplay

/// Logs all calls with all they bring, answers, sends by itself, and lets timers run.
final class CallLog: DatagramProtocol {
    private(set) var calls: [String] = []
    private(set) var texts: [String] = []
    private(set) var errors: [DatagramError] = []
    var closesAfter = Int.max
    private var transport: (any DatagramTransport)?
    private var ticks = 0

    private func note(_ text: String) { calls.append("\(text) @\(transport?.eventLoop.now.nanoseconds ?? -1)") }

    func connectionMade(_ transport: any DatagramTransport) {
        // Of every server the first is heard of.
        guard self.transport == nil else { return }
        self.transport = transport
        note("made \(transport.eventLoop.wallClock.nanosecondsSinceEpoch)")
        tick()
    }

    private func tick() {
        transport?.eventLoop.callLater(.microseconds(3_300)) { [self] in
            ticks += 1
            note("tick \(ticks)")
            tick()
        }
    }

    func datagramsReceived(_ batch: borrowing DatagramBatch) {
        note("batch of \(batch.count)")
        for index in batch.indices { datagramReceived(batch[index]) }
    }

    func datagramReceived(_ datagram: Datagram) {
        let bytes = Array(copying: datagram.payload)
        texts.append(String(decoding: bytes, as: UTF8.self))
        let stamp = datagram.timestamp?.nanosecondsSinceEpoch ?? -1
        note("got \(bytes) from \(datagram.source) to \(datagram.localAddress.map { "\($0)" } ?? "-") at \(stamp)")
        datagram.reply(Array("re:".utf8) + bytes)
        if texts.count == closesAfter { transport?.close() }
    }

    func errorReceived(_ error: DatagramError) {
        errors.append(error)
        let peer = error.peer.map { "\($0)" } ?? "-"
        note("error \(error.errno.rawValue) \(error.origin) \(peer) \(error.info) \(error.quoted)")
    }

    func pauseWriting() { note("pause") }
    func resumeWriting() { note("resume") }
    func connectionLost(_ error: DatagramError?) { note("lost") }
}
