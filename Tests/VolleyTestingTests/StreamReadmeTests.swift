import Testing
import VolleyTesting

@Suite("The README's line server")
struct StreamReadmeTests {
    final class Shouter: StreamProtocol {
        private var transport: (any StreamTransport)?
        private var lines = LineFraming(maximum: 1_024)

        func connectionMade(_ transport: any StreamTransport) { self.transport = transport }

        func dataReceived(_ data: RawSpan) {
            do {
                try lines.receive(data) { line in
                    transport?.write(String(decoding: [UInt8](copying: line), as: UTF8.self).uppercased() + "\n")
                    return transport?.isClosing == false
                }
            } catch {
                transport?.abort()  // a line that does not end
            }
        }
    }

    @Test("it answers each line, however the lines arrive, and ends with one that is too long")
    func lines() {
        let loop = ManualEventLoop()
        let stream = InMemoryStream(Shouter(), on: loop)
        for piece in ["hel", "lo\r\nwor", "ld\n\n"] {
            stream.deliver(Array(piece.utf8))
            loop.runUntilIdle()
        }
        #expect(String(decoding: stream.sent, as: UTF8.self) == "HELLO\nWORLD\n\n")
        stream.deliver([UInt8](repeating: 65, count: 2_000))
        loop.runUntilIdle()
        #expect(stream.isShutDown)
    }
}
