// Nor can a span of its bytes, whatever it is kept in.
import Volley

nonisolated(unsafe) var kept: [Span<UInt8>] = []

final class Keeper: DatagramProtocol {
    func datagramReceived(_ datagram: Datagram) {
        kept.append(datagram.bytes)
    }
}
