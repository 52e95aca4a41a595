// Nor can a payload leave the batch through a variable of an outer scope.
import Volley

final class Outer: DatagramProtocol {
    func datagramsReceived(_ batch: borrowing DatagramBatch) {
        Outer.keep { batch[0].payload }
    }

    static func keep(_ body: () -> RawSpan) {}
}
