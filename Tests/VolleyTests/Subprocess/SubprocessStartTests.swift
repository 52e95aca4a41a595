import CVolley
import Glibc
import SystemPackage
import Testing
import VolleyCore

@testable import Volley

/// How programs are started, and what is said when they cannot be.
@Suite("Starting a program", .timeLimit(.minutes(10)))
struct SubprocessStartTests {
    /// What a shell script writes, run to its end.
    private func output(of script: String, _ options: SubprocessOptions = SubprocessOptions()) throws -> String {
        let process = try SteppedProcess(shell: script, options)
        try? process.input.close()
        process.runToEnd()
        #expect(process.transport.termination == .exited(0))
        return process.recorder.text(1)
    }

    private func failure(
        _ program: String, _ arguments: [String] = [], _ options: SubprocessOptions = SubprocessOptions()
    ) throws -> SubprocessError? {
        #expect(throws: SubprocessError.self) { try SteppedProcess(program, arguments, options) }
    }

    @Test("S12: a new session has no part in this one's, a process group of its own is the program's")
    func sessions() throws {
        // session and process group of the shell itself: fields 6 and 5 of /proc/PID/stat (proc(5)).
        let script = "read a b c d group session rest < /proc/$$/stat; echo $$ $group $session"
        let plain = try output(of: script).split(whereSeparator: \.isWhitespace)
        #expect(plain[1] == "\(getpgrp())")
        #expect(plain[2] == "\(getsid(0))")
        let session = try output(of: script, .with { $0.startsNewSession = true }).split(whereSeparator: \.isWhitespace)
        #expect(session[0] == session[1] && session[1] == session[2])
        let group = try output(of: script, .with { $0.processGroup = 0 }).split(whereSeparator: \.isWhitespace)
        #expect(group[0] == group[1])
        #expect(group[2] == "\(getsid(0))")
    }

    @Test("S28: the environment is inherited, changed or replaced")
    func environment() throws {
        // Of this process's own, which must not be changed while other threads may read it.
        let names = System.environment.compactMap { String(decoding: $0, as: UTF8.self).split(separator: "=").first }
        try #require(names.contains("PATH"))
        let path = try #require(SubprocessEnvironment.value(of: "PATH", in: System.environment))
        let script = "echo \"${PATH-unset},$VOLLEY_TEST_NEW\""
        #expect(try output(of: script) == "\(path),\n")
        let changed = SubprocessOptions.with {
            $0.environment = .inherited(changing: ["VOLLEY_TEST_NEW": "a=b c", "PATH": "/bin:/usr/bin"])
        }
        #expect(try output(of: script, changed) == "/bin:/usr/bin,a=b c\n")
        let printed = "/usr/bin/env"
        for (environment, expected) in [
            (SubprocessEnvironment.only(["VOLLEY_TEST_NEW": "x", "A": ""]), "A=\nVOLLEY_TEST_NEW=x\n"),
            (.inherited(changing: Dictionary(uniqueKeysWithValues: Set(names).map { (String($0), nil) })), ""),
        ] {
            let process = try SteppedProcess(printed, [], .with { $0.environment = environment })
            process.runToEnd()
            #expect(process.recorder.text(1) == expected)
        }
    }

    @Test("S28: a program is found in PATH of its own environment, and by a path in its own directory")
    func lookup() throws {
        let folder = try ScratchFolder()
        try folder.write("tool", "#!/bin/sh\necho \"tool $*\"\n", mode: 0o755)
        for options in [
            SubprocessOptions.with { $0.environment = .only(["PATH": "/nowhere:\(folder.path)"]) },
            .with {
                // An empty folder in PATH is the working directory.
                $0.environment = .only(["PATH": "/nowhere:"])
                $0.workingDirectory = folder.path
            },
        ] {
            let process = try SteppedProcess("tool", ["a  b", "*"], options)
            process.runToEnd()
            #expect(process.recorder.text(1) == "tool a  b *\n")
        }
        let relative = try SteppedProcess("./tool", [], .with { $0.workingDirectory = folder.path })
        relative.runToEnd()
        #expect(relative.recorder.text(1) == "tool \n")
    }

    @Test("the program starts in its working directory, under the name it is given")
    func directoryAndName() throws {
        let folder = try ScratchFolder()
        #expect(try output(of: "pwd -P", .with { $0.workingDirectory = folder.path }) == folder.path + "\n")
        #expect(try output(of: "echo $0", .with { $0.argumentZero = "other" }).hasSuffix("\n"))
        let named = try SteppedProcess(
            "/bin/sh", ["-c", "tr '\\0' ' ' < /proc/$$/cmdline"],
            .with {
                $0.argumentZero = "other"
            })
        named.runToEnd()
        #expect(named.recorder.text(1).hasPrefix("other -c "))
    }

