// Nor can a call that runs later take it along.
import Volley

final class Later: StreamProtocol {
    private var transport: (any StreamTransport)?

    func connectionMade(_ transport: any StreamTransport) { self.transport = transport }

    func dataReceived(_ data: RawSpan) {
        transport?.eventLoop.callSoon { [transport] in
            transport?.write(data)
        }
    }
}
