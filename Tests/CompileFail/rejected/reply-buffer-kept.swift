// What has been written of a reply cannot be looked at once its writer has returned.
import Volley

final class Writer: DatagramProtocol {
    func datagramReceived(_ datagram: Datagram) {
        var kept = RawSpan()
        datagram.reply(capacity: 16) { output in
            output.append(1)
            kept = output.bytes
        }
        print(kept.byteCount)
    }
}
