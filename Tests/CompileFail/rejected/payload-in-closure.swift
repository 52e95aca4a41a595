// Nor can a call that runs later take the payload along.
import Volley

final class Later: DatagramProtocol {
    private var transport: (any DatagramTransport)?

    func connectionMade(_ transport: any DatagramTransport) { self.transport = transport }

    func datagramReceived(_ datagram: Datagram) {
        let payload = datagram.payload
        transport?.eventLoop.callSoon { [transport] in
            transport?.send(payload)
        }
    }
}
