import Volley
import VolleyCore
import VolleyReplay

/// The socket of one client of a capture, in a live replay.
final class ReplayLiveClient: DatagramProtocol, @unchecked Sendable {
    // True by the loop: it is made, used and let go of there.
    private unowned let replay: ReplayLive
    /// The client and its server in the capture; of several that share the socket, the first.
    let flow: ReplyMatcher.Flow
    private(set) var transport: (any DatagramTransport)?
    /// Whether what is sent waits for room in the socket: between `pauseWriting` and `resumeWriting`.
    private(set) var isPaused = false
    /// Whether something waits for the flush.
    var isTouched = false

    init(_ flow: ReplyMatcher.Flow, of replay: ReplayLive) {
        self.flow = flow
        self.replay = replay
    }

    func connectionMade(_ transport: any DatagramTransport) { self.transport = transport }

    func datagramReceived(_ datagram: Datagram) { replay.take(datagram.payload, from: self) }

    func pauseWriting() { isPaused = true }

    func resumeWriting() {
        isPaused = false
        replay.goOn()
    }
}
