// What a program has written is a view of the loop's buffer: it cannot be kept.
import Volley

final class Keeper: SubprocessProtocol {
    private var data: RawSpan?

    func pipeDataReceived(_ descriptor: CInt, _ data: RawSpan) {
        self.data = data
    }
}
