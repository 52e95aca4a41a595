// A loan is good for one call: it cannot be kept for later.
import Volley

final class Keeper: BufferedStreamProtocol {
    private var loan: BufferLoan?

    func getBuffer(_ loan: inout BufferLoan) {
        self.loan = loan
    }

    func bufferUpdated(_ count: Int) {}
}
