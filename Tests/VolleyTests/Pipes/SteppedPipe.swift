import CVolley
import Glibc
import SystemPackage
import Testing
import VolleyCore

@testable import Volley

/// A stream protocol that writes down what it is told.
final class StreamNotes: StreamProtocol {
    private(set) var events: [String] = []
    private(set) var bytes: [UInt8] = []
    private(set) var transport: (any StreamTransport)?
    var onData: (any StreamTransport) -> Void = { _ in }
    var keepsOpen = false

    var isLost: Bool { events.last?.hasPrefix("lost") == true }
    var text: String { String(decoding: bytes, as: UTF8.self) }

    func connectionMade(_ transport: any StreamTransport) {
        self.transport = transport
        events.append("made")
    }

    func dataReceived(_ data: RawSpan) {
        bytes += Array(copying: data)
        if events.last != "data" { events.append("data") }
        if let transport { onData(transport) }
    }

    func eofReceived() -> Bool {
        events.append("eof")
        return keepsOpen
    }

    func pauseWriting() { events.append("pause") }
    func resumeWriting() { events.append("resume") }
    func connectionLost(_ error: StreamError?) { events.append(error.map { "lost \($0.kind)" } ?? "lost") }
}

/// One end of a pipe as a stream on a loop that the test turns, the other in the test's hands.
final class SteppedPipe {
    let loop: EpollLoop
    let notes = StreamNotes()
    let transport: FlowTransport
    private(set) var other: CInt

    /// - Parameters:
    ///   - direction: what the stream does.
    ///   - ends: makes the two ends, the stream's first.
    init(
        _ direction: StreamDirection, syscalls: Syscalls = .kernel, limits: WriteBufferLimits = .stream,
        _ ends: (StreamDirection) throws -> (ours: CInt, other: CInt) = PipeEnds.pipe
    ) throws {
        loop = try EpollLoop(syscalls: syscalls)
        let (ours, other) = try ends(direction)
        self.other = other
        let notes = notes
        transport = try loop.openPipe(ours, direction, limits: limits) { notes }
    }

    deinit {
        closeOther()
        loop.shutDown()
    }

    func closeOther() {
        if other >= 0 { close(other) }
        other = -1
    }

    func run(until condition: () -> Bool, _ location: SourceLocation = #_sourceLocation) {
        loop.run(until: condition, location)
    }

    /// Writes to the other end.
    func feed(_ text: String) throws {
        try #require(try FileDescriptor(rawValue: other).writeAll(text.utf8) == text.utf8.count)
    }

    /// What the other end has, at most `count` bytes; waits for the first.
    func take(_ count: Int = 1 << 20) throws -> [UInt8] {
        var failure: (any Error)?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, used in
            do {
                // SAFETY: the call writes no further than the buffer and says how much it wrote.
                unsafe used = try FileDescriptor(rawValue: other).read(into: UnsafeMutableRawBufferPointer(buffer))
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }

    /// Makes the descriptor of the stream, as epoll and the kernel see it.
    var descriptor: CInt { transport.extraInfo("pipe", default: -1 as CInt) }
}

/// Pairs of descriptors: the stream's first.
enum PipeEnds {
    static func pipe(_ direction: StreamDirection) throws -> (ours: CInt, other: CInt) {
        let ends = try SpawnCalls.kernel.makePipe()
        return direction == .reading ? (ends.reading, ends.writing) : (ends.writing, ends.reading)
    }

    static func socketpair(_ direction: StreamDirection) throws -> (ours: CInt, other: CInt) {
        var ends: [CInt] = [-1, -1]
        let kind = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        // SAFETY: the call writes two numbers.
        guard unsafe Glibc.socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw Errno(rawValue: errno) }
        return (ends[0], ends[1])
    }

    static func fifo(_ direction: StreamDirection) throws -> (ours: CInt, other: CInt) {
        let folder = try ScratchFolder()
        let path = folder.path + "/a"
        // SAFETY: the calls only read the path. Opened for both first: a FIFO's opening waits for its other end.
        guard unsafe mkfifo(path, 0o600) == 0 else { throw Errno(rawValue: errno) }
        let both = unsafe open(path, O_RDWR | O_CLOEXEC)
        defer { close(both) }
        let reading = unsafe open(path, O_RDONLY | O_CLOEXEC)
        let writing = unsafe open(path, O_WRONLY | O_CLOEXEC)
        return direction == .reading ? (reading, writing) : (writing, reading)
    }

    /// The controlling side of a pseudo-terminal is the stream's, in raw mode.
    static func terminal(_ direction: StreamDirection) throws -> (ours: CInt, other: CInt) {
        let controlling = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)
        guard controlling >= 0, grantpt(controlling) == 0, unlockpt(controlling) == 0,
            let name = unsafe ptsname(controlling)
        else { throw Errno(rawValue: errno) }
        let other = unsafe open(name, O_RDWR | O_NOCTTY | O_CLOEXEC)
        var settings = termios()
        // SAFETY: the calls read and write `settings` only.
        unsafe tcgetattr(other, &settings)
        unsafe cfmakeraw(&settings)
        unsafe tcsetattr(other, TCSANOW, &settings)
        return (controlling, other)
    }
}
