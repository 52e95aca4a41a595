// A datagram is a view of the receive ring: it cannot be stored in an object that outlives the callback.
import Volley

final class Keeper: DatagramProtocol {
    private var last: Datagram?

    func datagramReceived(_ datagram: Datagram) {
        last = datagram
    }
}
