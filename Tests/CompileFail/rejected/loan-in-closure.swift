// Nor can a closure that runs later hold on to it.
import Volley

final class Later: BufferedStreamProtocol {
    private var block = [UInt8](repeating: 0, count: 4_096)
    private let eventLoop: any EventLoop

    init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    func getBuffer(_ loan: inout BufferLoan) {
        eventLoop.callSoon { loan.lend(&self.block) }
    }

    func bufferUpdated(_ count: Int) {}
}
