import SystemPackage
import Testing
import VolleyTesting

@Suite("Streams in memory")
struct InMemoryStreamTests {
    /// Sends back what it receives, and stops reading while that is not taken.
    private final class Echo: StreamProtocol {
        private var transport: (any StreamTransport)?
        private(set) var pauses = 0
        func connectionMade(_ transport: any StreamTransport) { self.transport = transport }
        func dataReceived(_ data: RawSpan) { transport?.write(data) }
        func pauseWriting() {
            pauses += 1
            transport?.pauseReading()
        }
        func resumeWriting() { transport?.resumeReading() }
    }

    @Test("two protocols talk to each other, through channels smaller than what they say")
    func pair() {
        let loop = ManualEventLoop()
        let client = RecordingStreamProtocol()
        let echo = Echo()
        var options = InMemoryStream.Options()
        options.capacity = 1_000
        options.writeBufferLimits = .stream
        options.local = SocketAddress(.loopbackV4, port: 1)
        options.remote = SocketAddress(.loopbackV4, port: 2)
        let (near, far) = InMemoryStream.pair(client, echo, on: loop, options: options)
        #expect(far.transport.localAddress?.port == 2 && far.transport.remoteAddress?.port == 1)
        let text = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
        near.transport.write(text)
        near.transport.writeEOF()
        loop.runUntilIdle(maximumTurns: 10_000)
        #expect(client.received == text)
        #expect(client.events.suffix(2) == [.endOfStream, .connectionLost(nil)])
        #expect(near.isShutDown && far.isShutDown)
        #expect(client.flowControl == "PR")
    }

    @Test("a stream without movement is ended, and one that moves is not")
    func idleTimeout() {
        let loop = ManualEventLoop()
        let quiet = RecordingStreamProtocol()
        let busy = RecordingStreamProtocol()
        var timeouts: [IdleTimeout] = []
        quiet.onConnectionMade = { timeouts.append(IdleTimeout($0, after: .seconds(8))) }
        busy.onConnectionMade = { timeouts.append(IdleTimeout($0, after: .seconds(8))) }
        let quietStream = InMemoryStream(quiet, on: loop)
        let busyStream = InMemoryStream(busy, on: loop)
        for _ in 0..<6 {
            busyStream.deliver([1])
            loop.advance(by: .seconds(3))
            if loop.now.nanoseconds <= 8_000_000_000 { #expect(!quietStream.isShutDown) }
        }
        #expect(quiet.lossError?.errno == .timedOut)
        #expect(quiet.events == [.connectionMade, .connectionLost(quiet.lossError)])
        #expect(busy.losses == 0)
        timeouts[1].cancel()
        loop.advance(by: .seconds(100))
        #expect(busy.losses == 0)
        busyStream.transport.abort()
        loop.runUntilIdle()
    }
}
