import Glibc
import Synchronization
import SystemPackage
import Testing
import VolleyCore

@testable import Volley

/// How programs end, and who is told when.
@Suite("A program's end", .timeLimit(.minutes(10)))
struct SubprocessEndTests {
    @Test("S1: an exit is told once, the status kept, later signals refused, and the transport is not closing")
    func exit() throws {
        let process = try SteppedProcess("/bin/sh", ["-c", "exit 6"], .nullStreams)
        #expect(process.transport.termination == nil)
        #expect(process.transport.returnCode == nil)
        #expect(process.transport.extraInfo("pid", default: 0) == process.transport.processID)
        #expect(process.transport.extraInfo("peername") == nil)
        process.runToEnd()
        #expect(process.recorder.events == ["made", "exited", "lost"])
        #expect(process.transport.termination == .exited(6))
        #expect(process.transport.returnCode == 6)
        #expect(!process.transport.isClosing)
        let error = #expect(throws: SubprocessError.self) { try process.transport.sendSignal(.terminate) }
        #expect(error?.code == .processEnded)
        #expect(error?.message.contains("status 6") == true)
        #expect(throws: SubprocessError.self) { try process.transport.kill() }
        #expect(throws: SubprocessError.self) { try process.transport.terminate() }
    }

    @Test("S6: the status is told of a program without pipes", arguments: [0, 1, 7, 255] as [CInt])
    func statusWithoutPipes(status: CInt) throws {
        let process = try SteppedProcess("/bin/sh", ["-c", "exit \(status)"], .nullStreams)
        process.runToEnd()
        #expect(process.transport.termination == .exited(status))
        #expect(process.transport.termination?.isSuccess == (status == 0))
    }

    @Test("S7: what is no pipe has no transport, and closing after the end does nothing")
    func closeAfterEnd() throws {
        let options = SubprocessOptions.with {
            $0.standardInput = .inherited
            $0.standardOutput = .null
            $0.standardError = .inherited
        }
        let process = try SteppedProcess("/bin/true", [], options)
        for number: CInt in -1...3 { #expect(process.transport.pipe(number) == nil) }
        process.runToEnd()
        process.transport.close()
        process.transport.close()
        process.loop.settle()
        #expect(process.recorder.events == ["made", "exited", "lost"])
        #expect(process.transport.termination == .exited(0))
    }

    @Test("S8: signals end a program, and its return code says which", arguments: [Signal.kill, .terminate, .hangup])
    func signals(signal: Signal) throws {
        let process = try SteppedProcess("/bin/cat")
        switch signal {
        case .kill: try process.transport.kill()
        case .terminate: try process.transport.terminate()
        default: try process.transport.sendSignal(signal)
        }
        process.runToEnd()
        #expect(process.transport.termination == .signaled(signal))
        #expect(process.transport.returnCode == -signal.rawValue)
        #expect(process.transport.termination?.status == nil)
    }

    @Test("S14: all data, all losses and the exit are told, in order for each descriptor")
    func eventsOfEachDescriptor() throws {
        let process = try SteppedProcess(shell: "echo out; echo err >&2", .with { $0.standardInput = .null })
        process.runToEnd()
        let events = process.recorder.events
        #expect(events.first == "made")
        #expect(events.last == "lost")
        #expect(events.sorted() == ["data 1", "data 2", "exited", "lost", "made", "pipe 1 lost", "pipe 2 lost"])
        for number in 1...2 {
            let data = try #require(events.firstIndex(of: "data \(number)"))
            let lost = try #require(events.firstIndex(of: "pipe \(number) lost"))
            #expect(data < lost)
        }
        #expect(process.recorder.text(1) == "out\n")
        #expect(process.recorder.text(2) == "err\n")
    }

    @Test("S16: the shell's own status is the status")
    func shellStatus() throws {
        let loop = try LiveEventLoop()
        defer { loop.stop() }
        let process = try loop.startShell("exit 7") { ProcessRecorder() }
        #expect(process.waitUntilExited() == .exited(7))
    }

    @Test(
        "S17: signals can be sent from any thread, through the handle", arguments: [Signal.kill, .terminate, .hangup])
    func signalsThroughTheHandle(signal: Signal) throws {
        let loop = try LiveEventLoop()
        defer { loop.stop() }
        let process = try loop.startProcess("cat") { ProcessRecorder() }
        switch signal {
        case .kill: try process.kill()
        case .terminate: try process.terminate()
        default: try process.sendSignal(signal)
        }
        #expect(process.waitUntilExited() == .signaled(signal))
        process.waitUntilClosed()
        let error = #expect(throws: SubprocessError.self) { try process.sendSignal(signal) }
        #expect(error?.code == .processEnded)
    }

    @Test("S17: signals can be sent from a task", arguments: [Signal.kill, .terminate, .hangup])
    func signalsFromATask(signal: Signal) async throws {
        let loop = try LiveEventLoop()
        defer { loop.stop() }
        let process = try await loop.startProcess("cat") { ProcessRecorder() }
        switch signal {
        case .kill: try await process.kill()
        case .terminate: try await process.terminate()
        default: try await process.sendSignal(signal)
        }
        #expect(await process.exited() == .signaled(signal))
        await process.closed()
        await #expect(throws: SubprocessError.self) { try await process.sendSignal(signal) }
        await #expect(throws: SubprocessError.self) { try await process.signalGroup(signal) }
    }

    @Test("S18: the end of a killed shell is told although a grandchild holds its pipe, which is lost later")
    func grandchildHoldsThePipe() throws {
        // The grandchild reads our pipe, so that its life is in the test's hands.
        let process = try SteppedProcess(shell: "exec 3<&0; cat <&3 & echo started; wait")
        process.run(until: { process.recorder.text(1) == "started\n" })
        try process.transport.kill()
        process.run(until: { process.recorder.hasExited })
        #expect(process.transport.termination == .signaled(.kill))
        #expect(!process.recorder.events.contains("pipe 1 lost"))
        #expect(!process.recorder.isLost)
        try process.input.write("still here")
        process.run(until: { process.recorder.text(1) == "started\nstill here" })
        try process.input.close()
        process.runToEnd()
    }

    @Test("S24: close() kills a program that runs")
    func closeKills() throws {
        let process = try SteppedProcess("/bin/cat")
        process.transport.close()
        #expect(process.transport.isClosing)
        process.transport.close()
        process.runToEnd()
        #expect(process.transport.termination == .signaled(.kill))
        #expect(
            process.recorder.events.sorted() == [
                "exited", "lost", "made", "pipe 0 lost", "pipe 1 lost", "pipe 2 lost",
            ])
    }

