import Volley

/// A sink that computes something of every datagram, as a real service would; for measuring what shards bring.
final class WorkingSink: DatagramProtocol {
    private let rounds: Int
    private(set) var checksum: UInt64 = 0

    init(rounds: Int) { self.rounds = rounds }

    /// FNV-1a over the payload, again and again: each step waits for the one before, and memory is not in it.
    func datagramReceived(_ datagram: Datagram) {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        let bytes = datagram.bytes
        for _ in 0..<rounds {
            for index in bytes.indices { hash = (hash ^ UInt64(bytes[index])) &* 0x100_0000_01b3 }
        }
        checksum &+= hash
    }
}
