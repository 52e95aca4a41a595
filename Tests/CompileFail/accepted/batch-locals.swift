// Datagrams of a batch may be held in locals side by side.
import Volley

final class Pairs: DatagramProtocol {
    func datagramsReceived(_ batch: borrowing DatagramBatch) {
        guard batch.count > 1 else { return }
        let first = batch[0]
        let last = batch[batch.count - 1]
        first.reply(last.payload)
        last.reply(first.payload)
    }
}
