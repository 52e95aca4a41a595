import Dispatch
import Glibc
import SystemPackage
import Testing
import VolleyTesting

@testable import Volley

@Suite("A loop that stops", .timeLimit(.minutes(1)))
struct StoppingLoopTests {
    @Test("whoever asks it while it stops is answered: ECANCELED")
    func asked() async throws {
        for _ in 0..<20 {
            let loop = try LiveEventLoop()
            let (isStopping, mayGoOn) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
            loop.execute { live in
                (live as? EpollLoop)?.stop()
                isStopping.signal()
                mayGoOn.wait()
            }
            // What is posted now is never run.
            let asking = Task.detached {
                isStopping.wait()
                let error = #expect(throws: DatagramError.self) {
                    try loop.bindDatagram(to: SocketAddress(.loopbackV4, port: 0)) { RecordingProtocol() }
                }
                return error?.errno
            }
            let releasing = Task.detached {
                for _ in 0..<2_000 { sched_yield() }
                mayGoOn.signal()
            }
            #expect(await asking.value == .canceled)
            await releasing.value
            loop.stop()
        }
    }
}
