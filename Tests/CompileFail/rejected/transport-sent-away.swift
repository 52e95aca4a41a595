// A transport lives on its loop: another task cannot have it.
import Volley

final class Sender: DatagramProtocol {
    func connectionMade(_ transport: any DatagramTransport) {
        Task.detached {
            transport.send([1])
        }
    }
}
