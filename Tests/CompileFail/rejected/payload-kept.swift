// Nor can its payload.
import Volley

final class Keeper: DatagramProtocol {
    private var payload: RawSpan?

    func datagramReceived(_ datagram: Datagram) {
        payload = datagram.payload
    }
}
