import Glibc
import SystemPackage
import Testing
import VolleyCore

@testable import Volley

/// Streams that write to a pipe and its like.
@Suite("Writing to pipes", .timeLimit(.minutes(10)))
struct WritePipeTests {
    private typealias Ends = @Sendable (StreamDirection) throws -> (ours: CInt, other: CInt)
    private static let kinds: [(String, Ends)] = [
        ("pipe", PipeEnds.pipe), ("socket", PipeEnds.socketpair), ("FIFO", PipeEnds.fifo),
        ("terminal", PipeEnds.terminal),
    ]

    /// A stream whose writes give these results, and the kernel's afterwards.
    private func scripted(_ results: [Int]) throws -> (SteppedPipe, Answers) {
        let answers = Answers(results)
        var syscalls = Syscalls.kernel
        unsafe syscalls.pipe.write = { descriptor, vectors, count in
            unsafe answers.next() ?? PipeSyscalls.kernel.write(descriptor, vectors, count)
        }
        return (try SteppedPipe(.writing, syscalls: syscalls), answers)
    }

    @Test("I10, I14: a stream that only writes is made, and notices when its reader goes", arguments: kinds.indices)
    func readerGoes(kind: Int) throws {
        let pipe = try SteppedPipe(.writing, Self.kinds[kind].1)
        #expect(pipe.notes.events == ["made"])
        pipe.loop.settle()
        #expect(!pipe.loop.turn(waiting: false))
        pipe.closeOther()
        pipe.run(until: { pipe.notes.isLost })
        #expect(pipe.notes.events == ["made", "lost"])
        pipe.transport.write("too late")
        #expect(pipe.transport.statistics.closedDropped == 8)
    }

    @Test("I11: the end can be written")
    func canWriteEOF() throws {
        #expect(try SteppedPipe(.writing).transport.canWriteEOF)
        #expect(try !SteppedPipe(.reading).transport.canWriteEOF)
    }

    @Test("I12, I19: a write goes to the kernel at once, an empty one has no effect", arguments: kinds.indices)
    func writing(kind: Int) throws {
        let pipe = try SteppedPipe(.writing, Self.kinds[kind].1)
        pipe.transport.write("1")
        #expect(try pipe.take() == Array("1".utf8))
        pipe.transport.write([])
        pipe.transport.write("2345")
        #expect(try pipe.take() == Array("2345".utf8))
        #expect(pipe.transport.writeBufferSize == 0)
        #expect(pipe.transport.statistics.writes == 2)
        pipe.transport.close()
        pipe.run(until: { pipe.notes.isLost })
        #expect(pipe.notes.events == ["made", "lost"])
    }

    @Test("I12: what the kernel does not take waits, in order: short writes and writes that would block")
    func partial() throws {
        let (pipe, answers) = try scripted([-Int(EAGAIN)])
        pipe.transport.write("abc")
        #expect(pipe.transport.writeBufferSize == 3)
        pipe.transport.write("def")
        #expect(pipe.transport.writeBufferSize == 6)
        #expect(answers.isEmpty)
        pipe.run(until: { pipe.transport.writeBufferSize == 0 })
        #expect(try pipe.take() == Array("abcdef".utf8))
    }

    @Test("I13: a write error ends the stream with it; later writes are only counted")
    func writeError() throws {
        let (pipe, _) = try scripted([-Int(EIO)])
        pipe.transport.write("abc")
        #expect(pipe.transport.isClosing)
        pipe.transport.write("defg")
        pipe.run(until: { pipe.notes.isLost })
        #expect(pipe.notes.events == ["made", "lost other"])
        #expect(pipe.transport.statistics.failedDropped == 3)
        #expect(pipe.transport.statistics.closedDropped == 4)
    }

