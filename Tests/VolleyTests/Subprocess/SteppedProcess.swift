import Glibc
import SystemPackage
import Testing
import VolleyCore

@testable import Volley

/// A protocol that writes down what it is told, and can be told what to do about it.
final class ProcessRecorder: SubprocessProtocol {
    private(set) var events: [String] = []
    private(set) var output: [CInt: [UInt8]] = [:]
    private(set) var transport: (any SubprocessTransport)?
    var onMade: (any SubprocessTransport) -> Void = { _ in }
    var onData: (CInt) -> Void = { _ in }
    var onPipeLost: (CInt, StreamError?) -> Void = { _, _ in }
    var onExited: () -> Void = {}

    var isLost: Bool { events.last == "lost" }
    var hasExited: Bool { events.contains("exited") }

    func connectionMade(_ transport: any SubprocessTransport) {
        self.transport = transport
        events.append("made")
        onMade(transport)
    }

    func pipeDataReceived(_ descriptor: CInt, _ data: RawSpan) {
        output[descriptor, default: []] += Array(copying: data)
        // Chunks that follow each other are one event: how many there are is the kernel's business.
        if events.last != "data \(descriptor)" { events.append("data \(descriptor)") }
        onData(descriptor)
    }

    func pipeConnectionLost(_ descriptor: CInt, _ error: StreamError?) {
        events.append("pipe \(descriptor) lost" + (error.map { " \($0.kind)" } ?? ""))
        onPipeLost(descriptor, error)
    }

    func processExited() {
        events.append("exited")
        onExited()
    }

    func pauseWriting() { events.append("pause") }
    func resumeWriting() { events.append("resume") }
    func connectionLost(_ error: StreamError?) { events.append(error == nil ? "lost" : "lost with an error") }

    func text(_ descriptor: CInt) -> String { String(decoding: output[descriptor] ?? [], as: UTF8.self) }
}

/// A program on a loop that the test itself turns, on its own thread.
final class SteppedProcess {
    let loop: EpollLoop
    let recorder: ProcessRecorder
    let transport: ProcessTransport

    init(
        _ program: String, _ arguments: [String] = [], _ options: SubprocessOptions = SubprocessOptions(),
        syscalls: Syscalls = .kernel, recorder: ProcessRecorder = ProcessRecorder()
    ) throws {
        loop = try EpollLoop(syscalls: syscalls)
        self.recorder = recorder
        transport = try loop.startProcess(program, arguments, options) { recorder }
    }

    /// A shell that runs `script`.
    convenience init(
        shell script: String, _ options: SubprocessOptions = SubprocessOptions(), syscalls: Syscalls = .kernel,
        recorder: ProcessRecorder = ProcessRecorder()
    ) throws {
        try self.init("/bin/sh", ["-c", script], options, syscalls: syscalls, recorder: recorder)
    }

    deinit { loop.shutDown() }

    /// Our end of standard input.
    var input: any StreamTransport { get throws { try #require(transport.pipe(0)) } }

    /// Runs turns until `condition` holds; gives up, and says so, after a time no healthy run takes.
    func run(until condition: () -> Bool, _ location: SourceLocation = #_sourceLocation) {
        loop.run(until: condition, location)
    }

    /// Runs turns until the protocol has been told of the end.
    func runToEnd(_ location: SourceLocation = #_sourceLocation) {
        run(until: { recorder.isLost }, location)
    }
}

extension EpollLoop {
    /// Runs turns until `condition` holds; gives up, and says so, after a time no healthy run takes.
    func run(until condition: () -> Bool, _ location: SourceLocation = #_sourceLocation) {
        var isLate = false
        let limit = callLater(.seconds(20)) { isLate = true }
        while !condition(), !isLate { turn(waiting: true) }
        limit.cancel()
        if isLate { Issue.record("it does not come to an end", sourceLocation: location) }
    }
}

extension SubprocessOptions {
    /// Options in which a few things are different.
    static func with(_ change: (inout SubprocessOptions) -> Void) -> SubprocessOptions {
        var options = SubprocessOptions()
        change(&options)
        return options
    }

    /// A program without pipes.
    static let nullStreams = with {
        $0.standardInput = .null
        $0.standardOutput = .null
        $0.standardError = .null
    }
}

/// Waits until a child has ended, and leaves it to be reaped.
func awaitZombie(_ process: CInt) {
    var information = unsafe siginfo_t()
    // SAFETY: the call only writes what it found.
    while unsafe waitid(P_PID, id_t(process), &information, WEXITED | WNOWAIT) != 0, errno == EINTR {}
}

/// How many descriptors this process has open, but for those by which runtime libraries wait, which come when they like.
func openDescriptorCount() -> Int {
    let waiting = ["anon_inode:[eventpoll]", "anon_inode:[eventfd]", "anon_inode:[timerfd]"]
    return (0..<1_024).count { descriptor in
        var name = [CChar](repeating: 0, count: 256)
        // SAFETY: the call writes less than there is room for, so a zero stays at the end.
        let length = unsafe readlink("/proc/self/fd/\(descriptor)", &name, name.count - 1)
        let text = String(decoding: name.prefix(max(length, 0)).map(UInt8.init(bitPattern:)), as: UTF8.self)
        return length > 0 && !waiting.contains(text)
    }
}

/// Whether this process has children, running or not reaped.
func hasChildren() -> Bool {
    var status: CInt = 0
    // SAFETY: the call only writes `status`.
    return unsafe !(waitpid(-1, &status, WNOHANG) < 0 && errno == ECHILD)
}