    @Test("S25: close() does not kill a program that has ended, but was not reaped yet, and keeps its status")
    func closeDoesNotKillTheFinished() throws {
        let signals = Mutex(0)
        var syscalls = Syscalls.kernel
        syscalls.spawning.signal = { pidfd, signal throws(Errno) in
            signals.withLock { $0 += 1 }
            try SpawnCalls.kernel.signal(pidfd, signal)
        }
        let process = try SteppedProcess("/bin/sh", ["-c", "exit 3"], syscalls: syscalls)
        awaitZombie(process.transport.processID)
        process.transport.close()
        process.runToEnd()
        #expect(process.transport.termination == .exited(3))
        #expect(signals.withLock { $0 } == 0)
        #expect(process.recorder.events.filter { $0 == "exited" }.count == 1)
    }

    @Test("S27: what a program has written can be read completely after its end")
    func outputAfterExit() throws {
        let recorder = ProcessRecorder()
        recorder.onMade = { $0.pipe(1)?.pauseReading() }
        recorder.onExited = { recorder.transport?.pipe(1)?.resumeReading() }
        // 40,000 bytes fit into the pipe, so the program can end before anything is read.
        let process = try SteppedProcess(
            shell: "head -c 40000 /dev/zero; exit 5", .with { $0.standardInput = .null }, recorder: recorder)
        process.runToEnd()
        #expect(recorder.output[1]?.count == 40_000)
        #expect(process.transport.termination == .exited(5))
        let events = recorder.events
        let exited = try #require(events.firstIndex(of: "exited"))
        let data = try #require(events.firstIndex(of: "data 1"))
        #expect(exited < data)
    }

