import Glibc
import SystemPackage
import Testing
import VolleyCore

@testable import Volley

/// Many programs, at once and one after the other.
@Suite("Many programs", .timeLimit(.minutes(10)))
struct SubprocessManyTests {
    @Test("S30: ten programs at once each give their own output")
    func parallel() async throws {
        let loop = try LiveEventLoop()
        defer { loop.stop() }
        let outputs = try await withThrowingTaskGroup(of: (Int, String).self) { group in
            for number in 0..<10 {
                group.addTask {
                    let output = SharedText()
                    let process = try await loop.startProcess("/bin/sh", ["-c", "cat; echo \(number)"]) {
                        Collector(output)
                    }
                    process.execute {
                        $0.pipe(0)?.write("input \(number), ")
                        $0.pipe(0)?.close()
                    }
                    await process.closed()
                    return (number, output.text)
                }
            }
            return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
        for number in 0..<10 { #expect(outputs[number] == "input \(number), \(number)\n") }
    }

    @Test("1,000 programs started, signalled and reaped: right statuses, no zombie, no descriptor left")
    func thousand() async {
        await #expect(processExitsWith: .success) { try SpawnFailures.thousand() }
    }
}

/// Text that a loop writes and a test reads.
final class SharedText: @unchecked Sendable {
    // True by the order: it is read after the program was closed.
    var text = ""
    /// Opens when all of it is there.
    let latch = Latch()
}

/// Collects what a program writes.
final class Collector: SubprocessProtocol {
    let output: SharedText

    init(_ output: SharedText) { self.output = output }

    func pipeDataReceived(_ descriptor: CInt, _ data: RawSpan) {
        output.text += String(decoding: Array(copying: data), as: UTF8.self)
    }

    func connectionLost(_ error: StreamError?) { output.latch.open() }
}
