internal import CVolley
internal import SystemPackage
internal import VolleyCore

/// How programs are started, on the loop's own thread.
extension EpollLoop {
    /// Starts a program; its protocol has been told when this returns.
    func startProcess(
        _ program: String, _ arguments: [String], _ options: SubprocessOptions,
        _ makeProtocol: () -> any SubprocessProtocol
    ) throws(SubprocessError) -> ProcessTransport {
        let calls = syscalls.spawning
        let environment = try options.environment.entries(inheriting: System.environment)
        let lookup = ProgramLookup(
            program: program, searchPath: SubprocessEnvironment.value(of: "PATH", in: environment),
            workingDirectory: options.workingDirectory)
        var request = SpawnRequest(
            path: try lookup.path(), arguments: [options.argumentZero ?? program] + arguments, environment: environment,
            workingDirectory: options.workingDirectory, startsNewSession: options.startsNewSession,
            processGroup: options.processGroup)
        try request.check()
        guard volley_keeps_children() != 0 else {
            throw SubprocessError(
                .systemCall,
                "SIGCHLD is ignored in this process, which leaves nobody to learn how \(program) ends: set it to SIG_DFL",
                errno: .noChildProcess)
        }
        var descriptors = ChildDescriptors(calls)
        try descriptors.open(options, for: &request)

        let process: CInt
        do throws(Errno) { process = try calls.spawn(request) } catch {
            throw lookup.explain(error, path: request.path)
        }
        let transport = try adopt(process, leadsGroup: options.leadsGroup, calls)
        do throws(StreamError) {
            for pipe in descriptors.pipes {
                descriptors.take(pipe)
                try transport.connect(pipe, limits: options.writeBufferLimits)
            }
        } catch {
            transport.abandon()
            throw SubprocessError(
                .systemCall, "cannot set up the pipes of \(program), which was ended again", errno: error.errno)
        }
        transport.begin(makeProtocol())
        return transport
    }

    /// Makes a transport of a child, or ends it: nobody else knows of it.
    private func adopt(
        _ process: CInt, leadsGroup: Bool, _ calls: SpawnCalls
    ) throws(SubprocessError) -> ProcessTransport {
        let pidfd: CInt
        do throws(Errno) {
            pidfd = try calls.openProcess(process)
        } catch {
            // Whoever is gone was reaped by somebody else, and the number may be another's.
            guard error != .noSuchProcess else {
                throw SubprocessError(
                    .systemCall, "process \(process) has ended, and was waited for by somebody else", errno: error)
            }
            SpawnCalls.abandon(process)
            throw SubprocessError(
                .systemCall, "cannot open a pidfd for process \(process), which was ended again", errno: error)
        }
        do throws(DatagramError) {
            return try ProcessTransport(process, pidfd: pidfd, leadsGroup: leadsGroup, on: self)
        } catch {
            SpawnCalls.abandon(process)
            System.close(pidfd)
            throw SubprocessError(
                .systemCall, "cannot wait for process \(process) (epoll), which was ended again", errno: error.errno)
        }
    }
}

extension SubprocessOptions {
    fileprivate var leadsGroup: Bool { startsNewSession || processGroup == 0 }
}

extension SpawnRequest {
    /// Refuses what C cannot be told.
    func check() throws(SubprocessError) {
        for (index, argument) in arguments.enumerated() where argument.hasZero {
            throw SubprocessError(.invalidArgument, "argument \(index) has a zero byte: \"\(argument)\"")
        }
        if let workingDirectory, workingDirectory.isEmpty || workingDirectory.hasZero {
            throw SubprocessError(
                .noSuchDirectory, "a working directory has a name, without zero bytes: \"\(workingDirectory)\"")
        }
        if let processGroup, processGroup < 0 || startsNewSession {
            throw SubprocessError(
                .invalidArgument, "a process group is 0 or more, and not to be had together with a new session")
        }
    }
}
