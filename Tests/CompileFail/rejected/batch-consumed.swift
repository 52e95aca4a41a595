// Nor can it be given away: it is borrowed.
import Volley

func take(_ batch: consuming DatagramBatch) {}

final class Giver: DatagramProtocol {
    func datagramsReceived(_ batch: borrowing DatagramBatch) {
        take(batch)
    }
}
