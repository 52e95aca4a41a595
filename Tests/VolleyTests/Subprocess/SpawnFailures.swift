import Dispatch
import Glibc
import SystemPackage
import Testing
import VolleyCore

@testable import Volley

/// What is run in a process of its own, where nobody else opens descriptors or has children.
enum SpawnFailures {
    /// Every system call of a start fails in turn.
    static func eachCallFails() throws {
        let kernel = SpawnCalls.kernel
        let refused = Errno.tooManyOpenFiles
        for place in 0..<3 {
            let calls = Counter()
            try refuse {
                $0.makePipe = { () throws(Errno) in
                    if calls.next() == place { throw refused }
                    return try kernel.makePipe()
                }
            }
            let settings = Counter()
            var syscalls = Syscalls.kernel
            syscalls.setNonBlocking = { descriptor in
                settings.next() == place ? -Int(ENOMEM) : Syscalls.kernel.setNonBlocking(descriptor)
            }
            try refuse(syscalls)
            // Epoll takes no regular file, which is found out when the program runs already.
            try refuse {
                let calls = Counter()
                $0.makePipe = { () throws(Errno) in
                    var ends = try kernel.makePipe()
                    guard calls.next() == place else { return ends }
                    close(place == 0 ? ends.writing : ends.reading)
                    if place == 0 { ends.writing = openFile() } else { ends.reading = openFile() }
                    return ends
                }
            }
        }
        try refuse { $0.openNull = { () throws(Errno) in throw refused } }
        try refuse { $0.duplicate = { _, _ throws(Errno) in throw refused } }
        try refuse { $0.spawn = { _ throws(Errno) in throw .resourceTemporarilyUnavailable } }
        try refuse { $0.openProcess = { _ throws(Errno) in throw refused } }
        try refuse { $0.openProcess = { _ throws(Errno) in openFile() } }
    }

    /// A start with changed calls fails, and leaves nothing behind.
    private static func refuse(_ change: (inout SpawnCalls) -> Void) throws {
        var syscalls = Syscalls.kernel
        change(&syscalls.spawning)
        try refuse(syscalls)
    }

    private static func refuse(_ syscalls: Syscalls) throws {
        let loop = try EpollLoop(syscalls: syscalls)
        let before = openDescriptorCount()
        let options = SubprocessOptions.with { $0.otherDescriptors = [7: .null, 8: .descriptor(2)] }
        #expect(throws: SubprocessError.self) {
            try loop.startProcess("/bin/cat", [], options) { ProcessRecorder() }
        }
        loop.settle()
        #expect(openDescriptorCount() == before)
        #expect(!hasChildren())
    }

    private static func openFile() -> CInt { unsafe open("/proc/self/exe", O_RDONLY | O_CLOEXEC) }

    /// Programs are started with ever more descriptors left.
    static func descriptorsRunOut() throws {
        let loop = try EpollLoop()
        // The runtime library opens what it waits by when it is first used, and does not survive a refusal.
        let isAwake = DispatchSemaphore(value: 0)
        DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(1)) { isAwake.signal() }
        isAwake.wait()
        // Every number below is taken, whatever this process has inherited.
        let highest = (0..<1_024).last { fcntl($0, F_GETFD) >= 0 } ?? 0
        while case let filler = dup(0), filler >= 0, filler < highest {}
        let before = openDescriptorCount()
        var started = 0
        for room in 0..<40 {
            limitDescriptors(to: Int(highest) + 2 + room)
            do {
                let recorder = ProcessRecorder()
                _ = try loop.startProcess("/bin/true", [], SubprocessOptions()) { recorder }
                started += 1
                loop.run(until: { recorder.isLost })
            } catch {
                #expect(error.errno == .tooManyOpenFiles)
            }
            limitDescriptors(to: 4_096)
            #expect(openDescriptorCount() == before)
            #expect(!hasChildren())
        }
        #expect(started > 0 && started < 40)
    }

    private static func limitDescriptors(to count: Int) {
        var limit = rlimit()
        // SAFETY: the calls read and write `limit` only.
        unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        limit.rlim_cur = rlim_t(count)
        unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    /// A thousand programs, eight at a time, as a service would have them: they end in any order.
    static func thousand() throws {
        let loop = try EpollLoop()
        let before = openDescriptorCount()
        var rights = 0
        for round in 0..<125 {
            var running: [(ProcessRecorder, ProcessTransport, ProcessTermination)] = []
            for place in 0..<8 {
                let recorder = ProcessRecorder()
                let status = CInt((round * 8 + place) % 256)
                let signal: Signal = place % 4 == 0 ? .kill : .terminate
                if place % 2 == 0 {
                    let transport = try loop.startProcess("/bin/cat", [], SubprocessOptions()) { recorder }
                    try transport.sendSignal(signal)
                    running.append((recorder, transport, .signaled(signal)))
                } else {
                    let transport = try loop.startProcess("/bin/sh", ["-c", "exit \(status)"], .nullStreams) {
                        recorder
                    }
                    running.append((recorder, transport, .exited(status)))
                }
            }
            loop.run(until: { running.allSatisfy { $0.0.isLost } })
            rights += running.count { $0.1.termination == $0.2 }
        }
        #expect(rights == 1_000)
        #expect(!hasChildren())
        #expect(openDescriptorCount() == before)
    }
}

/// Counts calls, on one thread.
private final class Counter: @unchecked Sendable {
    // True by the tests: one thread.
    private var count = 0

    func next() -> Int {
        count += 1
        return count - 1
    }
}
