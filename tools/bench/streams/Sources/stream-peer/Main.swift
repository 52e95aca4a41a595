import Glibc
import Volley

/// Sends back what it receives, from the loop's buffer.
final class Echo: StreamProtocol {
    private var transport: (any StreamTransport)?

    func connectionMade(_ transport: any StreamTransport) { self.transport = transport }
    func dataReceived(_ data: RawSpan) { transport?.write(data) }
    func pauseWriting() { transport?.pauseReading() }
    func resumeWriting() { transport?.resumeReading() }
}

/// Sends back what it receives, from a buffer of its own.
final class BufferedEcho: BufferedStreamProtocol {
    private var transport: (any StreamTransport)?
    /// Of connections that say something only.
    private var buffer: [UInt8] = []

    func connectionMade(_ transport: any StreamTransport) { self.transport = transport }
    func getBuffer(_ loan: inout BufferLoan) {
        if buffer.isEmpty { buffer = [UInt8](repeating: 0, count: 65_536) }
        loan.lend(&buffer)
    }
    func bufferUpdated(_ count: Int) { transport?.write(buffer, 0..<count) }
    func pauseWriting() { transport?.pauseReading() }
    func resumeWriting() { transport?.resumeReading() }
}

/// `stream-peer [--buffered]`: prints `listening on ADDRESS`, serves until its input ends, then prints what it did.
@main
enum Main {
    static func main() throws {
        let isBuffered = CommandLine.arguments.contains("--buffered")
        let loop = try LiveEventLoop()
        let server = try loop.createServer(on: SocketAddress(.loopbackV4, port: 0)) {
            if isBuffered { BufferedEcho() } else { Echo() }
        }
        print("listening on \(server.localAddress.map { "\($0)" } ?? "nothing")")
        fflush(nil)
        while readLine() != nil {}
        let statistics = server.statistics()
        print(
            "accepted \(statistics.accepted) reads \(statistics.streams.reads) writes \(statistics.streams.writes) "
                + "bytes \(statistics.streams.bytesSent)")
        loop.stop()
    }
}
