// The protocol of the design, as a user writes it: no flag, nothing unsafe.
import Volley

final class Echo: DatagramProtocol {
    private var transport: (any DatagramTransport)!

    func connectionMade(_ transport: any DatagramTransport) { self.transport = transport }

    func datagramReceived(_ datagram: Datagram) {
        datagram.reply(datagram.payload)
    }

    func datagramsReceived(_ batch: borrowing DatagramBatch) {
        for index in batch.indices {
            batch[index].reply(capacity: 512) { (out: inout OutputRawSpan) in
                out.append(UInt8(truncatingIfNeeded: index))
            }
        }
    }

    func errorReceived(_ error: DatagramError) {
        if error.kind == .connectionRefused { transport.close() }
    }
}
