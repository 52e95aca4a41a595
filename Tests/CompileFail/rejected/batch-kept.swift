// A batch cannot be stored.
import Volley

final class Keeper: DatagramProtocol {
    private var batch: DatagramBatch?

    func datagramsReceived(_ batch: borrowing DatagramBatch) {
        self.batch = batch
    }
}
