/// Calls a protocol object with a batch: of the calls into a protocol the one that is made all the time.
///
/// To call a stored `any DatagramProtocol` is to retain and to release it, two atomic operations a batch, since the
/// property might change meanwhile. A constant of an object that is itself borrowed cannot.
@usableFromInline
class BatchReceiver {
    @usableFromInline func receive(_ batch: borrowing DatagramBatch) {}
}

/// The one for protocols of type `Receiver`.
private final class ConcreteBatchReceiver<Receiver: DatagramProtocol>: BatchReceiver {
    private let receiver: Receiver

    init(_ receiver: Receiver) { self.receiver = receiver }

    override func receive(_ batch: borrowing DatagramBatch) { receiver.datagramsReceived(batch) }
}

extension DatagramProtocol {
    /// What calls this object with its batches.
    func makeBatchReceiver() -> BatchReceiver { ConcreteBatchReceiver(self) }
}
