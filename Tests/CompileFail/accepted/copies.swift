// What is to be kept is copied, and a view may be used and passed on as long as the callback lasts.
import Volley

final class Collector: DatagramProtocol {
    private var kept: [[UInt8]] = []
    private var total = 0

    func datagramReceived(_ datagram: Datagram) {
        let bytes = datagram.bytes
        var copy: [UInt8] = []
        for index in bytes.indices { copy.append(bytes[index]) }
        kept.append(copy)
        total += Self.sum(bytes)
        datagram.reply(datagram.payload.extracting(first: 1))
    }

    private static func sum(_ bytes: Span<UInt8>) -> Int {
        var sum = 0
        for index in bytes.indices { sum += Int(bytes[index]) }
        return sum
    }
}
