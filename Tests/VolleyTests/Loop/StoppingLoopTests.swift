import Dispatch
import Glibc
import SystemPackage
import Testing
import VolleyTesting

@testable import Volley

@Suite("A loop that stops", .timeLimit(.minutes(10)))
struct StoppingLoopTests {
    @Test("whoever asks it while it stops is answered: ECANCELED")
    func asked() throws {
        for _ in 0..<20 {
            let loop = try LiveEventLoop()
            let (isStopping, mayGoOn) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
            loop.execute { live in
                (live as? EpollLoop)?.stop()
                isStopping.signal()
                mayGoOn.wait()
            }
            // Threads of our own: those of tasks are few, and other tests block them.
            withExtendedLifetime(
                TestThread {
                    for _ in 0..<2_000 { sched_yield() }
                    mayGoOn.signal()
                }
            ) {
                isStopping.wait()
                // What is posted now is never run.
                let error = #expect(throws: DatagramError.self) {
                    try loop.bindDatagram(to: SocketAddress(.loopbackV4, port: 0)) { RecordingProtocol() }
                }
                #expect(error?.errno == .canceled)
            }
            loop.stop()
        }
    }
}