    @Test("S29: ten that wait for the end get the same status, in tasks and in threads")
    func concurrentWaits() async throws {
        let loop = try LiveEventLoop()
        defer { loop.stop() }
        let process = try await loop.startProcess("/bin/sh", ["-c", "read line; exit 9"]) { ProcessRecorder() }
        let terminations = await withTaskGroup(of: ProcessTermination.self) { group in
            for _ in 0..<10 { group.addTask { await process.exited() } }
            process.execute { $0.pipe(0)?.write("go\n") }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(terminations == Array(repeating: .exited(9), count: 10))
        #expect(await process.exited() == .exited(9))
        #expect(process.waitUntilExited() == .exited(9))
        await process.closed()
    }

    @Test("S31: signals to a program that is ending reach nobody else, and its status is not lost")
    func signalRace() throws {
        for _ in 0..<50 {
            let process = try SteppedProcess("/bin/sh", ["-c", "exit 3"], .nullStreams)
            // First while it starts or runs, then while it is a zombie, then after it was reaped.
            while process.transport.termination == nil {
                try? process.transport.sendSignal(.hangup)
                process.loop.turn(waiting: false)
            }
            let termination = process.transport.termination
            #expect(termination == .exited(3) || termination == .signaled(.hangup))
            #expect(throws: SubprocessError.self) { try process.transport.sendSignal(.kill) }
        }
    }

    @Test("S31: a signal to a zombie is taken, changes nothing, and is refused once it was reaped")
    func signalToAZombie() throws {
        let process = try SteppedProcess("/bin/sh", ["-c", "exit 3"], .nullStreams)
        awaitZombie(process.transport.processID)
        try process.transport.kill()
        process.runToEnd()
        #expect(process.transport.termination == .exited(3))
        #expect(throws: SubprocessError.self) { try process.transport.kill() }
    }

    @Test("a signal to the group reaches what the program has started; a program without a group of its own has none")
    func groups() throws {
        for options in [SubprocessOptions.with { $0.processGroup = 0 }, .with { $0.startsNewSession = true }] {
            let process = try SteppedProcess(shell: "exec 3<&0; cat <&3 & echo started; wait", options)
            process.run(until: { process.recorder.text(1) == "started\n" })
            try process.transport.signalGroup(.terminate)
            // Of the shell and of what holds its pipes.
            process.runToEnd()
            #expect(process.transport.termination == .signaled(.terminate))
            let ended = #expect(throws: SubprocessError.self) { try process.transport.signalGroup(.terminate) }
            #expect(ended?.code == .processEnded)
        }
        let process = try SteppedProcess("cat")
        let error = #expect(throws: SubprocessError.self) { try process.transport.signalGroup(.terminate) }
        #expect(error?.code == .invalidArgument)
    }

    @Test("S34: what happens before all pipes are connected is told after connectionMade")
    func earlyEvents() throws {
        var syscalls = Syscalls.kernel
        syscalls.spawning.spawn = { request throws(Errno) in
            let process = try SpawnCalls.kernel.spawn(request)
            awaitZombie(process)
            return process
        }
        let process = try SteppedProcess(
            shell: "echo early; echo bad >&2", .with { $0.standardInput = .null }, syscalls: syscalls)
        #expect(process.recorder.events == ["made"])
        process.runToEnd()
        #expect(process.recorder.text(1) == "early\n")
        #expect(process.recorder.text(2) == "bad\n")
        #expect(process.recorder.events.first == "made")
        #expect(process.recorder.events.last == "lost")
    }

    @Test("S35: connectionLost waits for the exit although all pipes are lost")
    func lostAfterExit() throws {
        let process = try SteppedProcess(
            shell: "exec >&- 2>&-; read line", .with { $0.standardError = .standardOutput })
        process.run(until: { process.recorder.events.contains("pipe 1 lost") })
        try process.input.close()
        process.runToEnd()
        #expect(process.recorder.isLost)
        let exited = try #require(process.recorder.events.firstIndex(of: "exited"))
        let pipe = try #require(process.recorder.events.firstIndex(of: "pipe 1 lost"))
        #expect(pipe < exited)
        #expect(process.recorder.events.filter { $0 == "lost" }.count == 1)
    }

    @Test("S35: connectionLost waits for every pipe although the program has ended")
    func lostAfterPipes() throws {
        let recorder = ProcessRecorder()
        recorder.onMade = { $0.pipe(1)?.pauseReading() }
        let process = try SteppedProcess(shell: "echo late", .with { $0.standardInput = .null }, recorder: recorder)
        process.run(until: { recorder.hasExited && recorder.events.contains("pipe 2 lost") })
        process.loop.settle()
        #expect(!recorder.isLost)
        process.transport.pipe(1)?.resumeReading()
        process.runToEnd()
        #expect(recorder.events.suffix(3) == ["data 1", "pipe 1 lost", "lost"])
    }

    @Test("a status that somebody else has reaped is unknown, and the end is told all the same")
    func reapedByAnother() throws {
        let process = try SteppedProcess("/bin/sh", ["-c", "exit 3"], .nullStreams)
        var status: CInt = 0
        // SAFETY: the call only writes `status`.
        #expect(unsafe waitpid(process.transport.processID, &status, 0) == process.transport.processID)
        process.runToEnd()
        #expect(process.transport.termination == .unknown)
        #expect(process.transport.returnCode == 255)
    }

    @Test("a loop that stops ends any number of programs at once")
    func loopStopsWithMany() throws {
        let loop = try LiveEventLoop()
        let processes = try (0..<8).map { _ in try loop.startShell("cat; cat") { ProcessRecorder() } }
        loop.stop()
        for process in processes {
            #expect(process.waitUntilExited() == .signaled(.kill))
            process.waitUntilClosed()
        }
    }

    @Test("a loop that stops kills and reaps its programs, and tells everybody")
    func loopStops() throws {
        let loop = try LiveEventLoop()
        let process = try loop.startProcess("cat") { ProcessRecorder() }
        loop.stop()
        #expect(process.waitUntilExited() == .signaled(.kill))
        process.waitUntilClosed()
        #expect(kill(process.processID, 0) != 0)
        let error = #expect(throws: SubprocessError.self) { try process.terminate() }
        #expect(error?.code == .loopStopped)
        #expect(throws: SubprocessError.self) { try loop.startProcess("true") { ProcessRecorder() } }
    }
}
