import Glibc
import SystemPackage
import Testing
import VolleyCore

@testable import Volley

/// Streams that read from a pipe and its like.
@Suite("Reading from pipes", .timeLimit(.minutes(10)))
struct ReadPipeTests {
    private typealias Ends = @Sendable (StreamDirection) throws -> (ours: CInt, other: CInt)
    private static let kinds: [(String, Ends)] = [
        ("pipe", PipeEnds.pipe), ("socket", PipeEnds.socketpair), ("FIFO", PipeEnds.fifo),
        ("terminal", PipeEnds.terminal),
    ]

    @Test("I1: connectionMade comes first, before anything is read")
    func made() throws {
        let pipe = try SteppedPipe(.reading) {
            let ends = try PipeEnds.pipe($0)
            try FileDescriptor(rawValue: ends.other).writeAll([1, 2, 3])
            return ends
        }
        #expect(pipe.notes.events == ["made"])
        #expect(pipe.transport.isReading)
        pipe.run(until: { pipe.notes.bytes == [1, 2, 3] })
        #expect(pipe.notes.events == ["made", "data"])
    }

    @Test("I2, I19: data is received from pipes, sockets, FIFOs and terminals", arguments: kinds.indices)
    func data(kind: Int) throws {
        let pipe = try SteppedPipe(.reading, Self.kinds[kind].1)
        for text in ["1", "2345", "6"] {
            let expected = pipe.notes.text + text
            try pipe.feed(text)
            pipe.run(until: { pipe.notes.text == expected })
        }
        #expect(pipe.transport.extraInfo("pipe") is CInt)
        pipe.closeOther()
        pipe.run(until: { pipe.notes.isLost })
        #expect(pipe.notes.events == ["made", "data", "eof", "lost"])
    }

    @Test(
        "I3: the end of the pipe is told, then the stream is lost without an error, also if the protocol would keep it")
    func endOfStream() throws {
        for keepsOpen in [false, true] {
            let pipe = try SteppedPipe(.reading)
            pipe.notes.keepsOpen = keepsOpen
            try pipe.feed("last words")
            pipe.closeOther()
            pipe.run(until: { pipe.notes.isLost })
            #expect(pipe.notes.events == ["made", "data", "eof", "lost"])
            #expect(pipe.notes.text == "last words")
        }
    }

    @Test("I4: a read that would block is no event")
    func wouldBlock() throws {
        let answers = Answers([-Int(EAGAIN), -Int(EAGAIN)])
        var syscalls = Syscalls.kernel
        unsafe syscalls.pipe.read = { descriptor, buffer in
            unsafe answers.next() ?? PipeSyscalls.kernel.read(descriptor, buffer)
        }
        let pipe = try SteppedPipe(.reading, syscalls: syscalls)
        try pipe.feed("x")
        pipe.run(until: { answers.isEmpty })
        #expect(pipe.notes.events == ["made"])
        pipe.run(until: { pipe.notes.text == "x" })
    }

    @Test("I5: a read error ends the stream with it; of a terminal, EIO is the end of the stream")
    func readError() throws {
        var syscalls = Syscalls.kernel
        unsafe syscalls.pipe.read = { _, _ in -Int(EIO) }
        let pipe = try SteppedPipe(.reading, syscalls: syscalls)
        try pipe.feed("x")
        pipe.run(until: { pipe.notes.isLost })
        #expect(pipe.notes.events == ["made", "lost other"])
        let terminal = try SteppedPipe(.reading, syscalls: syscalls, PipeEnds.terminal)
        try terminal.feed("x")
        terminal.run(until: { terminal.notes.isLost })
        #expect(terminal.notes.events == ["made", "eof", "lost"])
    }

    @Test("I6, I9: pausing leaves data in the pipe, resuming delivers it; twice is as good as once")
    func pausing() throws {
        let pipe = try SteppedPipe(.reading)
        pipe.transport.pauseReading()
        pipe.transport.pauseReading()
        #expect(!pipe.transport.isReading)
        try pipe.feed("waits")
        pipe.loop.settle()
        #expect(pipe.notes.events == ["made"])
        pipe.transport.resumeReading()
        pipe.transport.resumeReading()
        pipe.run(until: { pipe.notes.text == "waits" })
        pipe.transport.close()
        pipe.transport.pauseReading()
        pipe.transport.resumeReading()
        pipe.run(until: { pipe.notes.isLost })
        #expect(pipe.notes.events == ["made", "data", "lost"])
    }