    @Test("a program gets duplicates of given descriptors, whatever their numbers, and no others")
    func givenDescriptors() throws {
        let folder = try ScratchFolder()
        var targets: [CInt: SubprocessStream] = [:]
        var descriptors: [CInt] = []
        defer { for descriptor in descriptors { close(descriptor) } }
        for name in ["a", "b"] {
            try folder.write(name, "file \(name)\n")
            descriptors.append(unsafe open(folder.path + "/" + name, O_RDONLY))
        }
        // Under the same number, although it is close-on-exec here.
        let kept = unsafe open(folder.path + "/a", O_RDONLY | O_CLOEXEC)
        descriptors.append(kept)
        targets[kept] = .inherited
        // Not close-on-exec, and not asked for: it must not be there either.
        let leaking = unsafe open("/dev/zero", O_RDONLY)
        descriptors.append(leaking)
        // Each under the other's number, which one dup2 after the other would not survive.
        targets[descriptors[0]] = .descriptor(descriptors[1])
        targets[descriptors[1]] = .descriptor(descriptors[0])
        let paths = descriptors.map { "/proc/self/fd/\($0)" }
        let script = "cat \(paths[0]) \(paths[1]) \(paths[2]); ls -l /proc/self/fd | grep -c /dev/zero"
        let process = try SteppedProcess(shell: script, .with { $0.otherDescriptors = targets })
        process.runToEnd()
        #expect(process.recorder.text(1) == "file b\nfile a\nfile a\n0\n")
        for descriptor in descriptors { #expect(fcntl(descriptor, F_GETFD) >= 0) }
    }

    @Test("a program's signals are as new: nothing is blocked, nothing ignored")
    func signals() throws {
        var set = sigset_t()
        var before = sigset_t()
        unsafe sigemptyset(&set)
        unsafe sigaddset(&set, SIGUSR1)
        unsafe pthread_sigmask(SIG_BLOCK, &set, &before)
        defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }
        let process = try SteppedProcess("grep", ["-E", "Sig(Blk|Ign)", "/proc/self/status"])
        process.runToEnd()
        let lines = process.recorder.text(1).split(separator: "\n")
        #expect(lines.count == 2)
        for line in lines {
            let mask = line.split(separator: "\t").last.flatMap { UInt64($0, radix: 16) }
            // 32 and 33 are the C library's own, which it has a program start with ignored.
            #expect(mask.map { $0 & ~(3 << 31) } == 0, "\(line)")
        }
    }

    @Test("no such program, not executable, no such directory and no interpreter are told apart")
    func errors() throws {
        let folder = try ScratchFolder()
        try folder.write("plain", "echo hello\n", mode: 0o644)
        try folder.write("script", "#!/nowhere/interpreter -x\n", mode: 0o755)
        try folder.write("text", "just text\n", mode: 0o755)
        let cases: [(String, SubprocessOptions, SubprocessError.Code, String)] = [
            ("/nowhere/program", .init(), .noSuchProgram, "no such file"),
            ("volley-no-such-program", .init(), .noSuchProgram, "PATH"),
            ("\(folder.path)/plain", .init(), .notExecutable, "chmod +x"),
            ("plain", .with { $0.environment = .only(["PATH": folder.path]) }, .notExecutable, "chmod +x"),
            (folder.path, .init(), .notExecutable, "directory"),
            ("\(folder.path)/script", .init(), .noSuchProgram, "/nowhere/interpreter"),
            ("\(folder.path)/text", .init(), .notExecutable, "#!"),
            ("/bin/true", .with { $0.workingDirectory = "/nowhere" }, .noSuchDirectory, "/nowhere does not exist"),
            (
                "/bin/true", .with { $0.workingDirectory = "\(folder.path)/plain" }, .noSuchDirectory,
                "is not a directory"
            ),
            ("", .init(), .invalidArgument, "name"),
        ]
        for (program, options, code, words) in cases {
            let error = try failure(program, [], options)
            #expect(error?.code == code, "\(program)")
            #expect(error?.message.contains(words) == true, "\(error?.description ?? "")")
        }
    }

