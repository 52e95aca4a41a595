// What a stream has received is a view of the loop's buffer: it cannot be kept.
import Volley

final class Keeper: StreamProtocol {
    private var data: RawSpan?

    func dataReceived(_ data: RawSpan) {
        self.data = data
    }
}