    @Test("a hang-up while reading is paused does not keep the loop busy, and is told after resuming")
    func hangUpWhilePaused() throws {
        let pipe = try SteppedPipe(.reading)
        pipe.transport.pauseReading()
        try pipe.feed("rest")
        pipe.closeOther()
        pipe.loop.settle()
        #expect(!pipe.loop.turn(waiting: false))
        #expect(pipe.notes.events == ["made"])
        pipe.transport.resumeReading()
        pipe.run(until: { pipe.notes.isLost })
        #expect(pipe.notes.events == ["made", "data", "eof", "lost"])
    }

    @Test("I7, I8: close() ends the stream without an error and closes the descriptor, once")
    func closing() throws {
        let pipe = try SteppedPipe(.reading)
        let identity = SocketIdentity(pipe.descriptor)
        #expect(identity?.isOpen == true)
        pipe.transport.close()
        #expect(pipe.transport.isClosing)
        pipe.transport.close()
        #expect(pipe.notes.events == ["made"])
        pipe.run(until: { pipe.notes.isLost })
        pipe.loop.settle()
        #expect(pipe.notes.events == ["made", "lost"])
        #expect(identity?.isOpen == false)
        #expect(pipe.transport.currentProtocol == nil)
    }

    @Test("I8: an abort with an error gives it to the protocol and closes the descriptor")
    func aborting() throws {
        let pipe = try SteppedPipe(.reading)
        let identity = SocketIdentity(pipe.descriptor)
        try pipe.feed("unread")
        pipe.transport.abort(StreamError(.timedOut, operation: .receive))
        pipe.run(until: { pipe.notes.isLost })
        #expect(pipe.notes.events == ["made", "lost timedOut"])
        #expect(identity?.isOpen == false)
    }

    @Test("a regular file, a directory and a device that is always ready are refused, and the descriptor closed")
    func refused() throws {
        for (path, errno, words) in [
            ("/proc/self/exe", Errno.invalidArgument, "regular file"), ("/tmp", .invalidArgument, "directory"),
            ("/dev/null", .notPermitted, "always ready"),
        ] {
            for direction in [StreamDirection.reading, .writing] {
                let loop = try EpollLoop()
                let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
                let identity = SocketIdentity(descriptor)
                let error = #expect(throws: StreamError.self) {
                    try loop.openPipe(descriptor, direction) { StreamNotes() }
                }
                #expect(error?.errno == errno)
                #expect(error?.description.contains(words) == true, "\(error.map(String.init(describing:)) ?? "")")
                #expect(identity?.isOpen == false)
            }
        }
    }

    @Test("a descriptor that is not open is refused")
    func notOpen() throws {
        let loop = try EpollLoop()
        let error = #expect(throws: StreamError.self) { try loop.openPipe(9_999, .reading) { StreamNotes() } }
        #expect(error?.errno == .badFileDescriptor)
    }

    @Test("I19: a terminal is read and written at once, by a stream each")
    func bidirectionalTerminal() throws {
        let pipe = try SteppedPipe(.reading, PipeEnds.terminal)
        let notes = StreamNotes()
        let duplicate = try SpawnCalls.kernel.duplicate(pipe.descriptor, 0)
        let writing = try pipe.loop.openPipe(duplicate, .writing) { notes }
        writing.write("to it\n")
        #expect(try pipe.take() == Array("to it\n".utf8))
        try pipe.feed("from it\n")
        pipe.run(until: { pipe.notes.text == "from it\n" })
        pipe.closeOther()
        pipe.run(until: { pipe.notes.isLost && notes.isLost })
        #expect(pipe.notes.events == ["made", "data", "eof", "lost"])
        #expect(notes.events == ["made", "lost"])
    }

    @Test("I19: through the public calls: what one stream writes the other reads, and each hears of the end")
    func publicCalls() throws {
        let loop = try LiveEventLoop()
        defer { loop.stop() }
        let ends = try SpawnCalls.kernel.makePipe()
        let output = SharedText()
        let reading = try loop.connectReadPipe(descriptor: ends.reading) { Reader(output) }
        let writing = try loop.connectWritePipe(descriptor: ends.writing) { StreamNotes() }
        writing.write(Array("through a pipe".utf8))
        writing.close()
        #expect(writing.waitUntilClosed() == nil)
        #expect(reading.waitUntilClosed() == nil)
        #expect(output.text == "through a pipe")
    }
}

/// Results that calls give in turn, on one thread.
final class Answers: @unchecked Sendable {
    // True by the tests: one thread.
    private var answers: [Int]

    init(_ answers: [Int]) { self.answers = answers }

    var isEmpty: Bool { answers.isEmpty }
    func next() -> Int? { answers.isEmpty ? nil : answers.removeFirst() }
}

private final class Reader: StreamProtocol {
    let output: SharedText

    init(_ output: SharedText) { self.output = output }

    func dataReceived(_ data: RawSpan) { output.text += String(decoding: Array(copying: data), as: UTF8.self) }
}