    @Test("what C cannot be told is refused before anything is done")
    func badArguments() throws {
        let cases: [([String], SubprocessOptions, SubprocessError.Code)] = [
            (["a\0b"], .init(), .invalidArgument),
            ([], .with { $0.environment = .only(["A=B": "C"]) }, .invalidArgument),
            ([], .with { $0.environment = .only(["": "C"]) }, .invalidArgument),
            ([], .with { $0.environment = .inherited(changing: ["A": "x\0"]) }, .invalidArgument),
            ([], .with { $0.workingDirectory = "" }, .noSuchDirectory),
            ([], .with { $0.otherDescriptors = [2: .null] }, .invalidArgument),
            ([], .with { $0.otherDescriptors = [CInt.max: .null] }, .invalidArgument),
            ([], .with { $0.standardOutput = .standardOutput }, .invalidArgument),
            ([], .with { $0.processGroup = -1 }, .invalidArgument),
            ([], .with { $0.standardInput = .descriptor(9_999) }, .badDescriptor),
            ([], .with { $0.otherDescriptors = [3: .descriptor(-1)] }, .badDescriptor),
            ([String(repeating: "x", count: 4 << 20)], .init(), .invalidArgument),
        ]
        for (index, (arguments, options, code)) in cases.enumerated() {
            #expect(try failure("/bin/true", arguments, options)?.code == code, "case \(index)")
        }
    }

    @Test("S26: whatever fails while a program is started, no descriptor stays open and no child behind")
    func failuresLeakNothing() async {
        // In a process of its own, where nobody else opens descriptors or has children.
        await #expect(processExitsWith: .success) { try SpawnFailures.eachCallFails() }
    }

    @Test("S26: with any number of descriptors left, a program is started or nothing stays open")
    func descriptorsRunOut() async {
        await #expect(processExitsWith: .success) { try SpawnFailures.descriptorsRunOut() }
    }

    @Test("a protocol can start the next program when one has ended, on the loop itself")
    func fromTheLoop() throws {
        let loop = try LiveEventLoop()
        defer { loop.stop() }
        let output = SharedText()
        let first = try loop.startProcess("true") { Chain(output, on: loop) }
        #expect(first.waitUntilExited() == .exited(0))
        output.latch.wait()
        #expect(output.text == "second\n")
    }

    @Test("a started program is given up when its creation is overtaken by the loop's end")
    func stoppedLoop() throws {
        let loop = try LiveEventLoop()
        loop.stop()
        let error = #expect(throws: SubprocessError.self) { try loop.startShell("true") { ProcessRecorder() } }
        #expect(error?.code == .loopStopped)
    }
}

/// Starts another program when its own has ended.
private final class Chain: SubprocessProtocol {
    private let output: SharedText
    private let loop: LiveEventLoop

    init(_ output: SharedText, on loop: LiveEventLoop) {
        self.output = output
        self.loop = loop
    }

    func processExited() {
        do {
            let output = output
            _ = try loop.startProcess("echo", ["second"]) { Collector(output) }
        } catch {
            Issue.record(error)
            output.latch.open()
        }
    }
}

/// A folder of its own, gone with the test.
final class ScratchFolder {
    let path: String

    init() throws {
        var template = Array("/tmp/volley-process-XXXXXX".utf8CString)
        // SAFETY: mkdtemp changes the six letters in place.
        path = try unsafe template.withUnsafeMutableBufferPointer { template in
            guard let start = template.baseAddress, let name = unsafe mkdtemp(start) else {
                throw Errno(rawValue: errno)
            }
            return unsafe String(cString: name)
        }
    }

    deinit {
        for name in ["a", "b", "tool", "plain", "script", "text"] { unsafe unlink("\(path)/\(name)") }
        unsafe rmdir(path)
    }

    /// Writes a file, by a program: a descriptor of ours that is open for writing could be held for a moment by whatever
    /// another test starts, and a script so held cannot be executed (`ETXTBSY`).
    func write(_ name: String, _ text: String, mode: mode_t = 0o644) throws {
        let process = try SteppedProcess(shell: "cat > '\(path)/\(name)'")
        try process.input.write(text)
        try process.input.close()
        process.runToEnd()
        unsafe chmod("\(path)/\(name)", mode)
    }

    @Test("SIGCHLD is ignored: nothing is started, and the error says why")
    func ignoredChildren() async {
        await #expect(processExitsWith: .success) {
            signal(SIGCHLD, SIG_IGN)
            let loop = try LiveEventLoop()
            let error = #expect(throws: SubprocessError.self) {
                try loop.startShell("exit 7") { NothingNoted() }
            }
            guard error?.errno == .noChildProcess, "\(error as Any)".contains("SIGCHLD") else { exit(1) }
            signal(SIGCHLD, SIG_DFL)
            guard try loop.startShell("exit 7", { NothingNoted() }).waitUntilExited() == .exited(7) else { exit(2) }
        }
    }
}

/// Takes no notice.
private final class NothingNoted: SubprocessProtocol {}
