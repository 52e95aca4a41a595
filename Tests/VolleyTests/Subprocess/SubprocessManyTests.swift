import Glibc
import SystemPackage
import Testing
import VolleyCore

@testable import Volley

/// Many programs, at once and one after the other.
@Suite("Many programs", .timeLimit(.minutes(1)))
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
        // In a process of its own, where nobody else opens descriptors or has children.
        await #expect(processExitsWith: .success) {
            let loop = try EpollLoop()
            let before = openDescriptorCount()
            var rights = 0
            // Eight at a time, as a service would: they end in any order.
            for round in 0..<125 {
                var running: [(ProcessRecorder, ProcessTransport, ProcessTermination)] = []
                for place in 0..<8 {
                    let recorder = ProcessRecorder()
                    let status = CInt((round * 8 + place) % 256)
                    let isSignaled = place % 2 == 0
                    let (program, arguments) = isSignaled ? ("/bin/cat", []) : ("/bin/sh", ["-c", "exit \(status)"])
                    let transport = try loop.startProcess(
                        program, arguments, isSignaled ? SubprocessOptions() : .nullStreams) { recorder }
                    let signal: Signal = place % 4 == 0 ? .kill : .terminate
                    if isSignaled { try transport.sendSignal(signal) }
                    running.append((recorder, transport, isSignaled ? .signaled(signal) : .exited(status)))
                }
                loop.run(until: { running.allSatisfy { $0.0.isLost } })
                rights += running.count { $0.1.termination == $0.2 }
            }
            #expect(rights == 1_000)
            #expect(!hasChildren())
            #expect(openDescriptorCount() == before)
        }
    }
}

/// Text that a loop writes and a test reads.
final class SharedText: @unchecked Sendable {
    // True by the order: it is read after the program was closed.
    var text = ""
}

private final class Collector: SubprocessProtocol {
    let output: SharedText

    init(_ output: SharedText) { self.output = output }

    func pipeDataReceived(_ descriptor: CInt, _ data: RawSpan) {
        output.text += String(decoding: Array(copying: data), as: UTF8.self)
    }
}
