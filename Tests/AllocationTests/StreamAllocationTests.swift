import CAllocations
import CVolley
import Glibc
import Testing
import VolleyCore

@testable import Volley

#if DEBUG
private let isOptimised = false
#else
private let isOptimised = true
#endif

/// What a message of a stream costs where it can be counted exactly: heap allocations and system calls.
@Suite(.serialized, .enabled(if: isOptimised, "allocations are counted in release builds only"))
struct StreamAllocationTests {
    private final class Echo: StreamProtocol {
        private var transport: (any StreamTransport)?
        func connectionMade(_ transport: any StreamTransport) { self.transport = transport }
        func dataReceived(_ data: RawSpan) { transport?.write(data) }
    }

    private final class BufferedEcho: BufferedStreamProtocol {
        private var transport: (any StreamTransport)?
        private var buffer = [UInt8](repeating: 0, count: 65_536)
        func connectionMade(_ transport: any StreamTransport) { self.transport = transport }
        func getBuffer(_ loan: inout BufferLoan) { loan.lend(&buffer) }
        func bufferUpdated(_ count: Int) { transport?.write(buffer, 0..<count) }
    }

    @Test(
        "a message and its echo cost no allocation, one recv and one send", .timeLimit(.minutes(10)),
        arguments: [false, true], [64, 16_384])
    func steadyState(isBuffered: Bool, size: Int) throws {
        let loop = try EpollLoop()
        defer { loop.shutDown() }
        var pair: [CInt] = [-1, -1]
        let type = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        try #require(unsafe socketpair(AF_UNIX, type, 0, &pair) == 0)
        defer { System.close(pair[1]) }
        let transport = try loop.adoptStream(pair[0], StreamOptions()) {
            if isBuffered { BufferedEcho() } else { Echo() }
        }
        var bytes = [UInt8](repeating: 7, count: size)
        var counted: UInt64 = 0
        /// Sends one message, has the loop echo it, and takes the echo.
        func exchange() {
            let goal = transport.statistics.bytesSent + UInt64(size)
            let sent = unsafe bytes.withUnsafeBytes { unsafe send(pair[1], $0.baseAddress, size, 0) }
            #expect(sent == size)
            while transport.statistics.bytesSent < goal {
                allocations_begin()
                loop.turn(waiting: true)
                counted += allocations_end()
            }
            let received = unsafe bytes.withUnsafeMutableBytes {
                unsafe recv(pair[1], $0.baseAddress, size, CInt(MSG_WAITALL))
            }
            #expect(received == size)
        }
        for _ in 0..<10 { exchange() }
        let before = transport.statistics
        counted = 0
        for _ in 0..<1_000 { exchange() }
        #expect(counted == 0)
        #expect(transport.statistics.reads - before.reads == 1_000)
        #expect(transport.statistics.writes - before.writes == 1_000)
        #expect(transport.statistics.writesBlocked == 0)
    }
}