    @Test("I14: a reader that goes while data waits breaks the pipe: EPIPE")
    func readerGoesWhileDataWaits() throws {
        let pipe = try SteppedPipe(.writing)
        pipe.transport.write([UInt8](repeating: 7, count: 1_000_000))
        #expect(pipe.transport.writeBufferSize > 0)
        pipe.closeOther()
        pipe.run(until: { pipe.notes.isLost })
        #expect(pipe.notes.events == ["made", "pause", "lost connectionReset"])
        #expect(pipe.transport.statistics.failedDropped > 0)
        #expect(pipe.transport.statistics.bytesSent + pipe.transport.statistics.bytesDropped == 1_000_000)
    }

    @Test("I14: a write to a pipe whose reader has gone raises no signal: EPIPE")
    func noSignal() throws {
        let pipe = try SteppedPipe(.writing)
        pipe.closeOther()
        pipe.transport.write("nobody")
        pipe.run(until: { pipe.notes.isLost })
        #expect(pipe.notes.events == ["made", "lost connectionReset"])
    }

    @Test("I15: the queue drains in order: whole, in parts, with writes that would block and that take nothing")
    func draining() throws {
        let (pipe, answers) = try scripted([1, -Int(EAGAIN), 0, 2])
        pipe.transport.write("abcdef")
        #expect(pipe.transport.writeBufferSize == 5)
        pipe.run(until: { answers.isEmpty })
        #expect(pipe.transport.writeBufferSize == 3)
        pipe.run(until: { pipe.transport.writeBufferSize == 0 })
        // The script has said that three bytes were taken; the kernel got the others.
        #expect(try pipe.take() == Array("def".utf8))
        #expect(!pipe.loop.turn(waiting: false))
    }

    @Test("I15: an error while the queue drains drops it and ends the stream")
    func drainError() throws {
        let (pipe, _) = try scripted([-Int(EAGAIN), -Int(ENOSPC)])
        pipe.transport.write("abcdef")
        pipe.run(until: { pipe.notes.isLost })
        #expect(pipe.notes.events == ["made", "lost other"])
        #expect(pipe.transport.writeBufferSize == 0)
        #expect(pipe.transport.statistics.failedDropped == 6)
    }

    @Test("I15, I17: a close waits for the queue, then the stream is lost without an error")
    func closingDrains() throws {
        let pipe = try SteppedPipe(.writing)
        pipe.transport.write([UInt8](repeating: 7, count: 200_000))
        pipe.transport.close()
        pipe.transport.close()
        pipe.transport.write("dropped")
        pipe.loop.settle()
        #expect(!pipe.notes.isLost)
        var count = 0
        while case let bytes = try pipe.take(), !bytes.isEmpty {
            count += bytes.count
            pipe.loop.settle()
        }
        #expect(count == 200_000)
        pipe.run(until: { pipe.notes.isLost })
        #expect(pipe.notes.events.last == "lost")
        #expect(pipe.transport.statistics.closedDropped == 7)
    }

    @Test("I16: an abort drops the queue and ends the stream without an error")
    func aborting() throws {
        let pipe = try SteppedPipe(.writing)
        pipe.transport.write([UInt8](repeating: 7, count: 1_000_000))
        pipe.transport.abort()
        pipe.run(until: { pipe.notes.isLost })
        #expect(pipe.notes.events == ["made", "pause", "lost"])
        #expect(pipe.transport.statistics.abortedDropped > 0)
        #expect(pipe.transport.writeBufferSize == 0)
    }

    @Test("I18: writeEOF closes a stream that only writes: at once, or when the queue is empty")
    func writeEOF() throws {
        let empty = try SteppedPipe(.writing)
        empty.transport.writeEOF()
        #expect(empty.transport.isClosing)
        empty.run(until: { empty.notes.isLost })
        #expect(empty.notes.events == ["made", "lost"])
        #expect(try empty.take() == [])

        let (full, _) = try scripted([-Int(EAGAIN)])
        full.transport.write("rest")
        full.transport.writeEOF()
        full.transport.writeEOF()
        #expect(full.transport.writeBufferSize == 4)
        full.run(until: { full.notes.isLost })
        #expect(full.notes.events == ["made", "lost"])
        #expect(try full.take() == Array("rest".utf8))
        #expect(try full.take() == [])
    }
}
