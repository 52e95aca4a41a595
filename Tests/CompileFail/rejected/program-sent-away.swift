// A program's transport belongs to its loop: other threads use the handle.
import Volley

final class Sender: SubprocessProtocol {
    func connectionMade(_ transport: any SubprocessTransport) {
        Task.detached { transport.close() }
    }
}
